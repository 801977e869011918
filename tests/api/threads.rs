//! Both ends in one process.

use ringway::channel::{Channel, Kind, Mpmc, Mpsc, Receiver, Sender, Spmc, Spsc};
use ringway::{Draft, Error, Lease, Loan, SendError, TrySendError, Wait};

use crate::testing::TempNamespace;
use crate::{Numbered, channel, everywhere};

#[test]
fn two_threads_pass_messages() {
    fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
        const MESSAGES: u64 = 4_000;
        let receiver = std::thread::spawn(move || {
            for number in 0..MESSAGES {
                let expected = M::of(number);
                if number % 2 == 0 {
                    assert_eq!(rx.recv(), Ok(expected));
                } else {
                    assert_eq!(*rx.lease().expect("a message"), expected);
                }
            }
            assert!(rx.recv().is_err(), "the last one came last");
        });
        let mut number = 0;
        while number < MESSAGES {
            if number % 7 == 0 && number + 5 <= MESSAGES {
                tx.send_batch(&[0, 1, 2, 3, 4].map(|i| M::of(number + i))).expect("somebody receives");
                number += 5;
            } else {
                tx.send(M::of(number)).expect("somebody receives");
                number += 1;
            }
        }
        drop(tx);
        receiver.join().expect("it ended well");
    }
    everywhere!(test);
}

#[test]
fn a_side_may_wait_by_spinning() {
    crate::testing::watched(|| {
        let space = TempNamespace::new();
        let mut tx = channel::<u64>(&space).capacity(64).wait(Wait::Spin).sender().expect("free");
        let mut rx = channel::<u64>(&space).wait(Wait::Spin).receiver().expect("free");
        let receiver = std::thread::spawn(move || rx.iter().sum::<u64>());
        (0..1000).for_each(|number| tx.send(number).expect("somebody receives"));
        drop(tx);
        assert_eq!(receiver.join().expect("it ended well"), 499_500);
        space.assert_empty();
    });
}

#[test]
fn a_side_may_move_to_another_thread_with_what_it_holds() {
    fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
        tx.send(M::of(0)).expect("there is room");
        let (mut tx, mut rx) = std::thread::spawn(move || {
            assert_eq!(rx.recv(), Ok(M::of(0)));
            tx.send(M::of(1)).expect("there is room");
            (tx, rx)
        })
        .join()
        .expect("it ended well");
        assert_eq!(rx.recv(), Ok(M::of(1)));
        let mut loan = Some(tx.loan().expect("there is room"));
        std::thread::scope(|scope| {
            let loan = loan.take().expect("there is one");
            scope.spawn(move || loan.write(M::of(2)).publish());
        });
        assert_eq!(rx.recv(), Ok(M::of(2)));
    }
    everywhere!(test);
}

const fn is_send<T: Send>() {}
const fn is_sync<T: Sync>() {}

/// Has two implementations for a type that is `Sync`, so that it cannot be told which one is meant.
trait NotSync<Which> {
    fn told() {}
}
impl<T: ?Sized> NotSync<()> for T {}
struct Ambiguous;
impl<T: ?Sized + Sync> NotSync<Ambiguous> for T {}

const fn ends_may_move<K: Kind>() {
    is_send::<Sender<u64, K>>();
    is_send::<Receiver<u64, K>>();
}

const _: () = {
    ends_may_move::<Spsc>();
    ends_may_move::<Mpsc>();
    ends_may_move::<Spmc>();
    ends_may_move::<Mpmc>();
    is_send::<Loan<'static, u64>>();
    is_send::<Draft<'static, u64>>();
    is_send::<Lease<'static, u64>>();
    is_send::<Loan<'static, u64, Mpmc>>();
    is_send::<Draft<'static, u64, Mpmc>>();
    is_send::<Lease<'static, u64, Mpmc>>();
    is_send::<Channel<u64, Mpmc>>();
    is_sync::<Channel<u64, Mpmc>>();
    is_send::<Error>();
    is_sync::<Error>();
    is_send::<TrySendError<u64>>();
    is_sync::<SendError<u64>>();
};

/// Compiles only while neither end is `Sync`: one end's lock is one process's opinion, not one thread's.
#[test]
fn an_end_is_not_shared_between_threads() {
    <Sender<u64, Spsc> as NotSync<_>>::told();
    <Receiver<u64, Spsc> as NotSync<_>>::told();
    <Sender<u64, Mpmc> as NotSync<_>>::told();
    <Receiver<u64, Mpmc> as NotSync<_>>::told();
}
