//! The `synchronize` module of the collection `ansible.posix`: `rsync`, on the machine that the
//! controller chooses for it, as a rule its own.

use std::path::{Path, PathBuf};

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Guard, Host, Mode, Output, Program,
    Returned,
    path::{normalize, quote, split_words},
};
use protocol::{Diff, JsonMap, Response};

/// What stands before each line of a change.
const CHANGED: &str = "<<CHANGED>>";

/// Keeps folders of two machines the same, by `rsync`.
///
/// It runs on the controller and reaches the host over `ssh`, both of which must be there, as must
/// `rsync` on the host; with `delegate_to`, it runs there instead of on the controller.
#[derive(Debug, Arguments)]
pub struct Synchronize {
    /// Where things come from.
    src: String,
    /// Where they go.
    dest: String,
    /// The port of the host's SSH server; the inventory's where it is left out.
    dest_port: Option<u16>,
    /// `push` goes from the machine that it runs on to the host, `pull` the other way.
    #[argument(default = "push")]
    mode: Direction,
    /// Whether permissions, times, owners, links and folders are kept: all that follows.
    #[argument(default = true)]
    archive: bool,
    /// Whether content is compared, rather than size and time.
    #[argument(default = false)]
    checksum: bool,
    /// Whether it travels compressed.
    #[argument(default = true)]
    compress: bool,
    /// Whether nothing new is made.
    #[argument(default = false)]
    existing_only: bool,
    /// Whether files that are not at the source go.
    #[argument(default = false)]
    delete: bool,
    /// Whether folders are made without what is in them.
    #[argument(default = false)]
    dirs: bool,
    /// Whether folders are gone into.
    recursive: Option<bool>,
    /// Whether links are kept.
    links: Option<bool>,
    /// Whether links are followed.
    #[argument(default = false)]
    copy_links: bool,
    /// Whether permissions are kept.
    perms: Option<bool>,
    /// Whether times are kept.
    times: Option<bool>,
    /// Whether owners are kept.
    owner: Option<bool>,
    /// Whether groups are kept.
    group: Option<bool>,
    /// The program on the host, with words before it.
    rsync_path: Option<String>,
    /// Seconds without anything that end it; 0 for no end.
    #[argument(default = 0)]
    rsync_timeout: u64,
    /// Whether the user of the inventory is put before the host.
    #[argument(default = true)]
    set_remote_user: bool,
    /// Whether SSH's arguments of the inventory count.
    #[argument(default = false)]
    use_ssh_args: bool,
    /// Whether a connection of `ssh` that is open is used.
    #[argument(default = false)]
    ssh_connection_multiplexing: bool,
    /// More options of `rsync`.
    rsync_opts: Option<Vec<String>>,
    /// Whether files that came in part stay.
    #[argument(default = false)]
    partial: bool,
    /// Whether the host's key must be known.
    #[argument(default = false)]
    verify_host: bool,
    /// The key for SSH; the inventory's where it is left out.
    private_key: Option<PathBuf>,
    /// Folders that files are linked to where they are the same.
    link_dest: Option<Vec<PathBuf>>,
    /// Whether files are put in place together at the end.
    #[argument(default = true)]
    delay_updates: bool,
    /// The program here, as the inventory says.
    #[argument(internal)]
    rsync: Option<String>,
    /// SSH's arguments of the inventory.
    #[argument(internal)]
    ssh_args: Option<String>,
    /// The password of the host's user.
    #[argument(internal)]
    password: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Direction {
    Pull,
    Push,
}

impl Documented for Synchronize {
    const NAME: &'static str = "ansible.posix.synchronize";
    const ALIASES: &'static [&'static str] = &["synchronize"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "A folder of the controller",
        args: r#"{"src": "site/", "dest": "/srv/www", "delete": true, "rsync_opts": ["--exclude=.git"]}"#,
    }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("cmd", "The line.", "always", r#""rsync --archive a b""#),
        Returned::new("rc", "How it ended.", "always", "0"),
        Returned::new("stdout_lines", "What was changed.", "success", r#"["<f+++++++++ a"]"#),
    ];
}

impl Synchronize {
    fn program(&self, is_check: bool) -> Result<Program, Failure> {
        let mut words: Vec<String> = Vec::new();
        let mut put = |is_set: bool, word: &str| {
            if is_set {
                words.push(word.to_owned());
            }
        };
        put(self.delay_updates, "--delay-updates");
        put(self.delay_updates, "-F");
        put(self.compress, "--compress");
        put(self.rsync_timeout > 0, &format!("--timeout={}", self.rsync_timeout));
        put(is_check, "--dry-run");
        put(self.delete, "--delete-after");
        put(self.existing_only, "--existing");
        put(self.checksum, "--checksum");
        put(self.copy_links, "--copy-links");
        put(self.archive, "--archive");
        for (name, value) in [
            ("recursive", self.recursive),
            ("links", self.links),
            ("perms", self.perms),
            ("times", self.times),
            ("owner", self.owner),
            ("group", self.group),
        ] {
            match (self.archive, value) {
                (true, Some(false)) => put(true, &format!("--no-{name}")),
                (false, Some(true)) => put(true, &format!("--{name}")),
                _ => {}
            }
        }
        put(self.dirs, "--dirs");
        let is_daemon = |path: &str| path.starts_with("rsync://");
        if is_daemon(&self.src) && is_daemon(&self.dest) {
            return Err(Failure::new("either src or dest must be a localhost").with("rc", 1));
        }
        let needs_ssh = !is_daemon(&self.src)
            && !is_daemon(&self.dest)
            && (self.src.contains(':') || self.dest.contains(':'));
        if needs_ssh && !self.rsync_opts.iter().flatten().any(|option| option.contains("--rsh")) {
            put(true, &format!("--rsh={}", self.shell()));
        }
        if let Some(path) = &self.rsync_path {
            put(true, &format!("--rsync-path={path}"));
        }
        words.extend(self.rsync_opts.iter().flatten().cloned());
        if self.partial {
            words.push("--partial".into());
        }
        if let Some(folders) = &self.link_dest {
            // That a link was made is told only when asked twice.
            words.extend(["-H".to_owned(), "-vv".to_owned()]);
            let folder = normalize(Path::new(&self.dest).parent().unwrap_or(Path::new("/")));
            for other in folders.iter().map(|other| normalize(other)) {
                if folder.starts_with(&other) {
                    return Err(Failure::new(format!(
                        "Hardlinking into a subdirectory of the source would cause recursion. {} and {}",
                        folder.display(),
                        self.dest
                    )));
                }
                words.push(format!("--link-dest={}", other.display()));
            }
        }
        words.push(format!("--out-format={CHANGED}%i %n%L"));
        words.extend([self.src.clone(), self.dest.clone()]);
        let line = self.rsync.as_deref().unwrap_or("rsync");
        let mut own = split_words(line)
            .map_err(|why| Failure::new(format!("ansible_rsync_path cannot be split: {why}")))?
            .into_iter();
        let rsync = own.next().unwrap_or_else(|| "rsync".into());
        let program = match &self.password {
            None => Program::new(rsync),
            Some(password) => {
                Program::new("sshpass").args(["-e", &rsync]).variable("SSHPASS", password)
            }
        };
        Ok(program.args(own).args(words))
    }

