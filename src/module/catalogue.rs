//! Modules by name.

#[cfg(feature = "documentation")]
use protocol::spec::{ModuleSpec, Runs};
use protocol::{JsonMap, Response, arguments::expand_paths};

#[cfg(feature = "documentation")]
use crate::documented::spec_of;
use crate::{
    Action, Arguments, Documented, Fact, Failure, Host, Mode, Module,
    contract::Promise,
    converge,
    converge::{answer, look, perform},
    path::expand,
};

/// A module with its type erased.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Fully qualified name.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// All that is known of it without a host.
    #[cfg(feature = "documentation")]
    pub spec: fn() -> ModuleSpec,
    /// What it promises (see [`crate::contract`]).
    pub promise: Promise,
    /// Runs it with checked arguments. Failures are part of the response.
    pub run: fn(&JsonMap, Mode, &mut dyn Host) -> Response,
}

/// The entry of a declarative module.
pub const fn module<M: Module>() -> Entry {
    entry::<M>(Promise::State, |args, mode, host| {
        answer(read::<M>(args, host).and_then(|m| converge(&m, mode, host)))
    })
}

/// The entry of an action.
pub const fn action<A: Action>() -> Entry {
    entry::<A>(Promise::Action, |args, mode, host| {
        answer(read::<A>(args, host).and_then(|a| perform(&a, mode, host)))
    })
}

/// The entry of an action that keeps a state: it does nothing where all is as it should be.
pub const fn keeper<A: Action>() -> Entry {
    Entry { promise: Promise::State, ..action::<A>() }
}

/// The entry of a module that only reads.
pub const fn fact<F: Fact>() -> Entry {
    entry::<F>(Promise::Fact, |args, _, host| {
        answer(read::<F>(args, host).and_then(|f| look(&f, host)))
    })
}

/// The entry of a module that the controller runs: what it is, and nothing that a remote can do.
pub const fn controller<D: Documented>() -> Entry {
    entry::<D>(Promise::Action, |_, _, _| {
        Response::failure(format!(
            "bug in trueup: {} was sent to a host, and runs in the controller",
            D::NAME
        ))
    })
}

const fn entry<D: Documented>(
    promise: Promise,
    run: fn(&JsonMap, Mode, &mut dyn Host) -> Response,
) -> Entry {
    Entry {
        name: D::NAME,
        aliases: D::ALIASES,
        #[cfg(feature = "documentation")]
        spec: spec_of::<D>,
        promise,
        run,
    }
}

fn read<A: Arguments>(args: &JsonMap, host: &dyn Host) -> Result<A, Failure> {
    let mut args = args.clone();
    expand_paths(&A::spec(), &mut args, &|path| expand(host, path));
    A::from_arguments(&args).map_err(Failure::new)
}

/// A list of modules.
#[derive(Clone, Copy, Debug)]
pub struct Catalogue {
    /// The modules, in the order of their documentation.
    pub entries: &'static [Entry],
}

impl Catalogue {
    /// Finds a module by its full name, the last part of a builtin's name, `ansible.legacy`, or an
    /// alias.
    pub fn find(&self, name: &str) -> Option<&'static Entry> {
        let short = name.strip_prefix("ansible.legacy.").unwrap_or(name);
        self.entries.iter().find(|entry| {
            entry.name == short
                || entry.name.strip_prefix("ansible.builtin.") == Some(short)
                || entry.aliases.contains(&short)
        })
    }

    /// Every name under which a module can be found, for near names and listings.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.entries.iter().flat_map(|entry| {
            let short = entry.name.strip_prefix("ansible.builtin.");
            std::iter::once(entry.name).chain(short).chain(entry.aliases.iter().copied())
        })
    }

    /// Modules whose work is done on the host.
    #[cfg(feature = "documentation")]
    pub fn remote(&self) -> impl Iterator<Item = &'static Entry> {
        self.entries.iter().filter(|entry| (entry.spec)().runs == Runs::Remote)
    }
}
