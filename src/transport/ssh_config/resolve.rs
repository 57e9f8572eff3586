//! What the configuration says of one host.

use std::{collections::BTreeSet, path::Path};

use super::{
    ConfigError,
    file::{ConfigFile, Criterion, Line, Origin, words},
    keyword::{self, Unused},
};
use crate::{pattern, target::HostKeyPolicy};

/// The host that is asked about.
#[derive(Clone, Debug)]
pub struct Query<'a> {
    /// The name as the user has it.
    pub host: &'a str,
    /// User to log in as, where that is settled already.
    pub user: Option<&'a str>,
    /// Name of the user who runs this program.
    pub local_user: &'a str,
    /// Home folder of that user.
    pub home: &'a Path,
}

/// What the configuration says, tokens of file names not yet expanded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    pub host_name: Option<String>,
    pub port: Option<u16>,
    pub user: Option<String>,
    pub identity_files: Vec<String>,
    pub certificate_files: Vec<String>,
    pub identities_only: Option<bool>,
    /// `none` for no agent at all.
    pub identity_agent: Option<String>,
    /// `none` for none, even where a later block names one.
    pub proxy_jump: Option<String>,
    /// `none` for none.
    pub proxy_command: Option<String>,
    pub host_key_policy: Option<HostKeyPolicy>,
    pub user_known_hosts_files: Option<Vec<String>>,
    pub global_known_hosts_files: Option<Vec<String>>,
    pub host_key_alias: Option<String>,
    pub hash_known_hosts: Option<bool>,
    pub connect_timeout_secs: Option<u64>,
    pub connection_attempts: Option<u32>,
    pub server_alive_interval_secs: Option<u64>,
    pub server_alive_count_max: Option<usize>,
    pub preferred_authentications: Option<Vec<String>>,
    pub pubkey_authentication: Option<bool>,
    pub password_authentication: Option<bool>,
    pub kbd_interactive_authentication: Option<bool>,
    pub bind_address: Option<String>,
    pub address_family: Option<AddressFamily>,
    /// `yes`, `no`, or the socket of an agent.
    pub forward_agent: Option<String>,
    pub ciphers: Option<String>,
    pub kex_algorithms: Option<String>,
    pub host_key_algorithms: Option<String>,
    pub macs: Option<String>,
    /// What the user should know, each once: keywords that are not done or not known.
    pub warnings: Vec<String>,
}

/// Which addresses of a name are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressFamily {
    Any,
    Inet,
    Inet6,
}

/// Works out what options and files say of a host. Options win over files, and earlier files over
/// later ones.
///
/// # Errors
/// Where a value is not one that its keyword takes, or a criterion is not done here.
pub fn resolve(
    query: &Query<'_>,
    options: &[(String, String)],
    files: &[ConfigFile],
) -> Result<Settings, ConfigError> {
    let mut walk = Walk {
        query,
        settings: Settings::default(),
        ignored: Vec::new(),
        warned: BTreeSet::new(),
        is_final: false,
        wants_final: false,
    };
    for (keyword, value) in options {
        let words =
            words(value).map_err(|why| ConfigError::Line { origin: Origin::Option, why })?;
        walk.set(&Origin::Option, keyword, &words, value)?;
    }
    walk.files(files)?;
    if walk.wants_final {
        walk.is_final = true;
        walk.files(files)?;
    }
    Ok(walk.settings)
}

struct Walk<'a> {
    query: &'a Query<'a>,
    settings: Settings,
    /// Patterns of `IgnoreUnknown`.
    ignored: Vec<String>,
    warned: BTreeSet<String>,
    is_final: bool,
    wants_final: bool,
}

