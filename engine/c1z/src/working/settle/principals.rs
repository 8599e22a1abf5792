//! Which principals are there: the ids that grants name against the ids of resources.
//!
//! In: both, sorted. Out: the ids that no resource has, to be asked for when grants are settled.

use std::collections::BTreeSet;

use engine_model::StoreError;
use rusqlite::{Connection, OptionalExtension as _};

use crate::failure::Doing as _;
use crate::sorter::Entries;
use crate::wire::{Fields, put_kind, put_part};

/// Ids that grants name and no resource has. They stand in the working file: there may be many.
pub(super) struct Missing<'store> {
    connection: &'store Connection,
    /// Types of which some are missing; of the others nothing is looked up.
    kinds: BTreeSet<u16>,
    /// A key that was looked for, and the first from there on that is missing: most ids are there, and
    /// those of one record come sorted, so most lie between the two.
    gap: Option<(Vec<u8>, Option<Vec<u8>>)>,
}

impl<'store> Missing<'store> {
    /// Nothing is missing yet.
    pub(super) fn new(connection: &'store Connection) -> Self {
        Self { connection, kinds: BTreeSet::new(), gap: None }
    }

    fn add(&mut self, key: &[u8]) -> Result<(), StoreError> {
        self.kinds.insert(Fields::of(key).kind()?);
        let insert = || {
            let mut insert = self.connection.prepare_cached("insert into missing (key) values (?1)")?;
            insert.execute([key])
        };
        insert().doing(|| "noting what is missing".to_owned()).map(|_| ())
    }

    /// Whether no resource of a type has an id that a grant names.
    pub(super) fn has(&mut self, kind: u16, id: &str) -> Result<bool, StoreError> {
        if !self.kinds.contains(&kind) {
            return Ok(false);
        }
        let mut key = Vec::with_capacity(id.len() + 4);
        put_kind(&mut key, kind);
        put_part(&mut key, id);
        if let Some((from, to)) = &self.gap
            && *from <= key
            && to.as_ref().is_none_or(|to| key <= *to)
        {
            return Ok(to.as_ref() == Some(&key));
        }
        let find = || {
            let mut find =
                self.connection.prepare_cached("select key from missing where key >= ?1 order by key limit 1")?;
            find.query_row([key.as_slice()], |row| row.get::<_, Vec<u8>>(0)).optional()
        };
        let next = find().doing(|| "looking for what is missing".to_owned())?;
        let is_missing = next.as_ref() == Some(&key);
        self.gap = Some((key, next));
        Ok(is_missing)
    }

    /// The first of the types that has a resource of the id.
    pub(super) fn first_found(&mut self, kinds: &[u16], id: &str) -> Result<Option<u16>, StoreError> {
        for kind in kinds {
            if !self.has(*kind, id)? {
                return Ok(Some(*kind));
            }
        }
        Ok(None)
    }
}

/// The ids that grants name, sorted and each once.
pub(super) struct Named<'index> {
    sorted: Entries<'index>,
    now: Vec<u8>,
    is_over: bool,
}

impl<'index> Named<'index> {
    /// Begins with the first.
    pub(super) fn over(sorted: Entries<'index>) -> Result<Self, StoreError> {
        let mut named = Self { sorted, now: Vec::new(), is_over: false };
        named.advance()?;
        Ok(named)
    }

    fn advance(&mut self) -> Result<(), StoreError> {
        while let Some(entry) = self.sorted.next()? {
            if entry.key != self.now {
                self.now.clear();
                self.now.extend_from_slice(entry.key);
                return Ok(());
            }
        }
        self.is_over = true;
        Ok(())
    }

    /// Goes past the id of the next resource: what comes before it has no resource. At the end
    /// nothing that is left has one.
    pub(super) fn meet(&mut self, id: Option<&[u8]>, missing: &mut Missing<'_>) -> Result<(), StoreError> {
        while !self.is_over && id.is_none_or(|id| self.now.as_slice() <= id) {
            if id != Some(self.now.as_slice()) {
                missing.add(&self.now)?;
            }
            self.advance()?;
        }
        Ok(())
    }
}
