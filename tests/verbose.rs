//! What is expected of Ansible's own programs beyond the lines of results: as links to
//! Trueup, on this machine alone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::os::unix::fs::symlink;

use trueup_tests::program::{Ran, Scratch, trueup};

/// A folder with a play and a link that is called `ansible-playbook`.
fn scratch(name: &str, play: &str) -> Scratch {
    let scratch = Scratch::new(name);
    scratch.write("play.yml", play);
    symlink(trueup(), scratch.path("ansible-playbook")).unwrap();
    scratch
}

fn run(scratch: &Scratch, words: &[&str], environment: &[(&str, &str)]) -> Ran {
    let mut command = scratch.command(&scratch.path("ansible-playbook"), words);
    Ran::of(command.envs(environment.iter().copied()).output().unwrap())
}

const SKIPPED: &str = "- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - command: 'true'
      when: false
    - command: 'true'
      loop: []
    - command: 'true'
      loop: [1]
      when: item > 1
    - debug: {msg: x}
      loop: [1]
      when: item > 1
    - command: echo foo
";

#[test]
fn results_that_are_told_say_nothing_twice() {
    let scratch = scratch("verbose", SKIPPED);
    let json = run(&scratch, &["-v", "play.yml"], &[]);
    json.expect_code(0).expect_said(&[
        "No config file found; using defaults\n",
        "skipping: [localhost] => {\"changed\": false, \"false_condition\": false, \"skip_reason\": \"Conditional result was False\"}\n",
        "skipping: [localhost] => {\"changed\": false, \"skipped_reason\": \"No items in the list\"}\n",
        "\"item\": 1, \"skip_reason\": \"Conditional result was False\"}\nskipping: [localhost] => {\"changed\": false, \"msg\": \"All items skipped\"}\n",
        "\nskipping: [localhost] => {\"msg\": \"All items skipped\"}\n",
        "\"stdout\": \"foo\", \"stdout_lines\": [\"foo\"]}",
    ]);
    assert!(!json.said().contains("\"skipped\":"), "{}", json.said());
    let yaml = |pretty| {
        let environment = [
            ("ANSIBLE_CALLBACK_RESULT_FORMAT", "yaml"),
            ("ANSIBLE_CALLBACK_FORMAT_PRETTY", pretty),
        ];
        run(&scratch, &["-v", "play.yml"], &environment)
    };
    yaml("true").expect_said(&["    stdout: foo\n    stdout_lines: <omitted>\n"]);
    yaml("false").expect_said(&["    stdout: foo\n    stdout_lines:\n    - foo\n"]);
}

#[test]
fn the_configuration_file_is_named_where_more_is_told() {
    let scratch = scratch("told", SKIPPED);
    let file = scratch.write("ansible.cfg", "[defaults]\nnocows = true\n");
    let says = format!("Using {} as config file\n", file.display());
    run(&scratch, &["-v", "play.yml"], &[]).expect_code(0).expect_said(&[&says]);
    let silent = run(&scratch, &["play.yml"], &[]);
    assert!(!silent.said().contains("config file"), "{}", silent.said());
    let more = run(&scratch, &["play.yml"], &[("ANSIBLE_VERBOSITY", "1")]);
    more.expect_said(&[&says]);
}

#[test]
fn all_tags_are_listed_unless_some_are_named() {
    let play = "- hosts: localhost
  tasks:
    - debug: {msg: a}
      tags: [never, a]
    - debug: {msg: b}
      tags: b
";
    let scratch = scratch("tags", play);
    let cases: [(&[&str], &str); 4] = [
        (&["--list-tags"], "TASK TAGS: [a, b, never]"),
        (&["--list-tags", "--tags", "b"], "TASK TAGS: [b]"),
        (&["--list-tags", "--skip-tags", "b"], "TASK TAGS: []"),
        (&["--list-tasks", "--list-tags"], "debug\tTAGS: [a, never]"),
    ];
    for (words, says) in cases {
        let words = [words, &["play.yml"]].concat();
        run(&scratch, &words, &[]).expect_code(0).expect_said(&[says]);
    }
    let tasks = run(&scratch, &["--list-tasks", "play.yml"], &[]);
    assert!(!tasks.said().contains("never"), "{}", tasks.said());
}

