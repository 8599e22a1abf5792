//! A list of pages, from where it stands to its end.
//!
//! In: the rules of its pages. Out: its pages, each stored with a mark that says how far the list is
//! in. The next page is asked for before the rows of the current one are worked on, and the current
//! one is stored while the next one is.

use engine_json::Value as Json;
use engine_spec::plan::{PageKind, PageRules, Source};

use super::ahead::{Ahead, most_ahead, predictions};
use super::{FINISHED, Fetched, Work};
use crate::extract::{Note, Recorder, Tallied};
use crate::http::{Answer, RequestError};
use crate::page::{PageError, Pager, Position, Seen, Step};
use crate::sync::SyncError;
use crate::sync::writer::Storing;

/// The page before, where it may still be on its way: a page is stored after the one before is
/// there, or else a later mark could stand without an earlier page.
#[derive(Default)]
struct Before(Option<Storing>);

impl Before {
    /// Waits until it is there.
    async fn done(&mut self) -> Result<(), SyncError> {
        match self.0.take() {
            Some(storing) => storing.done().await,
            None => Ok(()),
        }
    }
}

impl Work {
    /// A list of pages.
    pub(super) async fn pages(
        &self,
        source: &Source,
        rules: &PageRules,
        position: Option<Position>,
    ) -> Result<Option<RequestError>, SyncError> {
        let mut before = Before::default();
        let ended = self.page_by_page(source, rules, position, &mut before).await;
        // However the list ended, its earlier pages count for whoever waits for its end.
        before.done().await?;
        ended
    }

    async fn page_by_page(
        &self,
        source: &Source,
        rules: &PageRules,
        position: Option<Position>,
        before: &mut Before,
    ) -> Result<Option<RequestError>, SyncError> {
        let page_error = |error: PageError| self.page_error(rules, error);
        let mut position = match position {
            Some(position) => position,
            None => {
                let root = self.run.scope();
                Pager::start(rules, &root.with_all(&self.names)).map_err(page_error)?
            }
        };
        let mut pager = Pager::new(rules, &position, &*self.run);
        let mut ahead: Ahead = Ahead::default();
        loop {
            let fetched = match ahead.take(&position) {
                Some(request) => request.await.map_err(|error| {
                    self.list_error(source, format!("a request ended in an unforeseen way: {error}"), None)
                })??,
                None => self.clone().fetch_page(&pager, position.clone()).await?,
            };
            let answer = match fetched {
                Fetched::Answer(answer) => answer,
                Fetched::Unread(error) => return Ok(Some(error)),
                Fetched::NoRows(note) => {
                    before.done().await?;
                    if position.pages > 0 {
                        self.break_off(&position, note).await?;
                    } else {
                        self.finish(Recorder::default(), Some(note)).await?;
                    }
                    return Ok(None);
                }
            };
            let root = self.run.scope();
            let scope = root.with_all(&self.names);
            if position.pages == 0 {
                let first = pager.first_of(&answer, &scope);
                position.first = first.map_err(|error| page_error(error).about(&answer))?;
            }
            let rows = self.rows(source, &answer, &position)?;
            let references: Vec<&Json> = rows.iter().map(AsRef::as_ref).collect();
            let step = pager
                .advance(&position, &Seen { answer: &answer, rows: &references }, &scope)
                .map_err(|error| page_error(error).about(&answer))?;
            if let Step::Next(next) = &step {
                self.look_ahead(&mut ahead, rules, &pager, next, rows.len());
                // What was just spawned runs on this very thread: it is to send its request before the
                // rows are worked on, not after.
                tokio::task::yield_now().await;
            }
            let came = rows.len();
            let extended = self.details(source, rows).await?;
            let (filled, next) = {
                let emitted = self.emit(&self.run.plan, &extended, step_position(&step), answer.whole());
                let mut emitter = emitted.map_err(|error| error.about(&answer))?;
                emitter.recorder.add(&self.task.list, Tallied::Pages, 1);
                match step {
                    Step::End(end) => {
                        self.compare_with_announced(rules, &end, &answer, &mut emitter.recorder);
                        self.doubt_single_page(rules, &end, came, &mut emitter.recorder);
                        (self.filled(emitter, FINISHED.to_owned()), None)
                    }
                    Step::Next(next) => {
                        let state = serde_json::to_string(&next)
                            .map_err(|error| self.list_error(source, error.to_string(), None))?;
                        (self.filled(emitter, state), Some(next))
                    }
                }
            };
            // Others may be storing: the answer itself need not wait for them in memory.
            drop(extended);
            drop(answer);
            before.done().await?;
            let storing = self.store(filled);
            match next {
                Some(next) => {
                    *before = Before(Some(storing));
                    position = next;
                }
                None => return storing.done().await.map(|()| None),
            }
        }
    }

