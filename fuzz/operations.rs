//! Any sequence of operations on a map, its views, accessors and streams, beside a model of it: a `Vec<u8>` for
//! the bytes, another for each private view.
//!
//! Each operation takes a few bytes of the input; what is refused by the one has to be refused by the other.

use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};

use ringway::map::{Access, AccessError, AnyStream, AnyView, MapOptions, SharedMap};

use super::input::Input;

/// What a view has to show: the map's bytes, with its own in the pages that it has written to, if it is private.
struct Viewed {
    view: Taken,
    access: Access,
    offset: u64,
    len: u64,
    /// Of a private view: the whole of the map as it sees it, where it has written.
    own: Vec<Option<u8>>,
    position: u64,
}

enum Taken {
    Accessor(AnyView),
    Stream(AnyStream),
}

impl Viewed {
    fn expected(&self, map: &[u8], at: u64) -> u8 {
        let at = (self.offset + at) as usize;
        self.own.get(at).copied().flatten().unwrap_or_else(|| map[at])
    }

    /// What the bytes are after it wrote them.
    fn note(&mut self, map: &mut [u8], at: u64, bytes: &[u8]) {
        let start = (self.offset + at) as usize;
        if self.access != Access::CopyOnWrite {
            return map[start..start + bytes.len()].copy_from_slice(bytes);
        }
        // The kernel copies whole pages: what others write to them later is not seen any more.
        let page = 4096;
        let end = (start + bytes.len()).next_multiple_of(page).min(map.len());
        let first = start / page * page;
        for (own, now) in self.own[first..end].iter_mut().zip(&map[first..end]) {
            own.get_or_insert(*now);
        }
        for (at, byte) in bytes.iter().enumerate() {
            self.own[start + at] = Some(*byte);
        }
    }
}

/// Runs the operations that the input says, and panics where the map is not what the model is.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let capacity = 1 + input.number() % 12_000;
    let map = MapOptions::new().capacity(capacity).anonymous().expect("there is memory");
    let mut model = vec![0; capacity as usize];
    let mut views: Vec<Viewed> = Vec::new();
    for _ in 0..200 {
        if input.is_empty() {
            break;
        }
        match input.byte() % 8 {
            0 => take(&map, &mut model, &mut views, &mut input),
            1 if !views.is_empty() => {
                let which = usize::from(input.byte()) % views.len();
                drop(views.swap_remove(which));
            }
            2 => grow(&map, &mut model, &mut views, &mut input),
            _ if views.is_empty() => take(&map, &mut model, &mut views, &mut input),
            _ => {
                let which = usize::from(input.byte()) % views.len();
                operate(&mut views[which], &mut model, &mut input);
            }
        }
    }
    let whole = map.view(..).read_only().accessor().expect("all");
    let mut found = vec![0; model.len()];
    whole.read_exact_at(0, &mut found).expect("within");
    assert_eq!(found, model, "the whole map at the end");
}

fn take(map: &SharedMap, model: &mut [u8], views: &mut Vec<Viewed>, input: &mut Input<'_>) {
    let capacity = model.len() as u64;
    let (offset, size) = (input.position(capacity), input.position(capacity));
    let access = Access::ALL[usize::from(input.byte()) % Access::ALL.len()];
    let end = offset.checked_add(size);
    let range = (offset, end.unwrap_or(u64::MAX));
    let options = map.view(range.0..range.1).access(access);
    let stream = input.byte() % 2 == 0;
    let taken = match stream {
        true => options.stream().map(Taken::Stream),
        false => options.accessor().map(Taken::Accessor),
    };
    let legal = offset <= capacity && end.is_some_and(|end| end <= capacity) && !access.can_execute();
    assert_eq!(taken.is_ok(), legal, "{offset} + {size} of {capacity}, {access}");
    if let (Ok(view), true) = (taken, views.len() < 8) {
        let own = if access == Access::CopyOnWrite { vec![None; model.len()] } else { Vec::new() };
        views.push(Viewed { view, access, offset, len: size, own, position: 0 });
    }
}

fn grow(map: &SharedMap, model: &mut Vec<u8>, views: &mut [Viewed], input: &mut Input<'_>) {
    let wanted = input.number() % 16_000;
    let grown = map.grow(wanted).is_ok();
    assert_eq!(grown, wanted >= model.len() as u64, "{wanted}");
    if grown {
        model.resize(wanted as usize, 0);
        for view in views.iter_mut().filter(|view| view.access == Access::CopyOnWrite) {
            view.own.resize(wanted as usize, None);
        }
    }
    assert_eq!(map.capacity(), model.len() as u64);
}

fn operate(viewed: &mut Viewed, model: &mut [u8], input: &mut Input<'_>) {
    match &viewed.view {
        Taken::Accessor(_) => access(viewed, model, input),
        Taken::Stream(_) => stream(viewed, model, input),
    }
}

/// Whether the model says that it can be done.
fn verdict(viewed: &Viewed, writes: bool, at: u64, count: u64) -> Result<(), AccessError> {
    let (access, len) = (viewed.access, viewed.len);
    if writes && !access.can_write() {
        return Err(AccessError::Direction { wanted: "write", access });
    }
    if !writes && !access.can_read() {
        return Err(AccessError::Direction { wanted: "read", access });
    }
    match at.checked_add(count) {
        Some(end) if end <= len => Ok(()),
        _ => Err(AccessError::OutOfRange { at, needed: count, len }),
    }
}

