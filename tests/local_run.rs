//! Runs on this machine alone, without SSH: what the controller and the remote do together.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    sync::mpsc,
    thread,
};

use trueup_tests::program::Scratch;

/// A web server that takes one request, and gives it away.
fn listen() -> (u16, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut request, mut length) = (Vec::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            request.extend(line.as_bytes());
            if let Some(size) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = size.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        request.extend(body);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
        sender.send(request).unwrap();
    });
    (port, receiver)
}

fn contains(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}

#[test]
fn a_web_service_is_sent_files_of_the_controller() {
    let scratch = Scratch::new("uploads");
    let binary: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    scratch.write("files/logo.bin", &binary);
    for (arguments, expected) in [
        ("src: logo.bin", "Content-Type: application/x-www-form-urlencoded"),
        (
            "body_format: form-multipart, body: {logo: {filename: logo.bin, mime_type: image/x}, \
             note: hello}",
            "filename=\"logo.bin\"",
        ),
    ] {
        let (port, received) = listen();
        scratch.write(
            "play.yml",
            format!(
                "- hosts: localhost\n  gather_facts: false\n  connection: local\n  tasks:\n  \
                 - uri: {{url: 'http://127.0.0.1:{port}/', method: POST, {arguments}}}\n"
            ),
        );
        scratch.trueup(&["run", "play.yml"]).expect_code(0);
        let request = received.recv().unwrap();
        assert!(contains(&request, expected.as_bytes()), "{arguments}");
        assert!(contains(&request, &binary), "{arguments}");
    }
    scratch.write(
        "play.yml",
        "- hosts: localhost\n  gather_facts: false\n  connection: local\n  tasks:\n  - uri: {url: \
         'http://127.0.0.1:9/', src: nowhere.bin}\n",
    );
    let ran = scratch.trueup(&["run", "play.yml"]);
    ran.expect_code(2);
    ran.expect_said(&["Could not find or access 'nowhere.bin'"]);
}

/// What a check run skips, later tasks cannot know; they are skipped and say so, and nothing fails
/// that would not fail in a run.
#[test]
fn a_check_run_says_what_only_a_run_can_tell() {
    let scratch = Scratch::new("until-run");
    scratch.write(
        "play.yml",
        r#"
- hosts: localhost
  gather_facts: false
  connection: local
  vars:
    indirect: "{{ asked.stdout }}"
  tasks:
  - command: echo yes
    register: asked
    changed_when: asked.stdout == 'yes'
    failed_when: asked.rc > 1
  - {name: by condition, debug: {msg: ran}, when: asked.rc == 0}
  - {name: by argument, debug: {msg: "{{ asked.stdout }}"}}
  - {name: by variable, debug: {msg: "{{ indirect }}"}}
  - {name: by assertion, assert: {that: asked.stdout == 'yes'}}
  - {name: by loop, debug: {msg: "{{ item }}"}, loop: "{{ asked.stdout_lines }}"}
  - {name: by what was skipped, debug: {msg: ran}, register: second, when: asked.rc == 0}
  - {name: twice removed, debug: {msg: ran}, when: second.msg == 'ran'}
  - command: echo {{ item }}
    loop: [a, b]
    register: all
  - {name: of an item, debug: {msg: "{{ all.results[1].stdout }}"}}
  - {name: forgiven, debug: {msg: "{{ asked.stdout | default('none') }}"}}
  - {name: known, debug: {msg: ran}, when: asked is skipped}
"#,
    );
    let ran = scratch.trueup(&["run", "--check", "play.yml"]);
    ran.expect_code(0);
    for task in [
        "by condition",
        "by argument",
        "by variable",
        "by assertion",
        "by loop",
        "by what was skipped",
        "twice removed",
        "of an item",
    ] {
        let part = ran.stdout.split(&format!("TASK [{task}]")).nth(1).unwrap();
        let part = part.split("TASK [").next().unwrap();
        assert!(part.contains("skipping: [localhost] (unknown until run)"), "{task}: {part}");
    }
    ran.expect_said(&["\"msg\": \"none\"", "\"msg\": \"ran\""]);
    // In a run all of it is known.
    let ran = scratch.trueup(&["run", "play.yml"]);
    ran.expect_code(0);
    assert!(!ran.stdout.contains("unknown until run"), "{}", ran.stdout);
    ran.expect_said(&["\"msg\": \"yes\"", "\"msg\": \"b\""]);
}

#[test]
fn a_failure_is_one_though_handlers_run() {
    let scratch = Scratch::new("forced");
    scratch.write(
        "play.yml",
        "- hosts: localhost\n  gather_facts: false\n  connection: local\n  handlers:\n  - name: told\n    \
         debug: {msg: told}\n  tasks:\n  - command: 'true'\n    notify: told\n  - fail: {msg: no}\n",
    );
    for (words, told) in
        [(&["run", "play.yml"][..], false), (&["run", "--force-handlers", "play.yml"][..], true)]
    {
        let ran = scratch.trueup(words);
        ran.expect_code(2);
        assert_eq!(ran.stdout.contains("\"msg\": \"told\""), told, "{words:?}: {}", ran.stdout);
    }
}

