//! The screen without a terminal.

use std::collections::VecDeque;

use crate::top::sample::{Detail, Person};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;

fn row(name: &str, fill: u64, rate: f64, mark: Mark) -> Row {
    Row {
        name: name.to_owned(),
        kind: "mpmc",
        r#type: "Tick".to_owned(),
        mark,
        fill,
        capacity: 8,
        rate,
        senders: 2,
        receivers: 12,
        dead: 0,
        fills: VecDeque::from([0.0, 0.5, fill as f64 / 8.0]),
        rates: VecDeque::from([0.0, rate / 2.0, rate]),
        detail: Detail { path: name.into(), is_ring: true, ..Detail::default() },
    }
}

fn rows() -> Vec<Row> {
    vec![
        row("a-name-that-is-too-long-for-its-column", 0, 0.0, Mark::Leftover),
        row("orders", 8, 1_250_000.0, Mark::Dead),
        row("quotes", 2, 40.0, Mark::Stalled),
        row("trades", 4, 500_000.0, Mark::Fine),
    ]
}

fn screen(view: &mut View, rows: &[Row], size: (u16, u16)) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).expect("in memory");
    terminal.draw(|frame| view.draw(frame, rows)).expect("drawn");
    let buffer = terminal.backend().buffer();
    let line = |y| (0..size.0).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..size.1).map(line).collect()
}

fn view() -> View {
    View::new(Duration::from_secs(1))
}

fn press(view: &mut View, keys: &str) {
    for key in keys.chars() {
        let code = if key == '\n' { KeyCode::Enter } else { KeyCode::Char(key) };
        assert!(view.press(code), "{key} ended it");
    }
}

#[test]
fn a_screen_of_eighty_columns_has_everything() {
    let said = screen(&mut view(), &rows(), (80, 24));
    let expected = [
        "ringway: 4 channels, 1 left over, 1 stalled, 1 with dead, by name, every 1 s",
        "  NAME                 KIND  FILL     %              RATE/s            S   R",
        "x a-name-tha…ts-column mpmc             0%        ▄       0             2  12",
        "† orders               mpmc  ████████ 100%        ▄█   1.2M        ▄█   2  12",
        "! quotes               mpmc  ██        25%        ▄▂     40        ▁▁   2  12",
        "  trades               mpmc  ████      50%        ▄▄   500k        ▂▄   2  12",
    ];
    for (line, expected) in said.iter().zip(expected) {
        assert_eq!(
            line.split_whitespace().collect::<Vec<_>>(),
            expected.split_whitespace().collect::<Vec<_>>()
        );
    }
    assert!(said.iter().all(|line| line.chars().count() <= 80));
    let keys = "q end  s sort  r reverse  / filter  space pause  +/- pace  ↑↓ Enter look inside";
    assert_eq!(said[23], keys);
}

/// The names in the order in which they are shown.
fn names(view: &mut View) -> Vec<String> {
    let said = screen(view, &rows(), (80, 24));
    let names = ["a-name", "orders", "quotes", "trades"];
    let name = |line: &String| names.iter().find(|name| line.contains(*name)).map(|name| (*name).to_owned());
    said.iter().skip(2).filter_map(name).collect()
}

#[test]
fn rows_are_sorted_by_what_is_asked_for() {
    let mut view = view();
    assert_eq!(names(&mut view), ["a-name", "orders", "quotes", "trades"]);
    press(&mut view, "s");
    assert_eq!(names(&mut view), ["orders", "trades", "quotes", "a-name"], "by fill");
    press(&mut view, "s");
    assert_eq!(names(&mut view), ["orders", "trades", "quotes", "a-name"], "by rate");
    press(&mut view, "s");
    assert_eq!(names(&mut view), ["a-name", "quotes", "orders", "trades"], "by state");
    press(&mut view, "r");
    assert_eq!(names(&mut view), ["trades", "orders", "quotes", "a-name"]);
    assert!(screen(&mut view, &rows(), (80, 24))[0].contains("by state, reversed"));
    press(&mut view, "rs");
    assert_eq!(names(&mut view), ["a-name", "orders", "quotes", "trades"]);
}

