//! The filter `urlize`: addresses in a text become links.

use pyregex::{Flags, Pattern};

use super::{filter, text::escaped};
use crate::{
    engine::{Call, Filter},
    error::{Result, TemplateError},
    filters::regex,
    value::{Arguments, Value, object::int_argument},
};

pub(super) const FILTERS: &[Filter] = &[filter("urlize", urlize)];

/// What is taken for an address of the web: a scheme or `www.` and a domain, a domain under one of
/// the old top-level domains, or a scheme and an IP address; then a port and a path.
const ADDRESS: &str = concat!(
    r"^((https?://|www\.)(([\w%-]+\.)+)?([a-z]{2,63}|xn--[\w%]{2,59})",
    r"|([\w%-]{2,63}\.)+(com|net|int|edu|gov|org|info|mil)",
    r"|(https?://)((\d{1,3}(\.\d{1,3}){3})|(\[([\da-f]{0,4}:){2}([\da-f]{0,4}:?){1,6}\])))",
    r"(?::\d{1,5})?(?:[/?#]\S*)?$"
);
const MAIL: &str = r"^\S+@\w[\w.-]*\.\w+$";

/// Brackets that may stand around an address, as they are after escaping.
const BRACKETS: [(&str, &str); 3] = [("(", ")"), ("<", ">"), ("&lt;", "&gt;")];

/// What ends a sentence and belongs to no address.
const ENDINGS: [&str; 6] = [")", ">", ".", ",", "\n", "&gt;"];

struct Links {
    address: Pattern,
    mail: Pattern,
    limit: Option<usize>,
    attributes: String,
    schemes: Vec<String>,
}

fn urlize(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let names = ["trim_url_limit", "nofollow", "target", "rel", "extra_schemes"];
    let [limit, nofollow, target, rel, schemes] = arguments.bind("urlize", names, 0)?;
    let given = |value: Option<Value>| value.filter(|value| !value.is_none());
    let compile = |pattern: &str, flags| {
        Pattern::new(pattern, flags).map_err(|error| regex::failure(pattern, &error))
    };
    let mut words: Vec<String> = given(rel)
        .map(|rel| rel.to_string().split_whitespace().map(str::to_owned).collect())
        .unwrap_or_default();
    words.push("noopener".into());
    if nofollow.is_some_and(|flag| flag.truthy()) {
        words.push("nofollow".into());
    }
    words.sort();
    words.dedup();
    let mut attributes = format!(" rel=\"{}\"", escaped(&words.join(" ")));
    if let Some(target) = given(target) {
        attributes.push_str(&format!(" target=\"{}\"", escaped(&target.to_string())));
    }
    let schemes: Vec<String> = match given(schemes) {
        Some(list) => list.elements()?.iter().map(ToString::to_string).collect(),
        None => Vec::new(),
    };
    let scheme = compile(r"^([\w.+-]{2,}:(/){0,2})$", Flags::default())?;
    for name in &schemes {
        if !scheme.is_match(name).unwrap_or(false) {
            return Err(TemplateError::of_value(format!(
                "'{name}' is not a valid URI scheme prefix."
            )));
        }
    }
    let limit = match given(limit) {
        Some(limit) => usize::try_from(int_argument("urlize", "trim_url_limit", &limit)?).ok(),
        None => None,
    };
    let links = Links {
        address: compile(ADDRESS, Flags { ignore_case: true, ..Flags::default() })?,
        mail: compile(MAIL, Flags::default())?,
        limit,
        attributes,
        schemes,
    };
    let text = escaped(&value.to_string());
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let word_end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, after) = rest.split_at(word_end);
        out.push_str(&links.word(word));
        let blank_end = after.find(|c: char| !c.is_whitespace()).unwrap_or(after.len());
        let (blank, after) = after.split_at(blank_end);
        out.push_str(blank);
        rest = after;
    }
    Ok(Value::from(out))
}

impl Links {
    fn word(&self, word: &str) -> String {
        let mut middle = word;
        while let Some(rest) = ["(", "<", "&lt;"].iter().find_map(|open| middle.strip_prefix(open))
        {
            middle = rest;
        }
        let head = word.get(..word.len() - middle.len()).unwrap_or("");
        let without_head = middle;
        while let Some(rest) = ENDINGS.iter().find_map(|end| middle.strip_suffix(end)) {
            middle = rest;
        }
        // Brackets that the address itself has opened are closed by what follows it.
        let mut end = middle.len();
        for (open, close) in BRACKETS {
            let (inner, mut tail) = without_head.split_at(end);
            let opened = inner.matches(open).count();
            if opened <= inner.matches(close).count() {
                continue;
            }
            for _ in 0..opened.min(tail.matches(close).count()) {
                let Some(at) = tail.find(close) else { break };
                end += at + close.len();
                tail = tail.get(at + close.len()..).unwrap_or("");
            }
        }
        let (middle, tail) = without_head.split_at(end);
        format!("{head}{}{tail}", self.link(middle))
    }

    fn link(&self, text: &str) -> String {
        let attributes = &self.attributes;
        let fits = |pattern: &Pattern, text: &str| pattern.is_match(text).unwrap_or(false);
        if fits(&self.address, text) {
            let scheme = if text.starts_with("https://") || text.starts_with("http://") {
                ""
            } else {
                "https://"
            };
            return format!("<a href=\"{scheme}{text}\"{attributes}>{}</a>", self.trimmed(text));
        }
        if let Some(mail) = text.strip_prefix("mailto:").filter(|mail| fits(&self.mail, mail)) {
            return format!("<a href=\"{text}\">{mail}</a>");
        }
        let is_mail = text.contains('@') && !text.starts_with("www.") && !text.contains(':');
        if is_mail && fits(&self.mail, text) {
            return format!("<a href=\"mailto:{text}\">{text}</a>");
        }
        if self.schemes.iter().any(|scheme| text != scheme && text.starts_with(scheme.as_str())) {
            return format!("<a href=\"{text}\"{attributes}>{text}</a>");
        }
        text.to_owned()
    }

    fn trimmed(&self, text: &str) -> String {
        match self.limit {
            Some(limit) if text.chars().count() > limit => {
                text.chars().take(limit).chain("...".chars()).collect()
            }
            _ => text.to_owned(),
        }
    }
}
