//! What a template may ask of the world around it.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    engine::Decrypt,
    error::{ErrorKind, Result, TemplateError},
    value::Value,
};

/// Fetches what a URL leads to: the text, or a message for people. The arguments are those of the
/// module `uri`.
pub type Fetch =
    Arc<dyn Fn(&protocol::JsonMap) -> std::result::Result<String, String> + Send + Sync>;

/// Tells people of what is wrong and does not stop anything.
pub type Warn = Arc<dyn Fn(&str) + Send + Sync>;

/// Encrypts and decrypts as ansible-vault does, with passwords that templates bring themselves.
pub trait VaultCipher: Send + Sync {
    /// Encrypts a text. The salt is a random one unless it is given.
    ///
    /// # Errors
    /// In words: there are no random numbers.
    fn encrypt(
        &self,
        plain: &[u8],
        password: &[u8],
        id: Option<&str>,
        salt: Option<&[u8]>,
    ) -> std::result::Result<String, String>;

    /// Decrypts a text.
    ///
    /// # Errors
    /// In words: it is no vault text, or the password does not fit.
    fn decrypt(&self, text: &str, password: &[u8]) -> std::result::Result<Vec<u8>, String>;
}

/// Everything outside the variables that lookups, includes and path filters may use. The room
/// itself asks the process for nothing: not for its environment, folder or home.
#[derive(Clone)]
pub struct Surroundings {
    /// The environment that `lookup('env')` and `expandvars` see.
    pub environment: Arc<BTreeMap<String, String>>,
    /// The folder that relative paths of `pipe`, `realpath` and `first_found` start from.
    pub current_folder: PathBuf,
    /// The folder of the playbook.
    pub playbook_folder: PathBuf,
    /// Where files of the task are looked for, in order: the role (and roles that include it), then
    /// the folder of the file that the task stands in, then the play.
    pub search_folders: Vec<PathBuf>,
    /// In which folder of those `first_found` looks: `files`, or `vars` and `templates` in a loop of
    /// an action that takes such.
    pub first_found_kind: &'static str,
    /// The operator's home folder, for `~`.
    pub home_folder: Option<PathBuf>,
    /// Decrypts vault texts.
    pub decrypt: Option<Decrypt>,
    /// What the filters `vault` and `unvault` work with.
    pub vault: Option<Arc<dyn VaultCipher>>,
    /// Fetches for `lookup('url')`.
    pub fetch: Option<Fetch>,
    /// Who is told what is passed over, such as lookups with `errors='warn'`.
    pub warn: Option<Warn>,
    /// How templates behave.
    pub settings: Settings,
    /// Hosts by pattern, for `lookup('inventory_hostnames')`.
    pub inventory: Option<Arc<dyn InventoryHosts>>,
}

/// Which type the result of a template has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// A text that is one expression gives the expression's own type: ansible-core 2.19 and later.
    Kept,
    /// Everything becomes a text, and one that reads as a list, dict or boolean becomes that:
    /// ansible-core up to 2.18.
    Structures,
    /// As `Kept`, and a text that reads as a Python literal becomes that: ansible-core up to 2.18
    /// with `jinja2_native`.
    Literals,
}

/// What `dont_type_filters` is unless ansible.cfg says otherwise.
const TEXT_FILTERS: &[&str] =
    &["string", "to_json", "to_nice_json", "to_yaml", "to_nice_yaml", "ppretty", "json"];

/// Settings of ansible.cfg that templates know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which type the result of a template has.
    pub typing: Typing,
    /// Whether, where types are kept, a text of several parts that reads as a list or dict becomes
    /// one.
    pub structures_from_text: bool,
    /// Filters whose result stays a text, whatever it looks like.
    pub text_filters: Vec<String>,
    /// Whether a text that needs what is undefined stays as it was written.
    pub keeps_undefined: bool,
    /// What `lookup('config')` finds.
    pub config: Arc<dyn ConfigurationLookup>,
    /// What `ansible_managed` is, where no variable says otherwise.
    pub ansible_managed: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            typing: Typing::Kept,
            structures_from_text: true,
            text_filters: TEXT_FILTERS.iter().map(|name| (*name).to_owned()).collect(),
            keeps_undefined: false,
            config: Arc::new(NoConfiguration),
            ansible_managed: "Ansible managed".into(),
        }
    }
}

/// A setting and where it comes from: `default`, `env: NAME`, a file, `var: NAME`.
#[derive(Clone, Debug, PartialEq)]
pub struct Configured {
    pub value: Value,
    pub origin: String,
}

/// Options of one plugin, as `lookup('config', plugin_type=…, plugin_name=…)` asks for them.
#[derive(Clone, Copy, Debug)]
pub struct OfPlugin<'a> {
    pub kind: &'a str,
    pub name: &'a str,
}

/// Answers what settings are.
pub trait ConfigurationLookup: Send + Sync + fmt::Debug {
    /// The value of a setting, or of an option of a plugin; `None` where there is none of that name.
    /// `variable` gives the variables of the task.
    ///
    /// # Errors
    /// In words: there is no such plugin, or the value is wrong.
    fn find(
        &self,
        name: &str,
        plugin: Option<OfPlugin<'_>>,
        variable: &dyn Fn(&str) -> Option<Value>,
    ) -> std::result::Result<Option<Configured>, String>;
}

