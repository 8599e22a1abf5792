//! Changes carried out: kind by kind, several at a time. What may work later is tried once more at
//! the end.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use engine_model::{EntitlementRef, OutcomeWord, ResourceRef};
use futures::StreamExt;

use super::{Change, ChangeKind, Deed, Key, PushPlan};
use crate::provision::{Mode, Order, Outcome, Provisioner};

/// How changes are carried out.
pub struct Pace {
    /// So many at a time.
    pub concurrency: usize,
    /// Holds `true` once no more are to be begun.
    pub stop: tokio::sync::watch::Receiver<bool>,
}

/// What came of a change.
pub struct Applied {
    /// Its number in the plan.
    pub change: usize,
    /// Its outcome; nothing where it was not begun.
    pub outcome: Option<Outcome>,
    /// Why it was not begun.
    pub reason: Option<String>,
}

impl Applied {
    fn not_begun(change: usize, reason: &str) -> Self {
        Self { change, outcome: None, reason: Some(reason.to_owned()) }
    }
}

/// Carries out a plan; `told` hears of each change as it ends.
pub async fn apply(
    provisioner: &Provisioner,
    plan: &PushPlan,
    pace: &Pace,
    told: &mut (dyn FnMut(&Change, &Applied) + Send),
) -> Vec<Applied> {
    let mut made: HashMap<usize, ResourceRef> = HashMap::new();
    let mut done: Vec<Applied> = Vec::with_capacity(plan.changes.len());
    for kind in ChangeKind::ALL {
        let numbers: Vec<usize> = plan
            .changes
            .iter()
            .enumerate()
            .filter(|(_, change)| change.kind == kind)
            .map(|(number, _)| number)
            .collect();
        carry_out(provisioner, plan, pace, &numbers, &mut made, &mut done, told).await;
    }
    let later: Vec<usize> = done
        .iter()
        .filter(|applied| applied.outcome.as_ref().is_some_and(may_be_tried_again))
        .map(|applied| applied.change)
        .collect();
    if !later.is_empty() && !*pace.stop.borrow() {
        done.retain(|applied| !later.contains(&applied.change));
        carry_out(provisioner, plan, pace, &later, &mut made, &mut done, told).await;
    }
    done.sort_by_key(|applied| applied.change);
    done
}

async fn carry_out(
    provisioner: &Provisioner,
    plan: &PushPlan,
    pace: &Pace,
    numbers: &[usize],
    made: &mut HashMap<usize, ResourceRef>,
    done: &mut Vec<Applied>,
    told: &mut (dyn FnMut(&Change, &Applied) + Send),
) {
    let without: HashSet<ResourceRef> = done.iter().filter_map(|applied| whose_failed(plan, applied, made)).collect();
    let mut orders: Vec<(usize, Result<Order, &str>)> = Vec::with_capacity(numbers.len());
    for number in numbers {
        let Some(change) = plan.changes.get(*number) else { continue };
        let order = match order_of(change, made) {
            None => Err("what it needs was not made"),
            // Whoever did not get the new does not lose the old.
            Some(order) if change.kind.removes() && concerns(&order, &without) => {
                Err("something else for the same failed")
            }
            Some(order) => Ok(order),
        };
        orders.push((*number, order));
    }
    let refused = AtomicBool::new(done.iter().any(is_refused));
    let refused = &refused;
    let mut results = futures::stream::iter(orders)
        .map(|(number, order)| async move {
            let order = match order {
                Ok(order) => order,
                Err(reason) => return Applied::not_begun(number, reason),
            };
            if *pace.stop.borrow() {
                return Applied::not_begun(number, "stopped before");
            }
            if refused.load(Ordering::Relaxed) {
                return Applied::not_begun(number, "the vendor refuses the credentials");
            }
            Applied { change: number, outcome: Some(provisioner.perform(&order, Mode::Apply).await), reason: None }
        })
        .buffer_unordered(pace.concurrency.max(1));
    while let Some(applied) = results.next().await {
        let Some(change) = plan.changes.get(applied.change) else { continue };
        if is_refused(&applied) {
            refused.store(true, Ordering::Relaxed);
        }
        if let (Deed::Create(_, key), Some(outcome)) = (&change.deed, &applied.outcome)
            && outcome.word != OutcomeWord::Failed
            && let Some(resource) = &outcome.resource
        {
            made.insert(*key, resource.clone());
        }
        told(change, &applied);
        done.push(applied);
    }
}

fn concerns(order: &Order, some: &HashSet<ResourceRef>) -> bool {
    order.principal().or_else(|| order.resource()).is_some_and(|whose| some.contains(whose))
}

/// Whose change failed, or was not begun.
fn whose_failed(plan: &PushPlan, applied: &Applied, made: &HashMap<usize, ResourceRef>) -> Option<ResourceRef> {
    if applied.outcome.as_ref().is_some_and(|outcome| outcome.word != OutcomeWord::Failed) {
        return None;
    }
    let order = order_of(plan.changes.get(applied.change)?, made)?;
    order.principal().or_else(|| order.resource()).cloned()
}

fn is_refused(applied: &Applied) -> bool {
    applied.outcome.as_ref().is_some_and(|outcome| outcome.refused && outcome.requests.is_empty())
}

/// Whether an order may be carried out once more: it was said that it may work later, and nothing of
/// it was done.
fn may_be_tried_again(outcome: &Outcome) -> bool {
    let done = |status: &u16| (200..300).contains(status);
    outcome.retry_later && !outcome.requests.iter().any(|request| request.status.as_ref().is_some_and(done))
}

/// The order of a change, once everything it names is there.
fn order_of(change: &Change, made: &HashMap<usize, ResourceRef>) -> Option<Order> {
    let resolved = |key: &Key| match key {
        Key::There(reference) => Some(reference.clone()),
        Key::Made(number) => made.get(number).cloned(),
    };
    match &change.deed {
        Deed::Order(order) | Deed::Create(order, _) => Some(order.clone()),
        Deed::Member { grants, group, slug, principal } => {
            let entitlement = EntitlementRef { resource: resolved(group)?, slug: slug.clone() };
            let principal = resolved(principal)?;
            Some(match grants {
                true => Order::Grant { entitlement, principal },
                false => Order::Revoke { entitlement, principal },
            })
        }
    }
}
