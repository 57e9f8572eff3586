//! Plays, tasks, hosts and results as callbacks get them: JSON with the marks of the channel.

use std::sync::Arc;

use plan::{Key, Loop, Play, Role, Setting, Task};
use plugins::{PythonCallbacks, written};
use protocol::{Json, JsonMap};
use run::{Statistics, Store, TaskResult};
use serde_json::json;
use template::{Tree, Value};

use super::Surrounding;

/// What `ansible.context.CLIARGS` has.
pub fn options(around: &Surrounding<'_>) -> Json {
    let (run, inventory) = (around.run, around.store.inventory());
    json!({
        "args": around.playbooks,
        "ask_pass": false,
        "ask_vault_pass": false,
        "become": run.connection.become_,
        "become_method": run.connection.become_method,
        "become_user": run.connection.become_user,
        "check": run.check,
        "connection": run.connection.connection,
        "diff": run.diff,
        "extra_vars": [],
        "flush_cache": false,
        "force_handlers": run.force_handlers,
        "forks": run.forks,
        "inventory": inventory.sources,
        "limit": Json::Null,
        "listhosts": false,
        "listtags": false,
        "listtasks": false,
        "module_path": Json::Null,
        "remote_user": run.connection.user,
        "skip_tags": run.skip_tags,
        "start_at_task": run.start_at_task,
        "step": run.step,
        "subset": run.limit.as_ref().map(|limit| limit.join(",")),
        "syntax": false,
        "tags": run.tags,
        "verbosity": run.verbosity,
    })
}

/// A play.
pub fn play(play: &Arc<Play>, name: &str, callbacks: &PythonCallbacks) -> Json {
    let tree = |tree: &Tree| callbacks.json(&written(tree));
    let mut keywords = JsonMap::new();
    for (key, word) in Key::ALL {
        if let Some(setting) = play.frame.keywords.get(*key) {
            keywords.insert((*word).to_owned(), tree(&setting.tree));
        }
    }
    for (word, setting) in [
        ("strategy", &play.strategy),
        ("serial", &play.serial),
        ("gather_facts", &play.gather_facts),
        ("max_fail_percentage", &play.max_fail_percentage),
        ("force_handlers", &play.force_handlers),
    ] {
        if let Some(setting) = setting {
            keywords.insert(word.to_owned(), tree(&setting.tree));
        }
    }
    let vars: JsonMap = play
        .frame
        .keywords
        .vars
        .iter()
        .map(|(name, value)| (name.to_string(), tree(value)))
        .collect();
    let hosts = match &play.hosts.tree {
        Tree::List(items) => items.iter().map(plan::written).map(Json::from).collect(),
        _ => vec![Json::from(play.hosts_text())],
    };
    json!({
        "uuid": format!("{:p}", Arc::as_ptr(play)),
        "name": name,
        "hosts": hosts,
        "vars": vars,
        "tags": settings(&play.frame.keywords.tags),
        "path": place(&play.span),
        "roles": play.roles.iter().map(|block| role(&block.role)).collect::<Vec<_>>(),
        "keywords": keywords,
    })
}

fn role(role: &Role) -> Json {
    json!({
        "name": role.full_name(),
        "short": role.name,
        "path": role.path.display().to_string(),
        "collection": role.collection,
    })
}

fn place(span: &source::Span) -> String {
    format!("{}:{}", span.file.path.display(), span.start.line)
}

/// Lists as one: tags may be given as a text, or as a list in a list.
fn settings<'s>(settings: impl IntoIterator<Item = &'s Setting>) -> Vec<String> {
    let mut all = Vec::new();
    for setting in settings {
        match &setting.tree {
            Tree::List(items) => all.extend(items.iter().map(plan::written)),
            tree => all.extend(plan::written(tree).split(',').map(|tag| tag.trim().to_owned())),
        }
    }
    all
}

/// The name as it is written; empty where there is none.
pub fn written_name(task: &Task) -> String {
    task.keywords.name.as_ref().map(plan::written).unwrap_or_default()
}

