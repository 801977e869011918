//! Many tasks in one process: how many threads they need.
//!
//! The threads are those of a whole process, so each of these tests has one of its own.

use ringway::channel::{Mpsc, Receiver};
use ringway::{mpsc, spsc};

use crate::testing::{Child, Role};
use crate::{Executor, Tokio, poll_once};

/// So many tasks one thread sleeps for.
const EACH: usize = 127;

fn play(role: &'static str) {
    let nothing: [(&str, &str); 0] = [];
    let mut child = Child::spawn(role, &nothing);
    assert_eq!(child.hear(), "over");
    child.wait_success();
}

/// Threads of this process.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("there is /proc").count()
}

#[test]
fn role_many() {
    let Some(mut role) = Role::play() else { return };
    const TASKS: usize = 300;
    let before = threads();
    Tokio::block_on(async {
        let (answers, mut heard) = mpsc::in_process::<u64>(2 * TASKS).expect("there is memory");
        let mut senders = Vec::new();
        for number in 0..TASKS as u64 {
            let (tx, mut rx) = spsc::in_process::<u64>(1).expect("there is memory");
            senders.push(tx);
            let mut answers = match number {
                // As many as there may be at a time.
                0..30 => Some(answers.try_clone().expect("there is room")),
                _ => None,
            };
            tokio::spawn(async move {
                for round in 0..3 {
                    assert_eq!(rx.recv_async().await, Ok(number + round));
                    if let Some(answers) = &mut answers {
                        answers.send_async(number + round).await.expect("somebody hears");
                    }
                }
            });
        }
        for round in 0..3 {
            // Until all of them wait.
            while threads() - before < TASKS.div_ceil(EACH) {
                tokio::task::yield_now().await;
            }
            for (number, tx) in senders.iter_mut().enumerate() {
                tx.send_async(number as u64 + round).await.expect("it waits for it");
            }
            let mut answers = answers_of(&mut heard, 30).await;
            answers.sort_unstable();
            assert_eq!(answers, (round..30 + round).collect::<Vec<_>>());
        }
    });
    assert_eq!(threads() - before, TASKS.div_ceil(EACH), "a thread for {EACH} tasks");
    role.say("over");
}

async fn answers_of(heard: &mut Receiver<u64, Mpsc>, count: usize) -> Vec<u64> {
    let mut answers = Vec::new();
    while answers.len() < count {
        answers.push(heard.recv_async().await.expect("they live"));
    }
    answers
}

#[test]
fn three_hundred_tasks_have_three_threads() {
    play("tasks::role_many");
}

#[test]
fn role_again() {
    let Some(mut role) = Role::play() else { return };
    let mut ends: Vec<_> = (0..EACH).map(|_| spsc::in_process::<u64>(1).expect("there is memory")).collect();
    let before = threads();
    for _ in 0..3 {
        for (_, rx) in &mut ends {
            assert!(poll_once(rx.recv_async()).is_pending());
        }
    }
    assert_eq!(threads() - before, 1);
    role.say("over");
}

#[test]
fn a_task_that_is_polled_again_has_one_note_and_not_two() {
    play("tasks::role_again");
}
