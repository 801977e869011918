//! `metrics` of what cannot be opened, and into what is no file.

#[allow(dead_code, unused_imports, reason = "other tests need the rest")]
mod common;

use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt, symlink};
use std::process::{Command, Stdio};

use ringway::spsc;

use common::prometheus::Page;
use common::{Place, ended, tool};

/// The tool, run by that program.
fn within(place: &Place, wrapper: &[&str], args: &[&str]) -> Command {
    let mut command = Command::new(wrapper[0]);
    command.args(&wrapper[1..]).arg(tool().get_program()).arg("--namespace").arg(place.path()).args(args);
    command.stdin(Stdio::null());
    command
}

#[test]
fn a_channel_that_is_beyond_what_may_be_opened_is_told_to_be_unreadable() {
    let place = Place::new();
    let tx = spsc::channel::<u64>("trades").namespace(place.namespace()).sender().expect("free");
    // Its directory, and no more.
    let few = ["sh", "-c", "ulimit -n 4; exec \"$@\"", "sh"];
    let (out, err) = ended(within(&place, &few, &["metrics", "trades"]).output().expect("it runs"), 3);
    assert_eq!(Page::parse(&out).get("ringway_channel_readable", &[("channel", "trades")]), 0.0);
    assert!(err.contains("Too many open files"), "{err}");
    let (out, _) = ended(within(&place, &few, &["metrics"]).output().expect("it runs"), 3);
    assert_eq!(Page::parse(&out).get("ringway_namespace_readable", &[]), 0.0);
    drop(tx);
}

#[test]
fn a_channel_of_others_is_told_to_be_unreadable() {
    let place = Place::new();
    let open = |name: &str| spsc::channel::<u64>(name).namespace(place.namespace()).sender().expect("free");
    let both = [open("ours"), open("theirs")];
    for (name, mode) in [("", 0o755), ("ours", 0o644), ("theirs", 0o000)] {
        fs::set_permissions(place.path().join(name), Permissions::from_mode(mode)).expect("ours");
    }
    fs::write(place.path().join("empty"), "").expect("written");
    fs::set_permissions(place.path().join("empty"), Permissions::from_mode(0o000)).expect("ours");
    // Root may read all.
    let wrapper = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let is_root =
        fs::metadata("/proc/self").is_ok_and(|about| std::os::unix::fs::MetadataExt::uid(&about) == 0);
    let wrapper = if is_root { &wrapper[..] } else { &["env"] };
    let may_run =
        Command::new(wrapper[0]).args(&wrapper[1..]).args(["test", "-x"]).arg(tool().get_program()).status();
    if !may_run.is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("RINGWAY_TESTS_SKIP_NOTHING").is_none(), "nobody else can run the tool");
        println!("SKIPPED: a channel of others (nobody else can run the tool)");
        return;
    }
    let run = |args: &[&str], status| ended(within(&place, wrapper, args).output().expect("it runs"), status);
    let (out, _) = run(&["metrics"], 0);
    let page = Page::parse(&out);
    let readable = page.all("ringway_channel_readable", &[]);
    let readable: Vec<_> =
        readable.iter().map(|(labels, value)| (labels["channel"].as_str(), **value)).collect();
    assert_eq!(readable, [("ours", 1.0), ("theirs", 0.0)]);
    let (out, err) = run(&["metrics", "theirs"], 3);
    assert_eq!(Page::parse(&out).get("ringway_channel_readable", &[("channel", "theirs")]), 0.0);
    assert!(err.contains("`theirs`"), "{err}");
    drop(both);
}

#[test]
fn what_is_no_file_is_written_into_and_what_is_a_link_stays_one() {
    let (place, other) = (Place::new(), Place::new());
    let tx = spsc::channel::<u64>("trades").namespace(place.namespace()).sender().expect("free");
    let whole = |text: &str| assert_eq!(Page::parse(text).get("ringway_channel_fill", &[]), 0.0);
    let path = |name: &str| other.path().join(name);
    let write =
        |name: &str, status| place.run(&["metrics", "--output", path(name).to_str().expect("UTF-8")], status);

    let (out, _) = place.run(&["metrics", "--output", "/dev/stdout"], 0);
    whole(&out);
    fs::write(path("led"), "before\n").expect("written");
    let led = File::options().append(true).open(path("led")).expect("it is there");
    let mut command = place.command(&["metrics", "--output", "/dev/stdout"]);
    assert!(command.stdin(Stdio::null()).stdout(led).status().expect("it runs").success());
    let text = fs::read_to_string(path("led")).expect("text");
    whole(text.strip_prefix("before\n").expect("what was there first"));

    assert!(Command::new("mkfifo").arg(path("fifo")).status().expect("it runs").success());
    // Open for both, so that it waits for nobody; and a look at an empty one is an error.
    let mut options = File::options();
    let mut fifo = options
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path("fifo"))
        .expect("it is there");
    write("fifo", 0);
    let mut text = vec![0; 1 << 16];
    let length = fifo.read(&mut text).expect("what was written");
    let text = String::from_utf8_lossy(&text[..length]);
    whole(&text);
    assert!(fs::symlink_metadata(path("fifo")).expect("it is there").file_type().is_fifo());

    fs::write(path("file"), "old").expect("written");
    symlink("file", path("link")).expect("a new name");
    write("link", 0);
    whole(&fs::read_to_string(path("file")).expect("text"));
    assert!(fs::symlink_metadata(path("link")).expect("it is there").is_symlink());

    fs::create_dir(path("dir")).expect("a new name");
    let (_, err) = write("dir", 4);
    assert!(err.contains("the output cannot be written: Is a directory"), "{err}");
    assert_eq!(fs::read_dir(path("dir")).expect("readable").count(), 0);
    drop(tx);
}
