//! Changes of a document: parts that go, come, or have another text.

use std::collections::BTreeMap;

use module::Failure;
use protocol::{Json, JsonMap, python};

use super::{
    evaluation::{Evaluation, Place},
    path,
    reading::{self, Reading},
    tree::{Document, Element, Id, Kind, Name},
};

/// Paths within paths, at most.
const DEPTH_MAX: usize = 64;

/// A document that is changed.
pub struct Change<'a> {
    pub document: &'a mut Document,
    /// Namespaces by the prefixes of paths.
    pub namespaces: &'a BTreeMap<String, String>,
}

/// Where new elements come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Within,
    Before,
    Behind,
}

/// What the last part of a path asks for.
#[derive(Debug, PartialEq)]
enum Wish {
    /// An element, with this text.
    Element(String, Option<String>),
    /// An attribute, with this value.
    Attribute(String, Option<String>),
    /// An element in which these paths hold.
    Holding(String, Vec<String>),
    /// A text.
    Text(String),
}

fn is_plain_name(text: &str) -> bool {
    let is_one = |part: &str| {
        part.starts_with(|one: char| one.is_ascii_alphabetic() || one == '-')
            && part.chars().all(|one| one.is_ascii_alphanumeric() || "_-.".contains(one))
    };
    match text.split_once(':') {
        Some((prefix, local)) => is_one(prefix) && is_one(local),
        None => is_one(text),
    }
}

/// The text between quotes.
fn quoted(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|one| ['"', '\''].contains(one))?;
    Some(text.strip_prefix(quote)?.strip_suffix(quote)?.to_owned())
}

/// A path without its last part, and what that asks for.
fn split_last(path: &str) -> Option<(&str, Wish)> {
    type Read = fn(&str) -> Option<Wish>;
    let kinds: [Read; 6] = [
        |rest| is_plain_name(rest).then(|| Wish::Element(rest.to_owned(), None)),
        |rest| {
            let (name, text) = rest.split_once("/text()=")?;
            is_plain_name(name).then_some(())?;
            Some(Wish::Element(name.to_owned(), Some(quoted(text)?)))
        },
        |rest| {
            let name = rest.strip_prefix('@').filter(|name| is_plain_name(name))?;
            Some(Wish::Attribute(name.to_owned(), None))
        },
        |rest| {
            let (name, text) = rest.strip_prefix('@')?.split_once('=')?;
            is_plain_name(name).then_some(())?;
            Some(Wish::Attribute(name.to_owned(), Some(quoted(text)?)))
        },
        |rest| {
            let (name, inner) = rest.strip_suffix(']')?.split_once('[')?;
            is_plain_name(name).then_some(())?;
            let paths = inner.split(" and ").map(|one| one.trim().to_owned()).collect();
            Some(Wish::Holding(name.to_owned(), paths))
        },
        |rest| Some(Wish::Text(quoted(rest.strip_prefix("text()=")?)?)),
    ];
    let path = path.trim();
    kinds.iter().find_map(|read| {
        path.rmatch_indices('/').find_map(|(at, _)| {
            let wish = read(path.get(at + 1..)?)?;
            Some((path.get(..at)?, wish))
        })
    })
}

