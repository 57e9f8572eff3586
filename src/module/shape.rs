//! An argument struct as static data.
//!
//! What the derive knows of a struct is written down in constants, and one function makes the spec
//! of them. A remote carries some sixty modules with ten arguments each: as code that builds specs
//! they would be a quarter of what travels to every host.

use protocol::{
    Json,
    spec::{Argument, ArgumentSpec, Kind, RequiredIf},
};

/// A default or a choice.
#[derive(Clone, Copy, Debug)]
pub enum Literal {
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(&'static str),
    List(&'static [Literal]),
}

impl Literal {
    /// The value as a task would give it.
    pub fn to_json(self) -> Json {
        match self {
            Literal::Bool(value) => value.into(),
            Literal::Int(value) => value.into(),
            Literal::Float(value) => value.into(),
            Literal::Str(value) => value.into(),
            Literal::List(items) => items.iter().map(|item| item.to_json()).collect(),
        }
    }
}

/// A group of arguments, by name.
pub type Group = &'static [&'static str];

/// A struct of arguments.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub parts: &'static [Part],
    pub mutually_exclusive: &'static [Group],
    pub required_together: &'static [Group],
    pub required_one_of: &'static [Group],
    pub required_if: &'static [Condition],
    pub required_by: &'static [(&'static str, Group)],
    pub open: bool,
}

/// A field.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    Field(Field),
    /// A struct whose arguments and rules stand among the others.
    Flat(fn() -> ArgumentSpec),
}

/// A field that is one argument; see [`Argument`].
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    pub aliases: Group,
    pub kind: Kind,
    pub elements: Option<Kind>,
    /// Whether the argument may be left out without a default.
    pub optional: bool,
    pub default: Option<Literal>,
    pub choices: &'static [Literal],
    pub options: Option<fn() -> ArgumentSpec>,
    pub no_log: bool,
    /// Empty where this room is built without documentation.
    pub description: &'static str,
}

/// See [`RequiredIf`].
#[derive(Clone, Copy, Debug)]
pub struct Condition {
    pub argument: &'static str,
    pub value: Literal,
    pub required: Group,
    pub any: bool,
}

impl Shape {
    /// The spec that the struct stands for.
    pub fn spec(&self) -> ArgumentSpec {
        let mut spec = ArgumentSpec {
            mutually_exclusive: groups(self.mutually_exclusive),
            required_together: groups(self.required_together),
            required_one_of: groups(self.required_one_of),
            required_if: self.required_if.iter().map(Condition::rule).collect(),
            required_by: self
                .required_by
                .iter()
                .map(|(name, all)| ((*name).into(), owned(all)))
                .collect(),
            open: self.open,
            ..ArgumentSpec::default()
        };
        for part in self.parts {
            match part {
                Part::Field(field) => spec.arguments.push(field.argument()),
                Part::Flat(more) => add(&mut spec, more()),
            }
        }
        spec
    }
}

impl Field {
    fn argument(&self) -> Argument {
        Argument {
            name: self.name.into(),
            aliases: owned(self.aliases),
            kind: self.kind,
            elements: self.elements,
            required: self.default.is_none() && !self.optional,
            default: self.default.map(Literal::to_json),
            choices: self.choices.iter().map(|choice| choice.to_json()).collect(),
            options: self.options.map(|options| Box::new(options())),
            no_log: self.no_log,
            description: self.description.into(),
        }
    }
}

impl Condition {
    fn rule(&self) -> RequiredIf {
        RequiredIf {
            argument: self.argument.into(),
            value: self.value.to_json(),
            required: owned(self.required),
            any: self.any,
        }
    }
}

fn owned(group: &[&str]) -> Vec<String> {
    group.iter().map(|name| (*name).to_owned()).collect()
}

fn groups(groups: &[Group]) -> Vec<Vec<String>> {
    groups.iter().map(|group| owned(group)).collect()
}

/// Adds the arguments and rules of a flattened struct.
fn add(spec: &mut ArgumentSpec, more: ArgumentSpec) {
    spec.arguments.extend(more.arguments);
    spec.mutually_exclusive.extend(more.mutually_exclusive);
    spec.required_together.extend(more.required_together);
    spec.required_one_of.extend(more.required_one_of);
    spec.required_if.extend(more.required_if);
    spec.required_by.extend(more.required_by);
}
