//! Any bytes as a segment: a real one of every kind, some bytes of which are others. Whoever opens it, as what it is or as
//! something else, gets an error that names it, or a handle whose calls end.

use std::os::unix::fs::FileExt;
use std::time::Duration;

use ringway::channel::{Mpmc, Mpsc, Spmc, Spsc};
use ringway::inspect::{Observer, Tap};
use ringway::map::SharedMap;
use ringway::{Error, Message, seqlock};

use super::ends::{Checked, Ends, Numbered};
use super::input::Input;
use super::segment::{Damage, NAME, PAGE, Space, vouch_for};

/// Makes a segment, or opens the one that is there, and uses it; the map, so that it stays.
type Open = fn(&Space, bool) -> Result<SharedMap, Error>;

const KINDS: [Open; 15] = [
    ring::<u64, Spsc>,
    ring::<[u64; 16], Spsc>,
    ring::<Checked, Spsc>,
    ring::<u64, Mpsc>,
    ring::<[u64; 16], Mpsc>,
    ring::<u64, Spmc>,
    ring::<Checked, Spmc>,
    ring::<u64, Mpmc>,
    ring::<[u64; 16], Mpmc>,
    cell::<u64>,
    cell::<Checked>,
    table::<u64>,
    table::<[u64; 16]>,
    keyed::<u64, Checked>,
    keyed::<Checked, u64>,
];

/// Runs one input.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let (kind, other) = (input.below(KINDS.len()), input.below(KINDS.len()));
    let (space, options) = (Space::new(), input.byte());
    let map = KINDS[kind](&space, true).expect("there is memory");
    {
        let (damage, file) = (Damage::new(&map), space.file());
        for _ in 0..1 + options % 8 {
            let at = match input.byte() % 4 {
                // The header, which is checked field by field, and the schema.
                0 | 1 => u64::from(input.byte()),
                2 => damage.parts.place(&mut input),
                _ => input.number() % damage.parts.len,
            };
            match input.byte() % 4 {
                0 => file.write_all_at(input.bytes(16), PAGE + at),
                1 => file.write_all_at(&[input.byte()], PAGE + at),
                // The map's own header.
                2 if options & 64 != 0 => file.write_all_at(input.bytes(4), at),
                _ => {
                    let word = damage.any_word(at.min(damage.parts.len - 8) / 8 * 8, &mut input);
                    file.write_all_at(&word.to_le_bytes(), PAGE + at.min(damage.parts.len - 8))
                }
            }
            .expect("written");
        }
        if options & 32 != 0 {
            vouch_for(&file);
        }
        if options & 16 != 0 {
            // Less than the header says, or more; the map's own page stays, since it belongs to whoever holds the map.
            file.set_len(PAGE + input.number() % (2 * damage.parts.len)).expect("resized");
        }
    }
    look(&space);
    for open in [KINDS[kind], KINDS[other]] {
        if let Err(error) = open(&space, false) {
            assert!(error.to_string().contains(NAME), "{error}");
        }
    }
}

/// Whoever only looks at it sees something, or hears what is wrong.
fn look(space: &Space) {
    let observer = match Observer::open_in(&space.namespace(), NAME) {
        Ok(observer) => observer,
        Err(error) => return assert!(error.to_string().contains(NAME), "{error}"),
    };
    let snapshot = observer.snapshot();
    assert!(snapshot.fill <= observer.capacity(), "{snapshot:?}");
    assert!(observer.check().iter().all(|finding| !finding.to_string().is_empty()));
    let cells = if observer.kind().is_ring() { 0 } else { observer.capacity() as u32 };
    for cell in 0..cells {
        if let Ok(Some((number, value))) = observer.value(cell) {
            assert!(number > 0 && value.len() as u64 == observer.schema().size());
        }
        if observer.key_schema().is_some() {
            let _ = observer.key(cell);
        }
    }
    let (size, mut tap) = (observer.schema().size(), Tap::from_oldest(observer));
    for _ in 0..16 {
        match tap.look() {
            Ok(Some(passed)) => assert_eq!(passed.bytes.len() as u64, size),
            Ok(None) => _ = tap.pass_hole(),
            Err(finding) => return assert!(!finding.to_string().is_empty()),
        }
    }
}

