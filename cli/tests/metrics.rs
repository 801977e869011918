//! `metrics`: what Prometheus is told of channels that are live, left over or damaged, and how it gets it.

#[allow(dead_code, reason = "other tests need the rest")]
mod common;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ringway::{mpmc, seqlock, spsc};

use common::left::{PAGE, leave_behind};
use common::prometheus::Page;
use common::{Place, Tick, ended, signal, tick, tool};

fn page(place: &Place, args: &[&str]) -> Page {
    Page::parse(&place.run(&[&["metrics"], args].concat(), 0).0)
}

#[test]
fn every_channel_is_told_whatever_it_is_called_and_whatever_became_of_it() {
    const ODD: &str = "he said: \"a\\b\",\nand left";
    let place = Place::new();
    let namespace = || place.namespace();
    let mut odd = mpmc::channel::<Tick>(ODD).namespace(namespace()).capacity(8).sender().expect("free");
    (0..3).for_each(|number| odd.send(tick(number)).expect("there is room"));
    let loan = odd.loan().expect("there is room");
    let table = seqlock::table::<f64>("quotes").namespace(namespace()).cells(4);
    let mut writer = table.writer(2).expect("the name is free");
    writer.store(1.5);
    let broken = spsc::channel::<u64>("broken").namespace(namespace()).sender().expect("free");
    let file = File::options().write(true).open(place.path().join("broken")).expect("it is there");
    file.write_all_at(b"X", PAGE + 60).expect("written");
    leave_behind(&place);
    std::fs::write(place.path().join("notes"), "no map").expect("written");

    let said = page(&place, &[]);
    let dir = place.path().display().to_string();
    let odd_one = [("namespace", dir.as_str()), ("channel", ODD)];
    let get = |name: &str, more: &[(&str, &str)]| said.get(name, &[&odd_one, more].concat());
    assert_eq!(get("ringway_channel_info", &[("kind", "mpmc"), ("type", "Tick")]), 1.0);
    assert_eq!(get("ringway_channel_capacity", &[]), 8.0);
    assert_eq!(get("ringway_channel_fill", &[]), 4.0);
    assert_eq!(get("ringway_channel_unpublished", &[]), 1.0);
    assert_eq!(get("ringway_channel_message_size_bytes", &[]), 24.0);
    assert_eq!(get("ringway_channel_messages_sent_total", &[]), 4.0);
    assert_eq!(get("ringway_channel_messages_received_total", &[]), 0.0);
    assert_eq!(get("ringway_channel_participants", &[("side", "sender"), ("state", "alive")]), 1.0);
    assert_eq!(get("ringway_channel_participants", &[("side", "receiver"), ("state", "alive")]), 0.0);
    let pid = std::process::id().to_string();
    let me = [("side", "sender"), ("record", "0"), ("pid", pid.as_str())];
    assert_eq!(get("ringway_participant_alive", &me), 1.0);
    assert_eq!(get("ringway_participant_claimed", &me), 1.0);
    let now = std::time::UNIX_EPOCH.elapsed().expect("after it").as_secs_f64();
    assert!((now - 600.0..=now).contains(&get("ringway_channel_created_timestamp_seconds", &[])));
    for time in ["attached", "last_active"] {
        let time = format!("ringway_participant_{time}_timestamp_seconds");
        assert!((now - 600.0..=now).contains(&get(&time, &me)), "{time}");
    }

    let of = |name: &str, channel: &str| said.get(name, &[("channel", channel)]);
    assert_eq!(of("ringway_channel_fill", "quotes"), 1.0);
    assert!(said.all("ringway_channel_messages_received_total", &[("channel", "quotes")]).is_empty());
    let writers = [("channel", "quotes"), ("side", "writer"), ("record", "2")];
    assert_eq!(said.get("ringway_participant_alive", &writers), 1.0);
    assert_eq!(of("ringway_channel_leftover", "left"), 1.0);
    let dead = [("channel", "left"), ("side", "receiver"), ("state", "died")];
    assert_eq!(said.get("ringway_channel_participants", &dead), 1.0);
    assert_eq!(said.get("ringway_participant_alive", &[("channel", "left"), ("side", "receiver")]), 0.0);
    let readable = said.all("ringway_channel_readable", &[]);
    let readable: Vec<_> =
        readable.iter().map(|(labels, value)| (labels["channel"].as_str(), **value)).collect();
    assert_eq!(readable, [("broken", 0.0), (ODD, 1.0), ("left", 1.0), ("quotes", 1.0)]);
    assert_eq!(said.get("ringway_namespace_readable", &[("namespace", &dir)]), 1.0);

    // Of those that are named nothing else, each once; and what is not there is said when the rest is.
    let (out, err) = place.run(&["metrics", "quotes", "nothing", "quotes", "broken"], 3);
    assert_eq!(Page::parse(&out).all("ringway_channel_readable", &[]).len(), 2);
    assert!(err.contains("`nothing`"), "{err}");
    drop((loan, broken));
}

