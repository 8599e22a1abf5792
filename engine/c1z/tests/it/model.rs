//! A store against a plain model of it: random pages, committed, refused, settled and resumed in any
//! order, say the same as lists in memory that are gone through again and again.
//!
//! In: random pages. Out: nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use engine_c1z::{ReadError, ReadOptions, Reader, Record, WorkingStore};
use engine_json::json;
use engine_model::{
    Dangling, Entitlement, EntitlementRef, Expansion, Grant, MissingParents, MissingReference, Page, Principal,
    Resource, ResourceRef, Store as _, Tally,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{bare, member_of, open, open_lines, seal, types, user};

/// In the order of their numbers.
const TYPES: [&str; 3] = ["group", "site", "user"];
/// Zeros and colons sort and join in their own ways; the last but one sorts between others byte by byte.
const IDS: [&str; 7] = ["a", "b", "a\0", "a\0b", "a:b", "a\u{1}", "é"];
const SLUGS: [&str; 3] = ["member", "admin", "adm\0in"];
const CANDIDATES: [&[usize]; 6] = [&[2], &[0], &[1], &[2, 0], &[0, 2], &[1, 2, 0]];
const RULES: u32 = 6;

/// What the rule of a grant says, by its number.
fn expands(rule: u32) -> Vec<Expansion> {
    let to = |principal_type: &str, slugs: &[&str], shallow: bool, types: &[&str]| Expansion {
        principal_type: principal_type.to_owned(),
        slugs: slugs.iter().map(|slug| (*slug).to_owned()).collect(),
        shallow,
        resource_types: types.iter().map(|id| (*id).to_owned()).collect(),
    };
    match rule {
        1 => vec![to("group", &["member"], false, &[])],
        2 => vec![to("group", &["member", "admin"], true, &[])],
        3 => vec![to("group", &["member"], false, &["user"])],
        4 => vec![
            to("group", &["member"], true, &["user"]),
            to("group", &["admin"], false, &["site", "group"]),
            to("user", &["adm\0in"], false, &[]),
        ],
        _ => Vec::new(),
    }
}

#[derive(Clone, Debug)]
struct MadeResource {
    kind: usize,
    id: usize,
    name: u8,
    /// A type, where 3 is none that was declared, and an id.
    parent: Option<(usize, usize)>,
}

#[derive(Clone, Debug)]
struct MadeEntitlement {
    on: (usize, usize, usize),
    name: u8,
}

#[derive(Clone, Debug)]
struct MadeGrant {
    on: (usize, usize, usize),
    candidates: usize,
    principal: usize,
    rule: u32,
    kept: Option<u8>,
}

#[derive(Clone, Debug)]
struct MadePage {
    rank: u8,
    resources: Vec<MadeResource>,
    entitlements: Vec<MadeEntitlement>,
    grants: Vec<MadeGrant>,
}

#[derive(Clone, Debug)]
enum Step {
    Commit(Vec<MadePage>),
    /// A transaction that fails at its last record.
    Refused(Vec<MadePage>),
    Settle,
    Resume,
}

fn entitlement_place() -> impl Strategy<Value = (usize, usize, usize)> {
    (prop_oneof![6 => Just(0_usize), 1 => Just(1), 1 => Just(2)], 0..IDS.len(), 0..SLUGS.len())
}

fn made_page() -> impl Strategy<Value = MadePage> {
    let resource = (0..3_usize, 0..IDS.len(), 0..3_u8, prop::option::of((0..4_usize, 0..IDS.len())))
        .prop_map(|(kind, id, name, parent)| MadeResource { kind, id, name, parent });
    let entitlement = (entitlement_place(), 0..2_u8).prop_map(|(on, name)| MadeEntitlement { on, name });
    let grant = (entitlement_place(), 0..CANDIDATES.len(), 0..IDS.len(), 0..RULES, prop::option::of(0..2_u8))
        .prop_map(|(on, candidates, principal, rule, kept)| MadeGrant { on, candidates, principal, rule, kept });
    (0..3_u8, vec(resource, 0..12), vec(entitlement, 0..12), vec(grant, 0..24))
        .prop_map(|(rank, resources, entitlements, grants)| MadePage { rank, resources, entitlements, grants })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => vec(made_page(), 1..3).prop_map(Step::Commit),
        1 => vec(made_page(), 1..3).prop_map(Step::Refused),
        1 => Just(Step::Settle),
        1 => Just(Step::Resume),
    ];
    vec(step, 1..8)
}

