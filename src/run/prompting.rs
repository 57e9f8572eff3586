//! What is asked of the operator before a play, and at the debugger's prompt.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use indexmap::IndexMap;
use plan::{Layer, Play};
use template::{Tree, Value};

use crate::{Event, Runner};

/// Asks the operator for a variable.
pub trait Prompts: Send + Sync {
    /// Asks; `None` where nobody can answer.
    fn ask(&self, prompt: &plan::Prompt, text: &str) -> Option<String>;

    /// Reads a line behind a prompt; `None` at the end of input.
    fn line(&self, prompt: &str) -> Option<String>;

    /// Takes the keyboard, so that no key is a signal or shown by itself; `None` where nobody can
    /// answer. A wait ends within a second once `given_up` is set.
    fn hold(&self, given_up: Arc<AtomicBool>) -> Option<Box<dyn Held>>;
}

/// The keyboard while a task pauses. Dropping it gives it back.
pub trait Held: Send {
    /// Waits for keys, at most `limit`. What is typed is shown on request.
    fn wait(&mut self, awaited: Awaited, is_shown: bool, limit: Option<Duration>) -> Reply;
}

/// What a pause waits for, beside Ctrl+C.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited {
    /// A line.
    Line,
    /// Nothing but its time.
    Nothing,
    /// `c` to go on, or `a` to abort.
    Choice,
}

/// How a wait for keys has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// With what was typed before the key that ended it.
    Line(String),
    /// By Ctrl+C or the wish to abort.
    Interrupted,
    /// The time is over, or no more keys can come.
    Nothing,
}

impl Runner {
    /// Adds what `vars_prompt` asks for, less what `-e` gives.
    pub(crate) fn with_prompts(&self, play: &Play, vars: Layer) -> Result<Layer, String> {
        if play.vars_prompt.is_empty() {
            return Ok(vars);
        }
        let mut asked: IndexMap<Arc<str>, Tree> = (*vars).clone();
        for prompt in &play.vars_prompt {
            if self.store.extra.contains_key(prompt.name.as_str()) {
                continue;
            }
            let scope = self.play_scope(&vars);
            let render = |tree: &Option<Tree>| match tree {
                Some(tree) => tree.evaluate(&scope).map(|value| Some(value.to_string())),
                None => Ok(None),
            };
            let text = render(&prompt.prompt).map_err(|error| error.to_string())?;
            let default = render(&prompt.default).map_err(|error| error.to_string())?;
            let _ = self.events.send(Event::Prompted {
                prompt: Box::new(prompt.clone()),
                text: text.clone(),
                default: default.clone(),
            });
            let text = text.unwrap_or_else(|| prompt.name.clone());
            let answer = self.prompts.ask(prompt, &text);
            // Ansible writes out that nobody was asked.
            let nothing = match answer.is_none() && self.settings.points_as_ansible {
                true => "None",
                false => "",
            };
            let answer = answer.filter(|answer| !answer.is_empty());
            let answer = answer.or(default).unwrap_or_else(|| nothing.to_owned());
            let answer = match &prompt.encrypt {
                Some(scheme) => self.encrypted(prompt, scheme, &answer)?,
                None => Value::from(answer.as_str()),
            };
            asked.insert(prompt.name.as_str().into(), Tree::Value(answer));
        }
        Ok(Arc::new(asked))
    }

    /// A password as its hash, by the filter `password_hash`.
    fn encrypted(
        &self,
        prompt: &plan::Prompt,
        scheme: &str,
        answer: &str,
    ) -> Result<Value, String> {
        let hash = match scheme {
            "bcrypt" => "blowfish",
            other => other.strip_suffix("_crypt").unwrap_or(other),
        };
        let mut salt = prompt.salt.clone();
        if let (None, Some(size)) = (&salt, prompt.salt_size) {
            salt = Some(new_salt(usize::try_from(size).unwrap_or(0)));
        }
        let vars = [
            ("answer", Value::from(answer)),
            ("hash", Value::from(hash)),
            ("salt", salt.map_or(Value::None, |salt| Value::from(salt.as_str()))),
        ];
        let scope = self.play_scope(&Layer::default()).push_values(vars);
        let text = "answer | password_hash(hash, salt)";
        let expression =
            template::Expression::compile(&self.store.engine, text, Some(&prompt.span))
                .map_err(|error| error.to_string())?;
        expression
            .evaluate(&scope)
            .map_err(|error| format!("{}: vars_prompt with encrypt: {error}", prompt.span))
    }
}

/// A salt of so many characters.
fn new_salt(characters: usize) -> String {
    use std::hash::{BuildHasher, RandomState};
    const ALPHABET: &[u8] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const CHARACTERS_MAX: usize = 64;
    (0..characters.min(CHARACTERS_MAX))
        .filter_map(|place| {
            // The keys are the system's random numbers, new ones for each.
            let random = RandomState::new().hash_one(place);
            let index = usize::try_from(random % ALPHABET.len() as u64).ok()?;
            ALPHABET.get(index).map(|letter| char::from(*letter))
        })
        .collect()
}
