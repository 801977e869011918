// A peer in C11 for the channels and cells of ringway, from docs/format.md. Linux, 64 bits, little-endian; libc alone.
//
//   ring     one sender, one receiver (`spsc`): ringway_open_sender, ringway_try_send,
//            ringway_open_receiver, ringway_try_recv, or ringway_peek and ringway_release
//   latest   a cell, or a table of them, read-only: ringway_open_cells, ringway_load, ringway_writer
//
// It opens what is there and creates nothing. A handle belongs to one thread at a time. In a forked child every call says
// RINGWAY_CLOSED, and closing it there takes nothing from the parent. Include this header before others, or define
// _GNU_SOURCE. The steps in comments are those of the document.
#ifndef RINGWAY_H
#define RINGWAY_H

#ifndef _GNU_SOURCE
#ifdef _FEATURES_H
#error "include ringway.h before other headers, or define _GNU_SOURCE"
#endif
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// A program of 32 bits does not compile. One that defines RINGWAY_REFUSE_AT_RUN_TIME does, and opens nothing: RINGWAY_32_BITS.
#if UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(_Atomic uint64_t) == 8 && ATOMIC_LLONG_LOCK_FREE == 2, "words of 64 bits are one access");
#elif !defined(RINGWAY_REFUSE_AT_RUN_TIME)
#error "ringway is for programs of 64 bits: compile this one for x86-64 or aarch64, without -m32 or -mx32"
#endif
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little-endian");

// A test may define it, to die at a step.
#ifndef RINGWAY_STEP
#define RINGWAY_STEP(name) ((void)0)
#endif

// So long the lifecycle mutex is tried, which anybody may hold who can open the file. A test may have less patience.
#ifndef RINGWAY_PATIENCE_NS
#define RINGWAY_PATIENCE_NS UINT64_C(10000000000)
#endif

// What a call says. Everything from RINGWAY_NO_CHANNEL on has its reason in words in the handle's `problem`.
typedef enum ringway_code {
    RINGWAY_OK = 0,
    RINGWAY_EMPTY,           // no message now; no value yet
    RINGWAY_FULL,            // no free slot now
    RINGWAY_LEFT,            // nothing left to do, and the other side has left; a successor may come
    RINGWAY_DIED,            // the same, and it was killed
    RINGWAY_AT_THE_END,      // every position of the channel has been used
    RINGWAY_DISTURBED,       // the writer was faster at every attempt: what was copied is torn
    RINGWAY_INVALID,         // the message, or value, is none of its type; ringway_try_recv has received it all the same
    RINGWAY_NO_CHANNEL,      // nobody has it
    RINGWAY_REFUSED,         // the name's directory or file is not to be trusted, or no file of ringway
    RINGWAY_VERSION,         // another version of the format
    RINGWAY_DAMAGED,         // bytes that cannot be
    RINGWAY_OTHER_KIND,      // not the kind that was asked for
    RINGWAY_OTHER_TYPE,      // messages of another type
    RINGWAY_TAKEN,           // somebody else has the role
    RINGWAY_BUSY,            // somebody holds a lock for too long
    RINGWAY_BROKEN,          // words of the channel make no sense any more
    RINGWAY_SYSTEM,          // the system refused
    RINGWAY_CLOSED,          // the handle is not open, or only in the process that this one was forked from
    RINGWAY_NO_CELL,         // the table has no cell of that number
    RINGWAY_32_BITS          // this program has 32 bits
} ringway_code;

static inline const char *ringway_strerror(ringway_code code) {
    static const char *const TEXTS[] = {
        "done", "there is nothing to receive now", "there is no free slot now", "the other side has left",
        "the other side was killed", "every position of the channel has been used",
        "the writer was faster at every attempt", "the bytes are no value of their type", "there is no such channel",
        "the name leads to something that is not to be trusted", "the format has another version",
        "the bytes cannot be those of a channel", "the channel is of another kind",
        "the channel carries another type", "the role is taken", "a lock is held for too long",
        "words of the channel make no sense any more", "the system refused a call", "the handle is not open here",
        "there is no cell of that number", "this program has 32 bits, not 64"};
    return (unsigned)code < sizeof TEXTS / sizeof *TEXTS ? TEXTS[code] : "no code of ringway";
}

// --- Types of messages -------------------------------------------------------------------------------------------

enum { // tags of the schema
    RINGWAY_U8 = 0x01, RINGWAY_U16, RINGWAY_U32, RINGWAY_U64, RINGWAY_U128,
    RINGWAY_I8 = 0x11, RINGWAY_I16, RINGWAY_I32, RINGWAY_I64, RINGWAY_I128,
    RINGWAY_F32 = 0x23, RINGWAY_F64, RINGWAY_BOOL = 0x31, RINGWAY_CHAR
};

// A field of a struct: a number, or with `count` not 0 an array of that many.
typedef struct ringway_field {
    const char *name;
    uint64_t offset;
    uint8_t tag;
    uint64_t count;
} ringway_field;

// A struct of such fields, without padding. Any other type is given by its `schema`, as the document encodes it; its
// values are then checked by whoever receives them.
typedef struct ringway_type {
    const char *name;
    uint32_t version;
    uint64_t size, align;
    const ringway_field *fields;
    size_t field_count;
    const void *schema;
    size_t schema_len;
} ringway_type;

#define RINGWAY_FIELD(type, field, tag) {#field, offsetof(type, field), tag, 0}
#define RINGWAY_ARRAY(type, field, tag, count) {#field, offsetof(type, field), tag, count}
#define RINGWAY_STRUCT(type, name, fields) \
    {name, 0, sizeof(type), _Alignof(type), fields, sizeof(fields) / sizeof *(fields), NULL, 0}

// --- Handles -----------------------------------------------------------------------------------------------------

enum { RINGWAY_PATH = 4096, RINGWAY_TEXT = 1024, RINGWAY_HEADER = 256, RINGWAY_SHOWN = 200 };

// What all handles have. Read `problem`, set `interval_ns`, leave the rest alone.
typedef struct ringway_base {
    char problem[RINGWAY_TEXT];
    uint64_t interval_ns; // how often the kernel is asked whether the other side lives: 100 ms
    int fd;
    volatile unsigned char *here; // 1; the kernel makes it 0 in a forked child. NULL: not open
    unsigned char *map, *segment;
    uint64_t map_len, data_offset, data_len, name_len;
    uint64_t kind, form, senders, receivers, capacity, stride, payload, parking, roster, control, slots;
    uint64_t cell_slots, cell_slot_stride;
    bool registered; // for membarrier
    bool own_directory;
    ringway_type type;
    unsigned char *schema;
    size_t schema_len;
    char path[RINGWAY_PATH];
} ringway_base;

typedef struct ringway_end {
    ringway_base base;
    unsigned char *mine, *theirs; // records
    uint64_t my_lock, their_lock, incarnation, position, limit, end, asked_ns;
    bool after_death; // the one before was killed: its last messages may come again
    bool taken;
    bool held; // the next message was looked at, and may be released
} ringway_end;

