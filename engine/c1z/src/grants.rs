//! Streams the settled grants of a working store in the order of the file.
//!
//! In: a settled store and, where nested groups were expanded, the rows that expansion derived.
//! Out: one call per grant, sorted by entitlement and principal; a derived row that meets a stored
//! grant adds its sources to it. Only the sources of one grant are held at a time.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use engine_model::{Expansion, StoreError};
use engine_proto::v2;
use rusqlite::types::ValueRef;
use rusqlite::{Row, Rows};

use crate::failure::{Doing as _, failed};
use crate::working::{IMMUTABLE, WorkingStore};

/// A grant as it goes into a file.
pub(crate) struct SettledGrant<'row> {
    pub(crate) resource_type: &'row str,
    pub(crate) resource: &'row str,
    pub(crate) slug: &'row str,
    pub(crate) principal_type: &'row str,
    pub(crate) principal: &'row str,
    pub(crate) immutable: bool,
    pub(crate) kept: Option<&'row str>,
    pub(crate) expansion: Option<v2::GrantExpandable>,
    pub(crate) sources: BTreeMap<String, bool>,
    /// Made by expansion alone.
    pub(crate) derived: bool,
}

impl SettledGrant<'_> {
    /// Writes the id of the entitlement into `into`.
    pub(crate) fn entitlement_id(&self, into: &mut String) {
        join(into, &[self.resource_type, self.resource, self.slug]);
    }

    /// Writes the id of the grant into `into`.
    pub(crate) fn id(&self, into: &mut String) {
        let parts = [self.resource_type, self.resource, self.slug, self.principal_type, self.principal];
        join(into, &parts);
    }
}

/// The parts of an id, joined by colons.
pub(crate) fn join(into: &mut String, parts: &[&str]) {
    into.clear();
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            into.push(':');
        }
        into.push_str(part);
    }
}

const STORED: &str = "
select type, resource, slug, principal_type, principal, flags, kept, expansion
from grants where missing = 0";
const STORED_FROM_OPEN: &str = "
select type, resource, slug, principal_type, principal, flags, kept, expansion
from settled_grants where missing = 0";
const ORDER: &str = " order by 1, 2, 3, 4, 5";

/// Rows of expansion: the key of the grant, the key of the source, whether that is held directly.
const DERIVED: &str = "
select n.type, n.resource, n.slug, d.principal_type, d.principal, s.type, s.resource, s.slug, d.direct
from expansion.nodes n cross join expansion.derived d on d.target = n.number
join expansion.nodes s on s.number = d.source
order by n.number, d.principal_type, d.principal, d.source";

impl WorkingStore {
    /// Calls `with` for every settled grant, with the derived ones where `expanded` says that
    /// expansion has run.
    pub(crate) fn each_grant(
        &self,
        expanded: bool,
        with: &mut dyn FnMut(SettledGrant<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let doing = || self.doing("reading the grants of");
        let names = self.type_names();
        let rules = self.expansion_rules()?;
        let open: bool = self
            .connection
            .query_row("select exists (select 1 from settled_grants)", [], |row| row.get(0))
            .doing(doing)?;
        let sql =
            if open { format!("{STORED} union all {STORED_FROM_OPEN}{ORDER}") } else { format!("{STORED}{ORDER}") };
        let mut stored = self.connection.prepare(&sql).doing(doing)?;
        let mut stored = stored.query([]).doing(doing)?;
        let mut derived = match expanded {
            true => Some(self.connection.prepare(DERIVED).doing(doing)?),
            false => None,
        };
        let mut derived = Derived::over(match &mut derived {
            Some(statement) => Some(statement.query([]).doing(doing)?),
            None => None,
        });
        let mut next = derived.next_grant(&names).doing(doing)?;
        while let Some(row) = stored.next().doing(doing)? {
            let key = Key::of(row).doing(doing)?;
            let mut sources = BTreeMap::new();
            while let Some(mut grant) = next.take() {
                match grant.key.borrowed().cmp(&key) {
                    Ordering::Less => with(grant.settled(&names))?,
                    Ordering::Equal => {
                        sources = grant.sources;
                        let mut own = String::new();
                        join(&mut own, &[name(&names, key.resource_type), key.resource, key.slug]);
                        sources.insert(own, true);
                    }
                    Ordering::Greater => {
                        next = Some(grant);
                        break;
                    }
                }
                next = derived.next_grant(&names).doing(doing)?;
            }
            with(stored_grant(row, &key, &names, &rules, sources).doing(doing)?)?;
        }
        while let Some(mut grant) = next.take() {
            with(grant.settled(&names))?;
            next = derived.next_grant(&names).doing(doing)?;
        }
        Ok(())
    }
}

/// What grants are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'row> {
    resource_type: i64,
    resource: &'row str,
    slug: &'row str,
    principal_type: i64,
    principal: &'row str,
}

