//! `playbooks/site.yml`, roles in the style of the field, on a fresh host: a web server, a database,
//! an engine of containers and the time service. A second run changes nothing, and neither does a
//! check run foretell anything then; drift is put right.

use hosts::{Fleet, HostSpec, SERVERS, available};
use trueup_tests::{
    program::{Scratch, workspace},
    recap::{outcomes, recap},
};

/// What the roles are told, beside their defaults. Where a container in a container is given too
/// little, the engine makes do without a network of its own.
const VARIABLES: &str = r#"
clock_pools: []
clock_servers: [198.18.0.1]
clock_clients: [198.18.0.0/16]
web_sites:
  - {name: one.example, aliases: [www.one.example]}
  - {name: two.example, settings: ["autoindex on"]}
database_settings: {listen_addresses: localhost, max_connections: 42}
database_databases:
  - {name: shop, owner: shop, password: "owner's secret", extensions: [plpgsql]}
database_readers: [{name: reader, password: secret, database: shop}]
database_access: [{databases: shop, users: reader, source: 198.18.0.0/16}]
containers_settings: {storage-driver: vfs, iptables: false, bridge: none}
containers_users: [games]
containers_volumes: [store]
"#;

#[test]
fn a_host_of_all_trades_is_made_by_roles() {
    if !available("a_host_of_all_trades_is_made_by_roles") {
        return;
    }
    let mut fleet = Fleet::start().unwrap();
    let host = fleet.boot(&HostSpec { layer: Some(SERVERS), ..HostSpec::new("trades") }).unwrap();
    let scratch = Scratch::new("roles");
    let inventory = format!(
        "trades ansible_host={} ansible_user=root ansible_ssh_private_key_file={} \
         ansible_ssh_common_args='-o UserKnownHostsFile={}'\n",
        host.address(),
        fleet.key_file().display(),
        fleet.known_hosts_file().display(),
    );
    scratch.write("hosts", inventory);
    scratch.write("variables.yml", VARIABLES);
    let playbook = workspace().join("playbooks/site.yml").display().to_string();
    let words = ["run", "-i", "hosts", &playbook, "-e", "@variables.yml", "--diff"];
    let changed = |words: &[&str]| -> Vec<String> {
        let ran = scratch.trueup(words);
        ran.expect_code(0);
        let is_changed = |words: &[String]| words.iter().any(|word| word == "changed");
        let all = outcomes(&ran.stdout, "trades").into_iter();
        let counted = recap(&ran.stdout).iter().any(|(_, counts)| counts.get("changed") > 0);
        let changed: Vec<String> =
            all.filter(|(_, words)| is_changed(words)).map(|(task, _)| task).collect();
        assert_eq!(counted, !changed.is_empty(), "{}", ran.stdout);
        changed
    };
    let first = changed(&words);
    for (role, tasks) in [("clock", 4), ("web", 9), ("database", 9), ("containers", 3)] {
        let own = first.iter().filter(|task| task.starts_with(&format!("{role} : "))).count();
        assert!(own >= tasks, "{role}: a fresh host needs more than {own} tasks: {first:?}");
    }
    assert_eq!(changed(&words), Vec::<String>::new(), "a second run");
    let check = [&words[..], &["--check"]].concat();
    assert_eq!(changed(&check), Vec::<String>::new(), "a check run after it");
    let state = host
        .run(
            "systemctl is-active chrony nginx postgresql docker; chronyc -n sources; \
             openssl s_client -connect 127.0.0.1:443 -servername two.example </dev/null 2>/dev/null \
             | openssl x509 -noout -subject; cd /; su postgres -c \"psql -Atc 'SHOW max_connections' \
             -c \\\"SELECT datname, rolname FROM pg_database d JOIN pg_roles r ON r.oid = datdba \
             WHERE datname = 'shop'\\\"\"; PGPASSWORD=secret psql -h localhost -U reader shop -Atc \
             'SELECT current_user'; su postgres -c /usr/local/sbin/dump-databases; \
             ls /var/backups/postgresql; docker volume ls -q; id -nG games",
        )
        .unwrap();
    for text in [
        "active\nactive\nactive\nactive\n",
        "198.18.0.1",
        "CN = two.example",
        "42\nshop|shop\n",
        "reader\n",
        "shop-",
        "store\n",
        "games docker",
    ] {
        assert!(state.contains(text), "no {text:?} in\n{state}");
    }

    // Drift: a page that is another's, a setting of the database, a site that is off.
    host.run(
        "rm /etc/nginx/sites-enabled/two.example.conf; \
         sed -i s/42/43/ /etc/postgresql/15/main/conf.d/own.conf",
    )
    .unwrap();
    let foretold = changed(&check);
    for task in ["web : Sites are on", "database : PostgreSQL is set up"] {
        assert!(foretold.iter().any(|one| one == task), "{task} is not among {foretold:?}");
    }
    changed(&words);
    assert_eq!(changed(&words), Vec::<String>::new(), "after drift was put right");
}
