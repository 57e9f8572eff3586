//! One run of `apt-get`.

use std::{path::Path, time::Duration};

use module::{Failure, FileMode, Host, Output, Placement, Program};
use protocol::{Diff, Response};

/// How the line of a run begins that had nothing to do.
const NOTHING: &str = "0 upgraded, 0 newly installed, 0 to remove";

/// What decides whether services start while packages are installed.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// How long is waited between two tries for a lock.
const LOCK_STEP: Duration = Duration::from_secs(2);

/// A run of `apt-get` and what it may do.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    /// `install`, `remove`, …
    pub verb: &'static str,
    /// Options before the verb.
    pub options: Vec<String>,
    /// Packages.
    pub packages: Vec<String>,
    /// How long another user of dpkg's lock is waited for.
    pub lock_timeout_secs: u32,
    /// Exit status of policy-rc.d while it runs.
    pub policy_rc_d: Option<u8>,
}

impl Transaction {
    fn program(&self) -> Program {
        let mut program = Program::new("apt-get")
            .arg("-y")
            .args(self.options.iter().cloned())
            .args(["-o", &format!("DPkg::Lock::Timeout={}", self.lock_timeout_secs)])
            .arg(self.verb);
        if !self.packages.is_empty() {
            program = program.arg("--").args(self.packages.iter().cloned());
        }
        program
            .variable("DEBIAN_FRONTEND", "noninteractive")
            .variable("DEBIAN_PRIORITY", "critical")
    }

    /// Says what a run would do.
    ///
    /// # Errors
    /// What apt refuses.
    pub fn simulate(&self, host: &dyn Host) -> Result<Response, Failure> {
        let simulated = Self {
            options: self.options.iter().cloned().chain(["--simulate".into()]).collect(),
            ..self.clone()
        };
        let program = simulated.program();
        answer(&program, &host.query(&program)?)
    }

    /// Runs it; waits where others hold the lock.
    ///
    /// # Errors
    /// What apt refuses.
    pub fn execute(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let kept = match self.policy_rc_d {
            Some(status) => Some(Policy::put(host, status)?),
            None => None,
        };
        let result = self.execute_alone(host);
        match kept {
            // Both failures are of interest; that of apt is told.
            Some(kept) => match (result, kept.restore(host)) {
                (Ok(_), Err(failure)) => Err(failure),
                (result, _) => result,
            },
            None => result,
        }
    }

    fn execute_alone(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let program = self.program();
        let begin = host.now();
        loop {
            let output = host.execute(&program)?;
            // apt before 1.9.11 does not wait by itself.
            let waited = host.now().duration_since(begin).unwrap_or_default();
            let is_over = waited.as_secs() >= self.lock_timeout_secs.into();
            if output.is_success() || is_over || !is_locked(&output) {
                return answer(&program, &output);
            }
            host.pause(LOCK_STEP)?;
        }
    }
}

fn is_locked(output: &Output) -> bool {
    let said = output.stderr_text();
    said.contains("Could not get lock") || said.contains("Unable to acquire the dpkg frontend lock")
}

fn answer(program: &Program, output: &Output) -> Result<Response, Failure> {
    let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
    if !output.is_success() {
        return Err(Failure::new(format!("'{}' failed: {stderr}", program.line()))
            .with("rc", output.status)
            .with("stdout", stdout)
            .with("stderr", stderr));
    }
    let mut response = Response { changed: !is_idle(&stdout), ..Response::default() };
    let prepared = difference(&stdout);
    response.diff = vec![Diff { prepared: Some(prepared), ..Diff::default() }];
    response.returned.insert("stdout".into(), stdout.into());
    response.returned.insert("stderr".into(), stderr.into());
    Ok(response)
}

fn is_idle(stdout: &str) -> bool {
    stdout.lines().any(|line| line.starts_with(NOTHING))
}

/// What apt says that it will do, from behind its preparations to its summary.
fn difference(stdout: &str) -> String {
    let lines: Vec<&str> = stdout.lines().collect();
    let start = lines.iter().position(|line| *line == "Reading state information...");
    let rest = lines.get(start.map_or(0, |at| at + 1)..).unwrap_or_default();
    let is_summary = |line: &&str| {
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        digits > 0 && line.get(digits..).is_some_and(|rest| rest.starts_with(" upgraded"))
    };
    let end = rest.iter().position(is_summary).map_or(rest.len(), |at| at + 1);
    rest.get(..end).unwrap_or_default().join("\n")
}

