//! One half of a pair: sends a message every second. Start `recv` in another terminal, before or after.
//!
//! `cargo run --release --example send`

use std::time::{Duration, Instant};

use ringway::{Message, spsc};

#[derive(Message, Clone, Copy, Debug)]
#[repr(C)]
struct Tick {
    number: u64,
    seconds: f64,
}

fn main() -> Result<(), ringway::Error> {
    let mut sender = spsc::channel::<Tick>("ticks").sender()?;
    println!("sending, from message {} on; Ctrl-C stops", sender.position());
    let start = Instant::now();
    loop {
        let tick = Tick { number: sender.position(), seconds: start.elapsed().as_secs_f64() };
        match sender.send(tick) {
            Ok(()) => println!("sent {tick:?}, {} wait", sender.len()),
            Err(error) => println!("not sent: {error}"),
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}