#[test]
fn what_would_control_a_terminal_is_escaped_and_no_two_samples_are_the_same() {
    let place = Place::new();
    let channel = |name: &str| {
        spsc::channel::<u64>(name).namespace(place.namespace()).sender().expect("the name is free")
    };
    let both = [channel("\u{1b}[31m"), channel("\\u{1b}[31m")];
    let (out, _) = place.run(&["metrics"], 0);
    assert!(out.chars().all(|char| char == '\n' || !char.is_control()), "{out:?}");
    assert_eq!(Page::parse(&out).get("ringway_channel_readable", &[("channel", "\\u{1b}[31m")]), 1.0);
    drop(both);
}

#[test]
fn counters_grow_and_a_successor_has_its_own() {
    let place = Place::new();
    let channel = mpmc::channel::<Tick>("trades").namespace(place.namespace()).capacity(2048);
    let mut tx = channel.clone().sender().expect("free");
    tx.send(tick(0)).expect("there is room");
    place.run(&["recv", "trades", "--count", "1"], 0);
    let before = page(&place, &[]);
    let mut rx = channel.receiver().expect("free");
    (0..1024).for_each(|number| tx.send(tick(number)).expect("there is room"));
    (0..1024).for_each(|number| assert_eq!(rx.recv(), Ok(tick(number))));
    let after = page(&place, &[]);
    let mut kept = 0;
    for (series, value) in before.samples.iter().filter(|((name, _), _)| before.counters.contains(name)) {
        if let Some(later) = after.samples.get(series) {
            assert!(later >= value, "{series:?}: {value}, and then {later}");
            kept += 1;
        }
    }
    // Those of the channel and of the sender, who are the same; not those of the receiver.
    assert_eq!(kept, 4 + 8);
    assert_eq!(after.get("ringway_channel_messages_sent_total", &[]), 1025.0);
    let record = [("side", "receiver"), ("record", "0")];
    let pid_of = |page: &Page| {
        let all = page.all("ringway_participant_messages_total", &record);
        let [(labels, _)] = all[..] else { panic!("{all:?}") };
        labels["pid"].clone()
    };
    assert_ne!(pid_of(&before), pid_of(&after));
    assert_eq!(pid_of(&after), std::process::id().to_string());
    assert_eq!(after.get("ringway_participant_messages_total", &record), 1024.0);
    assert_eq!(after.get("ringway_participant_bytes_total", &record), 1024.0 * 24.0);
}

#[test]
fn a_file_is_replaced_as_a_whole_or_stays_as_it_was() {
    let place = Place::new();
    let channels: Vec<_> = (0..40)
        .map(|number| {
            spsc::channel::<u64>(&format!("channel-{number}")).namespace(place.namespace()).sender()
        })
        .collect();
    // Elsewhere: here it would be among the names.
    let other = Place::new();
    let (path, dir) = (other.path().join("ringway.prom"), other.path());
    let name = path.to_str().expect("UTF-8");
    std::fs::write(&path, "# HELP old Old.\n# TYPE old gauge\nold 1\n").expect("written");
    let has_ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut sizes = Vec::new();
            while !has_ended.load(Ordering::Relaxed) {
                let text = std::fs::read_to_string(&path).expect("it is there at any time");
                sizes.push(Page::parse(&text).samples.len());
            }
            sizes
        });
        for _ in 0..5 {
            assert_eq!(place.run(&["metrics", "--output", name], 0).0, "");
        }
        has_ended.store(true, Ordering::Relaxed);
        let mut sizes = reader.join().expect("each is whole");
        sizes.dedup();
        assert!(sizes.iter().skip(1).all(|size| *size > 40 * 10), "{sizes:?}");
    });
    let mode = std::fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o400, 0o400);
    assert_eq!(mode & 0o111, 0);

    // No room for a byte more: what was there stays.
    let before = std::fs::read_to_string(&path).expect("readable");
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"]);
    command
        .arg(tool().get_program())
        .arg("--namespace")
        .arg(place.path())
        .args(["metrics", "--output", name]);
    let (_, err) = ended(command.output().expect("it runs"), 4);
    assert!(err.contains("the output cannot be written"), "{err}");
    assert_eq!(std::fs::read_to_string(&path).expect("readable"), before);
    place.run(&["metrics", "--output", dir.to_str().expect("UTF-8")], 4);
    let files: Vec<_> =
        std::fs::read_dir(dir).expect("readable").map(|file| file.expect("one").path()).collect();
    assert_eq!(files, std::slice::from_ref(&path));
    drop(channels);
}

