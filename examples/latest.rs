//! Stores a value in a cell every tenth of a second, for readers in any language: `examples/c/latest.c`,
//! `examples/python/latest.py`.
//!
//! `cargo run --release --example latest`

use std::time::{Duration, Instant};

use ringway::{Message, seqlock};

#[derive(Message, Clone, Copy, Debug)]
#[repr(C)]
struct Tick {
    number: u64,
    seconds: f64,
}

fn main() -> Result<(), ringway::Error> {
    let mut writer = seqlock::cell::<Tick>("latest").writer()?;
    println!("storing, from value {} on; Ctrl-C stops", writer.version() + 1);
    let start = Instant::now();
    loop {
        writer.store(Tick { number: writer.version() + 1, seconds: start.elapsed().as_secs_f64() });
        std::thread::sleep(Duration::from_millis(100));
    }
}
