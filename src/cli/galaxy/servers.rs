//! Galaxy servers: which are asked, as whom, and what they answer.
//!
//! Collections are spoken of in version 3 of the protocol, roles in version 1, as
//! `galaxy.ansible.com` and Automation Hub serve them.

use std::{cell::OnceCell, collections::BTreeMap, path::Path, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::Args;
use protocol::{Json, Secret};
use source::{Diagnostics, SourceFile};

use crate::{
    Failed,
    settings::Settings,
    world::{self, Answer, Question},
};

/// The public server, and where its protocol is spoken.
const PUBLIC: &str = "https://galaxy.ansible.com";
const PUBLIC_PROTOCOL: &str = "https://galaxy.ansible.com/api/";
/// How many versions are asked for at once.
const PAGE: usize = 100;
/// Pages of a list at most.
const PAGES_MAX: usize = 500;
/// How often a server that has too much to do is asked, and how long is waited in between, growing
/// each time.
const TRIES_MAX: u32 = 5;
const BREAK: Duration = Duration::from_millis(1500);

/// What a command line says of servers.
#[derive(Args, Clone, Debug, Default)]
pub struct ServerArgs {
    /// Galaxy server: a URL, or a name of the settings' `server_list`.
    #[arg(short = 's', long, value_name = "SERVER")]
    pub server: Option<String>,
    /// Token for the server; else that of the settings, or of the file ~/.ansible/galaxy_token.
    #[arg(long, visible_alias = "api-key", value_name = "TOKEN")]
    pub token: Option<String>,
    /// Take any certificate of the server.
    #[arg(short = 'c', long = "ignore-certs")]
    pub ignore_certs: bool,
    /// Seconds to wait for the server.
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
    /// Keep no answers: none are ever kept.
    #[arg(long = "no-cache")]
    pub no_cache: bool,
    /// Forget answers that were kept: none are.
    #[arg(long = "clear-response-cache")]
    pub clear_response_cache: bool,
}

/// Who a server is told to speak with.
enum Access {
    Anyone,
    /// `Authorization: Token …`
    Token(Secret<String>),
    /// `Authorization: Basic …`
    Password {
        user: String,
        password: Secret<String>,
    },
    /// A token that another server changes for one that lasts a while.
    Changed {
        at: String,
        client: String,
        token: Secret<String>,
        bearer: OnceCell<String>,
    },
}

/// A server that is asked.
pub struct Server {
    /// Its name in the settings, `default` or `cmd_arg`.
    pub name: String,
    url: String,
    access: Access,
    validate_certs: bool,
    timeout_secs: u64,
    environment: BTreeMap<String, String>,
    root: OnceCell<Root>,
}

/// Where a server's protocol is spoken.
#[derive(Clone, Debug)]
struct Root {
    /// With a `/` at its end.
    url: String,
    /// Paths by versions of the protocol: `v1`, `v3`.
    versions: BTreeMap<String, String>,
}

/// One version of a collection, as a server has it.
#[derive(Clone, Debug)]
pub struct Release {
    pub url: String,
    pub sha256: Option<String>,
    pub dependencies: BTreeMap<String, String>,
}

/// A role, as a server knows it.
#[derive(Clone, Debug)]
pub struct RoleEntry {
    /// Whom its repository at GitHub belongs to, and what it is called.
    pub repository: (String, String),
    pub branch: Option<String>,
    /// Tags, with where their archives are if the server says so.
    pub versions: Vec<(String, Option<String>)>,
}

/// The servers that are asked, in their order.
///
/// # Errors
/// A server of the settings without a URL, a wrong value, a token that cannot be read.
pub fn of(settings: &Settings, args: &ServerArgs) -> Result<Vec<Server>, Failed> {
    let names = settings.list("GALAXY_SERVER_LIST").unwrap_or_default();
    let known = names.iter().map(|name| configured(settings, name, args));
    let mut known = known.collect::<Result<Vec<_>, _>>()?;
    let plain = |name: &str, url: String| -> Result<Server, Failed> {
        let token = args.token.clone().map_or_else(|| stored_token(settings), |t| Ok(Some(t)))?;
        let access = token.map_or(Access::Anyone, |token| Access::Token(Secret::new(token)));
        made(settings, name, url, access, None, None, args)
    };
    match &args.server {
        Some(server) => match known.iter().position(|known| known.name == *server) {
            Some(at) => Ok(vec![known.swap_remove(at)]),
            None => Ok(vec![plain("cmd_arg", server.clone())?]),
        },
        None if known.is_empty() => {
            let url = settings.get("GALAXY_SERVER").unwrap_or_else(|| PUBLIC.to_owned());
            Ok(vec![plain("default", url)?])
        }
        None => Ok(known),
    }
}

/// The server that a requirement names: by its name in the settings, or a URL.
///
/// # Errors
/// As [`of`].
pub fn named(settings: &Settings, args: &ServerArgs, source: &str) -> Result<Server, Failed> {
    let names = settings.list("GALAXY_SERVER_LIST").unwrap_or_default();
    let args = ServerArgs { server: None, ..args.clone() };
    if names.iter().any(|name| name == source) {
        return configured(settings, source, &args);
    }
    // One of the settings' that has this URL may have a token for it.
    for name in &names {
        let server = configured(settings, name, &args)?;
        if server.url.trim_end_matches('/') == source.trim_end_matches('/') {
            return Ok(server);
        }
    }
    made(settings, "explicit_requirement", source.to_owned(), Access::Anyone, None, None, &args)
}

fn made(
    settings: &Settings,
    name: &str,
    url: String,
    access: Access,
    validate_certs: Option<bool>,
    timeout_secs: Option<u64>,
    args: &ServerArgs,
) -> Result<Server, Failed> {
    let ignores = match args.ignore_certs {
        true => true,
        false => settings.flag("GALAXY_IGNORE_CERTS")?.unwrap_or(false),
    };
    let timeout = match args.timeout.or(timeout_secs) {
        Some(secs) => secs,
        None => settings.number("GALAXY_SERVER_TIMEOUT")?.unwrap_or(60),
    };
    Ok(Server {
        name: name.to_owned(),
        url,
        access,
        validate_certs: validate_certs.unwrap_or(!ignores),
        timeout_secs: timeout,
        environment: settings.environment.clone(),
        root: OnceCell::new(),
    })
}

/// A server of the settings: `[galaxy_server.NAME]`, or `ANSIBLE_GALAXY_SERVER_NAME_…`.
fn configured(settings: &Settings, name: &str, args: &ServerArgs) -> Result<Server, Failed> {
    let said = |key: &str| {
        let variable = format!("ANSIBLE_GALAXY_SERVER_{}_{}", name, key).to_uppercase();
        let from_environment = settings.environment.get(&variable).cloned();
        let from_file = || settings.in_section(&format!("galaxy_server.{name}"), key);
        from_environment.or_else(from_file).filter(|value| !value.is_empty())
    };
    let url = said("url").ok_or_else(|| {
        Failed::option(format!(
            "No setting was provided for required configuration setting: url of galaxy_server.{name}"
        ))
    })?;
    let wrong = |key: &str, value: &str, wanted: &str| {
        Failed::option(format!("galaxy_server.{name}: {key} is '{value}', which is no {wanted}"))
    };
    if let Some(version) = said("api_version").filter(|version| version != "3" && version != "None")
    {
        return Err(Failed::option(format!(
            "galaxy_server.{name}: api_version is '{version}', and only version 3 is spoken"
        )));
    }
    let access = match (said("username"), said("token"), said("auth_url")) {
        (Some(user), ..) => {
            Access::Password { user, password: Secret::new(said("password").unwrap_or_default()) }
        }
        (None, Some(token), Some(at)) => Access::Changed {
            at,
            client: said("client_id").unwrap_or_else(|| "cloud-services".to_owned()),
            token: Secret::new(token),
            bearer: OnceCell::new(),
        },
        (None, Some(token), None) => Access::Token(Secret::new(token)),
        // A token of the command line is for the server that this names, and for no other.
        (None, None, _) => match &args.token {
            Some(token) if args.server.as_deref() == Some(name) => {
                Access::Token(Secret::new(token.clone()))
            }
            _ => Access::Anyone,
        },
    };
    let validate_certs = match said("validate_certs") {
        Some(text) => match text.to_lowercase().as_str() {
            "y" | "yes" | "on" | "1" | "true" | "t" => Some(true),
            "n" | "no" | "off" | "0" | "false" | "f" => Some(false),
            _ => return Err(wrong("validate_certs", &text, "boolean")),
        },
        None => None,
    };
    let timeout = match said("timeout") {
        Some(text) => Some(text.parse().map_err(|_| wrong("timeout", &text, "number"))?),
        None => None,
    };
    made(settings, name, url, access, validate_certs, timeout, args)
}

/// The token that `ansible-galaxy` keeps in a file.
fn stored_token(settings: &Settings) -> Result<Option<String>, Failed> {
    let path = settings
        .path("GALAXY_TOKEN_PATH")
        .unwrap_or_else(|| settings.home.join(".ansible/galaxy_token"));
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(super::fetch::at(&path, &error)),
    };
    let file = SourceFile::new(&path, text);
    let node = source::yaml::parse(&file, &mut Diagnostics::default());
    let token = node.as_ref().and_then(|node| node.as_mapping()?.get("token"));
    let token = token.and_then(|token| token.as_str()).filter(|token| !token.is_empty());
    Ok(token.map(str::to_owned))
}

