//! What kinds have to agree on, and what they refuse.

use ringway::channel::{Kind, Mpmc, Mpsc, Receiver, Sender, Spmc, Spsc};
use ringway::{Error, OnReceiverDeath, mpmc, mpsc, spmc};

use crate::testing::TempNamespace;
use crate::{Makes, channel_of};

/// Another kind is refused on either side, whatever the size of the message.
#[track_caller]
fn assert_refused<Made: Makes, Other: Makes>(space: &TempNamespace) {
    let errors = [
        channel_of::<u64, Other>(space).sender().err(),
        channel_of::<u64, Other>(space).open_existing().receiver().err(),
        // Of another type and capacity as well: the kind is what is told first.
        channel_of::<[u8; 99], Other>(space).capacity(77).receiver().err(),
    ];
    for error in errors {
        let error = error.expect("another kind");
        assert!(matches!(error, Error::Kind { .. }), "{error}");
        let text = format!(
            "channel `c` is an {} channel, this program expects an {} channel; open it as what it is, or use \
             another name",
            Made::NAME,
            Other::NAME
        );
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn another_kind_is_refused_by_name() {
    fn test<Made: Makes, A: Makes, B: Makes, C: Makes>() {
        let space = TempNamespace::new();
        let tx = channel_of::<u64, Made>(&space).sender().expect("the name is free");
        assert_refused::<Made, A>(&space);
        assert_refused::<Made, B>(&space);
        assert_refused::<Made, C>(&space);
        drop(channel_of::<u64, Made>(&space).receiver().expect("the same kind"));
        drop(tx);
        space.assert_empty();
    }
    test::<Spsc, Mpsc, Spmc, Mpmc>();
    test::<Mpsc, Spsc, Spmc, Mpmc>();
    test::<Spmc, Spsc, Mpsc, Mpmc>();
    test::<Mpmc, Spsc, Mpsc, Spmc>();
}

#[test]
fn a_kind_says_what_it_is() {
    fn of<K: Kind>() -> (&'static str, bool, bool) {
        (K::NAME, K::SHARED_SENDERS, K::SHARED_RECEIVERS)
    }
    let all = [of::<Spsc>(), of::<Mpsc>(), of::<Spmc>(), of::<Mpmc>()];
    let expected =
        [("spsc", false, false), ("mpsc", true, false), ("spmc", false, true), ("mpmc", true, true)];
    assert_eq!(all, expected);
}

/// The channel has that option otherwise.
#[track_caller]
fn assert_mismatch<T>(result: Result<T, Error>, option: &str, found: &str, expected: &str) {
    let Err(error) = result else { panic!("another {option} was accepted") };
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
    let text = format!(
        "channel `c` has {option} {found}, this program expects {expected}; ask for {found}, leave {option} to \
         the creator, or use another name"
    );
    assert_eq!(error.to_string(), text);
}

#[test]
fn options_of_the_channel_have_to_agree_if_they_are_asked_for() {
    let space = TempNamespace::new();
    let channel = || channel_of::<u64, Mpmc>(&space);
    let made = channel().max_senders(3).max_receivers(254).on_receiver_death(OnReceiverDeath::Discard);
    let tx = made.clone().sender().expect("the name is free");
    assert_mismatch(channel().max_senders(4).sender(), "max_senders", "3", "4");
    assert_mismatch(channel().max_senders(4).receiver(), "max_senders", "3", "4");
    assert_mismatch(channel().max_receivers(1).sender(), "max_receivers", "254", "1");
    let redeliver = channel().on_receiver_death(OnReceiverDeath::Redeliver);
    assert_mismatch(redeliver.receiver(), "on_receiver_death", "Discard", "Redeliver");
    drop(made.open_existing().receiver().expect("the same"));
    drop(channel().receiver().expect("whatever it has"));
    drop(tx);
    space.assert_empty();

    // The defaults are options like others.
    let tx = channel().sender().expect("the name is free");
    assert_mismatch(channel().max_senders(31).sender(), "max_senders", "32", "31");
    assert_mismatch(channel().max_receivers(33).receiver(), "max_receivers", "32", "33");
    let discard = channel().on_receiver_death(OnReceiverDeath::Discard);
    assert_mismatch(discard.sender(), "on_receiver_death", "Redeliver", "Discard");
    let asked = channel().max_senders(32).max_receivers(32).on_receiver_death(OnReceiverDeath::Redeliver);
    drop(asked.receiver().expect("the defaults"));
    drop(tx);
    space.assert_empty();
}

#[test]
fn a_kind_has_the_options_of_its_shared_sides() {
    let space = TempNamespace::new();
    let channel = mpsc::channel::<u64>("c").namespace(space.namespace());
    let channel = channel.max_senders(1).on_receiver_death(OnReceiverDeath::Discard);
    drop(channel.sender().expect("the name is free"));
    let channel = spmc::channel::<u64>("c").namespace(space.namespace());
    let channel = channel.max_receivers(1).on_receiver_death(OnReceiverDeath::Discard);
    drop(channel.receiver().expect("the name is free"));
    space.assert_empty();
}

#[test]
fn a_number_of_participants_that_no_channel_can_have_is_refused_before_anything_is_made() {
    let space = TempNamespace::new();
    let channel = || mpmc::channel::<u64>("c").namespace(space.namespace());
    for count in [0, 255, usize::MAX] {
        let errors = [
            ("senders", channel().max_senders(count).sender().err()),
            ("receivers", channel().max_receivers(count).sender().err()),
        ];
        for (side, error) in errors {
            let error = error.expect("no channel can have so many");
            let text = format!("channel `c`: max_{side} is {count} {side}; use 1 to 254 {side}");
            assert_eq!(error.to_string(), text);
        }
    }
    space.assert_empty();
}

/// Has two implementations for a type that can be cloned, so that it cannot be told which one is meant.
trait NotClone<Which> {
    fn told() {}
}
impl<T> NotClone<()> for T {}
struct Ambiguous;
impl<T: Clone> NotClone<Ambiguous> for T {}

const fn is_clone<T: Clone>() {}

const _: () = {
    is_clone::<Sender<u64, Mpsc>>();
    is_clone::<Receiver<u64, Spmc>>();
    is_clone::<Sender<u64, Mpmc>>();
    is_clone::<Receiver<u64, Mpmc>>();
};

/// Compiles only while no sole side can be cloned.
#[test]
fn there_is_no_second_one_of_a_sole_side() {
    <Sender<u64, Spsc> as NotClone<_>>::told();
    <Receiver<u64, Spsc> as NotClone<_>>::told();
    <Receiver<u64, Mpsc> as NotClone<_>>::told();
    <Sender<u64, Spmc> as NotClone<_>>::told();
}

#[test]
fn a_sole_side_of_a_channel_with_a_shared_one_is_exclusive() {
    let space = TempNamespace::new();
    let rx = channel_of::<u64, Mpsc>(&space).receiver().expect("the name is free");
    let error = channel_of::<u64, Mpsc>(&space).receiver().expect_err("somebody has it");
    assert!(matches!(error, Error::RoleTaken { role: "receiver", .. }), "{error}");
    drop(rx);
    let tx = channel_of::<u64, Spmc>(&space).sender().expect("the name is free");
    let error = channel_of::<u64, Spmc>(&space).sender().expect_err("somebody has it");
    assert!(matches!(error, Error::RoleTaken { role: "sender", .. }), "{error}");
    drop(tx);
    space.assert_empty();
}