impl<'row> Key<'row> {
    fn of(row: &'row Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            resource_type: row.get(0)?,
            resource: row.get_ref(1)?.as_str()?,
            slug: row.get_ref(2)?.as_str()?,
            principal_type: row.get(3)?,
            principal: row.get_ref(4)?.as_str()?,
        })
    }

    fn owned(&self) -> OwnedKey {
        OwnedKey {
            resource_type: self.resource_type,
            resource: self.resource.to_owned(),
            slug: self.slug.to_owned(),
            principal_type: self.principal_type,
            principal: self.principal.to_owned(),
        }
    }
}

struct OwnedKey {
    resource_type: i64,
    resource: String,
    slug: String,
    principal_type: i64,
    principal: String,
}

impl OwnedKey {
    fn borrowed(&self) -> Key<'_> {
        Key {
            resource_type: self.resource_type,
            resource: &self.resource,
            slug: &self.slug,
            principal_type: self.principal_type,
            principal: &self.principal,
        }
    }
}

/// A grant that expansion derived, with all its sources.
struct DerivedGrant {
    key: OwnedKey,
    sources: BTreeMap<String, bool>,
}

impl DerivedGrant {
    fn settled<'a>(&'a mut self, names: &'a Names) -> SettledGrant<'a> {
        let key = &self.key;
        SettledGrant {
            resource_type: name(names, key.resource_type),
            resource: &key.resource,
            slug: &key.slug,
            principal_type: name(names, key.principal_type),
            principal: &key.principal,
            immutable: true,
            kept: None,
            expansion: None,
            sources: std::mem::take(&mut self.sources),
            derived: true,
        }
    }
}

/// Groups the rows of expansion by grant.
struct Derived<'statement> {
    rows: Option<Rows<'statement>>,
    /// The first row of the next grant, already read.
    pending: Option<(OwnedKey, String, bool)>,
}

impl<'statement> Derived<'statement> {
    fn over(rows: Option<Rows<'statement>>) -> Self {
        Self { rows, pending: None }
    }

    fn next_grant(&mut self, names: &Names) -> rusqlite::Result<Option<DerivedGrant>> {
        let Some(rows) = &mut self.rows else {
            return Ok(None);
        };
        let mut grant = self
            .pending
            .take()
            .map(|(key, source, direct)| DerivedGrant { key, sources: BTreeMap::from([(source, direct)]) });
        while let Some(row) = rows.next()? {
            let key = Key::of(row)?;
            let mut source = String::new();
            let parts = [name(names, row.get(5)?), row.get_ref(6)?.as_str()?, row.get_ref(7)?.as_str()?];
            join(&mut source, &parts);
            let direct = row.get(8)?;
            match &mut grant {
                Some(grant) if grant.key.borrowed() == key => {
                    grant.sources.insert(source, direct);
                }
                Some(_) => {
                    self.pending = Some((key.owned(), source, direct));
                    return Ok(grant);
                }
                None => {
                    let sources = BTreeMap::from([(source, direct)]);
                    grant = Some(DerivedGrant { key: key.owned(), sources });
                }
            }
        }
        self.rows = None;
        Ok(grant)
    }
}

