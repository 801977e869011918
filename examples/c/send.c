// One half of a pair: sends a message every second to whoever has the channel `ticks`, such as `recv` or
// `cargo run --release --example recv`.
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
    ringway_sender sender;
    ringway_code code = ringway_open_sender(&sender, directory, "ticks", &TICK);
    if (code) {
        fprintf(stderr, "not opened: %s\n", sender.end.base.problem);
        return 1;
    }
    sigaction(SIGINT, &(struct sigaction){.sa_handler = stop}, NULL);
    printf("sending, from message %" PRIu64 " on; Ctrl-C stops\n", sender.end.position);
    for (uint64_t second = 0; !stopped; second++, sleep(1)) {
        struct tick tick = {sender.end.position, (double)second};
        code = ringway_try_send(&sender, &tick);
        if (code == RINGWAY_OK) printf("sent message %" PRIu64 "\n", tick.number);
        else printf("not sent: %s\n", code < RINGWAY_NO_CHANNEL ? ringway_strerror(code) : sender.end.base.problem);
        fflush(stdout);
        if (code >= RINGWAY_NO_CHANNEL) break;
    }
    ringway_close_sender(&sender);
    return !stopped;
}
