//! What goes wrong in Python is an error in words, and leaves nothing behind.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use ringway::seqlock;

use crate::testing::TempNamespace;
use crate::{NAME, Tick, output, python, said};

#[test]
fn a_type_that_cannot_be_is_refused_before_it_is_decoded() {
    let Some(mut command) = python() else { return };
    let program = r#"
import ringway

def refused(schema, words):
    try:
        ringway._Schema(schema).whole()
    except ringway.Refused as error:
        assert words in str(error), error
    else:
        raise AssertionError(schema)

def array(count, of): return b"\x40" + count.to_bytes(8, "little") + of
def struct(size, *fields):
    head = b"\x41\x01S" + bytes(4) + size.to_bytes(8, "little") + (1).to_bytes(4, "little")
    body = b"".join(b"\x01f" + at.to_bytes(8, "little") + of for at, of in fields)
    return head + len(fields).to_bytes(2, "little") + body

nothing = struct(0)
assert ringway._Schema(b"\1" + array(3, nothing)).whole().size == 0
assert ringway._Schema(b"\1" + struct(1, (0, b"\1"), (1, nothing))).whole().size == 1
refused(b"\1" + array(1 << 63, nothing), "of 0 bytes with 9223372036854775809 parts")
refused(b"\1" + array(1 << 9, array(1 << 9, nothing)), "parts")
refused(b"\1" + array(1 << 63, array(0, b"\1")), "parts")
refused(b"\1" + struct(1, (0, b"\1"), (2, nothing)), "of 1 bytes with a field at byte 2")
refused(b"\1" + struct(0, (1 << 63, array(0, b"\4"))), "of 0 bytes with a field at byte 9223372036854775808")"#;
    output(command.args(["-c", program]));
}

#[test]
fn whatever_goes_wrong_is_an_error_of_the_reader() {
    let space = TempNamespace::new();
    let mut writer =
        seqlock::keyed_table::<u32, Tick>(NAME).namespace(space.namespace()).cells(2).writer().unwrap();
    writer.store(&1, Tick::of(1)).unwrap();
    let program = format!(
        "
def fails(call):
    try:
        call()
    except ringway.Error:
        return
    raise AssertionError('it does not fail')

here = {:?}
fails(lambda: ringway.open('n', here + '/{}'))
fails(lambda: ringway.open('n' + chr(0xdc80), here))
fails(lambda: ringway.open('n', here + '/' + chr(0)))
fails(lambda: cells.load(2))
fails(lambda: cells.version(-1))
for key in ['text', -1, 1 << 32, None, [1]]:
    fails(lambda: cells.find(key))
assert cells.find(1) is not None
cells.close()
fails(lambda: cells.load(0))",
        space.path(),
        "d".repeat(300)
    );
    said(&space, &program);
    drop(writer);
    space.assert_empty();
}

#[test]
fn cells_that_are_dropped_or_closed_in_a_forked_child_leave_nothing_behind_and_take_nothing_away() {
    let space = TempNamespace::new();
    let mut writer = seqlock::cell::<Tick>(NAME).namespace(space.namespace()).writer().unwrap();
    writer.store(Tick::of(1));
    let path = space.path().display();
    // The reader has the channel alone from where it says so.
    let program = format!(
        "
import os, sys
sys.stdin.readline()
child = os.fork()
if child == 0:
    try:
        cells.load()
        os._exit(1)
    except ringway.Error:
        pass
    cells.close()
    del cells
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert os.path.exists({path:?} + '/{NAME}') and cells.load().version == 1
del cells
assert not os.path.exists({path:?} + '/{NAME}')
with open('/proc/self/maps') as maps: assert {path:?} not in maps.read()",
        path = path.to_string()
    );
    let Some(mut command) = python() else { return };
    let begin = format!(
        "import ringway\ncells = ringway.open({NAME:?}, {:?})\nprint('ready', flush=True)",
        space.path()
    );
    command.args(["-c", &(begin + &program)]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut reader = command.spawn().expect("it starts");
    let mut line = String::new();
    BufReader::new(reader.stdout.as_mut().expect("it is piped")).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    drop(writer);
    reader.stdin.as_mut().expect("it is piped").write_all(b"\n").unwrap();
    assert!(reader.wait().unwrap().success());
    space.assert_empty();
}
