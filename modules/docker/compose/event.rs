//! What Compose tells of its work, line by line.

use protocol::Json;

/// Words for work that is begun.
const WORK: [&str; 9] = [
    "Creating",
    "Starting",
    "Restarting",
    "Stopping",
    "Killing",
    "Removing",
    "Recreate",
    "Pulling",
    "Building",
];
/// Words for work that is done or waited for.
const DONE: [&str; 14] = [
    "Started",
    "Healthy",
    "Exited",
    "Restarted",
    "Running",
    "Created",
    "Stopped",
    "Killed",
    "Removed",
    "Recreated",
    "Pulled",
    "Built",
    "Waiting",
    "Error",
];
/// Words for work on a layer of an image.
const LAYER_WORK: [&str; 6] =
    ["Pulling fs layer", "Waiting", "Downloading", "Verifying Checksum", "Extracting", "Working"];
/// Words for a layer that is there.
const LAYER_DONE: [&str; 3] = ["Already exists", "Download complete", "Pull complete"];

/// Something that Compose tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// What it is about: `container`, `network`, `image`, `image-layer`, `service`, `volume` or
    /// `unknown`.
    pub what: String,
    pub id: String,
    pub status: String,
    pub msg: String,
}

impl Event {
    /// Whether something is worked on.
    pub fn is_work(&self) -> bool {
        self.what != "image-layer" && WORK.contains(&self.status.as_str())
    }

    /// Whether a layer of an image is brought.
    pub fn is_layer_work(&self) -> bool {
        self.what == "image-layer" && LAYER_WORK.contains(&self.status.as_str())
    }

    /// Whether it is about an image that is pulled.
    pub fn is_pull(&self) -> bool {
        ["Pulling", "Pulled"].contains(&self.status.as_str())
    }

    /// Whether it is about an image that is built.
    pub fn is_build(&self) -> bool {
        ["Building", "Built"].contains(&self.status.as_str())
    }

    /// What went wrong, in words.
    pub fn complaint(&self) -> String {
        match (self.id.as_str(), self.msg.as_str()) {
            ("", msg) => msg.to_owned(),
            (id, "") => format!("Error when processing {id}"),
            (id, msg) => format!("Error when processing {} {id}: {msg}", self.what),
        }
    }
}

/// `Container` and the like in small letters; `None` for others.
fn kind(word: &str) -> Option<String> {
    let known = ["Network", "Image", "Volume", "Container", "Service"];
    known.contains(&word).then(|| word.to_lowercase())
}

fn is_status(word: &str) -> bool {
    WORK.contains(&word) || DONE.contains(&word) || word == "Warning"
}

/// Reads what is told with `--progress json`.
pub fn from_json(text: &str) -> Vec<Event> {
    text.lines()
        .filter_map(|line| serde_json::from_str::<Json>(line.trim()).ok())
        .filter_map(|line| json_event(&line))
        .collect()
}

fn json_event(line: &Json) -> Option<Event> {
    let of = |name: &str| line.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let (id, mut status, mut msg) = (of("id"), of("status"), of("text"));
    let unknown = |status: &str, id: String, msg: String| Event {
        what: "unknown".into(),
        id,
        status: status.into(),
        msg,
    };
    if line.get("tail").and_then(Json::as_bool) == Some(true) {
        let lower = msg.to_lowercase();
        return Some(match lower.starts_with("warning:") {
            true => unknown(
                "Warning",
                String::new(),
                msg.get(8..).unwrap_or_default().trim().to_owned(),
            ),
            false => unknown("Error", String::new(), msg),
        });
    }
    if line.get("error").is_some_and(|value| !value.is_null() && value != &Json::Bool(false)) {
        let msg = of("message");
        let msg = if msg.is_empty() { of("details") } else { msg };
        return Some(unknown("Error", id, msg));
    }
    match of("level").as_str() {
        "warning" => return Some(unknown("Warning", id, of("msg"))),
        "error" => return Some(unknown("Error", id, of("msg"))),
        _ => {}
    }
    // A layer that is brought names its image.
    let parent = of("parent_id");
    if let Some(image) = parent.strip_prefix("Image ")
        && ["Working", "Done"].contains(&status.as_str())
    {
        return Some(Event { what: "image-layer".into(), id: image.into(), status, msg });
    }
    if let Some(service) = msg.strip_prefix("build service ") {
        return Some(Event {
            what: "service".into(),
            id: service.into(),
            status: "Building".into(),
            msg: String::new(),
        });
    }
    if LAYER_DONE.contains(&msg.as_str()) || LAYER_WORK.contains(&msg.as_str()) && !id.contains(' ')
    {
        return Some(Event { what: "image-layer".into(), id, status: msg, msg: status });
    }
    if !is_status(&status) && is_status(&msg) {
        std::mem::swap(&mut status, &mut msg);
    }
    if let Some((word, rest)) = id.split_once(' ')
        && let Some(what) = kind(word)
    {
        return Some(Event { what, id: rest.trim().to_owned(), status, msg });
    }
    let what = if ["Pulling", "Pulled"].contains(&status.as_str()) { "image" } else { "unknown" };
    (!status.is_empty()).then(|| Event { what: what.into(), id, status, msg })
}