/// One that listens at a free port, and where that is.
fn server(place: &Place) -> (Child, String) {
    let mut command = place.command(&["metrics", "--listen", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut line = String::new();
    // A byte at a time: what else it says is for whoever waits for its end.
    let err = child.stderr.as_mut().expect("piped");
    BufReader::with_capacity(1, err).read_line(&mut line).expect("a line");
    let address = line.strip_prefix("ringway: http://").and_then(|line| line.strip_suffix("/metrics\n"));
    (child, address.unwrap_or_else(|| panic!("{line:?}")).to_owned())
}

fn ask(address: &str, request: &[u8]) -> (String, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    stream.write_all(request).expect("sent");
    let mut said = String::new();
    stream.read_to_string(&mut said).expect("an answer, and the end");
    let (head, body) = said.split_once("\r\n\r\n").expect("a head and a body");
    (head.to_owned(), body.to_owned())
}

#[test]
fn whoever_asks_by_http_gets_it_and_nobody_else_is_in_the_way() {
    let place = Place::new();
    let mut tx = spsc::channel::<u64>("trades").namespace(place.namespace()).sender().expect("free");
    let (child, address) = server(&place);
    let silent = TcpStream::connect(&address).expect("it listens");
    let scrape = || {
        let (head, body) =
            ask(&address, b"GET /metrics HTTP/1.1\r\nHost: here\r\nAccept: text/plain\r\n\r\n");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{head}");
        assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())), "{head}");
        Page::parse(&body).get("ringway_channel_messages_sent_total", &[("channel", "trades")])
    };
    assert_eq!(scrape(), 0.0);
    tx.send(1).expect("there is room");
    // What was told a moment ago is told again, for as long as that.
    while scrape() < 1.0 {}
    let long = format!("GET /metrics HTTP/1.1\r\nX: {}", "x".repeat(8 << 20));
    for (request, status) in [
        (&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], "400 "),
        (b"\n\xff\x00 nonsense\r\n\r\n", "400 "),
        (b"GET / HTTP/1.1\r\n\r\n", "200 "),
        (b"GET /metrics/ HTTP/1.1\r\n\r\n", "404 "),
        (b"GET http://elsewhere/metrics HTTP/1.1\r\n\r\n", "404 "),
        (b"DELETE /metrics HTTP/1.1\r\n\r\n", "405 "),
        (long.as_bytes(), "431 "),
    ] {
        let (head, _) = ask(&address, request);
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{head}");
    }
    assert_eq!(ask(&address, b"HEAD /metrics HTTP/1.1\r\n\r\n").1, "");
    assert_eq!(ask(&address, b"GET / HTTP/1.1\r\n\r\n").1, "ringway: the metrics are at /metrics\n");
    assert_eq!(scrape(), 1.0);
    signal(&child, "TERM");
    let (out, err) = ended(child.wait_with_output().expect("it ends"), 0);
    assert_eq!((out.as_str(), err.as_str()), ("", ""));
    drop(silent);
}

#[test]
fn it_is_said_why_nobody_can_be_served_and_that_there_is_no_json() {
    let place = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it has one").to_string();
    let (_, err) = place.run(&["metrics", "--listen", &address], 1);
    assert!(err.starts_with(&format!("ringway: nobody can be served at {address}: ")), "{err}");
    let (_, err) = place.run(&["metrics", "--json"], 2);
    assert!(err.contains("`show --json`"), "{err}");
    let (_, err) = place.run(&["metrics", "--listen", "here"], 2);
    assert!(err.contains("invalid socket address"), "{err}");
}