impl Server {
    /// How it is called in messages.
    pub fn shown(&self) -> String {
        format!("{} ({})", self.name, self.url)
    }

    /// The versions of a collection; none where the server does not have it.
    ///
    /// # Errors
    /// The server cannot be asked, or answers something else.
    pub fn collection_versions(&self, name: &str) -> Result<Vec<String>, Failed> {
        let root = self.root_of("v3")?;
        let mut next = Some(format!(
            "{root}collections/{}/versions/?limit={PAGE}",
            name.replacen('.', "/", 1)
        ));
        let mut versions = Vec::new();
        for _ in 0..PAGES_MAX {
            let Some(url) = next.take() else { return Ok(versions) };
            let Some(page) = self.get(&url)? else { return Ok(versions) };
            let items = page.get("data").and_then(Json::as_array);
            let items = items.ok_or_else(|| self.odd(&url, "no list of versions"))?;
            let texts = items.iter().filter_map(|item| item.get("version")?.as_str());
            versions.extend(texts.map(str::to_owned));
            next = page.pointer("/links/next").and_then(Json::as_str).map(|n| joined(&url, n));
        }
        Err(self.odd(&self.url, "a list of versions without an end"))
    }

    /// What it says of one version of a collection.
    ///
    /// # Errors
    /// As [`Server::collection_versions`].
    pub fn collection_release(&self, name: &str, version: &str) -> Result<Release, Failed> {
        let root = self.root_of("v3")?;
        let url = format!("{root}collections/{}/versions/{version}/", name.replacen('.', "/", 1));
        let answer = self.get(&url)?.ok_or_else(|| self.odd(&url, "nothing of that version"))?;
        let download = answer.get("download_url").and_then(Json::as_str);
        let download = download.ok_or_else(|| self.odd(&url, "no download_url"))?;
        let needs = answer.pointer("/metadata/dependencies").and_then(Json::as_object);
        let text = |value: &Json| value.as_str().unwrap_or("*").to_owned();
        let sum = answer.pointer("/artifact/sha256").and_then(Json::as_str);
        Ok(Release {
            url: joined(&url, download),
            sha256: sum.map(str::to_owned),
            dependencies: needs
                .into_iter()
                .flatten()
                .map(|(name, range)| (name.clone(), text(range)))
                .collect(),
        })
    }

