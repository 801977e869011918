//! `list`, `show`, `check` and `sweep`, of channels that are live, idle, left behind, damaged, or none.

#[allow(dead_code, reason = "other tests need the rest")]
mod common;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};

use ringway::map::Namespace;
use ringway::{Message, mpmc, seqlock, spsc};
use serde_json::json;

use common::left::{PAGE, leave_behind};
use common::{Place, Tick, ended, tick};

#[test]
fn a_list_has_every_channel_with_who_is_there() {
    let place = Place::new();
    let (out, _) = place.run(&["list"], 0);
    assert_eq!(out, format!("no channels in {}\n", place.path().display()));
    assert_eq!(place.json(&["list"], 0), json!([]));

    let channel = mpmc::channel::<Tick>("trades").namespace(place.namespace()).capacity(8);
    let (mut tx, rx) = (channel.clone().sender().expect("free"), channel.receiver().expect("free"));
    let other = rx.clone();
    (0..3).for_each(|number| tx.send(tick(number)).expect("there is room"));
    let table = seqlock::table::<f64>("quotes").namespace(place.namespace()).cells(4);
    let mut writer = table.writer(2).expect("the name is free");
    writer.store(1.5);
    leave_behind(&place);
    std::fs::write(place.path().join("notes"), "no map").expect("written");

    let (out, _) = place.run(&["list"], 0);
    let lines: Vec<_> = out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    let head = ["NAME", "KIND", "TYPE", "FILL", "CAPACITY", "SENDERS", "RECEIVERS", "SIZE", "AGE", "STATE"];
    assert_eq!(lines[0], head);
    assert_eq!(lines[1][..7], ["left", "spsc", "Tick", "0", "1024", "0", "0,"], "{out}");
    assert_eq!(lines[1].last(), Some(&"leftover"));
    assert_eq!(lines[2][..8], ["quotes", "seqlock", "table", "f64", "1", "4", "1", "0"], "{out}");
    assert_eq!(lines[3][..7], ["trades", "mpmc", "Tick", "3", "8", "1", "2"], "{out}");
    assert_eq!(lines[3].last(), Some(&"live"));
    assert!(out.ends_with("notes: no map, or one that this user may not read\n"), "{out}");

    let listed = place.json(&["list"], 0);
    assert_eq!(listed.as_array().map(Vec::len), Some(4));
    let (left, notes, trades) = (&listed[0], &listed[1], &listed[3]);
    assert_eq!((&left["state"], &left["receivers"]), (&json!("leftover"), &json!({"alive": 0, "dead": 1})));
    assert_eq!(
        (&notes["name"], &notes["state"], &notes["kind"]),
        (&json!(null), &json!("foreign"), &json!(null))
    );
    assert_eq!(
        (&trades["name"], &trades["kind"], &trades["type"]),
        (&json!("trades"), &json!("mpmc"), &json!("Tick"))
    );
    assert_eq!((&trades["fill"], &trades["capacity"]), (&json!(3), &json!(8)));
    assert_eq!(trades["creator_pid"], json!(std::process::id()));
    drop((rx, other));
}

