//! Cases of the checker; what is expected was seen with ansible-core 2.18's own validator, but that
//! rules of one kind are all reported where ansible-core stops at the first.

use serde_json::json;

use super::*;

fn argument(name: &str, kind: Kind) -> Argument {
    Argument { name: name.into(), kind, ..Argument::default() }
}

fn names(groups: &[&[&str]]) -> Vec<Vec<String>> {
    groups.iter().map(|group| group.iter().map(|name| (*name).into()).collect()).collect()
}

fn map(value: Json) -> JsonMap {
    match value {
        Json::Object(entries) => entries,
        other => panic!("{other} is no mapping"),
    }
}

/// What a module such as `file` looks like.
fn sample() -> ArgumentSpec {
    let below = ArgumentSpec {
        arguments: vec![
            Argument { required: true, ..argument("p", Kind::Str) },
            Argument { default: Some(json!(3)), ..argument("q", Kind::Int) },
            Argument {
                choices: vec![json!("m"), json!("n")],
                aliases: vec!["rr".into()],
                ..argument("r", Kind::Str)
            },
        ],
        required_together: names(&[&["r", "s"]]),
        ..ArgumentSpec::default()
    };
    ArgumentSpec {
        arguments: vec![
            Argument {
                required: true,
                aliases: vec!["dest".into(), "name".into()],
                ..argument("path", Kind::Path)
            },
            Argument {
                default: Some(json!("file")),
                choices: vec![json!("file"), json!("absent"), json!("link")],
                ..argument("state", Kind::Str)
            },
            argument("src", Kind::Path),
            argument("content", Kind::Str),
            Argument { default: Some(json!(true)), ..argument("follow", Kind::Bool) },
            argument("size", Kind::Int),
            Argument {
                choices: vec![json!("yes"), json!("no"), json!("auto")],
                ..argument("tri", Kind::Str)
            },
            Argument {
                elements: Some(Kind::Int),
                choices: vec![json!(1), json!(2)],
                ..argument("ports", Kind::List)
            },
            Argument { options: Some(Box::new(below.clone())), ..argument("opt", Kind::Dict) },
            Argument {
                options: Some(Box::new(below)),
                elements: Some(Kind::Dict),
                ..argument("many", Kind::List)
            },
        ],
        mutually_exclusive: names(&[&["src", "content"]]),
        required_if: vec![RequiredIf {
            argument: "state".into(),
            value: json!("link"),
            required: vec!["src".into(), "size".into()],
            any: false,
        }],
        required_by: vec![("size".into(), vec!["content".into()])],
        ..ArgumentSpec::default()
    }
}

#[test]
fn arguments_are_turned() {
    for (given, expected) in [
        (json!({"path": "/x"}), json!({"path": "/x", "state": "file", "follow": true})),
        (
            json!({"name": "~/x", "follow": "no", "tri": true, "ports": "1,2"}),
            json!({"path": "~/x", "follow": false, "tri": "yes", "ports": [1, 2], "state": "file"}),
        ),
        (
            json!({"path": 5, "opt": "p=1 rr=m s=2", "src": null}),
            json!({"path": "5", "opt": {"p": "1", "r": "m", "q": 3}, "src": null, "follow": true}),
        ),
        (
            json!({"path": "a", "many": [{"p": 1}, {"p": "b", "q": "7"}]}),
            json!({"path": "a", "many": [{"p": "1", "q": 3}, {"p": "b", "q": 7}]}),
        ),
    ] {
        let mut spec = sample();
        for argument in &mut spec.arguments {
            if let Some(options) = &mut argument.options {
                options.required_together.clear();
                options.arguments.push(self::argument("s", Kind::Raw));
            }
        }
        let mut checked = check(&spec, "m", &map(given.clone())).unwrap();
        for (name, value) in map(expected) {
            let mut found = checked.remove(&name);
            if let Some(Json::Object(entries)) = &mut found {
                entries.remove("s");
            }
            assert_eq!(found, Some(value), "{name} of {given}");
        }
        assert!(checked.keys().all(|name| ["state", "follow"].contains(&name.as_str())));
    }
}

