//! How an endpoint comes to its segment and its role.

use std::time::{Duration, Instant};

use super::options::{Opening, Options};
use crate::Error;
use crate::map::{HeapRegion, MapOptions};
use crate::message::Message;
use crate::protocol::roster::{self, Identity, Predecessor, Presence, Record};
use crate::segment::{Expected, Layout, MAX_CAPACITY, RoleLock, Segment, Shape, formatter, now};

/// A role whose holder seems to live is tried for this long: a peer that is just proving the holder's death has
/// the lock for some microseconds.
const ROLE_PATIENCE: Duration = Duration::from_millis(50);

/// A role that somebody has, whose record says that nobody is there, is tried for this long: its next holder
/// is about to say who it is.
const NAME_PATIENCE: Duration = Duration::from_secs(1);

/// What a heap channel is called in errors.
pub(super) const IN_PROCESS: &str = "in process";

/// The program's own schema, encoded.
pub(super) fn schema<T: Message>() -> Vec<u8> {
    T::SCHEMA.encode()
}

/// The segment of a new channel.
pub(super) fn plan<T: Message>(channel: &str, capacity: usize, schema: &[u8]) -> Result<Layout, Error> {
    let refuse = |found: String, expected: String| {
        Err(Error::Option { channel: channel.to_owned(), option: "capacity", found, expected })
    };
    let slots = match u32::try_from(capacity) {
        Ok(slots) if slots > 0 && u64::from(slots) <= MAX_CAPACITY => slots,
        _ => return refuse(format!("{capacity} messages"), format!("1 to {MAX_CAPACITY} messages")),
    };
    let Some(layout) = Layout::plan(Shape::of::<T>(slots, schema.len() as u32)) else {
        let found = format!("{slots} messages of {} bytes", size_of::<T>());
        return refuse(found, "fewer, so that they fit in memory".into());
    };
    Ok(layout)
}

/// Creates or attaches the named segment, as the options say.
pub(super) fn named<T: Message>(options: &Options) -> Result<Segment, Error> {
    let schema = schema::<T>();
    let layout = plan::<T>(&options.name, options.capacity_to_create(), &schema)?;
    let maps = MapOptions::new().namespace(options.namespace.clone()).mode(options.mode).capacity(layout.len);
    let format = formatter(&layout, &schema);
    let map = match options.opening {
        Opening::CreateOrOpen => maps.create_or_open_with(&options.name, format)?.0,
        Opening::CreateNew => maps.create_new_with(&options.name, format)?,
        Opening::Open => maps.open(&options.name)?,
    };
    let expected = Expected {
        message: T::SCHEMA,
        schema: &schema,
        capacity: options.capacity.map(|_| layout.shape.capacity),
        shape: layout.shape,
    };
    Segment::attach(map, &expected).map_err(|refusal| Error::refused(&options.name, refusal))
}

/// A new segment on the heap.
pub(super) fn in_process<T: Message>(capacity: usize) -> Result<Segment, Error> {
    let schema = schema::<T>();
    let layout = plan::<T>(IN_PROCESS, capacity, &schema)?;
    let heap = HeapRegion::new(layout.len)?;
    Ok(Segment::on_heap(heap, layout, &schema))
}

/// As many messages as a claim can count.
#[inline]
pub(super) fn clamp(messages: usize) -> u32 {
    u32::try_from(messages).unwrap_or(u32::MAX)
}

/// Takes a sole role, from a dead holder too.
pub(super) fn take_role(
    channel: &str,
    role: &'static str,
    record: &Record,
    lock: &RoleLock,
) -> Result<(u64, Predecessor), Error> {
    let me = Identity { pid: std::process::id().into(), since: now() };
    let start = Instant::now();
    loop {
        match roster::attach(record, lock, me) {
            Ok(held) => return Ok(held),
            Err(holder) => {
                let (named, waited) = (roster::glance(record) == Presence::Live, start.elapsed());
                if named && waited >= ROLE_PATIENCE {
                    return Err(Error::RoleTaken { channel: channel.to_owned(), role, pid: holder.pid });
                }
                if waited >= NAME_PATIENCE {
                    return Err(Error::RoleBusy { channel: channel.to_owned(), role });
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}
