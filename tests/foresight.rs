//! What is told before a run of what it would stumble over, and that correct playbooks are told
//! nothing.

use trueup_tests::program::{Ran, Scratch, trueup};

const HOSTS: &str = "[webservers]\nhere ansible_connection=local port_of_host=1\n";

/// A folder with files, the last of which is the playbook `play.yml`.
fn folder(files: &[(&str, &str)]) -> Scratch {
    let scratch = Scratch::new("foresight");
    scratch.write("hosts", HOSTS);
    for (name, text) in files {
        scratch.write(name, text);
    }
    scratch
}

/// A play of tasks.
fn play(text: &str) -> String {
    format!("- hosts: webservers\n  gather_facts: false\n{text}")
}

#[test]
fn what_a_run_would_stumble_over_is_told_before_it() {
    let cases: &[(&str, &[&str])] = &[
        // Variables.
        (
            "  vars: {http_port: 80}\n  tasks:\n    - debug: {msg: '{{ htpp_port }}'}\n",
            &["warning[W0218]", "'htpp_port'", "did you mean http_port?", "play.yml:5:"],
        ),
        (
            "  tasks:\n    - command: 'true'\n      register: result\n    - debug: {msg: x}\n      \
             when: reslt is changed\n",
            &["'reslt'", "did you mean result?", "play.yml:7:13"],
        ),
        (
            "  tasks:\n    - debug: {msg: '{{ port_of_hosts }}'}\n",
            &["'port_of_hosts'", "did you mean port_of_host?"],
        ),
        (
            "  vars: {greeting: hi}\n  tasks:\n    - template: {src: a.j2, dest: '/nowhere/{{ x }}'}\n      \
             vars: {x: 1}\n",
            &["'greting'", "did you mean greeting?", "a.j2:2:"],
        ),
        // Handlers.
        (
            "  tasks:\n    - command: 'true'\n      notify: restart ngnix\n  handlers:\n    \
             - name: restart nginx\n      debug: {msg: x}\n",
            &["warning[E0214]", "'restart ngnix'", "did you mean restart nginx?", "play.yml:5:15"],
        ),
        // Files and roles.
        (
            "  tasks:\n    - template: {src: b.j2, dest: /nowhere/x}\n",
            &["warning[W0216]", "'b.j2'", "did you mean a.j2?", "play.yml:4:"],
        ),
        ("  tasks:\n    - script: nowhere.sh --now\n", &["W0216", "'nowhere.sh'", "looked in"]),
        ("  tasks:\n    - include_tasks: nowhere.yml\n", &["W0216", "nowhere.yml"]),
        ("  tasks:\n    - include_role: {name: nowhere}\n", &["W0216", "a role", "nowhere"]),
        // What is included is looked through as well.
        (
            "  tasks:\n    - include_tasks: more.yml\n",
            &["'whenn' is not a valid attribute", "more.yml:2:3"],
        ),
        (
            "  vars_files: [nowhere.yml]\n  tasks: []\n",
            &["W0216", "file of variables 'nowhere.yml'", "play.yml:3:16"],
        ),
        // Hosts, modes.
        ("- hosts: webservres\n  tasks: []\n", &["W0217", "'webservres'", "webservers?"]),
        (
            "  tasks:\n    - file: {path: /nowhere, state: touch, mode: 644}\n",
            &["warning[W0219]", "1204", "\"0644\""],
        ),
    ];
    for (text, says) in cases {
        let whole = if text.starts_with('-') { (*text).to_owned() } else { play(text) };
        let scratch = folder(&[
            ("templates/a.j2", "plain\n{{ greting }}\n"),
            ("more.yml", "- debug: {msg: x}\n  whenn: true\n"),
            ("play.yml", &whole),
        ]);
        println!("{whole}");
        let ran = scratch.trueup(&["run", "-i", "hosts", "--syntax-check", "play.yml"]);
        ran.expect_code(0).expect_said(says);
        // Ansible says nothing of it.
        let as_ansible = scratch.path("ansible-playbook");
        std::os::unix::fs::symlink(trueup(), &as_ansible).unwrap();
        let words = ["-i", "hosts", "--syntax-check", "play.yml"];
        let ran = Ran::of(scratch.command(&as_ansible, &words).output().unwrap());
        assert!(!ran.said().contains("[WARNING]"), "{}", ran.said());
    }
}

#[test]
fn what_can_never_be_is_refused() {
    let cases: &[(&str, &[&str])] = &[
        (
            "  vars: {packages: [a]}\n  tasks:\n    - debug: {msg: x}\n      loop: packages\n",
            &["'loop' takes a list", "\"{{ packages }}\"", "play.yml:6:13"],
        ),
        ("  tasks:\n    - debug: {msg: x}\n      retries: many\n", &["'retries' takes an integer"]),
        (
            "  tasks:\n    - debug: {msg: x}\n      tags: {a: b}\n",
            &["tags must be specified as a list"],
        ),
        ("  strategy: liner\n  tasks: []\n", &["'liner' is no strategy", "did you mean linear?"]),
        ("  order: sortd\n  tasks: []\n", &["'sortd' is no order", "did you mean sorted?"]),
        ("  force_handlers: perhaps\n  tasks: []\n", &["'force_handlers' takes a boolean"]),
        ("  tasks:\n    - set_fact: {bad-name: 1}\n", &["'bad-name' is not a valid variable name"]),
        ("  tasks:\n    - set_fact: {cacheable: true}\n", &["set_fact is given no variable"]),
        ("  tasks:\n    - debug: {msg: x}\n      when: a = 1\n", &["write `==` to compare"]),
        ("  tasks:\n    - debug: {msg: x}\n      when: a && b\n", &["write `and`"]),
        ("  tasks:\n    - debug: {msg: x}\n      when: a == 'b\n", &["a quote is not closed"]),
        (
            "  tasks:\n    - copy:\n      src: a\n      dest: b\n",
            &["src is an argument of copy", "indent it further"],
        ),
        ("  tasks:\n    - include: a.yml\n", &["use include_tasks"]),
        ("  sudo: true\n  tasks: []\n", &["use become: true"]),
        (
            "  tasks:\n    - ansible.builtin.tempalte: {src: a, dest: b}\n",
            &["did you mean ansible.builtin.template"],
        ),
        ("  tasks:\n    - debug: {msg: x}\n      with_itmes: [1]\n", &["did you mean with_items"]),
        ("  vars_files: [broken.json]\n  tasks: []\n", &["JSON: ", "broken.json:1:"]),
        ("  vars_files: [list.yml]\n  tasks: []\n", &["must be stored as a dictionary"]),
    ];
    for (text, says) in cases {
        let scratch =
            folder(&[("broken.json", "{ }}\n"), ("list.yml", "- a\n"), ("play.yml", &play(text))]);
        println!("{text}");
        let ran = scratch.trueup(&["run", "-i", "hosts", "--syntax-check", "play.yml"]);
        ran.expect_said(says).expect_said(&["nothing was run"]);
    }
}

