//! The keywords of ssh_config(5) that this program does not act on, by what that means.

/// Keywords that cannot matter here: how ssh looks, logs, shares connections and treats its
/// terminal.
const WITHOUT_MEANING: &[&str] = &[
    "addkeystoagent",
    "batchmode",
    "canonicaldomains",
    "canonicalizefallbacklocal",
    "canonicalizemaxdots",
    "channeltimeout",
    "checkhostip",
    "clearallforwardings",
    "compression",
    "compressionlevel",
    "controlmaster",
    "controlpath",
    "controlpersist",
    "enableescapecommandline",
    "enablesshkeysign",
    "escapechar",
    "exitonforwardfailure",
    "fingerprinthash",
    "forkafterauthentication",
    "forwardx11timeout",
    "gatewayports",
    "ignoreunknown",
    "ipqos",
    "loglevel",
    "logverbose",
    "nohostauthenticationforlocalhost",
    "numberofpasswordprompts",
    "obscurekeystroketiming",
    "protocol",
    "refuseconnection",
    "rekeylimit",
    "requesttty",
    "sessiontype",
    "stdinnull",
    "streamlocalbindmask",
    "streamlocalbindunlink",
    "syslogfacility",
    "tag",
    "tcpkeepalive",
    "updatehostkeys",
    "usekeychain",
    "useroaming",
    "visualhostkey",
    "versionaddendum",
    "warnweakcrypto",
    "xauthlocation",
];

/// Keywords that are not done here and would have an effect unless their value is `no` or `none`.
const WITH_EFFECT: &[&str] = &[
    "bindinterface",
    "canonicalizehostname",
    "canonicalizepermittedcnames",
    "casignaturealgorithms",
    "dynamicforward",
    "forwardx11",
    "forwardx11trusted",
    "gssapiauthentication",
    "gssapidelegatecredentials",
    "hostbasedacceptedalgorithms",
    "hostbasedauthentication",
    "knownhostscommand",
    "localcommand",
    "localforward",
    "permitlocalcommand",
    "permitremoteopen",
    "pkcs11provider",
    "proxyusefdpass",
    "pubkeyacceptedalgorithms",
    "pubkeyacceptedkeytypes",
    "remotecommand",
    "remoteforward",
    "requiredrsasize",
    "revokedhostkeys",
    "securitykeyprovider",
    "sendenv",
    "setenv",
    "tunnel",
    "tunneldevice",
    "verifyhostkeydns",
];

/// Keywords of [`WITH_EFFECT`] that the files of distributions set for everybody, and whose absence
/// here changes nothing for a playbook.
const SET_BY_DISTRIBUTIONS: &[&str] = &["sendenv", "forwardx11trusted", "gssapiauthentication"];

/// What a keyword that is not acted on means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unused {
    /// It is passed over.
    Silent,
    /// The user should know that it is not done.
    NotDone,
    /// Nobody knows such a keyword.
    Unknown,
}

pub(super) fn unused(keyword: &str, value: &str) -> Unused {
    let is_off = matches!(value.to_ascii_lowercase().as_str(), "no" | "none" | "false");
    let obsolete = ["rhostsrsaauthentication", "rsaauthentication", "useprivilegedport", "cipher"];
    if WITHOUT_MEANING.contains(&keyword)
        || obsolete.contains(&keyword)
        || SET_BY_DISTRIBUTIONS.contains(&keyword)
        || (keyword.starts_with("gssapi") && is_off)
    {
        Unused::Silent
    } else if WITH_EFFECT.contains(&keyword) || keyword.starts_with("gssapi") {
        if is_off { Unused::Silent } else { Unused::NotDone }
    } else {
        Unused::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_told_apart() {
        for (keyword, value, expect) in [
            ("controlmaster", "auto", Unused::Silent),
            ("tunnel", "no", Unused::Silent),
            ("tunnel", "yes", Unused::NotDone),
            ("sendenv", "LANG LC_*", Unused::Silent),
            ("gssapikeyexchange", "yes", Unused::NotDone),
            ("hostnmae", "x", Unused::Unknown),
        ] {
            assert_eq!(unused(keyword, value), expect, "{keyword} {value}");
        }
    }
}
