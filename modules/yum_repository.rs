//! The `yum_repository` module.

use std::path::{Path, PathBuf};

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, FileArguments, Host, Module, Returned,
};
use protocol::{Diff, Json, JsonMap, diff::Side, python};

use crate::{
    presence::Presence,
    text_file::{TextFile, TextState},
};

/// Keeps a repository of packages that dnf and yum install from, or away.
///
/// The section of the repository is written whole, from what the task says. Remarks in the file are
/// lost where it is written, as with Ansible.
#[derive(Debug, Arguments)]
#[arguments(
    required_if(
        ("state", "present", ["baseurl", "mirrorlist", "metalink"], any),
        ("state", "present", ["description"])
    )
)]
pub struct YumRepository {
    /// Name of the section.
    name: String,
    /// What people call it.
    description: Option<String>,
    /// Whether it should be there.
    #[argument(default = "present")]
    state: Presence,
    /// Name of the file, without `.repo`; that of the section where it is left out.
    file: Option<String>,
    /// Folder of the files.
    #[argument(default = "/etc/yum.repos.d")]
    reposdir: PathBuf,
    #[argument(flatten)]
    options: Options,
    #[argument(flatten)]
    file_arguments: FileArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Failover {
    Roundrobin,
    Priority,
}

/// What stands in the section, under its own names.
#[derive(Debug, Arguments)]
struct Options {
    /// Whether it is downloaded in parallel; without effect today.
    #[argument(name = "async")]
    async_: Option<bool>,
    /// Bandwidth that downloads may take.
    bandwidth: Option<String>,
    /// Addresses of the repository.
    baseurl: Option<Vec<String>>,
    /// What the use of this repository costs, beside others.
    cost: Option<String>,
    /// Whether hosts that use it are counted.
    countme: Option<bool>,
    /// How large a delta's metadata may be, of the whole; without effect today.
    deltarpm_metadata_percentage: Option<String>,
    /// How large a delta may be, of the whole package.
    deltarpm_percentage: Option<String>,
    /// Whether it is used.
    enabled: Option<bool>,
    /// Whether its groups are used.
    enablegroups: Option<bool>,
    /// Packages that are not taken from it.
    #[argument(aliases("excludepkgs"))]
    exclude: Option<Vec<String>>,
    /// How the next address is chosen where one fails.
    failovermethod: Option<Failover>,
    /// Key that signs the repository's keys; without effect today.
    gpgcakey: Option<String>,
    /// Whether packages must be signed.
    gpgcheck: Option<bool>,
    /// Addresses of the keys.
    gpgkey: Option<Vec<String>>,
    /// What caches on the way may keep; without effect today.
    #[argument(choices("all", "packages", "none"))]
    http_caching: Option<String>,
    /// A file of more settings.
    include: Option<String>,
    /// Packages that alone are taken from it.
    includepkgs: Option<Vec<String>>,
    /// Which addresses names are resolved to.
    #[argument(choices("4", "6", "IPv4", "IPv6", "whatever"))]
    ip_resolve: Option<String>,
    /// Whether connections are kept; without effect today.
    keepalive: Option<bool>,
    /// Whether packages are kept; a setting of the whole, not of a repository.
    #[argument(choices("0", "1"))]
    keepcache: Option<String>,
    /// How long its metadata is good.
    metadata_expire: Option<String>,
    /// For which commands that counts; without effect today.
    #[argument(choices("never", "read-only:past", "read-only:present", "read-only:future"))]
    metadata_expire_filter: Option<String>,
    /// Address of a list of mirrors with digests.
    metalink: Option<String>,
    /// Address of a list of mirrors.
    mirrorlist: Option<String>,
    /// How long that list is good; without effect today.
    mirrorlist_expire: Option<String>,
    /// Whether its packages stand over modules of others.
    module_hotfixes: Option<bool>,
    /// Password for it.
    #[argument(no_log)]
    password: Option<String>,
    /// Its rank among others; the lowest number is the first.
    priority: Option<String>,
    /// Whether packages of others do not replace its own; without effect today.
    protect: Option<bool>,
    /// Proxy on the way; `_none_` for none.
    proxy: Option<String>,
    /// Password for the proxy.
    #[argument(no_log)]
    proxy_password: Option<String>,
    /// User for the proxy.
    proxy_username: Option<String>,
    /// Whether its metadata must be signed.
    repo_gpgcheck: Option<bool>,
    /// How often a file is tried.
    retries: Option<String>,
    /// Whether it is on S3.
    s3_enabled: Option<bool>,
    /// Whether it may be missing.
    skip_if_unavailable: Option<bool>,
    /// Whether the permissions of its certificates are checked; without effect today.
    ssl_check_cert_permissions: Option<bool>,
    /// File of the authorities that its server is trusted by.
    #[argument(aliases("ca_cert"))]
    sslcacert: Option<String>,
    /// File of the host's own certificate.
    #[argument(aliases("client_cert"))]
    sslclientcert: Option<String>,
    /// File of the key to it.
    #[argument(aliases("client_key"))]
    sslclientkey: Option<String>,
    /// Whether its server must prove who it is.
    #[argument(aliases("validate_certs"))]
    sslverify: Option<bool>,
    /// Bandwidth of all downloads.
    throttle: Option<String>,
    /// Seconds that a connection is waited for.
    timeout: Option<String>,
    /// What stands in the name of a repository; without effect today.
    ui_repoid_vars: Option<String>,
    /// User for it.
    username: Option<String>,
}

/// Arguments that stand in the section, for their values are read by name.
const WITHOUT_EFFECT: [&str; 9] = [
    "deltarpm_metadata_percentage",
    "gpgcakey",
    "http_caching",
    "keepalive",
    "metadata_expire_filter",
    "mirrorlist_expire",
    "protect",
    "ssl_check_cert_permissions",
    "ui_repoid_vars",
];

impl Documented for YumRepository {
    const NAME: &'static str = "ansible.builtin.yum_repository";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A repository",
            args: r#"{"name": "epel", "description": "EPEL", "baseurl": ["https://dl.example.org/epel/$releasever"], "gpgcheck": true, "reposdir": "/etc"}"#,
        },
        Example {
            title: "None",
            args: r#"{"name": "old", "state": "absent", "reposdir": "/etc"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("repo", "Name of the section.", "always", r#""epel""#),
        Returned::new("state", "What was wanted.", "always", r#""present""#),
    ];
}

/// The sections of a file and what stands in them, in their order.
pub type Sections = Vec<(String, Vec<(String, String)>)>;

/// Reads an INI file; lines that continue a value keep their breaks.
pub fn parse(text: &str) -> Sections {
    let mut sections = Sections::new();
    for line in text.lines() {
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with(char::is_whitespace)
            && let Some((_, value)) =
                sections.last_mut().and_then(|(_, options)| options.last_mut())
        {
            value.push('\n');
            value.push_str(bare);
        } else if let Some(name) = bare.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            sections.push((name.to_owned(), Vec::new()));
        } else if let (Some((_, options)), Some((name, value))) =
            (sections.last_mut(), bare.split_once(['=', ':']))
        {
            options.push((name.trim().to_lowercase(), value.trim().to_owned()));
        }
    }
    sections
}

