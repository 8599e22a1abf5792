//! The commands, a file each.

mod completions;
mod entitlements;
mod grants;
mod resources;
mod schema;
pub mod sync;
mod test;
mod validate;

use clap::{Parser, Subcommand};

use crate::exit::{End, Failure};
use crate::logging::Logging;

/// Read who has access to what in a SaaS application into one open file
#[derive(Parser)]
#[command(name = "engine", version, max_term_width = 100)]
pub struct Arguments {
    #[command(flatten)]
    logging: Logging,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Sync(sync::Arguments),
    Test(test::Arguments),
    Validate(validate::Arguments),
    Resources(resources::Arguments),
    Entitlements(entitlements::Arguments),
    Grants(grants::Arguments),
    Schema(schema::Arguments),
    Completions(completions::Arguments),
}

/// Runs the command of the command line.
pub fn run(arguments: Arguments) -> Result<End, Failure> {
    arguments.logging.begin();
    match arguments.command {
        Command::Sync(arguments) => sync::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Validate(arguments) => validate::run(&arguments),
        Command::Resources(arguments) => resources::run(&arguments),
        Command::Entitlements(arguments) => entitlements::run(&arguments),
        Command::Grants(arguments) => grants::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
    }
}
