//! Variables, laziness, mutation, places and names.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{path::PathBuf, sync::Arc};

use indexmap::IndexMap;
use source::{Diagnostics, SourceFile, yaml};
use template::{
    Dict, Engine, ErrorKind, Expression, FileOptions, Missing, Scope, Surroundings, Template, Tree,
    Value,
};

/// The variables of a YAML text in a scope without anything else.
fn scope_of(text: &str) -> Scope {
    scope_with(text, Surroundings::default())
}

fn scope_with(text: &str, surroundings: Surroundings) -> Scope {
    let engine = Arc::new(Engine::new());
    let layer = layer(text, &engine);
    Scope::new(engine, Arc::new(surroundings)).push(Arc::new(layer))
}

fn layer(text: &str, engine: &Engine) -> IndexMap<Arc<str>, Tree> {
    let file = SourceFile::new("vars.yml", text);
    let mut diagnostics = Diagnostics::default();
    let node = yaml::parse(&file, &mut diagnostics).expect("the YAML is read");
    node.as_mapping()
        .expect("a mapping")
        .entries
        .iter()
        .map(|entry| {
            let name = entry.key.as_str().expect("a name").into();
            let tree = Tree::from_node(&entry.value, engine)
                .unwrap_or_else(|wrong| panic!("{}", wrong[0].render()));
            (name, tree)
        })
        .collect()
}

fn render(scope: &Scope, text: &str) -> Result<Value, String> {
    Tree::from_text(text, scope.engine())
        .and_then(|tree| tree.evaluate(scope))
        .map_err(|error| error.message().to_owned())
}

fn text(scope: &Scope, template: &str) -> String {
    render(scope, template)
        .map_or_else(|error| format!("error: {error}"), |value| value.to_string())
}

#[test]
fn loops_of_variables_are_found_and_named() {
    let scope = scope_of("a: '{{ b }}'\nb: '{{ c }}'\nc: '{{ a }}'\nd: '{{ d }}'\n");
    for template in ["{{ a }}", "{{ d }}", "{{ a is defined }}", "{{ a | default('x') }}"] {
        let error = render(&scope, template).unwrap_err();
        assert!(
            error.contains("recursive loop detected in template string"),
            "{template}: {error}"
        );
    }
}

#[test]
fn an_element_may_refer_to_its_sibling() {
    let scope =
        scope_of("app:\n  root: /srv\n  bin: '{{ app.root }}/bin'\n  bad: '{{ nosuch }}'\n");
    assert_eq!(text(&scope, "{{ app.bin }}"), "/srv/bin");
    assert_eq!(text(&scope, "{{ app.bad | default('d') }}"), "d");
    assert_eq!(text(&scope, "{{ app.bad is defined }}"), "False");
    assert_eq!(text(&scope, "{{ app.bad }}"), "error: 'nosuch' is undefined");
}

#[test]
fn nearer_layers_hide_farther_ones_in_every_variable() {
    let scope = scope_of("port: 80\nurl: 'http://h:{{ port }}'\n");
    assert_eq!(text(&scope, "{{ url }}"), "http://h:80");
    let nearer = scope.push_values([("port", Value::Int(81))]);
    assert_eq!(text(&nearer, "{{ url }}"), "http://h:81");
    assert_eq!(text(&scope, "{{ url }}"), "http://h:80");
}

#[test]
fn what_a_template_changes_does_not_reach_the_variable() {
    let scope = scope_of("l: [1]\nd: {in: [1], at: {b: 1}}\nt: ['{{ 1 }}']\n");
    for (template, expect) in [
        ("{% set _ = l.append(2) %}{{ l }}", "[1, 2]"),
        ("{% set x = l %}{% set _ = x.append(2) %}{{ l }}", "[1, 2]"),
        ("{% set _ = d['in'].append(2) %}{{ d['in'] }}", "[1, 2]"),
        ("{% set _ = d.at.update({'c': 2}) %}{{ d.at }}", "{'b': 1, 'c': 2}"),
        ("{% set _ = t.append(2) %}{{ t }}", "[1, 2]"),
    ] {
        assert_eq!(text(&scope, template), expect, "{template}");
    }
    assert_eq!(text(&scope, "{{ l }}{{ d }}{{ t }}"), "[1]{'in': [1], 'at': {'b': 1}}[1]");
}

