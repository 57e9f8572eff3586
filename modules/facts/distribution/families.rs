//! What Ansible calls distributions, and which of them are kin.

/// Families by the names of their distributions.
const FAMILIES: &[(&str, &[&str])] = &[
    (
        "RedHat",
        &[
            "RedHat",
            "RHEL",
            "Fedora",
            "CentOS",
            "Scientific",
            "SLC",
            "Ascendos",
            "CloudLinux",
            "PSBM",
            "OracleLinux",
            "OVS",
            "OEL",
            "Amazon",
            "Amzn",
            "Virtuozzo",
            "XenServer",
            "Alibaba",
            "EulerOS",
            "openEuler",
            "AlmaLinux",
            "Rocky",
            "TencentOS",
            "EuroLinux",
            "Kylin Linux Advanced Server",
            "MIRACLE",
        ],
    ),
    (
        "Debian",
        &[
            "Debian",
            "Ubuntu",
            "Raspbian",
            "Neon",
            "KDE neon",
            "Linux Mint",
            "SteamOS",
            "Devuan",
            "Kali",
            "Cumulus Linux",
            "Pop!_OS",
            "Parrot",
            "Pardus GNU/Linux",
            "Uos",
            "Deepin",
            "OSMC",
            "Linuxmint",
            "Univention Corporate Server",
        ],
    ),
    (
        "Suse",
        &[
            "SuSE",
            "SLES",
            "SLED",
            "openSUSE",
            "openSUSE Tumbleweed",
            "SLES_SAP",
            "SUSE_LINUX",
            "openSUSE Leap",
            "ALP-Dolomite",
            "SL-Micro",
            "openSUSE MicroOS",
        ],
    ),
    ("Archlinux", &["Archlinux", "Antergos", "Manjaro"]),
    ("Mandrake", &["Mandrake", "Mandriva"]),
    ("Slackware", &["Slackware"]),
    ("Altlinux", &["Altlinux"]),
    ("SMGL", &["SMGL"]),
    ("Gentoo", &["Gentoo", "Funtoo"]),
    ("Alpine", &["Alpine"]),
    ("ClearLinux", &["Clear Linux OS", "Clear Linux Mix"]),
    ("Flatcar", &["Flatcar"]),
    ("NixOS", &["NixOS"]),
];

/// Names by the `ID` of /etc/os-release, where the name is another than the ID in capitals.
const NAMES: &[(&str, &str)] = &[
    ("almalinux", "AlmaLinux"),
    ("altlinux", "Altlinux"),
    ("amzn", "Amazon"),
    ("arch", "Archlinux"),
    ("archarm", "Archlinux"),
    ("centos", "CentOS"),
    ("cloudlinux", "CloudLinux"),
    ("clear-linux-os", "Clear Linux OS"),
    ("cumulus-linux", "Cumulus Linux"),
    ("linuxmint", "Linux Mint"),
    ("neon", "KDE neon"),
    ("nixos", "NixOS"),
    ("ol", "OracleLinux"),
    ("openeuler", "openEuler"),
    ("pop", "Pop!_OS"),
    // Ansible sees Debian behind it.
    ("raspbian", "Debian"),
    ("rhel", "RedHat"),
    ("steamos", "SteamOS"),
    ("virtuozzo", "Virtuozzo"),
    ("eurolinux", "EuroLinux"),
    ("slackware", "Slackware"),
];

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters.flat_map(char::to_lowercase)).collect(),
        None => String::new(),
    }
}

/// What Ansible calls a distribution, by its `ID`.
pub fn name_of(id: &str) -> String {
    let known = NAMES.iter().find(|(known, _)| *known == id).map(|(_, name)| (*name).to_owned());
    known.unwrap_or_else(|| capitalized(id))
}

/// The family of a distribution; of one that nobody knows, that of a distribution it is like.
pub fn family(name: &str, like: &str) -> String {
    let of = |name: &str| {
        let known = FAMILIES.iter().find(|(_, names)| names.contains(&name));
        known.map(|(family, _)| (*family).to_owned())
    };
    let like_known = || {
        like.split_whitespace().find_map(|id| {
            let known = NAMES.iter().find(|(known, _)| *known == id).map(|(_, name)| *name);
            of(known.unwrap_or_default()).or_else(|| of(&capitalized(id)))
        })
    };
    of(name).or_else(like_known).unwrap_or_else(|| name.to_owned())
}