fn ring<T: Numbered, K: Ends>(space: &Space, is_new: bool) -> Result<SharedMap, Error> {
    let channel = K::channel::<T>(NAME).namespace(space.namespace()).liveness_interval(Duration::ZERO);
    let channel = if is_new { channel.capacity(3).create_new() } else { channel.open_existing() };
    let sender = channel.clone().sender();
    let receiver =
        if is_new { K::channel(NAME).namespace(space.namespace()).receiver() } else { channel.receiver() };
    let map = space.open_map();
    let refused =
        [sender.as_ref().err().map(ToString::to_string), receiver.as_ref().err().map(ToString::to_string)];
    if let Ok(mut sender) = sender {
        for number in 0..7 {
            let _ = sender.try_send(T::of(number));
        }
        let _ = sender.try_send_batch(&[T::of(7), T::of(8)]);
        let _ = sender.try_loan().map(|loan| loan.write(T::of(9)).publish());
        assert!(sender.len() <= sender.capacity());
        if !is_new {
            let _ = (sender.health(), K::another_sender(&sender).is_some());
        }
        if let Ok(mut receiver) = receiver {
            for _ in 0..5 {
                let _ = receiver.try_recv();
            }
            let _ = receiver.try_lease().map(|lease| *lease);
            let _ = receiver.try_recv_batch(&mut Vec::new(), if is_new { 1 } else { 300 });
            let _ = receiver.recv_timeout(Duration::from_micros(20));
            assert!(receiver.len() <= receiver.capacity());
        }
        return Ok(map.expect("it was opened a moment ago"));
    }
    let error = receiver.err();
    assert!(refused.iter().flatten().all(|text| text.contains(NAME)), "{refused:?}");
    match error {
        Some(error) => Err(error),
        None => Ok(map.expect("it was opened a moment ago")),
    }
}

fn cell<T: Numbered>(space: &Space, is_new: bool) -> Result<SharedMap, Error> {
    let cell = seqlock::cell::<T>(NAME).namespace(space.namespace());
    let cell = if is_new { cell } else { cell.open_existing() };
    let (writer, reader) = (cell.clone().writer(), cell.reader());
    let map = space.open_map();
    let _ = writer.map(|mut writer| {
        let _ = (writer.load(), writer.version());
        writer.store(T::of(1));
    });
    let reader = reader?;
    let _ = (reader.load(), reader.try_load(2), reader.freshness());
    let _ = reader.wait_newer(&mut 0, Duration::from_micros(20));
    Ok(map.expect("it was opened a moment ago"))
}

fn table<T: Numbered>(space: &Space, is_new: bool) -> Result<SharedMap, Error> {
    let table = seqlock::table::<T>(NAME).namespace(space.namespace());
    let table = if is_new { table.cells(3) } else { table.open_existing() };
    let (writer, reader) = (table.clone().writer(1), table.reader());
    let map = space.open_map();
    let _ = writer.map(|mut writer| writer.store(T::of(1)));
    let reader = reader?;
    let _ = (reader.snapshot(), reader.snapshot_at_once(2), reader.freshness(reader.len() - 1));
    Ok(map.expect("it was opened a moment ago"))
}

fn keyed<V: Numbered, Q: Numbered + Message>(space: &Space, is_new: bool) -> Result<SharedMap, Error> {
    let table = seqlock::keyed_table::<Q, V>(NAME).namespace(space.namespace());
    let table = if is_new { table.cells(3) } else { table.open_existing() };
    let (writer, reader) = (table.clone().writer(), table.reader());
    let map = space.open_map();
    let _ = writer.map(|mut writer| {
        for key in 0..4 {
            if let Err(error) = writer.store(&Q::of(key), V::of(key)) {
                assert!(error.to_string().contains(NAME), "{error}");
            }
        }
    });
    let reader = reader?;
    let _ = (reader.find(&Q::of(1)), reader.load_key(&Q::of(2)), reader.entries().count());
    Ok(map.expect("it was opened a moment ago"))
}
