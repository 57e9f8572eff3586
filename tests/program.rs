//! The built `trueup`, called as a user calls it.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use serde_json::Value;

/// Names a binary that is built already and is to be tried instead.
const BUILT_VARIABLE: &str = "TRUEUP_TEST_PROGRAM";

/// The binary. Cargo names it only to tests of its own package, so it is built here, once a
/// process, by the cargo and into the target folder that built the test; where nothing changed
/// that takes less than a second.
pub fn trueup() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(built) = std::env::var_os(BUILT_VARIABLE) {
            return PathBuf::from(built);
        }
        let mut cargo = Command::new(env!("CARGO"));
        // What cargo tells this test of its own package would make builds of others stale.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if ["CARGO_MANIFEST_", "CARGO_PKG_"].iter().any(|start| name.starts_with(start)) {
                cargo.env_remove(&*name);
            }
        }
        let output = cargo
            .args(["build", "--locked", "--package", "trueup", "--bin", "trueup"])
            .args(["--message-format", "json-render-diagnostics"])
            .args((!cfg!(debug_assertions)).then_some("--release"))
            .current_dir(workspace())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        let messages = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut executables =
            messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
        executables.find(|path| path.ends_with("trueup")).unwrap()
    })
}

/// The folder of the repository.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A folder that is home and working folder of what is run in it. It is gone with this value.
pub struct Scratch {
    folder: PathBuf,
}

/// What a program that has ended did.
#[derive(Debug)]
pub struct Ran {
    /// Exit status; `None` where a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

impl Scratch {
    /// Makes an empty folder.
    pub fn new(name: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("trueup-tests-{}-{number}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Self { folder }
    }

    /// Where it is.
    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.join(below)
    }

    /// Writes a file, and makes the folders that it lies in.
    pub fn write(&self, below: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Puts a copy of what a folder holds into this one.
    pub fn copy_of(&self, from: &Path) {
        copy(from, &self.folder);
    }

    /// A call of a program in this folder, that reads nothing of the user who runs the tests.
    pub fn command(&self, program: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(words)
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.folder)
            .env("USER", "tester")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs `trueup` to its end.
    pub fn trueup(&self, words: &[&str]) -> Ran {
        Ran::of(self.command(trueup(), words).output().unwrap())
    }

    /// Starts `trueup`, its output dropped.
    pub fn start(&self, words: &[&str]) -> Child {
        let mut command = self.command(trueup(), words);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Ran {
    /// What a program's output says.
    pub fn of(output: Output) -> Self {
        if let Some(signal) = output.status.signal() {
            eprintln!("ended by signal {signal}");
        }
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// All that was printed.
    pub fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Holds the exit code, and shows everything where it is another.
    ///
    /// # Panics
    /// Where it is.
    #[track_caller]
    pub fn expect_code(&self, code: i32) -> &Self {
        assert!(self.code == Some(code), "exit code {:?}, not {code}:\n{}", self.code, self.said());
        self
    }

    /// Holds that each of some texts was printed.
    ///
    /// # Panics
    /// Where one was not, or the program panicked.
    #[track_caller]
    pub fn expect_said(&self, texts: &[&str]) -> &Self {
        let said = self.said();
        for text in texts {
            assert!(said.contains(text), "it did not say {text:?} but:\n{said}");
        }
        assert!(!said.contains("panicked at"), "{said}");
        self
    }
}
