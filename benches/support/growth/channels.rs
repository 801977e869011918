//! How many channels one thread serves.

use std::fs;
use std::time::Instant;

use ringway::channel::{Channel, Spsc};
use ringway::map::Namespace;
use ringway::{Wait, spsc};

use super::raw::{Memory, Ring, Shape};
use super::{Contest, Curve, Job, Needs, Part, Place, Quantity, Where};

pub(super) const CURVE: Curve = Curve {
    name: "channels",
    title: "messages of 64 bytes between two processes, one thread each, in turn through so many channels of 16 slots",
    axis: "channels",
    is_logarithmic: true,
    points: |quick| {
        if quick { vec![1, 100, 1000] } else { vec![1, 3, 10, 30, 100, 300, 1000, 3000, 10_000] }
    },
    contests: 1,
    place: Where::TwoProcesses(through),
    needs: Some(needs),
};

/// Messages of a slice, or one for each channel, if that is more.
const COUNT: u64 = 20_000;
const CAPACITY: usize = 16;
type Message = [u64; 8];

fn channel(namespace: &Namespace, number: u64) -> Channel<Message, Spsc> {
    spsc::channel(&format!("channel-{number}"))
        .namespace(namespace.clone())
        .capacity(CAPACITY)
        .wait(Wait::Spin)
}

/// What the directory of a point is kept by: the parent, for longer than the channels.
struct Kept<T> {
    all: Vec<T>,
    _place: Option<Place>,
}

fn through(channels: u64, run: &str, part: Part) -> Vec<Contest> {
    let count = COUNT.next_multiple_of(channels);
    let shape = Shape { at: 0, words: 8, capacity: CAPACITY as u64, batch: 1 };
    let distance = shape.bytes().next_multiple_of(128);
    let memory = Memory::of(&format!("{run}-raw"), distance * channels);
    let ring = |number| Ring::new(&memory, Shape { at: number * distance, ..shape });
    let mut all: Vec<_> = (0..channels).map(ring).collect();
    let bare: Job = Box::new(move |count| {
        for _ in 0..count / all.len() as u64 {
            for ring in &mut all {
                match part {
                    Part::Parent => ring.send(1),
                    Part::Child => ring.recv(1),
                }
            }
        }
    });
    // Both make it, since either may come first; the parent removes it.
    let place = Place::create(run);
    let namespace = Place::of(run);
    let open = |number| channel(&namespace, number);
    let rings: Job = match part {
        Part::Parent => {
            let all = (0..channels).map(|number| open(number).sender().expect("a channel"));
            let mut kept = Kept { all: all.collect(), _place: Some(place) };
            Box::new(move |count| {
                let kept = &mut kept;
                for _ in 0..count / kept.all.len() as u64 {
                    for tx in &mut kept.all {
                        tx.send([tx.position() + 1; 8]).expect("the other process");
                    }
                }
            })
        }
        Part::Child => {
            std::mem::forget(place);
            let all = (0..channels).map(|number| open(number).receiver().expect("a channel"));
            let mut kept = Kept { all: all.collect(), _place: None };
            Box::new(move |count| {
                let kept = &mut kept;
                for _ in 0..count / kept.all.len() as u64 {
                    for rx in &mut kept.all {
                        let message = rx.recv().expect("the other process");
                        assert_eq!(message, [rx.position(); 8], "a message was lost or torn");
                    }
                }
            })
        }
    };
    vec![Contest::new(Quantity::Cost, count, vec![("bare rings", bare), ("one at a time", rings)])]
}

/// What this process has: descriptors, mappings, and resident kilobytes.
fn held() -> [f64; 3] {
    let descriptors = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let mappings = fs::read_to_string("/proc/self/maps").map_or(0, |maps| maps.lines().count());
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident = resident.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0.0);
    [descriptors as f64, mappings as f64, resident]
}

/// Opens one end of each, and looks what that took.
fn needs(channels: u64, run: &str) -> Result<Option<Needs>, (u64, String)> {
    let place = Place::create(run);
    let namespace = Place::of(run);
    // The first one of a process has things to set up that the others find.
    drop(channel(&namespace, 0).sender().map_err(|error| (0, error.to_string()))?);
    let (before, start) = (held(), Instant::now());
    let mut all = Vec::with_capacity(channels as usize);
    for number in 0..channels {
        match channel(&namespace, number).sender() {
            Ok(tx) => all.push(tx),
            Err(error) => return Err((number, error.to_string())),
        }
    }
    let opening = start.elapsed().as_secs_f64() * 1e6 / channels as f64;
    let after = held();
    let [descriptors, mappings, resident] =
        std::array::from_fn(|at| (after[at] - before[at]) / channels as f64);
    let file = fs::metadata(place.0.join("channel-0")).map_or(f64::NAN, |file| file.len() as f64 / 1024.0);
    drop(all);
    Ok(Some(Needs { x: channels, descriptors, mappings, resident, file, opening }))
}
