// A peer that knows docs/format.md and nothing else. `main.rs` compiles it and lets it talk to the library.
//
//   peer FILE tick|frame send|receive COUNT [die]
//
// It creates the channel (capacity 4) if nobody has it, takes the role, and sends messages number 0, 1, … of the
// channel (or receives and checks them). With `die` it kills itself: a sender after it published its last message
// by stamp, or before it published its last one by index; a receiver before it gives its last one back.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
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

typedef _Atomic uint64_t word;
typedef unsigned char byte;

static void fail(const char *what) {
    fprintf(stderr, "peer: %s (%s)\n", what, strerror(errno));
    exit(1);
}
static void need(bool holds, const char *what) { if (!holds) fail(what); }

// The two message types. A message is its number, all over.
static const byte TICK[] = "\1" "A\4Tick\0\0\0\0" "\x18\0\0\0\0\0\0\0" "\x8\0\0\0" "\4\0"
    "\7time_ns\0\0\0\0\0\0\0\0\x4" "\5price\x8\0\0\0\0\0\0\0\x24"
    "\4size\x10\0\0\0\0\0\0\0\x3" "\5venue\x14\0\0\0\0\0\0\0\x3";
static const byte FRAME[] = "\1" "@\x10\0\0\0\0\0\0\0" "\4";
static const struct type {
    const byte *schema;
    uint64_t schema_len, size, align;
} TYPES[] = {{TICK, sizeof TICK - 1, 24, 8}, {FRAME, sizeof FRAME - 1, 128, 8}};

static uint64_t round_up(uint64_t n, uint64_t to) { return (n + to - 1) / to * to; }
static uint64_t get(const byte *at, int bytes) {
    uint64_t n = 0;
    memcpy(&n, at, bytes);
    return n;
}
static void put(byte *at, int bytes, uint64_t n) { memcpy(at, &n, bytes); }
static uint64_t fnv64(const byte *bytes, size_t len) {
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < len; i++) hash = (hash ^ bytes[i]) * 0x100000001b3;
    return hash;
}
static void fnv128(const byte *bytes, size_t len, byte out[16]) {
    unsigned __int128 hash = ((unsigned __int128)0x6c62272e07bb0142 << 64) | 0x62b821756295c58d;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * (((unsigned __int128)1 << 88) + 0x13b);
    memcpy(out, &hash, 16);
}

// Locks.
static int lock(int fd, int command, int type, uint64_t at) {
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
    if (fcntl(fd, command, &l)) return -1;
    return l.l_type;
}
static bool locked(int fd, uint64_t at) { return lock(fd, F_OFD_GETLK, F_WRLCK, at) != F_UNLCK; }
static bool names(const char *path, int fd) {
    struct stat named, ours;
    return !lstat(path, &named) && !fstat(fd, &ours) && named.st_dev == ours.st_dev && named.st_ino == ours.st_ino;
}

enum { CAPACITY = 4 };
struct layout { uint64_t form, payload, stride, roster, control, slots, len; };
static struct layout plan(const struct type *t, uint64_t capacity) {
    struct layout l;
    uint64_t behind_stamp = round_up(8, t->align);
    l.form = behind_stamp + t->size <= 64 ? 1 : 2;
    l.payload = l.form == 1 ? behind_stamp : 0;
    uint64_t bytes = l.payload + t->size;
    l.stride = round_up(bytes <= 16 ? 16 : bytes <= 32 ? 32 : round_up(bytes, 64), t->align);
    l.roster = round_up(256 + t->schema_len, 128);
    l.control = round_up(l.roster + 256, 128);
    l.slots = round_up(l.control + 640, t->align > 128 ? t->align : 128);
    l.len = l.slots + l.stride * capacity;
    return l;
}
static void segment_header(byte h[256], const struct type *t, uint64_t capacity, uint64_t parking) {
    struct layout l = plan(t, capacity);
    memset(h, 0, 256);
    memcpy(h, "RWSEGMNT", 8);
    put(h + 8, 4, 1), put(h + 12, 4, 256), put(h + 32, 8, l.len), put(h + 40, 4, 1), put(h + 44, 4, l.form);
    put(h + 48, 4, 1), put(h + 52, 4, 1), put(h + 56, 8, capacity), put(h + 64, 8, l.stride);
    put(h + 72, 8, l.payload), put(h + 80, 8, t->size), put(h + 88, 8, t->align), put(h + 96, 8, 256);
    put(h + 104, 8, t->schema_len), put(h + 112, 8, l.roster), put(h + 120, 8, l.control);
    put(h + 128, 8, l.slots), put(h + 196, 4, parking);
    fnv128(t->schema, t->schema_len, h + 136);
    put(h + 24, 8, fnv64(h, 256));
}

struct map { int fd; byte *all; uint64_t file_len, data; };

