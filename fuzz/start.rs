//! How large a ring is, and from which position on it is used.

use super::input::Input;

/// What a ring begins as.
#[derive(Clone, Copy)]
pub(crate) struct Start {
    pub(crate) capacity: usize,
    /// So many positions are left to it; `None`: all that there are.
    pub(crate) left: Option<u64>,
}

impl Start {
    /// Most are small and begin at 0.
    pub(crate) fn of(input: &mut Input<'_>) -> Self {
        const LARGE: [usize; 6] = [16, 17, 255, 256, 257, 8192];
        let byte = input.byte();
        let number = usize::from(byte);
        let capacity = if byte < 192 { 1 + number % 9 } else { LARGE[number % 6] };
        let left = (128..224).contains(&byte).then(|| match input.byte() {
            few @ 0..200 => few.into(),
            laps => u64::from(laps - 200) * capacity as u64,
        });
        Self { capacity, left }
    }

    /// The first position.
    pub(crate) fn position(self) -> u64 {
        self.left.map_or(0, |left| end(self.capacity as u64) - left)
    }
}

/// The first position that a ring of this capacity never uses.
fn end(capacity: u64) -> u64 {
    if capacity <= 16 { capacity * ((1 << 52) - 1) } else { 1 << 56 }
}
