//! A receiver that sleeps, and a sender that wakes it.

use std::io;
use std::thread;
use std::time::Duration;

use ringway::{Message, RecvTimeoutError, spsc};

use crate::Result;
use crate::arguments::Talk;
use crate::usage::Usage;

/// Between two lines of one that sleeps, and between two messages.
const SECOND: Duration = Duration::from_secs(1);

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Line {
    number: u64,
    len: u64,
    text: [u8; 112],
}

impl Line {
    /// What is too long is cut off.
    fn of(number: u64, line: &str) -> Self {
        let mut text = [0; 112];
        let len = (0..=line.len().min(text.len())).rev().find(|len| line.is_char_boundary(*len)).unwrap_or(0);
        text[..len].copy_from_slice(&line.as_bytes()[..len]);
        Self { number, len: len as u64, text }
    }

    fn text(&self) -> String {
        let len = self.text.len().min(self.len as usize);
        String::from_utf8_lossy(&self.text[..len]).into_owned()
    }
}

fn channel(talk: &Talk) -> spsc::Channel<Line> {
    spsc::channel(&talk.name)
}

/// Prints what comes, and what the waiting costs.
pub(crate) fn recv(talk: &Talk) -> Result<()> {
    let mut receiver = channel(talk).receiver()?;
    println!("receiving from `{}`; Ctrl-C stops", talk.name);
    let usage = Usage::begin()?;
    let say = |what: &str| {
        let (time, cpu) = (usage.elapsed().as_secs_f64(), usage.cpu().as_secs_f64() * 1000.0);
        println!("{time:7.1} s, CPU {cpu:.1} ms, {:.1} %: {what}", usage.percent());
    };
    let (mut left, mut is_alone) = (talk.messages, false);
    while left > 0 {
        // Asleep, but for ten questions a second to the kernel, who lives.
        match receiver.recv_timeout(SECOND) {
            Ok(line) => {
                say(&format!("message {}: {}", line.number, line.text()));
                left -= 1;
            }
            Err(RecvTimeoutError::Timeout) => say("nothing came"),
            Err(RecvTimeoutError::Disconnected(departure)) => {
                let what = format!("the sender {departure}; waiting for the next one");
                say(if is_alone { "no sender" } else { &what });
                is_alone = true;
                // Whether it comes or not: one that has left again may have sent something.
                receiver.wait_for_peer(SECOND);
                continue;
            }
            Err(error) => return Err(error.into()),
        }
        is_alone = false;
    }
    Ok(())
}

/// Sends a message per second, or per line.
pub(crate) fn send(talk: &Talk) -> Result<()> {
    let mut sender = channel(talk).sender()?;
    println!("sending to `{}`; Ctrl-C stops", talk.name);
    // Whoever is the last one out takes the messages along.
    if !sender.wait_for_peer(Duration::ZERO) {
        println!("asleep until somebody receives");
        while !sender.wait_for_peer(Duration::MAX) {}
    }
    let mut send = |text: &str| -> Result<()> {
        let number = sender.position();
        println!("message {number}: {text}");
        Ok(sender.send(Line::of(number, text))?)
    };
    let most = usize::try_from(talk.messages).unwrap_or(usize::MAX);
    if talk.lines {
        return io::stdin().lines().take(most).try_for_each(|line| send(&line?));
    }
    for count in 0..most {
        if count > 0 {
            thread::sleep(SECOND);
        }
        send("wake up")?;
    }
    Ok(())
}
