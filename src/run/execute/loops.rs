//! A loop: its items, what each of them sees, and what they come to together.

use std::{pin::pin, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use inventory::HostName;
use plan::{Key, Loop, Setting, Task};
use protocol::Json;
use template::{Scope, Surroundings, TemplateError, Value};

use super::{
    Executor,
    line::{Line, Place},
};
use crate::{Event, ItemEvent, TaskResult, action, connect, guard};

impl Executor {
    /// The items of a task's loop; `None` where it has no loop.
    pub(super) fn loop_items(
        &self,
        task: &Arc<Task>,
        scope: &Scope,
    ) -> Result<Option<Vec<Value>>, Box<TaskResult>> {
        let fail = |error: &TemplateError, near| {
            Box::new(TaskResult::template_failure(error, "loop", near))
        };
        match &task.loop_ {
            None => Ok(None),
            Some(Loop::List(setting)) => {
                let value = match setting.tree.instantiate(scope) {
                    Value::Undefined(undefined) => {
                        return Err(fail(&undefined.error(), &setting.span));
                    }
                    // Nothing is done for the first items where a later one cannot be had.
                    value => {
                        value.defined_throughout().map_err(|error| fail(&error, &setting.span))?
                    }
                };
                match &value {
                    Value::None => Ok(None),
                    Value::List(list) => Ok(Some(list.iter().map(listed).collect())),
                    Value::Tuple(items) => Ok(Some(items.iter().cloned().map(listed).collect())),
                    other => Err(Box::new(TaskResult::failure(format!(
                        "Invalid data passed to 'loop', it requires a list, got this instead: {other}. Hint: If you passed a list/dict of just one element, try adding wantlist=True to your lookup invocation or use q/query instead of lookup."
                    )))),
                }
            }
            Some(Loop::With { lookup, terms }) => {
                let value = terms.tree.instantiate(scope);
                let short = lookup.rsplit('.').next().unwrap_or_default();
                let is_patient = short == "first_found";
                let terms_list = match value {
                    Value::Undefined(undefined) if !is_patient => {
                        return Err(fail(&undefined.error(), &terms.span));
                    }
                    Value::Undefined(_) => Vec::new(),
                    Value::List(list) => list.to_vec(),
                    Value::Tuple(items) => items.to_vec(),
                    Value::None if matches!(short, "items" | "list" | "dict") => vec![Value::None],
                    Value::None => Vec::new(),
                    // As in Python, a dictionary that is gone through gives its keys.
                    other if other.is_mapping() => match short {
                        "items" | "flattened" | "nested" | "cartesian" | "together" => {
                            other.elements().map_err(|error| fail(&error, &terms.span))?
                        }
                        "list" | "indexed_items" => {
                            let why = format!("with_{short} expects a list");
                            return Err(Box::new(TaskResult::failure(why)));
                        }
                        _ => vec![other],
                    },
                    other => vec![other],
                };
                // What the action is about is looked for where such things are.
                let kinds = [("template", "templates"), ("var", "vars")];
                let kind = kinds.iter().find(|(word, _)| task.action.name.contains(word));
                let looking = match kind.filter(|_| is_patient) {
                    Some((_, kind)) => {
                        let mut surroundings = Surroundings::clone(scope.surroundings());
                        surroundings.first_found_kind = kind;
                        &scope.with_surroundings(Arc::new(surroundings))
                    }
                    None => scope,
                };
                match self.context.store.engine.run_lookup(lookup, terms_list, looking) {
                    Ok(items) => Ok(Some(items.into_iter().map(listed).collect())),
                    Err(error) => Err(fail(&error, &terms.span)),
                }
            }
        }
    }

    pub(super) async fn execute_loop(
        &self,
        task: &Arc<Task>,
        host: &HostName,
        scope: &Scope,
        items: Vec<Value>,
    ) -> TaskResult {
        let control = &task.loop_control;
        let text = |setting: &Option<Setting>| -> Result<Option<String>, TemplateError> {
            match setting {
                Some(setting) => setting.tree.evaluate(scope).map(|value| Some(value.to_string())),
                None => Ok(None),
            }
        };
        let (loop_var, index_var) = match (text(&control.loop_var), text(&control.index_var)) {
            (Ok(loop_var), Ok(index_var)) => (loop_var.unwrap_or_else(|| "item".into()), index_var),
            (Err(error), _) | (_, Err(error)) => {
                return TaskResult::template_failure(&error, "loop_control", &task.span);
            }
        };
        let flag = |setting: &Option<Setting>| {
            setting
                .as_ref()
                .and_then(|s| s.tree.evaluate(scope).ok())
                .and_then(|v| crate::truth(&v))
        };
        let is_extended = flag(&control.extended).unwrap_or(false);
        let has_all_items = flag(&control.extended_allitems).unwrap_or(true);
        let pause = match &control.pause {
            Some(setting) => setting.tree.evaluate(scope).ok().and_then(|v| v.as_float()),
            None => None,
        };
        let turns = Turns { loop_var, index_var, is_extended, has_all_items, items };
        if turns.items.len() > 1 && self.goes_ahead(task, host, scope) {
            return self.loop_ahead(task, host, scope, &turns).await;
        }
        let mut results = Vec::with_capacity(turns.items.len());
        // What an item sets is seen by the next one.
        let mut scope = scope.clone();
        for index in 0..turns.items.len() {
            if let Some(secs) = pause.filter(|secs| *secs > 0.0 && index > 0) {
                tokio::time::sleep(Duration::from_secs_f64(secs)).await;
            }
            let (item_scope, result) =
                self.execute_item(task, host, &scope, &turns, index, None).await;
            if result.raised.is_some() {
                return result;
            }
            let stops = !control.break_when.is_empty() && self.breaks(task, &item_scope, &result);
            self.tell_item(task, host, &turns, index, &item_scope, &result);
            if !result.variables.is_empty() {
                let set =
                    result.variables.iter().map(|(name, value)| (name.as_str(), value.clone()));
                scope = scope.push_values(set);
            }
            results.push(result);
            if stops {
                break;
            }
        }
        aggregate(results)
    }

    /// Whether items of a loop may be worked out while those before them are under way: nothing
    /// that one of them sees depends on what another one has come to.
    fn goes_ahead(&self, task: &Arc<Task>, host: &HostName, scope: &Scope) -> bool {
        let control = &task.loop_control;
        let takes_turns = control.pause.is_some()
            || !control.break_when.is_empty()
            || task.until.is_some()
            || task.action.deferred.is_some()
            || task.retries.is_some()
            || task.async_.is_some()
            || [Key::Timeout, Key::DelegateTo].iter().any(|key| task.setting(*key).is_some())
            || self.context.settings.task_timeout_secs > 0;
        let Some(spec) = self.specs.spec(&task.action.name).filter(|_| !takes_turns) else {
            return false;
        };
        if !action::is_one_request(&task.action.name, spec.runs) {
            return false;
        }
        // What is undone unless the host is reached again must not be followed before that is known.
        if guard::is_likely(scope, &task.action.name) {
            return false;
        }
        // On the controller's own machine a lookup may see what the item before has done.
        connect::resolve(host.as_str(), false, Some(task), scope, scope, &self.context.settings)
            .is_ok_and(|way| !way.remote().is_local)
    }

    /// A loop whose requests are sent without waiting for answers. They arrive in order, and what
    /// came of them is told in order.
    async fn loop_ahead(
        &self,
        task: &Arc<Task>,
        host: &HostName,
        scope: &Scope,
        turns: &Turns,
    ) -> TaskResult {
        let line = Line::new();
        let mut results = Vec::with_capacity(turns.items.len());
        let under_way = stream::iter(0..turns.items.len()).map(|index| {
            let place = Some(Arc::new(line.join()));
            self.execute_item(task, host, scope, turns, index, place)
        });
        let mut ended = pin!(under_way.buffered(ITEMS_AHEAD_MAX));
        while let Some((item_scope, result)) = ended.next().await {
            if result.raised.is_some() {
                return result;
            }
            self.tell_item(task, host, turns, results.len(), &item_scope, &result);
            results.push(result);
        }
        aggregate(results)
    }

    /// One item: what it sees, and what came of it.
    async fn execute_item(
        &self,
        task: &Arc<Task>,
        host: &HostName,
        scope: &Scope,
        turns: &Turns,
        index: usize,
        place: Option<Arc<Place>>,
    ) -> (Scope, TaskResult) {
        let item = turns.items.get(index).unwrap_or(&Value::None);
        let mut vars: Vec<(&str, Value)> = vec![
            (&turns.loop_var, item.clone()),
            ("ansible_loop_var", Value::from(turns.loop_var.as_str())),
        ];
        if let Some(index_var) = &turns.index_var {
            let position = Value::Int(i64::try_from(index).unwrap_or(i64::MAX));
            vars.push((index_var, position));
            vars.push(("ansible_index_var", Value::from(index_var.as_str())));
        }
        let extended =
            turns.is_extended.then(|| extended_loop(&turns.items, index, turns.has_all_items));
        if let Some(extended) = &extended {
            vars.push(("ansible_loop", extended.clone()));
        }
        let item_scope = scope.push_values(vars);
        let item_place = ItemPlace {
            loop_var: &turns.loop_var,
            index_var: turns.index_var.as_deref(),
            item,
            index,
            extended,
            place,
        };
        let mut result = self.execute_once(task, host, &item_scope, Some(&item_place)).await;
        result.no_log |= self.hides(task, &item_scope);
        if result.raised.is_some() {
            // The loop ends here.
            if let Some(place) = &item_place.place {
                place.break_line();
            }
            return (item_scope, result);
        }
        item_place.describe(&mut result);
        if let Err(error) = self.own_label(task, &item_scope)
            && !error.is_until_run()
        {
            (result.failed, result.changed) = (true, false);
            let why = format!("Failed to template loop_control.label: {error}");
            result.fields.insert("msg".into(), why.into());
            result.set_flags();
        }
        (item_scope, result)
    }

    /// Tells what came of an item.
    fn tell_item(
        &self,
        task: &Arc<Task>,
        host: &HostName,
        turns: &Turns,
        index: usize,
        scope: &Scope,
        result: &TaskResult,
    ) {
        // Includes speak for themselves once they are done.
        if !result.orders.is_empty() && task.does(&["include_tasks", "include_role"]) {
            return;
        }
        let label = self.label(task, scope, turns.items.get(index).unwrap_or(&Value::None));
        let ignored = result.failed && self.ignores_errors(task, scope);
        let _ = self.events.send(Event::Item(Box::new(ItemEvent {
            host: host.clone(),
            task: Arc::clone(task),
            label,
            result: result.clone(),
            ignored,
        })));
    }

    fn breaks(&self, task: &Arc<Task>, scope: &Scope, result: &TaskResult) -> bool {
        let scope = match self.register_name(task, scope) {
            Some(name) => scope.push_values([(name.as_str(), result.registered())]),
            None => scope.clone(),
        };
        task.loop_control
            .break_when
            .iter()
            .all(|condition| condition.expression.is_true(&scope).unwrap_or(false))
    }

    /// What `loop_control.label` shows in place of the item.
    fn own_label(&self, task: &Task, scope: &Scope) -> Result<Option<Value>, TemplateError> {
        let label = task.loop_control.label.as_ref();
        label.map(|setting| setting.tree.evaluate(scope)).transpose()
    }

    pub(super) fn label(&self, task: &Arc<Task>, scope: &Scope, item: &Value) -> Json {
        let label = match self.own_label(task, scope) {
            Ok(own) => own.unwrap_or_else(|| item.clone()),
            Err(_) => Value::None,
        };
        label.to_json().unwrap_or_else(|_| Json::String(label.to_string()))
    }
}

/// Items that are worked out, rendered and sent before the first of them has been answered.
const ITEMS_AHEAD_MAX: usize = 32;

/// What all items of a loop have in common.
struct Turns {
    loop_var: String,
    index_var: Option<String>,
    is_extended: bool,
    has_all_items: bool,
    items: Vec<Value>,
}

/// An item and its place in the loop.
pub(crate) struct ItemPlace<'a> {
    loop_var: &'a str,
    index_var: Option<&'a str>,
    pub(super) item: &'a Value,
    index: usize,
    extended: Option<Value>,
    /// Where its request stands among those of the other items.
    pub(super) place: Option<Arc<Place>>,
}