    /// What it says of the role `NAMESPACE.NAME`; `None` where it has none of that name.
    ///
    /// # Errors
    /// As [`Server::collection_versions`].
    pub fn role(&self, name: &str) -> Result<Option<RoleEntry>, Failed> {
        let Some((owner, short)) = name.rsplit_once('.') else { return Ok(None) };
        let root = self.root_of("v1")?;
        let url = format!("{root}roles/?owner__username={owner}&name={short}");
        let answer = self.get(&url)?;
        let Some(role) = answer.as_ref().and_then(|answer| answer.pointer("/results/0")) else {
            return Ok(None);
        };
        let said = |key: &str| role.get(key).and_then(Json::as_str).map(str::to_owned);
        let repository = (said("github_user"), said("github_repo"));
        let (Some(user), Some(repository)) = repository else {
            return Err(self.odd(&url, "no repository of the role"));
        };
        let mut versions = Vec::new();
        let id = role.get("id").and_then(Json::as_i64);
        let mut next = id.map(|id| format!("{root}roles/{id}/versions/?page_size=50"));
        for _ in 0..PAGES_MAX {
            let Some(url) = next.take() else { break };
            let Some(page) = self.get(&url)? else { break };
            for item in page.get("results").and_then(Json::as_array).into_iter().flatten() {
                let text = |key: &str| item.get(key).and_then(Json::as_str).map(str::to_owned);
                if let Some(name) = text("name") {
                    versions.push((name, text("download_url").or_else(|| text("source"))));
                }
            }
            let link = page.get("next_link").or_else(|| page.get("next")).and_then(Json::as_str);
            next = link.map(|link| joined(&url, link));
        }
        let branch = said("github_branch").filter(|branch| !branch.is_empty());
        Ok(Some(RoleEntry { repository: (user, repository), branch, versions }))
    }

