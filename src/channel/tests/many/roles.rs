//! What the other processes do. A role reports what it has done in lines, and may be stopped or killed anywhere.

use std::path::PathBuf;

use super::{DIR, Many, Mpmc, Mpsc, Numbered, Receiver, SCRIPT, Sender, Spmc, Wide};
use crate::channel::tests::channel;
use crate::testing::{Role, WATCHDOG};

/// A script as a role sees it.
struct Script {
    dir: PathBuf,
    kind: String,
    verb: String,
    first: u64,
    end: u64,
    waits: bool,
}

fn script(role: &Role) -> Script {
    let text = role.var(SCRIPT);
    let words: Vec<_> = text.split(' ').collect();
    let [kind, verb, first, end, waits] = words[..] else { panic!("five words: {text}") };
    let number = |word: &str| word.parse().expect("a number");
    Script {
        dir: role.var(DIR).into(),
        kind: kind.into(),
        verb: verb.into(),
        first: number(first),
        end: number(end),
        waits: waits == "true",
    }
}

#[test]
fn sender() {
    let Some(mut role) = Role::play() else { return };
    let script = script(&role);
    match script.kind.as_str() {
        "mpmc" => play_sender::<Mpmc>(&mut role, &script),
        "mpsc" => play_sender::<Mpsc>(&mut role, &script),
        _ => play_sender::<Spmc>(&mut role, &script),
    }
}

#[test]
fn receiver() {
    let Some(mut role) = Role::play() else { return };
    let script = script(&role);
    match script.kind.as_str() {
        "mpmc" => play_receiver::<Mpmc>(&mut role, &script),
        "mpsc" => play_receiver::<Mpsc>(&mut role, &script),
        _ => play_receiver::<Spmc>(&mut role, &script),
    }
}

fn begin(role: &mut Role, script: &Script) {
    role.say("attached");
    if script.waits {
        role.hear();
    }
}

fn play_sender<K: Many>(role: &mut Role, script: &Script) {
    let mut tx = channel::<Wide, K>(&script.dir).open_existing().sender().expect("there is a place");
    begin(role, script);
    send_all(role, &mut tx, script);
    drop(tx);
    role.say("done");
}

fn send_all<K: Many>(role: &mut Role, tx: &mut Sender<Wide, K>, script: &Script) {
    let numbers = script.first..script.end;
    match script.verb.as_str() {
        "single" => numbers.for_each(|number| tx.send_timeout(Wide::of(number), WATCHDOG).expect("sent")),
        "batch" => tx.send_batch(&numbers.map(Wide::of).collect::<Vec<_>>()).expect("sent"),
        "loan" => numbers.for_each(|number| tx.loan().expect("a slot").write(Wide::of(number)).publish()),
        // Written and given up.
        "drop" => numbers.for_each(|number| drop(tx.loan().expect("a slot").write(Wide::of(number)))),
        // Given up when it leaves.
        "forget" => std::mem::forget(tx.loan().expect("a slot")),
        // Until it is told to leave or is killed.
        "hold" => drop(role.hear()),
        // Sends one each time it is told to.
        "demand" => {
            for number in numbers {
                role.hear();
                tx.send_timeout(Wide::of(number), WATCHDOG).expect("sent");
                role.say("sent");
            }
        }
        // With a slot in hand that is written and not sent.
        "draft" => {
            let _draft = tx.loan().expect("a slot").write(Wide::of(script.first));
            role.say("holding");
            role.hear();
        }
        "health" => drop(tx.health()),
        other => panic!("no such verb: {other}"),
    }
}

fn play_receiver<K: Many>(role: &mut Role, script: &Script) {
    let mut rx = channel::<Wide, K>(&script.dir).open_existing().receiver().expect("there is a place");
    begin(role, script);
    receive_all(role, &mut rx, script);
    drop(rx);
    role.say("done");
}

fn receive_all<K: Many>(role: &mut Role, rx: &mut Receiver<Wide, K>, script: &Script) {
    let count = script.end - script.first;
    match script.verb.as_str() {
        "single" => {
            for _ in 0..count {
                let number = rx.recv_timeout(WATCHDOG).expect("a message").number();
                role.say(&format!("{number} {}", rx.redelivered()));
            }
        }
        "batch" => {
            let mut left = count as usize;
            while left > 0 {
                let mut messages = Vec::new();
                left -= rx.recv_batch(&mut messages, left).expect("messages");
                for message in messages {
                    role.say(&format!("{} {}", message.number(), rx.redelivered()));
                }
            }
        }
        "lease" => {
            for _ in 0..count {
                let lease = rx.lease().expect("a message");
                let (number, redelivered) = (lease.number(), lease.redelivered());
                drop(lease);
                role.say(&format!("{number} {redelivered}"));
            }
        }
        // Given up when it leaves.
        "forget" => std::mem::forget(rx.lease().expect("a message")),
        "hold" => drop(role.hear()),
        // With a message in hand that is read and not given back.
        "reading" => {
            let lease = rx.lease().expect("a message");
            role.say(&format!("{} {}", lease.number(), lease.redelivered()));
            role.hear();
        }
        "health" => drop(rx.health()),
        other => panic!("no such verb: {other}"),
    }
}
