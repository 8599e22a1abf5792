//! Teams in teams: memberships in memory, and the grants that they are and that follow from them.
//!
//! In: the members of each team, as they came. Out: one call per grant of `nested.yaml`, sorted by id.
//! Accounts are numbers, in the order of their ids; each team's holders are made once, from those of
//! the teams in it. A message is put together from pieces that are encoded once: the entitlement, the
//! principal, and what tells where a grant comes from.

use std::collections::{BTreeMap, HashMap};

use engine_proto::{Message as _, v2};
use serde::Deserialize;

use super::rows::{any, slug, stub};
use crate::Failure;

/// A row of the members of a team.
#[derive(Deserialize)]
pub struct Member<'a> {
    r#type: &'a str,
    id: &'a str,
    role: &'a str,
}

/// The members of a team.
#[derive(Default)]
pub struct Members {
    team: String,
    managers: Vec<String>,
    accounts: Vec<String>,
    teams: Vec<String>,
}

impl Members {
    /// The members that an answer tells.
    pub fn of(team: &str, rows: &[Member<'_>]) -> Self {
        let mut members = Self { team: team.to_owned(), ..Self::default() };
        for row in rows {
            let among = match (row.r#type, slug(row.role)) {
                ("team", _) => &mut members.teams,
                (_, "manager") => &mut members.managers,
                _ => &mut members.accounts,
            };
            among.push(row.id.to_owned());
        }
        members
    }
}

/// A grant on its way into the file.
pub struct Grant<'a> {
    pub team: &'a str,
    pub entitlement: &'a str,
    pub principal: &'a str,
    pub id: &'a str,
    /// What makes it pass on; only where a team is the principal.
    pub expansion: Option<&'a [u8]>,
    pub data: &'a [u8],
}

/// That an account holds membership in a team, because of one in `team`: that one itself, or one in it.
#[derive(Clone, Copy)]
struct Held {
    account: u32,
    team: u32,
    /// Whether membership in `team` was given, and does not follow.
    direct: bool,
}

/// Calls `with` for each grant; with those that follow where `expand` says so.
pub fn each_grant(
    mut teams: Vec<Members>,
    expand: bool,
    with: &mut dyn FnMut(Grant<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    teams.sort_unstable_by(|one, other| one.team.cmp(&other.team));
    let mut names: Vec<&str> =
        teams.iter().flat_map(|team| team.accounts.iter().chain(&team.managers)).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let numbers: HashMap<&str, u32> = names.iter().copied().zip(0..).collect();
    let accounts: Vec<Account<'_>> = names.iter().map(|id| Account { id, piece: principal("account", id) }).collect();
    let holders = holders(&teams, &numbers, expand)?;
    let mut rows = Rows { with, id: String::new(), data: Vec::new() };
    for (team, held) in teams.iter().zip(&holders) {
        let entitlement = Entitlement::of(&team.team, "manager");
        let mut managers: Vec<u32> = team.managers.iter().filter_map(|id| numbers.get(id.as_str()).copied()).collect();
        managers.sort_unstable();
        for account in managers {
            rows.account(&entitlement, accounts.get(account as usize), &[])?;
        }
        let entitlement = Entitlement::of(&team.team, "member");
        let mut origins = Origins { teams: &teams, own: team, known: HashMap::new(), key: Vec::new() };
        for held in held.chunk_by(|one, other| one.account == other.account) {
            let account = held.first().and_then(|held| accounts.get(held.account as usize));
            rows.account(&entitlement, account, origins.of(held))?;
        }
        let mut inner: Vec<&String> = team.teams.iter().collect();
        inner.sort_unstable();
        for inner in inner {
            rows.team(&entitlement, inner)?;
        }
    }
    Ok(())
}

/// Who is a member of each team, sorted by account and then by team; several where it follows from several.
fn holders(teams: &[Members], numbers: &HashMap<&str, u32>, expand: bool) -> Result<Vec<Vec<Held>>, Failure> {
    let places: HashMap<&str, u32> = teams.iter().map(|team| team.team.as_str()).zip(0..).collect();
    let mut done: Vec<Vec<Held>> = Vec::new();
    done.resize_with(teams.len(), Vec::new);
    let mut is_done = vec![false; teams.len()];
    let mut open: Vec<(u32, &Members)> = (0..).zip(teams).collect();
    while !open.is_empty() {
        let before = open.len();
        open.retain(|&(place, team)| {
            let inner = team.teams.iter().filter(|_| expand).filter_map(|id| places.get(id.as_str()).copied());
            let waits = inner.clone().any(|inner| is_done.get(inner as usize) == Some(&false));
            if waits {
                return true;
            }
            let own = team.accounts.iter().filter_map(|id| numbers.get(id.as_str()).copied());
            let mut held: Vec<Held> = own.map(|account| Held { account, team: place, direct: true }).collect();
            for inner in inner {
                let of_inner = done.get(inner as usize).map_or(&[][..], Vec::as_slice);
                held.extend(of_inner.chunk_by(|one, other| one.account == other.account).filter_map(|held| {
                    let direct = held.iter().any(|held| held.team == inner);
                    held.first().map(|held| Held { account: held.account, team: inner, direct })
                }));
            }
            held.sort_by_key(|held| (held.account, held.team));
            if let (Some(done), Some(is_done)) = (done.get_mut(place as usize), is_done.get_mut(place as usize)) {
                (*done, *is_done) = (held, true);
            }
            false
        });
        if open.len() == before {
            return Err("teams hold each other in a circle".into());
        }
    }
    Ok(done)
}

struct Account<'a> {
    id: &'a str,
    piece: Vec<u8>,
}

