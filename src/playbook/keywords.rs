//! Keywords that plays, roles, blocks and tasks share.

use std::sync::Arc;

use plan::{Key, Keywords};
use source::{Diagnostic, Entry, Kind, Mapping, Node, Scalar};

use crate::{codes, compiler::Cursor};

/// Which of the four carries the keywords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    Play,
    Role,
    Block,
    Task,
    Handler,
}

impl Carrier {
    /// As Ansible calls it in messages.
    pub fn name(self) -> &'static str {
        match self {
            Carrier::Play => "Play",
            Carrier::Role => "RoleInclude",
            Carrier::Block => "Block",
            Carrier::Task => "Task",
            Carrier::Handler => "Handler",
        }
    }

    fn takes(self, key: Key) -> bool {
        !matches!((self, key), (Carrier::Play, Key::DelegateTo | Key::DelegateFacts))
    }
}

/// Keywords of a play that only it has.
pub const PLAY_KEYWORDS: &[&str] = &[
    "hosts",
    "vars_files",
    "vars_prompt",
    "gather_facts",
    "gather_subset",
    "gather_timeout",
    "fact_path",
    "serial",
    "strategy",
    "order",
    "max_fail_percentage",
    "force_handlers",
    "validate_argspec",
    "pre_tasks",
    "roles",
    "tasks",
    "post_tasks",
    "handlers",
    "user",
];

/// Keywords of a task that a block does not have.
pub const TASK_KEYWORDS: &[&str] = &[
    "action",
    "local_action",
    "args",
    "async",
    "changed_when",
    "delay",
    "failed_when",
    "loop",
    "loop_control",
    "poll",
    "register",
    "retries",
    "until",
];

/// Keywords that all carriers share, settings left out.
pub const SHARED_KEYWORDS: &[&str] =
    &["name", "vars", "tags", "when", "environment", "module_defaults", "notify", "collections"];

