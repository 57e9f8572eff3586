//! The `dnf` module, which is also called `dnf5` and `yum`.

mod listing;
mod transaction;
mod wanted;

use module::{Action, Arguments, Choices, Documented, Example, Failure, Host, Returned};
use protocol::Response;

use transaction::Transaction;
use wanted::Wanted;

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

/// What is done in one task: the runs of dnf one after another.
type Plan = Vec<Transaction>;

impl Dnf {
    fn plan(&self, host: &dyn Host) -> Result<Plan, Failure> {
        let tool = transaction::tool(self, host)?;
        let mut plan = Plan::new();
        let mut add = |verb: &'static str, packages: Vec<String>| {
            plan.push(Transaction::of(self, &tool, verb, packages));
        };
        let state = match (self.state, self.autoremove) {
            (Some(State::Absent | State::Removed), _) | (None, true) => State::Absent,
            (Some(State::Latest), _) => State::Latest,
            (Some(other), true) => {
                return Err(Failure::new(format!(
                    "Autoremove should be used alone or with state=absent, got: {other}"
                )));
            }
            _ => State::Present,
        };
        let names = wanted::names(&self.name);
        if names.is_empty() {
            if self.autoremove {
                add("autoremove", Vec::new());
            }
            return Ok(plan);
        }
        match state {
            State::Absent => {
                let mut there = Vec::new();
                for one in &names {
                    if one.is_there(host, &self.installroot)?.unwrap_or(true) {
                        there.push(one.text.clone());
                    }
                }
                if !there.is_empty() {
                    add("remove", there);
                }
                if self.autoremove {
                    add("autoremove", Vec::new());
                }
            }
            State::Latest if names.iter().any(|one| one.text == "*") => add("upgrade", Vec::new()),
            State::Latest => {
                let (mut missing, mut there) = (Vec::new(), Vec::new());
                for one in &names {
                    match one.is_there(host, &self.installroot)? {
                        Some(true) => there.push(one.text.clone()),
                        Some(false) if self.update_only => {}
                        _ => missing.push(one.text.clone()),
                    }
                }
                if !missing.is_empty() {
                    add("install", missing);
                }
                if !there.is_empty() {
                    add("upgrade", there);
                }
            }
            _ => {
                let mut missing = Vec::new();
                for one in &names {
                    let is_there = one.is_there(host, &self.installroot)?;
                    let is_older =
                        !self.allow_downgrade && one.is_older(host, &self.installroot)?;
                    if is_there != Some(true) && !is_older {
                        missing.push(one.text.clone());
                    }
                }
                if !missing.is_empty() {
                    add("install", missing);
                }
            }
        }
        Ok(plan)
    }

    fn done(&self, changed: bool, results: Vec<String>) -> Response {
        let nothing = !changed && results.is_empty();
        let mut response = Response { changed, ..Response::default() };
        response.msg = Some(match nothing {
            true if self.update_cache && self.name.is_empty() => "Cache updated".into(),
            true => "Nothing to do".into(),
            false => String::new(),
        });
        response.returned.insert("results".into(), results.into());
        response.returned.insert("rc".into(), 0.into());
        response
    }

    /// Of the names, those that are packages.
    fn refuse_odd(&self) -> Result<(), Failure> {
        if !self.validate_certs
            && self.name.iter().any(|name| name.contains("://"))
            && self.sslverify
        {
            return Err(Failure::new(
                "validate_certs: false is not implemented for addresses of packages alone; sslverify: false is for all of dnf",
            ));
        }
        if let Some(Wanted { text, .. }) =
            wanted::names(&self.name).into_iter().find(|one| one.text.starts_with('-'))
        {
            return Err(Failure::new(format!("{text:?} is no name of a package")));
        }
        Ok(())
    }
}

impl Action for Dnf {
    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        self.refuse_odd()?;
        if let Some(what) = &self.list {
            return listing::answer(self, host, what);
        }
        let mut results = Vec::new();
        for transaction in self.plan(host)? {
            results.extend(transaction.foretell(host)?);
        }
        Ok(self.done(!results.is_empty(), results))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        self.refuse_odd()?;
        if self.update_cache {
            let tool = transaction::tool(self, host)?;
            Transaction::of(self, &tool, "makecache", Vec::new()).execute(host)?;
        }
        if let Some(what) = &self.list {
            return listing::answer(self, host, what);
        }
        let mut results = Vec::new();
        let mut was_downloaded = false;
        for transaction in self.plan(host)? {
            let before = crate::rpm::Installed::read(host, &self.installroot)?;
            let output = transaction.execute(host)?;
            was_downloaded |= self.download_only && transaction.has_work(&output);
            results.extend(
                crate::rpm::Installed::read(host, &self.installroot)?.changes_since(&before),
            );
        }
        Ok(self.done(was_downloaded || !results.is_empty(), results))
    }
}

#[cfg(test)]
mod tests;
