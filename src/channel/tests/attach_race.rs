//! Many processes that want one role at the same moment.

use super::{Bench, drain, receive};
use crate::Departure;
use crate::testing::Child;

const CONTENDERS: usize = 16;

/// Lets all of them try at once: where the winner stands in the list, and what it said. All others must
/// have been refused with the winner's process.
#[track_caller]
fn race(contenders: &mut [Child]) -> (usize, String) {
    for contender in contenders.iter_mut() {
        contender.tell("go");
    }
    let answers: Vec<String> = contenders.iter_mut().map(Child::hear).collect();
    let winners: Vec<usize> = (0..answers.len()).filter(|&i| answers[i].starts_with("won")).collect();
    assert_eq!(winners.len(), 1, "{answers:?}");
    let winner = winners[0];
    let taken = format!("taken {}", contenders[winner].pid());
    for (i, answer) in answers.iter().enumerate() {
        assert!(i == winner || *answer == taken, "{answer}, expected {taken}");
    }
    (winner, answers[winner].clone())
}

#[test]
fn of_sixteen_processes_one_gets_the_role_and_when_it_dies_another_does() {
    let bench = Bench::<u64>::new(8);
    let mut contenders: Vec<Child> = (0..CONTENDERS).map(|_| bench.spawn("contender", "hold", 0)).collect();
    for contender in &mut contenders {
        assert_eq!(contender.hear(), "ready");
    }
    // The first race is for making the channel as well.
    let (winner, said) = race(&mut contenders);
    assert_eq!(said, "won 0 None");
    assert_eq!(bench.space.files(), [super::NAME], "one segment");
    let mut rx = bench.channel().open_existing().receiver().expect("the winner has the channel");
    assert!(matches!(rx.peer(), crate::Peer::Attached { pid, .. } if pid == contenders[winner].pid()));
    contenders.swap_remove(winner).kill_running();
    while contenders.len() > CONTENDERS / 2 {
        let (winner, said) = race(&mut contenders);
        assert_eq!(said, "won 0 Died");
        contenders.swap_remove(winner).kill_running();
    }
    drain(&mut rx, 0..0, Departure::Died);
    // One that leaves is a successor's predecessor too.
    let (winner, _) = race(&mut contenders);
    contenders[winner].tell("leave");
    contenders.swap_remove(winner).wait_success();
    drain(&mut rx, 0..0, Departure::Left);
    let (winner, said) = race(&mut contenders);
    assert_eq!(said, "won 0 Left");
    contenders.swap_remove(winner).kill_running();
    drop(contenders);
    let mut tx = bench.sender();
    super::send(&mut tx, 0);
    assert_eq!(receive(&mut rx), Ok(0));
    drop((tx, rx));
    bench.assert_gone();
}

#[test]
fn of_sixteen_processes_that_come_first_all_come_to_one_channel() {
    for _ in 0..8 {
        let bench = Bench::<u64>::new(8);
        let mut contenders: Vec<Child> =
            (0..CONTENDERS / 2).map(|_| bench.spawn("contender", "hold", 0)).collect();
        for contender in &mut contenders {
            assert_eq!(contender.hear(), "ready");
        }
        let (_, said) = race(&mut contenders);
        assert_eq!(said, "won 0 None");
        assert_eq!(bench.space.files(), [super::NAME]);
        drop(contenders);
        // Whoever was killed last left it; it is nobody's.
        assert!(bench.channel().open_existing().sender().is_err());
        bench.assert_gone();
    }
}
