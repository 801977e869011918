//! `send` and `recv`, against programs with a type, against each other, and when they are told to end.

#[allow(dead_code, reason = "other tests need the rest")]
mod common;

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::Duration;

use ringway::channel::{Channel, Kind};
use ringway::{Departure, RecvTimeoutError, mpmc, mpsc, spmc, spsc};

use common::{Place, Tick, ended, signal, tick};

const LONG: Duration = Duration::from_secs(60);

fn line(number: u64) -> String {
    format!("{{\"time_ns\":{number},\"price\":{number}.5,\"size\":{number},\"venue\":3}}\n")
}

#[test]
fn lines_are_sent_to_a_receiver_of_any_kind_of_channel() {
    fn test<K: Kind>(make: fn(&str) -> Channel<Tick, K>) {
        let place = Place::new();
        let mut rx = make("trades").namespace(place.namespace()).receiver().expect("the name is free");
        let lines: String = (0..5).map(line).collect();
        let (out, _) = place.feed(&["send", "trades"], &lines, 0);
        assert_eq!(out, "5 messages sent\n");
        for number in 0..5 {
            assert_eq!(rx.recv_timeout(LONG), Ok(tick(number)));
        }
        assert_eq!(rx.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected(Departure::Left)));
    }
    test(spsc::channel);
    test(mpsc::channel);
    test(spmc::channel);
    test(mpmc::channel);
}

#[test]
fn a_wrong_line_is_told_and_what_came_before_it_is_sent() {
    let place = Place::new();
    let mut rx =
        mpsc::channel::<Tick>("trades").namespace(place.namespace()).receiver().expect("the name is free");
    let input =
        format!("{}\n{}{}", line(1), "{\"time_ns\":2,\"price\":true,\"size\":1,\"venue\":1}\n", line(3));
    let (out, err) = place.feed(&["send", "trades"], &input, 1);
    assert_eq!(out, "1 message sent\n");
    assert_eq!(
        err,
        "ringway: line 3: `price`: expected a number, \"NaN\", \"inf\" or \"-inf\", found true\n"
    );
    assert_eq!(rx.recv_timeout(LONG), Ok(tick(1)));
    assert!(rx.try_recv().is_err());
}

#[test]
fn a_full_channel_is_waited_for_as_long_as_it_says() {
    let place = Place::new();
    let channel = mpsc::channel::<u8>("few").namespace(place.namespace()).capacity(1);
    let mut rx = channel.receiver().expect("the name is free");
    let (out, err) = place.feed(&["send", "few", "--timeout", "0.2"], "1\n2\n", 1);
    assert_eq!(out, "1 message sent\n");
    assert_eq!(err, "ringway: line 2 was not sent: the channel is full, and the time is up\n");
    assert_eq!(rx.recv_timeout(LONG), Ok(1));
}

#[test]
fn messages_are_received_as_text_json_and_columns() {
    let place = Place::new();
    let channel = spmc::channel::<Tick>("trades").namespace(place.namespace());
    let mut tx = channel.sender().expect("the name is free");
    let mut take = |args: &[&str]| {
        (1..3).for_each(|number| tx.send(tick(number)).expect("there is room"));
        place.run(&[&["recv", "trades", "--count", "2"], args].concat(), 0).0
    };
    let text = "Tick { time_ns: 1, price: 1.5, size: 1, venue: 3 }\nTick { time_ns: 2, price: 2.5, size: 2, venue: 3 }\n";
    assert_eq!(take(&[]), text);
    assert_eq!(take(&["--json"]), line(1) + &line(2));
    assert_eq!(take(&["--format", "json"]), line(1) + &line(2));
    assert_eq!(take(&["--format", "csv"]), "time_ns,price,size,venue\n1,1.5,1,3\n2,2.5,2,3\n");
    let (_, err) = place.run(&["recv", "trades", "--timeout", "0.1"], 1);
    assert_eq!(err, "ringway: there was no message, and the time is up\n");
    tx.send(tick(9)).expect("there is room");
    drop(tx);
}

