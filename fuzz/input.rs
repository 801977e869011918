//! The fuzzer's bytes, taken by parts.

/// What is left of an input; zeros at its end.
pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub(crate) fn number(&mut self) -> u64 {
        u64::from(self.byte()) << 8 | u64::from(self.byte())
    }

    pub(crate) fn word(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// Below `count`, which is at most 256.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count
    }

    /// Up to so many bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Small numbers, numbers around pages and the end, and absurd ones.
    pub(crate) fn position(&mut self, len: u64) -> u64 {
        match self.byte() % 8 {
            0 => len.saturating_sub(u64::from(self.byte() % 16)),
            1 => len.saturating_add(u64::from(self.byte() % 16)),
            2 => u64::MAX - u64::from(self.byte()),
            3 => 4096_u64.saturating_sub(u64::from(self.byte() % 16)),
            _ => self.number() % (len + 1),
        }
    }
}
