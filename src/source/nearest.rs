//! Names that are near a misspelt one.

/// Returns up to three of `known` that a writer of `name` may have meant, the nearest first.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    const NAMES_MAX: usize = 3;
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|candidate| {
            let distance = strsim::damerau_levenshtein(name, candidate);
            (distance <= allowed(name)).then_some((distance, candidate))
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(NAMES_MAX).map(|(_, candidate)| candidate).collect()
}

/// How many edits a name of this length may be away: one in three letters.
fn allowed(name: &str) -> usize {
    (name.chars().count() / 3).clamp(1, 3)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_names_come_nearest_first() {
        assert_eq!(nearest("servce", ["service", "server", "copy"]), ["service", "server"]);
        assert_eq!(nearest("xyzzy", ["service", "copy"]), [""; 0]);
    }
}
