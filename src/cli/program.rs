//! Under which name the program was called.

use std::path::Path;

/// A name, and what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    Trueup,
    AnsiblePlaybook,
    Ansible,
    AnsibleInventory,
    AnsibleDoc,
    AnsibleVault,
    AnsibleConfig,
    AnsiblePull,
    AnsibleGalaxy,
    /// A program of Ansible's that Trueup does not stand in for yet.
    NotYet(&'static str),
}

impl Program {
    /// The program of a path, by its last part.
    pub fn of(path: &str) -> Self {
        match Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or("") {
            "ansible-playbook" => Program::AnsiblePlaybook,
            "ansible" => Program::Ansible,
            "ansible-inventory" => Program::AnsibleInventory,
            "ansible-doc" => Program::AnsibleDoc,
            "ansible-vault" => Program::AnsibleVault,
            "ansible-config" => Program::AnsibleConfig,
            "ansible-galaxy" => Program::AnsibleGalaxy,
            "ansible-pull" => Program::AnsiblePull,
            "ansible-console" => Program::NotYet("ansible-console"),
            _ => Program::Trueup,
        }
    }

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Program::Trueup => "trueup",
            Program::AnsiblePlaybook => "ansible-playbook",
            Program::Ansible => "ansible",
            Program::AnsibleInventory => "ansible-inventory",
            Program::AnsibleDoc => "ansible-doc",
            Program::AnsibleVault => "ansible-vault",
            Program::AnsibleConfig => "ansible-config",
            Program::AnsiblePull => "ansible-pull",
            Program::AnsibleGalaxy => "ansible-galaxy",
            Program::NotYet(name) => name,
        }
    }

    /// Whether it speaks as Ansible does.
    pub fn is_ansible(self) -> bool {
        self != Program::Trueup
    }

    /// How many hosts work at once where nobody says otherwise. One connection costs little, so
    /// Trueup's own number is higher than Ansible's.
    pub fn forks(self) -> usize {
        if self.is_ansible() { 5 } else { 50 }
    }

    /// An error as the program words it.
    pub fn error(self, message: &str) -> String {
        if self.is_ansible() {
            format!("ERROR! {message}")
        } else if message.starts_with("error") {
            message.to_owned()
        } else {
            format!("error: {message}")
        }
    }
}
