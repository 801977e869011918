//! The pipeline example as its user runs it: its last line, its exit status, and what it leaves behind.

mod arguments;
mod bar;
mod deaths;
mod endings;
#[allow(dead_code, reason = "the tests of other examples need the rest")]
#[path = "../support/example.rs"]
mod example;
#[path = "../../examples/pipeline/merge.rs"]
mod merge;
mod pictures;
#[path = "../../examples/pipeline/plot.rs"]
mod plot;
#[allow(dead_code, reason = "only the example needs the rest")]
#[path = "../../examples/pipeline/published.rs"]
mod published;
mod run;
#[path = "../../examples/pipeline/share.rs"]
mod share;
mod shares;
mod sight;
mod terminal;
#[path = "../../examples/pipeline/timeline.rs"]
mod timeline;
mod watch;

use std::time::{Duration, Instant};

use example::contains;
use merge::Merge;
use run::{assert_matches, run, start};

const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/ecg-mitdb-208.u16le");

/// Samples in the recording.
const PASS: u64 = 108_000;

#[test]
fn every_pass_equals_the_reference() {
    let end = run(&["--repeat", "30", "--paced", "2000", "--no-kill"]);
    let verdict = assert_matches(&end, 30 * PASS);
    assert_eq!((verdict.redelivered, verdict.killed), (0, 0));
    // In a pass 50 blocks and one to hold the last sample; and the end.
    for text in
        ["30, of which 30 equal", "501 beats", "1531 passed on, 1531 merged", "0 results discarded", "µs"]
    {
        assert!(contains(&end.1, text), "no `{text}` in {:#?}", end.1);
    }
    assert!(!contains(&end.1, "SIGKILL"), "{:#?}", end.1);
}

#[test]
fn a_run_at_a_given_rate_ends_in_time() {
    let started = Instant::now();
    assert_matches(&run(&["--rate", "200000", "--no-kill"]), PASS);
    assert!(started.elapsed() >= Duration::from_millis(500), "108,000 records at 200,000 a second");
}

#[test]
fn one_worker_will_do() {
    assert_matches(&run(&["--repeat", "3", "--workers", "1", "--paced", "0"]), 3 * PASS);
}

#[test]
fn as_many_workers_as_there_may_be_will_do() {
    assert_matches(&run(&["--repeat", "3", "--workers", "32", "--paced", "0"]), 3 * PASS);
}

#[test]
fn a_channel_of_one_record_will_do() {
    assert_matches(&run(&["--repeat", "1", "--capacity", "1", "--paced", "0", "--no-kill"]), PASS);
}

#[test]
fn a_channel_larger_than_the_stream_will_do() {
    assert_matches(&run(&["--repeat", "1", "--capacity", "200000", "--paced", "0", "--no-kill"]), PASS);
}

#[test]
fn two_runs_at_once_do_not_disturb_each_other() {
    let runs = [(); 2].map(|()| start(&["--repeat", "2", "--paced", "0"]));
    for run in runs {
        assert_matches(&run.end(), 2 * PASS);
    }
}

#[test]
fn results_are_merged_in_order_and_each_once() {
    let (mut merge, mut merged) = (Merge::new(), Vec::new());
    for number in [0, 2, 2, 4, 1, 1, 0, 3, 4, 5] {
        merge.take(number, number + 10, &number, |&number| merged.push(number));
    }
    assert_eq!(merged, [0, 1, 2, 3, 4, 5]);
    assert_eq!((merge.again, merge.different), (4, 0));
    for number in [0, 5, 7, 7] {
        merge.take(number, number, &number, |_| ());
    }
    assert_eq!((merge.again, merge.different), (7, 2));
}
