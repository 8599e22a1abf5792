//! A store in memory that keeps only what is wanted: for reading a part of a plan, such as one
//! resource or the grants between two, without a file.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use engine_json::Value as Json;
use engine_model::{
    Dangling, Grant, GrantView, Mark, MissingParents, Page, Resource, ResourceRef, ResourceType, ScopeRow, Store,
    StoreError, Tally,
};

/// Which records are kept.
pub(crate) struct Wanted {
    /// Whether a resource is.
    pub resource: Box<dyn Fn(&Resource) -> bool + Send>,
    /// Only those that a look-up table has under a key.
    pub found_by: Option<(String, String)>,
    /// Whether a grant is.
    pub grant: Box<dyn Fn(&GrantView<'_>) -> bool + Send>,
    /// Whether the scopes of a type are kept for the tasks that are repeated for its resources.
    pub scopes: Box<dyn Fn(&str) -> bool + Send>,
}

/// What was read.
pub(crate) struct Memory {
    wanted: Wanted,
    /// The resources that are wanted, with their scope objects.
    pub resources: Vec<(Resource, Json)>,
    /// The grants that are wanted.
    pub grants: Vec<Grant>,
    ids: HashSet<ResourceRef>,
    scopes: HashMap<String, Vec<Json>>,
    look_ups: HashMap<(String, String), BTreeSet<String>>,
    tallies: BTreeMap<(String, String), i64>,
}

impl Memory {
    /// An empty store, but for resources of types that are not listed but given: type and scope.
    pub fn new(wanted: Wanted, given: Vec<(String, Json)>) -> Self {
        let mut scopes: HashMap<String, Vec<Json>> = HashMap::new();
        for (kind, scope) in given {
            scopes.entry(kind).or_default().push(scope);
        }
        Self {
            wanted,
            resources: Vec::new(),
            grants: Vec::new(),
            ids: HashSet::new(),
            scopes,
            look_ups: HashMap::new(),
            tallies: BTreeMap::new(),
        }
    }
}

impl Memory {
    fn take(&mut self, page: Page) {
        let found: Option<HashSet<ResourceRef>> = self.wanted.found_by.as_ref().map(|(table, key)| {
            let entries = page.look_ups.iter().filter(|(of, under, _)| of == table && under == key);
            let ids: HashSet<&str> = entries.map(|(_, _, id)| id.as_str()).collect();
            let resources = page.resources.iter().filter(|(resource, _)| ids.contains(resource.id.id.as_str()));
            resources.map(|(resource, _)| resource.id.clone()).collect()
        });
        for (resource, scope) in page.resources {
            let scope = scope.unwrap_or(Json::Null);
            if (self.wanted.scopes)(&resource.id.resource_type) {
                self.scopes.entry(resource.id.resource_type.clone()).or_default().push(scope.clone());
            }
            let is_found = found.as_ref().is_none_or(|found| found.contains(&resource.id));
            if is_found && (self.wanted.resource)(&resource) && self.ids.insert(resource.id.clone()) {
                self.resources.push((resource, scope));
            }
        }
        let grants = page.grants.iter().filter(|grant| (self.wanted.grant)(grant));
        self.grants.extend(grants.map(|grant| grant.to_grant()));
        for (table, key, id) in page.look_ups {
            // What finds resources is asked for page by page, and not kept.
            if self.wanted.found_by.as_ref().is_some_and(|(finder, _)| *finder == table) {
                continue;
            }
            self.look_ups.entry((table, key)).or_default().insert(id);
        }
        for tally in page.tallies {
            *self.tallies.entry((tally.list, tally.name)).or_default() += tally.add;
        }
    }
}

impl Store for Memory {
    fn declare(&mut self, _: &[ResourceType]) -> Result<(), StoreError> {
        Ok(())
    }

    fn commit_all(&mut self, pages: Vec<Page>) -> Result<(), StoreError> {
        pages.into_iter().for_each(|page| self.take(page));
        Ok(())
    }

    fn marks(&self) -> Result<Vec<Mark>, StoreError> {
        Ok(Vec::new())
    }

    fn tallies(&self) -> Result<Vec<Tally>, StoreError> {
        let tally = |((list, name), add): (&(String, String), &i64)| Tally {
            list: list.clone(),
            name: name.clone(),
            add: *add,
        };
        Ok(self.tallies.iter().map(tally).collect())
    }

    fn scope_rows(&self, resource_type: &str, after: i64, limit: usize) -> Result<Vec<ScopeRow>, StoreError> {
        let rows = self.scopes.get(resource_type).map(Vec::as_slice).unwrap_or_default();
        let skipped = usize::try_from(after).unwrap_or(0);
        let rows = rows.iter().enumerate().skip(skipped).take(limit);
        Ok(rows
            .map(|(at, scope)| ScopeRow { sequence: i64::try_from(at + 1).unwrap_or(i64::MAX), scope: scope.clone() })
            .collect())
    }

    fn look_up(&self, table: &str, key: &str) -> Result<Vec<String>, StoreError> {
        let ids = self.look_ups.get(&(table.to_owned(), key.to_owned()));
        Ok(ids.into_iter().flatten().take(3).cloned().collect())
    }

    fn settle(&mut self) -> Result<Vec<Dangling>, StoreError> {
        Ok(Vec::new())
    }

    fn missing_parents(&mut self) -> Result<Vec<MissingParents>, StoreError> {
        Ok(Vec::new())
    }

    fn totals(&mut self) -> Result<Vec<(String, u64, u64, u64)>, StoreError> {
        Ok(Vec::new())
    }
}