/// Reads what is told in lines for people.
pub fn from_lines(text: &str) -> Vec<Event> {
    text.lines().filter_map(line_event).collect()
}

fn line_event(line: &str) -> Option<Event> {
    let line = line.trim();
    let line = line.strip_prefix("DRY-RUN MODE -").unwrap_or(line).trim();
    if let Some((_, rest)) = line.split_once("level=warning msg=") {
        let msg = rest.trim_matches('"').to_owned();
        return Some(Event {
            what: "unknown".into(),
            status: "Warning".into(),
            msg,
            ..Event::default()
        });
    }
    if line.starts_with("Error ") {
        return Some(Event {
            what: "unknown".into(),
            status: "Error".into(),
            msg: line.into(),
            ..Event::default()
        });
    }
    let (first, rest) = line.split_once(' ')?;
    let (what, id, rest) = match kind(first) {
        Some(what) => {
            let (id, rest) = rest.trim().split_once(' ')?;
            (what, id, rest.trim())
        }
        None => ("service".to_owned(), first, rest.trim()),
    };
    let is_layer = id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let layer = LAYER_WORK.iter().chain(&LAYER_DONE).find(|word| rest.starts_with(**word));
    if let Some(word) = layer.filter(|_| is_layer) {
        return Some(Event {
            what: "image-layer".into(),
            id: id.into(),
            status: (*word).into(),
            msg: String::new(),
        });
    }
    let (status, msg) = rest.split_once(' ').unwrap_or((rest, ""));
    let what = if ["Error", "Warning"].contains(&status) && what == "service" {
        "unknown".into()
    } else {
        what
    };
    is_status(status).then(|| Event {
        what,
        id: id.into(),
        status: status.into(),
        msg: msg.trim().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_telling_are_read() {
        for (text, what, id, status) in [
            (" Container web-1  Creating", "container", "web-1", "Creating"),
            ("DRY-RUN MODE -  Network app_default  Created", "network", "app_default", "Created"),
            ("db Pulling", "service", "db", "Pulling"),
            ("0123456789ab Extracting [==> ]", "image-layer", "0123456789ab", "Extracting"),
            ("web Error pull access denied", "unknown", "web", "Error"),
            ("Error response from daemon: no", "unknown", "", "Error"),
            ("time=\"2024\" level=warning msg=\"obsolete\"", "unknown", "", "Warning"),
        ] {
            let events = from_lines(text);
            assert_eq!(events.len(), 1, "{text}");
            assert_eq!(
                (events[0].what.as_str(), events[0].id.as_str(), events[0].status.as_str()),
                (what, id, status),
                "{text}"
            );
        }
        for (text, what, id, status) in [
            (r#"{"id":"Container web-1","text":"Starting"}"#, "container", "web-1", "Starting"),
            (r#"{"id":"Container web-1","status":"Running"}"#, "container", "web-1", "Running"),
            (r#"{"id":"db","text":"Pulling"}"#, "image", "db", "Pulling"),
            (
                r#"{"id":"0123456789ab","text":"Downloading","status":"1B/2B"}"#,
                "image-layer",
                "0123456789ab",
                "Downloading",
            ),
            (r#"{"tail":true,"text":"no such service: x"}"#, "unknown", "", "Error"),
            (r#"{"error":true,"message":"broken"}"#, "unknown", "", "Error"),
            (r#"{"level":"warning","msg":"obsolete","time":"x"}"#, "unknown", "", "Warning"),
            (
                r#"{"dry-run":true,"id":" ","text":"build service app"}"#,
                "service",
                "app",
                "Building",
            ),
            (
                r#"{"id":"63a2","parent_id":"Image a/b:c","status":"Working"}"#,
                "image-layer",
                "a/b:c",
                "Working",
            ),
        ] {
            let events = from_json(text);
            assert_eq!(events.len(), 1, "{text}");
            assert_eq!(
                (events[0].what.as_str(), events[0].id.as_str(), events[0].status.as_str()),
                (what, id, status),
                "{text}"
            );
        }
        assert!(from_lines("#5 [internal] load build context\n\n").is_empty());
        assert!(from_json("plain text\n{\"x\": 1}\n").is_empty());
    }
}