impl ItemPlace<'_> {
    /// The variables that the loop gives, as what is included sees them.
    pub(super) fn variables(&self) -> Vec<(String, Json)> {
        let json = |value: &Value| value.to_json().unwrap_or(Json::Null);
        let mut variables = vec![
            (self.loop_var.to_owned(), json(self.item)),
            ("ansible_loop_var".to_owned(), Json::String(self.loop_var.to_owned())),
        ];
        if let Some(index_var) = self.index_var {
            variables.push((index_var.to_owned(), Json::from(self.index)));
            variables.push(("ansible_index_var".to_owned(), Json::String(index_var.to_owned())));
        }
        if let Some(extended) = &self.extended {
            variables.push(("ansible_loop".to_owned(), json(extended)));
        }
        variables
    }

    /// Says in a result which item it is of.
    fn describe(&self, result: &mut TaskResult) {
        for (name, value) in self.variables() {
            result.fields.insert(name, value);
        }
    }
}

pub(super) fn empty_loop() -> TaskResult {
    let mut result = TaskResult { skipped: true, ..TaskResult::default() };
    result.fields.insert("skipped_reason".into(), "No items in the list".into());
    result.fields.insert("results".into(), Json::Array(Vec::new()));
    result.settle();
    result
}

/// `ansible_loop` of `loop_control: {extended: true}`.
fn extended_loop(items: &[Value], index: usize, has_all_items: bool) -> Value {
    let length = items.len();
    let int = |value: usize| Value::Int(i64::try_from(value).unwrap_or(i64::MAX));
    let mut entries = vec![
        ("index", int(index + 1)),
        ("index0", int(index)),
        ("first", Value::Bool(index == 0)),
        ("last", Value::Bool(index + 1 == length)),
        ("length", int(length)),
        ("revindex", int(length - index)),
        ("revindex0", int(length - index - 1)),
    ];
    if has_all_items {
        entries.push(("allitems", Value::list(items.iter().cloned())));
    }
    if let Some(next) = items.get(index + 1) {
        entries.push(("nextitem", next.clone()));
    }
    if let Some(previous) = index.checked_sub(1).and_then(|previous| items.get(previous)) {
        entries.push(("previtem", previous.clone()));
    }
    Value::dict(entries)
}

