//! What a slow creation waits for, and what it does not.
#![allow(unsafe_code)] // sends signals to a thread

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::{DIR, options, role_options, role_path};
use crate::map::{Disposition, ErrorKind, MapOptions, sys};
use crate::testing::{Child, Role, TempNamespace};

const PATIENCE: Duration = Duration::from_millis(300);

#[test]
fn the_time_that_formatting_takes_is_not_taken_from_the_patience_with_others() {
    let space = TempNamespace::new();
    let mut others = None;
    let (map, how) = options(&space)
        .patience(PATIENCE)
        .create_or_open_with("m", |_, _| {
            others = Some(options(&space).create_new("m").expect("free"));
            thread::sleep(PATIENCE * 2);
        })
        .expect("nobody made it wait");
    assert_eq!(how, Disposition::Opened);
    drop((map, others));
    space.assert_empty();
}

#[test]
fn an_error_says_how_long_the_others_made_it_wait() {
    let space = TempNamespace::new();
    let slow = Duration::from_secs(2);
    let mut others = None;
    let error = options(&space)
        .patience(PATIENCE)
        .create_or_open_with("m", |_, _| {
            let map = options(&space).create_new("m").expect("free");
            let file = File::open(space.path().join("m")).expect("readable");
            flock(&file, FlockOperation::LockExclusive).expect("free");
            others = Some((file, map));
            thread::sleep(slow);
        })
        .expect_err("it is locked");
    let ErrorKind::TimedOut { waited } = *error.kind() else { panic!("{error}") };
    assert!((PATIENCE..slow).contains(&waited), "{waited:?}");
    drop(others);
    space.assert_empty();
}

#[test]
fn role_interrupted() {
    let Some(role) = Role::play() else { return };
    let heard = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGALRM, heard).expect("a handler");
    // SAFETY: has no preconditions.
    let me = unsafe { libc::pthread_self() };
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        // A timer's signals go to any thread: these go to the one that creates.
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_micros(200));
                // SAFETY: the thread lives for as long as the scope, and the signal has a handler.
                let answer = unsafe { libc::pthread_kill(me, libc::SIGALRM) };
                assert_eq!(answer, 0);
            }
        });
        let created = role_options(&role).capacity(128 << 20).create_new("m");
        done.store(true, Ordering::Relaxed);
        drop(created.expect("created"));
    });
}

#[test]
fn a_large_map_comes_about_under_a_fast_timer() {
    let space = TempNamespace::new();
    Child::spawn(&role_path("patience::role_interrupted"), &[(DIR, space.path())]).wait_success();
    space.assert_empty();
}

#[test]
fn what_signals_undo_is_done_in_the_steps_that_they_allow() {
    for allowed in [4096, 10_000, 1 << 16, u64::MAX] {
        let len = (1 << 20) + 77;
        let mut done = 0;
        let mut calls = 0;
        let interrupted_if_long = |from: u64, step: u64| {
            calls += 1;
            assert!(from == done && step > 0 && from + step <= len, "{from}, {step}");
            if step > allowed {
                return Err(Errno::INTR);
            }
            done += step;
            Ok(())
        };
        sys::by_steps(len, Duration::from_secs(60), interrupted_if_long).expect("it gets done");
        assert_eq!(done, len);
        assert!(calls < 1000, "{calls} calls");
    }
}

#[test]
fn signals_that_allow_nothing_are_not_fought_for_ever() {
    let began = Instant::now();
    let result = sys::by_steps(1 << 20, PATIENCE, |_, _| Err(Errno::INTR));
    assert_eq!(result, Err(Errno::INTR));
    assert!(began.elapsed() >= PATIENCE);
    assert_eq!(sys::by_steps(1 << 20, PATIENCE, |_, _| Err(Errno::NOSPC)), Err(Errno::NOSPC));
}

#[test]
fn growth_asks_for_the_memory_that_is_missing_and_not_for_what_is_there() {
    use std::os::fd::AsFd;
    const LEN: u64 = 1 << 20;
    let map = MapOptions::new().capacity(LEN).anonymous().expect("there is memory");
    assert_eq!(sys::missing(map.as_fd(), LEN + 4096), Ok(4096));
    assert_eq!(sys::missing(map.as_fd(), LEN / 2), Ok(0));
    map.grow(LEN + 4096).expect("there is memory");
    assert_eq!(sys::missing(map.as_fd(), LEN + 4096), Ok(0), "growth commits, as creation did");
}
