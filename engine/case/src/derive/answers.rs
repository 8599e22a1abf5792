//! One answer disturbed. What passes is followed by the recorded answer; what stays is all there is.

use engine_json::{Value as Json, json};
use engine_spec::document::client::ResetForm;
use engine_spec::plan::{Meaning, StatusRule, Take};

use super::spots::{Role, Spot, answer, body};
use super::wanted::{Told, Wanted};
use super::{BEGINS, Base, Derived, always, change, first, last_mut, with_exchange};
use crate::case::{AnswerSpec, Arrival, Scalar};

const HTML: &str = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to go on</body></html>";
/// [`BEGINS`] and 30 seconds, as RFC 9110 writes dates.
const SOON: &str = "Thu, 01 Jan 2026 00:00:30 GMT";

/// Every disturbance of one exchange's answer.
pub(super) fn derive(base: &Base<'_>, spot: &Spot<'_>) -> Vec<Derived> {
    let exchange = base.case.exchanges.get(spot.number);
    let (Some(body), Some(answer)) = (exchange.and_then(body), exchange.and_then(answer)) else { return Vec::new() };
    let passing = passing(spot, body).into_iter().chain(broken_off(answer));
    let mut derived: Vec<Derived> = passing.map(|passing| passing.derived(base, spot)).collect();
    for (what, answer) in lasting(spot, body) {
        let name = format!("{what} on {}", spot.line);
        let edit = |case: &mut _| with_exchange(case, spot.number, |exchange| always(exchange, answer));
        derived.push(Derived::new(base, name, format!("{what}{}", spot.tries), edit, Wanted::Told(Told::at(spot))));
    }
    derived.extend(missing(base, spot, body));
    derived.extend(harmless(base, spot));
    derived
}

/// What is answered first, and passes.
struct Passing {
    what: String,
    answers: Vec<AnswerSpec>,
    /// Tried once for a client, as it is the client that reads it.
    of_client: bool,
}

impl Passing {
    fn derived(self, base: &Base<'_>, spot: &Spot<'_>) -> Derived {
        let name = format!("{} on {}", self.what, spot.line);
        let client = spot.client.map(|client| format!(" client {}", client.name));
        let tries = match client.filter(|_| self.of_client) {
            Some(client) => format!("{}{client}", self.what),
            None => format!("{}{}", self.what, spot.tries),
        };
        // A sign-in may give out what it gives once only, and is not asked for again where it was answered.
        let is_answered = self.answers.iter().any(|answer| answer.status == Some(200));
        let wanted = match spot.role {
            Role::Other if is_answered => Wanted::SameOrTold(Told::at(spot)),
            _ => Wanted::Same,
        };
        let edit = |case: &mut _| with_exchange(case, spot.number, |exchange| first(exchange, self.answers));
        Derived::new(base, name, tries, edit, wanted)
    }
}

