//! Which distribution the host runs.

mod families;

use protocol::JsonMap;

use self::families::{family, name_of};
use super::Reader;

/// What a distribution is called, and the file that says so.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Distribution {
    pub name: String,
    pub version: String,
    pub release: String,
    pub major_version: String,
    pub minor_version: Option<String>,
    pub family: String,
    file_path: Option<&'static str>,
    file_variety: &'static str,
    /// Words that were looked for in the file.
    file_search: Option<&'static str>,
    /// Whether the file had anything to say.
    is_parsed: bool,
}

/// What is not known.
const UNKNOWN: &str = "n/a";

/// Reads what the release files say.
pub fn read(reader: &Reader<'_>) -> Distribution {
    let files = ["/etc/os-release", "/usr/lib/os-release"];
    let release = files.iter().find_map(|path| reader.assignments(path)).unwrap_or_default();
    let value = |key: &str| {
        let found = release.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    };
    let id = value("ID").unwrap_or("linux").to_owned();
    let pretty_name = value("NAME").unwrap_or_default().to_owned();
    let name = name_of(&id);
    let version = value("VERSION_ID").unwrap_or(UNKNOWN).to_owned();
    let mut found = Distribution {
        major_version: version.split('.').next().unwrap_or(UNKNOWN).to_owned(),
        release: codename(value("VERSION_CODENAME"), value("UBUNTU_CODENAME"), value("VERSION")),
        name,
        version,
        file_path: Some("/etc/os-release"),
        file_variety: "NA",
        is_parsed: true,
        ..Distribution::default()
    };
    by_files(reader, &id, &pretty_name, &mut found);
    found.family = family(&found.name, value("ID_LIKE").unwrap_or_default());
    found
}

/// What single distributions say in files of their own, and what they say otherwise in the common
/// one.
fn by_files(reader: &Reader<'_>, id: &str, pretty_name: &str, found: &mut Distribution) {
    let text = |path: &str| reader.trimmed(path).unwrap_or_default();
    match id {
        "debian" | "raspbian" => {
            found.file_variety = "Debian";
            let point = text("/etc/debian_version");
            if found.release == UNKNOWN
                && let Some((name, "sid")) = point.split_once('/')
            {
                found.release = name.to_owned();
            }
            // /etc/os-release knows no point releases.
            if let Some((major, minor)) =
                point.split_once('.').filter(|(major, _)| *major == found.major_version)
            {
                found.minor_version = Some(minor.to_owned());
                if id == "debian" {
                    found.version = format!("{major}.{minor}");
                }
            }
        }
        "ubuntu" | "kali" | "linuxmint" | "devuan" | "parrot" | "neon" | "steamos" | "deepin"
        | "uos" | "cumulus-linux" => {
            found.file_variety = "Debian";
        }
        "alpine" => {
            found.file_variety = "Alpine";
            found.file_path = Some("/etc/alpine-release");
        }
        "arch" | "archarm" | "manjaro" => {
            found.file_variety = "Archlinux";
            if reader.exists("/etc/arch-release") {
                found.name = "Archlinux".into();
                found.file_path = Some("/etc/arch-release");
                // The file is empty.
                found.is_parsed = false;
            }
        }
        "amzn" => {
            found.file_variety = "Amazon";
            found.minor_version = Some(match found.version.split_once('.') {
                Some((_, minor)) => minor.to_owned(),
                None => "NA".into(),
            });
        }
        "flatcar" => found.file_variety = "Flatcar",
        "clear-linux-os" => found.file_variety = "ClearLinux",
        "ol" => {
            found.file_variety = "OracleLinux";
            found.file_path = Some("/etc/oracle-release");
            found.file_search = Some("Oracle Linux");
        }
        _ if id.starts_with("opensuse") || id.starts_with("sle") || id.starts_with("suse") => {
            suse(pretty_name, found);
        }
        _ => red_hat(reader, id, found),
    }
}

fn suse(pretty_name: &str, found: &mut Distribution) {
    found.file_variety = "SUSE";
    found.name = match pretty_name {
        "" => "SUSE".into(),
        name => name.replace("SUSE Linux Enterprise Server for SAP Applications", "SLES_SAP"),
    };
    // Service packs and minor versions stand behind the point.
    let minor = found.version.split_once('.').map(|(_, minor)| minor.to_owned());
    found.release = match minor {
        Some(minor) => minor,
        None if found.name.contains("Tumbleweed") || found.name.contains("MicroOS") => {
            String::new()
        }
        None => "0".into(),
    };
}

