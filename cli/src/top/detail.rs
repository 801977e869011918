//! One channel: who takes part, what each has counted, and who waits for whom.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Clear, Paragraph, Row as TableRow, Table};

use super::chart::{line, short};
use super::sample::{Mark, Person, Row};
use super::view::clipped;
use crate::output::{age, bytes};

/// A column: its title, its width, and what it says of somebody.
type Column = (&'static str, u16, fn(&Person) -> String);

/// Those that matter most come first: as many are shown as there is room for. The first ten need eighty columns.
const COLUMNS: [Column; 15] = [
    ("WHO", 12, |one| one.name.clone()),
    ("PID", 8, |one| one.pid.map(|pid| pid.to_string()).unwrap_or_default()),
    ("STATE", 5, |one| one.state.to_owned()),
    ("MESSAGES", 8, |one| counted(one, |of| whole(of.messages))),
    ("RATE/s", 6, |one| one.rate.map(short).unwrap_or_default()),
    ("REFUSED", 7, |one| counted(one, |of| whole(of.refused))),
    ("SLEEPS", 6, |one| counted(one, |of| whole(of.sleeps))),
    ("WAKES", 5, |one| counted(one, |of| whole(of.wakes))),
    ("ACTIVE", 7, |one| counted(one, |of| age(of.active))),
    ("BATCHES", 7, |one| counted(one, |of| whole(of.batches))),
    ("CLAIMED", 7, |one| if one.claimed > 0 { one.claimed.to_string() } else { String::new() }),
    ("FULLEST", 7, |one| counted(one, |of| whole(of.highest_fill))),
    ("BYTES", 10, |one| counted(one, |of| bytes(of.bytes))),
    ("REPAIRS", 7, |one| counted(one, |of| whole(of.repairs))),
    ("AGAIN", 5, |one| counted(one, |of| whole(of.redelivered))),
];
/// So many columns are text, and begin at the left.
const TEXTS: usize = 3;

/// Of one that counts.
fn counted(one: &Person, what: impl Fn(&ringway::inspect::Counters) -> String) -> String {
    one.counters.as_ref().map(what).unwrap_or_default()
}

/// A number of things, of which there are no parts.
fn whole(number: u64) -> String {
    if number < 1000 { number.to_string() } else { short(number as f64) }
}

/// Draws the channel; `None` if it has gone. `past`: so many participants are scrolled past.
pub(super) fn draw(frame: &mut Frame<'_>, row: Option<&Row>, pace: &(&str, String), past: &mut usize) {
    let area = frame.area();
    frame.render_widget(Clear, area);
    let width = usize::from(area.width);
    let (paused, every) = pace;
    let mut lines = Vec::new();
    match row {
        None => lines.push(format!("ringway{paused}: this channel is gone, {every}")),
        Some(row) => {
            let of = if row.r#type.is_empty() { String::new() } else { format!(" of {}", row.r#type) };
            let name = clipped(&row.name, 40);
            lines.push(format!("ringway{paused}: {name}: {}{of}, {every}", row.kind));
            lines.extend(state(row, width));
        }
    }
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(lines.len() as u16), Constraint::Min(2), Constraint::Length(1)])
            .areas(area);
    frame.render_widget(Paragraph::new(lines.into_iter().map(Line::from).collect::<Vec<_>>()), head);
    frame.render_widget(Paragraph::new("q end  Esc back  space pause  +/- pace  ↑↓ scroll"), foot);

    let people = row.map(|row| row.detail.people.as_slice()).unwrap_or_default();
    *past = (*past).min(people.len().saturating_sub(usize::from(body.height).saturating_sub(1)));
    let mut used = 0;
    let fits = |(_, width, _): &&Column| {
        used += width + u16::from(used > 0);
        used <= area.width
    };
    let columns: Vec<_> = COLUMNS.iter().take_while(fits).collect();
    let cell = |at: usize, width: u16, text: String| match at {
        0..TEXTS => text,
        _ => format!("{text:>0$}", usize::from(width)),
    };
    let line = |one: &Person| {
        let cells = columns.iter().enumerate().map(|(at, (_, width, what))| cell(at, *width, what(one)));
        let style = Style::new().fg(color(one));
        TableRow::new(cells.map(|text| Cell::from(Span::styled(text, style))).collect::<Vec<_>>())
    };
    let titles =
        columns.iter().enumerate().map(|(at, (title, width, _))| cell(at, *width, (*title).to_owned()));
    let titles = TableRow::new(titles.collect::<Vec<_>>()).style(Style::new().add_modifier(Modifier::BOLD));
    let widths = columns.iter().map(|(_, width, _)| Constraint::Length(*width));
    let shown = people.iter().skip(*past).map(line);
    frame.render_widget(Table::new(shown, widths).header(titles).column_spacing(1), body);
}

fn color(one: &Person) -> Color {
    match one.state {
        "died" => Color::Red,
        "left" => Color::DarkGray,
        _ => Color::Reset,
    }
}

/// How full, how fast, and who waits for whom.
fn state(row: &Row, width: usize) -> Vec<String> {
    if row.mark == Mark::Damaged {
        return vec!["It cannot be read: `ringway check` says what is wrong.".to_owned()];
    }
    let percent = (row.part() * 100.0).round().min(100.0);
    let (what, rate) =
        if row.detail.is_ring { ("messages", "sent/s") } else { ("cells with a value", "stored/s") };
    let fill = format!("{} of {} {what}, {percent}%", row.fill, row.capacity);
    let rate = format!("{} {rate}", short(row.rate));
    let left = fill.chars().count().max(rate.chars().count());
    let rest = width.saturating_sub(left + 2).min(60);
    let most = row.rates.iter().copied().fold(0.0, f64::max);
    let mut said = vec![
        format!("{fill:<left$}  {}", line(row.fills.iter().copied(), 1.0, rest)),
        format!("{rate:<left$}  {}", line(row.rates.iter().copied(), most, rest)),
    ];
    if row.mark == Mark::Leftover {
        said.push("no process has it any more".to_owned());
    }
    said.extend(row.detail.waits.iter().flat_map(|wait| wrapped(wait, width)));
    let counts = |one: &Person| one.counters.is_some();
    if row.detail.people.iter().any(counts) && !row.detail.people.iter().all(counts) {
        said.push("who has no numbers does not count".to_owned());
    }
    said.push(String::new());
    said
}

/// A sentence in lines of that many characters.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("there is one");
        if last.is_empty() {
            last.push_str(word);
        } else if last.chars().count() + 1 + word.chars().count() <= width {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(format!("  {word}"));
        }
    }
    lines
}
