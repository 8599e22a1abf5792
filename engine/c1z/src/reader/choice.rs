//! Chooses which sync of a file is shown.
//!
//! In: the rows of `v1_sync_runs`. Out: the sync that was asked for, or the one that readers show:
//! the newest finished full one, else the newest unfinished one that began within seven days, else
//! none, which means all rows of the file.

use jiff::{SignedDuration, Timestamp};
use rusqlite::Row;
use serde::Serialize;

use super::{ReadError, ReadOptions, Reader};
use crate::identity::read_time;

/// How old an unfinished sync may be.
const UNFINISHED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// One sync of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SyncRow {
    /// Its id, as a rule a KSUID.
    pub id: String,
    /// `full`, `partial`, `resources_only`, `partial_upserts` or `partial_deletions`.
    pub sync_type: String,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended; absent while it runs, or when it never ended.
    pub ended_at: Option<Timestamp>,
    /// The sync that it is based on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

impl Reader {
    pub(super) fn read_syncs(&self) -> Result<Vec<SyncRow>, ReadError> {
        let columns = self.columns("v1_sync_runs")?;
        let column = |name: &'static str, absent: &'static str| {
            if columns.contains(name) { name } else { absent }
        };
        let sql = format!(
            "select sync_id, started_at, ended_at, {}, {} from v1_sync_runs order by id",
            column("sync_type", "'full'"),
            column("parent_sync_id", "''"),
        );
        self.copy.begin();
        let read = || {
            let mut statement = self.connection.prepare(&sql)?;
            let rows = statement.query_map([], sync)?;
            rows.collect::<rusqlite::Result<Vec<Result<SyncRow, String>>>>()
        };
        let rows = read().map_err(|error| self.damaged(error.to_string()))?;
        rows.into_iter().map(|row| row.map_err(|reason| self.damaged(reason))).collect()
    }

    pub(super) fn choose(&self, options: &ReadOptions) -> Result<Option<SyncRow>, ReadError> {
        let syncs = self.read_syncs()?;
        if let Some(id) = &options.sync_id {
            let found = syncs.into_iter().find(|sync| sync.id == *id);
            return found
                .map(Some)
                .ok_or_else(|| ReadError::NoSuchSync { path: self.path.clone(), sync_id: id.clone() });
        }
        Ok(chosen(syncs, options.now))
    }
}

fn chosen(syncs: Vec<SyncRow>, now: Option<Timestamp>) -> Option<SyncRow> {
    let finished = syncs
        .iter()
        .filter(|sync| sync.sync_type == "full" && sync.ended_at.is_some())
        .max_by_key(|sync| sync.ended_at);
    let recent = |sync: &&SyncRow| match (now, sync.started_at) {
        (Some(now), Some(started_at)) => now.duration_since(started_at) < UNFINISHED,
        (Some(_), None) => false,
        (None, _) => true,
    };
    let unfinished =
        || syncs.iter().filter(|sync| sync.ended_at.is_none()).filter(recent).max_by_key(|sync| sync.started_at);
    finished.or_else(unfinished).cloned()
}

/// A row, or what is wrong with it: readers refuse a file with a time that they cannot parse.
fn sync(row: &Row<'_>) -> rusqlite::Result<Result<SyncRow, String>> {
    let time = |place: usize| -> rusqlite::Result<Result<Option<Timestamp>, String>> {
        let Some(text) = row.get::<_, Option<String>>(place)? else {
            return Ok(Ok(None));
        };
        Ok(read_time(&text).map(Some).ok_or_else(|| format!("`{text}` is not a time")))
    };
    let (started_at, ended_at) = (time(1)?, time(2)?);
    let (id, sync_type, parent): (String, String, String) = (row.get(0)?, row.get(3)?, row.get(4)?);
    Ok(started_at.and_then(|started_at| {
        Ok(SyncRow {
            id,
            sync_type,
            started_at,
            ended_at: ended_at?,
            parent: Some(parent).filter(|parent| !parent.is_empty()),
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sync(id: &str, sync_type: &str, started: &str, ended: Option<&str>) -> SyncRow {
        SyncRow {
            id: id.into(),
            sync_type: sync_type.into(),
            started_at: read_time(started),
            ended_at: ended.and_then(read_time),
            parent: None,
        }
    }

    #[test]
    fn the_newest_finished_full_sync_is_shown() {
        let syncs = vec![
            sync("new", "full", "2026-11-20 10:00:00", Some("2026-11-20 11:00:00")),
            sync("old", "full", "2026-11-19 10:00:00", Some("2026-11-19 11:00:00")),
            sync("partial", "partial", "2026-11-21 10:00:00", Some("2026-11-21 11:00:00")),
            sync("running", "full", "2026-11-21 12:00:00", None),
        ];
        assert_eq!(chosen(syncs, None).unwrap().id, "new");
    }

    #[test]
    fn an_unfinished_sync_is_shown_for_seven_days() {
        let syncs = vec![sync("running", "full", "2026-11-10 12:00:00", None)];
        assert_eq!(chosen(syncs.clone(), read_time("2026-11-17 11:00:00")).unwrap().id, "running");
        assert_eq!(chosen(syncs, read_time("2026-11-17 13:00:00")), None);
    }
}