#[test]
fn a_pause_goes_on_where_nobody_can_answer() {
    let play = "- hosts: localhost
  gather_facts: false
  tasks:
    - pause: {prompt: hey}
    - pause: {seconds: 0.1}
      register: paused
    - assert: {that: paused.user_input == ''}
";
    let ran = run(&scratch("pause", play), &["play.yml"], &[]);
    ran.expect_code(0).expect_said(&[
        "Not waiting for response to prompt as stdin is not interactive",
        "Pausing for 1 seconds\n",
    ]);
    for silent in ["hey", "ctrl+C"] {
        assert!(!ran.said().contains(silent), "{}", ran.said());
    }
}

#[test]
fn an_answer_may_say_which_hosts_a_play_is_for() {
    let play = "- name: for {{ wanted }}
  hosts: '{{ wanted }}'
  connection: local
  gather_facts: false
  vars_prompt:
    - {name: wanted, prompt: for whom, private: false}
  tasks:
    - debug: {msg: here}
";
    let scratch = scratch("asked", play);
    // Nobody is asked without a terminal: `script` makes one.
    let words = "(sleep 1; echo one; sleep 1) | script -qefc './ansible-playbook -i one,two play.yml' /dev/null";
    let shell = std::path::Path::new("/bin/sh");
    let ran = Ran::of(scratch.command(shell, &["-c", words]).output().unwrap());
    ran.expect_code(0).expect_said(&["PLAY [for one] ***", "ok: [one] => {"]);
    assert!(!ran.said().contains("[two]"), "{}", ran.said());
}

/// By a terminal that `script` makes: Ctrl+C is an answer there, and no signal.
#[test]
fn a_pause_is_interrupted_by_keys() {
    let play = "- hosts: localhost
  gather_facts: false
  tasks:
    - pause: {seconds: 20, prompt: hey}
    - debug: {msg: behind}
";
    for (key, code, says) in [("C", 0, "behind"), ("A", 2, "user requested abort!")] {
        let scratch = scratch("keys", play);
        let typed = format!(
            "(until grep -q hey: seen 2>/dev/null; do sleep 0.05; done; printf '\\003'; sleep 0.3; printf {key}; sleep 1) | script -qefc './ansible-playbook play.yml' seen"
        );
        let shell = std::path::Path::new("/bin/sh");
        let ran = Ran::of(scratch.command(shell, &["-c", &typed]).output().unwrap());
        ran.expect_code(code).expect_said(&[
            "Pausing for 20 seconds",
            "Press 'C' to continue the play or 'A' to abort",
            says,
        ]);
    }
}

#[test]
fn content_that_is_data_is_written_as_json() {
    let cases = [
        ("'{{ data }}'", "{\"b\": [1, true, null], \"a\": \"\\u00e4\"}"),
        ("'{{ data.b }}'", "[1, true, null]"),
        ("{k: '{{ data.a }}'}", "{\"k\": \"\\u00e4\"}"),
        ("'{{ data.b }} {{ 1 }}'", "[1, True, None] 1"),
        ("'{\"q\":  1}'", "{\"q\":  1}"),
    ];
    let play = |content: &str| {
        format!(
            "- hosts: localhost
  gather_facts: false
  connection: local
  vars: {{data: {{b: [1, true, null], a: \u{e4}}}}}
  tasks:
    - copy: {{dest: '{{{{ playbook_dir }}}}/made', content: {content}}}
"
        )
    };
    for (content, written) in cases {
        let scratch = scratch("content", &play(content));
        run(&scratch, &["play.yml"], &[]).expect_code(0);
        let made = std::fs::read_to_string(scratch.path("made")).unwrap();
        assert_eq!(made, written, "{content}");
    }
}