/// Modules that few hosts need are in a program of their own, which is fetched when the first task
/// needs it and answers in the order of tasks, also as a job.
#[test]
fn rare_modules_are_fetched_when_they_are_needed() {
    let scratch = Scratch::new("rare");
    scratch.write(
        "play.yml",
        "- hosts: localhost\n  gather_facts: false\n  connection: local\n  tasks:\n  - expect: \
         {command: echo one, responses: {x: y}}\n    register: one\n  - command: echo two\n    \
         register: two\n  - expect: {command: echo three, responses: {x: y}}\n    register: three\n    \
         async: 20\n    poll: 1\n  - expect: {command: 'sh -c \"exit 3\"', responses: {x: y}}\n    \
         register: four\n    ignore_errors: true\n  - assert:\n      that:\n      - one.stdout == \
         'one' and two.stdout == 'two' and three.stdout == 'three'\n      - four is failed and four.rc \
         == 3\n",
    );
    let ran = scratch.trueup(&["run", "play.yml"]);
    ran.expect_code(0);
}

/// A web server behind TLS, by `openssl`; ends when dropped.
struct Secure(std::process::Child);

impl Drop for Secure {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// TLS is spoken by the remote's companion: on the host where a task asks for it, and on the
/// controller where a lookup does.
#[test]
fn https_is_spoken_on_both_sides() {
    let scratch = Scratch::new("https");
    let openssl = |words: &[&str]| {
        let mut command = scratch.command(std::path::Path::new("openssl"), words);
        command.stderr(std::process::Stdio::null());
        command
    };
    let made = openssl(&[
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
        "-subj",
        "/CN=localhost",
        "-days",
        "2",
        "-addext",
        "subjectAltName=DNS:localhost",
    ])
    .status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: HTTPS on both sides: this needs openssl");
        return;
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let accept = port.to_string();
    let server = openssl(&[
        "s_server", "-accept", &accept, "-cert", "cert.pem", "-key", "key.pem", "-WWW", "-quiet",
    ])
    .spawn();
    let _server = Secure(server.unwrap());
    let answers = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    for _ in 0..100 {
        if answers() {
            break;
        }
        thread::sleep(std::time::Duration::from_millis(50));
    }
    scratch.write("page.txt", "behind TLS\n");
    scratch.write(
        "play.yml",
        format!(
            "- hosts: localhost\n  gather_facts: false\n  connection: local\n  vars:\n    page: \
             https://localhost:{port}/page.txt\n  environment: {{SSL_CERT_FILE: '{{{{ playbook_dir \
             }}}}/cert.pem'}}\n  tasks:\n  - get_url: {{url: '{{{{ page }}}}', dest: '{{{{ \
             playbook_dir }}}}/got.txt'}}\n  - assert:\n      that: lookup('file', 'got.txt') == \
             'behind TLS'\n  - debug:\n      msg: \"{{{{ lookup('url', page, validate_certs=false) \
             }}}}\"\n  - get_url: {{url: '{{{{ page }}}}', dest: '{{{{ playbook_dir }}}}/no.txt'}}\n    \
             environment: {{SSL_CERT_FILE: /nowhere}}\n"
        ),
    );
    let ran = scratch.trueup(&["run", "play.yml"]);
    // The last task trusts what this machine trusts, or nobody.
    ran.expect_code(2);
    ran.expect_said(&["\"msg\": \"behind TLS\"", "Request failed: "]);
    assert!(!scratch.path("no.txt").exists());
}

#[test]
fn new_files_have_the_permissions_that_the_user_gives_new_files() {
    let scratch = Scratch::new("umask");
    scratch.write(
        "play.yml",
        "- hosts: localhost\n  gather_facts: false\n  connection: local\n  tasks:\n  - copy: \
         {content: text, dest: '{{ playbook_dir }}/file'}\n  - file: {path: '{{ playbook_dir \
         }}/folder', state: directory}\n  - command: touch made\n    args: {chdir: '{{ \
         playbook_dir }}'}\n",
    );
    scratch.trueup(&["run", "play.yml"]).expect_code(0);
    std::fs::write(scratch.path("own"), "").unwrap();
    std::fs::create_dir(scratch.path("own.d")).unwrap();
    let mode = |name: &str| std::fs::metadata(scratch.path(name)).unwrap().permissions().mode();
    for (made, own) in [("file", "own"), ("made", "own"), ("folder", "own.d")] {
        assert_eq!(mode(made), mode(own), "{made}");
    }
}

#[test]
fn local_tasks_start_in_the_folder_of_the_playbook() {
    let scratch = Scratch::new("local-folder");
    for name in ["one", "two"] {
        scratch.write(
            &format!("{name}/play.yml"),
            "- hosts: localhost\n  gather_facts: false\n  connection: local\n  tasks:\n  - \
             command: touch made\n  - copy: {content: text, dest: copied}\n",
        );
    }
    scratch.trueup(&["run", "one/play.yml", "two/play.yml"]).expect_code(0);
    for below in ["one/made", "one/copied", "two/made", "two/copied"] {
        assert!(scratch.path(below).exists(), "{below}");
    }
}
