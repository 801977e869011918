// Scenes with a peer that knows examples/c/ringway.h: what its caller may do wrong, and what others may do at the wrong moment.
//
//   scenes DIRECTORY NAME SCENE
//
// It ends with 0 if all was as it has to be. Some scenes say `ready` and wait for a line.
#define _GNU_SOURCE
static void (*at_step)(const char *name);
#define RINGWAY_STEP(name) do { if (at_step) at_step(name); } while (0)
#define RINGWAY_PATIENCE_NS patience
static unsigned long patience = 10000000000;
#include "../../examples/c/ringway.h"
#include "tick.h"

#include <sys/wait.h>

#define NEED(holds) need(holds, #holds, __LINE__)
static void need(bool holds, const char *what, int line) {
    if (!holds) fprintf(stderr, "scenes: line %d: %s (%s)\n", line, what, strerror(errno)), exit(1);
}

static const ringway_type TICK = RINGWAY_STRUCT(struct tick, "Tick", TICK_FIELDS);

struct checked {
    uint32_t letter;
    uint8_t flags[4];
};
static const ringway_field CHECKED_FIELDS[] = {
    RINGWAY_FIELD(struct checked, letter, RINGWAY_CHAR), RINGWAY_ARRAY(struct checked, flags, RINGWAY_BOOL, 4)};
static const ringway_type CHECKED = RINGWAY_STRUCT(struct checked, "Checked", CHECKED_FIELDS);

static const char *directory, *name;
static struct tick tick;
static ringway_sender sender;
static ringway_receiver receiver;
static ringway_cells cells;

static void say_ready(void) {
    printf("ready\n"), fflush(stdout);
    NEED(getchar() == '\n');
}

// A word of the file, whoever it belongs to.
static void put(const ringway_base *b, const unsigned char *at, uint64_t word) {
    int fd = open(b->path, O_RDWR | O_CLOEXEC);
    NEED(fd >= 0 && pwrite(fd, &word, 8, (off_t)(b->data_offset + (uint64_t)(at - b->segment))) == 8);
    close(fd);
}
static uint32_t half_at(const char *path, uint64_t at) {
    uint32_t word;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    NEED(fd >= 0 && pread(fd, &word, 4, (off_t)at) == 4);
    close(fd);
    return word;
}

