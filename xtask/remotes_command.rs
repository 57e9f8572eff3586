//! `cargo xtask remotes [--quick] FOLDER`: the remote and its companions as a release carries
//! them, for a folder that `TRUEUP_REMOTES_DIR` may name. One that is too large fails.

#[path = "../src/remote/build/recipe.rs"]
mod recipe;

use std::{env, fs, path::Path};

pub use recipe::Aim;
use recipe::Recipe;

/// The most bytes of each program as it travels.
const BYTES_MAX: u64 = 2_000_000;

/// Builds all into a folder and says how large they are.
pub fn build(folder: &str, aim: Aim) -> Result<(), String> {
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|why| format!("{folder}: {why}"))?;
    let recipe = Recipe {
        cargo: &cargo,
        workspace,
        target: &workspace.join("target/remote"),
        triple: &host_triple(&cargo)?,
        aim,
    };
    let built = recipe.build(Path::new(folder))?;
    let mut too_large = Vec::new();
    for one in &built {
        let size = bytes(&one.gzip)?;
        println!("{size:>9} bytes  {}", one.gzip.display());
        if aim == Aim::Small && size > BYTES_MAX {
            too_large.push(format!(
                "{} has {size} bytes as it travels; {BYTES_MAX} are the limit",
                one.program
            ));
        }
    }
    println!("made of {} files", built.iter().map(|one| one.sources.len()).sum::<usize>());
    if too_large.is_empty() { Ok(()) } else { Err(too_large.join("; ")) }
}

fn bytes(path: &Path) -> Result<u64, String> {
    fs::metadata(path)
        .map(|metadata| metadata.len())
        .map_err(|why| format!("{}: {why}", path.display()))
}

/// The triple of this machine, as the compiler says.
fn host_triple(cargo: &str) -> Result<String, String> {
    let said = std::process::Command::new(cargo).args(["-vV"]).output();
    let said = said.map_err(|why| format!("{cargo}: {why}"))?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let line = said.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(str::to_owned).ok_or_else(|| "cargo does not say what it runs on".to_owned())
}
