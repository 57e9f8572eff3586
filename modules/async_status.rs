//! The `async_status` module.

use std::path::PathBuf;

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Guard, Host, Mode as RunMode,
    Returned,
};
use protocol::{JsonMap, Response, spec::Support};

/// Says what has come of a job that a task with `async` has started.
///
/// A job writes what came of it into a file of its user's; this reads that file, or removes it. The
/// file is not what a check run is about, so it is read and removed there too.
#[derive(Debug, Arguments)]
pub struct AsyncStatus {
    /// The job, as `ansible_job_id` names it.
    jid: String,
    /// What to do.
    #[argument(default = "status")]
    mode: Mode,
    /// Folder of the jobs' files.
    #[argument(internal)]
    async_dir: Option<PathBuf>,
}

/// What to do with the file of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
pub enum Mode {
    /// Remove it.
    Cleanup,
    /// Return what it says.
    Status,
}

/// Where jobs leave their files where nothing else is said.
const FOLDER: &str = "~/.ansible_async";

impl Documented for AsyncStatus {
    const NAME: &'static str = "ansible.builtin.async_status";
    const EXAMPLES: &'static [Example] = &[
        Example { title: "How a job does", args: r#"{"jid": "j360874038559.4169"}"# },
        Example {
            title: "What a job left is removed",
            args: r#"{"jid": "j360874038559.4169", "mode": "cleanup"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("ansible_job_id", "The job.", "always", r#""j360874038559.4169""#),
        Returned::new("started", "1 where the job was started.", "always", "1"),
        Returned::new("finished", "1 where the job has ended.", "always", "1"),
        Returned::new(
            "erased",
            "The file that was removed.",
            "cleanup",
            r#""/root/.ansible_async/j360874038559.4169""#,
        ),
    ];
    const DIFF_MODE: Support = Support::None;
}

impl AsyncStatus {
    fn file(&self, host: &dyn Host) -> PathBuf {
        let folder = match &self.async_dir {
            Some(folder) => folder.display().to_string(),
            None => FOLDER.to_owned(),
        };
        PathBuf::from(module::path::expand(host, &folder)).join(&self.jid)
    }

    fn status(&self, host: &dyn Host) -> Result<Response, Failure> {
        let path = self.file(host);
        let place = path.display().to_string();
        let known = |finished: u8| {
            let mut returned = JsonMap::new();
            returned.insert("ansible_job_id".into(), self.jid.clone().into());
            returned.insert("results_file".into(), place.clone().into());
            returned.insert("started".into(), 1.into());
            returned.insert("finished".into(), finished.into());
            returned
        };
        let bytes = host.read(&path)?.unwrap_or_default();
        // A file that holds nothing belongs to a job that has only begun.
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Response { returned: known(0), ..Response::default() });
        }
        match serde_json::from_slice::<JsonMap>(&bytes) {
            Ok(mut result) => {
                if !result.contains_key("started") {
                    result.insert("finished".into(), 1.into());
                    result.insert("ansible_job_id".into(), self.jid.clone().into());
                } else if !result.contains_key("finished") {
                    result.insert("finished".into(), 0.into());
                }
                result.entry("results_file").or_insert_with(|| place.clone().into());
                Ok(Response::from_result(result))
            }
            Err(_) => {
                let text = String::from_utf8_lossy(&bytes);
                let msg = format!("Could not parse job output: {text}");
                Err(Failure { msg, returned: known(1) })
            }
        }
    }
}

impl Action for AsyncStatus {
    fn guard(&self, host: &dyn Host, _: RunMode) -> Result<Guard, Failure> {
        if host.metadata(&self.file(host))?.is_none() {
            return Err(Failure::new("could not find job")
                .with("ansible_job_id", self.jid.clone())
                .with("started", 1)
                .with("finished", 1));
        }
        Ok(Guard::Go)
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        match self.mode {
            Mode::Status => self.status(host),
            Mode::Cleanup => Ok(Response::default()),
        }
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        if self.mode == Mode::Status {
            return self.status(host);
        }
        let path = self.file(host);
        host.remove_file(&path)?;
        let mut response = Response::default();
        response.returned.insert("ansible_job_id".into(), self.jid.clone().into());
        response.returned.insert("erased".into(), path.display().to_string().into());
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use protocol::Json;
    use serde_json::json;

    use crate::CATALOGUE;

    /// What comes of asking for a job whose file holds a text, or is not there.
    fn ask(file: Option<&str>, mode: &str) -> (Json, bool, Option<String>) {
        let mut host = FakeHost::default();
        if let Some(text) = file {
            host.put("/jobs/j1.2", text);
        }
        let entry = CATALOGUE.find("async_status").unwrap();
        let args = json!({"jid": "j1.2", "mode": mode, "_async_dir": "/jobs"});
        let args = args.as_object().unwrap().clone();
        let response = (entry.run)(&args, Mode { check: false, diff: false }, &mut host);
        (Json::Object(response.returned), response.failed, response.msg)
    }

    #[test]
    fn files_say_how_jobs_do() {
        let begun = r#"{"started": 1, "finished": 0, "ansible_job_id": "j1.2"}"#;
        let (running, failed, _) = ask(Some(begun), "status");
        assert!(running["finished"] == 0 && running["started"] == 1 && !failed);
        let (empty, failed, _) = ask(Some(""), "status");
        assert!(empty["finished"] == 0 && empty["results_file"] == "/jobs/j1.2" && !failed);
        let (ended, failed, msg) = ask(Some(r#"{"rc": 3, "failed": true, "msg": "no"}"#), "status");
        assert!(ended["finished"] == 1 && ended["ansible_job_id"] == "j1.2" && failed);
        assert_eq!(msg.as_deref(), Some("no"));
        let (erased, failed, _) = ask(Some(begun), "cleanup");
        assert!(erased["erased"] == "/jobs/j1.2" && !failed);
    }

    #[test]
    fn what_is_no_job_is_refused() {
        for mode in ["status", "cleanup"] {
            let (result, failed, msg) = ask(None, mode);
            assert!(failed && result["finished"] == 1, "{mode}");
            assert_eq!(msg.as_deref(), Some("could not find job"));
        }
        let (_, failed, msg) = ask(Some("{half"), "status");
        assert!(failed && msg.unwrap().starts_with("Could not parse job output: {half"));
    }
}