// Whatever the child has where the parent has its mapping: it stays.
static void in_a_child(ringway_base *b, void (*child)(void)) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        unsigned char pages[16];
        NEED(mincore(b->map, 1, pages) && errno == ENOMEM);
        volatile unsigned char *other = mmap(b->map, b->map_len, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        NEED(other == b->map);
        int fd = b->fd;
        child();
        *other = 1;
        NEED(fcntl(fd, F_GETFD) < 0 && errno == EBADF);
        _exit(0);
    }
    int status;
    NEED(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
static void child_sends(void) {
    NEED(ringway_try_send(&sender, &tick) == RINGWAY_CLOSED && strstr(sender.end.base.problem, "forked"));
    NEED(ringway_sender_peer(&sender) == RINGWAY_UNKNOWN);
    ringway_close_sender(&sender);
    NEED(ringway_try_send(&sender, &tick) == RINGWAY_CLOSED);
}
static void child_receives(void) {
    NEED(ringway_peek(&receiver, &tick) == RINGWAY_CLOSED && ringway_release(&receiver) == RINGWAY_CLOSED);
    NEED(ringway_try_recv(&receiver, &tick) == RINGWAY_CLOSED && ringway_receiver_peer(&receiver) == RINGWAY_UNKNOWN);
    ringway_close_receiver(&receiver);
}
static void child_reads(void) {
    uint64_t version;
    NEED(ringway_load(&cells, 0, &tick, &version) == RINGWAY_CLOSED && ringway_version(&cells, 0, &version) == RINGWAY_CLOSED);
    NEED(ringway_writer(&cells, 0) == RINGWAY_UNKNOWN);
    ringway_close_cells(&cells);
}
// Nobody but this process has the channel when its child closes it: the name and presence stay.
static void still_there(const ringway_base *b) {
    int fd = open(b->path, O_RDWR | O_CLOEXEC);
    NEED(fd >= 0 && ringway__is_locked(fd, 0));
    close(fd);
}
static void fork_sender(void) {
    NEED(!ringway_open_sender(&sender, directory, name, &TICK));
    say_ready();
    in_a_child(&sender.end.base, child_sends);
    still_there(&sender.end.base);
    NEED(!ringway_try_send(&sender, &tick));
    ringway_close_sender(&sender);
}
static void fork_receiver(void) {
    NEED(!ringway_open_receiver(&receiver, directory, name, &TICK));
    say_ready();
    in_a_child(&receiver.end.base, child_receives);
    still_there(&receiver.end.base);
    NEED(!ringway_try_recv(&receiver, &tick));
    ringway_close_receiver(&receiver);
}
static void fork_cells(void) {
    NEED(!ringway_open_cells(&cells, directory, name, &TICK));
    say_ready();
    in_a_child(&cells.base, child_reads);
    still_there(&cells.base);
    uint64_t version;
    NEED(!ringway_load(&cells, 0, &tick, &version) && version == 1);
    ringway_close_cells(&cells);
}

// Two messages wait.
static void release_twice(void) {
    NEED(!ringway_open_receiver(&receiver, directory, name, &TICK));
    NEED(ringway_release(&receiver) == RINGWAY_EMPTY && receiver.end.position == 0);
    NEED(!ringway_peek(&receiver, &tick) && !ringway_peek(&receiver, &tick) && tick.time_ns == 0);
    NEED(!ringway_release(&receiver) && ringway_release(&receiver) == RINGWAY_EMPTY);
    NEED(!ringway_try_recv(&receiver, &tick) && tick.time_ns == 1);
    NEED(ringway_peek(&receiver, &tick) == RINGWAY_EMPTY && ringway_release(&receiver) == RINGWAY_EMPTY);
    NEED(receiver.end.position == 2);
    ringway_close_receiver(&receiver);
}

// Three cells with a value each.
static void beyond_the_table(void) {
    uint64_t version = 1;
    NEED(!ringway_open_cells(&cells, directory, name, &TICK));
    NEED(!ringway_load(&cells, 2, &tick, &version) && version == 1 && ringway_writer(&cells, 2) == RINGWAY_ALIVE);
    NEED(ringway_load(&cells, 3, &tick, &version) == RINGWAY_NO_CELL && version == 0);
    NEED(strstr(cells.base.problem, "has 3 cells, and none of number 3"));
    NEED(ringway_version(&cells, 3, &version) == RINGWAY_NO_CELL && ringway_writer(&cells, UINT64_MAX) == RINGWAY_UNKNOWN);
    ringway_close_cells(&cells);
}

static void never_opened(void) {
    ringway_close_sender(&sender), ringway_close_receiver(&receiver), ringway_close_cells(&cells);
    NEED(fcntl(0, F_GETFD) >= 0);
    NEED(ringway_try_send(&sender, &tick) == RINGWAY_CLOSED && ringway_try_recv(&receiver, &tick) == RINGWAY_CLOSED);
    NEED(ringway_load(&cells, 0, &tick, NULL) == RINGWAY_CLOSED && strstr(cells.base.problem, "not open"));
    // After an opening that failed, and closed twice.
    NEED(ringway_open_cells(&cells, directory, "nobody", &TICK) == RINGWAY_NO_CHANNEL);
    ringway_close_cells(&cells), ringway_close_cells(&cells);
    NEED(ringway_load(&cells, 0, &tick, NULL) == RINGWAY_CLOSED && fcntl(0, F_GETFD) >= 0);
}

static void problems(void) {
    char far[3000] = "/";
    for (size_t i = 1; i < sizeof far - 1; i++) far[i] = 'd';
    NEED(ringway_open_cells(&cells, far, "name", &TICK) == RINGWAY_SYSTEM);
    NEED(strstr(cells.base.problem, "ddd/name failed: File name too long"));
    NEED(!ringway__mutex(-1) && errno == EBADF);
    ringway_type none = TICK;
    none.size = 0;
    NEED(ringway_open_cells(&cells, directory, name, &none) == RINGWAY_OTHER_TYPE);
    NEED(strstr(cells.base.problem, "none for this peer, which has 1 to 2^30 bytes"));
}

// Somebody holds the mutex and does not let go.
static void busy(void) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    NEED(fd >= 0 && !flock(fd, LOCK_EX));
    patience = 20000000;
    NEED(ringway_open_cells(&cells, directory, name, &TICK) == RINGWAY_BUSY);
    NEED(strstr(cells.base.problem, "for more than 20 ms"));
}

