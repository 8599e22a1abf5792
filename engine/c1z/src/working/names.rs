//! Ids of resource types by their numbers, which follow the order of the ids.
//!
//! In: the declared types. Out: the id of a number, and the number of an id.

use std::collections::BTreeMap;

use super::DeclaredType;

/// The ids, in the order of their numbers.
pub(crate) struct Names<'store>(Vec<&'store str>);

impl<'store> Names<'store> {
    pub(super) fn of(types: &'store BTreeMap<String, DeclaredType>) -> Self {
        Self(types.keys().map(String::as_str).collect())
    }

    /// The id of a type; a number that none has gives nothing readable.
    pub(crate) fn name(&self, kind: u16) -> &'store str {
        self.0.get(usize::from(kind)).copied().unwrap_or("?")
    }

    /// The number of a type, if it is declared.
    pub(crate) fn number(&self, id: &str) -> Option<u16> {
        self.0.binary_search(&id).ok().and_then(|number| u16::try_from(number).ok())
    }
}