/// A task. `name` is the one that it is announced by.
pub fn task(
    task: &Arc<Task>,
    name: &str,
    check: Option<bool>,
    encode: &dyn Fn(&Value) -> Json,
) -> Json {
    let tree = |tree: &Tree| encode(&written(tree));
    let mut args = JsonMap::new();
    if let Some(text) = &task.action.free_form {
        args.insert("_raw_params".into(), tree(text));
    }
    args.extend(task.action.args.iter().map(|(name, value)| (name.to_string(), tree(value))));
    let mut said = JsonMap::new();
    let is_named = task.keywords.name.is_some();
    let is_include = task.does(&["include_role"]) && is_named;
    said.insert("uuid".into(), task.id.to_string().into());
    said.insert("name".into(), if is_named { name } else { "" }.into());
    said.insert("action".into(), task.action.written.clone().into());
    said.insert("resolved".into(), task.action.name.as_ref().into());
    said.insert("args".into(), Json::Object(args));
    said.insert("path".into(), place(&task.span).into());
    let outer = task.parent.chain().flat_map(|frame| &frame.keywords.tags);
    said.insert("tags".into(), settings(task.keywords.tags.iter().chain(outer)).into());
    said.insert("bare".into(), is_include.into());
    if let Some(of) = task.role() {
        said.insert("role".into(), role(of));
    }
    for (key, word) in Key::ALL {
        if let Some(setting) = task.setting(*key) {
            said.insert((*word).to_owned(), tree(&setting.tree));
        }
    }
    if check.is_some() || !said.contains_key("check_mode") {
        said.insert("check_mode".into(), check.unwrap_or(false).into());
    }
    match &task.loop_ {
        None => {}
        Some(Loop::List(setting)) => {
            said.insert("loop".into(), tree(&setting.tree));
        }
        Some(Loop::With { lookup, terms }) => {
            said.insert("loop".into(), tree(&terms.tree));
            said.insert("loop_with".into(), lookup.clone().into());
        }
    }
    for (word, setting) in [
        ("register", &task.register),
        ("async_val", &task.async_),
        ("poll", &task.poll),
        ("retries", &task.retries),
        ("delay", &task.delay),
    ] {
        if let Some(setting) = setting {
            said.insert(word.to_owned(), tree(&setting.tree));
        }
    }
    let conditions = |conditions: &mut dyn Iterator<Item = &plan::Condition>| -> Json {
        conditions.map(|condition| condition.expression.text().to_string()).collect()
    };
    said.insert("when".into(), conditions(&mut task.conditions().into_iter()));
    for (word, given) in [
        ("until", &task.until),
        ("changed_when", &task.changed_when),
        ("failed_when", &task.failed_when),
    ] {
        if let Some(given) = given {
            said.insert(word.to_owned(), conditions(&mut given.iter()));
        }
    }
    let keywords = &task.keywords;
    if !keywords.notify.is_empty() {
        said.insert("notify".into(), settings(&keywords.notify).into());
    }
    if !task.listen.is_empty() {
        said.insert("listen".into(), settings(&task.listen).into());
    }
    if !keywords.environment.is_empty() {
        let all: Vec<Json> = keywords.environment.iter().map(|said| tree(&said.tree)).collect();
        said.insert("environment".into(), all.into());
    }
    let vars = keywords.vars.iter().map(|(name, value)| (name.to_string(), tree(value)));
    said.insert("vars".into(), Json::Object(vars.collect()));
    Json::Object(said)
}

/// A result: all fields, and what they do not say.
pub fn result(result: &TaskResult, callbacks: &PythonCallbacks) -> Json {
    let fields = Value::from_json(&Json::Object(result.fields.clone()));
    let mut fields = callbacks.json(&fields);
    if let Some(fields) = fields.as_object_mut() {
        if result.items.is_empty() {
            fields.insert("_ansible_no_log".into(), result.no_log.into());
        }
        if result.verbose_always {
            fields.insert("_ansible_verbose_always".into(), true.into());
        }
        if result.verbose_override {
            fields.insert("_ansible_verbose_override".into(), true.into());
        }
        if let Some(other) = &result.delegated_to {
            let address = result.delegated_address.as_ref().unwrap_or(other);
            let said = json!({ "ansible_delegated_host": other, "ansible_host": address });
            fields.insert("_ansible_delegated_vars".into(), said);
        }
    }
    let arguments = result
        .arguments
        .as_ref()
        .map(|given| callbacks.json(&Value::from_json(&Json::Object(given.clone()))));
    let mut said = json!({ "fields": fields, "no_log": result.no_log });
    if let Some(said) = said.as_object_mut() {
        if let Some(arguments) = arguments {
            said.insert("args".into(), arguments);
        }
        if let Some(other) = &result.delegated_to {
            said.insert("delegate_to".into(), other.clone().into());
        }
    }
    said
}

/// How tasks ended, by host.
pub fn counts(statistics: &Statistics) -> Json {
    let counts = statistics.hosts.iter().map(|(host, counts)| {
        let said = json!({
            "ok": counts.ok, "changed": counts.changed, "unreachable": counts.unreachable,
            "failures": counts.failed, "skipped": counts.skipped, "rescued": counts.rescued,
            "ignored": counts.ignored,
        });
        (host.to_string(), said)
    });
    Json::Object(counts.collect())
}

/// Variables as they were written.
pub fn variables(vars: &inventory::Vars) -> Json {
    let vars = vars
        .iter()
        .map(|(name, tree)| (name.to_string(), written(tree).to_json().unwrap_or_default()));
    Json::Object(vars.collect())
}

/// A host of the inventory.
pub fn host(store: &Store, name: &str) -> Json {
    let inventory = store.inventory();
    let vars = inventory.hosts.get(name).map(|host| variables(&host.vars));
    let mut groups = JsonMap::new();
    for group in inventory.groups_of(name) {
        if let Some(group) = inventory.groups.get(&group) {
            groups.insert(group.name.to_string(), variables(&group.vars));
        }
    }
    json!({ "vars": vars.unwrap_or_else(|| json!({})), "groups": groups })
}

/// All variables of a host, as they were written; without a host, those of the command line.
pub fn host_variables(store: &Arc<Store>, name: Option<&str>) -> Json {
    let Some(name) = name else { return variables(&store.extra) };
    let scope = run::magic::host_scope(store, store.layers(&name.into()));
    let mut all = JsonMap::new();
    for variable in scope.names() {
        if let Some(tree) = scope.tree(&variable) {
            let value = written(&tree).to_json().unwrap_or_default();
            all.insert(variable.to_string(), value);
        }
    }
    all.insert("inventory_hostname".into(), name.into());
    Json::Object(all)
}