/// Few groups that are all there and lie in each other all over, so that circles and merged edges are many.
fn knotted() -> impl Strategy<Value = Vec<Step>> {
    let place = || (Just(0_usize), 0..4_usize, 0..2_usize);
    let nesting = (place(), 0..4_usize, 1..5_u32);
    let nesting =
        nesting.prop_map(|(on, principal, rule)| MadeGrant { on, candidates: 1, principal, rule, kept: None });
    let holding = (place(), 0..4_usize, prop_oneof![Just(0_usize), Just(2)]);
    let holding =
        holding.prop_map(|(on, principal, candidates)| MadeGrant { on, candidates, principal, rule: 0, kept: None });
    (vec(nesting, 1..14), vec(holding, 0..6)).prop_map(|(nestings, holdings)| {
        let both = [0, 2].into_iter().flat_map(|kind| (0..4).map(move |id| (kind, id)));
        let resources = both.map(|(kind, id)| MadeResource { kind, id, name: 0, parent: None }).collect();
        let places = (0..4).flat_map(|id| (0..2).map(move |slug| (0, id, slug)));
        let entitlements = places.map(|on| MadeEntitlement { on, name: 0 }).collect();
        let grants = nestings.into_iter().chain(holdings).collect();
        vec![Step::Commit(vec![MadePage { rank: 0, resources, entitlements, grants }])]
    })
}

fn held((kind, id, slug): (usize, usize, usize)) -> EntitlementRef {
    EntitlementRef { resource: ResourceRef::new(TYPES[kind], IDS[id]), slug: SLUGS[slug].to_owned() }
}

fn tally(name: &str) -> Tally {
    Tally { list: "model".to_owned(), name: name.to_owned(), add: 1 }
}

impl MadeResource {
    fn to_resource(&self) -> Resource {
        let id = ResourceRef::new(TYPES[self.kind], IDS[self.id]);
        let parent = self.parent.map(|(kind, id)| ResourceRef::new(*TYPES.get(kind).unwrap_or(&"ghost"), IDS[id]));
        let made = if self.kind == 2 { user(&id.id) } else { bare(id, engine_model::TraitData::None) };
        Resource { display_name: format!("name {}", self.name), parent, ..made }
    }
}

impl MadePage {
    fn to_page(&self) -> Page {
        let scope = |made: &MadeResource| (made.kind == 0).then(|| json!({ "name": made.name, "rank": self.rank }));
        let entitlement = |made: &MadeEntitlement| Entitlement {
            id: held(made.on),
            display_name: format!("name {}", made.name),
            ..member_of("x")
        };
        let grant = |made: &MadeGrant| Grant {
            entitlement: held(made.on),
            principal: Principal {
                types: CANDIDATES[made.candidates].iter().map(|kind| TYPES[*kind].to_owned()).collect(),
                id: IDS[made.principal].to_owned(),
            },
            expands: expands(made.rule),
            immutable: made.rule == 4,
            kept: made.kept.map(|kept| ("kept".to_owned(), json!(kept))).into_iter().collect(),
            rule: made.rule,
            missing: if made.rule == 5 { MissingReference::Drop } else { MissingReference::Incomplete },
        };
        Page {
            rank: format!("000{}", self.rank),
            resources: self.resources.iter().map(|made| (made.to_resource(), scope(made))).collect(),
            entitlements: self.entitlements.iter().map(entitlement).collect(),
            grants: self.grants.iter().map(grant).collect(),
            repeated_resources: TYPES.iter().map(|id| ((*id).to_owned(), tally(id))).collect(),
            repeated_grants: Some(tally("grants")),
            conflicting_entitlements: Some(tally("conflicts")),
            ..Page::default()
        }
    }
}

type Key = (usize, String, String, usize, String);
/// Rank and name.
type Ranked = (u8, u8);

/// A grant as the model has it.
#[derive(Clone, Debug, PartialEq)]
struct Settled {
    immutable: bool,
    kept: Option<u8>,
    expands: Option<(BTreeSet<String>, bool, BTreeSet<String>)>,
    sources: BTreeMap<String, bool>,
}

#[derive(Debug, Default, PartialEq)]
struct Said {
    resources: Vec<(usize, String, String, Option<String>)>,
    entitlements: Vec<(usize, String, String, String)>,
    grants: Vec<(Key, Settled)>,
    derived: Vec<(Key, BTreeMap<String, bool>)>,
}

/// Everything that was committed, in its order.
#[derive(Default)]
struct Model {
    pages: Vec<MadePage>,
}

