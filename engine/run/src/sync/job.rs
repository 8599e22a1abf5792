//! A job: one list, read page by page from where it stands to its end.
//!
//! The next page is asked for before the current one is mapped, and mapped while the current one is
//! stored, so that the vendor, the processor and the disk work at the same time. Lists whose pages
//! are numbered, once their total is known, are asked for several pages ahead; pages are stored in
//! order all the same.

mod ahead;
mod detail;
mod pages;
mod sample;

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine_json::{Map, Value as Json, json};
use engine_model::{Mark, ResourceRef};
use engine_spec::plan::{Asked, Fault, Origin, PageRules, Pages, Source};

use detail::Extended;
pub(super) use sample::sample;

use super::SyncError;
use super::run::{Filled, Run};
use super::task::{Task, TaskKind};
use super::writer::{Storing, Writer};
use crate::extract::{Bindings, Emitter, Note, Recorder, Tallied, rows_of};
use crate::http::{Answer, Call, Reply, RequestError};
use crate::page::{PageError, Pager, Position};

/// The state of a mark whose job is finished.
pub(super) const FINISHED: &str = "finished";

/// One run of a task.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// Its key in marks.
    pub key: String,
    /// What it is repeated for, by name.
    pub names: Map,
    /// Where an earlier run left it.
    pub position: Option<Position>,
}

impl Job {
    /// The resource it is repeated for, `type:id`.
    pub fn label(&self) -> Option<String> {
        repeated_for(&self.names).map(|resource| resource.to_string())
    }
}

/// The resource among names that something is repeated for.
fn repeated_for(names: &Map) -> Option<ResourceRef> {
    names.values().find_map(reference)
}

/// The resource that a scope object stands for.
fn reference(scope: &Json) -> Option<ResourceRef> {
    Some(ResourceRef::new(scope.get("type")?.as_str()?, scope.get("id")?.as_str()?))
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
    let work = Work { run, task, names: Arc::new(job.names), key: job.key, asked: None };
    match work.all(job.position).await {
        Ok(None) => JobEnd::Done,
        Ok(Some(unread)) => JobEnd::Unread(unread),
        Err(error) => JobEnd::Failed(error),
    }
}

/// A row that answers a question, with the names its source gives it.
#[derive(Clone, Debug)]
pub(crate) struct AskedRow {
    /// The row.
    pub row: Json,
    /// The names.
    pub names: Map,
}

/// The rows of a source that answers a question.
pub(super) async fn ask(run: Arc<Run>, task: Arc<Task>, names: Map) -> Result<Vec<AskedRow>, SyncError> {
    let rows = Arc::new(Mutex::new(Vec::new()));
    let work = Work { run, task, names: Arc::new(names), key: String::new(), asked: Some(rows.clone()) };
    if let Some(unread) = work.all(None).await? {
        return Err(unread.into());
    }
    let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *rows))
}

#[derive(Clone)]
struct Work {
    run: Arc<Run>,
    task: Arc<Task>,
    names: Arc<Map>,
    key: String,
    /// Where the rows go that answer a question.
    asked: Option<Arc<Mutex<Vec<AskedRow>>>>,
}

