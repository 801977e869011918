//! The example `persisted_view` as its user runs it: what it prints, its exit status, and what it leaves behind.
#![cfg(not(loom))]

#[allow(dead_code, reason = "the tests of other examples need the rest")]
#[path = "support/example.rs"]
mod example;

use std::process::Command;

#[test]
fn it_brightens_all_colors_of_the_part_and_the_second_process_sees_them() {
    let directory = std::env::temp_dir().join(format!("ringway-persisted-view-{}", std::process::id()));
    std::fs::create_dir(&directory).expect("new");
    let mut run = Command::new(example::path("persisted_view"));
    let output = run.env("TMPDIR", &directory).output().expect("it starts");
    assert!(output.status.success(), "{output:?}");
    let lines = "brightened 8192 colors behind 32 GiB of an image of 64 GiB\n\
                 the second process saw 8192 of them as they were,\n\
                 and 8192 of them brightened\n\
                 the image takes less than a thousandth of its length on the disk\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), lines);
    assert!(output.stderr.is_empty(), "{output:?}");
    std::fs::remove_dir(&directory).expect("it removes its image");
}