/// An item as tasks see it: tuples are lists, as in all variables of Ansible.
fn listed(item: Value) -> Value {
    match item {
        Value::Tuple(parts) => Value::list(parts.iter().cloned().map(listed)),
        other => other,
    }
}

/// What a loop as a whole has come to.
fn aggregate(items: Vec<TaskResult>) -> TaskResult {
    let mut total = TaskResult {
        changed: items.iter().any(|item| item.changed),
        failed: items.iter().any(|item| item.failed),
        unreachable: items.iter().any(|item| item.unreachable),
        skipped: items.iter().all(|item| item.skipped),
        until_run: !items.is_empty() && items.iter().all(|item| item.until_run),
        no_log: items.iter().any(|item| item.no_log && !item.hides_itself),
        ..TaskResult::default()
    };
    let msg = if total.failed || total.unreachable {
        "One or more items failed"
    } else if total.skipped {
        "All items skipped"
    } else {
        "All items completed"
    };
    let results = items.iter().map(|item| Json::Object(item.fields.clone())).collect();
    total.fields.insert("results".into(), Json::Array(results));
    total.fields.insert("msg".into(), msg.into());
    for item in &items {
        total.facts.extend(item.facts.iter().map(|(name, value)| (name.clone(), value.clone())));
        total.variables.extend(item.variables.iter().cloned());
        total.orders.extend(item.orders.iter().cloned());
        total.notify.extend(item.notify.iter().cloned());
        if total.delegated_to.is_none() {
            total.delegated_to = item.delegated_to.clone();
            total.delegated_address = item.delegated_address.clone();
        }
    }
    total.set_flags();
    // Where no item has failed nothing is said of it.
    if !total.failed {
        total.fields.shift_remove("failed");
    }
    // Said either way, as Ansible does.
    total.fields.entry("skipped").or_insert(Json::Bool(false));
    total.items = items;
    total
}
