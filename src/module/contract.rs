//! What every module promises, tried on examples.
//!
//! Check writes nothing. Check foretells apply. A second apply changes nothing. A cut at any
//! write, then a second apply, converges. Rooms of modules call [`hold`] for every example of every
//! module on hosts of their own choice.

use protocol::{JsonMap, Response};

use crate::{Entry, Mode, fake::FakeHost};

/// What an entry promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// It keeps a state: all of the above.
    State,
    /// It acts each time: check writes nothing.
    Action,
    /// It only reads: nothing is ever written, and both runs say the same.
    Fact,
}

/// How many writes one run of a module may take on the fake host.
const WRITES_MAX: usize = 200;

/// Holds an entry to its promise with these arguments, on that host.
///
/// # Errors
/// A sentence that says which promise was broken, and how.
pub fn hold(
    entry: &Entry,
    args: &JsonMap,
    promise: Promise,
    fresh: &FakeHost,
) -> Result<Response, String> {
    let run = |host: &mut FakeHost, check| (entry.run)(args, Mode { check, diff: true }, host);
    let name = entry.name;
    let mut host = fresh.clone();
    let said = run(&mut host, true);
    if host.files != fresh.files || host.writes != fresh.writes {
        return Err(format!("{name}: check wrote: {said:?}"));
    }
    let did = run(&mut host, false);
    match promise {
        Promise::Action => return Ok(did),
        Promise::Fact if host.writes != fresh.writes => {
            return Err(format!("{name}: a fact wrote"));
        }
        Promise::Fact if did != said => {
            return Err(format!("{name}: a fact says {said:?} in check and {did:?} otherwise"));
        }
        Promise::Fact => return Ok(did),
        Promise::State => {}
    }
    // What only a real run can meet (an unknown user) may fail there alone, but not the other way.
    if said.failed && !did.failed {
        return Err(format!("{name}: check failed where apply did not: {said:?}"));
    }
    if did.failed {
        return Ok(did);
    }
    if (said.changed, &said.diff) != (did.changed, &did.diff) {
        return Err(format!("{name}: check foretold {said:?}, apply did {did:?}"));
    }
    if did.changed != (host.writes > fresh.writes) {
        let writes = host.writes - fresh.writes;
        return Err(format!("{name}: changed is {} after {writes} writes", did.changed));
    }
    let writes = host.writes - fresh.writes;
    let settled = host.clone();
    let again = run(&mut host, false);
    if again.changed || again.failed || host.files != settled.files {
        return Err(format!("{name}: a second apply is no rest: {again:?}"));
    }
    if writes > WRITES_MAX {
        return Err(format!("{name}: {writes} writes for one example"));
    }
    for cut in 0..writes {
        let mut host = fresh.clone();
        host.writes_left = Some(cut);
        let cut_short = run(&mut host, false);
        if !cut_short.failed {
            return Err(format!("{name}: cut at write {cut}, it did not fail: {cut_short:?}"));
        }
        host.writes_left = None;
        let healed = run(&mut host, false);
        if healed.failed {
            return Err(format!("{name}: cut at write {cut}, it does not heal: {healed:?}"));
        }
        let rest = run(&mut host, false);
        if rest.changed || rest.failed {
            return Err(format!("{name}: cut at write {cut}, it does not settle: {rest:?}"));
        }
    }
    Ok(did)
}
