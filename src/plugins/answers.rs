//! What plugins ask while a template is rendered.

use std::sync::{Arc, OnceLock};

use serde_json::{Value as Json, json};
use template::{
    Arguments, Engine, ErrorKind, Missing, Result, Scope, Surroundings, TemplateError, Tree,
    Undefined, Value, brought::PluginKind,
};

use crate::{
    interpreter::Answers,
    wire::{Objects, VARIABLES, WRITTEN_VARIABLES},
};

/// Answers of whoever calls, before those of templates.
pub struct Both<'a> {
    pub own: &'a dyn Answers,
    pub others: InTemplate<'a>,
}

impl Answers for Both<'_> {
    fn answer(&self, what: &str, said: &Json) -> Option<Json> {
        self.own.answer(what, said).or_else(|| self.others.answer(what, said))
    }
}

/// Answers out of the scope of the template that calls.
pub struct InTemplate<'a> {
    pub scope: &'a Scope,
    pub objects: &'a Objects,
}

impl Answers for InTemplate<'_> {
    fn answer(&self, what: &str, said: &Json) -> Option<Json> {
        let answer = match what {
            "item" => self.item(said),
            "has" => self.has(said).map(|there| json!({ "value": there })),
            "keys" => self.keys(said).map(|keys| self.value(&keys)),
            "text" => self.object(said).map(|object| json!({ "value": object.to_string() })),
            "invoke" => self.invoke(said),
            "filter" | "test" | "lookup" => self.run(what, said),
            "known" => Ok(json!({ "value": self.is_known(said) })),
            "names" => Ok(json!({ "value": self.names(said) })),
            "template" => self.template(said),
            "literal" => Ok(self.literal(said)),
            "yaml" => crate::documentation::parsed(text(said, "text"))
                .map(|value| self.value(&value))
                .map_err(|why| TemplateError::new(ErrorKind::Value, why)),
            "decrypt" => self.decrypt(said),
            "set by text" => Ok(self.set_by_text()),
            "surroundings" => Ok(self.surroundings()),
            "setting" => self.setting(said),
            _ => return None,
        };
        Some(answer.unwrap_or_else(|error| wrong(&error)))
    }
}

/// Answers while a file is loaded: there are no variables, and only what is native is known.
pub fn while_loading(objects: &Objects, run: &mut dyn FnMut(&dyn Answers)) {
    static NATIVE: OnceLock<Arc<Engine>> = OnceLock::new();
    let engine = NATIVE.get_or_init(|| Arc::new(Engine::new()));
    let scope = Scope::new(Arc::clone(engine), Arc::new(Surroundings::default()));
    run(&InTemplate { scope: &scope, objects });
}

/// How variables are handed over.
#[derive(Clone, Copy)]
enum Handed {
    /// As templates see them.
    Rendered,
    /// As they were written, templates and all: so lookups get them.
    Written,
}

/// What was written, templates as texts.
pub fn written(tree: &Tree) -> Value {
    match tree {
        Tree::Value(value) => value.clone(),
        Tree::Template(template) => Value::from(Arc::clone(template.text())),
        Tree::List(items) => Value::list(items.iter().map(written)),
        Tree::Dict(entries) => {
            Value::dict(entries.iter().map(|(key, item)| (key.clone(), written(item))))
        }
        Tree::Secret(secret) => match secret.plain() {
            Ok(plain) => Value::Str(plain.reveal().clone()),
            Err(error) => Value::Undefined(template::Undefined::new(template::Missing::Failed {
                name: "".into(),
                error,
            })),
        },
    }
}

/// An error as an answer.
fn wrong(error: &TemplateError) -> Json {
    let kind = match error.kind() {
        ErrorKind::Undefined | ErrorKind::UntilRun => "undefined",
        ErrorKind::Type => "type",
        ErrorKind::Lookup => "lookup",
        ErrorKind::File => "file",
        _ => "",
    };
    json!({ "wrong": error.message(), "kind": kind })
}

fn text<'j>(said: &'j Json, key: &str) -> &'j str {
    said.get(key).and_then(Json::as_str).unwrap_or_default()
}

