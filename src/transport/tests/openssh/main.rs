//! Real OpenSSH on booted hosts: logging in, becoming other users, and hosts on which things are
//! not as they should be.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what tests share may panic as tests do")]

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use flate2::{Compression, write::GzEncoder};
use hosts::{Fleet, Host, HostSpec, Operator, Sudo, available};
use protocol::{JsonMap, Request, Secret};
use transport::{
    Become, BecomeMethod, CallError, ConnectError, Connection, Connector, ConnectorSettings,
    HostKeyPolicy, NoFiles, RemoteBinaries, RemoteBinary, Target,
};

mod other_users;

/// Accounts beside root: `op` may do all without a password; the others by this script.
const ACCOUNTS: &str = "
useradd -m -s /bin/bash careful
useradd -m -s /bin/bash nobody-special
useradd -m -s /bin/sh web
useradd -m -s /usr/sbin/nologin service
useradd -m -s /bin/bash strict
useradd -m -s /bin/bash terminal
printf 'careful:secret one\\nnobody-special:secret two\\nweb:secret web\\nstrict:secret one\\nterminal:x\\n' | chpasswd
cat >/etc/sudoers.d/more <<'TEXT'
careful ALL=(ALL:ALL) ALL
strict ALL=(web) ALL
Defaults:terminal requiretty
terminal ALL=(ALL:ALL) NOPASSWD: ALL
TEXT
for user in careful nobody-special web strict terminal; do
  mkdir -p /home/$user/.ssh
  cp /root/.ssh/authorized_keys /home/$user/.ssh/
  chown -R $user: /home/$user/.ssh
done
";

struct Bench {
    fleet: Fleet,
    host: Host,
    /// A host in front of which the other one stands when it is used as a jump host.
    behind: Host,
    /// A host whose sshd a test may restart.
    restless: Host,
}

/// One fleet for all tests of this file; its reaper takes it away at the end of the process.
fn bench() -> &'static Mutex<Bench> {
    static BENCH: OnceLock<Mutex<Bench>> = OnceLock::new();
    BENCH.get_or_init(|| {
        let mut fleet = Fleet::start().unwrap();
        let front = HostSpec {
            operator: Some(Operator {
                name: "op".into(),
                password: Some("secret op".into()),
                sudo: Sudo::WithoutPassword,
            }),
            root_password: Some("secret root".into()),
            sshd_config: vec!["MaxAuthTries 4".into()],
            prepare: Some(ACCOUNTS.into()),
            ..HostSpec::new("front")
        };
        let restless = HostSpec { prepare: Some(ACCOUNTS.into()), ..HostSpec::new("restless") };
        let specs = [front, HostSpec::new("behind"), restless];
        let hosts: [Host; 3] = fleet.boot_all(&specs).unwrap().try_into().ok().unwrap();
        let [host, behind, restless] = hosts;
        Mutex::new(Bench { fleet, host, behind, restless })
    })
}

/// Where a test works: a connector and a target for one user of the host.
struct Way {
    folder: PathBuf,
    target: Target,
    connector: Connector,
    behind: String,
}

