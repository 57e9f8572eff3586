//! Ranges in host names: `web[01:20:2].example.org`, `db-[a:f]`.

/// Why a range is none.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum RangeError {
    #[error("host range must be begin:end or begin:end:step")]
    Shape,
    #[error("host range must have numbers or letters at both ends: '{0}' is no number")]
    Number(String),
    #[error("host range must specify end value")]
    NoEnd,
    #[error("host range must have begin <= end")]
    Backwards,
    #[error("host range must specify equal-length begin and end formats")]
    Lengths,
    #[error("a host range may have at most {HOSTS_MAX} hosts")]
    TooMany,
}

/// The most hosts that one pattern may stand for.
pub const HOSTS_MAX: usize = 1_000_000;

/// Writes out a name with ranges; a name without one stands for itself.
///
/// # Errors
/// [`RangeError`] where brackets with a colon in them hold no range.
pub fn expand(pattern: &str) -> Result<Vec<String>, RangeError> {
    let Some((head, range, tail)) = split(pattern) else { return Ok(vec![pattern.to_owned()]) };
    let tails = expand(tail)?;
    let parts = values(range)?;
    if parts.len().saturating_mul(tails.len()) > HOSTS_MAX {
        return Err(RangeError::TooMany);
    }
    Ok(parts
        .iter()
        .flat_map(|part| tails.iter().map(move |tail| format!("{head}{part}{tail}")))
        .collect())
}

/// `head[range]tail`, where the brackets hold a colon.
fn split(pattern: &str) -> Option<(&str, &str, &str)> {
    let open = pattern.find('[')?;
    let close = open + pattern.get(open..)?.find(']')?;
    let range = pattern.get(open + 1..close)?;
    range.contains(':').then(|| (&pattern[..open], range, &pattern[close + 1..]))
}

fn values(range: &str) -> Result<Vec<String>, RangeError> {
    let bounds: Vec<&str> = range.split(':').collect();
    let (begin, end, step) = match bounds.as_slice() {
        [begin, end] => (*begin, *end, 1),
        [begin, end, step] => {
            (*begin, *end, step.parse().ok().filter(|s| *s > 0).ok_or(RangeError::Shape)?)
        }
        _ => return Err(RangeError::Shape),
    };
    if end.is_empty() {
        return Err(RangeError::NoEnd);
    }
    let begin = if begin.is_empty() { "0" } else { begin };
    if let (Some(first), Some(last)) = (letter(begin), letter(end)) {
        if first > last {
            return Err(RangeError::Backwards);
        }
        return Ok((first..=last).step_by(step).map(|c| char::from(c).to_string()).collect());
    }
    let number = |text: &str| text.parse::<u64>().map_err(|_| RangeError::Number(text.to_owned()));
    let (first, last) = (number(begin)?, number(end)?);
    // A leading zero sets the width, which both ends must then have.
    let padded = begin.len() > 1 && begin.starts_with('0');
    if padded && begin.len() != end.len() {
        return Err(RangeError::Lengths);
    }
    if first > last {
        return Err(RangeError::Backwards);
    }
    if (last - first) / step as u64 >= HOSTS_MAX as u64 {
        return Err(RangeError::TooMany);
    }
    let width = if padded { begin.len() } else { 0 };
    Ok((first..=last).step_by(step).map(|value| format!("{value:0width$}")).collect())
}

fn letter(text: &str) -> Option<u8> {
    match text.as_bytes() {
        [byte] if byte.is_ascii_alphabetic() => Some(*byte),
        _ => None,
    }
}

/// Takes `:port` off the end of a host name; an IPv6 address needs brackets for it.
pub fn split_port(name: &str) -> (&str, Option<u16>) {
    if let Some(rest) = name.strip_prefix('[')
        && let Some((address, after)) = rest.split_once(']')
        && address.contains(':')
        && address.chars().all(|c| c.is_ascii_hexdigit() || ":.%".contains(c))
    {
        return match after.strip_prefix(':').map(str::parse) {
            Some(Ok(port)) => (address, Some(port)),
            _ if after.is_empty() => (address, None),
            _ => (name, None),
        };
    }
    match name.rsplit_once(':') {
        Some((host, port)) if !outside_brackets(host).contains(':') && !host.is_empty() => {
            match port.parse() {
                Ok(port) => (host, Some(port)),
                Err(_) => (name, None),
            }
        }
        _ => (name, None),
    }
}

fn outside_brackets(text: &str) -> String {
    let mut depth = 0;
    text.chars()
        .filter(|c| {
            match c {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => return depth == 0,
            }
            false
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_written_out() {
        let cases: [(&str, &[&str]); 8] = [
            ("web1", &["web1"]),
            ("web[1:3]", &["web1", "web2", "web3"]),
            ("web[08:10].x", &["web08.x", "web09.x", "web10.x"]),
            ("web[0:4:2]", &["web0", "web2", "web4"]),
            ("db-[a:c]", &["db-a", "db-b", "db-c"]),
            ("[a:b][1:2]", &["a1", "a2", "b1", "b2"]),
            ("n[:2]", &["n0", "n1", "n2"]),
            ("x[1]", &["x[1]"]),
        ];
        for (pattern, expected) in cases {
            assert_eq!(expand(pattern).unwrap(), expected, "{pattern}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        let cases = [
            ("a[3:1]", RangeError::Backwards),
            ("a[1:]", RangeError::NoEnd),
            ("a[01:100]", RangeError::Lengths),
            ("a[1:2:3:4]", RangeError::Shape),
            ("a[1:x]", RangeError::Number("x".into())),
            ("a[1:9:0]", RangeError::Shape),
            ("a[0:99999999]", RangeError::TooMany),
        ];
        for (pattern, expected) in cases {
            assert_eq!(expand(pattern).unwrap_err(), expected, "{pattern}");
        }
    }

    #[test]
    fn a_port_is_taken_off() {
        let cases = [
            ("h:22", ("h", Some(22))),
            ("h", ("h", None)),
            ("h[1:3]:22", ("h[1:3]", Some(22))),
            ("h[1:3]", ("h[1:3]", None)),
            ("::1", ("::1", None)),
            ("[::1]:22", ("::1", Some(22))),
            ("fe80::1%eth0", ("fe80::1%eth0", None)),
            ("h:x", ("h:x", None)),
        ];
        for (name, expected) in cases {
            assert_eq!(split_port(name), expected, "{name}");
        }
    }
}
