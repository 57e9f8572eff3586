//! An engine in memory, for tests: it keeps containers, images, networks and volumes as JSON.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use module::fake::FakeHost;
use protocol::Json;
use serde_json::json;

/// What the engine keeps, by kind and name.
#[derive(Default)]
pub struct FakeEngine {
    things: BTreeMap<(&'static str, String), Json>,
    /// Images that its registry has, with their IDs.
    pub registry: BTreeMap<String, String>,
    /// All orders, without questions.
    pub orders: Vec<String>,
}

/// An engine behind the socket of a host.
pub fn serve(host: &mut FakeHost) -> Rc<RefCell<FakeEngine>> {
    let engine = Rc::new(RefCell::new(FakeEngine::default()));
    let own = Rc::clone(&engine);
    host.serve("/var/run/docker.sock", move |request| own.borrow_mut().answer(request));
    engine
}

impl FakeEngine {
    /// Puts an image where it need not be pulled.
    pub fn put_image(&mut self, name: &str, id: &str) {
        self.things.insert(("images", name.into()), json!({"Id": id, "RepoTags": [name]}));
    }

    /// What it keeps under a name.
    pub fn thing(&self, kind: &'static str, name: &str) -> Option<&Json> {
        self.things.get(&(kind, name.to_owned()))
    }

    fn answer(&mut self, request: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(request);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut words = head.split_whitespace();
        let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let target = target.trim_start_matches("http://docker");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if method != "GET" {
            self.orders.push(format!("{method} {target}"));
        }
        let body: Json = serde_json::from_str(body).unwrap_or_default();
        let (status, answer) = self.act(method, path, query, &body);
        let answer = if answer.is_null() { String::new() } else { answer.to_string() };
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", answer.len());
        (head + &answer).into_bytes()
    }