impl InTemplate<'_> {
    fn value(&self, value: &Value) -> Json {
        json!({ "value": self.objects.json(value) })
    }

    /// The object that is asked about; `None` stands for the variables.
    fn object(&self, said: &Json) -> Result<Value> {
        let number = said.get("of").and_then(Json::as_u64).unwrap_or_default();
        self.objects.get(number).ok_or_else(|| {
            TemplateError::of_value("it belongs to a call of a plugin that has ended")
        })
    }

    /// Whether it is asked about the variables, and as what they are handed over.
    fn variables(said: &Json) -> Option<Handed> {
        match said.get("of").and_then(Json::as_u64) {
            Some(VARIABLES) => Some(Handed::Rendered),
            Some(WRITTEN_VARIABLES) => Some(Handed::Written),
            _ => None,
        }
    }

    fn item(&self, said: &Json) -> Result<Json> {
        let key = self.objects.decode(said.get("key").unwrap_or(&Json::Null));
        let found = match Self::variables(said) {
            Some(Handed::Rendered) => key.as_str().and_then(|name| {
                let set = self.scope.set_by_text().iter().find(|(known, _)| **known == *name);
                set.map(|(_, value)| value.clone()).or_else(|| self.scope.get(name))
            }),
            Some(Handed::Written) => key.as_str().and_then(|name| {
                let tree = self.scope.tree(name);
                tree.map(|tree| written(&tree)).or_else(|| self.scope.get(name))
            }),
            None => match self.object(said)? {
                Value::Object(object) => object.get(&key),
                _ => None,
            },
        };
        Ok(found.map_or_else(|| json!({}), |found| self.value(&found)))
    }

    fn has(&self, said: &Json) -> Result<bool> {
        let key = self.objects.decode(said.get("key").unwrap_or(&Json::Null));
        if Self::variables(said).is_some() {
            let is_set =
                |name: &str| self.scope.set_by_text().iter().any(|(known, _)| **known == *name);
            let is_there =
                |name: &str| self.scope.tree(name).is_some() || name == "omit" || is_set(name);
            return Ok(key.as_str().is_some_and(is_there));
        }
        Ok(match self.object(said)? {
            Value::Object(object) => object.contains(&key),
            _ => false,
        })
    }

    fn keys(&self, said: &Json) -> Result<Value> {
        if Self::variables(said).is_some() {
            let mut names = self.scope.names();
            // Some are names of what is not there for this task.
            names.retain(|name| self.scope.tree(name).is_some());
            for (name, _) in self.scope.set_by_text() {
                if !names.contains(name) {
                    names.push(Arc::clone(name));
                }
            }
            return Ok(Value::list(names.into_iter().map(Value::from)));
        }
        Ok(match self.object(said)? {
            Value::Object(object) => Value::list(object.keys()),
            _ => Value::empty_list(),
        })
    }

    fn arguments(&self, said: &Json) -> Arguments {
        let positional = said.get("a").and_then(Json::as_array);
        let named = said.get("k").and_then(Json::as_object);
        Arguments {
            positional: positional
                .into_iter()
                .flatten()
                .map(|value| self.objects.decode(value))
                .collect(),
            keyword: named
                .into_iter()
                .flatten()
                .map(|(name, value)| (Arc::from(name.as_str()), self.objects.decode(value)))
                .collect(),
        }
    }

    fn invoke(&self, said: &Json) -> Result<Json> {
        match self.object(said)? {
            Value::Object(object) => {
                let value = object.call(self.arguments(said), self.scope)?;
                Ok(self.value(&value))
            }
            other => {
                let class = other.type_name().to_owned();
                Err(TemplateError::of_type(format!("'{class}' object is not callable")))
            }
        }
    }

    fn run(&self, what: &str, said: &Json) -> Result<Json> {
        let (name, mut arguments) = (text(said, "name"), self.arguments(said));
        let engine = self.scope.engine();
        if what == "lookup" {
            let values = engine.look_up(name, arguments, self.scope)?;
            return Ok(self.value(&Value::list(values)));
        }
        if arguments.positional.is_empty() {
            return Err(TemplateError::of_type(format!("the {what} '{name}' is given no value")));
        }
        let value = arguments.positional.remove(0);
        let made = match what {
            "test" => Value::Bool(engine.test(name)?.ask(self.scope, None, &value, arguments)?),
            _ => engine.filter(name)?.apply(self.scope, None, value, arguments)?,
        };
        Ok(self.value(&made))
    }

    fn is_known(&self, said: &Json) -> bool {
        let (engine, name) = (self.scope.engine(), text(said, "name"));
        match text(said, "kind") {
            "test" => engine.test(name).is_ok(),
            "lookup" => engine.lookup(name).is_ok(),
            _ => engine.filter(name).is_ok(),
        }
    }

    fn names(&self, said: &Json) -> Vec<&'static str> {
        let catalogue = self.scope.engine().catalogue();
        match text(said, "kind") {
            kind if kind == PluginKind::Test.word() => catalogue.tests,
            kind if kind == PluginKind::Lookup.word() => catalogue.lookups,
            _ => catalogue.filters,
        }
    }

    /// Renders what a plugin hands over as templates, as it does with what users wrote.
    fn template(&self, said: &Json) -> Result<Json> {
        let given = self.objects.decode(said.get("value").unwrap_or(&Json::Null));
        let over = said.get("vars").map(|over| self.objects.decode(over));
        let scope = match over.as_ref().and_then(Value::entries) {
            Some(entries) => {
                let engine = self.scope.engine();
                let layer = entries.into_iter().map(|(name, value)| {
                    let name: Arc<str> = Arc::from(name.to_string().as_str());
                    // What is no template fails whoever uses it, and nobody else.
                    let tree = Tree::from_trusted(&value, engine).unwrap_or_else(|error| {
                        let missing = Missing::Failed { name: Arc::clone(&name), error };
                        Tree::Value(Value::Undefined(Undefined::new(missing)))
                    });
                    (name, tree)
                });
                &self.scope.push(Arc::new(layer.collect::<indexmap::IndexMap<_, _>>()))
            }
            None => self.scope,
        };
        let tree = Tree::from_trusted(&given, scope.engine())?;
        let made = match said.get("lenient").and_then(Json::as_bool) {
            Some(true) => tree.forgiving(scope),
            _ => tree.evaluate(scope)?,
        };
        if said.get("text").and_then(Json::as_bool) == Some(true) {
            return Ok(json!({ "value": made.to_string() }));
        }
        Ok(self.value(&made))
    }

    /// A text as the Python literal that it is, as templates read it.
    fn literal(&self, said: &Json) -> Json {
        let given = text(said, "text");
        match template::literal_eval::parse(given) {
            Some(value) => self.value(&value),
            None => json!({ "value": given }),
        }
    }

    fn decrypt(&self, said: &Json) -> Result<Json> {
        let decrypt = self.scope.engine().decrypt();
        match decrypt(text(said, "text")) {
            Ok(secret) => Ok(json!({ "value": secret.reveal() })),
            Err(why) => Err(TemplateError::new(ErrorKind::Decrypt, why)),
        }
    }

    /// What the text that calls has set at its top level.
    fn set_by_text(&self) -> Json {
        let set = self.scope.set_by_text().iter();
        self.value(&Value::dict(set.map(|(name, value)| (Value::from(&**name), value.clone()))))
    }

    fn surroundings(&self) -> Json {
        let surroundings = self.scope.surroundings();
        let folders: Vec<String> =
            surroundings.search_folders.iter().map(|path| path.display().to_string()).collect();
        json!({ "value": {
            "folder": surroundings.playbook_folder.display().to_string(),
            "current": surroundings.current_folder.display().to_string(),
            "search": folders,
        }})
    }

    /// A setting of ansible.cfg by its name.
    fn setting(&self, said: &Json) -> Result<Json> {
        let config = &self.scope.surroundings().settings.config;
        let variable = |name: &str| self.scope.get(name).filter(|value| !value.is_undefined());
        match config.find(text(said, "name"), None, &variable) {
            Ok(Some(found)) => Ok(self.value(&found.value)),
            Ok(None) => Ok(json!({})),
            Err(why) => Err(TemplateError::new(ErrorKind::Value, why)),
        }
    }
}
