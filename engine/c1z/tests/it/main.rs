//! The crate from outside: stores are filled, sealed, read back and damaged.
//!
//! In: records made up here. Out: nothing. One binary, a module per part of the crate.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may fail loudly"
)]

mod difference;
mod expansion;
mod format;
mod lines;
mod model;
mod reading;
mod support;
mod working;
