//! What the actions of this room take: the specs that the catalogue of modules is completed with.

use protocol::{
    Json,
    spec::{Argument, ArgumentSpec, FreeForm, Kind, ModuleSpec, Runs, Support},
};

/// The specs of all modules that have no remote half of their own.
pub fn all() -> Vec<ModuleSpec> {
    vec![
        action(
            "add_host",
            "Adds a host, and groups, to the inventory of this run",
            "Everything but the name and the groups becomes a variable of the host. The inventory's files are not touched.",
            vec![
                text("name", "Name of the host, with a port or not.").also(&["hostname", "host"]).needed(),
                list("groups", "Groups that the host is put into.").also(&["group", "groupname"]),
            ],
        )
        .open()
        .text(),
        action(
            "assert",
            "Fails unless conditions hold",
            "The conditions are expressions as in `when`.",
            vec![
                of("that", Kind::List, "Conditions, all of which must hold.").needed().raw_elements(),
                text("fail_msg", "What to say where one does not hold.").also(&["msg"]).raw(),
                text("success_msg", "What to say where all hold.").raw(),
                of("quiet", Kind::Bool, "Whether nothing is shown of conditions that hold.").unless_given(false),
            ],
        ),
        action(
            "debug",
            "Shows a message or a variable",
            "Nothing is sent to the host.",
            vec![
                text("msg", "What to show.").raw().unless_given("Hello world!"),
                text("var", "Name of the variable to show.").raw(),
                of("verbosity", Kind::Int, "Shown only when `-v` is given this often.").unless_given(0),
            ],
        )
        .exclusive(&["msg", "var"]),
        action(
            "fail",
            "Fails with a message",
            "Of use with a condition.",
            vec![text("msg", "What to say.").raw().unless_given("Failed as requested from task")],
        ),
        action(
            "group_by",
            "Makes groups of hosts by a name worked out for each",
            "Spaces in names become dashes.",
            vec![
                text("key", "Name of the group.").needed(),
                list("parents", "Groups that the new group is put into.").unless_given(serde_json::json!(["all"])),
            ],
        )
        .text(),
        action("meta", "Tells the run itself what to do", "`flush_handlers`, `noop`, `clear_facts`, `clear_host_errors`, `end_play`, `end_batch`, `end_host`, `end_role`, `reset_connection`.", vec![]).text(),
        action(
            "set_stats",
            "Sets statistics of the run",
            "They are shown at its end where show_custom_stats asks for that.",
            vec![
                text("data", "Names and values.").raw().needed(),
                text("per_host", "Whether they are the host's, and not the run's.").raw().unless_given(false),
                text("aggregate", "Whether values are added to those that are there.").raw().unless_given(true),
            ],
        ),
        action(
            "wait_for_connection",
            "Waits until a host can be reached",
            "Connects anew until the remote answers.",
            vec![
                of("connect_timeout", Kind::Int, "Seconds that one attempt may take.").unless_given(5),
                of("delay", Kind::Int, "Seconds before the first attempt.").unless_given(0),
                of("sleep", Kind::Int, "Seconds between attempts.").unless_given(1),
                of("timeout", Kind::Int, "Seconds after which it fails.").unless_given(600),
            ],
        ),
        action(
            "reboot",
            "Restarts a host and waits until it is back",
            "That it is back is shown by another boot ID and by a command that succeeds.",
            vec![
                of("pre_reboot_delay", Kind::Int, "Seconds before the restart, in whole minutes.").also(&["pre_reboot_delay_sec"]).unless_given(0),
                of("post_reboot_delay", Kind::Int, "Seconds after the restart before the first look.").also(&["post_reboot_delay_sec"]).unless_given(0),
                of("reboot_timeout", Kind::Int, "Seconds for each, the restart and the test command.").also(&["reboot_timeout_sec"]).unless_given(600),
                of("connect_timeout", Kind::Int, "Seconds that one attempt to connect may take.").also(&["connect_timeout_sec"]),
                text("test_command", "What must succeed on the host.").unless_given("whoami"),
                text("msg", "What is said to users of the host.").unless_given("Reboot initiated by Ansible"),
                list("search_paths", "Folders that `shutdown` is looked for in."),
                text("boot_time_command", "What says something else after each start.").unless_given("cat /proc/sys/kernel/random/boot_id"),
                text("reboot_command", "What restarts the host, arguments included."),
            ],
        ),
        ModuleSpec {
            name: super::shutdown::NAME.to_owned(),
            ..action(
                "shutdown",
                "Ends a host",
                "It is not waited for; that it goes away is no failure.",
                vec![
                    of("delay", Kind::Int, "Seconds before it ends, in whole minutes.").unless_given(0),
                    text("msg", "What is said to users of the host.").unless_given("Shut down initiated by Ansible"),
                    list("search_paths", "Folders that `shutdown` is looked for in: `/sbin`, `/usr/sbin` and `/usr/local/sbin` where it is left out."),
                ],
            )
        },
        action(
            "validate_argument_spec",
            "Checks variables against a spec",
            "What roles with argument_specs have done before their first task.",
            vec![
                of("argument_spec", Kind::Dict, "Options by name, as in `meta/argument_specs.yml`.").needed(),
                of("provided_arguments", Kind::Dict, "Values that win over variables."),
                of("validate_args_context", Kind::Dict, "What is being checked, for the result."),
            ],
        ),
        action(
            "set_fact",
            "Sets variables of the host",
            "They hold until the end of the run.",
            vec![of("cacheable", Kind::Bool, "Whether the variables are kept as facts as well.").unless_given(false)],
        )
        .open()
        .text(),
        action(
            "include_vars",
            "Reads variables from files during a run",
            "From one file, or from all files of a folder.",
            vec![
                text("file", "The file.").raw(),
                text("dir", "The folder."),
                text("name", "Name of a variable that all that is read is put into."),
                of("depth", Kind::Int, "How many levels of folders are read; 0 for all.").unless_given(0),
                text("files_matching", "Regular expression that names of files must match."),
                list("ignore_files", "Names of files that are passed over."),
                list("extensions", "Extensions that files must have."),
                of("ignore_unknown_extensions", Kind::Bool, "Whether files with other extensions are passed over instead of refused.").unless_given(false),
                text("hash_behaviour", "How dictionaries are put together (not there yet)."),
            ],
        )
        .text(),
        action(
            "pause",
            "Waits for a time, or for the operator",
            "Without minutes or seconds it waits for the enter key, unless nobody is at the terminal.",
            vec![
                of("minutes", Kind::Raw, "How long to wait, in minutes; a fraction is cut off."),
                of("seconds", Kind::Raw, "How long to wait, in seconds; a fraction is cut off."),
                text("prompt", "What to say."),
                of("echo", Kind::Bool, "Whether what is typed is shown.").unless_given(true),
            ],
        ),
        action(
            "raw",
            "Runs a command line by the login shell, without the remote",
            "For hosts that cannot hold the remote, and to make them so. Always changed.",
            vec![
                text("free_form", "The command line."),
                text("executable", "The shell to run it by."),
            ],
        )
        .free_text(),
        include("include_tasks", "Runs a file of tasks, chosen during the run", vec![
            text("file", "The file."),
            of("apply", Kind::Dict, "Keywords for the tasks inside."),
        ]),
        include("import_tasks", "Runs a file of tasks, read before the run", vec![text("file", "The file.")]),
        include("include_role", "Runs a role, chosen during the run", role_arguments(false)),
        include("import_role", "Runs a role, read before the run", role_arguments(true)),
        include("import_playbook", "Runs the plays of a file", vec![text("file", "The file.")]),
        template(),
        action(
            "gather_facts",
            "Gathers facts of the host",
            "What plays do before their first task.",
            vec![of("parallel", Kind::Bool, "Taken for the sake of old playbooks; there is one source of facts.")],
        )
        .open(),
    ]
}

