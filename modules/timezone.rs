//! The `timezone` module of the collection `community.general`.

use std::path::{Path, PathBuf};

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, Host, Module, Placement, Program,
    Returned,
};
use protocol::JsonMap;
use serde::Serialize;

use crate::tool;

const ZONES: &str = "/usr/share/zoneinfo";
const LINK: &str = "/etc/localtime";
/// Where the name stands by itself, on systems that keep it.
const NAME: &str = "/etc/timezone";
const ADJTIME: &str = "/etc/adjtime";

/// Keeps the time zone of the host, and which time its hardware clock shows.
///
/// With systemd, `timedatectl` sets both; else the files are written.
#[derive(Debug, Arguments)]
#[arguments(required_one_of(["hwclock", "name"]))]
pub struct TimeZone {
    /// The zone, as the folder of zones has it: `Europe/Berlin`.
    name: Option<String>,
    /// Which time the hardware clock shows.
    #[argument(aliases("rtc"))]
    hwclock: Option<Clock>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Clock {
    #[choice("local")]
    Local,
    #[choice("UTC")]
    Utc,
}

/// Zone and hardware clock, as far as the task manages them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Setting {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hwclock: Option<Clock>,
}

impl Documented for TimeZone {
    const NAME: &'static str = "community.general.timezone";
    const ALIASES: &'static [&'static str] = &["timezone"];
    const EXAMPLES: &'static [Example] =
        &[Example { title: "A zone", args: r#"{"name": "Asia/Tokyo"}"# }];
    const RETURNS: &'static [Returned] = &[];
}

impl TimeZone {
    fn has_manager(host: &dyn Host) -> Result<bool, Failure> {
        let is_running = host.metadata(Path::new("/run/systemd/system"))?.is_some();
        Ok(is_running && host.which("timedatectl").is_some())
    }

    fn zone(host: &dyn Host) -> Result<String, Failure> {
        let link = Path::new(LINK);
        if host.link_metadata(link)?.is_some_and(|found| found.is_link()) {
            let target = host.read_link(link)?.display().to_string();
            if let Some((_, name)) = target.split_once("zoneinfo/") {
                return Ok(name.to_owned());
            }
        }
        let bytes = host.read(Path::new(NAME))?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    fn clock(host: &dyn Host) -> Result<Clock, Failure> {
        let bytes = host.read(Path::new(ADJTIME))?.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        Ok(if text.lines().any(|line| line.trim() == "LOCAL") { Clock::Local } else { Clock::Utc })
    }

    fn set_clock(host: &mut dyn Host, clock: Clock) -> Result<(), Failure> {
        let bytes = host.read(Path::new(ADJTIME))?.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let mut lines: Vec<&str> = text.lines().take(2).collect();
        // Drift and the time of the last look, of which nothing is known.
        lines.resize(2, "");
        let [drift, looked] = [lines[0], lines[1]];
        let drift = if drift.is_empty() { "0.0 0 0.0" } else { drift };
        let looked = if looked.is_empty() { "0" } else { looked };
        let word = if clock == Clock::Local { "LOCAL" } else { "UTC" };
        let text = format!("{drift}\n{looked}\n{word}\n");
        Ok(host.write(Path::new(ADJTIME), &mut text.as_bytes(), &Placement::default())?)
    }
}

impl Module for TimeZone {
    type State = Setting;

    fn check(&self, host: &dyn Host) -> Result<Delta<Setting>, Failure> {
        let mut delta = Delta::new(Setting::default(), Setting::default());
        if let Some(name) = &self.name {
            let is_plain = !name.starts_with('/') && !name.split('/').any(|part| part == "..");
            let file = Path::new(ZONES).join(name);
            if !is_plain || !host.metadata(&file)?.is_some_and(|found| found.is_file()) {
                return Err(Failure::new(format!("given timezone \"{name}\" is not available")));
            }
            delta.actual.name = Some(Self::zone(host)?);
            delta.desired.name = Some(name.clone());
        }
        if let Some(clock) = self.hwclock {
            delta.actual.hwclock = Some(Self::clock(host)?);
            delta.desired.hwclock = Some(clock);
        }
        Ok(delta)
    }

    fn apply(&self, delta: &Delta<Setting>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let is_managed = Self::has_manager(host)?;
        if let Some(name) = self.name.as_ref().filter(|_| delta.actual.name != delta.desired.name) {
            if is_managed {
                tool::run(host, &Program::new("timedatectl").args(["set-timezone", name]))?;
            } else {
                host.symlink(&PathBuf::from(ZONES).join(name), Path::new(LINK))?;
            }
            // Debian keeps the name by itself too.
            if host.metadata(Path::new(NAME))?.is_some() && Self::name_alone(host)? != *name {
                let text = format!("{name}\n");
                host.write(Path::new(NAME), &mut text.as_bytes(), &Placement::default())?;
            }
        }
        if let Some(clock) = self.hwclock.filter(|_| delta.actual.hwclock != delta.desired.hwclock)
        {
            if is_managed {
                let word = if clock == Clock::Local { "1" } else { "0" };
                tool::run(host, &Program::new("timedatectl").args(["set-local-rtc", word]))?;
            } else {
                Self::set_clock(host, clock)?;
            }
        }
        Ok(JsonMap::new())
    }

    fn returned(&self, _: &Delta<Setting>, _: &dyn Host) -> Result<JsonMap, Failure> {
        Ok(JsonMap::new())
    }
}

impl TimeZone {
    fn name_alone(host: &dyn Host) -> Result<String, Failure> {
        let bytes = host.read(Path::new(NAME))?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/usr/share/zoneinfo/Asia/Tokyo", "TZif");
        host.put("/usr/share/zoneinfo/Etc/UTC", "TZif");
        host.put_link("/etc/localtime", "/usr/share/zoneinfo/Etc/UTC");
        host.put("/etc/timezone", "Etc/UTC\n");
        host.program("timedatectl", |files, program| {
            if let [verb, name] = program.args.as_slice()
                && verb == "set-timezone"
            {
                files.remove(std::path::Path::new("/etc/localtime"));
                files.put("/etc/timezone", format!("{name}\n"));
            }
            Output::success("")
        });
        host
    }

    #[test]
    fn zones_are_kept() {
        for systemd in [false, true] {
            let mut host = host();
            if systemd {
                host.put_dirs("/run/systemd/system");
            }
            for (args, changed) in [
                (json!({"name": "Etc/UTC"}), false),
                (json!({"name": "Asia/Tokyo"}), true),
                (json!({"name": "Asia/Tokyo"}), false),
                (json!({"hwclock": "UTC"}), false),
            ] {
                let response = run("timezone", &args, "", "", Mode::default(), &mut host);
                assert_eq!(
                    (response.failed, response.changed),
                    (false, changed),
                    "{args}: {response:?}"
                );
            }
            assert_eq!(host.files.text("/etc/timezone").as_deref(), Some("Asia/Tokyo\n"));
        }
        let mut host = host();
        assert!(
            run("timezone", &json!({"rtc": "local"}), "", "", Mode::default(), &mut host).changed
        );
        assert_eq!(host.files.text("/etc/adjtime").as_deref(), Some("0.0 0 0.0\n0\nLOCAL\n"));
    }

    #[test]
    fn what_is_no_zone_is_refused() {
        for (args, words) in [
            (json!({"name": "Nowhere"}), "given timezone \"Nowhere\" is not available"),
            (json!({"name": "../../etc/passwd"}), "is not available"),
            (json!({"hwclock": "UTC+1"}), "must be one of: local, UTC"),
            (json!({}), "one of the following is required: hwclock, name"),
        ] {
            let response = run("timezone", &args, "", "", Mode::default(), &mut host());
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
    }
}