#[test]
fn everything_wrong_is_reported_at_once() {
    for (given, expected) in [
        (json!({}), vec!["missing required arguments: path"]),
        (
            json!({"path": "x", "stat": 1, "zzz": 2}),
            vec![
                "Unsupported parameters for (m) module: stat. Supported parameters include: \
                 content, follow, many, opt, path, ports, size, src, state, tri (dest, name).",
                "Unsupported parameters for (m) module: zzz. Supported parameters include: \
                 content, follow, many, opt, path, ports, size, src, state, tri (dest, name).",
            ],
        ),
        (
            json!({"src": "a", "content": "b", "state": "fil", "size": "abc"}),
            vec![
                "parameters are mutually exclusive: src|content",
                "missing required arguments: path",
                "argument 'size' is of type <class 'str'> and we were unable to convert to int: \
                 \"'abc'\" cannot be converted to an int",
                "value of state must be one of: file, absent, link, got: fil",
            ],
        ),
        (
            json!({"path": "x", "state": "link"}),
            vec!["state is link but all of the following are missing: src, size"],
        ),
        (json!({"path": "x", "size": 1}), vec!["missing parameter(s) required by 'size': content"]),
        (
            json!({"path": "x", "ports": [1, 3, "x"]}),
            vec![
                "Elements value for option 'ports' is of type <class 'str'> and we were unable to \
                 convert to int: \"'x'\" cannot be converted to an int",
                "value of ports must be one or more of: 1, 2. Got no match for: 3",
            ],
        ),
        (
            json!({"path": "x", "opt": {"r": "o", "q": "n", "z": 1}}),
            vec![
                "missing required arguments: p found in opt",
                "argument 'q' is of type <class 'str'> found in 'opt'. and we were unable to \
                 convert to int: \"'n'\" cannot be converted to an int",
                "value of r must be one of: m, n, got: o found in opt",
                "parameters are required together: r, s found in opt",
                "Unsupported parameters for (m) module: opt.z. Supported parameters include: \
                 p, q, r (rr).",
            ],
        ),
        (
            json!({"path": "x", "tri": "maybe", "follow": null}),
            vec![
                "argument 'follow' is of type <class 'NoneType'> and we were unable to convert to \
                 bool: <class 'NoneType'> cannot be converted to a bool",
                "value of tri must be one of: yes, no, auto, got: maybe",
            ],
        ),
    ] {
        let errors = check(&sample(), "m", &map(given.clone())).unwrap_err();
        let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
        assert_eq!(messages, expected, "{given}");
    }
}

#[test]
fn near_names_are_offered() {
    let errors =
        check(&sample(), "m", &map(json!({"path": "x", "stat": 1, "tri": "aut"}))).unwrap_err();
    let near: Vec<_> = errors.iter().map(|error| error.nearest.clone()).collect();
    assert_eq!(near, [["auto"], ["state"]]);
}

#[test]
fn a_level_below_names_its_way() {
    let inner = ArgumentSpec {
        arguments: vec![Argument { required: true, ..argument("q", Kind::Int) }],
        ..ArgumentSpec::default()
    };
    let middle = ArgumentSpec {
        arguments: vec![Argument { options: Some(Box::new(inner)), ..argument("p", Kind::Dict) }],
        ..ArgumentSpec::default()
    };
    let spec = ArgumentSpec {
        arguments: vec![Argument { options: Some(Box::new(middle)), ..argument("o", Kind::Dict) }],
        ..ArgumentSpec::default()
    };
    for (given, expected) in [
        (json!({"o": {"p": {}}}), "missing required arguments: q found in o -> p"),
        (
            json!({"o": {"p": {"q": "n"}}}),
            "argument 'q' is of type <class 'str'> found in 'o -> p'. and we were unable to \
             convert to int: \"'n'\" cannot be converted to an int",
        ),
    ] {
        assert_eq!(check(&spec, "m", &map(given)).unwrap_err()[0].message, expected);
    }
}

#[test]
fn unknown_values_break_no_rule() {
    type Case = (&'static [(&'static str, Option<Json>)], &'static [&'static str]);
    let cases: [Case; 6] = [
        (&[("dest", None)], &[]),
        (&[("path", None), ("src", None), ("content", Some(Json::Null))], &[]),
        (&[("path", None), ("state", None)], &[]),
        (&[("path", None), ("size", None)], &[]),
        (
            &[("src", None), ("sixe", None)],
            &[
                "missing required arguments: path",
                "Unsupported parameters for (m) module: sixe. Supported parameters include: \
                 content, follow, many, opt, path, ports, size, src, state, tri (dest, name).",
            ],
        ),
        (&[("path", None), ("follow", Some(Json::Bool(true))), ("ports", None)], &[]),
    ];
    for (given, expected) in cases {
        let given: Vec<_> =
            given.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let errors = check_known(&sample(), "m", &given);
        let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
        assert_eq!(messages, expected, "{given:?}");
    }
    let link = [("path".to_owned(), None), ("state".to_owned(), Some(json!("link")))];
    assert_eq!(
        check_known(&sample(), "m", &link)[0].message,
        "state is link but all of the following are missing: src, size"
    );
}

#[test]
fn paths_are_expanded_where_the_spec_says_path() {
    let mut values = map(json!({"path": "~/a", "content": "~/b", "src": "~"}));
    expand_paths(&sample(), &mut values, &|path| path.replace('~', "/root"));
    assert_eq!(Json::Object(values), json!({"path": "/root/a", "content": "~/b", "src": "/root"}));
}
