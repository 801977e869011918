//! What scripts go by, to the letter: the output of `tap`, and what the metrics are called.

#[allow(dead_code, unused_imports, reason = "other tests need the rest")]
mod common;

use std::fmt::Write;

use ringway::{Message, mpmc, mpsc, seqlock};

use common::{Place, Tick, tick};

#[derive(Message, Clone, Copy, Debug)]
#[message(checked)]
#[repr(u8)]
enum Side {
    Buy = 1,
    Sell = 2,
}

#[derive(Message, Clone, Copy, Debug)]
#[repr(C)]
struct Level {
    price: f64,
    size: u64,
}

#[derive(Message, Clone, Copy, Debug)]
#[message(name = "md.Order", checked)]
#[repr(C)]
struct Order {
    symbol: [u8; 6],
    side: Side,
    is_open: bool,
    levels: [Level; 2],
    mark: char,
    drift: f32,
    change: i64,
}

fn orders() -> [Order; 3] {
    let level = |price, size| Level { price, size };
    [
        Order {
            symbol: *b"BTCUSD",
            side: Side::Buy,
            is_open: true,
            levels: [level(101.5, 10), level(-0.1, u64::MAX)],
            mark: 'é',
            drift: 0.1,
            change: -7,
        },
        // What would control a terminal, and what separates.
        Order {
            symbol: *b"\x1b[31m\0",
            side: Side::Sell,
            is_open: false,
            levels: [level(f64::NAN, 0), level(f64::INFINITY, 1)],
            mark: '\u{1b}',
            drift: f32::NEG_INFINITY,
            change: i64::MIN,
        },
        Order {
            symbol: *b"a,\"b\0\0",
            side: Side::Buy,
            is_open: true,
            levels: [level(1e300, 1 << 53), level(1e-7, (1 << 53) + 1)],
            mark: '"',
            drift: -0.0,
            change: 0,
        },
    ]
}

/// What the tool writes for each of these, behind what was asked.
fn asked(place: &Place, all: &[&str]) -> String {
    let mut text = String::new();
    for args in all {
        let words: Vec<_> = args.split(' ').collect();
        write!(text, "$ ringway {args}\n{}", place.run(&words, 0).0).expect("memory");
    }
    text
}

#[test]
fn what_a_tap_writes_is_what_it_wrote_before() {
    let place = Place::new();
    let mut tx = mpsc::channel::<Order>("orders").namespace(place.namespace()).sender().expect("free");
    for order in orders() {
        tx.send(order).expect("there is room");
    }
    // A place that was given up has a number, and no line.
    drop(tx.loan().expect("there is room"));
    tx.send(orders()[0]).expect("there is room");
    let quotes = seqlock::keyed_table::<[u8; 4], Level>("quotes").namespace(place.namespace()).cells(1);
    let mut writer = quotes.writer().expect("free");
    for size in 1..=3 {
        writer.store(b"EUR\0", Level { price: 1.25, size }).expect("a cell is free");
    }
    let said = asked(
        &place,
        &[
            "tap orders --from-oldest --count 4",
            "tap orders --from-oldest --count 4 --positions",
            "tap orders --from-oldest --count 4 --json",
            "tap orders --from-oldest --count 4 --positions --format json",
            "tap orders --from-oldest --count 4 --format csv",
            "tap orders --from-oldest --count 4 --positions --format csv",
            "tap quotes --from-oldest --count 1",
            "tap quotes --from-oldest --count 1 --json",
            "tap quotes --from-oldest --count 1 --format csv",
        ],
    );
    assert_eq!(said, include_str!("data/tap.txt"), "{said}");
}

#[test]
fn metrics_have_their_names_in_their_order_each_behind_what_it_is() {
    let place = Place::new();
    let channel = mpmc::channel::<Tick>("trades").namespace(place.namespace());
    let (mut tx, rx) = (channel.clone().sender().expect("free"), channel.receiver().expect("free"));
    tx.send(tick(0)).expect("there is room");
    let (out, _) = place.run(&["metrics"], 0);
    let about: String =
        out.lines().filter(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    assert_eq!(about, include_str!("data/metrics.txt"), "{about}");
    drop((tx, rx));
}