typedef struct ringway_sender { ringway_end end; } ringway_sender;
typedef struct ringway_receiver { ringway_end end; } ringway_receiver;
typedef struct ringway_cells { ringway_base base; } ringway_cells;

// RINGWAY_UNKNOWN: the handle is not open here, or there is no such cell; `problem` says which.
typedef enum ringway_presence {
    RINGWAY_AWAITED, RINGWAY_ALIVE, RINGWAY_IS_GONE, RINGWAY_IS_DEAD, RINGWAY_UNKNOWN
} ringway_presence;

// --- Words, hashes, locks ----------------------------------------------------------------------------------------

#define ringway__load(at, order) atomic_load_explicit((_Atomic uint64_t *)(void *)(at), memory_order_##order)
#define ringway__store(at, word, order) \
    atomic_store_explicit((_Atomic uint64_t *)(void *)(at), word, memory_order_##order)

__attribute__((format(printf, 3, 4))) static inline ringway_code
ringway__fail(ringway_base *b, ringway_code code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(b->problem, sizeof b->problem, format, arguments);
    va_end(arguments);
    return code;
}
// The end of the path, with the whole file name: a long directory would leave no room for what was wrong.
static inline const char *ringway__shown(const ringway_base *b) {
    size_t len = strlen(b->path);
    const char *at = b->path + (len > RINGWAY_SHOWN ? len - RINGWAY_SHOWN : 0);
    while ((*at & 0xc0) == 0x80) at++; // not in the middle of a character
    return at;
}
static inline ringway_code ringway__system(ringway_base *b, const char *call) {
    return ringway__fail(b, RINGWAY_SYSTEM, "%s of %s failed: %s", call, ringway__shown(b), strerror(errno));
}
// Every call asks first whether the handle is open in this process.
static inline ringway_code ringway__open_here(ringway_base *b) {
    if (!b->here) return ringway__fail(b, RINGWAY_CLOSED, "the handle is not open");
    if (*b->here) return RINGWAY_OK;
    return ringway__fail(b, RINGWAY_CLOSED, "%s was opened by the process that this one was forked from: close it and open"
        " it here", ringway__shown(b));
}

static inline uint64_t ringway__up(uint64_t n, uint64_t to) { return (n + to - 1) / to * to; }
static inline uint64_t ringway__max(uint64_t a, uint64_t b) { return a > b ? a : b; }
static inline uint64_t ringway__min(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t ringway__get(const unsigned char *at, int bytes) {
    uint64_t n = 0;
    memcpy(&n, at, (size_t)bytes);
    return n;
}
static inline void ringway__put(unsigned char *at, int bytes, uint64_t n) { memcpy(at, &n, (size_t)bytes); }

static inline uint64_t ringway__fnv64(const unsigned char *bytes, size_t len) {
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < len; i++) hash = (hash ^ bytes[i]) * 0x100000001b3;
    return hash;
}
// The prime is 2^88 + 0x13b. Lowest half first.
static inline void ringway__fnv128(const unsigned char *bytes, size_t len, uint64_t out[2]) {
    uint64_t low = 0x62b821756295c58d, high = 0x6c62272e07bb0142;
    for (size_t i = 0; i < len; i++) {
        low ^= bytes[i];
        uint64_t first = (low & 0xffffffff) * 0x13b, second = (low >> 32) * 0x13b + (first >> 32);
        high = high * 0x13b + (second >> 32) + (low << 24);
        low = second << 32 | (first & 0xffffffff);
    }
    out[0] = low, out[1] = high;
}

// Shared bytes that others may write: word by word, each read once. `from` is aligned, and readable up to the next 8.
static inline void ringway__copy_out(void *to, const unsigned char *from, uint64_t len) {
    for (uint64_t at = 0; at < len; at += 8) {
        uint64_t word = ringway__load(from + at, relaxed);
        memcpy((unsigned char *)to + at, &word, (size_t)ringway__min(8, len - at));
    }
}

static inline uint64_t ringway__now(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
static inline void ringway__nap(void) { nanosleep(&(struct timespec){0, 1000000}, NULL); }

// A lock on one byte, of this open file description: F_OFD_SETLK or F_OFD_GETLK.
static inline int ringway__lock(int fd, int command, short type, uint64_t at) {
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)at, .l_len = 1};
    return fcntl(fd, command, &lock) ? -1 : lock.l_type;
}
static inline bool ringway__is_locked(int fd, uint64_t at) {
    return ringway__lock(fd, F_OFD_GETLK, F_WRLCK, at) != F_UNLCK; // an error counts as yes
}
static inline bool ringway__try_lock(int fd, uint64_t at) { return ringway__lock(fd, F_OFD_SETLK, F_WRLCK, at) >= 0; }
static inline void ringway__unlock(int fd, uint64_t at) { ringway__lock(fd, F_OFD_SETLK, F_UNLCK, at); }

// The lifecycle mutex.
static inline bool ringway__mutex(int fd) {
    for (uint64_t start = ringway__now(CLOCK_MONOTONIC); flock(fd, LOCK_EX | LOCK_NB); ringway__nap()) {
        if (errno != EWOULDBLOCK && errno != EINTR) return false;
        if (ringway__now(CLOCK_MONOTONIC) - start > RINGWAY_PATIENCE_NS) return errno = ETIMEDOUT, false;
    }
    return true;
}
static inline bool ringway__still_names(const ringway_base *b) {
    struct stat named, ours;
    return !lstat(b->path, &named) && !fstat(b->fd, &ours) && named.st_dev == ours.st_dev
        && named.st_ino == ours.st_ino;
}

// --- Schema ------------------------------------------------------------------------------------------------------

static inline unsigned char *ringway__append(unsigned char *at, const void *bytes, size_t len) {
    memcpy(at, bytes, len);
    return at + len;
}
static inline unsigned char *ringway__append_name(unsigned char *at, const char *name) {
    *at++ = (unsigned char)strlen(name);
    return ringway__append(at, name, strlen(name));
}

// One's own schema, in memory of one's own.
static inline ringway_code ringway__encode(ringway_base *b, const ringway_type *t) {
    if (t->size < 1 || t->size > 1u << 30 || !t->align || t->align > 4096 || (t->align & (t->align - 1)))
        return ringway__fail(b, RINGWAY_OTHER_TYPE, "a message of %" PRIu64 " bytes at an alignment of %" PRIu64
            " is none for this peer, which has 1 to 2^30 bytes, and a power of two up to 4096", t->size, t->align);
    size_t most = t->schema ? t->schema_len : 32 + 256;
    for (size_t i = 0; !t->schema && i < t->field_count; i++) most += 256 + 18;
    if (!(b->schema = malloc(most))) return ringway__system(b, "malloc");
    b->type = *t, b->schema_len = most;
    if (t->schema) {
        memcpy(b->schema, t->schema, most);
        return RINGWAY_OK;
    }
    unsigned char *at = b->schema;
    uint32_t align = (uint32_t)t->align;
    uint16_t fields = (uint16_t)t->field_count;
    bool named = t->name && *t->name && strlen(t->name) < 256;
    for (size_t i = 0; i < t->field_count; i++) named = named && *t->fields[i].name && strlen(t->fields[i].name) < 256;
    if (!named || t->field_count > UINT16_MAX)
        return ringway__fail(b, RINGWAY_OTHER_TYPE, "a type and its fields have names of 1 to 255 bytes");
    at = ringway__append(at, "\1\x41", 2), at = ringway__append_name(at, t->name);
    at = ringway__append(at, &t->version, 4), at = ringway__append(at, &t->size, 8);
    at = ringway__append(at, &align, 4), at = ringway__append(at, &fields, 2);
    for (size_t i = 0; i < t->field_count; i++) {
        const ringway_field *f = &t->fields[i];
        at = ringway__append_name(at, f->name), at = ringway__append(at, &f->offset, 8);
        if (f->count) at = ringway__append(at, "\x40", 1), at = ringway__append(at, &f->count, 8);
        *at++ = f->tag;
    }
    b->schema_len = (size_t)(at - b->schema);
    return RINGWAY_OK;
}