impl Drop for Way {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn way(name: &str, user: &str) -> Way {
    let bench = bench().lock().unwrap_or_else(PoisonError::into_inner);
    let folder = std::env::temp_dir().join(format!("trueup-openssh-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let target = Target {
        name: "front".into(),
        address: bench.host.address().to_string(),
        user: Some(user.into()),
        identity_files: vec![bench.fleet.key_file()],
        known_hosts_files: vec![bench.fleet.known_hosts_file()],
        ..Target::default()
    };
    Way {
        connector: connector(&folder, None),
        folder,
        target,
        behind: bench.behind.address().to_string(),
    }
}

/// Runs shell on the host as root.
fn on_host(script: &str) -> String {
    let bench = bench().lock().unwrap_or_else(PoisonError::into_inner);
    bench.host.run(script).unwrap()
}

fn connector(folder: &Path, agent_socket: Option<PathBuf>) -> Connector {
    Connector::new(ConnectorSettings {
        home: folder.to_owned(),
        user: "me".into(),
        agent_socket,
        system_ssh_config_file: None,
        remotes: remotes(),
        opening_max: 50,
        narrator: None,
    })
}

/// The fake remote, which runs on the host because that has the same C library as this machine.
fn remotes() -> Arc<RemoteBinaries> {
    static REMOTES: OnceLock<Arc<RemoteBinaries>> = OnceLock::new();
    let make = || {
        let test = std::env::current_exe().unwrap();
        let fake = test.parent().unwrap().parent().unwrap().join("examples/fake_remote");
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&fs::read(fake).unwrap()).unwrap();
        let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let mut remotes = RemoteBinaries::default();
        remotes.add(RemoteBinary::new(&triple, gzip.finish().unwrap()).unwrap());
        Arc::new(remotes)
    };
    REMOTES.get_or_init(make).clone()
}

fn become_(method: BecomeMethod, user: &str, password: Option<&str>) -> Become {
    Become {
        method,
        user: user.into(),
        password: password.map(|password| Secret::new(password.to_owned())),
        executable: None,
        flags: None,
    }
}

/// Who runs a remote, by its own word.
async fn who(connection: &Connection, become_: Option<&Become>) -> Result<String, ConnectError> {
    let remote = connection.remote(become_).await?;
    let mut args = JsonMap::new();
    args.insert("name".into(), "HOME".into());
    let request = Request { module: "env".into(), args, ..Request::default() };
    let response = remote.call(request, &NoFiles, None).await.unwrap();
    let pid = remote.hello().pid;
    let user = on_host(&format!("ps -o user= -p {pid} | tr -d ' \\n'"));
    let home = response.returned.get("value").and_then(|home| home.as_str()).unwrap_or_default();
    Ok(format!("{user} {home}"))
}

async fn connect(way: &Way) -> Connection {
    way.connector.connect(&way.target).await.unwrap_or_else(|error| panic!("{}", error.chain()))
}

async fn refusal(way: &Way) -> String {
    match way.connector.connect(&way.target).await {
        Ok(_) => panic!("it was let in"),
        Err(error) => error.chain(),
    }
}

#[tokio::test]
async fn keys_of_all_kinds_log_in() {
    if !available("keys_of_all_kinds_log_in") {
        return;
    }
    let mut way = way("kinds", "root");
    for (kind, more) in [
        ("ed25519", &["-N", ""][..]),
        ("ecdsa", &["-N", ""]),
        ("rsa", &["-b", "2048", "-N", ""]),
        ("rsa", &["-b", "2048", "-N", "", "-m", "PEM"]),
        ("rsa", &["-b", "2048", "-N", "", "-m", "PKCS8"]),
        ("ecdsa", &["-N", "", "-m", "PKCS8"]),
        ("ed25519", &["-N", "open sesame"]),
        ("rsa", &["-b", "2048", "-N", "open sesame"]),
    ] {
        let file = way.folder.join("key");
        let _ = fs::remove_file(&file);
        keygen(&[&["-t", kind, "-f", file.to_str().unwrap()], more].concat());
        let public = fs::read_to_string(file.with_extension("pub")).unwrap();
        on_host(&format!("echo '{}' >>/root/.ssh/authorized_keys", public.trim()));
        // Without the public half beside it, which a user may not have.
        fs::remove_file(file.with_extension("pub")).unwrap();
        way.target.identity_files = vec![file];
        way.target.passphrase = Some(Secret::new("open sesame".into()));
        let connection = connect(&way).await;
        let output = connection.raw("id -un", None, b"", None).await.unwrap();
        assert_eq!(output.stdout, b"root\n", "{kind} {more:?}");
    }
    way.target.passphrase = None;
    let why = refusal(&way).await;
    assert!(why.contains("is encrypted, and there is no passphrase"), "{why}");
    way.target.passphrase = Some(Secret::new("wrong".into()));
    let why = refusal(&way).await;
    assert!(why.contains("does not open with the passphrase"), "{why}");
}

fn keygen(words: &[&str]) {
    let status = Command::new("ssh-keygen").arg("-q").args(words).status().unwrap();
    assert!(status.success(), "ssh-keygen {words:?}");
}

#[tokio::test]
async fn certificates_log_in_and_prove_hosts() {
    if !available("certificates_log_in_and_prove_hosts") {
        return;
    }
    let mut way = way("certificates", "web");
    let on_host = |script: &str| {
        let bench = bench().lock().unwrap_or_else(PoisonError::into_inner);
        bench.restless.run(script).unwrap()
    };
    way.target.address = {
        let bench = bench().lock().unwrap_or_else(PoisonError::into_inner);
        bench.restless.address().to_string()
    };
    let path = |name: &str| way.folder.join(name).display().to_string();
    let (authority, key) = (path("authority"), path("key"));
    keygen(&["-t", "ed25519", "-N", "", "-f", &authority]);
    keygen(&["-t", "ed25519", "-N", "", "-f", &key]);
    keygen(&["-s", &authority, "-I", "test", "-n", "web", &format!("{key}.pub")]);
    let public = fs::read_to_string(format!("{authority}.pub")).unwrap();
    // The host trusts the authority for users, and shows a certificate of it for itself.
    let host_key = path("host_key.pub");
    fs::write(&host_key, on_host("cat /etc/ssh/ssh_host_ed25519_key.pub")).unwrap();
    let principals = way.target.address.clone();
    keygen(&["-s", &authority, "-I", "front", "-h", "-n", &principals, &host_key]);
    let certificate = fs::read_to_string(path("host_key-cert.pub")).unwrap();
    on_host(&format!(
        "echo '{}' >/etc/ssh/authority.pub
         echo '{}' >/etc/ssh/ssh_host_ed25519_key-cert.pub
         cat >/etc/ssh/sshd_config.d/10-authority.conf <<TEXT
TrustedUserCAKeys /etc/ssh/authority.pub
HostCertificate /etc/ssh/ssh_host_ed25519_key-cert.pub
TEXT
         systemctl restart ssh",
        public.trim(),
        certificate.trim()
    ));
    way.target.identity_files = vec![key.into()];
    let known = way.folder.join("known_hosts");
    fs::write(&known, format!("@cert-authority {} {public}", way.target.address)).unwrap();
    way.target.known_hosts_files = vec![known.clone()];
    let output = connect(&way).await.raw("id -un", None, b"", None).await.unwrap();
    assert_eq!(output.stdout, b"web\n");
    // Not for another user.
    way.target.user = Some("careful".into());
    let why = refusal(&way).await;
    assert!(why.contains("certificate of key") && why.contains("was refused"), "{why}");
    // Not by another authority.
    way.target.user = Some("web".into());
    let other = way.folder.join("other");
    keygen(&["-t", "ed25519", "-N", "", "-f", other.to_str().unwrap()]);
    let other = fs::read_to_string(other.with_extension("pub")).unwrap();
    fs::write(&known, format!("@cert-authority {} {other}", way.target.address)).unwrap();
    let why = refusal(&way).await;
    assert!(why.contains("is not known"), "{why}");
}

#[tokio::test]
async fn the_agent_signs() {
    if !available("the_agent_signs") {
        return;
    }
    let mut way = way("agent", "op");
    let socket = way.folder.join("agent");
    let mut agent = Command::new("ssh-agent")
        .args(["-D", "-a"])
        .arg(&socket)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while !socket.exists() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let key = way.target.identity_files.remove(0);
    let add = Command::new("ssh-add").arg("-q").arg(&key).env("SSH_AUTH_SOCK", &socket).status();
    assert!(add.unwrap().success());
    way.connector = connector(&way.folder, Some(socket));
    assert_eq!(who(&connect(&way).await, None).await.unwrap(), "op /home/op");
    // A key that is not named is not offered where only named ones are wanted.
    way.target.identities_only = Some(true);
    let why = refusal(&way).await;
    assert!(why.contains("op@"), "{why}");
    // Its public half is name enough.
    let public = way.folder.join("named.pub");
    fs::copy(key.with_extension("pub"), &public).unwrap();
    way.target.identity_files = vec![way.folder.join("named")];
    connect(&way).await;
    // Commands on the host may use it where that was asked for.
    for (options, expect) in
        [(vec![("ForwardAgent".into(), "yes".into())], "ED25519"), (vec![], "-")]
    {
        way.target.ssh_options = options;
        let command = "test -n \"$SSH_AUTH_SOCK\" && ssh-add -l || echo -";
        let output = connect(&way).await.raw(command, None, b"", None).await.unwrap();
        let listed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(listed.contains(expect), "{listed}");
    }
    agent.kill().unwrap();
    agent.wait().unwrap();
    way.target.identities_only = None;
    let why = refusal(&way).await;
    assert!(why.contains("cannot be asked"), "{why}");
}

#[tokio::test]
async fn passwords_log_in() {
    if !available("passwords_log_in") {
        return;
    }
    let mut way = way("passwords", "root");
    way.target.identity_files.clear();
    way.target.password = Some(Secret::new("secret root".into()));
    assert_eq!(who(&connect(&way).await, None).await.unwrap(), "root /root");
    way.target.password = Some(Secret::new("wrong".into()));
    let why = refusal(&way).await;
    assert!(why.contains("the password was refused"), "{why}");
    way.target.password = None;
    let why = refusal(&way).await;
    assert!(why.contains("the server takes publickey, password"), "{why}");
}

#[tokio::test]
async fn host_keys_are_known_recorded_and_refused() {
    if !available("host_keys_are_known_recorded_and_refused") {
        return;
    }
    let mut way = way("host-keys", "root");
    let own = way.folder.join("known_hosts");
    way.target.known_hosts_files = vec![own.clone()];
    let error = way.connector.connect(&way.target).await.err().unwrap();
    assert!(error.chain().contains("is not known"), "{}", error.chain());
    let hint = error.hint().unwrap();
    assert!(
        hint.contains(&format!("ssh-keyscan -p 22 -t ed25519 {}", way.target.address)),
        "{hint}"
    );
    way.target.host_key_policy = Some(HostKeyPolicy::AcceptNew);
    way.target.ssh_options = vec![("HashKnownHosts".into(), "yes".into())];
    let connects = (0..5).map(|_| connect(&way));
    futures::future::join_all(connects).await;
    let text = fs::read_to_string(&own).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(!text.contains(&way.target.address));
    // What was recorded is what OpenSSH itself reads.
    let ssh = Command::new("ssh-keygen")
        .args(["-F", &way.target.address, "-f"])
        .arg(&own)
        .output()
        .unwrap();
    assert!(ssh.status.success(), "{}", String::from_utf8_lossy(&ssh.stdout));
    way.target.host_key_policy = Some(HostKeyPolicy::Strict);
    connect(&way).await;
    // A host that has the key of another one.
    way.target.address.clone_from(&way.behind);
    let line = fs::read_to_string(&own).unwrap();
    let key = line.split_once(' ').unwrap().1;
    fs::write(&own, format!("{} {key}", way.behind)).unwrap();
    for policy in [HostKeyPolicy::Strict, HostKeyPolicy::AcceptNew] {
        way.target.host_key_policy = Some(policy);
        let error = way.connector.connect(&way.target).await.err().unwrap();
        assert!(error.chain().contains("known_hosts line 1"), "{}", error.chain());
        assert!(error.hint().unwrap().contains(&format!("-R '{}'", way.behind)));
    }
}

#[tokio::test]
async fn a_host_behind_another_is_reached() {
    if !available("a_host_behind_another_is_reached") {
        return;
    }
    let mut way = way("jump", "root");
    let config = way.folder.join("config");
    let text = format!(
        "Host bastion\n  HostName {}\n  User op\n  IdentityFile {}\nHost inner\n  HostName {}\n  \
         ProxyJump bastion\n",
        way.target.address,
        way.target.identity_files[0].display(),
        way.behind
    );
    fs::write(&config, text).unwrap();
    way.target.ssh_config_file = Some(config);
    way.target.address = "inner".into();
    let connection = connect(&way).await;
    let output = connection.raw("hostname; echo $SSH_CONNECTION", None, b"", None).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("behind\n"), "{text}");
}

