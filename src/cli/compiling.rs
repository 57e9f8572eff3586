//! The compiler of a run: what the settings and the command line say of how playbooks are read.

use std::sync::Arc;

use playbook::{Compiler, CompilerSettings, LeavesOut};

use crate::session::Session;

impl Session {
    /// A compiler of playbooks.
    pub fn compiler(&self) -> Arc<Compiler> {
        self.compiler_leaving_out(None)
    }

    /// A compiler that knows which tags the run leaves out.
    pub fn compiler_leaving_out(&self, leaves_out: Option<LeavesOut>) -> Arc<Compiler> {
        const IMPORT_DEPTH_MAX: usize = 64;
        Arc::new(Compiler::new(
            Arc::clone(&self.engine),
            Arc::clone(&self.modules) as Arc<dyn playbook::Catalogue>,
            Arc::clone(&self.files),
            CompilerSettings {
                roles_path: self.roles_path.clone(),
                collections: self.collections.clone(),
                extra_vars: Arc::clone(&self.extra),
                surroundings: Arc::clone(&self.surroundings),
                import_depth_max: IMPORT_DEPTH_MAX,
                leaves_out,
                defers_template_errors: self.program.is_ansible(),
                has_private_roles: self.has_private_roles().unwrap_or(false),
            },
        ))
    }

    /// What `private_role_vars` says, if it says anything.
    pub(crate) fn has_private_roles(&self) -> Option<bool> {
        self.settings.flag("DEFAULT_PRIVATE_ROLE_VARS").ok().flatten()
    }
}
