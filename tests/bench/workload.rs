//! What is measured.

use std::{fmt::Write, fs, io, path::Path};

use crate::{
    ground::Reach,
    step::{self, Step, TEMPLATE},
    tool::{Job, Tool},
};

/// Something that tools are given to do.
#[derive(Clone, Debug)]
pub struct Workload {
    pub name: &'static str,
    pub about: &'static str,
    pub reach: Reach,
    pub job: Job,
    content: Content,
    /// Shell that takes each host back to where the run starts; run before each run.
    pub undo: &'static str,
    /// Whether the work is done once, unmeasured, before it is measured: it finds nothing to do.
    pub is_converged: bool,
    /// Tools that cannot do it, or for which it says nothing.
    pub without: &'static [Tool],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Mixed,
    /// With a strategy.
    MixedFree,
    Small,
    Skipped,
    Files,
    Big,
}

/// Files of the loop.
const FILES: usize = 200;

/// Bytes of the large file.
const BIG_BYTES: usize = 200 * 1024 * 1024;

/// Tasks that are skipped.
const SKIPPED: usize = 5_000;

const UNDO_SMALL: &str = "rm -rf /tmp/bench-*";
const UNDO_FILES: &str = "rm -rf /srv/files";

/// All workloads. ansible-core is left out where a run of it takes many minutes.
pub fn all() -> Vec<Workload> {
    let base = Workload {
        name: "",
        about: "",
        reach: Reach::Booted(1),
        job: Job::Run,
        content: Content::Mixed,
        undo: "",
        is_converged: true,
        without: &[],
    };
    let slow = &[Tool::Default];
    let slow_all = &[Tool::Default, Tool::Tuned, Tool::Mitogen, Tool::Rs];
    vec![
        Workload {
            name: "version",
            about: "--version",
            reach: Reach::None,
            job: Job::Version,
            without: slow,
            ..base.clone()
        },
        Workload {
            name: "list-tasks",
            about: "--list-tasks of 100 tasks",
            reach: Reach::None,
            job: Job::ListTasks,
            without: &[Tool::Default, Tool::Pyinfra, Tool::Rs],
            ..base.clone()
        },
        Workload {
            name: "skipped",
            about: "5,000 tasks `when: false`",
            content: Content::Skipped,
            without: &[Tool::Default, Tool::Tuned, Tool::Mitogen, Tool::Pyinfra],
            ..base.clone()
        },
        Workload {
            name: "facts",
            about: "facts only, 1 host",
            job: Job::Facts,
            without: &[Tool::Default, Tool::Pyinfra],
            ..base.clone()
        },
        Workload {
            name: "first-1",
            about: "100 mixed tasks, first run (90 changes), 1 host",
            undo: step::UNDO,
            is_converged: false,
            ..base.clone()
        },
        Workload {
            name: "converged-1",
            about: "100 mixed tasks, converged, 1 host",
            ..base.clone()
        },
        Workload {
            name: "converged-8",
            about: "100 mixed tasks, converged, 8 hosts",
            reach: Reach::Booted(8),
            without: slow,
            ..base.clone()
        },
        Workload {
            name: "files-200",
            about: "a loop of 200 small files, first run, 1 host",
            content: Content::Files,
            undo: UNDO_FILES,
            is_converged: false,
            without: slow,
            ..base.clone()
        },
        Workload {
            name: "big-first",
            about: "a file of 200 MB, first copy",
            content: Content::Big,
            undo: UNDO_FILES,
            is_converged: false,
            without: slow,
            ..base.clone()
        },
        Workload {
            name: "big-again",
            about: "the same file, unchanged",
            content: Content::Big,
            without: slow,
            ..base.clone()
        },
        Workload {
            name: "small-100",
            about: "ping and 10 file tasks, 100 hosts",
            content: Content::Small,
            reach: Reach::Addresses(100),
            undo: UNDO_SMALL,
            is_converged: false,
            without: slow,
            ..base.clone()
        },
        Workload {
            name: "small-300",
            about: "ping and 10 file tasks, 300 hosts",
            content: Content::Small,
            reach: Reach::Addresses(300),
            undo: UNDO_SMALL,
            is_converged: false,
            without: slow_all,
            ..base.clone()
        },
        Workload {
            name: "small-1000",
            about: "ping and 10 file tasks, 1,000 hosts",
            content: Content::Small,
            reach: Reach::Addresses(1_000),
            undo: UNDO_SMALL,
            is_converged: false,
            without: slow_all,
            ..base.clone()
        },
        Workload {
            name: "far",
            about: "100 mixed tasks, converged, 50 ms away, linear",
            reach: Reach::Far,
            without: slow,
            ..base.clone()
        },
        Workload {
            name: "far-free",
            about: "the same under the strategy free",
            reach: Reach::Far,
            content: Content::MixedFree,
            without: &[Tool::Default, Tool::Tuned, Tool::Mitogen, Tool::Pyinfra, Tool::Rs],
            ..base.clone()
        },
        Workload {
            name: "one-hangs",
            about: "100 mixed tasks, converged, 8 hosts of which one never answers",
            reach: Reach::OneHangs(8),
            without: slow,
            ..base
        },
    ]
}

