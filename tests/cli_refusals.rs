//! What bad input gets: a message that says what is wrong, where, and what to do; the exit code
//! that Ansible gives; and nothing done on a host.

use trueup_tests::program::Scratch;

/// A host that needs none: this machine, whose file `touched` says that a task ran.
const LOCAL: &str = "[web]\nhere ansible_connection=local\n";

/// A play with these tasks, after one that would leave a trace.
fn play(tasks: &str) -> String {
    format!(
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - name: Leave a trace\n      \
         copy: {{content: x, dest: \"{{{{ playbook_dir }}}}/touched\"}}\n{tasks}"
    )
}

struct Refusal {
    /// The playbook.
    playbook: String,
    /// Exit code.
    code: i32,
    /// What is said.
    says: &'static [&'static str],
}

fn refusal(playbook: impl Into<String>, code: i32, says: &'static [&'static str]) -> Refusal {
    Refusal { playbook: playbook.into(), code, says }
}

#[test]
fn broken_playbooks_are_refused_before_anything_runs() {
    let cases = [
        refusal("hosts: all\n", 4, &["must be a list of plays", "play.yml:1:1"]),
        refusal("- hosts: all\n  tasks:\n   - a\n    - b: 1\n", 4, &["error[E01", "play.yml:4:"]),
        refusal(
            "- hosts: all\n  task: []\n",
            4,
            &["'task' is not a valid attribute", "tasks?", ":2:3"],
        ),
        refusal(play("    - coppy: {src: a}\n"), 4, &["'coppy'", "did you mean copy?", ":6:7"]),
        refusal(
            play("    - copy: {contents: a, dest: /nowhere}\n"),
            2,
            &["Unsupported parameters", "contents", "did you mean content?"],
        ),
        refusal(
            play("    - file: {path: /nowhere, state: dir}\n"),
            2,
            &["value of state must be one of", "got: dir"],
        ),
        refusal(
            play("    - file: {path: /nowhere, recurse: perhaps}\n"),
            2,
            &["recurse", "unable to convert to bool"],
        ),
        refusal(play("    - file: {state: directory}\n"), 2, &["missing required arguments: path"]),
        refusal(
            play("    - debug: {msg: x}\n      whenn: true\n"),
            4,
            &["'whenn' is not a valid attribute for a Task", "did you mean when?", ":7:7"],
        ),
        refusal(
            play("    - debug: {msg: x}\n      command: y\n"),
            4,
            &["conflicting action", "play.yml:7:7"],
        ),
        refusal(play("    - name: nothing\n"), 4, &["no module/action", ":6:7"]),
        refusal(
            format!("{}  roles: [webb]\n", play("")),
            1,
            &["the role 'webb' was not found in", "play.yml:6:11"],
        ),
        refusal(
            play("    - import_tasks: nowhere.yml\n"),
            1,
            &["nowhere.yml", "looked in", ":6:7"],
        ),
        refusal(
            format!("{}  validate_argspec: web\n", play("")),
            1,
            &["the argument spec 'web' needs the file", "play.meta.yml", "play.yml:6:21"],
        ),
        refusal(
            format!("{}  validate_argspec: [web]\n", play("")),
            4,
            &["validate_argspec", "true, or the name of a spec"],
        ),
        refusal(
            format!("{}  validate_argspec: 'a {{{{ b }}}}'\n", play("")),
            4,
            &["must be known before the run"],
        ),
        refusal(play("    - debug: {msg: '{{ a + }}'}\n"), 2, &["error[E0", "play.yml:6:"]),
        refusal(play("    - debug: {msg: '{{ a | nowhere }}'}\n"), 2, &["nowhere", "play.yml:6:"]),
    ];
    for (number, case) in cases.iter().enumerate() {
        let scratch = Scratch::new("refusal");
        scratch.write("hosts", LOCAL);
        scratch.write("play.yml", &case.playbook);
        let ran = scratch.trueup(&["run", "-i", "hosts", "play.yml"]);
        println!("case {number}:\n{}\n{}", case.playbook, ran.said());
        ran.expect_code(case.code).expect_said(case.says).expect_said(&["nothing was run"]);
        assert!(!scratch.path("touched").exists(), "case {number} left something half done");
        // The job that looks for drift must not take a mistake for a difference.
        let detailed = ["run", "-i", "hosts", "--detailed-exitcode", "play.yml"];
        scratch.trueup(&detailed).expect_code(4);
    }
}

