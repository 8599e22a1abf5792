//! Verification: reading back what was done, until it shows or the time for it is over.

use std::time::Duration;

use engine_model::OutcomeWord;
use engine_spec::plan::{Step, Verify, VerifyBy};
use engine_spec::scope::Scope;

use super::execution::Execution;
use super::goal::Goal;
use super::order::Order;
use super::outcome::Ended;

/// How long a change may take to show, where the spec says nothing.
pub(super) const SHOWS_WITHIN: Duration = Duration::from_secs(10);
/// Time between two looks, where the spec says nothing.
pub(super) const LOOKS_EVERY: Duration = Duration::from_secs(1);

impl Execution<'_> {
    /// Proves by reading back that it happened.
    pub(super) async fn verify(&mut self, verify: Option<&Verify>, step: &Step) -> Result<(), Box<Ended>> {
        let default = VerifyBy {
            site: step.site.clone(),
            read: None,
            holds: None,
            absent: None,
            limit: SHOWS_WITHIN,
            every: LOOKS_EVERY,
            otherwise: OutcomeWord::Failed,
        };
        let by = match verify {
            Some(Verify::No) => return Ok(()),
            Some(Verify::By(by)) => by,
            None if self.edited => {
                self.verified = true;
                return Ok(());
            }
            None => &default,
        };
        let environment = self.provisioner.reader.environment.clone();
        let begun = environment.elapsed();
        loop {
            let goal = self.look_after(by, verify.is_some()).await?;
            match goal.reached {
                None => return Ok(()),
                Some(true) => {
                    self.verified = true;
                    return Ok(());
                }
                Some(false) if environment.elapsed().saturating_sub(begun) >= by.limit => {
                    let otherwise = goal.otherwise.map(|words| format!(": {words}")).unwrap_or_default();
                    let say = match by.otherwise {
                        OutcomeWord::Failed => {
                            format!("the vendor said that it was done, and reading back shows otherwise{otherwise}")
                        }
                        _ => format!("the vendor said that it was done, and it does not show yet{otherwise}"),
                    };
                    let mut ended = Ended::new(by.otherwise, say);
                    ended.spec = Some(by.site.clone());
                    return Err(Box::new(ended));
                }
                Some(false) => environment.sleep(by.every).await,
            }
        }
    }

    async fn look_after(&mut self, by: &VerifyBy, is_said: bool) -> Result<Goal, Box<Ended>> {
        if let Order::Create { .. } = &self.order
            && by.read.is_none()
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
        if is_said { self.shows(by).await } else { self.goal(false).await }
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
                let mut goal = self.goal(true).await?;
                if let Some(absent) = verify.absent {
                    goal.reached = Some(goal.entry.is_none() == absent);
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
