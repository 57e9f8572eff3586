//! Lookups: variables.

use crate::engine::Lookup;

pub(super) const LOOKUPS: &[Lookup] = &[];
