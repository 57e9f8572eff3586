//! Modules whose work is a list of programs, all known before the first is run: what they have in
//! common stands here once.

use module::{
    Action, Arguments, Documented, Example, Failure, Guard, Host, Mode, Program, Returned,
};
use protocol::{
    Diff, Json, JsonMap, Response,
    spec::{ArgumentSpec, FreeForm, Runs, Support},
};

use crate::tool;

/// A module that runs programs until a thing is as it should be.
pub trait Stepwise: Documented {
    /// What is to be run; nothing where all is as it should be.
    ///
    /// # Errors
    /// Arguments that do not fit each other or the host.
    fn steps(&self, host: &dyn Host) -> Result<Steps, Failure>;

    /// Looks again after the programs: whether they did what they were run for.
    ///
    /// # Errors
    /// What they did not do.
    fn settled(&self, _host: &dyn Host) -> Result<(), Failure> {
        Ok(())
    }

    /// What a program's failure says; by default its own words.
    fn failure(&self, failure: Failure) -> Failure {
        failure
    }
}

/// What is to be run, and what is answered.
#[derive(Debug, Default)]
pub struct Steps {
    /// The programs, in their order; any of them is a change.
    pub programs: Vec<Program>,
    /// What is run after them, and is no change that anyone would speak of.
    pub quiet: Vec<Program>,
    /// The module's own return values; `msg` takes its place in the response.
    pub returned: JsonMap,
    pub warnings: Vec<String>,
    pub diff: Option<Diff>,
}

impl Steps {
    /// These programs, and nothing to return.
    pub fn new(programs: impl IntoIterator<Item = Program>) -> Self {
        Self { programs: programs.into_iter().collect(), ..Self::default() }
    }

    /// Adds a return value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.returned.insert(name.into(), value.into());
        self
    }

    fn answer(self) -> Response {
        Response {
            changed: !self.programs.is_empty(),
            returned: self.returned,
            warnings: self.warnings,
            diff: self.diff.into_iter().collect(),
            ..Response::default()
        }
    }
}

/// A module of its steps. The wrapper is needed because [`Action`] is another room's.
pub struct Step<S>(S);

impl<S: Stepwise> Action for Step<S> {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        let steps = self.0.steps(host)?;
        Ok(match steps.programs.is_empty() && steps.quiet.is_empty() {
            true => Guard::Stay(Box::new(steps.answer())),
            false => Guard::Go,
        })
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        Ok(self.0.steps(host)?.answer())
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let steps = self.0.steps(host)?;
        for program in steps.programs.iter().chain(&steps.quiet) {
            tool::run(host, program).map_err(|failure| self.0.failure(failure))?;
        }
        self.0.settled(host)?;
        Ok(steps.answer())
    }
}

impl<S: Stepwise> Arguments for Step<S> {
    fn description() -> Vec<&'static str> {
        S::description()
    }

    fn spec() -> ArgumentSpec {
        S::spec()
    }

    fn from_arguments(map: &JsonMap) -> Result<Self, String> {
        S::from_arguments(map).map(Self)
    }
}

impl<S: Stepwise> Documented for Step<S> {
    const NAME: &'static str = S::NAME;
    const ALIASES: &'static [&'static str] = S::ALIASES;
    const EXAMPLES: &'static [Example] = S::EXAMPLES;
    const RETURNS: &'static [Returned] = S::RETURNS;
    const CHECK_MODE: Support = S::CHECK_MODE;
    const DIFF_MODE: Support = S::DIFF_MODE;
    const FREE_FORM: FreeForm = S::FREE_FORM;
    const RUNS: Runs = S::RUNS;
}
