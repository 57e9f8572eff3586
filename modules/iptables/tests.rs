use module::{Mode, Output, fake::FakeHost};
use protocol::{Json, Response};
use serde_json::json;

use crate::{cases::run, fake_programs::put_iptables};

fn apply(args: &Json, host: &mut FakeHost) -> Response {
    run("iptables", args, "", "", Mode::default(), host)
}

fn host() -> FakeHost {
    let mut host = FakeHost::default();
    put_iptables(&mut host);
    host
}

/// Arguments and the words that ansible-core 2.18 was seen to give to iptables.
#[test]
fn rules_are_written_as_ansible_writes_them() {
    for (args, expected) in [
        (
            json!({"wait": "5", "protocol": "tcp", "source": "!1.2.3.4", "destination": "2.2.2.2", "match": ["tcp"],
                "tcp_flags": {"flags": ["ALL"], "flags_set": ["SYN", "ACK"]}, "jump": "LOG", "log_prefix": "p",
                "log_level": "info", "in_interface": "eth0", "out_interface": "eth1", "destination_ports": ["80", "81"],
                "source_port": "9", "destination_port": "!8", "ctstate": ["NEW"], "src_range": "1.1.1.1-1.1.1.2",
                "match_set": "s", "match_set_flags": "src", "limit": "2/second", "limit_burst": "3",
                "uid_owner": "!bob", "gid_owner": "g", "icmp_type": "8", "comment": "hello world", "syn": "match",
                "set_counters": "1 2", "fragment": "x", "to_ports": "99"}),
            "-w 5 -p tcp ! -s 1.2.3.4 -d 2.2.2.2 -m tcp --tcp-flags ALL SYN,ACK -j LOG --log-prefix p --log-level info -m multiport --dports 80,81 -i eth0 -o eth1 -f x -c 1 2 --source-port 9 ! --destination-port 8 --to-ports 99 --syn -m conntrack --ctstate NEW -m iprange --src-range 1.1.1.1-1.1.1.2 -m set --match-set s src -m limit --limit 2/second --limit-burst 3 -m owner ! --uid-owner bob -m owner --gid-owner g --icmp-type 8 -m comment --comment hello world",
        ),
        (
            json!({"reject_with": "tcp-reset", "protocol": "tcp", "syn": "negate", "ip_version": "ipv6", "icmp_type": "8"}),
            "-p tcp ! --syn -j REJECT --reject-with tcp-reset --icmpv6-type 8",
        ),
        (json!({"set_dscp_mark_class": "CS1", "jump": "DSCP"}), "-j DSCP --set-dscp-class CS1"),
        (
            json!({"match": ["set", "iprange", "state"], "ctstate": ["NEW", "ESTABLISHED"], "match_set": "!s",
                "match_set_flags": "src,dst", "dst_range": "1.1.1.1-2.2.2.2"}),
            "-m set -m iprange -m state --state NEW,ESTABLISHED --dst-range 1.1.1.1-2.2.2.2 ! --match-set s src,dst",
        ),
        (json!({"jump": "TEE", "gateway": "1.1.1.1"}), "-j TEE --gateway 1.1.1.1"),
        (json!({"log_level": "info"}), "-j LOG --log-level info"),
        (
            json!({"goto": "X", "to_source": "1.1.1.1", "to_destination": "2.2.2.2"}),
            "--to-destination 2.2.2.2 --to-source 1.1.1.1 -g X",
        ),
    ] {
        let mut args = args;
        args["chain"] = json!("INPUT");
        let mut host = host();
        let response = apply(&args, &mut host);
        assert!(response.changed && !response.failed, "{args}: {response:?}");
        assert_eq!(response.returned["rule"], expected, "{args}");
        let program = if args["ip_version"] == "ipv6" { "ip6tables" } else { "iptables" };
        let rules = host.files.text(&format!("/run/fake-{program}/filter/INPUT")).unwrap();
        assert_eq!(rules, format!("ACCEPT\n{expected}\n"));
        assert!(!apply(&args, &mut host).changed);
    }
}

