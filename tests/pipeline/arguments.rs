//! What the user may say, and what is refused before anything is started.

use std::fs;
use std::path::{Path, PathBuf};

use crate::RECORDING;
use crate::example::{self, contains};
use crate::run::run;

/// A damaged copy of the recording, removed on drop.
struct Copy(PathBuf);

impl Copy {
    fn new(name: &str, damage: impl FnOnce(&mut Vec<u8>)) -> Self {
        let path = std::env::temp_dir().join(format!("ringway-{}-{name}", std::process::id()));
        let mut bytes = fs::read(RECORDING).expect("the recording ships with the source");
        damage(&mut bytes);
        fs::write(&path, bytes).expect("there is a directory for temporary files");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("the path is text")
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn assert_refused(arguments: &[&str], status: i32, texts: &[&str]) {
    example::assert_refused("pipeline", arguments, status, texts);
}

#[test]
fn a_missing_recording_is_refused() {
    let missing = Path::new(RECORDING).with_extension("missing");
    let missing = missing.to_str().expect("the path is text");
    assert_refused(&["--data", missing], 1, &[missing, "cannot be read", "No such file", "restore"]);
}

#[test]
fn a_truncated_recording_is_refused() {
    let copy = Copy::new("truncated", |bytes| bytes.truncate(215_999));
    assert_refused(
        &["--data", copy.path()],
        1,
        &[copy.path(), "found 215999 bytes, expected 216000", "restore"],
    );
}

#[test]
fn a_recording_with_one_flipped_bit_is_refused() {
    let copy = Copy::new("flipped", |bytes| bytes[100_000] ^= 1);
    let texts = [copy.path(), "found checksum ", "expected 96d73d45ca5d7b59", "restore"];
    assert_refused(&["--data", copy.path()], 1, &texts);
}

#[test]
fn a_whole_copy_elsewhere_will_do() {
    let copy = Copy::new("whole", |_| {});
    let (status, lines) = run(&["--data", copy.path(), "--repeat", "1", "--paced", "0"]);
    assert_eq!(status.code(), Some(0), "{lines:#?}");
}

#[test]
fn wrong_arguments_are_refused() {
    assert_refused(&["--frequency", "3"], 2, &["--frequency", "--help"]);
    assert_refused(&["surplus"], 2, &["surplus", "--help"]);
    assert_refused(&["--repeat"], 2, &["--repeat", "--help"]);
    assert_refused(&["--repeat", "0"], 2, &["--repeat is `0`", "from 1 to", "--help"]);
    assert_refused(&["--rate", "fast"], 2, &["--rate is `fast`", "--help"]);
    for wrong in ["0", "33", "-1", "many"] {
        assert_refused(&["--workers", wrong], 2, &["--workers", wrong, "from 1 to 32", "--help"]);
    }
    assert_refused(&["--kill-every", "9"], 2, &["--kill-every is `9`", "from 10 to", "--help"]);
    assert_refused(&["--workers"], 2, &["--workers", "--help"]);
    assert_refused(&["--capacity", "-1"], 2, &["--capacity", "--help"]);
    assert_refused(&["--no-kill=yes"], 2, &["--no-kill", "--help"]);
    assert_refused(&["--records", "3"], 2, &["--role", "--help"]);
    for wrong in ["0", "-1", "2147483648", "mine"] {
        let text = format!("--watch is `{wrong}`, expected the process number of a pipeline");
        assert_refused(&[&format!("--watch={wrong}")], 2, &[&text, "--help"]);
    }
    assert_refused(&["--watch", "mine"], 2, &["--watch is `mine`", "--help"]);
    assert_refused(&["--watch", "1", "2"], 2, &["\"2\"", "--help"]);
    for other in [&["--repeat", "3"][..], &["--no-kill"], &["--workers", "2"], &["--data", RECORDING]] {
        let text = format!("{} does not go with --watch", other[0]);
        assert_refused(&[&["--watch"], other].concat(), 2, &[&text, "--help"]);
        assert_refused(&[other, &["--watch=1"]].concat(), 2, &[&text, "--help"]);
    }
}

#[test]
fn help_names_every_option() {
    for flag in ["--help", "-h"] {
        let (status, lines) = run(&[flag]);
        assert_eq!(status.code(), Some(0));
        for option in [
            "--repeat",
            "--rate",
            "--paced",
            "--capacity",
            "--data",
            "--workers",
            "--kill-every",
            "--no-kill",
            "--plot DIR",
            "--watch[=PID]",
            "--help",
        ] {
            assert!(contains(&lines, option), "no `{option}` in {lines:#?}");
        }
    }
}
