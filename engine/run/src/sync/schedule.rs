//! The schedule: which job runs next, and when a list is complete.
//!
//! A task that is repeated for the resources of a type takes them as they arrive: its jobs begin
//! while the list of that type is still being read. Resources are read back from the store in
//! small batches; no list is held in memory. A type is complete once the tasks that list it have
//! no job left and none running.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use engine_json::{Map, Value as Json};
use engine_model::{Problem, Store};
use engine_spec::plan::{NoWitness, Origin};
use engine_spec::scope::Scope;
use tokio::task::JoinSet;

use super::job::{self, Job, JobEnd};
use super::run::{Passing, Run};
use super::task::{Task, TaskKind};
use super::{SyncError, SyncOptions};
use crate::extract::combinations;
use crate::http::{RequestError, RequestErrorKind};
use crate::page::Position;

/// Resources read back at a time.
const BATCH: usize = 64;
/// What is being done, where it is about no list.
const RUNNING: &str = "running the sync";
/// So many failures in a row are not about single resources any more.
const HOPELESS: u32 = 20;

/// A job that has ended.
struct Ended {
    task: usize,
    label: Option<String>,
    end: JobEnd,
}

/// Where a task stands.
#[derive(Default)]
struct Standing {
    queue: VecDeque<Job>,
    running: usize,
    after: i64,
    /// Jobs that failed since the last one that did not.
    failed_in_a_row: u32,
    /// No further jobs will come, unless the type it is repeated for gets more resources.
    exhausted: bool,
}

struct Schedule {
    run: Arc<Run>,
    tasks: Vec<Arc<Task>>,
    standings: Vec<Standing>,
    marks: Marks,
    room: usize,
}

/// Progress of an earlier run.
struct Marks {
    /// Fingerprints of finished jobs: there may be millions.
    finished: HashSet<u64>,
    /// Where unfinished lists stand.
    open: HashMap<(String, String), Position>,
}

/// Runs all tasks to their end.
pub(super) async fn run_all(run: Arc<Run>, tasks: Vec<Task>, options: &SyncOptions) -> Result<(), SyncError> {
    let marks = Marks::read(&run)?;
    let standings = tasks.iter().map(|_| Standing::default()).collect();
    let tasks = tasks.into_iter().map(Arc::new).collect();
    let room = options.concurrency.max(1) * 2;
    let mut schedule = Schedule { run, tasks, standings, marks, room };
    let mut jobs: JoinSet<Ended> = JoinSet::new();
    let mut stop = options.stop.clone();
    let result = schedule.all(&mut jobs, &mut stop).await;
    // A page of theirs that is on its way into the store still gets there; the sync waits for it.
    jobs.shutdown().await;
    result
}

impl Schedule {
    async fn all(
        &mut self,
        jobs: &mut JoinSet<Ended>,
        stop: &mut tokio::sync::watch::Receiver<bool>,
    ) -> Result<(), SyncError> {
        let run = self.run.clone();
        loop {
            // Asked for before looking, so that a page stored in between is not missed.
            let more = run.stored.notified();
            self.fill(jobs)?;
            if jobs.is_empty() {
                return self.finished();
            }
            tokio::select! {
                ended = jobs.join_next() => match ended {
                    Some(Ok(ended)) => self.ended(ended)?,
                    Some(Err(error)) => return Err(SyncError::internal(RUNNING, &format!("a job ended in an unforeseen way: {error}"))),
                    None => {}
                },
                () = more, if jobs.len() < self.room => {}
                Ok(_) = stop.wait_for(|stopped| *stopped) => return Err(SyncError::Stopped),
            }
        }
    }

    fn finished(&self) -> Result<(), SyncError> {
        match self.standings.iter().position(|standing| !standing.exhausted || !standing.queue.is_empty()) {
            None => Ok(()),
            Some(at) => {
                let name = self.tasks.get(at).map(|task| task.name.clone()).unwrap_or_default();
                Err(SyncError::internal(RUNNING, &format!("the task `{name}` never got what it waits for")))
            }
        }
    }

