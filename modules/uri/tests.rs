use std::{cell::RefCell, rc::Rc};

use module::{Mode, fake::FakeHost};
use protocol::{Json, Response};
use serde_json::json;

use crate::cases::run;

fn host() -> (FakeHost, Rc<RefCell<Vec<String>>>) {
    let mut host = FakeHost::default();
    host.put_dirs("/tmp");
    let log = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&log);
    let answer = move |sent: &[u8]| {
        let text = String::from_utf8_lossy(sent).into_owned();
        seen.borrow_mut().push(text.clone());
        let path = text.split(' ').nth(1).unwrap_or_default();
        let answer: &str = match path {
            "/json" => {
                "200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 7\r\nSet-Cookie: s=1; Path=/\r\nSet-Cookie: t=2\r\nX-Foo-Bar: 1\r\nX-Foo-Bar: 2\r\n\r\n{\"a\":1}"
            }
            "/made" => "201 Created\r\nContent-Type: application/x+json\r\n\r\n{\"made\":true}",
            "/moved" => "302 Found\r\nLocation: /text\r\nContent-Length: 0\r\n\r\n",
            "/kept" => "307 Temporary Redirect\r\nLocation: /text\r\n\r\n",
            "/text" => "200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n",
            _ => "404 Not Found\r\nContent-Length: 4\r\n\r\nnope",
        };
        format!("HTTP/1.1 {answer}").into_bytes()
    };
    let shared = Rc::new(answer);
    let unix = Rc::clone(&shared);
    host.serve("192.0.2.1:80", move |sent| shared(sent));
    host.serve("/run/d.sock", move |sent| unix(sent));
    host.serve("192.0.2.9:3128", |sent| {
        let line = String::from_utf8_lossy(sent).lines().next().unwrap_or_default().to_owned();
        format!("HTTP/1.1 200 OK\r\n\r\n{line}").into_bytes()
    });
    (host, log)
}

fn ask(args: &Json, host: &mut FakeHost) -> Response {
    run("uri", args, "", "", Mode::default(), host)
}

/// Return values as ansible-core 2.18 was seen to give them.
#[test]
fn answers_are_returned() {
    for (args, expected) in [
        (
            json!({"url": "http://192.0.2.1/json", "return_content": true}),
            json!({"status": 200, "url": "http://192.0.2.1/json", "redirected": false, "json": {"a": 1}, "content": "{\"a\":1}",
                "content_type": "application/json; charset=utf-8", "content_length": "7", "cookies": {"s": "1", "t": "2"},
                "cookies_string": "s=1; t=2", "x_foo_bar": "1, 2", "set_cookie": "s=1; Path=/, t=2"}),
        ),
        (
            json!({"url": "http://192.0.2.1/moved"}),
            json!({"status": 200, "url": "http://192.0.2.1/text", "redirected": true}),
        ),
        (
            json!({"url": "http://192.0.2.1/moved", "follow_redirects": "none", "status_code": 302}),
            json!({"status": 302, "url": "http://192.0.2.1/moved", "location": "http://192.0.2.1/text", "redirected": false}),
        ),
        (
            json!({"url": "http://192.0.2.1/made", "method": "POST", "status_code": [200, 201]}),
            json!({"status": 201, "json": {"made": true}}),
        ),
        (
            json!({"url": "http://192.0.2.7/gone", "status_code": [200, -1], "return_content": true}),
            json!({"status": -1, "url": "http://192.0.2.7/gone", "redirected": false, "content": ""}),
        ),
        (
            json!({"url": "http://any/text", "unix_socket": "/run/d.sock", "return_content": true}),
            json!({"content": "hello\n"}),
        ),
    ] {
        let (mut host, _) = host();
        let response = ask(&args, &mut host);
        assert!(!response.failed && !response.changed, "{args}: {response:?}");
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(&response.returned[key], value, "{args}: {key}");
        }
    }
}

