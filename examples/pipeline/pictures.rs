//! The files of `--plot`: opened before the run starts, written after its end.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where a picture cannot be written.
#[derive(Debug)]
pub(crate) struct Unwritable {
    path: PathBuf,
    error: io::Error,
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, error } = self;
        write!(f, "--plot: {} cannot be written: {error}; ", path.display())?;
        f.write_str("name a directory in which this user may make files, with room for some 100 kB")
    }
}

impl std::error::Error for Unwritable {}

pub(crate) struct Pictures {
    latency: Picture,
    throughput: Picture,
}

struct Picture {
    path: PathBuf,
    file: File,
    /// Whether it is one that was not there before, and has not been written.
    new: bool,
}

impl Pictures {
    /// Makes the directory if it is not there. What the files held before is kept until they are written.
    pub(crate) fn open(directory: &Path) -> Result<Self, Unwritable> {
        fs::create_dir_all(directory).map_err(|error| Unwritable { path: directory.to_owned(), error })?;
        let open = |name| Picture::open(directory.join(name));
        Ok(Self { latency: open("latency.svg")?, throughput: open("throughput.svg")? })
    }

    pub(crate) fn write(&mut self, latency: &str, throughput: &str) -> Result<(), Unwritable> {
        self.latency.write(latency)?;
        self.throughput.write(throughput)
    }

    pub(crate) fn paths(&self) -> String {
        format!("{}, {}", self.latency.path.display(), self.throughput.path.display())
    }
}

impl Picture {
    fn open(path: PathBuf) -> Result<Self, Unwritable> {
        let new = !path.exists();
        match OpenOptions::new().write(true).create(true).truncate(false).open(&path) {
            Ok(file) => Ok(Self { path, file, new }),
            Err(error) => Err(Unwritable { path, error }),
        }
    }

    fn write(&mut self, text: &str) -> Result<(), Unwritable> {
        // Something that has no length, such as a device, is written all the same.
        let emptied = match self.file.metadata() {
            Ok(data) if data.is_file() => self.file.set_len(0),
            other => other.map(|_| ()),
        };
        let written = emptied.and_then(|()| self.file.write_all(text.as_bytes()));
        written.map_err(|error| Unwritable { path: self.path.clone(), error })?;
        self.new = false;
        Ok(())
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        if self.new {
            let _ = fs::remove_file(&self.path);
        }
    }
}
