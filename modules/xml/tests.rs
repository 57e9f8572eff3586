//! Documents and paths, and what becomes of them.

use std::collections::BTreeMap;

use module::{Mode, fake::FakeHost};
use serde_json::json;

use super::{
    evaluation::{Evaluation, Place, Value},
    path,
    reading::{self, Reading},
    writing::{self, Layout},
};
use crate::cases::run;

const BEERS: &str = "<?xml version='1.0' encoding='UTF-8'?>\n<business type=\"bar\">\n  <name>Tasty &amp; Co.</name>\n  <beers>\n    <beer>Rochefort 10</beer>\n    <beer>Schlitz</beer>\n  </beers>\n  <rating subjective=\"true\">10</rating>\n  <website>\n    <mobilefriendly/>\n  </website>\n</business>";

#[test]
fn documents_are_written_as_they_are_read() {
    for text in [
        BEERS,
        "<?xml version='1.0' encoding='UTF-8'?>\n<a/>",
        "<?xml version='1.0' encoding='UTF-8'?>\n<!DOCTYPE a SYSTEM \"a.dtd\" [<!ELEMENT a ANY>]>\n<a><!-- x --><?p q?><![CDATA[<b>]]></a>",
        "<?xml version='1.0' encoding='UTF-8'?>\n<p:a xmlns:p=\"urn:p\" xmlns=\"urn:d\" p:x=\"1\"><b y=\"&lt;&quot;&#10;\"/></p:a>",
    ] {
        let read = reading::parse(text, Reading::default()).unwrap();
        assert_eq!(writing::document(&read, Layout::Plain), text);
    }
    let mut read =
        reading::parse("<a><b>x</b><c><d/></c>\n <e>t<f/></e></a>", Reading::default()).unwrap();
    read.remove_blanks(read.root);
    assert_eq!(
        writing::document(&read, Layout::Pretty),
        "<?xml version='1.0' encoding='UTF-8'?>\n<a>\n  <b>x</b>\n  <c>\n    <d/>\n  </c>\n  <e>t<f/></e>\n</a>\n"
    );
}

#[test]
fn what_is_no_document_is_refused() {
    for (text, words) in [
        ("", "Document is empty"),
        ("<a>", "Premature end"),
        ("<a>\n<b></a>", "tag mismatch: b and a, line 2"),
        ("<a/><b/>", "Extra content"),
        ("<a x='1' x='2'/>", "Attribute x redefined"),
        ("<a x=1/>", "expected '''"),
        ("<a>&nbsp;</a>", "the entity &nbsp; is not implemented"),
        ("<p:a/>", "prefix p on a is not defined"),
        ("<?xml version='1.0' encoding='latin1'?><a/>", "encoding latin1 is not implemented"),
        ("<!-- x", "a comment does not end"),
        (&"<a>".repeat(400), "within each other"),
    ] {
        let why = reading::parse(text, Reading::default()).unwrap_err();
        assert!(why.contains(words), "{text}: {why}");
    }
}

#[test]
fn paths_find_what_they_should() {
    let document = reading::parse(
        "<r xmlns:p='urn:p'><a n='1'>x</a><a n='2'><b/>y</a><p:a n='3'/><!-- c --><c><a>z</a></c></r>",
        Reading::default(),
    )
    .unwrap();
    let spaces = BTreeMap::from([("q".to_owned(), "urn:p".to_owned())]);
    let evaluation = Evaluation::new(&document, &spaces);
    for (text, paths) in [
        ("/r/a", "/r/a[1] /r/a[2]"),
        ("//a", "/r/a[1] /r/a[2] /r/c/a"),
        ("//a[1]", "/r/a[1] /r/c/a"),
        ("(//a)[1]", "/r/a[1]"),
        ("(//a)[last()]/..", "/r/c"),
        ("/r/a[@n='2']/b", "/r/a[2]/b"),
        ("/r/a[b]", "/r/a[2]"),
        ("/r/a[not(b)]", "/r/a[1]"),
        ("/r/*[self::c or @n > 1]", "/r/a[2] /r/p:a /r/c"),
        ("/r/q:a", "/r/p:a"),
        ("/r/q:*/@n", "/r/p:a/@n"),
        ("//@n[. = 2]", "/r/a[2]/@n"),
        ("/r/a[text()='x']", "/r/a[1]"),
        ("/r/a[contains(@n, '1') and position()=1]", "/r/a[1]"),
        ("/r/a[last()]/preceding-sibling::a", "/r/a[1]"),
        ("//b/ancestor::r", "/r"),
        ("//b/following::a", "/r/c/a"),
        ("/r/comment()", "/r/comment()"),
        ("//b | /r/c", "/r/a[2]/b /r/c"),
        ("/r/a[2 - 1]", "/r/a[1]"),
        ("/r/div", ""),
    ] {
        let found = evaluation.nodes(&path::parse(text).unwrap(), Place::Top).unwrap();
        let shown: Vec<String> = found.into_iter().map(|one| evaluation.path_of(one)).collect();
        assert_eq!(shown.join(" "), paths, "{text}");
    }
    for (text, value) in [
        ("count(//a) * 2", Value::Number(6.0)),
        ("string(/r/a[2])", Value::Text("y".into())),
        (
            "concat(substring('12345', 2, 3), translate('bar', 'ab', 'A'))",
            Value::Text("234Ar".into()),
        ),
        ("normalize-space('  a  b ')", Value::Text("a b".into())),
        ("/r/a = 'y'", Value::Truth(true)),
        ("local-name(/r/q:a) = 'a' and 3 mod 2 = 1", Value::Truth(true)),
        ("-(1) < 0", Value::Truth(true)),
    ] {
        let found = evaluation.value(&path::parse(text).unwrap(), Place::Top).unwrap();
        assert_eq!(found, value, "{text}");
    }
}

