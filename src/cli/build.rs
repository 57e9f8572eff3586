//! Builds the remote, static and small, for the triple that this program is built for, and embeds
//! it compressed. Remotes for other triples come from the folder that `TRUEUP_REMOTES_DIR` names
//! (`trueup-remote-TRIPLE.gz`); one that is there for the own triple is taken instead of building.
//!
//! A release carries the remote that is built for size, which takes minutes; a program that is built
//! for debugging carries one that is built for a short wait.
//!
//! The remote has a target folder of its own inside the workspace's, so that all profiles share
//! one build of it and this program's build and that one never wait for each other's lock.

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    ffi::OsString,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

/// Where remotes for other triples are.
const FOLDER_VARIABLE: &str = "TRUEUP_REMOTES_DIR";

/// The profile of the workspace that the remote is built with: small, as it travels.
const SMALL_PROFILE: &str = "remote";

/// The same where this program is built for debugging: soon there.
const QUICK_PROFILE: &str = "remote-quick";

/// Flags for a binary that runs on any kernel without a loader, at a fixed address: that is 12 %
/// smaller.
const RUST_FLAGS: &[&str] = &["-Ctarget-feature=+crt-static", "-Crelocation-model=static"];

/// Variables that say how this program is built, and must not reach the remote's build: a wrapper
/// such as clippy's, flags for coverage, another target.
const FOREIGN_VARIABLES: &[&str] = &[
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "CLIPPY_ARGS",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
];

/// The same by the start of their names.
const FOREIGN_PREFIXES: &[&str] = &["CARGO_CFG_", "CARGO_FEATURE_", "CARGO_PROFILE_"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed={FOLDER_VARIABLE}");
    let out = PathBuf::from(variable("OUT_DIR")?);
    let mut remotes = BTreeMap::new();
    if let Some(folder) = env::var_os(FOLDER_VARIABLE).filter(|folder| !folder.is_empty()) {
        remotes = in_folder(Path::new(&folder))?;
    }
    let triple = remote_triple(&variable("TARGET")?);
    if let Some(triple) = triple.filter(|triple| !remotes.contains_key(triple)) {
        let binary = build(&triple, &out)?;
        remotes.insert(triple.clone(), compress(&binary, &triple, &out)?);
    }
    let mut list = String::from("&[\n");
    for (triple, gzip) in &remotes {
        let mut binary = Vec::new();
        let compressed = fs::File::open(gzip)?;
        std::io::copy(&mut flate2::read::GzDecoder::new(compressed), &mut binary)?;
        let mut digest = String::new();
        for byte in Sha256::digest(&binary) {
            write!(digest, "{byte:02x}")?;
        }
        let bytes = binary.len();
        writeln!(list, "    ({triple:?}, {digest:?}, {bytes}, include_bytes!({gzip:?})),")?;
    }
    list.push_str("]\n");
    fs::write(out.join("remotes.rs"), list)?;
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

/// The remotes of a folder, by triple.
fn in_folder(folder: &Path) -> Result<BTreeMap<String, PathBuf>, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut remotes = BTreeMap::new();
    let entries = fs::read_dir(folder)
        .map_err(|error| format!("{FOLDER_VARIABLE}={}: {error}", folder.display()))?;
    for entry in entries {
        let path = fs::canonicalize(entry?.path())?;
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let triple = name.strip_prefix("trueup-remote-").and_then(|name| name.strip_suffix(".gz"));
        if let Some(triple) = triple {
            println!("cargo::rerun-if-changed={}", path.display());
            remotes.insert(triple.to_owned(), path.clone());
        }
    }
    Ok(remotes)
}

/// Builds the remote and returns where it is.
fn build(triple: &str, out: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let workspace = fs::canonicalize(Path::new(&variable("CARGO_MANIFEST_DIR")?).join("../.."))?;
    let target = target_folder(out)?.join("remote");
    let profile = if variable("PROFILE")? == "release" { SMALL_PROFILE } else { QUICK_PROFILE };
    let mut cargo = Command::new(variable("CARGO")?);
    cargo
        .current_dir(&workspace)
        .args(["build", "--locked", "--package", "trueup-remote", "--bin", "trueup-remote"])
        .args(["--profile", profile, "--target", triple, "--target-dir"])
        .arg(&target);
    for name in foreign_variables() {
        cargo.env_remove(name);
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", RUST_FLAGS.join("\x1f"));
    let output = cargo.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let hint = format!(
            "the remote for {triple} cannot be built ({}); a static libc is needed (Debian: \
             libc6-dev, Fedora: glibc-static), or a remote in the folder {FOLDER_VARIABLE} names",
            output.status
        );
        return Err(format!("{hint}\n{said}").into());
    }
    let binary = target.join(triple).join(profile).join("trueup-remote");
    // What the binary was made of, so that it is made anew where any of it changes.
    let sources = fs::read_to_string(binary.with_extension("d"))?;
    for source in dependencies(&sources) {
        println!("cargo::rerun-if-changed={source}");
    }
    for file in ["Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", workspace.join(file).display());
    }
    Ok(binary)
}

fn foreign_variables() -> Vec<OsString> {
    let named = FOREIGN_VARIABLES.iter().map(OsString::from);
    let prefixed = env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        FOREIGN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    });
    named.chain(prefixed).collect()
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

/// The files that a rule of a makefile depends on; blanks in names have a backslash before them.
fn dependencies(rule: &str) -> Vec<String> {
    let (_, files) = rule.split_once(": ").unwrap_or_default();
    let files = files.replace("\\ ", "\0");
    files.split_whitespace().map(|file| file.replace('\0', " ")).collect()
}

/// Compresses a binary into the folder of build output.
fn compress(binary: &Path, triple: &str, out: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let path = out.join(format!("trueup-remote-{triple}.gz"));
    let is_small = variable("PROFILE")? == "release";
    let effort = if is_small { Compression::best() } else { Compression::fast() };
    let mut encoder = GzEncoder::new(Vec::new(), effort);
    encoder.write_all(&fs::read(binary)?)?;
    fs::write(&path, encoder.finish()?)?;
    Ok(path)
}
