//! The wire from end to end, against servers inside this process and a fake remote.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what tests share may panic as tests do")]

use std::{
    fs,
    io::{self, Cursor, Read, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use flate2::{Compression, write::GzEncoder};
use protocol::{Digest, Json, JsonMap, Request, Secret};
use sshd::{Account, Faults, Server, ServerSettings, faults::Refusal, keys};
use transport::{
    CallError, ConnectError, Connection, ConnectionKind, Connector, ConnectorSettings, Files,
    HostKeyPolicy, NoFiles, Remote, RemoteBinaries, RemoteBinary, Target,
};

mod files;
mod trust;

/// One host and somebody who wants to reach it.
struct Bench {
    folder: PathBuf,
    server: Server,
    target: Target,
    connector: Connector,
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What a test changes about the host and about the way to it.
type Change<'a> = &'a dyn Fn(&mut ServerSettings, &mut Target, &Path);

async fn bench(change: Change<'_>) -> Bench {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("trueup-wire-{}-{number}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    let home = folder.join("home");
    fs::create_dir_all(&home).unwrap();
    let key = keys::generate().unwrap();
    let key_file = folder.join("id");
    keys::write(&key, &key_file).unwrap();
    let mut settings = ServerSettings::new(&home);
    settings.accounts.push(Account {
        user: "op".into(),
        authorized_keys: vec![keys::public_line(&key).unwrap()],
        ..Account::default()
    });
    let mut target = Target {
        name: "host".into(),
        address: "127.0.0.1".into(),
        user: Some("op".into()),
        identity_files: vec![key_file],
        known_hosts_files: vec![folder.join("known_hosts")],
        remote_folders: vec!["~/.ansible/tmp".into()],
        ..Target::default()
    };
    change(&mut settings, &mut target, &folder);
    let server = Server::start(settings).await.unwrap();
    if !folder.join("known_hosts").exists() {
        fs::write(folder.join("known_hosts"), server.known_hosts_line().unwrap()).unwrap();
    }
    target.port = Some(server.address().port());
    let connector = connector(&folder);
    Bench { folder, server, target, connector }
}

fn connector(folder: &Path) -> Connector {
    Connector::new(ConnectorSettings {
        home: folder.join("controller"),
        user: "me".into(),
        agent_socket: None,
        system_ssh_config_file: None,
        remotes: Arc::new(remotes()),
        opening_max: 8,
        narrator: None,
    })
}

/// The fake remote, wrapped in a script so that its own size does not matter.
fn remotes() -> RemoteBinaries {
    let test = std::env::current_exe().unwrap();
    let fake = test.parent().unwrap().parent().unwrap().join("examples/fake_remote");
    assert!(fake.exists(), "{} is not built", fake.display());
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    writeln!(gzip, "#!/bin/sh\nexec {}", fake.display()).unwrap();
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut remotes = RemoteBinaries::default();
    remotes.add(RemoteBinary::new(&triple, gzip.finish().unwrap()).unwrap());
    remotes
}

fn request(module: &str, args: &[(&str, Json)]) -> Request {
    let args: JsonMap =
        args.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Request { module: module.into(), args, ..Request::default() }
}

async fn ping(remote: &Remote) {
    let response = remote.call(request("ping", &[]), &NoFiles, None).await.unwrap();
    assert_eq!(response.returned.get("ping"), Some(&"pong".into()));
}

impl Bench {
    async fn connect(&self) -> Connection {
        self.connector
            .connect(&self.target)
            .await
            .unwrap_or_else(|error| panic!("{}", error.chain()))
    }

    /// The message of the error that connecting and starting the remote ends with.
    async fn refusal(&self) -> String {
        let connection = match self.connector.connect(&self.target).await {
            Ok(connection) => connection,
            Err(error) => return error.chain(),
        };
        match connection.remote(None).await {
            Ok(_) => panic!("the remote was started"),
            Err(error) => error.chain(),
        }
    }
}

#[tokio::test]
async fn a_remote_is_put_in_place_once_and_answers() {
    let bench = bench(&|_, _, _| {}).await;
    for round in 0..2 {
        let connection = bench.connect().await;
        assert!(connection.host_key().unwrap().fingerprint.starts_with("SHA256:"));
        let remote = connection.remote(None).await.unwrap();
        ping(&remote).await;
        assert!(Arc::ptr_eq(&remote, &connection.remote(None).await.unwrap()), "it is kept");
        assert_eq!(remote.counters().frames_sent, 1);
        assert_eq!(remote.counters().frames_received, 2);
        connection.close().await;
        assert!(remote.has_ended());
        let places = bench.folder.join("home/.ansible/tmp");
        let folder = fs::read_dir(places).unwrap().next().unwrap().unwrap().path();
        assert_eq!(fs::read_dir(folder).unwrap().count(), 1, "round {round}");
    }
}

#[tokio::test]
async fn a_remote_that_was_tampered_with_is_replaced() {
    let bench = bench(&|_, _, _| {}).await;
    ping(&bench.connect().await.remote(None).await.unwrap()).await;
    let places = bench.folder.join("home/.ansible/tmp");
    let folder = fs::read_dir(places).unwrap().next().unwrap().unwrap().path();
    let file = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    fs::write(&file, "#!/bin/sh\necho owned\n").unwrap();
    ping(&bench.connect().await.remote(None).await.unwrap()).await;
    assert!(!fs::read_to_string(&file).unwrap().contains("owned"));
}

#[tokio::test]
async fn starts_side_by_side_do_no_harm() {
    let bench = bench(&|_, _, _| {}).await;
    let starts = (0..8).map(|_| async {
        let connection = bench.connect().await;
        ping(&connection.remote(None).await.unwrap()).await;
        connection.close().await;
    });
    futures::future::join_all(starts).await;
}

#[tokio::test]
async fn a_local_connection_has_the_same_frames() {
    let bench = bench(&|_, target, folder| {
        target.connection = ConnectionKind::Local;
        target.remote_folders = vec![folder.join("local tmp").display().to_string()];
    })
    .await;
    let connection = bench.connect().await;
    assert_eq!(connection.host_key(), None);
    let remote = connection.remote(None).await.unwrap();
    ping(&remote).await;
    connection.close().await;
    assert!(remote.has_ended());
}

#[tokio::test]
async fn noise_before_the_remote_does_no_harm() {
    let noise = b"Welcome to \xff\xfe host!\n1234567890abcdef IN\n\x01trueup\n".repeat(200);
    let bench = bench(&|settings, _, _| settings.faults.noise = noise.clone()).await;
    ping(&bench.connect().await.remote(None).await.unwrap()).await;
}

#[tokio::test]
async fn noise_has_a_limit() {
    let bench = bench(&|settings, _, _| settings.faults.noise = vec![b'x'; 3 << 20]).await;
    let refusal = bench.refusal().await;
    assert!(refusal.contains("over 1048576 bytes were printed"), "{refusal}");
}

#[tokio::test]
async fn a_slow_host_is_waited_for() {
    let bench = bench(&|settings, _, _| {
        settings.faults.write_delay = Some(Duration::from_millis(15));
    })
    .await;
    ping(&bench.connect().await.remote(None).await.unwrap()).await;
}

#[tokio::test]
async fn a_server_that_hangs_up_at_first_is_tried_again() {
    let bench = bench(&|settings, _, _| settings.faults.hang_ups = 2).await;
    ping(&bench.connect().await.remote(None).await.unwrap()).await;
}

#[tokio::test]
async fn a_server_that_always_hangs_up_is_given_up() {
    let bench = bench(&|settings, _, _| settings.faults.hang_ups = 99).await;
    let refusal = bench.refusal().await;
    assert!(refusal.contains("closed the connection during the handshake"), "{refusal}");
}

#[tokio::test]
async fn nobody_listening_is_said_at_once() {
    let mut bench = bench(&|_, _, _| {}).await;
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    bench.target.port = Some(free);
    let refusal = bench.refusal().await;
    assert!(refusal.contains("cannot be reached: Connection refused"), "{refusal}");
}

#[tokio::test]
async fn connections_that_are_cut_are_lost_and_never_hang() {
    for bytes in [10, 700, 1500, 2500, 3000, 3500, 4000, 4500, 5000, 6000] {
        let bench = bench(&|settings, _, _| settings.faults.cut_after_bytes = Some(bytes)).await;
        let end = async {
            let connection = bench.connector.connect(&bench.target).await.map_err(|e| e.chain())?;
            let remote = connection.remote(None).await.map_err(|e| e.chain())?;
            loop {
                if let Err(error) = remote.call(request("ping", &[]), &NoFiles, None).await {
                    assert!(matches!(error, CallError::Lost { .. }), "{error}");
                    return Err::<(), String>(error.to_string());
                }
            }
        };
        let end = tokio::time::timeout(Duration::from_secs(20), end).await;
        assert!(end.unwrap_or_else(|_| panic!("cut after {bytes}: it hangs")).is_err());
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_is_cancelled() {
    let bench = bench(&|_, _, _| {}).await;
    let remote = bench.connect().await.remote(None).await.unwrap();
    let wait = remote.call(request("wait", &[]), &NoFiles, None);
    assert!(tokio::time::timeout(Duration::from_millis(300), wait).await.is_err());
    let response = remote.call(request("cancelled", &[]), &NoFiles, None).await.unwrap();
    assert_eq!(response.returned.get("count"), Some(&1.into()));
}

#[tokio::test]
async fn calls_run_side_by_side() {
    let bench = bench(&|_, _, _| {}).await;
    let remote = bench.connect().await.remote(None).await.unwrap();
    let calls = (0..200).map(|_| ping(&remote));
    futures::future::join_all(calls).await;
    assert_eq!(remote.counters().frames_sent, 200);
}

#[tokio::test]
async fn a_remote_that_dies_is_lost_with_its_last_words_and_started_anew() {
    let bench = bench(&|_, _, _| {}).await;
    let connection = bench.connect().await;
    let remote = connection.remote(None).await.unwrap();
    let error = remote.call(request("die", &[]), &NoFiles, None).await.unwrap_err();
    let why = "the remote ended with status 3; it said: I was told to".to_owned();
    assert_eq!(error, CallError::Lost { why });
    let error = remote.call(request("ping", &[]), &NoFiles, None).await.unwrap_err();
    assert!(matches!(error, CallError::Lost { .. }));
    ping(&connection.remote(None).await.unwrap()).await;
}

#[tokio::test]
async fn a_remote_that_babbles_is_lost() {
    let bench = bench(&|_, _, _| {}).await;
    let remote = bench.connect().await.remote(None).await.unwrap();
    let error = remote.call(request("babble", &[]), &NoFiles, None).await.unwrap_err();
    assert!(error.to_string().contains("over the limit"), "{error}");
}

#[tokio::test]
async fn a_remote_without_a_connection_ends() {
    let bench = bench(&|_, _, _| {}).await;
    let connection = bench.connect().await;
    let pid = connection.remote(None).await.unwrap().hello().pid;
    let process = PathBuf::from(format!("/proc/{pid}"));
    assert!(process.exists());
    drop(connection);
    for _ in 0..200 {
        if !process.exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("process {pid} is still there");
}

#[tokio::test]
async fn raw_commands_run_without_a_remote() {
    let bench = bench(&|_, _, _| {}).await;
    let connection = bench.connect().await;
    let run =
        |command: &'static str, stdin: &'static [u8]| connection.raw(command, None, stdin, None);
    let output = run("cat; echo err >&2; pwd; exit 7", b"in\n").await.unwrap();
    assert_eq!(output.rc, 7);
    let home = bench.folder.join("home");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("in\n{}\n", home.display()));
    assert_eq!(output.stderr, b"err\n");
    // Input that nobody reads is no failure.
    let output = run("exit 0", &[0; 1_000_000]).await.unwrap();
    assert_eq!(output.rc, 0);
    let output = run("kill -9 $$", b"").await.unwrap();
    assert_eq!(output.rc, 137);
    let limit = Some(Duration::from_millis(200));
    let error = connection.raw("sleep 30", None, b"", limit).await.unwrap_err();
    assert!(matches!(error, ConnectError::Timeout { step: "the command", .. }), "{error}");
}

#[tokio::test]
async fn a_command_that_is_given_up_is_hung_up_on() {
    let bench = bench(&|_, _, _| {}).await;
    let connection = bench.connect().await;
    let limit = Some(Duration::from_millis(300));
    let command = "echo $$ >pid; exec sleep 100";
    connection.raw(command, None, b"", limit).await.unwrap_err();
    let pid = fs::read_to_string(bench.folder.join("home/pid")).unwrap();
    let process = PathBuf::from(format!("/proc/{}", pid.trim()));
    for _ in 0..200 {
        if !process.exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("process {pid} is still there");
}

#[tokio::test]
async fn hosts_that_cannot_run_the_remote_say_why() {
    for (stdout, stderr, status, expect) in [
        (
            "This account is currently not available.\n",
            "",
            1,
            "the host ran no POSIX shell for us; it said: This account is currently not available.",
        ),
        (
            "",
            "sh: exec: line 1: /bin/sh: not found\n",
            127,
            "the host ran no POSIX shell for us; it said: sh: exec: line 1: /bin/sh: not found",
        ),
        ("", "", 255, "the host ran no POSIX shell for us"),
    ] {
        let bench = bench(&|settings, _, _| {
            settings.faults = Faults {
                refusal: Some(Refusal { status, stdout: stdout.into(), stderr: stderr.into() }),
                ..Faults::default()
            };
        })
        .await;
        assert_eq!(bench.refusal().await, expect);
    }
}

#[tokio::test]
async fn folders_that_cannot_hold_the_remote_are_named() {
    let bench = bench(&|_, target, folder| {
        fs::write(folder.join("file"), "").unwrap();
        let file = folder.join("file").display().to_string();
        target.remote_folders = vec![file.clone(), format!("{file}/below"), "/proc/x".into()];
    })
    .await;
    let refusal = bench.refusal().await;
    assert!(refusal.contains("no folder of the host can hold and run the remote"), "{refusal}");
    for folder in ["/file/trueup-", "/file/below/trueup-", "/proc/x/trueup-"] {
        assert!(refusal.contains(folder), "no {folder} in {refusal}");
    }
}

#[tokio::test]
async fn a_folder_that_belongs_to_somebody_else_is_not_trusted() {
    let bench = bench(&|_, target, folder| {
        // Somebody was here first, and left a door open.
        let uid =
            fs::metadata(folder).map(|data| std::os::unix::fs::MetadataExt::uid(&data)).unwrap();
        let door = folder.join("open").join(format!("trueup-{uid}"));
        fs::create_dir_all(&door).unwrap();
        fs::set_permissions(&door, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        target.remote_folders = vec![folder.join("open").display().to_string()];
    })
    .await;
    let refusal = bench.refusal().await;
    assert!(refusal.contains("is not a folder of this user alone"), "{refusal}");
}

#[tokio::test]
async fn a_machine_without_a_remote_is_named() {
    let bench = bench(&|_, _, _| {}).await;
    let mut gzip = GzEncoder::new(Cursor::new(Vec::new()), Compression::fast());
    gzip.write_all(b"#!/bin/sh\n").unwrap();
    let gzip = gzip.finish().unwrap().into_inner();
    let mut remotes = RemoteBinaries::default();
    remotes.add(RemoteBinary::new("riscv64gc-unknown-linux-gnu", gzip).unwrap());
    let connector = Connector::new(ConnectorSettings {
        home: bench.folder.clone(),
        user: "me".into(),
        agent_socket: None,
        system_ssh_config_file: None,
        remotes: Arc::new(remotes),
        opening_max: 1,
        narrator: None,
    });
    let error = connector.connect(&bench.target).await.unwrap().remote(None).await.err().unwrap();
    let machine = format!("Linux {}", std::env::consts::ARCH);
    assert!(error.chain().contains(&format!("no remote for `{machine}`")), "{}", error.chain());
    assert!(error.chain().contains("Linux riscv64"), "{}", error.chain());
    assert!(error.hint().unwrap().contains("TRUEUP_REMOTES_DIR"));
}

#[tokio::test]
async fn what_the_configuration_asks_and_is_not_done_is_warned_of() {
    let bench = bench(&|_, target, _| {
        target.ssh_options = vec![("Tunnel".into(), "yes".into())];
    })
    .await;
    let connection = bench.connect().await;
    assert_eq!(connection.warnings(), ["SSH option: Tunnel is not done by this program"]);
}
