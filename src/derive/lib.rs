//! `#[derive(Arguments)]` and `#[derive(Choices)]`: a module's argument struct is its
//! documentation.
//!
//! ```text
//! /// Keeps a local group present or absent.
//! #[derive(Arguments)]
//! #[arguments(required_if(("state", "absent", ["name"])))]
//! pub struct Group {
//!     /// Name of the group.
//!     #[argument(aliases("group"))]
//!     name: String,
//!     /// Whether the group should exist.
//!     #[argument(default = "present")]
//!     state: Presence,
//!     /// Numeric ID.
//!     gid: Option<u32>,
//! }
//! ```
//!
//! Doc comments are the descriptions, the field's type gives the kind, and a field that is neither
//! an `Option` nor has a `default` is required.
//!
//! Of a field: `name = "…"`, `aliases("…", …)`, `default = …`, `choices(…)`, `kind = "path"`,
//! `elements = "path"`, `no_log`, `flatten` (its arguments stand among the others) and `internal`
//! (set by the controller under the name with a `_` in front; in no spec).
//!
//! Of a struct: `mutually_exclusive(["a", "b"], …)`, `required_together`, `required_one_of`,
//! `required_if(("state", "link", ["src"]), ("state", "x", ["a", "b"], any))`,
//! `required_by(("a", ["b"]))` and `open`.
//!
//! Of a variant: `#[choice("name", "alias")]`; without it, the name in snake case.

mod arguments;
mod choices;
mod documentation;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct the arguments of a module; see the page of this crate.
#[proc_macro_derive(Arguments, attributes(argument, arguments))]
pub fn derive_arguments(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    arguments::expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// Makes an enum the choices of an argument; see the page of this crate.
#[proc_macro_derive(Choices, attributes(choice))]
pub fn derive_choices(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    choices::expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}