impl Walk<'_> {
    fn files(&mut self, files: &[ConfigFile]) -> Result<(), ConfigError> {
        files.iter().try_for_each(|file| self.lines(&file.lines, true))
    }

    fn lines(&mut self, lines: &[(Origin, Line)], mut active: bool) -> Result<(), ConfigError> {
        let outer = active;
        for (origin, line) in lines {
            match line {
                Line::Host(patterns) => {
                    let patterns = patterns.iter().map(String::as_str);
                    active = outer && pattern::list_matches(patterns, self.query.host);
                }
                Line::Match(criteria) => active = outer && self.matches(origin, criteria)?,
                Line::Include(files) if active => {
                    for lines in files {
                        self.lines(lines, true)?;
                    }
                }
                Line::Set { keyword, words, rest } if active => {
                    self.set(origin, keyword, words, rest)?;
                }
                Line::Include(_) | Line::Set { .. } => {}
            }
        }
        Ok(())
    }

    fn matches(&mut self, origin: &Origin, criteria: &[Criterion]) -> Result<bool, ConfigError> {
        for criterion in criteria {
            let list = |text: &str| pattern::list_matches(criterion.patterns.split(','), text);
            let holds = match criterion.name.as_str() {
                "all" => true,
                "canonical" => false,
                "final" => {
                    self.wants_final = true;
                    self.is_final
                }
                "host" => {
                    let name = self.settings.host_name.clone();
                    let host = self.query.host;
                    list(&name.map_or(host.to_owned(), |name| host_name(&name, host)))
                }
                "originalhost" => list(self.query.host),
                "user" => {
                    let user = self.query.user.or(self.settings.user.as_deref());
                    list(user.unwrap_or(self.query.local_user))
                }
                "localuser" => list(self.query.local_user),
                name => {
                    let what = format!("Match {name}");
                    return Err(ConfigError::NotDone { origin: origin.clone(), what });
                }
            };
            if holds == criterion.negated {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn set(
        &mut self,
        origin: &Origin,
        keyword: &str,
        words: &[String],
        rest: &str,
    ) -> Result<(), ConfigError> {
        let wrong = |why: &str| ConfigError::Value {
            origin: origin.clone(),
            keyword: keyword.to_owned(),
            value: rest.to_owned(),
            why: why.to_owned(),
        };
        let lower = keyword.to_ascii_lowercase();
        let Some(word) = words.first() else { return Err(wrong("a value is missing")) };
        let text = || Ok::<_, ConfigError>(word.clone());
        let yes_no = || match word.to_ascii_lowercase().as_str() {
            "yes" | "true" => Ok(true),
            "no" | "false" => Ok(false),
            _ => Err(wrong("yes or no is meant")),
        };
        let number = || word.parse::<u64>().map_err(|_| wrong("a number is meant"));
        let settings = &mut self.settings;
        match lower.as_str() {
            "hostname" => first(&mut settings.host_name, text)?,
            "port" => first(&mut settings.port, || {
                let port = word.parse().ok().filter(|port| *port > 0);
                port.ok_or_else(|| wrong("a port is a number from 1 to 65535"))
            })?,
            "user" => first(&mut settings.user, text)?,
            "identityfile" => push_new(&mut settings.identity_files, word),
            "certificatefile" => push_new(&mut settings.certificate_files, word),
            "identitiesonly" => first(&mut settings.identities_only, yes_no)?,
            "identityagent" => first(&mut settings.identity_agent, text)?,
            // Of these two the first that is met counts, and takes the other's place.
            "proxyjump" => {
                if settings.proxy_command.is_none() {
                    first(&mut settings.proxy_jump, text)?;
                }
            }
            "proxycommand" => {
                if settings.proxy_jump.is_none() {
                    first(&mut settings.proxy_command, || Ok(rest.to_owned()))?;
                }
            }
            "stricthostkeychecking" => first(&mut settings.host_key_policy, || {
                match word.to_ascii_lowercase().as_str() {
                    // There is nobody to ask.
                    "yes" | "true" | "ask" => Ok(HostKeyPolicy::Strict),
                    "accept-new" => Ok(HostKeyPolicy::AcceptNew),
                    "no" | "off" | "false" => Ok(HostKeyPolicy::Off),
                    _ => Err(wrong("yes, ask, accept-new, no or off is meant")),
                }
            })?,
            "userknownhostsfile" => {
                first(&mut settings.user_known_hosts_files, || Ok(words.to_vec()))?;
            }
            "globalknownhostsfile" => {
                first(&mut settings.global_known_hosts_files, || Ok(words.to_vec()))?;
            }
            "hostkeyalias" => first(&mut settings.host_key_alias, text)?,
            "hashknownhosts" => first(&mut settings.hash_known_hosts, yes_no)?,
            "connecttimeout" => match word.as_str() {
                "none" => {}
                _ => first(&mut settings.connect_timeout_secs, || {
                    seconds(word).ok_or_else(|| wrong("a time is meant"))
                })?,
            },
            "connectionattempts" => first(&mut settings.connection_attempts, || {
                let attempts = word.parse().ok().filter(|attempts| *attempts > 0);
                attempts.ok_or_else(|| wrong("a number from 1 on is meant"))
            })?,
            "serveraliveinterval" => {
                first(&mut settings.server_alive_interval_secs, || {
                    seconds(word).ok_or_else(|| wrong("a time is meant"))
                })?;
            }
            "serveralivecountmax" => first(&mut settings.server_alive_count_max, || {
                Ok(usize::try_from(number()?).unwrap_or(usize::MAX))
            })?,
            "preferredauthentications" => first(&mut settings.preferred_authentications, || {
                Ok(word.split(',').map(|method| method.trim().to_owned()).collect())
            })?,
            "pubkeyauthentication" => first(&mut settings.pubkey_authentication, || {
                Ok(matches!(word.as_str(), "unbound" | "host-bound") || yes_no()?)
            })?,
            "passwordauthentication" => first(&mut settings.password_authentication, yes_no)?,
            "kbdinteractiveauthentication" | "challengeresponseauthentication" => {
                first(&mut settings.kbd_interactive_authentication, yes_no)?;
            }
            "bindaddress" => first(&mut settings.bind_address, text)?,
            "addressfamily" => first(&mut settings.address_family, || match word.as_str() {
                "any" => Ok(AddressFamily::Any),
                "inet" => Ok(AddressFamily::Inet),
                "inet6" => Ok(AddressFamily::Inet6),
                _ => Err(wrong("any, inet or inet6 is meant")),
            })?,
            "forwardagent" => first(&mut settings.forward_agent, text)?,
            "ciphers" => first(&mut settings.ciphers, text)?,
            "kexalgorithms" => first(&mut settings.kex_algorithms, text)?,
            "hostkeyalgorithms" => first(&mut settings.host_key_algorithms, text)?,
            "macs" => first(&mut settings.macs, text)?,
            "ignoreunknown" => self.ignored.extend(word.split(',').map(str::to_ascii_lowercase)),
            _ => self.warn_unused(origin, keyword, &lower, rest),
        }
        Ok(())
    }

    fn warn_unused(&mut self, origin: &Origin, keyword: &str, lower: &str, value: &str) {
        let why = match keyword::unused(lower, value) {
            Unused::Silent => return,
            Unused::NotDone => "is not done by this program",
            Unused::Unknown => {
                if pattern::list_matches(self.ignored.iter().map(String::as_str), lower) {
                    return;
                }
                "is not known"
            }
        };
        if self.warned.insert(format!("{origin} {lower}")) {
            self.settings.warnings.push(format!("{origin}: {keyword} {why}"));
        }
    }
}

/// Sets a value that is not set yet. The value is looked at in any case, so that mistakes show.
fn first<T>(
    slot: &mut Option<T>,
    value: impl FnOnce() -> Result<T, ConfigError>,
) -> Result<(), ConfigError> {
    let value = value()?;
    slot.get_or_insert(value);
    Ok(())
}

fn push_new(list: &mut Vec<String>, word: &str) {
    if !list.iter().any(|known| known == word) {
        list.push(word.to_owned());
    }
}

/// Reads a time: seconds, or numbers with the units s, m, h, d and w.
fn seconds(text: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut digits = String::new();
    for character in text.chars() {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        let unit = match character.to_ascii_lowercase() {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        total = total.checked_add(digits.parse::<u64>().ok()?.checked_mul(unit)?)?;
        digits.clear();
    }
    match (digits.is_empty(), text.is_empty()) {
        (_, true) => None,
        (true, _) => Some(total),
        _ => total.checked_add(digits.parse().ok()?),
    }
}

/// Puts the original name into a `HostName`.
pub(crate) fn host_name(host_name: &str, original: &str) -> String {
    expand(host_name, &|token| (token == 'h').then(|| original.to_owned()))
}

/// Replaces tokens such as `%h`; `%%` is a percent sign, and a token that is not known stays.
pub(crate) fn expand(text: &str, value: &dyn Fn(char) -> Option<String>) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            expanded.push(character);
            continue;
        }
        match characters.next() {
            Some('%') => expanded.push('%'),
            Some(token) => match value(token) {
                Some(value) => expanded.push_str(&value),
                None => expanded.extend(['%', token]),
            },
            None => expanded.push('%'),
        }
    }
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: &str = "/home/me";

    fn settings(text: &str, host: &str, options: &[(&str, &str)]) -> Result<Settings, String> {
        let path = Path::new("/home/me/.ssh/config");
        let file = ConfigFile::parse(text, path, Path::new(HOME)).map_err(|e| e.to_string())?;
        let options: Vec<_> =
            options.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        let query = Query { host, user: None, local_user: "me", home: Path::new(HOME) };
        resolve(&query, &options, &[file]).map_err(|error| error.to_string())
    }

    /// Checks one setting of `host` by its debug form.
    fn check(text: &str, host: &str, expect: &[&str]) {
        let settings = format!("{:?}", settings(text, host, &[]).unwrap());
        for expect in expect {
            assert!(settings.contains(expect), "{text}\n{host}: no {expect} in\n{settings}");
        }
    }

    #[test]
    fn the_first_value_counts() {
        check("Host a\nPort 1\nHost *\nPort 2", "a", &["port: Some(1)"]);
        check("Host a\nPort 1\nHost *\nPort 2", "b", &["port: Some(2)"]);
        check("User x\nHost a\nUser y", "a", &["user: Some(\"x\")"]);
        check("Host a b* !bad\nUser x", "bad", &["user: None"]);
        check("Host a b* !bad\nUser x", "bee", &["user: Some(\"x\")"]);
        check("host=a\nport = 7", "a", &["port: Some(7)"]);
        check("Host A\nPort 1", "a", &["port: None"]);
    }

    #[test]
    fn identity_files_add_up() {
        let text =
            "Host a\nIdentityFile ~/one\nHost *\nIdentityFile \"~/two x\"\nIdentityFile ~/one";
        check(text, "a", &["identity_files: [\"~/one\", \"~/two x\"]"]);
    }

    #[test]
    fn options_win_over_files() {
        let settings = settings("Port 1\nUser x", "a", &[("port", "9")]).unwrap();
        assert_eq!((settings.port, settings.user.as_deref()), (Some(9), Some("x")));
    }

    #[test]
    fn blocks_match_by_criteria() {
        for (criteria, host, holds) in [
            ("all", "a", true),
            ("host a", "a", true),
            ("host b", "a", false),
            ("host real.example.org", "alias", true),
            ("originalhost real.example.org", "alias", false),
            ("originalhost alias", "alias", true),
            ("!host a", "a", false),
            ("host a,b user me", "b", true),
            ("host=a,b user=you", "b", false),
            ("localuser me", "a", true),
            ("canonical", "a", false),
            ("final host a", "a", true),
            ("host b exec true", "a", false),
        ] {
            let text =
                format!("Host alias\nHostName real.example.org\nMatch {criteria}\nPort 77\n");
            let port = settings(&text, host, &[]).unwrap().port;
            assert_eq!(port, holds.then_some(77), "{criteria} {host}");
        }
    }

    #[test]
    fn a_jump_and_a_command_exclude_each_other() {
        check(
            "ProxyJump a\nProxyCommand b %h",
            "x",
            &["proxy_jump: Some(\"a\")", "proxy_command: None"],
        );
        check(
            "ProxyCommand nc -X 5 %h %p\nProxyJump a",
            "x",
            &["proxy_command: Some(\"nc -X 5 %h %p\")", "proxy_jump: None"],
        );
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (text, expect) in [
            ("Port ssh", "/home/me/.ssh/config:1: Port ssh: a port is a number from 1 to 65535"),
            ("Port 0", "/home/me/.ssh/config:1: Port 0: a port is a number from 1 to 65535"),
            ("\nPort", "/home/me/.ssh/config:2: Port : a value is missing"),
            (
                "IdentitiesOnly maybe",
                "/home/me/.ssh/config:1: IdentitiesOnly maybe: yes or no is meant",
            ),
            ("User \"me", "/home/me/.ssh/config:1: a quote is not closed"),
            ("Match", "/home/me/.ssh/config:1: Match needs a criterion"),
            ("Match host", "/home/me/.ssh/config:1: Match host needs a value"),
            (
                "Match exec \"test x\"",
                "/home/me/.ssh/config:1: Match exec is not done by this program",
            ),
            ("Match tagged x", "/home/me/.ssh/config:1: Match tagged is not done by this program"),
            ("ConnectTimeout soon", "/home/me/.ssh/config:1: ConnectTimeout soon: a time is meant"),
        ] {
            assert_eq!(settings(text, "a", &[]).unwrap_err(), expect);
        }
    }

    #[test]
    fn what_is_not_done_is_warned_of() {
        let text = "IgnoreUnknown Foo*\nFooBar 1\nTunnel yes\nControlMaster auto\nBlah 1";
        assert_eq!(
            settings(text, "a", &[]).unwrap().warnings,
            [
                "/home/me/.ssh/config:3: Tunnel is not done by this program",
                "/home/me/.ssh/config:5: Blah is not known",
            ]
        );
    }

    #[test]
    fn times_have_units() {
        for (text, expect) in [
            ("10", Some(10)),
            ("1m30s", Some(90)),
            ("1h", Some(3600)),
            ("", None),
            ("x", None),
            ("m", None),
        ] {
            assert_eq!(seconds(text), expect, "{text}");
        }
    }
}
