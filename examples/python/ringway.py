"""Reads the cells and tables of ringway, from docs/format.md. Linux, 64 bits, little-endian; Python 3.9, nothing else.

    with ringway.open("latest") as cells:
        value = cells.load()            # Value(version=17, value={"number": 17, "seconds": 1.6})
        cells.writer()                  # "alive"

The type of the values is read from the segment. Nothing is ever written to it. See README.md for what Python does not
promise about the order of loads. The steps in comments are those of the document.
"""

import fcntl
import mmap
import os
import stat
import struct
import threading
import time
from collections import namedtuple

try:
    import numpy
except ImportError:
    numpy = None

__all__ = ["open", "Cells", "Value", "Error", "NoChannel", "NoCell", "Refused", "Disturbed", "Invalid"]

Value = namedtuple("Value", "version value")


class Error(Exception):
    """What went wrong, in words."""


class NoChannel(Error):
    """Nobody has it."""


class NoCell(Error, IndexError):
    """The table has no cell of that number."""


class Refused(Error):
    """It is not what can be read here: damaged, of another version or kind, or not to be trusted."""


class Disturbed(Error):
    """The writer was faster at every attempt."""


class Invalid(Error):
    """The bytes are no value of their type."""


# --- Words, hashes, locks ---------------------------------------------------------------------------------------------

_LOCK = struct.Struct("hhqqi4x")
_GETLK, _SETLK = 36, 37  # F_OFD_GETLK, F_OFD_SETLK


def _lock(fd, command, kind, at):
    answer = fcntl.fcntl(fd, command, _LOCK.pack(kind, os.SEEK_SET, at, 1, 0))
    return _LOCK.unpack(answer)[0]


def _is_locked(fd, at):
    return _lock(fd, _GETLK, fcntl.F_WRLCK, at) != fcntl.F_UNLCK


def _mutex(fd, path):
    deadline = time.monotonic() + 10
    while True:
        try:
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Error(f"somebody holds the lock of {path} for more than 10 s") from None
            time.sleep(0.001)


def _fnv(data, bits):
    prime, value = {64: (0x100000001B3, 0xCBF29CE484222325),
                    128: ((1 << 88) + 0x13B, 0x6C62272E07BB014262B821756295C58D)}[bits]
    for byte in data:
        value = (value ^ byte) * prime & ((1 << bits) - 1)
    return value


