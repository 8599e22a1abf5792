//! `engine action`: a named operation of a spec on one resource.

use clap::Args;
use engine_model::ResourceRef;
use engine_run::provision::Order;

use crate::exit::{End, Failure};
use crate::provisioning::{self, Ask, Inputs, Options};
use crate::session;

/// Run a named action of a spec on a resource
#[derive(Args)]
#[command(
    after_help = "Exit status: 0 done, already or action_required; 1 failed; 2 wrong usage; 3 pending; 4 credentials refused.

Example:
  engine action lock --spec acme.yaml --provisioning --on user:42"
)]
pub struct Arguments {
    #[command(flatten)]
    options: Options,
    /// The action
    #[arg(value_name = "NAME")]
    name: String,
    /// What it is done to, TYPE:ID
    #[arg(long, value_name = "TYPE:ID", value_parser = provisioning::resource)]
    on: ResourceRef,
    #[command(flatten)]
    inputs: Inputs,
    /// Do not ask, where the action destroys something
    #[arg(long)]
    yes: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<End, Failure> {
    let plan = session::load(&arguments.options.spec)?;
    let (name, resource) = (arguments.name.clone(), arguments.on.clone());
    let actions = plan.type_named(&resource.resource_type).map(|(_, kind)| kind.operations.actions.as_slice());
    let action = actions.unwrap_or_default().iter().find(|action| action.key == name);
    let destroys = action.is_some_and(|action| action.destroys);
    let ask = if destroys && !arguments.yes { Ask::First } else { Ask::Never };
    let input = arguments.inputs.given(|given| {
        let inputs = action.map(|action| action.inputs.as_slice()).unwrap_or_default();
        inputs.iter().any(|input| input.name() == given && input.is_secret())
    })?;
    provisioning::run(&arguments.options, ask, |_| Ok(Order::Action { name, resource, input }))
}
