//! The `postgresql_lang` module of the collection `community.postgresql`.

use module::{Arguments, Documented, Example, Failure, Host, Returned};
use protocol::{Json, JsonMap};

use super::{
    Login, identifier,
    keeping::{Change, Keeping, Orders},
    literal, text,
};
use crate::presence::Presence;

/// Keeps a language that functions of a database are written in.
#[derive(Debug, Arguments)]
pub struct PostgresqlLang {
    /// The database.
    #[argument(aliases("login_db"))]
    db: String,
    /// The language.
    #[argument(aliases("name"))]
    lang: String,
    /// Whether it is there.
    #[argument(default = "present")]
    state: Presence,
    /// Whether whoever has no special rights may use it.
    #[argument(default = false)]
    trust: bool,
    /// Kept for old playbooks: a language is always as trusted as `trust` says.
    #[argument(default = false)]
    #[expect(dead_code, reason = "what it forces is so without it")]
    force_trust: bool,
    /// Whether what stands on it goes with it.
    #[argument(default = false)]
    cascade: bool,
    /// Whether one that cannot go is a failure.
    #[argument(default = true)]
    fail_on_drop: bool,
    /// Whose it is.
    owner: Option<String>,
    #[argument(flatten)]
    login: Login,
}

impl Documented for PostgresqlLang {
    const NAME: &'static str = "community.postgresql.postgresql_lang";
    const ALIASES: &'static [&'static str] = &["postgresql_lang"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A language", args: r#"{"db": "app", "name": "plpython3u"}"# },
        Example { title: "None", args: r#"{"db": "app", "name": "pltcl", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("db", "The database.", "always", r#""app""#),
        Returned::new("lang", "The language.", "always", r#""pltcl""#),
        Returned::new("trust", "Whether it is trusted.", "always", "false"),
        Returned::new("lang_dropped", "Whether it went.", "if it was there", "true"),
        Returned::new(
            "queries",
            "Orders that were given.",
            "always",
            r#"["CREATE LANGUAGE \"pltcl\""]"#,
        ),
    ];
}

impl PostgresqlLang {
    fn drop(&self) -> String {
        let cascade = if self.cascade { " CASCADE" } else { "" };
        format!("DROP LANGUAGE {}{cascade}", identifier(&self.lang))
    }

    /// Whether the server would let the language go; it is asked, and forgets.
    fn can_go(&self, host: &dyn Host) -> Result<bool, Failure> {
        let script = format!("BEGIN;\n{};\nROLLBACK;\n", self.drop());
        Ok(host.query(&self.login.psql(&self.db, &script)?)?.is_success())
    }
}

impl Keeping for PostgresqlLang {
    fn login(&self) -> &Login {
        &self.login
    }

    fn database(&self) -> &str {
        &self.db
    }

    fn query(&self) -> String {
        format!(
            "SELECT lanpltrusted AS trusted, pg_get_userbyid(lanowner) AS owner FROM \
             pg_catalog.pg_language WHERE lanname = {}",
            literal(&self.lang)
        )
    }

    fn orders(&self, found: Option<&JsonMap>, host: &dyn Host) -> Result<Orders, Failure> {
        let texts = [Some(&self.lang), self.owner.as_ref()];
        self.login.refuse_orders(texts.into_iter().flatten().map(String::as_str))?;
        if !self.state.is_present() {
            if found.is_none() {
                return Ok(Orders::default());
            }
            return match self.can_go(host)? {
                true => Ok(Orders::new([self.drop()])),
                false if !self.fail_on_drop => Ok(Orders::default()),
                false => Err(Failure::new(
                    "unable to drop language, use cascade to delete dependencies or fail_on_drop=false to ignore",
                )),
            };
        }
        let name = identifier(&self.lang);
        let mut orders = Orders::default();
        let is_trusted = found.map(|found| found.get("trusted").and_then(Json::as_bool));
        if found.is_none() {
            let trusted = if self.trust { "TRUSTED " } else { "" };
            orders.texts.push(format!("CREATE {trusted}LANGUAGE {name}"));
        }
        // One that comes as an extension is as trusted as that says, whatever its making was told.
        if is_trusted.flatten() != Some(self.trust) {
            orders.texts.push(format!(
                "UPDATE pg_language SET lanpltrusted = {} WHERE lanname = {}",
                self.trust,
                literal(&self.lang)
            ));
        }
        if let Some(owner) = &self.owner
            && found.is_none_or(|found| text(found, "owner") != *owner)
        {
            orders.texts.push(format!("ALTER LANGUAGE {name} OWNER TO {}", identifier(owner)));
        }
        Ok(orders)
    }

    fn told(&self, change: &Change<'_>) -> JsonMap {
        let mut map = JsonMap::from_iter([
            ("db".to_owned(), Json::from(self.db.clone())),
            ("lang".to_owned(), self.lang.clone().into()),
            ("trust".to_owned(), self.trust.into()),
            ("queries".to_owned(), change.orders.to_vec().into()),
        ]);
        if !self.state.is_present() && change.before.is_some() {
            map.insert("lang_dropped".into(), (!change.orders.is_empty()).into());
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::{
        cases::run,
        postgresql::keeping::tests::{orders, refused},
    };

    #[test]
    fn languages_are_kept() {
        let name = "postgresql_lang";
        orders(
            name,
            None,
            &[
                (
                    json!({"db": "d", "lang": "l", "trust": true, "owner": "o"}),
                    &[
                        "CREATE TRUSTED LANGUAGE \"l\"",
                        "UPDATE pg_language SET lanpltrusted = true WHERE lanname = 'l'",
                        "ALTER LANGUAGE \"l\" OWNER TO \"o\"",
                    ],
                ),
                (json!({"db": "d", "lang": "l", "state": "absent"}), &[]),
            ],
        );
        orders(
            name,
            Some(json!({"trusted": true, "owner": "o"})),
            &[
                (json!({"db": "d", "lang": "l", "trust": true, "owner": "o"}), &[]),
                (
                    json!({"db": "d", "lang": "l"}),
                    &["UPDATE pg_language SET lanpltrusted = false WHERE lanname = 'l'"],
                ),
                (
                    json!({"db": "d", "lang": "l", "state": "absent", "cascade": true}),
                    &["DROP LANGUAGE \"l\" CASCADE"],
                ),
            ],
        );
        refused(name, None, &[(json!({"lang": "l"}), "missing required arguments: db")]);
    }

    #[test]
    fn a_language_that_is_needed_stays() {
        for (fails, words) in [(true, "unable to drop language"), (false, "")] {
            let mut host = FakeHost::default();
            host.program("psql", |_, program| {
                let text = String::from_utf8(program.stdin.clone().unwrap()).unwrap();
                match text.contains("DROP") {
                    true => Output::failure(3, "cannot drop"),
                    false => Output::success("{\"trusted\":true}\n"),
                }
            });
            let args = json!({"db": "d", "lang": "l", "state": "absent", "fail_on_drop": fails});
            let response = run("postgresql_lang", &args, "", "", Mode::default(), &mut host);
            assert_eq!((response.failed, response.changed), (fails, false));
            assert!(response.msg.unwrap_or_default().contains(words));
            if !fails {
                assert_eq!(response.returned["lang_dropped"], false);
            }
        }
    }
}
