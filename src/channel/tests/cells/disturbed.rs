//! Values that are overtaken each time they are copied: what has a limit keeps to it, and says so.

use std::cell::Cell;
use std::os::unix::fs::FileExt;
use std::rc::Rc;
use std::time::Duration;

use super::corrupt::{file, table};
use super::{Bench, Bytes8, Bytes64, Bytes4096, Sealed, assert_has, layout, store, store_some};
use crate::Departure;
use crate::channel::tests::damage::PAGE;
use crate::segment::{Kind, Slots};
use crate::seqlock::{TryLoadError, WaitError, Writer};
use crate::sync::meddled;
use crate::testing::TempNamespace;

/// Shorter and longer than the interval in which the kernel is asked whether the writer lives.
const TIMES: [Duration; 3] = [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(20)];

/// Runs `body` while somebody overtakes each copy. Fails the test when that goes on for ever. How many copies there were.
#[track_caller]
fn disturbed<R>(mut overtake: impl FnMut() + 'static, body: impl FnOnce() -> R) -> (R, u32) {
    let copies = Rc::new(Cell::new(0));
    let counted = Rc::clone(&copies);
    let meddler = move |point: &str| {
        if point == "load.after-copy" {
            assert!(counted.get() < 1 << 19, "it copies for ever");
            counted.set(counted.get() + 1);
            overtake();
        }
    };
    (meddled(meddler, body), copies.get())
}

/// Stores as many values as there are slots.
fn hasty<V: Sealed>(mut writer: Writer<V>) -> impl FnMut() + 'static {
    move || store_some(&mut writer, Slots::<V>::COUNT.into())
}

/// Says that more values were stored, as nobody does who has not stored them.
fn liar<V: Sealed>(bench: &Bench<V>) -> impl FnMut() + 'static {
    let (file, at) = (file(&bench.space), PAGE + layout::<V>(Kind::Cell, None, 1).slots);
    move || {
        let mut number = [0; 8];
        file.read_exact_at(&mut number, at).expect("within the file");
        let more = u64::from_le_bytes(number) + u64::from(Slots::<V>::COUNT);
        file.write_all_at(&more.to_le_bytes(), at).expect("within the file");
    }
}

#[test]
fn a_wait_for_a_value_that_its_writer_never_lets_be_copied_ends_with_its_time() {
    fn check<V: Sealed>() {
        for timeout in TIMES {
            let bench = Bench::<V>::new();
            let (mut writer, reader) = (bench.writer(), bench.reader());
            store(&mut writer);
            let mut seen = 0;
            let (answer, copies) = disturbed(hasty(writer), || reader.wait_newer(&mut seen, timeout));
            assert_eq!((answer, seen), (Err(WaitError::Timeout), 0), "{timeout:?}");
            assert!(copies > 0, "nothing was disturbed");
            // The documentation says so.
            assert!(copies < 400 || timeout > TIMES[1], "{copies} copies in no time");
            assert_eq!(
                reader.wait_newer(&mut seen, timeout).map(|value| value.number()),
                Ok(reader.version())
            );
        }
    }
    check::<Bytes8>();
    check::<Bytes64>();
    check::<Bytes4096>();
}

#[test]
fn a_wait_for_a_value_of_a_writer_that_is_gone_says_so_when_it_has_all_and_not_because_it_cannot_copy() {
    fn check<V: Sealed>(departure: Departure) {
        for timeout in TIMES {
            let bench = Bench::<V>::new();
            let reader = bench.reader();
            match departure {
                Departure::Left => drop(store(&mut bench.writer())),
                Departure::Died => drop(bench.die("writer", "store", 1, "store.after-publish")),
            }
            let mut seen = 0;
            let (answer, copies) = disturbed(liar(&bench), || reader.wait_newer(&mut seen, timeout));
            assert_eq!((answer, seen), (Err(WaitError::Timeout), 0), "{timeout:?}");
            assert!(copies > 0, "nothing was disturbed");
            assert!(copies < 400 || timeout > TIMES[1], "{copies} copies in no time");
            // All these numbers are of one slot.
            let latest = reader.version();
            assert_eq!(reader.wait_newer(&mut seen, timeout).map(|value| value.number()), Ok(1));
            assert_eq!(seen, latest);
            assert_eq!(reader.wait_newer(&mut seen, timeout), Err(WaitError::Stale(departure)));
        }
    }
    check::<Bytes8>(Departure::Left);
    check::<Bytes64>(Departure::Left);
    check::<Bytes8>(Departure::Died);
}

#[test]
fn a_load_tries_as_often_as_it_was_told_to() {
    fn check<V: Sealed>() {
        for (attempts, wanted) in [(0, 1), (1, 1), (2, 2), (77, 77)] {
            let bench = Bench::<V>::new();
            let (mut writer, reader) = (bench.writer(), bench.reader());
            store(&mut writer);
            let (answer, copies) = disturbed(hasty(writer), || reader.try_load(attempts));
            assert_eq!((answer, copies), (Err(TryLoadError::Overtaken), wanted));
            assert_has(&reader, reader.version());
        }
    }
    check::<Bytes8>();
    check::<Bytes4096>();
}

#[test]
fn a_snapshot_at_once_tries_as_often_as_it_was_told_to() {
    const CELLS: u32 = 3;
    fn check(values: u64, copies_of_an_attempt: u32) {
        for attempts in [1, 2, 77] {
            let space = TempNamespace::new();
            let cells = table::<Bytes8>(&space).cells(CELLS as usize);
            let mut writers = cells.writers(0..CELLS as usize).expect("free");
            let reader = table::<Bytes8>(&space).reader().expect("there");
            writers.iter_mut().for_each(|writer| store_some(writer, 1));
            let overtake = move || store_some(&mut writers[0], values);
            let (answer, copies) = disturbed(overtake, || reader.snapshot_at_once(attempts));
            assert_eq!((answer, copies), (None, attempts * copies_of_an_attempt));
            assert!(reader.snapshot_at_once(1).is_some());
        }
    }
    // The first copy is torn, or each is complete and they are not of one instant.
    check(Slots::<Bytes8>::COUNT.into(), 1);
    check(1, CELLS);
}

#[cfg(feature = "async")]
#[test]
fn a_future_of_a_value_that_its_writer_never_lets_be_copied_gives_the_thread_to_others() {
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Context, Poll, Wake};

    #[derive(Default)]
    struct Wakes(AtomicU32);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    let bench = Bench::<Bytes64>::new();
    let (mut writer, reader) = (bench.writer(), bench.reader());
    store(&mut writer);
    let (mut seen, wakes) = (0, Arc::new(Wakes::default()));
    let (waker, overtake) = (wakes.clone().into(), hasty(writer));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(reader.wait_newer_async(&mut seen));
    let (answer, copies) = disturbed(overtake, || future.as_mut().poll(&mut context));
    assert!(answer.is_pending() && copies > 0 && copies < 400, "{answer:?}, {copies} copies");
    assert_eq!(wakes.0.load(Ordering::SeqCst), 1, "it is not asked again");
    let Poll::Ready(answer) = future.as_mut().poll(&mut context) else { panic!("nobody disturbs it") };
    assert_eq!(answer.map(|value| value.number()), Ok(reader.version()));
}
