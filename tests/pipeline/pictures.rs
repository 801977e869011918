//! The pictures that `--plot` draws.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use roxmltree::{Document, Node};
use rustix::process::Signal;

use crate::PASS;
use crate::example::{assert_refused, contains};
use crate::plot::{self, BAR, BARS, KILL, MARK};
use crate::run::{assert_matches, run, start};
use crate::timeline::Timeline;

/// A directory, removed on drop.
struct Directory(PathBuf);

impl Directory {
    /// Of this name, which is not there yet.
    fn named(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("ringway-{}-{name}", std::process::id())))
    }

    fn new(name: &str) -> Self {
        let directory = Self::named(name);
        fs::create_dir(&directory.0).expect("it is new");
        directory
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("the path is text")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn texts(picture: &Document<'_>) -> Vec<String> {
    let texts = picture.descendants().filter(|node| node.has_tag_name("text"));
    texts.filter_map(|node| Some(node.text()?.trim().to_owned())).collect()
}

/// The elements of that name that have this colour.
fn drawn<'a>(
    picture: &'a Document<'a>,
    name: &'a str,
    colour: plotters::style::RGBColor,
) -> Vec<Node<'a, 'a>> {
    let colour = format!("#{:02X}{:02X}{:02X}", colour.0, colour.1, colour.2);
    let has = move |node: &Node<'_, '_>| {
        node.has_tag_name(name)
            && [node.attribute("fill"), node.attribute("stroke")].contains(&Some(colour.as_str()))
    };
    picture.descendants().filter(has).collect()
}

#[track_caller]
fn assert_says(picture: &Document<'_>, wanted: &[&str]) {
    let texts = texts(picture);
    for text in wanted {
        assert!(texts.iter().any(|found| found == text), "no `{text}` in {texts:#?}");
    }
}

#[test]
fn every_latency_that_came_has_a_bar_and_every_percentile_a_name() {
    let mut counts = [0; BARS];
    for nanoseconds in [1, 990, 1_000, 1_001, 2_000_000, 60_000_000_000] {
        counts[plot::bar(nanoseconds)] += 1000;
    }
    assert_eq!((counts[0], counts[59], counts[60]), (1000, 1000, 2000), "from a thousand on the next decade");
    let marks = [("p50", 1_000), ("p99", 1_234), ("p99.9", 2_000_000), ("max", 60_000_000_000)];
    let text = plot::latency("a title", &counts, &marks).expect("drawn");
    let picture = Document::parse(&text).expect("XML");
    assert_eq!(drawn(&picture, "rect", BAR).len(), 5, "{text}");
    assert_eq!(drawn(&picture, "line", MARK).len() + drawn(&picture, "polyline", MARK).len(), 4, "{text}");
    let labels = ["p50 1 µs", "p99 1.23 µs", "p99.9 2 ms", "max 60 s"];
    let axes =
        ["a title", "latency (logarithmic)", "messages (logarithmic)", "1 ns", "100 ms", "100 s", "1 k"];
    assert_says(&picture, &[&labels[..], &axes].concat());
}

#[test]
fn nothing_at_all_can_be_drawn_too() {
    let text = plot::latency("", &[0; BARS], &[("max", 0)]).expect("drawn");
    Document::parse(&text).expect("XML");
    let text = plot::throughput("", &Timeline::new()).expect("drawn");
    Document::parse(&text).expect("XML");
}

#[test]
fn every_interval_has_a_point_and_every_death_a_mark() {
    let mut timeline = Timeline::new();
    (1..=20_u32).for_each(|tenth| timeline.note(f64::from(tenth) * 0.1, u64::from(tenth) * 100_000));
    // Just after another one: no interval of its own, but the last one ends there.
    timeline.note(2.01, 2_005_000);
    timeline.end(2.02, 2_020_000);
    timeline.workers = vec![0.5, 0.5, 1.0];
    assert!(timeline.rates().iter().all(|(_, rate)| (rate - 1e6).abs() < 1.0), "{:?}", timeline.rates());
    let text = plot::throughput("a title", &timeline).expect("drawn");
    let picture = Document::parse(&text).expect("XML");
    let lines = drawn(&picture, "polyline", BAR);
    let points = lines.iter().filter_map(|line| line.attribute("points")).flat_map(str::split_whitespace);
    assert_eq!(points.count(), 20, "{text}");
    // Two of them at one time, and one in the legend.
    assert_eq!(drawn(&picture, "polygon", KILL).len(), 3, "{text}");
    assert_says(&picture, &["a title", "3 workers killed", "time (s)", "messages per second", "1 M"]);
    assert!(!texts(&picture).iter().any(|text| text.contains("feed")), "{text}");
}

#[test]
fn a_long_run_has_fewer_points_in_a_second() {
    let mut timeline = Timeline::new();
    (1..=100_000_u32).for_each(|tenth| timeline.note(f64::from(tenth) * 0.1, u64::from(tenth) * 100));
    let rates = timeline.rates();
    assert!((300..800).contains(&rates.len()), "{}", rates.len());
    assert!(rates.iter().all(|(_, rate)| (rate - 1000.0).abs() < 1.0), "{rates:?}");
    let gaps = || rates.windows(2).map(|pair| pair[1].0 - pair[0].0);
    let (least, most) = (gaps().fold(f64::MAX, f64::min), gaps().fold(0.0, f64::max));
    assert!(most < 1.5 * least, "all of them are as long as each other: {least} to {most}");
}

