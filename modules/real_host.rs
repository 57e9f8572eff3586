//! How tests run a module on the machine that they run on.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use module::{
    FileMode, Mode,
    machine::{Cancellation, Courier, Machine},
};
use protocol::{Digest, Json, Response, arguments::check};

use crate::CATALOGUE;

struct OneFile(PathBuf);

impl Courier for OneFile {
    fn fetch(&self, _: &Digest) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(std::fs::File::open(&self.0)?))
    }
    fn send(&self, _: &mut dyn Read) -> io::Result<()> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// A folder that is gone when this is.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("trueup-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// Runs a line of shell in it; says whether it succeeded.
    pub fn shell(&self, line: &str) -> bool {
        Command::new("sh")
            .args(["-c", line])
            .current_dir(&self.0)
            .status()
            .is_ok_and(|status| status.success())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Checks the arguments and runs the module; the controller holds one file, under any digest.
pub fn run(name: &str, args: &Json, is_check: bool, held: &Path) -> Response {
    let entry = CATALOGUE.find(name).unwrap();
    let given = args.as_object().unwrap();
    let (internal, given): (protocol::JsonMap, protocol::JsonMap) =
        given.clone().into_iter().partition(|(name, _)| name.starts_with('_'));
    let mut args = match check(&(entry.spec)().arguments, name, &given) {
        Ok(args) => args,
        Err(errors) => return Response::failure(format!("{errors:?}")),
    };
    args.extend(internal);
    let courier = OneFile(held.to_owned());
    let cancellation = Arc::new(Cancellation::new().unwrap());
    let path = std::env::var("PATH").unwrap_or_default();
    let mut host =
        Machine::new(vec![("PATH".into(), path)], FileMode::new(0o022), cancellation, &courier);
    (entry.run)(&args, Mode { check: is_check, diff: true }, &mut host)
}
