use std::{cell::RefCell, rc::Rc};

use module::{Mode, fake::FakeHost};
use protocol::{Json, Response};
use serde_json::json;

use crate::cases::run;

/// A server that counts what it is asked.
fn host() -> (FakeHost, Rc<RefCell<Vec<String>>>) {
    let mut host = FakeHost::default();
    host.put_dirs("/tmp");
    let log = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&log);
    host.serve("192.0.2.1:80", move |sent| {
        let text = String::from_utf8_lossy(sent).into_owned();
        let line = text.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
        seen.borrow_mut().push(line.clone());
        let path = line.split(' ').nth(1).unwrap_or_default();
        let answer = |head: &str, body: &str| {
            let body = if line.starts_with("HEAD") { "" } else { body };
            format!("HTTP/1.1 {head}\r\n\r\n{body}").into_bytes()
        };
        match path {
            "/f" => answer("200 OK\r\nContent-Length: 6", "hello\n"),
            "/old" if text.contains("If-Modified-Since: ") => answer("304 Not Modified", ""),
            "/old" => answer("200 OK\r\nContent-Length: 4", "old\n"),
            "/cd" => answer("200 OK\r\nContent-Disposition: attachment; filename=\"../n a\"", "cd"),
            "/sums" => answer(
                "200 OK",
                "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03  f\n",
            ),
            "/moved" => answer("302 Found\r\nLocation: f", ""),
            "/loop" => answer("302 Found\r\nLocation: loop", ""),
            "/cut" => answer("200 OK\r\nContent-Length: 60", "short"),
            "/chunks" => answer(
                "200 OK\r\nTransfer-Encoding: chunked",
                "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n",
            ),
            "/secret" if text.contains("Authorization: Basic dTpw\r\n") => answer("200 OK", "in"),
            "/secret" => answer("401 No\r\nWWW-Authenticate: Basic realm=x", ""),
            _ => answer("404 Not Found", "nope"),
        }
    });
    (host, log)
}

fn get(args: &Json, mode: Mode, host: &mut FakeHost) -> Response {
    run("get_url", args, "", "", mode, host)
}

const DIGEST: &str = "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";

#[test]
fn files_come_in_once() {
    for (args, there, file, content, changed, asked) in [
        (
            json!({"url": "http://192.0.2.1/f", "dest": "/tmp/f"}),
            "",
            "/tmp/f",
            "hello\n",
            true,
            vec!["GET /f"],
        ),
        (
            json!({"url": "http://192.0.2.1/f", "dest": "/tmp/f"}),
            "hello\n",
            "/tmp/f",
            "hello\n",
            false,
            vec!["GET /f"],
        ),
        (
            json!({"url": "http://192.0.2.1/f", "dest": "/tmp/f"}),
            "x",
            "/tmp/f",
            "hello\n",
            true,
            vec!["GET /f"],
        ),
        (
            json!({"url": "http://192.0.2.1/old", "dest": "/tmp/f"}),
            "x",
            "/tmp/f",
            "x",
            false,
            vec!["GET /old"],
        ),
        (
            json!({"url": "http://192.0.2.1/old", "dest": "/tmp/f", "force": true}),
            "x",
            "/tmp/f",
            "old\n",
            true,
            vec!["GET /old"],
        ),
        (
            json!({"url": "http://192.0.2.1/old", "dest": "/tmp/f", "mode": "0600"}),
            "x",
            "/tmp/f",
            "x",
            true,
            vec!["GET /old"],
        ),
        (
            json!({"url": "http://192.0.2.1/f", "dest": "/tmp"}),
            "",
            "/tmp/f",
            "hello\n",
            true,
            vec!["GET /f"],
        ),
        (
            json!({"url": "http://192.0.2.1/cd", "dest": "/tmp/"}),
            "",
            "/tmp/n a",
            "cd",
            true,
            vec!["GET /cd"],
        ),
        (
            json!({"url": "http://192.0.2.1/moved", "dest": "/tmp/f"}),
            "",
            "/tmp/f",
            "hello\n",
            true,
            vec!["GET /moved", "GET /f"],
        ),
        (
            json!({"url": "http://192.0.2.1/chunks", "dest": "/tmp/f"}),
            "",
            "/tmp/f",
            "abcde",
            true,
            vec!["GET /chunks"],
        ),
        (
            json!({"url": "http://192.0.2.1/f", "dest": "/tmp/f", "checksum": DIGEST}),
            "hello\n",
            "/tmp/f",
            "hello\n",
            false,
            vec![],
        ),
        (
            json!({"url": "http://192.0.2.1/f", "dest": "/tmp/f", "checksum": DIGEST}),
            "x",
            "/tmp/f",
            "hello\n",
            true,
            vec!["GET /f"],
        ),
        (
            json!({"url": "http://192.0.2.1/f", "dest": "/tmp/f", "checksum": "sha256:http://192.0.2.1/sums"}),
            "hello\n",
            "/tmp/f",
            "hello\n",
            false,
            vec!["GET /sums"],
        ),
        (
            json!({"url": "http://192.0.2.1/secret", "dest": "/tmp/f", "username": "u", "password": "p"}),
            "",
            "/tmp/f",
            "in",
            true,
            vec!["GET /secret", "GET /secret"],
        ),
        (
            json!({"url": "http://u:p@192.0.2.1/secret", "dest": "/tmp/f", "force_basic_auth": true}),
            "",
            "/tmp/f",
            "in",
            true,
            vec!["GET /secret"],
        ),
        (json!({"url": "file:///etc/x", "dest": "/tmp/f"}), "", "/tmp/f", "here", true, vec![]),
    ] {
        let (mut host, log) = host();
        host.put("/etc/x", "here");
        if !there.is_empty() {
            host.put("/tmp/f", there);
        }
        let response = get(&args, Mode::default(), &mut host);
        assert!(!response.failed, "{args}: {response:?}");
        assert_eq!(response.changed, changed, "{args}: {response:?}");
        assert_eq!(host.files.text(file).as_deref(), Some(content), "{args}");
        assert_eq!(*log.borrow(), asked, "{args}");
        let left = module::Host::list(&host, std::path::Path::new("/tmp")).unwrap();
        assert_eq!(left.len(), 1, "{args}: {left:?}");
    }
}

