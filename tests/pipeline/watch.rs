//! The watcher: what it shows, when it ends, and that the pipeline knows nothing of it.

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use crate::PASS;
use crate::example::{Run, contains, eventually, path, shared_memory, workers};
use crate::run::{assert_matches, named, run, start};
use crate::sight::{Sight, ended, see, sights, watch};

/// A bit more than two seconds, with dozens of kills.
const STORM: [&str; 6] = ["--repeat", "12", "--rate", "600000", "--kill-every", "20"];

/// The watcher has seen the whole of a run that ended with this line.
#[track_caller]
fn assert_saw_the_end(sights: &[Sight], last: &str, verdict: &str) {
    let totals = verdict.strip_prefix("pipeline: ").expect("the last line of a pipeline");
    assert!(last.starts_with("watch: the pipeline (process "), "{last}");
    assert!(last.ends_with(&format!(") finished: {totals}")), "`{last}` is not `{verdict}`");
    let end = sights.last().expect("it saw something");
    assert_eq!(end.state, "finished");
    assert_eq!((end.samples, end.received, end.lost), (end.records, end.records, 0));
    assert_eq!(end.beats, 501 * end.records / PASS, "the recording has 501 in each pass");
    assert!(end.workers.iter().all(|worker| worker.presence == "left"), "{end:#?}");
    // Whoever was killed when: each sample is in one share, once.
    assert_eq!(end.sum(|worker| worker.samples), end.records, "{end:#?}");
    assert_eq!(end.sum(|worker| worker.blocks), 51 * end.records / PASS + 1, "{end:#?}");
    assert!(end.sum(|worker| worker.repeated) <= end.sum(|worker| worker.redelivered), "{end:#?}");
}

#[test]
fn a_watcher_that_comes_later_sees_numbers_grow_to_those_of_the_last_line() {
    let mut run = start(&STORM);
    run.wait_for("workers");
    thread::sleep(Duration::from_millis(300));
    let since = Instant::now();
    let (status, sights, last) = ended(watch(run.child.id()).end());
    let tenths = (since.elapsed().as_secs_f64() * 10.0) as usize;
    let end = run.end();
    assert_eq!(status, Some(0), "{last}: {end:#?}");
    assert!(assert_matches(&end, 12 * PASS).killed > 10);
    assert_saw_the_end(&sights, &last, end.1.last().expect("a line"));
    let running: Vec<_> = sights.iter().filter(|sight| sight.state == "running").collect();
    assert!((3..tenths + 3).contains(&running.len()), "{} in {tenths} tenths of a second", running.len());
    assert!(running[0].samples < 12 * PASS, "{:#?}", running[0]);
    for sight in &running[running.len() / 2..] {
        let (speed, [now, mean]) = (sight.speed.expect("known by now"), sight.rates);
        // On a busy machine nothing may have come between two sights.
        assert!((0.0..20e6).contains(&speed), "{sight:#?}");
        assert!((45.0..135.0).contains(&now.expect("known by now")), "{sight:#?}");
        assert!((95.0..110.0).contains(&mean.expect("known by now")), "{sight:#?}");
        assert!(sight.beats > 450 * (sight.samples / PASS), "{sight:#?}");
    }
    assert!(running.iter().any(|sight| sight.speed.is_some_and(|speed| speed > 0.0)), "{running:#?}");
    // Not at every sight: they are killed and replaced all the time, and have left before the end is told.
    let fresh = |sight: &&&Sight| sight.workers.iter().any(|worker| worker.presence == "fresh");
    assert!(running.iter().filter(fresh).count() > 0, "{running:#?}");
    let grew = running.windows(2).filter(|pair| pair[1].samples > pair[0].samples);
    assert!(grew.count() > 0, "{running:#?}");
    let end = sights.last().expect("it saw something");
    let restarts = end.sum(|worker| worker.restarts);
    // One that is killed before it gets as far as its slot leaves nothing there.
    assert!(restarts > 10 && restarts <= end.killed, "{end:#?}");
}

#[test]
fn a_watcher_may_come_first() {
    // A process that becomes the pipeline when it is told to.
    let mut command = Command::new("sh");
    command.args(["-c", "read line && exec \"$@\"", "sh"]).arg(path("pipeline"));
    command.args(["--rate", "60000", "--no-kill"]);
    let mut pipeline = Run::spawn("pipeline", command.stdin(Stdio::piped()));
    let mut watcher = watch(pipeline.child.id());
    watcher.wait_for(&format!("watch: no pipeline of process {} runs yet", pipeline.child.id()));
    thread::sleep(Duration::from_millis(300));
    pipeline.child.stdin.take().expect("a pipe").write_all(b"\n").expect("it listens");
    let (status, sights, last) = ended(watcher.end());
    let end = pipeline.end();
    assert_eq!(status, Some(0), "{last}: {end:#?}");
    assert_matches(&end, PASS);
    assert_saw_the_end(&sights, &last, end.1.last().expect("a line"));
    assert!(sights[0].samples < PASS / 2, "{:#?}", sights[0]);
    assert_eq!(sights.last().expect("it saw something").sum(|worker| worker.redelivered), 0);
}

