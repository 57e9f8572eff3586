use super::*;

fn read(text: &str) -> (Option<Node>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let node = parse(&SourceFile::new("test.yml", text), &mut diagnostics);
    (node, diagnostics)
}

/// A tree in short: `{a: i1, b: [s'x']}`.
fn show(node: &Node) -> String {
    match &node.kind {
        Kind::Sequence(items) => {
            format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", "))
        }
        Kind::Mapping(mapping) => {
            let entries = mapping.entries.iter();
            let entries = entries.map(|e| format!("{}: {}", show(&e.key), show(&e.value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Kind::Scalar(scalar) => match scalar {
            Scalar::Null => "null".into(),
            Scalar::Bool(value) => format!("b{value}"),
            Scalar::Int(value) => format!("i{value}"),
            Scalar::BigInt(digits) => format!("I{digits}"),
            Scalar::Float(value) => format!("f{value}"),
            Scalar::Timestamp(text) => format!("t'{text}'"),
            Scalar::Str { text, .. } => format!("{text:?}"),
            Scalar::Unsafe(text) => format!("unsafe{text:?}"),
            Scalar::Vault(text) => format!("vault{text:?}"),
            Scalar::Binary(bytes) => format!("bin{bytes:?}"),
        },
    }
}

/// Expectations were taken from PyYAML's safe loader.
#[test]
fn texts_become_the_trees_that_pyyaml_makes() {
    let cases = [
        ("yes", "btrue"),
        ("Off", "bfalse"),
        ("y", "\"y\""),
        ("0644", "i420"),
        ("0o644", "\"0o644\""),
        ("0x1F", "i31"),
        ("0b101", "i5"),
        ("1_000", "i1000"),
        ("09", "\"09\""),
        ("1:30", "i90"),
        ("1:75", "\"1:75\""),
        ("190:20:30", "i685230"),
        ("1e3", "\"1e3\""),
        ("1.0e3", "\"1.0e3\""),
        ("1.0e+3", "f1000"),
        (".5", "f0.5"),
        ("-.5", "\"-.5\""),
        ("1.", "f1"),
        ("-.inf", "f-inf"),
        ("190:20:30.15", "f685230.15"),
        ("12345678901234567890", "I12345678901234567890"),
        ("~", "null"),
        ("'~'", "\"~\""),
        ("\"yes\"", "\"yes\""),
        ("2001-12-14", "t'2001-12-14'"),
        ("2001-12-14t21:59:43.10-05:00", "t'2001-12-14 21:59:43.100000-05:00'"),
        ("2001-1-1", "\"2001-1-1\""),
        ("2001-13-14", "\"2001-13-14\""),
        ("!!str 5", "\"5\""),
        ("!!int '5'", "i5"),
        ("!!binary aGk=", "bin[104, 105]"),
        ("!unsafe '{{ x }}'", "unsafe\"{{ x }}\""),
        ("!unsafe {a: [b]}", "{\"a\": [unsafe\"b\"]}"),
        ("!vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  61", "vault\"$ANSIBLE_VAULT;1.1;AES256\\n61\""),
        ("a: &x {b: 1}\nc: *x", "{\"a\": {\"b\": i1}, \"c\": {\"b\": i1}}"),
        (
            "x: &x {b: 1, c: 2}\ny:\n  <<: *x\n  c: 3",
            "{\"x\": {\"b\": i1, \"c\": i2}, \"y\": {\"b\": i1, \"c\": i3}}",
        ),
        (
            "a: &a {k: 1}\nb: &b {k: 2, l: 3}\nc:\n  <<: [*a, *b]",
            "{\"a\": {\"k\": i1}, \"b\": {\"k\": i2, \"l\": i3}, \"c\": {\"k\": i1, \"l\": i3}}",
        ),
        ("'<<': 1", "{\"<<\": i1}"),
        ("k: \"a\n b\"", "{\"k\": \"a b\"}"),
        ("- a\n-\n- {}", "[\"a\", null, {}]"),
        ("1: a\n'1': b", "{i1: \"a\", \"1\": \"b\"}"),
        ("ключ: \"значение\"", "{\"ключ\": \"значение\"}"),
    ];
    for (text, expected) in cases {
        let (node, diagnostics) = read(text);
        let shown = node.map(|node| show(&node)).unwrap_or_default();
        assert_eq!(shown, expected, "{text}: {:?}", diagnostics.all);
    }
}

#[test]
fn nodes_know_their_places() {
    let (node, _) = read("é: 1\nlist:\n  - name: über\n    x: |\n      text\n");
    let node = node.unwrap();
    let list = node.as_mapping().unwrap().get("list").unwrap();
    let item = &list.as_sequence().unwrap()[0];
    assert_eq!(item.span.to_string(), "test.yml:3:5");
    let name = item.as_mapping().unwrap().get("name").unwrap();
    assert_eq!((name.span.text(), name.span.start.column), ("über", 11));
    let block = item.as_mapping().unwrap().get("x").unwrap();
    assert_eq!((block.span.start.line, block.span.start.column), (4, 8));
}

#[test]
fn what_is_no_yaml_is_refused_with_a_place_and_a_hint() {
    let cases = [
        ("a: b: c", "E0101", "1:5", "must be quoted"),
        ("a: {{ b }}", "E0103", "1:5", "quoted as a whole"),
        ("a: [1, 2", "E0101", "1:4", ""),
        ("a: 'b", "E0101", "1:4", "not closed"),
        ("\tx: 1", "E0101", "1:1", "spaces"),
        ("a: @x", "E0101", "1:4", "quoted"),
        ("a: *nowhere", "E0101", "1:4", ""),
        ("a: !custom x", "E0102", "1:4", "!vault"),
        ("a: 1\n---\nb: 2", "E0106", "3:1", "file of its own"),
        ("<<: 5", "E0107", "1:5", ""),
        ("a: !!int x", "E0107", "1:4", ""),
    ];
    for (text, code, place, hint) in cases {
        let (node, diagnostics) = read(text);
        assert!(node.is_none(), "{text}");
        let diagnostic = &diagnostics.all[0];
        assert_eq!(diagnostic.code, code, "{text}: {diagnostic:?}");
        let span = diagnostic.span.as_ref().unwrap().to_string();
        assert_eq!(span, format!("test.yml:{place}"), "{text}: {}", diagnostic.message);
        assert!(diagnostic.hint.as_deref().unwrap_or("").contains(hint), "{text}: {diagnostic:?}");
    }
}

#[test]
fn a_key_that_stands_twice_is_warned_of_and_the_last_counts() {
    let (node, diagnostics) = read("a: 1\nb: 2\na: 3");
    assert_eq!(show(&node.unwrap()), "{\"a\": i3, \"b\": i2}");
    assert_eq!(diagnostics.all[0].code, DUPLICATE_KEY);
    assert!(!diagnostics.has_errors());
}

#[test]
fn hostile_texts_meet_a_limit() {
    let deep = "[".repeat(100_000);
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let previous = level - 1;
        let aliases = vec![format!("*a{previous}"); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    for text in [deep, bomb, "%TAG !a! tag:a\n".repeat(1000)] {
        let (node, diagnostics) = read(&text);
        assert!(node.is_none());
        assert_eq!(diagnostics.all[0].code, LIMIT, "{:?}", diagnostics.all[0].message);
    }
}
