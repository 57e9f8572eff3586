//! What an expression of XPath gives for a document.

use std::{cmp::Ordering, collections::BTreeMap};

use super::{
    path::{Axis, Expression, Function, Operator, Path, Step, Test},
    tree::{Document, Id, Kind, Name},
};

/// A node as paths know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Above the root.
    Top,
    Node(Id),
    /// An attribute: the element's, by its place there.
    Attribute(Id, usize),
}

/// What an expression gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// In the order of the document.
    Nodes(Vec<Place>),
    Text(String),
    Number(f64),
    Truth(bool),
}

/// Nodes that one expression looks at, at most.
const NODES_MAX: usize = 20_000_000;

/// A document that paths are followed in.
pub struct Evaluation<'a> {
    pub document: &'a Document,
    /// Namespaces by the prefixes of paths.
    pub namespaces: &'a BTreeMap<String, String>,
    /// Where each node stands in the document.
    order: Vec<usize>,
    /// Nodes that may still be looked at.
    left: std::cell::Cell<usize>,
}

#[derive(Clone, Copy)]
struct Context {
    node: Place,
    position: usize,
    size: usize,
}

impl<'a> Evaluation<'a> {
    pub fn new(document: &'a Document, namespaces: &'a BTreeMap<String, String>) -> Self {
        fn number(document: &Document, id: Id, order: &mut Vec<usize>, next: &mut usize) {
            if order.len() <= id {
                order.resize(id + 1, 0);
            }
            if let Some(place) = order.get_mut(id) {
                *place = *next;
            }
            *next += 1;
            for child in document.children(id) {
                number(document, *child, order, next);
            }
        }
        let (mut order, mut next) = (Vec::new(), 1);
        let all = document.before.iter().chain([&document.root]).chain(&document.after);
        for id in all {
            number(document, *id, &mut order, &mut next);
        }
        Self { document, namespaces, order, left: std::cell::Cell::new(NODES_MAX) }
    }

    /// What an expression gives at a node.
    ///
    /// # Errors
    /// In words: a prefix that is not known, a value that is none of nodes.
    pub fn value(&self, expression: &Expression, node: Place) -> Result<Value, String> {
        self.evaluate(expression, Context { node, position: 1, size: 1 })
    }

    /// The nodes that an expression gives from above the root.
    ///
    /// # Errors
    /// As [`value`](Self::value).
    pub fn nodes(&self, expression: &Expression, node: Place) -> Result<Vec<Place>, String> {
        match self.value(expression, node)? {
            Value::Nodes(nodes) => Ok(nodes),
            _ => Err("the expression gives no nodes".to_owned()),
        }
    }

    fn rank(&self, place: Place) -> (usize, usize) {
        match place {
            Place::Top => (0, 0),
            Place::Node(id) => (self.order.get(id).copied().unwrap_or(0), 0),
            Place::Attribute(id, at) => (self.order.get(id).copied().unwrap_or(0), at + 1),
        }
    }

    fn sorted(&self, mut nodes: Vec<Place>) -> Vec<Place> {
        nodes.sort_by_key(|place| self.rank(*place));
        nodes.dedup();
        nodes
    }

    fn children(&self, place: Place) -> Vec<Place> {
        match place {
            Place::Top => {
                let all = self.document.before.iter().chain([&self.document.root]);
                all.chain(&self.document.after).map(|id| Place::Node(*id)).collect()
            }
            Place::Node(id) => {
                self.document.children(id).iter().map(|id| Place::Node(*id)).collect()
            }
            Place::Attribute(..) => Vec::new(),
        }
    }

    fn parent(&self, place: Place) -> Option<Place> {
        match place {
            Place::Top => None,
            Place::Attribute(id, _) => Some(Place::Node(id)),
            Place::Node(id) => Some(self.document.parent(id).map_or(Place::Top, Place::Node)),
        }
    }

    fn below(&self, place: Place, out: &mut Vec<Place>) {
        for child in self.children(place) {
            out.push(child);
            self.below(child, out);
        }
    }

