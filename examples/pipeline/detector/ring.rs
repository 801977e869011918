//! The latest values of a signal, and their sum.

/// The latest values of a signal, newest first; those before the first are 0.
pub(super) struct Ring {
    values: Box<[i64]>,
    next: usize,
}

impl Ring {
    pub(super) fn new(len: usize) -> Self {
        Self { values: vec![0; len].into(), next: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Puts a value in the place of the oldest, which it returns.
    #[inline]
    pub(super) fn push(&mut self, value: i64) -> i64 {
        let oldest = std::mem::replace(&mut self.values[self.next], value);
        // A remainder would cost as much as all the rest.
        self.next = if self.next + 1 == self.len() { 0 } else { self.next + 1 };
        oldest
    }

    /// The value `age` pushes before the newest.
    #[inline]
    pub(super) fn back(&self, age: usize) -> i64 {
        let before = self.next.checked_sub(age + 1);
        self.values[before.unwrap_or_else(|| self.next + self.len() - (age + 1))]
    }

    /// Age and value of the greatest magnitude among the ages `from..=from + span`; the newest if
    /// there are several.
    pub(super) fn extremum(&self, from: usize, span: usize) -> (usize, i64) {
        let ages = (from..=from + span).map(|age| (age, self.back(age)));
        ages.rev().max_by_key(|(_, value)| value.abs()).unwrap_or((from, 0))
    }
}

/// The sum of the latest values. On integers it never drifts.
pub(super) struct Sum {
    ring: Ring,
    sum: i64,
}

impl Sum {
    pub(super) fn over(len: usize) -> Self {
        Self { ring: Ring::new(len), sum: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.ring.len()
    }

    /// The value `age` pushes before the newest.
    #[inline]
    pub(super) fn back(&self, age: usize) -> i64 {
        self.ring.back(age)
    }

    /// Takes a value, and gives the sum.
    #[inline]
    pub(super) fn push(&mut self, value: i64) -> i64 {
        self.sum += value - self.ring.push(value);
        self.sum
    }
}