    /// Fetches a file that the server has named.
    ///
    /// # Errors
    /// What the server or the way to it says; a file with another sum.
    pub fn download(&self, url: &str, sha256: Option<&str>, into: &Path) -> Result<(), Failed> {
        let headers = match same_place(url, &self.url) {
            true => self.headers()?,
            false => Vec::new(),
        };
        world::download(&self.environment, &self.question(url, headers), sha256, into)
            .map_err(|why| Failed::general(format!("{url}: {why}")))
    }

    /// Where a version of the protocol is spoken.
    fn root_of(&self, version: &str) -> Result<String, Failed> {
        let root = self.root()?;
        let path = root.versions.get(version).ok_or_else(|| {
            let known: Vec<&str> = root.versions.keys().map(String::as_str).collect();
            Failed::general(format!(
                "the Galaxy server {} speaks {} of the protocol, and {version} is wanted",
                self.shown(),
                known.join(", ")
            ))
        })?;
        let path = path.trim_start_matches('/').trim_end_matches('/');
        Ok(format!("{}{path}/", root.url))
    }

    fn root(&self) -> Result<&Root, Failed> {
        if let Some(root) = self.root.get() {
            return Ok(root);
        }
        let given = format!("{}/", self.url.trim_end_matches('/'));
        let candidates = match self.url.trim_end_matches('/') {
            PUBLIC => vec![PUBLIC_PROTOCOL.to_owned()],
            url if url.ends_with("/api") => vec![given],
            _ => vec![given.clone(), format!("{given}api/")],
        };
        let mut status = 0;
        for url in candidates {
            let answer = self.ask(&url)?;
            status = answer.status;
            let parsed: Json = answer.content.parse().unwrap_or_default();
            let Some(versions) = parsed.get("available_versions").and_then(Json::as_object) else {
                continue;
            };
            let text = |path: &Json| path.as_str().map(str::to_owned);
            let versions =
                versions.iter().filter_map(|(name, path)| Some((name.clone(), text(path)?)));
            let root = Root { url, versions: versions.collect() };
            return Ok(self.root.get_or_init(|| root));
        }
        Err(match status {
            401 | 403 => self.odd(&self.url, &lacks_token(status)),
            _ => self.odd(
                &self.url,
                &format!("status {status} and no list of versions: no Galaxy server may be there"),
            ),
        })
    }

    /// A JSON answer; `None` where there is nothing under that address.
    fn get(&self, url: &str) -> Result<Option<Json>, Failed> {
        let answer = self.ask(url)?;
        match answer.status {
            200 => {
                let parsed: Result<Json, _> = answer.content.parse();
                parsed.map(Some).map_err(|_| self.odd(url, "something that is no JSON"))
            }
            404 => Ok(None),
            401 | 403 => Err(self.odd(url, &lacks_token(answer.status))),
            status => Err(self.odd(url, &format!("status {status}"))),
        }
    }

    fn ask(&self, url: &str) -> Result<Answer, Failed> {
        let mut tries = 0;
        loop {
            tries += 1;
            let question = self.question(url, self.headers()?);
            let answer = world::ask(&self.environment, &question).map_err(|why| {
                Failed::general(format!("the Galaxy server {}: {why}", self.shown()))
            })?;
            // It, or what stands before it, has too much to do.
            if !matches!(answer.status, 429 | 502..=504 | 520) || tries >= TRIES_MAX {
                return Ok(answer);
            }
            std::thread::sleep(BREAK * tries);
        }
    }

