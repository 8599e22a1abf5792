//! What two files hold differently.
//!
//! In: two readers. Out: records that only one of them has, and records that both have with other
//! values. Ids say which records are the same. They are compared as readers see them: not what the
//! writer noted about its own work, such as the id of the sync, and not the order of rows or lists.
//! Both files are walked side by side in the order of their ids, a few rows of each in memory.

mod keys;

use std::cmp::Ordering;

use engine_json::Map;
use serde::Serialize;

use crate::reader::{ById, EntitlementFilter, GrantFilter, Query, ReadError, Reader, ResourceFilter};
use crate::record::{EntitlementRow, GrantRow, ResourceRow, ResourceTypeRow};
pub use keys::KeyChange;

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Only the newer file has it.
    Added,
    /// Only the older file has it.
    Removed,
    /// Both have it, with other values.
    Changed,
}

/// A record that is not the same in both files.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference<T> {
    /// Its id in the files; of a resource `type:id`.
    pub id: String,
    /// What became of it.
    pub way: Way,
    /// The record as the newer file has it; a removed one as the older file had it.
    pub row: T,
    /// What changed in it, in the order of the keys.
    pub changes: Vec<KeyChange>,
}

impl<T> Difference<T> {
    /// The old values of what changed, null where there was none; in the form of the record.
    pub fn before(&self) -> Map {
        keys::before(&self.changes)
    }
}

/// Two files that are compared.
#[derive(Clone, Copy, Debug)]
pub struct Comparison<'files> {
    /// The older one.
    pub old: &'files Reader,
    /// The newer one.
    pub new: &'files Reader,
    /// Keys whose changes do not count, such as `last_login` or `profile.seen_at`.
    pub ignored: &'files [String],
}

