//! What was written in a playbook, inventory or vars file: trusted, so its strings are templates.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use indexmap::IndexMap;
use protocol::Secret;
use source::{Code, Diagnostic, Kind, Node, Scalar, Severity, Span};

use crate::{
    engine::Engine,
    error::{ErrorKind, Missing, Result, TemplateError, Undefined},
    scope::Scope,
    template::{Form, Origin, Template},
    value::{Dict, List, Shape, Text, TextKind, Value, big, moment, thunk::Element, thunk::Thunk},
};

/// The code of what is wrong with a text that names what is not known.
pub(crate) const UNKNOWN_NAME: Code = "E0302";

/// A tree of values and templates.
#[derive(Clone)]
pub enum Tree {
    /// Data, or trusted text without a template in it.
    Value(Value),
    /// A text that is a template.
    Template(Arc<Template>),
    List(Arc<Vec<Tree>>),
    /// Keys are data, whatever they look like.
    Dict(Arc<IndexMap<Value, Tree>>),
    /// A text encrypted by ansible-vault, decrypted at its first use.
    Secret(Arc<Encrypted>),
}

/// A text encrypted by ansible-vault.
pub struct Encrypted {
    text: Arc<str>,
    span: Option<Span>,
    decrypt: crate::engine::Decrypt,
    plain: OnceLock<std::result::Result<Secret<Text>, TemplateError>>,
}

impl Encrypted {
    /// The encrypted text, as it was written.
    pub fn ciphertext(&self) -> &str {
        &self.text
    }

    /// The decrypted text; decrypted once.
    ///
    /// # Errors
    /// No password fits, or the text is no vault text.
    pub fn plain(&self) -> Result<Secret<Text>> {
        self.plain
            .get_or_init(|| {
                (self.decrypt)(&self.text)
                    .map(|secret| {
                        let plain = Arc::from(secret.reveal().as_str());
                        Secret::new(Text::decrypted(plain, Arc::clone(&self.text)))
                    })
                    .map_err(|message| {
                        TemplateError::new(ErrorKind::Decrypt, message).at(self.span.clone())
                    })
            })
            .clone()
    }
}

impl fmt::Debug for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Encrypted(…)")
    }
}

impl Tree {
    /// Compiles a node of a YAML document. Strings with `{{`, `{%` or `{#` in them become
    /// templates; `!unsafe` strings and all other scalars are data.
    ///
    /// # Errors
    /// Every template in the tree that does not compile, with its place in the file.
    pub fn from_node(node: &Node, engine: &Engine) -> Result<Tree, Vec<Diagnostic>> {
        let mut wrong = Vec::new();
        let tree = Self::build(node, engine, &mut wrong);
        if wrong.is_empty() { Ok(tree) } else { Err(wrong) }
    }

    /// A tree whose broken templates are left to whoever uses it: it stands for the first error
    /// then, and comes with all of them as warnings. A template that only names what is not known
    /// yet fails where it is used, if that is not known then either.
    pub fn deferring(node: &Node, engine: &Engine) -> (Tree, Vec<Diagnostic>) {
        let mut broken = Vec::new();
        let tree = Self::build(node, engine, &mut broken);
        for diagnostic in &mut broken {
            diagnostic.severity = Severity::Warning;
            diagnostic.label.get_or_insert_with(|| "fails if it is used".into());
        }
        let is_malformed = |diagnostic: &&Diagnostic| diagnostic.code != UNKNOWN_NAME;
        let Some(first) = broken.iter().find(is_malformed) else { return (tree, broken) };
        let error =
            TemplateError::new(ErrorKind::Syntax, first.message.clone()).at(first.span.clone());
        let missing = Missing::Failed { name: "".into(), error };
        (Tree::Value(Value::Undefined(Undefined::new(missing))), broken)
    }

