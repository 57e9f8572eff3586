//! The lookup `ini`: values of files that Python's configparser reads.

use super::{
    files::not_found,
    inline::{Inline, read_encoded, take_apart},
};
use crate::{
    engine::{Lookup, LookupCall},
    error::{ErrorKind, Result, TemplateError},
    filters::truth::boolean,
    value::Value,
};

pub(super) const LOOKUPS: &[Lookup] = &[Lookup { name: "ini", home: "", run: ini }];

const OPTIONS: &[&str] = &[
    "type",
    "file",
    "section",
    "re",
    "encoding",
    "default",
    "case_sensitive",
    "allow_no_value",
    "allow_none",
    "interpolation",
];

/// The section that a properties file, which has none, is read as.
const PROPERTIES: &str = "java_properties";

/// The section whose entries all others have too.
const DEFAULT: &str = "DEFAULT";

fn failure(message: impl Into<String>) -> TemplateError {
    TemplateError::new(ErrorKind::Lookup, message)
}

fn ini(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    let mut given: Vec<(&str, Value)> = Vec::new();
    for name in OPTIONS {
        if let Some(value) = call.option(name)? {
            given.push((name, value));
        }
    }
    let terms = call.text_terms()?;
    let surroundings = call.scope.surroundings();
    let mut values = Vec::new();
    for term in terms {
        let inline = if term.contains('=') || term.trim().contains(' ') {
            take_apart(&term, OPTIONS)?
        } else {
            Inline { key: term.clone(), options: Vec::new() }
        };
        if inline.key.is_empty() {
            return Err(failure(format!(
                "No key to lookup was provided as first term with in string inline options: {term}"
            )));
        }
        let option = |name: &str| -> Option<Value> {
            let given = || given.iter().find(|(known, _)| *known == name).map(|(_, v)| v.clone());
            inline.option(name).map(Value::from).or_else(given)
        };
        let text = |name: &str, fallback: &str| {
            option(name).map_or_else(|| fallback.to_owned(), |value| value.to_string())
        };
        let flag = |name: &str, fallback: bool| {
            option(name).map_or(fallback, |v| boolean(&v).unwrap_or_else(|| v.truthy()))
        };
        let is_properties = match text("type", "ini").as_str() {
            "ini" => false,
            "properties" => true,
            other => {
                return Err(failure(format!(
                    "the type of file is '{other}': it is ini or properties"
                )));
            }
        };
        let name = text("file", "ansible.ini");
        let path = surroundings.find("files", &name).ok_or_else(|| not_found(&name))?;
        let mut content = read_encoded(surroundings, &path, &text("encoding", "utf-8"))?;
        let section = if is_properties {
            content.insert_str(0, &format!("[{PROPERTIES}]\n"));
            PROPERTIES.to_owned()
        } else {
            text("section", "global")
        };
        let parser = Parser {
            source: path.display().to_string(),
            keeps_case: flag("case_sensitive", false),
            allows_no_value: flag("allow_no_value", false) || flag("allow_none", false),
            interpolates: flag("interpolation", true),
        };
        let sections = parser.parse(&content)?;
        let entries = sections.entries(&section)?;
        if flag("re", false) {
            let pattern = crate::filters::regex::pattern(&inline.key, false, false)?;
            for (name, _) in &entries {
                if pattern.match_(name).is_ok_and(|found| found.is_some()) {
                    values.extend(parser.value(&entries, name, &section)?.flatten());
                }
            }
            continue;
        }
        match parser.value(&entries, &parser.option_name(&inline.key), &section)? {
            Some(value) => values.extend(value),
            None => values.push(option("default").unwrap_or_else(|| Value::from(""))),
        }
    }
    Ok(values)
}

/// A value that is there, and `None` inside it where it is a key alone.
type Found = Option<Option<Value>>;

struct Parser {
    source: String,
    keeps_case: bool,
    allows_no_value: bool,
    interpolates: bool,
}

/// Entries by section, in the order of the file.
#[derive(Default)]
struct Sections {
    all: Vec<(String, Vec<Entry>)>,
}

/// A key and its value, which a key alone does not have.
type Entry = (String, Option<String>);

