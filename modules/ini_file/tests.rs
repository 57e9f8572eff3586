//! Options and sections, and what becomes of them.

use module::{Mode, fake::FakeHost};
use protocol::Json;
use serde_json::json;

use crate::cases::run;

fn apply(args: &Json, host: &mut FakeHost) -> protocol::Response {
    run("ini_file", args, "path", "/f", Mode::default(), host)
}

#[test]
fn a_section_is_told_by_what_it_has() {
    let two = "[peer]\nhost = a\nport=1\n[peer]\nhost = b\n;port = 9\n";
    for (has, more, after) in [
        (
            json!([{"option": "host", "value": "b"}]),
            json!({}),
            two.replace(";port = 9", "port = 2"),
        ),
        (
            json!([{"option": "host", "values": ["x", "a"]}]),
            json!({}),
            two.replace("port=1", "port = 2"),
        ),
        (json!([{"option": "port"}]), json!({}), two.replace("port=1", "port = 2")),
        (
            json!([{"option": "host", "value": "b"}, {"option": "port", "value": "9"}]),
            json!({"state": "absent", "option": "host"}),
            two.replace("host = b\n", ""),
        ),
        (json!([{"option": "host", "value": "c"}]), json!({"state": "absent"}), two.into()),
        (
            json!([{"option": "host", "value": "c"}, {"option": "port", "value": "3"}]),
            json!({"exclusive": false}),
            format!("{two}[peer]\nhost = c\nport = 2\nport = 3\n"),
        ),
    ] {
        let mut args =
            json!({"section": "peer", "option": "port", "value": "2", "section_has_values": has});
        for (name, value) in more.as_object().unwrap() {
            args[name] = value.clone();
        }
        let mut host = FakeHost::default();
        host.put("/f", two);
        let done = apply(&args, &mut host);
        assert_eq!((done.failed, done.changed), (false, after != two), "{args}: {done:?}");
        assert_eq!(host.files.text("/f"), Some(after), "{args}");
    }
    for has in [json!([{"value": "x"}]), json!([{"option": "a", "value": "x", "values": ["x"]}])] {
        let args = json!({"section": "s", "option": "o", "value": "v", "section_has_values": has});
        assert!(apply(&args, &mut FakeHost::default()).failed, "{args}");
    }
}

#[test]
fn a_link_is_followed_where_the_task_says_so() {
    for (follow, behind) in [(true, "[s]\no = v\n"), (false, "")] {
        let mut host = FakeHost::default();
        host.put("/own", "");
        host.put_link("/f", "/own");
        let args = json!({"section": "s", "option": "o", "value": "v", "follow": follow});
        assert!(apply(&args, &mut host).changed);
        assert_eq!(host.files.text("/own").as_deref(), Some(behind));
        let found = module::Host::link_metadata(&host, std::path::Path::new("/f")).unwrap();
        assert_eq!(found.unwrap().is_link(), follow);
    }
}

#[test]
fn options_are_kept() {
    for (args, before, after, msg) in [
        (
            json!({"section": "s", "option": "o", "value": "v"}),
            "",
            "[s]\no = v\n",
            "section and option added",
        ),
        (
            json!({"section": "s", "option": "o", "value": "v"}),
            "[a]\nx = 1",
            "[a]\nx = 1\n[s]\no = v\n",
            "section and option added",
        ),
        (
            json!({"section": "s", "option": "o", "value": "v"}),
            "[s]\na = 1\n\n[t]\n",
            "[s]\na = 1\no = v\n\n[t]\n",
            "option added",
        ),
        (
            json!({"section": "s", "option": "o", "value": "v"}),
            "[s]\no=w\n[t]\no=x\n",
            "[s]\no = v\n[t]\no=x\n",
            "option changed",
        ),
        (
            json!({"section": "s", "option": "o", "value": "v"}),
            "[s]\no = v\n",
            "[s]\no = v\n",
            "OK",
        ),
        (
            json!({"section": "s", "option": "o", "value": "v"}),
            "[s]\no=v\n",
            "[s]\no = v\n",
            "option changed",
        ),
        (
            json!({"section": "s", "option": "o", "value": "v", "ignore_spaces": true}),
            "[s]\no=v\n",
            "[s]\no=v\n",
            "OK",
        ),
        (
            json!({"section": "s", "option": "o", "value": "v", "no_extra_spaces": true}),
            "[s]\n;o = w\n",
            "[s]\no=v\n",
            "option changed",
        ),
        (
            json!({"section": "s", "option": "o", "value": "v", "modify_inactive_option": false}),
            "[s]\n;o = w\n",
            "[s]\no = v\n;o = w\n",
            "option added",
        ),
        (
            json!({"section": "s", "option": "o", "values": ["a", "b"]}),
            "[s]\no = b\no = c\n",
            "[s]\no = b\no = a\n",
            "option changed",
        ),
        (
            json!({"section": "s", "option": "o", "values": ["a"], "exclusive": false}),
            "[s]\no = b\n",
            "[s]\no = b\no = a\n",
            "option added",
        ),
        (
            json!({"section": "s", "option": "o", "allow_no_value": true}),
            "[s]\n",
            "[s]\no\n",
            "option added",
        ),
        (
            json!({"section": "s", "option": "o", "value": ""}),
            "[s]\n",
            "[s]\no =\n",
            "option added",
        ),
        (
            json!({"option": "o", "value": "v"}),
            "a = 1\n[s]\no = w\n",
            "a = 1\no = v\n[s]\no = w\n",
            "option added",
        ),
        (json!({"section": "s"}), "x = 1\n", "x = 1\n[s]\n", "only section added"),
        (
            json!({"section": "s", "state": "absent"}),
            "[a]\n[s]\no = v\n[t]\n",
            "[a]\n[t]\n",
            "section removed",
        ),
        (
            json!({"section": "s", "option": "o", "state": "absent"}),
            "[s]\n# o = 1\no = v\np = 1\n",
            "[s]\n# o = 1\np = 1\n",
            "option changed",
        ),
        (
            json!({"section": "s", "option": "o", "value": "a", "exclusive": false, "state": "absent"}),
            "[s]\no = a\no = b\n",
            "[s]\no = b\n",
            "option changed",
        ),
        (json!({"section": "z", "option": "o", "state": "absent"}), "[s]\n", "[s]\n", "OK"),
    ] {
        let mut host = FakeHost::default();
        host.put("/f", before);
        let response = apply(&args, &mut host);
        assert_eq!(
            (response.failed, response.changed),
            (false, before != after),
            "{args}: {response:?}"
        );
        assert_eq!(host.files.text("/f").as_deref(), Some(after), "{args}");
        assert_eq!(response.msg.as_deref(), Some(msg), "{args}");
        assert!(!apply(&args, &mut host).changed, "{args}");
    }
}

#[test]
fn what_makes_no_option_is_refused() {
    for (args, expected) in [
        (json!({"section": "s", "option": "o"}), "Parameter 'value(s)' must be defined"),
        (json!({}), "one of the following is required: section, option"),
        (json!({"section": "s", "option": "o", "value": "a\nb"}), "cannot hold line ends"),
        (json!({"section": "s", "create": false}), "Destination /f does not exist!"),
        (
            json!({"section": "s", "option": "o", "value": "a", "values": ["b"]}),
            "mutually exclusive: value|values",
        ),
        (json!({"section": "s", "state": "here"}), "must be one of: present, absent"),
    ] {
        let mut host = FakeHost::default();
        let msg = apply(&args, &mut host).msg.unwrap_or_default();
        assert!(msg.contains(expected), "{args}: {msg}");
        assert_eq!(host.writes, 0);
    }
}
