//! Files of plays.

use std::{path::Path, sync::Arc};

use plan::{Frame, FrameKind, Keywords, Play};
use source::{Diagnostic, Kind, Node, Span};

use crate::{codes, compiler::Cursor, keywords::Carrier};

const IMPORT: &[&str] =
    &["import_playbook", "ansible.builtin.import_playbook", "ansible.legacy.import_playbook"];

impl Cursor<'_> {
    /// Compiles a file of plays. `around` is what an `import_playbook` says of the plays inside.
    pub(crate) fn playbook_file(
        &mut self,
        path: &Path,
        asked_by: Option<&Span>,
        around: &Keywords,
    ) -> Vec<Play> {
        if !self.enter_file(path, asked_by) {
            return Vec::new();
        }
        let outer_dir = std::mem::replace(
            &mut self.playbook_dir,
            path.parent().unwrap_or(Path::new("")).to_owned(),
        );
        let known = self.diagnostics.all.len();
        let node = self.compiler.files.read_yaml(path, asked_by, self.diagnostics);
        // A text without a document, of which nothing was said yet.
        if node.is_none() && self.diagnostics.all.len() == known {
            let message = format!("Empty playbook, nothing to do: {}", path.display());
            self.report(Diagnostic::placeless(codes::SHAPE, message));
        }
        let plays = node.map(|node| self.plays(&node, path, around)).unwrap_or_default();
        self.playbook_dir = outer_dir;
        self.open.pop();
        plays
    }

    /// Notes that a file is being read; `false` where it is already, or too many are.
    pub(crate) fn enter_file(&mut self, path: &Path, asked_by: Option<&Span>) -> bool {
        let same = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let depth_max = self.compiler.settings.import_depth_max.max(1);
        if self.open.contains(&same) || self.open.len() >= depth_max {
            let message = format!("{} imports itself", path.display());
            let diagnostic = match asked_by {
                Some(span) => Diagnostic::error(codes::CIRCLE, span, message),
                None => Diagnostic::placeless(codes::CIRCLE, message),
            };
            self.report(
                diagnostic
                    .hint("use include_tasks with a condition for a file that includes itself"),
            );
            return false;
        }
        self.open.push(same);
        true
    }

    pub(crate) fn plays(&mut self, node: &Node, path: &Path, around: &Keywords) -> Vec<Play> {
        let Some(items) = node.as_sequence() else {
            let message = match node.is_null() {
                true => format!("Empty playbook, nothing to do: {}", path.display()),
                false => "A playbook must be a list of plays, got a %s instead"
                    .replace("a %s", node.describe()),
            };
            self.report(Diagnostic::error(codes::SHAPE, &node.span, message));
            return Vec::new();
        };
        if items.is_empty() {
            let message = "A playbook must contain at least one play";
            self.report(Diagnostic::error(codes::SHAPE, &node.span, message));
        }
        let mut plays = Vec::new();
        for item in items {
            let Some(mapping) = item.as_mapping() else {
                let message =
                    "playbook entries must be either valid plays or 'import_playbook' statements";
                self.report(Diagnostic::error(codes::SHAPE, &item.span, message));
                continue;
            };
            match IMPORT.iter().find_map(|name| mapping.get(name)) {
                Some(file) => plays.extend(self.import_playbook(item, file, around)),
                None => plays.extend(self.play(item, path, around)),
            }
        }
        plays
    }

    fn import_playbook(&mut self, item: &Node, file: &Node, around: &Keywords) -> Vec<Play> {
        let Some(mapping) = item.as_mapping() else { return Vec::new() };
        let (mut keywords, rest) = self.keywords(mapping, Carrier::Block);
        for entry in rest {
            if !entry.key.as_str().is_some_and(|name| IMPORT.contains(&name)) {
                self.unknown_keyword(entry, Carrier::Play);
            }
        }
        let text = match &file.kind {
            Kind::Mapping(mapping) => mapping.get("file").and_then(Node::as_str),
            _ => file.as_str(),
        };
        let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
            let message = "import_playbook takes the name of a file";
            self.report(Diagnostic::error(codes::SHAPE, &file.span, message));
            return Vec::new();
        };
        // `import_playbook: file.yml a=b` gives variables as well.
        let split = match crate::key_value::split(text, false) {
            Ok(split) => split,
            Err(error) => {
                self.report(Diagnostic::error(codes::SPLIT, &file.span, error.to_string()));
                return Vec::new();
            }
        };
        let mut vars = (*keywords.vars).clone();
        for (key, value) in split.pairs {
            let tree = self.text(&value, &file.span);
            vars.insert(key.as_str().into(), tree);
        }
        keywords.vars = Arc::new(vars);
        inherit(&mut keywords, around);
        let frame = Arc::new(Frame {
            kind: FrameKind::Import,
            keywords: keywords.clone(),
            parent: None,
            span: item.span.clone(),
        });
        let name = self.text(&split.free_form.unwrap_or_default(), &file.span);
        let Some(name) = self.static_name(&name, &file.span, &frame) else { return Vec::new() };
        let path = self.find_playbook(&name);
        self.playbook_file(&path, Some(&file.span), &keywords)
    }

    /// Beside this playbook, or `namespace.collection.name` in a collection.
    fn find_playbook(&self, name: &str) -> std::path::PathBuf {
        let in_collection = self.compiler.settings.collections.playbook(name);
        in_collection.unwrap_or_else(|| self.playbook_dir.join(name))
    }
}

/// What is said around an import holds for what is inside; variables from outside win.
fn inherit(keywords: &mut Keywords, around: &Keywords) {
    let mut vars = (*keywords.vars).clone();
    vars.extend(around.vars.iter().map(|(name, tree)| (Arc::clone(name), tree.clone())));
    keywords.vars = Arc::new(vars);
    keywords.tags.splice(0..0, around.tags.iter().cloned());
    keywords.when.splice(0..0, around.when.iter().cloned());
}