/// `template`: its own arguments, and those of the copy that it ends in.
fn template() -> ModuleSpec {
    let mut spec = action(
        "template",
        "Renders a template of the controller into a file on the host",
        "The template is rendered with the variables of the host; a line `#jinja2: name:value` at its start sets options of the engine.",
        vec![
            of("src", Kind::Path, "The template.").needed(),
            of("dest", Kind::Path, "Where the file goes; into it, where it is a folder.").needed(),
            of("backup", Kind::Bool, "Whether the old file is kept beside the new one.")
                .unless_given(false),
            of("follow", Kind::Bool, "Whether a link at `dest` is followed.").unless_given(false),
            of("force", Kind::Bool, "Whether a file with other content is replaced.")
                .unless_given(true),
            text("validate", "A program that must succeed on the new file; `%s` is its path."),
            of("trim_blocks", Kind::Bool, "Whether the newline after a block is dropped.")
                .unless_given(true),
            of("lstrip_blocks", Kind::Bool, "Whether white space before a block is dropped.")
                .unless_given(false),
            text("newline_sequence", "What ends a line: `\\n`, `\\r` or `\\r\\n`.")
                .unless_given("\n"),
            text("output_encoding", "Encoding of the file; there is UTF-8.").unless_given("utf-8"),
            text("block_start_string", "What opens a block."),
            text("block_end_string", "What closes a block."),
            text("variable_start_string", "What opens an expression."),
            text("variable_end_string", "What closes an expression."),
            text("comment_start_string", "What opens a comment."),
            text("comment_end_string", "What closes a comment."),
            of("mode", Kind::Raw, "Permissions, octal or symbolic, or `preserve`."),
            text("owner", "Owner of the file."),
            text("group", "Group of the file."),
            text("attributes", "Attributes of the file, as chattr takes them.").also(&["attr"]),
            text("seuser", "User part of the SELinux context."),
            text("serole", "Role part of the SELinux context."),
            text("setype", "Type part of the SELinux context."),
            text("selevel", "Level part of the SELinux context."),
            of(
                "unsafe_writes",
                Kind::Bool,
                "Whether the file may be written in place where it cannot be replaced.",
            )
            .unless_given(false),
        ],
    );
    spec.diff_mode = Support::Full;
    spec
}

