//! A recorded case that answers instead of the vendor.

use std::collections::BTreeMap;
use std::path::Path;

use engine_case::{Case, Player, folder};
use engine_spec::plan::Plan;

use crate::exit::Failure;
use crate::output;

/// A case that is being played.
pub struct Simulation {
    case: Case,
    player: Player,
}

impl Simulation {
    /// Plays a case; without one, the spec's case `main`.
    pub async fn start(spec: &Path, case: Option<&Path>) -> Result<Self, Failure> {
        let path = match case {
            Some(case) => case.to_owned(),
            None => {
                let folder = folder::find(spec).ok_or_else(|| {
                    Failure::usage(format!("{} has no recorded cases", spec.display()))
                        .hint("name a case: --simulate=FILE")
                })?;
                folder.join(folder::MAIN).with_extension("yaml")
            }
        };
        let case = Case::read(&path).map_err(|error| Failure::usage(error.to_string()))?;
        output::note(&format!("simulating: {}", case.case));
        let player = Player::start(&case, true).await;
        Ok(Self { case, player })
    }

    /// What the case gives for the fields of a plan.
    pub fn played(&self, plan: &Plan) -> BTreeMap<String, String> {
        played(plan, &self.case, &self.player)
    }
}

/// What a case gives for the fields of a plan.
pub fn played(plan: &Plan, case: &Case, player: &Player) -> BTreeMap<String, String> {
    let mut played: BTreeMap<String, String> =
        plan.config.iter().filter_map(|field| Some((field.name.clone(), player.config(case, field)?))).collect();
    // A case that gives nothing is a case all the same: the environment must not shine through.
    played.entry(String::new()).or_default();
    played
}
