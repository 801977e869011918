//! A process whose kernel will not run a fence everywhere.

use std::collections::BTreeMap;
use std::time::Duration;

use seccompiler::{SeccompAction, SeccompFilter};

use super::{Bench, DIR, FOR_EVER, channel, gate, word};
use crate::channel::{Mpmc, Parking};
use crate::protocol::roster::Side;
use crate::testing::{Child, Role, not_to_be_had, watched};

/// Receives all that comes, in a process that may not use `membarrier`.
#[test]
fn role() {
    let Some(mut role) = Role::play() else { return };
    let rules = BTreeMap::from([(libc::SYS_membarrier, vec![])]);
    let arch = std::env::consts::ARCH.try_into().expect("an architecture that seccomp knows");
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch).expect("a filter");
    let program: seccompiler::BpfProgram = filter.try_into().expect("a program");
    seccompiler::apply_filter_all_threads(&program).expect("a process may bind itself");

    let dir = role.var(DIR);
    let made = channel::<Mpmc>(dir.as_ref(), 4, FOR_EVER).max_receivers(1).create_new();
    let made = made.receiver().map(|rx| rx.member.segment().parking());
    let mut rx = channel::<Mpmc>(dir.as_ref(), 4, FOR_EVER).receiver().expect("there is a place");
    role.say(&format!("{:?} {:?}", made.ok(), rx.member.segment().parking()));
    while let Ok(number) = rx.recv() {
        role.say(&number.to_string());
    }
}

#[test]
fn a_sleeper_that_cannot_make_itself_heard_looks_by_itself() {
    watched(|| {
        let bench = Bench::new(4, FOR_EVER);
        let mut tx = bench.sender::<Mpmc>();
        if tx.member.segment().parking() != Parking::Asymmetric {
            return not_to_be_had(
                "a sleeper that cannot be heard",
                "the kernel has no membarrier for all processes",
            );
        }
        let envs = [(DIR, bench.space.path())];
        let mut child = Child::spawn("channel::tests::parking::unheard::role", &envs);
        assert_eq!(child.hear(), "None Asymmetric");
        for number in 0..20_u64 {
            std::thread::sleep(Duration::from_millis(2));
            tx.send(number).expect("a slot");
            assert_eq!(child.hear(), number.to_string());
        }
        assert!(word(gate(&tx.member, Side::Receiving)) > 0, "it did enlist");
    });
}

#[test]
fn a_channel_that_it_makes_goes_by_fences() {
    watched(|| {
        let bench = Bench::new(4, FOR_EVER);
        let envs = [(DIR, bench.space.path())];
        let mut child = Child::spawn("channel::tests::parking::unheard::role", &envs);
        assert_eq!(child.hear(), "Some(Fenced) Fenced");
        let mut tx = bench.channel::<Mpmc>().parking(Parking::Fenced).sender().expect("as it was made");
        for number in 0..20_u64 {
            super::wait_asleep(child.pid());
            tx.send(number).expect("a slot");
            assert_eq!(child.hear(), number.to_string());
        }
    });
}
