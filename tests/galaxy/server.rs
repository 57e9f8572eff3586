//! A Galaxy server: version 3 of its protocol for collections, version 1 for roles.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

/// How many versions a page has.
const PAGE: usize = 2;

/// What is served.
#[derive(Default)]
pub struct Shelf {
    /// Archives by collection and version.
    pub collections: BTreeMap<(String, String), Vec<u8>>,
    /// Archives of roles by name and tag.
    pub roles: BTreeMap<(String, String), Vec<u8>>,
    /// Who does not send this token is refused.
    pub token: Option<String>,
    /// How often the next requests are told that there is too much to do.
    pub refusals: usize,
}

/// A server on this machine, until the process ends.
pub struct Server {
    pub url: String,
    shelf: Arc<Mutex<Shelf>>,
    /// Paths that were asked for, and whether with a header `Authorization`.
    asked: Arc<Mutex<Vec<(String, bool)>>>,
}

impl Server {
    pub fn start(shelf: Shelf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let shelf = Arc::new(Mutex::new(shelf));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let server =
            Self { url: url.clone(), shelf: Arc::clone(&shelf), asked: Arc::clone(&asked) };
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // Who goes away in the middle is none of the server's business.
                let _ = answer(stream, &url, &shelf, &asked);
            }
        });
        server
    }

    /// Puts the archive `NAMESPACE-NAME-VERSION.tar.gz` on the shelf.
    pub fn put(&self, archive: &Path) {
        let name = archive.file_name().unwrap().to_str().unwrap();
        let parts: Vec<&str> = name.strip_suffix(".tar.gz").unwrap().splitn(3, '-').collect();
        let key = (format!("{}.{}", parts[0], parts[1]), parts[2].to_owned());
        self.shelf.lock().unwrap().collections.insert(key, fs::read(archive).unwrap());
    }

    pub fn put_role(&self, name: &str, tag: &str, archive: &Path) {
        let key = (name.to_owned(), tag.to_owned());
        self.shelf.lock().unwrap().roles.insert(key, fs::read(archive).unwrap());
    }

    pub fn change(&self, change: impl FnOnce(&mut Shelf)) {
        change(&mut self.shelf.lock().unwrap());
    }

    /// What was asked for since the last time.
    pub fn asked(&self) -> Vec<(String, bool)> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

