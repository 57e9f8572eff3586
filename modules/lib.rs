//! (being laid)

use module::catalogue::Catalogue;

/// All modules.
pub const CATALOGUE: Catalogue = Catalogue { entries: &[] };