#[test]
fn data_is_never_a_template() {
    let scope = scope_of("x: 1\n")
        .push_values([("stdout", Value::from("{{ x }}")), ("expression", Value::from("x == 1"))]);
    assert_eq!(text(&scope, "{{ stdout }}"), "{{ x }}");
    assert_eq!(text(&scope, "a {{ stdout }}"), "a {{ x }}");
    assert_eq!(text(&scope, "{{ [stdout] }}"), "['{{ x }}']");
    let condition = Expression::compile(scope.engine(), "{{ expression }}", None).unwrap();
    let error = condition.is_true(&scope).unwrap_err();
    assert!(error.message().contains("is data and not evaluated"), "{error}");
    let unsafe_scope = scope_of("u: !unsafe '{{ x }}'\n");
    assert_eq!(text(&unsafe_scope, "{{ u }}"), "{{ x }}");
}

#[test]
fn errors_stand_where_the_template_stands() {
    // The caret stands where the marked name does, or where the text breaks off.
    let cases = [
        ("a: '{{ one | nosuch }}'\n", "nosuch"),
        ("a: \"x\\n\\u00e9{{ one | nosuch }}\"\n", "nosuch"),
        ("a: 'it''s {{ one | nosuch }}'\n", "nosuch"),
        ("a: |\n  first\n  {{ one | nosuch }}\n", "nosuch"),
        ("a: |\n  first\n\n    deeper {{ one | nosuch }}\n", "nosuch"),
        ("a: >-\n  first\n  {{ one\n   | nosuch }}\n", "nosuch"),
        ("a: >\n  first\n\n  second {{ one | nosuch }}\n", "nosuch"),
        ("a:\n  - b: plain {{ one | nosuch }}\n", "nosuch"),
        ("a: plain\n  and more {{ one | nosuch }}\n", "nosuch"),
        ("a: 'plain\n  and more {{ one | nosuch }}'\n", "nosuch"),
        ("a: \"plain\n\n  and more {{ one | nosuch }}\"\n", "nosuch"),
        ("a: '{{ one + * }}'\n", "* }}"),
        ("a: '{{ (+ one, 2) | nosuch }}'\n", "nosuch"),
    ];
    let engine = Engine::new();
    for (text, marked) in cases {
        let file = SourceFile::new("vars.yml", text);
        let node = yaml::parse(&file, &mut Diagnostics::default()).expect("the YAML is read");
        let wrong = Tree::from_node(&node, &engine).unwrap_err();
        let span = wrong[0].span.clone().expect("a place");
        assert_eq!(span.start.byte, text.find(marked).unwrap(), "{}", wrong[0].render());
        assert_eq!(
            file.line(span.start.line).chars().nth(span.start.column as usize - 1),
            marked.chars().next()
        );
    }
}

#[test]
fn undefined_values_say_where_they_were_asked_for() {
    let scope = scope_of("a: 'x {{ nosuch.b }}'\n");
    let Some(Value::Undefined(undefined)) = scope.get("a") else { panic!("a is undefined") };
    let Missing::Failed { name, error } = &undefined.missing else { panic!("it has failed") };
    assert_eq!(&**name, "x {{ nosuch.b }}");
    assert_eq!(error.root().message(), "'nosuch' is undefined");
    let place = undefined.error().place().cloned().expect("a place");
    assert_eq!((place.start.line, place.start.column), (1, 10));
}

#[test]
fn names_are_those_that_come_from_outside() {
    let engine = Engine::new();
    let names = |text: &str| -> Vec<(String, bool)> {
        Template::compile(&engine, &Arc::from(text), template::Origin::unknown())
            .unwrap()
            .names()
            .into_iter()
            .map(|name| (name.name.to_string(), name.guarded))
            .collect()
    };
    let owned = |list: &[(&str, bool)]| -> Vec<(String, bool)> {
        list.iter().map(|(name, guarded)| ((*name).to_owned(), *guarded)).collect()
    };
    assert_eq!(names("{{ a.b + c }}"), owned(&[("a", false), ("c", false)]));
    assert_eq!(names("{{ a | default(b) }}"), owned(&[("a", true), ("b", false)]));
    assert_eq!(
        names("{% if a is defined %}{{ a }}{% endif %}"),
        owned(&[("a", true), ("a", true)])
    );
    assert_eq!(
        names("{% for i in l %}{{ i }}{{ loop.index }}{% endfor %}"),
        owned(&[("l", false)])
    );
    assert_eq!(names("{% set x = y %}{{ x }}{{ range(3) }}{{ omit }}"), owned(&[("y", false)]));
    assert_eq!(
        names("{% macro m(p) %}{{ p }}{{ r }}{% endmacro %}{{ m(1) }}"),
        owned(&[("r", false)])
    );
}

