//! `setup` and `gather_facts`: facts of the host.

use protocol::JsonMap;
use transport::NoFiles;

use super::ActionContext;
use crate::TaskResult;

pub(crate) async fn run(context: &ActionContext<'_>, mut args: JsonMap) -> TaskResult {
    args.remove("parallel");
    const SETUP: &str = "ansible.builtin.setup";
    if let Some(spec) = context.executor.specs.spec(SETUP) {
        args = match protocol::arguments::check(&spec.arguments, SETUP, &args) {
            Ok(args) => args,
            Err(errors) => {
                let messages: Vec<String> = errors.into_iter().map(|e| e.message).collect();
                return TaskResult::failure(messages.join(". "));
            }
        };
    }
    let mut result = context.call("ansible.builtin.setup", args, &NoFiles, Vec::new(), None).await;
    // The host's own facts are variables with a prefix; what says how they were gathered is not.
    result.facts = std::mem::take(&mut result.facts)
        .into_iter()
        .map(|(name, value)| {
            let is_bare = name.starts_with("ansible_")
                || matches!(name.as_str(), "gather_subset" | "module_setup");
            (if is_bare { name } else { format!("ansible_{name}") }, value)
        })
        .collect();
    result
}
