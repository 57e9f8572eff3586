//! Plays, one after the other: which hosts, in which batches, with which variables.

mod gathering;
mod hosts;

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{Arc, OnceLock, RwLock},
};

use indexmap::IndexMap;
use inventory::HostName;
use plan::{Action, Block, Frame, FrameKind, Item, Keywords, Layer, Play, Setting, Task, TaskId};
use template::{Tree, Value};

use crate::{
    Event, EventSink, Gathering, Includes, Reach, RunSettings, Statistics, Store,
    dispatch::{Course, Dispatcher, FREE_COUNTS_NOBODY, Named, STRATEGIES, Strategy},
    execute::{Executor, Specs},
    prompting::Prompts,
    scope::PlayContext,
};

/// How a run ended.
#[derive(Clone, Debug, Default)]
pub struct Ended {
    pub statistics: Statistics,
    /// Hosts that failed or could not be reached, for a retry file.
    pub lost: Vec<HostName>,
    /// Whether any host has failed for good, and whether any was not reached.
    pub has_failed: bool,
    pub has_unreachable: bool,
    /// Whether the operator has ended the run.
    pub is_interrupted: bool,
    /// What stopped the run before its end, if anything did.
    pub error: Option<String>,
}

/// Runs plays.
pub struct Runner {
    pub store: Arc<Store>,
    pub settings: Arc<RunSettings>,
    pub reach: Arc<dyn Reach>,
    pub specs: Arc<dyn Specs>,
    pub includes: Arc<dyn Includes>,
    pub prompts: Arc<dyn Prompts>,
    pub events: EventSink,
}

