//! A part of a plan, read when it is needed: one resource by its id, the rows of one source, the
//! lists and grants that bear on one question. The same tasks and jobs read it as a whole sync; what
//! is read stays in memory.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use engine_json::{Map, Value as Json};
use engine_model::{Grant, GrantView, Grants, Report, Resource, Verdict};
use engine_spec::plan::{ForEach, IdRule, NoWitness, Origin, ParentRule, Plan, Read, ResourceType, Source};
use engine_spec::scope::Scope;

use super::job::{self, AskedRow};
use super::memory::{Memory, Wanted};
use super::run::Run;
use super::task::{self, Task, TaskKind};
use super::{NoProgress, SyncError, SyncOptions, opening, report, schedule};
use crate::environment::Environment;
use crate::extract::{Emitter, combinations};
use crate::http::{Answer, Call, Clients, Reply, RequestErrorKind};
use crate::trial::{Misses, TriedList, Unfound};

/// Reads parts of a plan.
pub(crate) struct Reader {
    pub plan: Arc<Plan>,
    pub clients: Clients,
    pub environment: Arc<dyn Environment>,
    /// `config` and `start`.
    pub names: Map,
    active: Vec<bool>,
}

/// What is to be read.
pub(crate) struct Part {
    /// Types whose lists are read; the lists that these need are, too.
    pub lists: BTreeSet<usize>,
    /// Grant rules whose sources are read.
    pub rules: BTreeSet<usize>,
    /// Resources that stand for the whole list of their type, by type id: their scope objects.
    pub given: Vec<(String, Json)>,
    /// Keeps only the resources that a look-up table has under a key.
    pub found_by: Option<(String, String)>,
    /// Which records are kept.
    pub resource: Box<dyn Fn(&Resource) -> bool + Send>,
    /// Which grants are kept.
    pub grant: Box<dyn Fn(&GrantView<'_>) -> bool + Send>,
}

impl Part {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            lists: BTreeSet::new(),
            rules: BTreeSet::new(),
            given: Vec::new(),
            found_by: None,
            resource: Box::new(|_| false),
            grant: Box::new(|_| false),
        }
    }
}

/// What was read of a part.
pub(crate) struct PartRead {
    /// The resources that were wanted, with their scope objects.
    pub resources: Vec<(Resource, Json)>,
    /// The grants that were wanted.
    pub grants: Vec<Grant>,
    /// Whether that is all there is, and why not.
    pub report: Report,
}

impl PartRead {
    /// Why nothing can be said about what was not found.
    pub fn gap(&self) -> Option<String> {
        (self.report.verdict != Verdict::Complete).then(|| {
            let problems = self.report.problems.iter().map(|problem| problem.what.clone());
            problems.collect::<Vec<_>>().join("; ")
        })
    }
}

/// One resource as it is now.
#[derive(Clone)]
pub(crate) struct Entry {
    pub resource: Resource,
    /// `resource` in expressions.
    pub scope: Json,
    /// The grants that its row tells.
    pub grants: Grants,
    /// Its row, where it was read by itself.
    pub row: Option<Json>,
}

impl Reader {
    /// Makes the captures and checks of a plan.
    pub async fn open(
        plan: Arc<Plan>,
        clients: Clients,
        names: Map,
        environment: Arc<dyn Environment>,
    ) -> Result<Self, SyncError> {
        let mut reader = Self { plan, clients, environment, names, active: Vec::new() };
        let mut run = reader.run_of_nothing();
        opening::open(&mut run).await?;
        reader.active = task::active_types(&run)?;
        reader.names = std::mem::take(&mut run.names);
        Ok(reader)
    }

    fn options(&self) -> SyncOptions {
        SyncOptions {
            concurrency: 8,
            environment: self.environment.clone(),
            progress: Arc::new(NoProgress),
            stop: tokio::sync::watch::channel(false).1,
            started_at: self.environment.now(),
            resumed: false,
        }
    }

    fn run(&self, store: Arc<Mutex<Memory>>) -> Run {
        let mut run = Run::new(self.plan.clone(), self.clients.clone(), self.names.clone(), store, &self.options());
        run.active = self.active.clone();
        run
    }

    /// A run for a single request, whose store stays empty.
    fn run_of_nothing(&self) -> Run {
        self.run(Arc::new(Mutex::new(self.memory(Part::new()))))
    }

