//! Checked messages with bytes that are no value of theirs, as a program without manners would write them.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;

use ringway::channel::{Kind, Mpmc, Mpsc, Receiver, Sender, Spmc, Spsc};
use ringway::message::InvalidField;
use ringway::{Message, RecvError, RecvTimeoutError, TryRecvError};

use crate::testing::{TempNamespace, WATCHDOG};
use crate::{Makes, both, channel_of};

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
#[message(checked)]
enum Side {
    Buy = 1,
    Sell = 2,
}

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[message(checked)]
#[repr(C)]
struct Order {
    id: u64,
    mark: char,
    side: Side,
    urgent: [bool; 2],
    _pad: u8,
}

/// The same in more than a line: published by index where no side is shared.
#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[message(checked)]
#[repr(C)]
struct Block {
    order: Order,
    rest: [u64; 8],
}

/// The same without anything between two of them, and so large that plain ones would be copied at once.
#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[message(checked)]
#[repr(C)]
struct Sheet {
    order: Order,
    rest: [u64; 126],
}

trait Checked: Message + PartialEq + std::fmt::Debug {
    /// Before the path of each field.
    const OUTER: &'static str;
    fn of(id: u64) -> Self;
}

impl Checked for Order {
    const OUTER: &'static str = "";

    fn of(id: u64) -> Self {
        Order { id: ID | id, mark: 'ß', side: Side::Sell, urgent: [true, false], _pad: 0 }
    }
}

impl Checked for Block {
    const OUTER: &'static str = "order.";

    fn of(id: u64) -> Self {
        Block { order: Order::of(id), rest: [id; 8] }
    }
}

impl Checked for Sheet {
    const OUTER: &'static str = "order.";

    fn of(id: u64) -> Self {
        Sheet { order: Order::of(id), rest: [id; 126] }
    }
}

/// Marks the messages in the channel's memory.
const ID: u64 = 0x1dea_f00d_0000_0000;

/// Overwrites bytes of the message with that number, wherever in the file it lies.
#[track_caller]
fn plant(file: &File, id: u64, at: u64, bytes: &[u8]) {
    let len = file.metadata().expect("it is open").len();
    let mut all = vec![0; len as usize];
    file.read_exact_at(&mut all, 0).expect("within the file");
    let wanted = (ID | id).to_le_bytes();
    let found: Vec<usize> = (0..all.len() - 8).step_by(8).filter(|&at| all[at..at + 8] == wanted).collect();
    let [slot] = found[..] else { panic!("message {id} lies at {found:?}") };
    file.write_all_at(bytes, slot as u64 + at).expect("within the file");
}

/// Where to plant what, and what the receiver says about it.
const PLANTS: [(u64, &[u8], &str); 5] = [
    (8, &[0x00, 0xd8, 0, 0], "field `mark` holds 55296, which is not a valid `char`"),
    (8, &[0, 0, 0x11, 0], "field `mark` holds 1114112, which is not a valid `char`"),
    (12, &[3], "field `side` holds 3, which is not a valid `Side`"),
    (13, &[2], "field `urgent[0]` holds 2, which is not a valid `bool`"),
    (14, &[255], "field `urgent[1]` holds 255, which is not a valid `bool`"),
];

/// A channel with four messages, the second of which is planted.
#[track_caller]
fn planted<M: Checked, K: Makes>(
    test: impl Fn(&mut Sender<M, K>, &mut Receiver<M, K>, &dyn Fn(&InvalidField)),
) {
    for (at, bytes, text) in PLANTS {
        let text = text.replace("field `", &format!("field `{}", M::OUTER));
        let space = TempNamespace::new();
        let mut tx = channel_of::<M, K>(&space).capacity(4).sender().expect("the name is free");
        let mut rx = channel_of::<M, K>(&space).receiver().expect("the role is free");
        let path = space.path().join("c");
        let file = OpenOptions::new().read(true).write(true).open(path).expect("it is there");
        (0..4).for_each(|id| tx.send(M::of(id)).expect("there is room"));
        plant(&file, 1, at, bytes);
        test(&mut tx, &mut rx, &|field| assert_eq!(field.to_string(), text));
        // The channel goes on.
        tx.send(M::of(4)).expect("there is room");
        assert_eq!(rx.recv(), Ok(M::of(4)));
        drop((tx, rx));
        space.assert_empty();
    }
}

/// Runs a test, generic over message and kind.
macro_rules! of_every_kind {
    ($test:ident) => {
        $test::<Order, Spsc>();
        $test::<Block, Spsc>();
        $test::<Sheet, Spsc>();
        $test::<Order, Mpsc>();
        $test::<Block, Mpsc>();
        $test::<Sheet, Mpsc>();
        $test::<Order, Spmc>();
        $test::<Block, Spmc>();
        $test::<Sheet, Spmc>();
        $test::<Order, Mpmc>();
        $test::<Block, Mpmc>();
        $test::<Sheet, Mpmc>();
    };
}

