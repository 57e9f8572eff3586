//! Settings that a play, role, block or task may carry, and that what is inside inherits.

use std::sync::Arc;

use source::Span;
use template::{Expression, Tree};

use crate::Layer;

/// A keyword whose value is one setting, the nearest of which counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    AnyErrorsFatal,
    Become,
    BecomeExe,
    BecomeFlags,
    BecomeMethod,
    BecomeUser,
    CheckMode,
    Connection,
    Debugger,
    DelegateFacts,
    DelegateTo,
    Diff,
    IgnoreErrors,
    IgnoreUnreachable,
    NoLog,
    Port,
    RemoteUser,
    RunOnce,
    Throttle,
    Timeout,
}

impl Key {
    /// All keys with their spelling in a playbook.
    pub const ALL: &'static [(Key, &'static str)] = &[
        (Key::AnyErrorsFatal, "any_errors_fatal"),
        (Key::Become, "become"),
        (Key::BecomeExe, "become_exe"),
        (Key::BecomeFlags, "become_flags"),
        (Key::BecomeMethod, "become_method"),
        (Key::BecomeUser, "become_user"),
        (Key::CheckMode, "check_mode"),
        (Key::Connection, "connection"),
        (Key::Debugger, "debugger"),
        (Key::DelegateFacts, "delegate_facts"),
        (Key::DelegateTo, "delegate_to"),
        (Key::Diff, "diff"),
        (Key::IgnoreErrors, "ignore_errors"),
        (Key::IgnoreUnreachable, "ignore_unreachable"),
        (Key::NoLog, "no_log"),
        (Key::Port, "port"),
        (Key::RemoteUser, "remote_user"),
        (Key::RunOnce, "run_once"),
        (Key::Throttle, "throttle"),
        (Key::Timeout, "timeout"),
    ];

    /// The key of a spelling.
    pub fn parse(name: &str) -> Option<Key> {
        Self::ALL.iter().find(|(_, spelling)| *spelling == name).map(|(key, _)| *key)
    }

    /// The spelling in a playbook.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(key, _)| *key == self).map_or("", |(_, spelling)| spelling)
    }
}

/// A value that may be a template, and where it stands.
#[derive(Clone, Debug)]
pub struct Setting {
    pub tree: Tree,
    pub span: Span,
}

/// An expression that holds or does not.
#[derive(Clone, Debug)]
pub struct Condition {
    pub expression: Arc<Expression>,
    pub span: Span,
}

/// What one play, role, block or task says of itself and of what is inside it.
#[derive(Clone, Debug, Default)]
pub struct Keywords {
    pub name: Option<Tree>,
    /// Variables; the nearest count.
    pub vars: Layer,
    /// Tags; all of them count, from the outermost in.
    pub tags: Vec<Setting>,
    /// Conditions; all must hold, the outermost first.
    pub when: Vec<Condition>,
    /// Dictionaries (or templates of them) of environment variables; the nearest count.
    pub environment: Vec<Setting>,
    /// Dictionaries of module or group names and arguments; the nearest count.
    pub module_defaults: Vec<Setting>,
    /// Names of handlers or topics; all count.
    pub notify: Vec<Setting>,
    /// Collections to look names up in; `None` where nothing is said.
    pub collections: Option<Arc<Vec<String>>>,
    settings: Vec<(Key, Setting)>,
}

impl Keywords {
    /// What is said here, not inherited.
    pub fn get(&self, key: Key) -> Option<&Setting> {
        self.settings.iter().find(|(candidate, _)| *candidate == key).map(|(_, setting)| setting)
    }

    /// Says something, in place of what was said of the key before.
    pub fn set(&mut self, key: Key, setting: Setting) {
        match self.settings.iter_mut().find(|(candidate, _)| *candidate == key) {
            Some((_, slot)) => *slot = setting,
            None => self.settings.push((key, setting)),
        }
    }

    /// Whether nothing at all is said.
    pub fn is_empty(&self) -> bool {
        self.name.is_none()
            && self.vars.is_empty()
            && self.tags.is_empty()
            && self.when.is_empty()
            && self.environment.is_empty()
            && self.module_defaults.is_empty()
            && self.notify.is_empty()
            && self.collections.is_none()
            && self.settings.is_empty()
    }
}
