//! Fuzzing: what strangers write is read again and again, each time a little changed.
//!
//! ```text
//! target   what reads: a function from bytes to a signature of what came of them
//! seed     what is there to begin with: specs, cases, a sync file, headers
//! mutate   changes that keep most of the form of a text, a JSON document or a database
//! random   numbers that are the same for the same seed
//! run      the loop: time, memory, panics; and what was found, in a file
//! ```
//!
//! In go bytes; nothing comes out but the proof that the reader ended soon, without a panic and
//! without taking all memory. Targets are plain functions, so that another driver can call them.
//! There is no measure of coverage: inputs whose signature is new are kept and changed again.

pub mod mutate;
pub mod random;
pub mod run;
pub mod seed;
pub mod target;
