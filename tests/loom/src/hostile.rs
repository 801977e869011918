//! Stamps that somebody changes who must not.

use loom::sync::Arc;
use loom::sync::atomic::Ordering::SeqCst;
use loom::thread;
use ringway::protocol::lone::LoneReceiver;
use ringway::protocol::ring::Rules;
use ringway::protocol::shared::{SharedReceiver, SharedSender};
use ringway::protocol::side::RecvSide;
use ringway::protocol::stamp::{free, full, skip};

use crate::ends::Sender;
use crate::explore_within;
use crate::many::{MPMC, MPSC, Many};

/// A message, a gap and a message are claimed, and behind them lies the message of somebody else.
fn stays_within_its_claim<R: RecvSide>(rules: Rules) {
    for (slot, lie) in [(0, skip(0)), (1, full(0)), (2, skip(0))] {
        explore_within(3, &format!("a lie in slot {slot}"), move || {
            let many = Many::new(4, (1, 1), rules);
            let mut tx = Sender::<SharedSender>::join(&many, 10).expect("a record");
            tx.try_send(&[1]).expect("room");
            tx.abandon(1).expect("room");
            tx.try_send(&[2, 3]).expect("room");
            let (other, ring) = (Arc::clone(&many), many.ring());
            let liar = thread::spawn(move || other.ring().stamps.get(slot).store(lie, SeqCst));
            let mut rx = R::resume(&ring, 0).expect("an undamaged ring");
            let ready = rx.poll(&ring, 3).expect("messages");
            for _ in 0..ready {
                assert!(rx.position() < 3, "it reads what it has not claimed");
                rx.take(&ring);
            }
            liar.join().unwrap();
            rx.release(&ring);
            let stamps = [0, 1, 2, 3].map(|slot| ring.stamps.get(slot).load(SeqCst));
            assert_eq!(
                stamps,
                [free(1), free(1), free(1), full(0)],
                "what it claimed is given back, and nothing else"
            );
        });
    }
}

#[test]
fn a_stamp_that_changes_after_the_claim_leads_no_receiver_out_of_it() {
    stays_within_its_claim::<SharedReceiver>(MPMC);
    stays_within_its_claim::<LoneReceiver>(MPSC);
}
