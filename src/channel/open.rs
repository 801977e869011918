//! How an endpoint comes to its segment.

use super::options::{Asked, DEFAULT_CAPACITY, DEFAULT_CELLS, DEFAULT_RECORDS, Opening, Options};
use crate::Error;
use crate::map::{Access, HeapRegion, MapKind, MapOptions, SharedMap};
use crate::message::Message;
use crate::protocol::gate::Parking;
use crate::protocol::ring::Corruption;
use crate::segment::{
    Expected, Key, Kind, Layout, MAX_CAPACITY, MAX_CELLS, MAX_RECORDS, Memory, Segment, Shape, Terms, Wanted,
    formatter,
};
use crate::sync::Barrier;

/// What a heap channel is called in errors.
const IN_PROCESS: &str = "in process";

/// What the channel of a segment is called.
pub(super) fn name(segment: &Segment) -> &str {
    match segment.memory() {
        Memory::Map(map) => map.name().unwrap_or_default(),
        Memory::Heap(_) => IN_PROCESS,
        Memory::Observed(observed) => observed.entry().name.as_deref().unwrap_or_default(),
    }
}

/// What an end says whose ring makes no sense.
pub(super) fn inconsistent(segment: &Segment, corruption: Corruption) -> Error {
    Error::Inconsistent { channel: name(segment).to_owned(), broken: corruption.into() }
}

/// As many messages as a claim can count.
#[inline]
pub(super) fn clamp(messages: usize) -> u32 {
    u32::try_from(messages).unwrap_or(u32::MAX)
}

/// The program's own schema, encoded.
pub(super) fn schema<T: Message>() -> Vec<u8> {
    T::SCHEMA.encode()
}

