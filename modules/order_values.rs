//! Orders of SQL with values in them, as Python's database modules take them: `%s` for the next of
//! a list, `%(name)s` for one of a dictionary, `%%` for a percent sign.

use module::Failure;
use protocol::{Json, JsonMap};

/// Puts values where they belong; `write` writes one as the database reads it. Without any values an
/// order stays as it is, percent signs and all.
///
/// # Errors
/// A `%` that stands for nothing, and a value that is not there.
pub fn fill(
    order: &str,
    positional: Option<&[Json]>,
    named: Option<&JsonMap>,
    write: &dyn Fn(&Json) -> String,
) -> Result<String, Failure> {
    if positional.is_none() && named.is_none() {
        return Ok(order.to_owned());
    }
    let mut values = positional.unwrap_or_default().iter();
    let mut out = String::new();
    let mut rest = order;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        if let Some(next) = after.strip_prefix('%') {
            out.push('%');
            rest = next;
        } else if let Some(next) = after.strip_prefix('s') {
            let one = values.next();
            let one = one.ok_or_else(|| Failure::new("there are more %s than positional_args"))?;
            out.push_str(&write(one));
            rest = next;
        } else if let Some((name, next)) =
            after.strip_prefix('(').and_then(|inner| inner.split_once(")s"))
        {
            let one = named.and_then(|all| all.get(name));
            let one = one.ok_or_else(|| Failure::new(format!("named_args has no {name}")))?;
            out.push_str(&write(one));
            rest = next;
        } else {
            return Err(Failure::new("a % in an order with values must be written as %%"));
        }
    }
    out.push_str(rest);
    Ok(out)
}
