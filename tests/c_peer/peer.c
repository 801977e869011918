// A peer that knows examples/c/ringway.h and nothing else. The tests compile it and let it talk to the library.
//
//   peer DIRECTORY NAME tick|frame ROLE COUNT [log=FILE] [task=DIRECTORY] [die=STEP:TIMES] [stop=STEP:TIMES] [stay]
//
// `send` and `receive` make the channel (capacity 4) if nobody has it, and pass COUNT messages, each its own position all
// over. `wake-send` does so, each time, only when the other side sleeps; `race-send` and `race-receive` while it is about to,
// and fail if it sleeps (by its `task` in /proc) although it was to be woken. `latest` reads cells until each
// has the value number COUNT, `refuse-ring` and `refuse-cells` only say why they are refused. With `log` where it began
// and got to is in a file that outlives it; with `die` or `stop` it kills or stops itself when it comes to a step for that
// time; with `stay` it waits for a successor of the other side.
#define _GNU_SOURCE
#include <signal.h>

static void step(const char *name);
#define RINGWAY_STEP(name) step(name)
#include "../../examples/c/ringway.h"
#include "tick.h"

#include <sched.h>
#include <sys/prctl.h>

static void fail(const char *what) {
    fprintf(stderr, "peer: %s (%s)\n", what, strerror(errno));
    exit(1);
}
static void need(bool holds, const char *what) { if (!holds) fail(what); }

static const char *halt_at = "";
static long halt_times;
static int halt_signal;
static void step(const char *name) {
    if (!strcmp(name, halt_at) && --halt_times == 0) raise(halt_signal);
}

static const unsigned char FRAME[] = "\1" "@\x10\0\0\0\0\0\0\0" "\4";
static const ringway_type TYPES[] = {
    RINGWAY_STRUCT(struct tick, "Tick", TICK_FIELDS),
    {.size = 128, .align = 8, .schema = FRAME, .schema_len = sizeof FRAME - 1}};

enum { CAPACITY = 4, WORDS = 16 };

static void fill(uint64_t *value, uint64_t number) { for (int i = 0; i < WORDS; i++) value[i] = number; }
static void check(const uint64_t *value, uint64_t number, const ringway_type *type) {
    for (uint64_t i = 0; i < type->size / 8; i++) need(value[i] == number, "lost, repeated, out of order or torn");
}

