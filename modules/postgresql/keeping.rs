//! Modules that keep one thing of PostgreSQL by orders: what they have in common stands here once.

use module::{
    Action, Arguments, Documented, Example, Failure, Guard, Host, Mode, Program, Returned,
};
use protocol::{
    JsonMap, Response,
    spec::{ArgumentSpec, FreeForm, Runs, Support},
};

use super::Login;

/// How orders are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Giving {
    /// All or none. A check run gives them too, and has the server forget them.
    #[default]
    Together,
    /// Each for itself, for the server takes them in no transaction.
    Apart,
}

/// What is to be ordered.
#[derive(Debug, Default)]
pub struct Orders {
    pub texts: Vec<String>,
    pub giving: Giving,
    pub warnings: Vec<String>,
}

impl Orders {
    /// These orders, all or none.
    pub fn new(texts: impl IntoIterator<Item = String>) -> Self {
        Self { texts: texts.into_iter().collect(), ..Self::default() }
    }

    /// These orders, each for itself.
    pub fn apart(texts: impl IntoIterator<Item = String>) -> Self {
        Self { giving: Giving::Apart, ..Self::new(texts) }
    }

    fn script(&self, end: &str) -> String {
        let all: String = self.texts.iter().map(|order| format!("{order};\n")).collect();
        match self.giving {
            Giving::Together => format!("BEGIN;\n{all}{end}"),
            Giving::Apart => all,
        }
    }
}

/// A thing before and after its orders, as the server tells of it.
#[derive(Debug)]
pub struct Change<'a> {
    pub before: Option<&'a JsonMap>,
    /// In a check run, what would be; of orders that stand for themselves it cannot be known, and
    /// is what is.
    pub after: Option<&'a JsonMap>,
    pub orders: &'a [String],
    pub is_check: bool,
}

/// A module that gives orders until a thing is as it should be.
pub trait Keeping: Documented {
    /// How the server is reached.
    fn login(&self) -> &Login;

    /// The database; the login's own where it is empty.
    fn database(&self) -> &str;

    /// The query whose first row is the thing; none where it is not there.
    fn query(&self) -> String;

    /// The same once all is done, for things that get another name.
    fn query_after(&self) -> String {
        self.query()
    }

    /// The thing, as a query finds it.
    ///
    /// # Errors
    /// What the server refuses.
    fn read(&self, host: &dyn Host, query: &str) -> Result<Option<JsonMap>, Failure> {
        Ok(self.login().rows(host, self.database(), query)?.into_iter().next())
    }

    /// What is to be ordered; nothing where all is as it should be.
    ///
    /// # Errors
    /// Arguments that do not fit each other or what is there.
    fn orders(&self, found: Option<&JsonMap>, host: &dyn Host) -> Result<Orders, Failure>;

    /// The module's return values.
    fn told(&self, change: &Change<'_>) -> JsonMap;
}

/// A keeper of its thing. The wrapper is needed because [`Action`] is another room's.
pub struct Keep<K>(K);

impl<K: Keeping> Keep<K> {
    fn answer(&self, orders: &Orders, change: &Change<'_>) -> Response {
        Response {
            changed: !orders.texts.is_empty(),
            returned: self.0.told(change),
            warnings: orders.warnings.clone(),
            ..Response::default()
        }
    }

    /// What the server would have after the orders, which it forgets.
    fn rehearse(&self, host: &dyn Host, orders: &Orders) -> Result<Option<JsonMap>, Failure> {
        let end = format!(
            "SELECT row_to_json(rows) FROM ({}) AS rows;\nROLLBACK;\n",
            self.0.query_after()
        );
        let program = self.psql(&orders.script(&end))?;
        let output = self.0.login().checked(&program, host.query(&program)?)?;
        // Orders that are queries are answered as well; the thing is the last to be told.
        let told = output.stdout_text();
        Ok(told.lines().filter_map(|line| serde_json::from_str(line).ok()).next_back())
    }