    /// Starts jobs while there is room.
    fn fill(&mut self, jobs: &mut JoinSet<Ended>) -> Result<(), SyncError> {
        loop {
            // A task may move without a job, where an earlier run has done what it found; others wait for that.
            let mut moved = false;
            for at in 0..self.tasks.len() {
                if jobs.len() >= self.room {
                    return Ok(());
                }
                moved |= self.refill(at)?;
                let Some(standing) = self.standings.get_mut(at) else { continue };
                let (Some(job), Some(task)) = (standing.queue.pop_front(), self.tasks.get(at)) else { continue };
                standing.running += 1;
                moved = true;
                let (run, task) = (self.run.clone(), task.clone());
                let label = job.label();
                jobs.spawn(async move { Ended { task: at, label, end: job::run(run, task, job).await } });
            }
            if !moved {
                return Ok(());
            }
        }
    }

    /// Gives a task its next jobs, if it has any; whether it stands elsewhere now.
    fn refill(&mut self, at: usize) -> Result<bool, SyncError> {
        let Some(task) = self.tasks.get(at).cloned() else { return Ok(false) };
        let ready = task.waits.iter().all(|kind| self.is_complete(*kind)) && self.earlier_sources_are_in(at, &task);
        let Some(standing) = self.standings.get(at) else { return Ok(false) };
        if !ready || standing.exhausted || !standing.queue.is_empty() {
            return Ok(false);
        }
        match task.resources.split_first() {
            None => {
                let new = self.jobs_for(&task, &[], Map::new(), String::new())?;
                self.extend(at, new, None);
                self.set_exhausted(at);
                Ok(true)
            }
            Some(((name, kind), others)) => self.refill_repeated(at, &task, name, *kind, others),
        }
    }

    fn refill_repeated(
        &mut self,
        at: usize,
        task: &Arc<Task>,
        name: &str,
        kind: usize,
        others: &[(String, usize)],
    ) -> Result<bool, SyncError> {
        if others.iter().any(|(_, other)| !self.is_complete(*other)) {
            return Ok(false);
        }
        if std::iter::once(&kind).chain(others.iter().map(|(_, other)| other)).any(|kind| !self.run.is_active(*kind)) {
            self.set_exhausted(at);
            return Ok(true);
        }
        // Looked at before the rows: rows that arrive in between are found by the next look.
        let no_more = self.no_more_rows(at, task, kind);
        let after = self.standings.get(at).map_or(0, |standing| standing.after);
        let Some(type_id) = self.run.plan.types.get(kind).map(|known| known.id.clone()) else { return Ok(false) };
        let rows = self.run.store(|store| store.scope_rows(&type_id, after, BATCH))?;
        let Some(last) = rows.last().map(|row| row.sequence) else {
            if no_more {
                self.set_exhausted(at);
            }
            return Ok(no_more);
        };
        let mut new = Vec::new();
        for row in rows {
            let mut names = Map::new();
            names.insert(name.to_owned(), row.scope);
            new.extend(self.jobs_for(task, others, names, row.sequence.to_string())?);
        }
        self.extend(at, new, Some(last));
        Ok(true)
    }

    fn extend(&mut self, at: usize, new: Vec<Job>, after: Option<i64>) {
        if let Some(standing) = self.standings.get_mut(at) {
            standing.queue.extend(new);
            if let Some(after) = after {
                standing.after = after;
            }
        }
    }

    fn set_exhausted(&mut self, at: usize) {
        if let Some(standing) = self.standings.get_mut(at) {
            standing.exhausted = true;
        }
    }