#[test]
fn an_invalid_message_is_an_error_that_names_the_field_and_the_next_one_arrives() {
    fn test<M: Checked, K: Makes>() {
        planted::<M, K>(|tx, rx, check| {
            assert_eq!(rx.recv(), Ok(M::of(0)));
            let Err(RecvError::Invalid(field)) = rx.recv() else { panic!("accepted") };
            check(&field);
            assert_eq!(tx.len(), 2, "its slot was given back");
            assert_eq!(rx.recv(), Ok(M::of(2)));
            assert_eq!(rx.recv(), Ok(M::of(3)));
        });
        planted::<M, K>(|_, rx, check| {
            assert_eq!(rx.try_recv(), Ok(M::of(0)));
            let Err(TryRecvError::Invalid(field)) = rx.try_recv() else { panic!("accepted") };
            check(&field);
            assert_eq!(rx.try_iter().collect::<Vec<_>>(), [M::of(2), M::of(3)]);
        });
        planted::<M, K>(|_, rx, check| {
            assert_eq!(rx.recv_timeout(WATCHDOG), Ok(M::of(0)));
            let Err(RecvTimeoutError::Invalid(field)) = rx.recv_timeout(WATCHDOG) else { panic!("accepted") };
            check(&field);
            assert_eq!(rx.recv_timeout(WATCHDOG), Ok(M::of(2)));
            assert_eq!(rx.recv_timeout(WATCHDOG), Ok(M::of(3)));
        });
    }
    of_every_kind!(test);
}

#[test]
fn an_invalid_message_is_not_lent() {
    fn test<M: Checked, K: Makes>() {
        planted::<M, K>(|tx, rx, check| {
            assert_eq!(*rx.lease().expect("a message"), M::of(0));
            match rx.lease() {
                Err(RecvError::Invalid(field)) => check(&field),
                other => panic!("{other:?}"),
            }
            assert_eq!(tx.len(), 2);
            assert_eq!(rx.try_iter().count(), 2);
        });
        planted::<M, K>(|_, rx, check| {
            drop(rx.try_lease().expect("a message"));
            match rx.try_lease() {
                Err(TryRecvError::Invalid(field)) => check(&field),
                other => panic!("{other:?}"),
            }
            assert_eq!(*rx.try_lease().expect("a message"), M::of(2));
            assert_eq!(*rx.try_lease().expect("a message"), M::of(3));
        });
    }
    of_every_kind!(test);
}

#[test]
fn a_batch_ends_before_an_invalid_message_and_the_next_one_says_so() {
    fn test<M: Checked, K: Makes>() {
        planted::<M, K>(|_, rx, check| {
            let mut batch = Vec::new();
            assert_eq!(rx.recv_batch(&mut batch, 10), Ok(1));
            assert_eq!(rx.len(), 3);
            let Err(RecvError::Invalid(field)) = rx.recv_batch(&mut batch, 10) else { panic!("accepted") };
            check(&field);
            assert_eq!(rx.len(), 2);
            assert_eq!(rx.recv_batch(&mut batch, 10), Ok(2));
            assert_eq!(batch, [M::of(0), M::of(2), M::of(3)]);
        });
        planted::<M, K>(|_, rx, check| {
            let mut batch = Vec::new();
            assert_eq!(rx.try_recv_batch(&mut batch, 10), Ok(1));
            let error = rx.try_recv_batch(&mut batch, 10);
            let Err(TryRecvError::Invalid(field)) = error else { panic!("accepted") };
            check(&field);
            assert_eq!(rx.try_recv_batch(&mut batch, 10), Ok(2));
            assert_eq!(batch, [M::of(0), M::of(2), M::of(3)]);
        });
    }
    of_every_kind!(test);
}

#[test]
fn what_a_batch_left_before_an_invalid_message_is_taken_by_every_verb() {
    fn test<M: Checked, K: Makes>() {
        for verb in 0..3 {
            planted::<M, K>(|tx, rx, check| {
                let mut batch = Vec::new();
                assert_eq!(rx.try_recv_batch(&mut batch, 10), Ok(1));
                let field = match verb {
                    0 => rx.try_recv().expect_err("it is invalid"),
                    1 => rx.try_lease().map(drop).expect_err("it is invalid"),
                    _ => rx.try_recv_batch(&mut batch, 1).expect_err("it is invalid"),
                };
                let TryRecvError::Invalid(field) = field else { panic!("{field:?}") };
                check(&field);
                // Its slot is free, and what comes there comes behind what was left of the batch.
                assert_eq!(tx.try_send_batch(&[M::of(5), M::of(6)]), Ok(2));
                assert_eq!((rx.len(), rx.try_lease().map(|lease| *lease)), (4, Ok(M::of(2))));
                assert_eq!((rx.recv(), rx.recv(), rx.recv()), (Ok(M::of(3)), Ok(M::of(5)), Ok(M::of(6))));
                assert_eq!((rx.try_recv(), batch.len()), (Err(TryRecvError::Empty), 1));
            });
        }
    }
    of_every_kind!(test);
}

#[test]
fn valid_checked_messages_arrive() {
    fn test<M: Checked, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
        for id in 0..20 {
            tx.send(M::of(id)).expect("there is room");
            tx.loan().expect("there is room").write(M::of(id + 1)).publish();
            if id % 2 == 0 {
                assert_eq!(rx.recv(), Ok(M::of(id)));
                assert_eq!(*rx.lease().expect("a message"), M::of(id + 1));
                continue;
            }
            let mut batch = vec![M::of(0)];
            assert_eq!(rx.recv_batch(&mut batch, 9), Ok(2));
            assert_eq!(batch, [0, id, id + 1].map(M::of));
        }
    }
    fn over<K: Makes>() {
        both(2, test::<Order, K>);
        both(2, test::<Block, K>);
        both(2, test::<Sheet, K>);
    }
    over::<Spsc>();
    over::<Mpsc>();
    over::<Spmc>();
    over::<Mpmc>();
}