#[tokio::test]
async fn many_connections_at_once_get_through_max_startups() {
    if !available("many_connections_at_once_get_through_max_startups") {
        return;
    }
    let way = way("many", "root");
    let connects = (0..60).map(|_| async {
        let connection = connect(&way).await;
        connection.raw("true", None, b"", None).await.unwrap().rc
    });
    let ends = futures::future::join_all(connects).await;
    assert_eq!(ends, [0; 60]);
}

#[tokio::test]
async fn login_shells_that_are_no_posix_shells_run_it_too() {
    if !available("login_shells_that_are_no_posix_shells_run_it_too") {
        return;
    }
    on_host("apt-get -q update >/dev/null && apt-get -qy install csh fish >/dev/null");
    for shell in ["/bin/csh", "/usr/bin/fish", "/bin/bash", "/bin/dash"] {
        let user = format!("u{}", shell.rsplit('/').next().unwrap());
        on_host(&format!(
            "useradd -m -s {shell} {user} && cp -r /root/.ssh /home/{user}/ && chown -R {user}: /home/{user}
             echo '{user} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/{user}"
        ));
        let way = way(shell.rsplit('/').next().unwrap(), &user);
        let connection = connect(&way).await;
        let outcome = who(&connection, None).await.unwrap_or_else(|error| error.chain());
        assert_eq!(outcome, format!("{user} /home/{user}"), "{shell}");
        let root = become_(BecomeMethod::Sudo, "root", None);
        let outcome = who(&connection, Some(&root)).await.unwrap_or_else(|error| error.chain());
        assert_eq!(outcome, "root /root", "{shell}");
        let su = become_(BecomeMethod::Su, "root", Some("secret root"));
        let outcome = who(&connection, Some(&su)).await.unwrap_or_else(|error| error.chain());
        assert_eq!(outcome, "root /root", "{shell}");
    }
}