#[derive(Default)]
struct Counted {
    totals: [[u64; 3]; 3],
    tallies: BTreeMap<String, i64>,
    dangling: BTreeMap<(u32, bool, bool), (u64, BTreeSet<String>)>,
    missing_parents: BTreeMap<usize, (u64, BTreeSet<String>)>,
    /// In the order in which they came first, by type and id.
    scopes: Vec<(u8, u8)>,
}

impl Model {
    fn resources(&self) -> BTreeMap<(usize, &'static str), Vec<(u8, &MadeResource)>> {
        let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for page in &self.pages {
            for made in &page.resources {
                all.entry((made.kind, IDS[made.id])).or_default().push((page.rank, made));
            }
        }
        // Stable: of one rank the one that came first.
        all.values_mut().for_each(|those| those.sort_by_key(|(rank, _)| *rank));
        all
    }

    fn say(&self, expand: bool) -> (Said, Counted) {
        let (mut said, mut counted) = (Said::default(), Counted::default());
        let resources = self.resources();
        for ((kind, id), those) in &resources {
            let (_, first) = those[0];
            counted.totals[*kind][0] += 1;
            *counted.tallies.entry(TYPES[*kind].to_owned()).or_default() += those.len() as i64 - 1;
            let parent = first.parent.map(|(kind, id)| (kind, IDS[id]));
            let name = |(kind, id): (usize, &str)| format!("{}:{id}", TYPES.get(kind).unwrap_or(&"ghost"));
            if let Some(parent) = parent.filter(|parent| !resources.contains_key(parent)) {
                let missing = counted.missing_parents.entry(*kind).or_default();
                missing.0 += 1;
                missing.1.insert(name(parent));
            }
            said.resources.push((*kind, (*id).to_owned(), format!("name {}", first.name), parent.map(name)));
        }
        let mut seen = BTreeSet::new();
        for page in &self.pages {
            let mut sorted: Vec<_> = page.resources.iter().filter(|made| made.kind == 0).collect();
            sorted.sort_by_key(|made| IDS[made.id]);
            for made in sorted {
                if seen.insert(made.id) {
                    let (rank, first) = resources[&(0, IDS[made.id])][0];
                    counted.scopes.push((first.name, rank));
                }
            }
        }

        let mut entitlements: BTreeMap<_, Vec<Ranked>> = BTreeMap::new();
        for page in &self.pages {
            for MadeEntitlement { on: (kind, id, slug), name } in &page.entitlements {
                entitlements.entry((*kind, IDS[*id], SLUGS[*slug])).or_default().push((page.rank, *name));
            }
        }
        for ((kind, id, slug), those) in &mut entitlements {
            those.sort_by_key(|(rank, _)| *rank);
            let conflicts = those.iter().filter(|(_, name)| *name != those[0].1).count();
            *counted.tallies.entry("conflicts".to_owned()).or_default() += conflicts as i64;
            counted.totals[*kind][1] += 1;
            let name = format!("name {}", those[0].1);
            said.entitlements.push((*kind, (*id).to_owned(), (*slug).to_owned(), name));
        }

        let mut grants: BTreeMap<_, Vec<&MadeGrant>> = BTreeMap::new();
        for made in self.pages.iter().flat_map(|page| &page.grants) {
            let (kind, id, slug) = made.on;
            let principal = IDS[made.principal];
            let found = match CANDIDATES[made.candidates] {
                [only] => Some(*only),
                kinds => kinds.iter().copied().find(|kind| resources.contains_key(&(*kind, principal))),
            };
            grants.entry((kind, IDS[id], SLUGS[slug], found, principal)).or_default().push(made);
        }
        let mut direct: BTreeMap<Node, BTreeSet<(usize, String)>> = BTreeMap::new();
        let mut edges = Vec::new();
        for ((kind, id, slug, found, principal), those) in &mut grants {
            let order = |made: &&MadeGrant| {
                let kinds = CANDIDATES[made.candidates];
                (kinds.len() > 1, made.rule, made.kept, kinds)
            };
            those.sort_by_key(order);
            let lists: BTreeSet<usize> = those.iter().map(|made| made.candidates).collect();
            *counted.tallies.entry("grants".to_owned()).or_default() += (those.len() - lists.len()) as i64;
            let made = those[0];
            let is_held = entitlements.contains_key(&(*kind, *id, *slug));
            let there = found.filter(|found| is_held && resources.contains_key(&(*found, *principal)));
            let Some(found) = there else {
                let missing = counted.dangling.entry((made.rule, is_held, made.rule == 5)).or_default();
                missing.0 += 1;
                missing.1.insert(if is_held {
                    let kinds: Vec<&str> = CANDIDATES[made.candidates].iter().map(|kind| TYPES[*kind]).collect();
                    format!("{}:{principal}", kinds.join("|"))
                } else {
                    format!("{}:{id}:{slug}", TYPES[*kind])
                });
                continue;
            };
            counted.totals[*kind][2] += 1;
            let target = (*kind, (*id).to_owned(), (*slug).to_owned());
            direct.entry(target.clone()).or_default().insert((found, (*principal).to_owned()));
            let rules: Vec<Expansion> =
                expands(made.rule).into_iter().filter(|rule| rule.principal_type == TYPES[found]).collect();
            let slugs: BTreeSet<&str> = rules.iter().flat_map(|rule| rule.slugs.iter().map(String::as_str)).collect();
            let shallow = rules.iter().all(|rule| rule.shallow);
            let is_open = rules.iter().any(|rule| rule.resource_types.is_empty());
            let filter: BTreeSet<String> = match is_open {
                true => BTreeSet::new(),
                false => rules.iter().flat_map(|rule| rule.resource_types.iter().cloned()).collect(),
            };
            for slug in &slugs {
                if entitlements.contains_key(&(found, *principal, *slug)) {
                    let source = (found, (*principal).to_owned(), (*slug).to_owned());
                    edges.push((source, target.clone(), shallow, filter.clone()));
                }
            }
            let ids = slugs.iter().map(|slug| format!("{}:{principal}:{slug}", TYPES[found])).collect();
            let key = (target.0, target.1, target.2, found, (*principal).to_owned());
            let settled = Settled {
                immutable: made.rule == 4,
                kept: made.kept,
                expands: (!slugs.is_empty()).then_some((ids, shallow, filter)),
                sources: BTreeMap::new(),
            };
            said.grants.push((key, settled));
        }
        said.grants.sort_by(|one, other| one.0.cmp(&other.0));
        if expand {
            expand_naively(&mut said, &direct, &edges);
        }
        (said, counted)
    }
}

