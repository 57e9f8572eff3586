//! The `postgresql_slot` module of the collection `community.postgresql`.

use module::{Arguments, Choices, Documented, Example, Failure, Host, Returned};
use protocol::JsonMap;

use super::{
    Login,
    keeping::{Change, Keeping, Orders},
    literal, text,
};
use crate::presence::Presence;

/// Keeps a slot that a replica's progress is remembered in.
#[derive(Debug, Arguments)]
pub struct PostgresqlSlot {
    /// The slot.
    #[argument(aliases("slot_name"))]
    name: String,
    /// Whether it is there.
    #[argument(default = "present")]
    state: Presence,
    /// Whether it is of the whole server or of a database's changes.
    #[argument(default = "physical")]
    slot_type: Kind,
    /// Whether a physical one holds the log from its making on.
    #[argument(default = false)]
    immediately_reserve: bool,
    /// What a logical one's changes are written by.
    #[argument(default = "test_decoding")]
    output_plugin: String,
    /// The database, which a logical one belongs to.
    #[argument(aliases("db"))]
    login_db: Option<String>,
    #[argument(flatten)]
    login: Login,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Kind {
    Logical,
    Physical,
}

impl Documented for PostgresqlSlot {
    const NAME: &'static str = "community.postgresql.postgresql_slot";
    const ALIASES: &'static [&'static str] = &["postgresql_slot"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "Of a replica", args: r#"{"name": "replica_one"}"# },
        Example { title: "None", args: r#"{"name": "old", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("name", "The slot.", "success", r#""replica_one""#),
        Returned::new(
            "queries",
            "Orders that were given.",
            "success",
            r#"["SELECT pg_drop_replication_slot('old')"]"#,
        ),
    ];
}

impl Keeping for PostgresqlSlot {
    fn login(&self) -> &Login {
        &self.login
    }

    fn database(&self) -> &str {
        self.login_db.as_deref().unwrap_or_default()
    }

    fn query(&self) -> String {
        format!(
            "SELECT slot_type FROM pg_catalog.pg_replication_slots WHERE slot_name = {}",
            literal(&self.name)
        )
    }

    fn orders(&self, found: Option<&JsonMap>, _: &dyn Host) -> Result<Orders, Failure> {
        self.login.refuse_orders([self.name.as_str(), &self.output_plugin])?;
        if self.immediately_reserve && self.slot_type == Kind::Logical {
            return Err(Failure::new(
                "Module parameters immediately_reserve and slot_type=logical are mutually exclusive",
            ));
        }
        let name = literal(&self.name);
        let order = match (self.state.is_present(), found) {
            (false, Some(_)) => format!("SELECT pg_drop_replication_slot({name})"),
            (false, None) => return Ok(Orders::default()),
            (true, Some(found)) => {
                let mut orders = Orders::default();
                let kind = text(found, "slot_type");
                if kind != self.slot_type.as_str() {
                    orders.warnings.push(format!(
                        "slot with name '{}' already exists but has another type '{kind}'",
                        self.name
                    ));
                }
                return Ok(orders);
            }
            (true, None) => match self.slot_type {
                Kind::Physical => format!(
                    "SELECT pg_create_physical_replication_slot({name}, {})",
                    self.immediately_reserve
                ),
                Kind::Logical => format!(
                    "SELECT pg_create_logical_replication_slot({name}, {})",
                    literal(&self.output_plugin)
                ),
            },
        };
        // A slot that is made is there whatever becomes of the transaction.
        Ok(Orders::apart([order]))
    }

    fn told(&self, change: &Change<'_>) -> JsonMap {
        JsonMap::from_iter([
            ("name".to_owned(), self.name.clone().into()),
            ("queries".to_owned(), change.orders.to_vec().into()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::postgresql::keeping::tests::{ask, orders, refused};

    #[test]
    fn slots_are_kept() {
        let name = "postgresql_slot";
        orders(
            name,
            None,
            &[
                (
                    json!({"name": "a'b", "immediately_reserve": true}),
                    &["SELECT pg_create_physical_replication_slot('a''b', true)"],
                ),
                (
                    json!({"name": "a", "slot_type": "logical", "db": "app"}),
                    &["SELECT pg_create_logical_replication_slot('a', 'test_decoding')"],
                ),
                (json!({"name": "a", "state": "absent"}), &[]),
            ],
        );
        let row = json!({"slot_type": "physical"});
        orders(
            name,
            Some(row.clone()),
            &[
                (json!({"name": "a"}), &[]),
                (
                    json!({"name": "a", "state": "absent"}),
                    &["SELECT pg_drop_replication_slot('a')"],
                ),
            ],
        );
        let other = ask(name, &json!({"name": "a", "slot_type": "logical"}), false, Some(&row));
        assert!(!other.changed && other.warnings[0].contains("another type 'physical'"));
        let args = json!({"name": "a", "slot_type": "logical", "immediately_reserve": true});
        refused(name, None, &[(args, "are mutually exclusive")]);
    }
}
