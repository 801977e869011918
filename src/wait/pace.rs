//! Holding off before the first look of a wait.

/// How long a side holds off before it looks again, so that it does not tear the line with the news from a
/// peer that is about to write it once more.
///
/// In a stream, a receiver that has caught up costs the sender one transfer of the line for each message;
/// if it holds off for a moment, one transfer brings several. In a dialogue it would only be late. The two
/// are told apart by what passed since the last wait: one message in a dialogue, more in a stream.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    pauses: u32,
    waited_at: u64,
}

/// Holding off grows to so many pauses (25 to 45 ns each): about a microsecond. Half of it leaves a stream of 64-byte
/// messages at two thirds of its speed, twice as much slows down a dialogue in batches.
const MOST_PAUSES: u32 = 32;
/// A ring smaller than this is full or empty before holding off can pay.
const SMALL: u32 = 64;

impl Pace {
    /// Holds off before the first look of a wait of a side that is at `position`.
    pub(crate) fn hold(&mut self, position: u64, capacity: u32) {
        let passed = position.wrapping_sub(self.waited_at);
        self.waited_at = position;
        self.pauses = if passed > 1 { (self.pauses * 2 + 1).min(MOST_PAUSES) } else { self.pauses / 2 };
        if capacity >= SMALL {
            (0..self.pauses).for_each(|_| std::hint::spin_loop());
        }
    }
}
