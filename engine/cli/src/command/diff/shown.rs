//! The rows of `engine diff`.
//!
//! In: what differs. Out: access first, as that is what people look for, then resources,
//! entitlements and types, a table each. Of a changed record, a table and CSV have a line for each
//! key that changed; JSON has the record, with the old values of those keys under `before`.

use std::fmt;

use engine_c1z::{Comparison, Difference, EntitlementFilter, GrantFilter, KeyChange, Record, ResourceFilter, Way};
use engine_json::{Map, Value};
use serde::Serialize;

use super::Arguments;
use crate::inspect::listing::{Field, Listing, text, word};
use crate::inspect::names::{Absent, Names, Recent};
use crate::inspect::{Format, Inspected, Stop};
use crate::table::{Column, Cut};

/// A record that differs, or one key of it.
#[derive(Serialize)]
pub struct Shown {
    change: Way,
    #[serde(flatten)]
    record: Record,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal_display_name: Option<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    before: Map,
    #[serde(skip)]
    id: String,
    /// The key, where each has a line.
    #[serde(skip)]
    key: Option<KeyChange>,
}

/// How many records of each kind were added, removed and changed.
#[derive(Default)]
pub struct Tally {
    counts: [[u64; 3]; 4],
}

/// Everything that differs.
pub struct Changes<'files> {
    comparison: Comparison<'files>,
    arguments: &'files Arguments,
    /// The names of what was removed are in the older file.
    old: Names<'files>,
    new: Names<'files>,
    absent: Absent,
    /// What the last walk has told.
    pub tally: Tally,
}

impl<'files> Changes<'files> {
    /// What differs between two files, as far as the command line asks for it.
    pub fn of(old: &'files Inspected, new: &'files Inspected, arguments: &'files Arguments) -> Self {
        Self {
            comparison: Comparison { old: &old.reader, new: &new.reader, ignored: &arguments.ignore },
            arguments,
            old: Names::of(&old.reader),
            new: Names::of(&new.reader),
            absent: Absent::default(),
            tally: Tally::default(),
        }
    }

    fn grants(&mut self, teller: &mut Teller<'_>) -> Result<(), Stop> {
        let principal = self.arguments.principal.clone().map(|principal| (principal.resource_type, principal.id));
        let (principal_type, principal) = principal.unzip();
        let resource_type = self.arguments.resource_type.clone();
        let filter = GrantFilter { resource_type, principal_type, principal, ..GrantFilter::default() };
        let Self { comparison, old, new, absent, .. } = self;
        // Rows of an entitlement lie together as a rule, so its resource is looked up once.
        let (mut old_resources, mut new_resources) = (Recent::default(), Recent::default());
        comparison.grants(&filter, |difference| {
            let (names, resources) = match difference.way {
                Way::Removed => (&mut *old, &mut old_resources),
                Way::Added | Way::Changed => (&mut *new, &mut new_resources),
            };
            let row = &difference.row;
            let resource = resources.name(names, &row.resource_type, &row.resource)?;
            let principal = names.name(&row.principal_type, &row.principal)?;
            absent.count(&[&resource, &principal]);
            teller.tell(difference, Record::Grant, (resource, principal))
        })
    }

    fn entitlements(&mut self, teller: &mut Teller<'_>) -> Result<(), Stop> {
        let resource_type = self.arguments.resource_type.clone();
        let filter = EntitlementFilter { resource_type, ..EntitlementFilter::default() };
        let Self { comparison, old, new, absent, .. } = self;
        let (mut old_resources, mut new_resources) = (Recent::default(), Recent::default());
        comparison.entitlements(&filter, |difference| {
            let (names, resources) = match difference.way {
                Way::Removed => (&mut *old, &mut old_resources),
                Way::Added | Way::Changed => (&mut *new, &mut new_resources),
            };
            let row = &difference.row;
            let resource = resources.name(names, &row.resource_type, &row.resource)?;
            absent.count(&[&resource]);
            teller.tell(difference, Record::Entitlement, (resource, None))
        })
    }
}

