//! Lines of `pg_hba.conf`: who may log in from where, and how.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use protocol::{Json, JsonMap, python};

/// Ways to prove who one is.
pub const METHODS: [&str; 14] = [
    "cert",
    "gss",
    "ident",
    "krb5",
    "ldap",
    "md5",
    "pam",
    "password",
    "peer",
    "radius",
    "reject",
    "scram-sha-256",
    "sspi",
    "trust",
];

/// Kinds of connections.
pub const KINDS: [&str; 6] =
    ["local", "host", "hostnossl", "hostssl", "hostgssenc", "hostnogssenc"];

/// Where a connection comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// From the host itself.
    Local,
    /// A name, its end, or a keyword.
    Name(String),
    /// A network: its address and the bits of it that count.
    Network(IpAddr, u8),
}

/// A line that lets in or keeps out.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub kind: String,
    pub database: String,
    pub user: String,
    pub source: Source,
    pub method: String,
    pub options: BTreeMap<String, String>,
    pub comment: Option<String>,
    /// As the file has it.
    line: Option<String>,
}

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    Empty,
    Comment(String),
    /// Other files that are read.
    Include(String),
    Rule(Rule),
}

/// A text without its quotes.
fn bare(text: &str) -> &str {
    text.strip_prefix('"').map_or(text, |rest| rest.strip_suffix('"').unwrap_or(rest))
}

/// Words of a line; what is in quotes is one, and a remark is the last.
pub fn words(line: &str) -> Result<Vec<String>, String> {
    let (mut all, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    for (at, letter) in line.char_indices() {
        match letter {
            '#' if !is_quoted => {
                all.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
                all.push(line.get(at..).unwrap_or_default().to_owned());
                return Ok(all);
            }
            letter if letter.is_whitespace() && !is_quoted => {
                all.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
            }
            letter => {
                is_quoted ^= letter == '"';
                word.push(letter);
            }
        }
    }
    if is_quoted {
        return Err("Unterminated quote".to_owned());
    }
    all.extend((!word.is_empty()).then_some(word));
    Ok(all)
}

/// Names with commas between them, in order; quoted ones and patterns stay.
pub fn names(text: &str) -> String {
    if text.contains('"') || text.starts_with('/') {
        return text.to_owned();
    }
    let mut all: Vec<&str> = text.split(',').collect();
    all.sort_unstable();
    all.join(",")
}

/// A network without the bits that do not count.
fn network(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits.min(32))).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from(u32::from(address) & mask))
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from(u128::from(address) & mask))
        }
    }
}

/// How many bits of a mask count.
fn bits_of_mask(mask: &str) -> Result<(bool, u8), String> {
    let address: IpAddr =
        bare(mask).parse().map_err(|_| format!("The string '{mask}' is not a valid netmask"))?;
    let (is_v4, ones, zeros) = match address {
        IpAddr::V4(one) => (true, u32::from(one).leading_ones(), u32::from(one).count_zeros()),
        IpAddr::V6(one) => (false, u128::from(one).leading_ones(), u128::from(one).count_zeros()),
    };
    let width = if is_v4 { 32 } else { 128 };
    match ones + zeros == width {
        true => Ok((is_v4, u8::try_from(ones).unwrap_or(0))),
        false => Err(format!("IP mask {mask} is invalid (binary value has 1 after 0)")),
    }
}