impl Change<'_> {
    fn find(&self, xpath: &str, from: Place) -> Result<Vec<Place>, Failure> {
        let fail = |why: String| {
            let has_namespaces = self
                .document
                .element(self.document.root)
                .is_some_and(|root| !root.declared.is_empty());
            let hint = match has_namespaces && !xpath.contains(':') {
                true => {
                    "XML document has namespace(s) defined, but no namespace prefix(es) used in xpath!\n"
                }
                false => "",
            };
            Failure::new(format!("{hint}Xpath {xpath} causes a failure: {why}"))
        };
        let expression = path::parse(xpath).map_err(fail)?;
        let evaluation = Evaluation::new(self.document, self.namespaces);
        match evaluation.value(&expression, from).map_err(fail)? {
            super::evaluation::Value::Nodes(nodes) => Ok(nodes),
            // A comparison is no part of the document.
            _ => Ok(Vec::new()),
        }
    }

    /// The elements that a path leads to; none where its first part is none.
    fn elements(&self, xpath: &str, from: Place) -> Result<Vec<Id>, Failure> {
        let element = |place: &Place| match place {
            Place::Node(id) => self.document.element(*id).map(|_| *id),
            _ => None,
        };
        let found = self.find(xpath, from)?;
        match found.first().and_then(element) {
            None => Ok(Vec::new()),
            Some(_) => Ok(found.iter().filter_map(element).collect()),
        }
    }

    /// Takes away what a path leads to.
    ///
    /// # Errors
    /// The root, and texts, which are no parts of their own.
    pub fn delete(&mut self, xpath: &str) -> Result<(), Failure> {
        let refuse =
            |why: &str| Failure::new(format!("Couldn't delete xpath target: {xpath} ({why})"));
        let found = self.find(xpath, Place::Top)?;
        // From the last, so that attributes keep their places.
        for place in found.into_iter().rev() {
            match place {
                Place::Attribute(id, at) => {
                    if let Some(element) = self.document.element_mut(id) {
                        element.attributes.remove(at);
                    }
                }
                Place::Node(id) if self.document.kind(id).is_text() => {
                    return Err(refuse("a text cannot be removed; set the value of its element"));
                }
                Place::Node(id) if self.document.parent(id).is_some() => self.document.remove(id),
                _ => return Err(refuse("the root cannot be removed")),
            }
        }
        Ok(())
    }

    /// A name as a path or a task writes it: `local`, `prefix:local` or `{namespace}local`.
    fn name(&self, text: &str) -> Result<Name, Failure> {
        let (space, local) = match (text.strip_prefix('{'), text.split_once(':')) {
            (Some(rest), _) => rest
                .split_once('}')
                .ok_or_else(|| Failure::new(format!("Invalid tag name '{text}'")))?,
            (None, Some((prefix, local))) => {
                let space = self.namespaces.get(prefix);
                let why = || Failure::new(format!("Undefined namespace prefix {prefix}"));
                (space.map(String::as_str).ok_or_else(why)?, local)
            }
            (None, None) => ("", text),
        };
        if !reading::is_whole_name(local) || local.contains(':') {
            return Err(Failure::new(format!("Invalid tag name '{text}'")));
        }
        let (space, local) = (space.to_owned(), local.to_owned());
        Ok(Name { prefix: String::new(), local, space })
    }

    /// Gives a name the prefix that its namespace has at an element, and declares it there where
    /// it has none.
    fn settle(&mut self, at: Id, mut name: Name, is_attribute: bool) -> Name {
        if name.space.is_empty() {
            return name;
        }
        match self.document.prefix(at, &name.space, is_attribute) {
            Some(prefix) => name.prefix = prefix,
            None => {
                let free = (0..).map(|number| format!("ns{number}"));
                let mut free = free.filter(|one| self.document.space(at, one).is_none());
                name.prefix = free.next().unwrap_or_default();
                if let Some(element) = self.document.element_mut(at) {
                    element.declared.push((name.prefix.clone(), name.space.clone()));
                }
            }
        }
        name
    }

    /// A new element at a place in another, or last in it.
    fn put(&mut self, parent: Id, at: Option<usize>, name: Name) -> Id {
        let id = self.document.make(Kind::Element(Element::default()));
        match at {
            Some(at) => self.document.insert(parent, at, id),
            None => self.document.append(parent, id),
        }
        let name = self.settle(id, name, false);
        if let Some(element) = self.document.element_mut(id) {
            element.name = name;
        }
        id
    }

    fn set_attribute(&mut self, id: Id, name: Name, value: &str) {
        let known = self
            .document
            .element(id)
            .and_then(|element| element.attributes.iter().position(|(one, _)| one.is_same(&name)));
        let name = match known {
            Some(_) => name,
            None => self.settle(id, name, true),
        };
        if let Some(element) = self.document.element_mut(id) {
            match known.and_then(|at| element.attributes.get_mut(at)) {
                Some((_, old)) => value.clone_into(old),
                None => element.attributes.push((name, value.to_owned())),
            }
        }
    }

    /// Puts what a task describes into an element.
    fn build(
        &mut self,
        parent: Id,
        at: Option<usize>,
        child: &Json,
        is_xml: bool,
    ) -> Result<Id, Failure> {
        if is_xml {
            let text = python::text(child);
            let other = reading::parse(&text, Reading::default())
                .map_err(|why| Failure::new(format!("Error while parsing child element: {why}")))?;
            let id = self.document.adopt(&other, other.root);
            match at {
                Some(at) => self.document.insert(parent, at, id),
                None => self.document.append(parent, id),
            }
            return Ok(id);
        }
        let map = match child {
            Json::String(name) => {
                let name = self.name(name)?;
                return Ok(self.put(parent, at, name));
            }
            Json::Object(map) => map,
            other => {
                return Err(Failure::new(format!(
                    "Invalid child type: {}. Children must be either strings or hashes.",
                    python::text(other)
                )));
            }
        };
        let mut pairs = map.iter();
        let (Some((name, value)), None) = (pairs.next(), pairs.next()) else {
            return Err(Failure::new("Can only create children from hashes with one key"));
        };
        let name = self.name(name)?;
        let id = self.put(parent, at, name);
        match value {
            Json::Object(attributes) => self.fill(id, attributes)?,
            Json::Null => {}
            Json::Array(_) => {
                return Err(Failure::new("a list is no text of an element; lists stand under '_'"));
            }
            value => self.document.set_text(id, Some(&python::text(value))),
        }
        Ok(id)
    }

    fn fill(&mut self, id: Id, attributes: &JsonMap) -> Result<(), Failure> {
        for (name, value) in attributes {
            if name != "_" {
                let name = self.name(name)?;
                self.set_attribute(id, name, &python::text(value));
                continue;
            }
            let Json::Array(children) = value else {
                return Err(Failure::new("Invalid children type: must be list."));
            };
            for child in children {
                self.build(id, None, child, false)?;
            }
        }
        Ok(())
    }

    /// Makes new elements all that is in those that a path leads to.
    ///
    /// # Errors
    /// What is no element.
    pub fn set_children(&mut self, xpath: &str, all: &[Json], is_xml: bool) -> Result<(), Failure> {
        for id in self.elements(xpath, Place::Top)? {
            for old in self.document.items(id) {
                self.document.remove(old);
            }
            for child in all {
                self.build(id, None, child, is_xml)?;
            }
        }
        Ok(())
    }

    /// Puts new elements into the last of those that a path leads to, or beside them.
    ///
    /// # Errors
    /// What is no element.
    pub fn add_children(
        &mut self,
        xpath: &str,
        all: &[Json],
        is_xml: bool,
        side: Side,
    ) -> Result<(), Failure> {
        let found = self.elements(xpath, Place::Top)?;
        let one = if side == Side::Before { found.first() } else { found.last() };
        let Some(&one) = one else { return Ok(()) };
        if side == Side::Within {
            for child in all {
                self.build(one, None, child, is_xml)?;
            }
            return Ok(());
        }
        let parent = self.document.parent(one);
        let parent = parent.ok_or_else(|| Failure::new("nothing can stand beside the root"))?;
        let children = self.document.children(parent);
        let own = children.iter().position(|child| *child == one).unwrap_or(0);
        let at = match side {
            Side::Before => own,
            // Behind it, and the text up to the next element.
            _ => {
                let texts = children.iter().skip(own + 1);
                let texts = texts.take_while(|child| self.document.kind(**child).is_text());
                own + 1 + texts.count()
            }
        };
        for (offset, child) in all.iter().enumerate() {
            self.build(parent, Some(at + offset), child, is_xml)?;
        }
        Ok(())
    }

    /// Sets the text, or an attribute, of the elements that a path leads to, which are made where
    /// they are not there.
    ///
    /// # Errors
    /// A path that says no element to make.
    pub fn set_value(
        &mut self,
        xpath: &str,
        attribute: Option<&str>,
        value: &str,
    ) -> Result<(), Failure> {
        self.make(xpath)?;
        let found = self.elements(xpath, Place::Top)?;
        if found.is_empty() {
            return Err(Failure::new(format!("Xpath {xpath} does not reference a node!")));
        }
        for id in found {
            match attribute {
                Some(name) => {
                    let name = self.name(name)?;
                    self.set_attribute(id, name, value);
                }
                None if self.document.text(id).as_deref() != Some(value) => {
                    self.document.set_text(id, Some(value));
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Makes what a path leads to, where it is not there.
    ///
    /// # Errors
    /// A path that does not say what to make.
    pub fn make(&mut self, xpath: &str) -> Result<(), Failure> {
        self.make_from(xpath, Place::Top, 0)
    }

    fn make_from(&mut self, xpath: &str, from: Place, depth: usize) -> Result<(), Failure> {
        // What is an element is there. An attribute or a text may still have another value.
        if depth > DEPTH_MAX || !self.elements(xpath, from)?.is_empty() {
            return Ok(());
        }
        let Some((inner, wish)) = split_last(xpath).filter(|(inner, _)| !inner.is_empty()) else {
            return Err(Failure::new(format!(
                "Can't process Xpath {xpath} in order to spawn nodes!"
            )));
        };
        self.make_from(inner, from, depth + 1)?;
        for id in self.elements(inner, from)? {
            match &wish {
                Wish::Element(name, text) => {
                    let name = self.name(name)?;
                    let new = self.put(id, None, name);
                    if text.is_some() {
                        self.document.set_text(new, text.as_deref());
                    }
                }
                Wish::Holding(name, paths) => {
                    let name = self.name(name)?;
                    let new = self.put(id, None, name);
                    for path in paths {
                        self.make_from(&format!("./{path}"), Place::Node(new), depth + 1)?;
                    }
                }
                Wish::Attribute(name, value) => {
                    let name = self.name(name)?;
                    let is_there = self.document.element(id).is_some_and(|element| {
                        element.attributes.iter().any(|(one, _)| one.is_same(&name))
                    });
                    if !is_there || value.is_some() {
                        self.set_attribute(id, name, value.as_deref().unwrap_or_default());
                    }
                }
                Wish::Text(text) => {
                    if self.document.text(id).as_deref() != Some(text) {
                        self.document.set_text(id, Some(text));
                    }
                }
            }
        }
        Ok(())
    }
}
