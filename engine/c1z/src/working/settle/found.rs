//! What points at nothing, counted and with a few samples.
//!
//! In: grants and resources one by one. Out: what the store tells of them.

use std::collections::{BTreeMap, BTreeSet};

use engine_model::{Dangling, MissingParents, StoreError};

use crate::working::Names;

/// Missing ids shown per rule, and per type of children.
const SAMPLES: usize = 5;

/// Grants whose reference points at nothing: rule, whether it is the principal, whether the spec
/// expects it.
#[derive(Default)]
pub(super) struct Found(BTreeMap<(u32, bool, bool), (u64, BTreeSet<String>)>);

impl Found {
    /// Adds a grant; `sample` names what is missing.
    pub(super) fn add(
        &mut self,
        key: (u32, bool, bool),
        sample: impl FnOnce() -> Result<String, StoreError>,
    ) -> Result<(), StoreError> {
        let (count, samples) = self.0.entry(key).or_default();
        *count += 1;
        keep_smallest(samples, sample()?);
        Ok(())
    }

    /// As the store tells them.
    pub(super) fn into_dangling(self) -> Vec<Dangling> {
        let dangling = |((rule, principal_missing, expected), (count, samples))| Dangling {
            rule,
            expected,
            principal_missing,
            count,
            samples: BTreeSet::into_iter(samples).collect(),
        };
        self.0.into_iter().map(dangling).collect()
    }
}

/// Resources whose parent is not there, by their type. They are written with their parent all the
/// same: readers show them.
#[derive(Default)]
pub(super) struct Orphans(BTreeMap<u16, (u64, BTreeSet<String>)>);

impl Orphans {
    /// Adds a resource of a type whose parent is missing.
    pub(super) fn add(&mut self, kind: u16, parent: String) {
        let (count, samples) = self.0.entry(kind).or_default();
        *count += 1;
        keep_smallest(samples, parent);
    }

    /// As the store tells them; `names` are the types' ids.
    pub(super) fn into_missing(self, names: &Names<'_>) -> Vec<MissingParents> {
        let missing = |(kind, (count, samples))| MissingParents {
            resource_type: names.name(kind).to_owned(),
            count,
            samples: BTreeSet::into_iter(samples).collect(),
        };
        self.0.into_iter().map(missing).collect()
    }
}

fn keep_smallest(samples: &mut BTreeSet<String>, sample: String) {
    samples.insert(sample);
    if samples.len() > SAMPLES {
        samples.pop_last();
    }
}