fn write(sections: &Sections) -> String {
    let mut text = String::new();
    for (name, options) in sections {
        text.push_str(&format!("[{name}]\n"));
        for (name, value) in options {
            text.push_str(&format!("{name} = {}\n", value.replace('\n', "\n\t")));
        }
        text.push('\n');
    }
    text
}

impl Options {
    /// The options that the task gives, sorted.
    fn given(&self, name: &str) -> Vec<(String, String)> {
        let lines =
            |list: &Option<Vec<String>>| list.as_ref().map(|list| Json::from(list.join("\n")));
        let words =
            |list: &Option<Vec<String>>| list.as_ref().map(|list| Json::from(list.join(" ")));
        let text = |text: &Option<String>| text.clone().map(Json::from);
        let flag = |flag: &Option<bool>| flag.map(|flag| Json::from(u8::from(flag)));
        let all: Vec<(&str, Option<Json>)> = vec![
            ("async", flag(&self.async_)),
            ("bandwidth", text(&self.bandwidth)),
            ("baseurl", lines(&self.baseurl)),
            ("cost", text(&self.cost)),
            ("countme", flag(&self.countme)),
            ("deltarpm_metadata_percentage", text(&self.deltarpm_metadata_percentage)),
            ("deltarpm_percentage", text(&self.deltarpm_percentage)),
            ("enabled", flag(&self.enabled)),
            ("enablegroups", flag(&self.enablegroups)),
            ("exclude", words(&self.exclude)),
            ("failovermethod", self.failovermethod.map(|method| method.as_str().into())),
            ("gpgcakey", text(&self.gpgcakey)),
            ("gpgcheck", flag(&self.gpgcheck)),
            ("gpgkey", lines(&self.gpgkey)),
            ("http_caching", text(&self.http_caching)),
            ("include", text(&self.include)),
            ("includepkgs", words(&self.includepkgs)),
            ("ip_resolve", text(&self.ip_resolve)),
            ("keepalive", flag(&self.keepalive)),
            ("keepcache", text(&self.keepcache)),
            ("metadata_expire", text(&self.metadata_expire)),
            ("metadata_expire_filter", text(&self.metadata_expire_filter)),
            ("metalink", text(&self.metalink)),
            ("mirrorlist", text(&self.mirrorlist)),
            ("mirrorlist_expire", text(&self.mirrorlist_expire)),
            ("module_hotfixes", flag(&self.module_hotfixes)),
            ("name", Some(name.into())),
            ("password", text(&self.password)),
            ("priority", text(&self.priority)),
            ("protect", flag(&self.protect)),
            ("proxy", text(&self.proxy)),
            ("proxy_password", text(&self.proxy_password)),
            ("proxy_username", text(&self.proxy_username)),
            ("repo_gpgcheck", flag(&self.repo_gpgcheck)),
            ("retries", text(&self.retries)),
            ("s3_enabled", flag(&self.s3_enabled)),
            ("skip_if_unavailable", flag(&self.skip_if_unavailable)),
            ("ssl_check_cert_permissions", flag(&self.ssl_check_cert_permissions)),
            ("sslcacert", text(&self.sslcacert)),
            ("sslclientcert", text(&self.sslclientcert)),
            ("sslclientkey", text(&self.sslclientkey)),
            ("sslverify", flag(&self.sslverify)),
            ("throttle", text(&self.throttle)),
            ("timeout", text(&self.timeout)),
            ("ui_repoid_vars", text(&self.ui_repoid_vars)),
            ("username", text(&self.username)),
        ];
        all.into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), python::text(&value?))))
            .collect()
    }
}

