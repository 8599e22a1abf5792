//! Nested groups: what follows from what, as the format's readers see it.
//!
//! In: groups in groups. Out: nothing.

use engine_c1z::{GrantFilter, GrantRow, ReadError, ReadOptions, Reader, Sealed};
use engine_model::{Entitlement, EntitlementRef, Grant, Page, ResourceRef, Store as _};

use crate::support::{
    database, grant, group, lines_of, member_of, nested, open, open_lines, page, seal, texts, types, user,
};

/// Seals groups and users with grants, expanded; gives each grant as `group<principal sources`.
fn expanded(groups: &[&str], users: &[&str], grants: Vec<Grant>) -> (Vec<String>, Sealed, Vec<GrantRow>) {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    let mut store = open(&target);
    store.declare(&types()).unwrap();
    let resources = groups.iter().map(|id| group(id)).chain(users.iter().map(|id| user(id))).collect();
    let entitlements = groups.iter().map(|id| member_of(id)).collect();
    store.commit(Page { entitlements, grants: grants.into(), ..page(resources) }).unwrap();
    let sealed = seal(&mut store, true);
    let reader = Reader::open(&target, &ReadOptions::default()).unwrap();
    let mut rows = Vec::new();
    reader
        .each_grant(&GrantFilter::default(), |row| {
            rows.push(row);
            Ok::<(), ReadError>(())
        })
        .unwrap();
    let shown = rows
        .iter()
        .map(|row| {
            let sources: Vec<String> = row
                .sources
                .iter()
                .map(|(id, direct)| {
                    let group = id.split(':').nth(1).unwrap();
                    format!(" {group}{}", if *direct { "!" } else { "" })
                })
                .collect();
            format!("{}<{}{}", row.resource, row.principal, sources.concat())
        })
        .collect();
    let order = "select count(*) from v1_grants a, v1_grants b where a.id < b.id and a.external_id > b.external_id";
    let database = database(&target);
    let wrong: i64 = database.query_row(order, [], |row| row.get(0)).unwrap();
    assert_eq!(wrong, 0, "{:?}", texts(&database, "select external_id from v1_grants order by id"));
    (shown, sealed, rows)
}

#[test]
fn members_of_an_inner_group_are_members_of_the_outer_one() {
    let (shown, sealed, rows) = expanded(
        &["g1", "g2"],
        &["u1", "u2"],
        vec![nested("g1", "g2", false, &["user"]), grant("g1", "user", "u1"), grant("g2", "user", "u2")],
    );
    assert_eq!(shown, ["g1<g2", "g1<u1", "g1<u2 g2!", "g2<u2"]);
    assert_eq!((sealed.totals.grants, sealed.derived_grants, sealed.circles), (4, 1, 0));
    let derived = &rows[2];
    assert_eq!(derived.id, "group:g1:member:user:u2");
    assert!(derived.immutable && derived.expands.is_none());
    assert!(rows[0].expands.is_some(), "the nesting itself stays");
}

#[test]
fn second_hand_members_are_not_direct_and_groups_pass_on_too_when_unfiltered() {
    let (shown, ..) = expanded(
        &["g1", "g2", "g3"],
        &["u1"],
        vec![nested("g1", "g2", false, &[]), nested("g2", "g3", false, &[]), grant("g3", "user", "u1")],
    );
    assert_eq!(shown, ["g1<g2", "g1<g3 g2!", "g1<u1 g2", "g2<g3", "g2<u1 g3!", "g3<u1"]);
}

#[test]
fn a_direct_holder_keeps_the_grant_and_gets_both_sources() {
    let (shown, sealed, rows) = expanded(
        &["g1", "g2"],
        &["u1"],
        vec![nested("g1", "g2", false, &["user"]), grant("g1", "user", "u1"), grant("g2", "user", "u1")],
    );
    assert_eq!(shown, ["g1<g2", "g1<u1 g1! g2!", "g2<u1"]);
    assert!(!rows[1].immutable);
    assert_eq!(sealed.derived_grants, 0);
}

#[test]
fn a_diamond_gives_two_sources() {
    let (shown, ..) = expanded(
        &["top", "left", "right", "below"],
        &["u1"],
        vec![
            nested("top", "left", false, &["user"]),
            nested("top", "right", false, &["user"]),
            nested("left", "below", false, &["user"]),
            nested("right", "below", false, &["user"]),
            grant("below", "user", "u1"),
        ],
    );
    assert!(shown.contains(&"top<u1 left right".to_owned()), "{shown:?}");
    assert!(shown.contains(&"left<u1 below!".to_owned()), "{shown:?}");
}

