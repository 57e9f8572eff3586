//! Lookups: files.

use crate::engine::Lookup;

pub(super) const LOOKUPS: &[Lookup] = &[];