// "To open", steps 1 to 7; false if there is no channel.
static bool open_map(const char *path, const char *name, struct map *m) {
    for (;;) {
        m->fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (m->fd < 0 && errno == ENOENT) return false;
        need(m->fd >= 0, "open");
        byte page[4096];
        need(pread(m->fd, page, sizeof page, 0) == sizeof page, "a registry page");
        need(!memcmp(page, "RINGWMAP", 8), "map magic");
        need(!flock(m->fd, LOCK_EX), "flock");
        if (!names(path, m->fd)) { close(m->fd); continue; }
        if (!locked(m->fd, 0)) { need(!unlink(path), "unlink"), close(m->fd); return false; }
        uint64_t sum = get(page + 8, 8), name_len = get(page + 80, 4);
        put(page + 8, 8, 0);
        need(get(page + 16, 4) == 1 && get(page + 20, 4) == 128 + name_len, "version, header_len");
        m->data = get(page + 32, 8), m->file_len = m->data + get(page + 40, 8);
        need(m->data == 4096 && sum == fnv64(page, 4096) && get(page + 24, 8) == 1, "data_offset, checksum, kind");
        need(name_len == strlen(name) && !memcmp(page + 128, name, name_len), "name");
        need(lock(m->fd, F_OFD_SETLK, F_RDLCK, 0) >= 0, "presence");
        flock(m->fd, LOCK_UN);
        m->all = mmap(NULL, m->file_len, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
        need(m->all != MAP_FAILED && !madvise(m->all, m->file_len, MADV_DONTFORK), "mmap");
        return true;
    }
}

// "To create"; false if somebody else was first.
static bool create_map(const char *path, const char *name, const struct type *t, struct map *m) {
    char directory[4096], link[64];
    snprintf(directory, sizeof directory, "%s", path);
    m->fd = open(dirname(directory), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    need(m->fd >= 0, "O_TMPFILE");
    struct layout l = plan(t, CAPACITY);
    m->data = 4096, m->file_len = 4096 + l.len;
    need(!fallocate(m->fd, 0, 0, m->file_len), "fallocate");
    byte page[4096] = "RINGWMAP";
    put(page + 16, 4, 1), put(page + 20, 4, 128 + strlen(name)), put(page + 24, 4, 1), put(page + 32, 8, 4096);
    put(page + 40, 8, l.len), put(page + 72, 4, getpid()), put(page + 76, 4, 0600);
    put(page + 80, 4, strlen(name)), memcpy(page + 128, name, strlen(name));
    put(page + 8, 8, fnv64(page, 4096));
    need(pwrite(m->fd, page, 4096, 0) == 4096 && !fchmod(m->fd, 0600), "pwrite");
    need(lock(m->fd, F_OFD_SETLK, F_RDLCK, 0) >= 0, "presence");
    m->all = mmap(NULL, m->file_len, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
    need(m->all != MAP_FAILED && !madvise(m->all, m->file_len, MADV_DONTFORK), "mmap");
    segment_header(m->all + 4096, t, CAPACITY, 1);
    memcpy(m->all + 4096 + 256, t->schema, t->schema_len);
    atomic_store_explicit((word *)(m->all + 4096 + 16), get((byte *)"RW_READY", 8), memory_order_release);
    snprintf(link, sizeof link, "/proc/self/fd/%d", m->fd);
    if (!linkat(AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW)) return true;
    need(errno == EEXIST, "linkat");
    munmap(m->all, m->file_len), close(m->fd);
    return false;
}

static void leave(const char *path, struct map *m) {
    munmap(m->all, m->file_len);
    flock(m->fd, LOCK_EX);
    lock(m->fd, F_OFD_SETLK, F_UNLCK, 0);
    if (!locked(m->fd, 0) && names(path, m->fd)) unlink(path);
    flock(m->fd, LOCK_UN), close(m->fd);
}

// "Gates": wakes who sleeps, after news. It never sleeps itself.
static void wake(byte *at) {
    _Atomic uint32_t *gate = (_Atomic uint32_t *)at;
    atomic_thread_fence(memory_order_seq_cst);
    uint32_t seen = atomic_load_explicit(gate, memory_order_relaxed);
    while (seen & 1) {
        if (!atomic_compare_exchange_strong_explicit(gate, &seen, (seen + 2) & ~1u, memory_order_relaxed, memory_order_relaxed))
            continue;
        syscall(SYS_futex, at, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
        return;
    }
}

#define load(at, order) atomic_load_explicit((word *)(at), memory_order_##order)
#define store(at, n, order) atomic_store_explicit((word *)(at), n, memory_order_##order)
enum judgement { AWAITED, ALIVE, LEFT, DIED };

static enum judgement judge(int fd, byte *record, uint64_t at) {
    uint64_t state = load(record, acquire), now;
    if (state % 4 == 1) {
        if (locked(fd, at) || lock(fd, F_OFD_SETLK, F_WRLCK, at) < 0) return ALIVE;
        now = load(record, acquire);
        uint64_t dead = state / 4 * 4 + 2;
        if (now == state
            && atomic_compare_exchange_strong_explicit((word *)record, &now, dead, memory_order_release, memory_order_relaxed))
            now = dead;
        lock(fd, F_OFD_SETLK, F_UNLCK, at);
        state = now;
    }
    return state % 4 == 2 ? DIED : state % 4 == 1 ? ALIVE : state / 4 ? LEFT : AWAITED;
}

int main(int argc, char **argv) {
    need(argc >= 5, "arguments");
    const char *path = argv[1], *name = strrchr(path, '/') + 1;
    const struct type *t = &TYPES[!strcmp(argv[2], "frame")];
    bool sends = !strcmp(argv[3], "send"), dies = argc > 5;
    uint64_t count = strtoull(argv[4], NULL, 10);
    struct map m;
    while (!open_map(path, name, &m) && !create_map(path, name, t, &m)) {}

    // "To open", steps 8 to 10. The headers' bytes follow from type and capacity, so compare them all.
    byte *segment = m.all + m.data, header[256];
    need(load(segment + 16, acquire) == get((byte *)"RW_READY", 8), "state");
    uint64_t N = get(segment + 56, 8);
    need(N >= 1 && N <= 2147483648, "capacity");
    uint64_t parking = get(segment + 196, 4);
    need(parking <= 2, "parking");
    segment_header(header, t, N, parking);
    need(!memcmp(header, segment, 16) && !memcmp(header + 24, segment + 24, 232), "segment header");
    need(!memcmp(segment + 256, t->schema, t->schema_len), "schema");
    struct layout l = plan(t, N);
    need(l.len <= m.file_len - m.data, "len");

    // "To take a role".
    byte *record = segment + l.roster + (sends ? 0 : 128), *other = segment + l.roster + (sends ? 128 : 0);
    uint64_t mine = sends ? 1 : 256, theirs = sends ? 256 : 1;
    need(lock(m.fd, F_OFD_SETLK, F_WRLCK, mine) >= 0, "the role is taken");
    uint64_t state = load(record, relaxed), incarnation = state / 4 + 1;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    store(record + 8, getpid(), relaxed);
    store(record + 16, now.tv_sec * 1000000000ull + now.tv_nsec, relaxed);
    store(record, incarnation * 4 + 1, release);
    byte *receivers_gate = segment + l.control + 384, *senders_gate = segment + l.control + 512;
    wake(receivers_gate), wake(senders_gate);

    // "To send", "To receive". Whoever cannot go on judges its peer, and looks once more before it believes it.
    byte *tail = segment + l.control, *head = segment + l.control + 128;
    bool stamped = l.form == 1;
    uint64_t end = N < 16 ? N << 52 : 1ull << 56, last = 0, p;
#define SLOT(p) (segment + l.slots + (p) % N * l.stride)
#define FULL(p) ((p) / N << 12 | 1)
    if (sends) {
        p = last = load(tail, relaxed);
        uint64_t at_head = load(head, acquire);
        need(p <= end && (p > at_head ? p - at_head : at_head - p) <= N, "tail");
        while (stamped && p < last + N && p < end && load(SLOT(p), relaxed) == FULL(p)) p++;
        if (stamped) store(tail, p, relaxed);
    } else {
        p = load(head, relaxed);
    }
    need(p <= end, "position");
    printf("%s at %llu\n", state == 0 ? "first" : state % 4 ? "successor of the dead" : "successor", (unsigned long long)p);
    enum judgement peer = ALIVE;
    for (uint64_t done = 0; done < count;) {
        uint64_t at_head, seen;
        bool ready;
        if (sends) {
            at_head = load(head, acquire);
            need(at_head <= p && p - at_head <= N, "head");
            ready = p < at_head + N && p < end;
        } else if (stamped) {
            seen = load(SLOT(p), acquire), ready = seen == FULL(p);
            need(ready || seen == (p < N ? 0 : FULL(p - N)), "stamp");
        } else {
            seen = load(tail, acquire), ready = seen != p;
            need(seen >= p && seen - p <= N, "tail");
        }
        if (!ready) {
            if (peer == LEFT || peer == DIED) break;
            peer = judge(m.fd, other, theirs);
            continue;
        }
        peer = ALIVE;
        byte *message = SLOT(p) + l.payload, value[128];
        for (uint64_t i = 0; i < t->size; i += 8) put(value + i, 8, p);
        bool fatal = dies && ++done == count;
        if (!dies) done++;
        if (sends) {
            memcpy(message, value, t->size);
            if (stamped) store(SLOT(p), FULL(p), release);
            if (fatal) raise(SIGKILL);
            p++;
            if (stamped) store(tail, p, relaxed); else store(tail, p, release);
            wake(receivers_gate);
        } else {
            need(!memcmp(message, value, t->size), "message");
            if (fatal) raise(SIGKILL);
            p++;
            store(head, p, release);
            wake(senders_gate);
        }
    }
    printf("%s at %llu\n", peer == DIED ? "peer died" : peer == LEFT ? "peer left" : "done", (unsigned long long)p);

    store(record, incarnation * 4, release);
    wake(receivers_gate), wake(senders_gate);
    lock(m.fd, F_OFD_SETLK, F_UNLCK, mine);
    leave(path, &m);
    return 0;
}