def _up(n, to):
    return -(-n // to) * to


# --- Schema -----------------------------------------------------------------------------------------------------------

_PRIMITIVES = {  # tag: size, format
    0x01: (1, "B"), 0x02: (2, "H"), 0x03: (4, "I"), 0x04: (8, "Q"), 0x05: (16, "u128"),
    0x11: (1, "b"), 0x12: (2, "h"), 0x13: (4, "i"), 0x14: (8, "q"), 0x15: (16, "i128"),
    0x23: (4, "f"), 0x24: (8, "d"), 0x31: (1, "bool"), 0x32: (4, "char"),
}
_MOST = 1 << 40  # bytes of a type, so that no size is one that cannot be
_MOST_PARTS = 1 << 16  # of a type beyond those that its bytes account for: parts without bytes take time to decode


class _Primitive:
    def __init__(self, tag):
        self.size, self.format = _PRIMITIVES[tag]
        self.align, self.parts = self.size, 1

    def decode(self, data, at):
        if len(self.format) == 1:
            return struct.unpack_from("=" + self.format, data, at)[0]
        number = int.from_bytes(data[at:at + self.size], "little", signed=self.format == "i128")
        if self.format == "bool":
            if number > 1:
                raise Invalid(f"{number} is no bool")
            return bool(number)
        if self.format == "char":
            if number > 0x10FFFF or 0xD800 <= number < 0xE000:
                raise Invalid(f"{number:#x} is no char")
            return chr(number)
        return number

    def encode(self, value):
        if len(self.format) == 1:
            return struct.pack("=" + self.format, value)
        number = ord(value) if self.format == "char" else int(value)
        return number.to_bytes(self.size, "little", signed=self.format == "i128")


class _Array:
    def __init__(self, count, element):
        self.count, self.element = count, element
        self.size, self.align, self.parts = count * element.size, element.align, 1 + count * element.parts

    def decode(self, data, at):
        form = getattr(self.element, "format", "")
        if len(form) == 1:
            if numpy is not None and self.count:
                return numpy.frombuffer(data, "=" + form, self.count, at)
            return list(struct.unpack_from(f"={self.count}{form}", data, at))
        return [self.element.decode(data, at + i * self.element.size) for i in range(self.count)]

    def encode(self, value):
        return b"".join(self.element.encode(each) for each in value)


class _Struct:
    def __init__(self, name, size, align, fields):
        self.name, self.size, self.align, self.fields = name, size, align, fields
        self.parts = 1 + sum(kind.parts for _, _, kind in fields)

    def decode(self, data, at):
        return {name: kind.decode(data, at + offset) for name, offset, kind in self.fields}

    def encode(self, value):
        return b"".join(kind.encode(value[name]) for name, _, kind in sorted(self.fields, key=lambda field: field[1]))


class _Enum:
    def __init__(self, name, tag, variants):
        self.name, self.variants = name, variants
        self.size = self.align = _PRIMITIVES[tag][0]
        self.parts = 1

    def decode(self, data, at):
        number = int.from_bytes(data[at:at + self.size], "little")
        if number not in self.variants:
            raise Invalid(f"{number} is no {self.name}")
        return self.variants[number]

    def encode(self, value):
        numbers = {name: number for number, name in self.variants.items()}
        return numbers[value].to_bytes(self.size, "little")


class _Schema:
    """Decodes the bytes of a schema, and takes nothing in them for granted."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, size):
        if self.at + size > len(self.data):
            raise Refused(f"the schema ends in the middle, at byte {self.at}")
        self.at += size
        return int.from_bytes(self.data[self.at - size:self.at], "little")

    def name(self):
        size = self.number(1)
        self.number(size)
        try:
            name = self.data[self.at - size:self.at].decode()
        except UnicodeDecodeError:
            name = ""
        if not name or not name.isprintable():
            raise Refused(f"the schema has a name that does not print, at byte {self.at - size}")
        return name

    def whole(self):
        version = self.number(1)
        if version != 1:
            raise Refused(f"the schema has encoding version {version}, this program knows version 1")
        found = self.type(1)
        if self.at != len(self.data):
            raise Refused(f"the schema goes on behind its type, at byte {self.at}")
        return found

    def type(self, depth):
        if depth > 32:
            raise Refused("the schema has types nested deeper than 32")
        tag = self.number(1)
        if tag in _PRIMITIVES:
            return _Primitive(tag)
        if tag == 0x40:
            count = self.number(8)
            found = _Array(count, self.type(depth + 1))
        elif tag == 0x41:
            name, _version = self.name(), self.number(4)
            size, align, count = self.number(8), self.number(4), self.number(2)
            fields = [(self.name(), self.number(8), self.type(depth + 1)) for _ in range(count)]
            end = 0
            for _, offset, kind in sorted(fields, key=lambda field: (field[1], field[2].size)):
                if kind.size and offset != end:
                    raise Refused(f"the schema has a struct {name} with a gap at byte {end}")
                if offset > size:
                    raise Refused(f"the schema has a struct {name} of {size} bytes with a field at byte {offset}")
                end += kind.size
            if end != size or not align or align & (align - 1):
                raise Refused(f"the schema has a struct {name} of {end} bytes that says {size} at an alignment of {align}")
            found = _Struct(name, size, align, fields)
        elif tag == 0x42:
            name, _version, kind = self.name(), self.number(4), self.number(1)
            if kind not in (1, 2, 3):
                raise Refused(f"the schema has an enum {name} with a discriminant of tag {kind:#x}")
            names = [(self.name(), self.number(4)) for _ in range(self.number(2))]
            found = _Enum(name, kind, {number: variant for variant, number in names})
        else:
            raise Refused(f"the schema has a type of tag {tag:#x}, which this program does not know")
        if found.parts > 64 * found.size + _MOST_PARTS:
            raise Refused(f"the schema has a type of {found.size} bytes with {found.parts} parts")
        if found.size > _MOST or found.align > 4096:
            raise Refused(f"the schema has a type of {found.size} bytes at an alignment of {found.align}")
        return found


# --- To open ----------------------------------------------------------------------------------------------------------

_KINDS = {1: "an spsc channel", 2: "an mpsc channel", 3: "an spmc channel", 4: "an mpmc channel",
          5: "a seqlock cell", 6: "a seqlock table", 7: "a keyed seqlock table"}
_PAGE = struct.Struct("<8sQIIIIQQ16sQIIIIQQI20s")
_HEADER = struct.Struct("<8sIIQQQIIIIQQQQQQQQQQ16sIIQQQQII56s")
_FIELDS = ("magic version header_len state checksum len kind form senders receivers capacity stride payload_offset"
           " message_size message_align schema_offset schema_len roster_offset control_offset slots_offset fingerprint"
           " on_receiver_death cell_slots cell_slot_stride key_offset key_size key_align key_schema_len parking reserved")
_Header = namedtuple("_Header", _FIELDS)


def _path(name, directory):
    try:
        data = name.encode()
    except UnicodeEncodeError:
        raise Refused("a name that is no text") from None
    if not 1 <= len(data) <= 1 << 20 or 0 in data:
        raise Refused(f"a name of {len(data)} bytes: 1 to 1048576, without NUL")
    plain = len(data) <= 100 and data[:1] != b"." and all(c.isalnum() or c in "-._" for c in name) and name.isascii()
    file = name if plain else f"%{_fnv(data, 128):032x}"
    own = directory is None
    directory = f"/dev/shm/ringway-{os.geteuid()}" if own else os.fspath(directory)
    if own or directory == "/dev/shm/ringway":
        try:
            found = os.lstat(directory)
        except FileNotFoundError:
            raise NoChannel(f"there is no channel {directory}/{file}") from None
        wider = found.st_mode & 0o7777 & ~(0o700 if own else 0o1777)
        if not stat.S_ISDIR(found.st_mode) or wider or (own and found.st_uid != os.geteuid()):
            raise Refused(f"{directory} is no directory of the user with mode {'0700' if own else '1777'}")
    return os.path.join(directory, file), own


def _still_names(path, fd):
    try:
        named = os.lstat(path)
    except FileNotFoundError:
        return False
    return os.path.samestat(named, os.fstat(fd))


def _unlink(path, own):
    """The user's own directory goes with its last file; it stays if there are others."""
    try:
        os.unlink(path)
        if own:
            os.rmdir(os.path.dirname(path))
    except OSError:
        pass


def _check_page(fd, path, name):
    """The registry page, from a copy: where the data are."""
    page = os.pread(fd, _PAGE.size, 0)
    (_, checksum, version, header_len, kind, flags, data_offset, capacity, _, _, _, _, name_len, access, device, inode, path_len,
     reserved) = _PAGE.unpack(page)

    def need(holds, what, found):
        if not holds:
            raise Refused(f"the page of {path} is damaged: its {what} is {found}")

    if version != 1:
        raise Refused(f"{path} has version {version} of the map format, this program knows version 1")
    need(1 <= name_len <= 1 << 20, "name_len", name_len)
    need(path_len <= 4096, "path_len", path_len)
    need(header_len == 128 + name_len + path_len, "header_len", header_len)
    need(data_offset == _up(header_len, 4096), "data_offset", data_offset)
    page = os.pread(fd, data_offset, 0)
    need(len(page) == data_offset, "length in bytes", len(page))
    need(_fnv(page[:8] + bytes(8) + page[16:], 64) == checksum, "checksum", checksum)
    if kind == 2:
        raise Refused(f"{path} is the name of a file, and no channel")
    need(kind == 1, "kind", kind)
    need((device, inode, path_len) == (0, 0, 0), "file of the data", f"{device}, {inode}, {path_len}")
    need(flags == 0, "flags", flags)
    need(access in (0, 1, 3, 4, 5), "access", access)
    need(not any(reserved), "reserved space", reserved.hex())
    need(1 <= capacity < 1 << 63, "capacity", capacity)
    size = os.fstat(fd).st_size
    need(size == data_offset + capacity, "length in bytes", size)
    if page[128:128 + name_len] != name.encode():
        raise Refused(f"{path} belongs to another name with the same hash")
    return data_offset, capacity


def open(name, directory=None):
    """Opens a cell or a table of that name, in the user's directory or another one."""
    try:
        return _open(name, directory)
    except (OSError, ValueError) as error:
        raise Error(f"{name} is not opened: {error}") from error


def _open(name, directory):
    path, own = _path(name, directory)
    while True:
        try:
            if not stat.S_ISREG(os.lstat(path).st_mode):
                raise Refused(f"{path} is not a regular file")
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NoChannel(f"there is no channel {path}") from None
        try:
            begin = os.pread(fd, _PAGE.size, 0)
            if not stat.S_ISREG(os.fstat(fd).st_mode) or len(begin) < _PAGE.size or begin[:8] != b"RINGWMAP":
                raise Refused(f"{path} is no file of ringway: it does not begin as one")
            _mutex(fd, path)
            if not _still_names(path, fd):
                os.close(fd)
                continue
            if not _is_locked(fd, 0):  # a leftover
                _unlink(path, own)
                raise NoChannel(f"there is no channel {path}: all who had it were killed")
            data_offset, capacity = _check_page(fd, path, name)
            _lock(fd, _SETLK, fcntl.F_RDLCK, 0)
            fcntl.flock(fd, fcntl.LOCK_UN)
        except BaseException:
            os.close(fd)
            raise
        break
    return Cells(fd, path, own, data_offset, capacity)


_NOT_OURS = []  # mappings of a parent


class Cells:
    """A cell, or a table of them, as `open` gives it. One thread at a time; no use in a forked child."""

    def __init__(self, fd, path, own, data_offset, capacity):
        self._fd, self._path, self._own, self._pid = fd, path, own, os.getpid()
        self._map = self._bytes = self._words = None
        self._order = threading.Lock()
        self._order.acquire()
        try:
            self._map = mmap.mmap(fd, data_offset + capacity, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ)
            self._map.madvise(mmap.MADV_DONTFORK)
            self._bytes = memoryview(self._map)[data_offset:]
            self._words = self._bytes[:capacity // 8 * 8].cast("Q")
            self._check(capacity)
        except BaseException:
            self.close()
            raise

    def _check(self, capacity):
        """The header, from a copy; the layout is computed, and compared with it."""
        if capacity < _HEADER.size:
            raise Refused(f"{self._path} is a map of {capacity} bytes, and no channel")
        header = _Header(*_HEADER.unpack(bytes(self._bytes[:_HEADER.size])))

        def need(holds, what, found):
            if not holds:
                raise Refused(f"the header of {self._path} is damaged: its {what} is {found}")

        if header.magic != b"RWSEGMNT":
            raise Refused(f"{self._path} is a map, and no channel")
        if header.version != 1:
            raise Refused(f"{self._path} has version {header.version} of the segment format, this program knows version 1")
        need(header.header_len == 256, "header_len", header.header_len)
        zeroed = _HEADER.pack(*header._replace(state=0, checksum=0))
        need(_fnv(zeroed, 64) == header.checksum, "checksum", header.checksum)
        need(header.state == int.from_bytes(b"RW_READY", "little"), "state", header.state)
        if header.kind not in (5, 6, 7):  # one that is not known here may have fields in the reserved bytes
            kind = _KINDS.get(header.kind, f"a channel of kind {header.kind}, which this program does not know")
            raise Refused(f"{self._path} is {kind}, not a seqlock cell or table")
        need(not any(header.reserved), "reserved space", header.reserved.hex())
        need(header.schema_offset == 256, "schema_offset", header.schema_offset)
        keyed = header.kind == 7
        for what in ("schema_len", "key_schema_len"):
            need(getattr(header, what) <= 65536, what, getattr(header, what))
        schemas = bytes(self._bytes[256:256 + header.schema_len + header.key_schema_len])
        need(len(schemas) == header.schema_len + header.key_schema_len, "schema_len", header.schema_len)
        fingerprint = _fnv(schemas, 128).to_bytes(16, "little")
        need(fingerprint == header.fingerprint, "fingerprint", header.fingerprint.hex())
        need(bool(header.key_schema_len) == keyed, "key_schema_len", header.key_schema_len)
        self._type = _Schema(schemas[:header.schema_len]).whole()
        self._key = _Schema(schemas[header.schema_len:]).whole() if keyed else None

        most = 1 if header.kind == 5 else 1 << 24
        need(1 <= header.capacity <= most, "capacity", header.capacity)
        need(header.parking <= 2, "parking", header.parking)
        size, align = self._type.size, self._type.align
        key_align = self._key.align if keyed else 1
        first, each = _up(8, align), _up(_up(max(size, 1), 8), align)
        if first + each <= 64:
            slots = 4 if first + 4 * each <= 64 else 2
            payload, slot_stride = first, each if first + 2 * each <= 64 else 64 - first
        else:
            slots = 32 if each <= 128 else 16 if each <= 512 else 8 if each <= 2048 else 4
            payload, slot_stride = _up(128, align), _up(each, 64)
        end = payload + slots * slot_stride
        key_offset = _up(end, max(64, key_align)) if keyed else 0
        self._key_at = _up(key_offset + 8, key_align)
        if keyed:
            end = self._key_at + _up(self._key.size, 8)
        stride = _up(end, max(64, align, key_align))
        roster = _up(256 + len(schemas), 128)
        control = roster + 128 * header.capacity
        cells = _up(control, max(128, align, key_align))
        expected = header._replace(
            len=cells + stride * header.capacity, form=0, senders=header.capacity, receivers=0, stride=stride,
            payload_offset=payload, message_size=size, message_align=align, roster_offset=roster, control_offset=control,
            slots_offset=cells, on_receiver_death=0, cell_slots=slots, cell_slot_stride=slot_stride, key_offset=key_offset,
            key_size=self._key.size if keyed else 0, key_align=key_align if keyed else 0)
        for what, found, wanted in zip(header._fields, header, expected):
            need(found == wanted, what, f"{found}, and should be {wanted}")
        need(header.len <= capacity, "len", header.len)
        self._count, self._roster, self._cells, self._stride = header.capacity, roster, cells, stride
        self._slots, self._payload, self._slot_stride, self._key_offset = slots, payload, slot_stride, key_offset

    def __len__(self):
        return self._count

    @property
    def is_keyed(self):
        """Whether it is a keyed table."""
        return self._key is not None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Leaves: the last one out removes the name."""
        if self._fd is None:
            return
        fd, self._fd = self._fd, None
        if self._pid != os.getpid():
            # The locks are the parent's, and so is the memory: something else may be there, which must not be unmapped.
            _NOT_OURS.append((self._words, self._bytes, self._map))
            os.close(fd)
            return
        for part in (self._words, self._bytes):
            if part is not None:
                part.release()
        if self._map is not None:
            self._map.close()
        try:
            _mutex(fd, self._path)
            _lock(fd, _SETLK, fcntl.F_UNLCK, 0)
            if not _is_locked(fd, 0) and _still_names(self._path, fd):
                _unlink(self._path, self._own)
        except (OSError, Error):
            pass  # whoever opens the name next removes it
        finally:
            os.close(fd)

    def __del__(self):
        self.close()

    def _cell(self, index):
        if self._fd is None:
            raise Error(f"{self._path} is closed")
        if self._pid != os.getpid():
            raise Error(f"{self._path} was opened by process {self._pid}, and a forked child has no part of it")
        if not 0 <= index < self._count:
            raise NoCell(f"{self._path} has {self._count} cells, and none of number {index}")
        return self._cells + index * self._stride

    def _fence(self):
        """The nearest thing to a fence that Python has: a lock is given back and taken."""
        self._order.release()
        self._order.acquire()

    def version(self, index=0):
        """How many values were stored: the number of the latest."""
        return self._words[self._cell(index) // 8]

    def load(self, index=0, attempts=1000):
        """The latest value and its number; None if nothing was stored yet."""
        cell = self._cell(index)
        for _ in range(attempts):
            k = self._words[cell // 8]  # Q1
            if k == 0:
                return None
            if k > 1 << 63:
                raise Refused(f"{self._path} makes no sense any more: the sequence of cell {index} is {k}")
            self._fence()
            start = cell + self._payload + k % self._slots * self._slot_stride
            data = bytes(self._bytes[start:start + self._type.size])  # Q2
            self._fence()
            if (self._words[cell // 8] - k) % (1 << 64) <= self._slots - 2:  # Q3
                return Value(k, self._type.decode(data, 0))
        raise Disturbed(f"the writer of cell {index} of {self._path} was faster at {attempts} attempts")

    def writer(self, index=0):
        """Whether the writer is there: "awaited", "alive", "left" or "dead"."""
        self._cell(index)
        record = (self._roster + 128 * index) // 8
        state = self._words[record]
        self._fence()
        try:
            locked = state & 3 != 1 or _is_locked(self._fd, 1 + index)
        except OSError:
            locked = True  # as far as one can tell
        if not locked:
            again = self._words[record]
            state = state & ~3 | 2 if again == state else again
        return {0: "left" if state >> 2 else "awaited", 1: "alive"}.get(state & 3, "dead")

    def key(self, index):
        """The key of a cell of a keyed table; None if it has none."""
        if self._key is None:
            raise Error(f"{self._path} has no keys")
        cell = self._cell(index)
        if self._words[(cell + self._key_offset) // 8] != 1:
            return None
        self._fence()
        start = cell + self._key_at
        return bytes(self._bytes[start:start + self._key.size])

    def find(self, key):
        """The cell with that key, given as a value or as its bytes; None if there is none."""
        if self._key is None:
            raise Error(f"{self._path} has no keys")
        try:
            wanted = bytes(key) if isinstance(key, (bytes, bytearray)) else self._key.encode(key)
        except (struct.error, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise Error(f"{key!r} is no key of {self._path}: {error}") from error
        if len(wanted) != self._key.size:
            raise Error(f"a key of {len(wanted)} bytes, where keys have {self._key.size}")
        first = _fnv(wanted, 64) % self._count
        for step in range(self._count):
            index = (first + step) % self._count
            found = self.key(index)
            if found is None or found == wanted:
                return None if found is None else index
        return None

    def entries(self):
        """Every key, as a value, with the index of its cell."""
        found = ((self.key(index), index) for index in range(self._count))
        return [(self._key.decode(key, 0), index) for key, index in found if key is not None]
