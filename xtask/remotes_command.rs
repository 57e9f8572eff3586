//! `cargo xtask remotes [--quick] FOLDER`: the remote and its companion as a release carries them, for a
//! folder that `TRUEUP_REMOTES_DIR` may name. A remote that is too large fails.

#[path = "../src/remote/build/recipe.rs"]
mod recipe;

use std::{env, fs, path::Path};

pub use recipe::Aim;
use recipe::Recipe;

/// The most bytes of a remote as it travels.
const REMOTE_BYTES_MAX: u64 = 2_000_000;

/// Builds both into a folder and says how large they are.
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
    let (remote, companion) = recipe.build(Path::new(folder))?;
    for built in [&remote, &companion] {
        println!("{:>9} bytes  {}", bytes(&built.gzip)?, built.gzip.display());
    }
    println!("made of {} files", remote.sources.len() + companion.sources.len());
    let size = bytes(&remote.gzip)?;
    if aim == Aim::Small && size > REMOTE_BYTES_MAX {
        return Err(format!(
            "the remote has {size} bytes as it travels; {REMOTE_BYTES_MAX} are the limit"
        ));
    }
    Ok(())
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
