//! The one loop that runs every module. It alone knows of check mode, of `changed`, of the diff and
//! of the second look.

use protocol::{Json, JsonMap, Response};

use crate::{Action, Fact, Failure, Guard, Host, Module, failure::chain};

/// How a module is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mode {
    /// Whether the host must not be changed.
    pub check: bool,
    /// Whether differences are wanted.
    pub diff: bool,
}

/// Runs a declarative module.
///
/// # Errors
/// Those of the module, and a change that did not take.
pub fn converge<M: Module>(
    module: &M,
    mode: Mode,
    host: &mut dyn Host,
) -> Result<Response, Failure> {
    let warnings = if mode.check { module.forewarn(host)? } else { Vec::new() };
    let delta = match module.check(host) {
        Err(failure) if !warnings.is_empty() => return Err(failure.with("warnings", warnings)),
        delta => delta?,
    };
    let mut response = Response { changed: delta.is_change(), warnings, ..Response::default() };
    if mode.diff && response.changed {
        response.diff = module.diff(&delta, host)?;
    }
    let shown = match M::RETURNS_DIFF {
        true => module.diff(&delta, host)?,
        false => Vec::new(),
    };
    let mut applied = JsonMap::new();
    if delta.is_work() && !mode.check {
        applied = module.apply(&delta, host)?;
        let rest = module.look_again(&delta, host)?;
        if !rest.is_settled() {
            return Err(still_different(&rest.state_diff()?));
        }
    }
    response.returned = module.returned_beside(&applied, &delta, host)?;
    response.returned.extend(applied);
    if let Some(shown) = shown.first() {
        response.returned.insert("diff".into(), shown.to_json());
    }
    place_common(&mut response);
    Ok(response)
}

fn still_different(diff: &protocol::Diff) -> Failure {
    let side = |side: &protocol::diff::Side| match side {
        protocol::diff::Side::State(state) => state.to_string(),
        protocol::diff::Side::Text(text) | protocol::diff::Side::Hidden(text) => text.clone(),
    };
    Failure::new(format!(
        "the change was made, but the host still differs: it is {}, and should be {}",
        side(&diff.before),
        side(&diff.after)
    ))
}

/// Runs an action.
///
/// # Errors
/// Those of the action.
pub fn perform<A: Action>(
    action: &A,
    mode: Mode,
    host: &mut dyn Host,
) -> Result<Response, Failure> {
    let mut response = match action.guard(host, mode)? {
        Guard::Stay(answer) => *answer,
        Guard::Go if mode.check => action.foretell(host)?,
        Guard::Go => action.act(host)?,
    };
    if !mode.diff {
        response.diff.clear();
    }
    place_common(&mut response);
    Ok(response)
}

/// Reads a fact.
///
/// # Errors
/// Those of the module.
pub fn look<F: Fact>(fact: &F, host: &dyn Host) -> Result<Response, Failure> {
    let mut response = fact.read(host)?;
    place_common(&mut response);
    Ok(response)
}

/// `msg`, `warnings` and `ansible_facts` among the return values take their places in the response.
fn place_common(response: &mut Response) {
    if let Some(Json::Object(facts)) = response.returned.remove("ansible_facts") {
        response.facts.extend(facts);
    }
    match response.returned.remove("msg") {
        Some(Json::String(msg)) if response.msg.is_none() => response.msg = Some(msg),
        Some(other) if response.msg.is_none() => {
            response.returned.insert("msg".into(), other);
        }
        _ => {}
    }
    if let Some(Json::Array(warnings)) = response.returned.remove("warnings") {
        response.warnings.extend(warnings.iter().filter_map(Json::as_str).map(str::to_owned));
    }
}

/// What a failure tells the controller; the fault of a host keeps its whole chain.
pub fn answer(result: Result<Response, Failure>) -> Response {
    result.unwrap_or_else(|failure| {
        let mut response = failure.into_response();
        place_common(&mut response);
        response
    })
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(chain(&error))
    }
}
