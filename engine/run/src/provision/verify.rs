//! Verification: reading back what was done, until it shows or the time for it is over.

use std::time::Duration;

use engine_model::OutcomeWord;
use engine_spec::plan::{LOOKS_EVERY, SHOWS_WITHIN, Site, Verify, VerifyBy};
use engine_spec::scope::Scope;

use super::execution::Execution;
use super::goal::Goal;
use super::order::Order;
use super::outcome::Ended;

/// How long a change may take to show, and what it means that it does not.
pub(super) struct Patience {
    /// How long.
    pub limit: Duration,
    /// Time between two looks.
    pub every: Duration,
    otherwise: OutcomeWord,
    site: Option<Site>,
}

impl Patience {
    /// The end of what was answered well and does not show.
    pub fn over(&self, otherwise: Option<String>) -> Box<Ended> {
        let otherwise = otherwise.map(|words| format!(": {words}")).unwrap_or_default();
        let say = match self.otherwise {
            OutcomeWord::Failed => {
                format!("the vendor said that it was done, and reading back shows otherwise{otherwise}")
            }
            _ => format!("the vendor said that it was done, and it does not show yet{otherwise}"),
        };
        let mut ended = Ended::new(self.otherwise, say);
        ended.spec.clone_from(&self.site);
        ended.disproved = true;
        Box::new(ended)
    }
}

impl Execution<'_> {
    /// How long a change may take to show: as the spec says, or ten seconds.
    pub(super) fn patience(&self) -> Patience {
        match self.verification {
            Some(Verify::By(by)) => {
                Patience { limit: by.limit, every: by.every, otherwise: by.otherwise, site: Some(by.site.clone()) }
            }
            _ => Patience { limit: SHOWS_WITHIN, every: LOOKS_EVERY, otherwise: OutcomeWord::Failed, site: None },
        }
    }

    /// Proves by reading back that it happened.
    pub(super) async fn verify(&mut self) -> Result<(), Box<Ended>> {
        let by = match self.verification {
            Some(Verify::No) => return Ok(()),
            Some(Verify::By(by)) => Some(&**by),
            None => None,
        };
        // An edit has read back what it wrote.
        let asks_more = by.is_some_and(|by| by.read.is_some() || by.holds.is_some() || by.absent.is_some());
        if self.edited && !asks_more {
            self.verified = true;
            return Ok(());
        }
        let patience = self.patience();
        let environment = self.provisioner.reader.environment.clone();
        let begun = environment.elapsed();
        loop {
            let goal = self.look_after(by).await?;
            match goal.reached {
                None => return Ok(()),
                Some(true) => {
                    self.verified = true;
                    return Ok(());
                }
                Some(false) if environment.elapsed().saturating_sub(begun) >= patience.limit => {
                    return Err(patience.over(goal.otherwise));
                }
                Some(false) => environment.sleep(patience.every).await,
            }
        }
    }

    async fn look_after(&mut self, by: Option<&VerifyBy>) -> Result<Goal, Box<Ended>> {
        if let Order::Create { .. } = &self.order
            && by.is_none_or(|by| by.read.is_none() && by.holds.is_none() && by.absent.is_none())
        {
            let Some(made) = self.made.as_ref().map(|entry| entry.resource.id.clone()) else {
                return Ok(Goal::default());
            };
            if !self.reads_by_id() {
                return Ok(Goal::default());
            }
            let entry = self.entry(&made).await?;
            return Ok(Goal { reached: Some(entry.is_some()), entry, otherwise: Some(format!("{made} is not there")) });
        }
        match by {
            Some(by) => self.shows(by).await,
            None => self.goal(false).await,
        }
    }

    /// Whether what `verify` reads shows it.
    async fn shows(&mut self, verify: &VerifyBy) -> Result<Goal, Box<Ended>> {
        let reader = &self.provisioner.reader;
        let (row, goal) = match &verify.read {
            Some(read) => {
                let doing = format!("verifying: {}", self.order);
                (reader.object(read, &self.names, &doing).await?.map(|(row, _)| row), None)
            }
            None => {
                let mut goal = match self.made.as_ref().map(|made| made.resource.id.clone()) {
                    Some(made) if self.reads_by_id() => {
                        let entry = self.entry(&made).await?;
                        Goal { entry: entry.clone(), ..Goal::known(entry.is_some()) }
                    }
                    _ => self.goal(true).await?,
                };
                if let Some(absent) = verify.absent {
                    let is_gone = match (&self.order, goal.reached) {
                        (Order::Grant { .. }, reached) => reached.map(|reached| !reached),
                        (Order::Revoke { .. }, reached) => reached,
                        _ => Some(goal.entry.is_none()),
                    };
                    goal.reached = is_gone.map(|is_gone| is_gone == absent);
                }
                (goal.entry.as_ref().and_then(|entry| entry.row.clone()), Some(goal))
            }
        };
        if let Some(holds) = &verify.holds {
            let Some(row) = row else {
                if matches!(self.order, Order::Delete(_)) {
                    return Ok(Goal::known(true));
                }
                return Ok(Goal { otherwise: Some("it is not there".to_owned()), ..Goal::known(false) });
            };
            let root = Scope::root(&reader.names);
            let scope = root.with_all(&self.names);
            let holds = holds
                .holds(&scope.with_node("row", &row))
                .map_err(|error| Ended::failed(error.to_string()).at(&verify.site))?;
            let otherwise = (!holds).then(|| "what was read back does not show it".to_owned());
            return Ok(Goal { reached: Some(holds), entry: None, otherwise });
        }
        Ok(match goal {
            Some(goal) => goal,
            None => {
                let absent = verify.absent.unwrap_or(matches!(self.order, Order::Delete(_) | Order::Revoke { .. }));
                let otherwise = if absent { "it is still there" } else { "it is not there" };
                Goal { otherwise: Some(otherwise.to_owned()), ..Goal::known(row.is_none() == absent) }
            }
        })
    }
}