    fn memory(&self, part: Part) -> Memory {
        let lists = part.lists.iter().filter_map(|kind| self.plan.types.get(*kind));
        let listed: BTreeSet<String> = lists.map(|kind| kind.id.clone()).collect();
        let wanted = Wanted {
            resource: part.resource,
            found_by: part.found_by,
            grant: part.grant,
            scopes: Box::new(move |kind| listed.contains(kind)),
        };
        Memory::new(wanted, part.given)
    }

    /// Reads lists and grants.
    pub async fn part(&self, mut part: Part) -> Result<PartRead, SyncError> {
        let given: BTreeSet<usize> =
            part.given.iter().filter_map(|(id, _)| Some(self.plan.type_named(id)?.0)).collect();
        let mut lists = std::mem::take(&mut part.lists);
        for rule in part.rules.iter().filter_map(|rule| self.plan.grant_rules.get(*rule)) {
            lists.extend(rule.after.iter().copied());
            lists.extend(repeated_for(&rule.source).filter(|kind| !given.contains(kind)));
        }
        self.close(&mut lists, &given);
        let rules = std::mem::take(&mut part.rules);
        let mut tasks = task::tasks(&self.plan, &self.active);
        tasks.retain(|task| match task.kind {
            TaskKind::List(kind, _) => lists.contains(&kind) && !given.contains(&kind),
            TaskKind::Grants(rule) => rules.contains(&rule),
            TaskKind::Entitlements(..) | TaskKind::Ask(_) => false,
        });
        // Only what something is repeated for is remembered.
        part.lists = tasks.iter().flat_map(|task| task.resources.iter().map(|(_, kind)| *kind)).collect();
        let store = Arc::new(Mutex::new(self.memory(part)));
        let run = Arc::new(self.run(store.clone()));
        let options = self.options();
        schedule::run_all(run.clone(), tasks, &options).await?;
        run.flush()?;
        let report = report::report(&run, &options, None)?;
        let mut memory = store.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(PartRead {
            resources: std::mem::take(&mut memory.resources),
            grants: std::mem::take(&mut memory.grants),
            report,
        })
    }

    /// Adds the lists that lists need: those of parents, of what they are repeated for, of the rows
    /// that feed them, and of the look-ups they ask.
    fn close(&self, lists: &mut BTreeSet<usize>, given: &BTreeSet<usize>) {
        let mut open: Vec<usize> = lists.iter().copied().collect();
        while let Some(kind) = open.pop().and_then(|number| self.plan.types.get(number)) {
            let mut needed: Vec<usize> = kind.after.clone();
            if let Some(ParentRule::Repeated(parent)) = kind.parent {
                needed.push(parent);
            }
            for source in &kind.sources {
                needed.extend(repeated_for(source));
                if let Origin::EachRow(of) = source.origin {
                    needed.push(of);
                }
            }
            for number in needed {
                if !given.contains(&number) && lists.insert(number) {
                    open.push(number);
                }
            }
        }
    }

    /// The rows of a source that is asked for single things.
    pub async fn rows(&self, ask: usize, names: &Map) -> Result<Vec<AskedRow>, SyncError> {
        let Some(source) = self.plan.asks.get(ask) else { return Ok(Vec::new()) };
        let run = Arc::new(self.run_of_nothing());
        let doing = "looking something up".to_owned();
        let task = Arc::new(Task {
            name: format!("ask:{ask}"),
            list: "what was looked up".to_owned(),
            doing: doing.clone(),
            kind: TaskKind::Ask(ask),
            resources: Vec::new(),
            waits: Vec::new(),
        });
        let root = run.scope();
        let scope = root.with_all(names);
        let repeated = combinations(&source.for_each, &scope, &NoWitness).map_err(|fault| SyncError::List {
            doing,
            reason: fault.reason,
            spec: fault.site.to_string(),
            hint: None,
            request: None,
            about_one: true,
        })?;
        let mut rows = Vec::new();
        for more in repeated {
            let mut names = names.clone();
            names.extend(more);
            rows.extend(job::ask(run.clone(), task.clone(), names).await?);
        }
        Ok(rows)
    }

