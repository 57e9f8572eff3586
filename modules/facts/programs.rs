//! What installs software on the host, and what keeps it running.

use module::Program;
use protocol::{Json, JsonMap};
use serde_json::json;

use super::{Reader, distribution};

/// Installers by their paths, in the order in which they are looked for; of several the last is
/// taken, unless the distribution's own is among them.
const INSTALLERS: [(&str, &str); 22] = [
    ("/usr/bin/rpm-ostree", "atomic_container"),
    ("/usr/bin/yum", "yum"),
    ("/usr/bin/dnf5", "dnf5"),
    ("/usr/bin/dnf-3", "dnf"),
    ("/usr/bin/dnf", "dnf"),
    ("/usr/bin/apt-get", "apt"),
    ("/usr/bin/zypper", "zypper"),
    ("/usr/sbin/urpmi", "urpmi"),
    ("/usr/bin/pacman", "pacman"),
    ("/bin/opkg", "opkg"),
    ("/usr/pkg/bin/pkgin", "pkgin"),
    ("/opt/local/bin/pkgin", "pkgin"),
    ("/opt/local/bin/port", "macports"),
    ("/usr/local/bin/brew", "homebrew"),
    ("/sbin/apk", "apk"),
    ("/usr/bin/apk", "apk"),
    ("/usr/bin/emerge", "portage"),
    ("/usr/bin/xbps-install", "xbps"),
    ("/usr/bin/swupd", "swupd"),
    ("/usr/sbin/sorcery", "sorcery"),
    ("/usr/bin/installp", "installp"),
    ("/usr/sbin/pkg", "pkgng"),
];

