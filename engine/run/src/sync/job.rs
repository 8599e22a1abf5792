//! A job: one list, read page by page from where it stands to its end.
//!
//! The next page is asked for before the current one is mapped and stored, so that the vendor, the
//! processor and the disk work at the same time. Lists whose pages are numbered, once their total
//! is known, are asked for several pages ahead; pages are stored in order all the same.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use engine_model::{Mark, ResourceRef};
use engine_spec::document::page::LastWord;
use engine_spec::plan::{Asked, Detail, Fault, FaultKind, Origin, PageKind, PageRules, Pages, Source};
use engine_spec::scope::Scope;
use futures::StreamExt;
use futures::future::BoxFuture;
use serde_json::{Map, Value as Json, json};
use tokio::task::JoinHandle;

use super::SyncError;
use super::run::Run;
use super::task::{Task, TaskKind};
use crate::extract::{Bindings, Emitter, Note, Recorder, Tallied, rows_of};
use crate::http::{Answer, Call, Reply, RequestError};
use crate::page::{PageError, Pager, Position, Seen, Step};

/// The state of a mark whose job is finished.
pub(super) const FINISHED: &str = "finished";
/// Pages asked for ahead, where they are numbered.
const AHEAD: usize = 8;
/// Detail requests of one page under way at a time.
const DETAILS: usize = 8;

/// One run of a task.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// Its key in marks.
    pub key: String,
    /// What it is repeated for, by name.
    pub names: Map<String, Json>,
    /// Where an earlier run left it.
    pub position: Option<Position>,
}

/// How a job ended.
pub(super) enum JobEnd {
    /// The list is in.
    Done,
    /// The spec says that the list may be unreadable, and it was.
    Unread(RequestError),
    /// It stopped.
    Failed(SyncError),
}

/// What came for one page.
enum Fetched {
    Answer(Box<Answer>),
    NoRows(Note),
    Unread(RequestError),
}

/// Runs a job to its end.
pub(super) async fn run(run: Arc<Run>, task: Arc<Task>, job: Job) -> JobEnd {
    let work = Work { run, task, names: Arc::new(job.names), key: job.key };
    match work.all(job.position).await {
        Ok(None) => JobEnd::Done,
        Ok(Some(unread)) => JobEnd::Unread(unread),
        Err(error) => JobEnd::Failed(error),
    }
}

#[derive(Clone)]
struct Work {
    run: Arc<Run>,
    task: Arc<Task>,
    names: Arc<Map<String, Json>>,
    key: String,
}

impl Work {
    async fn all(&self, position: Option<Position>) -> Result<Option<RequestError>, SyncError> {
        let plan = self.run.plan.clone();
        let Some(source) = self.task.source(&plan) else { return Ok(None) };
        if !self.applies(source)? {
            self.finish(Recorder::default(), None)?;
            return Ok(None);
        }
        match &source.origin {
            Origin::Constant(rows) => {
                let rows: Vec<Cow<'_, Json>> = rows.iter().map(Cow::Borrowed).collect();
                let extended = self.details(source, rows).await?;
                let emitter = self.emit(&plan, &extended, &Position::default())?;
                self.store(emitter, FINISHED.to_owned())?;
                Ok(None)
            }
            Origin::EachRow(_) => Ok(None),
            Origin::Request(asked) => match &asked.pages {
                Pages::None => self.single(source, asked).await,
                Pages::Rules(rules) => self.pages(source, rules, position).await,
            },
        }
    }

    fn applies(&self, source: &Source) -> Result<bool, SyncError> {
        let Some(when) = &source.when else { return Ok(true) };
        let root = self.run.scope();
        when.holds(&root.with_all(&self.names)).map_err(|error| self.list_error(source, error.to_string(), None))
    }

