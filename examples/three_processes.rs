//! Three processes and one map in memory: the example of .NET's article on memory-mapped files.
//!
//! `cargo run --example three_processes`
//!
//! Process A creates the map, says True at its byte 0, and starts B and C. Each of them opens the map by its name and
//! says its own at the next byte: B False, C True. When both have ended, A reads all three. As there, a mutex with a
//! name keeps them in turn; here it is a word in a map of its own.

use std::env;
use std::error::Error;
use std::io::{Seek, SeekFrom, Write};
use std::process::Command;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use ringway::map::{MapOptions, SharedMap, View};

/// A mutex that processes share by a name. One whose owner dies stays locked: this is an example.
struct NamedMutex(View);

impl NamedMutex {
    const FREE: u32 = 0;
    const TAKEN: u32 = 1;

    fn of(map: &SharedMap) -> Result<NamedMutex, Box<dyn Error>> {
        Ok(NamedMutex(map.accessor()?))
    }

    fn lock(&self) -> Result<(), Box<dyn Error>> {
        let word = self.0.atomic_u32(0)?;
        while word.compare_exchange(Self::FREE, Self::TAKEN, Ordering::Acquire, Ordering::Relaxed).is_err() {
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    fn unlock(&self) -> Result<(), Box<dyn Error>> {
        self.0.atomic_u32(0)?.store(Self::FREE, Ordering::Release);
        Ok(())
    }
}

/// Process A.
fn first(map_name: &str, mutex_name: &str) -> Result<(), Box<dyn Error>> {
    let map = MapOptions::new().capacity(10_000).create_new(map_name)?;
    let mutex_map = MapOptions::new().capacity(4).create_new(mutex_name)?;
    let mutex = NamedMutex::of(&mutex_map)?;
    mutex.lock()?;
    map.stream()?.write_all(&[u8::from(true)])?;
    mutex.unlock()?;

    for (process, offset, says) in [("B", "1", "false"), ("C", "2", "true")] {
        let status = Command::new(env::current_exe()?).args([map_name, mutex_name, offset, says]).status()?;
        if !status.success() {
            return Err(format!("process {process} failed: {status}").into());
        }
    }

    mutex.lock()?;
    let view = map.accessor()?;
    for (at, process) in (0..).zip(["A", "B", "C"]) {
        let says = if view.read_checked::<bool>(at)? { "True" } else { "False" };
        println!("Process {process} says: {says}");
    }
    mutex.unlock()
}

/// Processes B and C.
fn another(map_name: &str, mutex_name: &str, offset: &str, says: &str) -> Result<(), Box<dyn Error>> {
    let map = SharedMap::open(map_name)?;
    let mutex = NamedMutex::of(&SharedMap::open(mutex_name)?)?;
    mutex.lock()?;
    let mut stream = map.stream()?;
    stream.seek(SeekFrom::Start(offset.parse()?))?;
    stream.write_all(&[u8::from(says.parse::<bool>()?)])?;
    mutex.unlock()
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &arguments[..] {
        [] => {
            let run = std::process::id();
            first(&format!("testmap-{run}"), &format!("testmapmutex-{run}"))
        }
        [map, mutex, offset, says] => another(map, mutex, offset, says),
        _ => Err("run it without arguments".into()),
    }
}
