//! (being laid)

pub mod embedded;
