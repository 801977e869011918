//! What killed processes leave.

use std::process::{Child, Stdio};

use ringway::spsc;
use serde_json::json;

use super::{Place, Tick, signal};

/// Bytes in front of a segment.
pub(crate) const PAGE: u64 = 4096;

/// The channel `left`, whose last holder was a receiver that was killed.
pub(crate) fn leave_behind(place: &Place) {
    let tx = spsc::channel::<Tick>("left").namespace(place.namespace()).sender().expect("the name is free");
    let mut child = receiver(place, "left");
    // Stopped, so that it does not end by itself when its sender leaves.
    signal(&child, "STOP");
    let stat = format!("/proc/{}/stat", child.id());
    while !std::fs::read_to_string(&stat).expect("it is there").contains(") T ") {}
    drop(tx);
    child.kill().expect("killed");
    child.wait().expect("gone");
}

/// A process that has the channel as a receiver.
fn receiver(place: &Place, name: &str) -> Child {
    let mut command = place.command(&["recv", name]);
    let child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    let is_there = |shown: &serde_json::Value| shown["receivers"][0]["pid"] == json!(child.id());
    while !is_there(&place.json(&["show", name], 0)) {}
    child
}
