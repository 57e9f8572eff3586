//! Results in files: the callback `tree`, and `--tree` of one module on hosts.

use std::{path::PathBuf, sync::Arc};

use protocol::Json;
use run::Event;

use crate::{Masks, Show, json, result};

/// Writes the last result of each host into a file of the host's name.
pub struct ResultFolder {
    folder: PathBuf,
    masks: Arc<Masks>,
    verbosity: u8,
    has_complained: bool,
}

impl ResultFolder {
    /// Makes the folder.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open(folder: PathBuf, verbosity: u8, masks: Arc<Masks>) -> std::io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder, masks, verbosity, has_complained: false })
    }
}

impl Show for ResultFolder {
    fn show(&mut self, event: &Event) {
        let Event::HostEnded { host, result, .. } = event else { return };
        // A name is no path.
        let name = host.as_str().replace('/', "_");
        let mut shown = result::visible(result, self.verbosity);
        for (name, flag) in [("failed", result.failed), ("unreachable", result.unreachable)] {
            if flag {
                shown.insert(name.into(), Json::Bool(true));
            }
        }
        let path = self.folder.join(name);
        let text = self.masks.apply(&json::line(&Json::Object(shown)));
        if let Err(error) = std::fs::write(&path, text)
            && !std::mem::replace(&mut self.has_complained, true)
        {
            eprintln!("[WARNING]: Unable to write to {}'s file: {error}", host);
        }
    }
}