    fn above(&self, place: Place) -> Vec<Place> {
        let mut all = Vec::new();
        let mut at = self.parent(place);
        while let Some(place) = at {
            all.push(place);
            at = self.parent(place);
        }
        all
    }

    /// Siblings, in the direction that they are looked through.
    fn siblings(&self, place: Place, is_after: bool) -> Vec<Place> {
        let Some(parent) = self.parent(place) else { return Vec::new() };
        let all = self.children(parent);
        let Some(at) = all.iter().position(|one| *one == place) else { return Vec::new() };
        match is_after {
            true => all.into_iter().skip(at + 1).collect(),
            false => all.into_iter().take(at).rev().collect(),
        }
    }

    /// The nodes of an axis, in its direction.
    fn along(&self, axis: Axis, place: Place) -> Vec<Place> {
        let with_self = |rest: Vec<Place>| [place].into_iter().chain(rest).collect();
        let mut out = Vec::new();
        match axis {
            Axis::Itself => vec![place],
            Axis::Child => self.children(place),
            Axis::Parent => self.parent(place).into_iter().collect(),
            Axis::Ancestor => self.above(place),
            Axis::AncestorOrSelf => with_self(self.above(place)),
            Axis::Descendant => {
                self.below(place, &mut out);
                out
            }
            Axis::DescendantOrSelf => {
                self.below(place, &mut out);
                with_self(out)
            }
            Axis::FollowingSibling => self.siblings(place, true),
            Axis::PrecedingSibling => self.siblings(place, false),
            Axis::Following | Axis::Preceding => {
                let is_after = axis == Axis::Following;
                for one in [place].into_iter().chain(self.above(place)) {
                    for sibling in self.siblings(one, is_after) {
                        let mut inner = vec![sibling];
                        self.below(sibling, &mut inner);
                        if !is_after {
                            inner.reverse();
                        }
                        out.extend(inner);
                    }
                }
                out
            }
            Axis::Attribute => match place {
                Place::Node(id) => {
                    let count = self.document.element(id).map_or(0, |one| one.attributes.len());
                    (0..count).map(|at| Place::Attribute(id, at)).collect()
                }
                _ => Vec::new(),
            },
        }
    }

    /// The name of an element or an attribute.
    pub fn name(&self, place: Place) -> Option<&Name> {
        match place {
            Place::Node(id) => self.document.element(id).map(|one| &one.name),
            Place::Attribute(id, at) => {
                self.document.element(id)?.attributes.get(at).map(|(name, _)| name)
            }
            Place::Top => None,
        }
    }

    fn space(&self, prefix: &str) -> Result<&str, String> {
        match (prefix, self.namespaces.get(prefix)) {
            ("", _) => Ok(""),
            (_, Some(space)) => Ok(space),
            (prefix, None) => Err(format!("Undefined namespace prefix {prefix}")),
        }
    }

    fn fits(&self, test: &Test, place: Place) -> Result<bool, String> {
        let kind = match place {
            Place::Node(id) => Some(self.document.kind(id)),
            _ => None,
        };
        Ok(match test {
            Test::Node => true,
            Test::Text => kind.is_some_and(Kind::is_text),
            Test::Comment => matches!(kind, Some(Kind::Comment(_))),
            Test::Instruction => matches!(kind, Some(Kind::Instruction(_))),
            Test::Any(None) => self.name(place).is_some(),
            Test::Any(Some(prefix)) => {
                let space = self.space(prefix)?;
                self.name(place).is_some_and(|name| name.space == space)
            }
            Test::Name(prefix, local) => {
                let space = self.space(prefix)?;
                self.name(place).is_some_and(|name| name.local == *local && name.space == space)
            }
        })
    }

    fn step(&self, step: &Step, from: &[Place]) -> Result<Vec<Place>, String> {
        let mut all = Vec::new();
        for place in from {
            let looked = self.along(step.axis, *place);
            let left = self.left.get().checked_sub(looked.len() + 1);
            self.left.set(left.ok_or("the expression looks at too many nodes")?);
            let mut found = Vec::new();
            for one in looked {
                if self.fits(&step.test, one)? {
                    found.push(one);
                }
            }
            // What an expression in brackets gave goes through them as a whole, below.
            all.extend(self.filtered(found, &step.predicates)?);
        }
        Ok(self.sorted(all))
    }

