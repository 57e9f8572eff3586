//! Embeds the remote and its companions, compressed, for the triple that this program is
//! built for. Those for other triples come from the folder that `TRUEUP_REMOTES_DIR` names
//! (`trueup-remote-TRIPLE.gz`, `trueup-tls-TRIPLE.gz` and so on; `cargo xtask remotes` makes them);
//! what is there for the own triple is taken instead of building.
//!
//! A release carries the remote that is built for size; a program that is built for debugging one
//! that is built for a short wait.

#[path = "../remote/build/recipe.rs"]
mod recipe;

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use recipe::{Aim, COMPANIONS, REMOTE, Recipe, digest};
use sha2::{Digest, Sha256};

/// Where remotes for other triples are.
const FOLDER_VARIABLE: &str = "TRUEUP_REMOTES_DIR";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed={FOLDER_VARIABLE}");
    let out = PathBuf::from(variable("OUT_DIR")?);
    let mut remotes = BTreeMap::new();
    let mut companions: BTreeMap<(&str, String), PathBuf> = BTreeMap::new();
    if let Some(folder) = env::var_os(FOLDER_VARIABLE).filter(|folder| !folder.is_empty()) {
        remotes = in_folder(Path::new(&folder), REMOTE)?;
        for companion in COMPANIONS {
            let found = in_folder(Path::new(&folder), companion.program)?;
            let found = found.into_iter().map(|(triple, gzip)| ((companion.program, triple), gzip));
            companions.extend(found);
        }
    }
    let triple = remote_triple(&variable("TARGET")?);
    if let Some(triple) = triple.filter(|triple| !remotes.contains_key(triple)) {
        let workspace = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("../..");
        let workspace = fs::canonicalize(workspace)?;
        let recipe = Recipe {
            cargo: &variable("CARGO")?,
            workspace: &workspace,
            target: &target_folder(&out)?.join("remote"),
            triple: &triple,
            aim: if variable("PROFILE")? == "release" { Aim::Small } else { Aim::Quick },
        };
        let built = recipe.build(&out).map_err(|why| {
            format!("{why}\n(or give remotes in the folder that {FOLDER_VARIABLE} names)")
        })?;
        // What they were made of, so that they are made anew where any of it changes.
        for source in built.iter().flat_map(|one| &one.sources) {
            println!("cargo::rerun-if-changed={}", source.display());
        }
        for file in ["Cargo.toml", "Cargo.lock", "src/remote/build/recipe.rs"] {
            println!("cargo::rerun-if-changed={}", workspace.join(file).display());
        }
        for one in built {
            if one.program == REMOTE {
                remotes.insert(triple.clone(), one.gzip);
            } else {
                companions.insert((one.program, triple.clone()), one.gzip);
            }
        }
    }
    let mut list = String::from("&[\n");
    for (triple, gzip) in &remotes {
        let mut binary = Vec::new();
        let compressed = fs::File::open(gzip)?;
        std::io::copy(&mut flate2::read::GzDecoder::new(compressed), &mut binary)?;
        // Hosts check it with a program of theirs: `transport::remotes`.
        let sha256 = Sha256::digest(&binary);
        let digest: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        let bytes = binary.len();
        writeln!(list, "    ({triple:?}, {digest:?}, {bytes}, include_bytes!({gzip:?})),")?;
    }
    list.push_str("]\n");
    fs::write(out.join("remotes.rs"), list)?;
    let mut list = String::from("&[\n");
    for ((program, triple), gzip) in &companions {
        let digest = digest(&fs::read(gzip)?);
        writeln!(list, "    ({program:?}, {triple:?}, {digest:?}, include_bytes!({gzip:?})),")?;
    }
    list.push_str("]\n");
    fs::write(out.join("companions.rs"), list)?;
    Ok(())
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| format!("{name}: {error}"))
}

/// The triple that a remote can be built for here; `None` where hosts of that kind are not managed
/// (a controller on macOS carries the remotes of the folder alone).
fn remote_triple(target: &str) -> Option<String> {
    target.contains("-linux-").then(|| target.to_owned())
}

/// What a folder has of a program, by triple.
fn in_folder(folder: &Path, program: &str) -> Result<BTreeMap<String, PathBuf>, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut found = BTreeMap::new();
    let entries = fs::read_dir(folder)
        .map_err(|error| format!("{FOLDER_VARIABLE}={}: {error}", folder.display()))?;
    for entry in entries {
        let path = fs::canonicalize(entry?.path())?;
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let triple = name.strip_prefix(program).and_then(|name| name.strip_suffix(".gz"));
        if let Some(triple) = triple.and_then(|triple| triple.strip_prefix('-')) {
            println!("cargo::rerun-if-changed={}", path.display());
            found.insert(triple.to_owned(), path.clone());
        }
    }
    Ok(found)
}

/// The target folder that a folder of build output lies in: the nearest one that cargo has marked
/// as a cache.
fn target_folder(out: &Path) -> Result<PathBuf, String> {
    out.ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file())
        .or_else(|| out.ancestors().nth(4))
        .map(Path::to_owned)
        .ok_or_else(|| format!("{} lies in no target folder", out.display()))
}