    /// The jobs of a task for one resource: each combination of what else it is repeated for, but
    /// for those that an earlier run has finished.
    fn jobs_for(
        &self,
        task: &Task,
        others: &[(String, usize)],
        names: Map,
        key: String,
    ) -> Result<Vec<Job>, SyncError> {
        let Some(source) = task.source(&self.run.plan) else { return Ok(Vec::new()) };
        let mut bindings = vec![(names, key)];
        for (name, kind) in others {
            let rows = self.all_rows(*kind)?;
            bindings = bindings
                .into_iter()
                .flat_map(|(names, key)| {
                    rows.iter().map(move |(sequence, scope)| {
                        let mut names = names.clone();
                        names.insert(name.clone(), scope.clone());
                        (names, format!("{key},{sequence}"))
                    })
                })
                .collect();
        }
        let mut jobs = Vec::new();
        for (names, key) in bindings {
            let root = self.run.scope();
            let scope: Scope<'_> = root.with_all(&names);
            let values = combinations(&source.for_each, &scope, &NoWitness).map_err(|fault| SyncError::List {
                doing: task.doing.clone(),
                reason: fault.reason,
                spec: fault.site.to_string(),
                hint: None,
                request: None,
                about_one: false,
            })?;
            for value_names in values {
                // By value, not by place: a list that comes from the vendor may have moved since.
                let key = match value_names.is_empty() {
                    true => format!("{key}/0"),
                    false => format!("{key}/{}", Json::Object(value_names.clone())),
                };
                let mut names = names.clone();
                names.extend(value_names);
                if self.marks.finished.contains(&fingerprint(&task.name, &key)) {
                    continue;
                }
                let position = self.marks.open.get(&(task.name.clone(), key.clone())).cloned();
                jobs.push(Job { key, names, position });
            }
        }
        Ok(jobs)
    }

    fn all_rows(&self, kind: usize) -> Result<Vec<(i64, Json)>, SyncError> {
        let Some(type_id) = self.run.plan.types.get(kind).map(|known| known.id.as_str()) else { return Ok(Vec::new()) };
        let mut rows = Vec::new();
        let mut after = 0;
        loop {
            let batch = self.run.store(|store| store.scope_rows(type_id, after, BATCH))?;
            let Some(last) = batch.last() else { return Ok(rows) };
            after = last.sequence;
            rows.extend(batch.into_iter().map(|row| (row.sequence, row.scope)));
        }
    }

    /// Whether the rows of a type that a task is repeated for are all in the store. For a task that
    /// lists the very type (a tree), whether nothing is left that could add to it.
    fn no_more_rows(&self, at: usize, task: &Task, kind: usize) -> bool {
        let lists_itself = matches!(task.kind, TaskKind::List(own, _) if own == kind);
        if !lists_itself {
            return self.is_complete(kind);
        }
        if !self.fed_types_are_complete(kind) {
            return false;
        }
        self.tasks.iter().zip(&self.standings).enumerate().all(|(other, (known, standing))| {
            let lists_kind = matches!(known.kind, TaskKind::List(listed, _) if listed == kind);
            let is_tree = known.resources.first().is_some_and(|(_, of)| *of == kind);
            let idle = standing.running == 0 && standing.queue.is_empty();
            !lists_kind || (idle && (other == at || is_tree || standing.exhausted))
        })
    }

    /// Whether the list of a type is in.
    fn is_complete(&self, kind: usize) -> bool {
        if !self.run.is_active(kind) {
            return true;
        }
        let own = self
            .tasks
            .iter()
            .zip(&self.standings)
            .filter(|(task, _)| matches!(task.kind, TaskKind::List(listed, _) if listed == kind));
        let own_done = own
            .into_iter()
            .all(|(_, standing)| standing.exhausted && standing.running == 0 && standing.queue.is_empty());
        own_done && self.fed_types_are_complete(kind)
    }

    /// Whether the sources that stand before a source of the same type are in: of rows with one id
    /// the first source's stays, however fast the vendor answers the others.
    fn earlier_sources_are_in(&self, at: usize, task: &Task) -> bool {
        let TaskKind::List(kind, _) = task.kind else { return true };
        let earlier = self.tasks.iter().zip(&self.standings).take(at);
        earlier
            .filter(|(known, _)| matches!(known.kind, TaskKind::List(listed, _) if listed == kind))
            // A tree goes on until no other source can add to it, and so is waited for by none.
            .filter(|(known, _)| known.resources.first().is_none_or(|(_, of)| *of != kind))
            .all(|(_, standing)| standing.exhausted && standing.running == 0 && standing.queue.is_empty())
    }