    fn filtered(&self, nodes: Vec<Place>, by: &[Expression]) -> Result<Vec<Place>, String> {
        let mut nodes = nodes;
        for predicate in by {
            let size = nodes.len();
            let mut kept = Vec::new();
            for (at, node) in nodes.into_iter().enumerate() {
                let position = at + 1;
                let is_kept = match self.evaluate(predicate, Context { node, position, size })? {
                    Value::Number(number) => number == position as f64,
                    other => self.truth(&other),
                };
                if is_kept {
                    kept.push(node);
                }
            }
            nodes = kept;
        }
        Ok(nodes)
    }

    fn follow(&self, path: &Path, from: Vec<Place>) -> Result<Vec<Place>, String> {
        let mut nodes = from;
        for step in &path.steps {
            nodes = self.step(step, &nodes)?;
        }
        Ok(nodes)
    }

    /// The text of a node.
    pub fn string_of(&self, place: Place) -> String {
        match place {
            Place::Top => self.document.string(self.document.root),
            Place::Node(id) => self.document.string(id),
            Place::Attribute(id, at) => {
                let attributes = self.document.element(id).map(|one| one.attributes.as_slice());
                let found = attributes.unwrap_or_default().get(at);
                found.map(|(_, value)| value.clone()).unwrap_or_default()
            }
        }
    }

    fn text(&self, value: &Value) -> String {
        match value {
            Value::Nodes(nodes) => {
                nodes.first().map(|one| self.string_of(*one)).unwrap_or_default()
            }
            Value::Text(text) => text.clone(),
            Value::Truth(truth) => truth.to_string(),
            Value::Number(number) if number.is_nan() => "NaN".into(),
            Value::Number(number) if number.is_infinite() => {
                if *number > 0.0 {
                    "Infinity".into()
                } else {
                    "-Infinity".into()
                }
            }
            Value::Number(number) => number.to_string(),
        }
    }

    fn number(&self, value: &Value) -> f64 {
        match value {
            Value::Number(number) => *number,
            Value::Truth(truth) => f64::from(u8::from(*truth)),
            other => {
                let text = self.text(other);
                let text = text.trim();
                // Exponents and words are numbers to Rust alone.
                let is_plain = text.chars().all(|one| one.is_ascii_digit() || "-.".contains(one));
                if is_plain { text.parse().unwrap_or(f64::NAN) } else { f64::NAN }
            }
        }
    }

    fn truth(&self, value: &Value) -> bool {
        match value {
            Value::Nodes(nodes) => !nodes.is_empty(),
            Value::Text(text) => !text.is_empty(),
            Value::Number(number) => *number != 0.0 && !number.is_nan(),
            Value::Truth(truth) => *truth,
        }
    }

    fn compare(&self, operator: Operator, left: &Value, right: &Value) -> bool {
        let of_order = |ordering: Option<Ordering>| match (operator, ordering) {
            (Operator::Less, Some(ordering)) => ordering.is_lt(),
            (Operator::LessOrEqual, Some(ordering)) => ordering.is_le(),
            (Operator::More, Some(ordering)) => ordering.is_gt(),
            (Operator::MoreOrEqual, Some(ordering)) => ordering.is_ge(),
            _ => false,
        };
        match (left, right) {
            (Value::Nodes(nodes), other) if !matches!(other, Value::Truth(_)) => {
                nodes.iter().any(|one| {
                    let text = Value::Text(self.string_of(*one));
                    self.compare(operator, &text, other)
                })
            }
            (other, Value::Nodes(nodes)) if !matches!(other, Value::Truth(_)) => {
                nodes.iter().any(|one| {
                    let text = Value::Text(self.string_of(*one));
                    self.compare(operator, other, &text)
                })
            }
            _ => match operator {
                Operator::Equal | Operator::Unequal => {
                    let is_same = match (left, right) {
                        (Value::Truth(_), _) | (_, Value::Truth(_)) => {
                            self.truth(left) == self.truth(right)
                        }
                        (Value::Number(_), _) | (_, Value::Number(_)) => {
                            self.number(left) == self.number(right)
                        }
                        _ => self.text(left) == self.text(right),
                    };
                    is_same == (operator == Operator::Equal)
                }
                _ => of_order(self.number(left).partial_cmp(&self.number(right))),
            },
        }
    }

