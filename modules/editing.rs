//! Modules that edit the text of one file: what they have in common stands here once.

use module::{
    Arguments, Delta, Documented, Example, Failure, Host, Module, Returned,
    file_arguments::path_info,
};
use protocol::{
    Diff, JsonMap,
    spec::{ArgumentSpec, FreeForm, Runs, Support},
};

use crate::text_file::{Text, TextFile, TextState, message};

/// A module that makes another text of a text.
pub trait Editing: Documented {
    /// The return value that says where the old file is kept.
    const BACKUP: &'static str = "backup_file";
    /// Whether what differs is returned in any case.
    const RETURNS_DIFF: bool = false;
    /// Whether what is known of the file (its owner, permissions, size) is returned.
    const RETURNS_FILE: bool = false;

    /// Which file, and how it is written.
    fn text_file(&self) -> TextFile<'_>;

    /// What becomes of the text; `None` where there is no file.
    ///
    /// # Errors
    /// Arguments that do not fit each other or the text.
    fn edit(&self, before: Option<&str>) -> Result<Edited, Failure>;

    /// The module's own return values.
    fn returned(&self, delta: &Delta<TextState>, edited: &Edited) -> JsonMap {
        message(delta, &edited.msg)
    }

    /// What differs, for people.
    ///
    /// # Errors
    /// What cannot be read.
    fn diff(
        &self,
        delta: &Delta<TextState>,
        before: Option<&Text>,
        after: Option<&[u8]>,
    ) -> Result<Vec<Diff>, Failure> {
        self.text_file().diff(delta, before, after)
    }
}

/// What becomes of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Edited {
    /// The new text; `None`: the old one stays.
    pub after: Option<String>,
    /// What was done, in words.
    pub msg: String,
    /// How many lines are removed, where the module tells.
    pub removed: Option<usize>,
    /// More that the module returns.
    pub returned: JsonMap,
}

impl Edited {
    /// The text stays.
    pub fn stays(msg: impl Into<String>) -> Self {
        Self { msg: msg.into(), ..Self::default() }
    }

    /// There is another text.
    pub fn to(after: String, msg: impl Into<String>) -> Self {
        Self { after: Some(after), msg: msg.into(), ..Self::default() }
    }
}

/// A module of its editing. The wrapper is needed because [`Module`] is another room's.
pub struct Edit<E>(E);

/// A file as it is, and what becomes of it.
struct Look {
    before: Option<Text>,
    edited: Edited,
    after: Option<Vec<u8>>,
}

impl<E: Editing> Edit<E> {
    fn look(&self, host: &dyn Host) -> Result<Look, Failure> {
        let file = self.0.text_file();
        let before = file.read(host)?;
        let edited = self.0.edit(before.as_ref().map(|text| text.text.as_str()))?;
        let after = match &edited.after {
            Some(after) => Some(file.encode(host, before.as_ref(), after)?),
            None => None,
        };
        Ok(Look { before, edited, after })
    }
}

impl<E: Editing> Edit<E> {
    /// Adds what is known of the file, where the module returns it.
    fn add_file(&self, host: &dyn Host, map: &mut JsonMap) -> Result<(), Failure> {
        if E::RETURNS_FILE {
            map.extend(path_info(host, self.0.text_file().path)?);
        }
        Ok(())
    }
}

impl<E: Editing> Module for Edit<E> {
    type State = TextState;
    const RETURNS_DIFF: bool = E::RETURNS_DIFF;

    fn check(&self, host: &dyn Host) -> Result<Delta<TextState>, Failure> {
        let look = self.look(host)?;
        self.0.text_file().compare(host, look.before.as_ref(), look.after.as_deref())
    }

    fn apply(&self, delta: &Delta<TextState>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let look = self.look(host)?;
        let backup = self.0.text_file().apply(host, delta, look.after.as_deref())?;
        let mut map = self.0.returned(delta, &look.edited);
        if let Some(backup) = backup {
            map.insert(E::BACKUP.into(), backup.into());
        }
        self.add_file(host, &mut map)?;
        Ok(map)
    }

    // An edit may fit its own result again, so that the text is held against what the first look
    // desired.
    fn look_again(
        &self,
        done: &Delta<TextState>,
        host: &dyn Host,
    ) -> Result<Delta<TextState>, Failure> {
        self.0.text_file().look_again(host, done)
    }

    fn returned(&self, delta: &Delta<TextState>, host: &dyn Host) -> Result<JsonMap, Failure> {
        let mut map = self.0.returned(delta, &self.look(host)?.edited);
        self.add_file(host, &mut map)?;
        Ok(map)
    }

    fn diff(&self, delta: &Delta<TextState>, host: &dyn Host) -> Result<Vec<Diff>, Failure> {
        let look = self.look(host)?;
        self.0.diff(delta, look.before.as_ref(), look.after.as_deref())
    }
}

impl<E: Editing> Arguments for Edit<E> {
    fn description() -> Vec<&'static str> {
        E::description()
    }

    fn spec() -> ArgumentSpec {
        E::spec()
    }

    fn from_arguments(map: &JsonMap) -> Result<Self, String> {
        E::from_arguments(map).map(Self)
    }
}

impl<E: Editing> Documented for Edit<E> {
    const NAME: &'static str = E::NAME;
    const ALIASES: &'static [&'static str] = E::ALIASES;
    const EXAMPLES: &'static [Example] = E::EXAMPLES;
    const RETURNS: &'static [Returned] = E::RETURNS;
    const CHECK_MODE: Support = E::CHECK_MODE;
    const DIFF_MODE: Support = E::DIFF_MODE;
    const FREE_FORM: FreeForm = E::FREE_FORM;
    const RUNS: Runs = E::RUNS;
}
