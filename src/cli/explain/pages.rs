//! The pages, by code.

use super::Page;

/// All pages.
pub const ALL: &[Page] = &[
    Page {
        code: "E0101",
        title: "the text is no YAML",
        meaning: "The parser met something that YAML does not allow: a bracket or quote that nobody closes, a tab where blanks belong, a second `: ` in a value without quotes.",
        example: "- name: Note: restart
  ansible.builtin.service: {name: ssh",
        remedy: "put quotes around values with `: `, ` #` or braces in them; close what is open; indent with spaces",
    },
    Page {
        code: "E0102",
        title: "a tag that is not known",
        meaning: "A value has a tag (`!something`) that Ansible does not know. `!vault` and `!unsafe` are known, and YAML's own.",
        example: "password: !secret abc",
        remedy: "take the tag away, or use `!vault` for encrypted texts and `!unsafe` for texts that are never templates",
    },
    Page {
        code: "E0103",
        title: "a key that is a list or dictionary",
        meaning: "Keys are scalars. Most often a template without quotes: YAML reads its braces as a dictionary.",
        example: "path: {{ base }}/etc",
        remedy: r#"put quotes around the whole value: `path: "{{ base }}/etc"`"#,
    },
    Page {
        code: "W0104",
        title: "a key that is there twice",
        meaning: "A dictionary has a key twice. The last one counts, as in Ansible; `duplicate_dict_key` in ansible.cfg makes it an error or silences it.",
        example: "vars:
  port: 80
  port: 8080",
        remedy: "keep the one that is meant",
    },
    Page {
        code: "E0105",
        title: "the document is too large or too deep",
        meaning: "There is a limit to how deep a document may be nested and how far its aliases may grow it, so that no file takes all memory.",
        example: "a: &a [x, x]
b: &b [*a, *a]
c: [*b, *b]  # and so on",
        remedy: "write fewer aliases of aliases, or split the file",
    },
    Page {
        code: "E0106",
        title: "several documents in one file",
        meaning: "A file holds one document. What follows a second `---` would not be read.",
        example: "- hosts: all
---
- hosts: web",
        remedy: "put the second document into a file of its own",
    },
    Page {
        code: "E0107",
        title: "a value that is not what its tag says",
        meaning: "A value has a tag or a merge key that it does not fit: `!!int` before a word, `<<` with something that is no dictionary.",
        example: "port: !!int eighty",
        remedy: "write the value so that it fits, or take the tag away",
    },
    Page {
        code: "E0201",
        title: "a file that cannot be read",
        meaning: "A file that a playbook names is not there, may not be read, or cannot be decrypted with the passwords at hand.",
        example: "- ansible.builtin.import_tasks: missing.yml",
        remedy: "look at the path, which is relative to the file that names it; for a vault file give --vault-id or --vault-password-file",
    },
    Page {
        code: "E0202",
        title: "something else belongs here",
        meaning: "A list stands where a dictionary belongs, or the other way round: a playbook is a list of plays, a play and a task are dictionaries.",
        example: "hosts: all
tasks: []",
        remedy: "write `- hosts: all`: a play is an item of a list",
    },
    Page {
        code: "E0203",
        title: "a keyword that is not known",
        meaning: "A play, block, role or task has a key that is neither a keyword nor, in a task, a module.",
        example: "- hosts: all
  task: []",
        remedy: "look at the nearest names that the message gives; an argument of a module belongs under the module",
    },
    Page {
        code: "E0204",
        title: "a module that is not known",
        meaning: "A task names a module that Trueup does not have. Modules of collections that are installed, but written in Python, are told apart from names that nobody knows.",
        example: "- community.general.nagios: {action: downtime}",
        remedy: "look at `trueup doc --list`; for a module in Python use one that is native, or `command`",
    },
    Page {
        code: "E0205",
        title: "an argument that the module does not take",
        meaning: "An argument is not known, is missing, has a value of another type, or excludes another one that is given.",
        example: "- ansible.builtin.file: {path: /x, stat: absent}",
        remedy: "`trueup doc MODULE` lists what it takes",
    },
    Page {
        code: "E0206",
        title: "a role that cannot be found",
        meaning: "A role is in none of the folders where roles are looked for: `roles` beside the playbook, `roles_path`, and the collections.",
        example: "roles: [webserver]",
        remedy: "install the role, or name its folder in roles_path; the message lists where was looked",
    },
    Page {
        code: "E0207",
        title: "a task without one action",
        meaning: "A task does nothing, or two things at once: it names no module, or several.",
        example: "- name: Both
  ansible.builtin.command: ls
  ansible.builtin.shell: ls",
        remedy: "write one module a task; `block` holds several tasks",
    },
    Page {
        code: "E0208",
        title: "a keyword with a value that it cannot have",
        meaning: "A keyword has a value of another type or out of its range.",
        example: "- hosts: all
  gather_facts: {}",
        remedy: "write what the message says belongs there",
    },
    Page {
        code: "E0210",
        title: "files that import each other in a circle",
        meaning: "A playbook, task file or role imports itself, by itself or through others.",
        example: "# a.yml
- ansible.builtin.import_tasks: a.yml",
        remedy: "use include_tasks with a condition that ends, or a loop",
    },
    Page {
        code: "E0211",
        title: "a name that must be known before the run",
        meaning: "What is imported is read before any host is asked, so its name cannot hold what only hosts know.",
        example: r#"- ansible.builtin.import_tasks: "{{ ansible_facts.os_family }}.yml""#,
        remedy: "use include_tasks, which is read when a host gets there",
    },
    Page {
        code: "E0212",
        title: "arguments that cannot be split",
        meaning: "Arguments in the form `name=value` have a quote that is not closed, or what is no such pair.",
        example: r#"- ansible.builtin.file: path="/x state=absent"#,
        remedy: "close the quote, or write the arguments as a dictionary",
    },
    Page {
        code: "E0213",
        title: "a name that no variable can have",
        meaning: "Names of variables are letters, digits and underscores, and start with no digit.",
        example: "vars:
  my-port: 80",
        remedy: "use an underscore: my_port",
    },
    Page {
        code: "E0214",
        title: "a handler that is not there",
        meaning: "A task notifies a handler that no play, role or include of this playbook has by that name or topic.",
        example: "notify: Restart web",
        remedy: "look at the nearest names that the message gives; a handler is known by its name or by `listen`",
    },
    Page {
        code: "E0215",
        title: "a template that cannot be right",
        meaning: "A template in a playbook is known to fail before the run: with values that are all known it gives an error.",
        example: r#"msg: "{{ [1, 2] | first | upper | nosuch }}""#,
        remedy: "mend the template; `trueup explain` has a page for each kind of mistake in templates (E03..)",
    },
    Page {
        code: "E0300",
        title: "a template that fails",
        meaning: "An operation in a template cannot be done: types that do not fit, a value that a filter does not take, a file that a lookup does not find.",
        example: r#"msg: "{{ 1 + 'a' }}""#,
        remedy: "convert the value first, with `int`, `string`, `list` …",
    },
    Page {
        code: "W0216",
        title: "a file or role that is not there",
        meaning: "A task takes a file, a template, a file of tasks or a role by a plain name, and none of the folders where Ansible looks has it. The run goes on, since a task before it may make the file, and a condition may skip the task.",
        example: "ansible.builtin.template:
  src: nginx.conf.j3
  dest: /etc/nginx/nginx.conf",
        remedy: "look at the nearest names and at the folders that the message gives",
    },
    Page {
        code: "W0217",
        title: "a pattern that matches no host",
        meaning: "A play names hosts or groups that the inventory does not have, so nothing of it would be run on them.",
        example: "- hosts: webservres",
        remedy: "look at the nearest names; `trueup inventory --graph` shows those that there are",
    },
    Page {
        code: "W0218",
        title: "a variable that nothing defines",
        meaning: "A task uses a variable that no play, role, task, file of variables, group or host defines, and that is no fact. The task would fail where it is run.",
        example: r#"vars:
  http_port: 80
tasks:
  - debug: msg="{{ htpp_port }}""#,
        remedy: "look at the nearest names; give it with -e; or say what stands for it: `{{ port | default(80) }}`",
    },
    Page {
        code: "W0219",
        title: "a mode that is a decimal number",
        meaning: "Modes are octal. A number without a leading zero is decimal, so that its bits are others than it looks like.",
        example: "mode: 644",
        remedy: "put it in quotes, with a leading zero: `mode: \"0644\"`",
    },
    Page {
        code: "E0301",
        title: "a template that is not well formed",
        meaning: "The text between the braces is no expression, or a statement is not closed.",
        example: r#"msg: "{{ a b }}""#,
        remedy: "look at the place in the message: an operator, comma or bracket is missing",
    },
    Page {
        code: "E0302",
        title: "a filter, test, lookup or function that nobody knows",
        meaning: "The name is neither Jinja's nor Ansible's nor of the collections that Trueup does itself.",
        example: r#"msg: "{{ path | basname }}""#,
        remedy: "look at the nearest names that the message gives",
    },
    Page {
        code: "E0303",
        title: "a filter, test or lookup that is not done",
        meaning: "Ansible or one of its collections has it, and Trueup does not do it. The message says why.",
        example: r#"msg: "{{ lookup('community.general.dig', 'example.com') }}""#,
        remedy: "use what the message names instead",
    },
    Page {
        code: "E0304",
        title: "something undefined",
        meaning: "A template uses a variable, attribute or element that is not there.",
        example: r#"msg: "{{ prot }}""#,
        remedy: "set it, or say what stands for it: `{{ port | default(80) }}`",
    },
    Page {
        code: "W0304",
        title: "a key that groups do not have",
        meaning: "A group has `hosts`, `vars` and `children`. Other keys are passed over, as Ansible does.",
        example: "web:
  host: {web1: }",
        remedy: "look at the nearest name that the message gives",
    },
    Page {
        code: "E0401",
        title: "an inventory that cannot be read",
        meaning: "A source of the inventory is not there or may not be read.",
        example: "trueup run -i hosts.ymll site.yml",
        remedy: "look at the path; a list of hosts has a comma in it: `-i host,`",
    },
    Page {
        code: "E0402",
        title: "a line of an inventory that is wrong",
        meaning: "A line or value of an inventory is not what belongs there.",
        example: "[web:childs]
front",
        remedy: "write what the message names: sections are `[group]`, `[group:vars]` and `[group:children]`",
    },
    Page {
        code: "E0403",
        title: "a template in an inventory that is broken",
        meaning: "A variable of the inventory holds a template that is not well formed.",
        example: r#"web1 greeting="{{ x""#,
        remedy: "mend the template, or mark the text with `!unsafe` in YAML",
    },
    Page {
        code: "E0405",
        title: "a kind of inventory that is not read",
        meaning: "A source names an inventory plugin that Trueup does not have, or that `enable_plugins` leaves out.",
        example: "plugin: amazon.aws.aws_ec2",
        remedy: "write its output to a file with ansible-inventory, or use an executable script",
    },
    Page {
        code: "E0406",
        title: "an inventory script that failed",
        meaning: "An executable inventory ended with an error, or printed no JSON object.",
        example: "#!/bin/sh
echo oops",
        remedy: "run it by hand with --list and mend what it says",
    },
    Page {
        code: "W0407",
        title: "a group with a name that no variable could have",
        meaning: "Names of groups with other characters than letters, digits and underscores cannot be used as names in templates. `force_valid_group_names` says what is done with them.",
        example: "[web-servers]",
        remedy: "use underscores, or silence it: force_valid_group_names = ignore",
    },
];
