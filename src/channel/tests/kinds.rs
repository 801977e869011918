//! Channels with shared sides whose bytes are not what they should be, and whose ends are inherited by a fork.

use std::fs::{File, OpenOptions};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::corrupt::Random;
use super::damage::{HEADER, PAGE, assert_helpful};
use super::{DIR, NAME};
use crate::channel::{Channel, Kind, Mpmc, Mpsc, Receiver, Sender, Spmc, Spsc};
use crate::map::{ByteLock, MapOptions, Namespace, in_a_child_with_pid_one};
use crate::testing::{Child, Role, TempNamespace, can_run, skipped, watched};
use crate::{Error, Message, TryRecvError};

fn channel<M: Message, K: Kind>(dir: &Path) -> Channel<M, K> {
    let channel = Channel::new(NAME).namespace(Namespace::Dir(dir.to_owned()));
    channel.liveness_interval(Duration::from_millis(1))
}

fn file(space: &TempNamespace) -> File {
    OpenOptions::new().read(true).write(true).open(space.path().join(NAME)).expect("it is there")
}

/// Puts a number into the header, with a checksum that is right.
fn forge(file: &File, whole: &[u8; HEADER as usize], at: usize, value: u32) {
    let mut forged = *whole;
    forged[at..][..4].copy_from_slice(&value.to_le_bytes());
    let mut summed = forged;
    summed[16..32].fill(0);
    forged[24..32].copy_from_slice(&crate::fnv::fnv1a_64(&summed).to_le_bytes());
    file.write_all_at(&forged, PAGE).expect("within the file");
}

#[test]
fn counts_and_choices_that_no_channel_has_are_refused_before_anything_is_computed_from_them() {
    const SENDERS: usize = 48;
    const RECEIVERS: usize = 52;
    const ON_DEATH: usize = 152;
    fn check<K: Kind>() {
        let space = TempNamespace::new();
        let open = || channel::<u64, K>(space.path()).capacity(3);
        let (tx, file) = (open().sender().expect("the name is free"), file(&space));
        let mut whole = [0; HEADER as usize];
        file.read_exact_at(&mut whole, PAGE).expect("within the file");
        let most = |shared| if shared { "1 to 254" } else { "1" };
        let parts = [
            (SENDERS, "senders", most(K::SHARED_SENDERS), &[0, 255, 256, 1 << 31, u32::MAX][..]),
            (RECEIVERS, "receivers", most(K::SHARED_RECEIVERS), &[0, 255, 256, 1 << 31, u32::MAX]),
            // Right by themselves, and not what the rest of the header was computed from.
            (SENDERS, "", "", &[2, 33, 254]),
            (RECEIVERS, "", "", &[2, 33, 254]),
            (ON_DEATH, "choice on a receiver's death", "0 or 1", &[2, 256, u32::MAX]),
        ];
        for (at, wanted, allowed, values) in parts {
            for &value in values {
                forge(&file, &whole, at, value);
                let error = open().open_existing().receiver().expect_err("forged");
                assert_helpful(&error);
                let Error::Damaged { part, found, expected, .. } = &error else { panic!("{error}") };
                if K::NAME != "spsc" && !wanted.is_empty() {
                    assert_eq!((*part, expected.as_str(), found), (wanted, allowed, &value.to_string()));
                }
            }
        }
        let discard = {
            forge(&file, &whole, ON_DEATH, 1);
            open().open_existing().receiver()
        };
        assert_eq!(discard.is_ok(), K::NAME != "spsc", "a choice of every kind but spsc");
        file.write_all_at(&whole, PAGE).expect("within the file");
        drop((discard, tx));
        space.assert_empty();
    }
    check::<Spsc>();
    check::<Mpsc>();
    check::<Spmc>();
    check::<Mpmc>();
}

/// Comes to whatever is there, on both sides, and uses it; every call has to end.
fn use_it<K: Kind>(open: impl Fn() -> Channel<u64, K>, capacity: usize) -> usize {
    let mut came = 0;
    let (tx, rx) = (open().sender(), open().receiver());
    for error in [tx.as_ref().err(), rx.as_ref().err()].into_iter().flatten() {
        assert!(error.to_string().contains('`'), "{error}");
    }
    if let Ok(mut tx) = tx {
        came += 1;
        let _ = (tx.len(), tx.is_full(), tx.is_empty(), tx.wait_for_peer(Duration::ZERO));
        for number in 0..=capacity as u64 {
            let _ = tx.try_send(number);
        }
        let _ = tx.try_send_batch(&[0, 1]);
        let _ = tx.send_timeout(2, Duration::ZERO);
        let _ = tx.try_loan().map(drop);
    }
    if let Ok(mut rx) = rx {
        came += 1;
        let _ = (rx.len(), rx.is_full(), rx.is_empty(), rx.wait_for_peer(Duration::ZERO));
        for _ in 0..=capacity {
            let _ = rx.try_recv();
        }
        let _ = rx.recv_timeout(Duration::ZERO);
        let _ = rx.try_recv_batch(&mut Vec::new(), usize::MAX);
        let _ = rx.try_lease().map(|lease| lease.redelivered());
    }
    came
}

