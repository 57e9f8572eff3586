//! `synchronize`: which machine runs `rsync`, and what the host is called for it.

use protocol::{Json, JsonMap};
use template::Value;
use transport::{BecomeMethod, ConnectionKind, NoFiles, Target};

use super::ActionContext;
use crate::{TaskResult, connect::Way, execute::Executor};

/// The module's full name.
pub(crate) const NAME: &str = "ansible.posix.synchronize";

/// Names of the machine itself.
const OWN_NAMES: [&str; 3] = ["127.0.0.1", "localhost", "::1"];

pub(crate) async fn run(context: &ActionContext<'_>, args: JsonMap) -> TaskResult {
    match prepare(context, args) {
        Err(failure) => *failure,
        Ok((way, args)) => {
            let request = Executor::request(NAME, args, context.settings);
            let reach = &context.executor.reach;
            match reach.call(&way, request, &NoFiles, None, None).await {
                Ok(response) => TaskResult::from_response(response),
                Err(error) => super::unanswered(&error, &context.executor.context.settings),
            }
        }
    }
}

/// The machine that runs `rsync`, and what it is told there.
fn prepare(
    context: &ActionContext<'_>,
    mut args: JsonMap,
) -> Result<(Way, JsonMap), Box<TaskResult>> {
    let fail = |why: &str| Box::new(TaskResult::failure(why));
    if context.settings.job.is_some() {
        return Err(fail("This action (synchronize) does not support async."));
    }
    let variable = |name: &str| match context.scope.get(name).map(|value| value.forced()) {
        Some(Ok(Value::None | Value::Omit) | Err(_)) | None => None,
        Some(Ok(value)) => Some(value.to_string()).filter(|text| !text.is_empty()),
    };
    let way = context.way()?;
    let delegate = context.settings.delegate_to.as_deref();
    let name = context.host.as_str();
    // How the host itself is reached, be the work delegated or not.
    let own = context.own_way()?;
    let address = own.target.address.clone();
    let is_host = |other: &str| other == name || other == address;
    let is_remote = way.target.connection != ConnectionKind::Local;
    let is_itself = delegate.is_some_and(is_host);
    let is_local = delegate.is_none() && !is_remote || is_itself;
    let runs_there = is_itself || delegate.is_some() && is_remote;
    if matches!(own.target.connection, ConnectionKind::Entrance | ConnectionKind::Plugin) {
        return Err(fail("synchronize reaches hosts over SSH, not by the programs of containers"));
    }
    if own.target.connection != ConnectionKind::Local || !is_local {
        let port = args.get("dest_port").and_then(Json::as_u64);
        if let Some(port) = own.target.port.filter(|_| port.is_none()) {
            args.insert("dest_port".into(), port.into());
        }
    }
    let text = |args: &JsonMap, name: &str| {
        args.get(name).and_then(Json::as_str).unwrap_or_default().to_owned()
    };
    let (mut src, mut dest) = (text(&args, "src"), text(&args, "dest"));
    let mut become_ = way.become_.clone();
    if is_local {
        src = absolute(context, src);
        dest = absolute(context, dest);
    } else {
        let user = own.target.user.clone();
        let user = user.filter(|_| args.get("set_remote_user") != Some(&Json::Bool(false)));
        let there = |path: String| on_host(&address, &path, user.as_deref());
        if text(&args, "mode") == "pull" {
            src = there(src);
            dest = absolute(context, dest);
        } else {
            src = absolute(context, src);
            dest = there(dest);
        }
        if !args.contains_key("private_key")
            && let Some(key) = own.target.identity_files.first()
        {
            args.insert("private_key".into(), key.display().to_string().into());
        }
        if let Some(password) = &own.target.password {
            args.insert("_password".into(), password.reveal().clone().into());
        }
        // The user is changed on the far side of `rsync`.
        if let Some(wanted) = become_.take()
            && !args.contains_key("rsync_path")
            && wanted.method == BecomeMethod::Sudo
        {
            args.insert("rsync_path".into(), format!("sudo -u {} rsync", wanted.user).into());
        }
    }
    if args.get("use_ssh_args") == Some(&Json::Bool(true)) {
        let all = ["ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args"];
        let all: Vec<String> = all.iter().filter_map(|name| variable(name)).collect();
        args.insert("_ssh_args".into(), all.join(" ").into());
    }
    if let Some(rsync) = variable("ansible_rsync_path") {
        args.insert("_rsync".into(), rsync.into());
    }
    args.insert("src".into(), src.into());
    args.insert("dest".into(), dest.into());
    let way = match runs_there || !is_remote {
        true => Way { become_, ..way },
        false => Way {
            target: Target {
                name: "localhost".into(),
                connection: ConnectionKind::Local,
                address: "localhost".into(),
                ..Target::default()
            },
            become_,
            executable: way.executable,
        },
    };
    Ok((way, args))
}

/// A path of the machine that `rsync` runs on: relative ones are in folders of files.
fn absolute(context: &ActionContext<'_>, path: String) -> String {
    if path.contains(':') || path.starts_with('/') || path.starts_with('~') {
        return path;
    }
    let surroundings = context.scope.surroundings();
    let found = surroundings.find("files", &path);
    let found = found.or_else(|| surroundings.candidates("files", &path).into_iter().next());
    let Some(found) = found else { return path };
    let mut full = found.display().to_string();
    if path.ends_with('/') && !full.ends_with('/') {
        full.push('/');
    }
    full
}

/// A path of the host as `rsync` writes it.
fn on_host(address: &str, path: &str, user: Option<&str>) -> String {
    let user = user.map(|user| format!("{user}@")).unwrap_or_default();
    if path.starts_with("rsync://") {
        path.to_owned()
    } else if address.contains(':') && !OWN_NAMES.contains(&address) {
        format!("[{user}{address}]:{path}")
    } else if !path.contains(':') {
        format!("{user}{address}:{path}")
    } else if !path.contains('@') {
        format!("{user}{path}")
    } else {
        path.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_hosts_are_written_as_rsync_reads_them() {
        for (address, path, user, expected) in [
            ("h", "/a", Some("u"), "u@h:/a"),
            ("h", "/a", None, "h:/a"),
            ("fe80::1", "/a", Some("u"), "[u@fe80::1]:/a"),
            ("h", "other:/a", Some("u"), "u@other:/a"),
            ("h", "me@other:/a", Some("u"), "me@other:/a"),
            ("h", "rsync://x/y", Some("u"), "rsync://x/y"),
        ] {
            assert_eq!(on_host(address, path, user), expected);
        }
    }
}
