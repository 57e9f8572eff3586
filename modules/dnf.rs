//! The `dnf` module, which is also called `dnf5` and `yum`.

mod listing;
mod transaction;
mod wanted;

use module::{Action, Arguments, Choices, Documented, Example, Failure, Host, Returned};
use protocol::Response;

use transaction::{Grouped, Transaction};
use wanted::{Standing, Wanted};

/// Installs, updates and removes packages of Fedora, Red Hat and their relatives.
///
/// `dnf` itself is run (of version 4 or 5, or `yum` where there is no other), and no Python is
/// needed. What rpm says to be installed costs no run. What has changed is read from rpm before and
/// after, so that it never depends on what `dnf` writes.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(["name", "list"], ["autoremove", "list"], ["best", "nobest"]))]
pub struct Dnf {
    /// Packages: `name`, `name-1.2`, `name >= 1.2`, patterns of names, `@group`, `@module:stream`,
    /// files and addresses of packages; `*` for all with `latest`.
    #[argument(default = [], aliases("pkg"))]
    name: Vec<String>,
    /// What should be; `present` where it is left out, and `absent` with `autoremove`.
    state: Option<State>,
    /// What is listed instead: `installed`, `updates`, `available`, `repos`, or a package.
    list: Option<String>,
    /// Repositories that are used besides.
    #[argument(default = [])]
    enablerepo: Vec<String>,
    /// Repositories that are not used.
    #[argument(default = [])]
    disablerepo: Vec<String>,
    /// Another file of settings.
    conf_file: Option<String>,
    /// Whether packages are taken without a signature.
    #[argument(default = false)]
    disable_gpg_check: bool,
    /// Folder of another system that is worked on.
    #[argument(default = "/")]
    installroot: String,
    /// Release whose packages are installed.
    releasever: Option<String>,
    /// Whether packages are removed that nothing needs any more.
    #[argument(default = false)]
    autoremove: bool,
    /// Whether the best versions are insisted on; dnf's own setting where it is left out.
    best: Option<bool>,
    /// Whether versions that are not the best will do.
    nobest: Option<bool>,
    /// Whether only what mends faults is taken with `latest`.
    #[argument(default = false)]
    bugfix: bool,
    /// Whether only what is in the cache is used.
    #[argument(default = false)]
    cacheonly: bool,
    /// Whose excludes are disregarded: `all`, `main` or a repository.
    disable_excludes: Option<String>,
    /// Plugins that are not used.
    #[argument(default = [])]
    disable_plugin: Vec<String>,
    /// Plugins that are used besides.
    #[argument(default = [])]
    enable_plugin: Vec<String>,
    /// Folder for packages that are only downloaded.
    download_dir: Option<String>,
    /// Whether packages are only downloaded.
    #[argument(default = false)]
    download_only: bool,
    /// Packages that are left alone.
    #[argument(default = [])]
    exclude: Vec<String>,
    /// Whether packages that are only recommended come too.
    #[argument(default = true)]
    install_weak_deps: bool,
    /// Kept for old playbooks.
    #[argument(default = true)]
    #[expect(dead_code, reason = "no program repoquery is needed")]
    install_repoquery: bool,
    /// Kept for old playbooks: dnf itself waits for others.
    #[argument(default = 30)]
    #[expect(dead_code, reason = "dnf waits for its lock itself")]
    lock_timeout: i64,
    /// Whether only what is of importance for safety is taken with `latest`.
    #[argument(default = false)]
    security: bool,
    /// Whether packages that cannot be had are passed over.
    #[argument(default = false)]
    skip_broken: bool,
    /// Whether servers must prove who they are.
    #[argument(default = true)]
    sslverify: bool,
    /// Whether the servers that packages come from by address must prove who they are.
    #[argument(default = true)]
    validate_certs: bool,
    /// Whether dnf's metadata is fetched anew first.
    #[argument(default = false, aliases("expire-cache"))]
    update_cache: bool,
    /// Whether `latest` updates only what is there.
    #[argument(default = false)]
    update_only: bool,
    /// Whether an older version may take the place of a newer one.
    #[argument(default = false)]
    allow_downgrade: bool,
    /// Whether packages that are in the way may be removed.
    #[argument(default = false)]
    allowerasing: bool,
    /// Which program is used.
    #[argument(default = "auto", aliases("use"))]
    use_backend: Backend,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Absent,
    Present,
    Installed,
    Removed,
    Latest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Backend {
    Auto,
    Dnf,
    Dnf4,
    Dnf5,
    Yum,
    Yum4,
}

impl Documented for Dnf {
    const NAME: &'static str = "ansible.builtin.dnf";
    const ALIASES: &'static [&'static str] =
        &["dnf5", "ansible.builtin.dnf5", "yum", "ansible.builtin.yum"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A package", args: r#"{"name": "httpd"}"# },
        Example { title: "All, as they are today", args: r#"{"name": "*", "state": "latest"}"# },
        Example { title: "None", args: r#"{"name": ["sl", "fortune"], "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("results", "What came and went.", "always", r#"["Installed: a-1-1.x86_64"]"#),
        Returned::new("rc", "Whether it went well.", "always", "0"),
    ];
}

/// What is done in one task.
#[derive(Default)]
struct Plan {
    /// The runs of dnf, one after another.
    runs: Vec<Transaction>,
    /// What is said of names that nothing is done for.
    notes: Vec<String>,
}

/// What is said where a check run would change something.
const WOULD: &str = "Check mode: No changes made, but would have if not in check mode";

impl Dnf {
    fn plan(&self, host: &dyn Host) -> Result<Plan, Failure> {
        let tool = transaction::tool(self, host)?;
        let mut plan = Plan::default();
        let state = match (self.state, self.autoremove) {
            (Some(State::Absent | State::Removed), _) | (None, true) => State::Absent,
            (Some(other), true) => {
                return Err(Failure::new(format!(
                    "Autoremove should be used alone or with state=absent, got: {other}"
                )));
            }
            (Some(State::Latest), _) => State::Latest,
            _ => State::Present,
        };
        let names = wanted::names(&self.name);
        if state == State::Absent {
            return self.plan_removal(host, &tool, &names);
        }
        let is_latest = state == State::Latest;
        if is_latest && names.iter().any(|one| one.text == "*") {
            plan.runs.push(Transaction::of(self, &tool, "upgrade", Vec::new()));
            return Ok(plan);
        }
        let (mut missing, mut there, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for one in &names {
            let text = one.text.clone();
            if let Some(file) = one.file() {
                plan.notes.push(format!("Installed {text}"));
                if self.allow_downgrade || !wanted::is_file_older(host, &self.installroot, file)? {
                    missing.push(file.to_owned());
                }
                continue;
            }
            if one.is_group() {
                match is_latest && transaction::is_group_there(self, &tool, host, &text)? {
                    true => groups.push(text.trim_start_matches('@').to_owned()),
                    false => missing.push(text),
                }
                continue;
            }
            let standing = one.standing(host, &self.installroot, &|spec, kind| {
                Transaction::ask(self, &tool, host, spec, kind)
            })?;
            match standing {
                Standing::There if is_latest || self.update_only => there.push(text),
                Standing::There => {}
                _ if self.update_only => plan.notes.push(format!(
                    "Packages providing {text} not installed due to update_only specified"
                )),
                Standing::Newer if !self.allow_downgrade => {}
                Standing::Newer | Standing::Missing => missing.push(text),
            }
        }
        for (verb, packages) in
            [("install", missing), ("upgrade", there), ("group upgrade", groups)]
        {
            if !packages.is_empty() {
                plan.runs.push(Transaction::of(self, &tool, verb, packages));
            }
        }
        Ok(plan)
    }

    fn plan_removal(
        &self,
        host: &dyn Host,
        tool: &transaction::Tool,
        names: &[Wanted],
    ) -> Result<Plan, Failure> {
        if names.iter().any(|one| one.file().is_some()) {
            return Err(Failure::new("Cannot remove paths -- please specify package name."));
        }
        let mut plan = Plan::default();
        let (mut there, mut modules) = (Vec::new(), Vec::new());
        for one in names {
            let text = one.text.clone();
            if one.is_group() {
                match transaction::grouped(self, tool, host, &text)? {
                    Grouped::EnabledModule(module) => modules.push(module),
                    Grouped::Unknown => {
                        let bare = text.trim_start_matches('@');
                        return Err(Failure::new(format!("No group {bare} available.")));
                    }
                    Grouped::Group | Grouped::Module => {}
                }
                there.push(text);
            } else if one.is_there(host, &self.installroot)? {
                there.push(text);
            } else {
                plan.notes.push(format!("No match for argument: {text}"));
            }
        }
        for (verb, packages, is_wanted) in [
            ("remove", there, false),
            ("module reset", modules, false),
            ("autoremove", Vec::new(), self.autoremove),
        ] {
            if is_wanted || !packages.is_empty() {
                plan.runs.push(Transaction::of(self, tool, verb, packages));
            }
        }
        Ok(plan)
    }

    fn done(&self, is_check: bool, changed: bool, results: Vec<String>) -> Response {
        let mut response = Response { changed, ..Response::default() };
        response.msg = Some(match changed {
            true if is_check => WOULD.into(),
            true => String::new(),
            false if self.update_cache && self.name.is_empty() => "Cache updated".into(),
            false => "Nothing to do".into(),
        });
        response.returned.insert("results".into(), results.into());
        response.returned.insert("rc".into(), 0.into());
        response
    }

    /// Refuses what cannot be meant.
    fn refuse_odd(&self, host: &dyn Host) -> Result<(), Failure> {
        if let Some(file) = &self.conf_file
            && host.metadata(file.as_ref())?.is_none()
        {
            return Err(Failure::new(format!("cannot read configuration file {file}")));
        }
        if !self.validate_certs
            && self.name.iter().any(|name| name.contains("://"))
            && self.sslverify
        {
            return Err(Failure::new(
                "validate_certs: false is not implemented for addresses of packages alone; sslverify: false is for all of dnf",
            ));
        }
        for Wanted { text, .. } in wanted::names(&self.name) {
            if text.starts_with('-') {
                return Err(Failure::new(format!("{text:?} is no name of a package")));
            }
            if text.contains(' ') && !text.contains(['@', '<', '>', '=']) {
                return Err(Failure::new(format!(
                    "{text:?} has a space: several packages are a list, or have commas between them"
                )));
            }
        }
        Ok(())
    }

    /// What runs would do, as they are named where packages are only downloaded.
    fn told(&self, line: String) -> String {
        match line.strip_prefix("Installed: ").filter(|_| self.download_only) {
            Some(name) => format!("Downloaded: {name}"),
            None => line,
        }
    }
}

impl Action for Dnf {
    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        self.refuse_odd(host)?;
        if let Some(what) = &self.list {
            return listing::answer(self, host, what);
        }
        let Plan { runs, notes } = self.plan(host)?;
        let (mut results, mut changed) = (notes, false);
        for run in runs {
            let foretold = run.foretell(host, &self.installroot)?;
            changed |= foretold.has_work;
            results.extend(foretold.lines.into_iter().map(|line| self.told(line)));
        }
        Ok(self.done(true, changed, results))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        self.refuse_odd(host)?;
        if self.update_cache {
            let tool = transaction::tool(self, host)?;
            Transaction::of(self, &tool, "makecache", Vec::new()).execute(host)?;
        }
        if let Some(what) = &self.list {
            return listing::answer(self, host, what);
        }
        let Plan { runs, notes } = self.plan(host)?;
        let (mut results, mut changed) = (notes, false);
        for run in runs {
            if self.download_only {
                let foretold = run.foretell(host, &self.installroot)?;
                changed |= foretold.has_work;
                results.extend(foretold.lines.into_iter().map(|line| self.told(line)));
                run.execute(host)?;
                continue;
            }
            let before = crate::rpm::Installed::read(host, &self.installroot)?;
            results.extend(run.execute(host)?);
            let went = crate::rpm::Installed::read(host, &self.installroot)?.changes_since(&before);
            changed |= !went.is_empty();
            results.extend(went);
        }
        Ok(self.done(false, changed, results))
    }
}

#[cfg(test)]
mod tests;
