//! `engine grant` and `engine revoke`: who holds what, one at a time.

use clap::Args;
use engine_model::{EntitlementRef, ResourceRef};
use engine_run::provision::Order;

use crate::exit::{End, Failure};
use crate::provisioning::{self, Ask, Options};

/// Give a principal an entitlement
///
/// The grant is read before and after. One that is there already ends in `already`, and nothing is
/// sent.
#[derive(Args)]
#[command(
    after_help = "The first colon ends a type and the last one begins a slug, so ids may hold colons. The flags take
the parts separately.

Exit status: 0 done or already; 1 failed; 2 wrong usage; 3 pending; 4 credentials refused.

Example:
  engine grant --spec specs/acme.yaml --provisioning group:5501:member user:810044"
)]
pub struct Grant {
    #[command(flatten)]
    pair: Pair,
}

/// Take an entitlement away from a principal
///
/// The grant is read before and after. One that is gone already ends in `already`, and nothing is
/// sent.
#[derive(Args)]
#[command(
    after_help = "The first colon ends a type and the last one begins a slug, so ids may hold colons. The flags take
the parts separately.

Exit status: 0 done or already; 1 failed; 2 wrong usage; 3 pending; 4 credentials refused.

Example:
  engine revoke --spec specs/acme.yaml --provisioning group:5501:member user:810044"
)]
pub struct Revoke {
    #[command(flatten)]
    pair: Pair,
}

#[derive(Args)]
struct Pair {
    #[command(flatten)]
    options: Options,
    /// The entitlement, TYPE:ID:SLUG
    #[arg(value_name = "TYPE:ID:SLUG", required_unless_present = "entitlement_id")]
    entitlement: Option<String>,
    /// Who holds it, TYPE:ID
    #[arg(value_name = "TYPE:ID", required_unless_present = "principal_id")]
    principal: Option<String>,
    /// The parts of the entitlement
    #[arg(long, value_names = ["TYPE", "ID", "SLUG"], num_args = 3, conflicts_with = "entitlement")]
    entitlement_id: Option<Vec<String>>,
    /// The parts of the principal
    #[arg(long, value_names = ["TYPE", "ID"], num_args = 2)]
    principal_id: Option<Vec<String>>,
}

impl Pair {
    fn parts(&self) -> Result<(EntitlementRef, ResourceRef), Failure> {
        // With the flag the one text that is left is the principal.
        let (entitlement, principal) = match (&self.entitlement_id, &self.entitlement, &self.principal) {
            (Some(_), first, None) => (None, first.as_deref()),
            (_, first, second) => (first.as_deref(), second.as_deref()),
        };
        let entitlement = match (self.entitlement_id.as_deref(), entitlement) {
            (Some([of, id, slug]), _) => {
                EntitlementRef { resource: ResourceRef::new(of.as_str(), id.as_str()), slug: slug.clone() }
            }
            (_, Some(text)) => {
                provisioning::entitlement(text).map_err(|reason| Failure::usage(format!("`{text}`: {reason}")))?
            }
            _ => return Err(Failure::usage("nothing says which entitlement").hint("write TYPE:ID:SLUG")),
        };
        let principal = match (self.principal_id.as_deref(), principal) {
            (Some([of, id]), _) => ResourceRef::new(of.as_str(), id.as_str()),
            (_, Some(text)) => {
                provisioning::resource(text).map_err(|reason| Failure::usage(format!("`{text}`: {reason}")))?
            }
            _ => return Err(Failure::usage("nothing says who").hint("write TYPE:ID")),
        };
        Ok((entitlement, principal))
    }
}

/// Runs `engine grant`.
pub fn grant(arguments: &Grant) -> Result<End, Failure> {
    let (entitlement, principal) = arguments.pair.parts()?;
    provisioning::run(&arguments.pair.options, Ask::Never, |_| Ok(Order::Grant { entitlement, principal }))
}

/// Runs `engine revoke`.
pub fn revoke(arguments: &Revoke) -> Result<End, Failure> {
    let (entitlement, principal) = arguments.pair.parts()?;
    provisioning::run(&arguments.pair.options, Ask::Never, |_| Ok(Order::Revoke { entitlement, principal }))
}
