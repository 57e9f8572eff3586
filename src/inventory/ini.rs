//! Inventories in Ansible's INI form.
//!
//! ```text
//! lone.example.org ansible_port=2222
//! [web]
//! web[01:20]
//! [web:vars]
//! tier = front
//! [prod:children]
//! web
//! ```
//!
//! Values are Python literals where they read as such, and text otherwise.

use std::sync::Arc;

use source::{Diagnostic, Diagnostics, Place, SourceFile, Span};
use template::{Engine, Tree, Value};

use crate::{Inventory, Vars, host_range, load::codes};

/// Reads a file into an inventory. Every line that is wrong is noted with its place.
pub fn read(
    file: &Arc<SourceFile>,
    engine: &Engine,
    inventory: &mut Inventory,
    diagnostics: &mut Diagnostics,
) {
    let mut reader = Reader {
        file,
        engine,
        inventory,
        diagnostics,
        section: Section::Hosts("ungrouped".into()),
        pending: Vec::new(),
        declared: Vec::new(),
    };
    let mut byte = 0;
    for (number, line) in file.text.split('\n').enumerate() {
        reader.line(line.trim_end_matches('\r'), number, byte);
        byte += line.len() + 1;
    }
    reader.finish();
}

enum Section {
    Hosts(String),
    Children(String),
    Vars(String),
    /// A section whose head is wrong, whose lines are passed over.
    Broken,
}

struct Reader<'a> {
    file: &'a Arc<SourceFile>,
    engine: &'a Engine,
    inventory: &'a mut Inventory,
    diagnostics: &'a mut Diagnostics,
    section: Section,
    /// Groups that are used before they are declared, the group that has them as children, if it is
    /// one, and where.
    pending: Vec<(String, Option<String>, Span)>,
    declared: Vec<String>,
}

impl Reader<'_> {
    fn line(&mut self, line: &str, number: usize, byte: usize) {
        let text = line.trim();
        if text.is_empty() || text.starts_with(['#', ';']) {
            return;
        }
        let indent = line.len() - line.trim_start().len();
        let place = |column: usize| Place {
            line: u32::try_from(number + 1).unwrap_or(u32::MAX),
            column: u32::try_from(line[..column].chars().count() + 1).unwrap_or(u32::MAX),
            byte: byte + column,
        };
        let span = Span {
            file: Arc::clone(self.file),
            start: place(indent),
            end: place(indent + text.len()),
        };
        if let Some(head) = section_head(text) {
            self.head(head, &span);
            return;
        }
        if text.starts_with('[') && !text.contains(':') && !text.contains(' ') {
            self.wrong(&span, format!("Invalid section entry: '{text}'. Please make sure that there are no spaces in the section entry, and that there are no other invalid characters"));
            self.section = Section::Broken;
            return;
        }
        match &self.section {
            Section::Hosts(group) => {
                let group = group.clone();
                self.host_line(text, &group, &span);
            }
            Section::Children(group) => {
                let group = group.clone();
                self.child_line(text, &group, &span);
            }
            Section::Vars(group) => {
                let group = group.clone();
                self.vars_line(text, &group, &span);
            }
            Section::Broken => {}
        }
    }

    fn head(&mut self, head: &str, span: &Span) {
        let (group, kind) = match head.rsplit_once(':') {
            Some((group, kind)) => (group, Some(kind)),
            None => (head, None),
        };
        let group = self.inventory.names.kept(group);
        self.section = match kind {
            None => {
                self.declare(&group);
                Section::Hosts(group)
            }
            Some("children") => {
                self.declare(&group);
                Section::Children(group)
            }
            Some("vars") => {
                if !self.inventory.groups.contains_key(group.as_str()) {
                    self.pending.push((group.clone(), None, span.clone()));
                }
                self.inventory.add_group(&group);
                Section::Vars(group)
            }
            Some(kind) => {
                self.wrong(span, format!("Section [{head}] has unknown type: {kind}"));
                Section::Broken
            }
        };
    }

    fn declare(&mut self, group: &str) {
        self.inventory.add_group(group);
        self.declared.push(group.to_owned());
    }

    fn host_line(&mut self, text: &str, group: &str, span: &Span) {
        let words = match shell_words(text) {
            Ok(words) => words,
            Err(why) => {
                self.wrong(span, format!("Error parsing host definition '{text}': {why}"));
                return;
            }
        };
        let Some((pattern, rest)) = words.split_first() else { return };
        let mut vars = Vars::new();
        for word in rest {
            let Some((name, value)) = word.split_once('=') else {
                self.wrong(
                    span,
                    format!("Expected key=value host variable assignment, got: {word}"),
                );
                return;
            };
            if let Some(tree) = self.value(value, span) {
                vars.insert(name.into(), tree);
            }
        }
        let (pattern, port) = host_range::split_port(pattern);
        match host_range::expand(pattern) {
            Ok(hosts) => {
                for host in hosts {
                    self.add_host(&host, group, port, &vars, span);
                }
            }
            Err(error) => self.wrong(span, error.to_string()),
        }
    }

    fn add_host(&mut self, host: &str, group: &str, port: Option<u16>, vars: &Vars, span: &Span) {
        if host.is_empty() || host.starts_with("---") {
            self.wrong(span, format!("Invalid host pattern '{host}' supplied"));
            return;
        }
        self.inventory.add_host_to_group(host, group);
        let host = self.inventory.add_host(host);
        if let Some(port) = port {
            host.vars.insert("ansible_port".into(), Tree::Value(Value::Int(i64::from(port))));
        }
        host.vars.extend(vars.iter().map(|(name, tree)| (Arc::clone(name), tree.clone())));
    }

    fn child_line(&mut self, text: &str, group: &str, span: &Span) {
        let name = text.split(['#', ';']).next().unwrap_or("").trim();
        if name.contains(char::is_whitespace) {
            self.wrong(span, format!("Expected group name, got: {text}"));
            return;
        }
        let name = self.inventory.names.kept(name);
        if !self.inventory.groups.contains_key(name.as_str()) {
            self.pending.push((name.clone(), Some(group.to_owned()), span.clone()));
        }
        if let Err(error) = self.inventory.add_child(group, &name) {
            self.wrong(span, error.to_string());
        }
    }

    fn vars_line(&mut self, text: &str, group: &str, span: &Span) {
        let Some((name, value)) = text.split_once('=') else {
            self.wrong(span, format!("Expected key=value, got: {text}"));
            return;
        };
        let Some(tree) = self.value(value.trim(), span) else { return };
        let name = name.trim();
        crate::load::set_group_var(self.inventory.add_group(group), name, tree);
    }

    fn value(&mut self, text: &str, span: &Span) -> Option<Tree> {
        match parse_value(text, self.engine) {
            Ok(tree) => Some(tree),
            Err(error) => {
                let mut diagnostic = error.diagnostic(codes::TEMPLATE);
                diagnostic.span = Some(span.clone());
                self.diagnostics.push(diagnostic);
                None
            }
        }
    }

    fn wrong(&mut self, span: &Span, message: String) {
        self.diagnostics.push(Diagnostic::error(codes::LINE, span, message));
    }

    fn finish(self) {
        for (group, parent, span) in self.pending {
            if self.declared.contains(&group) {
                continue;
            }
            let message = match parent {
                None => format!("Section [{group}:vars] not valid for undefined group: {group}"),
                Some(parent) => {
                    format!("Section [{parent}:children] includes undefined group: {group}")
                }
            };
            let known = self.declared.iter().map(String::as_str);
            self.diagnostics
                .push(Diagnostic::error(codes::LINE, &span, message).nearest(&group, known));
        }
    }
}

