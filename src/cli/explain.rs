//! `trueup explain CODE`: what a diagnostic means, an example of it, and what to do.

pub mod pages;

use clap::Args;

use crate::Failed;

/// What there is to say of a code.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub code: &'static str,
    /// One line.
    pub title: &'static str,
    /// What it means, in paragraphs.
    pub meaning: &'static str,
    /// Text that has it.
    pub example: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// Code, such as E0204; none for a list of all.
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

/// Shows a page, or the list of all.
///
/// # Errors
/// There is no such code.
pub fn run(args: &ExplainArgs) -> Result<u8, Failed> {
    match &args.code {
        None => {
            for page in pages::ALL {
                println!("{}  {}", page.code, page.title);
            }
        }
        Some(code) => println!("{}", page(code)?),
    }
    Ok(0)
}

/// The page of a code as text.
///
/// # Errors
/// There is no such code.
pub fn page(code: &str) -> Result<String, Failed> {
    let wanted = code.trim().to_uppercase();
    let Some(page) = pages::ALL.iter().find(|page| page.code == wanted) else {
        let near = source::nearest::nearest(&wanted, pages::ALL.iter().map(|page| page.code));
        let near = if near.is_empty() {
            String::new()
        } else {
            format!("; did you mean {}?", near.join(" or "))
        };
        return Err(Failed::option(format!(
            "there is no diagnostic {code}{near} `trueup explain` lists them all"
        )));
    };
    let kind = if page.code.starts_with('W') {
        "A warning: the run goes on."
    } else {
        "An error: it is reported before any host is touched, where it can be known then."
    };
    let example: Vec<String> = page.example.lines().map(|line| format!("    {line}")).collect();
    Ok(format!(
        "{}: {}\n\n{}\n\n{}\n\nFor example:\n\n{}\n\nWhat to do: {}",
        page.code,
        page.title,
        page.meaning,
        kind,
        example.join("\n"),
        page.remedy
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, path::Path};

    /// All codes that the rooms define: `const NAME: Code = "E0101"`, and those of templates.
    fn codes_in(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                codes_in(&path, found);
                continue;
            }
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let is_of_templates = path.ends_with("template/error.rs");
            for line in text.lines() {
                let defines =
                    line.contains(": Code = \"") || (is_of_templates && line.contains("=> \"E"));
                let code = line.split('"').nth(1).filter(|_| defines);
                found.extend(code.map(str::to_owned));
            }
        }
    }

    #[test]
    fn every_code_of_every_room_has_a_page_and_no_page_is_left_over() {
        let mut defined = BTreeSet::new();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        codes_in(&source, &mut defined);
        assert!(defined.len() > 25, "{defined:?}");
        let explained: BTreeSet<String> = pages::ALL.iter().map(|p| p.code.to_owned()).collect();
        assert_eq!(explained.len(), pages::ALL.len(), "a code has two pages");
        let missing: Vec<_> = defined.difference(&explained).collect();
        let left_over: Vec<_> = explained.difference(&defined).collect();
        assert!(missing.is_empty(), "no page in cli/explain/pages.rs: {missing:?}");
        assert!(left_over.is_empty(), "no room has these: {left_over:?}");
    }

    #[test]
    fn a_code_that_is_not_there_is_refused_with_near_ones() {
        let error = page("E0299").unwrap_err();
        assert!(error.message.contains("there is no diagnostic E0299"), "{}", error.message);
        assert!(page("e0204").unwrap().starts_with("E0204: "));
    }
}
