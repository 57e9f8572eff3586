//! `validate_argspec`: the argument specs of plays, in a file beside their playbook.

use std::{path::Path, sync::Arc};

use plan::{Frame, Task};
use source::{Diagnostic, Kind, Node, Scalar};

use crate::{
    codes,
    compiler::Cursor,
    role_task::{About, Validation},
};

/// How a playbook's file of specs ends, instead of `.yml`.
const ENDINGS: [&str; 2] = ["meta.yml", "meta.yaml"];

impl Cursor<'_> {
    /// The task that holds the variables of a play to the spec that its keyword names: the play's
    /// own name for `true`. `None` where the keyword is off, or wrong, which is reported.
    pub(crate) fn play_validation(
        &mut self,
        keyword: &Node,
        play_name: &str,
        playbook: &Path,
        frame: &Arc<Frame>,
    ) -> Option<Task> {
        let name = match &keyword.kind {
            Kind::Scalar(Scalar::Null | Scalar::Bool(false)) => return None,
            Kind::Scalar(Scalar::Bool(true)) => play_name.to_owned(),
            Kind::Scalar(_) if keyword.as_str().is_some() => {
                keyword.as_str().unwrap_or_default().to_owned()
            }
            _ => {
                self.wrong_kind("validate_argspec", keyword, "true, or the name of a spec");
                return None;
            }
        };
        if name.contains("{{") {
            let message = "the name of an argument spec must be known before the run: it can hold no template";
            self.report(Diagnostic::error(codes::KEYWORD_VALUE, &keyword.span, message));
            return None;
        }
        let candidates = ENDINGS.map(|ending| playbook.with_extension(ending));
        let Some(path) = candidates.iter().find(|path| path.is_file()) else {
            let shown = candidates.map(|path| path.display().to_string()).join(" or ");
            let message = format!("the argument spec '{name}' needs the file {shown}");
            self.report(Diagnostic::error(codes::UNREADABLE, &keyword.span, message));
            return None;
        };
        let file = self.compiler.files.read_yaml(path, Some(&keyword.span), self.diagnostics)?;
        let specs = file.as_mapping().and_then(|mapping| mapping.get("argument_specs"));
        let Some(specs) = specs.and_then(Node::as_mapping) else {
            let message = "a file of argument specs has the key 'argument_specs', a dictionary";
            self.report(Diagnostic::error(codes::SHAPE, &file.span, message));
            return None;
        };
        let Some(spec) = specs.get(&name) else {
            let message = format!("there is no argument spec '{name}' in {}", path.display());
            let known: Vec<&str> =
                specs.entries.iter().filter_map(|entry| entry.key.as_str()).collect();
            let diagnostic = Diagnostic::error(codes::KEYWORD_VALUE, &keyword.span, message);
            self.report(diagnostic.nearest(&name, known.iter().copied()));
            return None;
        };
        let validation = Validation::of_spec(&name, spec);
        let about = About {
            kind: "play",
            name: play_name.to_owned(),
            spec: name,
            path: path.display().to_string(),
        };
        Some(self.argument_task(&validation, frame, &about, Vec::new()))
    }
}
