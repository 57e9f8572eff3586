//! What is to be installed: words of the command line, and files of requirements.

use std::path::Path;

use source::{Diagnostics, Mapping, Node, SourceFile};

use crate::Failed;

/// One role or collection, and where it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// What it is to be called; of a collection `namespace.name`, where that is said.
    pub name: Option<String>,
    pub version: Option<String>,
    pub origin: Origin,
    /// The Galaxy server that it is to come from: a name of the settings, or a URL.
    pub server: Option<String>,
    /// Its name on the server, where it is to be called otherwise here.
    pub known_as: Option<String>,
}

/// Where something is taken from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// A Galaxy server, by its name there.
    #[default]
    Server,
    /// A repository of git, and a folder in it.
    Git { url: String, folder: String },
    /// An archive or folder of this machine.
    Path(String),
    /// An archive somewhere else.
    Url(String),
    /// A folder whose folders are collections.
    Folders(String),
    /// Something that is not done.
    Unknown(String),
}

/// What a file of requirements asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    pub roles: Vec<Wanted>,
    pub collections: Vec<Wanted>,
}

impl Requirements {
    /// Reads a file: a list of roles, or `roles` and `collections`.
    ///
    /// # Errors
    /// It cannot be read, or something in it is wrong.
    pub fn read(path: &Path) -> Result<Self, Failed> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let path = path.display();
            Failed::general(format!("The requirements file '{path}' cannot be read: {error}"))
        })?;
        let file = SourceFile::new(path, text);
        let mut wrong = Diagnostics::default();
        let node = source::yaml::parse(&file, &mut wrong);
        if wrong.has_errors() {
            return Err(Failed::general(crate::rendered(&wrong)));
        }
        let Some(node) = node.filter(|node| !node.is_null()) else {
            let path = path.display();
            return Err(Failed::general(format!("No requirements found in file '{path}'")));
        };
        let mut all = Self::default();
        if let Some(items) = node.as_sequence() {
            all.add_roles(items, path)?;
            return Ok(all);
        }
        let mapping = node.as_mapping().ok_or_else(|| wrong_at(&node, "a list or a dictionary"))?;
        for entry in &mapping.entries {
            let key = entry.key.as_str().unwrap_or_default();
            let items = match entry.value.as_sequence() {
                Some(items) => items,
                None if entry.value.is_null() => &[],
                None => return Err(wrong_at(&entry.value, "a list")),
            };
            match key {
                "roles" => all.add_roles(items, path)?,
                "collections" => {
                    for item in items {
                        all.collections.push(collection(item)?);
                    }
                }
                _ => {
                    return Err(Failed::general(format!(
                        "{}: Expecting only 'roles' and/or 'collections' as base keys in the requirements file. Found: {key}",
                        entry.key.span
                    )));
                }
            }
        }
        Ok(all)
    }

    fn add_roles(&mut self, items: &[Node], path: &Path) -> Result<(), Failed> {
        for item in items {
            if let Some(text) = item.as_str() {
                self.roles.push(role_of_text(text));
                continue;
            }
            let mapping = item.as_mapping().ok_or_else(|| wrong_at(item, "a role"))?;
            if let Some(include) = text(mapping, "include") {
                let other = path.parent().unwrap_or(Path::new("")).join(include);
                self.roles.extend(Self::read(&other)?.roles);
                continue;
            }
            self.roles.push(role(mapping, item)?);
        }
        Ok(())
    }
}

fn text(mapping: &Mapping, key: &str) -> Option<String> {
    let node = mapping.get(key).filter(|node| !node.is_null())?;
    Some(node.as_str().map_or_else(|| node.span.text().trim().to_owned(), str::to_owned))
}

fn wrong_at(node: &Node, wanted: &str) -> Failed {
    Failed::general(format!("{}: there must be {wanted}, this is {}", node.span, node.describe()))
}