    /// A list that is one answer.
    async fn single(&self, source: &Source, asked: &Asked) -> Result<Option<RequestError>, SyncError> {
        match self.fetch(asked, &Position::default(), Vec::new()).await? {
            Fetched::Unread(error) => Ok(Some(error)),
            Fetched::NoRows(note) => self.finish(Recorder::default(), Some(note)).map(|()| None),
            Fetched::Answer(answer) => {
                let rows = self.rows(source, &answer, &Position::default())?;
                let extended = self.details(source, rows).await?;
                let mut emitter = self.emit(&self.run.plan, &extended, &Position::default())?;
                emitter.recorder.add(&self.task.list, Tallied::Pages, 1);
                self.store(emitter, FINISHED.to_owned())?;
                Ok(None)
            }
        }
    }

    /// A list of pages.
    async fn pages(
        &self,
        source: &Source,
        rules: &PageRules,
        position: Option<Position>,
    ) -> Result<Option<RequestError>, SyncError> {
        let page_error = |error: PageError| self.page_error(rules, error);
        let mut position = match position {
            Some(position) => position,
            None => {
                let root = self.run.scope();
                Pager::start(rules, &root.with_all(&self.names)).map_err(page_error)?
            }
        };
        let mut pager = Pager::new(rules, &position);
        let mut ahead: Ahead = Ahead::default();
        loop {
            let fetched = match ahead.take(&position) {
                Some(handle) => handle.await.map_err(|error| {
                    self.list_error(source, format!("a request ended in an unforeseen way: {error}"), None)
                })??,
                None => self.clone().fetch_page(&pager, position.clone()).await?,
            };
            let answer = match fetched {
                Fetched::Unread(error) => return Ok(Some(error)),
                Fetched::NoRows(note) => return self.finish(Recorder::default(), Some(note)).map(|()| None),
                Fetched::Answer(answer) => answer,
            };
            let rows = self.rows(source, &answer, &position)?;
            let references: Vec<&Json> = rows.iter().map(AsRef::as_ref).collect();
            let root = self.run.scope();
            let scope = root.with_all(&self.names);
            let step =
                pager.advance(&position, &Seen { answer: &answer, rows: &references }, &scope).map_err(page_error)?;
            if let Step::Next(next) = &step {
                self.look_ahead(&mut ahead, rules, &pager, next, rows.len());
            }
            let extended = self.details(source, rows).await?;
            let mut emitter = self.emit(&self.run.plan, &extended, step_position(&step))?;
            emitter.recorder.add(&self.task.list, Tallied::Pages, 1);
            match step {
                Step::End(end) => {
                    self.compare_with_announced(rules, &end, &mut emitter.recorder);
                    self.store(emitter, FINISHED.to_owned())?;
                    return Ok(None);
                }
                Step::Next(next) => {
                    let state = serde_json::to_string(&next)
                        .map_err(|error| self.list_error(source, error.to_string(), None))?;
                    self.store(emitter, state)?;
                    position = next;
                }
            }
        }
    }

