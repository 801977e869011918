//! How many messages a channel holds.

use ringway::{Wait, spsc};

use super::raw::{Memory, Ring, Shape};
use super::{Contest, Curve, Job, Part, Quantity, Where, powers};

pub(super) const CURVE: Curve = Curve {
    name: "capacity",
    title: "throughput of messages of 64 bytes between two processes, by the capacity of the channel",
    axis: "messages",
    is_logarithmic: true,
    points: |quick| if quick { powers(32, 2, 1 << 20) } else { powers(2, 2, 1 << 20) },
    contests: 1,
    place: Where::TwoProcesses(of_capacity),
    needs: None,
};

const COUNT: u64 = 20_000;
/// Those that wait for each other at nearly every message.
const FEW: u64 = 4_000;
type Message = [u64; 8];

#[inline]
fn check(message: &Message, number: u64) {
    let sum = message.iter().fold(0_u64, |sum, word| sum.wrapping_add(*word));
    assert_eq!(sum, number.wrapping_mul(8), "a message was lost or torn");
}

fn of_capacity(capacity: u64, run: &str, part: Part) -> Vec<Contest> {
    let batch = (capacity / 2).clamp(1, 32);
    let shape = Shape { at: 0, words: 8, capacity, batch };
    let bare = Ring::new(&Memory::of(&format!("{run}-raw"), shape.bytes()), shape).job(part);
    let open = |name: &str| {
        spsc::channel::<Message>(&format!("{run}-{name}")).capacity(capacity as usize).wait(Wait::Spin)
    };
    let count = if capacity < 32 { FEW } else { COUNT };
    let (single, batches) = match part {
        Part::Parent => {
            let tx = |name| open(name).sender().expect("a channel");
            (sending(tx("single")), sending_batches(tx("batches"), batch as usize))
        }
        Part::Child => {
            let rx = |name| open(name).receiver().expect("a channel");
            (receiving(rx("single")), receiving_batches(rx("batches"), batch as usize))
        }
    };
    // Once round before it is measured, so that there is memory behind every slot.
    let warm = count.max(capacity.next_multiple_of(32));
    let entries = vec![("bare ring", bare), ("one at a time", single), ("batches, up to 32", batches)];
    vec![Contest { warm, ..Contest::new(Quantity::Throughput, count, entries) }]
}

fn sending(mut tx: spsc::Sender<Message>) -> Job {
    Box::new(move |count| {
        let last = tx.position();
        (last + 1..=last + count).for_each(|number| tx.send([number; 8]).expect("the other process"));
    })
}

fn receiving(mut rx: spsc::Receiver<Message>) -> Job {
    Box::new(move |count| {
        let last = rx.position();
        (last + 1..=last + count).for_each(|number| check(&rx.recv().expect("the other process"), number));
    })
}

fn sending_batches(mut tx: spsc::Sender<Message>, size: usize) -> Job {
    let mut batch = Vec::with_capacity(size);
    Box::new(move |count| {
        let end = tx.position() + count;
        for first in (tx.position() + 1..=end).step_by(size) {
            batch.clear();
            batch.extend((first..=end.min(first + size as u64 - 1)).map(|number| [number; 8]));
            tx.send_batch(&batch).expect("the other process");
        }
    })
}

fn receiving_batches(mut rx: spsc::Receiver<Message>, size: usize) -> Job {
    let mut batch = Vec::with_capacity(size);
    Box::new(move |count| {
        let end = rx.position() + count;
        while rx.position() < end {
            let first = rx.position() + 1;
            batch.clear();
            rx.recv_batch(&mut batch, size).expect("the other process");
            (first..).zip(&batch).for_each(|(number, message)| check(message, number));
        }
    })
}