    fn question<'a>(&self, url: &'a str, headers: Vec<(&'static str, String)>) -> Question<'a> {
        let (validate_certs, timeout_secs) = (self.validate_certs, self.timeout_secs);
        Question { url, headers, validate_certs, timeout_secs, form: None }
    }

    fn headers(&self) -> Result<Vec<(&'static str, String)>, Failed> {
        let authorization = match &self.access {
            Access::Anyone => return Ok(Vec::new()),
            Access::Token(token) => format!("Token {}", token.reveal()),
            Access::Password { user, password } => {
                let pair = format!("{user}:{}", password.reveal());
                format!("Basic {}", STANDARD.encode(pair))
            }
            Access::Changed { at, client, token, bearer } => {
                format!("Bearer {}", self.bearer(at, client, token, bearer)?)
            }
        };
        Ok(vec![("Authorization", authorization)])
    }

    /// The token that another server gives for the one of the settings, asked for once.
    fn bearer<'a>(
        &self,
        at: &str,
        client: &str,
        token: &Secret<String>,
        bearer: &'a OnceCell<String>,
    ) -> Result<&'a str, Failed> {
        if let Some(bearer) = bearer.get() {
            return Ok(bearer);
        }
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", client),
            ("refresh_token", token.reveal().as_str()),
        ];
        let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let question = Question { form: Some(form.to_vec()), ..self.question(at, Vec::new()) };
        let answer = world::ask(&self.environment, &question)
            .map_err(|why| Failed::general(format!("{at}: {why}")))?;
        let parsed: Json = answer.content.parse().unwrap_or_default();
        let given = parsed.get("access_token").and_then(Json::as_str);
        let given = given.ok_or_else(|| {
            self.odd(at, &format!("no access_token, with status {}", answer.status))
        })?;
        Ok(bearer.get_or_init(|| given.to_owned()))
    }

    fn odd(&self, url: &str, what: &str) -> Failed {
        Failed::general(format!("the Galaxy server {} answered {url} with {what}", self.shown()))
    }
}

fn lacks_token(status: u16) -> String {
    format!("status {status}: a token may be missing or wrong (--token)")
}

/// A link as it is meant on a page: with a host of its own, or on the same one.
fn joined(page: &str, link: &str) -> String {
    if link.contains("://") {
        return link.to_owned();
    }
    let host_end = page.find("://").and_then(|at| Some(at + 3 + page.get(at + 3..)?.find('/')?));
    let host = host_end.and_then(|end| page.get(..end)).unwrap_or(page);
    match link.starts_with('/') {
        true => format!("{host}{link}"),
        false => {
            let folder = page.split('?').next().unwrap_or(page);
            let end = folder.rfind('/').map_or(folder.len(), |at| at + 1);
            format!("{}{link}", folder.get(..end).unwrap_or(folder))
        }
    }
}

/// Whether two addresses are of the same host, so that what is said to one may be said to the
/// other.
fn same_place(left: &str, right: &str) -> bool {
    let place = |url: &str| {
        let rest = url.split_once("://").map(|(scheme, rest)| (scheme.to_owned(), rest));
        rest.map(|(scheme, rest)| (scheme, rest.split('/').next().unwrap_or(rest).to_lowercase()))
    };
    place(left) == place(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_those_of_their_page() {
        let page = "https://hub.example.org/api/v3/collections/a/b/versions/?limit=100";
        let cases = [
            ("https://cdn.example.org/x", "https://cdn.example.org/x"),
            ("/api/v3/x/?offset=100", "https://hub.example.org/api/v3/x/?offset=100"),
            ("?offset=100", "https://hub.example.org/api/v3/collections/a/b/versions/?offset=100"),
        ];
        for (link, expected) in cases {
            assert_eq!(joined(page, link), expected);
        }
    }

    #[test]
    fn tokens_stay_with_their_host() {
        assert!(same_place("https://hub.example.org/a", "https://HUB.example.org/b/c"));
        assert!(!same_place("https://cdn.example.org/a", "https://hub.example.org/b"));
        assert!(!same_place("http://hub.example.org/a", "https://hub.example.org/b"));
        assert!(!same_place("https://hub.example.org:8443/a", "https://hub.example.org/b"));
    }
}