#[test]
fn durations_and_figures_have_three_digits_and_a_unit() {
    let durations = [0.0, 1.0, 999.4, 999.6, 1_234.0, 15_000.0, 2.5e6, 60e9].map(plot::duration);
    assert_eq!(durations, ["0 ns", "1 ns", "999 ns", "1 µs", "1.23 µs", "15 µs", "2.5 ms", "60 s"]);
    assert_eq!([100.0, 1_500.0, 64.8e6].map(plot::figure), ["100", "1.5 k", "64.8 M"]);
}

#[test]
fn a_run_draws_what_it_says() {
    let directory = Directory::named("plotted");
    let plot = directory.path();
    let end = run(&["--rate", "100000", "--kill-every", "50", "--plot", plot]);
    let verdict = assert_matches(&end, PASS);
    assert!(
        contains(&end.1, &format!("plotted       {plot}/latency.svg, {plot}/throughput.svg")),
        "{end:#?}"
    );
    let read = |name| fs::read_to_string(directory.0.join(name)).expect("it is there");
    let (latency, throughput) = (read("latency.svg"), read("throughput.svg"));
    let picture = Document::parse(&latency).expect("XML");
    assert!(!drawn(&picture, "rect", BAR).is_empty(), "{latency}");
    // Those of the line that says them in microseconds.
    let line = end.1.iter().find_map(|line| line.trim_start().strip_prefix("latency       p50 "));
    let figures = line.expect("the latency").split(", ").zip(["p50", "p99", "p99.9", "max"]);
    for (text, name) in figures {
        let number: f64 = text.split(' ').rev().nth(1).and_then(|word| word.parse().ok()).expect("a number");
        // As many digits of it as it is said with.
        let near =
            [number - 0.005, number, number + 0.005].map(|us| format!("{name} {}", plot::duration(us * 1e3)));
        assert!(texts(&picture).iter().any(|text| near.contains(text)), "none of {near:?} in {latency}");
    }
    assert_says(&picture, &["Latency from feed to parse, at 100000 messages a second"]);
    let picture = Document::parse(&throughput).expect("XML");
    let points = drawn(&picture, "polyline", BAR)[0]
        .attribute("points")
        .map_or(0, |points| points.split_whitespace().count());
    let seconds = end
        .1
        .iter()
        .find_map(|line| line.trim_start().strip_prefix("throughput "))
        .and_then(|line| line.split(" for ").nth(1)?.strip_suffix(" s")?.parse::<f64>().ok());
    let tenths = (seconds.expect("how long it took") * 10.0) as usize;
    assert!((2..=tenths + 2).contains(&points), "one for each tenth of a second, or fewer: {throughput}");
    let plural = if verdict.killed == 1 { "" } else { "s" };
    assert_says(&picture, &[&format!("{} worker{plural} killed", verdict.killed), "1 feed killed"]);
}

#[test]
fn without_kills_none_is_marked_and_what_was_there_is_replaced() {
    let directory = Directory::new("replaced");
    let file = directory.0.join("throughput.svg");
    fs::write(&file, "x".repeat(100_000)).expect("it is ours");
    let end = run(&["--repeat", "1", "--paced", "1000", "--no-kill", "--plot", directory.path()]);
    assert_matches(&end, PASS);
    let text = fs::read_to_string(file).expect("it is there");
    let picture = Document::parse(&text).expect("XML");
    assert!(!texts(&picture).iter().any(|text| text.contains("killed")), "{text}");
    let text = fs::read_to_string(directory.0.join("latency.svg")).expect("it is there");
    assert_says(
        &Document::parse(&text).expect("XML"),
        &["Latency from feed to parse, at 40000 messages a second"],
    );
}

#[test]
fn a_directory_that_cannot_be_written_is_refused_before_anything_is_started() {
    let directory = Directory::new("refused");
    let file = directory.0.join("file");
    fs::write(&file, "").expect("it is ours");
    let file = file.to_str().expect("the path is text");
    let wanted =
        ["--plot: ", file, "cannot be written: ", "name a directory in which this user may make files"];
    assert_refused("pipeline", &["--plot", file], 1, &wanted);
    let below = format!("{file}/below");
    assert_refused("pipeline", &["--plot", &below], 1, &[&below, "Not a directory", "name a directory"]);
    fs::create_dir(directory.0.join("throughput.svg")).expect("it is ours");
    let wanted = ["throughput.svg cannot be written: Is a directory", "name a directory"];
    assert_refused("pipeline", &["--plot", directory.path()], 1, &wanted);
    assert!(!directory.0.join("latency.svg").exists(), "what was opened for nothing is left");
    assert_refused("pipeline", &["--plot"], 2, &["--plot", "--help"]);
    assert_refused("pipeline", &["--watch", "--plot", file], 2, &["--plot does not go with --watch"]);
}

#[test]
fn a_full_disk_is_told_after_the_run() {
    let directory = Directory::new("full");
    symlink("/dev/full", directory.0.join("latency.svg")).expect("it is ours");
    let (status, lines) = run(&["--repeat", "1", "--paced", "0", "--no-kill", "--plot", directory.path()]);
    assert_eq!(status.code(), Some(1), "{lines:#?}");
    assert!(contains(&lines, "latency.svg cannot be written: No space left on device"), "{lines:#?}");
    assert!(contains(&lines, "with room for some 100 kB"), "{lines:#?}");
}

#[test]
fn a_run_that_is_interrupted_leaves_the_pictures_of_the_one_before() {
    let directory = Directory::new("interrupted");
    let old = directory.0.join("latency.svg");
    fs::write(&old, "old").expect("it is ours");
    let mut run = start(&["--rate", "100", "--plot", directory.path()]);
    run.wait_for("workers");
    run.send(Signal::TERM);
    assert_eq!(run.end().0.code(), Some(143));
    assert_eq!(fs::read_to_string(old).expect("it is there"), "old");
    assert!(!directory.0.join("throughput.svg").exists());
}
