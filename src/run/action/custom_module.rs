//! Modules that users have written: sent to the host with their arguments, and run there as Ansible
//! runs them.

use inventory::HostName;
use protocol::{Json, JsonMap, request::InlineFile};
use serde_json::json;
use template::Value;

use super::{ActionContext, files::Offered};
use crate::{
    TaskResult,
    custom_module::{CustomModule, JSON_MARK, Packed, Speech},
};

/// What runs them on the host.
const RUNNER: &str = "trueup.custom_module";

/// Content that travels inside a request, up to this many bytes; a frame has room for it. What is
/// larger is asked for, which a job cannot do.
const INLINE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Stands before the names of modules that are in no collection.
const LEGACY: &str = "ansible.legacy.";

/// Where Python is looked for on hosts, unless a variable says where it is.
const PYTHONS: &[&str] =
    &["/usr/bin/python3", "python3", "/usr/libexec/platform-python", "/usr/bin/python", "python"];

pub(crate) async fn run(
    context: &ActionContext<'_>,
    module: &CustomModule,
    args: &JsonMap,
) -> TaskResult {
    match prepare(context, module, args) {
        Ok(prepared) => send(context, prepared).await,
        Err(why) => TaskResult::failure(why),
    }
}

/// What is sent, and how it is called.
struct Prepared {
    source: Packed,
    /// What stays on the host for the next module.
    library: Option<Packed>,
    call: Json,
}

async fn send(context: &ActionContext<'_>, prepared: Prepared) -> TaskResult {
    let Prepared { source, library, call } = prepared;
    let is_job = context.settings.job.is_some();
    let offered = Offered::default();
    let mut inline = Vec::new();
    let mut room = INLINE_BYTES_MAX;
    let mut offer = |packed: &Packed, travels_inside: bool| {
        let size = packed.content.len();
        offered.shared(&packed.digest, &packed.content);
        if travels_inside && size <= room {
            room -= size;
            let bytes = packed.content.to_vec();
            inline.push(InlineFile { digest: packed.digest.clone(), bytes });
        } else if is_job {
            return Err(format!(
                "{} is too large for a job: it has {size} bytes, and {room} can be sent",
                context.task.action.written
            ));
        }
        Ok(json!({"digest": packed.digest, "size": size}))
    };
    let mut args = JsonMap::new();
    match offer(&source, true) {
        Ok(source) => args.insert("_source".into(), source),
        Err(why) => return TaskResult::failure(why),
    };
    // Most hosts have it; a job cannot ask for it.
    match library.map(|library| offer(&library, is_job)).transpose() {
        Ok(library) => args.extend(library.map(|library| ("_library".into(), library))),
        Err(why) => return TaskResult::failure(why),
    }
    args.insert("_call".into(), call);
    // The module itself is told of a check run.
    let settings = crate::execute::Settings { check: false, ..context.settings.clone() };
    let context = ActionContext { settings: &settings, ..*context };
    context.call(RUNNER, args, &offered, inline, None).await
}

fn prepare(
    context: &ActionContext<'_>,
    module: &CustomModule,
    args: &JsonMap,
) -> Result<Prepared, String> {
    let mut args = args.clone();
    args.extend(internal_arguments(context, module));
    let args = Json::Object(args);
    if let Speech::Python(python) = &module.speech {
        let bundle = python.bundle()?;
        let interpreters = pythons(context)?;
        let arguments = json!({"ANSIBLE_MODULE_ARGS": args}).to_string();
        return Ok(Prepared {
            source: bundle.own.clone(),
            library: Some(bundle.library.clone()),
            call: json!({
                "content": "Files",
                "interpreters": interpreters,
                "options": [],
                "program": bundle.entry,
                "arguments": arguments,
                "keeps_stderr": context.settings.job.is_some(),
            }),
        });
    }
    let mut content = std::fs::read(&module.path)
        .map_err(|error| format!("cannot read {}: {error}", module.path.display()))?;
    let arguments = match module.speech {
        Speech::KeyValue => pairs(&args),
        Speech::JsonInside => {
            let text = String::from_utf8_lossy(&content).replace(JSON_MARK, &args.to_string());
            content = text.into_bytes();
            String::new()
        }
        Speech::Binary | Speech::WantJson | Speech::Python(_) => args.to_string(),
    };
    let (interpreters, options) = match module.speech {
        Speech::Binary => (Vec::new(), Vec::new()),
        _ => interpreter(context, module, &content)?,
    };
    let program = module.path.file_name().and_then(|name| name.to_str()).unwrap_or("module");
    Ok(Prepared {
        source: Packed { digest: protocol::Digest::of(&content), content: content.into() },
        library: None,
        call: json!({
            "content": "Program",
            "interpreters": interpreters,
            "options": options,
            "program": format!("module-{program}"),
            "arguments": arguments,
            "keeps_stderr": context.settings.job.is_some(),
        }),
    })
}

