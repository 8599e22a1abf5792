//! A few rows of a list, each with what came of it, for trials.

use std::borrow::Cow;
use std::sync::Arc;

use engine_json::{Map, Value as Json};
use engine_spec::plan::{Asked, Origin, PageRules, Pages, Source};

use super::pages::step_position;
use super::{Fetched, Work};
use crate::extract::{Note, Recorder, Tallied};
use crate::page::{Pager, Position, Seen, Step};
use crate::sync::SyncError;
use crate::sync::run::Run;
use crate::sync::task::Task;
use crate::trial::{Finding, TriedList, TriedRow};

/// Reads rows of one run of a task into `list`, until that has `most`.
pub(in crate::sync) async fn sample(
    run: Arc<Run>,
    task: Arc<Task>,
    names: Map,
    most: usize,
    list: &mut TriedList,
) -> Result<(), SyncError> {
    let work = Work { run, task, names: Arc::new(names), key: String::new(), asked: None };
    Sampling { work, most, list }.all().await
}

struct Sampling<'l> {
    work: Work,
    most: usize,
    list: &'l mut TriedList,
}

impl Sampling<'_> {
    async fn all(&mut self) -> Result<(), SyncError> {
        let plan = self.work.run.plan.clone();
        let Some(source) = self.work.task.source(&plan) else { return Ok(()) };
        if !self.work.applies(source)? {
            let note = Recorder::at(&source.site, "nothing was asked: its `when` does not hold");
            self.list.notes.push(Finding::of(note));
            return Ok(());
        }
        match &source.origin {
            Origin::Constant(rows) => {
                let rows = rows.iter().map(Cow::Borrowed).collect();
                self.take(source, rows, &Position::default(), &Json::Null).await
            }
            Origin::EachRow(_) => Ok(()),
            Origin::Request(asked) => match &asked.pages {
                Pages::None => self.single(source, asked).await,
                Pages::Rules(rules) => self.pages(source, rules).await,
            },
        }
    }

    async fn single(&mut self, source: &Source, asked: &Asked) -> Result<(), SyncError> {
        match self.work.fetch(asked, &Position::default(), Vec::new()).await? {
            Fetched::Unread(error) => Err(error.into()),
            Fetched::NoRows(note) => self.no_rows(note),
            Fetched::Answer(answer) => {
                let work = self.work.clone();
                let rows = work.rows(source, &answer, &Position::default())?;
                self.take(source, rows, &Position::default(), answer.whole()).await
            }
        }
    }

    async fn pages(&mut self, source: &Source, rules: &PageRules) -> Result<(), SyncError> {
        let work = self.work.clone();
        let root = work.run.scope();
        let scope = root.with_all(&work.names);
        let mut position = Pager::start(rules, &scope).map_err(|error| work.page_error(rules, error))?;
        let mut pager = Pager::new(rules, &position, &*work.run);
        loop {
            let answer = match work.clone().fetch_page(&pager, position.clone()).await? {
                Fetched::Unread(error) => return Err(error.into()),
                Fetched::NoRows(note) => return self.no_rows(note),
                Fetched::Answer(answer) => answer,
            };
            if position.pages == 0 {
                let first = pager.first_of(&answer, &scope);
                position.first = first.map_err(|error| work.page_error(rules, error).about(&answer))?;
            }
            let rows = work.rows(source, &answer, &position)?;
            let references: Vec<&Json> = rows.iter().map(AsRef::as_ref).collect();
            let seen = Seen { answer: &answer, rows: &references };
            let step = pager.advance(&position, &seen, &scope);
            let step = step.map_err(|error| work.page_error(rules, error).about(&answer))?;
            let came = rows.len();
            self.take(source, rows, step_position(&step), answer.whole()).await?;
            let is_full = self.list.rows.len() >= self.most;
            match step {
                Step::End(end) => {
                    let mut recorder = Recorder::default();
                    work.compare_with_announced(rules, &end, &answer, &mut recorder);
                    work.doubt_single_page(rules, &end, came, &mut recorder);
                    self.note(&recorder);
                    return Ok(());
                }
                Step::Next(_) if is_full => {
                    self.list.has_more = true;
                    return Ok(());
                }
                Step::Next(next) => position = next,
            }
        }
    }

    /// Makes records of the rows that are still wanted.
    async fn take(
        &mut self,
        source: &Source,
        mut rows: Vec<Cow<'_, Json>>,
        position: &Position,
        body: &Json,
    ) -> Result<(), SyncError> {
        let room = self.most.saturating_sub(self.list.rows.len());
        self.list.has_more |= rows.len() > room;
        rows.truncate(room);
        let plan = self.work.run.plan.clone();
        let of = super::repeated_for(&self.work.names).map(|resource| resource.to_string());
        for row in self.work.details(source, rows).await? {
            let filled = {
                let emitter = self.work.emit(&plan, std::slice::from_ref(&row), position, body)?;
                self.list.rows.push(TriedRow::of(&plan, row.json.into_owned(), of.clone(), &emitter));
                self.work.filled(emitter, String::new())
            };
            self.work.store(filled).done().await?;
        }
        Ok(())
    }

    fn no_rows(&mut self, note: Note) -> Result<(), SyncError> {
        self.list.notes.push(Finding::of(note));
        Ok(())
    }

    fn note(&mut self, recorder: &Recorder) {
        let notes = recorder.counts().filter_map(|(what, _)| match what {
            Tallied::Problem(note) | Tallied::Notice(note) => Some(Finding::of(note.clone())),
            _ => None,
        });
        self.list.notes.extend(notes);
    }
}
