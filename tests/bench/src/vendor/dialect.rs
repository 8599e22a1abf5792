//! The manners of several vendors over the same directory: cursors in the body (`/v1`), SCIM 2.0
//! (`/scim/v2`), offsets (`/api/v3`) and page tokens (`/api/v2/organizations`).
//!
//! In: the target of a request. Out: JSON, written straight into the answer.

use std::fmt::{self, Write as _};

use super::mixed;
use crate::size::{Size, manages};

/// Rows on a page of vendors that do not let the client choose.
const OWN_PAGE: usize = 100;

/// Writes the answer of a target; `false` where there is none.
pub fn answer(size: &Size, target: &str, body: &mut Vec<u8>) -> bool {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let asked = Asked { size, query };
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let mut out = Text(body);
    let written = match segments.as_slice() {
        ["v1", "account", "info"] => out.write_str(r#"{"code":"Success","data":{"account_id":"a","user_id":"none"}}"#),
        ["v1", "users"] => asked.cursor(size.users, &mut out, user),
        ["v1", "teams"] => asked.cursor(size.teams, &mut out, team),
        ["v1", "teams", id, "users"] => {
            let members: Vec<usize> = size.members_of(team_number(id)).collect();
            asked.cursor(members.len(), &mut out, |out, at| membership(out, members.get(at).copied().unwrap_or(0)))
        }
        ["v1", "teams", id, "members"] => {
            let team = team_number(id);
            let members: Vec<Member> =
                size.members_of(team).map(Member::User).chain(size.team_in(team).map(Member::Team)).collect();
            asked.cursor(members.len(), &mut out, |out, at| members.get(at).map_or(Ok(()), |of| member(out, of)))
        }
        ["v1", ..] => asked.cursor(0, &mut out, |_, _| Ok(())),
        ["scim", "v2", "Users"] => asked.scim(size.users, &mut out, scim_user),
        ["scim", "v2", "Groups"] => asked.scim(size.teams, &mut out, |out, at| scim_group(out, at, size)),
        ["api", "v2", "me", "collaborations"] => {
            out.write_str(r#"[{"id":"b9f9f0de-55a7-4f6c-9c5c-0c1f2d3e4a5b","name":"Acme","slug":"gh/acme"}]"#)
        }
        ["api", "v2", "organizations", _, "users"] => asked.page_token(&mut out),
        ["api", "v2", "accounts"] => out.write_str(r#"{"status":{"is_success":true},"data":[{"id":1,"name":"Acme"}]}"#),
        ["api", "v2", "accounts", _] => {
            out.write_str(r#"{"status":{"is_success":true},"data":{"id":1,"name":"Acme"}}"#)
        }
        ["api", "v3", "accounts", _, "users"] => {
            asked.offset(size.users, &mut out, |out, at| offset_user(out, at, size))
        }
        ["api", "v3", "accounts", _, "groups"] => asked.offset(size.teams, &mut out, offset_group),
        _ => return false,
    };
    written.is_ok()
}

/// Text on its way into an answer.
struct Text<'b>(&'b mut Vec<u8>);

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

struct Asked<'a> {
    size: &'a Size,
    query: &'a str,
}

impl Asked<'_> {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    fn rows(
        out: &mut Text<'_>,
        from: usize,
        to: usize,
        mut row: impl FnMut(&mut Text<'_>, usize) -> fmt::Result,
    ) -> fmt::Result {
        for at in from..to {
            if at > from {
                out.write_str(",")?;
            }
            row(out, at)?;
        }
        Ok(())
    }

    fn cursor(
        &self,
        total: usize,
        out: &mut Text<'_>,
        row: impl FnMut(&mut Text<'_>, usize) -> fmt::Result,
    ) -> fmt::Result {
        let limit = self.parameter("limit").and_then(number).unwrap_or(OWN_PAGE);
        let from = self.parameter("cursor").and_then(number).unwrap_or(0);
        let to = (from + limit).min(total);
        out.write_str(r#"{"code":"Success","data":{"items":["#)?;
        Self::rows(out, from, to, row)?;
        match to < total {
            true => write!(out, r#"],"next_cursor":"c{to}"}}}}"#),
            false => out.write_str(r#"],"next_cursor":null}}"#),
        }
    }

    fn scim(
        &self,
        total: usize,
        out: &mut Text<'_>,
        row: impl FnMut(&mut Text<'_>, usize) -> fmt::Result,
    ) -> fmt::Result {
        let count = self.parameter("count").and_then(number).unwrap_or(OWN_PAGE);
        let from = self.parameter("startIndex").and_then(number).unwrap_or(1).saturating_sub(1);
        let to = (from + count).min(total);
        let (start, here) = (from + 1, to.saturating_sub(from));
        out.write_str(r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"#)?;
        write!(out, r#""totalResults":{total},"startIndex":{start},"itemsPerPage":{here},"Resources":["#)?;
        Self::rows(out, from, to, row)?;
        out.write_str("]}")
    }

    fn offset(
        &self,
        total: usize,
        out: &mut Text<'_>,
        row: impl FnMut(&mut Text<'_>, usize) -> fmt::Result,
    ) -> fmt::Result {
        let limit = self.parameter("limit").and_then(number).unwrap_or(OWN_PAGE);
        let from = self.parameter("offset").and_then(number).unwrap_or(0);
        let to = (from + limit).min(total);
        out.write_str(r#"{"status":{"code":200,"is_success":true},"data":["#)?;
        Self::rows(out, from, to, row)?;
        let here = to.saturating_sub(from);
        write!(out, r#"],"extra":{{"pagination":{{"count":{here},"total_count":{total}}}}}}}"#)
    }

    fn page_token(&self, out: &mut Text<'_>) -> fmt::Result {
        let from = self.parameter("page-token").and_then(number).unwrap_or(0);
        let to = (from + OWN_PAGE).min(self.size.users);
        out.write_str(r#"{"items":["#)?;
        Self::rows(out, from, to, |out, at| {
            let Person { id, given, family, email, .. } = person(at);
            write!(out, r#"{{"id":"{id}","name":"{given} {family}","login":"{given}{at}","#)?;
            write!(out, r#""email":"{email}","role":"org-contributor"}}"#)
        })?;
        match to < self.size.users {
            true => write!(out, r#"],"next_page_token":"c{to}"}}"#),
            false => out.write_str(r#"],"next_page_token":null}"#),
        }
    }
}

/// The number in a cursor or a query.
fn number(text: &str) -> Option<usize> {
    text.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().ok()
}

/// An odd number and its inverse modulo 2^32: ids of teams can be read back.
const SPREAD: u32 = 0x9e37_79b1;
const GATHER: u32 = 0x0e8b_2f51;

/// Ids are as good as random, as vendors' are: nothing is sorted already, and little can be packed.
fn team_id(at: usize) -> String {
    format!("t{:08x}", (at as u32).wrapping_mul(SPREAD))
}

fn team_number(id: &str) -> usize {
    let spread = id.strip_prefix('t').and_then(|hex| u32::from_str_radix(hex, 16).ok());
    spread.map_or(0, |spread| spread.wrapping_mul(GATHER) as usize)
}

fn user_id(at: usize) -> String {
    format!("u{:012x}", mixed(at as u64) >> 16)
}

const GIVEN: [&str; 16] = [
    "Nadia", "Omar", "Fiona", "Luca", "Mei", "Tomas", "Aisha", "Bjorn", "Carmen", "Dmitri", "Elif", "Femi", "Greta",
    "Hugo", "Ines", "Jonas",
];
const FAMILY: [&str; 16] = [
    "Kowalski",
    "Haddad",
    "Underhill",
    "Ferrari",
    "Tanaka",
    "Novak",
    "Okafor",
    "Lindqvist",
    "Ortega",
    "Volkov",
    "Demir",
    "Adeyemi",
    "Schmidt",
    "Laurent",
    "Carvalho",
    "Berg",
];

/// A made-up person.
struct Person {
    id: String,
    given: &'static str,
    family: &'static str,
    email: String,
    lot: u64,
}

fn person(at: usize) -> Person {
    let lot = mixed(at as u64 ^ 0xa5a5);
    let of = |names: &[&'static str; 16], lot: u64| names.get((lot % 16) as usize).copied().unwrap_or_default();
    let (given, family) = (of(&GIVEN, lot), of(&FAMILY, lot >> 4));
    let email = format!("{}.{}.{at}@harbor.example", given.to_lowercase(), family.to_lowercase());
    Person { id: user_id(at), given, family, email, lot }
}

/// About 600 bytes, most of which nobody maps.
fn user(out: &mut Text<'_>, at: usize) -> fmt::Result {
    let Person { id, given, family, email, lot } = person(at);
    let active = !at.is_multiple_of(20);
    let (phone, day, second) = (lot % 10_000_000, lot % 28 + 1, lot % 60);
    write!(out, r#"{{"id":"{id}","email":"{email}","given_name":"{given}","family_name":"{family}","#)?;
    write!(out, r#""verified":true,"invited":false,"picture":"https://pictures.harbor.example/{id}/large.png","#)?;
    write!(out, r#""phone":"+1 555 {phone:07}","role":"Account Reviewer","active":{active},"#)?;
    write!(out, r#""logged_in_at":"2026-11-{day:02}T08:30:{second:02}.000Z","#)?;
    write!(out, r#""created_at":"2024-03-{day:02}T12:{second:02}:00.000Z","updated_at":"2026-11-20T08:30:00.000Z","#)?;
    out.write_str(
        r#""locale":"en_GB","time_zone":"Europe/London","title":"Analyst of Harbour Operations","department":"Operations","#,
    )?;
    out.write_str(
        r#""address":{"street":"Quay 12","city":"Bristol","country":"GB"},"labels":["harbour","night shift"],"links":{"self":"https://api.harbor.example/v1/users/self"}}"#,
    )
}

fn team(out: &mut Text<'_>, at: usize) -> fmt::Result {
    let id = team_id(at);
    write!(out, r#"{{"id":"{id}","name":"Team {at}","description":"The team number {at}.","role":null}}"#)
}

fn role(user: usize) -> &'static str {
    if manages(user) { "Team Manager" } else { "Team Member" }
}

fn membership(out: &mut Text<'_>, user: usize) -> fmt::Result {
    write!(out, r#"{{"user_id":"{}","role":"{}"}}"#, user_id(user), role(user))
}

/// Who is in a team where teams may be, too.
enum Member {
    User(usize),
    Team(usize),
}

fn member(out: &mut Text<'_>, of: &Member) -> fmt::Result {
    match of {
        Member::User(at) => write!(out, r#"{{"type":"account","id":"{}","role":"{}"}}"#, user_id(*at), role(*at)),
        Member::Team(at) => write!(out, r#"{{"type":"team","id":"{}","role":"Team Member"}}"#, team_id(*at)),
    }
}

fn scim_user(out: &mut Text<'_>, at: usize) -> fmt::Result {
    let Person { id, given, family, email, .. } = person(at);
    out.write_str(r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"#)?;
    write!(out, r#""id":"{id}","userName":"{email}","name":{{"givenName":"{given}","familyName":"{family}"}},"#)?;
    write!(out, r#""emails":[{{"value":"{email}","type":"work","primary":true}}],"#)?;
    out.write_str(r#""meta":{"resourceType":"User","created":"2024-03-01T12:00:00Z"}}"#)
}

fn scim_group(out: &mut Text<'_>, at: usize, size: &Size) -> fmt::Result {
    let id = team_id(at);
    out.write_str(r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"#)?;
    write!(out, r#""id":"{id}","displayName":"Team {at}","members":["#)?;
    for (place, user) in size.members_of(at).enumerate() {
        let comma = if place == 0 { "" } else { "," };
        write!(out, r#"{comma}{{"value":"{}","type":"User"}}"#, user_id(user))?;
    }
    out.write_str("]}")
}

fn offset_user(out: &mut Text<'_>, at: usize, size: &Size) -> fmt::Result {
    let id = at + 1;
    let Person { given, family, email, .. } = person(at);
    write!(out, r#"{{"id":{id},"email":"{email}","first_name":"{given}","last_name":"{family}","#)?;
    write!(out, r#""fullname":"{given} {family}","is_active":true,"#)?;
    out.write_str(r#""created_at":"2024-03-01 12:00:00+00:00","last_login":"2026-11-20 08:30:00+00:00","#)?;
    out.write_str(r#""permissions":[{"account_id":1,"license_type":"developer","state":1,"groups":["#)?;
    for (place, team) in size.teams_of(at).enumerate() {
        let (comma, team) = (if place == 0 { "" } else { "," }, team + 1);
        write!(out, r#"{comma}{{"id":{team},"name":"Team","state":1}}"#)?;
    }
    out.write_str("]}]}")
}

fn offset_group(out: &mut Text<'_>, at: usize) -> fmt::Result {
    let id = at + 1;
    write!(out, r#"{{"id":{id},"name":"Team {at}","state":1,"created_at":"2024-03-01 12:00:00+00:00","#)?;
    out.write_str(r#""group_permissions":[{"permission_set":"developer","project_id":null,"state":1}]}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(size: &Size, target: &str) -> serde_json::Value {
        let mut body = Vec::new();
        assert!(answer(size, target, &mut body), "{target}");
        serde_json::from_slice(&body).unwrap()
    }

    #[test]
    fn every_list_ends_and_has_all_its_rows() {
        let size = Size { users: 250, teams: 3, members: 120, chain: 1 };
        let mut users = 0;
        let mut target = "/v1/users?limit=100".to_owned();
        loop {
            let page = json(&size, &target);
            users += page["data"]["items"].as_array().unwrap().len();
            match page["data"]["next_cursor"].as_str() {
                Some(cursor) => target = format!("/v1/users?limit=100&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(users, 250);
        assert_eq!(
            json(&size, &format!("/v1/teams/{}/users?limit=1000", team_id(2)))["data"]["items"]
                .as_array()
                .unwrap()
                .len(),
            120
        );
        assert_eq!(json(&size, "/scim/v2/Users?startIndex=201&count=100")["Resources"].as_array().unwrap().len(), 50);
        assert_eq!(
            json(&size, "/scim/v2/Groups?startIndex=1&count=100")["Resources"][2]["members"][119]["value"],
            user_id(109)
        );
        assert_eq!(json(&size, "/api/v3/accounts/1/users/?limit=100&offset=200")["data"].as_array().unwrap().len(), 50);
        assert_eq!(
            json(&size, "/api/v2/organizations/x/users?page-token=c200")["next_page_token"],
            serde_json::Value::Null
        );
        assert!(!answer(&size, "/elsewhere", &mut Vec::new()));
    }

    #[test]
    fn a_team_of_a_chain_has_the_one_before_it_as_its_last_member() {
        let size = Size { users: 250, teams: 7, members: 120, chain: 3 };
        let members = |team: usize, cursor: &str| {
            let target = format!("/v1/teams/{}/members?limit=100{cursor}", team_id(team));
            json(&size, &target)["data"]["items"].as_array().unwrap().clone()
        };
        let last = |team: usize| members(team, "&cursor=c100").pop().unwrap();
        for (team, before) in [(1, 0), (2, 1), (4, 3), (5, 4)] {
            assert_eq!(last(team), serde_json::json!({"type": "team", "id": team_id(before), "role": "Team Member"}));
        }
        for team in [0, 3, 6] {
            assert_eq!(last(team)["type"], "account");
        }
        assert_eq!((members(1, "").len(), members(1, "&cursor=c100").len()), (100, 21));
        let managers = members(0, "").iter().filter(|member| member["role"] == "Team Manager").count();
        assert_eq!(managers, 2);
        let flat = Size { chain: 1, ..size };
        let target = format!("/v1/teams/{}/members?limit=1000", team_id(1));
        assert_eq!(json(&flat, &target)["data"]["items"].as_array().unwrap().len(), 120);
    }
}