/// What every module is told besides its own arguments.
fn internal_arguments(context: &ActionContext<'_>, module: &CustomModule) -> JsonMap {
    let run = &context.executor.context.settings;
    let settings = context.settings;
    // As people write it, who read it in messages.
    let name = match context.task.action.written.starts_with(LEGACY) {
        true => &module.name,
        false => module.name.strip_prefix(LEGACY).unwrap_or(&module.name),
    };
    let values = json!({
        "_ansible_check_mode": settings.check,
        "_ansible_no_log": settings.no_log,
        "_ansible_debug": false,
        "_ansible_diff": settings.diff,
        "_ansible_verbosity": run.verbosity,
        "_ansible_version": run.program.ansible_version,
        "_ansible_module_name": name,
        "_ansible_syslog_facility": "LOG_USER",
        "_ansible_selinux_special_fs": ["fuse", "nfs", "vboxsf", "ramfs", "9p", "vfat"],
        "_ansible_string_conversion_action": "warn",
        "_ansible_socket": null,
        "_ansible_shell_executable": run.executable,
        "_ansible_keep_remote_files": false,
        "_ansible_tmpdir": null,
        "_ansible_remote_tmp": "~/.ansible/tmp",
        "_ansible_ignore_unknown_opts": false,
        "_ansible_target_log_info": null,
    });
    match values {
        Json::Object(map) => map,
        _ => JsonMap::new(),
    }
}

/// `name=value` pairs that a POSIX shell reads.
fn pairs(args: &Json) -> String {
    let mut text = String::new();
    for (name, value) in args.as_object().into_iter().flatten() {
        let value = match value {
            Json::String(text) => text.clone(),
            other => Value::from_json(other).to_string(),
        };
        let is_plain = !value.is_empty()
            && value.chars().all(|c| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c));
        if is_plain {
            text.push_str(&format!("{name}={value} "));
        } else {
            text.push_str(&format!("{name}='{}' ", value.replace('\'', "'\"'\"'")));
        }
    }
    text
}

/// What the variable says of an interpreter, on the host that the task's work is done on.
fn interpreter_variable(context: &ActionContext<'_>, interpreter: &str) -> Option<Value> {
    let name = format!("ansible_{interpreter}_interpreter");
    match &context.settings.delegate_to {
        None => context.scope.get(&name),
        Some(delegate) => {
            let delegate = HostName::from(delegate.as_str());
            context.executor.scope_of_delegate(context.task, context.host, &delegate).get(&name)
        }
    }
}

/// The Python that variables or settings name; `None` where it is to be found.
pub(crate) fn named_python(context: &ActionContext<'_>) -> Result<Option<String>, String> {
    let said = match interpreter_variable(context, "python") {
        Some(value) => Some(value.forced().map_err(|error| error.to_string())?.to_string()),
        None => context.executor.context.settings.python_interpreter.clone(),
    };
    Ok(match said.as_deref().map(str::trim) {
        None | Some("" | "auto" | "auto_legacy" | "auto_silent" | "auto_legacy_silent") => None,
        Some(python) => Some(python.to_owned()),
    })
}

/// Programs that may run Python, the first one that is there.
fn pythons(context: &ActionContext<'_>) -> Result<Vec<String>, String> {
    Ok(match named_python(context)? {
        None => PYTHONS.iter().map(|python| (*python).to_owned()).collect(),
        Some(python) => vec![python],
    })
}

/// What the first line of a script says, as variables change it.
fn interpreter(
    context: &ActionContext<'_>,
    module: &CustomModule,
    content: &[u8],
) -> Result<(Vec<String>, Vec<String>), String> {
    let line = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let Some(words) = line.strip_prefix("#!") else {
        return Err(format!("module ({}) is missing interpreter line", module.name));
    };
    let mut words = words.split_whitespace().map(str::to_owned);
    let Some(program) = words.next() else {
        return Err(format!("module ({}) is missing interpreter line", module.name));
    };
    let mut options: Vec<String> = words.collect();
    let name = program.rsplit('/').next().unwrap_or_default().to_owned();
    let runs_python = name.starts_with("python")
        || name == "env" && options.first().is_some_and(|word| word.starts_with("python"));
    if runs_python {
        if name == "env" {
            options.remove(0);
        }
        return Ok((pythons(context)?, options));
    }
    if let Some(value) = interpreter_variable(context, &name) {
        let value = value.forced().map_err(|error| error.to_string())?;
        return Ok((vec![value.to_string()], options));
    }
    Ok((vec![program], options))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::pairs;

    #[test]
    fn arguments_are_quoted_for_shells() {
        let cases = [
            (json!({"a": "b"}), "a=b "),
            (json!({"a": "b c"}), "a='b c' "),
            (json!({"a": ""}), "a='' "),
            (json!({"a": "it's"}), "a='it'\"'\"'s' "),
            (json!({"a": true, "b": null}), "a=True b=None "),
            (json!({"a": [1, "x"]}), "a='[1, '\"'\"'x'\"'\"']' "),
        ];
        for (args, expected) in cases {
            assert_eq!(pairs(&args), expected, "{args}");
        }
    }
}