impl Sections {
    /// The entries of a section, those of `DEFAULT` before them.
    fn entries(&self, section: &str) -> Result<Vec<Entry>> {
        let of = |name: &str| self.all.iter().find(|(known, _)| known == name).map(|(_, e)| e);
        let own = of(section).ok_or_else(|| failure(format!("No section: '{section}'")))?;
        let mut entries: Vec<Entry> = Vec::new();
        let defaults = if section == DEFAULT { None } else { of(DEFAULT) };
        for entry in defaults.into_iter().flatten().chain(own) {
            match entries.iter_mut().find(|(name, _)| *name == entry.0) {
                Some(known) => known.1.clone_from(&entry.1),
                None => entries.push(entry.clone()),
            }
        }
        Ok(entries)
    }
}

impl Parser {
    fn option_name(&self, name: &str) -> String {
        if self.keeps_case { name.to_owned() } else { name.to_lowercase() }
    }

    fn parse(&self, text: &str) -> Result<Sections> {
        let mut sections = Sections::default();
        let mut indent = 0;
        let mut is_in_value = false;
        for (number, line) in text.lines().enumerate() {
            let number = number + 1;
            let trimmed = line.trim();
            if trimmed.starts_with(['#', ';']) {
                continue;
            }
            let current = sections.all.last_mut().map(|(_, entries)| entries);
            if trimmed.is_empty() {
                // An empty line may stand inside a value of several lines.
                if let (true, Some(Some((_, Some(value))))) =
                    (is_in_value, current.map(|entries| entries.last_mut()))
                {
                    value.push('\n');
                }
                continue;
            }
            let depth = line.len() - line.trim_start().len();
            if is_in_value
                && depth > indent
                && let Some(Some((_, value))) = current.map(|entries| entries.last_mut())
            {
                let Some(value) = value else {
                    return Err(self.broken(number, line));
                };
                value.push('\n');
                value.push_str(trimmed);
                continue;
            }
            indent = depth;
            if let Some(name) = section_name(trimmed) {
                if sections.all.iter().any(|(known, _)| known == name) && name != DEFAULT {
                    return Err(failure(format!(
                        "While reading from '{}' [line {number:2}]: section '{name}' already exists",
                        self.source
                    )));
                }
                sections.all.push((name.to_owned(), Vec::new()));
                is_in_value = false;
                continue;
            }
            let Some((section, entries)) = sections.all.last_mut() else {
                return Err(failure(format!(
                    "File contains no section headers. file: '{}', line: {number} {line:?}",
                    self.source
                )));
            };
            let (name, value) = match trimmed.split_once(['=', ':']) {
                Some((name, value)) => (name.trim_end(), Some(value.trim_start().to_owned())),
                None if self.allows_no_value => (trimmed, None),
                None => return Err(self.broken(number, line)),
            };
            if name.is_empty() {
                return Err(self.broken(number, line));
            }
            let name = self.option_name(name);
            if entries.iter().any(|(known, _)| *known == name) {
                return Err(failure(format!(
                    "Duplicate option in '{}': While reading from '{}' [line {number:2}]: option \
                     '{name}' in section '{section}' already exists",
                    self.source, self.source
                )));
            }
            entries.push((name, value));
            is_in_value = true;
        }
        for (_, value) in sections.all.iter_mut().flat_map(|(_, entries)| entries) {
            if let Some(value) = value {
                value.truncate(value.trim_end().len());
            }
        }
        Ok(sections)
    }

    fn broken(&self, number: usize, line: &str) -> TemplateError {
        failure(format!(
            "Source contains parsing errors: '{}' [line {number:2}]: {line:?}",
            self.source
        ))
    }

    /// The value of an entry, what it names put in.
    fn value(&self, entries: &[Entry], name: &str, section: &str) -> Result<Found> {
        const DEPTH_MAX: usize = 10;
        match entries.iter().find(|(known, _)| known == name) {
            None => Ok(None),
            Some((_, None)) => Ok(Some(None)),
            Some((_, Some(value))) if !self.interpolates => Ok(Some(Some(value.as_str().into()))),
            Some((name, Some(value))) => {
                let place = Place { section, name, entries };
                self.interpolated(&place, value, DEPTH_MAX).map(|text| Some(Some(text.into())))
            }
        }
    }