    /// Asks for the next page, or for several where pages are numbered and the total is known.
    fn look_ahead(&self, ahead: &mut Ahead, rules: &PageRules, pager: &Pager<'_>, next: &Position, came: usize) {
        if !ahead.expects(next) {
            ahead.clear();
        }
        for predicted in predictions(rules, next, came) {
            if ahead.len() >= AHEAD {
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

    async fn fetch_page(self, pager: &Pager<'_>, position: Position) -> Result<Fetched, SyncError> {
        let additions = pager.additions(&position);
        self.fetch_at(position, additions).await
    }

    async fn fetch_at(
        self,
        position: Position,
        additions: Vec<crate::request::Addition>,
    ) -> Result<Fetched, SyncError> {
        let plan = self.run.plan.clone();
        match self.task.source(&plan).map(|source| &source.origin) {
            Some(Origin::Request(asked)) => self.fetch(asked, &position, additions).await,
            _ => Ok(Fetched::NoRows(Note {
                what: "nothing was asked".to_owned(),
                spec: None,
                request: None,
                hint: None,
                sample: None,
            })),
        }
    }

    /// Asks for one page, and again until it is ready.
    async fn fetch(
        &self,
        asked: &Asked,
        position: &Position,
        additions: Vec<crate::request::Addition>,
    ) -> Result<Fetched, SyncError> {
        let run = &*self.run;
        let doing = self.task.doing.as_str();
        let page = Pager::name(position);
        let first = Json::Object(position.first.clone());
        let root = run.scope();
        let scope = root.with_all(&self.names);
        let scope = scope.with("page", &page);
        let scope = scope.with("first", &first);
        let request = match &asked.pages {
            Pages::Rules(rules) if position.pages > 0 => rules.next_request.as_ref().unwrap_or(&asked.request),
            _ => &asked.request,
        };
        run.clients.sign_in(request.client, doing).await?;
        let mut prepared = run.clients.render(request, &scope, run, &additions, doing)?;
        if let Some(link) = &position.url {
            let current = position
                .at
                .as_deref()
                .and_then(|at| url::Url::parse(at).ok())
                .unwrap_or_else(|| prepared.url().clone());
            let url = run.clients.resolve_next(&prepared, &current, link, doing)?;
            prepared = prepared.continued_at(url);
        }
        let mut reply = run.clients.send(&prepared, &asked.statuses, doing).await?;
        if let Some(wait) = &asked.wait {
            let begun = run.environment.elapsed();
            while let Reply::Body(answer) = &reply {
                let status = json!(answer.status());
                let headers = answer.headers().to_json();
                let inner = scope.with("status", &status);
                let inner = inner.with("headers", &headers);
                let inner = inner.with_node("body", answer.whole());
                let waits = wait.while_.holds(&inner).map_err(|error| SyncError::List {
                    doing: doing.to_owned(),
                    reason: error.to_string(),
                    spec: wait.request.site.to_string(),
                    hint: None,
                })?;
                if !waits {
                    break;
                }
                if run.environment.elapsed().saturating_sub(begun) > wait.limit {
                    return Err(SyncError::List {
                        doing: doing.to_owned(),
                        reason: format!("the answer was not ready after {} seconds", wait.limit.as_secs()),
                        spec: wait.request.site.to_string(),
                        hint: Some("raise `for` if the vendor needs longer".to_owned()),
                    });
                }
                run.environment.sleep(wait.every.max(Duration::from_millis(10))).await;
                let call = Call {
                    request: &wait.request,
                    scope: &inner,
                    witness: run,
                    additions: &[],
                    statuses: &asked.statuses,
                    doing,
                };
                let next = run.clients.call(&call).await?;
                reply = next;
            }
        }
        Ok(match reply {
            Reply::Body(answer) => Fetched::Answer(Box::new(answer)),
            Reply::Incomplete(error) => Fetched::Unread(error),
            Reply::NoRows(note) => Fetched::NoRows(Note {
                what: note.text,
                spec: Some(request.site.to_string()),
                request: Some(format!("{} {}", request.method, request.path.text())),
                hint: None,
                sample: None,
            }),
        })
    }

    fn rows<'a>(
        &self,
        source: &'a Source,
        answer: &'a Answer,
        position: &Position,
    ) -> Result<Vec<Cow<'a, Json>>, SyncError> {
        // The names of columns may come from the first answer.
        let first = Json::Object(position.first.clone());
        let root = self.run.scope();
        let scope = root.with_all(&self.names);
        let scope = scope.with("first", &first);
        let found = rows_of(&source.take, answer.body(), &scope, &*self.run);
        let owned: Result<Vec<Cow<'a, Json>>, _> = match (&source.take, found) {
            (engine_spec::plan::Take::Columns { .. }, Ok(rows)) => {
                Ok(rows.into_iter().map(|row| Cow::Owned(row.into_owned())).collect())
            }
            (_, Ok(_)) => rows_of(&source.take, answer.body(), &Scope::default(), &*self.run),
            (_, Err(missing)) => Err(missing),
        };
        owned.map_err(|missing| self.list_error(source, missing.reason, Some(missing.hint)))
    }

    fn page_error(&self, rules: &PageRules, error: PageError) -> SyncError {
        SyncError::List {
            doing: self.doing(),
            reason: error.reason,
            spec: rules.site.to_string(),
            hint: Some(error.hint),
        }
    }

