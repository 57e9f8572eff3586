//! How git reaches a far side by SSH.

use module::{Failure, Host, Program};

use super::Git;
use crate::tool;

/// The environment in which git is run.
#[derive(Default)]
pub struct Transport {
    pub environment: Vec<(String, String)>,
}

const ACCEPT_ANY: &str = "StrictHostKeyChecking=no";
const ACCEPT_NEW: &str = "StrictHostKeyChecking=accept-new";

impl Transport {
    /// What the task says of keys and options becomes the command line of `ssh`.
    ///
    /// # Errors
    /// A git that is too old to be told.
    pub fn of(
        task: &Git,
        host: &dyn Host,
        git: &str,
        warnings: &mut Vec<String>,
    ) -> Result<Self, Failure> {
        let mut options = host.variable("GIT_SSH_OPTS").unwrap_or_default();
        if let Some(given) = &task.ssh_opts {
            options = format!("{options} {given}");
        }
        let accepts = |options: &str| options.contains(ACCEPT_ANY) || options.contains(ACCEPT_NEW);
        if task.accept_hostkey && !accepts(&options) {
            options.push_str(&format!(" -o {ACCEPT_ANY}"));
        }
        if task.accept_newhostkey && !accepts(&options) {
            let program = Program::new("ssh").args(["-o", ACCEPT_NEW, "-V"]);
            if tool::ask_whether(host, &program)?.is_some() {
                options.push_str(&format!(" -o {ACCEPT_NEW}"));
            } else {
                warnings.push(
                    "Your ssh client does not support accept_newhostkey option, therefore it cannot be used."
                        .into(),
                );
            }
        }
        let is_told = !options.trim().is_empty() || task.key_file.is_some();
        if !options.contains("BatchMode=yes") {
            options.push_str(" -o BatchMode=yes");
        }
        if let Some(key) = &task.key_file {
            options.push_str(&format!(" -i {}", module::path::quote(&key.display().to_string())));
            if !options.contains("IdentitiesOnly=yes") {
                options.push_str(" -o IdentitiesOnly=yes");
            }
        }
        if is_told && is_too_old(host, git)? {
            return Err(Failure::new(
                "options and keys of SSH are not implemented for a git before 2.3",
            ));
        }
        let ssh = ["GIT_SSH", "GIT_SSH_COMMAND"].iter().find_map(|name| host.variable(name));
        let command = format!("{} {}", ssh.unwrap_or_else(|| "ssh".into()), options.trim());
        Ok(Self {
            environment: vec![
                ("GIT_SSH_COMMAND".into(), command),
                // Nobody is there to be asked.
                ("GIT_TERMINAL_PROMPT".into(), "0".into()),
            ],
        })
    }
}

fn is_too_old(host: &dyn Host, git: &str) -> Result<bool, Failure> {
    let text = tool::ask(host, &Program::new(git).arg("--version"))?;
    let version = text.trim().strip_prefix("git version ").unwrap_or_default();
    let mut numbers = version.split('.').map_while(|number| number.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    Ok(version < (2, 3))
}