/// A policy-rc.d of ours, and where the host's own is meanwhile.
struct Policy {
    kept: Option<String>,
}

impl Policy {
    fn put(host: &mut dyn Host, status: u8) -> Result<Self, Failure> {
        let path = Path::new(POLICY);
        let kept = match host.link_metadata(path)? {
            Some(_) => {
                let kept = format!("{POLICY}.trueup");
                host.rename(path, Path::new(&kept))?;
                Some(kept)
            }
            None => None,
        };
        let content = format!("#!/bin/sh\nexit {status}\n");
        let placement = Placement { mode: Some(FileMode::new(0o755)), ..Placement::default() };
        host.write(path, &mut content.as_bytes(), &placement)?;
        Ok(Self { kept })
    }

    fn restore(self, host: &mut dyn Host) -> Result<(), Failure> {
        match self.kept {
            Some(kept) => host.rename(Path::new(&kept), Path::new(POLICY))?,
            None => host.remove_file(Path::new(POLICY))?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use module::fake::FakeHost;

    use super::*;

    #[test]
    fn only_a_run_of_nothing_is_idle() {
        for (line, expected) in [
            ("0 upgraded, 0 newly installed, 0 to remove and 3 not upgraded.", true),
            ("10 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.", false),
            ("0 upgraded, 10 newly installed, 0 to remove and 0 not upgraded.", false),
            ("0 upgraded, 0 newly installed, 10 to remove and 0 not upgraded.", false),
        ] {
            assert_eq!(is_idle(&format!("Reading...\n{line}\n")), expected, "{line}");
        }
    }

    #[test]
    fn the_difference_is_what_apt_announces() {
        let said = "Reading package lists...\nReading state information...\nThe following NEW \
                    packages will be installed:\n  sl\n0 upgraded, 1 newly installed, 0 to remove and \
                    124 not upgraded.\nInst sl\n";
        assert_eq!(
            difference(said),
            "The following NEW packages will be installed:\n  sl\n0 upgraded, 1 newly installed, 0 \
             to remove and 124 not upgraded."
        );
        assert_eq!(difference("something else"), "something else");
        assert_eq!(difference(""), "");
    }

    #[test]
    fn locks_are_waited_for() {
        let mut host = FakeHost::default();
        host.put("/tries", "");
        host.program("apt-get", |files, _| {
            let tries = files.text("/tries").unwrap() + "x";
            files.put("/tries", tries.clone());
            if tries.len() < 3 {
                Output::failure(100, "E: Could not get lock /x\n")
            } else {
                Output::success("")
            }
        });
        let mut transaction =
            Transaction { verb: "install", lock_timeout_secs: 60, ..Transaction::default() };
        assert!(transaction.execute(&mut host).unwrap().changed);
        assert_eq!(host.paused.get().as_secs(), 4);
        host.put("/tries", "");
        transaction.lock_timeout_secs = 1;
        let failure = transaction.execute(&mut host).unwrap_err();
        assert!(failure.msg.contains("failed: E: Could not get lock"), "{}", failure.msg);
    }

    #[test]
    fn the_policy_of_services_is_put_back() {
        for own in [None, Some("own")] {
            let mut host = FakeHost::default();
            host.put_dirs("/usr/sbin");
            if let Some(own) = own {
                host.put(POLICY, own);
            }
            host.program("apt-get", |files, _| Output::success(files.text(POLICY).unwrap()));
            let transaction = Transaction { policy_rc_d: Some(101), ..Transaction::default() };
            let response = transaction.execute(&mut host).unwrap();
            assert_eq!(response.returned["stdout"], "#!/bin/sh\nexit 101\n");
            assert_eq!(host.files.text(POLICY).as_deref(), own);
            host.program("apt-get", |_, _| Output::failure(1, "no"));
            assert!(transaction.execute(&mut host).is_err());
            assert_eq!(host.files.text(POLICY).as_deref(), own);
        }
    }
}
