//! A document as a tree: elements, texts, remarks and instructions, as they stand in the file.

/// A node of a document, by its place in it.
pub type Id = usize;

/// A name with the namespace that its prefix stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name {
    pub prefix: String,
    pub local: String,
    /// The namespace; empty for none.
    pub space: String,
}

impl Name {
    /// As the file has it.
    pub fn shown(&self) -> String {
        match self.prefix.as_str() {
            "" => self.local.clone(),
            prefix => format!("{prefix}:{}", self.local),
        }
    }

    /// With its namespace in braces before it.
    pub fn whole(&self) -> String {
        match self.space.as_str() {
            "" => self.local.clone(),
            space => format!("{{{space}}}{}", self.local),
        }
    }

    /// Whether two names are the same, whatever their prefixes.
    pub fn is_same(&self, other: &Self) -> bool {
        self.local == other.local && self.space == other.space
    }
}

/// An element without what is in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Element {
    pub name: Name,
    pub attributes: Vec<(Name, String)>,
    /// Namespaces that it declares: prefix and namespace.
    pub declared: Vec<(String, String)>,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Element(Element),
    Text(String),
    /// A text that the file marks as one without markup.
    CData(String),
    Comment(String),
    /// An instruction for a program: all that is between its marks.
    Instruction(String),
}

impl Kind {
    /// Whether it is text.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Text(_) | Self::CData(_))
    }
}

#[derive(Clone, Debug)]
struct Node {
    kind: Kind,
    parent: Option<Id>,
    children: Vec<Id>,
}

/// A document.
#[derive(Clone, Debug)]
pub struct Document {
    nodes: Vec<Node>,
    /// What says which kind of document it is, between its marks.
    pub doctype: Option<String>,
    /// Remarks and instructions before the root.
    pub before: Vec<Id>,
    pub root: Id,
    /// Those after it.
    pub after: Vec<Id>,
}

impl Document {
    /// A document of a root alone.
    pub fn new(root: Element) -> Self {
        let mut document =
            Self { nodes: Vec::new(), doctype: None, before: vec![], root: 0, after: vec![] };
        document.root = document.make(Kind::Element(root));
        document
    }

    /// A new node, which is nowhere yet.
    pub fn make(&mut self, kind: Kind) -> Id {
        self.nodes.push(Node { kind, parent: None, children: Vec::new() });
        self.nodes.len() - 1
    }

    /// What a node is; ids come from this document, so that there is one.
    pub fn kind(&self, id: Id) -> &Kind {
        static NOTHING: Kind = Kind::Text(String::new());
        self.nodes.get(id).map_or(&NOTHING, |node| &node.kind)
    }

    pub fn kind_mut(&mut self, id: Id) -> Option<&mut Kind> {
        self.nodes.get_mut(id).map(|node| &mut node.kind)
    }

    pub fn element(&self, id: Id) -> Option<&Element> {
        match self.kind(id) {
            Kind::Element(element) => Some(element),
            _ => None,
        }
    }

    pub fn element_mut(&mut self, id: Id) -> Option<&mut Element> {
        match self.kind_mut(id) {
            Some(Kind::Element(element)) => Some(element),
            _ => None,
        }
    }

    pub fn parent(&self, id: Id) -> Option<Id> {
        self.nodes.get(id)?.parent
    }

    pub fn children(&self, id: Id) -> &[Id] {
        self.nodes.get(id).map(|node| node.children.as_slice()).unwrap_or_default()
    }

    /// All that is not text in an element.
    pub fn items(&self, id: Id) -> Vec<Id> {
        self.children(id).iter().copied().filter(|child| !self.kind(*child).is_text()).collect()
    }

    /// Puts a node last into an element.
    pub fn append(&mut self, parent: Id, child: Id) {
        let last = self.children(parent).len();
        self.insert(parent, last, child);
    }

    /// Puts a node at a place among all children of an element.
    pub fn insert(&mut self, parent: Id, at: usize, child: Id) {
        if let Some(node) = self.nodes.get_mut(child) {
            node.parent = Some(parent);
        }
        if let Some(node) = self.nodes.get_mut(parent) {
            let at = at.min(node.children.len());
            node.children.insert(at, child);
        }
    }

