//! The `tempfile` module.

use std::path::PathBuf;

use module::file_arguments::path_info;
use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Host, Returned, host::Temporary,
};
use protocol::{Response, spec::Support};

/// Makes a file or folder with a name that nothing else has, for the remote's user alone.
///
/// Each run makes another one. A check run says that it would, and names nothing.
#[derive(Debug, Arguments)]
pub struct TempFile {
    /// What to make.
    #[argument(default = "file")]
    state: State,
    /// Folder in which it is made; that of the host for such things where it is left out.
    path: Option<PathBuf>,
    /// What its name starts with.
    #[argument(default = "ansible.")]
    prefix: String,
    /// What its name ends with.
    #[argument(default = "")]
    suffix: String,
}

/// What to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
pub enum State {
    Directory,
    File,
}

impl Documented for TempFile {
    const NAME: &'static str = "ansible.builtin.tempfile";
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A file", args: "{}" },
        Example {
            title: "A folder with a telling name",
            args: r#"{"state": "directory", "suffix": ".build", "path": "/srv"}"#,
        },
    ];
    const RETURNS: &'static [Returned] =
        &[Returned::new("path", "What was made.", "success", r#""/tmp/ansible.bMlvdk""#)];
    const CHECK_MODE: Support = Support::Partial;
    const DIFF_MODE: Support = Support::None;
}

impl Action for TempFile {
    fn foretell(&self, _: &dyn Host) -> Result<Response, Failure> {
        Ok(Response { changed: true, ..Response::default() })
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let folder = match &self.path {
            Some(path) => path.clone(),
            None => ["TMPDIR", "TEMP", "TMP"]
                .iter()
                .find_map(|name| host.variable(name).filter(|path| !path.is_empty()))
                .unwrap_or_else(|| "/tmp".into())
                .into(),
        };
        let wanted = Temporary {
            folder,
            prefix: self.prefix.clone(),
            suffix: self.suffix.clone(),
            is_dir: self.state == State::Directory,
        };
        let path = host.make_temporary(&wanted)?;
        let mut response = Response { changed: true, ..Response::default() };
        response.returned.insert("path".into(), path.display().to_string().into());
        response.returned.extend(path_info(host, &path)?);
        Ok(response)
    }
}
