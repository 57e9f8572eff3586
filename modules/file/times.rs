//! Times of access and change.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use module::{
    Delta, Failure, Host, Metadata,
    clock::parse_local,
    host::{Links, Stamp},
};

use super::{File, State, entry::Entry};

/// What a task asks of a time.
enum Wanted {
    Preserve,
    Now,
    At(SystemTime),
}

impl File {
    fn wanted(
        &self,
        host: &dyn Host,
        given: Option<&String>,
        format: &str,
    ) -> Result<Wanted, Failure> {
        let touches = self.state == Some(State::Touch);
        match given.map(String::as_str) {
            None if touches => Ok(Wanted::Now),
            None | Some("preserve" | "") => Ok(Wanted::Preserve),
            Some("now") => Ok(Wanted::Now),
            Some(text) => {
                let moment = parse_local(host, text, format).map_err(|failure| {
                    Failure::new(format!(
                        "Error while obtaining timestamp for time {text}: {}",
                        failure.msg
                    ))
                })?;
                Ok(Wanted::At(moment))
            }
        }
    }

    /// Notes in the delta which times the task sets.
    pub fn compare_times(
        &self,
        host: &dyn Host,
        there: Option<&Metadata>,
        delta: &mut Delta<Entry>,
    ) -> Result<(), Failure> {
        let seconds = |moment: SystemTime| module::metadata::since_epoch(moment).as_secs_f64();
        match self.wanted(host, self.access_time.as_ref(), &self.access_time_format)? {
            Wanted::At(moment) => {
                delta.desired.atime = Some(seconds(moment));
                delta.actual.atime = there.map(|found| found.accessed.as_secs_f64());
            }
            Wanted::Now if there.is_some() => delta.steps.push("set the time of access".into()),
            Wanted::Now | Wanted::Preserve => {}
        }
        match self.wanted(host, self.modification_time.as_ref(), &self.modification_time_format)? {
            Wanted::At(moment) => {
                delta.desired.mtime = Some(seconds(moment));
                delta.actual.mtime = there.map(|found| found.modified.as_secs_f64());
            }
            Wanted::Now if there.is_some() => delta.steps.push("set the time of change".into()),
            Wanted::Now | Wanted::Preserve => {}
        }
        Ok(())
    }

    /// Sets the times that differ.
    pub fn apply_times(
        &self,
        delta: &Delta<Entry>,
        host: &mut dyn Host,
        path: &Path,
        links: Links,
    ) -> Result<(), Failure> {
        let moment = |desired: Option<f64>, actual: Option<f64>, step: &str| {
            if delta.steps.iter().any(|known| known == step) {
                return Some(Stamp::Now);
            }
            let secs = desired.filter(|_| desired != actual)?;
            Some(Stamp::At(SystemTime::UNIX_EPOCH + Duration::from_secs_f64(secs)))
        };
        let accessed = moment(delta.desired.atime, delta.actual.atime, "set the time of access");
        let modified = moment(delta.desired.mtime, delta.actual.mtime, "set the time of change");
        if accessed.is_some() || modified.is_some() {
            host.set_times(path, accessed, modified, links)?;
        }
        Ok(())
    }
}