#[tokio::test]
async fn folders_that_cannot_run_programs_or_are_full_are_passed_over() {
    if !available("folders_that_cannot_run_programs_or_are_full_are_passed_over") {
        return;
    }
    on_host(
        "for at in noexec full gone; do mkdir -p /mnt/$at; done
         mount -t tmpfs -o noexec,mode=1777 tmpfs /mnt/noexec
         mount -t tmpfs -o size=64k,mode=1777 tmpfs /mnt/full
         mount -t tmpfs -o ro tmpfs /mnt/gone",
    );
    let mut way = way("folders", "web");
    let bad = ["/mnt/noexec", "/mnt/full", "/mnt/gone/x"].map(str::to_owned).to_vec();
    way.target.remote_folders.clone_from(&bad);
    let connection = connect(&way).await;
    let error = connection.remote(None).await.err().unwrap().chain();
    for expect in [
        "/mnt/noexec/trueup-",
        "programs cannot be run from it",
        "KiB are needed",
        "Read-only file system",
    ] {
        assert!(error.contains(expect), "no {expect} in {error}");
    }
    way.target.remote_folders.push("/mnt/$USER/~x".into());
    on_host("mkdir -m 1777 /mnt/web");
    let connection = connect(&way).await;
    who(&connection, None).await.unwrap();
    assert!(on_host("ls /mnt/web/~x/trueup-*/").trim().len() == 64);
}