fn passing(spot: &Spot<'_>, body: &Json) -> Vec<Passing> {
    let one = |what: &str, answer: AnswerSpec, of_client: bool| Passing {
        what: what.to_owned(),
        answers: vec![answer],
        of_client,
    };
    let limited = || AnswerSpec::of(429, "application/json", r#"{"message":"too many requests"}"#);
    let soon = (BEGINS + 30).to_string();
    let mut passing = vec![
        one("429 with Retry-After", limited().header("retry-after", "7"), false),
        one("429 with a date in Retry-After", limited().header("retry-after", SOON), true),
        one(
            "429 with X-RateLimit-Reset",
            limited().header("x-ratelimit-remaining", "0").header("x-ratelimit-reset", &soon),
            true,
        ),
        one("429 that says nothing", limited(), true),
        one("500 then 200", AnswerSpec::of(500, "application/json", r#"{"message":"internal error"}"#), false),
        one("502 with an HTML page then 200", AnswerSpec::of(502, "text/html", HTML), true),
        one("503 with Retry-After then 200", AnswerSpec::of(503, "text/plain", "").header("retry-after", "3"), true),
        one("504 then 200", AnswerSpec::of(504, "text/plain", ""), true),
        one("truncated JSON then the whole", AnswerSpec::of(200, "application/json", &truncated(body)), false),
        Passing {
            what: "429, 500, 429 and 503 then 200".to_owned(),
            answers: vec![
                limited(),
                AnswerSpec::of(500, "text/plain", ""),
                limited().header("retry-after", "1"),
                AnswerSpec::of(503, "text/html", HTML),
            ],
            of_client: true,
        },
    ];
    if let Some((header, form)) = spot.client.and_then(|client| client.rate_limit.reset.as_ref()) {
        let value = match form {
            ResetForm::Seconds => "30".to_owned(),
            ResetForm::Milliseconds => "30000".to_owned(),
            ResetForm::UnixSeconds => soon,
            ResetForm::UnixMilliseconds => format!("{soon}000"),
            ResetForm::Date => SOON.to_owned(),
        };
        passing.push(one(&format!("429 with {header}"), limited().header(header, &value), true));
    }
    // An empty text cannot stand for JSON that breaks off.
    passing.retain(|passing| {
        passing.answers.iter().all(|answer| answer.status != Some(200) || answer.text.as_deref() != Some(""))
    });
    passing
}

/// The recorded answer, and a connection that does not last until its end.
fn broken_off(answer: &AnswerSpec) -> Vec<Passing> {
    let forms = [
        ("a connection that ends before the answer", Arrival::Nothing, true),
        ("a connection that ends in the middle of the answer", Arrival::Half, false),
        ("a connection that is reset in the middle of the answer", Arrival::Reset, true),
    ];
    let passing = forms.into_iter().map(|(what, arrives, of_client)| Passing {
        what: what.to_owned(),
        answers: vec![AnswerSpec { arrives: Some(arrives), ..answer.clone() }],
        of_client,
    });
    passing.collect()
}

/// JSON that breaks off in its middle.
fn truncated(body: &Json) -> String {
    let whole = body.to_string();
    // A number that breaks off is another number; an object or a list is never whole before its end.
    let breaks_off = body.is_object() || body.is_array();
    whole.chars().take(if breaks_off { whole.chars().count() * 2 / 3 } else { 0 }).collect()
}

fn lasting(spot: &Spot<'_>, body: &Json) -> Vec<(&'static str, AnswerSpec)> {
    let mut lasting = vec![
        ("HTML instead of JSON", AnswerSpec::of(200, "text/html", HTML)),
        ("an HTML page that says it is JSON", AnswerSpec::of(200, "application/json", HTML)),
        ("an empty body", AnswerSpec::of(200, "application/json", "")),
    ];
    let broken = truncated(body);
    if !broken.is_empty() {
        lasting.push(("truncated JSON", AnswerSpec::of(200, "application/json", &broken)));
    }
    let message = r#"{"message":"no"}"#;
    let faults = [
        (500, "500 for good", AnswerSpec::of(500, "application/json", message)),
        (400, "400", AnswerSpec::of(400, "application/json", message)),
        (403, "403", AnswerSpec::of(403, "application/json", message)),
        (404, "404", AnswerSpec::of(404, "application/json", message)),
        (404, "404 with an HTML page", AnswerSpec::of(404, "text/html", HTML)),
    ];
    let told = faults.into_iter().filter(|(status, ..)| !spot.statuses.iter().any(|rule| excuses(rule, *status)));
    lasting.extend(told.map(|(_, what, answer)| (what, answer)));
    lasting
}

/// Whether a rule may say that an answer of a status means that there is nothing, or later.
fn excuses(rule: &StatusRule, status: u16) -> bool {
    let may_fit = rule.statuses.is_empty() || rule.statuses.contains(&status);
    may_fit && matches!(rule.meaning, Meaning::NoRows | Meaning::Retry)
}

/// Answers that are JSON, and have no rows where they should.
fn missing(base: &Base<'_>, spot: &Spot<'_>, body: &Json) -> Vec<Derived> {
    let (paths, excused) = match (spot.role, spot.list().map(|list| &list.source.take)) {
        (Role::Page(_), Some(Take::Items { paths, absent_is_empty })) => (paths.iter().collect(), *absent_is_empty),
        (Role::Page(_), Some(Take::Item(path) | Take::Entries(path))) => (vec![path], false),
        (Role::Page(_), Some(Take::Columns { rows, .. })) => (vec![rows], false),
        _ => return Vec::new(),
    };
    let found = |path: &engine_spec::path::Path| {
        path.is_plain() && spot.unwrapped(body).is_some_and(|inner| path.one(inner).is_some())
    };
    let Some(path) = paths.iter().copied().find(|path| found(path)) else { return Vec::new() };
    let mut derived = Vec::new();
    let mut put = |what: &str, edit: &dyn Fn(&mut Json)| {
        let edit = |case: &mut _| {
            with_exchange(case, spot.number, |exchange| {
                change(exchange, |body| {
                    if let Some(inner) = spot.unwrapped_mut(body) {
                        edit(inner);
                    }
                })
            })
        };
        let name = format!("{what} on {}", spot.line);
        derived.push(Derived::new(base, name, format!("{what}{}", spot.tries), edit, Wanted::Told(Told::at(spot))));
    };
    put("a text in the place of items", &|inner| {
        path.put(inner, json!("none"));
    });
    // Where the answer itself is the row, an object without anything is a row without anything.
    let is_row = matches!(spot.list().map(|list| &list.source.take), Some(Take::Item(path)) if path.names().is_empty());
    if !excused && !is_row {
        put("items missing", &|inner| {
            let removed = paths.iter().filter(|path| path.remove(inner).is_some()).count();
            if removed == 0 {
                *inner = json!({ "message": "no" });
            }
        });
        put("an object without anything", &|inner| *inner = json!({}));
    }
    if !excused {
        put("items null", &|inner| {
            for path in &paths {
                if path.one(inner).is_some() {
                    path.put(inner, Json::Null);
                }
            }
        });
    }
    derived
}

/// Answers that are labelled wrongly, or come slowly.
fn harmless(base: &Base<'_>, spot: &Spot<'_>) -> Vec<Derived> {
    let Some(client) = spot.client.map(|client| format!(" client {}", client.name)) else { return Vec::new() };
    let derived = |what: &str, wanted: Wanted, edit: &dyn Fn(&mut AnswerSpec)| {
        let edit = |case: &mut _| {
            with_exchange(case, spot.number, |exchange| {
                if let Some(answer) = last_mut(exchange) {
                    edit(answer);
                }
            });
        };
        Derived::new(base, format!("{what} on {}", spot.line), format!("{what}{client}"), edit, wanted)
    };
    vec![
        derived("JSON that says it is text", Wanted::SameOrTold(Told::at(spot)), &|answer| {
            answer.text = answer.json.take().map(|json| json.to_string());
            answer.headers.insert("content-type".to_owned(), Scalar::Text("text/plain".to_owned()));
        }),
        derived("an answer that comes slowly", Wanted::Same, &|answer| answer.arrives = Some(Arrival::Slowly)),
    ]
}
