//! The index of the ledger: where which record stands, sorted by id.
//!
//! In: the records of each batch, when it is stored and again when a run goes on. Out: sorters, from
//! which settling takes the records of a kind in the order of the sealed file. Only keys and places
//! are in them; what a record says stays in the ledger.

use std::path::Path;

use engine_model::StoreError;

use super::known::KnownTerms;
use crate::sorter::Sorter;
use crate::wire::{Fields, damaged, put_bytes, put_kind, put_number, put_part};

/// What a record of the ledger is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A resource: its key ends with the rank; details are the number of a count and the parent.
    Resource,
    /// An entitlement: its key ends with the rank; details are the number of a count.
    Entitlement,
    /// Grants of one entitlement, whose key it has: details are the numbers of a count and of the
    /// terms, the data are principals, each with what is kept, if anything is.
    Grants,
}

/// Writes a record.
pub(super) fn put_record(into: &mut Vec<u8>, kind: Kind, key: &[u8], details: &[u8], data: &[u8]) {
    into.push(kind as u8);
    put_bytes(into, key);
    put_bytes(into, details);
    put_bytes(into, data);
}

/// A record, and where its data are in the ledger.
struct Record<'bytes> {
    kind: Kind,
    key: &'bytes [u8],
    details: &'bytes [u8],
    data: &'bytes [u8],
    data_at: u64,
}

/// Reads the next record of those that begin at `at`.
fn next_record<'bytes>(
    at: u64,
    records: &'bytes [u8],
    fields: &mut Fields<'bytes>,
) -> Result<Record<'bytes>, StoreError> {
    let kind = match fields.take(1)? {
        [0] => Kind::Resource,
        [1] => Kind::Entitlement,
        [2] => Kind::Grants,
        _ => return Err(damaged()),
    };
    let (key, details, data) = (fields.bytes()?, fields.bytes()?, fields.bytes()?);
    let data_at = at + (records.len() - fields.rest().len() - data.len()) as u64;
    Ok(Record { kind, key, details, data, data_at })
}

/// Sorters of keys. Each key ends with the place in the ledger, so that of equal ids the first one is
/// first; each value is the place and the length of the data and then the details.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) resources: Sorter,
    pub(super) entitlements: Sorter,
    pub(super) grants: Sorter,
    /// Every id that a grant names, with each type that it may be of.
    pub(super) principals: Sorter,
    key: Vec<u8>,
    value: Vec<u8>,
}

impl Index {
    /// An empty one, which spills into `folder`.
    pub(super) fn new(folder: &Path) -> Self {
        let sorter = || Sorter::new(folder);
        Self {
            resources: sorter(),
            entitlements: sorter(),
            grants: sorter(),
            principals: Sorter::set(folder),
            key: Vec::new(),
            value: Vec::new(),
        }
    }

    /// Enters the records of a batch, which begin at `at`.
    pub(super) fn take(&mut self, at: u64, records: &[u8], terms: &[KnownTerms]) -> Result<(), StoreError> {
        let mut fields = Fields::of(records);
        while !fields.is_empty() {
            let record = next_record(at, records, &mut fields)?;
            self.key.clear();
            self.key.extend_from_slice(record.key);
            self.key.extend_from_slice(&record.data_at.to_be_bytes());
            self.value.clear();
            put_number(&mut self.value, record.data_at);
            put_number(&mut self.value, record.data.len() as u64);
            self.value.extend_from_slice(record.details);
            match record.kind {
                Kind::Resource => self.resources.push(&self.key, &self.value)?,
                Kind::Entitlement => self.entitlements.push(&self.key, &self.value)?,
                Kind::Grants => {
                    self.grants.push(&self.key, &self.value)?;
                    self.take_principals(&record, terms)?;
                }
            }
        }
        Ok(())
    }

    fn take_principals(&mut self, record: &Record<'_>, terms: &[KnownTerms]) -> Result<(), StoreError> {
        let mut details = Fields::of(record.details);
        details.number()?;
        let terms = terms.get(details.small::<usize>()?).ok_or_else(damaged)?;
        for kind in &terms.kinds {
            let mut data = Fields::of(record.data);
            while !data.is_empty() {
                self.key.clear();
                put_kind(&mut self.key, *kind);
                put_part(&mut self.key, data.text()?);
                data.maybe_text()?;
                self.principals.push(&self.key, &[])?;
            }
        }
        Ok(())
    }
}
