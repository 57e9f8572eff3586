//! What the controller orders, and what the remote answers.
//!
//! Orders and answers carry the number of the request that they belong to; several requests may
//! be under way on one stream, and a remote works them off in the order of their arrival.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Diff, Digest, Json, JsonMap};

/// A frame from the controller to a remote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToRemote {
    /// The request that this belongs to. Numbers are not used twice on one stream; 0 is the
    /// stream's own.
    pub id: u64,
    /// What is to be done.
    pub order: Order,
}

/// What a controller may tell a remote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Order {
    /// Run a module.
    Run(Box<Request>),
    /// A part of the file that the remote asked for with [`Answer::Want`].
    Chunk(Chunk),
    /// The file that the remote asked for cannot be read, and why.
    Refuse(String),
    /// That many more bytes of [`Answer::Chunk`] may be sent.
    Credit(u32),
    /// End the request: kill its child processes and answer that it was cancelled.
    Cancel,
}

/// A frame from a remote to the controller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FromRemote {
    /// The request that this belongs to; 0 for [`Answer::Hello`].
    pub id: u64,
    /// What the remote says.
    pub answer: Answer,
}

/// What a remote may tell the controller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// The first frame of every remote.
    Hello(Hello),
    /// The request has ended.
    Done(Box<Response>),
    /// The request was not run: one before it in its [`Chain`] has failed.
    NotRun,
    /// The module needs the file with this digest; it is to be streamed as [`Order::Chunk`]s.
    Want(Digest),
    /// That many more bytes of [`Order::Chunk`] may be sent.
    Credit(u32),
    /// A part of a file that the module sends to the controller.
    Chunk(Chunk),
}

/// Who answers, and where.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// Version of the build, as `trueup --version` prints it.
    pub version: String,
    /// Process ID of the remote.
    pub pid: u32,
    /// Effective user ID.
    pub uid: u32,
    /// Name of that user, from /etc/passwd.
    pub user: String,
    /// Home folder of that user.
    pub home: String,
}

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chunk {
    /// At most [`CHUNK_BYTES_MAX`](crate::frame::CHUNK_BYTES_MAX) bytes.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
    /// Whether the file ends here.
    pub last: bool,
    /// Whether the bytes are a stream of DEFLATE (RFC 1951), of at most that many bytes again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deflated: bool,
}

/// One module to be run once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Name in the catalogue, such as `ansible.builtin.copy`.
    pub module: String,
    /// Checked arguments under their canonical names; what was left out has its default or is
    /// missing.
    pub args: JsonMap,
    /// Whether the host may be changed.
    pub check: bool,
    /// Whether the differences are wanted.
    pub diff: bool,
    /// Variables added to the environment of child processes.
    pub environment: BTreeMap<String, String>,
    /// Seconds after which the request is ended, as if cancelled.
    pub timeout_secs: Option<u64>,
    /// Files that travel inside the request, by digest.
    pub files: Vec<InlineFile>,
    /// Where this is said, the module runs as a job of its own that outlives the stream, and the
    /// answer says that it was started.
    pub job: Option<JobOrder>,
    /// Where this is said, what the module changes is undone unless it is confirmed.
    pub guard: Option<Box<GuardOrder>>,
    /// Where it stands among requests of which none is run once one before it has failed.
    pub chain: Option<Chain>,
}

/// A place in a chain of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Number of the chain; no two of one run have the same.
    pub id: u64,
    /// Place of the request. It is not run where one with a lower place has failed, and is answered
    /// with [`Answer::NotRun`].
    pub position: u64,
}

/// How a change is undone that could cut the host off from its controller.
///
/// Before the change the remote keeps what was; after it, the controller has so many seconds to
/// reach the host again over a fresh connection and say so, under the guard's ID.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardOrder {
    /// Letters, digits and dashes; not used twice.
    pub id: String,
    /// Seconds, from the end of the module on, until the change is undone.
    pub secs: u64,
    /// What could be cut, and is kept.
    pub aspects: Vec<Aspect>,
    /// What the module is to the way to the host.
    pub step: GuardStep,
}

/// What a guarded module is to the way to a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardStep {
    /// It writes files that a service will read later: what they held is remembered for then, and
    /// nothing is undone yet.
    Write,
    /// It has a service read its files: what was is what they held when it last did.
    Read,
    /// It changes what holds at once.
    #[default]
    Change,
}

/// What a remote says of a change that it will undo unless it is confirmed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guarded {
    /// Where the SSH server listens now, as far as its configuration says.
    pub ssh_ports: Vec<u16>,
}