impl YumRepository {
    fn path(&self) -> PathBuf {
        self.reposdir.join(format!("{}.repo", self.file.as_deref().unwrap_or(&self.name)))
    }

    /// What the file holds and should hold; `None` for no file.
    fn sections(&self, host: &dyn Host) -> Result<(Option<Sections>, Sections), Failure> {
        if !host.metadata(&self.reposdir)?.is_some_and(|found| found.is_dir()) {
            return Err(Failure::new(format!(
                "Repo directory '{}' does not exist.",
                self.reposdir.display()
            )));
        }
        let text = host.read(&self.path())?;
        let before = text.map(|bytes| parse(&String::from_utf8_lossy(&bytes)));
        let mut after = before.clone().unwrap_or_default();
        let sorted = |options: &[(String, String)]| {
            let mut options = options.to_vec();
            options.sort();
            options
        };
        match self.state {
            Presence::Absent => after.retain(|(name, _)| *name != self.name),
            Presence::Present => {
                let wanted = self.options.given(self.description.as_deref().unwrap_or_default());
                let there = after.iter().find(|(name, _)| *name == self.name);
                // The order of its options is of no meaning.
                if there.is_none_or(|(_, options)| sorted(options) != sorted(&wanted)) {
                    after.retain(|(name, _)| *name != self.name);
                    after.push((self.name.clone(), wanted));
                }
            }
        }
        Ok((before, after))
    }

    fn text_file<'a>(&'a self, path: &'a Path) -> TextFile<'a> {
        TextFile::new(path, &self.file_arguments)
    }

    /// The new text; `None` where the old one stays.
    fn edited(&self, host: &dyn Host) -> Result<Option<Vec<u8>>, Failure> {
        let (before, after) = self.sections(host)?;
        let stays = before.as_ref().map_or(after.is_empty(), |before| *before == after);
        Ok((!stays).then(|| write(&after).into_bytes()))
    }
}

impl Module for YumRepository {
    type State = TextState;

    fn check(&self, host: &dyn Host) -> Result<Delta<TextState>, Failure> {
        let path = self.path();
        let before = self.text_file(&path).read(host)?;
        let after = self.edited(host)?;
        // A file without sections goes.
        if after.as_ref().is_some_and(Vec::is_empty) {
            let actual = self.text_file(&path).compare(host, before.as_ref(), None)?.actual;
            return Ok(Delta::new(actual, TextState::default()));
        }
        self.text_file(&path).compare(host, before.as_ref(), after.as_deref())
    }

