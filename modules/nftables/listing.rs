//! What `nft` lists.

/// A listing without the elements of some sets and maps.
pub fn without_elements(listing: &str, names: &[&str]) -> String {
    let mut text = listing.to_owned();
    for name in names {
        if let Some((start, end, _)) = find_elements(&text, name) {
            text.replace_range(start..end, "");
        }
    }
    text
}

/// What stands between the braces behind `elements =` of a set or map; `None` where it is empty.
pub fn elements_of(listing: &str, name: &str) -> Option<String> {
    find_elements(listing, name).map(|(.., inside)| inside)
}

/// Where the lines of a set's elements start and end, and what they hold.
fn find_elements(listing: &str, name: &str) -> Option<(usize, usize, String)> {
    let heads = [format!("\tset {name} {{\n"), format!("\tmap {name} {{\n")];
    let set = heads.iter().find_map(|head| Some(listing.find(head.as_str())? + head.len()))?;
    let rest = listing.get(set..)?;
    let body = rest.get(..rest.find("\n\t}")?)?;
    let marker = "\t\telements = {";
    let start = set + body.find(marker)?;
    let inside = listing.get(start + marker.len()..)?;
    let mut is_quoted = false;
    let mut open = 0_u32;
    for (at, letter) in inside.char_indices() {
        match letter {
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '{' => open += 1,
            '}' if open > 0 => open -= 1,
            '}' => {
                let end = start + marker.len() + at + 1;
                let line_end = listing.get(end..)?.find('\n').map_or(end, |more| end + more + 1);
                return Some((start, line_end, inside.get(..at)?.trim().to_owned()));
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &str = "table inet t {\n\tset s {\n\t\ttype ipv4_addr\n\t\telements = { 1.1.1.1, 1.2.3.4 timeout 30m comment \"a } b\",\n\t\t\t     5.5.5.5 }\n\t}\n\n\tset e {\n\t\ttype ipv4_addr\n\t}\n\n\tmap m {\n\t\ttype inet_service : verdict\n\t\telements = { 22 : accept }\n\t}\n}\n";

    #[test]
    fn elements_are_found_and_taken_out() {
        for (name, expected) in [
            ("s", Some("1.1.1.1, 1.2.3.4 timeout 30m comment \"a } b\",\n\t\t\t     5.5.5.5")),
            ("m", Some("22 : accept")),
            ("e", None),
            ("nosuch", None),
        ] {
            assert_eq!(elements_of(LISTING, name).as_deref(), expected, "{name}");
        }
        assert_eq!(
            without_elements(LISTING, &["s", "e", "m"]),
            "table inet t {\n\tset s {\n\t\ttype ipv4_addr\n\t}\n\n\tset e {\n\t\ttype ipv4_addr\n\t}\n\n\tmap m {\n\t\ttype inet_service : verdict\n\t}\n}\n"
        );
        assert_eq!(without_elements(LISTING, &[]), LISTING);
    }
}
