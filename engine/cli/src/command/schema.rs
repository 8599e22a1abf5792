//! `engine schema`: the JSON Schema of the language.

use clap::Args;

use crate::exit::{End, Failure};
use crate::output;

/// Print the JSON Schema of the spec language
#[derive(Args)]
pub struct Arguments {}

/// Runs the command.
pub fn run(_: &Arguments) -> Result<End, Failure> {
    output::result(&format!("{:#}\n", engine_spec::schema::spec_schema()));
    Ok(End::Complete)
}
