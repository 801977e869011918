//! Places that were given up, as a receiver comes to them.

use super::{MPSC, Memory};
use crate::protocol::lone::LoneReceiver;
use crate::protocol::shared::SharedSender;
use crate::protocol::side::{RecvSide, SendSide};

/// Three slots, of which one is given up in each lap.
#[test]
fn each_lap_is_told_to_a_sole_receiver_wherever_a_gap_lies_in_it() {
    for gap in 0..3 {
        for batch in 1..=3 {
            let memory = Memory::new(3, MPSC);
            let ring = memory.ring();
            let mut sender = SharedSender::resume(&ring, 0).expect("undamaged");
            let mut receiver = LoneReceiver::resume(&ring, 0).expect("undamaged");
            let mut laps = 0;
            for position in 0..30 {
                assert_eq!(sender.claim(&ring, 1), Ok(1));
                if position % 3 == gap {
                    sender.abandon(&ring);
                } else {
                    sender.fill(&ring);
                    sender.commit(&ring);
                }
                // A batch is taken at once.
                if position % 3 == 2 {
                    while let Ok(ready) = receiver.poll(&ring, batch) {
                        laps += (0..ready).filter(|_| receiver.take(&ring)).count();
                        receiver.release(&ring);
                    }
                }
            }
            // The last one may begin behind a gap, and is told with the message that comes next.
            assert!((9..=10).contains(&laps), "{laps} laps of 10, the gap at {gap}, batches of {batch}");
        }
    }
}