/// No settings at all.
#[derive(Debug)]
pub struct NoConfiguration;

impl ConfigurationLookup for NoConfiguration {
    fn find(
        &self,
        _: &str,
        _: Option<OfPlugin<'_>>,
        _: &dyn Fn(&str) -> Option<Value>,
    ) -> std::result::Result<Option<Configured>, String> {
        Ok(None)
    }
}

/// Answers which hosts a pattern means.
pub trait InventoryHosts: Send + Sync {
    /// The names of the hosts, in the order of the inventory.
    ///
    /// # Errors
    /// The pattern is wrong: a message for people.
    fn matching(&self, pattern: &str) -> std::result::Result<Vec<Arc<str>>, String>;
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            environment: Arc::default(),
            current_folder: PathBuf::from("."),
            playbook_folder: PathBuf::from("."),
            search_folders: Vec::new(),
            first_found_kind: "files",
            home_folder: None,
            decrypt: None,
            vault: None,
            fetch: None,
            settings: Settings::default(),
            inventory: None,
            warn: None,
        }
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("current_folder", &self.current_folder)
            .field("search_folders", &self.search_folders)
            .finish_non_exhaustive()
    }
}

impl Surroundings {
    /// The path with `~` replaced by the home folder.
    pub fn expand_home(&self, path: &str) -> PathBuf {
        match (&self.home_folder, path.strip_prefix('~')) {
            (Some(home), Some("")) => home.clone(),
            (Some(home), Some(rest)) if rest.starts_with('/') => {
                home.join(rest.trim_start_matches('/'))
            }
            (_, Some(rest)) if rest.starts_with(|letter: char| letter.is_ascii_alphabetic()) => {
                let (user, below) = rest.split_once('/').unwrap_or((rest, ""));
                home_of(user).map_or_else(|| PathBuf::from(path), |home| home.join(below))
            }
            _ => PathBuf::from(path),
        }
    }

    /// Where a file of the task may be, best first: each search folder's `kind` folder (`files`,
    /// `templates`, `vars`), then the search folder itself, then the same of the playbook.
    pub fn candidates(&self, kind: &str, name: &str) -> Vec<PathBuf> {
        let path = self.expand_home(name);
        if path.is_absolute() {
            return vec![path];
        }
        let mut found: Vec<PathBuf> = Vec::new();
        let folders = self.search_folders.iter().chain([&self.playbook_folder]);
        for folder in folders {
            let mut candidates = Vec::new();
            if !kind.is_empty() && path.iter().next() != Some(kind.as_ref()) {
                candidates.push(folder.join(kind).join(&path));
            }
            candidates.push(folder.join(&path));
            for candidate in candidates {
                if !found.contains(&candidate) {
                    found.push(candidate);
                }
            }
        }
        found
    }

    /// The file or folder of the task that a name means, if it exists.
    pub fn find(&self, kind: &str, name: &str) -> Option<PathBuf> {
        self.candidates(kind, name).into_iter().find(|path| path.exists())
    }

    /// A path against the current folder.
    pub fn absolute(&self, path: &Path) -> PathBuf {
        if path.is_absolute() { path.to_owned() } else { self.current_folder.join(path) }
    }

    /// Reads a text file, decrypting it if it is a vault file.
    ///
    /// # Errors
    /// It cannot be read, is no UTF-8, or cannot be decrypted.
    pub fn read_text(&self, path: &Path) -> Result<String> {
        let failure = |why: String| {
            TemplateError::new(ErrorKind::File, format!("could not read {}: {why}", path.display()))
        };
        let bytes = std::fs::read(path).map_err(|error| failure(error.to_string()))?;
        if bytes.starts_with(b"$ANSIBLE_VAULT;") {
            let Some(decrypt) = &self.decrypt else {
                return Err(failure("it is encrypted and there is no vault password".into()));
            };
            let text = String::from_utf8_lossy(&bytes);
            return decrypt(&text)
                .map(|secret| secret.reveal().clone())
                .map_err(|message| TemplateError::new(ErrorKind::Decrypt, message));
        }
        String::from_utf8(bytes).map_err(|_| failure("it is not UTF-8 text".into()))
    }
}

/// The home folder of a user of this machine, as /etc/passwd has it.
fn home_of(user: &str) -> Option<PathBuf> {
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = accounts.lines().find(|line| line.split(':').next() == Some(user))?;
    line.split(':').nth(5).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_stand_for_a_tilde() {
        let surroundings =
            Surroundings { home_folder: Some("/home/me".into()), ..Surroundings::default() };
        let root = home_of("root").unwrap();
        for (path, expected) in [
            ("~", PathBuf::from("/home/me")),
            ("~/x", "/home/me/x".into()),
            ("~root", root.clone()),
            ("~root/.ssh/key", root.join(".ssh/key")),
            ("~nosuchuser/x", "~nosuchuser/x".into()),
            ("~1", "~1".into()),
            ("a~root", "a~root".into()),
        ] {
            assert_eq!(surroundings.expand_home(path), expected, "{path}");
        }
    }
}
