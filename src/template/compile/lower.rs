//! Statements of the parser's tree to our own, with names resolved to slots.

use std::{collections::HashMap, sync::Arc};

use indexmap::IndexMap;
use minijinja::machinery::{Span, ast};

use super::{
    front::{BLOCK_IN_MACRO, Rewritten},
    ir::{
        At, Block, Body, Expr, ExprKind, ForLoop, Import, Imported, Include, Local, Macro,
        Parameter, Place, Program, Scoped, Stmt, Target,
    },
    names::Use,
    origin::Origin,
};
use crate::{
    engine::Engine,
    error::{ErrorKind, Result, TemplateError},
};

/// Lowers one text.
pub struct Lowerer<'e> {
    pub(super) engine: &'e Engine,
    text: &'e Arc<str>,
    origin: &'e Origin,
    rewritten: &'e Rewritten<'e>,
    /// Macros and blocks have frames of their own; the last is the innermost.
    frames: Vec<Frame>,
    pub(super) uses: Vec<Use>,
    pub(super) kept: IndexMap<Arc<str>, u16>,
    /// Something in the text may change a value in place.
    pub(super) mutates: bool,
    /// More than 0 within the operand of `default` or `is defined`.
    pub(super) guards: usize,
    /// More than 0 within what may be left out: a branch, or what follows `and` or `or`.
    pub(super) branches: usize,
    blocks: HashMap<Arc<str>, Arc<Block>>,
    exports: Vec<(Arc<str>, u16)>,
}

/// The names of one macro, block or of the text itself.
#[derive(Default)]
struct Frame {
    /// Names by lexical scope, innermost last.
    scopes: Vec<Vec<(Arc<str>, u16)>>,
    slots: u16,
    /// Slots that something has read.
    read: Vec<u16>,
    /// Whether names of the frames around it are seen.
    is_open: bool,
}

/// The name of a block that stands in a macro, which the front has written as a call.
fn block_in_macro<'a>(call: &ast::CallBlock<'a>) -> Option<&'a str> {
    match &call.call.expr {
        ast::Expr::Var(name) => name.id.strip_prefix(BLOCK_IN_MACRO),
        _ => None,
    }
}

impl<'e> Lowerer<'e> {
    /// A lowerer for a text and its rewritten form.
    pub fn new(
        engine: &'e Engine,
        text: &'e Arc<str>,
        origin: &'e Origin,
        rewritten: &'e Rewritten<'e>,
    ) -> Self {
        let root = Frame { scopes: vec![Vec::new()], ..Frame::default() };
        Self {
            engine,
            text,
            origin,
            rewritten,
            frames: vec![root],
            uses: Vec::new(),
            kept: IndexMap::new(),
            mutates: false,
            guards: 0,
            branches: 0,
            blocks: HashMap::new(),
            exports: Vec::new(),
        }
    }

