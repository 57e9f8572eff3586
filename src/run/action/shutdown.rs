//! `community.general.shutdown`: ends a host. That the connection goes away over it is as it should be.

use std::time::Duration;

use protocol::{Json, JsonMap};
use transport::{ConnectionKind, RawOutput};

use super::ActionContext;
use crate::{TaskResult, connect::Way, reach::ReachError};

/// Name of the action.
pub(crate) const NAME: &str = "community.general.shutdown";

/// How long one command may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

const MESSAGE: &str = "Shut down initiated by Ansible";
const SEARCH_PATHS: [&str; 3] = ["/sbin", "/usr/sbin", "/usr/local/sbin"];

/// Folders of `systemctl`, for hosts that have no `shutdown`.
const SYSTEMCTL_PATHS: [&str; 2] = ["/bin", "/usr/bin"];

pub(crate) async fn run(context: &ActionContext<'_>, args: &JsonMap) -> TaskResult {
    let way = match context.way() {
        Ok(way) => way,
        Err(failure) => return *failure,
    };
    let action = &context.task.action.written;
    if way.target.connection == ConnectionKind::Local && !context.settings.check {
        let msg =
            format!("Running {action} with local connection would shutdown the control node.");
        let mut result = TaskResult::failure(msg);
        result.fields.insert("elapsed".into(), 0.into());
        result.fields.insert("shutdown".into(), Json::Bool(false));
        return result;
    }
    let paths: Vec<&str> = match args.get("search_paths").and_then(Json::as_array) {
        Some(paths) => paths.iter().filter_map(Json::as_str).collect(),
        None => SEARCH_PATHS.to_vec(),
    };
    let found = match execute(context, &way, &finding(&paths)).await {
        Ok(output) => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Err(error) => return super::unanswered(&error, &context.executor.context.settings),
    };
    if found.is_empty() {
        return TaskResult::failure(format!(
            "Could not find command \"shutdown\" in search paths: {paths:?} or systemctl command \
             in search paths: {SYSTEMCTL_PATHS:?}, unable to shutdown."
        ));
    }
    let delay_secs = args.get("delay").and_then(Json::as_i64).unwrap_or(0).max(0);
    let message = args.get("msg").and_then(Json::as_str).unwrap_or(MESSAGE);
    let command = order(&found, delay_secs, message);
    if !context.settings.check {
        match execute(context, &way, &command).await {
            // The host may be gone, or its shell killed, before it could say anything.
            Err(_) => {}
            Ok(output) if output.rc <= 0 || output.rc > 128 => {}
            Ok(output) => {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
                let mut result = TaskResult::failure(format!(
                    "Shutdown command failed. Error was {}, {}",
                    text(&output.stdout),
                    text(&output.stderr)
                ));
                result.fields.insert("shutdown".into(), Json::Bool(false));
                return result;
            }
        }
    }
    let mut result = TaskResult { changed: true, ..TaskResult::default() };
    result.fields.insert("shutdown".into(), Json::Bool(true));
    result.fields.insert("shutdown_command".into(), command.into());
    result
}

async fn execute(
    context: &ActionContext<'_>,
    way: &Way,
    command: &str,
) -> Result<RawOutput, ReachError> {
    context.executor.reach.raw(way, command, Some(COMMAND_TIMEOUT)).await
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Shell that prints the path of what ends the host: `shutdown`, else `systemctl`, else `poweroff`,
/// as on Alpine. Nothing where there is none.
fn finding(paths: &[&str]) -> String {
    let words =
        |paths: &[&str]| paths.iter().map(|path| quoted(path)).collect::<Vec<_>>().join(" ");
    let look = |paths: &str, name: &str| match paths {
        "" => String::new(),
        paths => format!(
            "for d in {paths}; do if [ -x \"$d/{name}\" ]; then echo \"$d/{name}\"; exit 0; fi; done; "
        ),
    };
    let own = words(paths);
    format!(
        "{}{}{}exit 0",
        look(&own, "shutdown"),
        look(&words(&SYSTEMCTL_PATHS), "systemctl"),
        look(&own, "poweroff")
    )
}

/// What ends the host.
fn order(program: &str, delay_secs: i64, message: &str) -> String {
    match program.rsplit('/').next() {
        Some("systemctl") => format!("{program} poweroff"),
        Some("poweroff") => program.to_owned(),
        _ => format!("{program} -h {} {}", delay_secs / 60, quoted(message)),
    }
}

#[cfg(test)]
mod tests {
    use super::{finding, order};

    #[test]
    fn what_ends_a_host_is_ordered_as_it_takes_it() {
        for (program, delay_secs, message, expected) in [
            ("/sbin/shutdown", 0, "Bye", "/sbin/shutdown -h 0 'Bye'"),
            ("/sbin/shutdown", 59, "Bye", "/sbin/shutdown -h 0 'Bye'"),
            ("/own/shutdown", 150, "it's", "/own/shutdown -h 2 'it'\\''s'"),
            ("/bin/systemctl", 150, "Bye", "/bin/systemctl poweroff"),
            ("/sbin/poweroff", 150, "Bye", "/sbin/poweroff"),
        ] {
            assert_eq!(order(program, delay_secs, message), expected);
        }
    }

    #[test]
    fn it_is_looked_for_in_the_folders_that_a_task_names() {
        for (paths, there, absent) in [
            (&["/a b", "/c"][..], "for d in '/a b' '/c'; do if [ -x \"$d/shutdown\" ]", "/sbin"),
            (&[], "for d in '/bin' '/usr/bin'; do if [ -x \"$d/systemctl\" ]", "shutdown"),
        ] {
            let shell = finding(paths);
            assert!(shell.contains(there) && !shell.contains(absent), "{shell}");
        }
    }
}
