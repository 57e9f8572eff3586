//! How the programs that go to hosts are built: shared by the build script of the program that
//! carries them and by `cargo xtask remotes`.

use std::{
    env,
    ffi::OsString,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use flate2::{Compression, write::GzEncoder};

/// The program that every host is sent.
pub const REMOTE: &str = "trueup-remote";

/// Programs that stand beside it where they are needed, in the order of their builds: each carries
/// the digests of those before it, and the remote those of all.
pub const COMPANIONS: [Companion; 3] = [
    Companion { program: "trueup-tls", package: "trueup-tls", digest: "TRUEUP_TLS_DIGEST" },
    Companion { program: "trueup-rare", package: "trueup-remote", digest: "TRUEUP_RARE_DIGEST" },
    Companion {
        program: "trueup-engines",
        package: "trueup-remote",
        digest: "TRUEUP_ENGINES_DIGEST",
    },
];

/// A program that stands beside the remote.
#[derive(Clone, Copy, Debug)]
pub struct Companion {
    pub program: &'static str,
    package: &'static str,
    /// Tells later builds its digest.
    digest: &'static str,
}

/// Flags for a binary that runs on any kernel without a loader, at a fixed address: that is 12 %
/// smaller. Nothing in it unwinds.
const RUST_FLAGS: &[&str] =
    &["-Ctarget-feature=+crt-static", "-Crelocation-model=static", "-Cforce-unwind-tables=no"];

/// Variables that say how the calling program is built, and must not reach these builds: a wrapper
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

/// What the programs are built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// A release: small, as it travels. It takes minutes.
    Small,
    /// Working on them: soon there.
    Quick,
}

impl Aim {
    /// The workspace's profile.
    fn profile(self) -> &'static str {
        match self {
            Aim::Small => "remote",
            Aim::Quick => "remote-quick",
        }
    }
}

/// Where and how to build.
#[derive(Clone, Copy, Debug)]
pub struct Recipe<'a> {
    pub cargo: &'a str,
    pub workspace: &'a Path,
    /// The target folder. It is one of its own, so that all profiles of the calling program share
    /// these builds and never wait for each other's lock.
    pub target: &'a Path,
    pub triple: &'a str,
    pub aim: Aim,
}

/// A program that was built.
#[derive(Clone, Debug)]
pub struct Built {
    pub program: &'static str,
    /// The compressed program.
    pub gzip: PathBuf,
    /// All files that it was made of.
    pub sources: Vec<PathBuf>,
}

impl Recipe<'_> {
    /// Builds the companions and the remote, which carries their digests, and puts
    /// `PROGRAM-TRIPLE.gz` of each into a folder. The remote is the last.
    ///
    /// # Errors
    /// What cargo or the file system said.
    pub fn build(&self, folder: &Path) -> Result<Vec<Built>, String> {
        let (mut built, mut digests) = (Vec::new(), Vec::new());
        for companion in COMPANIONS {
            let binary = self.compile(companion.package, companion.program, &digests)?;
            let (one, digest) = self.compress(binary, companion.program, folder)?;
            built.push(one);
            digests.push((companion.digest, digest));
        }
        let binary = self.compile(REMOTE, REMOTE, &digests)?;
        built.push(self.compress(binary, REMOTE, folder)?.0);
        Ok(built)
    }

    fn compile(
        &self,
        package: &str,
        program: &str,
        digests: &[(&str, String)],
    ) -> Result<PathBuf, String> {
        let mut cargo = Command::new(self.cargo);
        cargo
            .current_dir(self.workspace)
            .args(["build", "--locked", "--package", package, "--bin", program])
            .args(["--profile", self.aim.profile(), "--target", self.triple, "--target-dir"])
            .arg(self.target);
        for name in foreign_variables() {
            cargo.env_remove(name);
        }
        cargo.envs(digests.iter().map(|(variable, digest)| (*variable, digest.as_str())));
        cargo.env("CARGO_ENCODED_RUSTFLAGS", RUST_FLAGS.join("\x1f"));
        let output = cargo.output().map_err(|why| format!("cargo cannot be run: {why}"))?;
        if !output.status.success() {
            return Err(format!(
                "{program} for {} cannot be built ({}); a static libc is needed (Debian: \
                 libc6-dev, Fedora: glibc-static)\n{}",
                self.triple,
                output.status,
                String::from_utf8_lossy(&output.stderr)
            ));
        }
        Ok(self.target.join(self.triple).join(self.aim.profile()).join(program))
    }

    /// Compresses a program; returns the digest of that as well.
    fn compress(
        &self,
        binary: PathBuf,
        program: &'static str,
        folder: &Path,
    ) -> Result<(Built, String), String> {
        let fault = |path: &Path, why: std::io::Error| format!("{}: {why}", path.display());
        let rule = binary.with_extension("d");
        let rule = fs::read_to_string(&rule).map_err(|why| fault(&rule, why))?;
        let mut bytes = fs::read(&binary).map_err(|why| fault(&binary, why))?;
        forget_unwinding(&mut bytes);
        let effort = match self.aim {
            Aim::Small => Compression::best(),
            Aim::Quick => Compression::fast(),
        };
        let mut encoder = GzEncoder::new(Vec::new(), effort);
        let gzip = encoder.write_all(&bytes).and_then(|()| encoder.finish());
        let gzip = gzip.map_err(|why| fault(&binary, why))?;
        let path = folder.join(format!("{program}-{}.gz", self.triple));
        fs::write(&path, &gzip).map_err(|why| fault(&path, why))?;
        let built = Built { program, gzip: path, sources: sources(&rule) };
        Ok((built, digest(&gzip)))
    }
}