impl Source {
    /// Reads an address, and the mask that may stand behind it.
    ///
    /// # Errors
    /// In words: what is none.
    fn parse(text: &str, mask: Option<&str>) -> Result<Self, String> {
        let plain = bare(text);
        let (address, bits) = match plain.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (plain, None),
        };
        let invalid = || {
            format!(
                "The string '{text}' is neither a valid IP address, network, hostname or keyword"
            )
        };
        let Ok(address) = address.parse::<IpAddr>() else {
            let looks_like_one = text.contains([':', '\\', '/', '@', '+', ' '])
                || text.split('.').count() == 4
                    && text.chars().all(|one| one.is_ascii_digit() || one == '.');
            if looks_like_one {
                return Err(invalid());
            }
            return match mask {
                None => Ok(Self::Name(text.to_owned())),
                Some(_) => {
                    Err("Rule can't contain a netmask if address is a full CIDR or hostname".into())
                }
            };
        };
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = match (bits, mask) {
            (Some(_), Some(_)) => {
                return Err(
                    "Rule can't contain a netmask if address is a full CIDR or hostname".into()
                );
            }
            (None, None) => {
                return Err("If the address is a bare ip-address without a CIDR suffix, the rule needs to contain a netmask".into());
            }
            (None, Some(mask)) => {
                let (is_v4, bits) = bits_of_mask(mask)?;
                if is_v4 != address.is_ipv4() {
                    return Err("Can't mix IPv4 and IPv6 netmasks and addresses".into());
                }
                bits
            }
            (Some(bits), None) => {
                let bits = match bits.parse::<u8>() {
                    Ok(bits) => bits,
                    Err(_) => bits_of_mask(bits).map_err(|_| invalid())?.1,
                };
                if bits > width {
                    return Err(invalid());
                }
                if network(address, bits) != address {
                    return Err(format!("{text} has host bits set"));
                }
                bits
            }
        };
        Ok(Self::Network(network(address, bits), bits))
    }

    fn shown(&self) -> String {
        match self {
            Self::Local => String::new(),
            Self::Name(name) => name.clone(),
            Self::Network(address, bits) => format!("{address}/{bits}"),
        }
    }

    /// How narrow it is.
    fn weight(&self) -> u32 {
        match self {
            Self::Local => 130,
            Self::Network(IpAddr::V4(_), bits) => u32::from(*bits) * 4,
            Self::Network(IpAddr::V6(_), bits) => u32::from(*bits),
            Self::Name(name) => match name.as_str() {
                "all" => 0,
                "samehost" => 129,
                "samenet" => 96,
                name if name.starts_with('.') => 64,
                _ => 128,
            },
        }
    }

    fn kind_weight(&self) -> u32 {
        match self {
            Self::Local => 3,
            Self::Network(IpAddr::V4(_), _) => 2,
            Self::Network(IpAddr::V6(_), _) => 1,
            Self::Name(_) => 0,
        }
    }
}

/// Options: `key=value` each.
fn options(all: &[String]) -> Result<BTreeMap<String, String>, String> {
    let mut map = BTreeMap::new();
    for option in all {
        let pair = bare(option).split_once('=');
        let pair = pair.filter(|(key, value)| !key.is_empty() && !value.is_empty());
        let (key, value) = pair.ok_or_else(|| {
            format!("Found invalid option '{option}'. Options need to be in the format 'key=value'")
        })?;
        if map.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(format!("The rule contains two options with the same key ('{key}')"));
        }
    }
    Ok(map)
}

impl Rule {
    /// Reads words of a line.
    fn parse(all: &[String], line: &str, comment: Option<String>) -> Result<Self, String> {
        let few = || "The rule has too few symbols".to_owned();
        let [kind, database, user, rest @ ..] = all else { return Err(few()) };
        let kind = bare(kind);
        if !KINDS.contains(&kind) {
            return Err(format!("Found an unknown connection-type {kind}"));
        }
        let (source, rest) = match (kind, rest) {
            ("local", rest) => (Source::Local, rest),
            (_, [address, mask, rest @ ..])
                if bare(address).parse::<IpAddr>().is_ok()
                    && bare(mask).parse::<IpAddr>().is_ok() =>
            {
                (Source::parse(address, Some(mask))?, rest)
            }
            (_, [address, rest @ ..]) => (Source::parse(address, None)?, rest),
            _ => return Err(few()),
        };
        let [method, rest @ ..] = rest else { return Err(few()) };
        let method = bare(method);
        if !METHODS.contains(&method) {
            return Err(format!("Found an unknown method: {method}"));
        }
        Ok(Self {
            kind: kind.to_owned(),
            database: names(database),
            user: names(user),
            source,
            method: method.to_owned(),
            options: options(rest)?,
            comment,
            line: Some(line.to_owned()),
        })
    }

    /// A rule as a task gives it, for one database and one user.
    ///
    /// # Errors
    /// In words: what is none.
    pub fn given(map: &JsonMap, database: &str, user: &str) -> Result<Self, String> {
        let text = |name: &str| {
            map.get(name)
                .filter(|value| !value.is_null())
                .map(python::text)
                .filter(|text| !text.is_empty())
        };
        let kind = text("contype").unwrap_or_default();
        if !KINDS.contains(&kind.as_str()) {
            return Err(format!("Unknown type {kind}"));
        }
        let method = text("method").unwrap_or_default();
        if !METHODS.contains(&method.as_str()) {
            return Err(format!("Unknown method {method}"));
        }
        let source = match kind.as_str() {
            "local" => Source::Local,
            _ => Source::parse(&text("address").unwrap_or_default(), text("netmask").as_deref())?,
        };
        let given = match map.get("options") {
            None | Some(Json::Null) => Vec::new(),
            Some(Json::Object(map)) => {
                map.iter().map(|(key, value)| format!("{key}={}", python::text(value))).collect()
            }
            Some(Json::Array(all)) => all.iter().map(python::text).collect(),
            Some(other) => words(&python::text(other))?,
        };
        let comment = text("comment").map(|text| mark(&text));
        let all = [database, user].into_iter().chain(given.iter().map(String::as_str));
        if all.chain(comment.as_deref()).any(|text| text.contains('\n')) {
            return Err("a rule is one line".to_owned());
        }
        Ok(Self {
            kind,
            database: names(database),
            user: names(user),
            source,
            method,
            options: options(&given)?,
            comment,
            line: None,
        })
    }