impl Workload {
    /// Writes its files into a folder; inventories and settings are not among them.
    ///
    /// # Errors
    /// Files that cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        fs::write(folder.join("line.j2"), TEMPLATE)?;
        let (playbook, deploy) = match self.content {
            Content::Mixed => (step::playbook(&step::mixed()), step::deploy(&step::mixed())),
            Content::MixedFree => {
                let playbook = step::playbook(&step::mixed());
                let free = playbook.replacen("  tasks:", "  strategy: free\n  tasks:", 1);
                (free, step::deploy(&step::mixed()))
            }
            Content::Small => {
                let deploy = step::deploy(&step::small())
                    .replace("{{ inventory_hostname }}", "' + host.name + '");
                let deploy = format!("from pyinfra import host\n{deploy}");
                (step::playbook(&step::small()), deploy)
            }
            Content::Skipped => (skipped(), String::new()),
            Content::Files => {
                let files = folder.join("small");
                fs::create_dir_all(&files)?;
                for number in 0..FILES {
                    fs::write(files.join(format!("f{number}")), file_text(number))?;
                }
                (files_playbook(), files_deploy())
            }
            Content::Big => {
                fs::write(folder.join("big"), noise(BIG_BYTES))?;
                (BIG_PLAYBOOK.to_owned(), BIG_DEPLOY.to_owned())
            }
        };
        fs::write(folder.join("site.yml"), playbook)?;
        fs::write(folder.join("deploy.py"), deploy)
    }

    /// Shell that fails on a host where the work is not done. `number` is the host's place.
    pub fn proof(&self, folder: &Path) -> io::Result<String> {
        if !matches!(self.job, Job::Run) {
            return Ok(String::new());
        }
        Ok(match self.content {
            Content::Mixed | Content::MixedFree => step::proof(&step::mixed()),
            Content::Skipped => String::new(),
            Content::Small => {
                let Reach::Addresses(count) = self.reach else { return Ok(String::new()) };
                format!("test \"$(ls -d /tmp/bench-*/d? | wc -l)\" = {}", count * 9)
            }
            Content::Files => (0..FILES).fold(String::new(), |mut text, number| {
                let want = file_text(number);
                let _ = writeln!(
                    text,
                    "test \"$(cat /srv/files/f{number})\" = '{}' || exit 1",
                    want.trim_end()
                );
                text
            }),
            Content::Big => {
                let path = folder.join("big").display().to_string();
                let sum = hosts::shell::run("sha256sum", &[&path]).map_err(io::Error::other)?;
                let sum = sum.split_whitespace().next().unwrap_or_default().to_owned();
                format!("sha256sum /srv/files/big | grep -q {sum}")
            }
        })
    }

    /// What its output must hold.
    pub fn said(&self, tool: Tool) -> &'static str {
        match (&self.job, tool) {
            (Job::ListTasks, _) => "step 99",
            (Job::Facts, _) => "ansible_kernel",
            _ => "",
        }
    }

    /// What OpenSSH's own programs take for the part of it that is theirs: the floor.
    pub fn floor(&self) -> Option<&'static str> {
        match (self.content, self.reach) {
            (Content::Big, _) if !self.is_converged => {
                Some("$SSH -n $FIRST mkdir -p /srv/files && $SCP big $FIRST:/srv/files/big")
            }
            // One after another; a thousand would take longer than all that is measured.
            (Content::Small, Reach::Addresses(..=100)) => {
                Some("for host in $ALL; do $SSH -n $host true || exit 1; done")
            }
            (Content::Mixed, Reach::Booted(1)) if matches!(self.job, Job::Run | Job::Facts) => {
                Some("$SSH -n $FIRST true")
            }
            _ => None,
        }
    }
}

fn file_text(number: usize) -> String {
    format!("small file {number}\n")
}

fn skipped() -> String {
    let mut text = "- hosts: all\n  gather_facts: false\n  tasks:\n".to_owned();
    for number in 0..SKIPPED {
        let _ = write!(
            text,
            "    - name: step {number}\n      command: /bin/false\n      when: false\n"
        );
    }
    text
}

fn files_playbook() -> String {
    let tasks = step::playbook(&[Step::Folder { path: "/srv/files".into() }]);
    format!(
        "{tasks}    - name: files\n      copy: {{src: 'small/f{{{{ item }}}}', dest: '/srv/files/f{{{{ item }}}}', mode: '0644'}}\n      \
         loop: '{{{{ range(0, {FILES}) | list }}}}'\n"
    )
}

fn files_deploy() -> String {
    let head = step::deploy(&[Step::Folder { path: "/srv/files".into() }]);
    format!(
        "{head}for n in range({FILES}):\n    \
         files.put(name=f'file {{n}}', src=f'small/f{{n}}', dest=f'/srv/files/f{{n}}', mode='644')\n"
    )
}

const BIG_PLAYBOOK: &str = "\
- hosts: all
  gather_facts: false
  tasks:
    - file: {path: /srv/files, state: directory, mode: '0755'}
    - copy: {src: big, dest: /srv/files/big, mode: '0644'}
";

const BIG_DEPLOY: &str = "\
from pyinfra.operations import files
files.directory('/srv/files', mode='755')
files.put(src='big', dest='/srv/files/big', mode='644')
";

/// Bytes that do not compress, the same each time (xorshift).
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut all = Vec::with_capacity(bytes);
    while all.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        all.extend_from_slice(&state.to_le_bytes());
    }
    all.truncate(bytes);
    all
}
