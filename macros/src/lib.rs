//! `derive(Message)` for ringway. Use it through the `ringway` crate.
