//! Lookups that run programs.

use std::process::{Command, Output, Stdio};

use crate::{
    engine::{Lookup, LookupCall},
    error::{ErrorKind, Result, TemplateError},
    value::Value,
};

pub(super) const LOOKUPS: &[Lookup] =
    &[Lookup { name: "pipe", home: "", run: pipe }, Lookup { name: "lines", home: "", run: lines }];

/// Runs a command in the playbook's folder, with the environment that templates see.
fn shell(call: &LookupCall<'_>, command: &str) -> Result<Output> {
    let surroundings = call.scope.surroundings();
    let output = Command::new("/bin/sh")
        .args(["-c", command])
        .current_dir(&surroundings.playbook_folder)
        .env_clear()
        .envs(&*surroundings.environment)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| {
            TemplateError::new(ErrorKind::Lookup, format!("could not run '{command}': {error}"))
        })?;
    if output.status.success() {
        return Ok(output);
    }
    let code = output.status.code().unwrap_or(-1);
    Err(TemplateError::new(
        ErrorKind::Lookup,
        format!(
            "lookup_plugin.{}({command}) returned {code}: {}",
            call.name,
            String::from_utf8_lossy(&output.stderr).trim()
        ),
    ))
}

fn pipe(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    let commands = call.text_terms()?;
    commands
        .iter()
        .map(|command| {
            let output = shell(call, command)?;
            Ok(Value::from(String::from_utf8_lossy(&output.stdout).trim_end()))
        })
        .collect()
}

fn lines(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    let commands = call.text_terms()?;
    let mut values = Vec::new();
    for command in commands {
        let output = shell(call, &command)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        values.extend(crate::methods::lines(&text, false).into_iter().map(Value::from));
    }
    Ok(values)
}
