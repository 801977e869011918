//! The screen, and what keys do to it.

use std::cmp::Ordering;
use std::path::PathBuf;
use std::time::Duration;

use ratatui::Frame;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Paragraph, Row as TableRow, Table};

use super::chart::{bar, line, short};
use super::detail;
use super::sample::{Mark, Row};
use crate::output::count;

/// By what rows are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Name,
    Fill,
    Rate,
    State,
}

impl Key {
    /// The one after it.
    fn next(self) -> Self {
        match self {
            Self::Name => Self::Fill,
            Self::Fill => Self::Rate,
            Self::Rate => Self::State,
            Self::State => Self::Name,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Fill => "fill",
            Self::Rate => "rate",
            Self::State => "state",
        }
    }

    /// Most first, but for names.
    fn compare(self, one: &Row, other: &Row) -> Ordering {
        match self {
            Self::Name => Ordering::Equal,
            Self::Fill => other.part().total_cmp(&one.part()),
            Self::Rate => other.rate.total_cmp(&one.rate),
            Self::State => one.mark.cmp(&other.mark),
        }
    }
}

/// What the user has chosen.
pub(super) struct View {
    interval: Duration,
    key: Key,
    reversed: bool,
    paused: bool,
    filter: String,
    typing: bool,
    /// Rows that are scrolled past.
    past: usize,
    /// The channel that is chosen, and which row it was.
    chosen: Option<PathBuf>,
    at: usize,
    /// By so many rows another one is to be chosen when the rows are known.
    moved: isize,
    /// Whether the chosen one is looked into, and how many of its participants are scrolled past.
    is_open: bool,
    past_people: usize,
}

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(60);
const PAGE: isize = 10;
/// Of the name, the bar, and each of the two lines; the rest has the width that its content has.
const WIDTHS: [usize; 3] = [20, 8, 9];

impl View {
    pub(super) fn new(interval: Duration) -> Self {
        let (filter, interval) = (String::new(), interval.clamp(SHORTEST, LONGEST));
        Self {
            interval,
            key: Key::Name,
            reversed: false,
            paused: false,
            filter,
            typing: false,
            past: 0,
            chosen: None,
            at: 0,
            moved: 0,
            is_open: false,
            past_people: 0,
        }
    }

    pub(super) fn interval(&self) -> Duration {
        self.interval
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused
    }

    /// Whether keys are letters of the filter.
    pub(super) fn is_typing(&self) -> bool {
        self.typing
    }

    /// Does what a key says; whether to go on.
    pub(super) fn press(&mut self, key: KeyCode) -> bool {
        match (self.typing, key) {
            (true, KeyCode::Enter) => self.typing = false,
            (true, KeyCode::Esc) => (self.typing, self.filter) = (false, String::new()),
            (true, KeyCode::Backspace) => drop(self.filter.pop()),
            (true, KeyCode::Char(letter)) => self.filter.push(letter),
            (true, _) => {}
            (false, KeyCode::Char('q')) => return false,
            (false, KeyCode::Char(' ' | 'p')) => self.paused = !self.paused,
            (false, KeyCode::Char('+')) => self.interval = (self.interval / 2).max(SHORTEST),
            (false, KeyCode::Char('-')) => self.interval = (self.interval * 2).min(LONGEST),
            (false, _) if self.is_open => self.press_inside(key),
            (false, KeyCode::Esc) => return false,
            (false, KeyCode::Enter) => (self.is_open, self.past_people) = (true, 0),
            (false, KeyCode::Char('/')) => self.typing = true,
            (false, KeyCode::Char('s')) => {
                self.key = self.key.next();
                self.choose_first();
            }
            (false, KeyCode::Char('r')) => {
                self.reversed = !self.reversed;
                self.choose_first();
            }
            (false, KeyCode::Down | KeyCode::Char('j')) => self.moved += 1,
            (false, KeyCode::Up | KeyCode::Char('k')) => self.moved -= 1,
            (false, KeyCode::PageDown) => self.moved += PAGE,
            (false, KeyCode::PageUp) => self.moved -= PAGE,
            (false, KeyCode::Home) => self.choose_first(),
            (false, _) => {}
        }
        true
    }

    /// Keys that mean something else in a channel.
    fn press_inside(&mut self, key: KeyCode) {
        match key {
            KeyCode::Esc | KeyCode::Enter | KeyCode::Left | KeyCode::Backspace => self.is_open = false,
            KeyCode::Down | KeyCode::Char('j') => self.past_people += 1,
            KeyCode::Up | KeyCode::Char('k') => self.past_people = self.past_people.saturating_sub(1),
            KeyCode::Home => self.past_people = 0,
            _ => {}
        }
    }

    fn choose_first(&mut self) {
        (self.chosen, self.at, self.moved) = (None, 0, 0);
    }

    /// Finds the row that is chosen now, and scrolls so that it is one of those that are shown.
    fn choose(&mut self, rows: &[&Row], shown: usize) {
        let last = rows.len().saturating_sub(1);
        let is_chosen = |row: &&Row| self.chosen.as_ref() == Some(&row.detail.path);
        let at = rows.iter().position(is_chosen).unwrap_or(self.at);
        self.at = at.saturating_add_signed(std::mem::take(&mut self.moved)).min(last);
        self.chosen = rows.get(self.at).map(|row| row.detail.path.clone());
        self.past = self.past.clamp((self.at + 1).saturating_sub(shown.max(1)), self.at);
        self.past = self.past.min(rows.len().saturating_sub(shown));
    }

