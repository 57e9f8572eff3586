//! What single distributions say in files of their own, or in a way of their own in the common one.

use module::Program;

use super::{Distribution, UNKNOWN, guess::groups};
use crate::facts::Reader;

/// A kind of release file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Variety {
    Alpine,
    Alt,
    Amazon,
    Arch,
    CentOs,
    ClearLinux,
    CoreOs,
    Debian,
    Flatcar,
    Gentoo,
    Mandriva,
    OpenWrt,
    Oracle,
    RedHat,
    Slackware,
    SourceMage,
    Suse,
    VmWare,
    /// The common file, of those that have no other.
    Common,
}

/// Which files are asked, in order: where each is, what kind it is, and whether it has only to be
/// there.
pub const FILES: &[(&str, Variety, bool)] = &[
    ("/etc/altlinux-release", Variety::Alt, false),
    ("/etc/oracle-release", Variety::Oracle, false),
    ("/etc/slackware-version", Variety::Slackware, false),
    ("/etc/centos-release", Variety::CentOs, false),
    ("/etc/redhat-release", Variety::RedHat, false),
    ("/etc/vmware-release", Variety::VmWare, true),
    ("/etc/openwrt_release", Variety::OpenWrt, false),
    (COMMON, Variety::Amazon, false),
    ("/etc/system-release", Variety::Amazon, false),
    ("/etc/alpine-release", Variety::Alpine, false),
    ("/etc/arch-release", Variety::Arch, true),
    (COMMON, Variety::Arch, false),
    (COMMON, Variety::Suse, false),
    ("/etc/SuSE-release", Variety::Suse, false),
    ("/etc/gentoo-release", Variety::Gentoo, false),
    (COMMON, Variety::Debian, false),
    ("/etc/lsb-release", Variety::Debian, false),
    ("/etc/lsb-release", Variety::Mandriva, false),
    ("/etc/sourcemage-release", Variety::SourceMage, false),
    ("/usr/lib/os-release", Variety::ClearLinux, false),
    ("/etc/coreos/update.conf", Variety::CoreOs, false),
    (COMMON, Variety::Flatcar, false),
    (COMMON, Variety::Common, false),
];

const COMMON: &str = "/etc/os-release";

/// What a file says; what it leaves out stays as it was guessed.
#[derive(Debug, Default)]
pub struct Said {
    pub name: Option<String>,
    pub version: Option<String>,
    pub release: Option<String>,
    pub major_version: Option<String>,
    pub minor_version: Option<String>,
    /// Words that were found in the file.
    pub search: Option<&'static str>,
}

impl Said {
    /// With a name where the file says none.
    pub fn or_named(self, name: &str) -> Self {
        Self { name: self.name.or_else(|| Some(name.to_owned())), ..self }
    }

    fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }

    /// With a version, and what stands before its first point.
    fn with_version(self, version: Option<String>) -> Self {
        let Some(version) = version else { return self };
        let major = version.split('.').next().unwrap_or_default().to_owned();
        Self { version: Some(version), major_version: Some(major), ..self }
    }

    fn with_release(self, release: Option<String>) -> Self {
        Self { release, ..self }
    }
}