    fn interpolated(&self, place: &Place<'_>, value: &str, depth: usize) -> Result<String> {
        if depth == 0 {
            return Err(failure(format!(
                "Recursion limit exceeded in value substitution: option '{}' in section '{}'",
                place.name, place.section
            )));
        }
        let mut result = String::new();
        let mut rest = value;
        while let Some((before, after)) = rest.split_once('%') {
            result.push_str(before);
            if let Some(after) = after.strip_prefix('%') {
                result.push('%');
                rest = after;
            } else if let Some((name, after)) =
                after.strip_prefix('(').and_then(|after| after.split_once(")s"))
            {
                let name = self.option_name(name);
                let known = place.entries.iter().find(|(known, _)| *known == name);
                let Some((_, Some(value))) = known else {
                    return Err(failure(format!(
                        "Bad value substitution: option '{}' in section '{}' contains an \
                         interpolation key '{name}' which is not a valid option name",
                        place.name, place.section
                    )));
                };
                result.push_str(&self.interpolated(place, value, depth - 1)?);
                rest = after;
            } else {
                return Err(failure(format!(
                    "'%' must be followed by '%' or '(', found: '%{after}'"
                )));
            }
        }
        result.push_str(rest);
        Ok(result)
    }
}

/// Which value is being put together.
struct Place<'a> {
    section: &'a str,
    name: &'a str,
    entries: &'a [Entry],
}

/// The name in a line such as `[name]`.
fn section_name(line: &str) -> Option<&str> {
    let name = line.strip_prefix('[')?;
    let end = name.rfind(']')?;
    name.get(..end).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARSER: Parser = Parser {
        source: String::new(),
        keeps_case: false,
        allows_no_value: false,
        interpolates: true,
    };

    fn read(parser: &Parser, text: &str, section: &str, key: &str) -> Result<String> {
        let sections = parser.parse(text)?;
        let entries = sections.entries(section)?;
        let found = parser.value(&entries, &parser.option_name(key), section)?;
        Ok(match found {
            None => "missing".into(),
            Some(None) => "bare".into(),
            Some(Some(value)) => value.to_string(),
        })
    }

    #[test]
    fn values_are_read_as_configparser_reads_them() {
        let text = "[DEFAULT]\nbase = /srv\n[a]\nKey: %(base)s/x ; kept\nlong = 1\n  2\n\n  3\n\n[b c]\nx=%%\n";
        let cases = [
            ("a", "KEY", "/srv/x ; kept"),
            ("a", "long", "1\n2\n\n3"),
            ("b c", "x", "%"),
            ("b c", "base", "/srv"),
            ("b c", "y", "missing"),
        ];
        for (section, key, expected) in cases {
            assert_eq!(read(&PARSER, text, section, key).unwrap(), expected, "{section} {key}");
        }
        let lenient = Parser { allows_no_value: true, interpolates: false, ..PARSER };
        assert_eq!(read(&lenient, "[a]\nalone\nx=%u\n", "a", "alone").unwrap(), "bare");
        assert_eq!(read(&lenient, "[a]\nalone\nx=%u\n", "a", "x").unwrap(), "%u");
    }

    #[test]
    fn what_configparser_refuses_is_refused() {
        let cases = [
            ("[a]\nx=1\nX=2\n", "Duplicate option in"),
            ("[a]\n[a]\n", "section 'a' already exists"),
            ("x=1\n", "File contains no section headers"),
            ("[a]\nalone\n", "Source contains parsing errors"),
            ("[b]\n", "No section: 'a'"),
            ("[a]\nx=%u\n", "'%' must be followed by '%' or '('"),
            ("[a]\nx=%(y)s\n", "Bad value substitution"),
            ("[a]\nx=%(x)s\n", "Recursion limit exceeded"),
        ];
        for (text, expected) in cases {
            let error = read(&PARSER, text, "a", "x").unwrap_err();
            assert!(error.message().contains(expected), "{text:?}: {error}");
        }
    }
}