/// Turns differences into rows.
struct Teller<'walk> {
    with: &'walk mut dyn FnMut(&Shown) -> Result<(), Stop>,
    by_key: bool,
    tally: Tally,
}

impl Teller<'_> {
    fn tell<T>(
        &mut self,
        mut difference: Difference<T>,
        record: impl FnOnce(T) -> Record,
        (resource_display_name, principal_display_name): (Option<String>, Option<String>),
    ) -> Result<(), Stop> {
        let before = if self.by_key { Map::new() } else { difference.before() };
        let changes = std::mem::take(&mut difference.changes);
        let Difference { id, way, row, .. } = difference;
        let record = record(row);
        self.tally.add(&record, way);
        let mut shown =
            Shown { change: way, record, resource_display_name, principal_display_name, before, id, key: None };
        if changes.is_empty() || !self.by_key {
            return (self.with)(&shown);
        }
        for change in changes {
            shown.key = Some(change);
            (self.with)(&shown)?;
        }
        Ok(())
    }
}

impl Changes<'_> {
    fn walk(&mut self, teller: &mut Teller<'_>) -> Result<(), Stop> {
        self.grants(teller)?;
        if self.arguments.principal.is_some() {
            return Ok(());
        }
        let of = self.arguments.resource_type.as_ref();
        let filter = ResourceFilter { resource_type: of.cloned(), ..ResourceFilter::default() };
        let resource = |row| Record::Resource(Box::new(row));
        self.comparison.resources(&filter, |difference| teller.tell(difference, resource, (None, None)))?;
        self.entitlements(teller)?;
        let of = of.map(String::as_str);
        self.comparison.resource_types(of, |difference| teller.tell(difference, Record::ResourceType, (None, None)))
    }
}

const WHAT: Column<Shown> = Column { title: "WHAT", cut: Cut::First, cell: what };
const BEFORE: Column<Shown> = Column { title: "BEFORE", cut: Cut::First, cell: |shown| told(before(shown)) };
const AFTER: Column<Shown> = Column { title: "AFTER", cut: Cut::First, cell: |shown| told(after(shown)) };
const NAME: Column<Shown> = Column { title: "NAME", cut: Cut::First, cell: display_name };
const ID: Column<Shown> = Column { title: "ID", cut: Cut::Last, cell: |shown| shown.id.clone() };
const ON: Column<Shown> =
    Column { title: "ON", cut: Cut::First, cell: |shown| Absent::shown(shown.resource_display_name.as_ref()) };

const fn change(title: &'static str) -> Column<Shown> {
    Column { title, cut: Cut::Last, cell: |shown| word(&shown.change) }
}