fn red_hat(reader: &Reader<'_>, id: &str, found: &mut Distribution) {
    let line = reader.trimmed("/etc/redhat-release").unwrap_or_default();
    if line.is_empty() {
        return;
    }
    found.file_variety = "RedHat";
    found.file_path = Some("/etc/redhat-release");
    match id {
        "rhel" => found.file_search = Some("Red Hat"),
        "centos" => {
            if line.contains("CentOS Stream") {
                found.file_variety = "CentOS";
                found.file_path = Some("/etc/centos-release");
                found.release = "Stream".into();
            }
            // `CentOS Linux release 7.9.2009 (Core)`: the common file knows only the 7.
            let full = line
                .split_whitespace()
                .find(|word| word.starts_with(|letter: char| letter.is_ascii_digit()));
            if let Some(full) = full {
                found.version = full.split('.').take(2).collect::<Vec<_>>().join(".");
            }
        }
        _ => {}
    }
}

/// The name of a release: by its own key, else in parentheses or behind a comma of the version.
fn codename(own: Option<&str>, ubuntu: Option<&str>, version: Option<&str>) -> String {
    if let Some(name) = own.or(ubuntu) {
        return name.to_owned();
    }
    let version = version.unwrap_or_default();
    let inner = match version.split_once('(') {
        Some((_, rest)) => rest.split(')').next().unwrap_or_default(),
        None => version.split_once(',').map_or("", |(_, rest)| rest),
    };
    match inner.trim() {
        "" => UNKNOWN.into(),
        name => name.to_owned(),
    }
}

impl Distribution {
    /// `distribution*` and `os_family`.
    pub fn facts(self) -> JsonMap {
        let mut facts = JsonMap::new();
        let mut insert = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                facts.insert(name.into(), value.into());
            }
        };
        insert("distribution", Some(self.name));
        insert("distribution_version", Some(self.version));
        insert("distribution_release", Some(self.release));
        insert("distribution_major_version", Some(self.major_version));
        insert("distribution_minor_version", self.minor_version);
        insert("distribution_file_path", self.file_path.map(str::to_owned));
        insert("distribution_file_variety", Some(self.file_variety.to_owned()));
        insert("distribution_file_search_string", self.file_search.map(str::to_owned));
        insert("os_family", Some(self.family));
        if self.is_parsed {
            facts.insert("distribution_file_parsed".into(), true.into());
        }
        facts
    }
}

#[cfg(test)]
mod tests {
    use module::fake::FakeHost;
    use protocol::Json;

    use super::*;