type Node = (usize, String, String);
/// Whether it is shallow, and for which types.
type Rule = (bool, BTreeSet<String>);
/// Entitlements that are one.
type Circle<'n> = BTreeSet<&'n Node>;
type Nesting = (Node, Node, bool, BTreeSet<String>);

/// Goes round until nothing more follows.
fn expand_naively(said: &mut Said, direct: &BTreeMap<Node, BTreeSet<(usize, String)>>, edges: &[Nesting]) {
    let nodes: BTreeSet<&Node> = edges.iter().flat_map(|edge| [&edge.0, &edge.1]).collect();
    let mut reach: BTreeSet<(&Node, &Node)> = edges.iter().map(|edge| (&edge.0, &edge.1)).collect();
    loop {
        let further: Vec<_> = (reach.iter())
            .flat_map(|(from, over)| reach.iter().filter(move |(at, _)| at == over).map(move |(_, to)| (*from, *to)))
            .filter(|pair| !reach.contains(pair))
            .collect();
        if further.is_empty() {
            break;
        }
        reach.extend(further);
    }
    let circle = |one: &Node| -> BTreeSet<&Node> {
        let mut all: BTreeSet<&Node> = (nodes.iter().copied())
            .filter(|other| {
                nodes.get(one).is_some_and(|one| reach.contains(&(*one, *other)) && reach.contains(&(*other, *one)))
            })
            .collect();
        all.extend(nodes.get(one));
        all
    };
    // Between circles, merged.
    let mut merged: BTreeMap<(Circle<'_>, Circle<'_>), Rule> = BTreeMap::new();
    for (source, target, shallow, types) in edges {
        let (source, target) = (circle(source), circle(target));
        if source == target {
            continue;
        }
        merged
            .entry((source, target))
            .and_modify(|known| {
                known.0 &= shallow;
                if known.1.is_empty() || types.is_empty() {
                    known.1.clear();
                } else {
                    known.1.extend(types.iter().cloned());
                }
            })
            .or_insert((*shallow, types.clone()));
    }
    let mut derived: BTreeMap<Key, BTreeMap<String, bool>> = BTreeMap::new();
    let none = BTreeSet::new();
    loop {
        let before = derived.clone();
        for ((sources, targets), (shallow, types)) in &merged {
            let passes = |kind: usize| types.is_empty() || types.contains(TYPES[kind]);
            for source in sources {
                let id = format!("{}:{}:{}", TYPES[source.0], source.1, source.2);
                let held: Vec<_> = direct.get(source).unwrap_or(&none).iter().cloned().collect();
                let by_expansion =
                    before.keys().filter(|key| !shallow && (key.0, &key.1, &key.2) == (source.0, &source.1, &source.2));
                let by_expansion: Vec<_> = by_expansion.map(|key| (key.3, key.4.clone())).collect();
                for (those, is_direct) in [(held, true), (by_expansion, false)] {
                    for (kind, principal) in those.into_iter().filter(|(kind, _)| passes(*kind)) {
                        for target in targets {
                            let key = (target.0, target.1.clone(), target.2.clone(), kind, principal.clone());
                            let sources = derived.entry(key).or_default();
                            *sources.entry(id.clone()).or_default() |= is_direct;
                        }
                    }
                }
            }
        }
        if derived == before {
            break;
        }
    }
    for (key, settled) in &mut said.grants {
        if let Some(mut sources) = derived.remove(key) {
            sources.insert(format!("{}:{}:{}", TYPES[key.0], key.1, key.2), true);
            settled.sources = sources;
        }
    }
    said.derived = derived.into_iter().collect();
}