    /// Whether two rules are about the same.
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.kind, &self.user, &self.database, &self.source)
            == (&other.kind, &other.user, &other.database, &other.source)
    }

    /// Whether they say the same, too.
    pub fn is_identical(&self, other: &Self) -> bool {
        self.is_same(other) && self.method == other.method && self.options == other.options
    }

    fn shown_options(&self) -> String {
        let all: Vec<String> =
            self.options.iter().map(|(key, value)| format!("{key}={value}")).collect();
        all.join(" ")
    }

    /// As the file has it, or should.
    pub fn text(&self) -> String {
        if let Some(line) = &self.line {
            return line.clone();
        }
        let source = self.source.shown();
        let options = self.shown_options();
        let comment = self.comment.clone().unwrap_or_default();
        let all =
            [&self.kind, &self.database, &self.user, &source, &self.method, &options, &comment];
        all.into_iter().filter(|one| !one.is_empty()).cloned().collect::<Vec<_>>().join("\t")
    }

    /// As it is returned.
    pub fn returned(&self) -> JsonMap {
        let mut map = JsonMap::from_iter([
            ("type".to_owned(), self.kind.clone().into()),
            ("db".to_owned(), self.database.clone().into()),
            ("usr".to_owned(), self.user.clone().into()),
            ("method".to_owned(), self.method.clone().into()),
        ]);
        if self.source != Source::Local {
            map.insert("src".into(), self.source.shown().into());
        }
        if !self.options.is_empty() {
            map.insert("options".into(), self.shown_options().into());
        }
        map
    }

    fn database_weight(&self) -> usize {
        if self.database.starts_with('"') {
            return 3;
        }
        match self.database.as_str() {
            "replication" => 0,
            "samerole" | "samegroup" => 2,
            names if names.split(',').any(|one| one == "all") => 100_000,
            names => 3 + names.split(',').count(),
        }
    }

    fn user_weight(&self) -> usize {
        if self.user.starts_with('"') {
            return 1;
        }
        match self.user.split(',').any(|one| one == "all") {
            true => 100_000,
            false => 1 + self.user.split(',').count(),
        }
    }
}

/// A remark with its mark.
pub fn mark(text: &str) -> String {
    let text = text.trim();
    if text.starts_with('#') { text.to_owned() } else { format!("#{text}") }
}

/// Reads a file.
///
/// # Errors
/// In words, with the line: what is no rule.
pub fn parse(text: &str) -> Result<Vec<Line>, String> {
    let mut all = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, first)) = lines.next() {
        let mut line = first.to_owned();
        while line.ends_with('\\') {
            let (_, more) =
                lines.next().ok_or("The last line ended with a '\\' (line continuation).")?;
            line = format!("{line}\n{more}");
        }
        let number = at + 1;
        let why = |why: String| format!("Error in line {number}: {why}");
        let joined = line.replace("\\\n", "");
        let bare = joined.trim();
        all.push(if bare.is_empty() {
            Line::Empty
        } else if bare.starts_with('#') {
            Line::Comment(line)
        } else if bare.starts_with("include") {
            Line::Include(line)
        } else {
            let mut words = words(&joined).map_err(why)?;
            let comment = words.pop_if(|last| last.starts_with('#'));
            Line::Rule(Rule::parse(&words, &line, comment).map_err(why)?)
        });
    }
    Ok(all)
}

/// Puts rules in their order: remarks first, then the narrow before the wide, other files last.
pub fn sort(all: &mut Vec<Line>) {
    all.retain(|line| *line != Line::Empty);
    all.sort_by_cached_key(|line| match line {
        Line::Comment(_) => (0, None),
        Line::Rule(rule) => (
            1,
            Some((
                Reverse(rule.source.weight()),
                rule.database_weight(),
                rule.user_weight(),
                Reverse(rule.source.kind_weight()),
                rule.source.clone(),
                rule.text(),
            )),
        ),
        Line::Include(_) | Line::Empty => (2, None),
    });
}

/// All lines as a file.
pub fn write(all: &[Line]) -> String {
    let text = |line: &Line| match line {
        Line::Empty => String::new(),
        Line::Comment(text) | Line::Include(text) => text.clone(),
        Line::Rule(rule) => rule.text(),
    };
    all.iter().map(|line| text(line) + "\n").collect()
}