    fn build(node: &Node, engine: &Engine, wrong: &mut Vec<Diagnostic>) -> Tree {
        match &node.kind {
            Kind::Scalar(scalar) => Self::scalar(scalar, node, engine, wrong),
            Kind::Sequence(items) => {
                let items: Vec<_> =
                    items.iter().map(|item| Self::build(item, engine, wrong)).collect();
                Tree::list(items)
            }
            Kind::Mapping(mapping) => {
                let entries: Vec<_> = mapping
                    .entries
                    .iter()
                    .map(|entry| {
                        let key = Self::key(&entry.key, engine, wrong);
                        (key, Self::build(&entry.value, engine, wrong))
                    })
                    .collect();
                Tree::dict(entries)
            }
        }
    }

    /// The key of a dict: what would be a template as a value is a text.
    fn key(node: &Node, engine: &Engine, wrong: &mut Vec<Diagnostic>) -> Value {
        match &node.kind {
            Kind::Scalar(Scalar::Str { text, .. }) => {
                Value::Str(Text::new(Arc::clone(text), TextKind::Written))
            }
            Kind::Scalar(Scalar::Timestamp(text)) => Value::Str(text.into()),
            _ => Self::build(node, engine, wrong).literal().unwrap_or_default(),
        }
    }

    fn scalar(scalar: &Scalar, node: &Node, engine: &Engine, wrong: &mut Vec<Diagnostic>) -> Tree {
        Tree::Value(match scalar {
            Scalar::Null => Value::None,
            Scalar::Bool(value) => Value::Bool(*value),
            Scalar::Int(number) => Value::Int(*number),
            Scalar::BigInt(digits) => big::BigInt::parse_bytes(digits.as_bytes(), 10)
                .map_or_else(|| Value::Str(digits.into()), big::value),
            Scalar::Float(number) => Value::Float(*number),
            Scalar::Timestamp(text) => moment::from_timestamp(text),
            Scalar::Unsafe(text) => Value::Str(Text::new(Arc::clone(text), TextKind::Untrusted)),
            Scalar::Binary(bytes) => Value::Bytes(Arc::clone(bytes)),
            Scalar::Str { text, style } => {
                if !Template::is_template(text) {
                    return Tree::Value(Value::Str(Text::new(Arc::clone(text), TextKind::Written)));
                }
                let origin = Origin::scalar(&node.span, *style);
                match Template::compile(engine, text, origin.clone()) {
                    Ok(template) => return Tree::Template(Arc::new(template)),
                    Err(error) => {
                        wrong.push(error.diagnostic(error.code()));
                        let text = Arc::clone(text);
                        let broken = Template::broken(text, Form::Text, error, origin);
                        return Tree::Template(Arc::new(broken));
                    }
                }
            }
            Scalar::Vault(text) => {
                return Tree::Secret(Arc::new(Encrypted {
                    text: Arc::clone(text),
                    span: Some(node.span.clone()),
                    decrypt: Arc::clone(engine.decrypt()),
                    plain: OnceLock::new(),
                }));
            }
        })
    }

    /// A trusted text that stands in no file, such as a value given on the command line.
    ///
    /// # Errors
    /// It is a template that does not compile.
    pub fn from_text(text: &str, engine: &Engine) -> Result<Tree> {
        if !Template::is_template(text) {
            return Ok(Tree::Value(Value::Str(Text::new(text, TextKind::Written))));
        }
        let text: Arc<str> = text.into();
        Ok(Tree::Template(Arc::new(Template::compile(engine, &text, Origin::unknown())?)))
    }

    /// What stands for a text that names what is not known yet: a role may bring it. Using it is the
    /// error, if it is not known then either.
    ///
    /// # Errors
    /// Something else is wrong with the text.
    pub fn awaiting(text: &str, error: TemplateError) -> Result<Tree> {
        match error.kind() {
            ErrorKind::UnknownName => {
                let broken = Template::broken(text.into(), Form::Text, error, Origin::unknown());
                Ok(Tree::Template(Arc::new(broken)))
            }
            _ => Err(error),
        }
    }

    /// Whether what is wrong with a tree is that it names what a role may bring.
    pub fn is_awaited(wrong: &Diagnostic) -> bool {
        wrong.code == UNKNOWN_NAME
    }

