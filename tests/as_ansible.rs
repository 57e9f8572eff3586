//! What ansible-core does that its users count on, in small: what is not done, what is done once,
//! and the words.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use trueup_tests::program::{Ran, Scratch, trueup};

/// A play on this machine with these tasks.
fn play(tasks: &str) -> String {
    format!("- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n{tasks}")
}

#[test]
fn what_cannot_be_worked_out_is_not_done_and_not_made_good() {
    let scratch = Scratch::new("raised");
    scratch.write(
        "play.yml",
        play(
            "    - command: touch {{ item.name }}
      loop: [{name: first}, {}, {name: third}]
      register: looped
      ignore_errors: true
    - command: touch never
      when: \"item.name is match('f')\"
      loop: [{}, {name: fourth}]
      register: unmet
      ignore_errors: true
    - command: echo {{ nothing }}
      failed_when: false
      register: forgiven
      ignore_errors: true
    - command: echo {{ nothing }}
      retries: 2
      delay: 30
      until: again is success
      register: again
      ignore_errors: true
    - command: echo hi
      environment: {A: '{{ nothing }}'}
      register: bare
      ignore_errors: true
    - command: 'true'
      changed_when: nothing
      register: judged
      ignore_errors: true
    - debug: msg=x
      loop: [{name: first}, {}]
      loop_control: {label: '{{ item.name }}'}
      register: labelled
      ignore_errors: true
    - command: 'true'
      when: false
      register: left_out
    - stat: {path: third}
      register: third
    - stat: {path: first}
      register: first
    - assert:
        that:
          - looped is failed and looped.results is undefined and looped.changed is undefined
          - unmet is failed and unmet.results is undefined
          - forgiven is failed and again is failed and again.attempts is undefined
          - bare is failed and bare.changed is undefined
          - judged is failed and judged.rc == 0
          - judged.changed_when_result is search('nothing')
          - labelled.results | map(attribute='failed') | list == [false, true]
          - left_out.failed is undefined and left_out.skipped
          - first.stat.exists and not third.stat.exists
",
        ),
    );
    scratch.trueup(&["run", "play.yml"]).expect_code(0);
    std::os::unix::fs::symlink(trueup(), scratch.path("ansible-playbook")).unwrap();
    let ansible = scratch.path("ansible-playbook");
    let ran = Ran::of(scratch.command(&ansible, &["play.yml"]).output().unwrap());
    ran.expect_code(0);
    let place = format!("'{}': line 5, column 7, but may", scratch.path("play.yml").display());
    ran.expect_said(&[
        "The task includes an option with an undefined variable.. 'dict object' has no attribute",
        &place,
        "      ^ here",
        "line 10, column 13",
        "The field 'environment' has an invalid value, which includes an undefined variable.. \
         'nothing' is undefined",
    ]);
}

#[test]
fn tasks_that_rescue_are_listed_under_the_own_name_alone() {
    let scratch = Scratch::new("listed");
    let tasks = "    - block:\n        - {name: straight, ping: null}\n      rescue:\n        - \
                 {name: rescuing, ping: null}\n      always:\n        - {name: closing, ping: \
                 null}\n";
    scratch.write("play.yml", play(tasks));
    std::os::unix::fs::symlink(trueup(), scratch.path("ansible-playbook")).unwrap();
    let ansible = scratch.path("ansible-playbook");
    for (program, all) in [(trueup(), true), (&ansible, false)] {
        let words = if all { vec!["run", "play.yml"] } else { vec!["play.yml"] };
        let words = [words, vec!["--list-tasks"]].concat();
        let ran = Ran::of(scratch.command(program, &words).output().unwrap());
        ran.expect_code(0);
        assert!(ran.stdout.contains("straight"), "{}", ran.stdout);
        assert_eq!(ran.stdout.contains("rescuing"), all, "{}", ran.stdout);
        assert_eq!(ran.stdout.contains("closing"), all, "{}", ran.stdout);
    }
}

