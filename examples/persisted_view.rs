//! Changes records in the middle of a very large file through a view, while a second process has the same map by name.
//!
//! `cargo run --example persisted_view`
//!
//! The file is an image of 64 GiB, nearly all of it a hole: it takes as much of the disk as is written to, and a view
//! as much of the memory. The second process looks at the same colours before and after they are brightened, through
//! a view of its own, and nothing is flushed in between.

use std::env;
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ringway::Message;
use ringway::map::{Access, FileMode, MapOptions};

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Color {
    red: u16,
    green: u16,
    blue: u16,
    alpha: u16,
}

impl Color {
    const SIZE: u64 = size_of::<Color>() as u64;

    fn brighten(&mut self, by: u16) {
        for part in [&mut self.red, &mut self.green, &mut self.blue] {
            *part = part.saturating_add(by);
        }
    }
}

/// The length of the image.
const LEN: u64 = 64 << 30;
/// The part that the example is about: 64 KiB behind the first 32 GiB.
const PART: Range<u64> = 32 << 30..(32 << 30) + (64 << 10);
const COUNT: u64 = (PART.end - PART.start) / Color::SIZE;
const BY: u16 = 10;

/// What lies there before.
fn original(number: u64) -> Color {
    let part = |shift: u64| ((number * 7 + shift) % 256) as u16;
    Color { red: part(0), green: part(1), blue: part(2), alpha: 255 }
}

/// The first process: makes the image, and brightens a part of it.
fn brighten(path: &Path, name: &str) -> Result<(), Box<dyn Error>> {
    let map = MapOptions::new().file_mode(FileMode::CreateNew).capacity(LEN).name(name).open_path(path)?;
    let view = map.view(PART).accessor()?;
    for number in 0..COUNT {
        view.write(number * Color::SIZE, &original(number))?;
    }
    let mut second =
        Command::new(env::current_exe()?).arg(name).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut says = BufReader::new(second.stdout.take().ok_or("no output")?);
    let mut line = String::new();
    says.read_line(&mut line)?; // it has seen them as they were

    for number in 0..COUNT {
        let at = number * Color::SIZE;
        let mut color = view.read::<Color>(at)?;
        color.brighten(BY);
        view.write(at, &color)?;
    }
    drop(second.stdin.take());
    says.read_line(&mut line)?;
    let status = second.wait()?;
    if !status.success() {
        return Err(format!("the second process failed: {status}").into());
    }
    let used = std::fs::metadata(path)?.blocks() * 512;
    let sparse = if used < LEN / 1000 { "less than a thousandth" } else { "a good part" };
    println!("brightened {COUNT} colors behind {} GiB of an image of {} GiB", PART.start >> 30, LEN >> 30);
    print!("{line}");
    println!("the image takes {sparse} of its length on the disk");
    Ok(())
}

/// The second process: looks at the same colors, before and after.
fn look(name: &str) -> Result<(), Box<dyn Error>> {
    let map = MapOptions::new().access(Access::Read).open(name)?;
    let view = map.view(PART).read_only().accessor()?;
    let count = |expected: &dyn Fn(u64) -> Color| {
        let seen = |number: &u64| view.read(number * Color::SIZE) == Ok(expected(*number));
        (0..COUNT).filter(seen).count()
    };
    println!("the second process saw {} of them as they were,", count(&original));
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?; // until they are brightened
    let bright = |number| {
        let mut color = original(number);
        color.brighten(BY);
        color
    };
    println!("and {} of them brightened", count(&bright));
    Ok(())
}

/// Removes the image again.
struct Image(PathBuf);

impl Drop for Image {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    match &env::args().skip(1).collect::<Vec<_>>()[..] {
        [] => {
            let run = std::process::id();
            let image = Image(env::temp_dir().join(format!("ringway-image-{run}.data")));
            brighten(&image.0, &format!("image-{run}"))
        }
        [name] => look(name),
        _ => Err("run it without arguments".into()),
    }
}
