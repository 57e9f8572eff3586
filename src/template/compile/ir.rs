//! What templates are lowered to: owned, with every name resolved as far as can be.

use std::{collections::HashMap, fmt, sync::Arc};

use super::{names::Use, origin::Origin};
use crate::{
    brought::Found,
    engine::{Filter, Lookup, Test},
    value::Value,
};

/// A compiled text.
pub struct Program {
    pub text: Arc<str>,
    pub origin: Origin,
    pub body: Body,
    /// Variables that it uses, in the order of the text.
    pub uses: Vec<Use>,
    /// Named blocks, for inheritance.
    pub blocks: HashMap<Arc<str>, Arc<Block>>,
    /// How many slots the outermost frame has.
    pub slots: usize,
    /// Top-level names and their slots: what importers and parents see.
    pub exports: Vec<(Arc<str>, u16)>,
    /// Names of the variables that are kept for the time of one rendering, because something in
    /// the program may change them in place.
    pub kept: Vec<Arc<str>>,
    /// How many newlines a text that it gives ends with at least: those at the end of a string in
    /// YAML.
    pub newlines: usize,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("text", &self.text).finish_non_exhaustive()
    }
}

/// What a text is.
pub enum Body {
    /// Exactly one expression.
    Expression(Expr),
    /// Texts, expressions and statements.
    Parts(Vec<Stmt>),
}

/// A stretch of the text that was compiled, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct At {
    pub start: u32,
    pub end: u32,
}

/// An expression and where it stands.
pub struct Expr {
    pub kind: ExprKind,
    pub at: At,
}

/// A local name: where it may be, nearest first. `up` counts frames outwards.
#[derive(Clone, Debug)]
pub struct Local {
    pub name: Arc<str>,
    pub places: Box<[Place]>,
    /// The place among the kept variables, for when no slot is filled.
    pub kept: Option<u16>,
}

/// A slot of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub up: u16,
    pub slot: u16,
}

pub enum ExprKind {
    Constant(Value),
    /// A variable or function; the number is its place among the kept variables.
    Variable(Arc<str>, Option<u16>),
    Local(Local),
    Attribute(Box<Expr>, Arc<str>),
    Item(Box<Expr>, Box<Expr>),
    Slice(Box<Expr>, Box<[Option<Expr>; 3]>),
    Not(Box<Expr>),
    Negative(Box<Expr>),
    Binary(BinaryOperator, Box<(Expr, Expr)>),
    And(Box<(Expr, Expr)>),
    Or(Box<(Expr, Expr)>),
    /// `a ~ b ~ c`
    Join(Vec<Expr>),
    Compare(Box<Expr>, Vec<(Comparison, Expr)>),
    /// `then if test else otherwise`
    Conditional(Box<(Expr, Expr, Option<Expr>)>),
    Filter(Box<FilterCall>),
    Test(Box<TestCall>),
    Call(Box<(Expr, CallArguments)>),
    Method(Box<(Expr, Arc<str>, CallArguments)>),
    /// `lookup('name', …)` whose name is known.
    Lookup(Box<LookupExpr>),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    /// The text that a filter block or set block has captured.
    Captured,
    /// `super()`
    Super,
    /// `self.name()`
    SelfBlock(Arc<str>),
}

/// A filter and what it is applied to.
pub struct FilterCall {
    pub filter: Found<Filter>,
    pub value: Expr,
    pub arguments: CallArguments,
}

/// A test and what it asks.
pub struct TestCall {
    pub test: Found<Test>,
    pub value: Expr,
    pub arguments: CallArguments,
}

/// A lookup found at compile time.
pub struct LookupExpr {
    pub lookup: Found<Lookup>,
    /// `query` and `q` give a list.
    pub wants_list: bool,
    pub arguments: CallArguments,
}

#[derive(Default)]
pub struct CallArguments {
    pub positional: Vec<Argument>,
    pub keyword: Vec<(Arc<str>, Expr)>,
    /// `**kwargs`
    pub spread: Vec<Expr>,
}

pub enum Argument {
    One(Expr),
    /// `*args`
    Spread(Expr),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOperator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Power,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

/// What a value is assigned to.
pub enum Target {
    Slot(u16),
    /// `ns.name`
    Attribute(Expr, Arc<str>),
    Unpack(Vec<Target>),
}

/// Statements with names of their own.
pub struct Scoped {
    pub body: Vec<Stmt>,
    /// The slots of the names set in it, emptied at the start of each round.
    pub slots: std::ops::Range<u16>,
}

/// A block of a template that others can extend.
pub struct Block {
    pub required: bool,
    pub body: Vec<Stmt>,
    pub slots: usize,
}

pub struct ForLoop {
    pub target: Target,
    pub items: Expr,
    pub condition: Option<Expr>,
    pub recursive: bool,
    pub body: Scoped,
    pub otherwise: Vec<Stmt>,
    /// The slot of `loop`, where the body uses it.
    pub loop_slot: Option<u16>,
}

pub struct Macro {
    pub name: Arc<str>,
    pub parameters: Vec<Parameter>,
    pub body: Vec<Stmt>,
    pub slots: usize,
    /// Slots of `varargs`, `kwargs` and `caller`, where the body uses them.
    pub varargs: Option<u16>,
    pub kwargs: Option<u16>,
    pub caller: Option<u16>,
}

pub struct Parameter {
    pub name: Arc<str>,
    pub slot: u16,
    pub default: Option<Expr>,
}

pub struct Include {
    pub name: Expr,
    pub ignore_missing: bool,
    /// Local names that the other template sees.
    pub visible: Option<Vec<Local>>,
}

pub struct Import {
    pub name: Expr,
    pub visible: Option<Vec<Local>>,
    pub names: Imported,
}

pub enum Imported {
    /// `import … as name`
    Module(u16),
    /// `from … import name as slot`
    Names(Vec<(Arc<str>, u16, At)>),
}

pub enum Stmt {
    Text(Box<str>),
    Output(Expr),
    If(Vec<(Expr, Vec<Stmt>)>, Vec<Stmt>),
    For(Arc<ForLoop>),
    With(Vec<(Target, Expr)>, Scoped),
    Set(Target, Expr),
    /// The filters, if any, take what the body writes as [`ExprKind::Captured`].
    SetBlock(Target, Option<Expr>, Scoped),
    FilterBlock(Expr, Scoped),
    Block(Arc<str>, Vec<Local>),
    Macro(u16, Arc<Macro>),
    CallBlock(Expr, Arc<Macro>),
    Include(Box<Include>),
    Import(Box<Import>),
    Extends(Expr),
    Do(Expr),
    Break,
    Continue,
}
