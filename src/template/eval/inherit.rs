//! Templates that use others: include, import, extends and blocks.

use std::{cell::Cell, collections::HashMap, fmt, sync::Arc};

use super::{Frame, Machine, output::Output};
use crate::{
    compile::ir::{At, Block, Body, Import, Imported, Include, Local, Program, Stmt},
    error::{ErrorKind, Missing, Result, TemplateError, Undefined},
    file,
    scope::Scope,
    value::{Object, Shape, Value},
};

/// How deep templates may include each other.
const DEPTH_MAX: usize = 40;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// A block as one template of the family has it.
type Version = (Arc<Program>, Arc<Block>);

/// The blocks of a family of templates: for each name the child's first, then its parents'.
#[derive(Clone, Default)]
pub(super) struct Blocks {
    by_name: HashMap<Arc<str>, Vec<Version>>,
}

impl Blocks {
    fn add(&mut self, program: &Arc<Program>) {
        for (name, block) in &program.blocks {
            let entry = (Arc::clone(program), Arc::clone(block));
            self.by_name.entry(Arc::clone(name)).or_default().push(entry);
        }
    }
}

/// Goes one template deeper.
fn deeper<T>(run: impl FnOnce() -> Result<T>) -> Result<T> {
    let depth = DEPTH.get();
    if depth >= DEPTH_MAX {
        return Err(TemplateError::new(
            ErrorKind::Limit,
            "templates include each other without end",
        ));
    }
    DEPTH.set(depth + 1);
    let result = run();
    DEPTH.set(depth);
    result
}

/// Renders a program as text, as a file is.
pub(crate) fn render_file_program(program: &Arc<Program>, scope: &Scope) -> Result<String> {
    let mut machine = Machine::new(program, scope);
    let mut out = Output::default();
    match &program.body {
        Body::Expression(expr) => out.value(machine.written(expr)?),
        Body::Parts(stmts) => machine.run_template(stmts, &mut out)?,
    }
    Ok(out.into_text())
}