#[test]
fn a_filter_leaves_the_names_that_have_it() {
    let mut view = view();
    press(&mut view, "/qrd");
    assert!(screen(&mut view, &rows(), (80, 24))[23].starts_with("name has: qrd_"));
    assert!(
        view.press(KeyCode::Backspace) && view.press(KeyCode::Backspace) && view.press(KeyCode::Backspace)
    );
    press(&mut view, "des\n");
    assert_eq!(names(&mut view), ["trades"]);
    let said = screen(&mut view, &rows(), (80, 24));
    assert!(said[0].contains("4 channels") && said[0].contains("1 shown"), "{}", said[0]);
    assert!(said[23].contains("/ filter (des)"), "{}", said[23]);
    press(&mut view, "/");
    assert!(view.press(KeyCode::Esc));
    assert_eq!(names(&mut view).len(), 4);
}

#[test]
fn a_low_screen_scrolls_as_far_as_there_are_rows() {
    let mut view = view();
    let mut first = |keys: &str| {
        press(&mut view, keys);
        screen(&mut view, &rows(), (80, 5))[2].split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(first("").starts_with("x a-name"));
    assert!(first("j").starts_with("x a-name"), "the second one is there, too");
    assert!(first("j").starts_with("† orders"));
    assert!(first("jjjjjj").starts_with("! quotes"));
    assert!(first("k").starts_with("! quotes"));
    assert!(first("k").starts_with("† orders"));
    assert_eq!(screen(&mut view, &rows(), (20, 2)).len(), 2);
}

fn person(name: &str, pid: u64, state: &'static str, rate: Option<f64>) -> Person {
    Person { name: name.to_owned(), pid: Some(pid), state, claimed: 0, counters: None, rate }
}

#[test]
fn the_chosen_channel_is_looked_into_and_left_again() {
    let mut view = view();
    let mut rows = rows();
    rows[2].detail.waits = vec![
        "receivers wait for message 17, which sender 2 (process 4194303) has claimed and not sent".to_owned(),
    ];
    rows[2].detail.people =
        (0..30).map(|at| person(&format!("sender {at}"), 1000 + at, "alive", Some(1500.0))).collect();
    // All before anything has been drawn anew.
    press(&mut view, "jj\n");
    let said = screen(&mut view, &rows, (80, 24));
    assert_eq!(said[0], "ringway: quotes: mpmc of Tick, every 1 s");
    assert!(said[1].starts_with("2 of 8 messages, 25%  ") && said[1].ends_with("▄▂"), "{said:?}");
    assert!(said[2].starts_with("40 sent/s"), "{said:?}");
    let wait = "receivers wait for message 17, which sender 2 (process 4194303) has claimed and";
    assert_eq!(said[3..5], [wait, "  not sent"]);
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let titles = "WHO PID STATE MESSAGES RATE/s REFUSED SLEEPS WAKES ACTIVE BATCHES";
    assert_eq!((words(&said[6]).as_str(), words(&said[7]).as_str()), (titles, "sender 0 1000 alive 1.5k"));
    assert_eq!(said[23], "q end  Esc back  space pause  +/- pace  ↑↓ scroll");
    assert!(words(&screen(&mut view, &rows, (160, 24))[5]).ends_with("BYTES REPAIRS AGAIN"));
    press(&mut view, "jjj");
    assert!(screen(&mut view, &rows, (80, 24))[7].starts_with("sender 3 "));
    press(&mut view, &"j".repeat(99));
    assert!(screen(&mut view, &rows, (80, 24))[22].starts_with("sender 29 "));
    assert_eq!(screen(&mut view, &rows, (9, 3)).len(), 3);

    let quotes = rows.remove(2);
    assert_eq!(screen(&mut view, &rows, (80, 24))[0], "ringway: this channel is gone, every 1 s");
    rows.push(quotes);
    assert!(view.press(KeyCode::Esc));
    assert!(screen(&mut view, &rows, (80, 24))[0].starts_with("ringway: 4 channels"));
    assert!(!view.press(KeyCode::Esc));
}

#[test]
fn the_pace_changes_within_bounds() {
    let mut view = view();
    press(&mut view, "+");
    assert_eq!(view.interval(), Duration::from_millis(500));
    press(&mut view, "++++++");
    assert_eq!(view.interval(), SHORTEST);
    press(&mut view, "-------------");
    assert_eq!(view.interval(), LONGEST);
    press(&mut view, " ");
    assert!(view.is_paused() && screen(&mut view, &rows(), (80, 24))[0].starts_with("ringway PAUSED: "));
    assert!(!view.press(KeyCode::Char('q')) && !view.press(KeyCode::Esc));
}
