//! The `apt` module.

mod deb;
pub mod index;
mod installed;
mod selection;
mod transaction;
mod version;
mod wanted;

use std::path::PathBuf;

use module::{Action, Arguments, Choices, Documented, Example, Failure, Host, Returned};
use protocol::{JsonMap, Response};

use index::Retries;
use installed::Installed;
use selection::Selection;
use transaction::Transaction;
use wanted::Wanted;

/// Installs, updates and removes packages of Debian and its relatives.
///
/// What is installed is read from dpkg's own file, so that a package which is there costs no
/// program; all packages of a task are installed by one run of `apt-get`. A package that another
/// one stands in for (`awk` by `mawk`) is taken as installed. `aptitude` is never used.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(["deb", "name", "upgrade"]))]
pub struct Apt {
    /// Packages: `name`, `name=1.2*`, `name>=1.2`, `name:arch`, patterns of names, and `*` for all
    /// with `latest`.
    #[argument(aliases("package", "pkg"))]
    name: Option<Vec<String>>,
    /// What should be: `build-dep` installs what is needed to build a package, `fixed` repairs
    /// broken dependencies.
    #[argument(default = "present")]
    state: State,
    /// Whether apt's index is updated first. Left out: where `cache_valid_time` is given.
    #[argument(aliases("update-cache"))]
    update_cache: Option<bool>,
    /// How often a failed update is tried again.
    #[argument(default = 5)]
    update_cache_retries: u32,
    /// Seconds that are waited between two tries at most; waits double from one second on.
    #[argument(default = 12)]
    update_cache_retry_max_delay: u32,
    /// Seconds for which an index is new enough.
    #[argument(default = 0)]
    cache_valid_time: u64,
    /// Whether configuration goes with removed packages.
    #[argument(default = false)]
    purge: bool,
    /// Release whose versions are preferred.
    #[argument(aliases("default-release"))]
    default_release: Option<String>,
    /// Whether recommended packages are installed; apt's own setting where it is left out.
    #[argument(aliases("install-recommends"))]
    install_recommends: Option<bool>,
    /// Whether everything is forced: unsigned packages, older versions. It can break a system.
    #[argument(default = false)]
    force: bool,
    /// Whether packages without a valid signature are installed.
    #[argument(default = false, aliases("allow-unauthenticated"))]
    allow_unauthenticated: bool,
    /// Whether an older version may take the place of a newer one.
    #[argument(
        default = false,
        aliases("allow-downgrade", "allow_downgrades", "allow-downgrades")
    )]
    allow_downgrade: bool,
    /// Whether packages on hold may change.
    #[argument(default = false)]
    allow_change_held_packages: bool,
    /// Whether all packages are upgraded: `yes` and `safe` remove nothing, `full` and `dist` may.
    #[argument(default = "no")]
    upgrade: Upgrade,
    /// Options for dpkg, with commas between them.
    #[argument(default = "force-confdef,force-confold")]
    dpkg_options: String,
    /// Package files on the host, with commas between them, or addresses of such. Of an address
    /// no more is read than what says whether it is installed; only then is it fetched.
    deb: Option<String>,
    /// Whether packages are removed that nothing needs any more.
    #[argument(default = false)]
    autoremove: bool,
    /// Whether package files are removed that can no longer be fetched.
    #[argument(default = false)]
    autoclean: bool,
    /// Whether all package files are removed from apt's cache.
    #[argument(default = false)]
    clean: bool,
    /// Exit status of `/usr/sbin/policy-rc.d` meanwhile; 101 keeps services from starting.
    policy_rc_d: Option<u8>,
    /// Whether only packages are upgraded that are there.
    #[argument(default = false)]
    only_upgrade: bool,
    /// Whether the task fails where packages would have to be removed.
    #[argument(default = false)]
    fail_on_autoremove: bool,
    /// Kept for old playbooks: `apt-get` is used in any case.
    #[argument(default = false)]
    #[expect(dead_code, reason = "there is nothing else than apt-get to be forced away from")]
    force_apt_get: bool,
    /// Seconds that others may hold dpkg's lock.
    #[argument(default = 60)]
    lock_timeout: u32,
}

/// What should be of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
pub enum State {
    Absent,
    #[choice("build-dep")]
    BuildDep,
    Latest,
    Present,
    Fixed,
}

/// What is done about all packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Upgrade {
    Dist,
    Full,
    No,
    Safe,
    Yes,
}

