//! `trueup pull`, and `ansible-pull`: a host fetches its playbooks from git and runs them on
//! itself.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use clap::Args;

use crate::{
    Failed, Program,
    args::{ConnectionOptions, InventoryOptions, RunArgs},
    run_command,
    settings::Settings,
};

#[derive(Args, Debug, Default)]
pub struct PullArgs {
    /// Playbooks in the repository; otherwise HOSTNAME.yml or local.yml.
    #[arg(value_name = "PLAYBOOK")]
    pub playbooks: Vec<PathBuf>,
    #[command(flatten)]
    pub inventory: InventoryOptions,
    /// URL of the repository.
    #[arg(short = 'U', long = "url", value_name = "URL")]
    pub url: Option<String>,
    /// Branch, tag or commit to check out.
    #[arg(short = 'C', long = "checkout", value_name = "VERSION")]
    pub checkout: Option<String>,
    /// Folder to check out into.
    #[arg(short = 'd', long = "directory", value_name = "FOLDER")]
    pub directory: Option<PathBuf>,
    /// Run even where the repository cannot be updated.
    #[arg(short = 'f', long = "force")]
    pub force: bool,
    /// Run only if the repository has changed.
    #[arg(short = 'o', long = "only-if-changed")]
    pub only_if_changed: bool,
    /// Wait up to this many seconds first, so that many hosts do not start at once.
    #[arg(short = 's', long = "sleep", value_name = "SECONDS")]
    pub sleep: Option<u64>,
    /// Remove the folder afterwards.
    #[arg(long)]
    pub purge: bool,
    /// Throw away modified files in the folder.
    #[arg(long)]
    pub clean: bool,
    /// Fetch the whole history.
    #[arg(long)]
    pub full: bool,
    /// Let submodules follow their branches.
    #[arg(long = "track-subs")]
    pub track_subs: bool,
    /// Accept the host key of the repository's server.
    #[arg(long = "accept-host-key")]
    pub accept_host_key: bool,
    /// Refuse a commit without a good signature.
    #[arg(long = "verify-commit")]
    pub verify_commit: bool,
    /// Module that fetches; there is git.
    #[arg(short = 'm', long = "module-name", default_value = "git", value_name = "MODULE")]
    pub module: String,
    /// Only tasks with these tags.
    #[arg(short = 't', long = "tags", value_name = "TAGS")]
    pub tags: Vec<String>,
    /// No tasks with these tags.
    #[arg(long = "skip-tags", value_name = "TAGS")]
    pub skip_tags: Vec<String>,
    /// Change nothing; say what would be changed.
    #[arg(long)]
    pub check: bool,
    /// Show the differences.
    #[arg(long)]
    pub diff: bool,
    /// Show the hosts of each play, and do nothing.
    #[arg(long)]
    pub list_hosts: bool,
    /// Log in as this user.
    #[arg(short = 'u', long = "user", value_name = "USER")]
    pub user: Option<String>,
    /// Connection: ssh or local.
    #[arg(short = 'c', long = "connection", value_name = "KIND")]
    pub connection: Option<String>,
    /// Seconds that connecting may take.
    #[arg(short = 'T', long = "timeout", value_name = "SECONDS")]
    pub timeout: Option<u64>,
    /// Private key for the repository and for connections.
    #[arg(long = "private-key", visible_alias = "key-file", value_name = "FILE")]
    pub private_key: Option<PathBuf>,
    /// Ask for the login password.
    #[arg(short = 'k', long = "ask-pass")]
    pub ask_pass: bool,
    /// File that holds the login password.
    #[arg(
        long = "connection-password-file",
        visible_alias = "conn-pass-file",
        value_name = "FILE"
    )]
    pub connection_password_file: Option<PathBuf>,
    /// Ask for the password that becoming takes.
    #[arg(short = 'K', long = "ask-become-pass")]
    pub ask_become_pass: bool,
    /// File that holds the password that becoming takes.
    #[arg(long = "become-password-file", visible_alias = "become-pass-file", value_name = "FILE")]
    pub become_password_file: Option<PathBuf>,
    /// Folders of modules of one's own.
    #[arg(short = 'M', long = "module-path", value_name = "FOLDER")]
    pub module_path: Vec<PathBuf>,
}

