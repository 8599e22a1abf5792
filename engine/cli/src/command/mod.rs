//! The commands, a file each.

mod account;
mod action;
mod completions;
mod diff;
mod diff_spec;
mod docs;
mod entitlements;
mod explain;
mod export;
mod grant;
mod grants;
mod new;
mod push;
mod record;
mod resources;
mod schema;
pub mod sync;
mod test;
mod trial;
mod validate;

use clap::{Parser, Subcommand};

use crate::exit::{End, Failure};
use crate::logging::Logging;

/// Read who has access to what in a SaaS application into one open file, and change it
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
    Try(trial::Arguments),
    Test(test::Arguments),
    Record(record::Arguments),
    Validate(validate::Arguments),
    New(new::Arguments),
    Explain(Box<explain::Arguments>),
    DiffSpec(diff_spec::Arguments),
    Account(account::Arguments),
    Grant(grant::Grant),
    Revoke(grant::Revoke),
    Action(action::Arguments),
    Push(push::Arguments),
    Resources(resources::Arguments),
    Entitlements(entitlements::Arguments),
    Grants(grants::Arguments),
    Diff(diff::Arguments),
    Export(export::Arguments),
    Docs(docs::Arguments),
    Schema(schema::Arguments),
    Completions(completions::Arguments),
}

/// Runs the command of the command line.
pub fn run(arguments: Arguments) -> Result<End, Failure> {
    arguments.logging.begin();
    match arguments.command {
        Command::Sync(arguments) => sync::run(&arguments),
        Command::Try(arguments) => trial::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Record(arguments) => record::run(&arguments),
        Command::Validate(arguments) => validate::run(&arguments),
        Command::New(arguments) => new::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::DiffSpec(arguments) => diff_spec::run(&arguments),
        Command::Account(arguments) => account::run(&arguments),
        Command::Grant(arguments) => grant::grant(&arguments),
        Command::Revoke(arguments) => grant::revoke(&arguments),
        Command::Action(arguments) => action::run(&arguments),
        Command::Push(arguments) => push::run(&arguments),
        Command::Resources(arguments) => resources::run(&arguments),
        Command::Entitlements(arguments) => entitlements::run(&arguments),
        Command::Grants(arguments) => grants::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Docs(arguments) => docs::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
    }
}
