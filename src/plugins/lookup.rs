//! Lookups.

use template::{Arguments, Result, Scope, Value};

use crate::{
    answers::InTemplate,
    jinja::{PythonPlugin, place, raised},
};

/// Runs a lookup: the positional arguments are its terms, the others its options.
///
/// # Errors
/// What it raised, or that it could not be run.
pub fn run(plugin: &PythonPlugin, arguments: Arguments, scope: &Scope) -> Result<Vec<Value>> {
    let objects = &plugin.python.objects;
    let mut request = r#"{"do":"lookups.run","name":"#.to_owned();
    crate::wire::quoted(&mut request, &plugin.name);
    place(&mut request, &plugin.file.path, plugin.dotted.as_deref());
    request.push_str(r#","a":"#);
    objects.encode_all(&arguments.positional, &mut request)?;
    request.push_str(r#","k":"#);
    objects.encode_named(&arguments.keyword, &mut request)?;
    request.push('}');
    let answers = InTemplate { scope, objects };
    match plugin.python.call(&request, &plugin.of(), &answers) {
        Ok(values) => objects.decode(&values).elements(),
        Err(error) => Err(raised(error, &plugin.of())),
    }
}