    /// Release files, and what they say: name, version, major version, release, family, the file,
    /// its variety, and whether it had anything to say.
    type Case = (&'static [(&'static str, &'static str)], [&'static str; 7], bool);

    const CASES: &[Case] = &[
        (
            &[
                (
                    "os-release",
                    "NAME=\"AlmaLinux\"\nVERSION=\"9.3 (Shamrock Pampas Cat)\"\nID=\"almalinux\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.3\"\nPRETTY_NAME=\"AlmaLinux 9.3 (Shamrock Pampas Cat)\"\n",
                ),
                ("redhat-release", "AlmaLinux release 9.3 (Shamrock Pampas Cat)\n"),
            ],
            [
                "AlmaLinux",
                "9.3",
                "9",
                "Shamrock Pampas Cat",
                "RedHat",
                "/etc/redhat-release",
                "RedHat",
            ],
            true,
        ),
        (
            &[
                ("alpine-release", "3.19.1\n"),
                (
                    "os-release",
                    "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.19.1\nPRETTY_NAME=\"Alpine Linux v3.19\"\n",
                ),
            ],
            ["Alpine", "3.19.1", "3", "n/a", "Alpine", "/etc/alpine-release", "Alpine"],
            true,
        ),
        (
            &[
                (
                    "os-release",
                    "NAME=\"Amazon Linux\"\nVERSION=\"2023\"\nID=\"amzn\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"2023\"\nPRETTY_NAME=\"Amazon Linux 2023\"\n",
                ),
                ("system-release", "Amazon Linux release 2023 (Amazon Linux)\n"),
            ],
            ["Amazon", "2023", "2023", "n/a", "RedHat", "/etc/os-release", "Amazon"],
            true,
        ),
        (
            &[
                (
                    "os-release",
                    "NAME=\"Amazon Linux\"\nVERSION=\"2\"\nID=\"amzn\"\nID_LIKE=\"centos rhel fedora\"\nVERSION_ID=\"2\"\nPRETTY_NAME=\"Amazon Linux 2\"\n",
                ),
                ("system-release", "Amazon Linux release 2 (Karoo)\n"),
            ],
            ["Amazon", "2", "2", "n/a", "RedHat", "/etc/os-release", "Amazon"],
            true,
        ),
        (
            &[
                ("arch-release", ""),
                (
                    "os-release",
                    "NAME=\"Arch Linux\"\nPRETTY_NAME=\"Arch Linux\"\nID=arch\nBUILD_ID=rolling\n",
                ),
            ],
            ["Archlinux", "n/a", "n/a", "n/a", "Archlinux", "/etc/arch-release", "Archlinux"],
            false,
        ),
        (
            &[
                ("centos-release", "CentOS Stream release 9\n"),
                (
                    "os-release",
                    "NAME=\"CentOS Stream\"\nVERSION=\"9\"\nID=\"centos\"\nID_LIKE=\"rhel fedora\"\nVERSION_ID=\"9\"\nPRETTY_NAME=\"CentOS Stream 9\"\n",
                ),
                ("redhat-release", "CentOS Stream release 9\n"),
            ],
            ["CentOS", "9", "9", "Stream", "RedHat", "/etc/centos-release", "CentOS"],
            true,
        ),
        (
            &[
                ("centos-release", "CentOS Linux release 7.9.2009 (Core)\n"),
                (
                    "os-release",
                    "NAME=\"CentOS Linux\"\nVERSION=\"7 (Core)\"\nID=\"centos\"\nID_LIKE=\"rhel fedora\"\nVERSION_ID=\"7\"\nPRETTY_NAME=\"CentOS Linux 7 (Core)\"\n",
                ),
                ("redhat-release", "CentOS Linux release 7.9.2009 (Core)\n"),
            ],
            ["CentOS", "7.9", "7", "Core", "RedHat", "/etc/redhat-release", "RedHat"],
            true,
        ),
        (
            &[
                (
                    "os-release",
                    "NAME=\"Fedora Linux\"\nVERSION=\"40 (Server Edition)\"\nID=fedora\nVERSION_ID=40\nPRETTY_NAME=\"Fedora Linux 40 (Server Edition)\"\n",
                ),
                ("redhat-release", "Fedora release 40 (Forty)\n"),
            ],
            ["Fedora", "40", "40", "Server Edition", "RedHat", "/etc/redhat-release", "RedHat"],
            true,
        ),
        (
            &[(
                "os-release",
                "NAME=\"Flatcar Container Linux by Kinvolk\"\nID=flatcar\nID_LIKE=coreos\nVERSION=3815.2.0\nVERSION_ID=3815.2.0\nPRETTY_NAME=\"Flatcar Container Linux\"\n",
            )],
            ["Flatcar", "3815.2.0", "3815", "n/a", "Flatcar", "/etc/os-release", "Flatcar"],
            true,
        ),
        (
            &[
                ("gentoo-release", "Gentoo Base System release 2.14\n"),
                (
                    "os-release",
                    "NAME=Gentoo\nID=gentoo\nPRETTY_NAME=\"Gentoo Linux\"\nVERSION_ID=\"2.14\"\n",
                ),
            ],
            ["Gentoo", "2.14", "2", "n/a", "Gentoo", "/etc/os-release", "NA"],
            true,
        ),
        (
            &[
                ("debian_version", "kali-rolling\n"),
                (
                    "os-release",
                    "PRETTY_NAME=\"Kali GNU/Linux Rolling\"\nNAME=\"Kali GNU/Linux\"\nVERSION_ID=\"2024.1\"\nVERSION=\"2024.1\"\nVERSION_CODENAME=kali-rolling\nID=kali\nID_LIKE=debian\n",
                ),
            ],
            ["Kali", "2024.1", "2024", "kali-rolling", "Debian", "/etc/os-release", "Debian"],
            true,
        ),
        (
            &[(
                "os-release",
                "NAME=\"openSUSE Leap\"\nVERSION=\"15.5\"\nID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\nVERSION_ID=\"15.5\"\nPRETTY_NAME=\"openSUSE Leap 15.5\"\nCPE_NAME=\"cpe:/o:opensuse:leap:15.5\"\n",
            )],
            ["openSUSE Leap", "15.5", "15", "5", "Suse", "/etc/os-release", "SUSE"],
            true,
        ),
        (
            &[
                ("arch-release", ""),
                (
                    "os-release",
                    "NAME=\"Manjaro Linux\"\nID=manjaro\nID_LIKE=arch\nPRETTY_NAME=\"Manjaro Linux\"\n",
                ),
            ],
            ["Archlinux", "n/a", "n/a", "n/a", "Archlinux", "/etc/arch-release", "Archlinux"],
            false,
        ),
        (
            &[
                ("debian_version", "bookworm/sid\n"),
                (
                    "lsb-release",
                    "DISTRIB_ID=LinuxMint\nDISTRIB_RELEASE=21.3\nDISTRIB_CODENAME=virginia\nDISTRIB_DESCRIPTION=\"Linux Mint 21.3 Virginia\"\n",
                ),
                (
                    "os-release",
                    "NAME=\"Linux Mint\"\nVERSION=\"21.3 (Virginia)\"\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\nPRETTY_NAME=\"Linux Mint 21.3\"\nVERSION_ID=\"21.3\"\nVERSION_CODENAME=virginia\nUBUNTU_CODENAME=jammy\n",
                ),
            ],
            ["Linux Mint", "21.3", "21", "virginia", "Debian", "/etc/os-release", "Debian"],
            true,
        ),
        (
            &[(
                "os-release",
                "NAME=\"NixOS\"\nID=nixos\nVERSION_ID=\"23.11\"\nVERSION_CODENAME=tapir\n",
            )],
            ["NixOS", "23.11", "23", "tapir", "NixOS", "/etc/os-release", "NA"],
            true,
        ),
        (
            &[
                ("oracle-release", "Oracle Linux Server release 8.9\n"),
                (
                    "os-release",
                    "NAME=\"Oracle Linux Server\"\nVERSION=\"8.9\"\nID=\"ol\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"8.9\"\nPRETTY_NAME=\"Oracle Linux Server 8.9\"\n",
                ),
                ("redhat-release", "Red Hat Enterprise Linux release 8.9 (Ootpa)\n"),
            ],
            ["OracleLinux", "8.9", "8", "n/a", "RedHat", "/etc/oracle-release", "OracleLinux"],
            true,
        ),
        (
            &[
                ("debian_version", "bookworm/sid\n"),
                (
                    "os-release",
                    "NAME=\"Pop!_OS\"\nVERSION=\"22.04 LTS\"\nID=pop\nID_LIKE=\"ubuntu debian\"\nVERSION_ID=\"22.04\"\nVERSION_CODENAME=jammy\nUBUNTU_CODENAME=jammy\n",
                ),
            ],
            ["Pop!_OS", "22.04", "22", "jammy", "Debian", "/etc/os-release", "NA"],
            true,
        ),
        (
            &[
                ("debian_version", "11.8\n"),
                (
                    "os-release",
                    "PRETTY_NAME=\"Raspbian GNU/Linux 11 (bullseye)\"\nNAME=\"Raspbian GNU/Linux\"\nVERSION_ID=\"11\"\nVERSION=\"11 (bullseye)\"\nVERSION_CODENAME=bullseye\nID=raspbian\nID_LIKE=debian\n",
                ),
            ],
            ["Debian", "11", "11", "bullseye", "Debian", "/etc/os-release", "Debian"],
            true,
        ),
        (
            &[
                (
                    "os-release",
                    "NAME=\"Red Hat Enterprise Linux\"\nVERSION=\"8.6 (Ootpa)\"\nID=\"rhel\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"8.6\"\nPRETTY_NAME=\"Red Hat Enterprise Linux 8.6 (Ootpa)\"\n",
                ),
                ("redhat-release", "Red Hat Enterprise Linux release 8.6 (Ootpa)\n"),
            ],
            ["RedHat", "8.6", "8", "Ootpa", "RedHat", "/etc/redhat-release", "RedHat"],
            true,
        ),
        (
            &[
                (
                    "os-release",
                    "NAME=\"Rocky Linux\"\nVERSION=\"9.3 (Blue Onyx)\"\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.3\"\nPRETTY_NAME=\"Rocky Linux 9.3 (Blue Onyx)\"\n",
                ),
                ("redhat-release", "Rocky Linux release 9.3 (Blue Onyx)\n"),
                ("system-release", "Rocky Linux release 9.3 (Blue Onyx)\n"),
            ],
            ["Rocky", "9.3", "9", "Blue Onyx", "RedHat", "/etc/redhat-release", "RedHat"],
            true,
        ),
        (
            &[
                ("debian_version", "trixie/sid\n"),
                (
                    "os-release",
                    "PRETTY_NAME=\"Debian GNU/Linux trixie/sid\"\nNAME=\"Debian GNU/Linux\"\nVERSION_CODENAME=trixie\nID=debian\n",
                ),
            ],
            ["Debian", "n/a", "n/a", "trixie", "Debian", "/etc/os-release", "Debian"],
            true,
        ),
        (
            &[(
                "os-release",
                "NAME=\"SLES\"\nVERSION=\"15-SP5\"\nVERSION_ID=\"15.5\"\nPRETTY_NAME=\"SUSE Linux Enterprise Server 15 SP5\"\nID=\"sles\"\nID_LIKE=\"suse\"\n",
            )],
            ["SLES", "15.5", "15", "5", "Suse", "/etc/os-release", "SUSE"],
            true,
        ),
        (
            &[(
                "os-release",
                "NAME=\"openSUSE Tumbleweed\"\nID=\"opensuse-tumbleweed\"\nID_LIKE=\"opensuse suse\"\nVERSION_ID=\"20240101\"\nPRETTY_NAME=\"openSUSE Tumbleweed\"\n",
            )],
            ["openSUSE Tumbleweed", "20240101", "20240101", "", "Suse", "/etc/os-release", "SUSE"],
            true,
        ),
        (
            &[
                ("debian_version", "bookworm/sid\n"),
                (
                    "lsb-release",
                    "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\nDISTRIB_CODENAME=jammy\nDISTRIB_DESCRIPTION=\"Ubuntu 22.04.4 LTS\"\n",
                ),
                (
                    "os-release",
                    "NAME=\"Ubuntu\"\nVERSION_ID=\"22.04\"\nVERSION=\"22.04.4 LTS (Jammy Jellyfish)\"\nVERSION_CODENAME=jammy\nID=ubuntu\nID_LIKE=debian\nPRETTY_NAME=\"Ubuntu 22.04.4 LTS\"\nUBUNTU_CODENAME=jammy\n",
                ),
            ],
            ["Ubuntu", "22.04", "22", "jammy", "Debian", "/etc/os-release", "Debian"],
            true,
        ),
    ];

    fn facts(files: &[(&str, &str)]) -> JsonMap {
        let mut host = FakeHost::default();
        for (name, content) in files {
            host.put(&format!("/etc/{name}"), *content);
        }
        read(&Reader::new(&host)).facts()
    }

    #[test]
    fn distributions_are_called_as_ansible_calls_them() {
        for (files, expected, is_parsed) in CASES {
            let facts = facts(files);
            let names = [
                "distribution",
                "distribution_version",
                "distribution_major_version",
                "distribution_release",
                "os_family",
                "distribution_file_path",
                "distribution_file_variety",
            ];
            let found: Vec<&str> =
                names.iter().filter_map(|name| facts.get(*name).and_then(Json::as_str)).collect();
            assert_eq!(found, expected, "{files:?}");
            assert_eq!(facts.contains_key("distribution_file_parsed"), *is_parsed, "{files:?}");
        }
    }

    #[test]
    fn a_point_release_of_debian_is_known() {
        let release = "NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\n\
                       VERSION_CODENAME=bookworm\nID=debian\n";
        let facts = facts(&[("os-release", release), ("debian_version", "12.11\n")]);
        assert_eq!(facts["distribution_version"], "12.11");
        assert_eq!(facts["distribution_minor_version"], "11");
        assert_eq!(facts["distribution_release"], "bookworm");
    }

    #[test]
    fn what_nobody_knows_is_its_own_family() {
        let facts = facts(&[("os-release", "ID=frobnix\nNAME=Frobnix\nVERSION_ID=1.2\n")]);
        assert_eq!(
            (&facts["distribution"], &facts["os_family"]),
            (&"Frobnix".into(), &"Frobnix".into())
        );
        let facts = self::facts(&[]);
        assert_eq!(facts["distribution"], "Linux");
        assert_eq!(facts["distribution_version"], "n/a");
    }
}