impl Work {
    async fn all(&self, position: Option<Position>) -> Result<Option<RequestError>, SyncError> {
        let plan = self.run.plan.clone();
        let Some(source) = self.task.source(&plan) else { return Ok(None) };
        if !self.applies(source)? {
            self.finish(Recorder::default(), None).await?;
            return Ok(None);
        }
        match &source.origin {
            Origin::Constant(rows) => {
                let rows: Vec<Cow<'_, Json>> = rows.iter().map(Cow::Borrowed).collect();
                let extended = self.details(source, rows).await?;
                let filled =
                    self.filled(self.emit(&plan, &extended, &Position::default(), &Json::Null)?, FINISHED.to_owned());
                self.store(filled).done().await?;
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
            Fetched::NoRows(note) => self.finish(Recorder::default(), Some(note)).await.map(|()| None),
            Fetched::Answer(answer) => {
                let rows = self.rows(source, &answer, &Position::default())?;
                let extended = self.details(source, rows).await?;
                let filled = {
                    let emitted = self.emit(&self.run.plan, &extended, &Position::default(), answer.whole());
                    let mut emitter = emitted.map_err(|error| error.about(&answer))?;
                    emitter.recorder.add(&self.task.list, Tallied::Pages, 1);
                    self.filled(emitter, FINISHED.to_owned())
                };
                self.store(filled).done().await?;
                Ok(None)
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
        let rules = match &asked.pages {
            Pages::Rules(rules) => Some(&**rules),
            Pages::None => None,
        };
        let page = Pager::name(rules, position);
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
        // A list that is read once, or has begun, is a chain; the first pages of many are not.
        prepared = prepared.that_leads(position.pages > 0 || !self.task.is_repeated());
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
                    request: Some(answer.request().to_owned()),
                    about_one: true,
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
                        request: Some(answer.request().to_owned()),
                        about_one: true,
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
        source: &Source,
        answer: &'a Answer,
        position: &Position,
    ) -> Result<Vec<Cow<'a, Json>>, SyncError> {
        // The names of columns may come from the first answer.
        let first = Json::Object(position.first.clone());
        let root = self.run.scope();
        let scope = root.with_all(&self.names);
        let scope = scope.with("first", &first);
        rows_of(&source.take, answer.body(), &scope, &*self.run)
            .map_err(|missing| self.list_error(source, missing.reason, Some(missing.hint)).about(answer))
    }

    fn page_error(&self, rules: &PageRules, error: PageError) -> SyncError {
        SyncError::List {
            doing: self.doing(),
            reason: error.reason,
            spec: rules.site.to_string(),
            hint: Some(error.hint),
            request: None,
            about_one: true,
        }
    }

    fn list_error(&self, source: &Source, reason: String, hint: Option<String>) -> SyncError {
        SyncError::List {
            doing: self.doing(),
            reason,
            spec: source.site.to_string(),
            hint,
            request: None,
            about_one: true,
        }
    }

    /// What is being done, with the resource it is done for.
    fn doing(&self) -> String {
        match repeated_for(&self.names) {
            Some(of) => format!("{} for {} `{}`", self.task.doing, of.resource_type, of.id),
            None => self.task.doing.clone(),
        }
    }

    /// Makes records of rows.
    fn emit<'p>(
        &'p self,
        plan: &'p engine_spec::plan::Plan,
        rows: &[Extended<'_>],
        position: &Position,
        body: &Json,
    ) -> Result<Emitter<'p>, SyncError> {
        let first = Json::Object(position.first.clone());
        let root = self.run.scope();
        let scope = root.with_all(&self.names);
        let scope = scope.with("first", &first);
        let scope = scope.with("body", body);
        let mut emitter = Emitter::new(plan, &self.run.labels, &self.run.active, &*self.run);
        for fault in rows.iter().filter_map(|row| row.fault.as_ref()) {
            emitter.recorder.add(&self.task.list, Tallied::Rows, 1);
            emitter.recorder.row_fault(&self.task.list, fault);
        }
        for problem in rows.iter().filter_map(|row| row.problem.clone()) {
            emitter.recorder.problem(&self.task.list, problem);
        }
        // Most rows make one record each.
        match self.task.kind {
            TaskKind::List(..) => emitter.page.resources.reserve(rows.len()),
            TaskKind::Grants(_) => emitter.page.grants.reserve(rows.len()),
            TaskKind::Entitlements(..) | TaskKind::Ask(_) => {}
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
                TaskKind::Ask(ask) => match plan.asks.get(ask) {
                    Some(source) => emitter.asked_row(source, &row.json, &scope),
                    None => Ok(()),
                },
            };
            done.map_err(|fault: Fault| {
                let what = match &fault.sample {
                    Some(sample) => format!("{}: `{sample}`", fault.reason),
                    None => fault.reason.clone(),
                };
                SyncError::List {
                    doing: self.doing(),
                    reason: what,
                    spec: fault.site.to_string(),
                    hint: None,
                    request: None,
                    about_one: false,
                }
            })?;
        }
        Ok(emitter)
    }

    /// The resource that the task is repeated for.
    fn resource(&self) -> Option<ResourceRef> {
        self.names.get("resource").and_then(reference)
    }

    /// The page that an emitter has filled, with the mark that says how far the list is in.
    fn filled(&self, emitter: Emitter<'_>, state: String) -> Filled {
        let Emitter { mut page, mut recorder, asked, .. } = emitter;
        if let Some(rows) = &self.asked {
            rows.lock().unwrap_or_else(PoisonError::into_inner).extend(asked);
        }
        if state == FINISHED && self.task.is_repeated() {
            recorder.add(&self.task.list, Tallied::ParentsVisited, 1);
        }
        page.rank = self.rank();
        page.marks.push(Mark { task: self.task.name.clone(), key: self.key.clone(), state });
        Filled::new(&self.task.list, page, recorder)
    }

    fn store(&self, filled: Filled) -> Storing {
        Writer::store(&self.run, filled, self.doing())
    }

    /// The place of this list among those of its type: by source, then by what it is repeated for.
    /// The numbers of resources in the store would not do: they depend on which answer came first.
    fn rank(&self) -> String {
        let source = match self.task.kind {
            TaskKind::List(_, at) => at,
            _ => 0,
        };
        let of = |name: &Json| reference(name).map_or_else(|| name.to_string(), |resource| resource.to_string());
        let of: Vec<String> = self.names.values().map(of).collect();
        if source == 0 && of.is_empty() { String::new() } else { format!("{source:04} {}", of.join(" ")) }
    }

    /// Ends a list that has no rows.
    async fn finish(&self, mut recorder: Recorder, note: Option<Note>) -> Result<(), SyncError> {
        if let Some(note) = note {
            recorder.notice(&self.task.list, note);
        }
        let filled = {
            let mut emitter = Emitter::new(&self.run.plan, &self.run.labels, &self.run.active, &*self.run);
            emitter.recorder = recorder;
            self.filled(emitter, FINISHED.to_owned())
        };
        self.store(filled).done().await
    }
}