// Of four messages the first and the last are values.
static void invalid(void) {
    struct checked message;
    NEED(!ringway_open_receiver(&receiver, directory, name, &CHECKED));
    NEED(!ringway_try_recv(&receiver, &message) && message.letter == 0x10ffff && message.flags[3] == 1);
    NEED(ringway_peek(&receiver, &message) == RINGWAY_INVALID && receiver.end.position == 1);
    NEED(!ringway_release(&receiver) && receiver.end.position == 2);
    NEED(ringway_try_recv(&receiver, &message) == RINGWAY_INVALID && receiver.end.position == 3);
    NEED(!ringway_try_recv(&receiver, &message) && message.letter == 'a');
    ringway_close_receiver(&receiver);
}

// While a value is copied the writer completes as many as a copy survives, or one more.
static uint64_t more, times;
static void writer_goes_on(const char *step) {
    if (strcmp(step, "load.copied")) return;
    if (times++ == 0) put(&cells.base, ringway__cell(&cells, 0), 1 + more);
}
static void lapped(void) {
    uint64_t version;
    NEED(!ringway_open_cells(&cells, directory, name, &TICK));
    at_step = writer_goes_on;
    more = cells.base.cell_slots - 2;
    NEED(!ringway_load(&cells, 0, &tick, &version) && version == 1 && times == 1);
    put(&cells.base, ringway__cell(&cells, 0), 1);
    more++, times = 0;
    NEED(!ringway_load(&cells, 0, &tick, &version) && version == 1 + more && times == 2);
    put(&cells.base, ringway__cell(&cells, 0), 1);
    ringway_close_cells(&cells);
}

// The other side leaves between the look at its lock and the second look at its record.
static const char *leaves_at;
static unsigned char *leaver;
static void leaves(const char *step) {
    if (!strcmp(step, leaves_at)) put(&cells.base, leaver, ringway__load(leaver, relaxed) & ~(uint64_t)3);
}
static void writer_leaves(void) {
    NEED(!ringway_open_cells(&cells, directory, name, &TICK));
    leaver = cells.base.segment + cells.base.roster, leaves_at = "writer.unlocked";
    put(&cells.base, leaver, 1 << 2 | 1);
    NEED(ringway_writer(&cells, 0) == RINGWAY_IS_DEAD);
    at_step = leaves;
    NEED(ringway_writer(&cells, 0) == RINGWAY_IS_GONE);
    ringway_close_cells(&cells);
}
static void sender_leaves(void) {
    NEED(!ringway_open_receiver(&receiver, directory, name, &TICK));
    cells.base = receiver.end.base, leaver = receiver.end.theirs, leaves_at = "judge.lock";
    put(&cells.base, leaver, 1 << 2 | 1);
    at_step = leaves;
    NEED(ringway_receiver_peer(&receiver) == RINGWAY_IS_GONE && ringway__load(leaver, relaxed) == 1 << 2);
    ringway_close_receiver(&receiver);
}

// The ring has four slots.
static void head_jumps(void) {
    NEED(!ringway_open_sender(&sender, directory, name, &TICK));
    unsigned char *head = ringway__head(&sender.end.base);
    for (uint64_t lap = 0; lap < 2; lap++) {
        for (int i = 0; i < 4; i++) NEED(!ringway_try_send(&sender, &tick));
        NEED(ringway_try_send(&sender, &tick) == RINGWAY_FULL);
        put(&sender.end.base, head, lap * 4 + 5);
        NEED(ringway_try_send(&sender, &tick) == RINGWAY_BROKEN && strstr(sender.end.base.problem, "its head is"));
        put(&sender.end.base, head, lap * 4 + 4);
    }
    put(&sender.end.base, head, 3);
    NEED(ringway_try_send(&sender, &tick) == RINGWAY_BROKEN);
    put(&sender.end.base, head, 8);
    NEED(!ringway_try_send(&sender, &tick));
    ringway_close_sender(&sender);
}