    /// The statements of the text itself.
    ///
    /// # Errors
    /// A name in it is not known, or it uses something that is not supported.
    pub fn template_body(&mut self, children: &[ast::Stmt<'_>]) -> Result<Vec<Stmt>> {
        self.declare(children);
        let names = self.frames.last().and_then(|frame| frame.scopes.last()).cloned();
        self.exports = names.unwrap_or_default();
        self.stmts(children)
    }

    /// The program.
    pub fn finish(mut self, body: Body, origin: Origin) -> Program {
        let tested: Vec<Arc<str>> = self
            .uses
            .iter()
            .filter(|used| used.guarded)
            .map(|used| Arc::clone(&used.name))
            .collect();
        for used in &mut self.uses {
            used.guarded |= tested.contains(&used.name);
        }
        Program {
            text: Arc::clone(self.text),
            origin,
            body,
            uses: self.uses,
            blocks: self.blocks,
            slots: self.frames.first().map_or(0, |frame| usize::from(frame.slots)),
            exports: self.exports,
            kept: if self.mutates { self.kept.into_keys().collect() } else { Vec::new() },
            newlines: 0,
        }
    }

    /// Where a stretch of the parsed text stands in the original one.
    pub(super) fn at(&self, span: Span) -> At {
        At {
            start: self.rewritten.original(span.start_offset as usize) as u32,
            end: self.rewritten.original(span.end_offset as usize) as u32,
        }
    }

    /// An error at a stretch of the text.
    pub(super) fn error(
        &self,
        at: At,
        kind: ErrorKind,
        message: impl Into<String>,
    ) -> TemplateError {
        self.place(at, TemplateError::new(kind, message))
    }

    pub(super) fn place(&self, at: At, error: TemplateError) -> TemplateError {
        error.at(self.origin.span(self.text, at.start as usize, at.end as usize))
    }

    // ---- names ----

    fn frame(&mut self) -> &mut Frame {
        if self.frames.is_empty() {
            self.frames.push(Frame::default());
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    fn new_slot(&mut self, name: &str) -> u16 {
        let frame = self.frame();
        let slot = frame.slots;
        frame.slots = frame.slots.saturating_add(1);
        if let Some(scope) = frame.scopes.last_mut() {
            scope.push((name.into(), slot));
        }
        slot
    }

    /// The slot of a name in the innermost scope.
    fn slot(&mut self, name: &str) -> u16 {
        let found = self.frame().scopes.last().and_then(|scope| {
            scope.iter().rev().find(|(known, _)| &**known == name).map(|(_, slot)| *slot)
        });
        found.unwrap_or_else(|| self.new_slot(name))
    }

    /// Where a name may be, nearest first.
    pub(super) fn places(&mut self, name: &str) -> Box<[Place]> {
        let mut places = Vec::new();
        for (up, frame) in (0..).zip(self.frames.iter_mut().rev()) {
            let mut read = Vec::new();
            for scope in frame.scopes.iter().rev() {
                if let Some((_, slot)) = scope.iter().rev().find(|(known, _)| &**known == name) {
                    places.push(Place { up, slot: *slot });
                    read.push(*slot);
                }
            }
            frame.read.extend(read);
            if !frame.is_open {
                break;
            }
        }
        places.into()
    }

    /// All names that are seen here, for what is rendered with this context.
    fn visible(&mut self) -> Vec<Local> {
        let mut names: Vec<Arc<str>> = Vec::new();
        for frame in self.frames.iter().rev() {
            for (name, slot) in frame.scopes.iter().rev().flatten() {
                // As in Jinja2, a loop is told of where its text asks for it.
                let is_untold = &**name == "loop" && !frame.read.contains(slot);
                if !is_untold && !names.contains(name) {
                    names.push(Arc::clone(name));
                }
            }
            if !frame.is_open {
                break;
            }
        }
        names
            .into_iter()
            .map(|name| Local { places: self.places(&name), name, kept: None })
            .collect()
    }

    /// Gives slots to the names that statements set, before any of them is read: a macro may read
    /// what is set after it.
    fn declare(&mut self, stmts: &[ast::Stmt<'_>]) {
        for stmt in stmts {
            match stmt {
                ast::Stmt::Set(set) => self.declare_target(&set.target),
                ast::Stmt::SetBlock(set) => self.declare_target(&set.target),
                ast::Stmt::Macro(made) => {
                    self.slot(made.name);
                }
                ast::Stmt::Import(import) => self.declare_target(&import.name),
                ast::Stmt::FromImport(import) => {
                    for (name, alias) in &import.names {
                        self.declare_target(alias.as_ref().unwrap_or(name));
                    }
                }
                ast::Stmt::IfCond(cond) => {
                    self.declare(&cond.true_body);
                    self.declare(&cond.false_body);
                }
                _ => {}
            }
        }
    }

    fn declare_target(&mut self, target: &ast::Expr<'_>) {
        match target {
            ast::Expr::Var(var) => {
                self.slot(var.id);
            }
            ast::Expr::List(list) => list.items.iter().for_each(|item| self.declare_target(item)),
            ast::Expr::Tuple(list) => list.items.iter().for_each(|item| self.declare_target(item)),
            _ => {}
        }
    }

    fn target(&mut self, target: &ast::Expr<'_>) -> Result<Target> {
        Ok(match target {
            ast::Expr::Var(var) => Target::Slot(self.slot(var.id)),
            ast::Expr::GetAttr(attr) => Target::Attribute(self.expr(&attr.expr)?, attr.name.into()),
            ast::Expr::List(list) => Target::Unpack(
                list.items.iter().map(|item| self.target(item)).collect::<Result<_>>()?,
            ),
            ast::Expr::Tuple(list) => Target::Unpack(
                list.items.iter().map(|item| self.target(item)).collect::<Result<_>>()?,
            ),
            other => {
                let at = self.at(other.span());
                return Err(self.error(at, ErrorKind::Syntax, "cannot assign to this"));
            }
        })
    }

    /// Statements with names of their own, of which some are there before they start.
    fn scoped<T>(
        &mut self,
        body: &[ast::Stmt<'_>],
        before: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<(T, Scoped)> {
        let start = self.frame().slots;
        self.frame().scopes.push(Vec::new());
        let result = (|| {
            let made = before(self)?;
            self.declare(body);
            Ok((made, self.stmts(body)?))
        })();
        self.frame().scopes.pop();
        let end = self.frame().slots;
        result.map(|(made, body)| (made, Scoped { body, slots: start..end }))
    }

    // ---- statements ----

    fn stmts(&mut self, stmts: &[ast::Stmt<'_>]) -> Result<Vec<Stmt>> {
        stmts.iter().map(|stmt| self.stmt(stmt)).collect()
    }

    fn stmt(&mut self, stmt: &ast::Stmt<'_>) -> Result<Stmt> {
        Ok(match stmt {
            ast::Stmt::Template(template) => {
                return Err(self.error(
                    self.at(template.span()),
                    ErrorKind::Syntax,
                    "a template within a template",
                ));
            }
            ast::Stmt::EmitExpr(emit) => Stmt::Output(self.expr(&emit.expr)?),
            ast::Stmt::EmitRaw(raw) => Stmt::Text(raw.raw.into()),
            ast::Stmt::ForLoop(for_loop) => self.for_loop(for_loop)?,
            ast::Stmt::IfCond(cond) => self.condition(cond)?,
            ast::Stmt::WithBlock(with) => {
                let values = with
                    .assignments
                    .iter()
                    .map(|(_, value)| self.expr(value))
                    .collect::<Result<Vec<_>>>()?;
                let (targets, body) = self.scoped(&with.body, |lowerer| {
                    with.assignments
                        .iter()
                        .map(|(target, _)| lowerer.target(target))
                        .collect::<Result<Vec<_>>>()
                })?;
                Stmt::With(targets.into_iter().zip(values).collect(), body)
            }
            ast::Stmt::Set(set) => {
                let value = self.expr(&set.expr)?;
                Stmt::Set(self.target(&set.target)?, value)
            }
            ast::Stmt::SetBlock(set) => {
                let filter = set.filter.as_ref().map(|filter| self.expr(filter)).transpose()?;
                let ((), body) = self.scoped(&set.body, |_| Ok(()))?;
                Stmt::SetBlock(self.target(&set.target)?, filter, body)
            }
            ast::Stmt::AutoEscape(escape) => {
                let off =
                    matches!(&escape.enabled, ast::Expr::Const(value) if !value.value.is_true());
                if !off {
                    return Err(self.error(
                        self.at(escape.span()),
                        ErrorKind::Unsupported,
                        "autoescape is not supported: use the filter 'escape'",
                    ));
                }
                let ((), body) = self.scoped(&escape.body, |_| Ok(()))?;
                Stmt::With(Vec::new(), body)
            }
            ast::Stmt::FilterBlock(block) => {
                let filter = self.expr(&block.filter)?;
                let ((), body) = self.scoped(&block.body, |_| Ok(()))?;
                Stmt::FilterBlock(filter, body)
            }
            ast::Stmt::Block(block) => self.block(block.name, block.required, &block.body)?,
            ast::Stmt::Extends(extends) => Stmt::Extends(self.expr(&extends.name)?),
            ast::Stmt::Include(include) => {
                let with_context = self.context(include.span(), true);
                Stmt::Include(Box::new(Include {
                    name: self.expr(&include.name)?,
                    ignore_missing: include.ignore_missing,
                    visible: with_context.then(|| self.visible()),
                }))
            }
            ast::Stmt::Import(import) => {
                let with_context = self.context(import.span(), false);
                let name = self.expr(&import.expr)?;
                let ast::Expr::Var(var) = &import.name else {
                    return Err(self.error(
                        self.at(import.name.span()),
                        ErrorKind::Syntax,
                        "a template is imported as a name",
                    ));
                };
                let names = Imported::Module(self.slot(var.id));
                let visible = with_context.then(|| self.visible());
                Stmt::Import(Box::new(Import { name, visible, names }))
            }
            ast::Stmt::FromImport(import) => {
                let with_context = self.context(import.span(), false);
                let name = self.expr(&import.expr)?;
                let mut names = Vec::new();
                for (name, alias) in &import.names {
                    let (ast::Expr::Var(from), ast::Expr::Var(to)) =
                        (name, alias.as_ref().unwrap_or(name))
                    else {
                        continue;
                    };
                    names.push((from.id.into(), self.slot(to.id), self.at(from.span())));
                }
                let visible = with_context.then(|| self.visible());
                Stmt::Import(Box::new(Import { name, visible, names: Imported::Names(names) }))
            }
            ast::Stmt::Macro(made) => {
                let slot = self.slot(made.name);
                Stmt::Macro(slot, Arc::new(self.macro_(made, false)?))
            }
            ast::Stmt::CallBlock(block) if block_in_macro(block).is_some() => {
                let name = block_in_macro(block).unwrap_or_default();
                self.block(name, false, &block.macro_decl.body)?
            }
            ast::Stmt::CallBlock(block) => {
                let call = self.call_block_call(block)?;
                Stmt::CallBlock(call, Arc::new(self.macro_(&block.macro_decl, true)?))
            }
            ast::Stmt::Continue(_) => Stmt::Continue,
            ast::Stmt::Break(_) => Stmt::Break,
            // The front has wrapped the expression in a call.
            ast::Stmt::Do(made) => Stmt::Do(self.expr(&made.call.expr)?),
        })
    }

    /// Whether another template sees the names that are seen here.
    fn context(&self, span: Span, default: bool) -> bool {
        let start = self.rewritten.original(span.start_offset as usize);
        let marked = self.rewritten.contexts.iter().find(|(at, _)| *at == start);
        marked.map_or(default, |(_, with)| *with)
    }

    fn condition(&mut self, cond: &ast::IfCond<'_>) -> Result<Stmt> {
        self.branches += 1;
        let made = self.branches_of(cond);
        self.branches -= 1;
        made
    }

    fn branches_of(&mut self, cond: &ast::IfCond<'_>) -> Result<Stmt> {
        let mut branches = vec![(self.expr(&cond.expr)?, self.stmts(&cond.true_body)?)];
        let mut rest = &cond.false_body;
        // `elif` is an `if` alone in the other branch.
        while let [ast::Stmt::IfCond(next)] = rest.as_slice() {
            branches.push((self.expr(&next.expr)?, self.stmts(&next.true_body)?));
            rest = &next.false_body;
        }
        Ok(Stmt::If(branches, self.stmts(rest)?))
    }

    fn for_loop(&mut self, made: &ast::ForLoop<'_>) -> Result<Stmt> {
        let items = self.expr(&made.iter)?;
        let ((target, condition, loop_slot), mut body) = self.scoped(&made.body, |lowerer| {
            lowerer.declare_target(&made.target);
            let target = lowerer.target(&made.target)?;
            let condition = made.filter_expr.as_ref().map(|expr| lowerer.expr(expr)).transpose()?;
            Ok((target, condition, lowerer.new_slot("loop")))
        })?;
        let is_read = self.frame().read.contains(&loop_slot);
        // The body's own names are those after the target's.
        body.slots.start = body.slots.start.min(loop_slot);
        let otherwise = {
            let ((), scoped) = self.scoped(&made.else_body, |_| Ok(()))?;
            vec![Stmt::With(Vec::new(), scoped)]
        };
        Ok(Stmt::For(Arc::new(ForLoop {
            target,
            items,
            condition,
            recursive: made.recursive,
            body,
            otherwise: if made.else_body.is_empty() { Vec::new() } else { otherwise },
            loop_slot: is_read.then_some(loop_slot),
        })))
    }

    fn block(&mut self, name: &str, required: bool, body: &[ast::Stmt<'_>]) -> Result<Stmt> {
        let name: Arc<str> = name.into();
        let visible = self.visible();
        self.frames.push(Frame { scopes: vec![Vec::new()], ..Frame::default() });
        self.declare(body);
        let body = self.stmts(body);
        let frame = self.frames.pop().unwrap_or_default();
        let made = Block { required, body: body?, slots: usize::from(frame.slots) };
        self.blocks.insert(Arc::clone(&name), Arc::new(made));
        Ok(Stmt::Block(name, visible))
    }

    fn call_block_call(&mut self, block: &ast::CallBlock<'_>) -> Result<Expr> {
        self.call(&block.call, self.at(block.call.span()))
    }

    fn macro_(&mut self, made: &ast::Macro<'_>, is_caller: bool) -> Result<Macro> {
        // Defaults are worked out where the macro is called, but see its other parameters.
        self.frames.push(Frame { scopes: vec![Vec::new()], is_open: true, ..Frame::default() });
        let result = (|| {
            let mut parameters = Vec::new();
            let first_default = made.args.len().saturating_sub(made.defaults.len());
            for arg in &made.args {
                let ast::Expr::Var(var) = arg else { continue };
                let slot = self.slot(var.id);
                parameters.push(Parameter { name: var.id.into(), slot, default: None });
            }
            for (parameter, default) in
                parameters.iter_mut().skip(first_default).zip(&made.defaults)
            {
                parameter.default = Some(self.expr(default)?);
            }
            let varargs = self.slot("varargs");
            let kwargs = self.slot("kwargs");
            let caller = (!is_caller).then(|| self.slot("caller"));
            self.frame().scopes.push(Vec::new());
            self.declare(&made.body);
            let body = self.stmts(&made.body)?;
            Ok((parameters, varargs, kwargs, caller, body))
        })();
        let frame = self.frames.pop().unwrap_or_default();
        let (parameters, varargs, kwargs, caller, body) = result?;
        let read = |slot: u16| frame.read.contains(&slot).then_some(slot);
        Ok(Macro {
            name: made.name.into(),
            parameters,
            body,
            slots: usize::from(frame.slots),
            varargs: read(varargs),
            kwargs: read(kwargs),
            caller: caller.and_then(read),
        })
    }

    /// A variable, a function or a local name.
    pub(super) fn name(&mut self, name: &str, span: Span) -> ExprKind {
        let places = self.places(name);
        let known: Arc<str> = name.into();
        let next = self.kept.len() as u16;
        let kept = Some(*self.kept.entry(Arc::clone(&known)).or_insert(next));
        let at = self.at(span);
        if places.is_empty() {
            let is_ours = self.engine.function(name).is_some() || matches!(name, "omit" | "vars");
            if !is_ours {
                self.uses.push(Use { name: Arc::clone(&known), at, guarded: self.guards > 0 });
            }
            return ExprKind::Variable(known, kept);
        }
        ExprKind::Local(Local { name: known, places, kept })
    }
}
