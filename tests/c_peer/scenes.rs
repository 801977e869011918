//! What the caller of the peer in C may do wrong, and what others may do at the wrong moment: each is a scene of `scenes.c`.
//! And what it computes, beside the tables of the document.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use ringway::map::{self, MapOptions};
use ringway::{Message, seqlock, spsc};

use crate::refusals::Bytes;
use crate::testing::TempNamespace;
use crate::{NAME, Numbered, Tick, channel, program, send};

/// The program; `None` where there is no compiler, which was said then.
fn scenes() -> Option<&'static Path> {
    static SCENES: OnceLock<Option<PathBuf>> = OnceLock::new();
    SCENES.get_or_init(|| program("tests/c_peer/scenes.c", "c-scenes")).as_deref()
}

fn start(space: &TempNamespace, scene: &str) -> Child {
    let mut command = Command::new("timeout");
    command.args(["--signal=KILL", "60"]).arg(scenes().expect("whoever asks has one"));
    command.arg(space.path()).args([NAME, scene]).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(Stdio::piped()).spawn().expect("it starts")
}

/// What it says until it ends well.
#[track_caller]
fn end(child: Child) -> String {
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[track_caller]
fn play(space: &TempNamespace, scene: &str) {
    end(start(space, scene));
}

/// Plays a scene whose second part begins when nobody else has the channel.
#[track_caller]
fn play_alone<T>(space: &TempNamespace, scene: &str, others: T) {
    let mut child = start(space, scene);
    let mut ready = String::new();
    BufReader::new(child.stdout.as_mut().expect("it is piped")).read_line(&mut ready).unwrap();
    drop(others);
    // It may have failed, which its end says.
    let _ = child.stdin.as_mut().expect("it is piped").write_all(b"\n");
    end(child);
    space.assert_empty();
}

#[test]
fn a_handle_is_refused_in_a_forked_child_and_closing_it_there_takes_nothing_from_the_parent() {
    if scenes().is_none() {
        return;
    }
    let space = TempNamespace::new();
    play_alone(&space, "fork-sender", channel::<Tick>(&space).receiver().unwrap());
    let mut tx = channel::<Tick>(&space).sender().unwrap();
    send(&mut tx, 0..1);
    play_alone(&space, "fork-receiver", tx);
    let mut writer = seqlock::cell::<Tick>(NAME).namespace(space.namespace()).writer().unwrap();
    writer.store(Tick::of(1));
    play_alone(&space, "fork-cells", writer);
}

#[test]
fn a_slot_is_given_back_only_by_whoever_has_looked_at_its_message() {
    if scenes().is_none() {
        return;
    }
    let space = TempNamespace::new();
    let mut tx = channel::<Tick>(&space).sender().unwrap();
    send(&mut tx, 0..2);
    play(&space, "release-twice");
    assert_eq!(tx.len(), 0);
}

#[test]
fn a_cell_beyond_the_table_is_refused_and_not_another_cell() {
    if scenes().is_none() {
        return;
    }
    let space = TempNamespace::new();
    let table = seqlock::table::<Tick>(NAME).namespace(space.namespace()).cells(3);
    let mut writers = table.writers(0..3).unwrap();
    writers.iter_mut().for_each(|writer| writer.store(Tick::of(1)));
    play(&space, "beyond-the-table");
}

#[test]
fn a_handle_that_was_never_opened_has_no_descriptor_to_close() {
    if scenes().is_some() {
        play(&TempNamespace::new(), "never-opened");
    }
}

#[test]
fn a_problem_has_its_reason_however_long_the_path_is() {
    if scenes().is_some() {
        play(&TempNamespace::new(), "problems");
    }
}

#[test]
fn a_lock_that_somebody_holds_is_told_from_a_call_that_the_system_refused() {
    if scenes().is_none() {
        return;
    }
    let space = TempNamespace::new();
    let writer = seqlock::cell::<Tick>(NAME).namespace(space.namespace()).writer().unwrap();
    play(&space, "busy");
    drop(writer);
    space.assert_empty();
}

#[test]
fn a_peer_in_c_checks_the_values_of_a_type_that_has_invalid_ones() {
    #[derive(Message, Clone, Copy)]
    #[message(checked)]
    #[repr(C)]
    struct Checked {
        letter: char,
        flags: [bool; 4],
    }

    if scenes().is_none() {
        return;
    }
    let space = TempNamespace::new();
    let mut tx = spsc::channel::<Checked>(NAME).namespace(space.namespace()).capacity(4).sender().unwrap();
    for letter in ['\u{10ffff}', 'b', 'c', 'a'] {
        tx.send(Checked { letter, flags: [false, true, true, true] }).unwrap();
    }
    let bytes = Bytes::of(&space);
    let slots = 4096 + u64::from_le_bytes(bytes.get(4096 + 128));
    // A slot is a stamp and the message: a bool that is 2, and a char that is half of a pair.
    bytes.put(slots + 16 + 8 + 7, &[2]);
    bytes.put(slots + 2 * 16 + 8, &0xd800u32.to_le_bytes());
    play(&space, "invalid");
}

#[test]
fn a_copy_counts_unless_the_writer_has_come_round_to_its_slot() {
    if scenes().is_none() {
        return;
    }
    let space = TempNamespace::new();
    let mut writer = seqlock::cell(NAME).namespace(space.namespace()).writer().unwrap();
    writer.store(Tick::of(1));
    play(&space, "lapped");
}

#[test]
fn whoever_leaves_while_its_death_is_proved_has_left() {
    if scenes().is_none() {
        return;
    }
    let space = TempNamespace::new();
    let reader = seqlock::cell::<Tick>(NAME).namespace(space.namespace()).reader().unwrap();
    play(&space, "writer-leaves");
    drop(reader);
    let made = channel::<Tick>(&space).sender().unwrap();
    let keeper = crate::keeper(&space);
    drop(made);
    play(&space, "sender-leaves");
    drop(keeper);
    space.assert_empty();
}

#[test]
fn a_sender_in_c_refuses_a_head_that_nobody_can_have_stored() {
    if scenes().is_none() {
        return;
    }
    let space = TempNamespace::new();
    let _rx = channel::<Tick>(&space).receiver().unwrap();
    play(&space, "head-jumps");
}

#[test]
fn a_peer_in_c_wakes_both_sides_when_it_joins_and_when_it_leaves() {
    if scenes().is_none() {
        return;
    }
    let space = TempNamespace::new();
    let _rx = channel::<Tick>(&space).receiver().unwrap();
    let bytes = Bytes::of(&space);
    let control = 4096 + u64::from_le_bytes(bytes.get(4096 + 120));
    // As if somebody slept.
    [384, 512].into_iter().for_each(|gate| bytes.put(control + gate, &1u32.to_le_bytes()));
    play(&space, "gates-at-close");
}

#[test]
fn a_peer_in_c_trusts_no_directory_that_is_wider_or_a_link_or_of_another_user() {
    if scenes().is_some() {
        let space = TempNamespace::new();
        play(&space, "directories");
        space.assert_empty();
    }
}

/// The rows of a table of the document: the cells behind the first one, as they stand.
fn table(heading: &str) -> Vec<Vec<String>> {
    let document = include_str!("../../docs/format.md");
    let (_, section) = document.split_once(&format!("\n### {heading}\n")).expect("it has that heading");
    let rows = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// The program's answer to each question.
fn answers(space: &TempNamespace, questions: &[String]) -> Vec<String> {
    let mut child = start(space, "answers");
    child.stdin.take().expect("it is piped").write_all((questions.join("\n") + "\n").as_bytes()).unwrap();
    end(child).lines().map(str::to_owned).collect()
}

#[test]
fn a_peer_in_c_computes_the_tables_of_the_document() {
    if scenes().is_none() {
        return;
    }
    let (mut questions, mut expected) = (Vec::new(), Vec::new());
    let code = |form: &str| if form == "stamped" { 1 } else { 2 };
    for row in table("Strides by example") {
        let (size, align) = (&row[1], &row[2]);
        questions.push(format!("layout 1 {size} {align}"));
        expected.push(format!("{} 0 {} 0 {}", code(&row[3]), row[4], row[5]));
    }
    for row in table("Cells by example") {
        questions.push(format!("layout 5 {} {}", row[1], row[2]));
        expected.push(format!("0 {} {} {} {}", row[3], row[4], row[5], row[6]));
    }
    for row in table("Stamps and the end, by example") {
        questions.push(format!("end {}", row[0]));
        expected.push(row[1..].join(" "));
    }
    assert_eq!(questions.len(), 11 + 13 + 5, "the document has other tables");
    assert_eq!(answers(&TempNamespace::new(), &questions), expected);
}

#[test]
fn a_peer_in_c_finds_the_file_that_the_library_gives_a_name() {
    if scenes().is_none() {
        return;
    }
    let longest = "n".repeat(100);
    let longer = "n".repeat(101);
    for name in ["plain", "A-Z_0.9", ".hidden", "two words", "größer", "%", "a/b", &longest, &longer] {
        let space = TempNamespace::new();
        let map: map::SharedMap =
            MapOptions::new().namespace(space.namespace()).capacity(1).create_new(name).unwrap();
        assert_eq!(answers(&space, &[format!("file {name}")]), space.files(), "{name}");
        drop(map);
    }
}
