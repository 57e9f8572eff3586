//! What Python 3.11's `re` gives for the same patterns and texts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pyregex::{Error, Flags, Pattern, escape};

fn pattern(text: &str) -> Pattern {
    Pattern::new(text, Flags::default()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn search_finds_what_python_finds() {
    let cases: &[(&str, &str, Option<&str>)] = &[
        (r"\d+", "ab12c", Some("12")),
        (r"a$", "a\n", Some("a")),
        (r"a\Z", "a\n", None),
        (r"^b", "a\nb", None),
        (r"(?m)^b", "a\nb", Some("b")),
        (r"a.c", "a\nc", None),
        (r"(?s)a.c", "a\nc", Some("a\nc")),
        (r"(?i)ABC", "xabcx", Some("abc")),
        (r"(?P<q>['\x22]).*?(?P=q)", "say 'hi' \"", Some("'hi'")),
        (r"(a)(b)?\1", "aa", Some("aa")),
        (r"[]a]+", "x]a]", Some("]a]")),
        (r"[^]]+", "ab]", Some("ab")),
        (r"[[a]+", "x[a", Some("[a")),
        (r"[a&&b]+", "&&", Some("&&")),
        (r"[+\-.]", "a-b", Some("-")),
        (r"x{,2}y", "xxxy", Some("xxy")),
        (r"x{2}", "xxx", Some("xx")),
        (r"a{b", "a{b", Some("a{b")),
        (r"a{1,b}", "a{1,b}", Some("a{1,b}")),
        (r"(?<=k)v", "kv", Some("v")),
        (r"(?<!k)v", "kv", None),
        (r"\101", "A", Some("A")),
        (r"\x41\u0042", "AB", Some("AB")),
        (r"(?x) a  b # both", "ab", Some("ab")),
        (r"(?x)a\ b", "a b", Some("a b")),
        (r"(<)?a(?(1)>|!)", "<a>", Some("<a>")),
        (r"(<)?a(?(1)>|!)", "a!", Some("a!")),
        (r"(?P<o><)?a(?(o)>|!)", "<a>", Some("<a>")),
        (r"a++b", "aab", Some("aab")),
        (r"a++ab", "aaab", None),
        (r"(?>a+)ab", "aaab", None),
        (r"é\w", "éà", Some("éà")),
        (r"(?a)\w+", "éab", Some("ab")),
        (r"a#b", "a#b", Some("a#b")),
        (r"(?#note)ab", "ab", Some("ab")),
        (r"\s", "\u{1c}", Some("\u{1c}")),
        (r"(?i:a)b", "AB", None),
        (r"(?i:a)b", "Ab", Some("Ab")),
        (r"-~", "-~", Some("-~")),
        (r"", "abc", Some("")),
    ];
    for (regex, text, expect) in cases {
        let found = pattern(regex).search(text).unwrap();
        assert_eq!(found.map(|found| found.as_str()), *expect, "{regex} on {text:?}");
    }
}

#[test]
fn match_and_fullmatch_are_anchored() {
    assert!(pattern("b").match_("ab").unwrap().is_none());
    assert!(pattern("a").match_("ab").unwrap().is_some());
    assert!(pattern("a|ab").fullmatch("ab").unwrap().is_some());
    assert!(pattern("a").fullmatch("a\n").unwrap().is_none());
    assert!(pattern("a$").match_("a\n").unwrap().is_some());
}

#[test]
fn substitution_follows_python() {
    let cases: &[(&str, &str, &str, usize, &str)] = &[
        ("x*", "-", "abxd", 0, "-a-b--d-"),
        (r"(a)(b)", r"\2\1", "abab", 0, "baba"),
        (r"(?P<n>\d)", r"<\g<n>>", "a1b2", 0, "a<1>b<2>"),
        (r"\d", "#", "123", 2, "##3"),
        (r"a", r"\\", "a", 0, "\\"),
        (r"a", r"\n", "a", 0, "\n"),
        (r"a", r"\.", "a", 0, "\\."),
        (r"(a)|b", r"[\1]", "ab", 0, "[a][]"),
        (r"(a)", r"\g<1>0", "a", 0, "a0"),
        (r"^", "> ", "x", 0, "> x"),
        (r"(?m)^", "> ", "x\ny", 0, "> x\n> y"),
        (r"$", "!", "x\n", 0, "x!\n!"),
        (r"a", r"\101", "a", 0, "A"),
        (r"\b", "|", "ab cd", 0, "|ab| |cd|"),
        ("a??", "-", "aa", 0, "-----"),
        ("a*", "x", "baac", 0, "xbxxcx"),
    ];
    for (regex, replacement, text, count, expect) in cases {
        let (made, _) = pattern(regex).substitute(text, replacement, *count).unwrap();
        assert_eq!(made, *expect, "{regex} -> {replacement} on {text:?}");
    }
}

#[test]
fn split_keeps_groups() {
    let split = |regex: &str, text: &'static str, limit| pattern(regex).split(text, limit).unwrap();
    assert_eq!(split(",", "a,b,c", 1), [Some("a"), Some("b,c")]);
    assert_eq!(split("(,)", "a,b", 0), [Some("a"), Some(","), Some("b")]);
    assert_eq!(split("(x)|,", "a,b", 0), [Some("a"), None, Some("b")]);
    assert_eq!(
        split("x*", "axbc", 0),
        [Some(""), Some("a"), Some(""), Some("b"), Some("c"), Some("")]
    );
}

#[test]
fn what_python_refuses_is_refused() {
    for regex in [
        "a**",
        "*a",
        "(a",
        "a)",
        "[a",
        r"\q",
        r"\1",
        "(?P<1>a)",
        "(?P=x)",
        "a{2,1}",
        "[b-a]",
        r"\x4",
        "(?P<a>x)(?P<a>y)",
        "a(?i)b",
        "(?z)",
        r"(?(2)a|b)",
        "\\",
    ] {
        let result = Pattern::new(regex, Flags::default());
        assert!(matches!(result, Err(Error::Pattern { .. })), "{regex}: {result:?}");
    }
    let unsupported = Pattern::new(r"\N{DASH}", Flags::default());
    assert!(matches!(unsupported, Err(Error::Unsupported(_))), "{unsupported:?}");
    for replacement in [r"\2", r"\g<x>", r"\q", r"\g<", "\\"] {
        let result = pattern("(a)").substitute("a", replacement, 0);
        assert!(matches!(result, Err(Error::Replacement(_))), "{replacement}: {result:?}");
    }
}

#[test]
fn endless_backtracking_is_an_error() {
    let text = "a".repeat(40);
    let result = pattern(r"(?=(a+)+b)(a|\1)*b").is_match(&text);
    assert_eq!(result, Err(Error::Backtracking));
}

#[test]
fn escape_escapes_what_python_escapes() {
    assert_eq!(escape("a.b-c d/é#"), r"a\.b\-c\ d/é\#");
}
