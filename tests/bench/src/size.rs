//! How large the simulated directory is, and who is in which team.

use clap::Args;

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
}

impl Size {
    /// So many users, and for each 100 of them a team of 200.
    pub fn of(users: usize) -> Self {
        Self { users, teams: users / 100, members: 200 }
    }

    /// The least there is: seven requests.
    pub fn tiny() -> Self {
        Self { users: 20, teams: 5, members: 4 }
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

    /// The arguments that give this size to a command.
    pub fn arguments(&self) -> [String; 6] {
        let Self { users, teams, members } = self;
        [
            "--users".into(),
            users.to_string(),
            "--teams".into(),
            teams.to_string(),
            "--members".into(),
            members.to_string(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_know_the_same_memberships_as_teams() {
        let size = Size { users: 30, teams: 7, members: 12 };
        for user in 0..size.users {
            let expected: Vec<usize> =
                (0..size.teams).filter(|team| size.members_of(*team).any(|member| member == user)).collect();
            assert_eq!(size.teams_of(user).collect::<Vec<_>>(), expected);
        }
    }
}
