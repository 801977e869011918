//! The watcher on a terminal.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, Stdio};

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::PASS;
use crate::example::path;
use crate::run::{assert_matches, start};

const COLUMNS: usize = 80;
const ROWS: usize = 24;

/// As much of a terminal as the watcher needs: where it is told to go up, it has been.
#[derive(Default)]
struct Terminal {
    rows: Vec<String>,
    row: usize,
    column: usize,
    refreshes: usize,
}

impl Terminal {
    fn take(&mut self, text: &str) {
        let mut rest = text.chars();
        while let Some(character) = rest.next() {
            if self.rows.len() <= self.row {
                self.rows.resize(self.row + 1, String::new());
            }
            let row = &mut self.rows[self.row];
            match character {
                '\r' => self.column = 0,
                '\n' => self.row += 1,
                '\x1b' => {
                    assert_eq!(rest.next(), Some('['), "{text:?}");
                    let digits: String = rest.clone().take_while(char::is_ascii_digit).collect();
                    match rest.nth(digits.len()) {
                        Some('A') => {
                            let up: usize = digits.parse().expect("a number");
                            assert!(up < ROWS, "the first line is out of sight, {up} lines above");
                            self.row -= up;
                            self.refreshes += 1;
                        }
                        Some('K') => row.truncate(self.column),
                        Some('J') => {
                            row.truncate(self.column);
                            self.rows.truncate(self.row + 1);
                        }
                        other => panic!("{other:?} in {text:?}"),
                    }
                }
                _ => {
                    assert!(character == ' ' || character.is_ascii_graphic(), "{character:?}");
                    row.replace_range(self.column..row.len().min(self.column + 1), &character.to_string());
                    self.column += 1;
                }
            }
        }
    }
}

/// A watcher on a terminal, and the terminal's other end.
fn watch(pipeline: u32) -> (Child, File) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there are terminals");
    grantpt(&terminal).expect("it is ours");
    unlockpt(&terminal).expect("it is ours");
    let name = ptsname(&terminal, Vec::new()).expect("it has a name").into_string().expect("text");
    let flags = OFlags::NOCTTY.bits() as i32;
    let output = OpenOptions::new().write(true).custom_flags(flags).open(name).expect("a terminal");
    let mut command = Command::new(path("pipeline"));
    command.arg(format!("--watch={pipeline}")).stdin(Stdio::null()).stdout(output);
    (command.spawn().expect("the example starts"), File::from(terminal))
}

/// All that is written to the terminal, until nobody has it any more.
fn written(mut terminal: File) -> String {
    let mut bytes = Vec::new();
    let error = terminal.read_to_end(&mut bytes).expect_err("nobody has it any more");
    assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::IO.raw_os_error()));
    String::from_utf8(bytes).expect("text")
}

#[test]
fn on_a_terminal_the_watcher_refreshes_in_place_within_24_lines_of_80_characters() {
    for workers in [1_usize, 4, 15, 16, 31, 32] {
        let count = workers.to_string();
        let mut run =
            start(&["--repeat", "3", "--rate", "300000", "--workers", &count, "--kill-every", "50"]);
        run.wait_for("workers");
        let pid = run.child.id();
        let (mut watcher, terminal) = watch(pid);
        let text = written(terminal);
        assert_eq!(watcher.wait().expect("it ends").code(), Some(0), "{text:?}");
        let end = run.end();
        assert_matches(&end, 3 * PASS);
        let mut screen = Terminal::default();
        screen.take(&text);
        assert!(screen.refreshes >= 5, "{text:?}");
        let (last, shown) = screen.rows.split_last().expect("lines");
        let totals = end.1.last().and_then(|line| line.strip_prefix("pipeline: ")).expect("a last line");
        assert_eq!(*last, format!("watch: the pipeline (process {pid}) finished: {totals}"));
        assert!(shown.len() <= ROWS && shown.iter().all(|row| row.len() <= COLUMNS), "{shown:#?}");
        assert!(shown[0].starts_with(&format!("pipeline {pid}: finished, ")), "{shown:#?}");
        assert!(shown[1].ends_with(&format!("] 100 % of {} samples", 3 * PASS)), "{shown:#?}");
        // Each worker has left, and all samples are in the sum.
        assert_eq!(
            shown.iter().map(|row| row.matches(" left ").count()).sum::<usize>(),
            workers,
            "{shown:#?}"
        );
        let sum = shown.last().expect("a sum").split_whitespace().nth(3);
        assert_eq!(sum, Some((3 * PASS).to_string().as_str()), "{shown:#?}");
    }
}