// Whether the bytes are a value of the type: a bool is 0 or 1, a char a Unicode scalar value.
static inline bool ringway__is_valid(const ringway_type *t, const unsigned char *value) {
    for (size_t i = 0; !t->schema && i < t->field_count; i++) {
        const ringway_field *f = &t->fields[i];
        int bytes = f->tag == RINGWAY_BOOL ? 1 : f->tag == RINGWAY_CHAR ? 4 : 0;
        for (uint64_t n = 0; bytes && n < (f->count ? f->count : 1); n++) {
            uint64_t found = ringway__get(value + f->offset + n * (uint64_t)bytes, bytes);
            if (bytes == 1 ? found > 1 : found > 0x10ffff || (found >= 0xd800 && found < 0xe000)) return false;
        }
    }
    return true;
}

// --- To open: the file -------------------------------------------------------------------------------------------

// The directory of the user, or of all.
static inline ringway_code ringway__check_directory(ringway_base *b, const char *in, bool own) {
    struct stat d;
    if (lstat(in, &d))
        return errno == ENOENT ? ringway__fail(b, RINGWAY_NO_CHANNEL, "there is no channel %s", ringway__shown(b))
                               : ringway__system(b, "lstat");
    mode_t wider = d.st_mode & 07777 & ~(mode_t)(own ? 0700 : 01777);
    if (!S_ISDIR(d.st_mode) || wider || (own && d.st_uid != geteuid()))
        return ringway__fail(b, RINGWAY_REFUSED, "%s is no directory of the user with mode %s: its mode is %o, its owner"
            " %u", in, own ? "0700" : "1777", (unsigned)d.st_mode & 07777, (unsigned)d.st_uid);
    return RINGWAY_OK;
}

// The file of a name in a directory; NULL is that of the user.
static inline ringway_code ringway__find(ringway_base *b, const char *directory, const char *name) {
    static const char SHARED[] = "/dev/shm/ringway", PLAIN[] = "-._";
    char own[64], file[128];
    snprintf(own, sizeof own, "%s-%u", SHARED, (unsigned)geteuid());
    size_t len = strlen(name);
    if (len < 1 || len > 1048576) return ringway__fail(b, RINGWAY_REFUSED, "a name of %zu bytes: 1 to 1048576", len);
    bool plain = len <= 100 && *name != '.';
    for (size_t i = 0; plain && i < len; i++) {
        char c = name[i];
        plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr(PLAIN, c);
    }
    uint64_t hash[2];
    ringway__fnv128((const unsigned char *)name, len, hash);
    if (plain) snprintf(file, sizeof file, "%.100s", name);
    else snprintf(file, sizeof file, "%%%016" PRIx64 "%016" PRIx64, hash[1], hash[0]);
    b->name_len = len, b->own_directory = !directory;
    const char *in = directory ? directory : own;
    int whole = snprintf(b->path, sizeof b->path, "%s/%s", in, file);
    if (whole < 0 || (size_t)whole >= sizeof b->path)
        return ringway__fail(b, RINGWAY_REFUSED, "the directory's path has more than %d bytes", RINGWAY_PATH - 130);
    if (directory && strcmp(directory, SHARED)) return RINGWAY_OK;
    return ringway__check_directory(b, in, !directory);
}

// The registry page and the name in it, from a copy: the first thing that is wrong.
static inline ringway_code ringway__check_page(ringway_base *b, const char *name) {
    unsigned char fixed[128], *page;
    struct stat file;
    if (pread(b->fd, fixed, sizeof fixed, 0) != sizeof fixed || fstat(b->fd, &file)) return ringway__system(b, "pread");
    uint64_t version = ringway__get(fixed + 16, 4), name_len = ringway__get(fixed + 80, 4);
    uint64_t path_len = ringway__get(fixed + 104, 4), header_len = ringway__get(fixed + 20, 4);
    uint64_t kind = ringway__get(fixed + 24, 4), access = ringway__get(fixed + 84, 4);
    b->data_offset = ringway__get(fixed + 32, 8), b->data_len = ringway__get(fixed + 40, 8);
#define RINGWAY__WRONG(condition, what, value)                                                                   \
    if (condition)                                                                                               \
        return ringway__fail(b, RINGWAY_DAMAGED, "the page of %s is damaged: its " what " is %" PRIu64, ringway__shown(b), \
            (uint64_t)(value))
    if (version != 1)
        return ringway__fail(b, RINGWAY_VERSION, "%s has version %" PRIu64 " of the map format, this program knows"
            " version 1: build both with the same version of ringway", ringway__shown(b), version);
    RINGWAY__WRONG(name_len < 1 || name_len > 1048576, "name_len", name_len);
    RINGWAY__WRONG(path_len > 4096, "path_len", path_len);
    RINGWAY__WRONG(header_len != 128 + name_len + path_len, "header_len", header_len);
    RINGWAY__WRONG(b->data_offset != ringway__up(header_len, 4096), "data_offset", b->data_offset);
    if (!(page = malloc(b->data_offset))) return ringway__system(b, "malloc");
    bool whole = pread(b->fd, page, b->data_offset, 0) == (ssize_t)b->data_offset;
    ringway__put(page + 8, 8, 0);
    uint64_t sum = whole ? ringway__fnv64(page, b->data_offset) : 0;
    bool same_name = whole && name_len == b->name_len && !memcmp(page + 128, name, name_len);
    bool reserved = true;
    for (int i = 108; i < 128; i++) reserved = reserved && !page[i];
    free(page);
    RINGWAY__WRONG(!whole, "length in bytes", file.st_size);
    RINGWAY__WRONG(sum != ringway__get(fixed + 8, 8), "checksum", ringway__get(fixed + 8, 8));
    if (kind == 2) return ringway__fail(b, RINGWAY_OTHER_KIND, "%s is the name of a file, and no channel", ringway__shown(b));
    RINGWAY__WRONG(kind != 1, "kind", kind);
    RINGWAY__WRONG(ringway__get(fixed + 88, 8), "device", ringway__get(fixed + 88, 8));
    RINGWAY__WRONG(ringway__get(fixed + 96, 8), "inode", ringway__get(fixed + 96, 8));
    RINGWAY__WRONG(path_len, "path_len", path_len);
    RINGWAY__WRONG(ringway__get(fixed + 28, 4), "flags", ringway__get(fixed + 28, 4));
    RINGWAY__WRONG(access > 5 || access == 2, "access", access);
    RINGWAY__WRONG(!reserved, "reserved space", 1);
    RINGWAY__WRONG(!b->data_len || b->data_len > INT64_MAX - b->data_offset, "capacity", b->data_len);
    b->map_len = b->data_offset + b->data_len;
    RINGWAY__WRONG((uint64_t)file.st_size != b->map_len, "length in bytes", file.st_size);
#undef RINGWAY__WRONG
    if (!same_name)
        return ringway__fail(b, RINGWAY_REFUSED, "%s belongs to another name with the same hash", ringway__shown(b));
    return RINGWAY_OK;
}

