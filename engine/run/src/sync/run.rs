//! What all tasks of a sync share: the plan, the clients, the store, and what has been noticed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine_json::Map;
use engine_model::{Page, Problem, Store, StoreError};
use engine_spec::plan::{Missed, Plan, Witness};
use engine_spec::scope::Scope;

use super::writer::Writer;
use super::{Progress, SharedStore, SyncError, SyncOptions};
use crate::environment::Environment;
use crate::extract::{Labels, Note, Recorder, Tallied, grants_label, list_label};
use crate::http::Clients;
use crate::trial::Misses;

/// The most look-ups remembered in memory.
const REMEMBERED: usize = 50_000;

/// What all tasks of a sync share.
pub(super) struct Run {
    pub plan: Arc<Plan>,
    pub clients: Clients,
    /// `config` and `start`.
    pub names: Map,
    /// The types whose `when` holds; known once the captures are made.
    pub active: Vec<bool>,
    pub environment: Arc<dyn Environment>,
    /// How the report calls the lists.
    pub labels: Labels,
    /// Most requests at a time.
    pub concurrency: usize,
    pub progress: Arc<dyn Progress>,
    /// Told whenever a page was stored.
    pub stored: tokio::sync::Notify,
    /// Stores pages.
    pub writer: Writer,
    /// The paths that find nothing; watched in trials only.
    pub misses: Option<Arc<Misses>>,
    store: SharedStore,
    tracker: Tracker,
    /// Problems that the next run may not meet again; never stored.
    passing: Mutex<Vec<Passing>>,
}

/// A page that is ready to be stored.
pub(super) struct Filled {
    /// The list, as the report calls it.
    list: String,
    page: Page,
    recorder: Recorder,
}

impl Filled {
    /// A page of a list, and what was counted while it was filled.
    pub fn new(list: &str, mut page: Page, recorder: Recorder) -> Self {
        // Only the store sees what comes again: it counts that itself, so that a run that is killed
        // there has both the page and the count, or neither.
        for (resource, _) in &page.resources {
            let kind = &resource.id.resource_type;
            if !page.repeated_resources.contains_key(kind) {
                page.repeated_resources.insert(kind.clone(), Tallied::Duplicates.once(&list_label(kind)));
            }
        }
        page.repeated_grants = list.starts_with("grants of ").then(|| Tallied::Duplicates.once(list));
        page.conflicting_entitlements = (!page.entitlements.is_empty()).then(|| {
            let note = Note {
                what: "entitlements came again with another name or description; the first one stays".to_owned(),
                spec: None,
                request: None,
                hint: None,
                sample: None,
            };
            Tallied::Notice(note).once(list)
        });
        Self { list: list.to_owned(), page, recorder }
    }

    /// How many records it holds.
    pub fn records(&self) -> u64 {
        records(&self.page)
    }
}

fn records(page: &Page) -> u64 {
    (page.resources.len() + page.grants.len() + page.entitlements.len()) as u64
}

/// What this run has found and the next one may not find again; it is not stored.
#[derive(Clone, Debug)]
pub(super) enum Passing {
    /// One resource's rows could not be read.
    Unread(Problem),
    /// Grants refer to something that is not there.
    Dangling(Problem),
    /// The same, and the spec expects it.
    Expected(Problem),
}

/// What is noticed while values are evaluated, and what helps evaluating them.
struct Tracker {
    paths: Vec<AtomicBool>,
    keys: Vec<AtomicBool>,
    pending: Mutex<Recorder>,
    look_ups: Mutex<HashMap<(usize, String), Vec<String>>>,
}

impl Run {
    pub fn new(plan: Arc<Plan>, clients: Clients, names: Map, store: SharedStore, options: &SyncOptions) -> Self {
        let flags = |count: usize| (0..count).map(|_| AtomicBool::new(false)).collect();
        let tracker = Tracker {
            paths: flags(plan.tracked_paths.len()),
            keys: flags(plan.tracked_keys.len()),
            pending: Mutex::default(),
            look_ups: Mutex::default(),
        };
        Self {
            labels: Labels::new(&plan),
            plan,
            clients,
            names,
            active: Vec::new(),
            environment: options.environment.clone(),
            concurrency: options.concurrency,
            progress: options.progress.clone(),
            stored: tokio::sync::Notify::new(),
            writer: Writer::default(),
            misses: None,
            store,
            tracker,
            passing: Mutex::default(),
        }
    }

    /// Whether a type is synced.
    pub fn is_active(&self, kind: usize) -> bool {
        self.active.get(kind).copied().unwrap_or(false)
    }

