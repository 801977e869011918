//! Looks again when others were faster, and not for ever.

use crate::protocol::ring::{Blocked, Position};

/// What a look at the next slot came to.
pub(super) enum Look {
    /// Another participant was faster: look again from here.
    Again(Position),
    /// Nothing can be done now.
    Blocked(Blocked),
}

/// So often a participant looks again because a word has changed. Each time one that follows the protocol was faster, so that
/// to lose all of these races takes a crowd that does nothing else and more bad luck than there is.
pub(super) const MOST_LOOKS: u32 = 1 << 16;

/// Looks from `position`, and again from where the others are by then, until there is an answer.
///
/// # Errors
///
/// What the look says, and `Contended` after [`MOST_LOOKS`].
#[inline]
pub(super) fn race<T>(
    mut position: Position,
    mut look: impl FnMut(Position) -> Result<T, Look>,
) -> Result<T, Blocked> {
    for _ in 0..MOST_LOOKS {
        match look(position) {
            Ok(answer) => return Ok(answer),
            Err(Look::Again(now)) => position = now,
            Err(Look::Blocked(blocked)) => return Err(blocked),
        }
    }
    Err(Blocked::Contended)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_race_is_run_from_where_the_others_are_and_is_given_up_after_many_that_were_lost() {
        let mut seen = Vec::new();
        let answer = race(7, |position| {
            seen.push(position);
            if position < 10 { Err(Look::Again(position + 1)) } else { Ok("won") }
        });
        assert_eq!((answer, seen), (Ok("won"), vec![7, 8, 9, 10]));

        let mut looks = 0;
        let answer = race(0, |position| {
            looks += 1;
            Err::<(), _>(Look::Again(position + 1))
        });
        assert_eq!((answer, looks), (Err(Blocked::Contended), MOST_LOOKS));
    }
}
