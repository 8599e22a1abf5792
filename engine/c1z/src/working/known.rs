//! What records of the ledger name by a number: the terms of grants, and the tallies that grow where
//! a record comes again. There are few of both, as many as a spec has rules and lists.
//!
//! In: terms and tallies. Out: their numbers, which stand in the working file, and the way back.

use std::collections::HashMap;

use engine_model::{Expansion, Tally};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

/// All that have a number.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By their numbers.
    pub(super) terms: Vec<KnownTerms>,
    by_terms: HashMap<String, u32>,
    /// By their numbers, which begin at 1.
    pub(super) counts: Vec<Tally>,
    by_count: HashMap<(String, String, i64), u32>,
}

/// What grants have in common beside their entitlement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KnownTerms {
    /// Numbers of the candidate types of the principal; the first that has the id is meant.
    pub(crate) kinds: Vec<u16>,
    /// How it passes on.
    pub(crate) expands: Vec<Expansion>,
    /// Whether it cannot be revoked.
    pub(crate) immutable: bool,
    /// Number of the grant rule.
    pub(crate) rule: u32,
    /// Whether the spec expects that references may be missing.
    pub(crate) expected: bool,
}

impl Known {
    /// What the working file knows.
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut known = Self::default();
        let mut statement = connection.prepare("select terms from terms order by number")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let text: String = row.get(0)?;
            let terms = serde_json::from_str(&text).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into())
            })?;
            known.add_terms(text, terms);
        }
        let mut statement = connection.prepare("select list, name, amount from counts order by number")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            known.add_count(Tally { list: row.get(0)?, name: row.get(1)?, add: row.get(2)? });
        }
        Ok(known)
    }

    /// The number of terms, which are entered if they are new.
    pub(super) fn terms(&mut self, connection: &Connection, terms: KnownTerms) -> rusqlite::Result<u32> {
        let text =
            serde_json::to_string(&terms).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        if let Some(number) = self.by_terms.get(&text) {
            return Ok(*number);
        }
        let number = number_after(&self.terms);
        connection.execute("insert into terms (number, terms) values (?1, ?2)", params![number, text])?;
        self.add_terms(text, terms);
        Ok(number)
    }

    /// The number of a tally, which is entered if it is new; 0 for none.
    pub(super) fn count(&mut self, connection: &Connection, tally: Option<&Tally>) -> rusqlite::Result<u32> {
        let Some(tally) = tally else { return Ok(0) };
        let key = (tally.list.clone(), tally.name.clone(), tally.add);
        if let Some(number) = self.by_count.get(&key) {
            return Ok(*number);
        }
        let number = number_after(&self.counts) + 1;
        connection.execute(
            "insert into counts (number, list, name, amount) values (?1, ?2, ?3, ?4)",
            params![number, tally.list, tally.name, tally.add],
        )?;
        self.add_count(tally.clone());
        Ok(number)
    }

    fn add_terms(&mut self, text: String, terms: KnownTerms) {
        self.by_terms.insert(text, number_after(&self.terms));
        self.terms.push(terms);
    }

    fn add_count(&mut self, tally: Tally) {
        self.counts.push(tally);
        if let Some(tally) = self.counts.last() {
            let key = (tally.list.clone(), tally.name.clone(), tally.add);
            self.by_count.insert(key, number_after(&self.counts));
        }
    }
}

fn number_after<T>(all: &[T]) -> u32 {
    u32::try_from(all.len()).unwrap_or(u32::MAX)
}
