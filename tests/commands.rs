//! The commands beside `run`: vault, config, inventory, explain, pull, and what shows a run.

use std::process::Command;

use trueup_tests::program::Scratch;

#[test]
fn what_vault_encrypts_it_decrypts_edits_and_rekeys() {
    let scratch = Scratch::new("vault");
    scratch.write("one", "first\n");
    scratch.write("two", "second\n");
    scratch.write("secret.yml", "port: 80\n");
    scratch.write("editor", "#!/bin/sh\necho 'host: web1' >> \"$1\"\n");
    let executable = Command::new("chmod").args(["+x"]).arg(scratch.path("editor")).status();
    assert!(executable.unwrap().success());
    let ran = |words: &[&str]| scratch.trueup(words);
    ran(&["vault", "encrypt", "--vault-id", "dev@one", "secret.yml"]).expect_code(0);
    let text = std::fs::read_to_string(scratch.path("secret.yml")).unwrap();
    assert!(text.starts_with("$ANSIBLE_VAULT;1.2;AES256;dev\n"), "{text}");
    ran(&["vault", "view", "--vault-id", "one", "secret.yml"])
        .expect_code(0)
        .expect_said(&["port"]);
    let edited = scratch
        .command(
            trueup_tests::program::trueup(),
            &["vault", "edit", "--vault-id", "dev@one", "secret.yml"],
        )
        .env("EDITOR", scratch.path("editor"))
        .status();
    assert!(edited.unwrap().success());
    let words = ["vault", "rekey", "--vault-id", "one", "--new-vault-id", "prod@two", "secret.yml"];
    ran(&words).expect_code(0);
    let text = std::fs::read_to_string(scratch.path("secret.yml")).unwrap();
    assert!(text.starts_with("$ANSIBLE_VAULT;1.2;AES256;prod\n"), "{text}");
    let decrypted = ran(&["vault", "decrypt", "--vault-id", "two", "--output", "-", "secret.yml"]);
    assert_eq!(decrypted.expect_code(0).stdout, "port: 80\nhost: web1\n");
    let words = ["vault", "encrypt_string", "--vault-id", "one", "--name", "key", "hidden"];
    let string = ran(&words);
    string.expect_code(0).expect_said(&["key: !vault |\n          $ANSIBLE_VAULT;1.1;AES256\n"]);
    let refusals: [(&[&str], &str); 6] = [
        (&["vault", "view", "--vault-id", "one", "secret.yml"], "no vault secrets were found"),
        (&["vault", "encrypt", "--vault-id", "one", "secret.yml"], "input is already encrypted"),
        (&["vault", "view", "--vault-id", "one", "one"], "is not vault encrypted data"),
        (&["vault", "view", "--vault-id", "nosuch", "secret.yml"], "was not found"),
        (
            &["vault", "encrypt", "--vault-id", "a@one", "--vault-id", "b@two", "two"],
            "Specify the vault-id to encrypt with --encrypt-vault-id",
        ),
        (
            &["vault", "encrypt", "--vault-id", "a@one", "--encrypt-vault-id", "c", "two"],
            "Did not find a match for --encrypt-vault-id=c",
        ),
    ];
    for (words, says) in refusals {
        let refused = ran(words);
        assert_ne!(refused.code, Some(0), "{words:?}");
        refused.expect_said(&[says]);
    }
}

#[test]
fn config_says_what_is_in_force_and_where_it_comes_from() {
    let scratch = Scratch::new("config");
    scratch.write("ansible.cfg", "[defaults]\nforks = 7\nroles_path = a:b\n");
    let dump = scratch.trueup(&["config", "dump", "--only-changed"]);
    let file = scratch.path("ansible.cfg");
    let forks = format!("DEFAULT_FORKS({}) = 7", file.display());
    let roles = format!("/a', '{}'", scratch.path("b").display());
    dump.expect_code(0).expect_said(&[&forks, &roles]);
    scratch.trueup(&["config", "validate"]).expect_code(0);
    scratch.write("ansible.cfg", "[defaults]\nforks = many\nfroks = 1\n");
    scratch
        .trueup(&["config", "validate"])
        .expect_code(1)
        .expect_said(&["froks", "which is no integer"]);
    scratch.trueup(&["config", "dump", "-t", "nosuch"]).expect_code(5).expect_said(&["nosuch"]);
}

#[test]
fn config_shows_the_servers_of_galaxy() {
    let scratch = Scratch::new("config-galaxy");
    scratch.write(
        "ansible.cfg",
        "[galaxy]\nserver_list = hub, other\n[galaxy_server.hub]\nurl = https://hub.example/\n\
         timeout = 7\n",
    );
    let json = scratch.trueup(&["config", "dump", "--format", "json"]);
    let all: serde_json::Value = serde_json::from_str(&json.expect_code(0).stdout).unwrap();
    let servers = &all.as_array().unwrap().last().unwrap()["GALAXY_SERVERS"];
    let file = scratch.path("ansible.cfg").display().to_string();
    assert_eq!(servers["hub"]["url"][1], "https://hub.example/");
    assert_eq!(servers["hub"]["url"][2], file.as_str());
    assert_eq!(servers["hub"]["timeout"][1], 7);
    assert_eq!(servers["other"]["url"][2], "REQUIRED");
    assert_eq!(servers["other"]["timeout"][1], 60);
    let changed = scratch.trueup(&["config", "dump", "--only-changed"]);
    let shown = format!("hub\n===\ntimeout({file}) = 7\nurl({file}) = https://hub.example/\n");
    changed.expect_code(0).expect_said(&["GALAXY_SERVERS:\n", &shown]);
    assert!(!changed.stdout.contains("token"));
}