impl Documented for Apt {
    const NAME: &'static str = "ansible.builtin.apt";
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A package", args: r#"{"name": "mawk"}"# },
        Example {
            title: "Several, with a new index",
            args: r#"{"name": ["mawk", "sed"], "update_cache": true, "cache_valid_time": 3600}"#,
        },
        Example {
            title: "None, and nothing left of it",
            args: r#"{"name": "sl", "state": "absent", "purge": true}"#,
        },
        Example { title: "All", args: r#"{"upgrade": "dist"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("cache_updated", "Whether the index was updated.", "with packages", "true"),
        Returned::new(
            "cache_update_time",
            "When it was, in seconds since 1970.",
            "with packages",
            "1795234942",
        ),
        Returned::new("stdout", "What apt-get wrote.", "when run", r#""Reading package lists...""#),
        Returned::new("stderr", "What it complained about.", "when run", r#""""#),
    ];
}

/// The index before and after its update.
#[derive(Clone, Copy, Default)]
struct Cache {
    updated: bool,
    /// Seconds since 1970; 0 where nobody looked.
    update_time: u64,
}

/// What is left to do once the index is as it should be.
enum Work {
    Nothing(Box<Response>),
    Run(Transaction, Follow),
}

/// What is made of a run's answer.
enum Follow {
    /// The return values of packages.
    Packages {
        wanted: Vec<Wanted>,
        has_cache: bool,
    },
    /// What apt says is the message too.
    Upgrade,
    Cleaning {
        changes_if: Option<&'static str>,
    },
}

// What is to be done is worked out once, where it is done: there is no guard.
impl Action for Apt {
    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        if self.clean && !self.has_more_than_cleaning() {
            let transaction = Transaction { verb: "clean", ..Transaction::default() };
            let response = transaction.simulate(host)?;
            return Ok(Self::followed(
                response,
                &Follow::Cleaning { changes_if: None },
                Cache::default(),
            ));
        }
        let mut cache = self.current_cache(host)?;
        cache.updated = self.wants_update() && index::is_stale(host, self.cache_valid_time)?;
        match self.work(host, cache)? {
            Work::Nothing(response) => Ok(*response),
            Work::Run(transaction, follow) => {
                let response =
                    transaction.simulate(host).map_err(|failure| with_cache(failure, cache))?;
                Ok(Self::followed(response, &follow, cache))
            }
        }
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let mut cache = self.current_cache(host)?;
        if self.wants_update() && index::is_stale(host, self.cache_valid_time)? {
            index::update(host, self.retries(), &self.index_options())?;
            let updated = index::updated_secs(host)?;
            cache = Cache { updated: updated != cache.update_time, update_time: updated };
        }
        if self.clean {
            let transaction = Transaction { verb: "clean", ..self.transaction("clean") };
            let response = transaction.execute(host)?;
            if !self.has_more_than_cleaning() {
                return Ok(Self::followed(response, &Follow::Cleaning { changes_if: None }, cache));
            }
        }
        let Some(list) = &self.deb else {
            let work = self.work(host, cache)?;
            return self.carry_out(work, host, cache);
        };
        let mut folders = Vec::new();
        let ended = self
            .fetch(host, list, &mut folders)
            .and_then(|paths| self.work_of_files(host, &paths, cache))
            .and_then(|work| self.carry_out(work, host, cache));
        for folder in folders {
            // What stays of a download harms nobody.
            let _ = host.remove_dir_all(&folder);
        }
        ended
    }
}

fn with_cache(failure: Failure, cache: Cache) -> Failure {
    failure.with("cache_updated", cache.updated).with("cache_update_time", cache.update_time)
}

impl Apt {
    fn wants_update(&self) -> bool {
        self.update_cache.unwrap_or(self.cache_valid_time > 0)
    }

    fn has_more_than_cleaning(&self) -> bool {
        self.name.is_some() || self.upgrade != Upgrade::No || self.deb.is_some()
    }

    fn retries(&self) -> Retries {
        Retries {
            count: self.update_cache_retries,
            delay_max_secs: self.update_cache_retry_max_delay,
        }
    }

    fn index_options(&self) -> Vec<String> {
        vec!["-o".into(), format!("DPkg::Lock::Timeout={}", self.lock_timeout)]
    }

    fn current_cache(&self, host: &dyn Host) -> Result<Cache, Failure> {
        Ok(Cache { updated: false, update_time: index::updated_secs(host)? })
    }

    /// The packages of the task; `None` where it has none.
    fn packages(&self) -> Result<Option<Vec<Wanted>>, Failure> {
        let Some(names) = &self.name else { return Ok(None) };
        let names =
            names.iter().map(|name| name.trim()).filter(|name| !name.is_empty() && *name != "*");
        let wanted: Result<Vec<Wanted>, Failure> = names.map(Wanted::parse).collect();
        wanted.map(Some)
    }

