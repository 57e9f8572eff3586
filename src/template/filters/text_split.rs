//! The filter `split`.

use super::of_text;
use crate::{
    engine::{Call, Filter},
    error::Result,
    methods,
    value::{Arguments, Value},
};

pub(super) const FILTERS: &[Filter] = &[of_text("split", split)];

fn split(call: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    methods::call(&Value::from(value.to_string()), "split", arguments, call.scope)
}
