//! Lookups: programs.

use crate::engine::Lookup;

pub(super) const LOOKUPS: &[Lookup] = &[];