#[test]
fn inventories_are_made_by_plugins_and_shown_in_all_forms() {
    let scratch = Scratch::new("inventory");
    scratch.write(
        "hosts.toml",
        "[web.hosts]\nweb1 = {site = \"x\"}\n[web.vars]\ntier = \"{{ site }}\"\n",
    );
    scratch.write(
        "more.yml",
        "plugin: constructed\ncompose: {where: site | upper}\ngroups: {big: site == 'x'}\n\
         keyed_groups: [{key: where, prefix: at}]\n",
    );
    let shown = |words: &[&str]| {
        let all = [&["inventory", "-i", "hosts.toml", "-i", "more.yml"], words].concat();
        scratch.trueup(&all)
    };
    shown(&["--graph"]).expect_code(0).expect_said(&["|--@big:", "|--@at_X:"]);
    shown(&["--list", "--yaml", "--export"]).expect_code(0).expect_said(&["tier: '{{ site }}'"]);
    shown(&["--host", "web1"]).expect_code(0).expect_said(&["\"where\": \"X\""]);
    shown(&["--list", "--toml"]).expect_code(0).expect_said(&["[web.hosts.web1]"]);
    scratch.write("more.yml", "plugin: constructed\nstrict: true\ncompose: {a: nosuch + 1}\n");
    shown(&["--graph"]).expect_code(1).expect_said(&["Could not set a for host web1"]);
    scratch.write("more.yml", "plugin: constructed\nkeyd_groups: []\n");
    shown(&["--graph"]).expect_code(1).expect_said(&["no option 'keyd_groups'", "keyed_groups"]);
    scratch.write("more.yml", "plugin: my.own.cloud\n");
    shown(&["--graph"]).expect_code(1).expect_said(&["unknown plugin 'my.own.cloud'"]);
}

#[test]
fn callbacks_show_a_run_in_their_ways() {
    let scratch = Scratch::new("callbacks");
    scratch.write(
        "play.yml",
        "- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n    - name: One\n      debug: {msg: \"a\\nb\"}\n",
    );
    let run = |settings: &str| {
        scratch.write("ansible.cfg", format!("[defaults]\n{settings}\n"));
        scratch.trueup(&["run", "play.yml"])
    };
    run("callback_result_format = yaml")
        .expect_code(0)
        .expect_said(&["msg: |-\n        a\n        b"]);
    run("stdout_callback = json").expect_code(0).expect_said(&["\"plays\": [", "\"stats\": {"]);
    run("stdout_callback = oneline").expect_code(0).expect_said(&["localhost | SUCCESS => {"]);
    run("callbacks_enabled = timer, profile_tasks")
        .expect_code(0)
        .expect_said(&["Playbook run took 0 days", "One ----"]);
    run("log_path = run.log").expect_code(0);
    let log = std::fs::read_to_string(scratch.path("run.log")).unwrap();
    assert!(log.contains("INFO| TASK [One]"), "{log}");
    run("stdout_callback = nosuch").expect_code(1).expect_said(&["Invalid callback", "nosuch"]);
    run("stdout_callback = dense").expect_code(0).expect_said(&["dense is not installed", "ok=1"]);
    run("callbacks_enabled = nosuch")
        .expect_code(0)
        .expect_said(&["Skipping callback plugin 'nosuch'"]);
}

#[test]
fn diagnostics_are_explained() {
    let scratch = Scratch::new("explain");
    scratch.trueup(&["explain", "e0204"]).expect_code(0).expect_said(&["E0204: ", "What to do: "]);
    scratch.trueup(&["explain"]).expect_code(0).expect_said(&["E0101", "W0407"]);
    scratch.trueup(&["explain", "E9"]).expect_code(5).expect_said(&["there is no diagnostic E9"]);
}

#[test]
fn pull_runs_what_a_repository_holds() {
    let scratch = Scratch::new("pull");
    scratch.write(
        "source/local.yml",
        "- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks: [debug: {msg: pulled}]\n",
    );
    let git = |words: &[&str]| {
        let status = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
            .args(words)
            .current_dir(scratch.path("source"))
            .status();
        assert!(status.unwrap().success(), "git {words:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "one"]);
    let pull =
        |more: &[&str]| scratch.trueup(&[&["pull", "-U", "source", "-d", "copy"], more].concat());
    let url = format!("file://{}", scratch.path("source").display());
    let first = scratch.trueup(&["pull", "-U", &url, "-d", "copy"]);
    first.expect_code(0).expect_said(&["\"msg\": \"pulled\""]);
    let again = scratch.trueup(&["pull", "-U", &url, "-d", "copy", "-o"]);
    again.expect_code(0).expect_said(&["Repository has not changed, quitting."]);
    scratch.write("copy/local.yml", "- hosts: localhost\n");
    let dirty = scratch.trueup(&["pull", "-U", &url, "-d", "copy"]);
    dirty.expect_code(1).expect_said(&["Local modifications exist"]);
    pull(&["-m", "subversion"]).expect_code(5).expect_said(&["subversion"]);
    scratch.trueup(&["pull"]).expect_code(5).expect_said(&["URL for repository not specified"]);
}
