//! Which places in a spec requests come from: in go requests as they are sent, out come the places that
//! each exchange of the case was asked for at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use engine_spec::plan::Site;

use super::{Heard, Player};
use crate::case::Case;

/// The places of the requests of one play.
#[derive(Debug, Default)]
pub struct Places(Mutex<BTreeMap<Heard, BTreeSet<Site>>>);

impl Places {
    /// Notes a request that is sent, and the place in the spec that it comes from.
    pub fn note(&self, heard: Heard, site: Site) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(heard).or_default().insert(site);
    }

    /// The places that each exchange was asked for at, in the order of the case.
    pub fn of(&self, case: &Case, player: &Player) -> Vec<BTreeSet<Site>> {
        let places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut asked = vec![BTreeSet::new(); case.exchanges.len()];
        for (heard, numbers) in player.heard() {
            let Some(sites) = places.get(&heard) else { continue };
            for number in numbers {
                if let Some(asked) = asked.get_mut(number) {
                    asked.extend(sites.iter().cloned());
                }
            }
        }
        asked
    }
}