/// `SOURCE,VERSION,NAME`, as roles are written in one word.
pub fn role_of_text(text: &str) -> Wanted {
    let mut parts = text.split(',').map(str::trim);
    let source = parts.next().unwrap_or_default();
    let version = parts.next().filter(|part| !part.is_empty()).map(str::to_owned);
    let name = parts.next().filter(|part| !part.is_empty()).map(str::to_owned);
    made(source, None, version, name)
}

fn role(mapping: &Mapping, node: &Node) -> Result<Wanted, Failed> {
    let name = text(mapping, "name");
    let source = text(mapping, "src").or_else(|| text(mapping, "role")).or_else(|| name.clone());
    let Some(source) = source else {
        let message = format!("{}: Must specify name or src for role", node.span);
        return Err(Failed::general(message));
    };
    let name = name.filter(|name| *name != source);
    if source.contains(',') {
        let short = role_of_text(&source);
        return Ok(Wanted { name: name.or(short.name), ..short });
    }
    Ok(made(&source, text(mapping, "scm").as_deref(), text(mapping, "version"), name))
}

fn made(source: &str, scm: Option<&str>, version: Option<String>, name: Option<String>) -> Wanted {
    let (scm, source) = match source.split_once('+') {
        Some((word @ ("git" | "hg"), rest)) => (Some(word), rest),
        _ => (scm, source),
    };
    let is_repository = source.starts_with("git@")
        || source.starts_with("git://")
        || source.starts_with("ssh://")
        || source.ends_with(".git");
    let is_archive = source.ends_with(".tar.gz") || source.ends_with(".tgz");
    let origin = match scm {
        Some("git") => Origin::Git { url: source.to_owned(), folder: String::new() },
        Some(other) => Origin::Unknown(format!("the kind of repository '{other}'")),
        None if is_archive && !source.contains("://") => Origin::Path(source.to_owned()),
        None if is_repository => Origin::Git { url: source.to_owned(), folder: String::new() },
        None if source.starts_with("file://") => {
            Origin::Path(source.trim_start_matches("file://").to_owned())
        }
        // GitHub's pages of repositories are no archives.
        None if source.starts_with("https://github.com/") && !is_archive => {
            Origin::Git { url: source.to_owned(), folder: String::new() }
        }
        None if source.contains("://") => Origin::Url(source.to_owned()),
        None => Origin::Server,
    };
    let is_server = origin == Origin::Server;
    let known_as = name.as_ref().filter(|_| is_server).map(|_| source.to_owned());
    let name = name.or_else(|| Some(if is_server { source.to_owned() } else { last_part(source) }));
    Wanted { name, version, origin, known_as, ..Wanted::default() }
}

/// The name that a repository or archive gives: its last part without endings.
fn last_part(source: &str) -> String {
    let last = source.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or(source);
    let endings = [".git", ".tar.gz", ".tgz"];
    let bare = endings.iter().find_map(|ending| last.strip_suffix(ending));
    bare.unwrap_or(last).to_owned()
}

fn collection(node: &Node) -> Result<Wanted, Failed> {
    if let Some(text) = node.as_str() {
        return Ok(collection_of_text(text));
    }
    let mapping = node.as_mapping().ok_or_else(|| wrong_at(node, "a collection"))?;
    let name = text(mapping, "name").or_else(|| text(mapping, "source"));
    let Some(name) = name else {
        let message =
            format!("{}: Collections requirement entry should contain the key name.", node.span);
        return Err(Failed::general(message));
    };
    let version = text(mapping, "version").filter(|version| version != "*");
    let source = text(mapping, "source");
    let kind = text(mapping, "type");
    let place = || source.clone().unwrap_or_else(|| name.clone());
    let said = source.as_ref().map(|_| name.clone()).filter(|name| is_full_name(name));
    Ok(match kind.as_deref() {
        None => {
            let of_text = collection_of_text(&name);
            let server = source.filter(|_| of_text.origin == Origin::Server);
            Wanted { version: version.or(of_text.version.clone()), server, ..of_text }
        }
        Some("galaxy") => Wanted { name: Some(name), version, server: source, ..Wanted::default() },
        Some("git") => {
            let (url, folder) = repository(&place());
            Wanted { name: said, version, origin: Origin::Git { url, folder }, ..Wanted::default() }
        }
        Some("file" | "dir") => {
            Wanted { name: said, version, origin: Origin::Path(place()), ..Wanted::default() }
        }
        Some("url") => {
            Wanted { name: said, version, origin: Origin::Url(place()), ..Wanted::default() }
        }
        Some("subdirs") => {
            Wanted { version, origin: Origin::Folders(place()), ..Wanted::default() }
        }
        Some(other) => {
            return Err(Failed::general(format!(
                "{}: The collection requirement entry key 'type' must be one of file, galaxy, git, url, dir, or subdirs, not {other}",
                node.span
            )));
        }
    })
}