// Each of the two gates: `event * 2 + sleepers`.
static void gates_at_close(void) {
    NEED(!ringway_open_sender(&sender, directory, name, &TICK));
    ringway_base *b = &sender.end.base;
    char path[RINGWAY_PATH];
    memcpy(path, b->path, sizeof path);
    uint64_t gates = b->data_offset + b->control + 384;
    NEED(half_at(path, gates) == 2 && half_at(path, gates + 128) == 2); // whoever slept there was woken when it joined
    put(b, b->segment + b->control + 384, 5), put(b, b->segment + b->control + 512, 5);
    ringway_close_sender(&sender);
    NEED(half_at(path, gates) == 6 && half_at(path, gates + 128) == 6);
}

static void directories(void) {
    char own[512], link[512];
    snprintf(own, sizeof own, "%s/own", directory), snprintf(link, sizeof link, "%s/link", directory);
    NEED(!mkdir(own, 0700) && !chmod(own, 0700) && !symlink(own, link));
    NEED(!ringway__check_directory(&cells.base, own, true) && !ringway__check_directory(&cells.base, own, false));
    NEED(ringway__check_directory(&cells.base, link, true) == RINGWAY_REFUSED);
    NEED(ringway__check_directory(&cells.base, link, false) == RINGWAY_REFUSED);
    NEED(!chmod(own, 01777) && !ringway__check_directory(&cells.base, own, false));
    NEED(ringway__check_directory(&cells.base, own, true) == RINGWAY_REFUSED && strstr(cells.base.problem, "mode is 1777"));
    NEED(!chmod(own, 02777) && ringway__check_directory(&cells.base, own, false) == RINGWAY_REFUSED);
    NEED(!chmod(own, 0710) && ringway__check_directory(&cells.base, own, true) == RINGWAY_REFUSED);
    if (!chmod(own, 0700) && !chown(own, 1, 1))
        NEED(ringway__check_directory(&cells.base, own, true) == RINGWAY_REFUSED
            && !ringway__check_directory(&cells.base, own, false));
    NEED(!unlink(link) && !rmdir(own));
    NEED(ringway__check_directory(&cells.base, own, true) == RINGWAY_NO_CHANNEL);
}

// Answers lines: `layout KIND SIZE ALIGN`, `end CAPACITY`, `file NAME`.
static void answers(void) {
    char line[512];
    while (fgets(line, sizeof line, stdin)) {
        static ringway_base b;
        unsigned char header[RINGWAY_HEADER];
        uint64_t size, align;
        line[strcspn(line, "\n")] = 0;
        memset(&b, 0, sizeof b), b.capacity = b.senders = 1;
        if (sscanf(line, "layout %" SCNu64 " %" SCNu64 " %" SCNu64, &b.kind, &size, &align) == 3) {
            b.type.size = size, b.type.align = align, b.receivers = b.kind <= 4;
            ringway__plan(&b, 0, header);
            printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", b.form, b.cell_slots, b.payload,
                b.cell_slot_stride, b.stride);
        } else if (sscanf(line, "end %" SCNu64, &b.capacity) == 1) {
            uint64_t end = ringway__end(b.capacity);
            printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", ringway__full(&b, 0), ringway__full(&b, 1),
                ringway__full(&b, 1000), end, ringway__full(&b, end - 1));
        } else {
            NEED(!strncmp(line, "file ", 5) && !ringway__find(&b, directory, line + 5));
            printf("%s\n", strrchr(b.path, '/') + 1);
        }
    }
}

int main(int argc, char **argv) {
    static const struct { const char *name; void (*play)(void); } SCENES[] = {
        {"fork-sender", fork_sender}, {"fork-receiver", fork_receiver}, {"fork-cells", fork_cells},
        {"release-twice", release_twice}, {"beyond-the-table", beyond_the_table}, {"never-opened", never_opened},
        {"problems", problems}, {"busy", busy}, {"invalid", invalid}, {"lapped", lapped}, {"writer-leaves", writer_leaves},
        {"sender-leaves", sender_leaves}, {"head-jumps", head_jumps}, {"gates-at-close", gates_at_close},
        {"directories", directories}, {"answers", answers}};
    NEED(argc == 4);
    directory = argv[1], name = argv[2];
    for (size_t i = 0; i < sizeof SCENES / sizeof *SCENES; i++)
        if (!strcmp(argv[3], SCENES[i].name)) return SCENES[i].play(), 0;
    NEED(!"a scene of that name");
}