#[test]
fn rules_chains_and_policies_come_and_go() {
    let mut host = host();
    let text = |host: &FakeHost, chain: &str| {
        host.files.text(&format!("/run/fake-iptables/filter/{chain}"))
    };
    for (args, changed, chain, expected) in [
        (json!({"chain": "INPUT", "jump": "DROP"}), true, "INPUT", Some("ACCEPT\n-j DROP\n")),
        (json!({"chain": "INPUT", "jump": "DROP"}), false, "INPUT", Some("ACCEPT\n-j DROP\n")),
        (
            json!({"chain": "INPUT", "jump": "ACCEPT", "action": "insert"}),
            true,
            "INPUT",
            Some("ACCEPT\n-j ACCEPT\n-j DROP\n"),
        ),
        (
            json!({"chain": "INPUT", "jump": "LOG", "action": "insert", "rule_num": "2"}),
            true,
            "INPUT",
            Some("ACCEPT\n-j ACCEPT\n-j LOG\n-j DROP\n"),
        ),
        (
            json!({"chain": "INPUT", "jump": "LOG", "state": "absent"}),
            true,
            "INPUT",
            Some("ACCEPT\n-j ACCEPT\n-j DROP\n"),
        ),
        (
            json!({"chain": "INPUT", "policy": "DROP"}),
            true,
            "INPUT",
            Some("DROP\n-j ACCEPT\n-j DROP\n"),
        ),
        (
            json!({"chain": "INPUT", "policy": "DROP"}),
            false,
            "INPUT",
            Some("DROP\n-j ACCEPT\n-j DROP\n"),
        ),
        (json!({"chain": "INPUT", "flush": true}), true, "INPUT", Some("DROP\n")),
        (json!({"flush": true}), false, "INPUT", Some("DROP\n")),
        (json!({"chain": "WEB", "chain_management": true}), true, "WEB", Some("-\n")),
        (json!({"chain": "WEB", "chain_management": true, "state": "absent"}), true, "WEB", None),
        (json!({"chain": "WEB", "chain_management": true, "state": "absent"}), false, "WEB", None),
        (
            json!({"chain": "NEW", "chain_management": true, "jump": "DROP"}),
            true,
            "NEW",
            Some("-\n-j DROP\n"),
        ),
    ] {
        let response = apply(&args, &mut host);
        assert!(!response.failed, "{args}: {response:?}");
        assert_eq!(
            (response.changed, text(&host, chain).as_deref()),
            (changed, expected),
            "{args}"
        );
    }
}

#[test]
fn what_makes_no_rule_is_refused() {
    for (args, expected) in [
        (json!({"jump": "DROP"}), "flush is False but all of the following are missing: chain"),
        (
            json!({"chain": "I", "jump": "ACCEPT", "log_level": "info"}),
            "Logging options can only be used with the LOG jump target.",
        ),
        (
            json!({"chain": "I", "policy": "DROP", "flush": true}),
            "parameters are mutually exclusive: flush|policy",
        ),
        (
            json!({"chain": "I", "set_dscp_mark": "8"}),
            "missing parameter(s) required by 'set_dscp_mark': jump",
        ),
        (
            json!({"chain": "I", "ip_version": "ipx"}),
            "value of ip_version must be one of: ipv4, ipv6, both, got: ipx",
        ),
        (
            json!({"chain": "I", "jump": "TEE"}),
            "jump is TEE but all of the following are missing: gateway",
        ),
        (
            json!({"chain": "I", "match_set": "x"}),
            "missing parameter(s) required by 'match_set': match_set_flags",
        ),
        (json!({"chain": "INPUT", "tcp_flags": {"flags": ["ALL"]}}), "tcp_flags needs both"),
        (json!({"chain": "INPUT", "jump": "A", "goto": "B"}), "cannot jump to A and go to B"),
        (json!({"chain": "NOSUCH"}), "chain_management would make or remove the chain itself"),
        (json!({"chain": "NOSUCH", "policy": "DROP"}), "No chain/target/match by that name"),
        (json!({"chain": "INPUT", "jump": "bad option"}), "iptables: bad option"),
    ] {
        let mut host = host();
        let response = apply(&args, &mut host);
        let msg = response.msg.unwrap_or_default();
        assert!(response.failed && msg.contains(expected), "{args}: {msg}");
        assert_eq!(host.writes, 0);
    }
}

#[test]
fn a_chain_that_a_rule_leads_to_may_be_made_before_it() {
    let args = json!({"chain": "INPUT", "protocol": "udp", "goto": "OWN"});
    for (said, failed) in [
        ("iptables v1.8.9 (nf_tables): Chain 'OWN' does not exist", false),
        ("iptables v1.8.9 (nf_tables): Couldn't load target `OWN':No such file", false),
        ("iptables v1.8.9 (nf_tables): Chain 'OTHER' does not exist", true),
        ("iptables v1.8.9: unknown option \"--x\"", true),
    ] {
        let mut host = FakeHost::default();
        host.program("iptables", move |_, _| Output::failure(2, said));
        let check = Mode { check: true, diff: true };
        let foretold = run("iptables", &args, "", "", check, &mut host);
        assert_eq!((foretold.failed, foretold.changed), (failed, !failed), "{said}: {foretold:?}");
    }
}
