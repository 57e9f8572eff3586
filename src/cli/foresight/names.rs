//! Variables that nothing defines.
//!
//! What is known is the union of everything that any play, role, task, file of variables, host and
//! group defines, without regard to when. So a name that is found here to be missing is missing
//! everywhere. Facts are left out: they come from hosts.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use plan::{Condition, Frame, FrameKind, Key, Loop, Role, Task};
use source::{Diagnostic, Diagnostics, Kind, Node};
use template::{FileOptions, Name, Tree};

use super::{
    Sight, UNDEFINED, files, folder_of,
    seen::{Seen, SeenTask},
};

/// Variables that some modules return by other names than facts have.
const RETURNED: &[&str] = &["packages", "services", "item", "omit", "environment"];

/// Names that hosts, other programs and the run itself fill.
const PREFIXES: &[&str] = &["ansible_", "facter_", "ohai_", "getent_", "trueup_"];

/// Says of each variable that tasks use and that nothing defines. Where nothing is spelt like it,
/// it may be meant to come from the command line: then it is told only of a task that is sure to
/// run.
pub fn look(sight: &Sight<'_>, seen: &[Seen], found: &mut Diagnostics) {
    let mut known = Known::default();
    seen.iter().for_each(|seen| known.of_play(seen, sight));
    if known.is_open {
        return;
    }
    let inventory = OnceLock::new();
    let mut rendered: HashMap<PathBuf, Vec<Name>> = HashMap::new();
    for seen in seen {
        for task in seen.all().filter(|task| !task.is_forgiven) {
            let mut uses = uses_of(&task.task);
            if let Some(path) = files::template_of(&task.task, &seen.play) {
                let names = rendered.entry(path.clone()).or_insert_with(|| names_in(&path, sight));
                uses.extend(names.iter().cloned());
            }
            let guards = guards_of(&task.task);
            let is_sure = sight.is_complete && !task.is_conditional();
            for used in uses {
                let name = &*used.name;
                let is_known = used.guarded
                    || guards.mention(name)
                    || is_filled(name)
                    || known.names.contains(name)
                    || inventory.get_or_init(|| inventory_names(sight)).contains(name);
                if is_known {
                    continue;
                }
                let all = known.names.iter().chain(inventory.get().into_iter().flatten());
                let near = source::nearest::nearest(name, all.map(|name| &**name));
                if near.is_empty() && !is_sure {
                    continue;
                }
                let message = format!("nothing defines the variable '{name}'");
                let span = used.span.as_ref().unwrap_or(&task.task.action.span);
                let hint = match near.as_slice() {
                    [] => "set it, give it with -e, or say what stands for it: default(…)".into(),
                    near => format!("did you mean {}?", near.join(" or ")),
                };
                found.push(Diagnostic::warning(UNDEFINED, span, message).hint(hint));
            }
        }
    }
}

fn is_filled(name: &str) -> bool {
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || RETURNED.contains(&name)
        || run::magic::NAMES.contains(&name)
}

/// What hosts and groups define, those of the cache of facts too.
fn inventory_names(sight: &Sight<'_>) -> HashSet<Arc<str>> {
    let inventory = sight.store.inventory();
    let local = inventory::HostName::from("localhost");
    let mut names = HashSet::new();
    for host in inventory.hosts.keys().chain([&local]) {
        let layers = sight.store.layers(host);
        for layer in [&layers.inventory, &layers.facts, &layers.included, &layers.set] {
            names.extend(layer.keys().cloned());
        }
    }
    names
}

/// The names that a file uses as the module `template` reads it. Nothing where it reads it with
/// other delimiters, or cannot read it, which that module says better.
fn names_in(path: &Path, sight: &Sight<'_>) -> Vec<Name> {
    let Ok(text) = std::fs::read_to_string(path) else { return Vec::new() };
    // What a template takes from another one is not seen from here.
    if ["{% extends", "{% include", "{% import", "{% from"].iter().any(|word| text.contains(word)) {
        return Vec::new();
    }
    let compiled = sight.store.engine.compile_file(&text, &FileOptions::new(path));
    compiled.map(|file| file.names()).unwrap_or_default()
}