impl Runner {
    /// Runs the plays of one or more playbooks. Hosts that have failed take no part in later plays.
    pub async fn run(&self, playbooks: Vec<(String, Vec<Arc<Play>>)>) -> Ended {
        let named = playbooks.iter().map(|(name, plays)| (name.clone(), plays.len())).collect();
        let plays: Vec<Arc<Play>> = playbooks.into_iter().flat_map(|(_, plays)| plays).collect();
        if let Some(why) = self.broken_vars(&plays) {
            return Ended { error: Some(why), ..Ended::default() };
        }
        let _ = self.events.send(Event::RunStarted { playbooks: named, plays: plays.clone() });
        let mut progress = Progress {
            waits_for_start: self.settings.start_at_task.is_some(),
            ..Progress::default()
        };
        let mut error = None;
        for play in plays {
            match self.play(&play, &mut progress).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(why) => {
                    error = Some(why);
                    break;
                }
            }
        }
        if let Some(name) =
            self.settings.start_at_task.as_ref().filter(|_| progress.waits_for_start)
        {
            let message = format!(
                "No matching task \"{name}\" found. Note: --start-at-task can only follow static includes."
            );
            let _ = self.events.send(Event::Warning { message });
        }
        let counters = self.reach.counters().await;
        tracing::debug!(
            frames_sent = counters.frames_sent,
            frames_received = counters.frames_received,
            bytes_sent = counters.bytes_sent,
            bytes_received = counters.bytes_received,
            round_trips = counters.round_trips,
            peak_memory_bytes = peak_memory_bytes(),
            "what went over the wire"
        );
        self.reach.close().await;
        let _ =
            self.events.send(Event::RunEnded { statistics: Box::new(progress.statistics.clone()) });
        let mut lost: Vec<HostName> = progress.lost.into_iter().collect();
        lost.sort();
        Ended {
            statistics: progress.statistics,
            lost,
            has_failed: progress.has_failed,
            has_unreachable: progress.has_unreachable,
            is_interrupted: progress.is_interrupted,
            error,
        }
    }

    /// Runs one play. `false` where the run ends with it.
    async fn play(&self, play: &Arc<Play>, progress: &mut Progress) -> Result<bool, String> {
        let limit = self.settings.limit.as_ref().map(|limit| limit.join(","));
        self.store.enter_playbook(&playbook_folder(play));
        // The answers may be what the play's hosts and its name are made of.
        let vars = self.with_prompts(play, self.play_vars(play)?)?;
        let name = self.play_name(play, &vars);
        let matched = self.hosts(play, &vars)?;
        if matched.is_empty() {
            let _ = self.events.send(Event::PlayStarted {
                play: Arc::clone(play),
                name: name.clone(),
                hosts: Vec::new(),
            });
            let _ = self.events.send(Event::NoHostsMatched { play: Arc::clone(play), name });
            return Ok(true);
        }
        let hosts: Vec<HostName> =
            matched.iter().filter(|host| !progress.lost.contains(*host)).cloned().collect();
        self.store.prepare(&hosts);
        self.warn_of_reserved(play, &vars, &hosts);
        let batches = self.batches(play, &hosts, &vars)?;
        let named = self.strategy(play, &vars)?;
        let strategy = named.strategy;
        if named.is_of_mitogen && !progress.knows_of_mitogen {
            progress.knows_of_mitogen = true;
            let message = "Mitogen's strategies are run as the ones of Ansible that they stand \
                           for: hosts are reached over one channel each anyway"
                .to_owned();
            let _ = self.events.send(Event::Warning { message });
        }
        let settings = match named.debugs && !self.settings.debugs_failures {
            true => Arc::new(RunSettings {
                debugs_failures: true,
                ..RunSettings::clone(&self.settings)
            }),
            false => Arc::clone(&self.settings),
        };
        let force_handlers =
            self.flag(play.force_handlers.as_ref(), &vars)?.unwrap_or(self.settings.force_handlers);
        let max_fail_percentage = match &play.max_fail_percentage {
            Some(setting) => {
                let value = self.play_value(setting, &vars)?;
                let text = value.to_string();
                Some(text.trim().trim_end_matches('%').parse::<f64>().map_err(|_| {
                    format!("{}: max_fail_percentage is '{text}', which is no number", setting.span)
                })?)
            }
            None => None,
        };
        let _ = self.events.send(Event::PlayStarted {
            play: Arc::clone(play),
            name: name.clone(),
            hosts: hosts.clone(),
        });
        if max_fail_percentage.is_some() && strategy != Strategy::Linear {
            let _ = self.events.send(Event::Warning { message: FREE_COUNTS_NOBODY.into() });
        }
        if hosts.is_empty() {
            return Ok(false);
        }
        if progress.waits_for_start && !self.settings.starts_within(play) {
            return Ok(true);
        }
        let playbook_dir = playbook_folder(play);
        for (number, batch) in batches.into_iter().enumerate() {
            if number > 0 {
                let _ = self.events.send(Event::PlayStarted {
                    play: Arc::clone(play),
                    name: name.clone(),
                    hosts: batch.clone(),
                });
            }
            let context = Arc::new(PlayContext {
                play: Arc::clone(play),
                name: name.clone(),
                store: Arc::clone(&self.store),
                settings: Arc::clone(&settings),
                includes: Arc::clone(&self.includes),
                playbook_dir: playbook_dir.clone(),
                vars: Arc::clone(&vars),
                // Those that were lost before the play are of it still.
                all_hosts: matched.clone(),
                lost_before: progress.lost.clone(),
                active: Arc::new(RwLock::new(batch.clone())),
                batch: batch.clone(),
                roles: RwLock::new(public_roles(play)),
                taken_roles: RwLock::new(imported_roles(
                    |visit| play.each_task(visit),
                    &play.frame,
                )),
                limit: limit.clone(),
                known_surroundings: RwLock::default(),
                broken_vars_file: OnceLock::new(),
            });
            if let Some(wrong) = batch.first().and_then(|host| context.wrong_vars_file(host)) {
                return Err(wrong);
            }
            if let Some(message) = batch.first().and_then(|host| context.missing_vars_file(host))
                && !self.settings.points_as_ansible
            {
                let _ = self.events.send(Event::Warning { message });
            }
            let root = self.root(play, &vars, force_handlers)?;
            let executor = Arc::new(Executor {
                context,
                reach: Arc::clone(&self.reach),
                specs: Arc::clone(&self.specs),
                events: self.events.clone(),
                prompts: Arc::clone(&self.prompts),
                ahead: None,
            });
            let course = Course {
                strategy,
                root,
                max_fail_percentage,
                force_handlers,
                waits_for_start: progress.waits_for_start,
            };
            let end = Dispatcher::new(executor, Arc::clone(&self.includes), course).run().await;
            progress.waits_for_start = end.waits_for_start;
            progress.add(end.statistics);
            progress.has_failed |= !end.failed.is_empty();
            progress.has_unreachable |= !end.unreachable.is_empty();
            let lost_before = progress.lost.len();
            progress.lost.extend(end.failed.iter().cloned());
            progress.lost.extend(end.unreachable.iter().cloned());
            let lost_now = progress.lost.len() - lost_before;
            if let Some(mistake) = end.mistake {
                return Err(mistake);
            }
            if end.is_interrupted {
                progress.is_interrupted = true;
                return Ok(false);
            }
            if end.is_fatal {
                return Ok(false);
            }
            if end.ends_play {
                break;
            }
            // A batch that is lost whole ends the run.
            if lost_now >= batch.len() && lost_now > 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn play_name(&self, play: &Play, vars: &Layer) -> String {
        let Some(tree) = &play.frame.keywords.name else {
            let patterns = self.patterns(play, vars);
            return patterns.map_or_else(|_| play.hosts_text(), |patterns| patterns.join(","));
        };
        let scope = self.play_scope(vars);
        tree.evaluate(&scope).map_or_else(|_| plan::written(tree), |value| value.to_string())
    }

    pub(crate) fn play_scope(&self, vars: &Layer) -> template::Scope {
        template::Scope::new(Arc::clone(&self.store.engine), Arc::clone(&self.store.surroundings))
            .push(vars.clone())
            .push(Arc::new(Playwide {
                inventory: self.store.inventory(),
                tags: self.settings.tags.clone(),
            }))
            .push(self.store.extra.clone())
    }

    fn play_value(&self, setting: &Setting, vars: &Layer) -> Result<Value, String> {
        let scope = self.play_scope(vars);
        setting.tree.evaluate(&scope).map_err(|error| format!("{}: {error}", setting.span))
    }

    fn flag(&self, setting: Option<&Setting>, vars: &Layer) -> Result<Option<bool>, String> {
        let Some(setting) = setting else { return Ok(None) };
        let value = self.play_value(setting, vars)?;
        match crate::truth(&value) {
            Some(truth) => Ok(Some(truth)),
            None => Err(format!("{}: '{value}' is no boolean", setting.span)),
        }
    }

    fn strategy(&self, play: &Play, vars: &Layer) -> Result<Named, String> {
        let (name, place) = match &play.strategy {
            Some(setting) => {
                (self.play_value(setting, vars)?.to_string(), setting.span.to_string())
            }
            None => (self.settings.strategy.clone(), String::from("settings")),
        };
        Strategy::parse(&name).ok_or_else(|| {
            format!(
                "{place}: Invalid play strategy specified: {name} (there are {})",
                STRATEGIES.join(", ")
            )
        })
    }

    fn play_vars(&self, play: &Play) -> Result<Layer, String> {
        Ok(Arc::clone(&play.frame.keywords.vars))
    }

    /// Tells of variables whose names are used otherwise.
    fn warn_of_reserved(&self, play: &Play, vars: &Layer, hosts: &[HostName]) {
        let roles = play.roles.iter().flat_map(|block| [&block.role.defaults, &block.role.vars]);
        let of_play = [vars, &self.store.extra].into_iter().chain(roles).map(Arc::clone);
        let of_hosts = hosts.iter().map(|host| self.store.layers(host).inventory);
        let mut told: HashSet<String> = HashSet::new();
        for layer in of_play.chain(of_hosts) {
            for message in layer.keys().filter_map(|name| crate::reserved::warning(name)) {
                if told.insert(message.clone()) {
                    let _ = self.events.send(Event::Warning { message });
                }
            }
        }
    }

    /// `serial`: numbers and percentages; the last one counts for what is left.
    fn batches(
        &self,
        play: &Play,
        hosts: &[HostName],
        vars: &Layer,
    ) -> Result<Vec<Vec<HostName>>, String> {
        let Some(setting) = &play.serial else { return Ok(vec![hosts.to_vec()]) };
        let value = self.play_value(setting, vars)?;
        let sizes: Vec<String> = match value.as_list() {
            _ if matches!(value, Value::Omit | Value::None) => return Ok(vec![hosts.to_vec()]),
            Some(list) => list.iter().map(|size| size.to_string()).collect(),
            None => vec![value.to_string()],
        };
        let mut batches = Vec::new();
        let mut rest = hosts;
        let mut sizes = sizes.iter().map(|size| parse_size(size, hosts.len())).peekable();
        let mut size = None;
        while !rest.is_empty() {
            if let Some(next) = sizes.next() {
                size = Some(next.map_err(|why| format!("{}: {why}", setting.span))?);
            }
            let count = match size {
                Some(0) | None => rest.len(),
                Some(count) => count.min(rest.len()),
            };
            let (batch, after) = rest.split_at(count);
            batches.push(batch.to_vec());
            rest = after;
        }
        if batches.is_empty() {
            batches.push(Vec::new());
        }
        Ok(batches)
    }

    /// All that a host goes through: facts, the sections, handlers between them.
    fn root(
        &self,
        play: &Arc<Play>,
        vars: &Layer,
        force_handlers: bool,
    ) -> Result<Arc<Block>, String> {
        let mut body = Vec::new();
        let wanted = self.flag(play.gather_facts.as_ref(), vars)?;
        let gathers = match self.settings.gathering {
            Gathering::Implicit | Gathering::Smart => wanted.unwrap_or(true),
            Gathering::Explicit => wanted.unwrap_or(false),
        };
        if gathers {
            body.push(Item::Task(Arc::new(gathering::task(play, &self.settings))));
        }
        body.extend(play.validation.iter().map(|task| Item::Task(Arc::clone(task))));
        let roles: Vec<Item> =
            play.roles.iter().map(|role| Item::Block(Arc::clone(&role.block))).collect();
        let mut sections = vec![vec![Item::Block(Arc::clone(&play.pre_tasks))]];
        let mut main = roles;
        main.push(Item::Block(Arc::clone(&play.tasks)));
        sections.push(main);
        sections.push(vec![Item::Block(Arc::clone(&play.post_tasks))]);
        for section in sections {
            let flush = Item::Task(Arc::new(meta_task(play, "flush_handlers")));
            if force_handlers {
                body.push(Item::Block(Arc::new(Block {
                    frame: Arc::clone(&play.frame),
                    body: section,
                    rescue: Vec::new(),
                    always: vec![flush],
                })));
            } else {
                body.extend(section);
                body.push(flush);
            }
        }
        Ok(Arc::new(Block {
            frame: Arc::clone(&play.frame),
            body,
            rescue: Vec::new(),
            always: Vec::new(),
        }))
    }
}

/// What is known across plays.
#[derive(Default)]
struct Progress {
    statistics: Statistics,
    lost: HashSet<HostName>,
    has_failed: bool,
    has_unreachable: bool,
    is_interrupted: bool,
    waits_for_start: bool,
    /// Whether it was said how Mitogen's strategies are run.
    knows_of_mitogen: bool,
}

impl Progress {
    fn add(&mut self, statistics: Statistics) {
        for (host, counts) in statistics.hosts {
            let total = self.statistics.of(&host);
            total.ok += counts.ok;
            total.changed += counts.changed;
            total.unreachable += counts.unreachable;
            total.failed += counts.failed;
            total.skipped += counts.skipped;
            total.rescued += counts.rescued;
            total.ignored += counts.ignored;
        }
    }
}

/// What the names of a play may use besides its own variables.
struct Playwide {
    inventory: Arc<inventory::Inventory>,
    tags: Vec<String>,
}

impl template::Variables for Playwide {
    fn get(&self, name: &str) -> Option<Tree> {
        match name {
            "groups" => {
                let groups = self.inventory.groups.keys().map(|group| {
                    let hosts = self.inventory.hosts_of(group.as_str());
                    let hosts = hosts.iter().map(|host| Value::from(host.shared()));
                    (Value::from(group.shared()), Value::list(hosts))
                });
                Some(Tree::Value(Value::dict(groups)))
            }
            "omit" => Some(Tree::Value(Value::Omit)),
            "ansible_run_tags" => {
                let tags = self.tags.iter().map(|tag| Value::from(tag.as_str()));
                Some(Tree::Value(Value::list(tags)))
            }
            _ => None,
        }
    }

    fn names(&self) -> Vec<Arc<str>> {
        ["groups", "omit", "ansible_run_tags"].into_iter().map(Arc::from).collect()
    }
}

fn parse_size(text: &str, total: usize) -> Result<usize, String> {
    let text = text.trim();
    let wrong = || format!("serial is '{text}', which is neither a number nor a percentage");
    if let Some(percent) = text.strip_suffix('%') {
        let percent: f64 = percent.trim().parse().map_err(|_| wrong())?;
        // At least one host a batch.
        return Ok(((percent / 100.0 * total as f64) as usize).max(1));
    }
    text.parse::<i64>().map(|size| usize::try_from(size).unwrap_or(0)).map_err(|_| wrong())
}

fn public_roles(play: &Play) -> Vec<Arc<plan::Role>> {
    let mut roles: Vec<Arc<plan::Role>> = Vec::new();
    // What a role depends on is under the role.
    for block in &play.roles {
        for role in block.role.all_dependencies().iter().chain([&block.role]) {
            if role.public && !roles.iter().any(|known| Arc::ptr_eq(known, role)) {
                roles.push(Arc::clone(role));
            }
        }
    }
    let mut add = |frame: &Arc<Frame>| {
        for role in frame.roles().collect::<Vec<_>>().into_iter().rev() {
            if role.public && !roles.iter().any(|known| Arc::ptr_eq(known, role)) {
                roles.push(Arc::clone(role));
            }
        }
    };
    play.each_task(&mut |task| add(&task.parent));
    roles
}

/// Roles that tasks inside a frame import, in the order in which they are read: a role stands
/// behind those that it imports itself.
pub(crate) fn imported_roles(
    each_task: impl FnOnce(&mut dyn FnMut(&Arc<Task>)),
    inside: &Arc<Frame>,
) -> Vec<Arc<plan::Role>> {
    let mut imported: Vec<Arc<plan::Role>> = Vec::new();
    each_task(&mut |task| {
        for frame in task.parent.chain().take_while(|frame| !Arc::ptr_eq(frame, inside)) {
            let is_import = |frame: &Arc<Frame>| matches!(frame.kind, FrameKind::Import);
            if let FrameKind::Role(role) = &frame.kind
                && frame.parent.as_ref().is_some_and(is_import)
            {
                imported.retain(|known| !Arc::ptr_eq(known, role));
                imported.push(Arc::clone(role));
            }
        }
    });
    imported
}

/// Where the playbook of a play stands.
fn playbook_folder(play: &Play) -> PathBuf {
    let folder = play.playbook.parent().map(PathBuf::from).unwrap_or_default();
    std::path::absolute(&folder).unwrap_or(folder)
}

fn meta_task(play: &Arc<Play>, what: &str) -> Task {
    let frame = Arc::new(Frame {
        kind: FrameKind::Block,
        keywords: Keywords::default(),
        parent: Some(Arc::clone(&play.frame)),
        span: play.span.clone(),
    });
    Task {
        id: TaskId::next(),
        span: play.span.clone(),
        keywords: Keywords::default(),
        parent: frame,
        action: Action {
            written: "meta".into(),
            name: "ansible.builtin.meta".into(),
            span: play.span.clone(),
            free_form: Some(Tree::Value(Value::from(what))),
            args: IndexMap::new(),
            arg_spans: IndexMap::new(),
            whole: None,
            deferred: None,
        },
        loop_: None,
        loop_control: plan::LoopControl::default(),
        register: None,
        changed_when: None,
        failed_when: None,
        until: None,
        retries: None,
        delay: None,
        async_: None,
        poll: None,
        listen: Vec::new(),
        is_handler: false,
        is_implicit: true,
    }
}

/// The most memory that this process has held at once; 0 where the kernel does not say.
fn peak_memory_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|peak| peak.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}