impl Cursor<'_> {
    /// Takes the shared keywords out of a mapping; returns them and the entries that are left.
    pub(crate) fn keywords<'n>(
        &mut self,
        mapping: &'n Mapping,
        carrier: Carrier,
    ) -> (Keywords, Vec<&'n Entry>) {
        let mut keywords = Keywords::default();
        let mut rest = Vec::new();
        for entry in &mapping.entries {
            let Some(name) = entry.key.as_str() else {
                let message = format!("a keyword is a string, this is {}", entry.key.describe());
                self.report(Diagnostic::error(codes::UNKNOWN_KEYWORD, &entry.key.span, message));
                continue;
            };
            if let Some(key) = Key::parse(name).filter(|key| carrier.takes(*key)) {
                self.check_setting(key, &entry.value);
                if !entry.value.is_null() {
                    let setting = self.setting(&entry.value);
                    keywords.set(key, setting);
                }
            } else if !self.shared_keyword(name, &entry.value, carrier, &mut keywords) {
                rest.push(entry);
            }
        }
        (keywords, rest)
    }

    fn shared_keyword(
        &mut self,
        name: &str,
        value: &Node,
        carrier: Carrier,
        keywords: &mut Keywords,
    ) -> bool {
        match name {
            "name" if carrier != Carrier::Role => {
                if matches!(value.kind, Kind::Mapping(_) | Kind::Sequence(_)) {
                    self.wrong_kind("name", value, "a string");
                } else if !value.is_null() {
                    keywords.name = Some(self.tree(value));
                }
            }
            "vars" => keywords.vars = self.vars(value, carrier.name()),
            "tags" if matches!(value.kind, Kind::Mapping(_)) => {
                let message = "tags must be specified as a list";
                self.report(Diagnostic::error(codes::KEYWORD_VALUE, &value.span, message));
            }
            "tags" => keywords.tags = self.listed(value),
            "when" if carrier != Carrier::Play => keywords.when = self.own_conditions(value),
            "environment" => keywords.environment = self.listed(value),
            "module_defaults" => keywords.module_defaults = self.listed(value),
            "notify" if !matches!(carrier, Carrier::Play | Carrier::Role) => {
                keywords.notify = self.listed(value);
            }
            "collections" => keywords.collections = self.names(value).map(Arc::new),
            _ => return false,
        }
        true
    }

    /// A value or a list of them.
    pub(crate) fn listed(&mut self, node: &Node) -> Vec<plan::Setting> {
        match &node.kind {
            Kind::Scalar(Scalar::Null) => Vec::new(),
            Kind::Sequence(items) => {
                items.iter().filter(|item| !item.is_null()).map(|item| self.setting(item)).collect()
            }
            _ => vec![self.setting(node)],
        }
    }

    fn names(&mut self, node: &Node) -> Option<Vec<String>> {
        let names: Option<Vec<String>> = match &node.kind {
            Kind::Scalar(Scalar::Null) => return None,
            Kind::Sequence(items) => {
                items.iter().map(|item| item.as_str().map(str::to_owned)).collect()
            }
            _ => node.as_str().map(|name| vec![name.to_owned()]),
        };
        if names.is_none() {
            self.wrong_kind("collections", node, "a list of names");
        }
        names
    }

    pub(crate) fn wrong_kind(&mut self, keyword: &str, node: &Node, wanted: &str) {
        let message =
            format!("the field '{keyword}' takes {wanted}, and this is {}", node.describe());
        self.report(Diagnostic::error(codes::KEYWORD_VALUE, &node.span, message));
    }

    /// Finds literal values that can never be what the keyword needs.
    fn check_setting(&mut self, key: Key, node: &Node) {
        let wanted = match key {
            Key::AnyErrorsFatal
            | Key::Become
            | Key::CheckMode
            | Key::DelegateFacts
            | Key::Diff
            | Key::IgnoreErrors
            | Key::IgnoreUnreachable
            | Key::NoLog
            | Key::RunOnce => (!is_boolean(node)).then_some("a boolean"),
            Key::Port | Key::Throttle | Key::Timeout => (!is_integer(node)).then_some("an integer"),
            Key::BecomeExe
            | Key::BecomeFlags
            | Key::BecomeMethod
            | Key::BecomeUser
            | Key::Connection
            | Key::Debugger
            | Key::DelegateTo
            | Key::RemoteUser => {
                let is_container = matches!(node.kind, Kind::Mapping(_) | Kind::Sequence(_));
                is_container.then_some("a string")
            }
        };
        const DEBUGGER: &[&str] = &["always", "never", "on_failed", "on_skipped", "on_unreachable"];
        if let Some(when) = node.as_str().filter(|_| key == Key::Debugger && !is_template(node))
            && !DEBUGGER.contains(&when)
        {
            let message = format!(
                "'{when}' is not a valid value for debugger. Must be one of {}",
                DEBUGGER.join(", ")
            );
            self.report(
                Diagnostic::error(codes::KEYWORD_VALUE, &node.span, message)
                    .nearest(when, DEBUGGER.iter().copied()),
            );
        }
        // As in Ansible, a value that is wrong may be the task's own failure.
        let is_deferred = self.compiler.settings.defers_template_errors;
        if let Some(wanted) = wanted.filter(|_| !is_deferred) {
            self.wrong_kind(key.name(), node, wanted);
        }
    }

    /// Says that a keyword is none.
    pub(crate) fn unknown_keyword(&mut self, entry: &Entry, carrier: Carrier) {
        let name = entry.key.as_str().unwrap_or("this");
        let message = format!("'{name}' is not a valid attribute for a {}", carrier.name());
        let known: Vec<&str> = Key::ALL
            .iter()
            .filter(|(key, _)| carrier.takes(*key))
            .map(|(_, spelling)| *spelling)
            .chain(SHARED_KEYWORDS.iter().copied())
            .chain(match carrier {
                Carrier::Play => PLAY_KEYWORDS.iter().copied(),
                Carrier::Task | Carrier::Handler => TASK_KEYWORDS.iter().copied(),
                Carrier::Block | Carrier::Role => ["block", "rescue", "always"].iter().copied(),
            })
            .collect();
        let diagnostic = Diagnostic::error(codes::UNKNOWN_KEYWORD, &entry.key.span, message);
        let of_old = OF_OLD.iter().find(|(old, _)| *old == name);
        self.report(match of_old {
            Some((_, now)) => diagnostic.hint(*now),
            None => diagnostic.nearest(name, known),
        });
    }

    /// Finds literal numbers and words that a keyword can never take.
    pub(crate) fn check_literal(&mut self, keyword: &str, node: &Node) {
        // As in Ansible, a value that is wrong may be the task's own failure.
        if self.compiler.settings.defers_template_errors || node.is_null() {
            return;
        }
        let wanted = match keyword {
            "gather_facts" | "force_handlers" => (!is_boolean(node)).then_some("a boolean"),
            "async" | "poll" | "retries" | "gather_timeout" => {
                (!is_integer(node)).then_some("an integer")
            }
            "delay" | "max_fail_percentage" => (!is_number(node)).then_some("a number"),
            _ => None,
        };
        if let Some(wanted) = wanted {
            self.wrong_kind(keyword, node, wanted);
        }
        let words: &[&str] = match keyword {
            "strategy" => &["linear", "free", "host_pinned", "debug"],
            "order" => &["inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle"],
            _ => return,
        };
        let Some(word) = node.as_str().filter(|_| !is_template(node)) else { return };
        let bare = word.strip_prefix("ansible.builtin.").unwrap_or(word);
        // Mitogen's strategies are run as those that they stand for.
        let bare = match keyword == "strategy" && bare != "mitogen_debug" {
            true if bare == "mitogen" => "linear",
            true => bare.strip_prefix("mitogen_").unwrap_or(bare),
            false => bare,
        };
        if !words.contains(&bare) {
            let message = format!("'{word}' is no {keyword}; there are {}", words.join(", "));
            self.report(
                Diagnostic::error(codes::KEYWORD_VALUE, &node.span, message)
                    .nearest(bare, words.iter().copied()),
            );
        }
    }
}

