//! Unit tests of the channels: what only a crash point or a private part can show.

mod smoke;