#[test]
fn one_host_stands_for_all_where_the_run_is_concerned() {
    let scratch = Scratch::new("once");
    scratch.write("hosts", "a\nb\nc\n[all:vars]\nansible_connection=local\n");
    scratch.write(
        "play.yml",
        "- hosts: a,b,c
  gather_facts: false
  tasks:
    - add_host: {name: 'new-{{ inventory_hostname }}', groups: [new]}
      register: added
    - add_host: {name: never, groups: [never]}
      when: inventory_hostname == 'b'
    - pause: {seconds: 1}
    - assert:
        that:
          - groups.new == ['new-a']
          - groups.never is undefined
          - (added is defined) == (inventory_hostname == 'a')
          - play_hosts == ['a', 'b', 'c']
- hosts: a,b,c
  serial: 2
  gather_facts: false
  tasks:
    - assert:
        that:
          - play_hosts == ansible_play_batch
          - play_hosts == (['c'] if inventory_hostname == 'c' else ['a', 'b'])
          - ansible_play_hosts == ['a', 'b', 'c']
",
    );
    let ran = scratch.trueup(&["run", "-i", "hosts", "play.yml"]);
    ran.expect_code(0);
    assert_eq!(ran.stdout.matches("Pausing for").count(), 1, "{}", ran.stdout);
}

#[test]
fn a_list_that_cannot_be_made_fails_unless_a_variable_is_what_it_lacks() {
    let scratch = Scratch::new("lists");
    scratch.write(
        "play.yml",
        play(
            "    - debug: {msg: '{{ item }}'}
      loop: '{{ nothing }}'
      when: item.x is defined
      register: undefined_list
    - debug: {msg: '{{ item }}'}
      loop: '{{ bad }}'
      when: item.x is defined
      vars: {bad: [{x: '{{ \"a\" | from_json }}'}]}
      register: broken_list
      ignore_errors: true
    - assert: {that: [undefined_list is skipped, broken_list is failed]}
",
        ),
    );
    scratch.trueup(&["run", "play.yml"]).expect_code(0);
}

#[test]
fn a_vars_file_that_is_nowhere_is_warned_of() {
    let scratch = Scratch::new("nowhere");
    let text = play("    - debug: {msg: '{{ seen }}'}\n").replace(
        "  gather_facts",
        "  vars_files: [no.yml, [none.yml, vars.yml], '{{ inventory_hostname }}.yml']\n  \
         gather_facts",
    );
    scratch.write("play.yml", text);
    scratch.write("vars.yml", "seen: the second\n");
    let ran = scratch.trueup(&["run", "play.yml"]);
    ran.expect_code(0);
    ran.expect_said(&["the second", "vars file no.yml was not found"]);
}

#[test]
fn what_says_nothing_or_nonsense_is_refused() {
    let scratch = Scratch::new("nonsense");
    scratch.write("empty.yml", "---\n");
    scratch.write("nothing.yml", "");
    scratch.write("meta.yml", play("    - meta: nosuch\n"));
    scratch.write("play.yml", play("    - meta: noop\n"));
    for (words, code, said) in [
        (vec!["run", "empty.yml"], 4, "Empty playbook, nothing to do"),
        (vec!["run", "nothing.yml"], 4, "Empty playbook, nothing to do"),
        (vec!["run", "meta.yml"], 4, "invalid meta action requested: nosuch"),
        (vec!["run", "play.yml", "-f", "0"], 2, "--forks"),
        (
            vec!["exec", "localhost", "-i", "a,b", "-l", "nosuch", "-m", "ping"],
            1,
            "leaves us with no hosts to target",
        ),
        (vec!["run", "play.yml", "-i", "a,b", "-l", "nosuch"], 1, "ignoring: nosuch"),
    ] {
        let ran = scratch.trueup(&words);
        ran.expect_code(code);
        ran.expect_said(&[said]);
    }
}

