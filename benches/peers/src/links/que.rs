//! que's lossless channel of one producer and one consumer, each message published at once.
#![allow(unsafe_code, reason = "its constructors are unsafe")]

use bytemuck::AnyBitPattern;
use que::lossless::consumer::Consumer;
use que::lossless::producer::Producer;
use que::page_size::PageSize;

use super::{At, Inlet, Link, Outlet};
use crate::CAPACITY;

pub(super) struct Single;

fn name(at: &At) -> String {
    format!("{}-rivals-que-{}", at.run, at.channel)
}

/// Removes the memory, which has no other owner, if this is the first process.
pub(super) struct Name(String, bool);

impl Drop for Name {
    fn drop(&mut self) {
        if self.1 {
            let _ = rustix::shm::unlink(&self.0);
        }
    }
}

pub(super) struct Out<const N: usize>(
    Producer<[u64; N], CAPACITY>,
    #[expect(dead_code, reason = "to be dropped")] Name,
);
pub(super) struct In<const N: usize>(
    Consumer<[u64; N], CAPACITY>,
    #[expect(dead_code, reason = "to be dropped")] Name,
);

fn producer<const N: usize>(name: &str) -> Producer<[u64; N], CAPACITY>
where
    [u64; N]: AnyBitPattern,
{
    // SAFETY: all that use memory of this name use it for the same type and capacity.
    unsafe { Producer::join_or_create_shmem(name, PageSize::Standard) }.expect("a producer")
}

impl<const N: usize> Outlet<N> for Out<N>
where
    [u64; N]: AnyBitPattern,
{
    #[inline]
    fn send(&mut self, first: u64, _most: u64) -> u64 {
        match self.0.push(&[first; N]) {
            Ok(()) => {
                self.0.sync();
                1
            }
            Err(_) => 0,
        }
    }
}

impl<const N: usize> Inlet<N> for In<N>
where
    [u64; N]: AnyBitPattern,
{
    #[inline]
    fn recv(&mut self, mut look: impl FnMut(&[u64; N])) -> u64 {
        let message = self.0.pop();
        message.map_or(0, |message| {
            look(&message);
            1
        })
    }
}

impl<const N: usize> Link<N> for Single
where
    [u64; N]: AnyBitPattern,
{
    const NAME: &'static str = "que";
    const BROKEN: Option<&'static str> = Some("it copies a slot before it looks whether there is a message");
    type Out = Out<N>;
    type In = In<N>;

    fn outlet(at: &At) -> Self::Out {
        let name = name(at);
        Out(producer(&name), Name(name, at.first))
    }

    fn inlet(at: &At) -> Self::In {
        let name = name(at);
        // Only a producer makes the memory; this one sends nothing.
        producer::<N>(&name);
        // SAFETY: all that use memory of this name use it for the same type and capacity.
        let consumer = unsafe { Consumer::join_shmem(&name, PageSize::Standard) };
        In(consumer.expect("a consumer"), Name(name, at.first))
    }
}
