//! Expressions of the parser's tree to our own.

use std::sync::Arc;

use minijinja::{machinery::ast, value::ValueKind};

use super::{
    ir::{
        Argument, At, BinaryOperator, CallArguments, Comparison, Expr, ExprKind, FilterCall,
        LookupExpr, TestCall,
    },
    lower::Lowerer,
};
use crate::{
    error::{ErrorKind, Result, TemplateError},
    value::{Value, big},
};

/// Methods that change what they are called on.
const MUTATING: &[&str] = &[
    "append",
    "extend",
    "insert",
    "pop",
    "popitem",
    "remove",
    "update",
    "setdefault",
    "clear",
    "sort",
    "reverse",
    "__setitem__",
    "__delitem__",
    "add",
    "discard",
];

impl Lowerer<'_> {
    /// Lowers an expression.
    ///
    /// # Errors
    /// A filter, test or lookup in it is not known or not supported.
    pub fn expr(&mut self, expr: &ast::Expr<'_>) -> Result<Expr> {
        let at = self.at(expr.span());
        let kind = match expr {
            ast::Expr::Var(var) => self.name(var.id, var.span()),
            ast::Expr::Const(value) => ExprKind::Constant(constant(&value.value)),
            ast::Expr::Slice(slice) => {
                let mut part = |part: &Option<ast::Expr<'_>>| {
                    part.as_ref().map(|part| self.expr(part)).transpose()
                };
                let parts = [part(&slice.start)?, part(&slice.stop)?, part(&slice.step)?];
                ExprKind::Slice(Box::new(self.expr(&slice.expr)?), Box::new(parts))
            }
            ast::Expr::UnaryOp(unary) => {
                let operand = Box::new(self.expr(&unary.expr)?);
                match unary.op {
                    ast::UnaryOpKind::Not => ExprKind::Not(operand),
                    ast::UnaryOpKind::Neg => ExprKind::Negative(operand),
                }
            }
            ast::Expr::BinOp(binary) => self.binary(binary)?,
            ast::Expr::Compare(compare) => {
                let first = Box::new(self.expr(&compare.expr)?);
                let rest = compare
                    .ops
                    .iter()
                    .map(|op| Ok((comparison(op.op), self.expr(&op.expr)?)))
                    .collect::<Result<_>>()?;
                ExprKind::Compare(first, rest)
            }
            ast::Expr::IfExpr(cond) => {
                let test = self.expr(&cond.test_expr)?;
                let then = self.branch(&cond.true_expr)?;
                let otherwise =
                    cond.false_expr.as_ref().map(|expr| self.branch(expr)).transpose()?;
                ExprKind::Conditional(Box::new((test, then, otherwise)))
            }
            ast::Expr::Filter(filter) => self.filter(filter, at)?,
            ast::Expr::Test(test) => self.test(test, at)?,
            ast::Expr::GetAttr(attr) => {
                if let (ast::Expr::Var(var), "self") = (&attr.expr, "self")
                    && var.id == "self"
                    && self.places("self").is_empty()
                {
                    return Ok(Expr { kind: ExprKind::SelfBlock(attr.name.into()), at });
                }
                ExprKind::Attribute(Box::new(self.expr(&attr.expr)?), attr.name.into())
            }
            ast::Expr::GetItem(item) => ExprKind::Item(
                Box::new(self.expr(&item.expr)?),
                Box::new(self.expr(&item.subscript_expr)?),
            ),
            ast::Expr::Call(call) => return self.call(call, at),
            ast::Expr::List(list) => ExprKind::List(self.exprs(&list.items)?),
            ast::Expr::Tuple(tuple) => ExprKind::Tuple(self.exprs(&tuple.items)?),
            ast::Expr::Map(map) => ExprKind::Dict(
                map.keys
                    .iter()
                    .zip(&map.values)
                    .map(|(key, value)| Ok((self.expr(key)?, self.expr(value)?)))
                    .collect::<Result<_>>()?,
            ),
        };
        Ok(Expr { kind, at })
    }

    /// What may never be worked out.
    fn branch(&mut self, expr: &ast::Expr<'_>) -> Result<Expr> {
        self.branches += 1;
        let made = self.expr(expr);
        self.branches -= 1;
        made
    }

    fn exprs(&mut self, exprs: &[ast::Expr<'_>]) -> Result<Vec<Expr>> {
        exprs.iter().map(|expr| self.expr(expr)).collect()
    }

    fn binary(&mut self, binary: &ast::BinOp<'_>) -> Result<ExprKind> {
        use ast::BinOpKind as Op;
        let left = self.expr(&binary.left)?;
        let right = match binary.op {
            Op::ScAnd | Op::ScOr => self.branch(&binary.right)?,
            _ => self.expr(&binary.right)?,
        };
        let arithmetic = |operator| (operator, ());
        let operator = match binary.op {
            Op::Eq => return Ok(compare_once(Comparison::Equal, left, right)),
            Op::Ne => return Ok(compare_once(Comparison::NotEqual, left, right)),
            Op::Lt => return Ok(compare_once(Comparison::Less, left, right)),
            Op::Lte => return Ok(compare_once(Comparison::LessOrEqual, left, right)),
            Op::Gt => return Ok(compare_once(Comparison::Greater, left, right)),
            Op::Gte => return Ok(compare_once(Comparison::GreaterOrEqual, left, right)),
            Op::In => return Ok(compare_once(Comparison::In, left, right)),
            Op::ScAnd => return Ok(ExprKind::And(Box::new((left, right)))),
            Op::ScOr => return Ok(ExprKind::Or(Box::new((left, right)))),
            Op::Concat => {
                let mut parts = match left.kind {
                    ExprKind::Join(parts) => parts,
                    kind => vec![Expr { kind, at: left.at }],
                };
                parts.push(right);
                return Ok(ExprKind::Join(parts));
            }
            Op::Add => arithmetic(BinaryOperator::Add),
            Op::Sub => arithmetic(BinaryOperator::Subtract),
            Op::Mul => arithmetic(BinaryOperator::Multiply),
            Op::Div => arithmetic(BinaryOperator::Divide),
            Op::FloorDiv => arithmetic(BinaryOperator::FloorDivide),
            Op::Rem => arithmetic(BinaryOperator::Remainder),
            Op::Pow => arithmetic(BinaryOperator::Power),
        };
        Ok(ExprKind::Binary(operator.0, Box::new((left, right))))
    }

    fn filter(&mut self, made: &ast::Filter<'_>, at: At) -> Result<ExprKind> {
        let filter = self.engine.filter(made.name).map_err(|error| self.place(at, error))?;
        let guards = usize::from(matches!(filter.name(), "default" | "d"));
        self.guards += guards;
        let value = match &made.expr {
            Some(expr) => self.expr(expr),
            None => Ok(Expr { kind: ExprKind::Captured, at }),
        };
        self.guards -= guards;
        let value = value?;
        let arguments = self.arguments(&made.args)?;
        self.check_names(filter.name(), &arguments, at)?;
        Ok(ExprKind::Filter(Box::new(FilterCall { filter, value, arguments })))
    }

    /// Filters and tests that are named in arguments are found before the run, too, unless they may
    /// never be asked: Jinja2 looks for them at the first item.
    fn check_names(&self, filter: &str, arguments: &CallArguments, at: At) -> Result<()> {
        if self.branches > 0 {
            return Ok(());
        }
        let name_at = |place: usize| match arguments.positional.get(place) {
            Some(Argument::One(Expr { kind: ExprKind::Constant(Value::Str(name)), at })) => {
                Some((Arc::clone(name.shared()), *at))
            }
            _ => None,
        };
        let checked = match filter {
            "map" => name_at(0).map(|(name, _)| self.engine.filter(&name).map(|_| ())),
            "select" | "reject" => name_at(0).map(|(name, _)| self.engine.test(&name).map(|_| ())),
            "selectattr" | "rejectattr" => {
                name_at(1).map(|(name, _)| self.engine.test(&name).map(|_| ()))
            }
            _ => None,
        };
        match checked {
            Some(Err(error)) => Err(self.place(at, error)),
            _ => Ok(()),
        }
    }

    fn test(&mut self, made: &ast::Test<'_>, at: At) -> Result<ExprKind> {
        let test = self.engine.test(made.name).map_err(|error| self.place(at, error))?;
        let guards = usize::from(matches!(test.name(), "defined" | "undefined"));
        self.guards += guards;
        let value = self.expr(&made.expr);
        self.guards -= guards;
        let arguments = self.arguments(&made.args)?;
        Ok(ExprKind::Test(Box::new(TestCall { test, value: value?, arguments })))
    }

    /// A call of a function, macro or method.
    pub(super) fn call(&mut self, call: &ast::Call<'_>, at: At) -> Result<Expr> {
        let kind = match &call.expr {
            ast::Expr::Var(var) if var.id == "super" && self.places("super").is_empty() => {
                ExprKind::Super
            }
            ast::Expr::Var(var)
                if matches!(var.id, "lookup" | "query" | "q") && self.places(var.id).is_empty() =>
            {
                self.lookup(var.id, call, at)?
            }
            ast::Expr::GetAttr(attr) => {
                if matches!(&attr.expr, ast::Expr::Var(var) if var.id == "self")
                    && self.places("self").is_empty()
                {
                    ExprKind::SelfBlock(attr.name.into())
                } else {
                    self.mutates |= MUTATING.contains(&attr.name);
                    let object = self.expr(&attr.expr)?;
                    let arguments = self.arguments(&call.args)?;
                    ExprKind::Method(Box::new((object, attr.name.into(), arguments)))
                }
            }
            callee => {
                let callee = self.expr(callee)?;
                ExprKind::Call(Box::new((callee, self.arguments(&call.args)?)))
            }
        };
        Ok(Expr { kind, at })
    }

    fn lookup(&mut self, function: &str, call: &ast::Call<'_>, at: At) -> Result<ExprKind> {
        let mut arguments = self.arguments(&call.args)?;
        let name = match arguments.positional.first() {
            Some(Argument::One(Expr { kind: ExprKind::Constant(Value::Str(name)), .. })) => {
                Arc::clone(name.shared())
            }
            Some(_) => {
                // The name is worked out at run time.
                let callee = ExprKind::Variable(function.into(), None);
                return Ok(ExprKind::Call(Box::new((Expr { kind: callee, at }, arguments))));
            }
            None => {
                return Err(self.error(
                    at,
                    ErrorKind::Type,
                    format!("{function}() needs the name of a lookup"),
                ));
            }
        };
        let lookup = self.engine.lookup(&name).map_err(|error| self.place(at, error))?;
        arguments.positional.remove(0);
        let wants_list = function != "lookup";
        Ok(ExprKind::Lookup(Box::new(LookupExpr { lookup, wants_list, arguments })))
    }

    fn arguments(&mut self, args: &[ast::CallArg<'_>]) -> Result<CallArguments> {
        let mut arguments = CallArguments::default();
        for arg in args {
            match arg {
                ast::CallArg::Pos(expr) => {
                    arguments.positional.push(Argument::One(self.expr(expr)?));
                }
                ast::CallArg::PosSplat(expr) => {
                    arguments.positional.push(Argument::Spread(self.expr(expr)?));
                }
                ast::CallArg::Kwarg(name, expr) => {
                    if arguments.keyword.iter().any(|(known, _)| &**known == *name) {
                        return Err(TemplateError::new(
                            ErrorKind::Syntax,
                            format!("keyword argument repeated: {name}"),
                        ));
                    }
                    arguments.keyword.push(((*name).into(), self.expr(expr)?));
                }
                ast::CallArg::KwargSplat(expr) => arguments.spread.push(self.expr(expr)?),
            }
        }
        Ok(arguments)
    }
}

fn compare_once(operator: Comparison, left: Expr, right: Expr) -> ExprKind {
    ExprKind::Compare(Box::new(left), vec![(operator, right)])
}

fn comparison(op: ast::CompareOpKind) -> Comparison {
    use ast::CompareOpKind as Op;
    match op {
        Op::Eq => Comparison::Equal,
        Op::Ne => Comparison::NotEqual,
        Op::Lt => Comparison::Less,
        Op::Lte => Comparison::LessOrEqual,
        Op::Gt => Comparison::Greater,
        Op::Gte => Comparison::GreaterOrEqual,
        Op::In => Comparison::In,
        Op::NotIn => Comparison::NotIn,
    }
}

/// A literal of the parser as a value.
fn constant(value: &minijinja::Value) -> Value {
    match value.kind() {
        ValueKind::Bool => Value::Bool(value.is_true()),
        ValueKind::Number if value.is_integer() => match value.as_i64() {
            Some(number) => Value::Int(number),
            None => big::BigInt::parse_bytes(value.to_string().as_bytes(), 10)
                .map_or(Value::None, big::value),
        },
        ValueKind::Number => Value::Float(f64::try_from(value.clone()).unwrap_or(f64::NAN)),
        ValueKind::String => Value::from(value.as_str().unwrap_or("")),
        _ => Value::None,
    }
}