    /// Whether the lists whose rows feed a type are in.
    fn fed_types_are_complete(&self, kind: usize) -> bool {
        let sources = self.run.plan.types.get(kind).map(|known| known.sources.as_slice()).unwrap_or_default();
        sources.iter().all(|source| match source.origin {
            Origin::EachRow(of) => self.is_complete(of),
            _ => true,
        })
    }

    fn ended(&mut self, ended: Ended) -> Result<(), SyncError> {
        let (Some(standing), Some(task)) = (self.standings.get_mut(ended.task), self.tasks.get(ended.task)) else {
            return Ok(());
        };
        standing.running = standing.running.saturating_sub(1);
        match ended.end {
            JobEnd::Done => standing.failed_in_a_row = 0,
            JobEnd::Unread(error) => self.unread(task, ended.label, &error),
            JobEnd::Failed(error) if task.is_repeated() && concerns_one(&error) => {
                standing.failed_in_a_row += 1;
                if standing.failed_in_a_row >= HOPELESS {
                    return Err(error);
                }
                match &error {
                    SyncError::Request(error) => self.unread(task, ended.label, error),
                    other => self.broken_off(task, ended.label, other),
                }
            }
            JobEnd::Failed(error) => return Err(error),
        }
        Ok(())
    }

    /// One run of a task broke off, and the others go on.
    fn broken_off(&self, task: &Task, label: Option<String>, error: &SyncError) {
        let (reason, spec, request) = match error {
            SyncError::List { reason, spec, request, .. } => (reason.clone(), Some(spec.clone()), request.clone()),
            other => (other.to_string(), None, None),
        };
        self.run.passing(Passing::Unread(Problem {
            list: task.list.clone(),
            what: format!("could not be read: {reason}"),
            spec,
            request,
            count: 1,
            samples: label.into_iter().collect(),
            hint: error.hint(),
        }));
    }

    /// One run of a task could not be read, and the others go on.
    fn unread(&self, task: &Task, label: Option<String>, error: &RequestError) {
        let sample = match (label, &error.message) {
            (Some(label), Some(message)) => Some(format!("{label}: {message}")),
            (label, message) => label.or_else(|| message.clone()),
        };
        self.run.passing(Passing::Unread(Problem {
            list: task.list.clone(),
            what: format!("could not be read: {}", error.reason),
            spec: error.site.as_ref().map(ToString::to_string),
            request: error.request.clone(),
            count: 1,
            samples: sample.into_iter().collect(),
            hint: error.hint.clone(),
        }));
    }
}

/// Whether an error is about one resource and tells nothing about the next.
fn concerns_one(error: &SyncError) -> bool {
    let error = match error {
        SyncError::Request(error) => error,
        SyncError::List { about_one, .. } => return *about_one,
        SyncError::Store(_) | SyncError::Stopped => return false,
    };
    match error.kind {
        RequestErrorKind::NotFound
        | RequestErrorKind::Vendor
        | RequestErrorKind::NotJson
        | RequestErrorKind::TooLarge
        | RequestErrorKind::Timeout => true,
        // 403 on one resource is common; 401 is about the credentials themselves.
        RequestErrorKind::Credentials => error.status == Some(403),
        _ => false,
    }
}

impl Marks {
    fn read(run: &Run) -> Result<Self, SyncError> {
        let mut marks = Self { finished: HashSet::new(), open: HashMap::new() };
        for mark in run.store(|store: &mut dyn Store| store.marks())? {
            if mark.state == job::FINISHED {
                marks.finished.insert(fingerprint(&mark.task, &mark.key));
            } else if let Ok(position) = serde_json::from_str(&mark.state) {
                marks.open.insert((mark.task, mark.key), position);
            }
        }
        Ok(marks)
    }
}

fn fingerprint(task: &str, key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (task, key).hash(&mut hasher);
    hasher.finish()
}
