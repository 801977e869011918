// Prints the latest value of the cell `latest`, four times a second, as `cargo run --release --example latest` stores it.
#include "ringway.h"

#include <signal.h>

struct tick {
    uint64_t number;
    double seconds;
};
static const ringway_field FIELDS[] = {
    RINGWAY_FIELD(struct tick, number, RINGWAY_U64),
    RINGWAY_FIELD(struct tick, seconds, RINGWAY_F64),
};
static const ringway_type TICK = RINGWAY_STRUCT(struct tick, "Tick", FIELDS);

// Ctrl-C ends the loop, so that the handle is closed: whoever just ends was killed, as the other side sees it.
static volatile sig_atomic_t stopped;
static void stop(int signal) { (void)signal, stopped = 1; }

int main(int argc, char **argv) {
    const char *directory = argc > 1 ? argv[1] : NULL; // that of the user
    static const char *const WRITER[] = {"no writer yet", "its writer lives", "its writer has left", "its writer was killed", "it is not known whether there is a writer"};
    ringway_cells cells;
    ringway_code code = ringway_open_cells(&cells, directory, "latest", &TICK);
    if (code) {
        fprintf(stderr, "not opened: %s\n", cells.base.problem);
        return 1;
    }
    sigaction(SIGINT, &(struct sigaction){.sa_handler = stop}, NULL);
    for (; !stopped; nanosleep(&(struct timespec){0, 250000000}, NULL)) {
        struct tick tick;
        uint64_t version;
        code = ringway_load(&cells, 0, &tick, &version);
        if (code >= RINGWAY_NO_CHANNEL) break;
        const char *writer = WRITER[ringway_writer(&cells, 0)];
        if (code == RINGWAY_OK) printf("value %" PRIu64 ": number %" PRIu64 ", %.3f s; %s\n", version, tick.number, tick.seconds, writer);
        else printf("%s; %s\n", code == RINGWAY_EMPTY ? "no value yet" : ringway_strerror(code), writer);
        fflush(stdout);
    }
    if (!stopped) fprintf(stderr, "%s\n", cells.base.problem);
    ringway_close_cells(&cells);
    return !stopped;
}
