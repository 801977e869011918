//! Who takes part, and in which version: as `Cargo.lock` has it.

use serde_json::{Value, json};

const LOCK: &str = include_str!("../Cargo.lock");

const CRATES: [&str; 6] = ["ringway", "arc-swap", "iceoryx2", "parking_lot", "ringfire", "seqlock"];

/// The version of a crate that is measured.
fn version(name: &str) -> String {
    let after = LOCK.split("[[package]]").filter_map(|package| {
        let rest = package.trim_start().strip_prefix(&format!("name = \"{name}\"\nversion = \""))?;
        rest.split('"').next()
    });
    // A rival may use an older one of another; Cargo sorts them.
    after.last().expect("a crate of the lock file").to_owned()
}

/// The compiler, whose library some contestants are from.
fn compiler() -> String {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let output = std::process::Command::new(rustc).arg("--version").output();
    output.map_or("rustc of unknown version".to_owned(), |output| {
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    })
}

/// Prints them.
pub(crate) fn print() {
    let all: Vec<String> = CRATES.iter().map(|name| format!("{name} {}", version(name))).collect();
    println!("{}; std: {}", all.join(", "), compiler());
}

/// The same as JSON.
pub(crate) fn json() -> Value {
    let all = CRATES.iter().map(|name| ((*name).to_owned(), Value::from(version(name))));
    let all: serde_json::Map<String, Value> = all.collect();
    json!({ "crates": all, "compiler": compiler() })
}