fn stored_grant<'row>(
    row: &'row Row<'_>,
    key: &Key<'row>,
    names: &'row Names,
    rules: &Rules,
    sources: BTreeMap<String, bool>,
) -> rusqlite::Result<SettledGrant<'row>> {
    let flags: i64 = row.get(5)?;
    let kept = match row.get_ref(6)? {
        ValueRef::Null => None,
        text => Some(text.as_str()?),
    };
    let principal_type = name(names, key.principal_type);
    let rules = row.get::<_, Option<i64>>(7)?.and_then(|number| rules.get(&number));
    Ok(SettledGrant {
        resource_type: name(names, key.resource_type),
        resource: key.resource,
        slug: key.slug,
        principal_type,
        principal: key.principal,
        immutable: flags & IMMUTABLE != 0,
        kept,
        expansion: rules.and_then(|rules| expandable(rules, principal_type, key.principal)),
        sources,
        derived: false,
    })
}

/// The expansion rules for principals of one type, as one rule.
pub(crate) struct Merged<'rules> {
    pub(crate) slugs: BTreeSet<&'rules str>,
    pub(crate) shallow: bool,
    /// Empty passes on all.
    pub(crate) resource_types: BTreeSet<&'rules str>,
}

/// Several rules for one type make one: what any of them passes on is passed on.
pub(crate) fn merged<'rules>(rules: &'rules [Expansion], principal_type: &str) -> Option<Merged<'rules>> {
    let mut found: Option<Merged<'_>> = None;
    for rule in rules.iter().filter(|rule| rule.principal_type == principal_type) {
        let types = rule.resource_types.iter().map(String::as_str);
        match &mut found {
            None => {
                found = Some(Merged { slugs: BTreeSet::new(), shallow: rule.shallow, resource_types: types.collect() });
            }
            Some(found) => {
                found.shallow &= rule.shallow;
                if found.resource_types.is_empty() || rule.resource_types.is_empty() {
                    found.resource_types.clear();
                } else {
                    found.resource_types.extend(types);
                }
            }
        }
        if let Some(found) = &mut found {
            found.slugs.extend(rule.slugs.iter().map(String::as_str));
        }
    }
    found.filter(|found| !found.slugs.is_empty())
}

fn expandable(rules: &[Expansion], principal_type: &str, principal: &str) -> Option<v2::GrantExpandable> {
    let rule = merged(rules, principal_type)?;
    let id = |slug: &&str| {
        let mut id = String::new();
        join(&mut id, &[principal_type, principal, slug]);
        id
    };
    Some(v2::GrantExpandable {
        entitlement_ids: rule.slugs.iter().map(id).collect(),
        shallow: rule.shallow,
        resource_type_ids: rule.resource_types.iter().map(|id| (*id).to_owned()).collect(),
    })
}

/// Resource type ids by number.
pub(crate) type Names = BTreeMap<i64, String>;
/// Expansion rules by number.
pub(crate) type Rules = BTreeMap<i64, Vec<Expansion>>;

fn name(names: &Names, number: i64) -> &str {
    names.get(&number).map_or("", String::as_str)
}

impl WorkingStore {
    pub(crate) fn type_names(&self) -> Names {
        self.types.iter().map(|(id, entry)| (entry.number, id.clone())).collect()
    }

    pub(crate) fn expansion_rules(&self) -> Result<Rules, StoreError> {
        let rows: Vec<(i64, String)> =
            self.read("select number, rules from expansions", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.into_iter()
            .map(|(number, text)| {
                let rules = serde_json::from_str(&text)
                    .map_err(|error| failed(self.doing("reading"), error.to_string(), None))?;
                Ok((number, rules))
            })
            .collect()
    }
}