    /// Compiles a trusted value all of whose strings may be templates, such as extra variables.
    ///
    /// # Errors
    /// The first template in it that does not compile.
    pub fn from_trusted(value: &Value, engine: &Engine) -> Result<Tree> {
        Ok(match value {
            Value::Str(text) => Self::from_text(text, engine)?,
            Value::List(list) => Tree::list(
                list.iter().map(|item| Self::from_trusted(&item, engine)).collect::<Result<_>>()?,
            ),
            Value::Dict(dict) => Tree::dict(
                dict.iter()
                    .map(|(key, value)| Ok((key, Self::from_trusted(&value, engine)?)))
                    .collect::<Result<_>>()?,
            ),
            other => Tree::Value(other.clone()),
        })
    }

    /// What stands for a tree in which a template does not compile: using it fails with the first
    /// of its mistakes.
    pub fn broken(mistakes: &[Diagnostic]) -> Tree {
        let message = mistakes.first().map_or("", |first| first.message.as_str());
        let place = mistakes.first().and_then(|first| first.span.clone());
        Tree::Value(failed("", TemplateError::new(ErrorKind::Syntax, message).at(place)))
    }

    /// A list of trees; one value if there is no template in it.
    pub fn list(items: Vec<Tree>) -> Tree {
        match items.iter().map(Tree::literal).collect::<Option<Vec<_>>>() {
            Some(values) => Tree::Value(Value::list(values)),
            None => Tree::List(Arc::new(items)),
        }
    }

    /// A dict of trees; one value if there is no template in it.
    pub fn dict(entries: Vec<(Value, Tree)>) -> Tree {
        let values: Option<Vec<Value>> = entries.iter().map(|(_, value)| value.literal()).collect();
        match values {
            Some(values) => {
                let keys = entries.into_iter().map(|(key, _)| key);
                Tree::Value(Value::dict(keys.zip(values)))
            }
            None => Tree::Dict(Arc::new(entries.into_iter().collect())),
        }
    }

    /// The value, where no template and nothing encrypted is in the tree.
    pub fn literal(&self) -> Option<Value> {
        match self {
            Self::Value(value) => Some(value.clone()),
            Self::List(items) if items.is_empty() => Some(Value::empty_list()),
            _ => None,
        }
    }

    /// The text, where the tree is one and no template.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Value(Value::Str(text)) => Some(text),
            _ => None,
        }
    }

    /// The value in a scope. What is in lists and dicts is worked out when somebody looks at it;
    /// what fails becomes [`Value::Undefined`], which knows why.
    pub fn instantiate(&self, scope: &Scope) -> Value {
        match self {
            Self::Value(value) => value.clone(),
            Self::Template(template) => match scope.render(template) {
                Ok(value) => value,
                Err(error) => failed("", error),
            },
            Self::Secret(encrypted) => match encrypted.plain() {
                Ok(secret) => Value::Str(secret.reveal().clone()),
                Err(error) => failed("", error),
            },
            Self::List(items) => Value::List(List::from_elements(
                items.iter().map(|item| item.element(scope)).collect(),
            )),
            Self::Dict(entries) => Value::Dict(Dict::from_elements(
                entries.iter().map(|(key, value)| (key.clone(), value.element(scope))).collect(),
            )),
        }
    }

    fn element(&self, scope: &Scope) -> Element {
        match self {
            Self::Value(value) => Element::Ready(value.clone()),
            other => Element::Lazy(Thunk::new(other.clone(), scope.handle())),
        }
    }

    /// The value in a scope, all of it worked out.
    ///
    /// # Errors
    /// The first template that fails, or the first value in it that is undefined.
    pub fn evaluate(&self, scope: &Scope) -> Result<Value> {
        match self {
            Self::Value(value) => value.clone().forced(),
            Self::Template(template) => scope.render(template)?.forced(),
            Self::Secret(encrypted) => {
                encrypted.plain().map(|secret| Value::Str(secret.reveal().clone()))
            }
            Self::List(items) => items
                .iter()
                .map(|item| item.evaluate(scope))
                .collect::<Result<List>>()
                .map(Value::List),
            Self::Dict(entries) => entries
                .iter()
                .map(|(key, value)| Ok((key.clone(), value.evaluate(scope)?)))
                .collect::<Result<Dict>>()
                .map(Value::Dict),
        }
    }

    /// The value in a scope in which a text stays as it was written where it needs what is
    /// undefined: so are the variables of a host shown to others.
    pub fn forgiving(&self, scope: &Scope) -> Value {
        match self {
            Self::Template(template) => match scope.render(template).and_then(Value::forced) {
                Ok(value) => value,
                Err(error) if error.kind() == ErrorKind::Undefined => {
                    Value::Str(Text::new(Arc::clone(template.text()), TextKind::Untrusted))
                }
                Err(error) => failed("", error),
            },
            Self::List(items) => Value::list(items.iter().map(|item| item.forgiving(scope))),
            Self::Dict(entries) => {
                Value::dict(entries.iter().map(|(key, tree)| (key.clone(), tree.forgiving(scope))))
            }
            Self::Value(_) | Self::Secret(_) => self.instantiate(scope),
        }
    }

    /// Calls a function for every template in the tree.
    pub fn templates(&self, visit: &mut dyn FnMut(&Arc<Template>)) {
        match self {
            Self::Template(template) => visit(template),
            Self::List(items) => items.iter().for_each(|item| item.templates(visit)),
            Self::Dict(entries) => entries.values().for_each(|value| value.templates(visit)),
            Self::Value(_) | Self::Secret(_) => {}
        }
    }
}

