//! Facts that programs of others read, where a host has them: facter and ohai.

use module::{Output, Program};
use protocol::{Json, JsonMap};

use super::Reader;

/// Where Puppet's packages put facter.
const PUPPET: &str = "/opt/puppetlabs/bin";

/// What `facter` knows, those of Puppet among it, each name with `facter_` before it.
pub fn facter(reader: &Reader<'_>) -> JsonMap {
    let bare = ["cfacter", "facter"].into_iter().find(|name| reader.has_program(name));
    let path = bare.map(str::to_owned).or_else(|| {
        let paths = ["cfacter", "facter"].map(|name| format!("{PUPPET}/{name}"));
        paths.into_iter().find(|path| reader.exists(path))
    });
    let Some(path) = path else { return JsonMap::new() };
    let ask = |words: &[&str]| {
        let output = reader.output(&Program::new(&path).args(words.iter().copied()));
        output.filter(Output::is_success)
    };
    // Without Puppet it does not know of it.
    let output = ask(&["--puppet", "--json"]).or_else(|| ask(&["--json"]));
    named("facter_", output)
}

/// What `ohai` knows, each name with `ohai_` before it.
pub fn ohai(reader: &Reader<'_>) -> JsonMap {
    if !reader.has_program("ohai") {
        return JsonMap::new();
    }
    named("ohai_", reader.output(&Program::new("ohai")).filter(Output::is_success))
}

fn named(prefix: &str, output: Option<Output>) -> JsonMap {
    let text = output.map(|output| output.stdout_text()).unwrap_or_default();
    let Ok(Json::Object(facts)) = serde_json::from_str(&text) else { return JsonMap::new() };
    facts.into_iter().map(|(name, value)| (format!("{prefix}{name}"), value)).collect()
}

#[cfg(test)]
mod tests {
    use module::fake::FakeHost;

    use super::*;

    #[test]
    fn programs_of_others_are_asked_where_they_are() {
        let mut host = FakeHost::default();
        assert!(facter(&Reader::new(&host)).is_empty() && ohai(&Reader::new(&host)).is_empty());
        host.program("facter", |_, program| match program.args[0].as_str() {
            "--json" => Output::success(r#"{"kernel": "Linux", "ruby": {"version": "3"}}"#),
            _ => Output::failure(1, "no --puppet here"),
        });
        host.program("ohai", |_, _| Output::success(r#"{"fqdn": "a.example"}"#));
        let found = facter(&Reader::new(&host));
        assert_eq!(found["facter_kernel"], "Linux");
        assert_eq!(found["facter_ruby"]["version"], "3");
        assert_eq!(ohai(&Reader::new(&host))["ohai_fqdn"], "a.example");
    }

    #[test]
    fn what_is_no_json_is_no_fact() {
        let mut host = FakeHost::default();
        host.program("ohai", |_, _| Output::success("nothing"));
        assert!(ohai(&Reader::new(&host)).is_empty());
    }
}