    /// One object as a request tells it; nothing where it is not there.
    pub async fn object(&self, read: &Read, names: &Map, doing: &str) -> Result<Option<(Json, Answer)>, SyncError> {
        let run = self.run_of_nothing();
        let root = run.scope();
        let scope = root.with_all(names);
        let call = Call {
            request: &read.request,
            scope: &scope,
            witness: &run,
            additions: &[],
            statuses: &read.statuses,
            doing,
        };
        let answer = match self.clients.call(&call).await {
            Ok(Reply::Body(answer)) => answer,
            Ok(Reply::NoRows(_)) => return Ok(None),
            Ok(Reply::Incomplete(error)) => return Err(error.into()),
            // A page that is not the API's says nothing of what is there.
            Err(error) if error.kind == RequestErrorKind::NotFound && !error.is_page => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let found = match &read.item {
            Some(path) => path.one(answer.body()).cloned(),
            None => Some(answer.body().clone()),
        };
        match found.filter(|json| !json.is_null()) {
            Some(found) => Ok(Some((found, answer))),
            None => Err(SyncError::List {
                doing: doing.to_owned(),
                reason: format!(
                    "`{}` is not in the answer",
                    read.item.as_ref().map(|path| path.text().to_owned()).unwrap_or_default()
                ),
                spec: read.request.site.to_string(),
                hint: Some("look at `item`".to_owned()),
                request: None,
                about_one: true,
            }),
        }
    }

    /// One resource by its id: by the type's `read`, or out of its list.
    pub async fn entry(&self, kind: usize, id: &str) -> Result<Option<Entry>, SyncError> {
        let Some(known) = self.plan.types.get(kind) else { return Ok(None) };
        let doing = format!("reading {} `{id}`", known.id);
        if let (Some(read), Some(source)) = (&known.read, self.plain_source(kind)) {
            let mut names = Map::new();
            names.insert("id".to_owned(), Json::from(id));
            names.extend(id_parts(known, id).map(|parts| ("parts".to_owned(), parts)));
            let Some((row, _)) = self.object(read, &names, &doing).await? else { return Ok(None) };
            let entry = self.entry_of_row(kind, source, &row, &Map::new(), &doing)?;
            if let Some(entry) = &entry
                && entry.resource.id.id != id
            {
                return Err(SyncError::List {
                    doing,
                    reason: format!("the vendor answered with `{}`", entry.resource.id.id),
                    spec: read.request.site.to_string(),
                    hint: Some("look at `read` and at the type's `id`: both must speak of the same id".to_owned()),
                    request: None,
                    about_one: true,
                });
            }
            return Ok(entry);
        }
        let (kind_id, wanted) = (known.id.clone(), id.to_owned());
        let mut part = Part::new();
        part.lists.insert(kind);
        part.resource = Box::new(move |resource| resource.id.resource_type == kind_id && resource.id.id == wanted);
        let mut read = self.part(part).await?;
        let gap = read.gap();
        match (read.resources.pop(), gap) {
            (Some((resource, scope)), _) => Ok(Some(Entry { resource, scope, grants: Grants::default(), row: None })),
            (None, None) => Ok(None),
            (None, Some(gap)) => Err(SyncError::List {
                doing,
                reason: format!("it was not found, and the list could not be read completely: {gap}"),
                spec: known.site.to_string(),
                hint: None,
                request: None,
                about_one: true,
            }),
        }
    }

    /// What a row of a type's `read`, or of its `find`, or of the answer to its `create`, makes.
    pub fn entry_of_row(
        &self,
        kind: usize,
        source: &Source,
        row: &Json,
        names: &Map,
        doing: &str,
    ) -> Result<Option<Entry>, SyncError> {
        let run = self.run_of_nothing();
        let root = run.scope();
        let root = root.with_all(names);
        let scope = root.with("body", row);
        let scope = scope.with("listed", row);
        // What the list leaves out is there all the same.
        let mut open = source.clone();
        open.keep_where = None;
        open.matches.clear();
        open.dedupe_by = None;
        let mut emitter = Emitter::new(&self.plan, &run.labels, &run.active, &run);
        let stopped = |reason: String, spec: String| SyncError::List {
            doing: doing.to_owned(),
            reason,
            spec,
            hint: None,
            request: None,
            about_one: true,
        };
        emitter
            .list_row(kind, &open, row, &scope)
            .map_err(|fault| stopped(fault.reason.clone(), fault.site.to_string()))?;
        let id = self.plan.types.get(kind).map(|known| known.id.clone()).unwrap_or_default();
        let made = emitter.page.resources.into_iter().find(|(resource, _)| resource.id.resource_type == id);
        match made {
            Some((resource, scope)) => Ok(Some(Entry {
                resource,
                scope: scope.unwrap_or(Json::Null),
                grants: emitter.page.grants,
                row: Some(row.clone()),
            })),
            None => match emitter.recorder.first_problem() {
                Some((reason, spec)) => Err(stopped(reason, spec)),
                None => Ok(None),
            },
        }
    }

    /// The source whose rows are like those of `read`: one that asks, and whose rows need nothing
    /// but themselves.
    pub fn plain_source(&self, kind: usize) -> Option<&Source> {
        let is_repeated = matches!(self.plan.types.get(kind)?.parent, Some(ParentRule::Repeated(_)));
        self.row_source(kind).filter(|_| !is_repeated)
    }

    /// The same where `parent` is in scope.
    pub fn row_source(&self, kind: usize) -> Option<&Source> {
        let known = self.plan.types.get(kind)?;
        known.sources.iter().find(|source| {
            let detail_is_row = source.detail.as_ref().is_none_or(|detail| detail.name.is_none());
            matches!(source.origin, Origin::Request(_))
                && source.for_each.is_empty()
                && source.unnest.is_none()
                && detail_is_row
        })
    }
}

/// Reads a few rows of single tasks into one store.
pub(crate) struct Sampler {
    run: Arc<Run>,
    misses: Arc<Misses>,
}

impl Reader {
    /// All tasks of the plan, lists first.
    pub fn tasks(&self) -> Vec<Task> {
        task::tasks(&self.plan, &self.active)
    }

