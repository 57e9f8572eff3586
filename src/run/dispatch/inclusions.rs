//! What tasks include during the run: compiled once, put into the way of each host.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, PoisonError},
};

use indexmap::IndexMap;
use inventory::HostName;
use plan::{Block, Frame, FrameKind, Item, Key, Layer, Role, Task, TaskId};
use source::{Place, SourceFile, Span};
use template::{Tree, Value};

use super::{Dispatcher, look_ahead::may_end_others, outcomes::settled_failure};
use crate::{Event, IncludeError, TaskResult, outcome::RunOrder, runner::imported_roles};

/// What is told of an include: its task, the file or role, the label of its item, who takes it.
type Announced = (Arc<Task>, String, Option<String>, Vec<HostName>);

impl Dispatcher {
    /// Compiles what hosts include, once for all of them, and puts it into their way. Returns the
    /// hosts whose include cannot be compiled.
    pub(super) fn include_all(
        &mut self,
        includes: Vec<(usize, Arc<Task>, TaskResult)>,
    ) -> Vec<(usize, Arc<Task>)> {
        let mut failed: Vec<(usize, Arc<Task>)> = Vec::new();
        let mut announced: IndexMap<(TaskId, String), Announced> = IndexMap::new();
        let mut wanted: VecDeque<(usize, Arc<Task>, RunOrder)> = VecDeque::new();
        for (index, task, result) in includes {
            // An include that runs once is of the host that ran it; what is inside may run once
            // by itself.
            wanted.extend(result.orders.iter().map(|o| (index, Arc::clone(&task), o.clone())));
        }
        // Items that are the same are taken as often as they come.
        let mut times: HashMap<(usize, TaskId, String), usize> = HashMap::new();
        while let Some((index, task, order)) = wanted.pop_front() {
            let Some(host) = self.hosts.get(index).map(|host| host.name.clone()) else { continue };
            let text = format!("{order:?}");
            let nth = times.entry((index, task.id, text.clone())).or_default();
            let key = (task.id, format!("{text} {nth}"));
            *nth += 1;
            let compiled = match self.compiled.get(&key) {
                Some(compiled) => compiled.clone(),
                None => {
                    let compiled = self.compile(&task, &order, &host);
                    self.compiled.insert(key.clone(), compiled.clone());
                    compiled
                }
            };
            match compiled {
                Ok((sequence, block)) => {
                    let (file, label) = match &order {
                        RunOrder::IncludeTasks(include) => (
                            block.frame.span.file.path.display().to_string(),
                            include.label.clone(),
                        ),
                        RunOrder::IncludeRole(include) => {
                            (include.name.clone(), include.label.clone())
                        }
                        _ => continue,
                    };
                    let entry = announced.entry(key);
                    let new = || (Arc::clone(&task), file, label, Vec::new());
                    entry.or_insert_with(new).3.push(host);
                    self.sends_ahead &= !may_end_others(&[Item::Block(Arc::clone(&block))]);
                    if let Some(host) = self.hosts.get_mut(index) {
                        host.cursor.include(block, sequence);
                    }
                }
                Err(IncludeError::Wrong(why)) => {
                    self.end.mistake = Some(why);
                    self.end.ends_play = true;
                    return failed;
                }
                Err(IncludeError::Missing(why)) => {
                    let mut result = settled_failure(why);
                    // Ansible says of what cannot be had for what reason.
                    if let Some(why) = result.fields.shift_remove("msg") {
                        if let (RunOrder::IncludeRole(_), Some(why)) = (&order, why.as_str()) {
                            let message = why.to_owned();
                            let _ = self.executor.events.send(Event::Mistake { message });
                        }
                        result.fields.insert("reason".into(), why);
                    }
                    if let RunOrder::IncludeTasks(include) = &order {
                        result.fields.insert("include".into(), include.file.as_str().into());
                    }
                    let _ = self.executor.events.send(Event::HostEnded {
                        host: host.clone(),
                        task: Arc::clone(&task),
                        result: Box::new(result.clone()),
                        ignored: false,
                    });
                    // Several items of one loop fail their host once.
                    if failed.iter().any(|(other, known)| *other == index && known.id == task.id) {
                        continue;
                    }
                    let counts = self.end.statistics.of(&host);
                    counts.ok = counts.ok.saturating_sub(1);
                    counts.failed += 1;
                    self.fail_host(index, &task, &result);
                    failed.push((index, task));
                }
            }
        }
        for (task, file, label, hosts) in announced.into_values() {
            let _ = self.executor.events.send(Event::Included { task, file, hosts, label });
        }
        failed
    }