/// A collection in one word: `namespace.name:VERSION`, an archive, a folder, or
/// `git+URL#FOLDER,VERSION`.
pub fn collection_of_text(text: &str) -> Wanted {
    let is_repository = text.starts_with("git+")
        || text.starts_with("git@")
        || text.split([',', '#']).next().is_some_and(|url| url.ends_with(".git"));
    if is_repository {
        let (source, version) = match text.rsplit_once(',') {
            Some((source, version)) => (source, Some(version.to_owned())),
            None => (text, None),
        };
        let (url, folder) = repository(source);
        return Wanted { version, origin: Origin::Git { url, folder }, ..Wanted::default() };
    }
    if text.starts_with("http://") || text.starts_with("https://") {
        return Wanted { origin: Origin::Url(text.to_owned()), ..Wanted::default() };
    }
    if let Some(path) = text.strip_prefix("file://") {
        return Wanted { origin: Origin::Path(path.to_owned()), ..Wanted::default() };
    }
    if text.contains('/') || text.ends_with(".tar.gz") || Path::new(text).is_dir() {
        return Wanted { origin: Origin::Path(text.to_owned()), ..Wanted::default() };
    }
    let (name, version) = match text.split_once(':') {
        Some((name, version)) => (name, Some(version.to_owned())),
        None => (text, None),
    };
    Wanted { name: Some(name.to_owned()), version, ..Wanted::default() }
}

fn repository(text: &str) -> (String, String) {
    let text = text.strip_prefix("git+").unwrap_or(text);
    match text.split_once('#') {
        Some((url, folder)) => (url.to_owned(), folder.trim_matches('/').to_owned()),
        None => (text.to_owned(), String::new()),
    }
}