#[test]
fn native_types_stay() {
    let scope = scope_of("n: 5\nl: [1, '{{ n }}']\n");
    assert_eq!(render(&scope, "{{ n }}"), Ok(Value::Int(5)));
    assert_eq!(render(&scope, "{{ '5' }}"), Ok(Value::from("5")));
    assert_eq!(render(&scope, "{{ none }}"), Ok(Value::None));
    assert_eq!(render(&scope, "{{ l }}"), Ok(Value::from(vec![1, 5])));
    assert_eq!(render(&scope, "{{ n }}{{ n }}"), Ok(Value::from("55")));
    assert_eq!(render(&scope, "{% if n %}{{ l }}{% endif %}"), Ok(Value::from(vec![1, 5])));
    assert_eq!(render(&scope, "[{{ n }}, 6]"), Ok(Value::from(vec![5, 6])));
    assert_eq!(render(&scope, "{{ omit }}"), Ok(Value::Omit));
}

#[test]
fn templates_use_each_other() {
    let folder = std::env::temp_dir().join(format!("trueup-template-{}", std::process::id()));
    let templates = folder.join("templates");
    std::fs::create_dir_all(&templates).unwrap();
    let write = |name: &str, text: &str| std::fs::write(templates.join(name), text).unwrap();
    write("part.j2", "part {{ x }} {{ local | default('-') }}\n");
    write(
        "macros.j2",
        "{% macro m(a) %}<{{ a }}{{ x | default('') }}>{% endmacro %}{% set v = 7 %}",
    );
    write(
        "base.j2",
        "top {% block one %}base one{% endblock %} {% block two %}two{% endblock %} {{ t | default('') }}",
    );
    write("told.j2", "{{ x }}{{ loop.index | default('-') }}");
    write("loop.j2", "{% include 'loop.j2' %}");
    let surroundings = Surroundings {
        search_folders: vec![folder.clone()],
        playbook_folder: PathBuf::from("/nonexistent"),
        ..Surroundings::default()
    };
    let scope = scope_with("x: 1\n", surroundings);
    let file = |text: &str| {
        scope
            .engine()
            .render_file(text, &FileOptions::new(templates.join("main.j2")), &scope)
            .unwrap_or_else(|error| format!("error: {error}"))
    };
    let cases = [
        ("{% include 'part.j2' %}", "part 1 -"),
        ("{% set local = 2 %}{% include 'part.j2' %}", "part 1 2"),
        ("{% set local = 2 %}{% include 'part.j2' without context %}", "error: 'x' is undefined"),
        ("{% for x in 'ab' %}{% include 'told.j2' %}{% endfor %}", "a-b-"),
        ("{% for x in 'ab' %}{{ loop.index }}{% include 'told.j2' %}{% endfor %}", "1a12b2"),
        ("{% include 'nosuch.j2' ignore missing %}.", "."),
        ("{% include ['nosuch.j2', 'part.j2'] %}", "part 1 -"),
        ("{% include 'nosuch.j2' %}", "error: template not found: nosuch.j2"),
        ("{% import 'macros.j2' as lib %}{{ lib.m(3) }}{{ lib.v }}", "<3>7"),
        ("{% import 'macros.j2' as lib with context %}{{ lib.m(3) }}", "<31>"),
        ("{% from 'macros.j2' import m as n, v %}{{ n(3) }}{{ v }}", "<3>7"),
        (
            "{% extends 'base.j2' %}{% set t = 5 %}{% block one %}[{{ super() }}]{% endblock %}ignored",
            "top [base one] two 5",
        ),
        ("{% include 'loop.j2' %}", "error: templates include each other without end"),
        (
            "#jinja2: trim_blocks: False, variable_start_string: '<<', variable_end_string: '>>'\n{% if x %}\n<< x >> {{ x }}\n{% endif %}\n",
            "\n1 {{ x }}\n",
        ),
        ("#jinja2: nosuch: True\nx", "error: the jinja2 override 'nosuch' is not supported"),
        ("{{ lookup('template', 'part.j2') }}", "part 1 -\n"),
        ("{{ lookup('template', 'part.j2', template_vars={'x': 9}) }}", "part 9 -\n"),
        ("{{ lookup('file', 'templates/part.j2') }}", "part {{ x }} {{ local | default('-') }}"),
        ("{{ lookup('first_found', ['nosuch', 'templates/part.j2']) | basename }}", "part.j2"),
        ("{{ lookup('first_found', ['nosuch'], skip=true) }}|", "[]|"),
    ];
    for (template, expect) in cases {
        assert_eq!(file(template), expect, "{template}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_is_not_done_is_refused_by_name() {
    let engine = Engine::new();
    let cases = [
        ("{{ x | parse_xml(1) }}", ErrorKind::Unsupported, "the filter 'parse_xml' is not"),
        ("{{ lookup('dig', 'h') }}", ErrorKind::Unsupported, "the lookup 'dig' is not"),
        ("{{ x | selectattr('a', 'b ') }}", ErrorKind::UnknownName, "TemplateSyntaxError: Could"),
        ("{{ q('vars', 'x', default='', default='') }}", ErrorKind::Syntax, "keyword argument rep"),
        ("{{ x | nosuch }}", ErrorKind::UnknownName, "there is no filter 'nosuch'"),
        ("{{ x is nosuch }}", ErrorKind::UnknownName, "there is no test 'nosuch'"),
        ("{{ q('nosuch') }}", ErrorKind::UnknownName, "there is no lookup 'nosuch'"),
        ("{{ x | my.collection.upper }}", ErrorKind::UnknownName, "there is no filter 'my.c"),
        ("{{ x | map('nosuch') }}", ErrorKind::UnknownName, "there is no filter 'nosuch'"),
        ("{{ x | select('nosuch') }}", ErrorKind::UnknownName, "there is no test 'nosuch'"),
        ("{% autoescape true %}{% endautoescape %}", ErrorKind::Unsupported, "autoescape"),
        ("{% trans %}x{% endtrans %}", ErrorKind::Syntax, "unknown statement trans"),
    ];
    for (text, kind, message) in cases {
        let error = Tree::from_text(text, &engine).unwrap_err();
        assert_eq!(error.kind(), kind, "{text}: {error}");
        assert!(error.message().starts_with(message), "{text}: {error}");
    }
    let error = Tree::from_text("{{ x | regex_replce('a') }}", &engine).unwrap_err();
    assert_eq!(error.hint(), Some("did you mean regex_replace?"));
}

#[test]
fn dicts_are_shared_and_keys_compare_as_in_python() {
    let dict = Dict::default();
    let same = dict.clone();
    same.insert(Value::Int(1), Value::from("one"));
    assert_eq!(dict.get_value(&Value::Float(1.0)), Some(Value::from("one")));
    assert_eq!(dict.get_value(&Value::Bool(true)), Some(Value::from("one")));
    assert_eq!(dict.get("1"), None);
}

/// What `ansible-doc -l` of ansible-core 2.18 lists, and what Jinja2 3.1 brings itself.
#[test]
fn every_name_of_ansible_core_and_jinja_is_known() {
    let filters = "
abs attr b64decode b64encode basename batch bool capitalize center checksum combinations
combine comment commonpath count d default dict2items dictsort difference dirname e escape
expanduser expandvars extract fileglob filesizeformat first flatten float forceescape format
from_json from_yaml from_yaml_all groupby hash human_readable human_to_bytes indent int
intersect items items2dict join last length list log lower mandatory map max md5 min
normpath password_hash path_join permutations pow pprint product quote random realpath
regex_escape regex_findall regex_replace regex_search reject rejectattr rekey_on_member
relpath replace reverse root round safe select selectattr sha1 shuffle slice sort split
splitext strftime string striptags subelements sum symmetric_difference ternary title
to_datetime to_json to_nice_json to_nice_yaml to_uuid to_yaml tojson trim truncate
type_debug union unique unvault upper urldecode urlencode urlize urlsplit vault win_basename
win_dirname win_splitdrive wordcount wordwrap xmlattr zip zip_longest
";
    let tests = "
abs all any boolean callable change changed contains defined directory divisibleby eq
equalto escaped even exists failed failure false falsy file filter finished float ge
greaterthan gt in integer is_abs is_dir is_file is_link is_mount is_same_file isnan issubset
issuperset iterable le lessthan link link_exists lower lt mapping match mount nan ne none
number odd reachable regex same_file sameas search sequence skip skipped started string
subset succeeded success successful superset test timedout true truthy undefined unreachable
upper uri url urn vault_encrypted vaulted_file version version_compare
";
    let lookups = "
config csvfile dict env file fileglob first_found indexed_items ini inventory_hostnames
items lines list nested password pipe random_choice sequence subelements template together
unvault url varnames vars
";
    let engine = Engine::new();
    for name in filters.split_whitespace() {
        assert!(engine.filter(name).is_ok(), "filter {name}");
    }
    for name in tests.split_whitespace() {
        assert!(engine.test(name).is_ok(), "test {name}");
    }
    for name in lookups.split_whitespace() {
        assert!(engine.lookup(name).is_ok(), "lookup {name}");
    }
}
