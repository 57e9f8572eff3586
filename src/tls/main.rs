//! The remote's companion for TLS: `trueup-tls TUNNEL`, see [`protocol::tunnel`].
//!
//! Start with [`tunnel`] (bytes both ways, until either side ends), then [`trust`] (who is
//! believed). It reads files as the user that it runs as, looks no names up, and ends with its
//! stdin.

mod trust;
mod tunnel;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use protocol::tunnel::Tunnel;

fn main() -> ExitCode {
    let order = std::env::args().nth(1).unwrap_or_default();
    let result = serde_json::from_str::<Tunnel>(&order)
        .map_err(|why| format!("trueup-tls is started by trueup's remote; not a tunnel: {why}"))
        .and_then(|order| tunnel::serve(&order));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // Where nobody listens, nobody needs to know.
            let _ = writeln!(io::stderr(), "{}", why.replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}
