//! `trueup demo`: the main job, on hosts inside this process.
//!
//! Several SSH servers on loopback, each with its own host key and folder, are converged with the
//! real remote, converged again, drifted behind Trueup's back, checked, and put right.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use sshd::{Account, Server, ServerSettings, keys};

use crate::{
    Failed, Program,
    args::{ConnectionOptions, DemoArgs, InventoryOptions, RunArgs},
    run_command,
    settings::Settings,
};

const HOSTS_MAX: usize = 50;

const PLAYBOOK: &str = r#"- name: A small web site
  hosts: web
  gather_facts: false
  vars:
    greeting: "Welcome to {{ inventory_hostname }}"
    pages: [index, about, imprint]
  tasks:
    - name: The site has its folders
      file:
        path: "~/site/{{ item }}"
        state: directory
        mode: "0755"
      loop: [pages, logs]

    - name: The server is configured
      template:
        src: site.conf.j2
        dest: ~/site/site.conf
        mode: "0644"
      notify: Reload the server

    - name: The pages are there
      copy:
        content: "<h1>{{ greeting }}: {{ item }}</h1>\n"
        dest: "~/site/pages/{{ item }}.html"
        mode: "0644"
      loop: "{{ pages }}"

    - name: The site answers
      command: cat site/pages/index.html
      register: answer
      changed_when: false
      check_mode: false
      failed_when: greeting not in answer.stdout

  handlers:
    - name: Reload the server
      shell: date >> ~/site/logs/reloads
"#;

const TEMPLATE: &str = "# {{ ansible_managed }}
server_name {{ inventory_hostname }}
{% for page in pages %}
location /{{ page }}
{% endfor %}
peers {{ groups.web | difference([inventory_hostname]) | join(' ') }}
";

/// Shows the main job.
///
/// # Errors
/// Anything of it that does not go as it should.
pub fn run(args: &DemoArgs, settings: &Settings) -> Result<u8, Failed> {
    if args.hosts == 0 || args.hosts > HOSTS_MAX {
        return Err(Failed::option(format!("the demo has 1 to {HOSTS_MAX} hosts")));
    }
    let folder = std::env::temp_dir().join(format!("trueup-demo-{}", std::process::id()));
    let result = show(args.hosts, settings, &folder);
    let _ = fs::remove_dir_all(&folder);
    result
}

fn failed(what: &str) -> impl FnOnce(std::io::Error) -> Failed {
    let what = what.to_owned();
    move |error| Failed::general(format!("{what}: {error}"))
}

fn show(count: usize, settings: &Settings, folder: &Path) -> Result<u8, Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(failed("cannot start threads"))?;
    fs::create_dir_all(folder.join("templates")).map_err(failed("cannot make a folder"))?;
    let write = |name: &str, text: &str| {
        fs::write(folder.join(name), text).map_err(failed("cannot write the demo's files"))
    };
    write("site.yml", PLAYBOOK)?;
    write("templates/site.conf.j2", TEMPLATE)?;
    let key = keys::generate().map_err(failed("cannot make a key"))?;
    keys::write(&key, &folder.join("id")).map_err(failed("cannot write the key"))?;
    let public = keys::public_line(&key).map_err(failed("cannot write the key"))?;

    say(&format!("Starting {count} SSH servers inside this process, each a host of its own."));
    let mut servers: Vec<Server> = Vec::new();
    let mut inventory = String::from("[web]\n");
    let mut known_hosts = String::new();
    for number in 1..=count {
        let home = folder.join(format!("web{number}"));
        fs::create_dir_all(&home).map_err(failed("cannot make a folder"))?;
        let mut server = ServerSettings::new(&home);
        server.accounts = vec![Account {
            user: "demo".into(),
            authorized_keys: vec![public.clone()],
            is_asked_interactively: false,
            password: None,
        }];
        let server = runtime
            .block_on(Server::start(server))
            .map_err(|error| Failed::general(format!("cannot start a server: {error}")))?;
        let address = server.address();
        let _ = writeln!(
            inventory,
            "web{number} ansible_host={} ansible_port={}",
            address.ip(),
            address.port()
        );
        let line = server.known_hosts_line().map_err(failed("cannot write a host key"))?;
        let _ = writeln!(known_hosts, "{line}");
        servers.push(server);
    }
    write("hosts", &inventory)?;
    write("known_hosts", &known_hosts)?;

    say("First run: the hosts are brought to what the playbook describes.");
    expect(run_playbook(settings, folder, Mode::Apply)?, 2, "the first run changes the hosts")?;
    say("Second run: nothing is left to change.");
    expect(run_playbook(settings, folder, Mode::Apply)?, 0, "the second run changes nothing")?;

    let drifted = folder.join("web1/site/site.conf");
    say(&format!("Drift: a line of {} is changed by hand.", drifted.display()));
    let text = fs::read_to_string(&drifted).map_err(failed("cannot read the drifted file"))?;
    fs::write(&drifted, text.replace("server_name web1", "server_name elsewhere"))
        .map_err(failed("cannot drift a file"))?;
    say("A check run finds it, shows it, and changes nothing (exit code 2).");
    expect(run_playbook(settings, folder, Mode::Check)?, 2, "the check run finds the drift")?;
    say("A run puts it right.");
    expect(run_playbook(settings, folder, Mode::Apply)?, 2, "the run corrects the drift")?;
    expect(run_playbook(settings, folder, Mode::Check)?, 0, "nothing differs any more")?;

    drop(servers);
    runtime.shutdown_background();
    say("That was it. For hosts of your own:");
    println!(
        "  trueup run -i HOST, -u USER playbooks/baseline.yml --check --diff   what would change
  trueup run -i HOST, -u USER playbooks/baseline.yml                  change it
  trueup run -i INVENTORY PLAYBOOK --check --diff --detailed-exitcode look for drift (0: none, 2: some)
  trueup exec HOST -i HOST, -m ping                                   try a connection
  trueup doc copy                                                     what a module takes\n"
    );
    Ok(0)
}

fn say(text: &str) {
    println!("\n==> {text}");
}

fn expect(code: u8, expected: u8, what: &str) -> Result<(), Failed> {
    if code == expected {
        return Ok(());
    }
    Err(Failed::general(format!(
        "the demo did not go as it should: {what} would give {expected}, and it gave {code}"
    )))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Apply,
    Check,
}

fn run_playbook(settings: &Settings, folder: &Path, mode: Mode) -> Result<u8, Failed> {
    let path = |name: &str| folder.join(name).display().to_string();
    let check = mode == Mode::Check;
    let args = RunArgs {
        playbooks: vec![PathBuf::from(path("site.yml"))],
        inventory: InventoryOptions {
            inventory: vec![path("hosts")],
            ..InventoryOptions::default()
        },
        connection: ConnectionOptions {
            user: Some("demo".into()),
            private_key: Some(PathBuf::from(path("id"))),
            ssh_common_args: Some(format!("-o UserKnownHostsFile={}", path("known_hosts"))),
            host_key_policy: Some("strict".into()),
            check,
            diff: check,
            ..ConnectionOptions::default()
        },
        detailed_exitcode: true,
        ..RunArgs::default()
    };
    // The reader's own settings shall not change what the demo shows.
    run_command::run(args, settings.without_ansible(), Program::Trueup)
}
