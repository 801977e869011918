//! The bar: there for whoever sits before a terminal, and for nobody else.

use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::PASS;
use crate::example::path;
use crate::run::{assert_matches, run};

const LONG: Duration = Duration::from_secs(60);

/// A terminal of eighty columns and twenty-four lines, on a server of its own.
struct Screen(String);

impl Screen {
    /// `None` where there is no tmux. CI has one.
    fn start(command: &str) -> Option<Self> {
        if Command::new("tmux").arg("-V").stdout(Stdio::null()).status().is_err() {
            assert!(std::env::var_os("RINGWAY_TESTS_SKIP_NOTHING").is_none(), "there is no tmux");
            println!("SKIPPED: the bar of the pipeline (there is no tmux)");
            return None;
        }
        let socket = std::env::temp_dir().join(format!("ringway-test-pipeline-{}", std::process::id()));
        let screen = Self(socket.display().to_string());
        screen.tmux(&["new-session", "-d", "-x", "80", "-y", "24", command]);
        Some(screen)
    }

    fn tmux(&self, args: &[&str]) -> Output {
        let mut command = Command::new("tmux");
        command.args(["-f", "/dev/null", "-S", &self.0]).args(args);
        let output = command.env("LC_ALL", "C.UTF-8").env("TERM", "xterm-256color").output();
        let output = output.expect("it runs");
        assert!(output.status.success(), "{output:?}");
        output
    }

    #[track_caller]
    fn wait_for(&self, what: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let output = self.tmux(&["capture-pane", "-p"]);
            let text = String::from_utf8(output.stdout).expect("UTF-8");
            if what(&text) {
                return text;
            }
            assert!(start.elapsed() < LONG, "{text}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = Command::new("tmux").args(["-S", &self.0, "kill-server"]).output();
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn on_a_terminal_of_eighty_columns_a_bar_shows_the_rate_and_the_fill_and_is_gone_at_the_end() {
    let pipeline = path("pipeline").display();
    let command = format!("'{pipeline}' --rate 36000 --no-kill; echo ended with $?; sleep 600");
    let Some(screen) = Screen::start(&command) else { return };
    let text = screen.wait_for(|text| text.contains("\n[##") && text.contains(" s left"));
    let bar = text.lines().position(|line| line.starts_with("[##")).expect("a bar");
    let lines: Vec<&str> = text.lines().skip(bar).take(2).collect();
    assert!(lines[0].contains(" of 108 k, ") && lines[0].contains("/s, "), "{text}");
    assert!(lines[1].starts_with("fill  records "), "in one line, the fill in the next one: {text}");
    for fill in [" % of 4096, work ", " % of 64, results ", " % of 16"] {
        assert!(lines[1].contains(fill), "no `{fill}`: {text}");
    }
    let text = screen.wait_for(|text| text.contains("ended with"));
    assert!(text.contains("ended with 0"), "{text}");
    assert!(!text.contains("[#") && !text.contains("fill  "), "{text}");
    // What is said meanwhile stands above the bar, whole.
    let whole = |line: &str| line.starts_with("  after ") && line.ends_with("0 blocks redelivered");
    assert!(text.lines().any(whole), "{text}");
}

#[test]
fn without_a_terminal_there_is_no_bar() {
    let end = run(&["--rate", "60000"]);
    assert_matches(&end, PASS);
    for line in &end.1 {
        assert!(!line.contains(['\x1b', '\r']) && !line.contains("fill"), "{line:?}");
    }
}