fn principal(of: &str, id: &str) -> Vec<u8> {
    v2::Grant { principal: Some(stub(of, id)), ..v2::Grant::default() }.encode_to_vec()
}

struct Entitlement<'a> {
    team: &'a str,
    id: String,
    piece: Vec<u8>,
}

impl<'a> Entitlement<'a> {
    fn of(team: &'a str, slug: &str) -> Self {
        let id = member_id(team, slug);
        let entitlement =
            v2::Entitlement { resource: Some(stub("team", team)), id: id.clone(), ..v2::Entitlement::default() };
        let piece = v2::Grant { entitlement: Some(entitlement), ..v2::Grant::default() }.encode_to_vec();
        Self { team, id, piece }
    }
}

fn member_id(team: &str, slug: &str) -> String {
    format!("team:{team}:{slug}")
}

/// Where the grants of a team come from, as the ends of messages.
struct Origins<'a> {
    teams: &'a [Members],
    own: &'a Members,
    known: HashMap<Vec<(u32, bool)>, Vec<u8>>,
    key: Vec<(u32, bool)>,
}

impl Origins<'_> {
    /// Nothing for a grant that does not follow; its sources for one that follows, too.
    fn of(&mut self, held: &[Held]) -> &[u8] {
        self.key.clear();
        self.key.extend(held.iter().map(|held| (held.team, held.direct)));
        if !self.known.contains_key(&self.key) {
            let piece = self.piece();
            self.known.insert(self.key.clone(), piece);
        }
        self.known.get(&self.key).map_or(&[], Vec::as_slice)
    }

    fn piece(&self) -> Vec<u8> {
        let source = |&(team, is_direct): &(u32, bool)| {
            let team = &self.teams.get(team as usize)?.team;
            Some((member_id(team, "member"), v2::grant_sources::GrantSource { is_direct }))
        };
        let sources: BTreeMap<_, _> = self.key.iter().filter_map(source).collect();
        let is_given = sources.contains_key(&member_id(&self.own.team, "member"));
        if is_given && sources.len() == 1 {
            return Vec::new();
        }
        let annotations = if is_given { Vec::new() } else { vec![any(&v2::GrantImmutable::default())] };
        let sources = Some(v2::GrantSources { sources });
        v2::Grant { annotations, sources, ..v2::Grant::default() }.encode_to_vec()
    }
}

/// Hands grants on; its buffers are used again for each.
struct Rows<'a> {
    with: &'a mut dyn FnMut(Grant<'_>) -> Result<(), Failure>,
    id: String,
    data: Vec<u8>,
}

