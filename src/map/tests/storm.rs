//! Random deaths for a long time: never two live maps under one name, and nothing stays.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use super::{DIR, load, options, role_options, role_path, store};
use crate::map::Disposition;
use crate::testing::{CRASH_JITTER, Child, Role, TempNamespace, WATCHDOG};

const PROCESSES: u64 = 16;
/// Variables: the role's number and the directory of its board, and the length of the storm in seconds.
const NUMBER: &str = "RINGWAY_TEST_NUMBER";
const BOARD: &str = "RINGWAY_TEST_BOARD";
const SECONDS: &str = "RINGWAY_STORM_SECONDS";

/// What every process holds, on a file outside the namespace: per process the id of its map (or 0), how often
/// it was doomed and reaped (odd: it is being killed), its rounds, whether it
/// saw something forbidden, and how many maps it made.
struct Board(File);

impl Board {
    fn open(directory: &str) -> Board {
        let path = format!("{directory}/board");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        Board(file.expect("/dev/shm is writable"))
    }

    fn get(&self, process: u64, column: u64) -> u64 {
        let mut word = [0; 8];
        self.0.read_exact_at(&mut word, (process * COLUMNS + column) * 8).expect("the board is whole");
        u64::from_le_bytes(word)
    }

    fn set(&self, process: u64, column: u64, value: u64) {
        self.0
            .write_all_at(&value.to_le_bytes(), (process * COLUMNS + column) * 8)
            .expect("the board is writable");
    }
}

const HOLDS: u64 = 0;
const DOOMED: u64 = 1;
const ROUNDS: u64 = 2;
const FAILED: u64 = 3;
const MADE: u64 = 4;
const COLUMNS: u64 = 5;

/// Says on the board that its process panicked, at once: printing the panic takes long enough to be killed.
struct Witness<'a>(&'a Board, u64);

impl Drop for Witness<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.set(self.1, FAILED, 1);
        }
    }
}

impl Board {
    /// Whoever's slot shows another map, and is not being killed, held it while we hold ours.
    fn assert_whole(&self, me: u64, id: u64) {
        for other in 0..PROCESSES {
            let doom = self.get(other, DOOMED);
            let theirs = self.get(other, HOLDS);
            let alive = doom % 2 == 0 && self.get(other, DOOMED) == doom;
            let split = theirs != 0 && theirs != id && alive;
            assert!(!split, "split: {me} holds {id:x}, {other} holds {theirs:x}");
        }
    }
}

#[test]
fn role_in_the_storm() {
    let Some(role) = Role::play() else { return };
    let board = Board::open(&role.var(BOARD));
    let me: u64 = role.var(NUMBER).parse().expect("a number");
    let _witness = Witness(&board, me);
    for round in board.get(me, ROUNDS).. {
        let pause = |longest: u64| {
            let random = (round + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ (me << 40)) >> 33;
            std::thread::sleep(Duration::from_micros(random % longest));
        };
        let (map, how) = role_options(&role).create_or_open("storm").expect("opened or created");
        let id = map.id() as u64 | 1;
        board.set(me, HOLDS, id);
        board.assert_whole(me, id);
        match load(&map, 0) {
            0 => store(&map, 0, id),
            seen => assert_eq!(seen, id, "{how:?}: the content is another map's"),
        }
        pause(100);
        board.assert_whole(me, id);
        board.set(me, HOLDS, 0);
        board.set(me, ROUNDS, round + 1);
        if how == Disposition::Created {
            board.set(me, MADE, board.get(me, MADE) + 1);
        }
        drop(map);
        // Most of the time nobody has the map, so that it comes and goes all the time.
        pause(4000);
        if me % 4 == 0 {
            role_options(&role).namespace.sweep().expect("swept");
        }
    }
}

fn sum(board: &Board, column: u64) -> u64 {
    (0..PROCESSES).map(|number| board.get(number, column)).sum()
}

fn storm(length: Duration) {
    let space = TempNamespace::new();
    let aside = TempNamespace::new();
    let path = |space: &TempNamespace| space.path().to_str().expect("UTF-8").to_owned();
    let board = Board::open(&path(&aside));
    board.0.set_len(PROCESSES * COLUMNS * 8).expect("there is room");
    let role = role_path("storm::role_in_the_storm");
    let spawn = |number: u64| {
        // Half of them falter at the crash points, so that the windows between the steps are wide.
        let jitter = if number % 2 == 0 { 300 } else { 0 };
        let envs = [
            (DIR, path(&space)),
            (BOARD, path(&aside)),
            (NUMBER, number.to_string()),
            (CRASH_JITTER, jitter.to_string()),
        ];
        Child::spawn(&role, &envs)
    };
    let mut children: Vec<Child> = (0..PROCESSES).map(spawn).collect();
    let mut kills = 0;
    let mut random = u64::from(std::process::id()) | 1;
    let end = Instant::now() + length;
    // On a slow machine it takes longer to become one.
    let is_a_storm = |kills| sum(&board, ROUNDS) > 100 && sum(&board, MADE) > 10 && kills > 10;
    let latest = end + 4 * WATCHDOG;
    while Instant::now() < end || !is_a_storm(kills) && Instant::now() < latest {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let number = (random >> 33) % PROCESSES;
        std::thread::sleep(Duration::from_micros((random >> 40) % 8000));
        let child = &mut children[number as usize];
        let doom = board.get(number, DOOMED);
        board.set(number, DOOMED, doom + 1);
        child.kill_running();
        kills += 1;
        board.set(number, HOLDS, 0);
        board.set(number, DOOMED, doom + 2);
        *child = spawn(number);
    }
    for number in 0..PROCESSES {
        board.set(number, DOOMED, board.get(number, DOOMED) + 1);
    }
    for child in &mut children {
        child.kill_running();
    }
    let failed: Vec<u64> = (0..PROCESSES).filter(|number| board.get(*number, FAILED) != 0).collect();
    let (rounds, made) = (sum(&board, ROUNDS), sum(&board, MADE));
    println!("storm: {kills} kills, {rounds} rounds, {made} maps, left over: {:?}", space.files());
    assert_eq!(failed, [0; 0], "what they saw is printed above");
    drop(options(&space).create_or_open("storm").expect("free"));
    space.assert_empty();
    assert!(is_a_storm(kills), "that was no storm");
}

#[test]
fn a_short_storm_of_kills_splits_nothing_and_leaves_nothing() {
    storm(Duration::from_secs(3));
}

/// `RINGWAY_STORM_SECONDS` says how long; a minute by default.
#[test]
#[ignore = "takes a minute"]
fn a_long_storm_of_kills_splits_nothing_and_leaves_nothing() {
    if Role::play().is_some() {
        return;
    }
    let seconds = std::env::var(SECONDS).map_or(60, |text| text.parse().expect("a number of seconds"));
    storm(Duration::from_secs(seconds));
}