    /// `ssh` as `rsync` starts it.
    fn shell(&self) -> String {
        let mut words = vec!["ssh".to_owned()];
        if !self.ssh_connection_multiplexing {
            words.extend(["-S".into(), "none".into()]);
        }
        if let Some(key) = &self.private_key {
            words.extend(["-i".into(), key.display().to_string()]);
        }
        if let Some(port) = self.dest_port {
            words.extend(["-o".into(), format!("Port={port}")]);
        }
        if !self.verify_host {
            for option in ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"] {
                words.extend(["-o".into(), option.into()]);
            }
        }
        let line = words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
        match self.ssh_args.as_deref().filter(|args| !args.is_empty()) {
            Some(args) => format!("{line} {args}"),
            None => line,
        }
    }

    fn answer(&self, program: &Program, output: &Output) -> Result<Response, Failure> {
        let said = output.stdout_text();
        if !output.is_success() {
            return Err(Failure::new(output.stderr_text())
                .with("rc", output.status)
                .with("cmd", program.line()));
        }
        // A point says that an item is as it was; it is told of where links are made.
        let changed = match self.link_dest.is_some() {
            true => said
                .lines()
                .any(|line| line.strip_prefix(CHANGED).is_some_and(|line| !line.starts_with('.'))),
            false => said.contains(CHANGED),
        };
        let clean = said.replace(CHANGED, "");
        let lines: Vec<&str> = clean.lines().filter(|line| !line.is_empty()).collect();
        let mut returned = JsonMap::new();
        returned.insert("stdout_lines".into(), lines.into());
        returned.insert("rc".into(), 0.into());
        returned.insert("cmd".into(), program.line().into());
        let mut warnings = Vec::new();
        if self.rsync_opts.iter().flatten().any(String::is_empty) {
            warnings.push(
                "The empty string is present in rsync_opts, which has rsync transfer the folder \
                 that it runs in. Use \".\" where that is meant."
                    .to_owned(),
            );
        }
        let diff = Diff { prepared: Some(clean.clone()), ..Diff::default() };
        Ok(Response {
            changed,
            msg: Some(clean),
            returned,
            warnings,
            diff: vec![diff],
            ..Response::default()
        })
    }
}