    fn list_error(&self, source: &Source, reason: String, hint: Option<String>) -> SyncError {
        SyncError::List { doing: self.doing(), reason, spec: source.site.to_string(), hint }
    }

    /// What is being done, with the resource it is done for.
    fn doing(&self) -> String {
        let of = self
            .names
            .values()
            .find_map(|name| Some(format!("{} `{}`", name.get("type")?.as_str()?, name.get("id")?.as_str()?)));
        match of {
            Some(of) => format!("{} for {of}", self.task.doing),
            None => self.task.doing.clone(),
        }
    }

    /// Makes records of rows.
    fn emit<'p>(
        &'p self,
        plan: &'p engine_spec::plan::Plan,
        rows: &[Extended<'_>],
        position: &Position,
    ) -> Result<Emitter<'p>, SyncError> {
        let first = Json::Object(position.first.clone());
        let root = self.run.scope();
        let scope = root.with_all(&self.names);
        let scope = scope.with("first", &first);
        let mut emitter = Emitter::new(plan, &*self.run);
        for fault in rows.iter().filter_map(|row| row.fault.as_ref()) {
            emitter.recorder.add(&self.task.list, Tallied::Rows, 1);
            emitter.recorder.row_fault(&self.task.list, fault);
        }
        for row in rows.iter().filter(|row| row.fault.is_none()) {
            let scope = scope.with_all(&row.names);
            let done = match self.task.kind {
                TaskKind::List(kind, at) => match plan.types.get(kind).and_then(|known| known.sources.get(at)) {
                    Some(source) => emitter.list_row(kind, source, &row.json, &scope),
                    None => Ok(()),
                },
                TaskKind::Grants(_) => match self.task.grant_rule(plan) {
                    Some(rule) => emitter.grant_row(rule, &row.json, &scope, Bindings::default()),
                    None => Ok(()),
                },
                TaskKind::Entitlements(..) => match (self.task.entitlement(plan), self.resource()) {
                    (Some(rule), Some(resource)) => emitter.entitlement_row(rule, &resource, &row.json, &scope),
                    _ => Ok(()),
                },
            };
            done.map_err(|fault: Fault| {
                let what = match &fault.sample {
                    Some(sample) => format!("{}: `{sample}`", fault.reason),
                    None => fault.reason.clone(),
                };
                SyncError::List { doing: self.doing(), reason: what, spec: fault.site.to_string(), hint: None }
            })?;
        }
        Ok(emitter)
    }

    /// The resource that the task is repeated for.
    fn resource(&self) -> Option<ResourceRef> {
        let scope = self.names.get("resource")?;
        Some(ResourceRef::new(scope.get("type")?.as_str()?, scope.get("id")?.as_str()?))
    }

    fn store(&self, emitter: Emitter<'_>, state: String) -> Result<(), SyncError> {
        let Emitter { mut page, mut recorder, .. } = emitter;
        if state == FINISHED && self.task.is_repeated() {
            recorder.add(&self.task.list, Tallied::ParentsVisited, 1);
        }
        page.marks.push(Mark { task: self.task.name.clone(), key: self.key.clone(), state });
        let commit = || self.run.commit(&self.task.list, page, recorder).map(|_| ());
        // Storing blocks: other tasks of this thread move elsewhere while it lasts.
        match tokio::runtime::Handle::current().runtime_flavor() {
            tokio::runtime::RuntimeFlavor::MultiThread => tokio::task::block_in_place(commit),
            _ => commit(),
        }
    }

    /// Ends a list that has no rows.
    fn finish(&self, mut recorder: Recorder, note: Option<Note>) -> Result<(), SyncError> {
        if let Some(note) = note {
            recorder.notice(&self.task.list, note);
        }
        let mut emitter = Emitter::new(&self.run.plan, &*self.run);
        emitter.recorder = recorder;
        self.store(emitter, FINISHED.to_owned())
    }

    fn compare_with_announced(&self, rules: &PageRules, end: &Position, recorder: &mut Recorder) {
        let Some(announced) = end.announced else { return };
        recorder.add(&self.task.list, Tallied::Announced, i64::try_from(announced).unwrap_or(i64::MAX));
        if rules.window.is_some() || end.rows == announced {
            return;
        }
        let note = Note {
            sample: self.resource().map(|resource| resource.to_string()),
            ..Recorder::at(&rules.site, format!("the vendor announced {announced} rows, and {} came", end.rows))
        };
        if end.rows < announced {
            recorder.problem(&self.task.list, note)
        } else {
            recorder.notice(&self.task.list, note)
        }
    }

    /// Asks for the details of rows.
    async fn details<'a>(&self, source: &Source, rows: Vec<Cow<'a, Json>>) -> Result<Vec<Extended<'a>>, SyncError> {
        let Some(detail) = &source.detail else {
            return Ok(rows.into_iter().map(Extended::plain).collect());
        };
        if detail.batch.is_some() {
            return self.batches(source, detail, rows).await;
        }
        let mut asked: Vec<BoxFuture<'_, Result<Extended<'a>, SyncError>>> = Vec::with_capacity(rows.len());
        for row in rows {
            asked.push(Box::pin(self.detail(source, detail, row)));
        }
        let answered: Vec<_> = futures::stream::iter(asked).buffered(DETAILS).collect().await;
        answered.into_iter().collect()
    }

    async fn detail<'a>(
        &self,
        source: &Source,
        detail: &Detail,
        row: Cow<'a, Json>,
    ) -> Result<Extended<'a>, SyncError> {
        let run = &*self.run;
        let root = run.scope();
        let scope = root.with_all(&self.names);
        let inner = scope.with_node("row", &row);
        if let Some(when) = &detail.when {
            if !when.holds(&inner).map_err(|error| self.list_error(source, error.to_string(), None))? {
                return Ok(Extended::plain(row.clone()));
            }
        }
        let doing = format!("{}: reading details", self.task.doing);
        let call = Call {
            request: &detail.request,
            scope: &inner,
            witness: run,
            additions: &[],
            statuses: &detail.statuses,
            doing: &doing,
        };
        match run.clients.call(&call).await? {
            Reply::Body(answer) => {
                let found = match &detail.item {
                    Some(path) => path.one(answer.body()).cloned(),
                    None => Some(answer.body().clone()),
                };
                let Some(found) = found.filter(|json| !json.is_null()) else {
                    let path = detail.item.as_ref().map(|path| path.text().to_owned()).unwrap_or_default();
                    return Err(self.list_error(
                        source,
                        format!("`{path}` is not in the answer about one row"),
                        Some("look at `detail` and its `item`".to_owned()),
                    ));
                };
                Ok(Extended::detailed(detail, row.clone(), found))
            }
            Reply::NoRows(note) => Ok(Extended::faulty(
                row.clone(),
                Fault { site: detail.request.site.clone(), kind: FaultKind::Dropped, reason: note.text, sample: None },
            )),
            Reply::Incomplete(error) => Ok(Extended::faulty(
                row.clone(),
                Fault {
                    site: detail.request.site.clone(),
                    kind: FaultKind::Broken,
                    reason: error.reason.clone(),
                    sample: None,
                },
            )),
        }
    }

    async fn batches<'a>(
        &self,
        source: &Source,
        detail: &Detail,
        rows: Vec<Cow<'a, Json>>,
    ) -> Result<Vec<Extended<'a>>, SyncError> {
        let Some(batch) = &detail.batch else { return Ok(Vec::new()) };
        let run = &*self.run;
        let fault = |fault: Fault| SyncError::List {
            doing: self.doing(),
            reason: fault.reason,
            spec: fault.site.to_string(),
            hint: None,
        };
        let mut extended = Vec::with_capacity(rows.len());
        for chunk in rows.chunks(batch.size.max(1)) {
            let root = run.scope();
            let scope = root.with_all(&self.names);
            let mut ids = Vec::new();
            for row in chunk {
                let inner = scope.with_node("row", row);
                ids.push(batch.id.text(&inner, run).map_err(fault)?.map(Cow::into_owned));
            }
            let names: Json = ids.iter().flatten().cloned().collect::<Vec<_>>().into();
            let inner = scope.with("batch", &names);
            let doing = format!("{}: reading details", self.task.doing);
            let call = Call {
                request: &detail.request,
                scope: &inner,
                witness: run,
                additions: &[],
                statuses: &detail.statuses,
                doing: &doing,
            };
            let answer = match run.clients.call(&call).await? {
                Reply::Body(answer) => answer,
                Reply::NoRows(_) => continue,
                Reply::Incomplete(error) => return Err(error.into()),
            };
            let Some(found) = batch.items.one(answer.body()).and_then(Json::as_array) else {
                return Err(self.list_error(
                    source,
                    format!("`{}` is not a list in the answer about a batch of rows", batch.items.text()),
                    None,
                ));
            };
            let mut by_id = HashMap::new();
            for item in found {
                if let Some(key) = batch.key.text(&scope.with_node("row", item), run).map_err(fault)? {
                    by_id.insert(key.into_owned(), item);
                }
            }
            for (row, id) in chunk.iter().zip(ids) {
                extended.push(match id.and_then(|id| by_id.get(&id).copied()) {
                    Some(item) => Extended::detailed(detail, row.clone(), item.clone()),
                    None => Extended::faulty(
                        row.clone(),
                        Fault {
                            site: detail.request.site.clone(),
                            kind: FaultKind::Dangling,
                            reason: "the vendor lists a row and has no details of it".to_owned(),
                            sample: None,
                        },
                    ),
                });
            }
        }
        Ok(extended)
    }
}