impl Comparison<'_> {
    /// Calls `with` for each grant that differs; stops at its first error.
    pub fn grants<E: From<ReadError>>(
        &self,
        filter: &GrantFilter,
        with: impl FnMut(Difference<GrantRow>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.compare(|reader| reader.grant_query(filter), with)
    }

    /// Calls `with` for each resource that differs; stops at its first error.
    pub fn resources<E: From<ReadError>>(
        &self,
        filter: &ResourceFilter,
        with: impl FnMut(Difference<ResourceRow>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.compare(|_| Query::resources(filter), with)
    }

    /// Calls `with` for each entitlement that differs; stops at its first error.
    pub fn entitlements<E: From<ReadError>>(
        &self,
        filter: &EntitlementFilter,
        with: impl FnMut(Difference<EntitlementRow>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.compare(|_| Query::entitlements(filter), with)
    }

    /// Calls `with` for each resource type that differs, or for the one with an id if it does;
    /// stops at its first error.
    pub fn resource_types<E: From<ReadError>>(
        &self,
        id: Option<&str>,
        with: impl FnMut(Difference<ResourceTypeRow>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.compare(|_| Query::resource_types(id), with)
    }

    fn compare<T: PartialEq + Serialize, E: From<ReadError>>(
        &self,
        query: impl Fn(&Reader) -> Query<T>,
        mut with: impl FnMut(Difference<T>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.old.by_id(query(self.old), |old| {
            self.new.by_id(query(self.new), |new| {
                merge(old, new, |id, pair| {
                    let difference = |way, row| Difference { id: id.to_owned(), way, row, changes: Vec::new() };
                    match pair {
                        Pair::Old(row) => with(difference(Way::Removed, row)),
                        Pair::New(row) => with(difference(Way::Added, row)),
                        // Rows of two writers differ to the byte where their records do not.
                        Pair::Both(old, new) if old == new => Ok(()),
                        Pair::Both(old, new) => {
                            let mut changes = keys::changes(&old, &new);
                            changes.retain(|change| !self.ignored.iter().any(|key| change.is_of(key)));
                            match changes.is_empty() {
                                true => Ok(()),
                                false => with(Difference { changes, ..difference(Way::Changed, new) }),
                            }
                        }
                    }
                })
            })
        })
    }
}

/// Where an id is.
enum Pair<T> {
    Old(T),
    New(T),
    Both(T, T),
}

/// A list that is walked in the order of its ids, without repetitions.
trait Ordered {
    type Record;
    type Error;

    fn id(&self) -> Option<&str>;
    fn advance(&mut self) -> Result<(), Self::Error>;
    fn record(&self) -> Result<Option<Self::Record>, Self::Error>;
    fn is_same_row(&self, other: &Self) -> bool;
}

impl<T> Ordered for ById<'_, T> {
    type Record = T;
    type Error = ReadError;

    fn id(&self) -> Option<&str> {
        self.id()
    }

    fn advance(&mut self) -> Result<(), ReadError> {
        self.advance()
    }

    fn record(&self) -> Result<Option<T>, ReadError> {
        self.record()
    }

    fn is_same_row(&self, other: &Self) -> bool {
        self.is_same_row(other)
    }
}

/// Walks two lists side by side and tells where each id is, but for rows that are the same.
fn merge<L: Ordered, E: From<L::Error>>(
    mut old: L,
    mut new: L,
    mut with: impl FnMut(&str, Pair<L::Record>) -> Result<(), E>,
) -> Result<(), E> {
    loop {
        let (id, order) = match (old.id(), new.id()) {
            (None, None) => return Ok(()),
            (Some(id), None) => (id, Ordering::Less),
            (None, Some(id)) => (id, Ordering::Greater),
            (Some(id), Some(other)) => match id.cmp(other) {
                Ordering::Greater => (other, Ordering::Greater),
                order => (id, order),
            },
        };
        let pair = match order {
            Ordering::Less => old.record()?.map(Pair::Old),
            Ordering::Greater => new.record()?.map(Pair::New),
            Ordering::Equal if old.is_same_row(&new) => None,
            Ordering::Equal => old.record()?.zip(new.record()?).map(|(old, new)| Pair::Both(old, new)),
        };
        if let Some(pair) = pair {
            with(id, pair)?;
        }
        if order.is_le() {
            old.advance()?;
        }
        if order.is_ge() {
            new.advance()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::vec;

    use proptest::prelude::*;

    use super::*;

    type Rows = BTreeMap<String, u8>;

    /// A list in memory; a row without a value cannot be read.
    struct List(vec::IntoIter<(String, Option<u8>)>, Option<(String, Option<u8>)>);

    impl List {
        fn of(rows: impl IntoIterator<Item = (String, Option<u8>)>) -> Self {
            let mut rows = rows.into_iter().collect::<Vec<_>>().into_iter();
            let first = rows.next();
            Self(rows, first)
        }
    }

    impl Ordered for List {
        type Record = u8;
        type Error = &'static str;

        fn id(&self) -> Option<&str> {
            self.1.as_ref().map(|(id, _)| id.as_str())
        }

        fn advance(&mut self) -> Result<(), &'static str> {
            self.1 = self.0.next();
            Ok(())
        }

        fn record(&self) -> Result<Option<u8>, &'static str> {
            self.1.as_ref().map(|(_, value)| value.ok_or("broken")).transpose()
        }

        fn is_same_row(&self, other: &Self) -> bool {
            self.1 == other.1
        }
    }

    /// What a merge tells of two lists: an id, and its values on both sides.
    fn merged(old: &Rows, new: &Rows) -> Vec<(String, Option<u8>, Option<u8>)> {
        let list = |rows: &Rows| List::of(rows.iter().map(|(id, value)| (id.clone(), Some(*value))));
        let mut found = Vec::new();
        merge::<_, &str>(list(old), list(new), |id, pair| {
            let (before, after) = match pair {
                Pair::Old(row) => (Some(row), None),
                Pair::New(row) => (None, Some(row)),
                Pair::Both(before, after) => (Some(before), Some(after)),
            };
            found.push((id.to_owned(), before, after));
            Ok(())
        })
        .unwrap();
        found
    }

    #[test]
    fn each_id_is_told_once_and_in_order() {
        let rows = |ids: &[(&str, u8)]| ids.iter().map(|(id, value)| ((*id).to_owned(), *value)).collect::<Rows>();
        let old = rows(&[("a", 1), ("c", 1), ("d", 1), ("same", 1)]);
        let new = rows(&[("b", 1), ("c", 2), ("e", 1), ("same", 1), ("é", 1)]);
        let found = merged(&old, &new).into_iter();
        let found: Vec<String> = found
            .map(|(id, before, after)| match (before, after) {
                (Some(_), None) => format!("-{id}"),
                (None, Some(_)) => format!("+{id}"),
                _ => id,
            })
            .collect();
        assert_eq!(found, ["-a", "+b", "c", "-d", "+e", "+é"]);
    }

    #[test]
    fn a_row_that_cannot_be_read_ends_the_walk() {
        let old = List::of([("a".to_owned(), Some(1)), ("b".to_owned(), None)]);
        let mut told = Vec::new();
        let ended = merge::<_, &str>(old, List::of([]), |id, _| {
            told.push(id.to_owned());
            Ok(())
        });
        assert_eq!((ended, told), (Err("broken"), vec!["a".to_owned()]));
    }

    proptest! {
        #[test]
        fn what_a_merge_tells_makes_the_new_list_of_the_old(
            old in prop::collection::btree_map("[ab:é]{0,3}", any::<u8>(), 0..12),
            new in prop::collection::btree_map("[ab:é]{0,3}", any::<u8>(), 0..12),
        ) {
            let mut made = old.clone();
            for (id, before, after) in merged(&old, &new) {
                prop_assert_eq!(old.get(&id).copied(), before);
                match after {
                    Some(value) => made.insert(id, value),
                    None => made.remove(&id),
                };
            }
            prop_assert_eq!(made, new);
        }
    }
}
