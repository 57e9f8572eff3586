//! Who waits for whom: `linear`, `free` and `host_pinned`.

/// Which hosts may go on while others still work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    Linear,
    Free,
    HostPinned,
}

impl Strategy {
    /// The strategy of a name, with or without a collection.
    pub fn parse(name: &str) -> Option<Self> {
        match name.rsplit('.').next()? {
            // What `debug` adds to it is a setting of the run.
            "linear" | "debug" => Some(Strategy::Linear),
            "free" => Some(Strategy::Free),
            "host_pinned" => Some(Strategy::HostPinned),
            _ => None,
        }
    }
}