impl Listing for Changes<'_> {
    type Row = Shown;
    const NOUN: [&'static str; 2] = ["change", "changes"];

    const COLUMNS: &'static [Column<Shown>] = &[
        Column {
            title: "ACCESS",
            cut: Cut::Last,
            cell: |shown| match shown.change {
                Way::Added => "gained".to_owned(),
                Way::Removed => "lost".to_owned(),
                Way::Changed => "changed".to_owned(),
            },
        },
        Column {
            title: "PRINCIPAL",
            cut: Cut::First,
            cell: |shown| Absent::shown(shown.principal_display_name.as_ref()),
        },
        Column { title: "PRINCIPAL ID", cut: Cut::Last, cell: |shown| joined(principal(shown)) },
        Column { title: "HOLDS", cut: Cut::First, cell: held },
        ON,
        Column { title: "RESOURCE ID", cut: Cut::Last, cell: |shown| joined(resource(shown)) },
        WHAT,
        BEFORE,
        AFTER,
    ];

    const TABLES: &'static [&'static [Column<Shown>]] = &[
        Self::COLUMNS,
        &[change("RESOURCE"), NAME, ID, WHAT, BEFORE, AFTER],
        &[change("ENTITLEMENT"), NAME, ON, ID, WHAT, BEFORE, AFTER],
        &[change("RESOURCE TYPE"), NAME, ID, WHAT, BEFORE, AFTER],
    ];

    const FIELDS: &'static [Field<Shown>] = &[
        Field { name: "change", value: |shown| word(&shown.change) },
        Field { name: "kind", value: |shown| kind(&shown.record).1[0].replace(' ', "_") },
        Field { name: "id", value: |shown| shown.id.clone() },
        Field { name: "what", value: what },
        Field { name: "before", value: |shown| exact(before(shown)) },
        Field { name: "after", value: |shown| exact(after(shown)) },
        Field { name: "display_name", value: display_name },
        Field { name: "resource_type", value: |shown| resource(shown).0.to_owned() },
        Field { name: "resource", value: |shown| resource(shown).1.to_owned() },
        Field { name: "resource_display_name", value: |shown| text(shown.resource_display_name.as_ref()) },
        Field { name: "slug", value: |shown| slug(shown).to_owned() },
        Field { name: "principal_type", value: |shown| principal(shown).0.to_owned() },
        Field { name: "principal", value: |shown| principal(shown).1.to_owned() },
        Field { name: "principal_display_name", value: |shown| text(shown.principal_display_name.as_ref()) },
    ];

    fn table(shown: &Shown) -> usize {
        kind(&shown.record).0
    }

    fn each(&mut self, with: &mut dyn FnMut(&Shown) -> Result<(), Stop>) -> Result<(), Stop> {
        self.absent = Absent::default();
        let by_key = self.arguments.output != Format::Json;
        let mut teller = Teller { with, by_key, tally: Tally::default() };
        let walked = self.walk(&mut teller);
        self.tally = teller.tally;
        walked
    }

    fn remarks(&self) -> Vec<String> {
        self.absent.remark(Self::NOUN).into_iter().collect()
    }
}

/// The place of a record's kind, and what one and several are called.
fn kind(record: &Record) -> (usize, [&'static str; 2]) {
    match record {
        Record::Grant(_) => (0, KINDS[0]),
        Record::Resource(_) => (1, KINDS[1]),
        Record::Entitlement(_) => (2, KINDS[2]),
        Record::ResourceType(_) => (3, KINDS[3]),
    }
}

const KINDS: [[&str; 2]; 4] = [
    ["grant", "grants"],
    ["resource", "resources"],
    ["entitlement", "entitlements"],
    ["resource type", "resource types"],
];

const WAYS: [Way; 3] = [Way::Added, Way::Removed, Way::Changed];

impl Tally {
    fn add(&mut self, record: &Record, way: Way) {
        let of_kind = self.counts.get_mut(kind(record).0);
        let place = WAYS.iter().position(|known| *known == way);
        if let (Some(of_kind), Some(place)) = (of_kind, place)
            && let Some(count) = of_kind.get_mut(place)
        {
            *count += 1;
        }
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.counts.iter().flatten().all(|count| *count == 0)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return formatter.write_str("no difference");
        }
        let mut parts = Vec::new();
        for (counts, [one, many]) in self.counts.iter().zip(KINDS) {
            for (count, way) in counts.iter().zip(WAYS).filter(|(count, _)| **count > 0) {
                parts.push(format!("{count} {} {}", if *count == 1 { one } else { many }, word(&way)));
            }
        }
        formatter.write_str(&parts.join(", "))
    }
}

fn display_name(shown: &Shown) -> String {
    match &shown.record {
        Record::Grant(_) => String::new(),
        Record::Resource(row) => row.display_name.clone(),
        Record::Entitlement(row) => row.display_name.clone(),
        Record::ResourceType(row) => row.display_name.clone(),
    }
}

/// Type and id of the resource that a record is, or is on.
fn resource(shown: &Shown) -> (&str, &str) {
    match &shown.record {
        Record::Grant(row) => (&row.resource_type, &row.resource),
        Record::Resource(row) => (&row.resource_type, &row.id),
        Record::Entitlement(row) => (&row.resource_type, &row.resource),
        Record::ResourceType(row) => (&row.id, ""),
    }
}