#[test]
fn bodies_are_sent_in_their_formats() {
    for (args, expected) in [
        (
            json!({"body": {"a": [1, "ü"]}, "body_format": "json"}),
            vec![
                "POST /text HTTP/1.1\r\n",
                "Content-Type: application/json\r\n",
                "Content-Length: 20\r\n",
                "\r\n\r\n{\"a\": [1, \"\\u00fc\"]}",
            ],
        ),
        (
            json!({"body": "{}", "body_format": "json", "headers": {"Content-Type": "x/y"}}),
            vec!["Content-Type: x/y\r\n", "\r\n\r\n{}"],
        ),
        (
            json!({"body": {"a": 1, "b": ["x y", "&"]}, "body_format": "form-urlencoded"}),
            vec!["Content-Type: application/x-www-form-urlencoded\r\n", "\r\n\r\na=1&b=x+y&b=%26"],
        ),
        (
            json!({"body": [["a", "1"], ["a", "2"]], "body_format": "form-urlencoded"}),
            vec!["\r\n\r\na=1&a=2"],
        ),
        (json!({"body": "plain"}), vec!["Content-Length: 5\r\n", "\r\n\r\nplain"]),
        (
            json!({"src": "/etc/x", "remote_src": true}),
            vec!["Content-Length: 4\r\n", "\r\n\r\nhere"],
        ),
        (
            json!({"body_format": "form-multipart", "remote_src": true, "body": {"f": {"filename": "/etc/x", "mime_type": "a/b"}, "t": "v", "c": {"content": "q", "filename": "n"}}}),
            vec![
                "Content-Type: multipart/form-data; boundary=trueup-",
                "Content-Type: a/b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\nhere\r\n--",
                "name=\"t\"\r\n\r\nv\r\n",
                "name=\"c\"; filename=\"n\"\r\n\r\nq\r\n",
                "--\r\n",
            ],
        ),
        (
            json!({}),
            vec!["Content-Length: 0\r\n", "User-Agent: ansible-httpget\r\n", "Host: 192.0.2.1\r\n"],
        ),
        (
            json!({"headers": {"host": "a.example", "X-A": "1"}}),
            vec!["POST /text HTTP/1.1\r\nHost: a.example\r\n", "X-A: 1\r\n"],
        ),
        (
            json!({"force": true, "force_basic_auth": true, "user": "u", "password": "p"}),
            vec!["Cache-Control: no-cache\r\n", "Authorization: Basic dTpw\r\n"],
        ),
    ] {
        let mut given = args.clone();
        given["url"] = json!("http://192.0.2.1/text");
        given["method"] = json!("POST");
        let (mut host, log) = host();
        host.put("/etc/x", "here");
        let response = ask(&given, &mut host);
        assert!(!response.failed, "{args}: {response:?}");
        let sent = log.borrow()[0].clone();
        for part in expected {
            assert!(sent.contains(part), "{args}: {part}: {sent}");
        }
        assert_eq!(sent.to_lowercase().matches("\r\nhost:").count(), 1, "{args}: {sent}");
    }
}

#[test]
fn redirects_change_what_is_asked() {
    for (path, follow, expected) in [
        ("/moved", "all", vec!["POST /moved", "GET /text"]),
        ("/kept", "all", vec!["POST /kept", "POST /text"]),
        ("/moved", "safe", vec!["POST /moved"]),
    ] {
        let (mut host, log) = host();
        let args = json!({"url": format!("http://192.0.2.1{path}"), "method": "POST", "body": "x", "follow_redirects": follow,
            "unredirected_headers": ["x-once"], "headers": {"X-Once": "1"}});
        let response = ask(&args, &mut host);
        assert_eq!(response.failed, follow == "safe", "{response:?}");
        let lines: Vec<String> = log
            .borrow()
            .iter()
            .map(|sent| sent.split(" HTTP").next().unwrap().to_owned())
            .collect();
        assert_eq!(lines, expected);
        assert_eq!(log.borrow().iter().filter(|sent| sent.contains("X-Once")).count(), 1);
    }
}

