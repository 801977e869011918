//! `ringway metrics`: the state of channels, and what participants have counted, for Prometheus.

mod file;
mod gather;
mod page;
mod request;
mod server;

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::args::{Args, conflict};
use crate::output::{Failure, Outcome, tell};
use server::Server;

/// Writes it once: into that file, if there is one.
pub(crate) fn write(
    args: &Args,
    names: &[String],
    file: Option<&Path>,
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    refuse_json(args);
    let (page, failure) = gather::gather(&args.namespaces(), names);
    match file {
        Some(path) => file::replace(path, &page.to_string())?,
        None => write!(out, "{page}")?,
    }
    // What was found is written before it is said what was not.
    out.flush()?;
    failure.map_or(Ok(Outcome::Fine), Err)
}

/// Writes it to whoever asks there, whenever somebody does.
pub(crate) fn serve(
    args: &Args,
    names: &[String],
    address: SocketAddr,
    stop: &AtomicBool,
) -> Result<Outcome, Failure> {
    refuse_json(args);
    let refused = |error| Failure::Message(format!("nobody can be served at {address}: {error}"));
    let listener = TcpListener::bind(address).map_err(refused)?;
    let address = listener.local_addr().map_err(Failure::Input)?;
    let (namespaces, names) = (args.namespaces(), names.to_owned());
    let gather = move || gather::gather(&namespaces, &names).0.to_string();
    let server = Server::new(listener, server::PATIENCE, server::FRESH, gather).map_err(Failure::Input)?;
    tell(&format!("http://{address}/metrics"));
    server.run(stop).map_err(Failure::Input)?;
    Ok(Outcome::Fine)
}

fn refuse_json(args: &Args) {
    if args.json {
        conflict("`metrics` writes what Prometheus reads; `list --json` and `show --json` have it as JSON");
    }
}