#[test]
fn correct_playbooks_are_told_nothing() {
    let cases: &[&str] = &[
        // Set by whatever sets variables.
        "  vars_prompt: [{name: asked, default: a}]\n  vars_files: [vars/one.yml]\n  tasks:\n    \
         - debug: {msg: '{{ asked }} {{ of_file }} {{ port_of_host }} {{ inventory_hostname }}'}\n    \
         - set_fact: {fact: 1}\n    - command: 'true'\n      register: result\n    \
         - debug: {msg: '{{ fact }} {{ result.rc }} {{ item }}'}\n      loop: [1]\n    \
         - debug: {msg: '{{ thing }}'}\n      loop: [1]\n      loop_control: {loop_var: thing}\n",
        // Files that only a run chooses.
        "  tasks:\n    - include_vars: '{{ inventory_hostname }}.yml'\n    \
         - debug: {msg: '{{ of_file }} {{ of_chosen }}'}\n    \
         - include_tasks: 'tasks/{{ inventory_hostname }}.yml'\n    - debug: {msg: '{{ of_task }}'}\n",
        // What may be missing is asked for.
        "  vars: {http_port: 80}\n  tasks:\n    - debug: {msg: '{{ htpp_port | default(1) }}'}\n    \
         - debug: {msg: '{{ htpp_port }}'}\n      when: htpp_port is defined\n    \
         - debug: {msg: '{{ htpp_port }}'}\n      when: \"'htpp_port' in vars\"\n    \
         - debug: {msg: '{{ htpp_port }}'}\n      ignore_errors: true\n    - block:\n        \
         - debug: {msg: '{{ htpp_port }}'}\n      rescue:\n        - debug: {msg: x}\n",
        // Facts, and what modules return as facts.
        "  tasks:\n    - debug: {msg: '{{ ansible_distributoin }} {{ packages }} {{ services }}'}\n      \
         when: false\n",
        // Roles: their defaults, vars, handlers and files.
        "  roles: [web]\n  tasks:\n    - command: 'true'\n      notify: [reload web, web changed, 'web : reload web']\n",
        "  tasks:\n    - include_role: {name: web}\n    - command: 'true'\n      notify: reload web\n",
        "  tasks:\n    - include_role: {name: '{{ x }}'}\n      vars: {x: web}\n    \
         - command: 'true'\n      notify: anything\n    - debug: {msg: '{{ anything }}'}\n",
        // Files that are made on the way, are on the host, or are kept away by a condition.
        "  tasks:\n    - copy: {content: x, dest: '{{ playbook_dir }}/made.txt'}\n    \
         - copy: {src: made.txt, dest: /nowhere}\n    \
         - copy: {src: there.txt, dest: /nowhere, remote_src: true}\n    \
         - include_tasks: windows.yml\n      when: false\n",
        // Modes that are what they look like.
        "  tasks:\n    - file: {path: /nowhere, state: touch, mode: 0644}\n    \
         - file: {path: /nowhere, state: touch, mode: '644'}\n    \
         - file: {path: /nowhere, state: touch, mode: u=rw}\n",
        // Hosts that a play adds.
        "  tasks:\n    - add_host: {name: other, groups: [fresh]}\n- hosts: fresh\n  tasks: []\n",
        // Templates with names of their own.
        "  tasks:\n    - template: {src: own.j2, dest: /nowhere}\n",
    ];
    for text in cases {
        let scratch = folder(&[
            ("vars/one.yml", "of_file: 1\n"),
            ("vars/here.yml", "of_chosen: 1\n"),
            ("tasks/here.yml", "- command: 'true'\n  register: of_task\n"),
            ("roles/web/defaults/main.yml", "of_web: 1\n"),
            ("roles/web/templates/web.conf", "{{ of_web }}\n"),
            (
                "roles/web/tasks/main.yml",
                "- template: {src: web.conf, dest: /nowhere}\n  notify: reload web\n",
            ),
            (
                "roles/web/handlers/main.yml",
                "- name: reload web\n  debug: {msg: '{{ of_web }}'}\n  listen: web changed\n",
            ),
            (
                "templates/own.j2",
                "{% set own = 1 %}{% for each in [1] %}{{ each + own }}{% endfor %}\n",
            ),
            ("play.yml", &play(text)),
        ]);
        println!("{text}");
        let ran = scratch.trueup(&["run", "-i", "hosts", "--syntax-check", "play.yml"]);
        ran.expect_code(0);
        assert!(!ran.said().contains("warning["), "{}", ran.said());
    }
}
