//! `include_tasks` and `include_role`: what is asked of the dispatcher.

use std::sync::Arc;

use indexmap::IndexMap;
use plan::Task;
use protocol::JsonMap;
use template::{Scope, Value};

use super::{Executor, loops::ItemPlace, settled};
use crate::{
    TaskResult,
    outcome::{IncludeRole, IncludeTasks, RunOrder},
};

impl Executor {
    pub(super) fn include(
        &self,
        task: &Arc<Task>,
        scope: &Scope,
        item: Option<&ItemPlace<'_>>,
        no_log: bool,
    ) -> TaskResult {
        let args = match self.arguments(task, scope) {
            Ok(args) => args,
            Err(failure) => return settled(*failure),
        };
        let text = |name: &str| args.get(name).map(ToString::to_string).filter(|t| !t.is_empty());
        let item_vars = item.map(ItemPlace::variables).unwrap_or_default();
        let label = item.map(|place| match no_log {
            true => Value::from("(censored due to no_log)"),
            false => Value::from_json(&self.label(task, scope, place.item)),
        });
        // As Ansible does, an item that is nothing is not shown.
        let label = label.filter(Value::truthy).map(|label| label.to_string());
        let mut said: IndexMap<String, Value> = args.clone();
        let mut fields = JsonMap::new();
        let order = if task.does(&["include_tasks"]) {
            let Some(file) = text("_raw_params").or_else(|| text("file")) else {
                return settled(TaskResult::failure(
                    "No file specified for ansible.builtin.include_tasks",
                ));
            };
            for name in ["_raw_params", "file", "apply"] {
                said.shift_remove(name);
            }
            fields.insert("include".into(), file.clone().into());
            RunOrder::IncludeTasks(IncludeTasks { file, item_vars, label })
        } else {
            let Some(name) = text("name").or_else(|| text("role")) else {
                return settled(TaskResult::failure(
                    "'name' is a required field for include_role.",
                ));
            };
            said.shift_remove("apply");
            let flag = |name: &str| args.get(name).and_then(crate::truth);
            RunOrder::IncludeRole(IncludeRole {
                name,
                tasks_from: text("tasks_from"),
                vars_from: text("vars_from"),
                defaults_from: text("defaults_from"),
                handlers_from: text("handlers_from"),
                allow_duplicates: flag("allow_duplicates"),
                public: flag("public").unwrap_or(self.context.settings.publishes_included_roles),
                validates: flag("rolespec_validate").unwrap_or(true),
                item_vars,
                label,
            })
        };
        let said =
            said.iter().filter_map(|(name, value)| Some((name.clone(), value.to_json().ok()?)));
        fields.insert("include_args".into(), said.collect::<JsonMap>().into());
        let mut result = TaskResult { orders: vec![order], fields, ..TaskResult::default() };
        result.settle();
        result
    }
}