/// What lines say; they must be in the order of keys.
fn said_by(lines: &str) -> Said {
    let mut said = Said::default();
    let kind = |id: &serde_json::Value| TYPES.iter().position(|known| *known == id).unwrap();
    let text = |of: &serde_json::Value| of.as_str().unwrap().to_owned();
    let mut keys: Vec<Key> = Vec::new();
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        match line["kind"].as_str().unwrap() {
            "resource" => {
                let parent = line.get("parent").map(|of| format!("{}:{}", text(&of["resource_type"]), text(&of["id"])));
                let (of, id) = (kind(&line["resource_type"]), text(&line["id"]));
                said.resources.push((of, id, text(&line["display_name"]), parent));
            }
            "entitlement" => {
                let (of, resource) = (kind(&line["resource_type"]), text(&line["resource"]));
                said.entitlements.push((of, resource, text(&line["slug"]), text(&line["display_name"])));
            }
            "grant" => {
                let key = (
                    kind(&line["resource_type"]),
                    text(&line["resource"]),
                    text(&line["slug"]),
                    kind(&line["principal_type"]),
                    text(&line["principal"]),
                );
                keys.push(key.clone());
                let texts = |of: &serde_json::Value| of.as_array().into_iter().flatten().map(text).collect();
                let sources: BTreeMap<String, bool> =
                    line.get("sources").map(|of| serde_json::from_value(of.clone()).unwrap()).unwrap_or_default();
                let own = format!("{}:{}:{}", TYPES[key.0], key.1, key.2);
                let is_derived = !sources.is_empty() && !sources.contains_key(&own);
                if is_derived {
                    assert_eq!((&line["immutable"], line.get("kept")), (&true.into(), None));
                    said.derived.push((key, sources));
                    continue;
                }
                let settled = Settled {
                    immutable: line["immutable"].as_bool().unwrap(),
                    kept: line.get("kept").map(|kept| kept["kept"].as_u64().unwrap() as u8),
                    expands: line.get("expands").map(|of| {
                        let shallow = of.get("shallow").is_some_and(|shallow| *shallow == true);
                        (texts(&of["entitlements"]), shallow, of.get("resource_types").map(texts).unwrap_or_default())
                    }),
                    sources,
                };
                said.grants.push((key, settled));
            }
            _ => {}
        }
    }
    assert!(keys.is_sorted() && keys.windows(2).all(|pair| pair[0] != pair[1]), "{keys:?}");
    said
}

fn smallest(samples: BTreeSet<String>) -> Vec<String> {
    samples.into_iter().take(5).collect()
}