/// Whether the line names that process.
fn names(line: &str, run: &Run) -> bool {
    let pid = run.child.id().to_string();
    line.split([' ', ',', ':', '=', '`']).any(|word| word == pid)
}

/// A pipeline whose cells are there.
fn published(arguments: &[&str]) -> Run {
    let run = start(arguments);
    eventually("the pipeline's cells", || shared_memory(&run.name()).len() >= 8);
    run
}

#[test]
fn a_watcher_finds_the_pipeline_that_runs_or_asks_which() {
    let first = published(&["--rate", "1000"]);
    let mut watcher = start(&["--watch"]);
    watcher.wait_for("");
    // Others may have theirs at the same time.
    if contains(&watcher.seen, "say which") {
        assert!(names(&watcher.seen[0], &first), "{:#?}", watcher.seen);
        assert_eq!(watcher.end().0.code(), Some(1));
    } else {
        let sights = sights(&watcher.seen);
        assert!(sights.len() == 1 && sights[0].records == PASS, "{:#?}", watcher.seen);
        watcher.send(Signal::INT);
        assert_eq!(watcher.end().0.code(), Some(0));
    }
    let second = published(&["--rate", "1000"]);
    let (status, lines) = start(&["--watch"]).end();
    assert_eq!((status.code(), lines.len()), (Some(1), 1), "{lines:#?}");
    assert!(lines[0].contains("pipelines run, of processes "), "{lines:#?}");
    assert!(lines[0].contains("say which, as in `--watch="), "{lines:#?}");
    for run in [first, second] {
        assert!(names(&lines[0], &run), "{lines:#?}");
        run.send(Signal::TERM);
        run.end();
    }
}

#[test]
fn watchers_that_are_killed_or_stopped_at_any_time_leave_the_pipeline_as_it_is() {
    let mut run = start(&STORM);
    run.wait_for("workers");
    let stopped = watch(run.child.id());
    thread::sleep(Duration::from_millis(200));
    stopped.send(Signal::STOP);
    for delay in 0..25 {
        let mut watcher = watch(run.child.id());
        thread::sleep(Duration::from_millis(2 * delay));
        watcher.child.kill().expect("it is running");
        watcher.child.wait().expect("it is dead");
    }
    // Once it is gone too, the pipeline is the last one that has its cells.
    stopped.send(Signal::KILL);
    stopped.end();
    assert_matches(&run.end(), 12 * PASS);
}

#[test]
fn a_watcher_that_goes_on_after_the_end_shows_it_and_is_the_last_to_clean_up() {
    let mut run = start(&["--repeat", "2", "--rate", "400000", "--no-kill"]);
    let name = run.name();
    run.wait_for("workers");
    let mut watcher = watch(run.child.id());
    watcher.wait_for("running");
    watcher.send(Signal::STOP);
    let status = run.child.wait().expect("it ends");
    assert_eq!(status.code(), Some(0));
    assert_eq!(shared_memory(&name).len(), 3, "the cells, which the watcher has open");
    watcher.send(Signal::CONT);
    let (status, sights, last) = ended(watcher.end());
    assert_eq!((status, sights.last().map(|sight| sight.samples)), (Some(0), Some(2 * PASS)), "{last}");
    let end = run.end();
    assert_saw_the_end(&sights, &last, end.1.last().expect("a line"));
}

#[test]
fn a_signal_ends_the_watcher_only() {
    let mut run = start(&["--rate", "1000"]);
    run.wait_for("workers");
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        // One that watches, and one that waits: for a pipeline of this process.
        for (pipeline, first) in [(run.child.id(), "running"), (std::process::id(), "watch: no pipeline")] {
            let mut watcher = watch(pipeline);
            watcher.wait_for(first);
            let sent = Instant::now();
            watcher.send(signal);
            let (status, lines) = watcher.end();
            assert_eq!(status.code(), Some(0), "{signal:?}: {lines:#?}");
            assert!(sent.elapsed() < Duration::from_secs(5), "{signal:?}: {:?}", sent.elapsed());
        }
    }
    assert!(run.child.try_wait().expect("it can be asked").is_none(), "the pipeline has ended");
    run.send(Signal::TERM);
    run.end();
}

