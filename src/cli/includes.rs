//! What a run has compiled for it, and what templates ask of the inventory.

use std::{path::Path, sync::Arc};

use inventory::Inventory;
use plan::{Action, Frame, Layer, Task};
use playbook::{Compiler, Files, RoleRequest, codes::UNKNOWN_ROLE};
use run::{
    IncludeError, IncludedRole, IncludedTasks, Includes,
    outcome::{IncludeRole, IncludeTasks},
};
use source::{Diagnostic, Diagnostics, Node, SourceFile};
use template::{Engine, Tree};

/// Compiles with the compiler that has read the playbooks.
pub struct Compiling {
    pub compiler: Arc<Compiler>,
    pub engine: Arc<Engine>,
    pub files: Arc<Files>,
    /// Whether what is wrong is told as Ansible tells it.
    pub speaks_as_ansible: bool,
}

fn outcome<T>(value: T, diagnostics: &Diagnostics) -> Result<T, String> {
    if diagnostics.has_errors() { Err(crate::rendered(diagnostics)) } else { Ok(value) }
}

/// What is wrong, and the line where it is.
fn as_ansible(found: &Diagnostic) -> String {
    let Some(span) = &found.span else { return found.message.clone() };
    format!("{}{}", found.message, span.pointed_at())
}

impl Includes for Compiling {
    fn tasks(
        &self,
        include: &IncludeTasks,
        frame: &Arc<Frame>,
        are_handlers: bool,
        playbook_dir: &Path,
    ) -> Result<IncludedTasks, IncludeError> {
        // The run may have written what it includes.
        self.files.forget();
        let path = self
            .compiler
            .find_tasks_file(&include.file, frame, are_handlers, playbook_dir)
            .map_err(|tried| {
                let mut tried: Vec<String> =
                    tried.iter().map(|path| path.display().to_string()).collect();
                tried.dedup();
                let first = tried.first().map_or(include.file.as_str(), String::as_str);
                let why = format!("Could not find or access '{first}' on the Ansible Controller.");
                match tried.get(1..) {
                    Some(others) if !others.is_empty() => {
                        format!("{why}\nSearched in:\n\t{}", tried.join("\n\t"))
                    }
                    _ => why,
                }
            })?;
        let mut diagnostics = Diagnostics::default();
        let compiled =
            self.compiler.tasks_file(&path, frame, are_handlers, playbook_dir, &mut diagnostics);
        let included = IncludedTasks { path, items: compiled.items, handlers: compiled.handlers };
        outcome(included, &diagnostics).map_err(|why| self.wrong(why, &diagnostics))
    }

    fn role(
        &self,
        include: &IncludeRole,
        frame: &Arc<Frame>,
        params: Layer,
        playbook_dir: &Path,
    ) -> Result<IncludedRole, IncludeError> {
        self.files.forget();
        let request = RoleRequest {
            name: include.name.clone(),
            tasks_from: include.tasks_from.clone(),
            vars_from: include.vars_from.clone(),
            defaults_from: include.defaults_from.clone(),
            handlers_from: include.handlers_from.clone(),
            allow_duplicates: include.allow_duplicates.or(Some(true)),
            public: include.public,
            skips_validation: !include.validates,
        };
        let mut diagnostics = Diagnostics::default();
        let compiled = self.compiler.role(&request, frame, params, playbook_dir, &mut diagnostics);
        if let Some(found) = diagnostics.all.iter().find(|found| found.code == UNKNOWN_ROLE)
            && self.speaks_as_ansible
        {
            return Err(IncludeError::Missing(as_ansible(found)));
        }
        let is_missing = diagnostics.all.iter().any(|found| found.code == UNKNOWN_ROLE);
        let compiled = outcome(compiled, &diagnostics).map_err(|why| match is_missing {
            true => IncludeError::Missing(why),
            false => self.wrong(why, &diagnostics),
        })?;
        let compiled =
            compiled.ok_or_else(|| format!("the role '{}' cannot be used", include.name))?;
        Ok(IncludedRole { role: compiled.role, items: compiled.items, handlers: compiled.handlers })
    }

