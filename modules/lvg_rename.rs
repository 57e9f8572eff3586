//! The `lvg_rename` module of the collection `community.general`.

use module::{Arguments, Documented, Example, Failure, Host, Program};
use protocol::{Diff, diff::Side};
use serde_json::json;

use crate::{
    stepwise::{Steps, Stepwise},
    tool,
};

/// Gives a volume group another name.
#[derive(Debug, Arguments)]
pub struct LvgRename {
    /// Its name or UUID now.
    vg: String,
    /// Its name then.
    vg_new: String,
}

impl Documented for LvgRename {
    const NAME: &'static str = "community.general.lvg_rename";
    const ALIASES: &'static [&'static str] = &["lvg_rename"];
    const EXAMPLES: &'static [Example] =
        &[Example { title: "Another name", args: r#"{"vg": "vg_old", "vg_new": "vg_data"}"# }];
}

impl Stepwise for LvgRename {
    fn steps(&self, host: &dyn Host) -> Result<Steps, Failure> {
        let words = ["--noheadings", "--separator", ";", "-o", "vg_name,vg_uuid"];
        let said = tool::ask(host, &Program::new("vgs").args(words))?;
        let known: Vec<&str> = said.lines().flat_map(|line| line.trim().split(';')).collect();
        let is_there = |name: &str| known.contains(&name.strip_prefix("/dev/").unwrap_or(name));
        let (old, new) = (self.vg.as_str(), self.vg_new.as_str());
        match (is_there(old), is_there(new)) {
            (true, true) => {
                Err(Failure::new(format!("The new VG name ({new}) is already in use.")))
            }
            (false, false) => {
                Err(Failure::new(format!("Both current ({old}) and new ({new}) VG are missing.")))
            }
            (false, true) => {
                let msg = format!("The new VG ({new}) already exists, nothing to do.");
                Ok(Steps::default().with("msg", msg))
            }
            (true, false) => {
                let side = |name: &str| Side::State(json!({"vg": name}));
                let diff = Diff { before: side(old), after: side(new), ..Diff::default() };
                let steps = Steps::new([Program::new("vgrename").args([old, new])]);
                let msg = format!("Volume group \"{old}\" is renamed to \"{new}\"");
                Ok(Steps { diff: Some(diff), ..steps }.with("msg", msg))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    #[test]
    fn groups_are_renamed() {
        let mut host = FakeHost::default();
        host.put("/vgs", "  one;uuid-1\n  two;uuid-2\n");
        host.program("vgs", |files, _| Output::success(files.text("/vgs").unwrap()));
        host.program("vgrename", |files, program| {
            let text = files.text("/vgs").unwrap();
            files.put("/vgs", text.replace(&program.args[0], &program.args[1]));
            Output::success("")
        });
        for (old, new, changed, words) in [
            ("one", "three", true, "is renamed to \"three\""),
            ("one", "three", false, "already exists, nothing to do"),
            ("/dev/two", "/dev/three", false, "already in use"),
            ("uuid-2", "three", false, "already in use"),
            ("none", "nothing", false, "are missing"),
        ] {
            let args = json!({"vg": old, "vg_new": new});
            let done = run("lvg_rename", &args, "", "", Mode::default(), &mut host);
            assert_eq!(done.changed, changed, "{args}: {done:?}");
            assert!(done.msg.unwrap_or_default().contains(words), "{args}");
        }
    }
}