/// `[name]` and `[name:kind]`, with a comment behind it or not.
fn section_head(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('[')?;
    let (head, after) = inside.split_once(']')?;
    let after = after.trim_start();
    let is_head = !head.is_empty()
        && !head.contains(char::is_whitespace)
        && (after.is_empty() || after.starts_with(['#', ';']));
    // `[1:3]` alone is a range of hosts, not a section.
    let is_range = head.split(':').all(|part| part.parse::<u64>().is_ok()) && head.contains(':');
    (is_head && !is_range).then_some(head)
}

/// A value: a Python literal where it reads as one, otherwise text, which may be a template.
pub fn parse_value(text: &str, engine: &Engine) -> template::Result<Tree> {
    let written =
        |text: &str| Tree::from_text(text, engine).or_else(|error| Tree::awaiting(text, error));
    match template::literal_eval::parse(text) {
        Some(Value::Str(text)) => written(&text),
        Some(value) => Tree::from_trusted(&value, engine),
        None => written(text),
    }
}

/// Splits a line as a POSIX shell does; `#` at the start of a word begins a comment.
pub fn shell_words(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some('\'') => break,
                        Some(character) => word.push(character),
                        None => return Err("No closing quotation"),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some('"') => break,
                        Some('\\') => match characters.next() {
                            Some(escaped @ ('"' | '\\')) => word.push(escaped),
                            Some(other) => word.extend(['\\', other]),
                            None => return Err("No closing quotation"),
                        },
                        Some(character) => word.push(character),
                        None => return Err("No closing quotation"),
                    }
                }
            }
            '\\' => match characters.next() {
                Some(escaped) => word.get_or_insert_default().push(escaped),
                None => return Err("No escaped character"),
            },
            '#' => {
                // Python's shlex ends a word at `#` too.
                break;
            }
            character if character.is_whitespace() => words.extend(word.take()),
            character => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    Ok(words)
}
