//! The lookup `url`: what a server answers.
//!
//! This room speaks no HTTP: see [`Fetch`](crate::surroundings::Fetch).

use protocol::{Json, JsonMap};

use crate::{
    engine::{Lookup, LookupCall},
    error::{ErrorKind, Result, TemplateError},
    value::Value,
};

pub(super) const LOOKUPS: &[Lookup] = &[Lookup { name: "url", home: "", run: url }];

/// Options, what they are for the client, and the variables and environment that may say them.
const OPTIONS: &[(&str, &str, &str, &str)] = &[
    ("validate_certs", "validate_certs", "", ""),
    ("use_proxy", "use_proxy", "", ""),
    ("username", "url_username", "", ""),
    ("password", "url_password", "", ""),
    ("headers", "headers", "", ""),
    ("force", "force", "ansible_lookup_url_force", "ANSIBLE_LOOKUP_URL_FORCE"),
    ("timeout", "timeout", "ansible_lookup_url_timeout", "ANSIBLE_LOOKUP_URL_TIMEOUT"),
    ("http_agent", "http_agent", "ansible_lookup_url_agent", "ANSIBLE_LOOKUP_URL_AGENT"),
    (
        "force_basic_auth",
        "force_basic_auth",
        "ansible_lookup_url_force_basic_auth",
        "ANSIBLE_LOOKUP_URL_FORCE_BASIC_AUTH",
    ),
    (
        "follow_redirects",
        "follow_redirects",
        "ansible_lookup_url_follow_redirects",
        "ANSIBLE_LOOKUP_URL_FOLLOW_REDIRECTS",
    ),
    ("use_gssapi", "use_gssapi", "ansible_lookup_url_use_gssapi", "ANSIBLE_LOOKUP_URL_USE_GSSAPI"),
    ("use_netrc", "use_netrc", "ansible_lookup_url_use_netrc", "ANSIBLE_LOOKUP_URL_USE_NETRC"),
    (
        "unix_socket",
        "unix_socket",
        "ansible_lookup_url_unix_socket",
        "ANSIBLE_LOOKUP_URL_UNIX_SOCKET",
    ),
    ("ca_path", "ca_path", "ansible_lookup_url_ca_path", "ANSIBLE_LOOKUP_URL_CA_PATH"),
    (
        "unredirected_headers",
        "unredirected_headers",
        "ansible_lookup_url_unredir_headers",
        "ANSIBLE_LOOKUP_URL_UNREDIR_HEADERS",
    ),
    ("ciphers", "ciphers", "ansible_lookup_url_ciphers", "ANSIBLE_LOOKUP_URL_CIPHERS"),
];

fn url(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    let splits = call.bool_option("split_lines", true)?;
    let mut options = JsonMap::new();
    for (name, client_name, variable, environment) in OPTIONS {
        let mut value = call.option(name)?;
        if value.is_none() && !variable.is_empty() {
            value = call.scope.get(variable).map(Value::defined).transpose()?;
        }
        if value.is_none() {
            value = call
                .scope
                .surroundings()
                .environment
                .get(*environment)
                .map(|text| Value::from(text.as_str()));
        }
        if let Some(value) = value.filter(|value| !value.is_none()) {
            options.insert((*client_name).to_owned(), value.to_json()?);
        }
    }
    if options.get("follow_redirects") == Some(&Json::String("urllib2".into())) {
        options.insert("follow_redirects".into(), "safe".into());
    }
    let terms = call.text_terms()?;
    let Some(fetch) = call.scope.surroundings().fetch.clone() else {
        return Err(TemplateError::new(ErrorKind::Lookup, "nothing is fetched from here"));
    };
    let mut values = Vec::new();
    for term in terms {
        let mut request = options.clone();
        request.insert("url".into(), term.as_str().into());
        let text = fetch(&request).map_err(|why| TemplateError::new(ErrorKind::Lookup, why))?;
        if splits {
            values.extend(crate::methods::lines(&text, false).into_iter().map(Value::from));
        } else {
            values.push(Value::from(text));
        }
    }
    Ok(values)
}
