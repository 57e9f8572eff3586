//! Names that variables should not have, since plays, tasks or templates use them otherwise.

/// Keywords of plays, roles, blocks and tasks, and what templates know of themselves.
const NAMES: &[&str] = &[
    "action",
    "allow_duplicates",
    "always",
    "any_errors_fatal",
    "args",
    "async",
    "async_val",
    "become",
    "become_exe",
    "become_flags",
    "become_method",
    "become_user",
    "block",
    "changed_when",
    "check_mode",
    "collections",
    "connection",
    "cycler",
    "debugger",
    "delay",
    "delegate_facts",
    "delegate_to",
    "dependencies",
    "dict",
    "diff",
    "environment",
    "fact_path",
    "failed_when",
    "finalize",
    "force_handlers",
    "gather_facts",
    "gather_timeout",
    "handlers",
    "hosts",
    "ignore_errors",
    "ignore_unreachable",
    "import_playbook",
    "joiner",
    "lipsum",
    "listen",
    "local_action",
    "lookup",
    "loop",
    "loop_control",
    "loop_with",
    "max_fail_percentage",
    "module_defaults",
    "name",
    "namespace",
    "no_log",
    "notify",
    "now",
    "order",
    "poll",
    "port",
    "post_tasks",
    "pre_tasks",
    "q",
    "query",
    "range",
    "register",
    "remote_user",
    "rescue",
    "retries",
    "roles",
    "run_once",
    "serial",
    "strategy",
    "tags",
    "tasks",
    "throttle",
    "timeout",
    "undef",
    "until",
    "user",
    "vars_files",
    "vars_prompt",
    "when",
    "with_",
];

/// What to say of a variable's name, if it is reserved.
pub fn warning(name: &str) -> Option<String> {
    NAMES
        .binary_search(&name)
        .is_ok()
        .then(|| format!("Found variable using reserved name: {name}"))
}

#[cfg(test)]
mod tests {
    use super::warning;

    #[test]
    fn reserved_names_are_told() {
        assert!(super::NAMES.is_sorted());
        for name in ["lipsum", "environment", "hosts", "tasks", "when", "name", "local_action"] {
            assert!(warning(name).is_some_and(|text| text.ends_with(name)), "{name}");
        }
        for name in ["http_port", "gather_subset", "vars", "item"] {
            assert!(warning(name).is_none(), "{name}");
        }
    }
}
