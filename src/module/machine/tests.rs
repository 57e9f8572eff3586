//! The real machine: programs that end, hang and detach, and files that are replaced.

use std::{
    fs,
    io::{self, Read},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use protocol::Digest;

use super::*;
use crate::program::HANDED;

struct NoCourier;

impl Courier for NoCourier {
    fn fetch(&self, _: &Digest) -> io::Result<Box<dyn Read>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn send(&self, _: &mut dyn Read) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

/// A folder that is gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("trueup-test-{}", unique()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn machine() -> (Machine<'static>, Arc<Cancellation>) {
    let cancellation = Arc::new(Cancellation::new().unwrap());
    let environment = vec![("PATH".into(), "/usr/bin:/bin".into()), ("A".into(), "b".into())];
    let umask = FileMode::new(0o022);
    (Machine::new(environment, umask, Arc::clone(&cancellation), &NoCourier), cancellation)
}

fn shell(script: &str) -> Program {
    Program::new("sh").args(["-c", script])
}

#[test]
fn a_program_says_what_it_says() {
    let (mut host, _) = machine();
    let output = host.execute(&shell("echo $A $LC_ALL; echo oops >&2; exit 3")).unwrap();
    assert_eq!(output.stdout_text(), "b C.UTF-8\n");
    assert_eq!(output.stderr_text(), "oops\n");
    assert_eq!(output.status, 3);
    assert_eq!(host.query(&shell("kill -9 $$")).unwrap().status, -9);
    let umask = Program { umask: Some(0o077), ..shell("umask") };
    assert_eq!(host.query(&umask).unwrap().stdout_text(), "0077\n");
}

#[test]
fn what_a_program_is_handed_stands_in_a_file_of_its_own() {
    let (mut host, _) = machine();
    let script = "cat \"$0\"; cat; stat -Lc %a \"$0\"";
    let program = Program::new("sh").args(["-c", script, HANDED]);
    let output = host.execute(&program.handed("a\0b ").stdin("in ")).unwrap().stdout_text();
    assert!(output.starts_with("a\0b in 400\n"), "{output:?}");
    assert!(!output.contains(HANDED), "{output:?}");
}

#[test]
fn an_unattended_program_has_no_terminal() {
    let (mut host, _) = machine();
    // Field 7 is the terminal, and 6 the session, which it leads.
    let script = "cat; cut -d' ' -f6,7 /proc/$$/stat; echo $$ $DISPLAY";
    let program = Program { umask: Some(0o027), ..shell(script).asked(&["one", "two"]).unwrap() };
    let output = host.execute(&program).unwrap().stdout_text();
    let lines: Vec<&str> = output.lines().collect();
    let [one, two, session, pid] = lines.as_slice() else { panic!("{output:?}") };
    assert_eq!((*one, *two), ("one", "two"));
    assert_eq!(*session, format!("{} 0", pid.trim()));
}

#[test]
fn what_would_not_be_read_as_one_line_is_refused_without_being_told() {
    for secret in ["hush\nhush", "hush\r", "hu\0sh", &"hush".repeat(300)] {
        for program in [shell("cat").lines(&[secret]), shell("cat").asked(&["a", secret])] {
            let failure = format!("{:?}", program.unwrap_err());
            assert!(failure.contains("sh") && !failure.contains("hush"), "{failure}");
        }
    }
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let (host, _) = machine();
    let error = host.query(&Program::new("no-such-program-here")).unwrap_err();
    assert!(matches!(error, HostError::NoProgram { name } if name == "no-such-program-here"));
    let error = host.query(&Program::new("/no/such")).unwrap_err();
    assert!(matches!(error, HostError::Program { .. }));
}

#[test]
fn much_in_and_much_out_is_no_deadlock() {
    let (host, _) = machine();
    let input = vec![b'x'; 3_000_000];
    let output = host.query(&Program::new("cat").stdin(input.clone())).unwrap();
    assert_eq!(output.stdout.len(), input.len());
    assert!(!output.truncated);
    let output = host.query(&shell("head -c 6000000 /dev/zero; echo >&2 end")).unwrap();
    assert_eq!((output.stdout.len(), output.truncated), (crate::program::OUTPUT_BYTES_MAX, true));
    assert_eq!(output.stderr_text(), "end\n");
    let output = host.query(&Program::new("true").stdin(input)).unwrap();
    assert!(output.is_success());
}

#[test]
fn what_goes_on_in_the_background_is_not_waited_for() {
    let (host, _) = machine();
    let start = Instant::now();
    let output = host.query(&shell("sleep 7 & echo $!")).unwrap();
    assert!(start.elapsed() < Duration::from_secs(5));
    let pid: i32 = output.stdout_text().trim().parse().unwrap();
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(pid).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
}

#[test]
fn a_program_that_takes_too_long_is_killed_with_its_children() {
    let (host, _) = machine();
    let folder = Folder::new();
    let mark = folder.join("alive");
    let script = format!("(sleep 2; touch {}) & wait", mark.display());
    let error = host.query(&shell(&script).timeout(Duration::from_millis(200))).unwrap_err();
    assert!(matches!(error, HostError::Timeout { .. }));
    std::thread::sleep(Duration::from_millis(2500));
    assert!(!mark.exists());
}

#[test]
fn a_cancelled_request_ends_its_program_and_begins_nothing() {
    let (host, cancellation) = machine();
    let start = Instant::now();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        cancellation.cancel();
    });
    assert!(matches!(host.query(&shell("sleep 20")).unwrap_err(), HostError::Cancelled));
    assert!(start.elapsed() < Duration::from_secs(5));
    thread.join().unwrap();
    assert!(matches!(host.metadata(Path::new("/")).unwrap_err(), HostError::Cancelled));
}