#[test]
fn whatever_is_written_over_roster_control_lines_and_stamps_nobody_panics_or_hangs() {
    fn check<K: Kind>() {
        let mut random = Random(0x2545_f491_4f6c_dd1d);
        let mut came = 0;
        for capacity in [1, 3] {
            let space = TempNamespace::new();
            let open = || channel::<u64, K>(space.path()).capacity(capacity);
            let (mut tx, mut rx) = (open().sender().expect("free"), open().receiver().expect("free"));
            for number in 0..5 {
                tx.send(number).expect("there is room");
                assert_eq!(rx.recv(), Ok(number));
            }
            tx.send(5).expect("there is room");
            let map = MapOptions::new().namespace(space.namespace()).open(NAME).expect("it is there");
            drop((tx, rx));
            let file = file(&space);
            let mut whole = vec![0; map.capacity() as usize];
            file.read_exact_at(&mut whole, PAGE).expect("within the file");
            let number = |at: usize| u64::from_le_bytes(whole[at..][..8].try_into().expect("8 bytes"));
            let (roster, control) = (number(112), number(120));
            for _ in 0..400 {
                for _ in 0..=random.below(4) {
                    // A record among the first of either side, or what lies behind the roster.
                    let at = match random.below(3) {
                        0 => roster + random.below(3) * 128 + random.below(5) * 8,
                        1 => control - (1 + random.below(32)) * 128 + random.below(5) * 8,
                        _ => control + random.below((map.capacity() - control) / 8) * 8,
                    };
                    file.write_all_at(&random.word().to_le_bytes(), PAGE + at).expect("written");
                }
                came += use_it::<K>(|| open().open_existing(), capacity);
                file.write_all_at(&whole, PAGE).expect("written");
            }
            let (mut tx, mut rx) = (open().sender().expect("free"), open().receiver().expect("free"));
            assert_eq!(rx.recv(), Ok(5));
            tx.send(6).expect("there is room");
            assert_eq!(rx.recv(), Ok(6));
            drop((tx, rx, map));
            space.assert_empty();
        }
        assert!(came > 400, "only {came} of them came in: the test tests nothing");
    }
    watched(check::<Mpsc>);
    watched(check::<Spmc>);
    watched(check::<Mpmc>);
}

#[test]
fn role_twins() {
    let Some(mut role) = Role::play() else { return };
    let dir = std::path::PathBuf::from(role.var(DIR));
    let tx: Sender<u64, Mpmc> = channel(&dir).sender().expect("the name is free");
    let rx: Receiver<u64, Mpmc> = channel(&dir).receiver().expect("there is room");
    let mut ends = Some((tx.clone(), tx, rx.clone(), rx));
    // What is left of claims is nothing to the child.
    if let Some((tx, _, rx, _)) = &mut ends {
        tx.send(1).expect("there is room");
        std::mem::forget(tx.loan().expect("there is room"));
        std::mem::forget(rx.lease().expect("a message"));
    }
    let status = in_a_child_with_pid_one(|| drop(ends.take()));
    let Some(status) = status else { return role.say("cannot") };
    assert_eq!(status, 0, "the child must not touch what it has not got");
    let (mut tx, mut other, mut rx, mut another) = ends.expect("ours");
    other.send(3).expect("there is room");
    assert_eq!(rx.recv(), Ok(1));
    assert_eq!(another.try_recv(), Err(TryRecvError::Empty), "a slot in hand is before it");
    tx.send(2).expect("there is room");
    assert_eq!((another.recv(), rx.recv()), (Ok(2), Ok(3)));
    role.say("done");
}

#[test]
fn a_forked_child_that_drops_the_clones_that_it_inherited_gives_nothing_up() {
    let space = TempNamespace::new();
    let path = "channel::tests::kinds::role_twins";
    for wrapper in [&["unshare", "-p", "-f"][..], &["unshare", "-U", "-r", "-p", "-f"][..]] {
        if !can_run(wrapper) {
            continue;
        }
        let mut child = Child::spawn_under(wrapper, path, &[(DIR, space.path())]);
        let said = child.hear();
        child.wait_success();
        if said == "done" {
            return space.assert_empty();
        }
    }
    skipped("a child with its parent's pid", "cannot make a pid namespace here");
}

#[test]
fn a_place_whose_lock_somebody_has_for_a_moment_is_not_taken() {
    let space = TempNamespace::new();
    let open = || channel::<u64, Mpmc>(space.path()).max_senders(1).max_receivers(1);
    let rx = open().receiver().expect("the name is free");
    let map = MapOptions::new().namespace(space.namespace()).open(NAME).expect("it is there");
    let lock = ByteLock { fd: map.as_fd(), byte: 1 };
    assert!(lock.try_lock());
    let tx = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(10));
            lock.unlock();
        });
        open().sender().expect("as soon as the lock is free")
    });
    drop(tx);
    // Whoever keeps it has it.
    assert!(lock.try_lock());
    let start = Instant::now();
    let error = open().sender().expect_err("somebody has it");
    assert!(matches!(error, Error::Full { side: "sender", limit: 1, .. }), "{error}");
    assert!(start.elapsed() >= Duration::from_millis(50));
    drop((rx, map));
    space.assert_empty();
}