/// What Ansible meets only when it is used, in a task or a variable that may never be.
#[test]
fn what_may_never_be_reached_is_told_and_refuses_nothing() {
    let guard = "      when: greeting is defined\n";
    let filter = "there is no filter 'nowhere'";
    for (tasks, says, fails) in [
        // Options that were there once, under a condition, as old roles have them.
        (
            format!("    - command: echo a\n      args: {{warn: false}}\n{guard}"),
            "Unsupported parameters for (command) module: warn",
            "Unsupported parameters",
        ),
        (format!("    - debug: {{msg: '{{{{ a | nowhere }}}}'}}\n{guard}"), filter, filter),
        (
            format!("    - debug: {{msg: '{{{{ a + }}}}'}}\n{guard}"),
            "unexpected end of variable block",
            "unexpected end of variable block",
        ),
        (
            "    - debug: {}\n      when: [greeting is defined, a | nowhere]\n".into(),
            filter,
            filter,
        ),
        (
            format!("    - block:\n        - file: {{state: absent, pth: /nowhere}}\n{guard}"),
            "Unsupported parameters for (file) module: pth",
            "missing required arguments: path",
        ),
        (
            "    - file: {pth: /nowhere}\n      loop: \"{{ greeting | default([]) }}\"\n".into(),
            "Unsupported parameters for (file) module: pth",
            "missing required arguments: path",
        ),
        (
            format!("    - win_service: {{name: spooler}}\n{guard}"),
            "ansible.windows.win_service exists",
            "couldn't resolve module/action 'win_service'",
        ),
        (
            "    - debug: {msg: '{{ greeting is defined and a }}'}\n      vars: {a: '{{ 1 | nowhere }}'}\n"
                .into(),
            filter,
            filter,
        ),
    ] {
        let scratch = Scratch::new("tentative");
        scratch.write("hosts", LOCAL);
        scratch.write("play.yml", play(&tasks));
        println!("{tasks}");
        let ran = scratch.trueup(&["run", "-i", "hosts", "play.yml"]);
        ran.expect_code(0).expect_said(&["warning[E0", says, "fails if it is used", "play.yml:"]);
        let reached = ["run", "-i", "hosts", "play.yml", "-e", r#"{"greeting": ["hi"]}"#];
        scratch.trueup(&reached).expect_code(2).expect_said(&["failed=1", fails]);
    }
    // Nor do variables of inventories and of files that a run reads.
    let scratch = Scratch::new("variables");
    scratch.write("hosts", LOCAL);
    scratch.write("group_vars/all.yml", "a: '{{ 1 | nowhere }}'\n");
    scratch.write("more.yml", "b: '{{ 1 | nowhere }}'\nc: 3\n");
    let read = "    - include_vars: more.yml\n    - debug: {msg: 'c is {{ c }}'}\n";
    scratch.write("play.yml", play(read));
    let ran = scratch.trueup(&["run", "-i", "hosts", "play.yml"]);
    ran.expect_code(0).expect_said(&["c is 3", "group_vars/all.yml:1:", filter]);
    for name in ["a", "b"] {
        scratch
            .write("play.yml", play(&format!("{read}    - debug: {{msg: '{{{{ {name} }}}}'}}\n")));
        let ran = scratch.trueup(&["run", "-i", "hosts", "play.yml"]);
        ran.expect_code(2).expect_said(&["failed=1", filter]);
    }
    // What no Ansible knows, or always happens, is refused all the same.
    for (tasks, code, says) in [
        (format!("    - coppy: {{src: a}}\n{guard}"), 4, "did you mean copy?"),
        ("    - debug: {msg: '{{ a | nowhere }}'}\n      loop: [1, 2]\n".into(), 2, filter),
        ("    - win_service: {name: spooler}\n".into(), 4, "couldn't resolve"),
        (format!("    - debug: {{msg: x}}\n      whenn: a\n{guard}"), 4, "did you mean when?"),
    ] {
        let scratch = Scratch::new("sure");
        scratch.write("hosts", LOCAL);
        scratch.write("play.yml", play(&tasks));
        println!("{tasks}");
        let ran = scratch.trueup(&["run", "-i", "hosts", "play.yml"]);
        ran.expect_code(code).expect_said(&[says, "nothing was run"]);
        assert!(!scratch.path("touched").exists());
    }
}

/// A collection's roles find one another by short names, and are called by their full ones.
#[test]
fn roles_of_a_collection_find_one_another() {
    let scratch = Scratch::new("collection");
    scratch.write("hosts", LOCAL);
    let roles = "collections/ansible_collections/field/shop/roles";
    scratch.write(&format!("{roles}/till/meta/main.yml"), "dependencies: [floor]\n");
    scratch.write(
        &format!("{roles}/till/tasks/main.yml"),
        "- import_role: {name: door}\n- include_role: {name: sign}\n",
    );
    for role in ["floor", "door", "sign"] {
        let task = format!("- name: Set up\n  debug: {{msg: the {role}}}\n");
        scratch.write(&format!("{roles}/{role}/tasks/main.yml"), task);
    }
    // A role beside the playbook is not meant where the collection has one of that name.
    scratch.write("roles/door/tasks/main.yml", "- fail: {msg: another door}\n");
    let head = "- hosts: all\n  gather_facts: false\n";
    scratch.write("play.yml", format!("{head}  roles: [field.shop.till]\n"));
    let ran = scratch.trueup(&["run", "-i", "hosts", "play.yml"]);
    ran.expect_code(0).expect_said(&[
        "TASK [field.shop.floor : Set up]",
        "TASK [field.shop.door : Set up]",
        "TASK [field.shop.sign : Set up]",
    ]);
    scratch.write("play.yml", format!("{head}  collections: [field.shop]\n  roles: [floor]\n"));
    scratch
        .trueup(&["run", "-i", "hosts", "play.yml"])
        .expect_code(0)
        .expect_said(&["TASK [field.shop.floor : Set up]"]);
    scratch.write("play.yml", format!("{head}  roles: [floor]\n"));
    let ran = scratch.trueup(&["run", "-i", "hosts", "play.yml"]);
    ran.expect_code(1).expect_said(&["the role 'floor' was not found"]);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let scratch = Scratch::new("many");
    scratch.write("hosts", LOCAL);
    let tasks = "    - coppy: {src: a}\n    - copy: {contents: a, dest: /nowhere}\n    \
                 - debug: {msg: x}\n      whenn: true\n";
    scratch.write("play.yml", play(tasks));
    scratch.trueup(&["run", "-i", "hosts", "play.yml"]).expect_code(4).expect_said(&[
        "coppy",
        "contents",
        "whenn",
        "play.yml:6:",
        "play.yml:7:",
        "play.yml:9:",
        "3 errors",
    ]);
}

#[test]
fn what_only_a_host_can_tell_fails_the_task_and_says_where() {
    for (tasks, says) in [
        ("    - debug: {msg: '{{ greetin }}'}\n", &["'greetin' is undefined", "play.yml:6:"][..]),
        (
            "    - copy: {src: nowhere.txt, dest: /nowhere/x}\n",
            &["Could not find or access 'nowhere.txt'", "Searched in", "play.yml:6"],
        ),
        ("    - copy: {content: x, dest: /nowhere/x/y}\n", &["/nowhere/x", "play.yml:6"]),
        ("    - command: /nowhere/program\n", &["/nowhere/program", "play.yml:6"]),
        (
            "    - ping:\n      become: true\n      become_method: teleport\n",
            &["teleport", "sudo", "play.yml:6"],
        ),
    ] {
        let scratch = Scratch::new("task");
        scratch.write("hosts", LOCAL);
        scratch.write("play.yml", play(tasks));
        let ran = scratch.trueup(&["run", "-i", "hosts", "play.yml"]);
        println!("{tasks}");
        ran.expect_code(2).expect_said(says).expect_said(&["fatal: [here]: FAILED!", "failed=1"]);
    }
}

#[test]
fn a_handler_that_is_not_there_ends_the_run() {
    let scratch = Scratch::new("handler");
    scratch.write("hosts", LOCAL);
    let tasks = "    - command: 'true'\n      notify: Reload\n    - debug: {msg: later}\n";
    scratch.write("play.yml", play(tasks));
    let ran = scratch.trueup(&["run", "-i", "hosts", "play.yml"]);
    let says = ["error: The requested handler 'Reload' was not found", "play.yml:6"];
    ran.expect_code(1).expect_said(&says);
    assert!(!ran.said().contains("later"), "{}", ran.said());
}

#[test]
fn inventories_that_are_wrong_are_refused_with_the_line() {
    for (name, text, says) in [
        ("hosts", "[web\nx\n", &["Invalid section entry", "hosts:1:1"][..]),
        ("hosts", "[web:childs]\nx\n", &["unknown type: childs", "hosts:1:1"]),
        ("hosts", "[web]\nx ansible_host\n", &["Expected key=value", "ansible_host", "hosts:2:1"]),
        ("hosts", "[web:children]\nnowhere\n", &["undefined group: nowhere", "hosts:2:1"]),
        ("hosts", "[web]\nx[1:a]\n", &["range", "hosts:2:1"]),
        ("hosts.yml", "all:\n  hosts:\n    - a\n", &["requires a dictionary", "hosts.yml:3:5"]),
        ("hosts.yml", "all:\n  hosts: {a: {b: 1}\n", &["error[E01", "hosts.yml:"]),
    ] {
        let scratch = Scratch::new("inventory");
        scratch.write(name, text);
        scratch.write("play.yml", play(""));
        scratch
            .trueup(&["run", "-i", name, "play.yml"])
            .expect_code(1)
            .expect_said(says)
            .expect_said(&["the inventory is not good"]);
    }
}

#[test]
fn variables_that_cannot_be_read_are_refused_where_their_hosts_take_part() {
    let locked = "$ANSIBLE_VAULT;1.1;AES256\n6262\n";
    let cases: [(&str, &str, &[&str]); 5] = [
        ("group_vars/web.yml", "size: {{ a }} b\n", &["group_vars/web.yml:1:", "must be quoted"]),
        ("group_vars/all/x.yml", "- a\n", &["must be a dictionary of variables", "x.yml:1:1"]),
        ("host_vars/here.yml", "a: [1\n", &["host_vars/here.yml:"]),
        ("host_vars/here/secret.yml", locked, &["secret.yml", "Vault"]),
        ("host_vars/here.json", "{\"a\": [}", &["host_vars/here.json:1:"]),
    ];
    for (path, text, says) in cases {
        let scratch = Scratch::new("vars");
        scratch.write("hosts", format!("{LOCAL}[others]\nthere ansible_connection=local\n"));
        scratch.write("play.yml", play(""));
        scratch.write(path, text);
        for words in [
            &["run", "-i", "hosts", "play.yml"][..],
            &["exec", "-i", "hosts", "here", "-m", "ping"],
            &["inventory", "-i", "hosts", "--host", "here"],
            &["inventory", "-i", "hosts", "--list"],
        ] {
            let ran = scratch.trueup(words);
            ran.expect_code(4).expect_said(says);
        }
        assert!(!scratch.path("touched").exists(), "{path}: nothing was run");
        if !path.contains("all") {
            scratch.trueup(&["run", "-i", "hosts", "-l", "there", "play.yml"]).expect_code(0);
            // Nor does it work for others, or lend its variables to them.
            for (task, words) in [
                ("    - command: echo\n      delegate_to: here\n", "here"),
                ("    - debug: {msg: \"{{ hostvars.here.size | default(1) }}\"}\n", "here"),
            ] {
                scratch.write("other.yml", play(task));
                let ran = scratch.trueup(&["run", "-i", "hosts", "-l", "there", "other.yml"]);
                ran.expect_code(2).expect_said(&["fatal: [there", words]);
            }
        }
    }
}

#[test]
fn options_that_are_wrong_are_refused() {
    for (words, code, says) in [
        (&["run", "-i", "nowhere.ini", "play.yml"][..], 1, &["nowhere.ini", "-i host,"][..]),
        (&["run", "-i", "hosts", "nowhere.yml"], 1, &["nowhere.yml could not be found"]),
        (&["run", "-i", "hosts", "."], 1, &["does not appear to be a file"]),
        (&["run", "-i", "hosts", "-l", "webb", "play.yml"], 1, &["leaves us with no hosts"]),
        (&["run", "-i", "hosts", "-l", "@nowhere", "play.yml"], 1, &["limit file nowhere"]),
        (&["run", "-i", "hosts", "--nowhere", "play.yml"], 2, &["--nowhere"]),
        (&["run", "-i", "hosts", "-f", "many", "play.yml"], 2, &["--forks", "many"]),
        (&["run", "-i", "hosts", "-e", "@nowhere.yml", "play.yml"], 1, &["nowhere.yml"]),
        (&["run", "-i", "hosts", "-e", "{a", "play.yml"], 4, &["<command line>:1"]),
        (
            &["run", "-i", "hosts", "--vault-password-file", "nowhere", "play.yml"],
            1,
            &["password file nowhere"],
        ),
        (
            &["run", "-i", "hosts", "--become-password-file", "nowhere", "play.yml"],
            1,
            &["password file nowhere"],
        ),
        (&["run"], 2, &["PLAYBOOK"]),
        (&["exec", "webb", "-i", "hosts", "-m", "ping"], 0, &["webb"]),
        (&["exec", "web", "-i", "hosts", "-m", "pingg"], 2, &["pingg", "ping?"]),
        (&["doc", "pingg"], 1, &["pingg"]),
    ] {
        let scratch = Scratch::new("options");
        scratch.write("hosts", LOCAL);
        scratch.write("play.yml", play(""));
        println!("{words:?}");
        scratch.trueup(words).expect_code(code).expect_said(says);
        assert!(!scratch.path("touched").exists(), "{words:?} left something half done");
    }
}

#[test]
fn a_pattern_that_fits_nothing_is_told() {
    let scratch = Scratch::new("pattern");
    scratch.write("hosts", LOCAL);
    scratch.write("play.yml", play("").replace("hosts: all", "hosts: webb"));
    scratch.trueup(&["run", "-i", "hosts", "play.yml"]).expect_code(0).expect_said(&[
        "Could not match supplied host pattern, ignoring: webb",
        "no hosts matched",
    ]);
    assert!(!scratch.path("touched").exists());
}

#[test]
fn a_task_to_start_at_that_is_not_there_is_told() {
    let scratch = Scratch::new("start");
    scratch.write("hosts", LOCAL);
    scratch.write("play.yml", play(""));
    scratch
        .trueup(&["run", "-i", "hosts", "--start-at-task", "nowhere", "play.yml"])
        .expect_code(0)
        .expect_said(&["No matching task \"nowhere\" found"]);
    assert!(!scratch.path("touched").exists());
    let start = ["run", "-i", "hosts", "--start-at-task", "Leave a trace", "play.yml"];
    scratch.trueup(&start).expect_code(0);
    assert!(scratch.path("touched").exists(), "one that is there is started at");
}