/// Checks the repository out and runs its playbooks.
///
/// # Errors
/// Git fails, there is no playbook, or the run cannot be started.
pub fn run(args: PullArgs, settings: Settings, program: Program) -> Result<u8, Failed> {
    let Some(url) = &args.url else {
        return Err(Failed::option("URL for repository not specified, use -h for help"));
    };
    if args.module != "git" {
        return Err(Failed::option(format!(
            "the module '{}' cannot fetch a repository here: there is git",
            args.module
        )));
    }
    let hostname = hostname();
    let folder = match &args.directory {
        Some(folder) => settings.expand(&folder.to_string_lossy()),
        None => settings.home.join(".ansible/pull").join(&hostname),
    };
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    if let Some(secs) = args.sleep.filter(|secs| *secs > 0) {
        let wait = random_below(secs);
        println!("Sleeping for {wait} seconds...");
        std::thread::sleep(Duration::from_secs(wait));
    }
    println!("Starting {} of {url}", program.name());
    let repository = Repository { args: &args, url, folder: &folder };
    match repository.update() {
        Ok(Updated::Unchanged) if args.only_if_changed => {
            println!("Repository has not changed, quitting.");
            return Ok(0);
        }
        Ok(_) => {}
        Err(why) if args.force && folder.is_dir() => {
            eprintln!(
                "[WARNING]: Unable to update repository. Continuing with (forced) run of playbook. {why}"
            );
        }
        Err(why) => return Err(Failed::general(why)),
    }
    let playbooks = playbooks(&args.playbooks, &folder, &hostname)?;
    // Paths of the playbooks' settings are those of the repository.
    std::env::set_current_dir(&folder)
        .map_err(|error| Failed::general(format!("cannot go to {}: {error}", folder.display())))?;
    let before = settings.current_folder;
    // The repository may have settings of its own.
    let settings = Settings::read(settings.environment, folder.clone())?;
    let mut inventory = args.inventory.clone();
    for source in &mut inventory.inventory {
        if !source.contains(',') {
            *source = before.join(&*source).display().to_string();
        }
    }
    if inventory.limit.is_empty() {
        let short = hostname.split('.').next().unwrap_or(&hostname);
        inventory.limit.push(format!("localhost,{hostname},{short},127.0.0.1"));
    }
    let connection = ConnectionOptions {
        user: args.user.clone(),
        connection: args.connection.clone(),
        timeout: args.timeout,
        private_key: args.private_key.clone(),
        ask_pass: args.ask_pass,
        connection_password_file: args.connection_password_file.clone(),
        ask_become_pass: args.ask_become_pass,
        become_password_file: args.become_password_file.clone(),
        check: args.check,
        diff: args.diff,
        module_path: args.module_path.clone(),
        ..ConnectionOptions::default()
    };
    let run = RunArgs {
        playbooks,
        inventory,
        connection,
        tags: args.tags.clone(),
        skip_tags: args.skip_tags.clone(),
        list_hosts: args.list_hosts,
        ..RunArgs::default()
    };
    let ended = run_command::run(run, settings, program);
    if args.purge {
        let _ = std::env::set_current_dir("/");
        if let Err(error) = std::fs::remove_dir_all(&folder) {
            eprintln!(
                "[WARNING]: Failed to remove checkout directory {}: {error}",
                folder.display()
            );
        }
    }
    ended
}

/// Whether there is anything new.
enum Updated {
    Changed,
    Unchanged,
}

struct Repository<'a> {
    args: &'a PullArgs,
    url: &'a str,
    folder: &'a Path,
}