/// Sections that only an unwinder reads.
const UNWINDING: [&[u8]; 2] = [b".eh_frame", b".eh_frame_hdr"];

/// Fills the tables for unwinding with zeros, which is how an empty table begins: nothing here
/// unwinds, and the C library's part of a static binary brings them all the same. It is a ninth of
/// what travels. What is no 64-bit ELF with sections stays as it is.
pub fn forget_unwinding(elf: &mut [u8]) {
    for (start, length) in unwinding_tables(elf).unwrap_or_default() {
        if let Some(table) = start.checked_add(length).and_then(|end| elf.get_mut(start..end)) {
            table.fill(0);
        }
    }
}

/// Where those tables are, and how long.
fn unwinding_tables(elf: &[u8]) -> Option<Vec<(usize, usize)>> {
    let number = |at: usize, count: usize| -> Option<usize> {
        let bytes = elf.get(at..at.checked_add(count)?)?;
        let sum = bytes
            .iter()
            .rev()
            .try_fold(0_usize, |sum, byte| sum.checked_mul(256)?.checked_add(usize::from(*byte)))?;
        Some(sum)
    };
    // A header of 64 bits in the little end's order (ELF-64 Object File Format, 1.5).
    elf.starts_with(b"\x7fELF\x02\x01").then_some(())?;
    let (table, size, count, names) =
        (number(0x28, 8)?, number(0x3a, 2)?, number(0x3c, 2)?, number(0x3e, 2)?);
    let header = |index: usize| table.checked_add(index.checked_mul(size)?);
    let names = number(header(names)?.checked_add(24)?, 8)?;
    let mut found = Vec::new();
    for index in 0..count {
        let header = header(index)?;
        let name = elf.get(names.checked_add(number(header, 4)?)?..)?;
        let name = name.split(|byte| *byte == 0).next()?;
        if UNWINDING.contains(&name) {
            found.push((number(header.checked_add(24)?, 8)?, number(header.checked_add(32)?, 8)?));
        }
    }
    Some(found)
}

/// The digest by which programs are asked for: `protocol::Digest`, BLAKE3 in hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

fn foreign_variables() -> Vec<OsString> {
    let named = FOREIGN_VARIABLES.iter().map(OsString::from);
    let prefixed = env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        FOREIGN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    });
    named.chain(prefixed).collect()
}

/// The files that a rule of a makefile depends on; blanks in names have a backslash before them.
fn sources(rule: &str) -> Vec<PathBuf> {
    let (_, files) = rule.split_once(": ").unwrap_or_default();
    let files = files.replace("\\ ", "\0");
    files.split_whitespace().map(|file| file.replace('\0', " ").into()).collect()
}
