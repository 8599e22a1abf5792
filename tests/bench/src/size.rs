//! How large the simulated directory is, who is in which team, and what follows from teams in teams.

use std::collections::BTreeSet;

use clap::Args;

/// Teams of a chain where teams are nested.
const CHAIN: usize = 5;
/// One member of so many users manages the team instead.
const MANAGERS: usize = 50;

/// The size of a directory.
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Users
    #[arg(long, default_value_t = 100_000)]
    pub users: usize,
    /// Teams
    #[arg(long, default_value_t = 1_000)]
    pub teams: usize,
    /// Members of each team
    #[arg(long, default_value_t = 200)]
    pub members: usize,
    /// Teams of a chain, each a member of the next; 1 nests none
    #[arg(long, default_value_t = 1)]
    pub chain: usize,
}

impl Size {
    /// So many users, and for each 100 of them a team of 200.
    pub fn of(users: usize) -> Self {
        Self { users, teams: users / 100, members: 200, chain: 1 }
    }

    /// Chains of teams from which at least so many grants follow.
    pub fn nested(derived: usize) -> Self {
        let of = |chains: usize| Self { teams: CHAIN * chains, chain: CHAIN, ..Self::of(100 * CHAIN * chains.max(2)) };
        of(derived.div_ceil(of(1).derived()))
    }

    /// Chains of teams whose members are in several teams of their chain.
    pub fn entangled() -> Self {
        Self { users: 110, teams: 20, members: 40, chain: CHAIN }
    }

    /// The least there is: seven requests.
    pub fn tiny() -> Self {
        Self { users: 20, teams: 5, members: 4, chain: 1 }
    }

    /// Memberships of all teams.
    pub fn memberships(&self) -> usize {
        self.teams * self.members
    }

    /// The numbers of the users in a team.
    pub fn members_of(&self, team: usize) -> impl Iterator<Item = usize> + use<> {
        let Self { users, members, .. } = *self;
        (0..members).map(move |member| (team * members + member) % users.max(1))
    }

    /// The numbers of the teams a user is in.
    pub fn teams_of(&self, user: usize) -> impl Iterator<Item = usize> + use<> {
        let Self { users, members, .. } = *self;
        (user..self.memberships()).step_by(users.max(1)).map(move |place| place / members.max(1))
    }

    /// The team that is a member of a team.
    pub fn team_in(&self, team: usize) -> Option<usize> {
        (team % self.chain.max(1)).checked_sub(1).map(|_| team - 1)
    }

    /// Grants that follow from teams in teams: who is a member of one below and not of the team itself.
    pub fn derived(&self) -> usize {
        let mut passed_on = BTreeSet::new();
        let mut derived = 0;
        for team in 0..self.teams {
            if self.team_in(team).is_none() {
                passed_on.clear();
            }
            let members: BTreeSet<usize> = self.members_of(team).filter(|user| !manages(*user)).collect();
            derived += passed_on.difference(&members).count();
            passed_on.extend(members);
        }
        derived
    }

    /// The arguments that give this size to a command.
    pub fn arguments(&self) -> [String; 8] {
        let Self { users, teams, members, chain } = self;
        [
            "--users".into(),
            users.to_string(),
            "--teams".into(),
            teams.to_string(),
            "--members".into(),
            members.to_string(),
            "--chain".into(),
            chain.to_string(),
        ]
    }
}

/// Whether a user manages teams instead of being a member.
pub fn manages(user: usize) -> bool {
    user.is_multiple_of(MANAGERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_know_the_same_memberships_as_teams() {
        let size = Size { users: 30, teams: 7, members: 12, chain: 1 };
        for user in 0..size.users {
            let expected: Vec<usize> =
                (0..size.teams).filter(|team| size.members_of(*team).any(|member| member == user)).collect();
            assert_eq!(size.teams_of(user).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn what_follows_from_a_chain_adds_up_from_team_to_team() {
        // 196 members of each team that do not manage it, passed on to 1, 2, 3 and 4 teams.
        assert_eq!(Size { teams: 5, chain: 5, ..Size::of(1_000) }.derived(), 196 * 10);
        assert_eq!(Size::of(1_000).derived(), 0);
        let size = Size::nested(100_000);
        assert_eq!((size.users, size.teams, size.derived()), (26_000, 260, 101_920));
    }

    #[test]
    fn who_is_in_several_teams_of_a_chain_gets_each_only_once() {
        let size = Size { users: 20, teams: 3, members: 10, chain: 3 };
        // User 0 manages. The second team gets nine from the first, the third ten from the second:
        // it has the nine of the first itself.
        assert_eq!(size.derived(), 9 + 10);
    }
}
