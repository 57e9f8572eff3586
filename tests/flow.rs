//! How a run flows: jobs, specs of roles, facts that are kept, modules of the user's own, the
//! debugger. On this machine alone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    io::Write,
    os::unix::fs::PermissionsExt,
    process::{Output, Stdio},
};

use trueup_tests::program::{Ran, Scratch, trueup};

/// A play on this machine with these tasks.
fn play(tasks: &str) -> String {
    format!("- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n{tasks}")
}

#[test]
fn jobs_are_started_waited_for_and_asked_for() {
    let scratch = Scratch::new("jobs");
    let folder = scratch.path("jobs").display().to_string();
    scratch.write(
        "play.yml",
        play(&format!(
            "    - vars: {{ansible_async_dir: '{folder}'}}
      block:
        - command: echo waited
          async: 20
          poll: 1
          register: waited
        - shell: sleep 1; echo {{{{ item }}}}
          async: 20
          poll: 0
          loop: [one, two]
          register: started
        - async_status: {{jid: '{{{{ item.ansible_job_id }}}}'}}
          loop: '{{{{ started.results }}}}'
          register: asked
          until: asked is finished
          retries: 50
          delay: 1
        - async_status: {{jid: '{{{{ item.ansible_job_id }}}}', mode: cleanup}}
          loop: '{{{{ started.results }}}}'
        - find: {{paths: '{folder}'}}
          register: left
        - assert:
            that:
              - waited.stdout == 'waited' and waited.finished == 1
              - asked.results | map(attribute='stdout') | list == ['one', 'two']
              - started.results | map(attribute='finished') | list == [0, 0]
              - left.matched == 0
"
        )),
    );
    scratch.trueup(&["run", "play.yml"]).expect_code(0);
}

#[test]
fn what_cannot_be_a_job_is_refused() {
    let scratch = Scratch::new("no-jobs");
    for (task, said) in [
        (
            "copy: {content: x, dest: x}\n      async: 5",
            "This action (copy) does not support async.",
        ),
        ("debug:\n      async: 5", "This action (debug) does not support async."),
        ("async_status: {jid: j0.0}", "could not find job"),
        ("command: sleep 9\n      timeout: 1", "in the expected time frame (1)"),
        ("command: sleep 9\n      async: 1\n      poll: 2", "Timeout exceeded"),
        ("command: 'true'\n      async: \"{{ 'soon' }}\"", "async is 'soon'"),
    ] {
        scratch.write("play.yml", play(&format!("    - {task}\n")));
        let ran = scratch.trueup(&["run", "play.yml"]);
        ran.expect_code(2);
        ran.expect_said(&[said]);
    }
}

#[test]
fn roles_hold_their_users_to_their_specs() {
    let scratch = Scratch::new("specs");
    scratch.write(
        "roles/web/meta/argument_specs.yml",
        "argument_specs:\n  main:\n    short_description: A web server\n    options:\n      \
         http_port: {type: int, required: true}\n      kind: {choices: [a, b]}\n",
    );
    scratch.write("roles/web/tasks/main.yml", "- debug: msg=\"port {{ http_port }}\"\n");
    let head = "- hosts: localhost\n  connection: local\n  gather_facts: false\n";
    for (rest, code, said) in [
        ("  roles: [{role: web, http_port: '80'}]\n", 0, "port 80"),
        ("  roles: [web]\n", 2, "missing required arguments: http_port"),
        ("  roles: [{role: web, http_port: x}]\n", 2, "unable to convert to int"),
        (
            "  roles: [{role: web, http_port: 1, kind: c}]\n",
            2,
            "value of kind must be one of: a, b, got: c",
        ),
        (
            "  roles: [{role: web, http_port: 1, other: 2}]\n",
            2,
            "other. Supported parameters include",
        ),
        ("  tasks:\n  - include_role: {name: web}\n", 2, "missing required arguments: http_port"),
        (
            "  tasks:\n  - include_role: {name: web, rolespec_validate: false}\n    vars: {http_port: z}\n",
            0,
            "port z",
        ),
    ] {
        scratch.write("play.yml", format!("{head}{rest}"));
        let ran = scratch.trueup(&["run", "play.yml"]);
        ran.expect_code(code);
        ran.expect_said(&[said]);
    }
}

