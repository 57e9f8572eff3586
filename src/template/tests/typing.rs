//! What texts are, and which type the result of a template has.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use indexmap::IndexMap;
use protocol::Secret;
use serde_json::json;
use source::{Diagnostics, SourceFile, yaml};
use template::{Engine, Expression, Scope, Settings, Surroundings, Tree, Typing, Value};

const VARIABLES: &str = "
written: one
number: '1'
listed: '[1, 2]'
marked: !unsafe '{{ no }}'
secret: !vault |
  $ANSIBLE_VAULT;1.1;AES256
  6162
unknown: !vault |
  $ANSIBLE_VAULT;1.1;AES256
  00
inside: {a: 1, key: !vault '$ANSIBLE_VAULT;1.1;AES256'}
numbers: [4, 2]
condition: number == '1'
wrong: number == nobody
name_of: number
";

/// `!vault` texts decrypt to `s3cret`, but for one that no password fits.
fn scope(typing: Typing) -> Scope {
    let engine = Arc::new(Engine::with_decrypt(Arc::new(|text: &str| {
        if text.contains("00") {
            return Err("no password fits".into());
        }
        Ok(Secret::new("s3cret".to_owned()))
    })));
    let mut diagnostics = Diagnostics::default();
    let node = yaml::parse(&SourceFile::new("vars.yml", VARIABLES), &mut diagnostics).unwrap();
    let mut layer: IndexMap<Arc<str>, Tree> = IndexMap::new();
    for entry in &node.as_mapping().unwrap().entries {
        let tree = Tree::from_node(&entry.value, &engine).unwrap();
        layer.insert(entry.key.as_str().unwrap().into(), tree);
    }
    let result = json!({ "stdout": "1 == 1", "lines": ["a"] });
    layer.insert("result".into(), Tree::Value(Value::from_result(&result)));
    let settings = Settings { typing, ..Settings::default() };
    let surroundings = Surroundings { settings, ..Surroundings::default() };
    Scope::new(engine, Arc::new(surroundings)).push(Arc::new(layer))
}

fn render(scope: &Scope, text: &str) -> Result<Value, String> {
    Tree::from_text(text, scope.engine())
        .and_then(|tree| tree.evaluate(scope))
        .map_err(|error| error.message().to_owned())
}

#[test]
fn texts_know_what_they_are() {
    let scope = scope(Typing::Structures);
    for (expression, class) in [
        ("written", "AnsibleUnicode"),
        ("'literal'", "str"),
        ("(written ~ 'x')", "str"),
        ("written | upper", "str"),
        ("marked", "AnsibleUnsafeText"),
        ("result.stdout", "AnsibleUnsafeText"),
        ("result.lines[0]", "AnsibleUnsafeText"),
        ("result.lines | first", "AnsibleUnsafeText"),
        ("secret", "AnsibleVaultEncryptedUnicode"),
        ("inside.key", "AnsibleVaultEncryptedUnicode"),
        ("secret | string", "NativeJinjaText"),
        ("(secret ~ '')", "str"),
        ("5 | string", "NativeJinjaText"),
        ("numbers | to_json", "NativeJinjaText"),
        ("[5] | map('string') | first", "NativeJinjaText"),
        ("lookup('vars', 'written')", "AnsibleUnsafeText"),
        ("query('list', 'x') | first", "AnsibleUnsafeText"),
        ("5", "int"),
        ("5 .__class__", "type"),
        ("numbers", "list"),
    ] {
        let made = render(&scope, &format!("{{{{ {expression} | type_debug }}}}"));
        assert_eq!(made, Ok(Value::from(class)), "{expression}");
    }
}

#[test]
fn classes_have_names() {
    let scope = scope(Typing::Structures);
    for (expression, text) in [
        ("true.__class__", "<class 'bool'>"),
        ("numbers.__class__.__name__", "list"),
        ("written.__class__", "<class 'ansible.parsing.yaml.objects.AnsibleUnicode'>"),
        ("written.__class__.__module__", "ansible.parsing.yaml.objects"),
    ] {
        assert_eq!(render(&scope, &format!("{{{{ {expression} }}}}")), Ok(Value::from(text)));
    }
    assert!(render(&scope, "{{ true.__class__.__mro__ }}").is_err());
}