#[test]
fn a_file_is_replaced_and_keeps_what_it_has() {
    let (mut host, _) = machine();
    let folder = Folder::new();
    let path = folder.join("file");
    let write = |host: &mut Machine<'_>, text: &str, placement: &Placement| {
        host.write(&path, &mut text.as_bytes(), placement)
    };
    write(&mut host, "one", &Placement::default()).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o644);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let inode = fs::metadata(&path).unwrap().ino();
    write(&mut host, "two", &Placement::default()).unwrap();
    let now = fs::metadata(&path).unwrap();
    assert_eq!((now.mode() & 0o7777, now.ino() != inode), (0o600, true));
    let placement = Placement { mode: Some(FileMode::new(0o4755)), ..Placement::default() };
    write(&mut host, "three", &placement).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o4755);
    assert_eq!(host.list(&folder.0).unwrap(), ["file"]);
}

#[test]
fn what_fails_to_validate_is_not_there() {
    let (mut host, _) = machine();
    let folder = Folder::new();
    let path = folder.join("file");
    let validate = |words: &[&str]| Placement {
        validate: Some(words.iter().map(|word| (*word).to_owned()).collect()),
        ..Placement::default()
    };
    let error = host.write(&path, &mut &b"x"[..], &validate(&["grep", "y", "%s"])).unwrap_err();
    assert!(matches!(error, HostError::Invalid { output } if output.status == 1));
    assert!(host.list(&folder.0).unwrap().is_empty());
    host.write(&path, &mut &b"x"[..], &validate(&["grep", "x", "%s"])).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"x");
}

#[test]
fn a_link_takes_the_place_of_a_file_but_not_of_a_folder() {
    let (mut host, _) = machine();
    let folder = Folder::new();
    fs::write(folder.join("file"), "x").unwrap();
    host.symlink(Path::new("to"), &folder.join("file")).unwrap();
    assert_eq!(host.read_link(&folder.join("file")).unwrap(), Path::new("to"));
    assert!(host.metadata(&folder.join("file")).unwrap().is_none());
    host.symlink(Path::new("other"), &folder.join("file")).unwrap();
    assert_eq!(host.list(&folder.0).unwrap(), ["file"]);
    fs::create_dir(folder.join("dir")).unwrap();
    assert!(host.symlink(Path::new("to"), &folder.join("dir")).is_err());
}

#[test]
fn real_paths_of_what_is_not_there_end_in_its_name() {
    let (host, _) = machine();
    let folder = Folder::new();
    let real = fs::canonicalize(&folder.0).unwrap();
    std::os::unix::fs::symlink("gone/x", folder.join("link")).unwrap();
    assert_eq!(host.real_path(&folder.join("a/b")).unwrap(), real.join("a/b"));
    assert_eq!(host.real_path(&folder.join("link")).unwrap(), real.join("gone/x"));
}

#[test]
fn nothing_there_is_no_error() {
    let (host, _) = machine();
    assert!(host.metadata(Path::new("/no/such")).unwrap().is_none());
    assert!(host.metadata(Path::new("/etc/passwd/x")).unwrap().is_none());
    let folder = Folder::new();
    std::os::unix::fs::symlink("circle", folder.join("circle")).unwrap();
    assert!(host.metadata(&folder.join("circle")).unwrap().is_none());
    let real = fs::canonicalize(&folder.0).unwrap();
    assert_eq!(host.real_path(&folder.join("circle")).unwrap(), real.join("circle"));
    assert!(host.read(Path::new("/no/such")).unwrap().is_none());
    assert!(host.read(Path::new("/")).is_err());
    assert!(host.list(Path::new("/no/such")).is_err());
}
