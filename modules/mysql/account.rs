//! What the server keeps of an account, part by part.

use std::collections::BTreeMap;

use module::{Failure, Host, path::split_words};
use protocol::{Json, JsonMap, python};

use super::{Server, literal};

/// How a connection must be secure: `SSL` and `X509` have no value, `CIPHER` and others have.
pub type Requires = BTreeMap<String, Option<String>>;

/// Limits of an account and the columns that have them; the last is MariaDB's alone.
const LIMITS: [(&str, &str); 5] = [
    ("MAX_QUERIES_PER_HOUR", "max_questions"),
    ("MAX_UPDATES_PER_HOUR", "max_updates"),
    ("MAX_CONNECTIONS_PER_HOUR", "max_connections"),
    ("MAX_USER_CONNECTIONS", "max_user_connections"),
    ("MAX_STATEMENT_TIME", "max_statement_time"),
];

/// Whether the server is MariaDB.
///
/// # Errors
/// What the server refuses.
pub fn is_mariadb(server: &dyn Server, host: &dyn Host) -> Result<bool, Failure> {
    let rows = server.rows(host, "SELECT VERSION()")?;
    Ok(rows.into_iter().flatten().next().unwrap_or_default().to_lowercase().contains("mariadb"))
}

/// What an account may take, by the name of a limit; an account that is not there has none.
///
/// # Errors
/// What the server refuses.
pub fn limits(
    server: &dyn Server,
    host: &dyn Host,
    (user, from): (&str, &str),
    is_mariadb: bool,
) -> Result<JsonMap, Failure> {
    let known = || LIMITS.iter().take(if is_mariadb { LIMITS.len() } else { LIMITS.len() - 1 });
    let columns: Vec<&str> = known().map(|(_, column)| *column).collect();
    let query = format!(
        "SELECT {} FROM mysql.user WHERE User = {} AND Host = {}",
        columns.join(", "),
        literal(user),
        literal(from)
    );
    let row = server.rows(host, &query)?.into_iter().next().unwrap_or_default();
    let number = |text: String| match text.parse::<i64>() {
        Ok(number) => number.into(),
        Err(_) => text.parse::<f64>().map_or_else(|_| text.into(), Json::from),
    };
    Ok(known().map(|(name, _)| (*name).to_owned()).zip(row.into_iter().map(number)).collect())
}

/// Limits that a task names, as the server tells of them.
///
/// # Errors
/// What is no limit of this server, and what is no number.
pub fn wanted_limits(given: &JsonMap, is_mariadb: bool) -> Result<BTreeMap<String, i64>, Failure> {
    let known = LIMITS.iter().take(if is_mariadb { LIMITS.len() } else { LIMITS.len() - 1 });
    let known: Vec<&str> = known.map(|(name, _)| *name).collect();
    let limit = |(name, value): (&String, &Json)| {
        let value = python::text(value);
        if !known.contains(&name.as_str()) {
            return Err(Failure::new(format!("resource_limits: key '{name}' is unsupported.")));
        }
        let number = value.trim().parse::<i64>();
        let number = number
            .map_err(|_| Failure::new(format!("Can't convert value '{value}' to integer.")))?;
        Ok((name.clone(), number))
    };
    given.iter().map(limit).collect()
}

/// How secure a connection must be, from how the server would make the account again.
pub fn requires(creation: &str) -> Requires {
    let Some((_, rest)) = creation.split_once(" REQUIRE ") else { return Requires::new() };
    let mut words = split_words(rest).unwrap_or_default().into_iter();
    let mut all = Requires::new();
    while let Some(word) = words.next() {
        match word.as_str() {
            "SSL" | "X509" => drop(all.insert(word, None)),
            "SUBJECT" | "ISSUER" | "CIPHER" => {
                let value = words.next();
                all.insert(word, value);
            }
            "AND" => {}
            _ => break,
        }
    }
    all
}

/// How secure a task wants it: parts of a certificate stand for it, and it for any encryption.
pub fn wanted_requires(given: Option<&JsonMap>) -> Requires {
    let given = given.into_iter().flatten();
    let all: Requires = given
        .map(|(name, value)| {
            let value = Some(value).filter(|value| !value.is_null()).map(python::text);
            (name.to_uppercase(), value)
        })
        .collect();
    let parts: Requires = all
        .iter()
        .filter(|(name, _)| *name != "SSL" && *name != "X509")
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    match (all.is_empty(), parts.is_empty()) {
        (true, _) => all,
        (false, false) => parts,
        (false, true) => {
            let word = if all.contains_key("X509") { "X509" } else { "SSL" };
            Requires::from([(word.to_owned(), None)])
        }
    }
}

/// What goes behind `REQUIRE`.
pub fn requires_words(all: &Requires) -> String {
    let word = |(name, value): (&String, &Option<String>)| match value {
        Some(value) => format!("{name} {}", literal(value)),
        None => name.clone(),
    };
    let words: Vec<String> = all.iter().map(word).collect();
    if words.is_empty() { "NONE".to_owned() } else { words.join(" AND ") }
}

/// When a password must be another.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    Now,
    Never,
    Default,
    Days(i64),
}

