// The message of the tests, as Rust has it in main.rs. After ringway.h.
struct tick {
    uint64_t time_ns;
    double price;
    uint32_t size, venue;
};
static const ringway_field TICK_FIELDS[] = {
    RINGWAY_FIELD(struct tick, time_ns, RINGWAY_U64), RINGWAY_FIELD(struct tick, price, RINGWAY_F64),
    RINGWAY_FIELD(struct tick, size, RINGWAY_U32), RINGWAY_FIELD(struct tick, venue, RINGWAY_U32)};