    /// Draws the rows that the filter lets through, in their order, or the channel that is looked into.
    pub(super) fn draw(&mut self, frame: &mut Frame<'_>, all: &[Row]) {
        // What was chosen before the key that opened it may wait for its row.
        if self.is_open && self.moved == 0 && self.chosen.is_some() {
            let row = all.iter().find(|row| self.chosen.as_ref() == Some(&row.detail.path));
            detail::draw(frame, row, &self.pace(), &mut self.past_people);
        } else {
            self.draw_rows(frame, all);
            if self.is_open && self.chosen.is_some() {
                self.draw(frame, all);
            }
        }
    }

    fn draw_rows(&mut self, frame: &mut Frame<'_>, all: &[Row]) {
        let area = frame.area();
        let mut rows: Vec<&Row> = all.iter().filter(|row| row.name.contains(&self.filter)).collect();
        rows.sort_by(|one, other| self.key.compare(one, other));
        if self.reversed {
            rows.reverse();
        }
        let [head, body, foot] =
            Layout::vertical([Constraint::Length(1), Constraint::Min(2), Constraint::Length(1)]).areas(area);
        self.choose(&rows, usize::from(body.height).saturating_sub(1));
        frame.render_widget(Paragraph::new(self.head(all, rows.len())), head);
        let most = rows.iter().flat_map(|row| row.rates.iter()).copied().fold(0.0, f64::max);
        let lines = rows.iter().enumerate().skip(self.past).map(|(at, row)| {
            let line = table_row(row, most);
            if at == self.at { line.style(Modifier::REVERSED) } else { line }
        });
        let [name, bar, line] = WIDTHS.map(|width| Constraint::Length(width as u16));
        let numbers = [7, 3, 3].map(Constraint::Length);
        let widths = [
            Constraint::Length(1),
            name,
            Constraint::Length(5),
            bar,
            Constraint::Length(4),
            line,
            Constraint::Length(6),
            line,
            numbers[1],
            numbers[2],
        ];
        let titles = ["", "NAME", "KIND", "FILL", "%", "", "RATE/s", "", " S", " R"];
        let titles = TableRow::new(titles).style(Style::new().add_modifier(Modifier::BOLD));
        frame.render_widget(Table::new(lines, widths).header(titles).column_spacing(1), body);
        frame.render_widget(Paragraph::new(self.foot()), foot);
    }

    fn head(&self, all: &[Row], shown: usize) -> Line<'static> {
        let marked = |mark: Mark| all.iter().filter(|row| row.mark == mark).count();
        let mut said = vec![count(all.len() as u64, "channel")];
        for (mark, what) in [
            (Mark::Damaged, "damaged"),
            (Mark::Leftover, "left over"),
            (Mark::Stalled, "stalled"),
            (Mark::Dead, "with dead"),
        ] {
            match marked(mark) {
                0 => {}
                number => said.push(format!("{number} {what}")),
            }
        }
        if shown != all.len() {
            said.push(format!("{shown} shown"));
        }
        let order = if self.reversed { ", reversed" } else { "" };
        said.push(format!("by {}{order}", self.key.name()));
        let (paused, pace) = self.pace();
        said.push(pace);
        Line::from(format!("ringway{paused}: {}", said.join(", ")))
    }

    /// Whether it goes on, and how fast.
    fn pace(&self) -> (&'static str, String) {
        (if self.paused { " PAUSED" } else { "" }, format!("every {} s", self.interval.as_secs_f64()))
    }

    fn foot(&self) -> Line<'static> {
        if self.typing {
            return Line::from(format!("name has: {}_   Enter keeps it, Esc drops it", self.filter));
        }
        let filter = if self.filter.is_empty() { String::new() } else { format!(" ({})", self.filter) };
        Line::from(format!(
            "q end  s sort  r reverse  / filter{filter}  space pause  +/- pace  ↑↓ Enter look inside"
        ))
    }
}

/// Names that would not fit keep both their ends, which tell them apart.
pub(super) fn clipped(name: &str, width: usize) -> String {
    let name: Vec<char> = name.escape_debug().collect();
    if name.len() <= width {
        return name.into_iter().collect();
    }
    let (front, back) = (width / 2, width - width / 2 - 1);
    name[..front].iter().chain(['…'].iter()).chain(&name[name.len() - back..]).collect()
}

fn table_row(row: &Row, most: f64) -> TableRow<'static> {
    let (mark, color) = match row.mark {
        Mark::Damaged => ("?", Color::Magenta),
        Mark::Leftover => ("x", Color::DarkGray),
        Mark::Stalled => ("!", Color::Yellow),
        Mark::Dead => ("†", Color::Red),
        Mark::Fine => (" ", Color::Reset),
    };
    let [name, width, line_width] = WIDTHS;
    let style = Style::new().fg(color);
    let percent = (row.part() * 100.0).round().min(100.0);
    let cells = [
        mark.to_owned(),
        clipped(&row.name, name),
        row.kind.to_owned(),
        bar(row.part(), width),
        format!("{percent:>3}%"),
        line(row.fills.iter().copied(), 1.0, line_width),
        format!("{:>6}", short(row.rate)),
        line(row.rates.iter().copied(), most, line_width),
        format!("{:>3}", row.senders),
        format!("{:>3}", row.receivers),
    ];
    TableRow::new(cells.map(|cell| Cell::from(Span::styled(cell, style))))
}

#[cfg(test)]
mod tests;
