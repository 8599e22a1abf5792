//! The deeds of a case: each carried out, or planned, and its outcome compared.

use std::sync::Arc;

use engine_case::{Deed, Player};
use engine_json::Map;
use engine_model::EntitlementRef;
use engine_run::environment::SimulatedEnvironment;
use engine_run::http::Services;
use engine_run::provision::{Given, Mode, NoAudit, Order, Outcome};
use engine_run::sync::NoProgress;
use engine_spec::plan::Plan;

use crate::session::{self, Session};
use crate::{provisioning, simulation};

/// Carries out the deeds of a case; what comes back is what went otherwise than expected.
pub async fn run(plan: &Arc<Plan>, config: Map, player: &Player, deeds: &[Deed]) -> Vec<String> {
    let (_stop, stop) = tokio::sync::watch::channel(false);
    let environment = Arc::new(SimulatedEnvironment::new(session::now()));
    let session = Session {
        plan: plan.clone(),
        config,
        settings: simulation::settings(player),
        services: Services::with(environment),
        progress: Arc::new(NoProgress),
        stop,
    };
    let provisioner = match session.provisioner(Arc::new(NoAudit)).await {
        Ok(provisioner) => provisioner,
        Err(failure) => return vec![failure.message],
    };
    let mut faults = Vec::new();
    for deed in deeds {
        let order = match order(deed) {
            Ok(order) => order,
            Err(reason) => {
                faults.push(reason);
                continue;
            }
        };
        let mode = if deed.plan { Mode::Plan } else { Mode::Apply };
        let outcome = provisioner.perform(&order, mode).await;
        faults.extend(differences(deed, &order, &outcome));
    }
    faults
}

fn differences(deed: &Deed, order: &Order, outcome: &Outcome) -> Vec<String> {
    let mut faults = Vec::new();
    let mut said = format!("{:#}\n", outcome.to_json(false));
    if deed.plan {
        said.push_str(&provisioning::planned(outcome));
    }
    if let Some(expected) = deed.outcome.as_deref().filter(|expected| *expected != outcome.word.word()) {
        faults.push(format!("{order} was expected to be {expected}, and is {}\n{said}", outcome.word));
        return faults;
    }
    // What is said may stand in quotes of JSON.
    let plain = said.replace("\\\"", "\"");
    for text in deed.says.iter().filter(|text| !said.contains(text.as_str()) && !plain.contains(text.as_str())) {
        faults.push(format!("{order}: nothing says `{text}`\n{said}"));
    }
    let shown: Vec<&String> = outcome.secrets.iter().map(|(name, _)| name).collect();
    for name in deed.shows.iter().filter(|name| !shown.contains(name)) {
        faults.push(format!("{order}: no secret `{name}` is shown"));
    }
    for (name, secret) in outcome.secrets.iter().filter(|(_, secret)| said.contains(secret.reveal())) {
        faults.push(format!("{order}: the secret `{name}` of {} characters is told", secret.reveal().len()));
    }
    faults
}

/// The order that a deed writes.
fn order(deed: &Deed) -> Result<Order, String> {
    let resource = |text: &str| provisioning::resource(text).map_err(|reason| format!("`{text}`: {reason}"));
    let input: Given = deed.input.iter().map(|(name, value)| (name.clone(), value.text())).collect();
    let Some((word, named)) = deed.line() else { return Err("the deed names no operation".to_owned()) };
    let parent = deed.parent.as_deref().map(resource).transpose()?;
    let pair = |principal: &Option<String>| -> Result<(EntitlementRef, engine_model::ResourceRef), String> {
        let entitlement = provisioning::entitlement(named).map_err(|reason| format!("`{named}`: {reason}"))?;
        Ok((entitlement, resource(principal.as_deref().unwrap_or_default())?))
    };
    Ok(match word {
        "create" => Order::Create { kind: named.to_owned(), parent, input },
        "update" => Order::Update { resource: resource(named)?, input },
        "enable" => Order::Enable(resource(named)?),
        "disable" => Order::Disable(resource(named)?),
        "delete" => Order::Delete(resource(named)?),
        "rotate" => Order::Rotate { resource: resource(named)?, input },
        "grant" => {
            let (entitlement, principal) = pair(&deed.to)?;
            Order::Grant { entitlement, principal }
        }
        "revoke" => {
            let (entitlement, principal) = pair(&deed.from)?;
            Order::Revoke { entitlement, principal }
        }
        _ => {
            let on = resource(deed.on.as_deref().unwrap_or_default())?;
            Order::Action { name: named.to_owned(), resource: on, input }
        }
    })
}
