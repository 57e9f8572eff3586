//! Texts that know what they are: written by users, brought by hosts, made by a template, decrypted.

use std::{fmt, ops::Deref, sync::Arc};

/// A text. All kinds of it say the same, compare equal and look up the same keys; what differs is
/// what `type_debug` calls them, whether a template may read more into them than a text, and how
/// they are written down: one that was decrypted is written as its encrypted text.
#[derive(Clone)]
pub struct Text(Inner);

/// The kinds, as one byte beside the text, so that values stay small.
#[derive(Clone)]
enum Inner {
    Plain(Arc<str>),
    Written(Arc<str>),
    Untrusted(Arc<str>),
    Final(Arc<str>),
    UntrustedFinal(Arc<str>),
    Decrypted(Arc<Decrypted>),
}

/// What a text is, besides what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// Made by an expression.
    Plain,
    /// Written by users in a playbook, inventory or vars file.
    Written,
    /// What hosts, modules and lookups returned, and what users marked `!unsafe`.
    Untrusted,
    /// Made by a filter whose result stays a text, whatever it looks like.
    Final,
    /// Such a text, as a lookup returned it.
    UntrustedFinal,
    /// Decrypted from a vault.
    Decrypted,
}

/// A text beside the encrypted text that it was decrypted from.
struct Decrypted {
    plain: Arc<str>,
    ciphertext: Arc<str>,
}

impl Text {
    /// A text of a kind. [`TextKind::Decrypted`] needs an encrypted text: see [`Text::decrypted`];
    /// here it gives a plain one.
    pub fn new(text: impl Into<Arc<str>>, kind: TextKind) -> Self {
        let text = text.into();
        Self(match kind {
            TextKind::Plain | TextKind::Decrypted => Inner::Plain(text),
            TextKind::Written => Inner::Written(text),
            TextKind::Untrusted => Inner::Untrusted(text),
            TextKind::Final => Inner::Final(text),
            TextKind::UntrustedFinal => Inner::UntrustedFinal(text),
        })
    }

    /// A text decrypted from a vault text.
    pub fn decrypted(plain: Arc<str>, ciphertext: Arc<str>) -> Self {
        Self(Inner::Decrypted(Arc::new(Decrypted { plain, ciphertext })))
    }

    /// What it is.
    pub fn kind(&self) -> TextKind {
        match &self.0 {
            Inner::Plain(_) => TextKind::Plain,
            Inner::Written(_) => TextKind::Written,
            Inner::Untrusted(_) => TextKind::Untrusted,
            Inner::Final(_) => TextKind::Final,
            Inner::UntrustedFinal(_) => TextKind::UntrustedFinal,
            Inner::Decrypted(_) => TextKind::Decrypted,
        }
    }

    /// What it says, shared.
    pub fn shared(&self) -> &Arc<str> {
        match &self.0 {
            Inner::Plain(text)
            | Inner::Written(text)
            | Inner::Untrusted(text)
            | Inner::Final(text)
            | Inner::UntrustedFinal(text) => text,
            Inner::Decrypted(both) => &both.plain,
        }
    }

    /// The encrypted text that it was decrypted from.
    pub fn ciphertext(&self) -> Option<&str> {
        match &self.0 {
            Inner::Decrypted(both) => Some(&both.ciphertext),
            _ => None,
        }
    }

    /// Whether templates leave it a text even where it reads as a list or number.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self.0, Inner::Final(_) | Inner::UntrustedFinal(_))
    }

    /// The same text as a filter gives it that makes texts to stay.
    pub(crate) fn finished(&self) -> Self {
        match &self.0 {
            Inner::Untrusted(text) | Inner::UntrustedFinal(text) => {
                Self(Inner::UntrustedFinal(Arc::clone(text)))
            }
            _ => Self(Inner::Final(Arc::clone(self.shared()))),
        }
    }

    /// The same text as something from outside of the playbook.
    pub(crate) fn untrusted(&self) -> Self {
        match &self.0 {
            Inner::Final(text) => Self(Inner::UntrustedFinal(Arc::clone(text))),
            Inner::UntrustedFinal(_) | Inner::Decrypted(_) => self.clone(),
            _ => Self(Inner::Untrusted(Arc::clone(self.shared()))),
        }
    }

    /// The name that Ansible's class of such texts has.
    pub(crate) fn class_name(&self) -> &'static str {
        match self.kind() {
            TextKind::Plain => "str",
            TextKind::Written => "AnsibleUnicode",
            TextKind::Untrusted => "AnsibleUnsafeText",
            TextKind::Final => "NativeJinjaText",
            TextKind::UntrustedFinal => "NativeJinjaUnsafeText",
            TextKind::Decrypted => "AnsibleVaultEncryptedUnicode",
        }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.shared()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(self.shared(), other.shared()) || **self == **other
    }
}

impl Eq for Text {}

impl From<Arc<str>> for Text {
    fn from(text: Arc<str>) -> Self {
        Self(Inner::Plain(text))
    }
}

impl From<&Arc<str>> for Text {
    fn from(text: &Arc<str>) -> Self {
        Self(Inner::Plain(Arc::clone(text)))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Inner::Plain(text.into()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Inner::Plain(text.into()))
    }
}