impl Repository<'_> {
    /// Clones the repository, or brings the clone up to date.
    fn update(&self) -> Result<Updated, String> {
        let before = self.head();
        if before.is_some() {
            self.refresh()?;
        } else {
            self.clone_anew()?;
        }
        if self.args.verify_commit {
            self.git(&["verify-commit", "HEAD"])?;
        }
        let after = self.head();
        Ok(if before == after { Updated::Unchanged } else { Updated::Changed })
    }

    fn head(&self) -> Option<String> {
        if !self.folder.join(".git").exists() {
            return None;
        }
        self.git(&["rev-parse", "HEAD"]).ok()
    }

    fn is_commit(&self) -> bool {
        self.args.checkout.as_deref().is_some_and(|version| {
            version.len() >= 7 && version.chars().all(|c| c.is_ascii_hexdigit())
        })
    }

    fn clone_anew(&self) -> Result<(), String> {
        if let Some(above) = self.folder.parent() {
            std::fs::create_dir_all(above)
                .map_err(|error| format!("cannot make {}: {error}", above.display()))?;
        }
        let folder = self.folder.display().to_string();
        let mut words = vec!["clone", "--quiet", "--recurse-submodules"];
        let is_shallow = !self.args.full && !self.is_commit();
        if is_shallow {
            words.extend(["--depth", "1"]);
        }
        if let Some(version) = self.args.checkout.as_deref().filter(|_| !self.is_commit()) {
            words.extend(["--branch", version]);
        }
        words.extend(["--", self.url, &folder]);
        execute(&words, Path::new("/"), &self.environment())?;
        if let Some(version) = self.args.checkout.as_deref().filter(|_| self.is_commit()) {
            self.git(&["checkout", "--quiet", version])?;
        }
        Ok(())
    }

    fn refresh(&self) -> Result<(), String> {
        let modified = self.git(&["status", "--porcelain", "--untracked-files=no"])?;
        if !modified.is_empty() && !self.args.clean && !self.args.force {
            return Err(format!(
                "Local modifications exist in the destination: {} (force=no).",
                self.folder.display()
            ));
        }
        self.git(&["remote", "set-url", "origin", self.url])?;
        let version = self.args.checkout.as_deref();
        let mut words = vec!["fetch", "--quiet"];
        if !self.args.full && !self.is_commit() {
            words.extend(["--depth", "1"]);
        }
        words.push("origin");
        if !self.is_commit() {
            words.push(version.unwrap_or("HEAD"));
        }
        self.git(&words)?;
        let target = version.filter(|_| self.is_commit()).unwrap_or("FETCH_HEAD");
        self.git(&["reset", "--quiet", "--hard", target])?;
        if self.args.clean {
            self.git(&["clean", "--quiet", "-d", "--force"])?;
        }
        let mut submodules = vec!["submodule", "--quiet", "update", "--init", "--recursive"];
        if self.args.track_subs {
            submodules.push("--remote");
        }
        self.git(&submodules).map(|_| ())
    }

    fn git(&self, words: &[&str]) -> Result<String, String> {
        execute(words, self.folder, &self.environment())
    }

    fn environment(&self) -> Vec<(String, String)> {
        let mut ssh = String::from("ssh");
        if self.args.accept_host_key {
            ssh.push_str(" -o StrictHostKeyChecking=accept-new");
        }
        if let Some(key) = &self.args.private_key {
            ssh.push_str(&format!(" -i '{}' -o IdentitiesOnly=yes", key.display()));
        }
        let mut environment = vec![("GIT_TERMINAL_PROMPT".to_owned(), "0".to_owned())];
        if ssh != "ssh" {
            environment.push(("GIT_SSH_COMMAND".into(), ssh));
        }
        environment
    }
}

fn execute(
    words: &[&str],
    folder: &Path,
    environment: &[(String, String)],
) -> Result<String, String> {
    let output = Command::new("git")
        .args(words)
        .current_dir(folder)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run git: {error}"))?;
    let command = words.first().copied().unwrap_or("");
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("git {command} failed: {}", said.trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The playbooks that are named, or the first of HOSTNAME.yml, SHORTNAME.yml and local.yml.
fn playbooks(named: &[PathBuf], folder: &Path, hostname: &str) -> Result<Vec<PathBuf>, Failed> {
    if !named.is_empty() {
        let mut found = Vec::new();
        for name in named {
            let path = folder.join(name);
            if !path.is_file() {
                return Err(Failed::general(format!(
                    "Could not find a playbook to run: {} is not in the repository",
                    name.display()
                )));
            }
            found.push(path);
        }
        return Ok(found);
    }
    let short = hostname.split('.').next().unwrap_or(hostname);
    let candidates = [format!("{hostname}.yml"), format!("{short}.yml"), "local.yml".to_owned()];
    candidates
        .iter()
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
        .map(|path| vec![path])
        .ok_or_else(|| {
            Failed::general(format!(
                "Could not find a playbook to run: there is none of {} in {}",
                candidates.join(", "),
                folder.display()
            ))
        })
}

fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "localhost".into(), |name| name.trim().to_owned())
}

/// A number below another, from the clock: this spreads hosts and guards nothing.
fn random_below(end: u64) -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::from(now.map_or(0, |now| now.subsec_nanos())) % end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_playbook_is_chosen_by_the_name_of_the_host() {
        let folder = std::env::temp_dir().join(format!("trueup-pull-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let error = playbooks(&[], &folder, "web1.example.com").unwrap_err();
        assert!(error.message.contains("web1.example.com.yml, web1.yml, local.yml"));
        std::fs::write(folder.join("local.yml"), "[]").unwrap();
        assert_eq!(
            playbooks(&[], &folder, "web1.example.com").unwrap(),
            [folder.join("local.yml")]
        );
        std::fs::write(folder.join("web1.yml"), "[]").unwrap();
        assert_eq!(playbooks(&[], &folder, "web1.example.com").unwrap(), [folder.join("web1.yml")]);
        let missing = playbooks(&["x.yml".into()], &folder, "h").unwrap_err();
        assert!(missing.message.contains("x.yml is not in the repository"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
