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

fn main() -> ExitCode {
    crash::tell_no_secrets();
    let arguments = command::Arguments::parse();
    exit::status(command::run(arguments))
}
