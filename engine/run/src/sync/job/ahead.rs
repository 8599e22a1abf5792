//! Pages that are asked for before they are needed.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use engine_spec::document::page::LastWord;
use engine_spec::plan::{PageKind, PageRules};
use tokio::task::{JoinError, JoinHandle};

use super::Fetched;
use crate::page::Position;
use crate::sync::SyncError;

/// Rows asked for ahead, where pages are numbered: what came waits in memory.
const ROWS_AHEAD: usize = 8_000;

/// Pages that were asked for ahead.
#[derive(Default)]
pub(super) struct Ahead {
    pages: VecDeque<(Position, Request)>,
}

/// A page that is under way. Whoever lets go of it gives it up, also while waiting for it: a request
/// that runs on would keep a stopped sync from its end.
pub(super) struct Request(JoinHandle<Result<Fetched, SyncError>>);

impl Future for Request {
    type Output = Result<Result<Fetched, SyncError>, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Ahead {
    pub fn take(&mut self, position: &Position) -> Option<Request> {
        let (predicted, _) = self.pages.front()?;
        if !same_request(predicted, position) {
            self.clear();
            return None;
        }
        self.pages.pop_front().map(|(_, request)| request)
    }

    pub fn expects(&self, next: &Position) -> bool {
        self.pages.front().is_none_or(|(predicted, _)| same_request(predicted, next))
    }

    pub fn holds(&self, position: &Position) -> bool {
        self.pages.iter().any(|(known, _)| same_request(known, position))
    }

    pub fn push(&mut self, position: Position, handle: JoinHandle<Result<Fetched, SyncError>>) {
        self.pages.push_back((position, Request(handle)));
    }

    pub fn len(&self) -> usize {
        self.pages.len()
    }

    pub fn clear(&mut self) {
        self.pages.clear();
    }
}

fn same_request(one: &Position, other: &Position) -> bool {
    one.number == other.number
        && one.cursor == other.cursor
        && one.url == other.url
        && one.last == other.last
        && one.window == other.window
}

/// How many pages are asked for ahead at most: four times as many as the vendor is asked at a time,
/// so that those behind a slow one are under way, but fewer where they are large.
pub(super) fn most_ahead(rules: &PageRules, concurrency: usize) -> usize {
    let rows = rules.limit.as_ref().map_or(1, |limit| limit.value.max(1) as usize);
    (ROWS_AHEAD / rows).clamp(1, concurrency.max(1).saturating_mul(4))
}

/// The pages that come next: one, or as many as are known where pages are numbered, full, and
/// their total is announced.
pub(super) fn predictions(rules: &PageRules, next: &Position, came: usize, most: usize) -> Vec<Position> {
    let mut predicted = vec![next.clone()];
    let (Some(limit), Some(total)) = (rules.limit.as_ref().map(|limit| u64::from(limit.value)), next.announced) else {
        return predicted;
    };
    let full = came as u64 == limit;
    if !rules.parallel || !full || rules.window.is_some() || !rules.last.contains(&LastWord::TotalReached) {
        return predicted;
    }
    let step = match &rules.kind {
        PageKind::Offset { .. } | PageKind::StartIndex { .. } => limit,
        PageKind::Page { .. } => 1,
        _ => return predicted,
    };
    let mut further = next.clone();
    while predicted.len() < most {
        further.number += step;
        further.pages += 1;
        further.rows += limit;
        if further.rows >= total {
            break;
        }
        predicted.push(further.clone());
    }
    predicted
}
