//! What the other processes do. A role reports what it has done in lines, and may be killed anywhere.

use std::path::PathBuf;

use super::{DIR, Numbered, SCRIPT, WATCHDOG, channel};
use crate::channel::Spsc;
use crate::spsc::{Receiver, Sender};
use crate::testing::Role;

/// A script as a role sees it.
struct Script {
    dir: PathBuf,
    form: String,
    capacity: usize,
    verb: String,
    count: usize,
}

fn script(role: &Role) -> Script {
    let text = role.var(SCRIPT);
    let mut words = text.split(' ').map(str::to_owned);
    let mut word = || words.next().expect("form, capacity, verb and count");
    let number = |word: String| word.parse().expect("a number");
    Script {
        dir: role.var(DIR).into(),
        form: word(),
        capacity: number(word()),
        verb: word(),
        count: number(word()),
    }
}

#[test]
fn sender() {
    let Some(mut role) = Role::play() else { return };
    let script = script(&role);
    match script.form.as_str() {
        "stamped" => play_sender::<u64>(&mut role, &script),
        _ => play_sender::<[u64; 16]>(&mut role, &script),
    }
}

#[test]
fn receiver() {
    let Some(mut role) = Role::play() else { return };
    let script = script(&role);
    match script.form.as_str() {
        "stamped" => play_receiver::<u64>(&mut role, &script),
        _ => play_receiver::<[u64; 16]>(&mut role, &script),
    }
}

/// One of many that want to be the sender: says who it is, tries once, and tries again when told to.
#[test]
fn contender() {
    let Some(mut role) = Role::play() else { return };
    let script = script(&role);
    role.say("ready");
    while !role.hear().is_empty() {
        match channel::<u64, Spsc>(&script.dir).capacity(script.capacity).sender() {
            Ok(tx) => {
                role.say(&format!("won {} {:?}", tx.position(), tx.predecessor()));
                // Holds the role until it is killed, or told to leave.
                role.hear();
                return;
            }
            Err(crate::Error::RoleTaken { pid, .. }) => role.say(&format!("taken {pid}")),
            Err(error) => role.say(&format!("refused {error}")),
        }
    }
}

fn play_sender<M: Numbered>(role: &mut Role, script: &Script) {
    let mut tx =
        channel::<M, Spsc>(&script.dir).capacity(script.capacity).sender().expect("the role is free");
    role.say(&format!("attached {}", tx.position()));
    send_all(role, &mut tx, script);
    role.say("done");
}

fn send_all<M: Numbered>(role: &mut Role, tx: &mut Sender<M>, script: &Script) {
    let first = tx.position();
    let numbers = first..first + script.count as u64;
    match script.verb.as_str() {
        "single" => numbers.for_each(|number| tx.send_timeout(M::of(number), WATCHDOG).expect("sent")),
        "batch" => tx.send_batch(&numbers.map(M::of).collect::<Vec<_>>()).expect("sent"),
        "loan" => numbers.for_each(|number| tx.loan().expect("a slot").write(M::of(number)).publish()),
        // Until it is told to leave or is killed.
        "hold" => {
            role.hear();
        }
        // Sends one each time it is told to.
        "demand" => {
            while !role.hear().is_empty() {
                tx.send_timeout(M::of(tx.position()), WATCHDOG).expect("sent");
                role.say("sent");
            }
        }
        // With a slot in hand that is written and not sent.
        "draft" => {
            let _draft = tx.loan().expect("a slot").write(M::of(first));
            role.say("holding");
            role.hear();
        }
        "probe" => {
            let _ = tx.peer();
        }
        other => panic!("no such verb: {other}"),
    }
}

fn play_receiver<M: Numbered>(role: &mut Role, script: &Script) {
    let mut rx =
        channel::<M, Spsc>(&script.dir).capacity(script.capacity).receiver().expect("the role is free");
    role.say(&format!("attached {}", rx.position()));
    receive_all(role, &mut rx, script);
    role.say("done");
}

fn receive_all<M: Numbered>(role: &mut Role, rx: &mut Receiver<M>, script: &Script) {
    let count = script.count;
    match script.verb.as_str() {
        "single" => {
            for _ in 0..count {
                let number = rx.position();
                assert_eq!(rx.recv_timeout(WATCHDOG).expect("a message").number(), number);
            }
        }
        "batch" => {
            let mut messages = Vec::new();
            assert_eq!(rx.recv_batch(&mut messages, count), Ok(count));
        }
        "lease" => {
            for _ in 0..count {
                let number = rx.position();
                assert_eq!(rx.lease().expect("a message").number(), number);
            }
        }
        "hold" => {
            role.hear();
        }
        "demand" => {
            while !role.hear().is_empty() {
                role.say(&rx.recv_timeout(WATCHDOG).expect("a message").number().to_string());
            }
        }
        // With a message in hand that is read and not given back.
        "reading" => {
            let lease = rx.lease().expect("a message");
            role.say(&format!("holding {}", lease.number()));
            role.hear();
        }
        "probe" => {
            let _ = rx.peer();
        }
        other => panic!("no such verb: {other}"),
    }
}
