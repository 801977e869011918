//! What the errors of messages say: short, and without the message.

use std::error::Error;
use std::time::SystemTime;

use ringway::{
    Broken, Departure, Peer, RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError,
    TrySendError,
};

const CORRUPT: Broken = Broken::Corrupt { word: "tail", found: 0x123, position: 7 };

/// Not `Debug`, not `Display`, and not to be printed.
struct Secret;

/// What it says to a user, and what to a programmer.
#[track_caller]
fn says<E: Error + Send + Sync + 'static>(error: E, display: &str, debug: &str) {
    assert_eq!(error.to_string(), display);
    assert_eq!(format!("{error:?}"), debug);
    assert!(error.source().is_none());
    let _: Box<dyn Error + Send + Sync> = Box::new(error);
}

#[test]
fn what_does_not_fit_says_so_and_keeps_the_message_to_itself() {
    let (left, died) = (Departure::Left, Departure::Died);
    says(TrySendError::Full(Secret), "the channel is full", "Full(..)");
    says(
        TrySendError::Disconnected(Secret, left),
        "the channel is full and the receiver left",
        "Disconnected(.., Left)",
    );
    says(
        SendError::Disconnected(Secret, died),
        "the channel is full and the receiver died",
        "Disconnected(.., Died)",
    );
    says(SendTimeoutError::Timeout(Secret), "timed out: the channel is full", "Timeout(..)");
    says(
        SendTimeoutError::Disconnected(Secret, died),
        "the channel is full and the receiver died",
        "Disconnected(.., Died)",
    );
}

#[test]
fn what_is_not_there_says_so() {
    let (left, died) = (Departure::Left, Departure::Died);
    says(TryRecvError::Empty, "the channel is empty", "Empty");
    let text = "the channel is empty and the sender left";
    says(TryRecvError::Disconnected(left), text, "Disconnected(Left)");
    says(RecvError::Disconnected(left), text, "Disconnected(Left)");
    let text = "the channel is empty and the sender died";
    says(RecvTimeoutError::Disconnected(died), text, "Disconnected(Died)");
    says(RecvTimeoutError::Timeout, "timed out: the channel is empty", "Timeout");
    assert_eq!((left.to_string(), died.to_string()), ("left".into(), "died".into()));
}

#[test]
fn a_call_that_somebody_kept_waiting_says_who_and_what_to_do() {
    let peer = Peer::Attached { pid: 42, since: SystemTime::UNIX_EPOCH };
    let rest = "since process 42 lives and has not finished what it began: let it go on, or end it";
    says(
        SendTimeoutError::Stalled(Secret, peer),
        &format!("timed out: the channel is full, {rest}"),
        &format!("Stalled(.., {peer:?})"),
    );
    says(
        RecvTimeoutError::Stalled(peer),
        &format!("timed out: no message can be received, {rest}"),
        &format!("Stalled({peer:?})"),
    );
    assert_eq!(SendTimeoutError::Stalled(5, peer).into_inner(), 5);
    assert_eq!(SendTimeoutError::Timeout(5).into_inner(), 5);
    assert_eq!(SendTimeoutError::Disconnected(5, Departure::Left).into_inner(), 5);
}

#[test]
fn what_is_broken_says_what_was_found_where_and_what_to_do() {
    let text = "the channel's memory is damaged: at message 7 its tail says 0x123; stop every process that \
                uses it and start them again";
    let debug = r#"Corrupt { word: "tail", found: 291, position: 7 }"#;
    says(CORRUPT, text, debug);
    says(TrySendError::Broken(Secret, CORRUPT), text, &format!("Broken(.., {debug})"));
    says(SendError::Broken(Secret, CORRUPT), text, &format!("Broken(.., {debug})"));
    says(SendTimeoutError::Broken(Secret, CORRUPT), text, &format!("Broken(.., {debug})"));
    says(TryRecvError::Broken(CORRUPT), text, &format!("Broken({debug})"));
    says(RecvError::Broken(CORRUPT), text, &format!("Broken({debug})"));
    says(RecvTimeoutError::Broken(CORRUPT), text, &format!("Broken({debug})"));
    let text = "every position of the channel has been used: use another name";
    says(Broken::Exhausted, text, "Exhausted");
}

#[test]
fn a_broken_channel_hands_the_message_back() {
    assert_eq!(TrySendError::Broken(5, CORRUPT).into_inner(), 5);
    assert_eq!(SendError::Broken(5, Broken::Exhausted).into_inner(), 5);
    assert_eq!(SendTimeoutError::Broken(5, CORRUPT).into_inner(), 5);
}