#[test]
fn a_channel_is_shown_with_its_type_and_all_who_take_part() {
    let place = Place::new();
    let channel = mpmc::channel::<Tick>("trades").namespace(place.namespace()).capacity(8).max_senders(3);
    let (mut tx, mut rx) = (channel.clone().sender().expect("free"), channel.receiver().expect("free"));
    (0..4).for_each(|number| tx.send(tick(number)).expect("there is room"));
    assert_eq!(rx.recv(), Ok(tick(0)));
    let lease = rx.lease().expect("a message");
    let loan = tx.loan().expect("there is room");
    let (out, _) = place.run(&["show", "trades"], 0);
    let me = std::process::id();
    for part in [
        "trades: mpmc of Tick\n",
        "up to 3 senders, 32 receivers, on a receiver's death redeliver\n",
        "3 of 8 messages; 5 sent, 2 received\n",
        "  1 message claimed and not published, the first at 4: nobody gets past it\n",
        &format!(
            "  receivers get as far as message 4, which sender 0 (process {me}) has claimed and not sent\n"
        ),
        "#[derive(Message, Clone, Copy, Debug)]\n#[repr(C)]\nstruct Tick {\n    time_ns: u64, // byte 0\n",
        &format!("created 0 s ago by process {me}"),
    ] {
        assert!(out.contains(part), "no {part:?} in {out}");
    }
    let lines: Vec<_> =
        out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert!(lines.contains(&format!("sender 0 {me} alive, for 0 s 1 from 4")), "{out}");
    assert!(lines.contains(&format!("receiver 0 {me} alive, for 0 s 1 from 1")), "{out}");
    let shown = place.json(&["show", "trades"], 0);
    assert_eq!(shown["senders"][0]["claimed"], json!({"first": 4, "count": 1}));
    assert_eq!((&shown["message_size"], &shown["parking"]), (&json!(24), &shown["parking"]));
    assert_eq!(shown["fingerprint"], json!(format!("{:032x}", Tick::SCHEMA.fingerprint())));
    drop((lease, loan));
}

#[test]
fn who_counts_is_shown_with_what_and_who_waits_with_for_whom() {
    let place = Place::new();
    let channel = mpmc::channel::<Tick>("trades").namespace(place.namespace()).capacity(2048);
    let (mut tx, mut rx) = (channel.clone().sender().expect("free"), channel.receiver().expect("free"));
    let idle = tx.clone();
    (0..2048).for_each(|number| tx.send(tick(number)).expect("there is room"));
    assert!(tx.try_send(tick(0)).is_err());
    (0..1024).for_each(|number| assert_eq!(rx.recv(), Ok(tick(number))));
    let show = || {
        let mut command = place.command(&["show", "trades"]);
        let (out, _) = ended(command.env("COLUMNS", "80").output().expect("it runs"), 0);
        let mut tables = out.lines().filter(|line| line.starts_with(' ') && !line.starts_with("  "));
        assert!(tables.all(|line| line.chars().count() <= 80), "{out}");
        // How long ago it was differs from run to run.
        let words = |line: &str| {
            let words: Vec<_> = line.split_whitespace().collect();
            let end = words.iter().position(|word| *word == "s").map_or(words.len(), |unit| unit - 1);
            words[..end].join(" ")
        };
        out.lines().map(words).collect::<Vec<_>>()
    };
    let said = show();
    for line in [
        "COUNTED BY MESSAGES BYTES BATCHES HIGHEST FILL ACTIVE",
        "sender 0 2,048 48.0 KiB 2,048 2,048",
        "sender 1 0 0 B 0 0",
        "receiver 0 1,024 24.0 KiB 1,024 1,024",
        "COUNTED BY REFUSED",
        "sender 0 1",
        "receiver 0 0",
    ] {
        assert!(said.contains(&line.to_owned()), "no {line:?} in {said:#?}");
    }
    // The slot of the oldest message is not given back, and all others are taken again.
    let lease = rx.lease().expect("a message");
    (0..1024).for_each(|number| tx.send(tick(number)).expect("there is room"));
    let me = std::process::id();
    let wait = format!(
        "senders wait for message 1024, which receiver 0 (process {me}) has received and not given back"
    );
    assert!(show().contains(&wait), "{:#?}", show());
    // Nobody waits where nobody is.
    drop((tx, idle));
    assert!(!show().iter().any(|line| line.starts_with("senders")), "{:#?}", show());
    drop(lease);
}