    fn wants_all(&self) -> bool {
        let has_star = |names: &Vec<String>| names.iter().any(|name| name.trim() == "*");
        self.name.as_ref().is_some_and(has_star) && self.state == State::Latest
    }

    /// A run with the options that all runs of this task have.
    fn transaction(&self, verb: &'static str) -> Transaction {
        let mut options: Vec<String> = Vec::new();
        for option in
            self.dpkg_options.split(',').map(str::trim).filter(|option| !option.is_empty())
        {
            options.extend(["-o".into(), format!("Dpkg::Options::=--{option}")]);
        }
        let mut flag = |is_set: bool, name: &str| {
            if is_set {
                options.push(name.to_owned());
            }
        };
        let installs = verb != "remove";
        flag(self.force, "--force-yes");
        flag(self.autoremove && verb != "build-dep" && verb != "autoremove", "--auto-remove");
        flag(self.fail_on_autoremove && installs, "--no-remove");
        flag(self.only_upgrade && installs, "--only-upgrade");
        flag(self.state == State::Fixed, "--fix-broken");
        flag(self.purge && (!installs || verb == "autoremove"), "--purge");
        flag(self.allow_unauthenticated && installs, "--allow-unauthenticated");
        flag(self.allow_downgrade && installs, "--allow-downgrades");
        flag(self.allow_change_held_packages, "--allow-change-held-packages");
        if installs {
            if let Some(release) = &self.default_release {
                options.extend(["-t".into(), release.clone()]);
            }
            if let Some(wanted) = self.install_recommends {
                options.extend([
                    "-o".into(),
                    format!("APT::Install-Recommends={}", if wanted { "yes" } else { "no" }),
                ]);
            }
        }
        Transaction {
            verb,
            options,
            packages: Vec::new(),
            lock_timeout_secs: self.lock_timeout,
            policy_rc_d: self.policy_rc_d,
        }
    }

    /// Works out what `apt-get` has to do.
    fn work(&self, host: &dyn Host, cache: Cache) -> Result<Work, Failure> {
        if self.upgrade != Upgrade::No || self.wants_all() {
            let is_full = matches!(self.upgrade, Upgrade::Dist | Upgrade::Full);
            let verb = if is_full { "dist-upgrade" } else { "upgrade" };
            if self.wants_all() && self.packages()?.is_some_and(|packages| !packages.is_empty()) {
                return Err(Failure::new(
                    "unable to install additional packages when upgrading all installed packages",
                ));
            }
            let mut transaction = self.transaction(verb);
            if !is_full {
                transaction.options.push("--with-new-pkgs".into());
            }
            return Ok(Work::Run(transaction, Follow::Upgrade));
        }
        if let Some(list) = &self.deb {
            return self.work_of_files(host, list, cache);
        }
        let packages = self.packages()?;
        match packages {
            Some(packages) if !packages.is_empty() => self.work_of_packages(host, packages, cache),
            _ if self.state == State::Fixed => {
                let follow = Follow::Packages { wanted: Vec::new(), has_cache: true };
                Ok(Work::Run(self.transaction("install"), follow))
            }
            _ if self.autoclean => {
                let follow = Follow::Cleaning { changes_if: Some("Del ") };
                Ok(Work::Run(self.transaction("autoclean"), follow))
            }
            _ if self.autoremove => {
                let changes_if = Some("The following packages will be REMOVED");
                Ok(Work::Run(self.transaction("autoremove"), Follow::Cleaning { changes_if }))
            }
            _ => Ok(Work::Nothing(Box::new(idle(cache, cache.updated)))),
        }
    }

    fn work_of_packages(
        &self,
        host: &dyn Host,
        wanted: Vec<Wanted>,
        cache: Cache,
    ) -> Result<Work, Failure> {
        let selection = Selection {
            state: self.state,
            only_upgrade: self.only_upgrade,
            purge: self.purge,
            default_release: self.default_release.as_deref(),
        };
        let (verb, has_cache) = match self.state {
            State::Absent => ("remove", false),
            State::BuildDep => ("build-dep", true),
            _ => ("install", true),
        };
        let installed = Installed::read(host)?;
        let packages = selection.select(host, &installed, &wanted).map_err(|failure| {
            // As Ansible has it, an unknown name goes without them.
            if failure.msg.starts_with("No package") { failure } else { with_cache(failure, cache) }
        })?;
        if packages.is_empty() && self.state != State::Fixed {
            let response = if has_cache { idle(cache, false) } else { Response::default() };
            return Ok(Work::Nothing(Box::new(response)));
        }
        let transaction = Transaction { packages, ..self.transaction(verb) };
        Ok(Work::Run(transaction, Follow::Packages { wanted, has_cache }))
    }

