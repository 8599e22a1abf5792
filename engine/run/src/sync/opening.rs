//! The requests that come first: captures that others need, and the proof that the connection and
//! the configured scope are right.

use std::borrow::Cow;

use engine_json::{Map, Value as Json, json};
use engine_spec::plan::{Check, NoWitness, Start};

use super::SyncError;
use super::run::Run;
use crate::extract::{evaluate, rows_of};
use crate::http::{Answer, Call, Reply};

/// What is being done while a check is made.
const CHECKING: &str = "checking the connection";

/// Makes the captures and the checks of the plan.
pub(super) async fn open(run: &mut Run) -> Result<(), SyncError> {
    let plan = run.plan.clone();
    let mut captured = Map::new();
    for start in &plan.starts {
        let kept = capture(run, start).await?;
        captured.insert(start.name.clone(), Json::Object(kept));
        run.names.insert("start".to_owned(), Json::Object(captured.clone()));
        run.clients.know("start", Json::Object(captured.clone()));
    }
    for check in &plan.checks {
        prove(run, check).await?;
    }
    Ok(())
}

async fn ask(
    run: &Run,
    request: &engine_spec::plan::Request,
    statuses: &[engine_spec::plan::StatusRule],
    doing: &str,
) -> Result<Option<Answer>, SyncError> {
    let scope = run.scope();
    let call = Call { request, scope: &scope, witness: &NoWitness, additions: &[], statuses, doing };
    match run.clients.call(&call).await? {
        Reply::Body(answer) => Ok(Some(answer)),
        Reply::NoRows(_) => Ok(None),
        Reply::Incomplete(error) => Err(error.into()),
    }
}

async fn capture(run: &Run, start: &Start) -> Result<Map, SyncError> {
    let doing = format!("reading `start.{}`", start.name);
    let answer = ask(run, &start.request, &start.statuses, &doing).await?;
    let kept = keep(run, start, answer.as_ref(), doing);
    kept.map_err(|error| answer.iter().fold(error, SyncError::about))
}

/// What a capture keeps of its answer.
fn keep(run: &Run, start: &Start, answer: Option<&Answer>, doing: String) -> Result<Map, SyncError> {
    let body = answer.map_or(&Json::Null, Answer::body);
    let headers = answer.map_or(Json::Null, |answer| answer.headers().to_json());
    let status = json!(answer.map(Answer::status));
    let scope = run.scope();
    let scope = scope.with("headers", &headers);
    let scope = scope.with("status", &status);
    let scope = scope.with_node("body", body);
    let mut kept = Map::new();
    for (name, value) in &start.keep {
        let found =
            evaluate(&[(name.clone(), value.clone())], &scope, &NoWitness).map_err(|fault| SyncError::List {
                doing: doing.clone(),
                reason: fault.reason,
                spec: fault.site.to_string(),
                hint: None,
                request: None,
                about_one: false,
            })?;
        match found.into_iter().next() {
            Some((name, json)) if !json.is_null() => {
                kept.insert(name, json);
            }
            _ if value.is_optional(false) => {}
            _ => {
                return Err(SyncError::List {
                    doing,
                    reason: value.missing(&format!("`{name}`")).reason,
                    spec: value.site.to_string(),
                    hint: Some("say `{ from: …, optional: true }` if it may be missing".to_owned()),
                    request: None,
                    about_one: false,
                });
            }
        }
    }
    Ok(kept)
}

async fn prove(run: &Run, check: &Check) -> Result<(), SyncError> {
    if let Some(when) = &check.when
        && !when.holds(&run.scope()).map_err(|error| failed(check, error.to_string(), None))?
    {
        return Ok(());
    }
    match ask(run, &check.request, &check.statuses, CHECKING).await? {
        Some(answer) => shows(run, check, &answer).map_err(|error| error.about(&answer)),
        None => Err(refuted(check)),
    }
}

/// Whether an answer shows what the spec wants to see.
fn shows(run: &Run, check: &Check, answer: &Answer) -> Result<(), SyncError> {
    let broken = |error: engine_spec::expression::EvaluationError| failed(check, error.to_string(), None);
    let scope = run.scope();
    if let (Some(take), Some(some)) = (&check.items, &check.some) {
        let rows = rows_of(take, answer.body(), &scope, &NoWitness)
            .map_err(|missing| failed(check, missing.reason, Some(missing.hint)))?;
        let mut found = false;
        for row in &rows {
            let row: &Json = match row {
                Cow::Borrowed(row) => row,
                Cow::Owned(row) => row,
            };
            found = found || some.holds(&scope.with_node("row", row)).map_err(broken)?;
        }
        if !found {
            return Err(refuted(check));
        }
    }
    if let Some(holds) = &check.holds {
        let headers = answer.headers().to_json();
        let status = json!(answer.status());
        let inner = scope.with("headers", &headers);
        let inner = inner.with("status", &status);
        if !holds.holds(&inner.with_node("body", answer.whole())).map_err(broken)? {
            return Err(refuted(check));
        }
    }
    Ok(())
}

fn failed(check: &Check, reason: String, hint: Option<String>) -> SyncError {
    SyncError::List {
        doing: CHECKING.to_owned(),
        reason,
        spec: check.site.to_string(),
        hint,
        request: None,
        about_one: false,
    }
}

/// The error of an answer that does not show what it should.
fn refuted(check: &Check) -> SyncError {
    let say = check.say.clone();
    let say = say.unwrap_or_else(|| "the vendor's answer does not show what the spec wants to see".to_owned());
    failed(check, say, None)
}