    fn evaluate(&self, expression: &Expression, context: Context) -> Result<Value, String> {
        Ok(match expression {
            Expression::Text(text) => Value::Text(text.clone()),
            Expression::Number(number) => Value::Number(*number),
            Expression::Negative(inner) => {
                Value::Number(-self.number(&self.evaluate(inner, context)?))
            }
            Expression::Path(path) => {
                let from = if path.is_absolute { Place::Top } else { context.node };
                Value::Nodes(self.follow(path, vec![from])?)
            }
            Expression::From(inner, path) => {
                let Value::Nodes(nodes) = self.evaluate(inner, context)? else {
                    return Err("a path goes on from what is no node".to_owned());
                };
                // Brackets behind an expression count all of its nodes.
                let mut rest = path.clone();
                let whole = rest.steps.first().filter(|step| step.axis == Axis::Itself).cloned();
                let nodes = match whole {
                    Some(step) => {
                        rest.steps.remove(0);
                        self.filtered(nodes, &step.predicates)?
                    }
                    None => nodes,
                };
                Value::Nodes(self.follow(&rest, nodes)?)
            }
            Expression::Call(function, given) => self.call(*function, given, context)?,
            Expression::Binary(Operator::Or, left, right) => Value::Truth(
                self.truth(&self.evaluate(left, context)?)
                    || self.truth(&self.evaluate(right, context)?),
            ),
            Expression::Binary(Operator::And, left, right) => Value::Truth(
                self.truth(&self.evaluate(left, context)?)
                    && self.truth(&self.evaluate(right, context)?),
            ),
            Expression::Binary(operator, left, right) => {
                let (left, right) = (self.evaluate(left, context)?, self.evaluate(right, context)?);
                let numbers = || (self.number(&left), self.number(&right));
                match operator {
                    Operator::Union => match (left, right) {
                        (Value::Nodes(left), Value::Nodes(right)) => {
                            Value::Nodes(self.sorted([left, right].concat()))
                        }
                        _ => return Err("'|' stands between nodes".to_owned()),
                    },
                    Operator::Plus => Value::Number(numbers().0 + numbers().1),
                    Operator::Minus => Value::Number(numbers().0 - numbers().1),
                    Operator::Times => Value::Number(numbers().0 * numbers().1),
                    Operator::Divided => Value::Number(numbers().0 / numbers().1),
                    Operator::Modulo => Value::Number(numbers().0 % numbers().1),
                    operator => Value::Truth(self.compare(*operator, &left, &right)),
                }
            }
        })
    }

