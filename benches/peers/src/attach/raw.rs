//! The yardstick: memory under a name, mapped twice.
#![allow(unsafe_code, reason = "maps memory by hand")]

use std::ffi::c_void;
use std::ptr;

use rustix::fd::OwnedFd;
use rustix::fs::{Mode, ftruncate};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::shm;

use super::{Life, WORDS};
use crate::CAPACITY;

/// A page for whatever else it has.
const BYTES: usize = 4096 + CAPACITY * WORDS * 8;

struct Mapping(*mut c_void);

impl Mapping {
    fn new(memory: &OwnedFd) -> Self {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping touches nothing that is there.
        let mapped = unsafe { mmap(ptr::null_mut(), BYTES, access, MapFlags::SHARED, memory, 0) };
        Self(mapped.expect("a mapping"))
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`, and nobody has a pointer into it.
        unsafe { munmap(self.0, BYTES) }.expect("it was mapped");
    }
}

fn open(name: &str, flags: shm::OFlags) -> OwnedFd {
    shm::open(name, flags | shm::OFlags::RDWR, Mode::RUSR | Mode::WUSR).expect("memory")
}

pub(super) fn life(run: &str) -> Life {
    let run = run.to_owned();
    Box::new(move |channel, done| {
        let name = format!("/{run}-rivals-{channel}");
        let memory = open(&name, shm::OFlags::CREATE | shm::OFlags::EXCL);
        ftruncate(&memory, BYTES as u64).expect("memory");
        let first = Mapping::new(&memory);
        done();
        let again = open(&name, shm::OFlags::empty());
        let second = Mapping::new(&again);
        done();
        drop((second, again));
        done();
        drop((first, memory));
        shm::unlink(&name).expect("memory");
        done();
    })
}