    /// The names in scope everywhere.
    pub fn scope(&self) -> Scope<'_> {
        Scope::root(&self.names)
    }

    /// Does something with the store.
    pub fn store<T>(&self, act: impl FnOnce(&mut dyn Store) -> Result<T, StoreError>) -> Result<T, SyncError> {
        Ok(act(&mut *self.locked())?)
    }

    fn locked(&self) -> MutexGuard<'_, dyn Store + 'static> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores pages of lists at once, with what has been noticed since the last ones. Blocks, so it
    /// is for the writer alone.
    pub fn commit(&self, filled: Vec<Filled>) -> Result<(), StoreError> {
        let mut pages = Vec::with_capacity(filled.len());
        let mut lists = Vec::with_capacity(filled.len());
        for Filled { list, mut page, recorder } in filled {
            lists.push((records(&page), list));
            page.tallies = recorder.into_tallies();
            pages.push(page);
        }
        if let Some(first) = pages.first_mut() {
            first.tallies.extend(std::mem::take(&mut *self.pending()).into_tallies());
        }
        self.locked().commit_all(pages)?;
        for (records, list) in &lists {
            self.progress.page(list, *records);
        }
        self.stored.notify_waiters();
        Ok(())
    }

    /// Counts something that belongs to no page; stored with the next one.
    pub fn pending(&self) -> MutexGuard<'_, Recorder> {
        self.tracker.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores what has been noticed since the last page.
    pub fn flush(&self) -> Result<(), SyncError> {
        let recorder = std::mem::take(&mut *self.pending());
        let page = Page { tallies: recorder.into_tallies(), ..Page::default() };
        self.store(|store| store.commit(page).map(|_| ()))
    }

    /// Notes something that is missing now and that another run may find.
    pub fn passing(&self, passing: Passing) {
        self.passing.lock().unwrap_or_else(PoisonError::into_inner).push(passing);
    }

    /// What is missing now and may be found by another run.
    pub fn all_passing(&self) -> Vec<Passing> {
        self.passing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Settles grants; what dangles becomes problems and notes of this run.
    pub fn settle(&self) -> Result<(), SyncError> {
        for dangling in self.store(|store| store.settle())? {
            let rule = self.plan.grant_rules.get(dangling.rule as usize);
            let what = if dangling.principal_missing {
                "the principal of grants is not among the resources that were read"
            } else {
                "grants are on entitlements that no resource has"
            };
            let problem = Problem {
                list: rule.map(|rule| grants_label(&rule.label)).unwrap_or_default(),
                what: if dangling.expected { format!("{what}; left out, as the spec says") } else { what.to_owned() },
                spec: rule.map(|rule| rule.site.to_string()),
                request: None,
                count: dangling.count,
                samples: dangling.samples,
                hint: (!dangling.expected && dangling.principal_missing).then(|| {
                    "see whether all principals are listed; where the vendor names members that are gone, `missing: drop` leaves them out"
                        .to_owned()
                }),
            };
            self.passing(if dangling.expected { Passing::Expected(problem) } else { Passing::Dangling(problem) });
        }
        for missing in self.store(|store| store.missing_parents())? {
            let kind = self.plan.types.iter().find(|kind| kind.id == missing.resource_type);
            self.passing(Passing::Dangling(Problem {
                list: list_label(&missing.resource_type),
                what: "the parent of resources is not among the resources that were read".to_owned(),
                spec: kind.map(|kind| kind.site.to_string()),
                request: None,
                count: missing.count,
                samples: missing.samples,
                hint: None,
            }));
        }
        Ok(())
    }
}

impl Witness for Run {
    fn path_found(&self, number: usize) {
        if let Some(misses) = &self.misses {
            misses.found(number);
        }
        if let Some(flag) = self.tracker.paths.get(number) {
            // Most calls find the flag set already: reading it first keeps the cache line shared.
            if !flag.load(Ordering::Relaxed) && !flag.swap(true, Ordering::Relaxed) {
                self.pending().add("", Tallied::PathFound(number), 1);
            }
        }
    }

    fn path_missed(&self, missed: &Missed<'_>) {
        if let Some(misses) = &self.misses {
            misses.missed(missed);
        }
    }

    fn key_hit(&self, number: usize) {
        if let Some(flag) = self.tracker.keys.get(number)
            && !flag.load(Ordering::Relaxed)
            && !flag.swap(true, Ordering::Relaxed)
        {
            self.pending().add("", Tallied::KeyHit(number), 1);
        }
    }

    fn look_up(&self, table: usize, key: &str) -> Result<Vec<String>, String> {
        let look_up = self.plan.look_ups.get(table).ok_or("there is no such look-up table")?;
        let key = if look_up.fold_case { key.to_lowercase() } else { key.to_owned() };
        let mut remembered = self.tracker.look_ups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ids) = remembered.get(&(table, key.clone())) {
            return Ok(ids.clone());
        }
        let ids = self.store(|store| store.look_up(&look_up.name, &key)).map_err(|error| error.to_string())?;
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert((table, key), ids.clone());
        Ok(ids)
    }
}
