//! Ports of a container: those that it offers, and those of the host that lead to them.

use module::Failure;
use protocol::{Json, JsonMap};
use serde_json::json;

use super::{Compared, Options, wishes::Wishes};

/// A port with its protocol.
fn with_protocol(port: &str, protocol: Option<&str>) -> String {
    format!("{port}/{}", protocol.unwrap_or("tcp"))
}

/// All ports of `80-82`.
fn ports(range: &str) -> Result<Vec<u16>, Failure> {
    let broken = || Failure::new(format!("{range:?} is no port, and no range of them"));
    let number = |text: &str| text.parse::<u16>().map_err(|_| broken());
    match range.split_once('-') {
        None => Ok(vec![number(range)?]),
        Some((from, to)) => {
            let (from, to) = (number(from)?, number(to)?);
            if from > to { Err(broken()) } else { Ok((from..=to).collect()) }
        }
    }
}

impl Options {
    pub(super) fn put_ports(&self, all: &mut Wishes) -> Result<(), Failure> {
        let mut exposed = JsonMap::new();
        for port in self.exposed_ports.iter().flatten() {
            let (range, protocol) = match port.split_once('/') {
                Some((range, protocol)) => (range, Some(protocol)),
                None => (port.as_str(), None),
            };
            for port in ports(range)? {
                exposed.insert(with_protocol(&port.to_string(), protocol), json!({}));
            }
        }
        if let Some(published) = &self.published_ports {
            let mut bindings = JsonMap::new();
            for one in published {
                self.bind(one, &mut bindings)?;
            }
            for port in bindings.keys() {
                exposed.insert(port.clone(), json!({}));
            }
            let bindings = Json::from(bindings);
            all.put(
                "published_ports",
                &["HostConfig", "PortBindings"],
                Compared::Dict,
                Some(bindings),
            );
        }
        if !exposed.is_empty() {
            all.put("exposed_ports", &["ExposedPorts"], Compared::Dict, Some(exposed.into()));
        }
        Ok(())
    }

    /// One of `published_ports`: `[[ADDRESS:]HOST:]CONTAINER[/PROTOCOL]`.
    fn bind(&self, text: &str, bindings: &mut JsonMap) -> Result<(), Failure> {
        let (rest, protocol) = match text.split_once('/') {
            Some((rest, protocol)) => (rest, Some(protocol)),
            None => (text, None),
        };
        let mut address = self.default_host_ip.clone().unwrap_or_default();
        let (front, inside) = match rest.rsplit_once(':') {
            Some((front, inside)) => (Some(front), inside),
            None => (None, rest),
        };
        let outside = match front {
            None => None,
            Some(front) => match front.rsplit_once(':') {
                Some((given, outside)) => {
                    address = given.trim_matches(['[', ']']).to_owned();
                    Some(outside)
                }
                None if front.contains('.') => {
                    address = front.to_owned();
                    None
                }
                None => Some(front),
            },
        };
        let inside = ports(inside)?;
        let outside = match outside.filter(|outside| !outside.is_empty()) {
            None => None,
            Some(range) => {
                let outside = ports(range)?;
                if outside.len() != inside.len() && inside.len() != 1 {
                    return Err(Failure::new(format!(
                        "Invalid port mapping {text}: the ranges differ"
                    )));
                }
                Some(outside)
            }
        };
        for (at, port) in inside.iter().enumerate() {
            let chosen = match &outside {
                None => String::new(),
                Some(outside) if inside.len() == 1 && outside.len() > 1 => {
                    let (first, last) = (outside.first(), outside.last());
                    format!(
                        "{}-{}",
                        first.copied().unwrap_or_default(),
                        last.copied().unwrap_or_default()
                    )
                }
                Some(outside) => outside.get(at).copied().unwrap_or_default().to_string(),
            };
            let key = with_protocol(&port.to_string(), protocol);
            let binding = json!({"HostIp": address, "HostPort": chosen});
            match bindings.get_mut(&key).and_then(Json::as_array_mut) {
                Some(known) => known.push(binding),
                None => {
                    bindings.insert(key, json!([binding]));
                }
            }
        }
        Ok(())
    }
}
