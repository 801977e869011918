//! How many share a channel.

use std::sync::Arc;

use crossbeam_queue::ArrayQueue;
use ringway::mpmc;

use super::{Contest, Curve, Job, Quantity, Where};
use crate::array_queue::{checked, popping, pushing};
use crate::worker::{Job as Work, Slice, Tally, Worker};

pub(super) const CURVE: Curve = Curve {
    name: "participants",
    title: "throughput of messages of 64 bytes through one mpmc channel of 1024 slots, by how many processes share it; queue: crossbeam's ArrayQueue, between threads",
    axis: "processes",
    is_logarithmic: false,
    points: |quick| if quick { vec![1, 2, 4] } else { (1..=8).collect() },
    contests: 3,
    place: Where::Here(of_crowd),
    needs: None,
};

const CAPACITY: usize = 1024;
/// Messages of a slice: as many for each, however many there are of 1 to 8.
const COUNT: u64 = 840 * 24;
type Message = [u64; 8];

fn of_crowd(x: u64, run: &str) -> Vec<Contest> {
    [
        ("senders", x, 1, ["senders, one receiver", "queue, senders"]),
        ("receivers", 1, x, ["receivers, one sender", "queue, receivers"]),
        ("both", x, x, ["of each", "queue, of each"]),
    ]
    .map(|(name, senders, receivers, names)| contest(&format!("{run}-{name}"), (senders, receivers), names))
    .into()
}

fn contest(run: &str, (senders, receivers): (u64, u64), [title, yard]: [&'static str; 2]) -> Contest {
    let queue = Arc::new(ArrayQueue::<Message>::new(CAPACITY));
    let pushing = (0..senders).map(|_| Worker::thread(pushing(queue.clone())));
    let popping = (0..receivers).map(|_| Worker::thread(popping(queue.clone())));
    let threads = pushing.chain(popping).collect();
    // Holds the channel until all have come.
    let guest = channel(run).create_new().sender().expect("a new channel");
    let sides = [("sender", senders), ("receiver", receivers)];
    let tasks = sides.into_iter().flat_map(|(side, count)| (0..count).map(move |_| side));
    let processes = tasks.map(|side| Worker::process(&format!("{side} {run}"))).collect();
    let mut threads = Crowd { workers: threads, senders, receivers };
    let mut processes = Crowd { workers: processes, senders, receivers };
    processes.slice(COUNT / 24);
    drop(guest);
    let queue: Job = Box::new(move |count| threads.slice(count));
    let channel: Job = Box::new(move |count| processes.slice(count));
    Contest::new(Quantity::Throughput, COUNT, vec![(yard, queue), (title, channel)])
}

fn channel(run: &str) -> ringway::channel::Channel<Message, ringway::channel::Mpmc> {
    mpmc::channel(run).capacity(CAPACITY)
}

/// Senders, and then receivers.
struct Crowd {
    workers: Vec<Worker>,
    senders: u64,
    receivers: u64,
}

impl Crowd {
    /// So many messages in all, as many from each, and to each.
    fn slice(&mut self, count: u64) {
        let (sent, received) = (count / self.senders, count / self.receivers);
        for (at, worker) in self.workers.iter_mut().enumerate() {
            let count = if (at as u64) < self.senders { sent } else { received };
            worker.start(Slice { count, batches: false });
        }
        let found = self.workers.iter_mut().map(Worker::finish).fold(Tally::default(), Tally::and);
        let expected = (0..self.senders).map(|_| Tally::up_to(sent)).fold(Tally::default(), Tally::and);
        assert_eq!(found, expected, "messages were lost, or came twice");
    }
}

/// What a worker process does.
pub(crate) fn job(task: &str) -> Work {
    match task.split_once(' ').expect("two words") {
        ("sender", run) => {
            let mut tx = channel(run).sender().expect("a channel");
            Box::new(move |Slice { count, .. }| {
                (1..=count).for_each(|number| tx.send([number; 8]).expect("the receivers"));
                Tally::default()
            })
        }
        (_, run) => {
            let mut rx = channel(run).receiver().expect("a channel");
            Box::new(move |Slice { count, .. }| {
                let mut tally = Tally::default();
                (0..count).for_each(|_| tally.add(checked(&rx.recv().expect("the senders"))));
                tally
            })
        }
    }
}