impl Variety {
    /// What Ansible calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Alpine => "Alpine",
            Self::Alt => "Altlinux",
            Self::Amazon => "Amazon",
            Self::Arch => "Archlinux",
            Self::CentOs => "CentOS",
            Self::ClearLinux => "ClearLinux",
            Self::CoreOs => "Coreos",
            Self::Debian => "Debian",
            Self::Flatcar => "Flatcar",
            Self::Gentoo => "Gentoo",
            Self::Mandriva => "Mandriva",
            Self::OpenWrt => "OpenWrt",
            Self::Oracle => "OracleLinux",
            Self::RedHat => "RedHat",
            Self::Slackware => "Slackware",
            Self::SourceMage => "SMGL",
            Self::Suse => "SUSE",
            Self::VmWare => "VMwareESX",
            Self::Common => "NA",
        }
    }

    /// Reads a file of this kind; `None` where it says nothing of such a distribution.
    pub fn read(
        self,
        path: &str,
        text: &str,
        guessed: &Distribution,
        reader: &Reader<'_>,
    ) -> Option<Said> {
        let text = text.trim().trim_matches(['\'', '"', '\\']);
        let named_in = |words: &str| text.contains(words).then(|| Said::named(self.name()));
        match self {
            Self::Alt => by_words(self, "ALT", text),
            Self::Oracle => by_words(self, "Oracle Linux", text),
            Self::RedHat => by_words(self, "Red Hat", text),
            Self::SourceMage => by_words(self, "Source Mage GNU/Linux", text),
            Self::Arch => named_in("Arch Linux"),
            Self::Slackware => {
                Some(Said { version: first(r"(\w+[.]\w+\+?)", text), ..named_in("Slackware")? })
            }
            Self::OpenWrt | Self::Mandriva => {
                let said = named_in(self.name())?;
                let version = first("DISTRIB_RELEASE=\"(.*)\"", text);
                Some(
                    Said { version, ..said }.with_release(first("DISTRIB_CODENAME=\"(.*)\"", text)),
                )
            }
            Self::CentOs => centos(text),
            Self::Amazon => amazon(path, named_in("Amazon")?, text),
            Self::Alpine => Some(Said { version: Some(text.to_owned()), ..Said::default() }),
            Self::Suse => suse(path, text, guessed, reader),
            Self::Debian => debian(text, guessed, reader),
            Self::ClearLinux => clear_linux(text),
            Self::CoreOs => (guessed.name == "Coreos").then(|| {
                let release = first("^GROUP=(.*)", text).map(|group| unquoted(&group));
                Said::default().with_release(release)
            }),
            Self::Flatcar => (guessed.name == "Flatcar").then(|| {
                let version = first("VERSION=(.*)", text).map(|version| unquoted(&version));
                Said::default().with_version(version)
            }),
            Self::Common => Some(common(text, guessed)),
            // Of these there is nothing to read.
            Self::Gentoo | Self::VmWare => None,
        }
    }
}

/// What the one group of a pattern takes where it is first found.
fn first(pattern: &str, text: &str) -> Option<String> {
    let [found] = groups(pattern, text, false)?;
    found
}

fn unquoted(text: &str) -> String {
    text.trim_matches('"').to_owned()
}

/// A distribution that is known by words in its file; its kin by the first word there.
fn by_words(variety: Variety, words: &'static str, text: &str) -> Option<Said> {
    if text.contains(words) {
        return Some(Said { search: Some(words), ..Said::named(variety.name()) });
    }
    Some(Said::named(text.split_whitespace().next()?))
}

fn centos(text: &str) -> Option<Said> {
    if text.contains("CentOS Stream") {
        return Some(Said::default().with_release(Some("Stream".into())));
    }
    text.contains("TencentOS Server").then(|| Said::named("TencentOS"))
}

fn amazon(path: &str, said: Said, text: &str) -> Option<Said> {
    if path != COMMON {
        let is_number = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit());
        let version = text.split_whitespace().find(is_number).unwrap_or(UNKNOWN);
        return Some(Said { version: Some(version.to_owned()), ..said });
    }
    let version = first("VERSION_ID=\"(.*)\"", text);
    let minor_version = version.as_ref().map(|version| match version.split_once('.') {
        Some((_, minor)) => minor.to_owned(),
        None => UNKNOWN.into(),
    });
    Some(Said { minor_version, ..said.with_version(version) })
}

