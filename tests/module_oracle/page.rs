//! The page that lists what differs on purpose: `docs/modules-differ.md`, made from the cases.

use std::{collections::BTreeMap, env, fmt::Write, fs};

use trueup_tests::program::workspace;

use crate::case::Family;

/// Where the page is.
const PAGE: &str = "docs/modules-differ.md";

/// Has the page written anew where it is set.
const WRITE: &str = "TRUEUP_WRITE_EXPECTED";

/// What stands above the list.
const HEAD: &str = "# Where modules differ from ansible-core's on purpose

Each line was seen side by side: the cases under `tests/module_oracle` run the same tasks by both
programs, and hold that nothing else differs (`TRUEUP_MODULE_CASES=all cargo test -p trueup-tests
--test module_oracle`, with the variables that CONTRIBUTING.md names). This page is made from them.
";

/// Holds that the page says what the cases say.
pub fn hold(families: &[&str]) {
    let mut page = HEAD.to_owned();
    for name in families {
        let family = Family::read(name);
        let mut reasons: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for case in &family.cases {
            for entry in &case.differs {
                let modules = case.modules();
                let module = modules.last().map_or("", String::as_str);
                let module = module.rsplit('.').next().unwrap_or(module).to_owned();
                let reasons = reasons.entry(module).or_default();
                if !reasons.contains(&entry.why) {
                    reasons.push(entry.why.clone());
                }
            }
        }
        if reasons.is_empty() && family.differs.is_empty() {
            continue;
        }
        write!(page, "\n## {name}\n\n").unwrap();
        for entry in &family.differs {
            writeln!(page, "* all (`{}`): {}", entry.at, entry.why).unwrap();
        }
        for (module, reasons) in reasons {
            for why in reasons {
                writeln!(page, "* `{module}`: {why}").unwrap();
            }
        }
    }
    let path = workspace().join(PAGE);
    if env::var_os(WRITE).is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, page, "{PAGE} is stale: {WRITE}=1 writes it anew");
}