/// What installs packages here, by the name of its module; `None` where nothing does.
pub fn package_provider(reader: &Reader<'_>) -> Option<&'static str> {
    let installed: Vec<&'static str> = INSTALLERS
        .into_iter()
        .filter(|(path, _)| reader.exists(path))
        .map(|(_, name)| name)
        .collect();
    let distribution = distribution::read(reader);
    let major: u32 = distribution.major_version.parse().unwrap_or_default();
    let own: &[&str] = match distribution.family.as_str() {
        "RedHat" if reader.exists("/run/ostree-booted") => &["atomic_container"],
        "RedHat" if distribution.name == "Fedora" && major >= 41 => &["dnf5", "dnf", "yum"],
        "RedHat" if distribution.name == "Amazon" && major < 2022 => &["yum", "dnf"],
        "RedHat" if distribution.name != "Fedora" && distribution.name != "Amazon" && major < 8 => {
            &["yum", "dnf"]
        }
        "RedHat" => &["dnf", "dnf5", "yum"],
        "Debian" => &["apt"],
        "Suse" => &["zypper"],
        "Archlinux" => &["pacman"],
        "Alpine" => &["apk"],
        "Gentoo" => &["portage"],
        _ => &[],
    };
    let own = own.iter().find_map(|name| installed.iter().find(|known| *known == name));
    own.or(installed.last()).copied()
}

/// `pkg_mgr`.
pub fn package_manager(reader: &Reader<'_>) -> JsonMap {
    let name = package_provider(reader).unwrap_or("unknown");
    JsonMap::from_iter([("pkg_mgr".to_owned(), name.into())])
}

/// `service_mgr`.
pub fn service_manager(reader: &Reader<'_>) -> JsonMap {
    JsonMap::from_iter([("service_mgr".to_owned(), manager(reader).into())])
}

/// What runs the services of the host.
pub fn manager(reader: &Reader<'_>) -> String {
    // The first process; a shell there is that of a container and says nothing.
    let first =
        reader.trimmed("/proc/1/comm").filter(|name| name != "init" && !name.ends_with("sh"));
    match first.as_deref() {
        Some("procd") => return "openwrt_init".into(),
        Some("runit-init") => return "runit".into(),
        Some("svscan") => return "svc".into(),
        Some("openrc-init") => return "openrc".into(),
        Some(other) => return other.to_owned(),
        None => {}
    }
    let init = reader.link_name("/sbin/init");
    let found = if is_systemd_running(reader) {
        "systemd"
    } else if reader.has_program("initctl") && reader.exists("/etc/init/") {
        "upstart"
    } else if reader.exists("/sbin/openrc") {
        "openrc"
    } else if reader.has_program("systemctl") && init.as_deref() == Some("systemd") {
        "systemd"
    } else if reader.exists("/etc/init.d/") {
        "sysvinit"
    } else if reader.exists("/etc/dinit.d/") {
        "dinit"
    } else {
        "service"
    };
    found.into()
}

/// Whether systemd runs the host, by the folders that it makes at its start (`man 3 sd_booted`).
fn is_systemd_running(reader: &Reader<'_>) -> bool {
    reader.has_program("systemctl")
        && ["/run/systemd/system", "/dev/.run/systemd", "/dev/.systemd"]
            .iter()
            .any(|path| reader.exists(path))
}

/// What Python is asked: its version, how it is called, what it is, and whether it speaks TLS: the
/// module behind `ssl`, since `ssl` itself takes as long to load as Python does to start.
const PYTHON: &str = "import sys
try:
 import _ssl; tls = 1
except ImportError: tls = 0
print(*sys.version_info, sys.executable, sys.implementation.name, tls, sep='\\n')";

/// `python` and `python_version`: the host's own Python, where it has one. Nothing here needs it,
/// but playbooks of the field ask.
///
/// `named` is the interpreter that the user names for the host; where it is not there, it is looked for
/// as if none were named.
pub fn python(reader: &Reader<'_>, named: Option<&str>) -> JsonMap {
    let Some(name) = named
        .into_iter()
        .chain(["/usr/bin/python3", "/usr/libexec/platform-python"])
        .find(|path| reader.exists(path) || !path.contains('/') && reader.has_program(path))
        .or_else(|| ["python3", "python"].into_iter().find(|name| reader.has_program(name)))
    else {
        return JsonMap::new();
    };
    let output = reader.output(&Program::new(name).args(["-I", "-S", "-c", PYTHON]));
    let text = output.filter(module::Output::is_success).map(|output| output.stdout_text());
    let text = text.unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let [major, minor, micro, level, serial, executable, kind, tls] = lines.as_slice() else {
        return JsonMap::new();
    };
    let number = |text: &str| text.parse::<u32>().unwrap_or_default();
    let version = [*major, *minor, *micro].map(number);
    let facts = json!({
        "version": {
            "major": version[0], "minor": version[1], "micro": version[2],
            "releaselevel": level, "serial": number(serial),
        },
        "version_info": [version[0], version[1], version[2], level, number(serial)],
        "executable": executable,
        "has_sslcontext": *tls == "1",
        "type": kind,
    });
    JsonMap::from_iter([
        ("python".to_owned(), facts),
        ("python_version".to_owned(), format!("{major}.{minor}.{micro}").into()),
    ])
}

/// `systemd`: its version and what it was built with.
pub fn systemd(reader: &Reader<'_>) -> JsonMap {
    if !is_systemd_running(reader) {
        return JsonMap::new();
    }
    let output = reader.output(&Program::new("systemctl").arg("--version"));
    let text = output.map(|output| output.stdout_text()).unwrap_or_default();
    let mut lines = text.lines();
    let version = lines.next().and_then(|line| line.split_whitespace().nth(1));
    let Some(version) = version.and_then(|word| word.parse::<u32>().ok()) else {
        return JsonMap::new();
    };
    let features = lines.next().unwrap_or_default();
    let facts: Json = json!({"version": version, "features": features});
    JsonMap::from_iter([("systemd".to_owned(), facts)])
}

#[cfg(test)]
mod tests {
    use module::{Output, fake::FakeHost};

    use super::*;

    #[test]
    fn python_is_the_one_that_is_named() {
        let mut host = FakeHost::default();
        for path in ["/usr/bin/python3", "/opt/own/bin/python"] {
            host.put(path, "");
            host.program(path, move |_, _| {
                Output::success(format!("3\n11\n2\nfinal\n0\n{path}\ncpython\n1\n"))
            });
        }
        for (named, expected) in [
            (None, "/usr/bin/python3"),
            (Some("/opt/own/bin/python"), "/opt/own/bin/python"),
            (Some("/opt/nosuch/python"), "/usr/bin/python3"),
        ] {
            let facts = python(&Reader::new(&host), named);
            assert_eq!(facts["python"]["executable"], expected);
        }
    }

    #[test]
    fn installers_are_those_of_the_distribution() {
        for (id, version, programs, expected) in [
            ("debian", "12", &["/usr/bin/apt-get"][..], Some("apt")),
            ("debian", "12", &["/usr/bin/apt-get", "/usr/bin/dnf", "/usr/bin/zypper"], Some("apt")),
            ("rocky", "9.3", &["/usr/bin/yum", "/usr/bin/dnf"], Some("dnf")),
            ("centos", "7", &["/usr/bin/yum"], Some("yum")),
            ("fedora", "41", &["/usr/bin/dnf", "/usr/bin/dnf5"], Some("dnf5")),
            ("fedora", "40", &["/usr/bin/dnf-3", "/usr/bin/dnf5"], Some("dnf")),
            ("amzn", "2", &["/usr/bin/yum"], Some("yum")),
            ("amzn", "2023", &["/usr/bin/yum", "/usr/bin/dnf"], Some("dnf")),
            ("alpine", "3.19", &["/sbin/apk"], Some("apk")),
            ("arch", "", &["/usr/bin/pacman", "/usr/bin/apt-get"], Some("pacman")),
            ("opensuse-leap", "15.5", &["/usr/bin/zypper"], Some("zypper")),
            ("frobnix", "1", &["/usr/bin/xbps-install"], Some("xbps")),
            ("frobnix", "1", &[], None),
        ] {
            let mut host = FakeHost::default();
            let name = match id {
                "debian" => "Debian GNU/Linux",
                "opensuse-leap" => "openSUSE Leap",
                "amzn" => "Amazon Linux",
                "rocky" => "Rocky Linux",
                "arch" => "Arch Linux",
                "fedora" => "Fedora",
                _ => id,
            };
            host.put(
                "/etc/os-release",
                format!("ID={id}\nNAME=\"{name}\"\nVERSION_ID=\"{version}\"\n"),
            );
            // Those whose name is not that of their family have a file that says it.
            match id {
                "rocky" | "centos" | "fedora" => {
                    let word = if id == "centos" { "CentOS" } else { name };
                    host.put("/etc/redhat-release", format!("{word} release {version}\n"));
                }
                "alpine" => host.put("/etc/alpine-release", format!("{version}.1\n")),
                _ => {}
            }
            for program in programs {
                host.put(program, "");
            }
            assert_eq!(package_provider(&Reader::new(&host)), expected, "{id} {version}");
        }
    }

    #[test]
    fn service_managers_are_probed() {
        for (files, expected) in [
            (&[("/proc/1/comm", "systemd\n")][..], "systemd"),
            (&[("/proc/1/comm", "runit-init\n")], "runit"),
            (&[("/proc/1/comm", "bash\n"), ("/run/systemd/system/x", "")], "systemd"),
            (&[("/proc/1/comm", "init\n"), ("/sbin/openrc", "")], "openrc"),
            (&[("/proc/1/comm", "init\n"), ("/etc/init.d/x", "")], "sysvinit"),
            (&[], "service"),
        ] {
            let mut host = FakeHost::default();
            host.program("systemctl", |_, _| {
                Output::success("systemd 252 (252.30-1)\n+PAM +AUDIT\n")
            });
            for (path, content) in files {
                host.put(path, *content);
            }
            assert_eq!(manager(&Reader::new(&host)), expected);
        }
    }

    #[test]
    fn systemd_tells_its_version() {
        let mut host = FakeHost::default();
        host.program("systemctl", |_, _| Output::success("systemd 252 (252.30-1)\n+PAM +AUDIT\n"));
        assert!(systemd(&Reader::new(&host)).is_empty());
        host.put_dirs("/run/systemd/system");
        let facts = systemd(&Reader::new(&host));
        assert_eq!(facts["systemd"], json!({"version": 252, "features": "+PAM +AUDIT"}));
    }
}
