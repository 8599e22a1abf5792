//! Answers as typed rows, and rows as messages and as lines.
//!
//! In: the bytes of an answer. Out: what goes into the columns of the file, or lines of JSON. Texts
//! are borrowed from the answer; the simulated vendor escapes nothing.

use std::collections::BTreeMap;

use engine_proto::{Any, Message, Name, Struct, Timestamp, Value, v2, value::Kind};
use serde::{Deserialize, Serialize};

use crate::Failure;

/// An answer.
#[derive(Deserialize)]
pub struct Page<'a, T> {
    #[serde(borrow)]
    pub data: Data<'a, T>,
}

/// What is in an answer.
#[derive(Deserialize)]
pub struct Data<'a, T> {
    pub items: Vec<T>,
    pub next_cursor: Option<&'a str>,
}

/// A row of the users.
#[derive(Deserialize)]
pub struct User<'a> {
    id: &'a str,
    email: &'a str,
    given_name: &'a str,
    family_name: &'a str,
    verified: bool,
    invited: bool,
    phone: Option<&'a str>,
    role: Option<&'a str>,
    active: bool,
    logged_in_at: Option<&'a str>,
    created_at: Option<&'a str>,
}

/// A row of the teams.
#[derive(Deserialize)]
pub struct Team<'a> {
    pub id: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    role: Option<&'a str>,
}

/// A row of the members of a team.
#[derive(Deserialize)]
pub struct Member<'a> {
    user_id: &'a str,
    role: &'a str,
}

/// A record: the resource it is of, its id in the file, and its message.
pub struct Encoded {
    pub resource: String,
    pub id: String,
    pub data: Vec<u8>,
}

/// A grant.
pub struct GrantRow {
    pub team: String,
    pub entitlement: String,
    pub user: String,
    pub id: String,
    pub data: Vec<u8>,
}

/// An annotation.
pub fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: M::type_url(), value: message.encode_to_vec() }
}

fn resource_id(resource_type: &str, id: &str) -> v2::ResourceId {
    v2::ResourceId { resource_type: resource_type.to_owned(), resource: id.to_owned(), baton_resource: false }
}

/// A resource of which only the id is told.
pub fn stub(resource_type: &str, id: &str) -> v2::Resource {
    v2::Resource { id: Some(resource_id(resource_type, id)), ..v2::Resource::default() }
}

fn text(text: &str) -> Option<Kind> {
    Some(Kind::StringValue(text.to_owned()))
}

fn profile<const N: usize>(fields: [(&str, Option<Kind>); N]) -> Struct {
    let filled = fields.into_iter().filter_map(|(key, kind)| Some((key.to_owned(), Value { kind: Some(kind?) })));
    Struct { fields: filled.collect::<BTreeMap<_, _>>() }
}

fn time(text: Option<&str>) -> Result<Option<Timestamp>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let at: jiff::Timestamp = text.parse()?;
    Ok(Some(Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() }))
}

/// The record of a user.
pub fn user(row: &User<'_>) -> Result<Encoded, Failure> {
    let created_at = time(row.created_at)?;
    let profile = profile([
        ("role", row.role.and_then(text)),
        ("invited", Some(Kind::BoolValue(row.invited))),
        ("verified", Some(Kind::BoolValue(row.verified))),
        ("phone", row.phone.and_then(text)),
        ("first_name", text(row.given_name)),
        ("last_name", text(row.family_name)),
        ("user_id", text(row.id)),
    ]);
    let status = if row.active { 1 } else { 2 };
    let annotation = v2::UserTrait {
        emails: vec![v2::user_trait::Email { address: row.email.to_owned(), is_primary: true }],
        status: Some(v2::user_trait::Status { status, details: String::new() }),
        profile: Some(profile),
        account_type: v2::user_trait::AccountType::Human.into(),
        login: row.email.to_owned(),
        created_at,
        last_login: time(row.logged_in_at)?,
        structured_name: Some(v2::user_trait::StructuredName {
            given_name: row.given_name.to_owned(),
            family_name: row.family_name.to_owned(),
            ..v2::user_trait::StructuredName::default()
        }),
        ..v2::UserTrait::default()
    };
    let message = v2::Resource {
        id: Some(resource_id("account", row.id)),
        display_name: format!("{} {}", row.given_name, row.family_name),
        annotations: vec![any(&annotation)],
        profile: annotation.profile,
        status: Some(v2::Status { status, details: String::new() }),
        created_at,
        ..v2::Resource::default()
    };
    Ok(Encoded { resource: row.id.to_owned(), id: format!("account:{}", row.id), data: message.encode_to_vec() })
}