static int log_file = -1;
static void log_start(const char *path, uint64_t position) {
    char unnamed[4096];
    snprintf(unnamed, sizeof unnamed, "%s.new", path);
    log_file = open(unnamed, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    uint64_t both[2] = {position, position};
    need(log_file >= 0 && pwrite(log_file, both, 16, 0) == 16 && !rename(unnamed, path), "log");
}
static void log_at(uint64_t position) { need(log_file < 0 || pwrite(log_file, &position, 8, 8) == 8, "log"); }

// What makes the publishing step late for others: stores to memory that is in no cache, in front of it in their queue.
static void queue_stores(uint64_t round) {
    enum { LINES = 48, FAR = 4096 + 64 };
    static volatile unsigned char cold[64 << 20];
    for (uint64_t i = 0; i < LINES; i++) cold[(round * LINES + i) * FAR % sizeof cold] = 1;
}

static bool sleeps(const char *task) {
    char path[128], stat[512] = "", *state = NULL;
    snprintf(path, sizeof path, "%s/stat", task);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    need(fd >= 0 && read(fd, stat, sizeof stat - 1) > 0 && (state = strrchr(stat, ')')), path);
    close(fd);
    return state[2] == 'S';
}

// Waits until the other side has done all that it can do, which is about to sleep then, and says that it was woken last time:
// whoever sleeps, by the kernel's word, at a gate that says so, after this peer has been through its wake, sleeps on.
static void until_idle(const ringway_end *end, bool sends, const char *task) {
    const ringway_base *b = &end->base;
    _Atomic uint32_t *gate = (void *)(b->segment + b->control + (sends ? 384 : 512));
    unsigned char *word = sends ? ringway__head(b) : ringway__tail(b);
    uint64_t idle = end->position + (sends ? 0 : b->capacity);
    for (uint64_t looks = 1; ringway__load(word, acquire) != idle; looks++) {
        if (looks % 64 == 0) sched_yield();
        if (looks % 4096 == 0 && (atomic_load(gate) & 1) && sleeps(task) && ringway__load(word, acquire) != idle)
            fail("a wake was lost");
    }
}

// "To create a channel"; the descriptor, which has presence until it is closed, or -1 if somebody else was first.
static int create(const char *directory, const char *name, const ringway_type *type) {
    static ringway_base b;
    unsigned char header[RINGWAY_HEADER], page[4096] = "RINGWMAP";
    char link[64];
    memset(&b, 0, sizeof b);
    need(!ringway__encode(&b, type) && !ringway__find(&b, directory, name), "the plan");
    b.kind = b.senders = b.receivers = b.parking = 1, b.capacity = CAPACITY;
    ringway__plan(&b, 0, header);
    uint64_t len = b.slots + b.stride * CAPACITY;
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    need(fd >= 0 && !fallocate(fd, 0, 0, (off_t)(4096 + len)), "O_TMPFILE");
    ringway__put(page + 16, 4, 1), ringway__put(page + 20, 4, 128 + strlen(name)), ringway__put(page + 24, 4, 1);
    ringway__put(page + 32, 8, 4096), ringway__put(page + 40, 8, len), ringway__put(page + 72, 4, (uint64_t)getpid());
    ringway__put(page + 76, 4, 0600), ringway__put(page + 80, 4, strlen(name)), memcpy(page + 128, name, strlen(name));
    ringway__put(page + 8, 8, ringway__fnv64(page, 4096));
    need(pwrite(fd, page, 4096, 0) == 4096 && !fchmod(fd, 0600), "pwrite");
    need(ringway__lock(fd, F_OFD_SETLK, F_RDLCK, 0) >= 0, "presence");
    unsigned char *all = mmap(NULL, 4096 + len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    need(all != MAP_FAILED, "mmap");
    memcpy(all + 4096, header, RINGWAY_HEADER);
    memcpy(all + 4096 + RINGWAY_HEADER, b.schema, b.schema_len);
    ringway__store(all + 4096 + 16, ringway__get((const unsigned char *)"RW_READY", 8), release);
    munmap(all, 4096 + len), free(b.schema);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (!linkat(AT_FDCWD, link, AT_FDCWD, b.path, AT_SYMLINK_FOLLOW)) return fd;
    need(errno == EEXIST, "linkat");
    close(fd);
    return -1;
}

int main(int argc, char **argv) {
    need(argc >= 6, "arguments");
    const char *directory = argv[1], *name = argv[2], *role = argv[4], *log = NULL, *task = NULL;
    const ringway_type *type = &TYPES[!strcmp(argv[3], "frame")];
    uint64_t count = strtoull(argv[5], NULL, 10), value[WORDS];
    bool stay = false, wakes = !strncmp(role, "wake-", 5), races = !strncmp(role, "race-", 5), sends = !!strstr(role, "send");
    for (int i = 6; i < argc; i++) {
        char *times = strchr(argv[i], ':');
        if (!strncmp(argv[i], "log=", 4)) log = argv[i] + 4;
        if (!strncmp(argv[i], "task=", 5)) task = argv[i] + 5;
        bool dies = !strncmp(argv[i], "die=", 4), stops = !strncmp(argv[i], "stop=", 5);
        if (dies || stops) *times = 0, halt_at = strchr(argv[i], '=') + 1, halt_times = atol(times + 1);
        if (dies || stops) halt_signal = dies ? SIGKILL : SIGSTOP;
        if (!strcmp(argv[i], "stay")) stay = true;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    static union { ringway_sender s; ringway_receiver r; ringway_cells c; } all;
    ringway_end *end = &all.s.end;
    ringway_base *base = &all.c.base;
    ringway_code code;

    if (!strcmp(role, "refuse-ring") || !strcmp(role, "refuse-cells")) {
        code = role[7] == 'r' ? ringway_open_receiver(&all.r, directory, name, type) : ringway_open_cells(&all.c, directory, name, type);
        printf("%d %s: %s\n", code, ringway_strerror(code), base->problem);
        return 0;
    }
    if (!strcmp(role, "latest")) {
        if (ringway_open_cells(&all.c, directory, name, type)) fail(base->problem);
        uint64_t version, seen = 0;
        for (uint64_t i = 0; i < ringway_cell_count(&all.c); i++)
            for (seen = 0; seen < count;) {
                code = ringway_load(&all.c, i, value, &version);
                if (code == RINGWAY_EMPTY || code == RINGWAY_DISTURBED) continue;
                if (code) fail(base->problem);
                check(value, version, type);
                need(version >= seen, "a version that went back");
                seen = version;
            }
        static const char *const WRITER[] = {"awaited", "alive", "left", "dead", "unknown"};
        printf("latest %" PRIu64 " of %s\n", seen, WRITER[ringway_writer(&all.c, 0)]);
        ringway_close_cells(&all.c);
        return 0;
    }

    int made = -1;
    for (;;) {
        code = sends ? ringway_open_sender(&all.s, directory, name, type) : ringway_open_receiver(&all.r, directory, name, type);
        if (made >= 0) close(made);
        if (code != RINGWAY_NO_CHANNEL) break;
        made = create(directory, name, type);
    }
    if (code) fail(base->problem);
    base->interval_ns = 1000000;
    printf("%s at %" PRIu64 "\n", end->incarnation == 1 ? "first" : end->after_death ? "successor of the dead" : "successor", end->position);
    fflush(stdout);
    if (log) log_start(log, end->position);
    const char *word = "done";
    for (uint64_t done = 0; done < count;) {
        _Atomic uint32_t *gate = (void *)(base->segment + base->control + 384);
        if (wakes && !(atomic_load(gate) & 1)) { sched_yield(); continue; }
        if (races) until_idle(end, sends, task);
        // So that all moments of the other's way to its sleep have their turn.
        for (volatile uint64_t i = races ? done * 7 % 4096 : 0; i > 0; i--) {}
        fill(value, end->position);
        if (races && sends) queue_stores(done);
        code = sends ? ringway_try_send(&all.s, value) : ringway_peek(&all.r, value);
        if (code == RINGWAY_OK) {
            if (!sends) check(value, end->position, type);
            log_at(end->position + !sends);
            if (races && !sends) queue_stores(done);
            if (!sends) ringway_release(&all.r);
            done++;
        } else if ((code == RINGWAY_LEFT || code == RINGWAY_DIED) && !stay) {
            word = code == RINGWAY_DIED ? "peer died" : "peer left";
            break;
        } else if (code == RINGWAY_AT_THE_END || code >= RINGWAY_INVALID) {
            fail(code == RINGWAY_BROKEN ? base->problem : ringway_strerror(code));
        } else {
            sched_yield();
        }
    }
    printf("%s at %" PRIu64 "\n", word, end->position);
    if (sends) ringway_close_sender(&all.s); else ringway_close_receiver(&all.r);
    return 0;
}