fn answer(
    mut stream: TcpStream,
    url: &str,
    shelf: &Mutex<Shelf>,
    asked: &Mutex<Vec<(String, bool)>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut authorization = None;
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("authorization")
        {
            authorization = Some(value.to_owned());
        }
    }
    asked.lock().unwrap().push((path.clone(), authorization.is_some()));
    let mut shelf = shelf.lock().unwrap();
    let wanted = shelf.token.as_ref().map(|token| format!("Token {token}"));
    let (status, body) = if shelf.refusals > 0 {
        shelf.refusals -= 1;
        (429, b"later".to_vec())
    } else if wanted.is_some() && wanted != authorization {
        (401, br#"{"detail": "who are you"}"#.to_vec())
    } else {
        match found(&path, url, &shelf) {
            Some(body) => (200, body),
            None => (404, br#"{"detail": "not found"}"#.to_vec()),
        }
    };
    write!(
        stream,
        "HTTP/1.1 {status} x\r\nContent-Length: {}\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    stream.write_all(&body)
}

fn found(path: &str, url: &str, shelf: &Shelf) -> Option<Vec<u8>> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query: BTreeMap<&str, &str> =
        query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let text = |value: Value| Some(value.to_string().into_bytes());
    match *parts.as_slice() {
        ["api"] => text(json!({"available_versions": {"v1": "v1/", "v3": "v3/"}})),
        ["api", "v3", "collections", namespace, name] => {
            let versions = versions(shelf, namespace, name);
            let newest = versions.last()?;
            text(json!({
                "namespace": namespace, "name": name, "highest_version": {"version": newest},
                "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z",
            }))
        }
        ["api", "v3", "collections", namespace, name, "versions"] => {
            let versions = versions(shelf, namespace, name);
            let from: usize = query.get("offset").and_then(|text| text.parse().ok()).unwrap_or(0);
            let page: Vec<Value> = versions
                .iter()
                .skip(from)
                .take(PAGE)
                .map(|version| json!({"version": version, "href": format!("{path}{version}/")}))
                .collect();
            if versions.is_empty() {
                return None;
            }
            let next = (from + PAGE < versions.len())
                .then(|| format!("{path}?limit={PAGE}&offset={}", from + PAGE));
            text(json!({
                "meta": {"count": versions.len()}, "links": {"next": next}, "data": page,
            }))
        }
        ["api", "v3", "collections", namespace, name, "versions", version] => {
            let key = (format!("{namespace}.{name}"), version.to_owned());
            let archive = shelf.collections.get(&key)?;
            let file = format!("{namespace}-{name}-{version}.tar.gz");
            text(json!({
                "version": version, "href": path,
                "namespace": {"name": namespace}, "collection": {"name": name},
                "download_url": format!("{url}download/{file}"),
                "artifact": {"filename": file, "sha256": sha256(archive)},
                "metadata": {"dependencies": dependencies(archive)},
                "signatures": [],
            }))
        }
        ["download", file] => {
            let parts: Vec<&str> = file.strip_suffix(".tar.gz")?.splitn(3, '-').collect();
            let key = (format!("{}.{}", parts.first()?, parts.get(1)?), (*parts.get(2)?).into());
            shelf.collections.get(&key).cloned()
        }
        ["api", "v1", "roles"] => {
            let name = format!("{}.{}", query.get("owner__username")?, query.get("name")?);
            let known = shelf.roles.keys().any(|(known, _)| *known == name);
            let role = json!({
                "id": id_of(shelf, &name), "github_user": "nobody", "github_repo": "none",
                "github_branch": "main", "name": query.get("name")?,
                "summary_fields": {"namespace": {"name": query.get("owner__username")?}},
            });
            let results = if known { vec![role] } else { Vec::new() };
            text(json!({"count": results.len(), "next": null, "results": results}))
        }
        ["api", "v1", "roles", id, "versions"] => {
            let tags = shelf.roles.keys().filter(|(name, _)| id_of(shelf, name).to_string() == id);
            let results: Vec<Value> = tags
                .map(|(name, tag)| json!({"name": tag, "download_url": format!("{url}roles/{name}/{tag}.tar.gz")}))
                .collect();
            text(json!({"count": results.len(), "next": null, "results": results}))
        }
        ["roles", name, file] => {
            let tag = file.strip_suffix(".tar.gz")?;
            shelf.roles.get(&(name.to_owned(), tag.to_owned())).cloned()
        }
        _ => None,
    }
}

/// The versions of a collection, in no order that means anything.
fn versions(shelf: &Shelf, namespace: &str, name: &str) -> Vec<String> {
    let wanted = format!("{namespace}.{name}");
    let all = shelf.collections.keys().filter(|(name, _)| *name == wanted);
    all.map(|(_, version)| version.clone()).collect()
}

fn id_of(shelf: &Shelf, wanted: &str) -> usize {
    shelf.roles.keys().position(|(name, _)| name == wanted).map_or(usize::MAX, |at| at + 1)
}

/// What an archive says that its collection depends on.
fn dependencies(archive: &[u8]) -> Value {
    let manifest = with_program("tar", &["xzOf", "-", "MANIFEST.json"], archive);
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    manifest["collection_info"]["dependencies"].clone()
}

fn sha256(bytes: &[u8]) -> String {
    let said = String::from_utf8(with_program("sha256sum", &[], bytes)).unwrap();
    said.split(' ').next().unwrap().to_owned()
}

/// What a program of the system makes of some bytes.
fn with_program(program: &str, words: &[&str], bytes: &[u8]) -> Vec<u8> {
    use std::process::{Command, Stdio};
    let mut child = Command::new(program)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let writer = thread::spawn(move || drop(input.write_all(&bytes)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output.stdout
}