#[test]
fn an_output_that_nobody_reads_ends_the_watcher_only() {
    let mut run = start(&["--rate", "1000"]);
    run.wait_for("workers");
    for pipeline in [run.child.id(), std::process::id()] {
        let mut command = Command::new(path("pipeline"));
        command.arg(format!("--watch={pipeline}")).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut watcher = command.stderr(Stdio::piped()).spawn().expect("the example starts");
        thread::sleep(Duration::from_millis(200));
        drop(watcher.stdout.take());
        eventually("the watcher's end", || watcher.try_wait().expect("it can be asked").is_some());
        let output = watcher.wait_with_output().expect("it has ended");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
    }
    assert!(run.child.try_wait().expect("it can be asked").is_none(), "the pipeline has ended");
    run.send(Signal::TERM);
    run.end();
}

#[test]
fn a_watcher_says_that_the_supervisor_is_dead_and_ends() {
    let mut killed = start(&["--rate", "20000"]);
    killed.wait_for("workers");
    let (name, pid) = (killed.name(), killed.child.id());
    let mut watcher = watch(pid);
    see(&mut watcher, |sight| sight.samples > 0);
    killed.send(Signal::KILL);
    killed.child.wait().expect("it is dead");
    let (status, sights, last) = ended(watcher.end());
    assert_eq!(status, Some(1), "{last}");
    let start = format!("watch: the pipeline (process {pid}) is dead: its supervisor was killed; ");
    let samples = sights.last().expect("it saw something").samples;
    assert!(samples > 0, "{last}");
    assert_eq!(last, format!("{start}{samples} of {PASS} samples were in order"));
    // As ever, what a killed pipeline leaves is removed by the next one.
    eventually("no processes", || workers(&name).is_empty());
    let (status, lines) = run(&["--repeat", "1", "--paced", "0", "--no-kill"]);
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    eventually("no files", || shared_memory(&name).is_empty());
}

#[test]
fn a_watcher_says_that_the_pipeline_was_stopped_or_has_failed() {
    for (who, signal, text) in [
        ("supervisor", Signal::TERM, ") was stopped by a signal; "),
        ("sink", Signal::KILL, ") failed, and says why; "),
    ] {
        let mut run = start(&["--rate", "1000"]);
        let sink = named(&mut run, "sink")[0];
        run.wait_for("workers");
        let mut watcher = watch(run.child.id());
        watcher.wait_for("running");
        if who == "sink" {
            kill_process(sink, signal).expect("it is running")
        } else {
            run.send(signal)
        }
        let (status, lines) = watcher.end();
        assert_eq!(status.code(), Some(1), "{who}: {lines:#?}");
        assert!(lines.last().is_some_and(|line| line.contains(text)), "{who}: {lines:#?}");
        run.end();
    }
}

#[test]
fn a_worker_goes_on_counting_where_the_one_before_was_killed() {
    // Nine blocks a second, so that the only worker has nothing in hand most of the time.
    let mut run = start(&["--rate", "20000", "--workers", "1", "--no-kill"]);
    let mut worker = named(&mut run, "workers")[0];
    let mut watcher = watch(run.child.id());
    for kill in 0..4 {
        let blocks = 6 * (kill + 1);
        see(&mut watcher, |sight| sight.workers[0].restarts == kill && sight.workers[0].blocks >= blocks);
        kill_process(worker, Signal::KILL).expect("the worker is running");
        worker = successor(&mut run);
    }
    let (status, sights, last) = ended(watcher.end());
    let end = run.end();
    assert_eq!(status, Some(0), "{last}: {end:#?}");
    assert_matches(&end, PASS);
    assert_saw_the_end(&sights, &last, end.1.last().expect("a line"));
    let end = &sights.last().expect("it saw something").workers[0];
    assert_eq!((end.restarts, end.blocks), (4, 52), "{end:#?}");
}

/// Of a worker that died: `died  process 1, a worker; replaced by process 2`.
fn successor(run: &mut Run) -> rustix::process::Pid {
    run.wait_for("died");
    let line = run.seen.last().expect("that line");
    let pid = line.rsplit(' ').next().and_then(|pid| pid.parse().ok());
    pid.and_then(rustix::process::Pid::from_raw).expect("a process")
}

#[test]
fn each_sample_is_in_one_share_however_often_the_only_worker_is_killed() {
    let mut run = start(&["--repeat", "60", "--workers", "1", "--kill-every", "10", "--paced", "0"]);
    run.wait_for("workers");
    let (status, sights, last) = ended(watch(run.child.id()).end());
    let end = run.end();
    assert_eq!(status, Some(0), "{last}: {end:#?}");
    assert!(assert_matches(&end, 60 * PASS).killed > 0);
    assert_saw_the_end(&sights, &last, end.1.last().expect("a line"));
}

#[test]
fn a_process_that_is_not_there_is_not_waited_for() {
    let (status, lines) = start(&["--watch", "2147483647"]).end();
    assert_eq!(status.code(), Some(1), "{lines:#?}");
    assert_eq!(lines, ["pipeline: watch: there is no process 2147483647"]);
}