impl Action for Synchronize {
    fn guard(&self, _: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        Ok(Guard::Go)
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let program = self.program(true)?;
        self.answer(&program, &host.query(&program)?)
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let program = self.program(false)?;
        let output = host.execute(&program)?;
        self.answer(&program, &output)
    }
}

#[cfg(test)]
mod tests {
    use module::{Output, fake::FakeHost};
    use serde_json::json;

    use super::*;
    use crate::{
        cases,
        real_host::{Scratch, run},
    };

    #[test]
    fn rsync_is_told_what_the_task_says() {
        const END: &str = "--out-format=<<CHANGED>>%i %n%L";
        for (args, expected) in [
            (
                json!({"src": "/a/", "dest": "/b"}),
                "--delay-updates -F --compress --archive END /a/ /b",
            ),
            (
                json!({"src": "/a", "dest": "u@h:/b", "dest_port": 2222, "private_key": "/k y"}),
                "--delay-updates -F --compress --archive --rsh=ssh -S none -i '/k y' -o Port=2222 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null END /a u@h:/b",
            ),
            (
                json!({"src": "/a", "dest": "h:/b", "verify_host": true, "ssh_connection_multiplexing": true, "rsync_path": "sudo rsync", "compress": false, "delay_updates": false}),
                "--archive --rsh=ssh --rsync-path=sudo rsync END /a h:/b",
            ),
            (
                json!({"src": "/a", "dest": "/b", "archive": false, "recursive": true, "times": true, "delete": true, "checksum": true, "partial": true, "rsync_timeout": 9, "rsync_opts": ["--exclude=x y"]}),
                "--delay-updates -F --compress --timeout=9 --delete-after --checksum --recursive --times --exclude=x y --partial END /a /b",
            ),
            (
                json!({"src": "/a", "dest": "/b", "owner": false, "perms": true, "existing_only": true, "copy_links": true, "dirs": true}),
                "--delay-updates -F --compress --existing --copy-links --archive --no-owner --dirs END /a /b",
            ),
            (
                json!({"src": "rsync://h/a", "dest": "/b", "link_dest": ["/old"]}),
                "--delay-updates -F --compress --archive -H -vv --link-dest=/old END rsync://h/a /b",
            ),
        ] {
            let mut host = FakeHost::default();
            host.program("rsync", |files, program| {
                files.put("/told", program.args.join(" "));
                Output::success(format!("{CHANGED}>f+++++++++ x\n"))
            });
            let response = cases::run("synchronize", &args, "", "", Mode::default(), &mut host);
            assert!(!response.failed && response.changed, "{args}: {response:?}");
            let told = host.files.text("/told").unwrap();
            assert_eq!(told, expected.replace("END", END), "{args}");
        }
    }

    #[test]
    fn what_rsync_cannot_do_is_refused() {
        for (args, words) in [
            (
                json!({"src": "rsync://a/b", "dest": "rsync://c/d"}),
                "either src or dest must be a localhost",
            ),
            (json!({"src": "/a", "dest": "/b/c", "link_dest": ["/b"]}), "would cause recursion"),
            (json!({"src": "/a", "dest": "/b", "mode": "sideways"}), "must be one of"),
            (json!({"src": "/a"}), "dest"),
            (json!({"src": "/a", "dest": "/b"}), "broken pipe"),
        ] {
            let mut host = FakeHost::default();
            host.program("rsync", |_, _| Output::failure(12, "broken pipe"));
            let response = cases::run("synchronize", &args, "", "", Mode::default(), &mut host);
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
    }

    #[test]
    fn folders_are_the_same_afterwards() {
        let scratch = Scratch::new("synchronize");
        if !scratch.shell("command -v rsync >/dev/null") {
            eprintln!("SKIPPED: synchronize: this needs rsync");
            return;
        }
        assert!(scratch.shell("mkdir -p a/sub b && echo x >a/sub/f && echo old >b/gone"));
        let args = json!({"src": scratch.path("a/"), "dest": scratch.path("b"), "delete": true});
        let foretold = run("synchronize", &args, true, Path::new(""));
        assert!(foretold.changed && scratch.0.join("b/gone").exists(), "{foretold:?}");
        let did = run("synchronize", &args, false, Path::new(""));
        assert!(did.changed, "{did:?}");
        assert!(scratch.shell("diff -r a b"));
        assert!(!run("synchronize", &args, false, Path::new("")).changed);
    }
}