#[test]
fn who_was_killed_with_a_claim_is_named_until_somebody_repairs_it() {
    const ROLE: &str = "RINGWAY_TEST_CLAIMS_IN";
    let sender = |namespace| mpmc::channel::<u64>("claimed").namespace(namespace).sender().expect("free");
    if let Some(dir) = std::env::var_os(ROLE) {
        // This is the process that claims a message, and is killed.
        let mut tx = sender(Namespace::Dir(dir.into()));
        let _loan = tx.loan().expect("there is room");
        // For as long as the test goes on, if that fails before it kills it.
        let _ = std::io::stdin().read_line(&mut String::new());
        return;
    }
    let place = Place::new();
    let tx = sender(place.namespace());
    let mut command = Command::new(std::env::current_exe().expect("it has one"));
    command.args(["--exact", "who_was_killed_with_a_claim_is_named_until_somebody_repairs_it"]);
    let mut child =
        command.env(ROLE, place.path()).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it runs");
    while place.json(&["show", "claimed"], 0)["senders"][1]["claimed"] != json!({"first": 0, "count": 1}) {}
    child.kill().expect("killed");
    child.wait().expect("gone");
    assert!(!place.run(&["show", "claimed"], 0).0.contains("  receivers "), "nobody is there to wait");
    let rx = mpmc::channel::<u64>("claimed").namespace(place.namespace()).receiver().expect("free");
    let (out, _) = place.run(&["show", "claimed"], 0);
    let wait = format!("sender 1 (process {}) had claimed when it was killed\n", child.id());
    assert!(out.contains(&format!("  receivers wait for message 0, which {wait}")), "{out}");
    drop((tx, rx));
}

#[test]
fn cells_are_shown_with_keys_and_values() {
    let place = Place::new();
    let table = seqlock::keyed_table::<[u8; 8], Tick>("books").namespace(place.namespace()).cells(3);
    let mut writer = table.writer().expect("the name is free");
    writer.store(b"ABC\0\0\0\0\0", tick(1)).expect("a cell is free");
    writer.store(b"ABC\0\0\0\0\0", tick(2)).expect("it has a cell");
    let (out, _) = place.run(&["show", "books"], 0);
    assert!(out.contains("1 of 3 cells have a value; 2 stored\n"), "{out}");
    let value = " b\"ABC\": Tick { time_ns: 2, price: 2.5, size: 2, venue: 3 } (number 2)\n";
    assert!(out.contains(value), "{out}");
    assert_eq!(out.matches("(no key): no value\n").count(), 2, "{out}");
}

#[test]
fn a_whole_channel_is_said_to_be_whole_and_a_damaged_one_what_is_wrong() {
    let place = Place::new();
    let channel = spsc::channel::<Tick>("trades").namespace(place.namespace()).capacity(8);
    let mut tx = channel.sender().expect("the name is free");
    tx.send(tick(1)).expect("there is room");
    let (out, _) = place.run(&["check", "trades"], 0);
    assert_eq!(out, "trades: whole\n  1 of 8 messages wait to be received\n");

    let file = File::options().write(true).read(true).open(place.path().join("trades")).expect("it is there");
    let mut control = [0; 8];
    file.read_exact_at(&mut control, PAGE + 120).expect("readable");
    let head = PAGE + u64::from_le_bytes(control) + 128;
    file.write_all_at(&77_u64.to_le_bytes(), head).expect("written");
    let (out, _) = place.run(&["check", "trades"], 1);
    assert!(
        out.starts_with("trades: damaged\n  position is damaged: found head 77 and tail 1, expected "),
        "{out}"
    );
    assert_eq!(place.json(&["check", "trades"], 1)[0]["verdict"], json!("damaged"));
    file.write_all_at(&0_u64.to_le_bytes(), head).expect("written");

    file.write_all_at(b"X", PAGE + 60).expect("written");
    let (out, _) = place.run(&["check", "trades"], 1);
    assert!(
        out.starts_with("trades: damaged\n  channel `trades` is damaged: found header checksum "),
        "{out}"
    );
    let (out, _) = place.run(&["list"], 0);
    assert!(out.contains("trades: channel `trades` is damaged: found header checksum "), "{out}");
    let (_, err) = place.run(&["show", "trades"], 3);
    assert!(err.starts_with("ringway: channel `trades` is damaged: found header checksum "), "{err}");
}