impl Rows<'_> {
    fn account(&mut self, on: &Entitlement<'_>, of: Option<&Account<'_>>, origin: &[u8]) -> Result<(), Failure> {
        let Some(Account { id, piece }) = of else { return Ok(()) };
        self.put(on, "account", id, piece, origin, None)
    }

    fn team(&mut self, on: &Entitlement<'_>, id: &str) -> Result<(), Failure> {
        let expansion = v2::GrantExpandable {
            entitlement_ids: vec![member_id(id, "member")],
            shallow: false,
            resource_type_ids: vec!["account".to_owned()],
        };
        self.put(on, "team", id, &principal("team", id), &[], Some(&expansion.encode_to_vec()))
    }

    fn put(
        &mut self,
        on: &Entitlement<'_>,
        of: &str,
        principal: &str,
        piece: &[u8],
        origin: &[u8],
        expansion: Option<&[u8]>,
    ) -> Result<(), Failure> {
        self.id.clear();
        for part in [&on.id, ":", of, ":", principal] {
            self.id.push_str(part);
        }
        self.data.clear();
        self.data.extend_from_slice(&on.piece);
        self.data.extend_from_slice(piece);
        let id = v2::Grant { id: std::mem::take(&mut self.id), ..v2::Grant::default() };
        id.encode(&mut self.data)?;
        self.id = id.id;
        self.data.extend_from_slice(origin);
        let (id, data) = (&self.id, &self.data);
        (self.with)(Grant { team: on.team, entitlement: &on.id, principal, id, expansion, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(team: &str, accounts: &[&str], teams: &[&str]) -> Members {
        let row = |r#type, id| Member { r#type, id, role: "Team Member" };
        let rows: Vec<Member<'_>> =
            accounts.iter().map(|id| row("account", *id)).chain(teams.iter().map(|id| row("team", *id))).collect();
        Members::of(team, &rows)
    }

    /// Each grant as `team<principal sources`, `!` after what is given; its message is complete.
    fn grants(teams: Vec<Members>, expand: bool) -> Vec<String> {
        let mut shown = Vec::new();
        each_grant(teams, expand, &mut |grant| {
            let message = v2::Grant::decode(grant.data).unwrap();
            assert_eq!(message.encode_to_vec(), grant.data);
            assert_eq!(message.id, grant.id);
            assert_eq!(message.entitlement.unwrap().id, grant.entitlement);
            assert_eq!(message.principal.unwrap().id.unwrap().resource, grant.principal);
            let sources: String = message
                .sources
                .iter()
                .flat_map(|sources| &sources.sources)
                .map(|(id, source)| {
                    format!(" {}{}", id.split(':').nth(1).unwrap(), if source.is_direct { "!" } else { "" })
                })
                .collect();
            let immutable = if message.annotations.is_empty() { "" } else { " immutable" };
            shown.push(format!("{}<{}{sources}{immutable}", grant.team, grant.principal));
            Ok(())
        })
        .unwrap();
        shown
    }

    #[test]
    fn who_is_in_an_inner_team_is_in_all_outer_ones() {
        let teams = || vec![members("c", &["u3"], &["b"]), members("a", &["u1"], &[]), members("b", &["u2"], &["a"])];
        assert_eq!(grants(teams(), false), ["a<u1", "b<u2", "b<a", "c<u3", "c<b"]);
        assert_eq!(
            grants(teams(), true),
            ["a<u1", "b<u1 a! immutable", "b<u2", "b<a", "c<u1 b immutable", "c<u2 b! immutable", "c<u3", "c<b"]
        );
    }

    #[test]
    fn a_grant_that_is_given_and_follows_tells_both_and_several_ways_are_all_told() {
        let teams = vec![
            members("a", &["u1"], &[]),
            members("b", &["u1"], &["a"]),
            members("c", &[], &["a"]),
            members("d", &[], &["b", "c"]),
        ];
        assert_eq!(
            grants(teams, true),
            ["a<u1", "b<u1 a! b!", "b<a", "c<u1 a! immutable", "c<a", "d<u1 b! c immutable", "d<b", "d<c"]
        );
    }

    #[test]
    fn teams_in_a_circle_are_an_error() {
        let circle = vec![members("a", &[], &["b"]), members("b", &[], &["a"])];
        assert!(each_grant(circle, true, &mut |_| Ok(())).is_err());
    }
}
