//! What does it cost to create and map 64 MiB of committed memory, beside the bare system calls?
//!
//! Both are done by turns, and each turn gives a ratio; the median of the ratios counts. `--pairs` says how many.
#![allow(unsafe_code, reason = "the yardstick maps a file by hand")]
#![cfg(not(loom))]

#[path = "support/progress.rs"]
mod progress;

use std::path::Path;
use std::time::{Duration, Instant};

use progress::Progress;
use ringway::map::MapOptions;
use rustix::fs::{CWD, FallocateFlags, Mode, OFlags};
use rustix::mm::{MapFlags, ProtFlags};

const LEN: u64 = 64 << 20;
const PAIRS: usize = 40;

/// A map under a name and a view of all of it; the same without a name.
fn ours(named: bool) -> Duration {
    let name = format!("bench-mapping-{}", std::process::id());
    let began = Instant::now();
    let options = MapOptions::new().capacity(LEN);
    let map = if named { options.create_new(&name) } else { options.anonymous() }.expect("there is memory");
    let view = map.accessor().expect("all of it");
    let took = began.elapsed();
    assert_eq!(view.len(), LEN);
    took
}

/// An unnamed file, its memory, its mapping.
fn bare() -> Duration {
    let began = Instant::now();
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file =
        rustix::fs::openat(CWD, Path::new("/dev/shm"), flags, Mode::RUSR | Mode::WUSR).expect("a tmpfs");
    rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, LEN).expect("there is memory");
    let prot = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new mapping touches nothing that is there.
    let start =
        unsafe { rustix::mm::mmap(std::ptr::null_mut(), LEN as usize, prot, MapFlags::SHARED, &file, 0) };
    let took = began.elapsed();
    // SAFETY: mapped above, and nobody has a pointer into it.
    unsafe { rustix::mm::munmap(start.expect("mapped"), LEN as usize) }.expect("it was mapped");
    took
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let mut pairs = PAIRS;
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next().expect("arguments") {
        match argument {
            lexopt::Arg::Long("pairs") => {
                let value = arguments.value().expect("a number");
                pairs = value.to_str().and_then(|value| value.parse().ok()).expect("a number");
            }
            lexopt::Arg::Long("bench") => {}
            _ => return println!("cargo bench --bench mapping -- [--pairs N]"),
        }
    }
    let map = MapOptions::new().capacity(LEN).anonymous().expect("there is memory");
    map.accessor().expect("all").write(LEN - 8, &7_u64).expect("within");
    assert_eq!(map.accessor().expect("all").read::<u64>(LEN - 8), Ok(7), "a round trip first");
    drop(map);
    let milliseconds = |took: Duration| took.as_secs_f64() * 1e3;
    let progress = Progress::new(2 * pairs);
    for (what, named) in [("named", true), ("anonymous", false)] {
        let (mut figures, mut yards, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for pair in 0..pairs {
            // Which one comes first changes, so that neither always meets a warm cache.
            let (figure, yard) = match pair % 2 {
                0 => {
                    let figure = ours(named);
                    (figure, bare())
                }
                _ => {
                    let yard = bare();
                    (ours(named), yard)
                }
            };
            figures.push(milliseconds(figure));
            yards.push(milliseconds(yard));
            ratios.push(figure.as_secs_f64() / yard.as_secs_f64());
            progress.step();
        }
        progress.aside(|| {
            println!(
                "{what}: {:.2} ms, bare system calls {:.2} ms, ratio {:.3} (median of {pairs} pairs)",
                median(figures),
                median(yards),
                median(ratios)
            );
        });
    }
}
