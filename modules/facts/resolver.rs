//! How the host looks up names.

use protocol::{Json, JsonMap};

use super::Reader;

/// `dns`, from /etc/resolv.conf.
pub fn read(reader: &Reader<'_>) -> JsonMap {
    let text = reader.text("/etc/resolv.conf").unwrap_or_default();
    let mut facts = JsonMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let Some(key) = words.next().filter(|key| !key.starts_with(['#', ';'])) else { continue };
        match key {
            "nameserver" => {
                let list = facts.entry("nameservers").or_insert_with(|| Json::Array(Vec::new()));
                if let (Json::Array(list), Some(address)) = (list, words.next()) {
                    list.push(address.into());
                }
            }
            "domain" => {
                if let Some(domain) = words.next() {
                    facts.insert("domain".into(), domain.into());
                }
            }
            "search" | "sortlist" => {
                facts.insert(key.into(), words.map(str::to_owned).collect::<Vec<_>>().into());
            }
            "options" => {
                let options: JsonMap = words
                    .map(|word| match word.split_once(':') {
                        Some((name, value)) => (name.to_owned(), value.into()),
                        None => (word.to_owned(), Json::Bool(true)),
                    })
                    .collect();
                facts.insert("options".into(), options.into());
            }
            _ => {}
        }
    }
    JsonMap::from_iter([("dns".to_owned(), Json::Object(facts))])
}

#[cfg(test)]
mod tests {
    use module::fake::FakeHost;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_file_is_read() {
        let mut host = FakeHost::default();
        host.put(
            "/etc/resolv.conf",
            "# x\nnameserver 10.0.0.1\nnameserver 10.0.0.2\nsearch a.b c.d\ndomain a.b\n\
             options timeout:3 rotate\nsortlist 1.2.3.4\n\n",
        );
        assert_eq!(
            read(&Reader::new(&host))["dns"],
            json!({
                "nameservers": ["10.0.0.1", "10.0.0.2"], "search": ["a.b", "c.d"], "domain": "a.b",
                "options": {"timeout": "3", "rotate": true}, "sortlist": ["1.2.3.4"],
            })
        );
        assert_eq!(read(&Reader::new(&FakeHost::default()))["dns"], json!({}));
    }
}