/// Keywords that Ansible had once, and what to write now.
const OF_OLD: &[(&str, &str)] = &[
    ("sudo", "use become: true"),
    ("sudo_user", "use become_user"),
    ("su", "use become: true with become_method: su"),
    ("su_user", "use become_user with become_method: su"),
    ("always_run", "use check_mode: false"),
    ("static", "use import_tasks or include_tasks"),
    ("include", "use include_tasks, import_tasks or import_playbook"),
];

fn is_template(node: &Node) -> bool {
    node.as_str().is_some_and(|text| text.contains("{{") || text.contains("{%"))
}

fn is_boolean(node: &Node) -> bool {
    const WORDS: &[&str] =
        &["y", "yes", "on", "1", "true", "t", "n", "no", "off", "0", "false", "f"];
    match &node.kind {
        Kind::Scalar(Scalar::Bool(_) | Scalar::Null | Scalar::Int(0 | 1)) => true,
        _ => {
            is_template(node)
                || node.as_str().is_some_and(|text| WORDS.contains(&text.to_lowercase().as_str()))
        }
    }
}

fn is_number(node: &Node) -> bool {
    match &node.kind {
        Kind::Scalar(Scalar::Float(_)) => true,
        _ => {
            is_integer(node) || node.as_str().is_some_and(|text| text.trim().parse::<f64>().is_ok())
        }
    }
}

fn is_integer(node: &Node) -> bool {
    match &node.kind {
        Kind::Scalar(Scalar::Int(_) | Scalar::Null) => true,
        _ => {
            is_template(node)
                || node.as_str().is_some_and(|text| text.trim().parse::<i64>().is_ok())
        }
    }
}
