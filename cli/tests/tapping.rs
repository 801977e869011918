//! `tap`: what passes is shown, nobody notices, and it ends when there is nothing more to come.

#[allow(dead_code, reason = "other tests need the rest")]
mod common;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ringway::channel::{Channel, Kind};
use ringway::{mpmc, mpsc, seqlock, spmc, spsc};

use common::{Place, Tick, ended, signal, tick, tool};

const LONG: Duration = Duration::from_secs(60);

fn json(number: u64) -> String {
    format!("{{\"time_ns\":{number},\"price\":{number}.5,\"size\":{number},\"venue\":3}}")
}

/// The tool as it runs, and what it writes.
struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Running {
    /// Waits until it has the channel of that name in its memory.
    fn until_it_looks(&self, name: &str) {
        let (start, maps) = (Instant::now(), format!("/proc/{}/maps", self.child.id()));
        while !std::fs::read_to_string(&maps).is_ok_and(|maps| maps.contains(&format!("/{name}\n"))) {
            assert!(start.elapsed() < LONG, "it does not look into {name}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn start(place: &Place, args: &[&str]) -> Self {
        let mut command = place.command(&[&["tap"], args].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, out }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    /// The rest of what it writes, and what it says.
    #[track_caller]
    fn end(mut self, status: i32) -> (Vec<String>, String) {
        let lines = self.out.by_ref().lines().map(|line| line.expect("a line")).collect();
        let (_, err) = ended(self.child.wait_with_output().expect("it ends"), status);
        (lines, err)
    }
}

/// Sends messages until it shows the first one: by then it has begun. Which one that was.
fn first(running: &mut Running, mut send: impl FnMut(u64) + Send) -> (String, u64) {
    std::thread::scope(|scope| {
        let line = scope.spawn(|| running.line());
        let mut sent = 0;
        while !line.is_finished() {
            send(sent);
            sent += 1;
            std::thread::sleep(Duration::from_millis(5));
        }
        (line.join().expect("a line"), sent)
    })
}

/// On other processors a tap has only what is not received.
#[cfg(target_arch = "x86_64")]
#[test]
fn what_passes_through_a_channel_of_any_kind_is_shown_and_received() {
    fn test<K: Kind>(make: fn(&str) -> Channel<Tick, K>) {
        let place = Place::new();
        let channel = make("trades").namespace(place.namespace());
        let (mut tx, mut rx) = (channel.clone().sender().expect("free"), channel.receiver().expect("free"));
        let mut running = Running::start(&place, &["trades", "--json"]);
        let (line, sent) = first(&mut running, |sent| {
            tx.send(tick(sent)).expect("there is room");
            assert_eq!(rx.recv_timeout(LONG), Ok(tick(sent)));
        });
        let begun = (0..sent).find(|sent| json(*sent) == line).expect("one of those");
        tx.send_batch(&[tick(sent), tick(sent + 1)]).expect("there is room");
        drop(tx);
        let (lines, err) = running.end(0);
        assert_eq!(lines, (begun + 1..sent + 2).map(json).collect::<Vec<_>>());
        assert_eq!(err, "ringway: every sender is gone\n");
        assert_eq!([rx.recv_timeout(LONG), rx.recv_timeout(LONG)], [Ok(tick(sent)), Ok(tick(sent + 1))]);
    }
    test(spsc::channel);
    test(mpsc::channel);
    test(spmc::channel);
    test(mpmc::channel);
}

#[test]
fn what_is_there_still_is_shown_in_every_format() {
    let place = Place::new();
    let mut tx = mpsc::channel::<Tick>("trades").namespace(place.namespace()).sender().expect("free");
    (1..3).for_each(|number| tx.send(tick(number)).expect("there is room"));
    let show =
        |args: &[&str]| place.run(&[&["tap", "trades", "--from-oldest", "--count", "2"], args].concat(), 0).0;
    let text =
        |number: u64| format!("Tick {{ time_ns: {number}, price: {number}.5, size: {number}, venue: 3 }}\n");
    assert_eq!(show(&[]), text(1) + &text(2));
    assert_eq!(show(&["--positions"]), format!("0: {}1: {}", text(1), text(2)));
    assert_eq!(show(&["--json"]), format!("{}\n{}\n", json(1), json(2)));
    let positions = |number: u64| format!("{{\"position\":{},\"message\":{}}}\n", number - 1, json(number));
    assert_eq!(show(&["--format", "json", "--positions"]), positions(1) + &positions(2));
    assert_eq!(show(&["--format", "csv"]), "time_ns,price,size,venue\n1,1.5,1,3\n2,2.5,2,3\n");
    let csv = "position,time_ns,price,size,venue\n0,1,1.5,1,3\n1,2,2.5,2,3\n";
    assert_eq!(show(&["--format", "csv", "--positions"]), csv);
    // What it writes, `send` reads.
    let mut rx = mpsc::channel::<Tick>("copy").namespace(place.namespace()).receiver().expect("free");
    place.feed(&["send", "copy"], &show(&["--json"]), 0);
    assert_eq!([rx.recv_timeout(LONG), rx.recv_timeout(LONG)], [Ok(tick(1)), Ok(tick(2))]);
    let (_, err) = place.run(&["tap", "trades", "--from-oldest", "--count", "3", "--timeout", "0.2"], 1);
    assert_eq!(err, "ringway: there was no message, and the time is up\n");
    drop(tx);
}

#[test]
fn it_waits_for_a_sender_and_ends_when_it_is_told_to() {
    let place = Place::new();
    let channel = spsc::channel::<u64>("few").namespace(place.namespace());
    let mut rx = channel.clone().receiver().expect("free");
    let mut running = Running::start(&place, &["few", "--timeout", "60"]);
    running.until_it_looks("few");
    // Longer than it takes to ask who is there.
    std::thread::sleep(Duration::from_millis(250));
    assert!(running.child.try_wait().expect("asked").is_none(), "it ended before anybody came");
    let mut tx = channel.sender().expect("free");
    tx.send(7).expect("there is room");
    assert_eq!(running.line(), "7");
    assert_eq!(rx.recv_timeout(LONG), Ok(7));
    let start = Instant::now();
    signal(&running.child, "INT");
    assert_eq!(running.end(0), (vec![], String::new()));
    assert!(start.elapsed() < LONG);
    // And when the channel goes away, which a sender that came and left before does not keep.
    drop(tx);
    let running = Running::start(&place, &["few"]);
    running.until_it_looks("few");
    drop(rx);
    assert_eq!(running.end(0), (vec![], "ringway: no process has it any more\n".to_owned()));
}

#[cfg(target_arch = "x86_64")]
#[test]
fn what_is_missed_is_told() {
    let place = Place::new();
    let channel = mpmc::channel::<u64>("many").namespace(place.namespace()).capacity(64);
    let (mut tx, mut rx) = (channel.clone().sender().expect("free"), channel.receiver().expect("free"));
    let start = Instant::now();
    let mut running = Running::start(&place, &["many", "--json", "--positions", "--rate", "20"]);
    let mut pass = |sent| {
        tx.send(sent).expect("there is room");
        assert_eq!(rx.recv_timeout(LONG), Ok(sent));
    };
    let (line, sent) = first(&mut running, &mut pass);
    let begun: u64 = line.split(['{', ':', ',', '}']).nth(2).expect("a position").parse().expect("a number");
    for number in sent..sent + 300 {
        pass(number);
        std::thread::sleep(Duration::from_millis(1));
    }
    drop((tx, rx));
    let (lines, err) = running.end(0);
    // As many at first as in a second, and so many in each.
    let most = 20.0 + 20.0 * start.elapsed().as_secs_f64();
    let missed = |line: &String| line.strip_prefix("{\"missed\":")?.strip_suffix('}')?.parse::<u64>().ok();
    let told: u64 = lines.iter().filter_map(missed).sum();
    let shown = 1 + lines.iter().filter(|line| line.starts_with("{\"position\":")).count() as u64;
    let in_all = |line: &str| {
        line.strip_prefix("ringway: ")?.strip_suffix(" messages missed in all")?.parse::<u64>().ok()
    };
    let all = err.lines().find_map(in_all).expect("it says so");
    assert_eq!(begun + shown + all, sent + 300, "{err}");
    assert!(
        told > 0 && told <= all && shown as f64 <= most,
        "{told} of {all}, {shown} shown, {most} at most"
    );
}

#[test]
fn values_of_cells_are_shown_as_they_change() {
    let place = Place::new();
    let quotes = seqlock::keyed_table::<[u8; 4], u64>("quotes").namespace(place.namespace()).cells(2);
    let mut writer = quotes.writer().expect("free");
    writer.store(b"EUR\0", 5).expect("a cell is free");
    let show =
        |args: &[&str]| place.run(&[&["tap", "quotes", "--from-oldest", "--count", "1"], args].concat(), 0).0;
    let text = show(&[]);
    let cell = text.chars().next().expect("a cell");
    assert_eq!(text, format!("{cell} b\"EUR\": 5 (number 1)\n"));
    assert_eq!(
        show(&["--json"]),
        format!("{{\"cell\":{cell},\"key\":[69,85,82,0],\"number\":1,\"value\":5}}\n")
    );
    assert_eq!(show(&["--format", "csv"]), format!("cell,number,key.value,value\n{cell},1,EUR,5\n"));

    let latest = seqlock::cell::<u64>("latest").namespace(place.namespace());
    let (mut writer, reader) = (latest.clone().writer().expect("free"), latest.reader().expect("free"));
    let mut running = Running::start(&place, &["latest", "--json"]);
    let (line, sent) = first(&mut running, |sent| writer.store(sent));
    assert!(line.starts_with("{\"cell\":0,\"number\":"), "{line}");
    writer.store(sent);
    drop(writer);
    let (lines, err) = running.end(0);
    let last = format!("{{\"cell\":0,\"number\":{},\"value\":{sent}}}", sent + 1);
    assert_eq!(lines.last(), Some(&last));
    assert!(err.ends_with("ringway: every sender is gone\n"), "{err}");
    drop(reader);
}

#[test]
fn a_table_has_been_looked_at_when_each_of_its_cells_has() {
    let place = Place::new();
    let table = seqlock::table::<u64>("many").namespace(place.namespace()).cells(40_000);
    let mut writer = table.writer(39_999).expect("free");
    writer.store(7);
    // There is no time to wait, and enough to look.
    let (out, err) = place.run(&["tap", "many", "--from-oldest", "--timeout", "0"], 1);
    assert_eq!(
        (out.as_str(), err.as_str()),
        ("39999: 7 (number 1)\n", "ringway: there was no message, and the time is up\n")
    );
}

/// What its sender does without a hint, and its receiver as fast, a tap never has: its time is up all the same.
#[test]
fn the_time_is_up_for_one_that_is_overtaken_again_and_again() {
    let place = Place::new();
    let tx =
        spsc::channel::<[u64; 16]>("fast").namespace(place.namespace()).capacity(8).sender().expect("free");
    let file = File::options().read(true).write(true).open(place.path().join("fast")).expect("it is there");
    let mut words = [0; 24];
    file.read_exact_at(&mut words, 4096 + 112).expect("readable");
    let at = |part: usize| 4096 + u64::from_le_bytes(words[8 * part..][..8].try_into().expect("eight"));
    let (record, control) = (at(0), at(1));
    file.write_all_at(&[0; 4], record + 36).expect("written");
    let has_ended = AtomicBool::new(false);
    let (out, err) = std::thread::scope(|scope| {
        scope.spawn(|| {
            for position in 1_u64.. {
                for word in [control + 128, control] {
                    file.write_all_at(&position.to_le_bytes(), word).expect("written");
                }
                if has_ended.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        // One that goes on is killed.
        let mut command = Command::new("timeout");
        command.args(["-s", "KILL", "60"]).arg(tool().get_program()).arg("--namespace").arg(place.path());
        command.args(["tap", "fast", "--rate", "all", "--timeout", "0.3"]);
        let said = command.output().expect("it runs");
        has_ended.store(true, Ordering::Relaxed);
        ended(said, 1)
    });
    assert_eq!(out, "");
    assert!(err.contains("there was no message, and the time is up"), "{err}");
    assert!(err.contains(" messages missed in all"), "{err}");
    drop(tx);
}

#[test]
fn what_is_left_over_is_shown_and_what_is_damaged_is_told() {
    let place = Place::new();
    let mut tx = spsc::channel::<u64>("few").namespace(place.namespace()).capacity(4).sender().expect("free");
    (0..3).for_each(|sent| tx.send(sent).expect("there is room"));
    let whole = std::fs::read(place.path().join("few")).expect("readable");
    let header = |at: usize| u64::from_le_bytes(whole[4096 + at..][..8].try_into().expect("eight"));
    let file = File::options().write(true).open(place.path().join("few")).expect("it is there");
    file.write_all_at(&[0xff; 8], 4096 + header(128) + header(64)).expect("written");
    let (out, err) = place.run(&["tap", "few", "--from-oldest"], 1);
    assert_eq!(out, "0\n");
    assert!(
        err.starts_with("ringway: the stamp of slot 1 is damaged: found 0xffffffffffffffff for position 1, "),
        "{err}"
    );
    // As its users had been killed: it has its name, and nobody has it.
    drop(tx);
    std::fs::write(place.path().join("few"), &whole).expect("written");
    let left = "ringway: no process has it any more\n";
    assert_eq!(place.run(&["tap", "few", "--from-oldest"], 0), ("0\n1\n2\n".to_owned(), left.to_owned()));
    assert_eq!(place.run(&["tap", "few"], 0), (String::new(), left.to_owned()));
    assert_eq!(place.run(&["tap", "few", "--count", "1"], 1).1, left);
    let (_, err) = place.run(&["tap", "nothing"], 3);
    assert!(err.contains("`nothing`"), "{err}");
}

#[test]
fn a_tap_that_nobody_reads_any_more_ends() {
    let place = Place::new();
    let mut tx = mpsc::channel::<u64>("few").namespace(place.namespace()).sender().expect("free");
    let mut running = Running::start(&place, &["few", "--from-oldest"]);
    tx.send(1).expect("there is room");
    assert_eq!(running.line(), "1");
    let Running { mut child, out } = running;
    drop(out);
    tx.send(2).expect("there is room");
    assert!(child.wait().expect("it ends").success());
    drop(tx);
}
