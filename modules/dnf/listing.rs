//! What `list` answers.

use module::{Failure, Host};
use protocol::{Json, JsonMap, Response};

use super::{
    Dnf,
    transaction::{self, Transaction},
    wanted::Kind,
};

/// What is asked of each package, with a mark between that is in none of it.
const FORMAT: &str = "%{name}|%{epoch}|%{version}|%{release}|%{arch}|%{repoid}\n";

/// Lists packages or repositories.
///
/// # Errors
/// What dnf refuses.
pub fn answer(task: &Dnf, host: &dyn Host, what: &str) -> Result<Response, Failure> {
    let tool = transaction::tool(task, host)?;
    let ask = |verb: &'static str, words: &[&str]| {
        Transaction::of(task, &tool, verb, Vec::new()).read(host, words)
    };
    let query = |words: &[&str], kind: Kind| {
        let format = format!("--queryformat={FORMAT}");
        let words = [&[format.as_str()], words].concat();
        ask("repoquery", &words).map(|text| packages(&text, kind))
    };
    let results: Vec<Json> = match what {
        "repos" | "repositories" => {
            let text = ask("repolist", &["--enabled"])?;
            let names = text.lines().skip(1).filter_map(|line| line.split_whitespace().next());
            names.map(|name| serde_json::json!({"repoid": name, "state": "enabled"})).collect()
        }
        "installed" => query(&["--installed"], Kind::Installed)?,
        "updates" | "upgrades" => query(&["--upgrades"], Kind::Available)?,
        "available" => query(&["--available"], Kind::Available)?,
        name if name.starts_with('-') => {
            return Err(Failure::new(format!("{name:?} is no name of a package")));
        }
        name => {
            let mut all = query(&["--installed", name], Kind::Installed)?;
            all.extend(query(&["--available", name], Kind::Available)?);
            all
        }
    };
    let mut response = Response { msg: Some(String::new()), ..Response::default() };
    response.returned.insert("results".into(), results.into());
    Ok(response)
}

fn packages(text: &str, kind: Kind) -> Vec<Json> {
    let state = match kind {
        Kind::Available => "available",
        Kind::Installed => "installed",
    };
    let package = |line: &str| {
        let [name, epoch, version, release, arch, repo] =
            line.split('|').collect::<Vec<_>>().try_into().ok()?;
        // Version 4 calls what is installed by where it came from, where a list is asked for.
        let repo = if kind == Kind::Installed { "@System" } else { repo };
        let values = [
            ("arch", arch),
            ("epoch", epoch),
            ("name", name),
            ("nevra", &format!("{epoch}:{name}-{version}-{release}.{arch}")),
            ("envra", &format!("{epoch}:{name}-{version}-{release}.{arch}")),
            ("release", release),
            ("repo", repo),
            ("version", version),
            ("yumstate", state),
        ];
        let map: JsonMap =
            values.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        Some(Json::Object(map))
    };
    text.lines().filter_map(package).collect()
}