    fn action(&self, task: &Task, name: &str, playbook_dir: &Path) -> Result<Action, String> {
        let mut diagnostics = Diagnostics::default();
        let action = self.compiler.action(task, name, playbook_dir, &mut diagnostics);
        outcome(action, &diagnostics)?.ok_or_else(|| format!("the action '{name}' cannot be used"))
    }

    fn play_vars(&self, path: &Path) -> Result<Vec<(String, Tree)>, String> {
        let Some(node) = self.vars_node(path)? else { return Ok(Vec::new()) };
        match node.as_sequence() {
            Some(items) => {
                let all = items.iter().map(|item| self.vars_of(item, path));
                Ok(all.collect::<Result<Vec<_>, _>>()?.concat())
            }
            None => self.vars_of(&node, path),
        }
    }

    fn vars(&self, path: &Path) -> Result<Vec<(String, Tree)>, String> {
        let Some(node) = self.vars_node(path)? else { return Ok(Vec::new()) };
        self.vars_of(&node, path)
    }

    fn text(&self, path: &Path) -> Result<Arc<SourceFile>, String> {
        self.files.read(path)
    }

    fn bytes(&self, path: &Path, decrypts: bool) -> Result<Vec<u8>, String> {
        let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
        if decrypts && vault::is_encrypted(&bytes) {
            let text = String::from_utf8(bytes).map_err(|error| error.to_string())?;
            return self.files.keyring().decrypt(&text).map_err(|error| match error {
                vault::VaultError::NoPasswords => format!(
                    "A vault password or secret must be specified to decrypt {}",
                    path.display()
                ),
                error => format!("{error}: {}", path.display()),
            });
        }
        Ok(bytes)
    }
}

impl Compiling {
    /// What is wrong with something that is included, as the program words it.
    fn wrong(&self, rendered: String, diagnostics: &Diagnostics) -> IncludeError {
        let is_error = |found: &&Diagnostic| found.severity == source::Severity::Error;
        let first = diagnostics.all.iter().find(is_error);
        IncludeError::Wrong(match first.filter(|_| self.speaks_as_ansible) {
            Some(first) => as_ansible(first),
            None => rendered,
        })
    }

    /// What stands in a file of variables; `None` where nothing does.
    fn vars_node(&self, path: &Path) -> Result<Option<Node>, String> {
        let file = self
            .files
            .read(path)
            .map_err(|why| format!("cannot read {}: {why}", path.display()))?;
        let mut diagnostics = Diagnostics::default();
        let node = playbook::files::parse(&file, &mut diagnostics);
        let node = outcome(node, &diagnostics)?;
        Ok(node.filter(|node| !node.is_null()))
    }

    fn vars_of(&self, node: &Node, path: &Path) -> Result<Vec<(String, Tree)>, String> {
        let Some(mapping) = node.as_mapping() else {
            return Err(format!("{} must be stored as a dictionary/hash", path.display()));
        };
        // A text that is no template of ours harms nobody until it is used.
        let tree = |value: &Node| Tree::deferring(value, &self.engine).0;
        let entries = mapping.entries.iter().map(|entry| {
            let name = entry.key.as_str().unwrap_or_else(|| entry.key.span.text());
            (name.to_owned(), tree(&entry.value))
        });
        Ok(entries.collect())
    }
}

/// The inventory as templates ask for it.
pub struct Hosts(pub Inventory);

impl template::InventoryHosts for Hosts {
    fn matching(&self, pattern: &str) -> Result<Vec<Arc<str>>, String> {
        inventory::pattern::resolve(&self.0, &[pattern.to_owned()])
            .map(|matched| matched.hosts.iter().map(|host| host.shared()).collect())
            .map_err(|error| error.to_string())
    }
}