fn access(viewed: &mut Viewed, model: &mut [u8], input: &mut Input<'_>) {
    let at = input.position(viewed.len);
    let value = input.number().wrapping_mul(0x0001_0003_0005_0007);
    let operation = input.byte() % 10;
    let count = input.number() % 300;
    let Taken::Accessor(view) = &viewed.view else { unreachable!("the caller looked") };
    macro_rules! typed {
        ($type:ty) => {{
            let size = size_of::<$type>() as u64;
            let written = value as $type;
            let result = view.write(at, &written);
            assert_eq!(result, verdict(viewed, true, at, size));
            if result.is_ok() {
                viewed.note(model, at, &written.to_le_bytes());
            }
            let Taken::Accessor(view) = &viewed.view else { unreachable!("the caller looked") };
            let expected = verdict(viewed, false, at, size).map(|()| {
                let bytes: Vec<u8> = (at..at + size).map(|at| viewed.expected(model, at)).collect();
                <$type>::from_le_bytes(bytes.try_into().expect("as many"))
            });
            assert_eq!(view.read::<$type>(at), expected);
        }};
    }
    match operation {
        0 => typed!(u8),
        1 => typed!(u16),
        2 => typed!(u32),
        3 => typed!(u64),
        4 => typed!(u128),
        5 => {
            let mut found = vec![0xee; count as usize];
            let result = view.read_exact_at(at, &mut found);
            assert_eq!(result, verdict(viewed, false, at, count));
            if result.is_ok() {
                let expected: Vec<u8> = (at..at + count).map(|at| viewed.expected(model, at)).collect();
                assert_eq!(found, expected);
            }
        }
        6 => {
            let bytes: Vec<u8> = (0..count).map(|at| (at ^ value) as u8).collect();
            let result = view.write_all_at(at, &bytes);
            assert_eq!(result, verdict(viewed, true, at, count));
            if result.is_ok() && count > 0 {
                viewed.note(model, at, &bytes);
            }
        }
        7 => {
            let mut found = vec![0_u16; count as usize];
            let result = view.read_slice(at, &mut found);
            let Ok(read) = result else {
                let refused = verdict(viewed, false, at, 1).is_err();
                return assert!(refused, "{result:?}");
            };
            assert_eq!(read as u64, count.min((viewed.len - at) / 2));
            for (number, value) in found[..read].iter().enumerate() {
                let at = at + 2 * number as u64;
                let expected = [viewed.expected(model, at), viewed.expected(model, at + 1)];
                assert_eq!(value.to_le_bytes(), expected);
            }
        }
        8 => {
            let values: Vec<u16> = (0..count).map(|at| (at ^ value) as u16).collect();
            let result = view.write_slice(at, &values);
            let legal = verdict(viewed, true, at, 2 * count).is_ok() && at < viewed.len;
            assert_eq!(result.is_ok(), legal, "{result:?}");
            if legal && count > 0 {
                let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                viewed.note(model, at, &bytes);
            }
        }
        _ => {
            view.flush().expect("it works for all");
            assert_eq!(view.check(), Ok(()));
            assert_eq!((view.len(), view.access()), (viewed.len, viewed.access));
        }
    }
}

fn stream(viewed: &mut Viewed, model: &mut [u8], input: &mut Input<'_>) {
    let count = input.number() % 300;
    let (len, position, access) = (viewed.len, viewed.position, viewed.access);
    let room = count.min(len.saturating_sub(position));
    let Taken::Stream(stream) = &mut viewed.view else { unreachable!("the caller looked") };
    assert_eq!((stream.position(), stream.len()), (position, len));
    match input.byte() % 5 {
        0 => {
            let mut found = vec![0; count as usize];
            match stream.read(&mut found) {
                Ok(read) => {
                    assert!(access.can_read());
                    assert_eq!(read as u64, room);
                    viewed.position += room;
                    let expected: Vec<u8> =
                        (position..position + room).map(|at| viewed.expected(model, at)).collect();
                    assert_eq!(found[..read], expected);
                }
                Err(error) => {
                    assert!(!access.can_read() && error.kind() == ErrorKind::Unsupported, "{error}")
                }
            }
        }
        1 => {
            let bytes: Vec<u8> = (0..count).map(|at| at as u8 ^ 0x3c).collect();
            match stream.write(&bytes) {
                Ok(written) => {
                    assert!(access.can_write());
                    assert_eq!(written as u64, room);
                    viewed.position += room;
                    if room > 0 {
                        viewed.note(model, position, &bytes[..written]);
                    }
                }
                Err(error) => {
                    assert!(!access.can_write() && error.kind() == ErrorKind::Unsupported, "{error}")
                }
            }
        }
        2 => {
            let bytes: Vec<u8> = (0..count).map(|at| at as u8 ^ 0xc3).collect();
            let result = stream.try_write_all(&bytes);
            let fits = count == 0 || position.checked_add(count).is_some_and(|end| end <= len);
            assert_eq!(result.is_ok(), access.can_write() && fits, "{result:?}");
            if result.is_ok() && count > 0 {
                viewed.position += count;
                viewed.note(model, position, &bytes);
            }
        }
        _ => {
            let by = input.number() as i64 - 32_768;
            let (to, from) = match input.byte() % 3 {
                0 => (SeekFrom::Start(by.unsigned_abs()), None),
                1 => (SeekFrom::Current(by), Some(position)),
                _ => (SeekFrom::End(by), Some(len)),
            };
            let expected = match from {
                None => Some(by.unsigned_abs()),
                Some(from) => from.checked_add_signed(by),
            };
            match stream.seek(to) {
                Ok(position) => {
                    assert_eq!(Some(position), expected);
                    viewed.position = position;
                }
                Err(error) => {
                    assert!(expected.is_none() && error.kind() == ErrorKind::InvalidInput, "{error}")
                }
            }
        }
    }
}
