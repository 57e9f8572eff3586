//! Which tasks the tags of a run choose.

use std::sync::Arc;

use plan::Task;

/// Whether a task with these tags runs, by `--tags` and `--skip-tags`.
///
/// `always` runs unless it is skipped by name or the run wants nothing but it; `never` runs only
/// when one of the task's other tags is asked for; `tagged`, `untagged` and `all` mean what they
/// say.
pub fn is_chosen(tags: &[String], only: &[String], skip: &[String]) -> bool {
    let has = |list: &[String], name: &str| list.iter().any(|tag| tag == name);
    let shared = |list: &[String]| list.iter().any(|tag| tags.contains(tag));
    let is_untagged = tags.is_empty();
    let mut chosen = true;
    if !only.is_empty() {
        chosen = has(tags, "always")
            || (has(only, "all") && !has(tags, "never"))
            || shared(only)
            || (has(only, "tagged") && !is_untagged && !has(tags, "never"))
            || (has(only, "untagged") && is_untagged);
    }
    if chosen && !skip.is_empty() {
        let stays = has(tags, "always") && !has(skip, "always");
        let skipped = (has(skip, "all") && !stays)
            || shared(skip)
            || (has(skip, "tagged") && !is_untagged)
            || (has(skip, "untagged") && is_untagged);
        chosen = !skipped;
    }
    chosen
}

/// The tags of a task, rendered; commas split them.
pub fn render_tags(task: &Arc<Task>, scope: impl FnOnce() -> template::Scope) -> Vec<String> {
    let settings = task.tags();
    if settings.is_empty() {
        return Vec::new();
    }
    let mut scope_made: Option<template::Scope> = None;
    let mut make = Some(scope);
    let mut tags = Vec::new();
    for setting in settings {
        let value = match setting.tree.literal() {
            Some(value) => value,
            None => {
                if let Some(make) = make.take() {
                    scope_made = Some(make());
                }
                match scope_made.as_ref().map(|scope| setting.tree.evaluate(scope)) {
                    Some(Ok(value)) => value,
                    _ => continue,
                }
            }
        };
        let values = value.as_list().map_or_else(|| vec![value.clone()], |list| list.to_vec());
        for value in values {
            tags.extend(
                value
                    .to_string()
                    .split(',')
                    .map(str::trim)
                    .filter(|t| !t.is_empty())
                    .map(str::to_owned),
            );
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::is_chosen;

    /// Expectations were taken from ansible-core 2.18.
    #[test]
    fn tags_choose_as_in_ansible() {
        let cases: [(&str, &str, &str, bool); 17] = [
            ("", "all", "", true),
            ("a", "all", "", true),
            ("never", "all", "", false),
            ("never a", "a", "", true),
            ("a", "a", "", true),
            ("a", "b", "", false),
            ("always", "b", "", true),
            ("always", "b", "always", false),
            ("a", "all", "a", false),
            ("", "tagged", "", false),
            ("a", "tagged", "", true),
            ("", "untagged", "", true),
            ("a", "untagged", "", false),
            ("a", "all", "tagged", false),
            ("", "all", "untagged", false),
            ("always", "all", "all", true),
            ("never", "never", "", true),
        ];
        for (tags, only, skip, expected) in cases {
            let list = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            let chosen = is_chosen(&list(tags), &list(only), &list(skip));
            assert_eq!(chosen, expected, "tags={tags} only={only} skip={skip}");
        }
    }
}
