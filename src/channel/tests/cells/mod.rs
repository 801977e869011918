//! Unit tests of the cells: what only a crash point or a private part can show.
//!
//! Value number k of a cell is made of k, so that each test can say exactly which value was read, and so that no mixture
//! of two of them passes for one.

mod corrupt;
mod damage;
mod disturbed;
mod forks;
mod keyed_deaths;
mod map_deaths;
mod overtaken;
mod read_only;
mod role_deaths;
mod roles;
mod stopped;
mod writer_deaths;

use std::fmt::Debug;
use std::path::Path;
use std::time::Duration;

use super::{DIR, NAME, SCRIPT};
use crate::channel::open;
use crate::channel::options::Asked;
use crate::map::Namespace;
use crate::segment::{Key, Kind, Layout};
use crate::seqlock::{self, Cells, Freshness, LoadError, One, Reader, WaitError, Writer};
use crate::testing::{CRASH_POINT, CRASH_STOP, Child, TempNamespace, WATCHDOG};
use crate::{Departure, Message};

/// What a part of a value, after which there is a crash point, has at least.
const PART: usize = 64;

/// A value that is made of its number.
trait Sealed: Message + PartialEq + Debug {
    /// Crash points `store.after-part` and `load.after-part` of one value.
    const PARTS: u64 = (size_of::<Self>() / PART) as u64;

    fn of(number: u64) -> Self;

    /// The number; fails the test if the value is torn.
    fn number(&self) -> u64;
}

impl<const WORDS: usize> Sealed for [u64; WORDS] {
    fn of(number: u64) -> Self {
        std::array::from_fn(|at| number << 32 | at as u64)
    }

    fn number(&self) -> u64 {
        let number = self[0] >> 32;
        assert_eq!(*self, Self::of(number), "torn");
        number
    }
}

type Bytes8 = [u64; 1];
/// A cell of two slots.
type Bytes32 = [u64; 4];
type Bytes64 = [u64; 8];
type Bytes1024 = [u64; 128];
type Bytes4096 = [u64; 512];

/// Runs a check for values of 8, 32, 64, 1024 and 4096 bytes: in 2 slots, in 4, and in more.
macro_rules! every_size {
    ($check:ident) => {
        $check::<$crate::channel::tests::cells::Bytes8>();
        $check::<$crate::channel::tests::cells::Bytes32>();
        $check::<$crate::channel::tests::cells::Bytes64>();
        $check::<$crate::channel::tests::cells::Bytes1024>();
        $check::<$crate::channel::tests::cells::Bytes4096>();
    };
}
use every_size;

/// The cell of all these tests.
fn cell<V: Sealed>(dir: &Path) -> Cells<V, One> {
    seqlock::cell(NAME).namespace(Namespace::Dir(dir.to_owned())).liveness_interval(Duration::from_millis(1))
}

/// The cell of a test in its namespace.
struct Bench<V> {
    space: TempNamespace,
    of: std::marker::PhantomData<V>,
}

impl<V: Sealed> Bench<V> {
    fn new() -> Self {
        Self { space: TempNamespace::new(), of: std::marker::PhantomData }
    }

    fn cell(&self) -> Cells<V, One> {
        cell(self.space.path())
    }

    #[track_caller]
    fn writer(&self) -> Writer<V> {
        self.cell().writer().expect("the role is free")
    }

    #[track_caller]
    fn reader(&self) -> Reader<V> {
        self.cell().reader().expect("anybody may read")
    }

    /// Starts a role of `roles`.
    fn spawn(&self, role: &str, verb: &str, count: u64) -> Child {
        self.spawn_at(role, verb, count, [("RINGWAY_TEST_NOTHING", ""); 2])
    }

    fn spawn_to_die(&self, role: &str, verb: &str, count: u64, point: &str) -> Child {
        self.spawn_at(role, verb, count, [(CRASH_POINT, point); 2])
    }

    fn spawn_to_stop(&self, role: &str, verb: &str, count: u64, point: &str) -> Child {
        self.spawn_at(role, verb, count, [(CRASH_STOP, point); 2])
    }

    fn spawn_at(&self, role: &str, verb: &str, count: u64, at: [(&str, &str); 2]) -> Child {
        let script = format!("{} {verb} {count}", size_of::<V>());
        let [one, two] = at.map(|(key, point)| (key, point.as_ref()));
        let envs = [(DIR, self.space.path().as_os_str()), (SCRIPT, script.as_ref()), one, two];
        Child::spawn(&format!("channel::tests::cells::roles::{role}"), &envs)
    }

    /// Runs a role until it kills itself at the crash point, and says which process it was.
    #[track_caller]
    fn die(&self, role: &str, verb: &str, count: u64, point: &str) -> u64 {
        let mut child = self.spawn_to_die(role, verb, count, point);
        child.wait_killed();
        child.pid()
    }
}

/// Stores the next value.
#[track_caller]
fn store<V: Sealed>(writer: &mut Writer<V>) -> u64 {
    let next = writer.version() + 1;
    writer.store(V::of(next));
    assert_eq!(writer.version(), next);
    next
}

/// Stores so many values.
#[track_caller]
fn store_some<V: Sealed>(writer: &mut Writer<V>, count: u64) {
    (0..count).for_each(|_| {
        store(writer);
    });
}

/// The cell has that value and no other; 0 is none.
#[track_caller]
fn assert_has<V: Sealed>(reader: &Reader<V>, number: u64) {
    let found = reader.load().map(|value| value.number());
    assert_eq!(found, if number == 0 { Err(LoadError::Empty) } else { Ok(number) });
    assert_eq!(reader.version(), number);
}

/// The cell has that value, nothing newer comes, and its writer is known to have died or left.
#[track_caller]
fn assert_stale<V: Sealed>(reader: &Reader<V>, number: u64, departure: Departure, process: u64) {
    assert_has(reader, number);
    let freshness = reader.freshness();
    assert!(
        matches!(freshness, Freshness::Stale { writer, pid, .. } if (writer, pid) == (departure, process)),
        "{freshness:?}"
    );
    let mut seen = number;
    assert_eq!(reader.wait_newer(&mut seen, WATCHDOG), Err(WaitError::Stale(departure)));
    assert_eq!(seen, number);
    (0..100).for_each(|_| assert_has(reader, number));
}

/// A writer that has the role, and a reader: values pass.
#[track_caller]
fn assert_works<V: Sealed>(writer: &mut Writer<V>, reader: &Reader<V>) {
    for _ in 0..10 {
        let number = store(writer);
        assert_has(reader, number);
        assert_eq!(writer.load().map(|value| value.number()), Ok(number));
    }
}

/// Where the parts of such a segment lie.
fn layout<V: Message>(kind: Kind, key: Option<Key>, cells: usize) -> Layout {
    let asked = Asked { capacity: Some(cells), ..Asked::default() };
    open::plan_cells::<V>(NAME, kind, key, &asked).expect("terms that cells can have")
}