/// Type and id of the holder.
fn principal(shown: &Shown) -> (&str, &str) {
    match &shown.record {
        Record::Grant(row) => (&row.principal_type, &row.principal),
        Record::Resource(_) | Record::Entitlement(_) | Record::ResourceType(_) => ("", ""),
    }
}

fn slug(shown: &Shown) -> &str {
    match &shown.record {
        Record::Grant(row) => &row.slug,
        Record::Entitlement(row) => &row.slug,
        Record::Resource(_) | Record::ResourceType(_) => "",
    }
}

/// The slug, or the whole id in a file that does not tell the slug.
fn held(shown: &Shown) -> String {
    match &shown.record {
        Record::Grant(row) if row.slug.is_empty() => row.entitlement.clone(),
        _ => slug(shown).to_owned(),
    }
}

fn joined((of, id): (&str, &str)) -> String {
    format!("{of}:{id}")
}

fn what(shown: &Shown) -> String {
    shown.key.as_ref().map(KeyChange::path).unwrap_or_default()
}

fn before(shown: &Shown) -> Option<&Value> {
    shown.key.as_ref().and_then(|key| key.before.as_ref())
}

fn after(shown: &Shown) -> Option<&Value> {
    shown.key.as_ref().and_then(|key| key.after.as_ref())
}

/// A value as it is: a text, or JSON.
fn exact(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::String(text)) => text.to_string(),
        Some(value) => value.to_string(),
    }
}

/// A value for people: lists without brackets, resources by type and id, the main one of several
/// addresses marked, and of the sources of a grant the entitlements.
fn told(value: Option<&Value>) -> String {
    match value {
        Some(Value::Array(items)) => items.iter().map(|item| told(Some(item))).collect::<Vec<_>>().join(", "),
        Some(Value::Object(map)) if !map.is_empty() && map.values().all(Value::is_boolean) => {
            map.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
        }
        Some(Value::Object(map)) if map.len() == 2 => {
            let part = |key: &str| map.get(key).and_then(Value::as_str);
            match (part("resource_type"), part("id"), part("address"), map.get("is_primary")) {
                (Some(of), Some(id), ..) => joined((of, id)),
                (_, _, Some(address), Some(Value::Bool(true))) => format!("{address} (main)"),
                (_, _, Some(address), Some(_)) => address.to_owned(),
                _ => exact(value),
            }
        }
        _ => exact(value),
    }
}

#[cfg(test)]
mod tests {
    use engine_json::json;

    use super::*;

    #[test]
    fn counts_are_told_by_kind_and_way() {
        let tally = Tally { counts: [[1, 2, 0], [0, 0, 3], [0; 3], [0, 1, 0]] };
        let expected = "1 grant added, 2 grants removed, 3 resources changed, 1 resource type removed";
        assert_eq!((tally.to_string().as_str(), tally.is_empty()), (expected, false));
        assert_eq!((Tally::default().to_string().as_str(), Tally::default().is_empty()), ("no difference", true));
    }

    #[test]
    fn people_read_values_and_programs_get_them_whole() {
        let address = |address: &str, is_primary: bool| json!({"address": address, "is_primary": is_primary});
        let values = [
            (json!(["user", "group"]), "user, group"),
            (json!({"resource_type": "org", "id": "o1"}), "org:o1"),
            (json!([]), ""),
            (json!(false), "false"),
            (json!({"g:1": true, "g:2": false}), "g:1, g:2"),
            (json!({"x": 1}), "{\"x\":1}"),
        ];
        for (value, to_people) in values {
            assert_eq!(told(Some(&value)), to_people);
            assert_eq!(serde_json::from_str::<Value>(&exact(Some(&value))).unwrap(), value);
        }
        assert_eq!(exact(Some(&json!("a, b"))), "a, b");
        assert_eq!(told(Some(&json!([address("a@x", true), address("b@x", false)]))), "a@x (main), b@x");
        assert_eq!((told(None), exact(None)), (String::new(), String::new()));
    }
}