#[test]
fn a_receiver_ends_when_the_last_sender_is_gone() {
    let place = Place::new();
    let mut tx =
        mpmc::channel::<Tick>("trades").namespace(place.namespace()).sender().expect("the name is free");
    let mut command = place.command(&["recv", "trades"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    tx.send(tick(1)).expect("there is room");
    let mut out = BufReader::new(child.stdout.take().expect("piped"));
    let mut first = String::new();
    out.read_line(&mut first).expect("a line as soon as there is a message");
    assert_eq!(first, "Tick { time_ns: 1, price: 1.5, size: 1, venue: 3 }\n");
    drop(tx);
    let (_, err) = ended(child.wait_with_output().expect("it ends"), 0);
    assert_eq!(err, "ringway: every sender is gone; the last one left\n");
}

#[test]
fn whoever_is_told_to_end_leaves_the_channel() {
    for name in ["INT", "TERM", "HUP"] {
        let place = Place::new();
        let channel = spsc::channel::<Tick>("trades").namespace(place.namespace());
        let tx = channel.clone().sender().expect("the name is free");
        let mut command = place.command(&["recv", "trades"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().expect("it runs");
        assert!(tx.wait_for_peer(LONG));
        signal(&child, name);
        ended(child.wait_with_output().expect("it ends"), 0);
        let gone = tx.peer();
        assert!(matches!(gone, ringway::Peer::Gone { departure: Departure::Left, .. }), "{gone:?}");
        drop(tx);

        // A sender that waits for input.
        let mut rx = channel.receiver().expect("the name is free");
        let mut command = place.command(&["send", "trades"]);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it runs");
        child.stdin.as_mut().expect("piped").write_all(line(1).as_bytes()).expect("written");
        assert_eq!(rx.recv_timeout(LONG), Ok(tick(1)));
        signal(&child, name);
        let left = rx.recv_timeout(LONG);
        assert_eq!(left, Err(RecvTimeoutError::Disconnected(Departure::Left)));
        let (out, _) = ended(child.wait_with_output().expect("it ends"), 0);
        assert_eq!(out, "1 message sent\n");
    }
}

#[test]
fn a_message_that_nobody_reads_any_more_is_not_passed_over_in_silence() {
    let place = Place::new();
    let mut tx =
        mpmc::channel::<Tick>("trades").namespace(place.namespace()).sender().expect("the name is free");
    let mut command = place.command(&["recv", "trades"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    drop(child.stdout.take());
    tx.send(tick(1)).expect("there is room");
    let (_, err) = ended(child.wait_with_output().expect("it ends"), 4);
    assert!(err.starts_with("ringway: the output cannot be written: Broken pipe"), "{err}");
    // Whoever only looks has nothing to lose.
    let mut child = place.command(&["list"]).stdout(Stdio::piped()).spawn().expect("it runs");
    drop(child.stdout.take());
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn a_sender_is_interrupted_while_it_sends_and_while_it_waits_for_room() {
    let place = Place::new();
    let mut rx =
        mpsc::channel::<u64>("many").namespace(place.namespace()).capacity(4).receiver().expect("free");
    // More than it can send: it goes on for as long as there is room.
    let mut command = place.command(&["send", "many"]);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    let mut input = child.stdin.take().expect("piped");
    let feeding = std::thread::spawn(move || while input.write_all(b"1\n2\n3\n").is_ok() {});
    (0..100).for_each(|_| assert!(rx.recv_timeout(LONG).is_ok()));
    signal(&child, "INT");
    let mut received = 100;
    while rx.recv_timeout(LONG).is_ok() {
        received += 1;
    }
    let (out, _) = ended(child.wait_with_output().expect("it ends"), 0);
    assert_eq!(out, format!("{received} messages sent\n"));
    feeding.join().expect("nobody reads any more");

    let mut command = place.command(&["send", "many"]);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    child.stdin.take().expect("piped").write_all(b"1\n2\n3\n4\n5\n6\n").expect("written");
    while rx.len() < 4 {}
    signal(&child, "INT");
    let (out, err) = ended(child.wait_with_output().expect("it ends"), 1);
    assert_eq!(out, "4 messages sent\n");
    assert_eq!(err, "ringway: line 5 was not sent: the channel is full, and it was told to end\n");
}

#[test]
fn what_it_was_started_to_ignore_it_ignores() {
    let place = Place::new();
    let tx = mpmc::channel::<u64>("trades").namespace(place.namespace()).sender().expect("the name is free");
    let dir = place.path().display().to_string();
    let script =
        format!("trap '' HUP; exec '{}' --namespace '{dir}' recv trades", env!("CARGO_BIN_EXE_ringway"));
    let mut child = std::process::Command::new("sh").args(["-c", &script]).spawn().expect("it runs");
    assert!(tx.wait_for_peer(LONG));
    signal(&child, "HUP");
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().expect("asked").is_none(), "it ended");
    signal(&child, "TERM");
    assert!(child.wait().expect("it ends").success());
    drop(tx);
}

#[test]
fn what_is_said_is_said_to_whoever_listens() {
    let place = Place::new();
    // Neither a closed output nor a closed error output changes how it ends.
    for (closed, status) in [("out", 3), ("err", 3)] {
        let mut command = place.command(&["show", "nothing"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
        if closed == "out" {
            drop(child.stdout.take())
        } else {
            drop(child.stderr.take())
        }
        assert_eq!(child.wait().expect("it ends").code(), Some(status));
    }
    let rx = mpsc::channel::<u8>("few").namespace(place.namespace()).receiver().expect("the name is free");
    let mut command = place.command(&["send", "few"]);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    drop(child.stdout.take());
    child.stdin.take().expect("piped").write_all(b"true\n").expect("written");
    let (_, err) = ended(child.wait_with_output().expect("it ends"), 1);
    assert_eq!(err, "ringway: line 1: expected an integer that is a u8, found true\n");
    let (_, err) = place.run(&["recv", "few", "--json", "--format", "csv"], 2);
    assert!(err.contains("cannot be used with"), "{err}");
    let bytes = place.path().join("input");
    std::fs::write(&bytes, b"1\n\xff\n").expect("written");
    let input = std::fs::File::open(&bytes).expect("it is there");
    let (out, err) = ended(place.command(&["send", "few"]).stdin(input).output().expect("it runs"), 1);
    assert_eq!(out, "1 message sent\n");
    assert!(err.starts_with("ringway: line 2 cannot be read: stream did not contain valid UTF-8"), "{err}");
    drop(rx);
}

#[test]
fn cells_have_no_messages() {
    let place = Place::new();
    let cell = ringway::seqlock::cell::<u64>("latest").namespace(place.namespace());
    let reader = cell.reader().expect("the name is free");
    for command in ["send", "recv"] {
        let (_, err) = place.run(&[command, "latest"], 3);
        assert!(
            err.contains("`latest` is a seqlock cell, this program expects a channel with messages"),
            "{err}"
        );
    }
    drop(reader);
}