/// The value of what failed: undefined, with the reason.
pub(crate) fn failed(name: &str, error: TemplateError) -> Value {
    Value::Undefined(Undefined::new(Missing::Failed { name: name.into(), error }))
}

impl From<Value> for Tree {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => fmt::Debug::fmt(value, f),
            Self::Template(template) => write!(f, "Template({:?})", template.text()),
            Self::List(items) => f.debug_list().entries(items.iter()).finish(),
            Self::Dict(entries) => f.debug_map().entries(entries.iter()).finish(),
            Self::Secret(_) => f.write_str("Secret(…)"),
        }
    }
}

/// How far a look into a value goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Into lists and dicts.
    Data,
    /// Into what other rooms bring as well.
    Objects,
}

impl Value {
    /// The value with everything in it worked out.
    ///
    /// # Errors
    /// Something in it is undefined.
    pub fn forced(self) -> Result<Value> {
        self.check_defined(0, Reach::Objects)?;
        Ok(self)
    }

    /// The value with everything in it worked out but for what other rooms bring, such as
    /// `hostvars`, which may hold far more than anybody asks for.
    ///
    /// # Errors
    /// Something in it is undefined.
    pub fn defined_throughout(self) -> Result<Value> {
        self.check_defined(0, Reach::Data)?;
        Ok(self)
    }

    fn check_defined(&self, depth: usize, reach: Reach) -> Result<()> {
        const DEPTH_MAX: usize = 400;
        if depth > DEPTH_MAX {
            return Err(TemplateError::new(ErrorKind::Limit, "the value refers to itself"));
        }
        match self {
            Self::Undefined(undefined) => Err(undefined.error()),
            Self::List(list) => {
                let items = list.snapshot();
                items.iter().try_for_each(|item| item.force().check_defined(depth + 1, reach))
            }
            Self::Tuple(items) => {
                items.iter().try_for_each(|item| item.check_defined(depth + 1, reach))
            }
            Self::Dict(dict) => {
                let items = dict.snapshot();
                items.values().try_for_each(|item| item.force().check_defined(depth + 1, reach))
            }
            // What is not asked for may be undefined; what cannot be decrypted is told.
            Self::Object(object) if reach == Reach::Objects && object.shape() == Shape::Mapping => {
                let entries = self.entries().unwrap_or_default();
                entries.iter().try_for_each(|(_, value)| {
                    match value.check_defined(depth + 1, reach) {
                        Err(error) if error.kind() == ErrorKind::Decrypt => Err(error),
                        _ => Ok(()),
                    }
                })
            }
            _ => Ok(()),
        }
    }
}