/// Whether a name is `namespace.collection`.
pub fn is_full_name(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    name.split('.').count() == 2 && name.split('.').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(url: &str, folder: &str) -> Origin {
        Origin::Git { url: url.to_owned(), folder: folder.to_owned() }
    }

    #[test]
    fn roles_in_one_word_say_where_they_come_from() {
        let cases = [
            ("geerlingguy.nginx", "geerlingguy.nginx", None, Origin::Server),
            ("geerlingguy.nginx,1.2", "geerlingguy.nginx", Some("1.2"), Origin::Server),
            ("git+https://x/r.git,main,web", "web", Some("main"), git("https://x/r.git", "")),
            (
                "git@host:team/ansible-web.git",
                "ansible-web",
                None,
                git("git@host:team/ansible-web.git", ""),
            ),
            ("https://github.com/a/b", "b", None, git("https://github.com/a/b", "")),
            ("https://x/web.tar.gz", "web", None, Origin::Url("https://x/web.tar.gz".into())),
            ("./web.tar.gz", "web", None, Origin::Path("./web.tar.gz".into())),
            ("file:///srv/web.tar.gz", "web", None, Origin::Path("/srv/web.tar.gz".into())),
            ("hg+https://x/r", "r", None, Origin::Unknown("the kind of repository 'hg'".into())),
        ];
        for (text, name, version, origin) in cases {
            let version = version.map(str::to_owned);
            let expected =
                Wanted { name: Some(name.to_owned()), version, origin, ..Wanted::default() };
            assert_eq!(role_of_text(text), expected, "{text}");
        }
    }

    #[test]
    fn collections_in_one_word_say_where_they_come_from() {
        let cases = [
            ("community.general", Some("community.general"), None, Origin::Server),
            (
                "community.general:>=1.0,<2",
                Some("community.general"),
                Some(">=1.0,<2"),
                Origin::Server,
            ),
            ("git+https://x/c.git#/sub/,v1", None, Some("v1"), git("https://x/c.git", "sub")),
            (
                "./acme-tools-1.0.0.tar.gz",
                None,
                None,
                Origin::Path("./acme-tools-1.0.0.tar.gz".into()),
            ),
            ("https://x/a-b-1.tar.gz", None, None, Origin::Url("https://x/a-b-1.tar.gz".into())),
        ];
        for (text, name, version, origin) in cases {
            let (name, version) = (name.map(str::to_owned), version.map(str::to_owned));
            let expected = Wanted { name, version, origin, ..Wanted::default() };
            assert_eq!(collection_of_text(text), expected, "{text}");
        }
    }

    /// What reading a file of that text ends with.
    fn refused(name: &str, text: &str) -> String {
        let path =
            std::env::temp_dir().join(format!("trueup-galaxy-{name}-{}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let error = Requirements::read(&path).map(|_| ()).unwrap_err();
        std::fs::remove_file(&path).unwrap();
        error.message
    }

    #[test]
    fn files_that_are_wrong_are_refused() {
        let cases = [
            ("empty", "---\n", "No requirements found"),
            ("text", "web\n", "must be a list or a dictionary"),
            ("key", "role:\n- src: x\n", "Expecting only 'roles' and/or 'collections'"),
            ("list", "roles: web\n", "must be a list"),
            ("nameless", "- version: 1\n", "Must specify name or src for role"),
            ("type", "collections:\n- name: a.b\n  type: ftp\n", "must be one of file"),
            ("unnamed", "collections:\n- version: 1\n", "should contain the key name"),
        ];
        for (name, text, expected) in cases {
            let message = refused(name, text);
            assert!(message.contains(expected), "{name}: {message}");
        }
    }

    #[test]
    fn a_file_has_roles_and_collections() {
        let path = std::env::temp_dir().join(format!("trueup-galaxy-{}", std::process::id()));
        let text = "roles:\n- src: git+file:///srv/r\n  version: v1\n  name: web\n- base\n\
                    - {src: acme.nginx, name: proxy}\n\
                    collections:\n- a.b\n- name: https://x/c.git\n  type: git\n  version: main\n\
                    - {name: ./c, type: dir}\n- {name: c.d, version: '>=1.0', source: hub}\n";
        std::fs::write(&path, text).unwrap();
        let all = Requirements::read(&path).map_err(|failed| failed.message);
        std::fs::remove_file(&path).unwrap();
        let all = all.unwrap();
        assert_eq!(all.roles[0].origin, git("file:///srv/r", ""));
        assert_eq!(all.roles[0].version.as_deref(), Some("v1"));
        assert_eq!(all.roles[1].origin, Origin::Server);
        assert_eq!(all.roles[1].known_as, None);
        assert_eq!(all.roles[2].known_as.as_deref(), Some("acme.nginx"));
        let origins: Vec<&Origin> = all.collections.iter().map(|wanted| &wanted.origin).collect();
        let url = git("https://x/c.git", "");
        let path = Origin::Path("./c".into());
        assert_eq!(origins, [&Origin::Server, &url, &path, &Origin::Server]);
        assert_eq!(all.collections[3].version.as_deref(), Some(">=1.0"));
        assert_eq!(all.collections[3].server.as_deref(), Some("hub"));
    }
}
