//! A real terminal of eighty columns and twenty-four lines, as over ssh: tmux draws it, and its screen is read back.

use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::Place;

const LONG: Duration = Duration::from_secs(60);

/// A terminal with the tool in it, on a server of its own.
pub(crate) struct Screen {
    socket: String,
}

impl Screen {
    /// `None` where there is no tmux. CI has one.
    pub(crate) fn start(place: &Place, args: &str) -> Option<Self> {
        Self::start_after(place, "", args)
    }

    /// The same, after what a shell does first.
    pub(crate) fn start_after(place: &Place, before: &str, args: &str) -> Option<Self> {
        if Command::new("tmux").arg("-V").stdout(Stdio::null()).status().is_err() {
            assert!(std::env::var_os("RINGWAY_TESTS_SKIP_NOTHING").is_none(), "there is no tmux");
            println!("SKIPPED: the screen of `top` (there is no tmux)");
            return None;
        }
        // Not among the names, of which there would be one more.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let socket = std::env::temp_dir().join(format!("ringway-test-tmux-{}-{number}", std::process::id()));
        let screen = Self { socket: socket.display().to_string() };
        let (tool, dir) = (env!("CARGO_BIN_EXE_ringway"), place.path());
        let command =
            format!("{before}'{tool}' --namespace '{}' {args}; echo ended with $?; sleep 600", dir.display());
        screen.tmux(&["new-session", "-d", "-x", "80", "-y", "24", &command]);
        Some(screen)
    }

    #[track_caller]
    fn tmux(&self, args: &[&str]) -> Output {
        let mut command = Command::new("tmux");
        command.args(["-f", "/dev/null", "-S", &self.socket]).args(args);
        let output =
            command.env("LC_ALL", "C.UTF-8").env("TERM", "xterm-256color").output().expect("it runs");
        assert!(output.status.success(), "{output:?}");
        output
    }

    pub(crate) fn press(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    fn read(&self) -> String {
        String::from_utf8(self.tmux(&["capture-pane", "-p"]).stdout).expect("UTF-8")
    }

    /// Waits until the screen shows what it is to show.
    #[track_caller]
    pub(crate) fn wait_for(&self, what: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let text = self.read();
            if what(&text) {
                return text;
            }
            assert!(start.elapsed() < LONG, "{text}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = Command::new("tmux").args(["-S", &self.socket, "kill-server"]).output();
        let _ = std::fs::remove_file(&self.socket);
    }
}
