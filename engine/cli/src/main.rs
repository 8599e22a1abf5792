//! The `engine` binary: reads the command line, runs one command, and turns its end into an exit
//! status.

mod command;
mod config;
mod crash;
mod exit;
mod fragment;
mod inspect;
mod logging;
mod output;
mod people;
mod play;
mod progress;
mod provisioning;
mod session;
mod simulation;
mod summary;
mod table;
mod token;

use std::process::ExitCode;

use clap::Parser;

/// Pages are read, mapped and stored by threads of their own, so what one makes another drops. This
/// allocator takes that better than the system's, and returns what it does not need; its settings
/// are in `.cargo/config.toml`.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    crash::tell_no_secrets();
    let arguments = command::Arguments::parse();
    exit::status(command::run(arguments))
}