impl Machine<'_> {
    /// Runs the text itself, then the template that it extends.
    pub(super) fn run_template(&mut self, stmts: &[Stmt], out: &mut Output) -> Result<()> {
        if !self.program.blocks.is_empty() || self.blocks.is_some() {
            let mut blocks = self.blocks.as_deref().cloned().unwrap_or_default();
            blocks.add(self.program);
            self.blocks = Some(Arc::new(blocks));
        }
        self.run(stmts, out)?;
        let Some(parent) = self.parent.take() else { return Ok(()) };
        let program = self.load(&parent)?;
        let scope = self.scope.push_values(self.exported());
        let blocks = Some(self.blocks.clone().unwrap_or_default());
        deeper(|| {
            let mut machine = Machine::new(&program, &scope);
            machine.blocks = blocks;
            match &program.body {
                Body::Expression(expr) => {
                    out.value(machine.written(expr)?);
                    Ok(())
                }
                Body::Parts(stmts) => machine.run_template(stmts, out),
            }
        })
    }

    /// The names that the top level has set.
    pub(super) fn exported(&self) -> Vec<(Arc<str>, Value)> {
        let Some(mut frame) = self.frame.as_ref() else { return Vec::new() };
        while let Some(parent) = &frame.parent {
            frame = parent;
        }
        self.program
            .exports
            .iter()
            .filter_map(|(name, slot)| Some((Arc::clone(name), frame.get(*slot)?)))
            .collect()
    }

    fn visible(&self, locals: &[Local]) -> Vec<(Arc<str>, Value)> {
        locals
            .iter()
            .filter_map(|local| Some((Arc::clone(&local.name), self.local_value(local)?)))
            .collect()
    }

    /// The template of a name, or the first that exists of several.
    fn load(&self, name: &Value) -> Result<Arc<Program>> {
        let names = match name {
            Value::Str(name) => vec![name.to_string()],
            other if other.is_sequence() => {
                other.elements()?.iter().map(ToString::to_string).collect()
            }
            other => {
                return Err(TemplateError::of_type(format!(
                    "a template's name is a string, not {}",
                    other.type_name()
                )));
            }
        };
        file::load(&names, self.program, self.scope)
    }

    pub(super) fn include(&mut self, include: &Include) -> Result<String> {
        let name = self.defined(&include.name)?;
        let program = match self.load(&name) {
            Ok(program) => program,
            Err(error) if include.ignore_missing && error.kind() == ErrorKind::File => {
                return Ok(String::new());
            }
            Err(error) => return Err(self.placed(error, include.name.at)),
        };
        let scope = match &include.visible {
            Some(visible) => self.scope.push_values(self.visible(visible)),
            None => without_variables(self.scope),
        };
        deeper(|| render_file_program(&program, &scope))
            .map_err(|error| self.placed(error, include.name.at))
    }

    pub(super) fn import(&mut self, import: &Import) -> Result<()> {
        let name = self.defined(&import.name)?;
        let program = self.load(&name).map_err(|error| self.placed(error, import.name.at))?;
        let scope = match &import.visible {
            Some(visible) => self.scope.push_values(self.visible(visible)),
            None => without_variables(self.scope),
        };
        let exported = deeper(|| {
            let mut machine = Machine::new(&program, &scope);
            if let Body::Parts(stmts) = &program.body {
                machine.run_template(stmts, &mut Output::default())?;
            }
            Ok(machine.exported())
        })?;
        match &import.names {
            Imported::Module(slot) => {
                let module = Module { name: name.to_string(), exported };
                self.set_slot(*slot, Value::object(module));
            }
            Imported::Names(names) => {
                for (wanted, slot, at) in names {
                    let value = exported
                        .iter()
                        .find(|(known, _)| known == wanted)
                        .map_or_else(|| not_exported(&name, wanted), |(_, value)| value.clone());
                    let _: At = *at;
                    self.set_slot(*slot, value);
                }
            }
        }
        Ok(())
    }

    /// A block where it stands: the child's version, if a child has one.
    pub(super) fn named_block(&mut self, name: &Arc<str>, visible: &[Local]) -> Result<String> {
        let visible = self.visible(visible);
        self.block_text(name, 0, visible)
    }

    fn block_text(
        &self,
        name: &Arc<str>,
        level: usize,
        visible: Vec<(Arc<str>, Value)>,
    ) -> Result<String> {
        let found = self
            .blocks
            .as_ref()
            .and_then(|blocks| blocks.by_name.get(name))
            .and_then(|versions| versions.get(level));
        let Some((program, block)) = found else {
            return Err(TemplateError::new(
                ErrorKind::Undefined,
                format!("there is no parent block called '{name}'"),
            ));
        };
        if block.required {
            return Err(TemplateError::new(
                ErrorKind::Raised,
                format!("Required block '{name}' not found"),
            ));
        }
        let scope =
            if visible.is_empty() { self.scope.clone() } else { self.scope.push_values(visible) };
        deeper(|| {
            let mut machine = Machine::new(program, &scope);
            machine.frame = Some(Frame::new(block.slots, None));
            machine.blocks.clone_from(&self.blocks);
            machine.block = Some((Arc::clone(name), level));
            machine.captured_text(&block.body).map(|(text, _)| text)
        })
    }

    /// `super()`
    pub(super) fn super_block(&mut self) -> Result<Value> {
        match self.block.clone() {
            Some((name, level)) => self.block_text(&name, level + 1, Vec::new()).map(Value::from),
            None => Err(TemplateError::new(
                ErrorKind::Undefined,
                "super() is only there within a block",
            )),
        }
    }

    /// `self.name()`
    pub(super) fn self_block(&mut self, name: &Arc<str>) -> Result<Value> {
        let visible = self.exported();
        self.block_text(name, 0, visible).map(Value::from)
    }
}

/// A scope as a template sees it that is imported without context: no variables.
fn without_variables(scope: &Scope) -> Scope {
    Scope::new(Arc::clone(scope.engine()), Arc::clone(scope.surroundings()))
}

fn not_exported(template: &Value, name: &str) -> Value {
    let hint = format!("the template '{template}' does not export the requested name '{name}'");
    Value::Undefined(Undefined::new(Missing::Hint(hint.into())))
}

/// What `import … as name` gives.
struct Module {
    name: String,
    exported: Vec<(Arc<str>, Value)>,
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<TemplateModule '{}'>", self.name)
    }
}

impl Object for Module {
    fn shape(&self) -> Shape {
        Shape::Plain
    }

    fn type_name(&self) -> &str {
        "TemplateModule"
    }

    fn get(&self, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        self.exported
            .iter()
            .find(|(known, _)| &**known == name && !name.starts_with('_'))
            .map(|(_, value)| value.clone())
    }

    fn text(&self) -> Option<String> {
        Some(format!("{self:?}"))
    }
}
