//! What `nft` is asked and told.

use std::path::Path;

use module::{Failure, Host, Output, Program, host::succeeded};

use super::{Family, NfTables, listing};

/// Loads a table from stdin into a network namespace that nobody else is in, and lists it. The
/// words are the family, the name, and network devices that its rules name, for rules by the
/// number of a device (`iif`) can only be read where there is one.
const NORMALIZE: &str = "family=$1 table=$2; shift 2
for device; do
  ip link add name \"$device\" type dummy 2>/dev/null ||
    ip link add name \"$device\" type veth || exit 1
done
nft -f - && exec nft -s list table \"$family\" \"$table\"";

/// The table as it is; `None` where there is none.
///
/// # Errors
/// No `nft`, or a kernel that does not answer it.
pub fn list(host: &dyn Host, family: Family, table: &str) -> Result<Option<String>, Failure> {
    listed(host, &["-s", "list", "table", family.as_str(), table])
}

/// The elements of a set as they are, with what is left of their time; `None` where there are none.
///
/// # Errors
/// As [`list`].
pub fn elements(host: &dyn Host, task: &NfTables, set: &str) -> Result<Option<String>, Failure> {
    let listed = listed(host, &["list", "table", task.family.as_str(), &task.table])?;
    Ok(listed.and_then(|text| listing::elements_of(&text, set)))
}

fn listed(host: &dyn Host, words: &[&str]) -> Result<Option<String>, Failure> {
    let program = Program::new("nft").args(words.iter().copied());
    let output = host.query(&program)?;
    // It has no exit status of its own for this.
    if output.stderr_text().contains("No such file or directory") {
        return Ok(None);
    }
    Ok(Some(succeeded(&program, output)?.stdout_text()))
}

/// The wanted table as `nft` will list it.
///
/// # Errors
/// A table that `nft` does not accept, and a host on which no namespace can be made.
pub fn normalize(host: &dyn Host, task: &NfTables, table: &str) -> Result<String, Failure> {
    let mut program = Program::new("unshare").args(["-n", "sh", "-c", NORMALIZE, "sh"]);
    program = program.args([task.family.as_str(), task.table.as_str()]).stdin(table);
    program = program.args(devices(host, table)?);
    let output = host.query(&program)?;
    if output.stderr_text().starts_with("unshare:") {
        return Err(refused(
            "what the table will look like is found out in a network namespace of its own, which \
             this host does not allow",
            &output,
        ));
    }
    if !output.is_success() {
        return Err(refused("nft does not accept the table", &output).with("table_text", table));
    }
    Ok(output.stdout_text())
}

/// The network devices of the host that a text may name.
fn devices(host: &dyn Host, text: &str) -> Result<Vec<String>, Failure> {
    let folder = Path::new("/sys/class/net");
    if !host.metadata(folder)?.is_some_and(|found| found.is_dir()) {
        return Ok(Vec::new());
    }
    let names = host.list(folder)?;
    let names = names.iter().filter_map(|name| name.to_str());
    Ok(names.filter(|name| *name != "lo" && text.contains(name)).map(str::to_owned).collect())
}

/// Lets `nft` try a transaction without making it.
///
/// # Errors
/// A transaction that it does not accept.
pub fn validate(host: &dyn Host, transaction: &str) -> Result<(), Failure> {
    let output = host.query(&Program::new("nft").args(["-c", "-f", "-"]).stdin(transaction))?;
    accepted(&output, transaction)
}

/// Makes a transaction.
///
/// # Errors
/// A transaction that `nft` does not accept; nothing of it was done.
pub fn load(host: &mut dyn Host, transaction: &str) -> Result<(), Failure> {
    let output = host.execute(&Program::new("nft").args(["-f", "-"]).stdin(transaction))?;
    accepted(&output, transaction)
}

fn accepted(output: &Output, transaction: &str) -> Result<(), Failure> {
    if output.is_success() {
        return Ok(());
    }
    Err(refused("nft does not accept the change", output).with("table_text", transaction))
}

fn refused(what: &str, output: &Output) -> Failure {
    let failure = Failure::new(format!("{what}: {}", output.stderr_text().trim()));
    failure.with("rc", output.status).with("stderr", output.stderr_text())
}
