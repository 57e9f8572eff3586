//! `{% for %}` and its `loop`.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{Frame, Kept, Machine, inherit::Blocks, output::Output, statement::Flow};
use crate::{
    compile::ir::{ForLoop, Program},
    error::{ErrorKind, Missing, Result, TemplateError, Undefined},
    scope::Scope,
    value::{Arguments, Object, Value},
};

/// How deep a recursive loop may go.
const DEPTH_MAX: usize = 100;

/// Runs a loop.
pub(super) fn run(machine: &mut Machine<'_>, made: &Arc<ForLoop>, out: &mut Output) -> Result<()> {
    let items = machine.defined(&made.items)?;
    let items = items.elements().map_err(|error| machine.placed(error, made.items.at))?;
    rounds(machine, made, items, 1, out)
}

fn rounds(
    machine: &mut Machine<'_>,
    made: &Arc<ForLoop>,
    items: Vec<Value>,
    depth: usize,
    out: &mut Output,
) -> Result<()> {
    let items = match &made.condition {
        None => items,
        Some(condition) => {
            let mut kept = Vec::new();
            for item in items {
                machine.clear(&made.body);
                machine.assign(&made.target, item.clone())?;
                if machine.truth(condition)? {
                    kept.push(item);
                }
            }
            kept
        }
    };
    if items.is_empty() {
        machine.clear(&made.body);
        return machine.run(&made.otherwise, out).map(|_| ());
    }
    let items = Arc::new(items);
    let state = made.loop_slot.map(|_| Arc::new(Loop::new(machine, made, &items, depth)));
    for (at, item) in items.iter().enumerate() {
        machine.clear(&made.body);
        machine.assign(&made.target, item.clone())?;
        if let (Some(slot), Some(state)) = (made.loop_slot, &state) {
            state.at.store(at, Ordering::Relaxed);
            let state: Arc<dyn Object> = state.clone();
            machine.set_slot(slot, Value::Object(state));
        }
        if machine.run(&made.body.body, out)? == Flow::Break {
            break;
        }
    }
    machine.clear(&made.body);
    Ok(())
}

/// The `loop` of one run of a loop.
struct Loop {
    items: Arc<Vec<Value>>,
    at: AtomicUsize,
    depth: usize,
    changed: Mutex<Option<Vec<Value>>>,
    recursion: Option<Recursion>,
}

/// What a recursive loop needs to run itself again.
struct Recursion {
    made: Arc<ForLoop>,
    program: Arc<Program>,
    frame: Arc<Frame>,
    kept: Option<Kept>,
    blocks: Option<Arc<Blocks>>,
}

impl Loop {
    fn new(
        machine: &Machine<'_>,
        made: &Arc<ForLoop>,
        items: &Arc<Vec<Value>>,
        depth: usize,
    ) -> Self {
        let recursion = made.recursive.then(|| Recursion {
            made: Arc::clone(made),
            program: Arc::clone(machine.program),
            // A copy: who holds the loop in a slot of the frame must not hold the frame.
            frame: machine.frame_or_new().copied(),
            kept: machine.kept.clone(),
            blocks: machine.blocks.clone(),
        });
        Self {
            items: Arc::clone(items),
            at: AtomicUsize::new(0),
            depth,
            changed: Mutex::new(None),
            recursion,
        }
    }

    fn place(&self) -> usize {
        self.at.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Loop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<LoopContext {}/{}>", self.place() + 1, self.items.len())
    }
}

impl Object for Loop {
    fn type_name(&self) -> &str {
        "LoopContext"
    }

    fn get(&self, key: &Value) -> Option<Value> {
        let (at, length) = (self.place(), self.items.len());
        let neighbour = |at: Option<usize>, what: &str| {
            at.and_then(|at| self.items.get(at)).cloned().unwrap_or_else(|| {
                let hint = format!("there is no {what} item");
                Value::Undefined(Undefined::new(Missing::Hint(hint.into())))
            })
        };
        Some(match key.as_str()? {
            "index" => Value::from(at + 1),
            "index0" => Value::from(at),
            "revindex" => Value::from(length - at),
            "revindex0" => Value::from(length - at - 1),
            "first" => Value::Bool(at == 0),
            "last" => Value::Bool(at + 1 == length),
            "length" => Value::from(length),
            "depth" => Value::from(self.depth),
            "depth0" => Value::from(self.depth - 1),
            "previtem" => neighbour(at.checked_sub(1), "previous"),
            "nextitem" => neighbour(Some(at + 1), "next"),
            _ => return None,
        })
    }

    fn text(&self) -> Option<String> {
        Some(format!("{self:?}"))
    }

    fn is_callable(&self) -> bool {
        self.recursion.is_some()
    }

    fn call(&self, arguments: Arguments, scope: &Scope) -> Result<Value> {
        let Some(recursion) = &self.recursion else {
            return Err(TemplateError::of_type(
                "The loop must have the 'recursive' marker to be called recursively.",
            ));
        };
        if self.depth >= DEPTH_MAX {
            return Err(TemplateError::new(ErrorKind::Limit, "the loop recurses too deep"));
        }
        let [items] = arguments.bind("loop", ["iterable"], 1)?;
        let items = items.unwrap_or_default().elements()?;
        let mut machine = Machine::new(&recursion.program, scope);
        machine.frame = Some(recursion.frame.copied());
        machine.kept.clone_from(&recursion.kept);
        machine.blocks.clone_from(&recursion.blocks);
        let mut out = Output::default();
        rounds(&mut machine, &recursion.made, items, self.depth + 1, &mut out)?;
        Ok(Value::from(out.into_text()))
    }

    fn call_method(&self, name: &str, arguments: Arguments, _: &Scope) -> Option<Result<Value>> {
        match name {
            "cycle" => {
                let values = arguments.positional;
                if values.is_empty() {
                    return Some(Err(TemplateError::of_type("no items for cycling given")));
                }
                let at = self.place() % values.len();
                values.into_iter().nth(at).map(Ok)
            }
            "changed" => {
                let now = arguments.positional;
                let mut last = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
                let is_changed = last.as_ref() != Some(&now);
                *last = Some(now);
                Some(Ok(Value::Bool(is_changed)))
            }
            _ => None,
        }
    }
}
