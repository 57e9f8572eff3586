//! The `xml` module of the collection `community.general`.

mod change;
mod evaluation;
mod path;
mod reading;
mod tree;
mod writing;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, path::PathBuf};

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Guard, Host, Mode, Placement,
    Returned,
};
use protocol::{Diff, Json, JsonMap, Response, diff::Side, python};
use serde_json::json;

use crate::{copy::back_up, presence::Presence};
use change::Change;
use evaluation::{Evaluation, Place};
use reading::Reading;
use tree::{Document, Kind};
use writing::Layout;

/// Keeps parts of an XML document, found by XPath, or reads them.
#[derive(Debug, Arguments)]
#[arguments(
    mutually_exclusive(
        ["add_children", "content", "count", "print_match", "set_children", "value"],
        ["path", "xmlstring"],
        ["insertbefore", "insertafter"]
    ),
    required_one_of(["path", "xmlstring"]),
    required_by(
        ("add_children", ["xpath"]),
        ("attribute", ["value"]),
        ("content", ["xpath"]),
        ("set_children", ["xpath"]),
        ("value", ["xpath"])
    )
)]
pub struct Xml {
    /// The file.
    #[argument(aliases("dest", "file"))]
    path: Option<PathBuf>,
    /// A document that is no file's; what becomes of it is returned.
    xmlstring: Option<String>,
    /// The parts, by XPath 1.0.
    xpath: Option<String>,
    /// Namespaces by the prefixes that `xpath` uses.
    namespaces: Option<JsonMap>,
    /// Whether the parts should be there.
    #[argument(default = "present", aliases("ensure"))]
    state: Presence,
    /// The attribute that `value` is for.
    attribute: Option<Json>,
    /// The text of the parts, or of their attribute.
    value: Option<Json>,
    /// Elements that come into the parts: names, dicts of a name with its text or its attributes
    /// (`_` is the list of what is in it), or texts of XML.
    add_children: Option<Vec<Json>>,
    /// Elements that are all that the parts have in them.
    set_children: Option<Vec<Json>>,
    /// Whether the parts are only counted.
    count: Option<bool>,
    /// Whether the parts' own paths are only returned.
    print_match: Option<bool>,
    /// Whether the document is laid out in lines.
    #[argument(default = false)]
    pretty_print: bool,
    /// What of the parts is only read.
    content: Option<Content>,
    /// What new elements are written in.
    #[argument(default = "yaml")]
    input_type: InputType,
    /// Whether the old file is kept beside the new one.
    #[argument(default = false)]
    backup: bool,
    /// Whether marks of texts without markup go.
    #[argument(default = false)]
    strip_cdata_tags: bool,
    /// Whether new elements come before the first of the parts, and not into them.
    insertbefore: Option<bool>,
    /// Whether they come behind the last of the parts.
    insertafter: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Content {
    Attribute,
    Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum InputType {
    Xml,
    Yaml,
}

impl Documented for Xml {
    const NAME: &'static str = "community.general.xml";
    const ALIASES: &'static [&'static str] = &["xml"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A text",
            args: r#"{"path": "/etc/bar.xml", "xpath": "/business/rating", "value": "11"}"#,
        },
        Example {
            title: "No such attribute",
            args: r#"{"path": "/etc/bar.xml", "xpath": "/business/rating/@subjective", "state": "absent"}"#,
        },
        Example {
            title: "How many there are",
            args: r#"{"path": "/etc/bar.xml", "xpath": "/business/beers/beer", "count": true}"#,
        },
        Example {
            title: "What is in an element",
            args: r#"{"path": "/etc/bar.xml", "xpath": "/business/beers", "set_children": [{"beer": "Old Rasputin"}, {"beer": {"name": "Old Motor Oil"}}]}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new(
            "actions",
            "What was looked for.",
            "success",
            r#"{"xpath": "/a", "namespaces": {}, "state": "present"}"#,
        ),
        Returned::new("count", "How many parts there are.", "with count", "2"),
        Returned::new("matches", "The parts.", "with content", r#"[{"beer": "Old"}]"#),
        Returned::new("xmlstring", "The document.", "with xmlstring", r#""<a/>""#),
        Returned::new("backup_file", "Where the old file is.", "changed, with backup", r#""/a~""#),
    ];
}

/// What is done to a document, and what is said of it.
#[derive(Debug)]
struct Work {
    before: Document,
    after: Document,
    changed: bool,
    msg: Option<String>,
    count: Option<usize>,
    matches: Option<Vec<Json>>,
}

/// A document as it is compared: blanks between elements and marks of texts mean nothing.
fn compared(document: &Document) -> String {
    let mut copy = document.clone();
    let mut all = vec![copy.root];
    while let Some(id) = all.pop() {
        all.extend(copy.children(id).to_vec());
        if let Some(kind) = copy.kind_mut(id)
            && let Kind::CData(text) = kind
        {
            *kind = Kind::Text(std::mem::take(text));
        }
    }
    copy.remove_blanks(copy.root);
    writing::node(&copy, copy.root)
}

impl Xml {
    fn layout(&self) -> Layout {
        if self.pretty_print { Layout::Pretty } else { Layout::Plain }
    }

    fn source(&self, host: &dyn Host) -> Result<String, Failure> {
        let (Some(path), None) = (&self.path, &self.xmlstring) else {
            return Ok(self.xmlstring.clone().unwrap_or_default());
        };
        let shown = path.display();
        if !host.metadata(path)?.is_some_and(|found| found.is_file()) {
            return Err(Failure::new(format!("The target XML source '{shown}' does not exist.")));
        }
        let bytes = host.read(path)?.unwrap_or_default();
        String::from_utf8(bytes).map_err(|_| {
            Failure::new(format!("{shown} is no text in UTF-8, others are not implemented"))
        })
    }

    fn namespaces(&self) -> BTreeMap<String, String> {
        let all = self.namespaces.iter().flatten();
        all.map(|(prefix, space)| (prefix.clone(), python::text(space))).collect()
    }

    fn parse(&self, text: &str) -> Result<Document, Failure> {
        let reading = Reading { strips_cdata: self.strip_cdata_tags };
        let mut document = reading::parse(text, reading).map_err(|why| {
            let name = self.path.as_ref().map(|path| path.display().to_string());
            let name = name.unwrap_or_else(|| "xml_string".into());
            Failure::new(format!("Error while parsing document: {name} ({why})"))
        })?;
        if self.pretty_print {
            document.remove_blanks(document.root);
        }
        Ok(document)
    }

    /// What is only read; `None` where the task changes something.
    fn read(&self, document: &Document, xpath: &str) -> Result<Option<Work>, Failure> {
        let namespaces = self.namespaces();
        let evaluation = Evaluation::new(document, &namespaces);
        let fail = |why: String| Failure::new(format!("Xpath {xpath} causes a failure: {why}"));
        let find = |text: &str| -> Result<Vec<Place>, Failure> {
            let expression = path::parse(text).map_err(fail)?;
            evaluation.nodes(&expression, Place::Top).map_err(fail)
        };
        let mut work = Work {
            before: document.clone(),
            after: document.clone(),
            changed: false,
            msg: None,
            count: None,
            matches: None,
        };
        if self.print_match == Some(true) {
            let paths: Vec<String> =
                find(xpath)?.into_iter().map(|one| evaluation.path_of(one)).collect();
            let shown: Vec<String> =
                paths.iter().map(|one| Json::from(one.as_str()).to_string()).collect();
            work.msg = Some(format!("selector '{xpath}' match: [{}]", shown.join(", ")));
            work.matches = Some(Vec::new());
            return Ok(Some(work));
        }
        if self.count == Some(true) {
            // The path holds below any node; one that begins with two strokes does so already.
            let deep = format!("/{xpath}");
            let text = if path::parse(&deep).is_ok() { deep.as_str() } else { xpath };
            let number = find(text)?.len();
            work.msg = Some(format!("found {number} nodes"));
            work.count = Some(number);
            return Ok(Some(work));
        }
        let Some(content) = self.content else { return Ok(None) };
        let places = find(xpath)?;
        if evaluation.name(*places.first().unwrap_or(&Place::Top)).is_none() {
            return Err(Failure::new(format!("Xpath {xpath} does not reference a node!")));
        }
        let mut matches = Vec::new();
        for place in places {
            let Place::Node(id) = place else { continue };
            let Some(element) = document.element(id) else { continue };
            let value = match content {
                Content::Text => document.text(id).map_or(Json::Null, Json::String),
                Content::Attribute => element
                    .attributes
                    .iter()
                    .map(|(name, value)| (name.whole(), Json::from(value.as_str())))
                    .collect::<JsonMap>()
                    .into(),
            };
            matches.push(json!({element.name.whole(): value}));
        }
        work.msg = Some(matches.len().to_string());
        work.count = Some(matches.len());
        work.matches = Some(matches);
        Ok(Some(work))
    }

    fn work(&self, host: &dyn Host) -> Result<Work, Failure> {
        let source = self.source(host)?;
        let text = self.xpath.as_deref();
        if let Some(xpath) = text {
            path::parse(xpath).map_err(|why| {
                Failure::new(format!("Syntax error in xpath expression: {xpath} ({why})"))
            })?;
        }
        let needs_path = [self.count, self.print_match, self.insertbefore, self.insertafter];
        if text.is_none() && needs_path.contains(&Some(true)) {
            return Err(Failure::new(
                "xpath is needed with count, print_match, insertbefore and insertafter",
            ));
        }
        let document = self.parse(&source)?;
        let Some(xpath) = text else {
            if !self.pretty_print {
                return Err(Failure::new("Don't know what to do"));
            }
            let changed = writing::document(&document, Layout::Pretty) != source;
            let before = self.parse(&source)?;
            let after = document;
            return Ok(Work { before, after, changed, msg: None, count: None, matches: None });
        };
        if let Some(work) = self.read(&document, xpath)? {
            return Ok(work);
        }
        let mut after = document.clone();
        let namespaces = self.namespaces();
        let mut change = Change { document: &mut after, namespaces: &namespaces };
        let children = self.set_children.as_ref().or(self.add_children.as_ref());
        let is_xml = self.input_type == InputType::Xml;
        if !self.state.is_present() {
            change.delete(xpath)?;
        } else if let Some(children) = &self.set_children {
            change.set_children(xpath, children, is_xml)?;
        } else if let Some(children) = children.filter(|all| !all.is_empty()) {
            let place = match (self.insertbefore, self.insertafter) {
                (Some(true), _) => change::Side::Before,
                (_, Some(true)) => change::Side::Behind,
                _ => change::Side::Within,
            };
            change.add_children(xpath, children, is_xml, place)?;
        } else if let Some(value) = &self.value {
            let attribute = self.attribute.as_ref().map(python::text);
            change.set_value(xpath, attribute.as_deref(), &python::text(value))?;
        } else {
            change.make(xpath)?;
        }
        let changed = compared(&document) != compared(&after);
        Ok(Work { before: document, after, changed, msg: None, count: None, matches: None })
    }

    fn answer(&self, work: &Work) -> Response {
        let mut response = Response { changed: work.changed, ..Response::default() };
        let map = &mut response.returned;
        map.insert(
            "actions".into(),
            json!({
                "xpath": self.xpath,
                "namespaces": self.namespaces.clone().unwrap_or_default(),
                "state": self.state.as_str(),
            }),
        );
        if let Some(count) = work.count {
            map.insert("count".into(), count.into());
        }
        if let Some(matches) = &work.matches {
            map.insert("matches".into(), matches.clone().into());
        }
        if self.xmlstring.is_some() {
            map.insert("xmlstring".into(), writing::document(&work.after, self.layout()).into());
        }
        response.msg.clone_from(&work.msg);
        if work.changed {
            let side = |one: &Document| Side::Text(writing::document(one, Layout::Pretty));
            response.diff.push(Diff {
                before: side(&work.before),
                after: side(&work.after),
                ..Diff::default()
            });
        }
        response
    }
}

impl Action for Xml {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        let work = self.work(host)?;
        let writes = work.changed && self.path.is_some();
        Ok(if writes { Guard::Go } else { Guard::Stay(Box::new(self.answer(&work))) })
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        Ok(self.answer(&self.work(host)?))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let work = self.work(host)?;
        let mut response = self.answer(&work);
        if let Some(path) = &self.path {
            let path = host.real_path(path)?;
            if self.backup {
                let backup = back_up(host, &path)?;
                response.returned.insert("backup_file".into(), backup.into());
            }
            let text = writing::document(&work.after, self.layout());
            host.write(&path, &mut text.as_bytes(), &Placement::default())?;
        }
        Ok(response)
    }
}