#[test]
fn answers_are_put_into_files_once() {
    let (mut host, _) = host();
    for (dest, path, changed) in
        [("/tmp/a", "/tmp/a", true), ("/tmp/a", "/tmp/a", false), ("/tmp", "/tmp/text", true)]
    {
        let response =
            ask(&json!({"url": "http://192.0.2.1/text", "dest": dest, "mode": "0600"}), &mut host);
        assert_eq!((response.failed, response.changed), (false, changed), "{response:?}");
        assert_eq!(
            (&response.returned["path"], &response.returned["mode"]),
            (&json!(path), &json!("0600"))
        );
        assert_eq!(host.files.text(path).as_deref(), Some("hello\n"));
    }
    let stay = ask(&json!({"url": "http://192.0.2.1/nosuch", "creates": "/tmp/a"}), &mut host);
    assert_eq!(stay.returned["stdout"], "skipped, since '/tmp/a' exists");
    let stay = ask(&json!({"url": "http://192.0.2.1/nosuch", "removes": "/tmp/q"}), &mut host);
    assert_eq!(stay.returned["stdout"], "skipped, since '/tmp/q' does not exist");
    let check = run(
        "uri",
        &json!({"url": "http://192.0.2.1/text"}),
        "",
        "",
        Mode { check: true, diff: false },
        &mut host,
    );
    assert!(check.skipped);
}

#[test]
fn proxies_are_asked_where_the_environment_says_so() {
    for (args, variable, expected) in [
        (json!({}), ("http_proxy", "http://192.0.2.9:3128"), "GET http://192.0.2.1/text HTTP/1.1"),
        (json!({}), ("HTTP_PROXY", "192.0.2.9:3128"), "GET http://192.0.2.1/text HTTP/1.1"),
        (json!({"use_proxy": false}), ("http_proxy", "http://192.0.2.9:3128"), "hello\n"),
        (json!({}), ("https_proxy", "http://192.0.2.9:3128"), "hello\n"),
    ] {
        let (mut host, _) = host();
        host.set_variable(variable.0, variable.1);
        let mut given = args.clone();
        given["url"] = json!("http://192.0.2.1/text");
        given["return_content"] = json!(true);
        assert_eq!(ask(&given, &mut host).returned["content"], expected);
        host.set_variable("no_proxy", "192.0.2.1");
        assert_eq!(ask(&given, &mut host).returned["content"], "hello\n");
    }
}

#[test]
fn what_does_not_answer_well_fails() {
    for (args, expected) in [
        (
            json!({"url": "http://192.0.2.1/nosuch", "return_content": true}),
            "Status code was 404 and not [200]: HTTP Error 404: Not Found",
        ),
        (
            json!({"url": "http://192.0.2.1:1/"}),
            "Status code was -1 and not [200]: Request failed: could not connect to 192.0.2.1:1",
        ),
        (
            json!({"url": "http://192.0.2.1/", "method": "a b"}),
            "needs to be a single word in uppercase",
        ),
        (json!({"url": "gopher://x/"}), "gopher is not spoken"),
        (
            json!({"url": "http://192.0.2.1/", "unix_socket": "/nosuch"}),
            "could not connect to /nosuch",
        ),
        (
            json!({"url": "http://192.0.2.1/", "src": "/etc/x"}),
            "the controller did not send /etc/x",
        ),
        (
            json!({"url": "http://192.0.2.1/", "src": "/etc/x", "body": "x"}),
            "mutually exclusive: body|src",
        ),
        (
            json!({"url": "http://192.0.2.1/", "body": 5, "body_format": "form-urlencoded"}),
            "must be a dict or a list of pairs",
        ),
        (
            json!({"url": "http://192.0.2.1/", "body": "x", "body_format": "form-multipart"}),
            "it must be a dict",
        ),
        (
            json!({"url": "http://192.0.2.1/", "body": {"f": {"filename": "/x"}}, "body_format": "form-multipart"}),
            "the controller did not send /x of the form's field f",
        ),
        (
            json!({"url": "http://192.0.2.1/", "body": {"f": {}}, "body_format": "form-multipart"}),
            "at least one of filename and content",
        ),
        (json!({"url": "https://[fe80::1]/", "ca_path": "/nosuch"}), "could not connect"),
    ] {
        let (mut host, _) = host();
        let response = ask(&args, &mut host);
        let msg = response.msg.unwrap_or_default();
        assert!(response.failed && msg.contains(expected), "{args}: {msg}");
    }
    let (mut host, _) = host();
    let response =
        ask(&json!({"url": "http://192.0.2.1/nosuch", "return_content": true}), &mut host);
    assert_eq!(
        (&response.returned["content"], &response.returned["status"]),
        (&json!("nope"), &json!(404))
    );
}
