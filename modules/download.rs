//! A file that comes from a web server and takes its place on the host: what `get_url`, `uri` and
//! `unarchive` share.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use module::{
    Failure, FileArguments, FileMode, Host, Placement,
    file_arguments::FILE_MODE,
    host::{Links, Temporary},
    metadata::since_epoch,
};
use std::time::SystemTime;

/// A download before it is in its place; it must be given to [`Downloaded::discard`].
pub struct Downloaded {
    pub path: PathBuf,
}

impl Downloaded {
    /// Streams a content into a new file that nobody else can read.
    ///
    /// # Errors
    /// A stream that ends too early, and a folder that cannot be written.
    pub fn receive(
        host: &mut dyn Host,
        folder: &Path,
        content: &mut dyn Read,
    ) -> Result<Self, Failure> {
        let wanted = Temporary {
            folder: folder.to_owned(),
            prefix: ".trueup-download-".into(),
            suffix: String::new(),
            is_dir: false,
        };
        let path = host.make_temporary(&wanted)?;
        let placement = Placement { mode: Some(FileMode::new(0o600)), ..Placement::default() };
        match host.write(&path, content, &placement) {
            Ok(()) => Ok(Self { path }),
            Err(why) => {
                Self { path }.discard(host);
                Err(why.into())
            }
        }
    }

    /// Removes it.
    pub fn discard(self, host: &mut dyn Host) {
        // It is of no use any more, and what is left of it does no harm.
        let _ = host.remove_file(&self.path);
    }
}

/// The folder for downloads: the task's, or that of the host.
///
/// # Errors
/// A folder of the task's that is none.
pub fn temporary_folder(host: &dyn Host, wanted: Option<&Path>) -> Result<PathBuf, Failure> {
    let Some(folder) = wanted else {
        let found = host.variable("TMPDIR").filter(|folder| folder.starts_with('/'));
        return Ok(found.unwrap_or_else(|| "/tmp".into()).into());
    };
    match host.metadata(folder)? {
        Some(found) if found.is_dir() => Ok(folder.to_owned()),
        Some(_) => {
            Err(Failure::new(format!("{} is a file but should be a directory.", folder.display())))
        }
        None => Err(Failure::new(format!("{} directory does not exist.", folder.display()))),
    }
}

/// Puts a content in its place, with the attributes that the task says.
///
/// # Errors
/// What could not be written.
pub fn place(
    host: &mut dyn Host,
    file: &FileArguments,
    path: &Path,
    content: &mut dyn Read,
) -> Result<(), Failure> {
    let there = host.metadata(path)?;
    let (_, desired) = file.compare(host, path, there.as_ref(), FILE_MODE)?;
    let placement = file.placement(&desired)?;
    Ok(host.write(path, content, &placement)?)
}

/// Sets the attributes of a file that is there; says whether any differed.
///
/// # Errors
/// What could not be set.
pub fn dress(host: &mut dyn Host, file: &FileArguments, path: &Path) -> Result<bool, Failure> {
    let there = host.metadata(path)?;
    let (actual, desired) = file.compare(host, path, there.as_ref(), FILE_MODE)?;
    desired.apply(&actual, host, path, Links::Follow)?;
    Ok(actual != desired)
}

/// A moment as HTTP writes it: `Sat, 21 Nov 2026 06:15:52 GMT`.
pub fn http_date(moment: SystemTime) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let secs = since_epoch(moment).as_secs();
    let days = secs / 86_400;
    // Years begin in March here, so that the day that is only sometimes there is the last one.
    let shifted = days + 719_468;
    let era_day = shifted % 146_097;
    let era_year = (era_day - era_day / 1_460 + era_day / 36_524 - era_day / 146_096) / 365;
    let year_day = era_day - (365 * era_year + era_year / 4 - era_year / 100);
    let march_month = (5 * year_day + 2) / 153;
    let day = year_day - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12;
    let year = shifted / 146_097 * 400 + era_year + u64::from(month < 2);
    let name = |names: &[&'static str], at: u64| {
        usize::try_from(at).ok().and_then(|at| names.get(at)).copied().unwrap_or_default()
    };
    format!(
        "{}, {day:02} {} {year} {:02}:{:02}:{:02} GMT",
        name(&DAYS, days % 7),
        name(&MONTHS, month),
        secs / 3600 % 24,
        secs / 60 % 60,
        secs % 60
    )
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn dates_are_those_of_http() {
        for (secs, expected) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_795_241_752, "Sat, 21 Nov 2026 06:15:52 GMT"),
            (1_798_761_599, "Thu, 31 Dec 2026 23:59:59 GMT"),
        ] {
            assert_eq!(http_date(UNIX_EPOCH + Duration::from_secs(secs)), expected);
        }
    }
}
