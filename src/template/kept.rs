//! Files that are templates, kept compiled: a run renders the same ones for each host and item.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use crate::file::{CompiledFile, FileOptions};

/// The texts that are kept have this many bytes together at most; above it all are forgotten.
const KEPT_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Compiled files by their paths, each in the state that it was last compiled in.
#[derive(Default)]
pub(crate) struct KeptFiles {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    by_path: HashMap<PathBuf, KeptFile>,
    /// Bytes of all texts together.
    bytes: usize,
}

struct KeptFile {
    text: String,
    options: FileOptions,
    /// How many places for plugins were known: there may be other filters when there are more.
    places: usize,
    compiled: CompiledFile,
}

impl KeptFiles {
    /// A file as it was compiled before, if that was the same text read in the same way.
    pub(crate) fn get(
        &self,
        text: &str,
        options: &FileOptions,
        places: usize,
    ) -> Option<CompiledFile> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let file = kept.by_path.get(&options.path)?;
        let is_same = file.places == places && file.options == *options && file.text == text;
        is_same.then(|| file.compiled.clone())
    }

    /// Keeps a file; what was kept under its path before is forgotten.
    pub(crate) fn put(
        &self,
        text: &str,
        options: &FileOptions,
        places: usize,
        compiled: CompiledFile,
    ) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let text = text.to_owned();
        if kept.bytes + text.len() > KEPT_BYTES_MAX {
            *kept = Kept::default();
        }
        if text.len() > KEPT_BYTES_MAX {
            return;
        }
        kept.bytes += text.len();
        let file = KeptFile { text, options: options.clone(), places, compiled };
        if let Some(before) = kept.by_path.insert(options.path.clone(), file) {
            kept.bytes -= before.text.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Engine, Scope};

    fn options() -> FileOptions {
        FileOptions::new("motd.j2")
    }

    #[test]
    fn a_file_is_compiled_once_for_all_hosts() {
        let engine = Arc::new(Engine::new());
        let first = engine.kept_file("hello {{ 1 + 1 }}", &options()).unwrap();
        let second = engine.kept_file("hello {{ 1 + 1 }}", &options()).unwrap();
        assert!(first.is_the_same_program(&second));
        let scope = Scope::new(engine, Arc::default());
        assert_eq!(second.render(&scope).unwrap(), "hello 2");
    }

    #[test]
    fn a_file_that_changed_is_compiled_anew() {
        let engine = Engine::new();
        let before = engine.kept_file("a {{ 1 }}", &options()).unwrap();
        let after = engine.kept_file("b {{ 1 }}", &options()).unwrap();
        assert!(!before.is_the_same_program(&after));
        let again = engine.kept_file("b {{ 1 }}", &options()).unwrap();
        assert!(after.is_the_same_program(&again));
    }

    #[test]
    fn a_file_that_is_read_in_another_way_is_compiled_anew() {
        let engine = Engine::new();
        let before = engine.kept_file("a << 1 >>", &options()).unwrap();
        let mut other = options();
        other.syntax.variable = ("<<".into(), ">>".into());
        let after = engine.kept_file("a << 1 >>", &other).unwrap();
        assert!(!before.is_the_same_program(&after));
    }

    #[test]
    fn more_places_for_plugins_make_it_compiled_anew() {
        let kept = KeptFiles::default();
        let compiled = Engine::new().compile_file("a", &options()).unwrap();
        kept.put("a", &options(), 1, compiled);
        assert!(kept.get("a", &options(), 1).is_some());
        assert!(kept.get("a", &options(), 2).is_none());
    }

    #[test]
    fn what_is_kept_has_a_bound() {
        let kept = KeptFiles::default();
        let text = "x".repeat(KEPT_BYTES_MAX / 2);
        let compiled = Engine::new().compile_file("x", &options()).unwrap();
        for name in ["a.j2", "b.j2"] {
            kept.put(&text, &FileOptions::new(name), 0, compiled.clone());
        }
        kept.put("more", &FileOptions::new("c.j2"), 0, compiled.clone());
        assert!(kept.get(&text, &FileOptions::new("a.j2"), 0).is_none());
        assert!(kept.get("more", &FileOptions::new("c.j2"), 0).is_some());
        kept.put(&"x".repeat(KEPT_BYTES_MAX + 1), &options(), 0, compiled);
        assert!(kept.kept.lock().unwrap().bytes <= KEPT_BYTES_MAX);
    }

    #[test]
    fn a_file_that_is_broken_is_told_each_time() {
        let engine = Engine::new();
        for _ in 0..2 {
            assert!(engine.kept_file("{{ 1 + }}", &options()).is_err());
        }
    }
}
