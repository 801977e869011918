//! Bars and lines of block characters, an eighth of a character at a time.

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// A bar of that many characters, so much of which is full. Something is never nothing.
pub(super) fn bar(part: f64, width: usize) -> String {
    let most = width * 8;
    let exact = part.clamp(0.0, 1.0) * most as f64;
    let eighths = if part > 0.0 { (exact.round() as usize).clamp(1, most) } else { 0 };
    let mut bar = "█".repeat(eighths / 8);
    if eighths % 8 > 0 {
        bar.push(EIGHTHS[eighths % 8]);
    }
    let drawn = bar.chars().count();
    bar + &" ".repeat(width - drawn)
}

/// The last values, the newest at the right, each as a level of the most; blanks where there are none yet.
pub(super) fn line(
    values: impl ExactSizeIterator<Item = f64> + DoubleEndedIterator,
    most: f64,
    width: usize,
) -> String {
    let level = |value: f64| match value {
        value if value <= 0.0 || most <= 0.0 => ' ',
        value => LEVELS[((value / most * 8.0).ceil() as usize).clamp(1, 8) - 1],
    };
    let drawn: Vec<char> = values.rev().take(width).map(level).collect();
    " ".repeat(width - drawn.len()) + &drawn.iter().rev().collect::<String>()
}

/// A number with a unit, in at most five characters: `999`, `12.3k`, `4.5M`.
pub(super) fn short(number: f64) -> String {
    const UNITS: [&str; 5] = ["", "k", "M", "G", "T"];
    let (mut number, mut unit) = (number.max(0.0), 0);
    while number >= 999.5 && unit + 1 < UNITS.len() {
        (number, unit) = (number / 1000.0, unit + 1);
    }
    match unit {
        0 if number > 0.0 && number < 9.95 => format!("{number:.1}"),
        0 => format!("{number:.0}"),
        _ if number < 99.95 => format!("{number:.1}{}", UNITS[unit]),
        _ => format!("{number:.0}{}", UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_the_part_says() {
        let bars = [0.0, 0.001, 0.5, 0.97, 1.0, 7.0, f64::NAN].map(|part| bar(part, 4));
        assert_eq!(bars, ["    ", "▏   ", "██  ", "███▉", "████", "████", "    "]);
    }

    #[test]
    fn a_line_has_the_newest_at_the_right() {
        let values = [0.0, 1.0, 4.0, 8.0];
        assert_eq!(line(values.into_iter(), 8.0, 6), "   ▁▄█");
        assert_eq!(line(values.into_iter(), 8.0, 2), "▄█");
        assert_eq!(line(values.into_iter(), 0.0, 4), "    ");
    }

    #[test]
    fn numbers_are_short() {
        let numbers = [0.0, 0.25, 9.94, 9.96, 999.4, 999.6, 12_345.0, 999_499.0, 4_500_000.0, 1e12, 1e16];
        let said = numbers.map(short);
        assert_eq!(said, ["0", "0.2", "9.9", "10", "999", "1.0k", "12.3k", "999k", "4.5M", "1.0T", "10000T"]);
    }
}