/// What the way to a host depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// Rules for packets.
    Firewall,
    /// The configuration of the SSH server.
    Sshd,
    /// Addresses, routes and links.
    Network,
}

/// The name under which a remote is asked to confirm a guarded change; its argument `id` is the
/// guard's, and its answer has `state`: `kept`, `undone` or `unknown`, and `trouble` where undoing
/// met any.
pub const GUARD_MODULE: &str = "trueup.guard";

/// How a module is run as a job that nobody waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobOrder {
    /// What the job's ID starts with; a dot and the number of its process follow.
    pub name: String,
    /// Folder of the files that say what came of jobs; `~` and variables are the host's to expand.
    pub folder: String,
    /// Seconds after which the job and all that it has started are killed.
    pub limit_secs: u64,
}

/// A small file inside a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InlineFile {
    /// SHA-256 of `bytes`.
    pub digest: Digest,
    /// The content.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

/// How a request ended.
///
/// Skipped, changed and failed are not exclusive: a command that ends with a status other than 0
/// has changed (as far as anyone knows) and failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// Whether the host was changed or, in a check run, would be.
    pub changed: bool,
    /// Whether the module could not do its work.
    pub failed: bool,
    /// Whether the module found that there was nothing for it to look at: `creates` is there, or
    /// the module cannot be checked.
    pub skipped: bool,
    /// What there is to say, and always so where `failed`.
    pub msg: Option<String>,
    /// What differed, where the request wanted it.
    pub diff: Vec<Diff>,
    /// Facts of the host, without the prefix `ansible_`.
    pub facts: JsonMap,
    /// The module's own return values.
    pub returned: JsonMap,
    /// For the user's eyes.
    pub warnings: Vec<String>,
    /// Whether a program said bytes that are no UTF-8, of which the values hold no more than that
    /// they were there. Ansible calls such an answer a failure unless a setting says otherwise.
    #[serde(default)]
    pub is_lossy: bool,
    /// Where this is said, what was changed will be undone unless it is confirmed.
    pub guarded: Option<Guarded>,
}

impl Response {
    /// A response that says that the module failed, and why.
    pub fn failure(msg: impl Into<String>) -> Self {
        Self { failed: true, msg: Some(msg.into()), ..Self::default() }
    }

    /// Reads a result as modules of Ansible print it. One that does not say whether it failed has
    /// failed where it has a status other than 0.
    pub fn from_result(mut result: JsonMap) -> Self {
        // What is Ansible's own business between module and controller.
        result.retain(|name, _| !name.starts_with("_ansible_"));
        let flag = |value: Option<Json>| match value {
            Some(Json::Number(number)) => number.as_i64() != Some(0),
            Some(value) => crate::coerce::truth(&value) == Some(true),
            None => false,
        };
        let has_status = match result.get("rc") {
            Some(Json::Number(status)) => status.as_i64() != Some(0),
            Some(Json::String(status)) => status != "0",
            _ => false,
        };
        let failed = match result.remove("failed") {
            None => has_status,
            said => flag(said),
        };
        let facts = match result.remove("ansible_facts") {
            Some(Json::Object(facts)) => facts,
            _ => JsonMap::new(),
        };
        let warnings = match result.remove("warnings") {
            Some(Json::Array(list)) => {
                list.iter().filter_map(Json::as_str).map(str::to_owned).collect()
            }
            Some(Json::String(warning)) => vec![warning],
            _ => Vec::new(),
        };
        let diff = match result.get("diff") {
            Some(Json::Array(list)) => list.iter().filter_map(Diff::from_json).collect(),
            Some(one) => Diff::from_json(one).into_iter().collect(),
            None => Vec::new(),
        };
        Self {
            changed: flag(result.remove("changed")),
            failed,
            skipped: flag(result.remove("skipped")),
            msg: None,
            diff,
            facts,
            warnings,
            returned: result,
            is_lossy: false,
            guarded: None,
        }
    }

    /// Names the host's own facts as variables are named: with a prefix, but for what says how
    /// they were gathered.
    pub fn prefix_facts(&mut self) {
        self.facts = std::mem::take(&mut self.facts)
            .into_iter()
            .map(|(name, value)| {
                let is_bare = name.starts_with("ansible_")
                    || is_foreign(&name)
                    || matches!(name.as_str(), "gather_subset" | "module_setup");
                (if is_bare { name } else { format!("ansible_{name}") }, value)
            })
            .collect();
    }
}

/// Whether a fact of that name is one that a program of others reads: facter or ohai. Such facts keep
/// their names as variables.
pub fn is_foreign(fact: &str) -> bool {
    fact.starts_with("facter_") || fact.starts_with("ohai_")
}
