//! Who takes part, and in which version: as `Cargo.lock` has it.

use serde_json::{Value, json};

const LOCK: &str = include_str!("../Cargo.lock");

/// Those that this crate asks for in one version.
const CRATES: [&str; 12] = [
    "ringway",
    "arc-swap",
    "cloudtoid-interprocess",
    "crossbeam-channel",
    "crossbeam-queue",
    "iceoryx2",
    "parking_lot",
    "que",
    "ringfire",
    "rtrb",
    "seqlock",
    "shaq",
];

/// Of which there are two.
const BOTH: &str = "shaq";

/// The version of a crate that is measured, or both.
fn version(name: &str) -> String {
    let versions = LOCK.split("[[package]]").filter_map(|package| {
        let rest = package.trim_start().strip_prefix(&format!("name = \"{name}\"\nversion = \""))?;
        rest.split('"').next()
    });
    let versions: Vec<&str> = versions.collect();
    // A rival may use an older one of another; Cargo sorts them.
    match name == BOTH {
        true => versions.join(" and "),
        false => versions.last().copied().expect("a crate of the lock file").to_owned(),
    }
}

/// The compiler, whose library some contestants are from.
fn compiler() -> String {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let output = std::process::Command::new(rustc).arg("--version").output();
    output.map_or("rustc of unknown version".to_owned(), |output| {
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    })
}

/// The kernel, whose pipes and sockets take part.
fn kernel() -> String {
    std::fs::read_to_string("/proc/sys/kernel/osrelease")
        .map_or("of unknown version".to_owned(), |release| release.trim().to_owned())
}

/// Prints them.
pub(crate) fn print() {
    let all: Vec<String> = CRATES.iter().map(|name| format!("{name} {}", version(name))).collect();
    println!("{}; std: {}; Linux {}", all.join(", "), compiler(), kernel());
}

/// The same as JSON.
pub(crate) fn json() -> Value {
    let all = CRATES.iter().map(|name| ((*name).to_owned(), Value::from(version(name))));
    let all: serde_json::Map<String, Value> = all.collect();
    json!({ "crates": all, "compiler": compiler(), "kernel": kernel() })
}