    fn apply(&self, delta: &Delta<TextState>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let path = self.path();
        match self.edited(host)? {
            Some(after) if after.is_empty() => host.remove_file(&path)?,
            after => {
                self.text_file(&path).apply(host, delta, after.as_deref())?;
            }
        }
        Ok(JsonMap::new())
    }

    fn returned(&self, _: &Delta<TextState>, _: &dyn Host) -> Result<JsonMap, Failure> {
        let given = self.options.given("");
        let mut warnings: Vec<String> = WITHOUT_EFFECT
            .iter()
            .filter(|name| given.iter().any(|(given, _)| given == *name))
            .map(|name| format!("'{name}' parameter is deprecated as it has no effect with dnf as an underlying package manager."))
            .collect();
        if self.options.keepcache.is_some() {
            warnings.push(
                "'keepcache' parameter is deprecated as it is only valid in the main configuration."
                    .into(),
            );
        }
        let mut map = JsonMap::from_iter([
            ("repo".to_owned(), self.name.clone().into()),
            ("state".to_owned(), self.state.as_str().into()),
        ]);
        if !warnings.is_empty() {
            map.insert("warnings".into(), warnings.into());
        }
        Ok(map)
    }

    fn diff(&self, _: &Delta<TextState>, host: &dyn Host) -> Result<Vec<Diff>, Failure> {
        let (before, after) = self.sections(host)?;
        let header = self.path().display().to_string();
        // Passwords among them are shown to nobody.
        let hide = |sections: &Sections| {
            let mut sections = sections.clone();
            for (name, value) in sections.iter_mut().flat_map(|(_, options)| options) {
                if name.ends_with("password") {
                    *value = "********".into();
                }
            }
            Side::Text(write(&sections))
        };
        Ok(vec![Diff {
            before_header: header.clone(),
            after_header: header,
            before: hide(&before.unwrap_or_default()),
            after: hide(&after),
            prepared: None,
        }])
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use super::*;
    use crate::cases::run;

    #[test]
    fn repositories_are_kept() {
        for (args, before, after) in [
            (
                json!({"name": "a", "description": "A", "baseurl": ["http://x", "http://y"], "enabled": false}),
                None,
                Some("[a]\nbaseurl = http://x\n\thttp://y\nenabled = 0\nname = A\n\n"),
            ),
            (
                json!({"name": "a", "description": "A", "metalink": "http://x"}),
                Some("# mine\n[a]\nname=A\nmetalink=http://x\n"),
                Some("# mine\n[a]\nname=A\nmetalink=http://x\n"),
            ),
            (
                json!({"name": "a", "description": "B", "mirrorlist": "http://x", "exclude": ["p", "q"]}),
                Some("[a]\nname = A\n[b]\nname = B\n"),
                Some("[b]\nname = B\n\n[a]\nexclude = p q\nmirrorlist = http://x\nname = B\n\n"),
            ),
            (json!({"name": "a", "state": "absent"}), Some("[a]\nname = A\n"), None),
            (json!({"name": "a", "state": "absent"}), None, None),
        ] {
            let mut host = FakeHost::default();
            host.put_dirs("/etc/yum.repos.d");
            let path = "/etc/yum.repos.d/a.repo";
            if let Some(before) = before {
                host.put(path, before);
            }
            let response = run("yum_repository", &args, "", "", Mode::default(), &mut host);
            assert_eq!(
                (response.failed, response.changed),
                (false, before != after),
                "{args}: {response:?}"
            );
            assert_eq!(host.files.text(path).as_deref(), after, "{args}");
            let again = run("yum_repository", &args, "", "", Mode::default(), &mut host);
            assert!(!again.changed && !again.failed, "{args}: {again:?}");
        }
    }

    #[test]
    fn what_makes_no_repository_is_refused() {
        for (args, words) in [
            (
                json!({"name": "a", "description": "A"}),
                "state is present but any of the following are missing",
            ),
            (json!({"name": "a", "baseurl": "http://x"}), "description"),
            (
                json!({"name": "a", "description": "A", "baseurl": "x", "ip_resolve": "5"}),
                "must be one of: 4, 6",
            ),
            (
                json!({"name": "a", "description": "A", "baseurl": "x", "reposdir": "/nowhere"}),
                "Repo directory '/nowhere' does not exist.",
            ),
        ] {
            let mut host = FakeHost::default();
            let response = run("yum_repository", &args, "", "", Mode::default(), &mut host);
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
        assert_eq!(
            parse("x = 1\n[a]\nb = 1\n  2\n"),
            [("a".into(), vec![("b".into(), "1\n2".into())])]
        );
    }
}
