//! The task debugger: what the operator types at its prompt, and what that does to a task.

use std::sync::Arc;

use indexmap::IndexMap;
use plan::Task;
use template::{Expression, Scope, Tree, Value};

/// A line typed at the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Show what an expression comes to.
    Print(String),
    /// Set an argument of the task, or a variable that it sees.
    Assign {
        what: Assigned,
        key: String,
        value: String,
    },
    /// Make the task anew of the variables as they are now.
    Update,
    Redo,
    Continue,
    Quit,
    Help,
    Nothing,
    /// Neither a command nor an assignment.
    Unknown(String),
}

/// What an assignment is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assigned {
    Args,
    Vars,
}

/// What is shown for help.
pub const HELP: &str = "\
Documented commands (type help <topic>):
========================================
p EXPRESSION           show task, task.args, task_vars, host, result or a part of them
task.args[KEY] = VALUE set an argument of the task
task_vars[KEY] = VALUE set a variable, then u
u, update_task         make the task anew of changed variables
r, redo                run the task again
c, continue            go on with the play
q, quit                end the run";

/// Reads a line.
pub fn parse(line: &str) -> Command {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    match word {
        "" => return Command::Nothing,
        "p" | "print" | "pprint" if !rest.trim().is_empty() => {
            return Command::Print(rest.trim().to_owned());
        }
        "u" | "update_task" => return Command::Update,
        "r" | "redo" => return Command::Redo,
        "c" | "continue" => return Command::Continue,
        "q" | "quit" | "exit" | "EOF" => return Command::Quit,
        "h" | "help" | "?" => return Command::Help,
        _ => {}
    }
    assignment(line).unwrap_or_else(|| Command::Unknown(line.to_owned()))
}

/// `task.args['KEY'] = VALUE`
fn assignment(line: &str) -> Option<Command> {
    let (what, rest) = match line.strip_prefix("task.args[") {
        Some(rest) => (Assigned::Args, rest),
        None => (Assigned::Vars, line.strip_prefix("task_vars[")?),
    };
    let (key, rest) = rest.split_once(']')?;
    let value = rest.trim_start().strip_prefix('=').filter(|rest| !rest.starts_with('='))?;
    let key = key.trim();
    let bare = ['\'', '"']
        .iter()
        .find_map(|quote| key.strip_prefix(*quote)?.strip_suffix(*quote))
        .filter(|key| !key.is_empty())?;
    Some(Command::Assign { what, key: bare.to_owned(), value: value.trim().to_owned() })
}

/// What the operator has changed of a task so far.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    pub args: IndexMap<String, Value>,
    pub vars: IndexMap<String, Value>,
}

impl Edits {
    /// The task as it is after the changes.
    pub fn apply(&self, task: &Arc<Task>) -> Arc<Task> {
        if self.args.is_empty() && self.vars.is_empty() {
            return Arc::clone(task);
        }
        let mut edited = (**task).clone();
        for (name, value) in &self.args {
            let tree = Tree::Value(value.clone());
            if name == "_raw_params" {
                edited.action.free_form = Some(tree);
            } else {
                edited.action.args.insert(name.as_str().into(), tree);
            }
        }
        let mut vars = (*edited.keywords.vars).clone();
        for (name, value) in &self.vars {
            vars.insert(name.as_str().into(), Tree::Value(value.clone()));
        }
        edited.keywords.vars = Arc::new(vars);
        Arc::new(edited)
    }
}

/// Works out an expression.
///
/// # Errors
/// It cannot be read, or names what is not there.
pub fn evaluate(text: &str, scope: &Scope) -> Result<Value, String> {
    let expression =
        Expression::compile(scope.engine(), text, None).map_err(|error| error.to_string())?;
    expression.evaluate(scope).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{Assigned, Command, parse};

    #[test]
    fn lines_are_commands() {
        let assign = |what, key: &str, value: &str| Command::Assign {
            what,
            key: key.into(),
            value: value.into(),
        };
        let cases = [
            ("p task.args", Command::Print("task.args".into())),
            ("print  result._result", Command::Print("result._result".into())),
            ("task.args['data'] = 'x=y'", assign(Assigned::Args, "data", "'x=y'")),
            ("task_vars[\"n\"]=3", assign(Assigned::Vars, "n", "3")),
            ("u", Command::Update),
            (" redo ", Command::Redo),
            ("c", Command::Continue),
            ("quit", Command::Quit),
            ("help", Command::Help),
            ("", Command::Nothing),
        ];
        for (line, expected) in cases {
            assert_eq!(parse(line), expected, "{line}");
        }
    }

    #[test]
    fn what_is_no_command_is_said_so() {
        for line in [
            "p",
            "task.args[data] = 1",
            "task.args['data'] == 1",
            "task.args['data'",
            "task.name = 'x'",
            "import os",
        ] {
            assert_eq!(parse(line), Command::Unknown(line.into()), "{line}");
        }
    }
}