/// A count that is an option, if it may be.
fn count(
    channel: &str,
    (option, unit): (&'static str, &str),
    (asked, default): (Option<usize>, u32),
    most: u64,
) -> Result<u32, Error> {
    let Some(asked) = asked else { return Ok(default) };
    match u32::try_from(asked) {
        Ok(count) if count > 0 && u64::from(count) <= most => Ok(count),
        _ => {
            let (found, expected) = (format!("{asked} {unit}"), format!("1 to {most} {unit}"));
            Err(Error::Option { channel: channel.to_owned(), option, found, expected })
        }
    }
}

/// What a new channel has if nobody says otherwise: the best that this process can take part in.
fn best_parking() -> Parking {
    match Barrier::best() {
        Barrier::Membarrier => Parking::Asymmetric,
        Barrier::Fence => Parking::Fenced,
    }
}

/// What was asked for, or the next best where the kernel does not have it.
fn parking(asked: &Asked) -> Option<Parking> {
    asked.parking.map(|asked| if asked == Parking::Asymmetric { best_parking() } else { asked })
}

/// What a channel that exists must have. Whoever asked for what its process cannot have takes what there is.
fn wanted_parking(asked: &Asked) -> Option<Parking> {
    asked.parking.filter(|wanted| parking(asked) == Some(*wanted))
}

/// The segment of a new channel, with the defaults for what nobody asked for.
pub(super) fn plan<T: Message>(
    channel: &str,
    kind: Kind,
    asked: &Asked,
    schema: &[u8],
) -> Result<Layout, Error> {
    let records = |shared| if shared { DEFAULT_RECORDS } else { 1 };
    let senders = (asked.max_senders, records(kind.shared_senders()));
    let receivers = (asked.max_receivers, records(kind.shared_receivers()));
    let (capacity, most) = ((asked.capacity, DEFAULT_CAPACITY), MAX_RECORDS.into());
    let terms = Terms {
        kind,
        capacity: count(channel, ("capacity", "messages"), capacity, MAX_CAPACITY)?,
        senders: count(channel, ("max_senders", "senders"), senders, most)?,
        receivers: count(channel, ("max_receivers", "receivers"), receivers, most)?,
        on_receiver_death: asked.on_receiver_death.unwrap_or_default(),
        parking: parking(asked).unwrap_or_else(best_parking),
    };
    Layout::plan(Shape::of::<T>(terms, schema.len() as u32)).ok_or_else(|| Error::Option {
        channel: channel.to_owned(),
        option: "capacity",
        found: format!("{} messages of {} bytes", terms.capacity, size_of::<T>()),
        expected: "fewer, so that they fit in memory".into(),
    })
}

/// Creates or opens the named map, as the options say.
fn map(options: &Options, access: Access, layout: &Layout, schema: &[u8]) -> Result<SharedMap, Error> {
    let maps = MapOptions::new().namespace(options.namespace.clone()).mode(options.mode).capacity(layout.len);
    let maps = if options.prefault { maps.prefault() } else { maps };
    let (maps, format) = (maps.mapped_for(access), formatter(layout, schema));
    let map = match options.opening {
        Opening::CreateOrOpen => maps.create_or_open_with(&options.name, format)?.0,
        Opening::CreateNew => maps.create_new_with(&options.name, format)?,
        Opening::Open => maps.open(&options.name)?,
    };
    usable(map, access, &options.name)
}

/// The map, if it is such as a channel is made in: in memory, and for everybody to do with it what they need to.
pub(super) fn usable(map: SharedMap, access: Access, name: &str) -> Result<SharedMap, Error> {
    let channel = || name.to_owned();
    if map.kind() != MapKind::Named {
        return Err(Error::NotAChannel { channel: channel() });
    }
    if access.changes_the_map() && !map.is_writable() {
        let (found, expected) = ("for reading only".to_owned(), "for reading and writing".to_owned());
        return Err(Error::Damaged {
            channel: channel(),
            part: "a map that its creator made",
            found,
            expected,
        });
    }
    Ok(map)
}

/// Creates or attaches the named segment, as the options say.
pub(super) fn named<T: Message>(kind: Kind, options: &Options) -> Result<Segment, Error> {
    let (schema, asked) = (schema::<T>(), &options.asked);
    let layout = plan::<T>(&options.name, kind, asked, &schema)?;
    let map = map(options, Access::ReadWrite, &layout, &schema)?;
    let terms = &layout.shape.terms;
    let wanted = Wanted {
        capacity: asked.capacity.map(|_| terms.capacity),
        senders: asked.max_senders.map(|_| terms.senders),
        receivers: asked.max_receivers.map(|_| terms.receivers),
        on_receiver_death: asked.on_receiver_death,
        parking: wanted_parking(asked),
    };
    let expected = Expected { message: T::SCHEMA, key: None, schema: &schema, shape: layout.shape, wanted };
    Segment::attach(map, &expected).map_err(|refusal| Error::refused(&options.name, refusal))
}

/// A new segment on the heap.
pub(super) fn in_process<T: Message>(kind: Kind, capacity: usize) -> Result<Segment, Error> {
    let schema = schema::<T>();
    // Nobody can ask for more than there is to have.
    let most = |shared: bool| shared.then_some(MAX_RECORDS as usize);
    let asked = Asked {
        capacity: Some(capacity),
        max_senders: most(kind.shared_senders()),
        max_receivers: most(kind.shared_receivers()),
        ..Asked::default()
    };
    let layout = plan::<T>(IN_PROCESS, kind, &asked, &schema)?;
    let heap = HeapRegion::new(layout.len)?;
    Ok(Segment::on_heap(heap, layout, &schema))
}

/// The schemas of a cell's value and key, encoded one behind the other.
fn schemas<T: Message>(key: Option<Key>) -> Vec<u8> {
    let key = key.map(|key| key.schema.encode()).unwrap_or_default();
    [schema::<T>(), key].concat()
}

/// The segment of so many new cells.
pub(super) fn plan_cells<T: Message>(
    name: &str,
    kind: Kind,
    key: Option<Key>,
    asked: &Asked,
) -> Result<Layout, Error> {
    let (default, most) = if kind == Kind::Cell { (1, 1) } else { (DEFAULT_CELLS, MAX_CELLS) };
    let cells = count(name, ("cells", "cells"), (asked.capacity, default), most.into())?;
    let parking = parking(asked).unwrap_or_else(best_parking);
    Layout::plan(Shape::of_cells::<T>(kind, cells, schema::<T>().len() as u32, key, parking)).ok_or_else(
        || Error::Option {
            channel: name.to_owned(),
            option: "cells",
            found: format!("{cells} cells of {} bytes", size_of::<T>()),
            expected: "fewer, so that they fit in memory".into(),
        },
    )
}

/// Creates or attaches the named cells, to write or only to read them.
pub(super) fn named_cells<T: Message>(
    kind: Kind,
    key: Option<Key>,
    options: &Options,
    access: Access,
) -> Result<Segment, Error> {
    let (asked, schema) = (&options.asked, schemas::<T>(key));
    let layout = plan_cells::<T>(&options.name, kind, key, asked)?;
    let map = map(options, access, &layout, &schema)?;
    let wanted = Wanted {
        capacity: asked.capacity.map(|_| layout.shape.terms.capacity),
        parking: wanted_parking(asked),
        ..Wanted::default()
    };
    let key = key.map(|key| key.schema);
    let expected = Expected { message: T::SCHEMA, key, schema: &schema, shape: layout.shape, wanted };
    Segment::attach(map, &expected).map_err(|refusal| Error::refused(&options.name, refusal))
}

/// New cells on the heap.
pub(super) fn cells_in_process<T: Message>(
    kind: Kind,
    key: Option<Key>,
    cells: usize,
) -> Result<Segment, Error> {
    let asked = Asked { capacity: Some(cells), ..Asked::default() };
    let layout = plan_cells::<T>(IN_PROCESS, kind, key, &asked)?;
    let heap = HeapRegion::new(layout.len)?;
    Ok(Segment::on_heap(heap, layout, &schemas::<T>(key)))
}