#[test]
fn what_is_no_path_is_refused() {
    let document = reading::parse("<r/>", Reading::default()).unwrap();
    let spaces = BTreeMap::new();
    let evaluation = Evaluation::new(&document, &spaces);
    for (text, words) in [
        ("", "ends too soon"),
        ("/r[", "ends too soon"),
        ("/r]", "Invalid expression at ']'"),
        ("/r/'x'", "Invalid expression at 'x'"),
        ("id('x')", "the function id() is not implemented"),
        ("/namespace::x", "the axis namespace is not implemented"),
        ("'x", "Unfinished literal"),
        ("/n:r", "Undefined namespace prefix n"),
        ("1 | 2", "between nodes"),
        (&"(".repeat(100), "within each other"),
    ] {
        let value = path::parse(text).and_then(|one| evaluation.value(&one, Place::Top));
        let why = value.unwrap_err();
        assert!(why.contains(words), "{text}: {why}");
    }
}

#[test]
fn parts_are_kept() {
    for (args, old, new) in [
        (json!({"xpath": "/business/rating", "value": 10}), "", ""),
        (json!({"xpath": "/business/rating", "value": "11"}), ">10<", ">11<"),
        (
            json!({"xpath": "/business/rating/@subjective", "state": "absent"}),
            " subjective=\"true\"",
            "",
        ),
        (
            json!({"xpath": "/business/rating", "attribute": "subjective", "value": "no"}),
            "\"true\"",
            "\"no\"",
        ),
        (
            json!({"xpath": "/business/phone", "value": "5"}),
            "</business>",
            "<phone>5</phone></business>",
        ),
        (
            json!({"xpath": "/business/website/valid/@on"}),
            "</website>",
            "<valid on=\"\"/></website>",
        ),
        (
            json!({"xpath": "/business/el[@a='1' and sub/text()='x']"}),
            "</business>",
            "<el a=\"1\"><sub>x</sub></el></business>",
        ),
        (json!({"xpath": "/business/rating[@subjective]/text()='12'"}), ">10<", ">12<"),
        (
            json!({"xpath": "/business/beers/beer[2]", "state": "absent"}),
            "<beer>Schlitz</beer>\n  ",
            "",
        ),
        (
            json!({"xpath": "/business/beers", "add_children": [{"beer": "A"}, "b"]}),
            "</beers>",
            "<beer>A</beer><b/></beers>",
        ),
        (
            json!({"xpath": "/business/beers/beer[text()='Schlitz']", "add_children": [{"beer": "A"}], "insertbefore": true}),
            "<beer>Schlitz",
            "<beer>A</beer><beer>Schlitz",
        ),
        (
            json!({"xpath": "//beer", "add_children": ["<beer x='1'/>"], "input_type": "xml", "insertafter": true}),
            "</beer>\n  </beers>",
            "</beer>\n  <beer x=\"1\"/></beers>",
        ),
        (
            json!({"xpath": "/business/website", "set_children": [{"m": {"id": "7", "_": [{"k": "v"}]}}]}),
            "<mobilefriendly/>\n  ",
            "<m id=\"7\"><k>v</k></m>",
        ),
        (json!({"xpath": "/business/website", "set_children": [{"mobilefriendly": null}]}), "", ""),
        (json!({"xpath": "/business/name"}), "", ""),
    ] {
        let mut host = FakeHost::default();
        host.put("/b.xml", BEERS);
        let check = Mode { check: true, diff: true };
        let foretold = run("xml", &args, "path", "/b.xml", check, &mut host);
        assert_eq!(host.files.text("/b.xml").as_deref(), Some(BEERS));
        let done = run("xml", &args, "path", "/b.xml", Mode::default(), &mut host);
        let changed = old != new;
        assert_eq!((foretold.changed, done.changed), (changed, changed), "{args}: {done:?}");
        let expected = if changed { BEERS.replacen(old, new, 1) } else { BEERS.into() };
        assert_eq!(host.files.text("/b.xml"), Some(expected), "{args}");
    }
}

