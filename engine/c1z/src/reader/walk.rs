//! Walks over the rows of a sync, one row in memory at a time.
//!
//! In: a query. Out: its records, pushed to whoever asked, or pulled in the order of their ids, so
//! that two files can be walked side by side. Where a file has no index for that order, SQLite
//! sorts in a temporary file of its own, which has no name and is readable for its owner only.

use std::cmp::Ordering;

use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator as _;
use rusqlite::{Row, Rows, ToSql};

use super::query::Query;
use super::{ReadError, Reader};

/// No row of a table takes fewer bytes of a file.
const SMALLEST_ROW: u64 = 8;

/// The answer to a query, at one of its rows.
struct Walk<'walk, T> {
    reader: &'walk Reader,
    query: &'walk Query<T>,
    rows: Rows<'walk>,
    /// How many rows may still come.
    left: u64,
}

impl<T> Walk<'_, T> {
    /// Goes to the next row, if there is one.
    fn advance(&mut self) -> Result<Option<&Row<'_>>, ReadError> {
        let Self { reader, query, rows, left } = self;
        let row = rows.next().map_err(|error| reader.damaged(error.to_string()))?;
        if row.is_some() {
            *left = left
                .checked_sub(1)
                .ok_or_else(|| reader.damaged(format!("{} has more rows than fit into the file", query.table)))?;
        }
        Ok(row)
    }

    /// The record of the row; none before the first one and behind the last one.
    fn record(&self) -> Result<Option<T>, ReadError> {
        let Self { reader, query, rows, .. } = self;
        let Some(row) = rows.get() else {
            return Ok(None);
        };
        let decoded = query.record(row).map_err(|error| reader.damaged(error.to_string()))?;
        let damaged = |error| reader.damaged(format!("a row of {} does not decode: {error}", query.table));
        decoded.map(Some).map_err(damaged)
    }
}

/// The rows of a query in the order of the bytes of their ids. Where rows have the same id, as those
/// of several syncs have, one of the newest sync counts.
pub(crate) struct ById<'walk, T> {
    walk: Walk<'walk, T>,
    id: Option<String>,
}

impl<T> ById<'_, T> {
    /// Goes to the row with the next id.
    pub(crate) fn advance(&mut self) -> Result<(), ReadError> {
        let Self { walk, id: last } = self;
        let (reader, table) = (walk.reader, walk.query.table);
        while let Some(row) = walk.advance()? {
            let id = Query::<T>::id(row).map_err(|error| reader.damaged(error.to_string()))?;
            let order = last.as_deref().map_or(Ordering::Greater, |last| id.cmp(last));
            match order {
                Ordering::Greater => {
                    let last = last.get_or_insert_default();
                    last.clear();
                    last.push_str(id);
                    return Ok(());
                }
                Ordering::Equal => {}
                // A text of another encoding, or an index that does not fit its table.
                Ordering::Less => {
                    return Err(reader.damaged(format!("the ids of {table} do not come in their order")));
                }
            }
        }
        *last = None;
        Ok(())
    }

    /// The id of the row; none behind the last one.
    pub(crate) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The record of the row.
    pub(crate) fn record(&self) -> Result<Option<T>, ReadError> {
        self.walk.record()
    }

    /// Whether two rows are the same to the byte, so that their records need not be read.
    pub(crate) fn is_same_row(&self, other: &Self) -> bool {
        match (self.walk.rows.get(), other.walk.rows.get()) {
            (Some(row), Some(other)) => self.walk.query.is_same(row, other),
            _ => false,
        }
    }
}

impl Reader {
    /// Runs a query over the rows of the sync.
    pub(super) fn each<T, E: From<ReadError>>(
        &self,
        query: Query<T>,
        mut with: impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        self.walk(query, |mut walk| {
            while walk.advance()?.is_some() {
                if let Some(record) = walk.record()? {
                    with(record)?;
                }
            }
            Ok(())
        })
    }

    /// Hands out the rows of the sync in the order of their ids, at the first one.
    pub(crate) fn by_id<T, R, E: From<ReadError>>(
        &self,
        query: Query<T>,
        with: impl FnOnce(ById<'_, T>) -> Result<R, E>,
    ) -> Result<R, E> {
        self.walk(query.by_id(self.sync.is_none()), |walk| {
            let mut rows = ById { walk, id: None };
            rows.advance()?;
            with(rows)
        })
    }

    fn walk<T, R, E: From<ReadError>>(
        &self,
        mut query: Query<T>,
        with: impl FnOnce(Walk<'_, T>) -> Result<R, E>,
    ) -> Result<R, E> {
        query.equals("sync_id", self.sync.as_ref().map(|sync| sync.id.as_str()));
        let damaged = |error: rusqlite::Error| self.damaged(error.to_string());
        self.copy.begin();
        let mut statement = self.connection.prepare(&query.sql()).map_err(damaged)?;
        let parameters: Vec<&dyn ToSql> = query.values().iter().map(|value| value as _).collect();
        let rows = statement.query(parameters.as_slice()).map_err(damaged)?;
        with(Walk { reader: self, query: &query, rows, left: self.copy.size / SMALLEST_ROW })
    }
}