/// What the templates and conditions of a task use, those that it inherits left out.
fn uses_of(task: &Task) -> Vec<Name> {
    let mut names = Vec::new();
    let mut of_tree = |tree: &Tree| {
        tree.templates(&mut |template| names.extend(template.names()));
    };
    let action = &task.action;
    let sets_delimiters = action.args.keys().any(|key| key.ends_with("_string"));
    if task.does(&["template"]) && sets_delimiters {
        return Vec::new();
    }
    action.args.values().chain(&action.free_form).chain(&action.whole).for_each(&mut of_tree);
    match &task.loop_ {
        Some(Loop::List(setting) | Loop::With { terms: setting, .. }) => of_tree(&setting.tree),
        None => {}
    }
    for (key, _) in Key::ALL {
        if let Some(setting) = task.keywords.get(*key) {
            of_tree(&setting.tree);
        }
    }
    for setting in [&task.retries, &task.delay, &task.async_, &task.poll].into_iter().flatten() {
        of_tree(&setting.tree);
    }
    let lists = [&task.changed_when, &task.failed_when, &task.until];
    let own = lists.into_iter().flatten().flatten().chain(&task.keywords.when);
    names.extend(own.flat_map(|condition| condition.expression.names()));
    names
}

/// What a task asks before it uses a variable.
struct Guards {
    names: HashSet<Arc<str>>,
    texts: Vec<Arc<str>>,
}

impl Guards {
    /// Whether a condition tests the variable, or names it in a text as in `'x' in vars`.
    fn mention(&self, name: &str) -> bool {
        let quoted = [format!("'{name}'"), format!("\"{name}\"")];
        let is_quoted = |text: &Arc<str>| quoted.iter().any(|name| text.contains(name.as_str()));
        self.names.contains(name) || self.texts.iter().any(is_quoted)
    }
}

fn guards_of(task: &Task) -> Guards {
    let conditions: Vec<&Condition> = task.conditions();
    let names = conditions
        .iter()
        .flat_map(|condition| condition.expression.names())
        .filter(|name| name.guarded)
        .map(|name| name.name)
        .collect();
    let texts = conditions.iter().map(|c| Arc::clone(c.expression.text())).collect();
    Guards { names, texts }
}

/// All names that are defined.
#[derive(Default)]
struct Known {
    names: HashSet<Arc<str>>,
    /// Whether variables are set whose names only a run knows.
    is_open: bool,
    read: HashSet<PathBuf>,
}

impl Known {
    fn of_play(&mut self, seen: &Seen, sight: &Sight<'_>) {
        self.is_open |= seen.has_unknown_roles;
        self.names.extend(sight.store.extra.keys().cloned());
        let play = &seen.play;
        self.names.extend(play.vars_prompt.iter().map(|prompt| Arc::from(prompt.name.as_str())));
        self.frame(&play.frame);
        let folder = folder_of(play);
        for setting in &play.vars_files {
            match setting.tree.literal() {
                Some(names) => {
                    let one = [names.clone()];
                    let names = names.as_list().map_or_else(|| one.to_vec(), |list| list.to_vec());
                    for name in names {
                        let name = name.to_string();
                        self.file(&folder.join(&name), sight);
                        self.file(&folder.join("vars").join(&name), sight);
                    }
                }
                // Which of them a run takes is not known: all of them.
                None => {
                    for place in
                        [folder.to_owned(), folder.join("vars"), named(&setting.tree, folder)]
                    {
                        self.folder(&place, sight, Self::variables);
                    }
                }
            }
        }
        for role in &seen.roles {
            self.role(role);
            role.all_dependencies().iter().for_each(|role| self.role(role));
        }
        for folder in &seen.unknown_tasks {
            self.folder(folder, sight, Self::tasks);
        }
        for task in seen.all() {
            self.task(task, seen, sight);
        }
    }

    fn role(&mut self, role: &Role) {
        for layer in [&role.defaults, &role.vars, &role.params] {
            self.names.extend(layer.keys().cloned());
        }
    }

    fn frame(&mut self, frame: &Frame) {
        self.names.extend(frame.keywords.vars.keys().cloned());
        if let FrameKind::Include { params } = &frame.kind {
            self.names.extend(params.keys().cloned());
        }
    }

    fn task(&mut self, seen: &SeenTask, of: &Seen, sight: &Sight<'_>) {
        let task = &seen.task;
        task.parent.chain().for_each(|frame| self.frame(frame));
        self.names.extend(task.keywords.vars.keys().cloned());
        let control = &task.loop_control;
        for setting in [&task.register, &control.loop_var, &control.index_var].into_iter().flatten()
        {
            match setting.tree.as_str() {
                Some(name) => drop(self.names.insert(name.into())),
                None => self.is_open = true,
            }
        }
        let action = &task.action;
        if action.deferred.is_some()
            || run::execute::Specs::custom(sight.modules, &action.name).is_some()
        {
            // What it returns may be variables.
            self.is_open = true;
        } else if task.does(&["set_fact", "add_host"]) {
            self.is_open |= action.whole.is_some() || action.free_form.is_some();
            self.is_open |= action.args.keys().any(|name| name.contains("{{"));
            self.names.extend(action.args.keys().cloned());
        } else if task.does(&["include_vars"]) {
            self.include_vars(task, of, sight);
        }
    }

