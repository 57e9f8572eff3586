//! `async_status`: what has come of a job.

use protocol::{Json, JsonMap};
use transport::NoFiles;

use super::ActionContext;
use crate::TaskResult;

/// Asks the host. The file of a job is the run's own, so a check run reads and removes it too.
pub(crate) async fn run(context: &ActionContext<'_>, mut args: JsonMap) -> TaskResult {
    let folder = context.executor.job_folder(context.scope);
    let settings = super::Settings { check: false, ..context.settings.clone() };
    let context = ActionContext { settings: &settings, ..*context };
    let is_cleanup = args.get("mode").and_then(Json::as_str) == Some("cleanup");
    let job = args.get("jid").cloned().unwrap_or_default();
    args.insert("_async_dir".into(), Json::String(folder));
    let module = "ansible.builtin.async_status";
    let mut result = context.call(module, args, &NoFiles, Vec::new(), None).await;
    if result.unreachable {
        return result;
    }
    let fields = &mut result.fields;
    for (name, value) in [
        ("ansible_job_id", job),
        ("started", Json::from(u8::from(!is_cleanup))),
        ("finished", Json::from(0)),
        ("stdout", "".into()),
        ("stderr", "".into()),
    ] {
        fields.entry(name).or_insert(value);
    }
    result
}