/// A row with what a detail request added, or why it cannot be used.
struct Extended<'a> {
    json: Cow<'a, Json>,
    names: Map<String, Json>,
    fault: Option<Fault>,
}

impl<'a> Extended<'a> {
    fn plain(json: Cow<'a, Json>) -> Self {
        Self { json, names: Map::new(), fault: None }
    }

    fn faulty(json: Cow<'a, Json>, fault: Fault) -> Self {
        Self { json, names: Map::new(), fault: Some(fault) }
    }

    fn detailed(detail: &Detail, row: Cow<'a, Json>, found: Json) -> Self {
        let mut names = Map::new();
        match &detail.name {
            Some(name) => {
                names.insert(name.clone(), found);
                Self { json: row, names, fault: None }
            }
            None => {
                names.insert("listed".to_owned(), row.into_owned());
                Self { json: Cow::Owned(found), names, fault: None }
            }
        }
    }
}

/// Pages that were asked for ahead.
#[derive(Default)]
struct Ahead {
    pages: VecDeque<(Position, JoinHandle<Result<Fetched, SyncError>>)>,
}

impl Ahead {
    fn take(&mut self, position: &Position) -> Option<JoinHandle<Result<Fetched, SyncError>>> {
        let (predicted, _) = self.pages.front()?;
        if !same_request(predicted, position) {
            self.clear();
            return None;
        }
        self.pages.pop_front().map(|(_, handle)| handle)
    }

    fn expects(&self, next: &Position) -> bool {
        self.pages.front().is_none_or(|(predicted, _)| same_request(predicted, next))
    }

    fn holds(&self, position: &Position) -> bool {
        self.pages.iter().any(|(known, _)| same_request(known, position))
    }

    fn push(&mut self, position: Position, handle: JoinHandle<Result<Fetched, SyncError>>) {
        self.pages.push_back((position, handle));
    }

    fn len(&self) -> usize {
        self.pages.len()
    }

    fn clear(&mut self) {
        for (_, handle) in self.pages.drain(..) {
            handle.abort();
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.clear();
    }
}

fn same_request(one: &Position, other: &Position) -> bool {
    one.number == other.number
        && one.cursor == other.cursor
        && one.url == other.url
        && one.last == other.last
        && one.window == other.window
}

fn step_position(step: &Step) -> &Position {
    match step {
        Step::Next(position) | Step::End(position) => position,
    }
}

/// The pages that come next: one, or as many as are known where pages are numbered, full, and
/// their total is announced.
fn predictions(rules: &PageRules, next: &Position, came: usize) -> Vec<Position> {
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
    while predicted.len() < AHEAD {
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
