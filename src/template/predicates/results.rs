//! Tests: results.

use crate::engine::Test;

pub(super) const TESTS: &[Test] = &[];
