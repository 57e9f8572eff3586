//! Registries: whom images are pulled from, and who asks for them.

use std::path::Path;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use module::{Failure, Host, path::expand};
use protocol::Json;
use serde_json::json;

use super::{Engine, escape};

/// The registry of names that name none, as the configuration of Docker's client writes it.
const DEFAULT: &str = "https://index.docker.io/v1/";

/// The registry of a repository.
fn registry(repository: &str) -> &str {
    match repository.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
        _ => DEFAULT,
    }
}

/// The header by which the engine is told who asks a registry, from the configuration of Docker's
/// client; none where it says nothing.
fn authorization(host: &dyn Host, repository: &str) -> Result<Vec<(String, String)>, Failure> {
    let path = expand(host, "~/.docker/config.json");
    let Some(bytes) = host.read(Path::new(&path))? else { return Ok(Vec::new()) };
    let config: Json = serde_json::from_slice(&bytes)
        .map_err(|why| Failure::new(format!("{path} cannot be read: {why}")))?;
    let registry = registry(repository);
    let known = config.get("auths").and_then(Json::as_object);
    let found = known.into_iter().flatten().find(|(name, _)| {
        let bare = |name: &str| {
            let name = name.trim_start_matches("https://").trim_start_matches("http://");
            name.trim_end_matches('/').to_owned()
        };
        bare(name) == bare(registry)
    });
    let Some((_, entry)) = found else { return Ok(Vec::new()) };
    let packed = entry.get("auth").and_then(Json::as_str).unwrap_or_default();
    let plain = STANDARD.decode(packed).unwrap_or_default();
    let plain = String::from_utf8_lossy(&plain).into_owned();
    let Some((user, password)) = plain.split_once(':') else { return Ok(Vec::new()) };
    let told = json!({"username": user, "password": password, "serveraddress": registry});
    Ok(vec![("X-Registry-Auth".into(), URL_SAFE.encode(told.to_string()))])
}

/// What went wrong in what the engine streamed.
fn trouble(said: &Json) -> Option<String> {
    let one = |value: &Json| value.get("error").and_then(Json::as_str).map(str::to_owned);
    match said {
        Json::Array(all) => all.iter().find_map(one),
        other => one(other),
    }
}

/// Pulls an image.
///
/// # Errors
/// What the engine or the registry says.
pub fn pull(
    engine: &Engine,
    host: &dyn Host,
    repository: &str,
    tag: &str,
    platform: Option<&str>,
) -> Result<(), Failure> {
    let mut path = format!("/images/create?fromImage={}&tag={}", escape(repository), escape(tag));
    if let Some(platform) = platform {
        path.push_str(&format!("&platform={}", escape(platform)));
    }
    let headers = authorization(host, repository)?;
    let said = engine.ask(host, "POST", &path, None, &headers)?.must_succeed()?;
    match trouble(&said) {
        Some(why) => Err(Failure::new(format!("Error pulling {repository} - {why}"))),
        None => Ok(()),
    }
}

/// Pushes an image.
///
/// # Errors
/// What the engine or the registry says.
pub fn push(
    engine: &Engine,
    host: &dyn Host,
    repository: &str,
    tag: &str,
) -> Result<Json, Failure> {
    let path = format!("/images/{}/push?tag={}", escape(repository), escape(tag));
    let mut headers = authorization(host, repository)?;
    if headers.is_empty() {
        // The engine wants the header in any case.
        headers.push(("X-Registry-Auth".into(), URL_SAFE.encode("{}")));
    }
    let said = engine.ask(host, "POST", &path, None, &headers)?.must_succeed()?;
    match trouble(&said) {
        Some(why) => Err(Failure::new(format!("Error pushing image {repository}:{tag} - {why}"))),
        None => Ok(said),
    }
}

#[cfg(test)]
mod tests {
    use module::fake::FakeHost;

    use super::*;

    #[test]
    fn who_asks_is_known_by_the_registry() {
        let mut host = FakeHost::default();
        host.set_variable("HOME", "/root");
        assert!(authorization(&host, "debian").unwrap().is_empty());
        let auth = STANDARD.encode("me:pass:word");
        host.put(
            "/root/.docker/config.json",
            json!({"auths": {"https://registry.example/": {"auth": auth}, DEFAULT: {"auth": auth}}})
                .to_string(),
        );
        for (repository, address) in [
            ("registry.example/app", Some("registry.example")),
            ("debian", Some(DEFAULT)),
            ("me/app", Some(DEFAULT)),
            ("localhost:5000/app", None),
        ] {
            let found = authorization(&host, repository).unwrap();
            let told = found.first().map(|(_, text)| {
                serde_json::from_slice::<Json>(&URL_SAFE.decode(text).unwrap()).unwrap()
            });
            assert_eq!(told.is_some(), address.is_some(), "{repository}");
            if let Some(told) = told {
                assert_eq!(told["password"], "pass:word");
                assert_eq!(told["serveraddress"].as_str(), address);
            }
        }
        host.put("/root/.docker/config.json", "{");
        assert!(authorization(&host, "debian").is_err());
    }
}