#[test]
fn facts_are_kept_between_runs() {
    let scratch = Scratch::new("facts");
    scratch.write("hosts", "localhost\n");
    scratch.write(
        "ansible.cfg",
        "[defaults]\nfact_caching = jsonfile\nfact_caching_connection = cache\n\
         gathering = smart\ninventory = hosts\n",
    );
    scratch.write(
        "set.yml",
        play("    - set_fact: {kept: 5, cacheable: true}\n    - set_fact: {lost: 6}\n"),
    );
    scratch.write(
        "see.yml",
        play("    - debug: msg=\"{{ kept }} {{ lost | default('nothing') }}\"\n"),
    );
    scratch.trueup(&["run", "set.yml"]).expect_code(0);
    assert!(scratch.path("cache/localhost").is_file());
    let ran = scratch.trueup(&["run", "see.yml"]);
    ran.expect_code(0);
    ran.expect_said(&["5 nothing"]);
    scratch.trueup(&["run", "see.yml", "--flush-cache"]).expect_code(2);
    assert!(!scratch.path("cache/localhost").exists());
    scratch.write("ansible.cfg", "[defaults]\nfact_caching = redis\n");
    let ran = scratch.trueup(&["run", "see.yml"]);
    ran.expect_code(5);
    ran.expect_said(&["fact_caching is 'redis'"]);
}