    /// Ready to read rows; keeps the resources of the types that `part` lists.
    pub fn sampler(&self, part: Part) -> Sampler {
        let misses = Arc::new(Misses::default());
        let mut run = self.run(Arc::new(Mutex::new(self.memory(part))));
        run.misses = Some(misses.clone());
        Sampler { run: Arc::new(run), misses }
    }
}

impl Sampler {
    /// Reads rows of one run of a task into `list`, until that has `most`.
    pub async fn sample(
        &self,
        task: Arc<Task>,
        names: Map,
        most: usize,
        list: &mut TriedList,
    ) -> Result<(), SyncError> {
        job::sample(self.run.clone(), task, names, most, list).await
    }

    /// The first resources of a type, as requests see them.
    pub fn scopes(&self, kind: usize, most: usize) -> Result<Vec<Json>, SyncError> {
        let Some(known) = self.run.plan.types.get(kind) else { return Ok(Vec::new()) };
        let rows = self.run.store(|store| store.scope_rows(&known.id, 0, most))?;
        Ok(rows.into_iter().map(|row| row.scope).collect())
    }

    /// The names in scope everywhere.
    pub fn scope(&self) -> Scope<'_> {
        self.run.scope()
    }

    /// The paths that never found anything.
    pub fn unfound(&self) -> Vec<Unfound> {
        self.misses.unfound()
    }
}

/// What an id that is made of parts was made of.
fn id_parts(known: &ResourceType, id: &str) -> Option<Json> {
    let IdRule::Parts(rules) = &known.mapping.id else { return None };
    let parts: Vec<String> = id.split('/').map(|part| part.replace("%2F", "/").replace("%25", "%")).collect();
    if parts.len() != rules.len() {
        return None;
    }
    Some(Json::Object(rules.iter().zip(parts).map(|((name, _), part)| (name.clone(), Json::from(part))).collect()))
}

/// What is known of a resource without reading it: type, id, and the parts of the id.
pub(crate) fn bare_scope(known: &ResourceType, id: &str) -> Json {
    let mut scope = Map::new();
    scope.insert("id".to_owned(), Json::from(id));
    scope.insert("type".to_owned(), Json::from(known.id.as_str()));
    scope.extend(id_parts(known, id).map(|parts| ("parts".to_owned(), parts)));
    Json::Object(scope)
}

/// The types for whose resources a source is repeated.
pub(crate) fn repeated_for(source: &Source) -> impl Iterator<Item = usize> {
    source.for_each.iter().filter_map(|each| match each {
        ForEach::Resources { of, .. } => Some(*of),
        ForEach::Values { .. } => None,
    })
}
