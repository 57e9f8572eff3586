//! `setup` and `gather_facts`: facts of the host.

use protocol::JsonMap;
use transport::NoFiles;

use super::ActionContext;
use crate::TaskResult;

pub(crate) async fn run(context: &ActionContext<'_>, mut args: JsonMap) -> TaskResult {
    args.remove("parallel");
    context.call("ansible.builtin.setup", args, &NoFiles, Vec::new(), None).await
}
