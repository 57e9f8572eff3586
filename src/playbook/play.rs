//! Plays.

use std::{path::Path, sync::Arc};

use plan::{Block, Frame, FrameKind, Item, Keywords, Play, Prompt, Setting};
use source::{Diagnostic, Entry, Kind, Node, Scalar};

use crate::{codes, compiler::Cursor, keywords::Carrier};

impl Cursor<'_> {
    /// Compiles a play. `around` is what an `import_playbook` says of it.
    pub(crate) fn play(&mut self, node: &Node, path: &Path, around: &Keywords) -> Option<Play> {
        let mapping = node.as_mapping()?;
        let folder = path.parent().unwrap_or(Path::new(""));
        self.compiler.catalogue.add_library(&folder.join("library"));
        let (mut keywords, rest) = self.keywords(mapping, Carrier::Play);
        let mut vars = (*keywords.vars).clone();
        vars.extend(around.vars.iter().map(|(name, tree)| (Arc::clone(name), tree.clone())));
        keywords.vars = Arc::new(vars);
        keywords.tags.splice(0..0, around.tags.iter().cloned());
        keywords.when = around.when.clone();
        let get = |name: &str| rest.iter().find(|e| e.key.as_str() == Some(name)).map(|e| &e.value);
        if let Some(user) = get("user") {
            if keywords.get(plan::Key::RemoteUser).is_some() {
                let message = "both 'user' and 'remote_user' are set for this play. The use of 'user' is deprecated, and should be removed";
                self.report(Diagnostic::error(codes::UNKNOWN_KEYWORD, &user.span, message));
            } else {
                let setting = self.setting(user);
                keywords.set(plan::Key::RemoteUser, setting);
            }
        }
        let frame = Arc::new(Frame {
            kind: FrameKind::Play,
            keywords,
            parent: None,
            span: node.span.clone(),
        });
        for entry in &rest {
            self.check_play_keyword(entry);
        }
        let Some(hosts) = get("hosts") else {
            let message = "the field 'hosts' is required but was not set";
            self.report(Diagnostic::error(codes::SHAPE, &node.span, message));
            return None;
        };
        self.check_hosts(hosts);
        let hosts = self.setting(hosts);

        self.handlers.clear();
        let pre_tasks = self.section("pre_tasks", get("pre_tasks"), &frame);
        let roles = get("roles").map(|roles| self.play_roles(roles, &frame)).unwrap_or_default();
        let tasks = self.section("tasks", get("tasks"), &frame);
        let post_tasks = self.section("post_tasks", get("post_tasks"), &frame);
        self.are_handlers = true;
        let own_handlers = self.section("handlers", get("handlers"), &frame);
        self.are_handlers = false;
        let mut handlers: Vec<Item> = std::mem::take(&mut self.handlers);
        handlers.extend(own_handlers.body.iter().cloned());

        let mut setting =
            |name: &str| get(name).filter(|node| !node.is_null()).map(|node| self.setting(node));
        let (gather_facts, gather_subset) = (setting("gather_facts"), setting("gather_subset"));
        let (gather_timeout, fact_path) = (setting("gather_timeout"), setting("fact_path"));
        let (serial, strategy, order) = (setting("serial"), setting("strategy"), setting("order"));
        let max_fail_percentage = setting("max_fail_percentage");
        let force_handlers = setting("force_handlers");
        let vars_files = get("vars_files").map(|node| self.listed(node)).unwrap_or_default();
        for setting in &vars_files {
            self.check_vars_file(setting, folder);
        }
        let mut play = Play {
            span: node.span.clone(),
            playbook: path.to_owned(),
            hosts,
            vars_files,
            vars_prompt: get("vars_prompt").map(|node| self.prompts(node)).unwrap_or_default(),
            gather_facts,
            gather_subset,
            gather_timeout,
            fact_path,
            serial,
            strategy,
            order,
            max_fail_percentage,
            force_handlers,
            validation: None,
            pre_tasks,
            roles,
            tasks,
            post_tasks,
            handlers,
            frame: Arc::clone(&frame),
        };
        if let Some(keyword) = get("validate_argspec") {
            let name = play.raw_name();
            let task = self.play_validation(keyword, &name, path, &frame);
            play.validation = task.map(Arc::new);
        }
        Some(play)
    }

    fn check_play_keyword(&mut self, entry: &Entry) {
        let name = entry.key.as_str().unwrap_or("");
        if crate::keywords::PLAY_KEYWORDS.contains(&name) {
            self.check_literal(name, &entry.value);
        } else {
            self.unknown_keyword(entry, Carrier::Play);
        }
    }

    fn check_hosts(&mut self, hosts: &Node) {
        let message = match &hosts.kind {
            Kind::Scalar(Scalar::Null) => "Hosts list cannot be empty. Please check your playbook",
            Kind::Sequence(items) if items.is_empty() => {
                "Hosts list cannot be empty. Please check your playbook"
            }
            Kind::Sequence(items) if items.iter().any(Node::is_null) => {
                "Hosts list cannot contain values of 'None'. Please check your playbook"
            }
            Kind::Sequence(items) if items.iter().any(|item| !is_name(item)) => {
                "Hosts list contains an invalid host value"
            }
            Kind::Mapping(_) => {
                "Hosts list must be a sequence or string. Please check your playbook."
            }
            _ => return,
        };
        self.report(Diagnostic::error(codes::SHAPE, &hosts.span, message));
    }

    /// Reads a file of variables that is named without a template, so that what is wrong in it is
    /// told with all the rest. A file that is not there may be written by a play before this one,
    /// and one that is encrypted needs a password that not every look at a playbook has.
    fn check_vars_file(&mut self, setting: &Setting, folder: &Path) {
        let Some(names) = setting.tree.literal() else { return };
        let names = names.as_list().map_or_else(|| vec![names.clone()], |list| list.to_vec());
        let places = names.iter().flat_map(|name| {
            let name = name.to_string();
            [folder.join(&name), folder.join("vars").join(&name)]
        });
        let Some(path) = places.into_iter().find(|path| path.is_file()) else { return };
        let Ok(file) = self.compiler.files.read(&path) else { return };
        let Some(node) = crate::files::parse(&file, self.diagnostics) else { return };
        let one = [node.clone()];
        let parts = node.as_sequence().unwrap_or(&one);
        if let Some(wrong) = parts.iter().find(|n| n.as_mapping().is_none() && !n.is_null()) {
            let message = format!("{} must be stored as a dictionary/hash", path.display());
            self.report(Diagnostic::error(codes::SHAPE, &wrong.span, message));
        }
    }

    fn section(
        &mut self,
        name: &'static str,
        node: Option<&Node>,
        frame: &Arc<Frame>,
    ) -> Arc<Block> {
        self.section = name;
        let body = node.map(|node| self.tasks(node, frame)).unwrap_or_default();
        self.section = "tasks";
        Arc::new(Block { frame: Arc::clone(frame), body, rescue: Vec::new(), always: Vec::new() })
    }

    fn prompts(&mut self, node: &Node) -> Vec<Prompt> {
        let items: Vec<Node> = match &node.kind {
            Kind::Sequence(items) => items.to_vec(),
            Kind::Mapping(_) => vec![node.clone()],
            _ if node.is_null() => Vec::new(),
            _ => {
                self.wrong_kind("vars_prompt", node, "a list of prompts");
                return Vec::new();
            }
        };
        items.iter().filter_map(|item| self.prompt(item)).collect()
    }

    fn prompt(&mut self, node: &Node) -> Option<Prompt> {
        const KEYS: &[&str] = &[
            "name",
            "prompt",
            "default",
            "private",
            "confirm",
            "encrypt",
            "salt",
            "salt_size",
            "unsafe",
        ];
        let Some(mapping) = node.as_mapping() else {
            self.wrong_kind("vars_prompt", node, "a list of dictionaries");
            return None;
        };
        for entry in &mapping.entries {
            let name = entry.key.as_str().unwrap_or("");
            if !KEYS.contains(&name) {
                let message =
                    format!("Invalid vars_prompt data structure, found unsupported key '{name}'");
                self.report(
                    Diagnostic::error(codes::UNKNOWN_KEYWORD, &entry.key.span, message)
                        .nearest(name, KEYS.iter().copied()),
                );
            }
        }
        let Some(name) = mapping.get("name").and_then(Node::as_str) else {
            let message = "Invalid vars_prompt data structure, missing 'name' key";
            self.report(Diagnostic::error(codes::SHAPE, &node.span, message));
            return None;
        };
        let flag = |key: &str, default: bool| match mapping.get(key).map(|node| &node.kind) {
            Some(Kind::Scalar(Scalar::Bool(value))) => *value,
            Some(Kind::Scalar(Scalar::Str { text, .. })) => {
                matches!(text.to_lowercase().as_str(), "yes" | "true" | "on" | "1" | "y" | "t")
            }
            _ => default,
        };
        let text = |key: &str| mapping.get(key).and_then(Node::as_str).map(str::to_owned);
        let salt_size = match mapping.get("salt_size").map(|node| &node.kind) {
            Some(Kind::Scalar(Scalar::Int(value))) => Some(*value),
            _ => None,
        };
        Some(Prompt {
            name: name.to_owned(),
            private: flag("private", true),
            confirm: flag("confirm", false),
            unsafe_: flag("unsafe", false),
            encrypt: text("encrypt"),
            salt: text("salt"),
            salt_size,
            prompt: mapping.get("prompt").map(|node| self.tree(node)),
            default: mapping.get("default").map(|node| self.tree(node)),
            span: node.span.clone(),
        })
    }
}

fn is_name(node: &Node) -> bool {
    matches!(&node.kind, Kind::Scalar(scalar) if !matches!(scalar, Scalar::Null))
}