    fn work_of_files(&self, host: &dyn Host, list: &str, cache: Cache) -> Result<Work, Failure> {
        let installed = Installed::read(host)?;
        let mut packages = Vec::new();
        for path in list.split(',').map(str::trim).filter(|path| !path.is_empty()) {
            let file = match deb::is_address(path) {
                true => deb::DebFile::peek(host, path)?,
                false => deb::DebFile::read(host, path)?,
            };
            if file.is_wanted(&installed, self.allow_downgrade || self.force)? {
                packages.push(file.path);
            }
        }
        if packages.is_empty() {
            return Ok(Work::Nothing(Box::new(idle(cache, false))));
        }
        if packages.iter().any(|path| deb::is_address(path)) {
            // A check run, which has nothing that `apt-get` could try.
            let response = Response { changed: true, ..idle(cache, false) };
            return Ok(Work::Nothing(Box::new(response)));
        }
        let transaction = Transaction { packages, ..self.transaction("install") };
        Ok(Work::Run(transaction, Follow::Packages { wanted: Vec::new(), has_cache: true }))
    }

    /// Fetches those files of a list that have an address and are not installed. Returns the list
    /// with their paths; the folders that they are in are the caller's to remove.
    fn fetch(
        &self,
        host: &mut dyn Host,
        list: &str,
        folders: &mut Vec<PathBuf>,
    ) -> Result<String, Failure> {
        let installed = Installed::read(host)?;
        let mut paths = Vec::new();
        for path in list.split(',').map(str::trim).filter(|path| !path.is_empty()) {
            if !deb::is_address(path) {
                paths.push(path.to_owned());
                continue;
            }
            let may_downgrade = self.allow_downgrade || self.force;
            // apt's own way reaches servers that this one does not.
            if let Ok(file) = deb::DebFile::peek(host, path)
                && !file.is_wanted(&installed, may_downgrade)?
            {
                continue;
            }
            let (folder, path) = deb::fetch(host, path)?;
            folders.push(folder);
            paths.push(path);
        }
        Ok(paths.join(","))
    }

    /// Has `apt-get` do what is to be done, and looks whether it did.
    fn carry_out(
        &self,
        work: Work,
        host: &mut dyn Host,
        cache: Cache,
    ) -> Result<Response, Failure> {
        let (transaction, follow) = match work {
            Work::Nothing(response) => return Ok(*response),
            Work::Run(transaction, follow) => (transaction, follow),
        };
        let response = transaction.execute(host).map_err(|failure| with_cache(failure, cache))?;
        if let Follow::Packages { wanted, .. } = &follow {
            self.look_again(host, wanted)?;
        }
        Ok(Self::followed(response, &follow, cache))
    }

    /// Whether the packages are as they should be once apt has ended well.
    fn look_again(&self, host: &dyn Host, wanted: &[Wanted]) -> Result<(), Failure> {
        let installed = Installed::read(host)?;
        for one in wanted.iter().filter(|one| !one.is_pattern()) {
            let found = installed.get(one);
            let broken = match self.state {
                State::Absent => found.is_some(),
                State::Present | State::Latest if !self.only_upgrade => match found {
                    Some(package) => !one.accepts(&package.version),
                    None => !installed.is_provided(&one.name),
                },
                _ => false,
            };
            if broken {
                return Err(Failure::new(format!(
                    "apt-get ended well, but {} is not {}",
                    one.text, self.state
                )));
            }
        }
        Ok(())
    }

    fn followed(mut response: Response, follow: &Follow, cache: Cache) -> Response {
        let stdout = |response: &Response| {
            response
                .returned
                .get("stdout")
                .and_then(|text| text.as_str())
                .unwrap_or_default()
                .to_owned()
        };
        match follow {
            Follow::Packages { has_cache: true, .. } => insert_cache(&mut response.returned, cache),
            Follow::Packages { .. } => {}
            Follow::Upgrade => response.msg = Some(stdout(&response)),
            Follow::Cleaning { changes_if } => {
                let said = stdout(&response);
                response.changed = changes_if.is_none_or(|words| said.contains(words));
                if changes_if.is_none() {
                    response.msg = Some(said);
                }
            }
        }
        response
    }
}

fn insert_cache(returned: &mut JsonMap, cache: Cache) {
    returned.insert("cache_updated".into(), cache.updated.into());
    returned.insert("cache_update_time".into(), cache.update_time.into());
}

/// What is answered where there is nothing for apt-get to do.
fn idle(cache: Cache, changed: bool) -> Response {
    let mut response = Response { changed, ..Response::default() };
    insert_cache(&mut response.returned, cache);
    response
}

#[cfg(test)]
mod tests;
