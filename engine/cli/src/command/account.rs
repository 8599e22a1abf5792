//! `engine account`: makes, changes and removes accounts, and other resources that a spec can make.

use clap::{Args, Subcommand};
use engine_model::ResourceRef;
use engine_run::provision::Order;
use engine_spec::plan::{Plan, ResourceType, TraitRule};

use crate::exit::{End, Failure};
use crate::provisioning::{self, Ask, Inputs, Options};

/// Create, change, disable, enable or delete an account
///
/// An account is a resource of the type that has users; `--type` names another one, such as a group.
/// The outcome word stands on standard output: done, already, pending, action_required or failed.
/// Doing the same again ends in `already`.
#[derive(Args)]
#[command(
    after_help = "Exit status: 0 done, already or action_required; 1 failed; 2 wrong usage; 3 pending; 4 credentials refused.

Examples:
  engine account create --spec specs/acme.yaml --plan --input email=ada@corp.example --input given_name=Ada --input family_name=Byron
  engine account disable --spec specs/acme.yaml --provisioning user:42"
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Create(Create),
    /// Change an account
    Update(Update),
    /// Make an account usable again
    Enable(One),
    /// Make an account unusable, and keep it
    Disable(One),
    Delete(Delete),
    /// Make the credentials of an account anew
    Rotate(Update),
}

/// Make an account
#[derive(Args)]
struct Create {
    #[command(flatten)]
    options: Options,
    /// The resource type; the one that has users where nothing is said
    #[arg(long = "type", value_name = "TYPE")]
    of: Option<String>,
    /// What contains it, TYPE:ID
    #[arg(long, value_name = "TYPE:ID", value_parser = provisioning::resource)]
    parent: Option<ResourceRef>,
    #[command(flatten)]
    inputs: Inputs,
}

#[derive(Args)]
struct Update {
    #[command(flatten)]
    options: Options,
    /// The account, TYPE:ID
    #[arg(value_name = "TYPE:ID", value_parser = provisioning::resource)]
    resource: ResourceRef,
    #[command(flatten)]
    inputs: Inputs,
}

#[derive(Args)]
struct One {
    #[command(flatten)]
    options: Options,
    /// The account, TYPE:ID
    #[arg(value_name = "TYPE:ID", value_parser = provisioning::resource)]
    resource: ResourceRef,
}

/// Remove an account
#[derive(Args)]
struct Delete {
    #[command(flatten)]
    options: Options,
    /// The account, TYPE:ID
    #[arg(value_name = "TYPE:ID", value_parser = provisioning::resource)]
    resource: ResourceRef,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<End, Failure> {
    match &arguments.command {
        Command::Create(create) => provisioning::run(&create.options, Ask::Never, |plan| {
            let kind = match &create.of {
                Some(of) => of.clone(),
                None => account_type(plan)?,
            };
            let input = create.inputs.given(|name| is_secret(plan, &kind, name))?;
            Ok(Order::Create { kind, parent: create.parent.clone(), input })
        }),
        Command::Update(update) => provisioning::run(&update.options, Ask::Never, |plan| {
            let resource = update.resource.clone();
            let input = update.inputs.given(|name| is_secret(plan, &resource.resource_type, name))?;
            Ok(Order::Update { resource, input })
        }),
        Command::Rotate(rotate) => provisioning::run(&rotate.options, Ask::Never, |plan| {
            let resource = rotate.resource.clone();
            let input = rotate.inputs.given(|name| is_secret(plan, &resource.resource_type, name))?;
            Ok(Order::Rotate { resource, input })
        }),
        Command::Enable(one) => {
            provisioning::run(&one.options, Ask::Never, |_| Ok(Order::Enable(one.resource.clone())))
        }
        Command::Disable(one) => {
            provisioning::run(&one.options, Ask::Never, |_| Ok(Order::Disable(one.resource.clone())))
        }
        Command::Delete(delete) => {
            let ask = if delete.yes { Ask::Never } else { Ask::First };
            provisioning::run(&delete.options, ask, |_| Ok(Order::Delete(delete.resource.clone())))
        }
    }
}

/// The type that has users: the one that can be made, where there are several.
fn account_type(plan: &Plan) -> Result<String, Failure> {
    let users: Vec<&ResourceType> =
        plan.types.iter().filter(|kind| matches!(kind.mapping.trait_rule, TraitRule::User(_))).collect();
    let made: Vec<&&ResourceType> = users.iter().filter(|kind| kind.operations.create.is_some()).collect();
    match (made.as_slice(), users.as_slice()) {
        ([one], _) => Ok(one.id.clone()),
        ([], [one]) => Ok(one.id.clone()),
        ([], []) => Err(Failure::usage("the spec has no type with users").hint("name a type: `--type TYPE`")),
        (several, _) => {
            let ids: Vec<&str> = several.iter().map(|kind| kind.id.as_str()).collect();
            let failure = Failure::usage("the spec has several types with users");
            Err(failure.hint(format!("name one of {}: `--type TYPE`", ids.join(", "))))
        }
    }
}

fn is_secret(plan: &Plan, kind: &str, name: &str) -> bool {
    let attributes = plan.type_named(kind).map(|(_, known)| known.attributes.as_slice()).unwrap_or_default();
    attributes.iter().any(|attribute| attribute.name() == name && attribute.is_secret())
}