    fn act(&mut self, method: &str, path: &str, query: &str, body: &Json) -> (u16, Json) {
        let missing = || (404, json!({"message": "no such thing"}));
        let of = |name: &str| -> String {
            let found = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
            found.unwrap_or_default().replace("%2F", "/")
        };
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (method, parts.as_slice()) {
            ("POST", ["images", "create"]) => {
                let name = format!("{}:{}", of("fromImage"), of("tag"));
                match self.registry.get(&name).cloned() {
                    Some(id) => {
                        self.put_image(&name, &id);
                        (200, json!({"status": "Download complete"}))
                    }
                    None => (200, json!({"error": format!("manifest for {name} not found")})),
                }
            }
            ("POST", ["images", name, "tag"]) => {
                let by_id = || {
                    let all = self.things.iter().filter(|((kind, _), _)| *kind == "images");
                    all.map(|(_, image)| image).find(|image| image["Id"] == **name).cloned()
                };
                let image = self.thing("images", name).cloned().or_else(by_id);
                let other = format!("{}:{}", of("repo"), of("tag"));
                self.things.insert(("images", other), image.unwrap_or_default());
                (201, Json::Null)
            }
            // An archive is its list, and one that is loaded is the name of its image.
            ("GET", ["images", rest @ .., "get"]) => {
                let name = rest.join("/");
                let id = |image: &Json| image["Id"].as_str().unwrap_or_default().to_owned();
                self.thing("images", &name).map(id).map_or_else(missing, |id| {
                    let config = format!("{}.json", id.trim_start_matches("sha256:"));
                    (200, json!([{"Config": config, "RepoTags": [name]}]))
                })
            }
            ("POST", ["images", "load"]) => match body.as_str() {
                Some(name) => {
                    self.put_image(name, "sha256:9");
                    (200, json!({"stream": format!("Loaded image: {name}\n")}))
                }
                None => (200, json!({"error": "unrecognized image format"})),
            },
            ("GET", ["images", rest @ .., "json"]) => {
                let name = rest.join("/");
                self.thing("images", &name).cloned().map_or_else(missing, |image| (200, image))
            }
            ("POST", ["images", _, "push"]) => (200, json!({"status": "Pushed"})),
            ("DELETE", ["images", rest @ ..]) => {
                let name = rest.join("/");
                let gone = self.things.remove(&("images", name.clone()));
                let id = gone.map(|image| image["Id"].clone());
                (200, json!([{"Untagged": name}, {"Deleted": id}]))
            }
            ("POST", ["volumes", "create"]) => {
                let name = body["Name"].as_str().unwrap_or_default().to_owned();
                let volume = json!({
                    "Name": name, "Driver": body["Driver"], "Labels": body["Labels"],
                    "Options": body["DriverOpts"],
                });
                self.things.insert(("volumes", name), volume.clone());
                (201, volume)
            }
            ("POST", ["networks", "create"]) => {
                let name = body["Name"].as_str().unwrap_or_default().to_owned();
                let mut network = body.clone();
                network["Containers"] = json!({});
                self.things.insert(("networks", name), network);
                (201, json!({"Id": "n1"}))
            }
            ("POST", ["networks", name, "connect"]) => {
                let container = body["Container"].as_str().unwrap_or_default().to_owned();
                let key = ("networks", (*name).to_owned());
                if let Some(network) = self.things.get_mut(&key) {
                    network["Containers"][&container] = json!({"Name": container});
                }
                if let Some(found) = self.things.get_mut(&("containers", container)) {
                    found["NetworkSettings"]["Networks"][*name] = body["EndpointConfig"].clone();
                }
                (200, Json::Null)
            }
            ("POST", ["networks", name, "disconnect"]) => {
                let container = body["Container"].as_str().unwrap_or_default().to_owned();
                for (key, place) in [
                    (("networks", (*name).to_owned()), &["Containers", container.as_str()]),
                    (("containers", container.clone()), &["NetworkSettings", "Networks"]),
                ] {
                    let Some(thing) = self.things.get_mut(&key) else { continue };
                    let inner = match place[0] {
                        "Containers" => thing["Containers"].as_object_mut(),
                        _ => thing["NetworkSettings"]["Networks"].as_object_mut(),
                    };
                    let gone = if place[0] == "Containers" { container.as_str() } else { name };
                    inner.map(|map| map.remove(gone));
                }
                (200, Json::Null)
            }
            ("POST", ["containers", "create"]) => {
                let mut config = body.clone();
                let host_config = config["HostConfig"].take();
                let image = body["Image"].as_str().unwrap_or_default();
                let full =
                    if image.contains(':') { image.to_owned() } else { format!("{image}:latest") };
                let id = self.thing("images", &full).map(|image| image["Id"].clone());
                let networks = body["NetworkingConfig"]["EndpointsConfig"].clone();
                let name = of("name");
                let container = json!({
                    "Id": format!("id-{name}"), "Name": format!("/{name}"), "Image": id,
                    "Config": config, "HostConfig": host_config,
                    "NetworkSettings": {"Networks": networks},
                    "State": {"Running": false, "Paused": false},
                });
                self.things.insert(("containers", name), container);
                (201, json!({"Id": "c"}))
            }
            ("POST", ["containers", name, "update"]) => {
                let key = ("containers", (*name).to_owned());
                if let (Some(container), Some(map)) = (self.things.get_mut(&key), body.as_object())
                {
                    for (field, value) in map {
                        container["HostConfig"][field] = value.clone();
                    }
                }
                (200, json!({"Warnings": null}))
            }
            ("POST", ["containers", _, "wait"]) => (200, json!({"StatusCode": 3})),
            ("POST", ["containers", name, verb]) => {
                let key = ("containers", (*name).to_owned());
                let Some(container) = self.things.get_mut(&key) else { return missing() };
                let (field, value) = match *verb {
                    "start" | "restart" => ("Running", true),
                    "stop" | "kill" => ("Running", false),
                    "pause" => ("Paused", true),
                    _ => ("Paused", false),
                };
                container["State"][field] = value.into();
                (204, Json::Null)
            }
            ("GET", ["containers", _, "logs"]) => (200, json!("said")),
            ("GET", ["containers", name, "json"]) => {
                self.thing("containers", name).cloned().map_or_else(missing, |it| (200, it))
            }
            ("GET", ["containers", "json"]) => {
                (200, json!([{"Id": "c", "Names": ["/c"], "More": 1}]))
            }
            ("GET" | "DELETE", [kind @ ("containers" | "networks" | "volumes"), name]) => {
                let kind = ["containers", "networks", "volumes"].into_iter().find(|it| it == kind);
                let key = (kind.unwrap_or_default(), (*name).to_owned());
                let found = match method {
                    "GET" => self.things.get(&key).cloned(),
                    _ => self.things.remove(&key),
                };
                found.map_or_else(missing, |it| (200, it))
            }
            ("POST", [kind, "prune"]) => {
                let mut name = (*kind).to_owned();
                name.replace_range(..1, &kind[..1].to_uppercase());
                (200, json!({format!("{name}Deleted"): ["x"], "SpaceReclaimed": 5}))
            }
            ("GET", ["info"]) => (200, json!({"Containers": 1})),
            _ => (400, json!({"message": format!("{method} {path}")})),
        }
    }
}
