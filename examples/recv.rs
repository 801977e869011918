//! The other half: prints what `send` sends. Kill either of them at any time and start it again.
//!
//! `cargo run --release --example recv`

use std::time::Duration;

use ringway::{Message, RecvTimeoutError, spsc};

#[derive(Message, Clone, Copy, Debug)]
#[repr(C)]
struct Tick {
    number: u64,
    seconds: f64,
}

fn main() -> Result<(), ringway::Error> {
    let mut receiver = spsc::channel::<Tick>("ticks").receiver()?;
    println!("receiving, from message {} on; Ctrl-C stops", receiver.position());
    loop {
        match receiver.recv_timeout(Duration::from_secs(3)) {
            Ok(tick) => println!("{tick:?}"),
            Err(RecvTimeoutError::Disconnected(departure)) => {
                println!("the sender {departure}; waiting for the next one");
                while !receiver.wait_for_peer(Duration::from_secs(3600)) {}
            }
            Err(error) => println!("{error}"),
        }
    }
}
