//! Users and passwords in `~/.netrc`.

use std::path::Path;

use module::{Failure, Host, path::expand};

/// User and password for a machine; `None` where the file says nothing of it.
///
/// # Errors
/// A file that cannot be read.
pub fn find(host: &dyn Host, machine: &str) -> Result<Option<(String, String)>, Failure> {
    let path = host.variable("NETRC").unwrap_or_else(|| expand(host, "~/.netrc"));
    if path.starts_with('~') {
        return Ok(None);
    }
    let Some(bytes) = host.read(Path::new(&path))? else { return Ok(None) };
    Ok(parse(&String::from_utf8_lossy(&bytes), machine))
}

fn parse(text: &str, machine: &str) -> Option<(String, String)> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let mut words = lines.flat_map(str::split_whitespace);
    let (mut is_ours, mut user, mut password) = (false, None, None);
    while let Some(word) = words.next() {
        match word {
            "machine" | "default" => {
                if is_ours {
                    break;
                }
                is_ours = word == "default" || words.next() == Some(machine);
            }
            "login" if is_ours => user = words.next(),
            "password" if is_ours => password = words.next(),
            "login" | "password" | "account" => {
                words.next();
            }
            _ => {}
        }
    }
    Some((user?.to_owned(), password.unwrap_or_default().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_found() {
        let text = "machine a login u password p\n# machine b login x\nmachine c\n login cu\n account q\n password cp\ndefault login d password dp";
        for (machine, expected) in [("a", ("u", "p")), ("c", ("cu", "cp")), ("b", ("d", "dp"))] {
            let found = parse(text, machine).unwrap();
            assert_eq!((found.0.as_str(), found.1.as_str()), expected);
        }
        assert_eq!(parse("machine a login u", "b"), None);
        assert_eq!(parse("", "b"), None);
    }
}