#[test]
fn parts_are_read() {
    for (args, key, value) in [
        (json!({"xpath": "/business/beers/beer", "count": true}), "count", json!(2)),
        (
            json!({"xpath": "//beer", "content": "text"}),
            "matches",
            json!([{"beer": "Rochefort 10"}, {"beer": "Schlitz"}]),
        ),
        (
            json!({"xpath": "/business/rating", "content": "attribute"}),
            "matches",
            json!([{"rating": {"subjective": "true"}}]),
        ),
    ] {
        let done = run("xml", &args, "xmlstring", BEERS, Mode::default(), &mut FakeHost::default());
        assert_eq!((done.changed, &done.returned[key]), (false, &value), "{args}");
    }
    let args = json!({"xpath": "//beer", "print_match": true});
    let done = run("xml", &args, "xmlstring", BEERS, Mode::default(), &mut FakeHost::default());
    assert_eq!(
        done.msg.as_deref(),
        Some("selector '//beer' match: [\"/business/beers/beer[1]\", \"/business/beers/beer[2]\"]")
    );
    let args = json!({"xpath": "/x:a/x:b", "namespaces": {"x": "urn:x"}, "value": "1"});
    let text = "<a xmlns='urn:x'/>";
    let done = run("xml", &args, "xmlstring", text, Mode::default(), &mut FakeHost::default());
    assert_eq!(
        done.returned["xmlstring"],
        "<?xml version='1.0' encoding='UTF-8'?>\n<a xmlns=\"urn:x\"><b>1</b></a>"
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    for (args, words) in [
        (json!({"path": "/none.xml", "xpath": "/a"}), "'/none.xml' does not exist"),
        (json!({"xpath": "/a[", "xmlstring": "<a/>"}), "Syntax error in xpath expression"),
        (json!({"xmlstring": "<a/>"}), "Don't know what to do"),
        (json!({"xmlstring": "<a>", "xpath": "/a"}), "Error while parsing document: xml_string"),
        (json!({"xmlstring": "<a/>", "xpath": "/a", "state": "absent"}), "Couldn't delete"),
        (
            json!({"xmlstring": "<a>x</a>", "xpath": "/a/text()", "state": "absent"}),
            "Couldn't delete",
        ),
        (json!({"xmlstring": "<a/>", "xpath": "/b"}), "in order to spawn nodes"),
        (
            json!({"xmlstring": "<a/>", "xpath": "/b", "content": "text"}),
            "does not reference a node",
        ),
        (json!({"xmlstring": "<a/>", "xpath": "/n:a", "value": "1"}), "Undefined namespace prefix"),
        (
            json!({"xmlstring": "<a/>", "xpath": "/a", "add_children": [{"b": "1", "c": "2"}]}),
            "with one key",
        ),
        (json!({"xmlstring": "<a/>", "xpath": "/a", "add_children": ["b c"]}), "Invalid tag name"),
        (json!({"xmlstring": "<a/>", "xpath": "/a", "add_children": [7]}), "Invalid child type"),
        (json!({"xmlstring": "<a/>", "value": "1"}), "xpath"),
        (json!({"xmlstring": "<a/>", "count": true}), "xpath is needed"),
        (json!({"xmlstring": "<a/>", "path": "/b", "xpath": "/a"}), "mutually exclusive"),
    ] {
        let done = run("xml", &args, "", "", Mode::default(), &mut FakeHost::default());
        assert!(done.msg.as_deref().unwrap_or_default().contains(words), "{args}: {done:?}");
    }
}