/// The record of a team.
pub fn team(row: &Team<'_>) -> Encoded {
    let profile = profile([("role", row.role.and_then(text))]);
    let filled = (!profile.fields.is_empty()).then_some(profile);
    let message = v2::Resource {
        id: Some(resource_id("team", row.id)),
        display_name: row.name.to_owned(),
        annotations: vec![any(&v2::GroupTrait { profile: filled.clone(), ..v2::GroupTrait::default() })],
        description: row.description.unwrap_or_default().to_owned(),
        profile: filled,
        ..v2::Resource::default()
    };
    Encoded { resource: row.id.to_owned(), id: format!("team:{}", row.id), data: message.encode_to_vec() }
}

/// The records of a team's entitlements, for holders of some types.
pub fn entitlements<'a>(row: &'a Team<'a>, holders: &'a [&'a str]) -> impl Iterator<Item = Encoded> + 'a {
    let kinds = [
        ("member", format!("{} Team Member", row.name), format!("Is a member of the team {}.", row.name)),
        ("manager", format!("{} Team Manager", row.name), format!("Manages the team {}.", row.name)),
    ];
    kinds.into_iter().map(|(slug, display_name, description)| {
        let holder = |id: &&str| v2::ResourceType { id: (*id).to_owned(), ..v2::ResourceType::default() };
        let id = format!("team:{}:{slug}", row.id);
        let message = v2::Entitlement {
            resource: Some(stub("team", row.id)),
            id: id.clone(),
            display_name,
            description,
            grantable_to: holders.iter().map(holder).collect(),
            purpose: v2::entitlement::PurposeValue::Assignment.into(),
            slug: slug.to_owned(),
            ..v2::Entitlement::default()
        };
        Encoded { resource: row.id.to_owned(), id, data: message.encode_to_vec() }
    })
}

/// The record of a membership.
pub fn grant(team: &str, row: &Member<'_>) -> GrantRow {
    let entitlement = format!("team:{team}:{}", slug(row.role));
    let id = format!("{entitlement}:account:{}", row.user_id);
    let message = v2::Grant {
        entitlement: Some(v2::Entitlement {
            resource: Some(stub("team", team)),
            id: entitlement.clone(),
            ..v2::Entitlement::default()
        }),
        principal: Some(stub("account", row.user_id)),
        id: id.clone(),
        ..v2::Grant::default()
    };
    GrantRow { team: team.to_owned(), entitlement, user: row.user_id.to_owned(), id, data: message.encode_to_vec() }
}

/// The entitlement that a role is.
pub fn slug(role: &str) -> &'static str {
    if role == "Team Manager" { "manager" } else { "member" }
}

#[derive(Serialize)]
struct UserLine<'a> {
    kind: &'static str,
    resource_type: &'static str,
    id: &'a str,
    display_name: String,
    status: &'static str,
    account_type: &'static str,
    emails: [EmailLine<'a>; 1],
    login: &'a str,
    given_name: &'a str,
    family_name: &'a str,
    created_at: Option<jiff::Timestamp>,
    last_login: Option<jiff::Timestamp>,
    profile: ProfileLine<'a>,
}

#[derive(Serialize)]
struct EmailLine<'a> {
    address: &'a str,
    is_primary: bool,
}