    fn psql(&self, script: &str) -> Result<Program, Failure> {
        self.0.login().psql(self.0.database(), script)
    }
}

impl<K: Keeping> Action for Keep<K> {
    fn guard(&self, host: &dyn Host, mode: Mode) -> Result<Guard, Failure> {
        let found = self.0.read(host, &self.0.query())?;
        let orders = self.0.orders(found.as_ref(), host)?;
        if !orders.texts.is_empty() {
            return Ok(Guard::Go);
        }
        let (before, is_check) = (found.as_ref(), mode.check);
        let change = Change { before, after: before, orders: &[], is_check };
        Ok(Guard::Stay(Box::new(self.answer(&orders, &change))))
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let before = self.0.read(host, &self.0.query())?;
        let orders = self.0.orders(before.as_ref(), host)?;
        let after = match orders.giving {
            Giving::Together => self.rehearse(host, &orders)?,
            Giving::Apart => before.clone(),
        };
        let (before, after) = (before.as_ref(), after.as_ref());
        let change = Change { before, after, orders: &orders.texts, is_check: true };
        Ok(self.answer(&orders, &change))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let before = self.0.read(host, &self.0.query())?;
        let orders = self.0.orders(before.as_ref(), host)?;
        self.0.login().run(host, self.0.database(), &orders.script("COMMIT;\n"))?;
        let after = self.0.read(host, &self.0.query_after())?;
        let (before, after) = (before.as_ref(), after.as_ref());
        let change = Change { before, after, orders: &orders.texts, is_check: false };
        Ok(self.answer(&orders, &change))
    }
}

impl<K: Keeping> Arguments for Keep<K> {
    fn description() -> Vec<&'static str> {
        K::description()
    }

    fn spec() -> ArgumentSpec {
        K::spec()
    }

    fn from_arguments(map: &JsonMap) -> Result<Self, String> {
        K::from_arguments(map).map(Self)
    }
}

impl<K: Keeping> Documented for Keep<K> {
    const NAME: &'static str = K::NAME;
    const ALIASES: &'static [&'static str] = K::ALIASES;
    const EXAMPLES: &'static [Example] = K::EXAMPLES;
    const RETURNS: &'static [Returned] = K::RETURNS;
    const CHECK_MODE: Support = K::CHECK_MODE;
    const DIFF_MODE: Support = Support::None;
    const FREE_FORM: FreeForm = K::FREE_FORM;
    const RUNS: Runs = K::RUNS;
}

/// What tests of keepers share.
#[cfg(test)]
pub mod tests {
    use module::{Mode, fake::FakeHost};
    use protocol::{Json, Response};
    use serde_json::json;

    use crate::cases::run;

    /// A server whose one answer to queries is this row, and which takes all orders.
    pub fn server(row: Option<Json>) -> FakeHost {
        let mut host = FakeHost::default();
        host.program("psql", move |_, program| {
            let text = String::from_utf8(program.stdin.clone().unwrap()).unwrap();
            let row = row.as_ref().map(|row| format!("{row}\n")).unwrap_or_default();
            module::Output::success(if text.contains("SELECT") { row } else { String::new() })
        });
        host
    }

    /// Runs a module, in check mode or not.
    pub fn ask(name: &str, args: &Json, check: bool, row: Option<&Json>) -> Response {
        run(name, args, "", "", Mode { check, diff: true }, &mut server(row.cloned()))
    }

    /// Holds what is ordered where the server tells of this row; nothing is no change.
    pub fn orders(name: &str, row: Option<Json>, cases: &[(Json, &[&str])]) {
        for (args, orders) in cases {
            for check in [true, false] {
                let response = ask(name, args, check, row.as_ref());
                assert!(!response.failed, "{args}: {response:?}");
                let given = response.returned.get("queries").cloned().unwrap_or_default();
                assert_eq!(given, json!(orders), "{args}");
                assert_eq!(response.changed, !orders.is_empty(), "{args}");
            }
        }
    }

    /// Holds that arguments are refused, and in which words.
    pub fn refused(name: &str, row: Option<Json>, cases: &[(Json, &str)]) {
        for (args, words) in cases {
            for check in [true, false] {
                let response = ask(name, args, check, row.as_ref());
                let msg = response.msg.unwrap_or_default();
                assert!(response.failed && msg.contains(words), "{args}: {msg}");
            }
        }
    }
}
