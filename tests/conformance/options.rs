//! What is asked for.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    source,
    target::{self, Target},
};

pub const USAGE: &str = "\
usage: conformance [--targets A,B | --any A,B] [--category language|module|cli]
                   [--needs -|pymod|pyplug] [--expect] [--sample N]
                   [--program FILE | --reference] [--jobs N] [--logs FOLDER]

  --targets   these alone
  --any       these alone, of all that ansible-core's package has, listed or not
  --category  targets of that category; --needs: of what they need in the controller
  --expect    fail only where a target of passing.txt does not pass
  --sample    N targets of passing.txt, spread over the list, quick ones
  --program   the program under test; without it, trueup is built
  --reference ansible-core itself in its place: seconds and ok counts for the list
  --jobs      targets at a time (1)
  --logs      where the output of targets goes";

/// Seconds that ansible-core takes for a target that may be in a sample.
const QUICK_SECS: f64 = 30.0;

#[derive(Debug)]
pub struct Options {
    targets: Vec<String>,
    any: Vec<String>,
    category: Option<String>,
    needs: Option<String>,
    sample: Option<usize>,
    given_program: Option<PathBuf>,
    pub expects: bool,
    /// Whether ansible-core is run, and not trueup.
    pub is_reference: bool,
    pub jobs: usize,
    pub logs: Option<PathBuf>,
}

impl Options {
    /// Reads the command line.
    ///
    /// # Errors
    /// A word that is no option, or has no value.
    pub fn read(words: &[String]) -> Result<Self, String> {
        let mut options = Self {
            targets: Vec::new(),
            any: Vec::new(),
            category: None,
            needs: None,
            sample: None,
            given_program: None,
            expects: false,
            is_reference: false,
            jobs: 1,
            logs: None,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let flag = match word.as_str() {
                "--expect" => Some(&mut options.expects),
                "--reference" => Some(&mut options.is_reference),
                _ => None,
            };
            if let Some(flag) = flag {
                *flag = true;
                continue;
            }
            let value =
                words.next().ok_or_else(|| format!("{word} is no option, or lacks a value"))?;
            let number = || {
                value.parse::<usize>().map_err(|_| format!("{word} takes a number, not {value}"))
            };
            match word.as_str() {
                "--targets" => options.targets = value.split(',').map(str::to_owned).collect(),
                "--any" => options.any = value.split(',').map(str::to_owned).collect(),
                "--category" => options.category = Some(value.clone()),
                "--needs" => options.needs = Some(value.clone()),
                "--sample" => options.sample = Some(number()?),
                "--program" => options.given_program = Some(value.into()),
                "--jobs" => options.jobs = number()?,
                "--logs" => options.logs = Some(value.into()),
                _ => return Err(format!("{word} is no option")),
            }
        }
        Ok(options)
    }

    /// The targets that fit, longest first; those of `--any` in the order they are given in.
    pub fn choose(&self, all: &[Target]) -> Vec<Target> {
        if !self.any.is_empty() {
            let listed = |name: &String| all.iter().find(|target| target.name == *name).cloned();
            let named = self.any.iter();
            return named
                .map(|name| listed(name).unwrap_or_else(|| Target::unlisted(name)))
                .collect();
        }
        let passing = target::passing();
        let is_asked = |target: &&Target| {
            let named = self.targets.is_empty() || self.targets.contains(&target.name);
            let fits = |wanted: &Option<String>, has: &str| {
                wanted.as_deref().is_none_or(|wanted| wanted == has)
            };
            named && fits(&self.category, &target.category) && fits(&self.needs, &target.needs)
        };
        let mut chosen: Vec<Target> = all.iter().filter(is_asked).cloned().collect();
        if let Some(size) = self.sample {
            chosen.retain(|target| {
                passing.contains(&target.name.as_str()) && target.reference_secs <= QUICK_SECS
            });
            let step = chosen.len().div_ceil(size.max(1)).max(1);
            chosen = chosen.into_iter().step_by(step).collect();
        }
        chosen.sort_by(|a, b| b.reference_secs.total_cmp(&a.reference_secs));
        chosen
    }

    /// The program under test, without its symbols.
    ///
    /// # Errors
    /// It cannot be built or read.
    pub fn program(&self) -> Result<PathBuf, String> {
        let built = match &self.given_program {
            Some(path) => path.clone(),
            None => build()?,
        };
        let folder = source::folder();
        fs::create_dir_all(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
        let program = folder.join("program");
        let stripped = Command::new("strip").arg("-o").args([&program, &built]).status();
        if stripped.is_ok_and(|status| status.success()) {
            return Ok(program);
        }
        fs::copy(&built, &program).map_err(|why| format!("{}: {why}", built.display()))?;
        Ok(program)
    }
}

fn build() -> Result<PathBuf, String> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // What cargo tells this program of its own package would have crates that look at it built anew.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_MANIFEST_", "CARGO_PKG_"].iter().any(|start| text.starts_with(start)) {
            cargo.env_remove(&name);
        }
    }
    let built = cargo
        .args(["build", "--locked", "--package", "trueup", "--bin", "trueup"])
        .current_dir(&workspace)
        .status();
    if !built.is_ok_and(|status| status.success()) {
        return Err("trueup cannot be built".to_owned());
    }
    Ok(workspace.join("target/debug/trueup"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn targets_are_chosen() {
        let all = target::all().unwrap();
        let choose = |text: &str| Options::read(&words(text)).unwrap().choose(&all);
        assert_eq!(choose("").len(), all.len());
        let names: Vec<String> =
            choose("--targets tags,blocks").into_iter().map(|target| target.name).collect();
        assert_eq!(names.len(), 2);
        assert!(choose("--category cli --needs -").iter().all(|target| target.category == "cli"));
        assert!(choose("--sample 5").len() <= 5);
        assert!(choose("--targets nosuch").is_empty());
        let any = choose("--any tags,var_nosuch");
        assert_eq!(any[0], choose("--targets tags")[0]);
        assert_eq!(any[1], Target::unlisted("var_nosuch"));
    }

    #[test]
    fn what_is_no_option_is_refused() {
        for (text, expected) in [
            ("--nosuch x", "--nosuch is no option"),
            ("--targets", "lacks a value"),
            ("--jobs many", "takes a number, not many"),
        ] {
            let why = Options::read(&words(text)).unwrap_err();
            assert!(why.contains(expected), "{text}: {why}");
        }
    }
}