    /// A file that a task reads variables from; where a run chooses it, all that it may be.
    fn include_vars(&mut self, task: &Task, of: &Seen, sight: &Sight<'_>) {
        let args = &task.action.args;
        if let Some(name) = args.get("name").map(Tree::as_str) {
            match name {
                Some(name) => drop(self.names.insert(name.into())),
                None => self.is_open = true,
            }
            return;
        }
        let mut places: Vec<PathBuf> = Vec::new();
        for role in task.parent.roles() {
            places.extend([role.path.join("vars"), role.path.clone()]);
        }
        let beside = task.span.file.path.parent().map(Path::to_owned);
        for folder in beside.into_iter().chain([folder_of(&of.play).to_owned()]) {
            places.extend([folder.join("vars"), folder]);
        }
        let file = args.get("file").or(task.action.free_form.as_ref());
        match (file, args.get("dir")) {
            (Some(file), None) => match file.as_str() {
                Some(name) => places.iter().for_each(|place| self.file(&place.join(name), sight)),
                None => {
                    for place in &places {
                        self.folder(place, sight, Self::variables);
                        self.folder(&named(file, place), sight, Self::variables);
                    }
                }
            },
            (None, Some(folder)) => match folder.as_str() {
                Some(name) => {
                    for place in &places {
                        self.folder(&place.join(name), sight, Self::variables);
                    }
                }
                None => self.is_open = true,
            },
            _ => self.is_open = true,
        }
    }

    /// All files of YAML in a folder and below it.
    fn folder(&mut self, folder: &Path, sight: &Sight<'_>, read: fn(&mut Self, &Node)) {
        const DEPTH_MAX: usize = 3;
        const FILES_MAX: usize = 500;
        let files = walkdir::WalkDir::new(folder)
            .max_depth(DEPTH_MAX)
            .follow_links(true)
            .into_iter()
            .filter_map(Result::ok)
            .filter(|entry| entry.file_type().is_file())
            .map(walkdir::DirEntry::into_path)
            .filter(|path| {
                let ending = path.extension().and_then(|ending| ending.to_str());
                matches!(ending, Some("yml" | "yaml" | "json"))
            });
        let files: Vec<PathBuf> = files.take(FILES_MAX).collect();
        // More than can be looked at is as good as unknown.
        self.is_open |= files.len() == FILES_MAX;
        for path in files {
            self.read(&path, sight, read);
        }
    }

    fn file(&mut self, path: &Path, sight: &Sight<'_>) {
        if path.is_file() {
            self.read(path, sight, Self::variables);
        }
    }

    fn read(&mut self, path: &Path, sight: &Sight<'_>, read: fn(&mut Self, &Node)) {
        if !self.read.insert(path.to_owned()) {
            return;
        }
        let mut wrong = Diagnostics::default();
        let node = sight.compiler.read_yaml(path, &mut wrong);
        match node {
            Some(node) => read(self, &node),
            // It cannot be decrypted here, or is wrong, which others tell.
            None => self.is_open |= wrong.has_errors(),
        }
    }

    /// The keys of a file of variables.
    fn variables(&mut self, node: &Node) {
        node.as_sequence().unwrap_or_default().iter().for_each(|item| self.variables(item));
        for entry in node.as_mapping().into_iter().flat_map(|mapping| &mapping.entries) {
            self.names.extend(entry.key.as_str().map(Arc::from));
        }
    }

    /// What the tasks of a file set.
    fn tasks(&mut self, node: &Node) {
        match &node.kind {
            Kind::Sequence(items) => items.iter().for_each(|item| self.tasks(item)),
            Kind::Mapping(mapping) => {
                for entry in &mapping.entries {
                    let key = entry.key.as_str().unwrap_or_default();
                    match key.rsplit('.').next().unwrap_or_default() {
                        "register" | "loop_var" | "index_var" => {
                            self.names.extend(entry.value.as_str().map(Arc::from));
                        }
                        "set_fact" | "vars" | "add_host" => self.variables(&entry.value),
                        "include_vars" | "include_role" => self.is_open = true,
                        _ => {}
                    }
                    self.tasks(&entry.value);
                }
            }
            Kind::Scalar(_) => {}
        }
    }
}

/// The folder that a templated path begins with: `vars/{{ x }}.yml` names `vars`.
fn named(tree: &Tree, beside: &Path) -> PathBuf {
    let text = plan::written(tree);
    let plain = text.split("{{").next().unwrap_or_default();
    match plain.rsplit_once('/') {
        Some((folder, _)) => beside.join(folder),
        None => beside.to_owned(),
    }
}
