//! One file for each command.

pub(crate) mod check;
pub(crate) mod help;
pub(crate) mod list;
pub(crate) mod recv;
pub(crate) mod send;
pub(crate) mod show;
pub(crate) mod sweep;
pub(crate) mod tap;