    /// Asks for the next page, or for several where pages are numbered and the total is known.
    fn look_ahead(&self, ahead: &mut Ahead, rules: &PageRules, pager: &Pager<'_>, next: &Position, came: usize) {
        if !ahead.expects(next) {
            ahead.clear();
        }
        let most = most_ahead(rules, self.run.concurrency);
        for predicted in predictions(rules, next, came, most) {
            if ahead.len() >= most {
                break;
            }
            if !ahead.holds(&predicted) {
                let work = self.clone();
                let additions = pager.additions(&predicted);
                let at = predicted.clone();
                let handle = tokio::spawn(async move { work.fetch_at(at, additions).await });
                ahead.push(predicted, handle);
            }
        }
    }

    /// Ends a list in whose middle the vendor says that there are no rows.
    async fn break_off(&self, position: &Position, note: Note) -> Result<(), SyncError> {
        let mut recorder = Recorder::default();
        let what = format!("the list broke off after {} pages: {}", position.pages, note.what);
        recorder.problem(&self.task.list, Note { what, ..note });
        self.finish(recorder, None).await
    }

    /// A list that ends with its first page although that page is full: right if it fits exactly,
    /// and what a misspelt path to the next page looks like.
    pub(super) fn doubt_single_page(&self, rules: &PageRules, end: &Position, came: usize, recorder: &mut Recorder) {
        let by_token = matches!(rules.kind, PageKind::Cursor { .. } | PageKind::NextUrl { .. });
        let full = rules.limit.as_ref().is_some_and(|limit| u64::from(limit.value) == came as u64);
        if by_token && full && end.pages == 1 {
            let what = "the first page was full and nothing led to a next one; right if the list fits exactly";
            let hint =
                Some("compare `next` with a real answer; `engine try --trace` shows one with its headers".to_owned());
            recorder.notice(&self.task.list, Note { hint, ..Recorder::at(&rules.site, what) });
        }
    }

    /// Compares the rows that came with the total that was announced.
    pub(super) fn compare_with_announced(
        &self,
        rules: &PageRules,
        end: &Position,
        answer: &Answer,
        recorder: &mut Recorder,
    ) {
        let Some(announced) = end.announced else { return };
        recorder.add(&self.task.list, Tallied::Announced, i64::try_from(announced).unwrap_or(i64::MAX));
        // A total is announced per window.
        let came = if rules.window.is_some() { end.window_rows } else { end.rows };
        let is_short = came.saturating_sub(end.repeated) < announced;
        if came == announced && !is_short {
            return;
        }
        let mut what = format!("the vendor announced {announced} rows, and {came} came");
        let mut hint = None;
        if is_short && end.repeated > 0 {
            what.push_str(&format!(
                ", {} of which had come before: others may be missing in their place",
                end.repeated
            ));
            hint = Some("run again: a list that changes while its pages are read looks like this".to_owned());
        }
        let note = Note {
            sample: self.resource().map(|resource| resource.to_string()),
            request: Some(answer.request().to_owned()),
            hint,
            ..Recorder::at(&rules.site, what)
        };
        if is_short { recorder.problem(&self.task.list, note) } else { recorder.notice(&self.task.list, note) }
    }
}

/// Where a list stands after a page.
pub(super) fn step_position(step: &Step) -> &Position {
    match step {
        Step::Next(position) | Step::End(position) => position,
    }
}