    fn compile(
        &mut self,
        task: &Arc<Task>,
        order: &RunOrder,
        host: &HostName,
    ) -> Result<(u64, Arc<Block>), IncludeError> {
        let item_vars = match order {
            RunOrder::IncludeTasks(include) => &include.item_vars,
            RunOrder::IncludeRole(include) => &include.item_vars,
            _ => return Err(IncludeError::Missing("this is no include".into())),
        };
        let mut params: IndexMap<Arc<str>, Tree> = (*task.keywords.vars).clone();
        params.extend(
            item_vars.iter().map(|(name, json)| {
                (Arc::from(name.as_str()), Tree::Value(Value::from_json(json)))
            }),
        );
        // Tags of the include itself choose it; only those of `apply` reach what is inside.
        let mut keywords = plan::Keywords::default();
        self.apply(task, host, &mut keywords)?;
        let frame = Arc::new(Frame {
            kind: FrameKind::Include { params: Arc::new(params) },
            keywords,
            parent: Some(Arc::clone(&task.parent)),
            // Where the role is named, if one is.
            span: match order {
                RunOrder::IncludeRole(_) => task.action.arg_spans.get("name"),
                _ => None,
            }
            .unwrap_or(&task.span)
            .clone(),
        });
        let (items, frame) = match order {
            RunOrder::IncludeTasks(include) => {
                let included = self.includes.tasks(
                    include,
                    &frame,
                    task.is_handler,
                    &self.context.playbook_dir,
                )?;
                self.add_handlers(&included.handlers);
                self.take_roles(&included.items, &frame, None);
                let mut shown = (*frame).clone();
                // The block says where its tasks stand.
                let first = included.items.first().map(|first| match first {
                    Item::Task(task) => &task.span,
                    Item::Block(block) => &block.frame.span,
                });
                shown.span = match first.filter(|span| span.file.path == included.path) {
                    Some(span) => span.clone(),
                    // It is empty, or begins with what stands in other files.
                    None => Span {
                        file: SourceFile::new(included.path, ""),
                        start: Place::default(),
                        end: Place::default(),
                    },
                };
                (included.items, Arc::new(shown))
            }
            RunOrder::IncludeRole(include) => {
                let role = self.includes.role(
                    include,
                    &frame,
                    Layer::default(),
                    &self.context.playbook_dir,
                )?;
                self.add_handlers(&role.handlers);
                self.take_roles(&role.items, &frame, Some(&role.role));
                if include.public {
                    let mut roles =
                        self.context.roles.write().unwrap_or_else(PoisonError::into_inner);
                    roles.push(Arc::clone(&role.role));
                }
                (role.items, frame)
            }
            _ => return Err(IncludeError::Missing("this is no include".into())),
        };
        self.sequence += 1;
        let block = Block { frame, body: items, rescue: Vec::new(), always: Vec::new() };
        Ok((self.sequence, Arc::new(block)))
    }

    /// What `apply` says of the tasks inside an include.
    /// Remembers the roles that something included brings.
    fn take_roles(&self, items: &[Item], frame: &Arc<Frame>, included: Option<&Arc<Role>>) {
        let each_task = |visit: &mut dyn FnMut(&Arc<Task>)| {
            items.iter().for_each(|item| match item {
                Item::Task(task) => visit(task),
                Item::Block(block) => block.each_task(visit),
            });
        };
        let mut taken = self.context.taken_roles.write().unwrap_or_else(PoisonError::into_inner);
        taken.extend(imported_roles(each_task, frame));
        taken.extend(included.cloned());
    }

    fn apply(
        &self,
        task: &Arc<Task>,
        host: &HostName,
        keywords: &mut plan::Keywords,
    ) -> Result<(), String> {
        let Some(apply) = task.action.args.get("apply") else { return Ok(()) };
        let scope = self.context.scope(host, Some(task));
        let value = apply.evaluate(&scope).map_err(|error| error.to_string())?;
        let Some(entries) = value.entries() else {
            return Err("apply takes a dictionary of keywords".into());
        };
        let engine = &self.context.store.engine;
        for (key, value) in entries {
            let name = key.to_string();
            let setting = |value: Value| plan::Setting {
                tree: Tree::Value(value),
                span: task.action.span.clone(),
            };
            if let Some(key) = Key::parse(&name) {
                keywords.set(key, setting(value));
                continue;
            }
            let list = |value: Value| match value.as_list() {
                Some(list) => list.to_vec(),
                None => vec![value],
            };
            match name.as_str() {
                "tags" => keywords.tags.extend(list(value).into_iter().map(setting)),
                "environment" => keywords.environment.push(setting(value)),
                "notify" => keywords.notify.extend(list(value).into_iter().map(setting)),
                "vars" => {
                    let mut vars = (*keywords.vars).clone();
                    for (name, value) in value.entries().unwrap_or_default() {
                        vars.insert(name.to_string().into(), Tree::Value(value));
                    }
                    keywords.vars = Arc::new(vars);
                }
                "when" => {
                    for condition in list(value) {
                        let expression = template::Expression::compile(
                            engine,
                            &condition.to_string(),
                            Some(&task.action.span),
                        )
                        .map_err(|error| error.to_string())?;
                        keywords.when.push(plan::Condition {
                            expression: Arc::new(expression),
                            span: task.action.span.clone(),
                        });
                    }
                }
                "name" => {}
                other => return Err(format!("'{other}' is not a valid attribute for apply")),
            }
        }
        Ok(())
    }
}
