//! Tests: network.

use crate::engine::Test;

pub(super) const TESTS: &[Test] = &[];