    /// Takes a node out of its parent, and the text right behind it.
    pub fn remove(&mut self, id: Id) {
        let Some(parent) = self.parent(id) else { return };
        let all = self.children(parent).to_vec();
        let Some(at) = all.iter().position(|child| *child == id) else { return };
        let texts =
            all.iter().skip(at + 1).take_while(|child| self.kind(**child).is_text()).count();
        if let Some(node) = self.nodes.get_mut(parent) {
            node.children.drain(at..=at + texts);
        }
        if let Some(node) = self.nodes.get_mut(id) {
            node.parent = None;
        }
    }

    /// The text of an element before the first thing in it; `None` for none.
    pub fn text(&self, id: Id) -> Option<String> {
        let mut text = None;
        for child in self.children(id) {
            match self.kind(*child) {
                Kind::Text(part) | Kind::CData(part) => {
                    text.get_or_insert_with(String::new).push_str(part);
                }
                _ => break,
            }
        }
        text
    }

    /// Sets that text.
    pub fn set_text(&mut self, id: Id, text: Option<&str>) {
        let texts =
            self.children(id).iter().take_while(|child| self.kind(**child).is_text()).count();
        if let Some(node) = self.nodes.get_mut(id) {
            node.children.drain(..texts);
        }
        if let Some(text) = text {
            let new = self.make(Kind::Text(text.to_owned()));
            self.insert(id, 0, new);
        }
    }

    /// All text in a node, in its order.
    pub fn string(&self, id: Id) -> String {
        match self.kind(id) {
            Kind::Text(text) | Kind::CData(text) | Kind::Comment(text) => text.clone(),
            Kind::Instruction(text) => {
                text.split_once(char::is_whitespace).map_or("", |(_, rest)| rest).to_owned()
            }
            Kind::Element(_) => {
                let inner = self.children(id).iter().filter(|child| {
                    !matches!(self.kind(**child), Kind::Comment(_) | Kind::Instruction(_))
                });
                inner.map(|child| self.string(*child)).collect()
            }
        }
    }

    /// The namespace of a prefix at an element.
    pub fn space(&self, id: Id, prefix: &str) -> Option<String> {
        let mut at = Some(id);
        while let Some(id) = at {
            let declared = self.element(id).map(|one| one.declared.as_slice()).unwrap_or_default();
            if let Some((_, space)) = declared.iter().find(|(one, _)| one == prefix) {
                return Some(space.clone());
            }
            at = self.parent(id);
        }
        (prefix == "xml").then(|| "http://www.w3.org/XML/1998/namespace".to_owned())
    }

    /// A prefix that stands for a namespace at an element.
    pub fn prefix(&self, id: Id, space: &str, is_attribute: bool) -> Option<String> {
        let mut at = Some(id);
        while let Some(place) = at {
            let declared = self.element(place).map(|one| one.declared.as_slice());
            let found = declared.unwrap_or_default().iter().find(|(prefix, one)| {
                // Attributes have no namespace without a prefix.
                one == space
                    && !(is_attribute && prefix.is_empty())
                    && self.space(id, prefix).as_deref() == Some(space)
            });
            if let Some((prefix, _)) = found {
                return Some(prefix.clone());
            }
            at = self.parent(place);
        }
        None
    }

    /// Puts a copy of another document's root last into an element, or at a place there.
    pub fn adopt(&mut self, other: &Document, from: Id) -> Id {
        let copy = self.make(other.kind(from).clone());
        for child in other.children(from) {
            let child = self.adopt(other, *child);
            self.append(copy, child);
        }
        copy
    }

    /// Takes away blanks between elements, where there is nothing but elements.
    pub fn remove_blanks(&mut self, id: Id) {
        let children = self.children(id).to_vec();
        let is_blank = |one: &Kind| matches!(one, Kind::Text(text) if text.trim().is_empty());
        let begins_with_text = children
            .first()
            .is_some_and(|first| self.kind(*first).is_text() && !is_blank(self.kind(*first)));
        let has_items = children.iter().any(|child| !self.kind(*child).is_text());
        if has_items && !begins_with_text {
            let kept = children.iter().copied().filter(|child| !is_blank(self.kind(*child)));
            let kept: Vec<Id> = kept.collect();
            if let Some(node) = self.nodes.get_mut(id) {
                node.children = kept;
            }
        }
        for child in children {
            self.remove_blanks(child);
        }
    }
}
