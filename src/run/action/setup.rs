//! `setup` and `gather_facts`: facts of the host.

use protocol::JsonMap;
use transport::NoFiles;

use super::{ActionContext, custom_module::named_python};
use crate::TaskResult;

pub(crate) async fn run(context: &ActionContext<'_>, mut args: JsonMap) -> TaskResult {
    args.remove("parallel");
    const SETUP: &str = "ansible.builtin.setup";
    match context.completed(SETUP, args) {
        Ok(mut args) => {
            match named_python(context) {
                Ok(Some(python)) => {
                    args.insert("_python".into(), python.into());
                }
                Ok(None) => {}
                Err(why) => return TaskResult::failure(why),
            }
            let mut result = context.call(SETUP, args, &NoFiles, Vec::new(), None).await;
            if !result.facts.is_empty() && context.task.does(&["gather_facts"]) {
                result.facts.insert(crate::store::FACTS_GATHERED.into(), true.into());
            }
            result
        }
        Err(why) => TaskResult::failure(why),
    }
}
