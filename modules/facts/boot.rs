//! How the kernel was started, how long ago, and how busy it has been.

use module::path::split_words;
use protocol::{Json, JsonMap};
use serde_json::json;

use super::Reader;

/// `cmdline`, where the last of several values stands, and `proc_cmdline`, where all do.
pub fn command_line(reader: &Reader<'_>) -> JsonMap {
    let text = reader.text("/proc/cmdline").unwrap_or_default();
    let words =
        split_words(&text).unwrap_or_else(|_| text.split_whitespace().map(str::to_owned).collect());
    let (mut last, mut all) = (JsonMap::new(), JsonMap::new());
    for word in words {
        let (key, value) = match word.split_once('=') {
            Some((key, value)) => (key.to_owned(), Json::from(value)),
            None => (word, Json::Bool(true)),
        };
        match all.get_mut(&key) {
            Some(Json::Array(values)) => values.push(value.clone()),
            Some(first) => *first = json!([first.clone(), value]),
            None => {
                all.insert(key.clone(), value.clone());
            }
        }
        last.insert(key, value);
    }
    JsonMap::from_iter([("cmdline".into(), last.into()), ("proc_cmdline".into(), all.into())])
}

/// `loadavg`.
pub fn load(reader: &Reader<'_>) -> JsonMap {
    let text = reader.text("/proc/loadavg").unwrap_or_default();
    let mut numbers = text.split_whitespace().map_while(|word| word.parse::<f64>().ok());
    let (Some(one), Some(five), Some(fifteen)) = (numbers.next(), numbers.next(), numbers.next())
    else {
        return JsonMap::new();
    };
    JsonMap::from_iter([("loadavg".into(), json!({"1m": one, "5m": five, "15m": fifteen}))])
}

/// `uptime_seconds`.
pub fn uptime(reader: &Reader<'_>) -> JsonMap {
    let text = reader.text("/proc/uptime").unwrap_or_default();
    let secs = text.split(['.', ' ']).next().and_then(|word| word.parse::<u64>().ok());
    secs.map(|secs| ("uptime_seconds".to_owned(), secs.into())).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use module::fake::FakeHost;

    use super::*;

    #[test]
    fn the_command_line_is_split() {
        let mut host = FakeHost::default();
        host.put("/proc/cmdline", "quiet console=tty0 console=ttyS0,115200 x=\"a b\" a=b=c\n");
        let facts = command_line(&Reader::new(&host));
        assert_eq!(
            facts["cmdline"],
            json!({"quiet": true, "console": "ttyS0,115200", "x": "a b", "a": "b=c"})
        );
        assert_eq!(facts["proc_cmdline"]["console"], json!(["tty0", "ttyS0,115200"]));
        host.put("/proc/cmdline", "it's");
        assert_eq!(command_line(&Reader::new(&host))["cmdline"], json!({"it's": true}));
    }

    #[test]
    fn what_is_not_there_is_left_out() {
        let host = FakeHost::default();
        let reader = Reader::new(&host);
        assert!(load(&reader).is_empty() && uptime(&reader).is_empty());
    }
}