#[derive(Serialize)]
struct ProfileLine<'a> {
    first_name: &'a str,
    invited: bool,
    last_name: &'a str,
    phone: Option<&'a str>,
    role: Option<&'a str>,
    user_id: &'a str,
    verified: bool,
}

#[derive(Serialize)]
struct TeamLine<'a> {
    kind: &'static str,
    resource_type: &'static str,
    id: &'a str,
    display_name: &'a str,
    description: Option<&'a str>,
}

#[derive(Serialize)]
struct EntitlementLine<'a> {
    kind: &'static str,
    id: String,
    resource_type: &'static str,
    resource: &'a str,
    slug: &'static str,
    display_name: String,
    description: String,
    grantable_to: [&'static str; 1],
    purpose: &'static str,
}

#[derive(Serialize)]
struct GrantLine<'a> {
    kind: &'static str,
    id: String,
    entitlement: String,
    resource_type: &'static str,
    resource: &'a str,
    slug: &'static str,
    principal_type: &'static str,
    principal: &'a str,
}

fn lines<T: Serialize>(rows: impl Iterator<Item = Result<T, Failure>>) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::with_capacity(1 << 16);
    for row in rows {
        serde_json::to_writer(&mut out, &row?)?;
        out.push(b'\n');
    }
    Ok(out)
}

/// Users as lines.
pub fn user_lines(rows: &[User<'_>]) -> Result<Vec<u8>, Failure> {
    let time = |text: Option<&str>| text.map(str::parse::<jiff::Timestamp>).transpose();
    lines(rows.iter().map(|row| {
        Ok(UserLine {
            kind: "resource",
            resource_type: "account",
            id: row.id,
            display_name: format!("{} {}", row.given_name, row.family_name),
            status: if row.active { "enabled" } else { "disabled" },
            account_type: "human",
            emails: [EmailLine { address: row.email, is_primary: true }],
            login: row.email,
            given_name: row.given_name,
            family_name: row.family_name,
            created_at: time(row.created_at)?,
            last_login: time(row.logged_in_at)?,
            profile: ProfileLine {
                first_name: row.given_name,
                invited: row.invited,
                last_name: row.family_name,
                phone: row.phone,
                role: row.role,
                user_id: row.id,
                verified: row.verified,
            },
        })
    }))
}

/// Teams and their entitlements as lines.
pub fn team_lines(rows: &[Team<'_>]) -> Result<Vec<u8>, Failure> {
    let teams = rows.iter().map(|row| {
        let Team { id, name, description, .. } = row;
        Ok(TeamLine { kind: "resource", resource_type: "team", id, display_name: name, description: *description })
    });
    let mut out = lines(teams)?;
    let entitlements = rows.iter().flat_map(|row| {
        let kinds = [
            ("member", format!("{} Team Member", row.name), format!("Is a member of the team {}.", row.name)),
            ("manager", format!("{} Team Manager", row.name), format!("Manages the team {}.", row.name)),
        ];
        kinds.into_iter().map(|(slug, display_name, description)| {
            Ok(EntitlementLine {
                kind: "entitlement",
                id: format!("team:{}:{slug}", row.id),
                resource_type: "team",
                resource: row.id,
                slug,
                display_name,
                description,
                grantable_to: ["account"],
                purpose: "assignment",
            })
        })
    });
    out.extend(lines(entitlements)?);
    Ok(out)
}

/// Memberships as lines.
pub fn member_lines(team: &str, rows: &[Member<'_>]) -> Result<Vec<u8>, Failure> {
    lines(rows.iter().map(|row| {
        let slug = slug(row.role);
        let entitlement = format!("team:{team}:{slug}");
        Ok(GrantLine {
            kind: "grant",
            id: format!("{entitlement}:account:{}", row.user_id),
            entitlement,
            resource_type: "team",
            resource: team,
            slug,
            principal_type: "account",
            principal: row.user_id,
        })
    }))
}