#[test]
fn dictionaries_are_merged_where_that_is_wanted() {
    let scratch = Scratch::new("merge");
    scratch.write("hosts", "localhost\n");
    scratch.write("group_vars/all.yml", "d: {a: 1, b: {x: 1}}\n");
    scratch.write("host_vars/localhost.yml", "d: {b: {y: 2}}\n");
    scratch.write("play.yml", play("    - debug: msg=\"{{ d | to_json }}\"\n"));
    for (behaviour, code, said) in [
        ("replace", 0, r#"{"b": {"y": 2}}"#),
        ("merge", 0, r#"{"a": 1, "b": {"x": 1, "y": 2}}"#),
        ("blend", 5, "it is replace or merge"),
    ] {
        scratch.write("ansible.cfg", format!("[defaults]\nhash_behaviour = {behaviour}\n"));
        let ran = scratch.trueup(&["run", "-i", "hosts", "play.yml"]);
        ran.expect_code(code);
        let said = said.replace('"', "\\\"");
        let text = ran.said();
        assert!(text.contains(&said) || text.contains(&said.replace("\\\"", "\"")), "{text}");
    }
}

#[test]
fn modules_of_the_users_own_run_on_hosts() {
    let scratch = Scratch::new("modules");
    scratch.write(
        "library/pairs.sh",
        "#!/bin/sh\n. \"$1\"\necho \"{\\\"msg\\\": \\\"got $name\\\"}\"\n",
    );
    scratch.write(
        "roles/r/library/json",
        "#!/bin/sh\n# WANT_JSON\nprintf '{\"given\": %s}' \"$(cat \"$1\")\"\n",
    );
    scratch.write(
        "roles/r/tasks/main.yml",
        "- json: {a: [1, 2]}\n  register: r\n- assert: {that: \"r.given.a == [1, 2]\"}\n",
    );
    let binary = scratch.write("plugins/binary", std::fs::read("/bin/true").unwrap());
    std::fs::set_permissions(binary, std::fs::Permissions::from_mode(0o755)).unwrap();
    for (tasks, code, said) in [
        ("    - pairs: name=\"it's me\"\n", 0, "got it's me"),
        ("    - ansible.legacy.pairs: {name: x}\n", 0, "got x"),
        ("    - include_role: {name: r}\n", 0, "All assertions passed"),
        // It says nothing, which is no result.
        ("    - binary:\n", 2, "MODULE FAILURE"),
        ("    - pears:\n", 4, "couldn't resolve module/action 'pears'"),
    ] {
        scratch.write("play.yml", play(tasks));
        let ran = scratch.trueup(&["run", "-v", "-M", "plugins", "play.yml"]);
        ran.expect_code(code);
        ran.expect_said(&[said]);
    }
}

/// A run whose operator types some lines.
fn talk(scratch: &Scratch, lines: &str) -> Ran {
    let mut child = scratch
        .command(trueup(), &["run", "play.yml"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output: Output = child.wait_with_output().unwrap();
    Ran::of(output)
}

#[test]
fn the_debugger_shows_changes_and_runs_again() {
    let scratch = Scratch::new("debugger");
    scratch.write(
        "play.yml",
        play("    - name: Answer\n      ping: {data: crash}\n      debugger: on_failed\n    - debug: msg=after\n"),
    );
    let mended = talk(&scratch, "p task.args\nfoo\ntask.args['data'] = 'well'\nredo\n");
    mended.expect_code(0);
    mended.expect_said(&[
        "[localhost] TASK: Answer (debug)> {'data': 'crash'}",
        "`foo` is no command",
        "after",
    ]);
    talk(&scratch, "c\n").expect_code(2);
    talk(&scratch, "q\n").expect_code(99);
    // Nobody answers any more.
    talk(&scratch, "").expect_code(99);
}

#[test]
fn names_of_actions_may_be_templates() {
    let scratch = Scratch::new("actions");
    for (task, code, said) in [
        ("action: \"{{ m }} msg='by a name'\"\n      vars: {m: debug}", 0, "by a name"),
        ("action: {module: '{{ m }}', msg: dict}\n      vars: {m: debug}", 0, "dict"),
        ("action: \"{{ m }} x=1\"\n      vars: {m: nothing}", 2, "'nothing'"),
        ("action: \"{{ m }} noop\"\n      vars: {m: meta}", 2, "must be named without a template"),
    ] {
        scratch.write("play.yml", play(&format!("    - {task}\n")));
        let ran = scratch.trueup(&["run", "play.yml"]);
        ran.expect_code(code);
        ran.expect_said(&[said]);
    }
}

#[test]
fn failures_count_until_they_are_cleared() {
    let scratch = Scratch::new("failures");
    scratch.write("roles/r/tasks/main.yml", "- debug: msg=again-{{ n }}\n");
    let block = |always: &str| {
        format!(
            "    - block:\n        - fail: msg=broken\n      always:\n        - {always}\n    \
             - debug: msg=went-on\n"
        )
    };
    for (tasks, code, said, unsaid) in [
        (block("debug: msg=always"), 2, "always", "went-on"),
        (block("meta: clear_host_errors"), 0, "went-on", "nothing"),
        (
            "    - import_role: {name: r}\n      vars: {n: 1}\n    - import_role: {name: r}\n      vars: {n: 2}\n".into(),
            0,
            "again-2",
            "nothing",
        ),
    ] {
        scratch.write("play.yml", play(&tasks));
        for words in [vec!["run", "play.yml"], vec!["run", "--force-handlers", "play.yml"]] {
            let ran = scratch.trueup(&words);
            ran.expect_code(code);
            ran.expect_said(&[said]);
            assert!(!ran.said().contains(unsaid), "{}", ran.said());
        }
    }
}

#[test]
fn an_inventory_is_read_anew() {
    let scratch = Scratch::new("refresh");
    scratch.write("hosts", "localhost ansible_connection=local\n");
    scratch.write(
        "play.yml",
        format!(
            "{}    - add_host: name=added\n    - lineinfile: {{path: '{}', line: later}}\n    \
             - meta: refresh_inventory\n- hosts: all\n  gather_facts: false\n  tasks:\n    \
             - debug: msg=\"{{{{ groups.all | sort | join('+') }}}}\"\n      run_once: true\n",
            play(""),
            scratch.path("hosts").display()
        ),
    );
    let ran = scratch.trueup(&["run", "-i", "hosts", "play.yml"]);
    ran.expect_code(0);
    ran.expect_said(&["added+later+localhost"]);
}

#[test]
fn what_must_not_be_seen_is_not_shown() {
    let scratch = Scratch::new("unseen");
    scratch.write("play.yml", play("    - command: echo hush\n      no_log: true\n"));
    let played = scratch.trueup(&["run", "-v", "play.yml"]);
    played.expect_code(0);
    // Nor are the items of a loop, whose end is told as that of one task.
    let looping = "    - command: echo {{ item }}\n      no_log: true\n      loop: [hush, hushed]\n      \
                   changed_when: item == 'hush'\n      failed_when: item == 'hushed'\n      \
                   ignore_errors: true\n    - debug: {msg: hush}\n      no_log: true\n";
    scratch.write("loop.yml", play(looping));
    let looped = scratch.trueup(&["run", "loop.yml"]);
    looped.expect_code(0).expect_said(&[
        "changed: [localhost] => (item=None)\nfailed: [localhost] (item=None) => {\"censored\": ",
        "\nfatal: [localhost]: FAILED! => {\"censored\": ",
        "\"changed\": true}\n...ignoring",
        "\nok: [localhost]\n",
    ]);
    scratch.write(
        "secret.yml",
        "$ANSIBLE_VAULT;1.1;AES256\n\
         61633438363731653931356564303966343333643434623461343939363333616638333537656265\n\
         3039353330353066366532363933396231393132613061390a653732636666643331383334646239\n\
         61386233343962376632613763633232346165643062376637643936383437393738346661393962\n\
         3265383033643439640a643238313836366364386163383362326234633335646464386538653361\n\
         3664\n",
    );
    scratch.write("pw", "x\n");
    let asked = scratch.trueup(&[
        "exec",
        "localhost",
        "-m",
        "include_vars",
        "-a",
        "secret.yml",
        "--vault-password-file",
        "pw",
    ]);
    asked.expect_code(0);
    asked.expect_said(&["the output has been hidden"]);
    for ran in [played, looped, asked] {
        assert!(!ran.said().contains("hush"), "{}", ran.said());
    }
}

#[test]
fn plays_are_held_to_their_argument_specs() {
    let scratch = Scratch::new("argspec");
    scratch.write(
        "play.meta.yml",
        "argument_specs:\n  web:\n    short_description: ports\n    options:\n      \
         web_port: {type: int, required: true}\n",
    );
    let held = |port: &str| {
        format!(
            "- name: web\n  hosts: localhost\n  gather_facts: false\n  validate_argspec: true\n  \
             vars: {{web_port: {port}}}\n  tasks: [{{debug: {{var: web_port}}}}]\n"
        )
    };
    scratch.write("play.yml", held("'80'"));
    scratch
        .trueup(&["run", "play.yml"])
        .expect_code(0)
        .expect_said(&["Validating arguments against arg spec 'web' - ports"]);
    scratch.write("play.yml", held("eighty"));
    let ran = scratch.trueup(&["run", "play.yml"]);
    ran.expect_code(2).expect_said(&["Validation of arguments failed", "'web_port'"]);
}

#[test]
fn omit_is_as_if_nothing_were_said() {
    let scratch = Scratch::new("omit");
    let tasks = "    - block:
        - copy: {content: x, dest: '{{ playbook_dir }}/made'}
          check_mode: '{{ omit }}'
      check_mode: true
    - stat: {path: '{{ playbook_dir }}/made'}
      register: made
    - assert: {that: not made.stat.exists}
";
    let text = play(tasks).replace("  gather_facts", "  serial: '{{ omit }}'\n  gather_facts");
    scratch.write("play.yml", text);
    scratch.trueup(&["run", "play.yml"]).expect_code(0);
}

#[test]
fn handlers_are_notified_with_the_name_of_their_role() {
    let scratch = Scratch::new("listen");
    scratch.write(
        "roles/web/handlers/main.yml",
        "- name: one\n  set_fact: {ran: true}\n  listen: topic\n",
    );
    let roles =
        "  roles: [web]\n  post_tasks:\n    - meta: flush_handlers\n    - assert: {that: ran}\n";
    let notify = |name: &str| {
        let tasks = format!("    - command: 'true'\n      notify: '{name}'\n");
        format!("{}{roles}", play(&tasks))
    };
    scratch.write("play.yml", notify("web : topic"));
    scratch.trueup(&["run", "play.yml"]).expect_code(0);
    scratch.write("play.yml", notify("db : topic"));
    let ran = scratch.trueup(&["run", "play.yml"]);
    ran.expect_code(1).expect_said(&["The requested handler 'db : topic' was not found"]);
}

#[test]
fn handlers_of_a_role_that_comes_again_run_once() {
    let scratch = Scratch::new("again");
    let count = "command: 'true'\n  notify: count";
    scratch.write("roles/web/tasks/main.yml", format!("- {count}\n"));
    scratch.write("roles/web/tasks/other.yml", format!("- {count}\n"));
    scratch.write(
        "roles/web/handlers/main.yml",
        "- name: count\n  set_fact: {ran: \"{{ ran | default(0) | int + 1 }}\"}
- name: topical\n  set_fact: {heard: \"{{ heard | default(0) | int + 1 }}\"}\n  listen: count\n",
    );
    let roles = ["main", "other", "main"]
        .map(|from| format!("    - include_role: {{name: web, tasks_from: {from}}}\n"));
    let check = "    - meta: flush_handlers
    - assert: {that: [ran | int == 1, heard | int == 1]}
    - command: 'true'
      notify: count
    - meta: flush_handlers
    - assert: {that: [ran | int == 2, heard | int == 2]}
";
    scratch.write("play.yml", play(&format!("{}{check}", roles.concat())));
    scratch.trueup(&["run", "play.yml"]).expect_code(0);
}

#[test]
fn a_handler_that_runs_once_runs_for_all() {
    let scratch = Scratch::new("once");
    let play = "- hosts: all
  connection: local
  gather_facts: false
  tasks:
    - command: 'true'
      notify: count
  handlers:
    - name: count
      run_once: true
      debug: {msg: counted}
";
    scratch.write("play.yml", play);
    let ran = scratch.trueup(&["run", "-i", "a,b,c", "play.yml"]);
    ran.expect_code(0);
    assert_eq!(ran.said().matches("counted").count(), 1, "{}", ran.said());
}

#[test]
fn results_say_how_their_module_was_called() {
    let scratch = Scratch::new("invocation");
    let tasks = "    - ping: {data: '{{ item }}'}
      loop: [one]
      register: pinged
    - assert:
        that:
          - pinged.results[0].invocation.module_args.data == 'one'
          - pinged.invocation is undefined
";
    scratch.write("play.yml", play(tasks));
    scratch.trueup(&["run", "play.yml"]).expect_code(0);
    let verbose = scratch.trueup(&["exec", "localhost", "-m", "ping", "-vvv"]);
    verbose.expect_code(0).expect_said(&["\"module_args\"", "EXEC", "ESTABLISH LOCAL CONNECTION"]);
    let quiet = scratch.trueup(&["exec", "localhost", "-m", "ping", "-vv"]);
    assert!(!quiet.said().contains("EXEC") && !quiet.said().contains("module_args"));
}

#[test]
fn variables_of_files_are_merged_where_that_is_asked() {
    let scratch = Scratch::new("merge");
    scratch.write("more.yml", "map: {b: {d: 2}}\n");
    let tasks = |behaviour: &str| {
        format!(
            "    - include_vars: {{file: more.yml, hash_behaviour: {behaviour}}}\n    \
             - debug: {{msg: '{{{{ map | to_json }}}}'}}\n      "
        )
    };
    for (behaviour, said) in [
        ("merge", "{\\\"a\\\": 1, \\\"b\\\": {\\\"c\\\": 1, \\\"d\\\": 2}}"),
        ("replace", "{\\\"b\\\": {\\\"d\\\": 2}}"),
    ] {
        let text = play(&tasks(behaviour))
            .replace("  tasks:", "  vars: {map: {a: 1, b: {c: 1}}}\n  tasks:");
        scratch.write("play.yml", text);
        scratch.trueup(&["run", "play.yml"]).expect_code(0).expect_said(&[said]);
    }
    scratch.write("play.yml", play(&tasks("other")));
    let ran = scratch.trueup(&["run", "play.yml"]);
    ran.expect_code(2).expect_said(&["hash_behaviour must be one of"]);
}

/// Plays that hold what they expect by themselves.
#[test]
fn what_variables_and_handlers_do_is_what_ansible_does() {
    let cases: &[(&str, &str)] = &[
        (
            "a file that a handler includes runs whole",
            "    - command: 'true'\n      notify: including\n    - meta: flush_handlers\n    \
             - assert: {that: included_ran is defined}\n  handlers:\n    - name: including\n      \
             include_tasks: named.yml\n",
        ),
        (
            "facts are forgotten, what is set and registered is not",
            "    - set_fact: {kept: 1}\n    - command: echo x\n      register: result\n    \
             - setup: {gather_subset: min}\n    - meta: clear_facts\n    \
             - assert: {that: [kept == 1, result.stdout == 'x', ansible_distribution is undefined]}\n",
        ),
        (
            "a variable of a host that cannot be rendered is shown as it is written",
            "    - include_vars: {file: later.yml}\n    - assert:\n        that:\n          \
             - hostvars.localhost.later[1] == 'b2'\n          \
             - hostvars.localhost.later[0].startswith('foo ')\n",
        ),
        (
            "a role that an included role imports brings its handlers",
            "    - include_role: {name: outer}\n    - meta: flush_handlers\n    \
             - assert: {that: inner_ran is defined}\n",
        ),
        (
            "a role that was left is done, and is not run again where it may not",
            "    - import_role: {name: left}\n    \
             - include_role: {name: left, allow_duplicates: false}\n    \
             - assert: {that: times | int == 1}\n",
        ),
        (
            "files of variables may be lists of dictionaries",
            "    - assert: {that: first == 1 and second == 2}\n  vars_files: [list.yml]\n",
        ),
        (
            "a handler's name is rendered when it is notified",
            "    - command: 'true'\n      notify: plain\n    - meta: flush_handlers\n    \
             - assert: {that: plain_ran is defined}\n  handlers:\n    \
             - name: '{{ nowhere }}'\n      fail:\n    - name: plain\n      set_fact: {plain_ran: 1}\n",
        ),
        (
            "a role is not public where it says no",
            "    - import_role: name=left public=no\n    - assert: {that: of_left is undefined}\n",
        ),
    ];
    for (name, tasks) in cases {
        let scratch = Scratch::new("flow-cases");
        scratch.write("named.yml", "- name: its own name\n  set_fact: {included_ran: 1}\n");
        scratch.write("later.yml", "later: ['foo {{ none }}', 'b{{ 1 + 1 }}']\n");
        scratch.write("list.yml", "- first: 1\n- second: 2\n");
        scratch.write("roles/outer/tasks/main.yml", "- import_role: {name: inner}\n");
        scratch.write("roles/inner/tasks/main.yml", "- command: 'true'\n  notify: of inner\n");
        scratch.write(
            "roles/inner/handlers/main.yml",
            "- name: of inner\n  set_fact: {inner_ran: 1}\n",
        );
        scratch.write("roles/left/vars/main.yml", "of_left: 1\n");
        scratch.write(
            "roles/left/tasks/main.yml",
            "- set_fact: {times: '{{ times | default(0) | int + 1 }}'}\n- meta: end_role\n",
        );
        scratch.write("play.yml", play(tasks));
        println!("{name}");
        scratch.trueup(&["run", "play.yml"]).expect_code(0);
    }
}

#[test]
fn what_handlers_and_roles_cannot_do_is_refused() {
    let cases: &[(&str, &str)] = &[
        (
            "    - debug:\n  handlers:\n    - name: a\n      include_role: {name: b}\n",
            "Using 'include_role' as a handler is not supported.",
        ),
        (
            "    - debug:\n  handlers:\n    - block: [{debug: }, {block: [{debug: }]}]\n",
            "Using a block as a handler is not supported.",
        ),
        (
            "    - debug:\n  handlers:\n    - name: a\n      meta: flush_handlers\n",
            "flush_handlers cannot be used as a handler",
        ),
        (
            "    - import_tasks: {file: more.yml, apply: {tags: x}}\n",
            "Invalid options for import_tasks: apply",
        ),
        (
            "    - include_role: {name: a, vars_from: [x]}\n",
            "Expected a string for vars_from but got <class 'list'>",
        ),
        (
            "    - import_role: {name: a, tasks_from: ../../../more.yml}\n",
            "not inside the expected role path",
        ),
    ];
    for (tasks, says) in cases {
        let scratch = Scratch::new("flow-refused");
        scratch.write("more.yml", "[]\n");
        scratch.write("roles/a/tasks/main.yml", "[]\n");
        scratch.write("play.yml", play(tasks));
        let ran = scratch.trueup(&["run", "play.yml"]);
        ran.expect_said(&[says, "nothing was run"]);
    }
}