impl Expiry {
    /// What goes behind the account.
    pub fn words(&self) -> String {
        match self {
            Self::Now => "PASSWORD EXPIRE".to_owned(),
            Self::Never => "PASSWORD EXPIRE NEVER".to_owned(),
            Self::Default => "PASSWORD EXPIRE DEFAULT".to_owned(),
            Self::Days(days) => format!("PASSWORD EXPIRE INTERVAL {days} DAY"),
        }
    }
}

/// When an account's password must be another. One that must be now has a policy as well, which is
/// told where the task does not ask for `now`.
///
/// # Errors
/// What the server refuses.
pub fn expiry(
    server: &dyn Server,
    host: &dyn Host,
    (user, from): (&str, &str),
    wanted: &Expiry,
) -> Result<Expiry, Failure> {
    let place = format!("WHERE User = {} AND Host = {}", literal(user), literal(from));
    let first = |query: String| {
        let rows = server.rows(host, &query)?;
        Ok::<_, Failure>(rows.into_iter().flatten().next().unwrap_or_default())
    };
    if *wanted == Expiry::Now
        && first(format!("SELECT password_expired FROM mysql.user {place}"))? == "Y"
    {
        return Ok(Expiry::Now);
    }
    let policy = match is_mariadb(server, host)? {
        true => format!(
            "SELECT IFNULL(JSON_VALUE(Priv, '$.password_lifetime'), -1) FROM mysql.global_priv {place}"
        ),
        false => format!("SELECT IFNULL(password_lifetime, -1) FROM mysql.user {place}"),
    };
    Ok(match first(policy)?.parse::<i64>() {
        Ok(0) => Expiry::Never,
        Ok(days) if days > 0 => Expiry::Days(days),
        _ => Expiry::Default,
    })
}

/// Attributes of an account; `None` where the server has none of any account.
///
/// # Errors
/// A login that fails.
pub fn attributes(
    server: &dyn Server,
    host: &dyn Host,
    (user, from): (&str, &str),
) -> Result<Option<JsonMap>, Failure> {
    let query = format!(
        "SELECT attribute FROM information_schema.user_attributes WHERE user = {} AND host = {}",
        literal(user),
        literal(from)
    );
    match server.rows(host, &query) {
        Ok(rows) => {
            let text = rows.into_iter().flatten().next().unwrap_or_default();
            Ok(Some(serde_json::from_str(&text).unwrap_or_default()))
        }
        // Unknown table; and where nobody may look there.
        Err(failure)
            if failure.msg.contains("ERROR 1109") || failure.msg.contains("ERROR 1146") =>
        {
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

/// Plugins and hashes that accounts of a user have, wherever they log in from; of one place alone
/// where it is named.
///
/// # Errors
/// What the server refuses.
pub fn authentications(
    server: &dyn Server,
    host: &dyn Host,
    user: &str,
    from: Option<&str>,
    is_mariadb: bool,
) -> Result<Vec<(String, String)>, Failure> {
    let from = from.map(|from| format!(" AND Host = {}", literal(from))).unwrap_or_default();
    let of = |column: &str| {
        format!(
            "SELECT plugin, {column} AS auth FROM mysql.user WHERE User = {}{from}",
            literal(user)
        )
    };
    let query = match is_mariadb {
        true => format!(
            "SELECT plugin, auth FROM ({} UNION {}) x GROUP BY plugin, auth",
            of("password"),
            of("authentication_string")
        ),
        false => format!("{} GROUP BY plugin, auth", of("authentication_string")),
    };
    let pair = |row: Vec<String>| {
        let mut fields = row.into_iter();
        (fields.next().unwrap_or_default(), fields.next().unwrap_or_default())
    };
    Ok(server.rows(host, &query)?.into_iter().map(pair).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_connections_need_is_read_and_written() {
        for (given, words) in [
            (json!({}), "NONE"),
            (json!({"ssl": null}), "SSL"),
            (json!({"SSL": null, "x509": null}), "X509"),
            (
                json!({"SSL": null, "subject": "/CN=it's", "issuer": "/O=x"}),
                "ISSUER '/O=x' AND SUBJECT '/CN=it''s'",
            ),
        ] {
            assert_eq!(requires_words(&wanted_requires(given.as_object())), words);
        }
        for (made, words) in [
            ("CREATE USER x", "NONE"),
            ("CREATE USER x REQUIRE NONE PASSWORD EXPIRE", "NONE"),
            ("CREATE USER x REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 1", "SSL"),
            (
                "CREATE USER x REQUIRE SUBJECT '/CN=a b' ISSUER '/O=x' ACCOUNT LOCK",
                "ISSUER '/O=x' AND SUBJECT '/CN=a b'",
            ),
        ] {
            assert_eq!(requires_words(&requires(made)), words, "{made}");
        }
    }

    #[test]
    fn limits_are_numbers_of_known_names() {
        let given = json!({"MAX_STATEMENT_TIME": "5"});
        let given = given.as_object().unwrap();
        assert_eq!(wanted_limits(given, true).unwrap()["MAX_STATEMENT_TIME"], 5);
        assert!(wanted_limits(given, false).unwrap_err().msg.contains("unsupported"));
        let given = json!({"MAX_USER_CONNECTIONS": "few"});
        let refused = wanted_limits(given.as_object().unwrap(), true).unwrap_err();
        assert!(refused.msg.contains("Can't convert value 'few'"));
    }
}