    fn call(
        &self,
        function: Function,
        given: &[Expression],
        context: Context,
    ) -> Result<Value, String> {
        let own = Value::Nodes(vec![context.node]);
        let values = given
            .iter()
            .map(|one| self.evaluate(one, context))
            .collect::<Result<Vec<Value>, String>>()?;
        let value = |at: usize| values.get(at).ok_or("a function is given too few values");
        let text = |at: usize| value(at).map(|one| self.text(one));
        let first_or_own = || values.first().unwrap_or(&own);
        let nodes = |one: &Value| match one {
            Value::Nodes(nodes) => Ok(nodes.clone()),
            _ => Err("a function is given what is no node".to_owned()),
        };
        let named = |of: fn(&Name) -> String| -> Result<Value, String> {
            let first = nodes(first_or_own())?.first().copied();
            let name = first.and_then(|one| self.name(one)).map(of);
            Ok(Value::Text(name.unwrap_or_default()))
        };
        Ok(match function {
            Function::True => Value::Truth(true),
            Function::False => Value::Truth(false),
            Function::Not => Value::Truth(!self.truth(value(0)?)),
            Function::Boolean => Value::Truth(self.truth(value(0)?)),
            Function::Last => Value::Number(context.size as f64),
            Function::Position => Value::Number(context.position as f64),
            Function::Count => Value::Number(nodes(value(0)?)?.len() as f64),
            Function::Sum => {
                let numbers = nodes(value(0)?)?
                    .into_iter()
                    .map(|one| self.number(&Value::Text(self.string_of(one))));
                Value::Number(numbers.sum())
            }
            Function::Name => named(Name::shown)?,
            Function::LocalName => named(|name| name.local.clone())?,
            Function::NamespaceUri => named(|name| name.space.clone())?,
            Function::String => Value::Text(self.text(first_or_own())),
            Function::Number => Value::Number(self.number(first_or_own())),
            Function::Floor => Value::Number(self.number(value(0)?).floor()),
            Function::Ceiling => Value::Number(self.number(value(0)?).ceil()),
            Function::Round => Value::Number((self.number(value(0)?) + 0.5).floor()),
            Function::StringLength => {
                Value::Number(self.text(first_or_own()).chars().count() as f64)
            }
            Function::NormalizeSpace => {
                let text = self.text(first_or_own());
                Value::Text(text.split_whitespace().collect::<Vec<_>>().join(" "))
            }
            Function::Concat => Value::Text(values.iter().map(|one| self.text(one)).collect()),
            Function::Contains => Value::Truth(text(0)?.contains(&text(1)?)),
            Function::StartsWith => Value::Truth(text(0)?.starts_with(&text(1)?)),
            Function::SubstringBefore => {
                let (whole, mark) = (text(0)?, text(1)?);
                Value::Text(whole.split_once(&mark).map_or("", |(head, _)| head).to_owned())
            }
            Function::SubstringAfter => {
                let (whole, mark) = (text(0)?, text(1)?);
                Value::Text(whole.split_once(&mark).map_or("", |(_, tail)| tail).to_owned())
            }
            Function::Substring => {
                let begin = (self.number(value(1)?) + 0.5).floor();
                let end = match values.get(2) {
                    Some(length) => begin + (self.number(length) + 0.5).floor(),
                    None => f64::INFINITY,
                };
                let whole = text(0)?;
                let within = whole.chars().enumerate().filter(|(at, _)| {
                    let place = (at + 1) as f64;
                    place >= begin && place < end
                });
                Value::Text(within.map(|(_, letter)| letter).collect())
            }
            Function::Translate => {
                let (whole, from, to) = (text(0)?, text(1)?, text(2)?);
                let letter = |one: char| match from.chars().position(|other| other == one) {
                    None => Some(one),
                    Some(at) => to.chars().nth(at),
                };
                Value::Text(whole.chars().filter_map(letter).collect())
            }
        })
    }

    /// The path of a node that leads to it alone.
    pub fn path_of(&self, place: Place) -> String {
        let parent = match place {
            Place::Top => return "/".into(),
            _ => self.parent(place).unwrap_or(Place::Top),
        };
        let head = if parent == Place::Top { String::new() } else { self.path_of(parent) };
        if let Place::Attribute(..) = place {
            let name = self.name(place).map(Name::shown).unwrap_or_default();
            return format!("{head}/@{name}");
        }
        // An element of a namespace without a prefix has no name that a path could say.
        let shown = |one: Place| match (self.name(one), one) {
            (Some(name), _) if name.prefix.is_empty() && !name.space.is_empty() => "*".to_owned(),
            (Some(name), _) => name.shown(),
            (None, Place::Node(id)) => match self.document.kind(id) {
                Kind::Comment(_) => "comment()".into(),
                Kind::Instruction(_) => "processing-instruction()".into(),
                _ => "text()".into(),
            },
            (None, _) => String::new(),
        };
        let own = shown(place);
        let same: Vec<Place> = self
            .children(parent)
            .into_iter()
            .filter(|one| match own.as_str() {
                "*" => self.name(*one).is_some(),
                own => shown(*one) == own,
            })
            .collect();
        let at = same.iter().position(|one| *one == place).unwrap_or(0);
        match same.len() {
            0 | 1 => format!("{head}/{own}"),
            _ => format!("{head}/{own}[{}]", at + 1),
        }
    }
}
