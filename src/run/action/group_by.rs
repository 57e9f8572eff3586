//! `group_by`: makes groups of hosts by a name that is worked out for each.

use protocol::{Json, JsonMap};

use super::ActionContext;
use crate::{TaskResult, outcome::RunOrder};

pub(crate) fn run(context: &ActionContext<'_>, args: &JsonMap) -> TaskResult {
    let text = |json: &Json| match json {
        Json::String(text) => text.replace(' ', "-"),
        other => other.to_string().replace(' ', "-"),
    };
    let Some(key) = args.get("key").map(text) else {
        return TaskResult::failure("the 'key' param is required when using group_by");
    };
    let parents: Vec<String> = match args.get("parents") {
        Some(Json::Array(parents)) => parents.iter().map(text).collect(),
        Some(Json::Null) | None => vec!["all".into()],
        Some(parent) => vec![text(parent)],
    };
    let inventory = context.executor.context.store.inventory();
    let is_in = inventory
        .groups
        .get(key.as_str())
        .is_some_and(|group| group.hosts.contains(context.host.as_str()));
    let mut result = TaskResult { changed: !is_in, ..TaskResult::default() };
    result.fields.insert("add_group".into(), Json::String(key.clone()));
    result.fields.insert("parent_groups".into(), serde_json::json!(parents));
    result.orders.push(RunOrder::GroupBy { group: key, parents });
    result
}
