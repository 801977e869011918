//! Models of ringway's protocols, explored by loom: the library's own text over loom's atomics.
//!
//! Every model runs through [`explore`], which asserts that loom found more than one execution.
#![cfg(all(test, loom))]

mod account;
mod cell;
mod cell_crash;
mod cells;
mod controls;
mod ends;
mod fixture;
mod futex;
mod gate;
mod gate_crash;
mod hostile;
mod key;
mod lifecycle;
mod limits;
mod lone;
mod many;
mod observer;
mod orphan;
mod peer;
mod race;
mod repair;
mod roster;
mod shared;
mod snapshot;
mod sole;
mod sole_crash;
mod table;
mod takeover;
mod tap;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Whether this is the long run.
fn long() -> bool {
    std::env::var_os("LOOM_LONG").is_some()
}

/// Explores a model and returns the number of executions.
fn explore(name: &str, model: impl Fn() + Sync + Send + 'static) -> usize {
    explore_within(3, name, model)
}

/// Explores a model within so many preemptions, one more in the long run.
fn explore_within(preemptions: usize, name: &str, model: impl Fn() + Sync + Send + 'static) -> usize {
    ringway::sync::model::keep_stores_in_order(false);
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions + usize::from(long()));
    builder.max_branches = 20_000;
    builder.check(move || {
        seen.fetch_add(1, Ordering::Relaxed);
        model();
    });
    let executions = count.load(Ordering::Relaxed);
    println!("{name}: {executions} executions");
    assert!(executions > 1, "{name}: loom explored one execution only, so nothing was checked");
    executions
}