#[test]
fn shallow_passes_on_direct_holders_only() {
    let (shown, ..) = expanded(
        &["g1", "g2", "g3"],
        &["u2", "u3", "both"],
        vec![
            nested("g1", "g2", true, &["user"]),
            nested("g2", "g3", false, &["user"]),
            grant("g2", "user", "u2"),
            grant("g3", "user", "u3"),
            grant("g2", "user", "both"),
            grant("g3", "user", "both"),
        ],
    );
    let of_g1: Vec<&String> = shown.iter().filter(|row| row.starts_with("g1<")).collect();
    assert_eq!(of_g1, ["g1<g2", "g1<both g2!", "g1<u2 g2!"]);
}

#[test]
fn a_circle_is_fed_and_feeds_as_one_but_shares_nothing_inside() {
    let (shown, sealed, _) = expanded(
        &["in", "a", "b", "out"],
        &["u0", "ua", "ub"],
        vec![
            nested("a", "b", false, &["user"]),
            nested("b", "a", false, &["user"]),
            nested("a", "in", false, &["user"]),
            nested("out", "b", false, &["user"]),
            grant("in", "user", "u0"),
            grant("a", "user", "ua"),
            grant("b", "user", "ub"),
        ],
    );
    assert_eq!(
        shown,
        [
            "a<b",
            "a<in",
            "a<u0 in!",
            "a<ua",
            "b<a",
            "b<u0 in!",
            "b<ub",
            "in<u0",
            "out<b",
            "out<u0 a b",
            "out<ua a!",
            "out<ub b!",
        ]
    );
    assert_eq!(sealed.circles, 1);
}

#[test]
fn sources_that_are_not_there_are_skipped() {
    let mut missing = nested("g1", "g2", false, &["user"]);
    missing.expands[0].slugs = vec!["owner".into()];
    let (shown, sealed, _) = expanded(&["g1", "g2"], &["u1"], vec![missing, grant("g2", "user", "u1")]);
    assert_eq!(shown, ["g1<g2", "g2<u1"]);
    assert_eq!(sealed.derived_grants, 0);
}

#[test]
fn a_group_in_itself_is_no_trouble() {
    let (shown, ..) = expanded(&["g1"], &["u1"], vec![nested("g1", "g1", false, &[]), grant("g1", "user", "u1")]);
    assert_eq!(shown, ["g1<g1", "g1<u1"]);
}

#[test]
fn a_long_chain_is_passed_on_to_its_end() {
    let names: Vec<String> = (0..60).map(|number| format!("g{number:02}")).collect();
    let groups: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut grants: Vec<Grant> = groups.windows(2).map(|pair| nested(pair[0], pair[1], false, &["user"])).collect();
    grants.push(grant("g59", "user", "u1"));
    let (shown, sealed, _) = expanded(&groups, &["u1"], grants);
    assert_eq!(sealed.derived_grants, 59);
    assert!(shown.contains(&"g00<u1 g01".to_owned()));
}

#[test]
fn sources_whose_ids_are_the_same_text_are_one() {
    let directory = tempfile::tempdir().unwrap();
    let held =
        |group: &str, slug: &str| EntitlementRef { resource: ResourceRef::new("group", group), slug: slug.into() };
    // group + a:b + c and group + a + b:c are both `group:a:b:c`.
    let entitlement = |group: &str, slug: &str| Entitlement { id: held(group, slug), ..member_of("x") };
    let nesting = |group: &str, slug: &str| {
        let mut grant = nested("all", group, false, &[]);
        grant.expands[0].slugs = vec![slug.to_owned()];
        grant
    };
    let holding = |group: &str, slug: &str| Grant { entitlement: held(group, slug), ..grant(group, "user", "u") };
    let pages = vec![Page {
        entitlements: vec![member_of("all"), entitlement("a:b", "c"), entitlement("a", "b:c")],
        grants: vec![nesting("a:b", "c"), nesting("a", "b:c"), holding("a:b", "c"), holding("a", "b:c")].into(),
        ..page(vec![user("u"), group("all"), group("a"), group("a:b")])
    }];
    let lines = lines_of(open_lines(&directory.path().join("sync.jsonl")), pages, true);
    let line = lines.lines().find(|line| line.contains("\"sources\"")).unwrap();
    assert_eq!(line.matches("\"group:a:b:c\":").count(), 1, "{line}");
}
