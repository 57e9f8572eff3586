//! Release files of distributions, and what ansible-core makes of them where they are the only ones.

/// Release files, and what they say: name, version, major version, release, family, the file,
/// its variety, and whether it had anything to say.
pub type Case = (&'static [(&'static str, &'static str)], [&'static str; 7], bool);

pub const CASES: &[Case] = &[
    (
        &[
            (
                "os-release",
                "NAME=\"AlmaLinux\"\nVERSION=\"9.3 (Shamrock Pampas Cat)\"\nID=\"almalinux\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.3\"\nPRETTY_NAME=\"AlmaLinux 9.3 (Shamrock Pampas Cat)\"\n",
            ),
            ("redhat-release", "AlmaLinux release 9.3 (Shamrock Pampas Cat)\n"),
        ],
        ["AlmaLinux", "9.3", "9", "Shamrock Pampas Cat", "RedHat", "/etc/redhat-release", "RedHat"],
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
        ["Alpine", "3.19.1", "3", "NA", "Alpine", "/etc/alpine-release", "Alpine"],
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
        ["Amazon", "2023", "2023", "NA", "RedHat", "/etc/os-release", "Amazon"],
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
        ["Amazon", "2", "2", "NA", "RedHat", "/etc/os-release", "Amazon"],
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
        ["Archlinux", "NA", "NA", "NA", "Archlinux", "/etc/arch-release", "Archlinux"],
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
        ["Flatcar", "3815.2.0", "3815", "NA", "Flatcar", "/etc/os-release", "Flatcar"],
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
        ["Gentoo", "2.14", "2", "NA", "Gentoo", "/etc/os-release", "NA"],
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
        ["Archlinux", "NA", "NA", "NA", "Archlinux", "/etc/arch-release", "Archlinux"],
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
        ["OracleLinux", "8.9", "8", "NA", "RedHat", "/etc/oracle-release", "OracleLinux"],
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
        ["Debian", "trixie/sid", "trixie/sid", "trixie", "Debian", "/etc/os-release", "Debian"],
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
    (
        &[
            ("centos-release", "CentOS release 6.10 (Final)\n"),
            ("redhat-release", "CentOS release 6.10 (Final)\n"),
            ("system-release", "CentOS release 6.10 (Final)\n"),
        ],
        ["CentOS", "6.10", "6", "Final", "RedHat", "/etc/redhat-release", "RedHat"],
        true,
    ),
    (
        &[("redhat-release", "Red Hat Enterprise Linux Server release 6.10 (Santiago)\n")],
        ["RedHat", "6.10", "6", "Santiago", "RedHat", "/etc/redhat-release", "RedHat"],
        true,
    ),
    (
        &[
            ("redhat-release", "Scientific Linux release 7.9 (Nitrogen)\n"),
            (
                "os-release",
                "NAME=\"Scientific Linux\"\nVERSION=\"7.9 (Nitrogen)\"\nID=\"scientific\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"7.9\"\n",
            ),
        ],
        ["Scientific", "7.9", "7", "Nitrogen", "RedHat", "/etc/redhat-release", "RedHat"],
        true,
    ),
    (
        &[("system-release", "Amazon Linux release 2 (Karoo)\n")],
        ["Amazon", "2", "NA", "NA", "RedHat", "/etc/system-release", "Amazon"],
        true,
    ),
    (
        &[(
            "SuSE-release",
            "SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 4\n",
        )],
        ["SLES", "11.4", "11", "4", "Suse", "/etc/SuSE-release", "SUSE"],
        true,
    ),
    (
        &[(
            "os-release",
            "NAME=\"SL-Micro\"\nVERSION=\"6.1\"\nVERSION_ID=\"6.1\"\nPRETTY_NAME=\"SUSE Linux Micro 6.1\"\nID=\"sl-micro\"\nID_LIKE=\"suse\"\n",
        )],
        ["SL-Micro", "6.1", "6", "NA", "Suse", "/etc/os-release", "SUSE"],
        true,
    ),
    (
        &[
            (
                "os-release",
                "NAME=\"openEuler\"\nVERSION=\"22.03 (LTS-SP3)\"\nID=\"openEuler\"\nVERSION_ID=\"22.03\"\n",
            ),
            ("openEuler-release", "openEuler release 22.03 (LTS-SP3)\n"),
        ],
        ["openEuler", "22.03", "22", "LTS-SP3", "RedHat", "/etc/os-release", "NA"],
        true,
    ),
    (
        &[(
            "os-release",
            "NAME=\"Pardus GNU/Linux\"\nVERSION=\"23\"\nID=pardus\nID_LIKE=debian\nVERSION_ID=\"23\"\nVERSION_CODENAME=yirmiuc\nPRETTY_NAME=\"Pardus GNU/Linux 23 (yirmiuc)\"\n",
        )],
        ["Pardus GNU/Linux", "23", "23", "yirmiuc", "Debian", "/etc/os-release", "NA"],
        true,
    ),
    (
        &[(
            "os-release",
            "NAME=\"Devuan GNU/Linux\"\nID=devuan\nID_LIKE=debian\nPRETTY_NAME=\"Devuan GNU/Linux 5 (daedalus)\"\nVERSION_ID=\"5\"\nVERSION=\"5 (daedalus)\"\n",
        )],
        ["Devuan", "5", "5", "daedalus", "Debian", "/etc/os-release", "Debian"],
        true,
    ),
    (
        &[(
            "os-release",
            "NAME=\"Cumulus Linux\"\nVERSION_ID=4.4.5\nVERSION=\"Cumulus Linux 4.4.5\"\nID=cumulus-linux\nID_LIKE=debian\n",
        )],
        [
            "Cumulus Linux",
            "4.4.5",
            "4",
            "Cumulus Linux 4.4.5",
            "Debian",
            "/etc/os-release",
            "Debian",
        ],
        true,
    ),
    (
        &[
            ("slackware-version", "Slackware 15.0\n"),
            ("os-release", "NAME=Slackware\nVERSION=\"15.0\"\nID=slackware\nVERSION_ID=15.0\n"),
        ],
        ["Slackware", "15.0", "15", "NA", "Slackware", "/etc/slackware-version", "Slackware"],
        true,
    ),
    (
        &[
            (
                "openwrt_release",
                "DISTRIB_ID=\"OpenWrt\"\nDISTRIB_RELEASE=\"23.05.2\"\nDISTRIB_CODENAME=\"r23630\"\n",
            ),
            (
                "os-release",
                "NAME=\"OpenWrt\"\nVERSION=\"23.05.2\"\nID=\"openwrt\"\nVERSION_ID=\"23.05.2\"\n",
            ),
        ],
        ["OpenWrt", "23.05.2", "23", "NA", "OpenWrt", "/etc/openwrt_release", "OpenWrt"],
        true,
    ),
    (
        &[
            ("altlinux-release", "ALT Server 10.1 (Mendelevium)\n"),
            ("os-release", "NAME=\"ALT Server\"\nVERSION=\"10.1\"\nID=altlinux\nVERSION_ID=10.1\n"),
        ],
        ["Altlinux", "10.1", "10", "Mendelevium", "Altlinux", "/etc/altlinux-release", "Altlinux"],
        true,
    ),
    (
        &[(
            "os-release",
            "NAME=\"Deepin\"\nPRETTY_NAME=\"Deepin 23\"\nID=deepin\nVERSION_ID=\"23\"\nVERSION_CODENAME=beige\n",
        )],
        ["Deepin", "23", "23", "beige", "Debian", "/etc/os-release", "Debian"],
        true,
    ),
    (
        &[(
            "os-release",
            "NAME=\"Ubuntu\"\nVERSION=\"14.04.6 LTS, Trusty Tahr\"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"14.04\"\n",
        )],
        ["Ubuntu", "14.04", "14", "Trusty Tahr", "Debian", "/etc/os-release", "Debian"],
        true,
    ),
    (
        &[("os-release", "NAME=\"Clear Linux OS\"\nID=clear-linux-os\nVERSION_ID=41000\n")],
        ["Clear Linux OS", "41000", "41000", "NA", "ClearLinux", "/etc/os-release", "NA"],
        true,
    ),
    (&[("hostname", "x\n")], ["OtherLinux", "NA", "NA", "NA", "OtherLinux", "", ""], false),
];
