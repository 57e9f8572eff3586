//! Becoming another user on a host.

use protocol::Secret;

/// Whom to become on a host, and by what means.
#[derive(Clone, Debug)]
pub struct Become {
    /// The means.
    pub method: BecomeMethod,
    /// The user to become.
    pub user: String,
    /// Answers the prompt of the method; for sudo and doas that is the password of the user who
    /// logged in, for su that of `user`.
    pub password: Option<Secret<String>>,
    /// Program to call instead of the method's own name.
    pub executable: Option<String>,
    /// Words added to the call, instead of the method's own defaults, as Ansible's
    /// `become_flags`.
    pub flags: Option<String>,
}

/// By what means another user is become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BecomeMethod {
    /// `sudo`
    Sudo,
    /// `su`
    Su,
    /// `doas`
    Doas,
}

impl BecomeMethod {
    /// Name as Ansible has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sudo => "sudo",
            Self::Su => "su",
            Self::Doas => "doas",
        }
    }

    /// The method of that name, or `None` where there is none here.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Sudo, Self::Su, Self::Doas].into_iter().find(|method| method.name() == name)
    }
}