#[test]
fn texts_end_and_values_are_left_out_as_in_ansible() {
    let scratch = Scratch::new("ends");
    scratch.write("key.j2", "{{ key }}\n");
    scratch.write("plain.json", "{\"a\": true}\n");
    scratch.write(
        "play.yml",
        play(
            "    - template: {src: key.j2, dest: made}
      vars: {key: \"abc\\n\"}
    - set_fact:
        off: >
          {{ 1 == 2 }}
        made: \"{{ lookup('file', 'made', rstrip=false) }}\"
        plain: \"{{ lookup('template', 'plain.json') }}\"
        left: \"{{ {'a': nothing | default(omit), 'b': [{'c': omit, 'd': 1}]} }}\"
    - assert:
        that:
          - not off
          - made == 'abc\\n'
          - plain is string
          - \"left == {'b': [{'d': 1}]}\"
",
        ),
    );
    scratch.trueup(&["run", "play.yml"]).expect_code(0);
    std::os::unix::fs::symlink(trueup(), scratch.path("ansible-playbook")).unwrap();
    let ansible = scratch.path("ansible-playbook");
    Ran::of(scratch.command(&ansible, &["play.yml"]).output().unwrap()).expect_code(0);
}

#[test]
fn settings_name_the_shell_the_note_and_the_screen() {
    let scratch = Scratch::new("settings");
    scratch.write(
        "ansible.cfg",
        "[defaults]\nexecutable = /bin/bash\nansible_managed = Managed: {file} by {uid} \
         %Y ({{{{ 2 * 3 }}}})\nstdout_callback = unixy\n",
    );
    let note =
        "{{ ansible_managed }} {{ template_mtime.strftime('%Y') }} {{ template_destpath }}\n";
    scratch.write("note.j2", note);
    scratch.write("%nin {{ 1 % 0 }}.j2", note);
    scratch.write(
        "play.yml",
        play(
            "    - shell: echo $0
      register: shell
    - template: {src: note.j2, dest: note}
    - template: {src: !unsafe '%nin {{ 1 % 0 }}.j2', dest: odd}
    - command: echo {{ item }}
      loop: [1, 2]
      changed_when: item == 2
      notify: 'handler {{ item }}'
    - assert:
        that:
          - shell.stdout == '/bin/bash'
          - lookup('file', 'note') is match('Managed. note.j2 by .+ ([0-9]{4}) .6. [0-9]{4} note$')
          - lookup('file', 'odd') is match('Managed. %nin .. 1 % 0 ...j2 by .+ [0-9]{4} .6. [0-9]{4} odd$')
  handlers:
    - {name: handler 1, debug: {msg: first notified}}
    - {name: handler 2, debug: {msg: second notified}}
",
        ),
    );
    let ran = scratch.trueup(&["run", "play.yml"]);
    ran.expect_code(0);
    ran.expect_said(&["unixy is not installed here", "first notified", "second notified"]);
}

/// What ansible-core 2.18 hides under `ANSIBLE_NO_LOG`: all but what says otherwise.
#[test]
fn results_are_hidden_unless_a_task_says_otherwise() {
    let scratch = Scratch::new("no-log");
    let tasks = "    - debug: msg=hid1
    - debug: msg=shown
      no_log: false
    - include_tasks: more.yml
      loop: [hid2]
    - command: 'false'
      ignore_errors: true
";
    scratch.write("play.yml", play(tasks));
    scratch.write("more.yml", "- debug: msg={{ item }}\n");
    let mut command = scratch.command(trueup(), &["run", "play.yml"]);
    let ran = Ran::of(command.env("ANSIBLE_NO_LOG", "1").output().unwrap());
    ran.expect_code(0);
    assert!(!ran.stdout.contains("hid1") && !ran.stdout.contains("hid2"), "{}", ran.stdout);
    assert_eq!(ran.stdout.matches("the output has been hidden").count(), 1, "{}", ran.stdout);
    ran.expect_said(&["\"msg\": \"shown\"", "(item=(censored due to no_log))"]);
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    let scratch = Scratch::new("reader");
    let mut child = scratch.command(trueup(), &["config", "dump"]).spawn().unwrap();
    // Before a line is written.
    drop(child.stdout.take());
    let ran = Ran::of(child.wait_with_output().unwrap());
    ran.expect_code(141);
    assert_eq!(ran.stderr, "");
}

#[test]
fn inventories_keep_what_is_encrypted() {
    let scratch = Scratch::new("encrypted");
    scratch.write("password", "made up\n");
    scratch.write("hosts", "a ansible_connection=local\n");
    let vault = ["--vault-password-file", "password"];
    let made = scratch.trueup(
        &[&["vault", "encrypt_string"], &vault[..], &["four", "--name", "secret"]].concat(),
    );
    made.expect_code(0);
    scratch.write("host_vars/a.yml", &made.stdout);
    let shown =
        scratch.trueup(&[&["inventory", "-i", "hosts", "--list", "--yaml"], &vault[..]].concat());
    shown.expect_code(0);
    shown.expect_said(&["secret: !vault |", "$ANSIBLE_VAULT;1."]);
    scratch.write("again/hosts.yml", &shown.stdout);
    let words =
        ["exec", "a", "-i", "again/hosts.yml", "-m", "debug", "-a", "msg='{{ secret | length }}'"];
    let read = scratch.trueup(&[&words[..], &vault[..]].concat());
    read.expect_code(0);
    read.expect_said(&["\"msg\": 4"]);
}

#[test]
fn what_is_missing_is_told_in_ansibles_words() {
    let scratch = Scratch::new("missing");
    scratch.write("hosts", "a\nb\n[all:vars]\nansible_connection=local\n");
    let tasks = "    - debug: {msg: \"{{ hostvars['b'].nosuch }}\"}
      ignore_errors: true
    - debug: {msg: \"{{ hostvars['nobody'].nosuch }}\"}
      ignore_errors: true
    - debug: {msg: \"{{ undefd }}\"}
      delegate_to: b
      ignore_errors: true
    - debug: {msg: \"{{ undefd }} {{ item }}\"}
      delegate_to: b
      ignore_errors: true
      loop: [1]
    - debug: {msg: lookup}
      when: undefd == 1
      delegate_to: b
      ignore_errors: true
    - debug: {msg: \"{{ lookup('file', 'nosuchfile', errors='warn') }}\"}
";
    scratch.write("play.yml", play(tasks).replace("hosts: localhost", "hosts: a"));
    std::os::unix::fs::symlink(trueup(), scratch.path("ansible-playbook")).unwrap();
    let ansible = scratch.path("ansible-playbook");
    let words = ["-i", "hosts", "play.yml"];
    let ran = Ran::of(scratch.command(&ansible, &words).output().unwrap());
    ran.expect_code(0);
    ran.expect_said(&[
        "'ansible.vars.hostvars.HostVarsVars object' has no attribute 'nosuch'",
        "\\\"hostvars['nobody']\\\" is undefined",
        "[WARNING]: Lookup failed but the error is being ignored:",
    ]);
    assert_eq!(ran.stdout.matches("fatal: [a -> b]: FAILED!").count(), 3, "{}", ran.stdout);

    // Where settings want that, what needs what is missing stays as it was written.
    scratch.write("kept.yml", play("    - debug: {msg: \"{{ undefd }} x\"}\n"));
    let mut command = scratch.command(&ansible, &["kept.yml"]);
    let ran = Ran::of(command.env("ANSIBLE_ERROR_ON_UNDEFINED_VARS", "0").output().unwrap());
    ran.expect_code(0);
    ran.expect_said(&["\"msg\": \"{{ undefd }} x\""]);
    Ran::of(scratch.command(&ansible, &["kept.yml"]).output().unwrap()).expect_code(2);
}

/// `rsync` is told of the host itself, whatever a delegate's templates see of the way.
#[test]
fn a_delegate_synchronizes_with_the_host_of_the_task() {
    let scratch = Scratch::new("synchronize");
    scratch.write("src/file", "a");
    let rsync = scratch.write("bin/rsync", "#!/bin/sh\n");
    std::fs::set_permissions(&rsync, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let tasks = "    - synchronize: {src: src, dest: /srv}
      delegate_to: localhost
      register: sent
    - debug: {msg: \"{{ sent.cmd.split()[-1] }}\"}
      delegate_to: localhost
";
    scratch.write("play.yml", play(tasks).replace("hosts: localhost", "hosts: far"));
    let path = format!("{}:{}", scratch.path("bin").display(), std::env::var("PATH").unwrap());
    let mut command = scratch.command(trueup(), &["run", "-i", "far,", "play.yml"]);
    let ran = Ran::of(command.env("PATH", path).output().unwrap());
    ran.expect_code(0);
    ran.expect_said(&["\"msg\": \"far:/srv\""]);
}

#[test]
fn words_and_patterns_that_mean_nothing_are_taken_as_in_ansible() {
    let scratch = Scratch::new("words");
    scratch.write("hosts", "a ansible_connection=local\n");
    let tasks = "    - debug: {msg: \"{{ x }} {{ _raw_params }}\"}\n";
    scratch.write("play.yml", play(tasks));
    let ran = scratch.trueup(&["run", "-e", "x=1 two words", "play.yml"]);
    ran.expect_code(0);
    ran.expect_said(&["\"msg\": \"1 two words\"", "'two words' has no '='"]);

    std::os::unix::fs::symlink(trueup(), scratch.path("ansible")).unwrap();
    let words = ["-i", "hosts", "nobody", "--list-hosts"];
    let ran = Ran::of(scratch.command(&scratch.path("ansible"), &words).output().unwrap());
    ran.expect_code(0);
    assert_eq!(ran.stdout, "  hosts (0):\n");
}

#[test]
fn arguments_that_actions_do_not_have_are_named_as_ansible_names_them() {
    let scratch = Scratch::new("unknown-arguments");
    let tasks = [
        ("assert", "that: true"),
        ("debug", "msg: x"),
        ("set_stats", "data: {}"),
        ("pause", "seconds: 0"),
    ];
    let tasks = tasks.map(|(action, argument)| {
        format!("    - {action}: {{nosuch: 1, {argument}}}\n      ignore_errors: true\n")
    });
    scratch.write("play.yml", play(&tasks.concat()));
    std::os::unix::fs::symlink(trueup(), scratch.path("ansible-playbook")).unwrap();
    let ansible = scratch.path("ansible-playbook");
    let ran = Ran::of(scratch.command(&ansible, &["play.yml"]).output().unwrap());
    ran.expect_code(0).expect_said(&[
        "Invalid options for assert: nosuch",
        "Unsupported parameters for (debug) module: nosuch. Supported parameters include: msg, var, \
         verbosity.",
        "Invalid options for set_stats: nosuch",
        "Unsupported parameters for (pause) module: nosuch. Supported parameters include: echo, \
         minutes, prompt, seconds.",
    ]);
}

#[test]
fn a_collections_playbook_means_its_own_collection() {
    let scratch = Scratch::new("collection");
    let root = "found/ansible_collections/own/first";
    scratch.write(
        &format!("{root}/roles/rr/tasks/main.yml"),
        "- debug: {msg: the role of own.first}\n",
    );
    let book = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - import_role: {name: rr}\n    - include_role: {name: rr}\n";
    // What stands beside a playbook is beside it however it is named.
    scratch.write(&format!("{root}/playbooks/group_vars/all.yml"), "beside: variables beside it\n");
    scratch.write(
        &format!("{root}/playbooks/library/told"),
        "#!/bin/sh\necho '{\"changed\": false, \"msg\": \"a module beside it\"}'\n",
    );
    let beside = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - told:\n    - debug: {var: beside}\n";
    scratch.write(&format!("{root}/playbooks/beside.yml"), beside);
    scratch.write(&format!("{root}/playbooks/book.yml"), book);
    scratch.write(&format!("{root}/playbooks/deep/other.yml"), book);
    let ansible = scratch.path("ansible-playbook");
    std::os::unix::fs::symlink(trueup(), &ansible).unwrap();
    let run = |words: &[&str]| {
        let mut command = scratch.command(&ansible, words);
        command.env("ANSIBLE_COLLECTIONS_PATH", scratch.path("found"));
        Ran::of(command.output().unwrap())
    };
    let by_path = format!("{root}/playbooks/book.yml");
    for name in [&*by_path, "own.first.book", "own.first.deep.other", "own.first.book.yml"] {
        let ran = run(&[name]);
        ran.expect_code(0);
        assert_eq!(ran.said().matches("\"msg\": \"the role of own.first\"").count(), 2, "{name}");
    }
    let ran = run(&["own.first.beside", "-v"]);
    ran.expect_code(0);
    for words in ["a module beside it", "variables beside it"] {
        assert!(ran.said().contains(words), "{}", ran.said());
    }
    // One that is nowhere is named as it was.
    let ran = run(&["own.first.nosuch"]);
    assert!(ran.said().contains("the playbook: own.first.nosuch could not be found"));
    assert_eq!(ran.code, Some(1));
}

#[test]
fn what_cannot_be_imported_ends_with_ansibles_exit_code() {
    let scratch = Scratch::new("imports");
    scratch.write("roles/r/tasks/main.yml", "- debug: {msg: r}\n");
    let ansible = scratch.path("ansible-playbook");
    std::os::unix::fs::symlink(trueup(), &ansible).unwrap();
    for (text, code) in [
        (play("    - import_role: {name: r, tasks_from: nope}\n"), 4),
        (play("    - import_role: {name: '{{ nope }}'}\n"), 1),
        ("- import_playbook: '{{ nope }}.yml'\n".to_owned(), 1),
        ("- hosts: localhost\n  roles: [{name: r}, '{{ nope }}']\n".to_owned(), 1),
        // Command lines of modules that are not here are no pairs of names and values.
        (play("    - ansible.windows.win_shell: Get-Item -Force x\n      when: false\n"), 0),
    ] {
        scratch.write("play.yml", &text);
        let ran = Ran::of(scratch.command(&ansible, &["play.yml"]).output().unwrap());
        assert_eq!(ran.code, Some(code), "{text}{}", ran.said());
    }
}

#[test]
fn lists_are_given_where_arguments_are_wrong() {
    let scratch = Scratch::new("lists");
    scratch.write("play.yml", play("    - {name: this one, file: {path: /x, nosuch: 1}}\n"));
    let ansible = scratch.path("ansible-playbook");
    std::os::unix::fs::symlink(trueup(), &ansible).unwrap();
    let run =
        |word: &str| Ran::of(scratch.command(&ansible, &["play.yml", word]).output().unwrap());
    let ran = run("--list-tasks");
    ran.expect_code(0);
    assert!(ran.stdout.contains("this one"), "{}", ran.said());
    assert!(ran.stderr.contains("nosuch"), "{}", ran.said());
    assert_eq!(run("--syntax-check").code, Some(2));
}