#[test]
fn what_is_not_there_is_said_with_where_it_was_expected() {
    let place = Place::new();
    for command in ["show", "recv", "send"] {
        let (_, err) = place.run(&[command, "nothing"], 3);
        let path = place.path().join("nothing");
        assert!(err.starts_with(&format!("ringway: map `nothing` ({})", path.display())), "{err}");
    }
    let tx = spsc::channel::<u64>("there").namespace(place.namespace()).sender().expect("the name is free");
    let (out, err) = place.run(&["check", "nothing", "there"], 3);
    assert!(out.contains("nothing: unreadable\n") && out.contains("there: whole\n"), "{out}");
    assert!(err.contains("`nothing`"), "{err}");
    drop(tx);
}

#[test]
fn leftovers_are_swept_and_nothing_else() {
    let place = Place::new();
    let tx = spsc::channel::<u64>("live").namespace(place.namespace()).sender().expect("the name is free");
    assert_eq!(place.run(&["sweep"], 0).0, "no leftovers\n");
    leave_behind(&place);
    let (out, _) = place.run(&["check", "left"], 0);
    assert!(out.contains("was killed") && out.contains("no process has it any more"), "{out}");
    let path = place.path().join("left");
    let (out, _) = place.run(&["sweep", "--dry-run"], 0);
    assert!(
        out.starts_with(&format!("would remove {}: no process holds it; process ", path.display())),
        "{out}"
    );
    assert!(out.ends_with("1 leftover; nothing was removed\n"), "{out}");
    assert!(path.exists());
    let (out, _) = place.run(&["sweep"], 0);
    assert!(out.starts_with(&format!("removed {}: no process holds it", path.display())), "{out}");
    assert!(!path.exists() && place.path().join("live").exists());
    drop(tx);
}

#[test]
fn what_is_left_over_is_not_taken_part_in() {
    let place = Place::new();
    leave_behind(&place);
    for command in ["recv", "send"] {
        let (_, err) = place.run(&[command, "left"], 3);
        assert!(err.contains("found a map that no process holds any more"), "{err}");
    }
    assert!(place.path().join("left").exists(), "only a sweep removes it");
    assert!(place.run(&["show", "left"], 0).0.contains("leftover"));
}

#[test]
fn nothing_that_others_chose_controls_the_terminal() {
    const HOSTILE: &str = "\u{1b}]0;gotcha\u{7}\u{9b}31m\u{202e}";
    let place = Place::new();
    let tx = mpmc::channel::<char>(HOSTILE).namespace(place.namespace()).sender();
    let mut tx = tx.expect("any text is a name");
    std::fs::write(place.path().join(HOSTILE), "no map").expect("written");
    ['\u{1b}', '\u{9b}'].into_iter().for_each(|char| tx.send(char).expect("there is room"));
    let is_clean =
        |text: &str| text.chars().all(|char| char == '\n' || !char.is_control() && char != '\u{202e}');
    let mut said = String::new();
    for args in [&["list"][..], &["show", HOSTILE], &["check", HOSTILE, "\u{1b}[31m"]] {
        for json in [&[][..], &["--json"]] {
            let output = place.command(&[args, json].concat()).output().expect("it runs");
            said.push_str(&String::from_utf8(output.stdout).expect("UTF-8"));
            said.push_str(&String::from_utf8(output.stderr).expect("UTF-8"));
        }
    }
    for format in ["csv", "json"] {
        said.push_str(&place.run(&["recv", HOSTILE, "--count", "1", "--format", format], 0).0);
    }
    let (_, err) = place.feed(&["send", HOSTILE], "\u{1b}[31m\n\"\u{9b}31m\"", 1);
    assert!(is_clean(&err), "{err:?}");
    assert!(is_clean(&said), "{said:?}");
    assert!(said.contains("gotcha"));
}
