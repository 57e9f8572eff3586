//! Vars plugins: variables that users compute for hosts and groups.

use std::{path::Path, sync::Arc};

use inventory::{Vars, vars_files::VarsFolder};
use serde_json::Value as Json;
use template::{Scope, Tree};

use crate::{
    answers::InTemplate,
    folders::PluginFile,
    interpreter::CallError,
    jinja::{Of, PythonPlugins, place},
    wire::quoted,
};

/// Vars plugins of playbooks, roles and settings, and those of collections that are enabled.
pub struct PythonVars {
    plugins: Arc<PythonPlugins>,
    scope: Scope,
    /// Full names of plugins of collections that settings name.
    enabled: Vec<String>,
}

impl PythonVars {
    /// Plugins that are found among others of the run. `enabled` are those that settings name.
    pub fn new(plugins: Arc<PythonPlugins>, scope: Scope, enabled: Vec<String>) -> Self {
        Self { plugins, scope, enabled }
    }

    /// The variables of a host or group beside a folder, later plugins over earlier ones.
    ///
    /// # Errors
    /// In words: which plugin failed, and how.
    pub fn read(&self, folder: &Path, kind: VarsFolder, entity: &str) -> Result<Vars, String> {
        let mut vars = Vars::new();
        let files = self.plugins.files("vars");
        for file in files.iter() {
            self.read_of(file, None, file.stem(), folder, kind, entity, &mut vars)?;
        }
        for name in self
            .enabled
            .iter()
            .filter(|name| name.contains('.') && !name.starts_with("ansible.builtin."))
        {
            let Some((file, dotted)) = self.plugins.file("vars", name) else { continue };
            self.read_of(&file, dotted.as_deref(), name, folder, kind, entity, &mut vars)?;
        }
        Ok(vars)
    }

    #[expect(clippy::too_many_arguments, reason = "which plugin, and what it is asked about")]
    fn read_of(
        &self,
        file: &PluginFile,
        dotted: Option<&str>,
        name: &str,
        folder: &Path,
        kind: VarsFolder,
        entity: &str,
        vars: &mut Vars,
    ) -> Result<(), String> {
        let objects = &self.plugins.python.objects;
        let mut request = r#"{"do":"variables.of","name":"#.to_owned();
        quoted(&mut request, name);
        place(&mut request, &file.path, dotted);
        let kind = match kind {
            VarsFolder::Host => "host",
            VarsFolder::Group => "group",
        };
        let said = [("folder", folder.display().to_string()), ("kind", kind.to_owned())];
        for (key, text) in said.iter().chain([&("entity", entity.to_owned())]) {
            request.push_str(&format!(",\"{key}\":"));
            quoted(&mut request, text);
        }
        request.push('}');
        let of = Of { what: "vars plugin", name, file: &file.path };
        let answers = InTemplate { scope: &self.scope, objects };
        let made: Json =
            self.plugins.python.call(&request, &of, &answers).map_err(|error| match error {
                CallError::Raised(raised) if raised.is("AnsibleError") => raised.message,
                error => format!("{error} ({of})"),
            })?;
        for (key, value) in objects.decode(&made).entries().unwrap_or_default() {
            let tree = Tree::from_trusted(&value, self.scope.engine())
                .map_err(|error| format!("{of}: {}", error.message()))?;
            vars.insert(Arc::from(key.to_string().as_str()), tree);
        }
        Ok(())
    }
}
