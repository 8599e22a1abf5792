//! The benchmark: the engine against a hand-written program that does the same work and no more.
//!
//! In: a built engine. Out: a table of wall time, processor time, memory and requests in flight, for
//! directories of several sizes, near and far. `cargo run --profile dist -p engine-bench -- run`.
//!
//! ```text
//! vendor  a simulated vendor that is never the bottleneck      floor  the hand-written program
//! run     starts both, measures, compares with the goals       size   how large a directory is
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for maintainers that prints")]

mod floor;
mod run;
mod size;
mod vendor;

use clap::{Parser, Subcommand};

/// Why the benchmark could not go on.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measure the engine against a hand-written floor
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Simulate a vendor on loopback until standard input ends
    Vendor(vendor::Arguments),
    /// Read the directory of a simulated vendor the shortest way
    Floor(floor::Arguments),
    /// Measure, and print a table
    Run(run::Arguments),
}

fn main() -> Result<(), Failure> {
    match Arguments::parse().command {
        Command::Vendor(arguments) => vendor::serve(&arguments),
        Command::Floor(arguments) => floor::read(&arguments),
        Command::Run(arguments) => run::run(&arguments),
    }
}
