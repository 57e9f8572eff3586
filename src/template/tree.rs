//! What was written in a playbook, inventory or vars file: trusted, so its strings are templates.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use indexmap::IndexMap;
use protocol::Secret;
use source::{Diagnostic, Kind, Node, Scalar, Severity, Span};

use crate::{
    engine::Engine,
    error::{ErrorKind, Missing, Result, TemplateError, Undefined},
    scope::Scope,
    template::{Origin, Template},
    value::{
        Dict, List, Shape, Text, TextKind, Value, big, dict::Entries, thunk::Element, thunk::Thunk,
    },
};

/// A tree of values and templates.
#[derive(Clone)]
pub enum Tree {
    /// Data, or trusted text without a template in it.
    Value(Value),
    /// A text that is a template.
    Template(Arc<Template>),
    List(Arc<Vec<Tree>>),
    Dict(Arc<IndexMap<Value, Tree>>),
    /// A dict some of whose keys are templates.
    Keyed(Arc<Vec<(Tree, Tree)>>),
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
    /// then, and comes with all of them as warnings.
    pub fn deferring(node: &Node, engine: &Engine) -> (Tree, Vec<Diagnostic>) {
        let mut broken = match Self::from_node(node, engine) {
            Ok(tree) => return (tree, Vec::new()),
            Err(broken) => broken,
        };
        for diagnostic in &mut broken {
            diagnostic.severity = Severity::Warning;
            diagnostic.label.get_or_insert_with(|| "fails if it is used".into());
        }
        let Some(first) = broken.first() else { return (Tree::Value(Value::None), broken) };
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
                        let key = Self::build(&entry.key, engine, wrong);
                        (key, Self::build(&entry.value, engine, wrong))
                    })
                    .collect();
                Tree::dict(entries)
            }
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
            Scalar::Timestamp(text) => Value::Str(text.into()),
            Scalar::Unsafe(text) => Value::Str(Text::new(Arc::clone(text), TextKind::Untrusted)),
            Scalar::Binary(bytes) => Value::Bytes(Arc::clone(bytes)),
            Scalar::Str { text, style } => {
                if !Template::is_template(text) {
                    return Tree::Value(Value::Str(Text::new(Arc::clone(text), TextKind::Written)));
                }
                match Template::compile(engine, text, Origin::scalar(&node.span, *style)) {
                    Ok(template) => return Tree::Template(Arc::new(template)),
                    Err(error) => {
                        wrong.push(error.diagnostic(error.code()));
                        Value::Str(text.into())
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
                    .map(|(key, value)| Ok((Tree::Value(key), Self::from_trusted(&value, engine)?)))
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
    pub fn dict(entries: Vec<(Tree, Tree)>) -> Tree {
        let keys: Option<Vec<Value>> = entries.iter().map(|(key, _)| key.literal()).collect();
        let Some(keys) = keys else { return Tree::Keyed(Arc::new(entries)) };
        let values: Option<Vec<Value>> = entries.iter().map(|(_, value)| value.literal()).collect();
        match values {
            Some(values) => Tree::Value(Value::dict(keys.into_iter().zip(values))),
            None => Tree::Dict(Arc::new(
                keys.into_iter().zip(entries).map(|(key, (_, value))| (key, value)).collect(),
            )),
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
            Self::Keyed(entries) => {
                let mut dict = Entries::default();
                for (key, value) in entries.iter() {
                    match key.instantiate(scope) {
                        Value::Undefined(undefined) => return Value::Undefined(undefined),
                        key if !key.is_hashable() => {
                            return failed(
                                "",
                                TemplateError::of_type(format!(
                                    "unhashable type: '{}'",
                                    key.type_name()
                                )),
                            );
                        }
                        key => dict.insert(key, value.element(scope)),
                    };
                }
                Value::Dict(Dict::from_elements(dict))
            }
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
            Self::Keyed(entries) => entries
                .iter()
                .map(|(key, value)| {
                    let key = key.evaluate(scope)?;
                    if !key.is_hashable() {
                        return Err(TemplateError::of_type(format!(
                            "unhashable type: '{}'",
                            key.type_name()
                        )));
                    }
                    Ok((key, value.evaluate(scope)?))
                })
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
            Self::Keyed(_) | Self::Value(_) | Self::Secret(_) => self.instantiate(scope),
        }
    }

    /// Calls a function for every template in the tree.
    pub fn templates(&self, visit: &mut dyn FnMut(&Arc<Template>)) {
        match self {
            Self::Template(template) => visit(template),
            Self::List(items) => items.iter().for_each(|item| item.templates(visit)),
            Self::Dict(entries) => entries.values().for_each(|value| value.templates(visit)),
            Self::Keyed(entries) => entries.iter().for_each(|(key, value)| {
                key.templates(visit);
                value.templates(visit);
            }),
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
            Self::Keyed(entries) => {
                f.debug_map().entries(entries.iter().map(|(key, value)| (key, value))).finish()
            }
            Self::Secret(_) => f.write_str("Secret(…)"),
        }
    }
}

impl Value {
    /// The value with everything in it worked out.
    ///
    /// # Errors
    /// Something in it is undefined.
    pub fn forced(self) -> Result<Value> {
        self.check_defined(0)?;
        Ok(self)
    }

    fn check_defined(&self, depth: usize) -> Result<()> {
        const DEPTH_MAX: usize = 400;
        if depth > DEPTH_MAX {
            return Err(TemplateError::new(ErrorKind::Limit, "the value refers to itself"));
        }
        match self {
            Self::Undefined(undefined) => Err(undefined.error()),
            Self::List(list) => {
                list.snapshot().iter().try_for_each(|item| item.force().check_defined(depth + 1))
            }
            Self::Tuple(items) => items.iter().try_for_each(|item| item.check_defined(depth + 1)),
            Self::Dict(dict) => {
                dict.snapshot().values().try_for_each(|item| item.force().check_defined(depth + 1))
            }
            // What is not asked for may be undefined; what cannot be decrypted is told.
            Self::Object(object) if object.shape() == Shape::Mapping => {
                let entries = self.entries().unwrap_or_default();
                entries.iter().try_for_each(|(_, value)| match value.check_defined(depth + 1) {
                    Err(error) if error.kind() == ErrorKind::Decrypt => Err(error),
                    _ => Ok(()),
                })
            }
            _ => Ok(()),
        }
    }
}
