//! One thing that a host is to be: said as an Ansible task, as a pyinfra operation, and as shell
//! that finds out whether it is so.

use std::fmt::Write;

/// One task of a workload. Texts hold no quotes and no line ends.
#[derive(Clone, Debug)]
pub enum Step {
    Ping,
    Folder {
        path: String,
    },
    Copy {
        dest: String,
        content: String,
    },
    /// The template `line.j2`, which renders `word`.
    Template {
        dest: String,
        word: String,
    },
    Line {
        path: String,
        line: String,
    },
    Link {
        path: String,
        target: String,
    },
    Group {
        name: String,
    },
    User {
        name: String,
        group: String,
    },
    /// A command that is run where a file is missing.
    Once {
        creates: String,
    },
    Package {
        name: String,
    },
    Service {
        name: String,
    },
}

/// What the template is: tools agree on what becomes of it only where no line is a tag alone.
pub const TEMPLATE: &str = "for {{ word }}:{% for n in [1, 2, 3] %} line {{ n }}{% endfor %}\n";

/// What it renders to.
fn rendered(word: &str) -> String {
    format!("for {word}: line 1 line 2 line 3")
}

impl Step {
    /// A task of a playbook.
    pub fn task(&self) -> String {
        match self {
            Step::Ping => "ping:".to_owned(),
            Step::Folder { path } => {
                format!("file: {{path: '{path}', state: directory, mode: '0755'}}")
            }
            Step::Copy { dest, content } => {
                format!("copy: {{dest: {dest}, content: \"{content}\\n\", mode: '0644'}}")
            }
            Step::Template { dest, word } => format!(
                "template: {{src: line.j2, dest: {dest}, mode: '0644'}}\n      vars: {{word: {word}}}"
            ),
            Step::Line { path, line } => {
                format!("lineinfile: {{path: {path}, line: '{line}', create: true, mode: '0644'}}")
            }
            Step::Link { path, target } => {
                format!("file: {{path: {path}, src: {target}, state: link}}")
            }
            Step::Group { name } => format!("group: {{name: {name}}}"),
            Step::User { name, group } => {
                format!("user: {{name: {name}, group: {group}, shell: /bin/sh}}")
            }
            Step::Once { creates } => {
                format!("command:\n        cmd: touch {creates}\n        creates: {creates}")
            }
            Step::Package { name } => format!("apt: {{name: {name}, state: present}}"),
            Step::Service { name } => format!("systemd: {{name: {name}, state: started}}"),
        }
    }

    /// An operation of a pyinfra deploy.
    pub fn operation(&self) -> String {
        match self {
            Step::Ping => "server.shell(commands=['true'])".to_owned(),
            Step::Folder { path } => format!("files.directory('{path}', mode='755')"),
            Step::Copy { dest, content } => {
                format!("files.put(src=StringIO('{content}\\n'), dest='{dest}', mode='644')")
            }
            Step::Template { dest, word } => {
                format!("files.template(src='line.j2', dest='{dest}', mode='644', word='{word}')")
            }
            // Its `line` edits files that are there, so two operations.
            Step::Line { path, line } => format!(
                "files.file('{path}', mode='644'); files.line('{path}', '{line}', present=True)"
            ),
            Step::Link { path, target } => format!("files.link('{path}', target='{target}')"),
            Step::Group { name } => format!("server.group('{name}')"),
            Step::User { name, group } => {
                format!("server.user('{name}', group='{group}', shell='/bin/sh', create_home=True)")
            }
            Step::Once { creates } => {
                format!("server.shell(commands=['test -e {creates} || touch {creates}'])")
            }
            Step::Package { name } => format!("apt.packages(['{name}'], present=True)"),
            Step::Service { name } => {
                let unit =
                    if name.contains('.') { name.clone() } else { format!("{name}.service") };
                format!("systemd.service('{unit}', running=True)")
            }
        }
    }

