//! What of a channel is in memory once it is open.

use std::fs;

use ringway::{seqlock, spsc};

use crate::testing::TempNamespace;

/// Of each mapping of files in the namespace: its kibibytes, and those that are in memory here.
fn mappings(space: &TempNamespace) -> Vec<(u64, u64)> {
    let text = fs::read_to_string("/proc/self/smaps").expect("/proc is there");
    let mut lines = text.lines();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if line.contains(space.path().to_str().expect("text")) {
            let mut field = |name| {
                let value = lines.find_map(|line| line.strip_prefix(name)).expect("each mapping has it");
                value.trim().trim_end_matches(" kB").parse::<u64>().expect("a number")
            };
            found.push((field("Size:"), field("Rss:")));
        }
    }
    found
}

#[test]
fn a_prefaulted_channel_is_in_memory_once_it_is_open_and_another_comes_as_it_is_used() {
    let space = TempNamespace::new();
    let channel = || spsc::channel::<[u64; 8]>("large").capacity(1 << 14).namespace(space.namespace());
    let lazy = channel().sender().expect("a channel");
    let seen = mappings(&space);
    assert!(matches!(seen[..], [(size, there)] if size > 1024 && there < 64), "{seen:?}");
    let eager = channel().prefault().receiver().expect("the channel");
    let mut seen = mappings(&space);
    seen.sort_by_key(|(_, there)| *there);
    assert!(matches!(seen[..], [(_, few), (size, all)] if few < 64 && all == size), "{seen:?}");
    drop((lazy, eager));
    let created = channel().prefault().sender().expect("a new channel");
    let seen = mappings(&space);
    assert!(matches!(seen[..], [(size, all)] if size > 1024 && all == size), "{seen:?}");
    drop(created);
}

#[test]
fn prefaulted_cells_are_in_memory_whether_they_are_written_or_read() {
    let space = TempNamespace::new();
    let table = || seqlock::table::<[u64; 128]>("large").cells(256).namespace(space.namespace()).prefault();
    let reader = table().reader().expect("a table");
    let seen = mappings(&space);
    assert!(matches!(seen[..], [(size, all)] if size > 256 && all == size), "{seen:?}");
    let writer = table().writer(0).expect("the table");
    let seen = mappings(&space);
    assert!(seen.len() > 1 && seen.iter().filter(|(size, all)| size == all).count() > 1, "{seen:?}");
    drop((reader, writer));
}
