//! How many segments there are in a namespace.
#![allow(unsafe_code, reason = "maps a bare file")]

use std::fs::{self, File};
use std::ptr;
use std::rc::Rc;

use ringway::map::Namespace;
use ringway::spsc;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use super::{Contest, Curve, Job, Needs, Place, Quantity, Where};

pub(super) const CURVE: Curve = Curve {
    name: "open",
    title: "opening a channel of 16 messages of 64 bytes, by the segments that are in its namespace",
    axis: "segments",
    is_logarithmic: true,
    points: |quick| {
        if quick { vec![1, 100, 1000] } else { vec![1, 3, 10, 30, 100, 300, 1000, 3000, 10_000] }
    },
    contests: 1,
    place: Where::Here(among),
    needs: Some(can_be),
};

/// Operations of a slice.
const COUNT: u64 = 20;
/// Bytes of a bare file: of one such channel, more or less.
const BYTES: usize = 8192;

fn open(namespace: &Namespace, name: &str) -> ringway::channel::Channel<[u64; 8], ringway::channel::Spsc> {
    spsc::channel(name).namespace(namespace.clone()).capacity(16)
}

/// Channels that are there, in their directory.
struct Others {
    channels: Vec<spsc::Sender<[u64; 8]>>,
    /// Removed after them.
    place: Place,
}

fn others(segments: u64, run: &str) -> Result<Others, (u64, String)> {
    let mut others = Others { channels: Vec::new(), place: Place::create(run) };
    let namespace = Place::of(run);
    for number in 0..segments {
        match open(&namespace, &format!("segment-{number}")).sender() {
            Ok(tx) => others.channels.push(tx),
            Err(error) => return Err((number, error.to_string())),
        }
    }
    Ok(others)
}

/// Whether there can be so many; what they need the curve of channels tells.
fn can_be(segments: u64, run: &str) -> Result<Option<Needs>, (u64, String)> {
    others(segments, run).map(|_| None)
}

fn among(segments: u64, run: &str) -> Vec<Contest> {
    let others = Rc::new(others(segments, run).expect("there were as many before"));
    let namespace = Place::of(run);
    let file = others.place.0.join("bare");
    // Every job keeps them.
    let (kept, of_creation) = (others.clone(), namespace.clone());
    let bare: Job = Box::new(move |count| {
        assert_eq!(kept.channels.len() as u64, segments);
        (0..count).for_each(|_| bare_file(&file));
    });
    let create: Job = Box::new(move |count| {
        for _ in 0..count {
            drop(open(&of_creation, "new").create_new().sender().expect("a new channel"));
        }
    });
    let attach: Job = Box::new(move |count| {
        for _ in 0..count {
            drop(open(&namespace, "segment-0").open_existing().receiver().expect("the channel"));
        }
    });
    let entries =
        vec![("bare file, mapped", bare), ("create and leave", create), ("attach and leave", attach)];
    vec![Contest::new(Quantity::Cost, COUNT, entries)]
}

/// Creates a file, maps it, writes to it, and removes it.
fn bare_file(path: &std::path::Path) {
    let file = File::options().read(true).write(true).create_new(true).open(path).expect("a new file");
    file.set_len(BYTES as u64).expect("room");
    // SAFETY: a new mapping, of a file that has so many bytes.
    let memory = unsafe {
        mmap(ptr::null_mut(), BYTES, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, &file, 0)
    };
    let memory = memory.expect("a mapping").cast::<u8>();
    for page in (0..BYTES).step_by(4096) {
        // SAFETY: inside the mapping, that nobody else has.
        unsafe { memory.wrapping_add(page).write_volatile(1) };
    }
    // SAFETY: the mapping of above, that nobody uses any more.
    unsafe { munmap(memory.cast(), BYTES) }.expect("unmapped");
    fs::remove_file(path).expect("removed");
}