    /// Shell that fails where it is not so.
    pub fn proof(&self) -> String {
        match self {
            Step::Ping => "true".to_owned(),
            Step::Folder { path } => format!("test -d {path}"),
            Step::Copy { dest, content } => format!("test \"$(cat {dest})\" = '{content}'"),
            Step::Template { dest, word } => {
                format!("test \"$(cat {dest})\" = '{}'", rendered(word))
            }
            Step::Line { path, line } => format!("grep -qxF '{line}' {path}"),
            Step::Link { path, target } => format!("test \"$(readlink {path})\" = {target}"),
            Step::Group { name } => format!("getent group {name} >/dev/null"),
            Step::User { name, group } => format!("test \"$(id -gn {name})\" = {group}"),
            Step::Once { creates } => format!("test -e {creates}"),
            Step::Package { name } => format!("dpkg -s {name} >/dev/null"),
            Step::Service { name } => format!("systemctl is-active --quiet {name}"),
        }
    }
}

/// A play of steps.
pub fn playbook(steps: &[Step]) -> String {
    let mut text = "- hosts: all\n  gather_facts: false\n  tasks:\n".to_owned();
    for (number, step) in steps.iter().enumerate() {
        let _ = writeln!(text, "    - name: step {number}\n      {}", step.task());
    }
    text
}

/// A deploy of steps.
pub fn deploy(steps: &[Step]) -> String {
    let mut text = "from io import StringIO\n\
                    from pyinfra.operations import apt, files, server, systemd\n\n"
        .to_owned();
    for step in steps {
        let _ = writeln!(text, "{}", step.operation());
    }
    text
}

/// Shell that fails, naming the step, where one of them is not so.
pub fn proof(steps: &[Step]) -> String {
    let mut text = String::new();
    for (number, step) in steps.iter().enumerate() {
        let _ = writeln!(
            text,
            "{{ {}; }} || {{ echo step {number} is not so; exit 1; }}",
            step.proof()
        );
    }
    text
}

/// A hundred tasks of the kinds that servers are configured with; ninety of them change a bare
/// host.
pub fn mixed() -> Vec<Step> {
    let root = "/srv/bench";
    let mut steps = vec![Step::Folder { path: root.to_owned() }];
    let copies = |from: usize, to: usize| {
        (from..to).map(move |n| Step::Copy {
            dest: format!("{root}/d{}/copy{n}", n % 19),
            content: format!("content of file {n}"),
        })
    };
    steps.extend((0..19).map(|n| Step::Folder { path: format!("{root}/d{n}") }));
    steps.extend(copies(0, 25));
    steps.extend((0..15).map(|n| Step::Template {
        dest: format!("{root}/d{n}/template"),
        word: format!("number{n}"),
    }));
    steps.extend((0..15).map(|n| Step::Line {
        path: format!("{root}/d{}/lines", n % 5),
        line: format!("setting{n} = {n}"),
    }));
    steps.extend(
        (0..5).map(|n| Step::Link {
            path: format!("{root}/link{n}"),
            target: format!("{root}/d{n}"),
        }),
    );
    steps.extend((0..3).map(|n| Step::Group { name: format!("bench{n}") }));
    steps
        .extend((0..2).map(|n| Step::User { name: format!("bencher{n}"), group: "bench0".into() }));
    steps.extend((0..5).map(|n| Step::Once { creates: format!("{root}/once{n}") }));
    let packages = ["procps", "sudo", "dbus", "openssh-server", "ca-certificates"];
    steps.extend(packages.map(|name| Step::Package { name: name.to_owned() }));
    let services = ["ssh", "dbus", "systemd-journald", "systemd-logind", "dbus.socket"];
    steps.extend(services.map(|name| Step::Service { name: name.to_owned() }));
    steps
}

/// Takes a host back to before [`mixed`].
pub const UNDO: &str = "rm -rf /srv/bench; for n in 0 1; do userdel -r bencher$n; done; \
                        for n in 0 1 2; do groupdel bench$n; done; true";

/// A ping and ten small tasks in a folder that is named after the host of the inventory.
pub fn small() -> Vec<Step> {
    let folder = "/tmp/bench-{{ inventory_hostname }}";
    let mut steps = vec![Step::Ping, Step::Folder { path: folder.to_owned() }];
    steps.extend((0..9).map(|n| Step::Folder { path: format!("{folder}/d{n}") }));
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mix_is_a_hundred() {
        assert_eq!(mixed().len(), 100);
        assert_eq!(playbook(&mixed()).matches("- name: ").count(), 100);
    }
}
