//! The order of Debian versions (Debian Policy, 5.6.12).

use std::cmp::Ordering;

/// Which of two versions is newer.
pub fn compare(left: &str, right: &str) -> Ordering {
    let (left_epoch, left) = split_epoch(left);
    let (right_epoch, right) = split_epoch(right);
    let (left_upstream, left_revision) = split_revision(left);
    let (right_upstream, right_revision) = split_revision(right);
    left_epoch
        .cmp(&right_epoch)
        .then_with(|| compare_part(left_upstream, right_upstream))
        .then_with(|| compare_part(left_revision, right_revision))
}

fn split_epoch(version: &str) -> (u64, &str) {
    match version.split_once(':') {
        Some((epoch, rest)) => match epoch.parse() {
            Ok(epoch) => (epoch, rest),
            Err(_) => (0, version),
        },
        None => (0, version),
    }
}

fn split_revision(version: &str) -> (&str, &str) {
    version.rsplit_once('-').unwrap_or((version, ""))
}

/// Runs of other letters and runs of digits by turns; `~` comes before everything, even the end.
fn compare_part(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.as_bytes(), right.as_bytes());
    while !left.is_empty() || !right.is_empty() {
        loop {
            let (first, second) = (rank(left), rank(right));
            if first != second {
                return first.cmp(&second);
            }
            // Both ends and both digits have the rank 0.
            if first == 0 {
                break;
            }
            left = left.get(1..).unwrap_or_default();
            right = right.get(1..).unwrap_or_default();
        }
        let (first, rest_left) = split_digits(left);
        let (second, rest_right) = split_digits(right);
        let order = first.len().cmp(&second.len()).then_with(|| first.cmp(second));
        if order != Ordering::Equal {
            return order;
        }
        (left, right) = (rest_left, rest_right);
    }
    Ordering::Equal
}

fn rank(bytes: &[u8]) -> i32 {
    match bytes.first() {
        None => 0,
        Some(letter) if letter.is_ascii_digit() => 0,
        Some(b'~') => -1,
        Some(letter) if letter.is_ascii_alphabetic() => i32::from(*letter),
        Some(letter) => i32::from(*letter) + 256,
    }
}

/// The digits at the start, without zeros in front.
fn split_digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = bytes.split_at(end);
    let zeros = digits.iter().take_while(|byte| **byte == b'0').count();
    (digits.get(zeros..).unwrap_or_default(), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_in_order() {
        // Each is older than the next.
        let versions = [
            "0~~", "0~~a", "0~", "0", "0a", "0+", "1.0~rc1", "1.0", "1.0-0.1", "1.0-1", "1.0-1+deb12u2",
            "1.0-1+deb12u10", "1.0-2", "1.0.1", "1.2", "1.10", "1:0.1", "2:0",
        ];
        for (at, older) in versions.iter().enumerate() {
            for newer in versions.iter().skip(at + 1) {
                assert_eq!(compare(older, newer), Ordering::Less, "{older} {newer}");
                assert_eq!(compare(newer, older), Ordering::Greater, "{newer} {older}");
            }
            assert_eq!(compare(older, older), Ordering::Equal);
        }
        assert_eq!(compare("1.00", "1.0"), Ordering::Equal);
        assert_eq!(compare("0:1", "1"), Ordering::Equal);
        // `-0` behind a version is no revision at all.
        assert_eq!(compare("1-0", "1"), Ordering::Equal);
    }
}
