//! What `list` answers.

use module::{Failure, Host, Program};
use protocol::{Json, JsonMap, Response};

use super::{Dnf, transaction};
use crate::tool;

/// What is asked of each package, with a mark between that is in none of it.
const FORMAT: &str = "%{name}|%{epoch}|%{version}|%{release}|%{arch}|%{repoid}\n";
const RPM_FORMAT: &str = "%{NAME}|%{EPOCHNUM}|%{VERSION}|%{RELEASE}|%{ARCH}|installed\n";

/// Lists packages or repositories.
///
/// # Errors
/// What dnf refuses.
pub fn answer(task: &Dnf, host: &dyn Host, what: &str) -> Result<Response, Failure> {
    let dnf = transaction::tool(task, host)?;
    let root = format!("--installroot={}", task.installroot);
    let dnf_program = |words: &[&str]| {
        let mut program = Program::new(&dnf.name).arg("--quiet");
        if task.installroot != "/" {
            program = program.arg(&root);
        }
        program.args(words.iter().copied())
    };
    let rpm_program = |words: &[&str]| {
        let program = Program::new("rpm").args(["--root", task.installroot.as_str()]);
        program.args(["-q", "--qf", RPM_FORMAT]).args(words.iter().copied())
    };
    let results: Vec<Json> = match what {
        "repos" | "repositories" => {
            let text = tool::ask(host, &dnf_program(&["repolist", "--enabled"]))?;
            let names = text.lines().skip(1).filter_map(|line| line.split_whitespace().next());
            names.map(|name| serde_json::json!({"repoid": name, "state": "enabled"})).collect()
        }
        "installed" => packages(&tool::ask(host, &rpm_program(&["-a"]))?, "installed"),
        "updates" | "upgrades" => {
            let words = ["repoquery", "--upgrades", "--queryformat", FORMAT];
            packages(&tool::ask(host, &dnf_program(&words))?, "available")
        }
        "available" => {
            let words = ["repoquery", "--available", "--queryformat", FORMAT];
            packages(&tool::ask(host, &dnf_program(&words))?, "available")
        }
        name => {
            let there = host.query(&rpm_program(&["--", name]))?;
            let mut all = match there.is_success() {
                true => packages(&there.stdout_text(), "installed"),
                false => Vec::new(),
            };
            let words = ["repoquery", "--available", "--queryformat", FORMAT, name];
            all.extend(packages(&tool::ask(host, &dnf_program(&words))?, "available"));
            all
        }
    };
    let mut response = Response { msg: Some(String::new()), ..Response::default() };
    response.returned.insert("results".into(), results.into());
    Ok(response)
}

fn packages(text: &str, state: &str) -> Vec<Json> {
    let package = |line: &str| {
        let [name, epoch, version, release, arch, repo] =
            line.split('|').collect::<Vec<_>>().try_into().ok()?;
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