// The user's own directory goes with its last file; it stays if there are others.
static inline void ringway__unlink(const ringway_base *b) {
    char directory[RINGWAY_PATH];
    unlink(b->path);
    memcpy(directory, b->path, sizeof directory);
    *strrchr(directory, '/') = 0;
    if (b->own_directory) rmdir(directory);
}

// In a forked child the locks are the parent's, and the memory was not inherited: something else may be there.
static inline void ringway__leave(ringway_base *b) {
    if (!b->here) return;
    bool ours = *b->here;
    if (ours && b->map) munmap(b->map, b->map_len);
    if (ours && b->fd >= 0) {
        bool alone = ringway__mutex(b->fd);
        RINGWAY_STEP("leave.mutex");
        ringway__unlock(b->fd, 0);
        if (alone && !ringway__is_locked(b->fd, 0) && ringway__still_names(b)) ringway__unlink(b);
        flock(b->fd, LOCK_UN);
    }
    if (b->fd >= 0) close(b->fd);
    munmap((void *)b->here, 1);
    free(b->schema);
    b->here = NULL, b->map = NULL, b->fd = -1, b->schema = NULL;
}

// "To open a channel", steps 1 to 7.
static inline ringway_code ringway__open(ringway_base *b, const char *directory, const char *name, bool writes) {
    ringway_code code = ringway__find(b, directory, name);
    while (!code) {
        struct stat found;
        unsigned char magic[128];
        bool there = !lstat(b->path, &found);
        if (there && !S_ISREG(found.st_mode))
            return ringway__fail(b, RINGWAY_REFUSED, "%s is not a regular file", ringway__shown(b));
        b->fd = open(b->path, (writes ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (b->fd < 0 && errno == ENOENT)
            return ringway__fail(b, RINGWAY_NO_CHANNEL, "there is no channel %s", ringway__shown(b));
        if (b->fd < 0 || fstat(b->fd, &found)) return ringway__system(b, "open");
        if (!S_ISREG(found.st_mode) || pread(b->fd, magic, sizeof magic, 0) != sizeof magic
            || memcmp(magic, "RINGWMAP", 8)) {
            close(b->fd), b->fd = -1; // its locks mean nothing
            return ringway__fail(b, RINGWAY_REFUSED, "%s is no file of ringway: it does not begin as one", ringway__shown(b));
        }
        if (!ringway__mutex(b->fd)) {
            bool busy = errno == ETIMEDOUT;
            code = ringway__system(b, "flock");
            close(b->fd), b->fd = -1;
            if (!busy) return code;
            return ringway__fail(b, RINGWAY_BUSY, "somebody holds the lock of %s for more than %" PRIu64 " ms",
                ringway__shown(b), RINGWAY_PATIENCE_NS / 1000000);
        }
        if (ringway__still_names(b)) break;
        close(b->fd), b->fd = -1;
    }
    if (code) return code;
    if (!ringway__is_locked(b->fd, 0)) { // a leftover
        ringway__unlink(b);
        code = ringway__fail(b, RINGWAY_NO_CHANNEL, "there is no channel %s: all who had it were killed", ringway__shown(b));
    }
    if (!code) code = ringway__check_page(b, name);
    if (!code && ringway__lock(b->fd, F_OFD_SETLK, F_RDLCK, 0) < 0) code = ringway__system(b, "fcntl");
    if (code) {
        close(b->fd), b->fd = -1;
        return code;
    }
    RINGWAY_STEP("open.presence");
    flock(b->fd, LOCK_UN);
    int rights = writes ? PROT_READ | PROT_WRITE : PROT_READ;
    void *map = mmap(NULL, b->map_len, rights, MAP_SHARED, b->fd, 0);
    if (map == MAP_FAILED) return ringway__system(b, "mmap");
    b->map = map, b->segment = b->map + b->data_offset;
    return madvise(map, b->map_len, MADV_DONTFORK) ? ringway__system(b, "madvise") : RINGWAY_OK;
}

// --- To open: the segment ----------------------------------------------------------------------------------------

// The header as it has to be: what one knows, and what follows from it.
static inline void ringway__plan(ringway_base *b, uint64_t on_death, unsigned char header[RINGWAY_HEADER]) {
    uint64_t size = b->type.size, align = b->type.align, first = ringway__up(8, align);
    bool ring = b->kind <= 4, stamped = b->kind != 1 || first + size <= 64;
    if (ring) {
        b->form = stamped ? 1 : 2, b->payload = stamped ? first : 0;
        uint64_t bytes = b->payload + size;
        b->stride = ringway__up(bytes <= 16 ? 16 : bytes <= 32 ? 32 : ringway__up(bytes, 64), align);
    } else {
        uint64_t each = ringway__up(ringway__up(ringway__max(size, 1), 8), align);
        bool large = first + each > 64;
        b->payload = large ? ringway__up(128, align) : first;
        b->cell_slots = first + 4 * each <= 64 ? 4 : !large ? 2 : each <= 128 ? 32 : each <= 512 ? 16 : each <= 2048 ? 8 : 4;
        b->cell_slot_stride = large ? ringway__up(each, 64) : first + 2 * each <= 64 ? each : 64 - first;
        b->stride = ringway__up(ringway__up(b->payload + b->cell_slots * b->cell_slot_stride, 64), align);
    }
    b->roster = ringway__up(RINGWAY_HEADER + b->schema_len, 128);
    b->control = b->roster + 128 * (b->senders + b->receivers);
    b->slots = ringway__up(b->control + (ring ? 640 : 0), ringway__max(128, align));
    memset(header, 0, RINGWAY_HEADER);
    memcpy(header, "RWSEGMNT", 8);
    ringway__put(header + 8, 4, 1), ringway__put(header + 12, 4, 256);
    ringway__put(header + 32, 8, b->slots + b->stride * b->capacity);
    ringway__put(header + 40, 4, b->kind), ringway__put(header + 44, 4, b->form);
    ringway__put(header + 48, 4, b->senders), ringway__put(header + 52, 4, b->receivers);
    ringway__put(header + 56, 8, b->capacity), ringway__put(header + 64, 8, b->stride);
    ringway__put(header + 72, 8, b->payload), ringway__put(header + 80, 8, size), ringway__put(header + 88, 8, align);
    ringway__put(header + 96, 8, 256), ringway__put(header + 104, 8, b->schema_len);
    ringway__put(header + 112, 8, b->roster), ringway__put(header + 120, 8, b->control);
    ringway__put(header + 128, 8, b->slots), ringway__put(header + 152, 4, on_death);
    uint64_t hash[2];
    ringway__fnv128(b->schema, b->schema_len, hash), memcpy(header + 136, hash, 16);
    ringway__put(header + 156, 4, b->cell_slots), ringway__put(header + 160, 8, b->cell_slot_stride);
    ringway__put(header + 196, 4, b->parking);
    ringway__put(header + 24, 8, ringway__fnv64(header, RINGWAY_HEADER));
}

static inline ringway_code ringway__check_schema(ringway_base *b, const unsigned char *header) {
    uint64_t len = ringway__get(header + 104, 8), hash[2];
    if (len > 65536 || RINGWAY_HEADER + ringway__up(len, 8) > b->data_len)
        return ringway__fail(b, RINGWAY_DAMAGED, "the header of %s is damaged: its schema_len is %" PRIu64,
            ringway__shown(b), len);
    unsigned char *found = malloc(len + 1);
    if (!found) return ringway__system(b, "malloc");
    ringway__copy_out(found, b->segment + RINGWAY_HEADER, len);
    ringway__fnv128(found, len, hash);
    ringway_code code = RINGWAY_OK;
    size_t at = 0;
    while (at < len && at < b->schema_len && found[at] == b->schema[at]) at++;
    if (memcmp(hash, header + 136, 16)) {
        code = ringway__fail(b, RINGWAY_DAMAGED, "the schema of %s is damaged: it has not its fingerprint", ringway__shown(b));
    } else if (at < len || at < b->schema_len) {
        // The name behind the tag of a struct or enum, as far as it can be printed.
        unsigned name = len > 3 && (found[1] == 0x41 || found[1] == 0x42) && found[2] < len - 3 ? found[2] : 0;
        for (unsigned i = 0; i < name; i++) if (found[3 + i] < ' ' || found[3 + i] == 127) name = 0;
        code = ringway__fail(b, RINGWAY_OTHER_TYPE, "%s carries %s%.*s of %" PRIu64 " bytes, this program expects %s of %"
            PRIu64 " bytes: their schemas, of %" PRIu64 " and %zu bytes, differ from byte %zu on; use the same definition on"
            " both sides", ringway__shown(b), name ? "" : "a type", (int)name, (const char *)found + 3,
            ringway__get(header + 80, 8), b->type.name ? b->type.name : "a type", b->type.size, len, b->schema_len, at);
    }
    free(found);
    return code;
}

// "To open a channel", steps 8 to 10. Kinds from `first` to `last` will do.
static inline ringway_code ringway__check_segment(ringway_base *b, uint64_t first, uint64_t last, const char *wanted) {
    static const char *const KINDS[] = {"", "an spsc channel", "an mpsc channel", "an spmc channel", "an mpmc channel",
        "a seqlock cell", "a seqlock table", "a keyed seqlock table"};
    static const struct { const char *name; unsigned char at, bytes; } FIELDS[] = {
        {"len", 32, 8}, {"kind", 40, 4}, {"form", 44, 4}, {"senders", 48, 4}, {"receivers", 52, 4}, {"capacity", 56, 8},
        {"stride", 64, 8}, {"payload_offset", 72, 8}, {"message_size", 80, 8}, {"message_align", 88, 8},
        {"schema_offset", 96, 8}, {"schema_len", 104, 8}, {"roster_offset", 112, 8}, {"control_offset", 120, 8},
        {"slots_offset", 128, 8}, {"on_receiver_death", 152, 4}, {"cell_slots", 156, 4}, {"cell_slot_stride", 160, 8},
        {"key_offset", 168, 8}, {"key_size", 176, 8}, {"key_align", 184, 8}, {"key_schema_len", 192, 4},
        {"parking", 196, 4}, {"checksum", 24, 8}};
    unsigned char header[RINGWAY_HEADER], expected[RINGWAY_HEADER];
    if (b->data_len < RINGWAY_HEADER)
        return ringway__fail(b, RINGWAY_OTHER_KIND, "%s is a map of %" PRIu64 " bytes, and no channel",
            ringway__shown(b), b->data_len);
    uint64_t state = ringway__load(b->segment + 16, acquire);
    ringway__copy_out(header, b->segment, RINGWAY_HEADER);
#define RINGWAY__FOUND(at, bytes) ringway__get(header + (at), bytes)
#define RINGWAY__WRONG(condition, what, value)                                                                     \
    if (condition)                                                                                                 \
        return ringway__fail(b, RINGWAY_DAMAGED, "the header of %s is damaged: its " what " is %" PRIu64, ringway__shown(b), \
            (uint64_t)(value))
    if (memcmp(header, "RWSEGMNT", 8))
        return ringway__fail(b, RINGWAY_OTHER_KIND, "%s is a map, and no channel", ringway__shown(b));
    if (RINGWAY__FOUND(8, 4) != 1)
        return ringway__fail(b, RINGWAY_VERSION, "%s has version %" PRIu64 " of the segment format, this program knows"
            " version 1: build both with the same version of ringway", ringway__shown(b), RINGWAY__FOUND(8, 4));
    RINGWAY__WRONG(RINGWAY__FOUND(12, 4) != 256, "header_len", RINGWAY__FOUND(12, 4));
    uint64_t sum = RINGWAY__FOUND(24, 8), kind = RINGWAY__FOUND(40, 4);
    ringway__put(header + 16, 8, 0), ringway__put(header + 24, 8, 0);
    RINGWAY__WRONG(ringway__fnv64(header, RINGWAY_HEADER) != sum, "checksum", sum);
    ringway__put(header + 24, 8, sum);
    RINGWAY__WRONG(state != ringway__get((const unsigned char *)"RW_READY", 8), "state", state);
    if (kind < 1 || kind > 7) // whose fields may lie in what is reserved of those known here
        return ringway__fail(b, RINGWAY_OTHER_KIND, "%s is a channel of kind %" PRIu64 ", which this program does not know,"
            " not %s", ringway__shown(b), kind, wanted);
    if (kind < first || kind > last)
        return ringway__fail(b, RINGWAY_OTHER_KIND, "%s is %s, not %s", ringway__shown(b), KINDS[kind], wanted);
    for (int i = 200; i < 256; i++) RINGWAY__WRONG(header[i], "reserved space", header[i]);
    RINGWAY__WRONG(RINGWAY__FOUND(96, 8) != 256, "schema_offset", RINGWAY__FOUND(96, 8));
    ringway_code code = ringway__check_schema(b, header);
    if (code) return code;
    uint64_t most = kind <= 4 ? 2147483648u : kind == 5 ? 1 : 16777216;
    b->kind = kind, b->capacity = RINGWAY__FOUND(56, 8), b->parking = RINGWAY__FOUND(196, 4);
    RINGWAY__WRONG(b->capacity < 1 || b->capacity > most, "capacity", b->capacity);
    RINGWAY__WRONG(b->parking > 2, "parking", b->parking);
    b->senders = kind <= 4 ? 1 : b->capacity, b->receivers = kind <= 4 ? 1 : 0;
    ringway__plan(b, 0, expected);
    for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++) {
        uint64_t is = RINGWAY__FOUND(FIELDS[i].at, FIELDS[i].bytes), be = ringway__get(expected + FIELDS[i].at, FIELDS[i].bytes);
        if (is != be)
            return ringway__fail(b, RINGWAY_DAMAGED, "the header of %s is damaged: its %s is %" PRIu64 ", and should be %"
                PRIu64, ringway__shown(b), FIELDS[i].name, is, be);
    }
    RINGWAY__WRONG(RINGWAY__FOUND(32, 8) > b->data_len, "len", RINGWAY__FOUND(32, 8));
#undef RINGWAY__WRONG
#undef RINGWAY__FOUND
    // Who is registered leaves the fence of N1 to the sleeper; without it each wake has one.
    b->registered = kind == 1 && b->parking == 2 && !syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0);
    return RINGWAY_OK;
}