#[test]
fn check_runs_ask_for_the_head() {
    let (mut host, log) = host();
    let mode = Mode { check: true, diff: false };
    let said = get(&json!({"url": "http://192.0.2.1/f", "dest": "/tmp/f"}), mode, &mut host);
    assert!(said.changed && !said.failed, "{said:?}");
    let gone = get(&json!({"url": "http://192.0.2.1/nosuch", "dest": "/tmp/f"}), mode, &mut host);
    assert!(gone.failed, "{gone:?}");
    assert_eq!(*log.borrow(), ["HEAD /f", "HEAD /nosuch"]);
    assert_eq!(host.writes, 0);
}

#[test]
fn what_cannot_be_had_is_said() {
    for (args, expected) in [
        (json!({"url": "http://192.0.2.1/nosuch", "dest": "/tmp/f"}), "Request failed"),
        (
            json!({"url": "http://192.0.2.1/loop", "dest": "/tmp/f"}),
            "redirected more than 10 times",
        ),
        (json!({"url": "http://192.0.2.1/cut", "dest": "/tmp/f"}), "ended its answer too early"),
        (
            json!({"url": "http://192.0.2.1:81/f", "dest": "/tmp/f"}),
            "could not connect to 192.0.2.1:81",
        ),
        (
            json!({"url": "http://nosuch.invalid/f", "dest": "/tmp/f"}),
            "knows no address of nosuch.invalid",
        ),
        (
            json!({"url": "https://192.0.2.1/f", "dest": "/tmp/f"}),
            "could not connect to 192.0.2.1:443",
        ),
        (json!({"url": "ftp://h/f", "dest": "/tmp/f"}), "ftp is not spoken"),
        (
            json!({"url": "http://192.0.2.1/f", "dest": "/nosuch/f"}),
            "Destination /nosuch does not exist",
        ),
        (
            json!({"url": "http://192.0.2.1/f", "dest": "/tmp/f", "tmp_dest": "/nosuch"}),
            "directory does not exist",
        ),
        (
            json!({"url": "http://192.0.2.1/f", "dest": "/tmp/f", "checksum": "sha256:00"}),
            "did not match 00; it was 5891",
        ),
        (
            json!({"url": "http://192.0.2.1/f", "dest": "/tmp/f", "checksum": "sha256"}),
            "in format <algorithm>:<checksum>",
        ),
        (
            json!({"url": "http://192.0.2.1/f", "dest": "/tmp/f", "checksum": "sha256:zz"}),
            "The checksum format is invalid",
        ),
        (
            json!({"url": "http://192.0.2.1/f", "dest": "/tmp/f", "checksum": "crc:00"}),
            "checksums by crc are not supported",
        ),
        (
            json!({"url": "http://192.0.2.1/g", "dest": "/tmp/f", "checksum": "md5:http://192.0.2.1/sums"}),
            "Unable to find a checksum for file 'g'",
        ),
        (
            json!({"url": "http://192.0.2.1/f", "dest": "/tmp/f", "use_gssapi": true}),
            "use_gssapi is not supported",
        ),
        (
            json!({"url": "http://192.0.2.1/f", "dest": "/tmp/f", "ciphers": ["X"]}),
            "ciphers is not supported",
        ),
        (
            json!({"url": "http://192.0.2.1/f", "dest": "/tmp/f", "headers": {"A": "b\r\nc: d"}}),
            "cannot be a header",
        ),
        (json!({"url": "file:///nosuch", "dest": "/tmp/f"}), "no such file"),
    ] {
        let (mut host, _) = host();
        let response = get(&args, Mode::default(), &mut host);
        let msg = response.msg.unwrap_or_default();
        assert!(response.failed && msg.contains(expected), "{args}: {msg}");
        assert_eq!(host.files.text("/tmp/f"), None, "{args}");
    }
}
