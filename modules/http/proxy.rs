//! Proxies, as the host's environment names them.

use base64::{Engine, engine::general_purpose::STANDARD};
use module::{Failure, Host};

use super::Url;

/// The proxy for a URL; `None` where it is asked directly.
///
/// # Errors
/// A proxy whose URL cannot be read.
pub fn find(host: &dyn Host, url: &Url) -> Result<Option<Url>, Failure> {
    let variable = |name: &str| {
        let found = host.variable(name).or_else(|| host.variable(&name.to_uppercase()));
        found.filter(|value| !value.is_empty())
    };
    if variable("no_proxy").is_some_and(|list| is_exempt(&list, url)) {
        return Ok(None);
    }
    let name = if url.is_tls { "https_proxy" } else { "http_proxy" };
    let Some(text) = variable(name).or_else(|| variable("all_proxy")) else { return Ok(None) };
    let text = if text.contains("://") { text } else { format!("http://{text}") };
    let proxy = Url::parse(&text).map_err(|why| Failure::new(format!("{name}: {}", why.msg)))?;
    if proxy.is_tls {
        return Err(Failure::new(format!(
            "{name}: a proxy that is asked over https is not supported: {}",
            proxy.text()
        )));
    }
    Ok(Some(proxy))
}

fn is_exempt(list: &str, url: &Url) -> bool {
    list.split(',').map(str::trim).filter(|one| !one.is_empty()).any(|one| {
        let one = one.to_ascii_lowercase();
        let (name, port) = match one.rsplit_once(':') {
            Some((name, port))
                if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.contains(':') =>
            {
                (name.to_owned(), port.parse().ok())
            }
            _ => (one, None),
        };
        let name = name.trim_start_matches('.');
        let fits = name == "*"
            || url.host == name
            || url.host.strip_suffix(name).is_some_and(|above| above.ends_with('.'));
        fits && port.is_none_or(|port: u16| port == url.port)
    })
}

/// How a proxy is told who asks.
pub fn authorization(proxy: &Url) -> Option<String> {
    let (user, password) = proxy.user.as_ref()?;
    Some(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exemptions_are_by_suffix() {
        let url = Url::parse("http://a.example.com:8080/").unwrap();
        for (list, expected) in [
            ("example.com", true),
            (".example.com", true),
            ("xample.com", false),
            ("localhost, A.example.com", true),
            ("*", true),
            ("example.com:8080", true),
            ("example.com:80", false),
            ("", false),
        ] {
            assert_eq!(is_exempt(list, &url), expected, "{list}");
        }
    }
}
