// The other half: prints what arrives on the channel `ticks`, from `send` or `cargo run --release --example send`.
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
    ringway_receiver receiver;
    ringway_code code = ringway_open_receiver(&receiver, directory, "ticks", &TICK), told = RINGWAY_OK;
    if (code) {
        fprintf(stderr, "not opened: %s\n", receiver.end.base.problem);
        return 1;
    }
    sigaction(SIGINT, &(struct sigaction){.sa_handler = stop}, NULL);
    printf("receiving, from message %" PRIu64 " on; Ctrl-C stops\n", receiver.end.position);
    while (!stopped) {
        struct tick tick;
        code = ringway_try_recv(&receiver, &tick);
        if (code >= RINGWAY_NO_CHANNEL) break;
        if (code == RINGWAY_OK) printf("message %" PRIu64 ", %.3f s\n", tick.number, tick.seconds);
        else if (code != told && code != RINGWAY_EMPTY) printf("%s\n", ringway_strerror(code));
        fflush(stdout);
        told = code;
        // It polls; a millisecond is also how long a message may lie here.
        if (code != RINGWAY_OK) nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    if (!stopped) fprintf(stderr, "%s\n", receiver.end.base.problem);
    ringway_close_receiver(&receiver);
    return !stopped;
}