static inline ringway_code ringway__begin(ringway_base *b, const char *directory, const char *name,
    const ringway_type *type, bool writes, uint64_t first, uint64_t last, const char *wanted) {
    memset(b, 0, sizeof *b);
    b->fd = -1, b->interval_ns = 100000000;
    if (UINTPTR_MAX != UINT64_MAX)
        return ringway__fail(b, RINGWAY_32_BITS, "%s is for programs of 64 bits, and this one has 32: compile it for x86-64 or"
            " aarch64", name);
    void *here = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (here == MAP_FAILED) return ringway__system(b, "mmap");
    b->here = here, *b->here = 1;
    if (madvise(here, 1, MADV_WIPEONFORK)) return ringway__system(b, "madvise");
    ringway_code code = ringway__encode(b, type);
    if (!code) code = ringway__open(b, directory, name, writes);
    return code ? code : ringway__check_segment(b, first, last, wanted);
}

// --- Gates, roles, the other side --------------------------------------------------------------------------------

// N1 to N4: wakes whoever sleeps at a gate. This peer never sleeps there itself.
static inline void ringway__wake(const ringway_base *b, unsigned char *at) {
    _Atomic uint32_t *gate = (_Atomic uint32_t *)(void *)at;
    if (b->parking == 0) return;
    if (b->registered) atomic_signal_fence(memory_order_seq_cst);
    else atomic_thread_fence(memory_order_seq_cst);
    uint32_t seen = atomic_load_explicit(gate, memory_order_relaxed);
    if ((seen & 1) && atomic_compare_exchange_strong_explicit(gate, &seen, (seen + 2) & ~1u, memory_order_relaxed,
        memory_order_relaxed)) {
        RINGWAY_STEP("wake");
        syscall(SYS_futex, at, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    }
}
static inline void ringway__wake_receivers(const ringway_base *b) { ringway__wake(b, b->segment + b->control + 384); }
static inline void ringway__wake_senders(const ringway_base *b) { ringway__wake(b, b->segment + b->control + 512); }

static inline ringway_presence ringway__told(uint64_t state) {
    switch (state & 3) {
    case 0: return state >> 2 ? RINGWAY_IS_GONE : RINGWAY_AWAITED;
    case 1: return RINGWAY_ALIVE;
    default: return RINGWAY_IS_DEAD;
    }
}

// P1 to P5. The kernel is asked once in an interval, or at once if `now`.
static inline ringway_presence ringway__judge(ringway_end *e, bool now) {
    uint64_t state = ringway__load(e->theirs, acquire), time;
    if ((state & 3) != 1) return ringway__told(state);
    if (!now && (time = ringway__now(CLOCK_MONOTONIC)) - e->asked_ns < e->base.interval_ns) return RINGWAY_ALIVE;
    e->asked_ns = ringway__now(CLOCK_MONOTONIC);
    if (ringway__is_locked(e->base.fd, e->their_lock)) return RINGWAY_ALIVE;
    if (!ringway__try_lock(e->base.fd, e->their_lock)) return RINGWAY_ALIVE;
    RINGWAY_STEP("judge.lock");
    uint64_t again = ringway__load(e->theirs, acquire), dead = (state & ~(uint64_t)3) | 2;
    if (again == state) {
        ringway__store(e->theirs + 24, ringway__now(CLOCK_REALTIME), relaxed);
        atomic_compare_exchange_strong_explicit((_Atomic uint64_t *)(void *)e->theirs, &again, dead, memory_order_release,
            memory_order_relaxed);
        again = dead;
    }
    RINGWAY_STEP("judge.dead");
    ringway__unlock(e->base.fd, e->their_lock);
    return ringway__told(again);
}

// Whether a process with that id runs here, as far as can be told. No proof of a death, only a reason to be patient.
static inline bool ringway__runs(uint64_t pid) {
    int process = pid && pid <= INT_MAX ? (int)syscall(SYS_pidfd_open, (pid_t)pid, 0) : (errno = ESRCH, -1);
    if (process < 0) return errno != ESRCH;
    bool ended = poll(&(struct pollfd){.fd = process, .events = POLLIN}, 1, 0) != 0; // also if nobody has waited for it yet
    close(process);
    return !ended;
}

// A1 to A4.
static inline ringway_code ringway__take(ringway_end *e, const char *role) {
    ringway_base *b = &e->base;
    for (uint64_t start = ringway__now(CLOCK_MONOTONIC); !ringway__try_lock(b->fd, e->my_lock); ringway__nap()) {
        uint64_t waited = ringway__now(CLOCK_MONOTONIC) - start;
        bool live = (ringway__load(e->mine, acquire) & 3) == 1;
        uint64_t pid = ringway__load(e->mine + 8, relaxed);
        if (live && waited > 50000000 && (waited > 1000000000 || ringway__runs(pid)))
            return ringway__fail(b, RINGWAY_TAKEN, "%s has a %s already: process %" PRIu64, ringway__shown(b), role, pid);
        if (waited > 1000000000)
            return ringway__fail(b, RINGWAY_BUSY, "somebody holds the lock of the %s of %s without being it",
                role, ringway__shown(b));
        RINGWAY_STEP("take.wait");
    }
    RINGWAY_STEP("take.lock");
    uint64_t state = ringway__load(e->mine, relaxed);
    e->after_death = (state & 3) != 0, e->incarnation = (state >> 2) + 1;
    ringway__store(e->mine + 8, (uint64_t)getpid(), relaxed);
    ringway__store(e->mine + 16, ringway__now(CLOCK_REALTIME), relaxed);
    RINGWAY_STEP("take.identity");
    ringway__store(e->mine, e->incarnation << 2 | 1, release);
    e->taken = true;
    RINGWAY_STEP("take.live");
    ringway__wake_receivers(b), ringway__wake_senders(b);
    return RINGWAY_OK;
}

static inline unsigned char *ringway__slot(const ringway_base *b, uint64_t position) {
    return b->segment + b->slots + position % b->capacity * b->stride;
}
static inline uint64_t ringway__full(const ringway_base *b, uint64_t position) { return position / b->capacity << 12 | 1; }
// The first position that is never used.
static inline uint64_t ringway__end(uint64_t capacity) {
    return capacity <= 16 ? capacity * (((uint64_t)1 << 52) - 1) : (uint64_t)1 << 56;
}
static inline unsigned char *ringway__tail(const ringway_base *b) { return b->segment + b->control; }
static inline unsigned char *ringway__head(const ringway_base *b) { return b->segment + b->control + 128; }
static inline ringway_code ringway__nonsense(ringway_base *b, const char *word, uint64_t value, uint64_t position) {
    return ringway__fail(b, RINGWAY_BROKEN, "%s makes no sense any more: its %s is %" PRIu64 " at position %" PRIu64,
        ringway__shown(b), word, value, position);
}

// Leaves, and closes the handle; what is sent stays for the receiver, what is not released for the next one.
static inline void ringway__close(ringway_end *e) {
    if (e->taken && e->base.here && *e->base.here) {
        ringway__store(e->mine + 24, ringway__now(CLOCK_REALTIME), relaxed);
        ringway__store(e->mine, e->incarnation << 2, release);
        RINGWAY_STEP("give.vacant");
        ringway__unlock(e->base.fd, e->my_lock);
        ringway__wake_receivers(&e->base), ringway__wake_senders(&e->base);
    }
    e->taken = false;
    ringway__leave(&e->base);
}

// Closes a handle; one that is closed already, or all zero, or whose opening has failed, stays as it is.
static inline void ringway_close_sender(ringway_sender *s) { ringway__close(&s->end); }
static inline void ringway_close_receiver(ringway_receiver *r) { ringway__close(&r->end); }

static inline ringway_code ringway__open_end(ringway_end *e, const char *directory, const char *name,
    const ringway_type *type, bool sends) {
    memset(e, 0, sizeof *e);
    ringway_base *b = &e->base;
    ringway_code code = ringway__begin(b, directory, name, type, true, 1, 1, "an spsc channel");
    if (code) return code;
    unsigned char *sender = b->segment + b->roster, *receiver = sender + 128;
    e->mine = sends ? sender : receiver, e->theirs = sends ? receiver : sender;
    e->my_lock = sends ? 1 : 256, e->their_lock = sends ? 256 : 1;
    e->end = ringway__end(b->capacity);
    return ringway__take(e, sends ? "sender" : "receiver");
}

// --- To send -----------------------------------------------------------------------------------------------------

// S1: up to where slots are free.
static inline ringway_code ringway__look_for_room(ringway_end *e) {
    uint64_t head = ringway__load(ringway__head(&e->base), acquire);
    if (head > e->position || e->position - head > e->base.capacity)
        return ringway__nonsense(&e->base, "head", head, e->position);
    e->limit = ringway__min(head + e->base.capacity, e->end);
    return RINGWAY_OK;
}

// "Resume": where the last published message ends.
static inline ringway_code ringway__resume_sender(ringway_end *e) {
    ringway_base *b = &e->base;
    uint64_t tail = ringway__load(ringway__tail(b), relaxed), head = ringway__load(ringway__head(b), acquire);
    if (tail > e->end || (tail > head ? tail - head : head - tail) > b->capacity)
        return ringway__nonsense(b, "tail", tail, head);
    e->position = tail;
    if (b->form == 1) {
        uint64_t last = ringway__min(tail + b->capacity, e->end);
        while (e->position < last
            && ringway__load(ringway__slot(b, e->position), relaxed) == ringway__full(b, e->position)) e->position++;
    }
    ringway_code code = ringway__look_for_room(e);
    if (!code && b->form == 1) ringway__store(ringway__tail(b), e->position, relaxed);
    return code;
}

// Opens a channel as its sender. `directory` NULL is that of the user, `/dev/shm/ringway` that of all. A handle whose
// opening failed has nothing but its `problem`.
static inline ringway_code ringway_open_sender(ringway_sender *s, const char *directory, const char *name,
    const ringway_type *type) {
    ringway_code code = ringway__open_end(&s->end, directory, name, type, true);
    if (!code) code = ringway__resume_sender(&s->end);
    if (code) ringway__close(&s->end);
    return code;
}

// Sends one message, of the size of the type. RINGWAY_FULL: try again later. RINGWAY_LEFT, RINGWAY_DIED: the ring is full
// and nobody receives; try again when somebody does.
static inline ringway_code ringway_try_send(ringway_sender *s, const void *message) {
    ringway_end *e = &s->end;
    ringway_base *b = &e->base;
    ringway_code code = ringway__open_here(b);
    if (code) return code;
    for (bool second = false; e->position == e->limit; second = true) {
        code = ringway__look_for_room(e);
        if (code) return code;
        if (e->position != e->limit) break;
        if (e->limit == e->end) return RINGWAY_AT_THE_END;
        RINGWAY_STEP("send.full");
        ringway_presence peer = ringway__judge(e, false);
        if (peer == RINGWAY_AWAITED || peer == RINGWAY_ALIVE) return RINGWAY_FULL;
        if (second) return peer == RINGWAY_IS_GONE ? RINGWAY_LEFT : RINGWAY_DIED;
    }
    unsigned char *slot = ringway__slot(b, e->position);
    RINGWAY_STEP("send.free");
    memcpy(slot + b->payload, message, b->type.size);
    RINGWAY_STEP("send.written");
    if (b->form == 1) {
        ringway__store(slot, ringway__full(b, e->position), release);
        RINGWAY_STEP("send.stamped");
        ringway__store(ringway__tail(b), ++e->position, relaxed);
    } else {
        ringway__store(ringway__tail(b), ++e->position, release);
    }
    RINGWAY_STEP("send.published");
    ringway__wake_receivers(b);
    return RINGWAY_OK;
}

// --- To receive --------------------------------------------------------------------------------------------------

// R1: whether there is a message, or what is known instead.
static inline ringway_code ringway__look_for_message(ringway_end *e) {
    ringway_base *b = &e->base;
    if (b->form == 2) {
        if (e->position != e->limit) return RINGWAY_OK;
        uint64_t tail = ringway__load(ringway__tail(b), acquire);
        if (tail < e->position || tail - e->position > b->capacity || tail > e->end)
            return ringway__nonsense(b, "tail", tail, e->position);
        e->limit = tail;
        return tail != e->position ? RINGWAY_OK : RINGWAY_EMPTY;
    }
    if (e->position >= e->end) return RINGWAY_EMPTY;
    uint64_t stamp = ringway__load(ringway__slot(b, e->position), acquire), full = ringway__full(b, e->position);
    if (stamp == full) return RINGWAY_OK;
    uint64_t before = e->position < b->capacity ? 0 : full - (1 << 12);
    return stamp == before ? RINGWAY_EMPTY : ringway__nonsense(b, "stamp", stamp, e->position);
}

// "Resume": behind the last message that was given back.
static inline ringway_code ringway__resume_receiver(ringway_end *e) {
    ringway_base *b = &e->base;
    uint64_t head = ringway__load(ringway__head(b), relaxed);
    if (head > e->end) return ringway__nonsense(b, "head", head, head);
    // By index `limit` is up to where messages are known to be published.
    e->position = e->limit = head;
    ringway_code code = ringway__look_for_message(e);
    return code == RINGWAY_EMPTY ? RINGWAY_OK : code;
}

// Opens a channel as its receiver. If `end.after_death` is set then, the first messages may be some that the receiver
// before had and did not release.
static inline ringway_code ringway_open_receiver(ringway_receiver *r, const char *directory, const char *name,
    const ringway_type *type) {
    ringway_code code = ringway__open_end(&r->end, directory, name, type, false);
    if (!code) code = ringway__resume_receiver(&r->end);
    if (code) ringway__close(&r->end);
    return code;
}

// Copies the next message without giving its slot back: if this process dies before ringway_release, the next receiver
// gets it again. RINGWAY_EMPTY: try again later. RINGWAY_LEFT, RINGWAY_DIED: that was all, and nobody sends.
static inline ringway_code ringway_peek(ringway_receiver *r, void *message) {
    ringway_end *e = &r->end;
    ringway_base *b = &e->base;
    ringway_code code = ringway__open_here(b);
    if (code) return code;
    e->held = false;
    for (bool second = false; (code = ringway__look_for_message(e)) != RINGWAY_OK; second = true) {
        if (code != RINGWAY_EMPTY) return code;
        if (e->position == e->end) return RINGWAY_AT_THE_END;
        RINGWAY_STEP("recv.empty");
        ringway_presence peer = ringway__judge(e, false);
        if (peer == RINGWAY_AWAITED || peer == RINGWAY_ALIVE) return RINGWAY_EMPTY;
        if (second) return peer == RINGWAY_IS_GONE ? RINGWAY_LEFT : RINGWAY_DIED;
    }
    ringway__copy_out(message, ringway__slot(b, e->position) + b->payload, b->type.size);
    e->held = true;
    RINGWAY_STEP("recv.read");
    return ringway__is_valid(&b->type, message) ? RINGWAY_OK : RINGWAY_INVALID;
}

// Gives the slot of the message back that ringway_peek copied, also of one that was RINGWAY_INVALID. RINGWAY_EMPTY: there is
// none, and nothing was done.
static inline ringway_code ringway_release(ringway_receiver *r) {
    ringway_end *e = &r->end;
    ringway_code code = ringway__open_here(&e->base);
    if (code || !e->held) return code ? code : RINGWAY_EMPTY;
    e->held = false;
    ringway__store(ringway__head(&e->base), ++e->position, release);
    RINGWAY_STEP("recv.released");
    ringway__wake_senders(&e->base);
    return RINGWAY_OK;
}

static inline ringway_code ringway_try_recv(ringway_receiver *r, void *message) {
    ringway_code code = ringway_peek(r, message);
    if (code == RINGWAY_OK || code == RINGWAY_INVALID) ringway_release(r);
    return code;
}

// Whether the other side is there, by the kernel's word.
static inline ringway_presence ringway__peer(ringway_end *e) {
    return ringway__open_here(&e->base) ? RINGWAY_UNKNOWN : ringway__judge(e, true);
}
static inline ringway_presence ringway_sender_peer(ringway_sender *s) { return ringway__peer(&s->end); }
static inline ringway_presence ringway_receiver_peer(ringway_receiver *r) { return ringway__peer(&r->end); }

// --- Cells -------------------------------------------------------------------------------------------------------

// Opens a cell, or a table of cells, read-only.
static inline ringway_code ringway_open_cells(ringway_cells *c, const char *directory, const char *name,
    const ringway_type *type) {
    ringway_code code = ringway__begin(&c->base, directory, name, type, false, 5, 6, "a seqlock cell or table");
    if (code) ringway__leave(&c->base);
    return code;
}
static inline void ringway_close_cells(ringway_cells *c) { ringway__leave(&c->base); }
static inline uint64_t ringway_cell_count(const ringway_cells *c) { return c->base.capacity; }

static inline unsigned char *ringway__cell(const ringway_cells *c, uint64_t index) {
    return c->base.segment + c->base.slots + index % c->base.capacity * c->base.stride;
}

static inline ringway_code ringway__has_cell(ringway_cells *c, uint64_t index) {
    ringway_code code = ringway__open_here(&c->base);
    if (code || index < c->base.capacity) return code;
    return ringway__fail(&c->base, RINGWAY_NO_CELL, "%s has %" PRIu64 " cells, and none of number %" PRIu64,
        ringway__shown(&c->base), c->base.capacity, index);
}

// How many values were stored in a cell (`index` 0 where there is one): the number of the latest.
static inline ringway_code ringway_version(ringway_cells *c, uint64_t index, uint64_t *version) {
    ringway_code code = ringway__has_cell(c, index);
    *version = code ? 0 : ringway__load(ringway__cell(c, index), relaxed);
    return code;
}

// Copies the latest value of a cell, whole, and says its number. RINGWAY_EMPTY: nothing was stored yet.
// RINGWAY_DISTURBED: the writer lapped every one of a thousand attempts; `value` is torn then.
static inline ringway_code ringway_load(ringway_cells *c, uint64_t index, void *value, uint64_t *version) {
    ringway_base *b = &c->base;
    if (version) *version = 0;
    ringway_code code = ringway__has_cell(c, index);
    if (code) return code;
    unsigned char *cell = ringway__cell(c, index);
    for (int attempt = 0; attempt < 1000; attempt++) {
        uint64_t k = ringway__load(cell, relaxed);
        if (k == 0) return RINGWAY_EMPTY;
        if (k > (uint64_t)1 << 63) return ringway__nonsense(b, "sequence", k, index);
        atomic_thread_fence(memory_order_acquire);
        ringway__copy_out(value, cell + b->payload + k % b->cell_slots * b->cell_slot_stride, b->type.size);
        RINGWAY_STEP("load.copied");
        atomic_thread_fence(memory_order_acquire);
        if (ringway__load(cell, relaxed) - k > b->cell_slots - 2) continue;
        if (version) *version = k;
        return ringway__is_valid(&b->type, value) ? RINGWAY_OK : RINGWAY_INVALID;
    }
    return RINGWAY_DISTURBED;
}

// Whether the writer of a cell lives. Nothing is stored.
static inline ringway_presence ringway_writer(ringway_cells *c, uint64_t index) {
    if (ringway__has_cell(c, index)) return RINGWAY_UNKNOWN;
    unsigned char *record = c->base.segment + c->base.roster + index % c->base.capacity * 128;
    uint64_t state = ringway__load(record, acquire);
    if ((state & 3) != 1 || ringway__is_locked(c->base.fd, 1 + index % c->base.capacity)) return ringway__told(state);
    RINGWAY_STEP("writer.unlocked");
    uint64_t again = ringway__load(record, acquire);
    return again == state ? RINGWAY_IS_DEAD : ringway__told(again);
}

#endif
