//! What compiling costs, in allocations: a count that does not depend on the machine.

// Helpers of tests are tests, too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{fmt::Write, path::Path, sync::Arc};

use playbook::{Catalogue, Compiler, CompilerSettings, Files, Known, Resolved};
use protocol::spec::{Argument, ArgumentSpec, FreeForm, Kind, ModuleSpec};
use source::{Diagnostics, SourceFile};
use template::Engine;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// `command` and `file`, with some of what they take.
struct Two {
    command: Arc<ModuleSpec>,
    file: Arc<ModuleSpec>,
}

impl Two {
    fn new() -> Self {
        let arguments = |names: &[(&str, Kind)]| ArgumentSpec {
            arguments: names
                .iter()
                .map(|(name, kind)| Argument {
                    name: (*name).into(),
                    kind: *kind,
                    ..Argument::default()
                })
                .collect(),
            ..ArgumentSpec::default()
        };
        let command = ModuleSpec {
            name: "ansible.builtin.command".into(),
            arguments: arguments(&[("_raw_params", Kind::Str), ("chdir", Kind::Path)]),
            free_form: FreeForm::Raw,
            ..ModuleSpec::default()
        };
        let file = ModuleSpec {
            name: "ansible.builtin.file".into(),
            arguments: arguments(&[
                ("path", Kind::Path),
                ("state", Kind::Str),
                ("mode", Kind::Raw),
                ("owner", Kind::Str),
            ]),
            ..ModuleSpec::default()
        };
        Self { command: Arc::new(command), file: Arc::new(file) }
    }
}

impl Catalogue for Two {
    fn resolve(&self, name: &str, _: &[String]) -> Option<Resolved> {
        let spec = match name {
            "command" => &self.command,
            "file" => &self.file,
            _ => return None,
        };
        Some(Resolved { name: spec.name.as_str().into(), spec: Arc::clone(spec) })
    }

    fn add_library(&self, _: &Path) {}

    fn libraries(&self) -> usize {
        0
    }

    fn known(&self, _: &str) -> Known {
        Known::No
    }

    fn names(&self) -> Vec<String> {
        vec!["command".into(), "file".into()]
    }
}

/// Tasks of three kinds: a constant one that is skipped, one with a template and a loop, and one
/// with keywords.
fn playbook(tasks: usize) -> String {
    let mut text = "- hosts: all\n  gather_facts: false\n  tasks:\n".to_owned();
    for number in 0..tasks {
        let task = match number % 3 {
            0 => "command: /bin/false\n      when: false",
            1 => {
                "file:\n        path: '/srv/{{ item }}'\n        state: directory\n      loop: [a, b]"
            }
            _ => {
                "file: {path: /srv, state: directory, mode: '0755', owner: root}\n      \
                  become: true\n      register: made\n      tags: [one]"
            }
        };
        let _ = writeln!(text, "    - name: step {number}\n      {task}");
    }
    text
}

/// Allocations, and bytes at the most, while a playbook of so many tasks is read and compiled.
fn cost(compiler: &Compiler, tasks: usize) -> (u64, usize) {
    let text = playbook(tasks);
    let before = dhat::HeapStats::get();
    let file = SourceFile::new("site.yml", text);
    let mut diagnostics = Diagnostics::default();
    let plays = compiler.playbook_text(&file, Path::new(""), &mut diagnostics);
    let after = dhat::HeapStats::get();
    assert!(diagnostics.all.is_empty(), "{:?}", diagnostics.all);
    assert_eq!(plays.first().unwrap().tasks.body.len(), tasks);
    (after.total_blocks - before.total_blocks, after.max_bytes)
}

#[test]
fn compiling_five_thousand_tasks_takes_allocations_in_their_proportion() {
    const TASKS: usize = 5_000;
    /// Per task; 68 were counted when this was written.
    const BLOCKS_MAX: u64 = 85;
    /// Per task, with the text and the tree of the file; 4,305 were counted.
    const BYTES_MAX: usize = 5_500;

    let _counting = dhat::Profiler::builder().testing().build();
    let files = Arc::new(Files::new(vault::Keyring::default()));
    let settings = CompilerSettings { import_depth_max: 8, ..CompilerSettings::default() };
    let compiler = Compiler::new(Arc::new(Engine::new()), Arc::new(Two::new()), files, settings);
    // What is made once is made.
    cost(&compiler, 3);
    let (few, _) = cost(&compiler, TASKS / 10);
    let (many, bytes) = cost(&compiler, TASKS);
    let a_task = many / TASKS as u64;
    eprintln!("{a_task} allocations and {} bytes a task", bytes / TASKS);
    assert!(a_task <= BLOCKS_MAX, "{a_task} allocations a task");
    assert!(bytes / TASKS <= BYTES_MAX, "{} bytes a task", bytes / TASKS);
    assert!(many <= few * 11, "{few} allocations for a tenth, {many} for all");
}