fn suse(path: &str, text: &str, guessed: &Distribution, reader: &Reader<'_>) -> Option<Said> {
    let small = text.to_lowercase();
    if !small.contains("suse") {
        return None;
    }
    let (is_open, is_enterprise) = (small.contains("open"), small.contains("enterprise"));
    let mut said = Said::default();
    if path == COMMON {
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("NAME=") {
                said.name = Some(unquoted(name));
            }
            if let Some(version) = first("^VERSION_ID=\"?([0-9]+\\.?[0-9]*)\"?", line) {
                // Service packs and minor versions stand behind the point.
                let minor = version.split_once('.').map_or("", |(_, minor)| minor).to_owned();
                match (is_open, minor.as_str()) {
                    (false, _) if !is_enterprise => {}
                    (false, "") => said.release = Some("0".into()),
                    _ => said.release = Some(minor),
                }
                said = said.with_version(Some(version));
            }
        }
    } else if is_open {
        said.name = text.split_whitespace().next().map(str::to_owned);
        said.release = first(r"CODENAME *= *([^\n]+)", text).map(|name| name.trim().to_owned());
    } else if is_enterprise {
        said.name = match () {
            () if text.contains("Server") => Some("SLES".into()),
            () if text.contains("Desktop") => Some("SLED".into()),
            () => None,
        };
        if let Some(level) = first("PATCHLEVEL = ([0-9]+)", text) {
            said.version = Some(format!("{}.{level}", guessed.version));
            said.release = Some(level);
        }
    }
    let product = reader.link_name("/etc/products.d/baseproduct");
    if product.is_some_and(|name| name.ends_with("SLES_SAP.prod")) {
        said.name = Some("SLES_SAP".into());
    }
    Some(said)
}

fn debian(text: &str, guessed: &Distribution, reader: &Reader<'_>) -> Option<Said> {
    let has = |words: &str| text.contains(words);
    let quoted_version = || first("VERSION_ID=\"(.*)\"", text);
    if has("Debian") || has("Raspbian") {
        let mut said = Said::named("Debian");
        said.release = first(r"PRETTY_NAME=[^(]+ \(?([^)]+?)\)", text);
        if guessed.release == UNKNOWN && has("Debian") && said.release.is_none() {
            said.release = release_by_tzdata(reader);
        }
        let point = reader.text("/etc/debian_version").unwrap_or_default();
        said.minor_version = first(r"\d+\.(\d+)", &point);
        return Some(said);
    }
    if has("Ubuntu") {
        return Some(Said::named("Ubuntu"));
    }
    if has("SteamOS") {
        return Some(Said::named("SteamOS"));
    }
    if has("Kali") || has("Parrot") {
        let name = if has("Kali") { "Kali" } else { "Parrot" };
        return Some(Said::named(name).with_release(first("DISTRIB_RELEASE=(.*)", text)));
    }
    if has("Devuan") {
        let release = first("PRETTY_NAME=\"?[^(\"]+ \\(?([^) \"]+)\\)?", text);
        let version = quoted_version();
        let said = Said { major_version: version.clone(), version, ..Said::named("Devuan") };
        return Some(said.with_release(release));
    }
    if has("Cumulus") {
        let said = Said::named("Cumulus Linux").with_version(first("VERSION_ID=(.*)", text));
        return Some(said.with_release(first("VERSION=\"(.*)\"", text)));
    }
    if has("Mint") {
        return Some(Said::named("Linux Mint").with_version(quoted_version()));
    }
    let name = match () {
        () if has("UOS") || has("Uos") || has("uos") => "Uos",
        () if has("Deepin") || has("deepin") => "Deepin",
        () => return None,
    };
    let said = Said::named(name).with_version(quoted_version());
    Some(said.with_release(first("VERSION_CODENAME=\"?([^\"]+)\"?", text)))
}

/// Debian's release where its files do not tell it: what the time zones' package provides.
fn release_by_tzdata(reader: &Reader<'_>) -> Option<String> {
    if !reader.has_program("dpkg") {
        return None;
    }
    let output = reader.output(&Program::new("dpkg").args(["--status", "tzdata"]))?;
    first(r"(?:^|\n)Provides: tzdata-(\S+)", &output.stdout_text())
}

fn clear_linux(text: &str) -> Option<Said> {
    let name = first("NAME=\"(.*)\"", text);
    if name.as_ref().is_some_and(|name| !name.contains("Clear Linux")) {
        return None;
    }
    let version = first("VERSION_ID=(.*)", text);
    let said = Said { name, major_version: version.clone(), version, ..Said::default() };
    Some(said.with_release(first("ID=(.*)", text)))
}

fn common(text: &str, guessed: &Distribution) -> Said {
    let mut said = Said::default();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("NAME=") {
            said.name = Some(unquoted(name));
        }
        if let Some(version) = line.strip_prefix("VERSION=")
            && guessed.version == UNKNOWN
        {
            said.version = Some(unquoted(version));
        }
    }
    said
}