#[test]
fn what_is_encrypted_stays_so_until_it_is_part_of_a_text() {
    let scope = scope(Typing::Structures);
    for (condition, holds) in [
        ("secret is vault_encrypted", true),
        ("inside.key is vault_encrypted", true),
        ("inside['key'] == 's3cret'", true),
        ("unknown is vault_encrypted", true),
        ("written is vault_encrypted", false),
        ("inside.a is vault_encrypted", false),
        ("secret | string is vault_encrypted", false),
        ("secret in ['s3cret']", true),
        ("secret is string", true),
    ] {
        let made = render(&scope, &format!("{{{{ {condition} }}}}"));
        assert_eq!(made, Ok(Value::Bool(holds)), "{condition}");
    }
    assert_eq!(
        render(&scope, "{{ inside | to_nice_yaml }}"),
        Ok(Value::from("a: 1\nkey: !vault |-\n    $ANSIBLE_VAULT;1.1;AES256\n"))
    );
    assert_eq!(
        render(&scope, "{{ inside | to_json }}"),
        Ok(Value::from("{\"a\": 1, \"key\": \"s3cret\"}"))
    );
    assert_eq!(render(&scope, "{{ secret }}"), Ok(Value::from("s3cret")));
    assert!(render(&scope, "{{ unknown }}").is_err());
    assert!(render(&scope, "{{ nobody is vault_encrypted }}").is_err());
}

/// A template beside its value as 2.18 has it, with native types as 2.18 has them, and kept.
#[test]
fn settings_say_which_type_a_result_has() {
    let one = || json!(1);
    for (text, structures, literals, kept) in [
        ("{{ number }}", json!("1"), one(), json!("1")),
        ("{{ number | string }}", json!("1"), json!("1"), json!("1")),
        ("{{ listed }}", json!([1, 2]), json!([1, 2]), json!("[1, 2]")),
        ("{{ numbers | to_json }}", json!("[4, 2]"), json!("[4, 2]"), json!("[4, 2]")),
        ("{% for n in numbers %}{{ n }}{% endfor %}", json!("42"), json!(42), json!("42")),
        (
            "{{ numbers }} + {{ numbers }}",
            json!("[4, 2] + [4, 2]"),
            json!("[4, 2] + [4, 2]"),
            json!("[4, 2] + [4, 2]"),
        ),
        (
            "[{% for n in numbers %}{{ n }},{% endfor %}]",
            json!([4, 2]),
            json!([4, 2]),
            json!([4, 2]),
        ),
        ("{{ none }}", json!(""), json!(null), json!(null)),
        ("{% if false %}x{% endif %}", json!(""), json!(null), json!("")),
        ("'{{ 2 }}'", json!("'2'"), json!("'2'"), json!("'2'")),
        ("{{ '\"hello\"' }}", json!("\"hello\""), json!("\"hello\""), json!("\"hello\"")),
        ("{{ ' 1' }}", json!(" 1"), json!(" 1"), json!(" 1")),
        ("{{ secret }}", json!("s3cret"), json!("s3cret"), json!("s3cret")),
    ] {
        for (typing, expected) in
            [(Typing::Structures, structures), (Typing::Literals, literals), (Typing::Kept, kept)]
        {
            let made = render(&scope(typing), text).map(|value| value.to_json().unwrap());
            assert_eq!(made, Ok(expected), "{text} where types are {typing:?}");
        }
    }
}

/// A condition beside what it is as ansible-core up to 2.18 has it, and as later ones have it.
#[test]
fn conditions_that_users_keep_in_variables_are_conditions() {
    for (text, structures, kept) in [
        ("{{ condition }}", Ok(true), Ok(true)),
        ("{{ condition }} and number == '2'", Ok(false), Ok(false)),
        ("{{ name_of }} == '1'", Ok(true), Ok(false)),
        ("condition", Ok(true), Ok(true)),
        ("{{ number == '1' }}", Ok(true), Ok(true)),
        ("{{ wrong }}", Err("'nobody' is undefined"), Err("'nobody' is undefined")),
    ] {
        for (typing, expected) in [(Typing::Structures, structures), (Typing::Kept, kept)] {
            let scope = scope(typing);
            let made = Expression::compile(scope.engine(), text, None)
                .and_then(|expression| expression.is_true(&scope))
                .map_err(|error| error.message().to_owned());
            assert_eq!(made, expected.map_err(str::to_owned), "{text} where types are {typing:?}");
        }
    }
}

#[test]
fn what_hosts_said_never_becomes_a_condition() {
    for typing in [Typing::Structures, Typing::Literals, Typing::Kept] {
        let scope = scope(typing);
        let expression = Expression::compile(scope.engine(), "{{ result.stdout }}", None).unwrap();
        let error = expression.is_true(&scope).unwrap_err();
        assert!(error.message().contains("data and not evaluated"), "{}", error.message());
    }
}