#[tokio::test]
async fn a_bad_home_does_no_harm() {
    if !available("a_bad_home_does_no_harm") {
        return;
    }
    on_host(
        "useradd -M -d /nonexistent -s /bin/sh homeless
         useradd -m -s /bin/bash chatty && cp -r /root/.ssh /home/chatty/
         echo 'echo welcome; echo to the shell >&2; seq 2000' >/home/chatty/.bashrc
         chown -R chatty: /home/chatty",
    );
    let way = way("home", "root");
    let connection = connect(&way).await;
    let homeless = become_(BecomeMethod::Sudo, "homeless", None);
    assert_eq!(who(&connection, Some(&homeless)).await.unwrap(), "homeless /nonexistent");
    drop(way);
    let way = self::way("chatty", "chatty");
    assert_eq!(who(&connect(&way).await, None).await.unwrap(), "chatty /home/chatty");
}

#[tokio::test]
async fn remotes_end_with_their_connection() {
    if !available("remotes_end_with_their_connection") {
        return;
    }
    let way = way("end", "op");
    let connection = connect(&way).await;
    let root = become_(BecomeMethod::Sudo, "root", None);
    let pids = [
        connection.remote(None).await.unwrap().hello().pid,
        connection.remote(Some(&root)).await.unwrap().hello().pid,
    ];
    let alive = |pid: u32| on_host(&format!("kill -0 {pid} 2>/dev/null && echo yes || echo no"));
    assert_eq!(pids.map(alive), ["yes\n", "yes\n"]);
    drop(connection);
    for _ in 0..100 {
        if pids.map(alive) == ["no\n", "no\n"] {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("remotes live on: {pids:?}");
}

#[tokio::test]
async fn a_host_that_dies_is_lost() {
    if !available("a_host_that_dies_is_lost") {
        return;
    }
    let way = way("dies", "web");
    let connection = connect(&way).await;
    let remote = connection.remote(None).await.unwrap();
    let request = Request { module: "wait".into(), ..Request::default() };
    let call = remote.call(request, &NoFiles, None);
    let kill = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        on_host("pkill -9 -u web sshd || pkill -9 -u web");
    };
    let (result, ()) = tokio::join!(call, kill);
    assert!(matches!(result, Err(CallError::Lost { .. })), "{result:?}");
    let again = connection.remote(None).await.err().unwrap();
    assert!(again.is_unreachable(), "{}", again.chain());
    assert!(connection.has_ended());
}

#[tokio::test]
async fn the_remote_lies_where_nobody_else_can_write() {
    if !available("the_remote_lies_where_nobody_else_can_write") {
        return;
    }
    let mut way = way("modes", "web");
    way.target.remote_folders = vec!["/var/tmp".into()];
    who(&connect(&way).await, None).await.unwrap();
    let uid = on_host("id -u web");
    let root = bench().lock().unwrap_or_else(PoisonError::into_inner).host.root();
    let folder = root.join(format!("var/tmp/trueup-{}", uid.trim()));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&folder), 0o700);
    let file = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    assert_eq!(mode(&file), 0o700);
}

#[tokio::test]
async fn a_terminal_is_clean_for_frames() {
    if !available("a_terminal_is_clean_for_frames") {
        return;
    }
    // sudo gives this user a terminal alone, through which every byte must pass as it is.
    let way = way("terminal", "terminal");
    let connection = connect(&way).await;
    let root = become_(BecomeMethod::Sudo, "root", None);
    let remote = connection.remote(Some(&root)).await.unwrap();
    struct AllBytes;
    impl transport::Files for AllBytes {
        fn open(&self, _: &protocol::Digest) -> std::io::Result<Box<dyn std::io::Read + Send>> {
            let bytes: Vec<u8> = (0..=255).cycle().take(1_000_000).collect();
            Ok(Box::new(std::io::Cursor::new(bytes)))
        }
    }
    let mut args = JsonMap::new();
    args.insert("digest".into(), "any".into());
    let request = Request { module: "want".into(), args, ..Request::default() };
    let response = remote.call(request, &AllBytes, None).await.unwrap();
    let sum: u64 = (0..=255u64).cycle().take(1_000_000).sum();
    assert_eq!(response.returned.get("sum").and_then(|sum| sum.as_u64()), Some(sum));
}