fn assert_counted(store: &mut WorkingStore, counted: Counted) {
    let totals = TYPES.iter().zip(counted.totals).map(|(id, [one, two, three])| ((*id).to_owned(), one, two, three));
    assert_eq!(store.totals().unwrap(), totals.collect::<Vec<_>>());
    let tallies: BTreeMap<String, i64> =
        store.tallies().unwrap().into_iter().map(|tally| (tally.name, tally.add)).collect();
    let expected: BTreeMap<String, i64> = counted.tallies.into_iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(tallies, expected);
    let dangling = counted.dangling.into_iter().map(|((rule, principal_missing, expected), (count, samples))| {
        Dangling { rule, expected, principal_missing, count, samples: smallest(samples) }
    });
    assert_eq!(store.settle().unwrap(), dangling.collect::<Vec<_>>());
    let missing = counted.missing_parents.into_iter().map(|(kind, (count, samples))| MissingParents {
        resource_type: TYPES[kind].to_owned(),
        count,
        samples: smallest(samples),
    });
    assert_eq!(store.missing_parents().unwrap(), missing.collect::<Vec<_>>());
    let scopes = store.scope_rows("group", 0, 1_000).unwrap();
    assert!(scopes.is_sorted_by(|one, other| one.sequence < other.sequence));
    let scopes: Vec<_> = scopes.into_iter().map(|row| row.scope).collect();
    let expected = counted.scopes.into_iter().map(|(name, rank)| json!({ "name": name, "rank": rank }));
    assert_eq!(scopes, expected.collect::<Vec<_>>());
}

fn lines(store: &mut WorkingStore, expand: bool) -> String {
    let mut lines = Vec::new();
    store.write_lines(&mut lines, expand).unwrap();
    String::from_utf8(lines).unwrap()
}

/// What the reader says of the sealed file, as lines.
fn sealed(store: &mut WorkingStore, target: &Path, expand: bool) -> String {
    seal(store, expand);
    let reader = Reader::open(target, &ReadOptions::default()).unwrap();
    let mut read = String::new();
    reader
        .each_record(|record: Record| {
            read.push_str(&serde_json::to_string(&record).unwrap());
            read.push('\n');
            Ok::<(), ReadError>(())
        })
        .unwrap();
    read
}

fn with_steps(steps: &[Step], open: fn(&Path) -> WorkingStore, target: &Path) -> (WorkingStore, Model) {
    let mut model = Model::default();
    let mut store = open(target);
    store.declare(&types()).unwrap();
    for step in steps {
        match step {
            Step::Commit(pages) => {
                store.commit_all(pages.iter().map(MadePage::to_page).collect()).unwrap();
                model.pages.extend(pages.iter().cloned());
            }
            Step::Refused(pages) => {
                let mut pages: Vec<Page> = pages.iter().map(MadePage::to_page).collect();
                let last = pages.last_mut().unwrap();
                let refused = Grant {
                    entitlement: held((0, 0, 0)),
                    principal: Principal { types: vec!["user".to_owned()], id: "z".repeat(2_000) },
                    expands: Vec::new(),
                    immutable: true,
                    kept: engine_json::Map::new(),
                    rule: 99,
                    missing: MissingReference::Incomplete,
                };
                let grants = last.grants.iter().map(|grant| grant.to_grant()).chain([refused]).collect();
                last.grants = grants;
                last.repeated_grants = Some(tally("refused"));
                store.commit_all(pages).unwrap_err();
            }
            Step::Settle => assert_counted(&mut store, model.say(false).1),
            Step::Resume => {
                drop(store);
                store = open(target);
                assert_eq!(store.start(), &engine_c1z::Start::Resumed);
                store.declare(&types()).unwrap();
            }
        }
    }
    (store, model)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 384, max_shrink_iters: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn a_store_says_what_a_plain_model_says(steps in prop_oneof![steps(), knotted()]) {
        let directory = tempfile::tempdir().unwrap();
        let (mut store, model) = with_steps(&steps, open_lines, &directory.path().join("sync.jsonl"));
        for expand in [false, true] {
            let (said, counted) = model.say(expand);
            let found = said_by(&lines(&mut store, expand));
            prop_assert_eq!(&found.resources, &said.resources);
            prop_assert_eq!(&found.entitlements, &said.entitlements);
            prop_assert_eq!(&found.grants, &said.grants);
            prop_assert_eq!(&found.derived, &said.derived);
            assert_counted(&mut store, counted);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 500, ..ProptestConfig::default() })]
    #[test]
    fn a_sealed_file_says_what_the_lines_say(steps in steps(), expand: bool) {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("sync.c1z");
        let (mut store, _) = with_steps(&steps, open, &target);
        let (mut other, _) = with_steps(&steps, open_lines, &directory.path().join("sync.jsonl"));
        let (sealed, lines) = (sealed(&mut store, &target, expand), lines(&mut other, expand));
        for (sealed, line) in sealed.lines().zip(lines.lines()) {
            prop_assert_eq!(sealed, line);
        }
        prop_assert_eq!(sealed.len(), lines.len());
    }
}