fn role_arguments(is_import: bool) -> Vec<Argument> {
    let mut arguments = vec![
        text("name", "The role.").also(&["role"]).needed(),
        text("tasks_from", "File of its folder `tasks` to use for `main`."),
        text("vars_from", "File of its folder `vars` to use for `main`."),
        text("defaults_from", "File of its folder `defaults` to use for `main`."),
        text("handlers_from", "File of its folder `handlers` to use for `main`."),
        of("allow_duplicates", Kind::Bool, "Whether it may run again on a host.")
            .unless_given(true),
        of("public", Kind::Bool, "Whether the rest of the play sees its variables.")
            .unless_given(is_import),
        of("rolespec_validate", Kind::Bool, "Whether its argument specs are checked.")
            .unless_given(true),
    ];
    if !is_import {
        arguments.push(of("apply", Kind::Dict, "Keywords for the tasks inside."));
    }
    arguments
}

fn action(name: &str, summary: &str, description: &str, arguments: Vec<Argument>) -> ModuleSpec {
    ModuleSpec {
        name: format!("ansible.builtin.{name}"),
        summary: summary.to_owned(),
        description: vec![description.to_owned()],
        arguments: ArgumentSpec { arguments, ..ArgumentSpec::default() },
        runs: Runs::Controller,
        check_mode: Support::Full,
        diff_mode: Support::None,
        ..ModuleSpec::default()
    }
}

fn include(name: &str, summary: &str, arguments: Vec<Argument>) -> ModuleSpec {
    action(name, summary, "", arguments).text()
}

fn of(name: &str, kind: Kind, description: &str) -> Argument {
    Argument {
        name: name.to_owned(),
        kind,
        description: description.to_owned(),
        ..Argument::default()
    }
}

fn text(name: &str, description: &str) -> Argument {
    of(name, Kind::Str, description)
}

fn list(name: &str, description: &str) -> Argument {
    Argument { elements: Some(Kind::Str), ..of(name, Kind::List, description) }
}

/// Short ways to say what an argument is.
trait Say: Sized {
    fn also(self, aliases: &[&str]) -> Self;
    fn needed(self) -> Self;
    fn unless_given(self, value: impl Into<Json>) -> Self;
    fn raw(self) -> Self;
    fn raw_elements(self) -> Self;
}

impl Say for Argument {
    fn also(mut self, aliases: &[&str]) -> Self {
        self.aliases = aliases.iter().map(|alias| (*alias).to_owned()).collect();
        self
    }

    fn needed(mut self) -> Self {
        self.required = true;
        self
    }

    fn unless_given(mut self, value: impl Into<Json>) -> Self {
        self.default = Some(value.into());
        self
    }

    fn raw(mut self) -> Self {
        self.kind = Kind::Raw;
        self
    }

    fn raw_elements(mut self) -> Self {
        self.elements = Some(Kind::Raw);
        self
    }
}

/// Short ways to say what a module is.
trait SayModule: Sized {
    fn open(self) -> Self;
    fn text(self) -> Self;
    fn free_text(self) -> Self;
    fn exclusive(self, names: &[&str]) -> Self;
}

impl SayModule for ModuleSpec {
    /// Takes arguments of any name.
    fn open(mut self) -> Self {
        self.arguments.open = true;
        self
    }

    /// Takes a text beside its arguments.
    fn text(mut self) -> Self {
        self.arguments.arguments.push(Argument {
            kind: Kind::Raw,
            ..of("_raw_params", Kind::Raw, "What is given without a name.")
        });
        self
    }

    fn free_text(mut self) -> Self {
        self.free_form = FreeForm::Raw;
        self.text()
    }

    fn exclusive(mut self, names: &[&str]) -> Self {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        self.arguments.mutually_exclusive.push(names);
        self
    }
}
