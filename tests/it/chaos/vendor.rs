//! A vendor that disturbs its answers: a recorded case with moved rows, and a fifth of all answers
//! changed on their way. What happens to an answer follows from the seed, from which exchange it is and
//! how often that was asked, so that it does not depend on which of two requests arrives first.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use engine_case::case::{AnswerSpec, Arrival, Case, Scalar};
use engine_case::derive::{Base, Wanted, loosened, rearranged};
use engine_case::player::{Disturb, Disturbance};
use engine_run::environment::Environment;
use engine_spec::document::client::ResetForm;
use engine_spec::plan::Plan;
use jiff::{SignedDuration, Timestamp};

use super::Dice;

/// Of a hundred answers so many are disturbed on their way.
const SHARE: u64 = 20;

/// What a seed lets happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// What passes if one asks again.
    Passing,
    /// That, and answers that will never be good.
    Lasting,
    /// That, and rows and pages that move.
    Moving,
}

impl Mood {
    /// The mood of a seed.
    pub fn of(seed: u64) -> Self {
        [Self::Passing, Self::Lasting, Self::Moving][usize::try_from(seed % 3).unwrap()]
    }
}

/// What a seed makes of a recorded case by moving its rows and pages.
pub struct Moved {
    /// The case.
    pub case: Case,
    /// What was moved, and where.
    pub done: Vec<String>,
    /// Whether it must not be called complete: rows are lost, or pages have no end.
    pub must_be_told: bool,
}

impl Moved {
    /// Moves what can be moved without a loss at up to two places, or makes one fault that the engine
    /// knows. Not both: two faults may look like none, and then only the vendor could tell.
    pub fn new(plan: &Plan, base: &Base<'_>, name: &str, seed: u64) -> Self {
        let mut moved = Self { case: loosened(base.case), done: Vec::new(), must_be_told: false };
        if Mood::of(seed) != Mood::Moving {
            return moved;
        }
        let mut dice = Dice::of(&[number(name), seed]);
        for round in 0..=dice.below(2) {
            let mut ways = rearranged(plan, &Base { case: &moved.case, ..*base });
            ways.retain(|way| round == 0 || !matches!(way.wanted, Wanted::Told(_)));
            if ways.is_empty() {
                break;
            }
            let way = ways.swap_remove(dice.pick(ways.len()));
            moved.done.push(way.name);
            moved.case = way.case;
            moved.must_be_told = matches!(way.wanted, Wanted::Told(_));
            if moved.must_be_told {
                break;
            }
        }
        moved
    }
}

/// Disturbs answers on their way.
pub struct Mischief {
    /// The number of the case's name: each case has its own luck.
    name: u64,
    seed: u64,
    world: Arc<dyn Environment>,
    /// Headers in which the spec says that the vendor tells when to ask again.
    pinned: Vec<(String, ResetForm)>,
    /// How often each exchange was asked.
    asked: Mutex<BTreeMap<usize, u64>>,
    /// What was done how often, by its name; the name of the exchange's number beside it.
    done: Mutex<Vec<(&'static str, usize)>>,
    is_over: Mutex<bool>,
}

/// What is done to an answer.
type Deed = fn(&Mischief, &mut Dice, &AnswerSpec) -> Option<Disturbance>;

/// What is done, by name, and how often one in comparison to others.
const PASSING: &[(&str, u64, Deed)] = &[
    ("429", 12, |mischief, dice, _| Some(first(mischief.limited(dice)))),
    ("500", 4, |_, _, _| Some(first(page(500, "application/json", r#"{"message":"internal error"}"#)))),
    ("502", 4, |_, _, _| Some(first(page(502, "text/html", HTML)))),
    ("503", 2, |_, dice, _| Some(first(page(503, "text/plain", "").with("retry-after", dice.below(90).to_string())))),
    ("504", 2, |_, _, _| Some(first(page(504, "text/plain", "")))),
    ("no answer", 2, |_, _, answer| arriving(answer, Arrival::Nothing).map(first)),
    ("an end in the middle", 3, |_, _, answer| arriving(answer, Arrival::Half).map(first)),
    ("a reset in the middle", 3, |_, _, answer| arriving(answer, Arrival::Reset).map(first)),
    ("silence in the middle", 1, |_, dice, answer| {
        // This one is waited for in real time.
        (dice.below(8) == 0).then(|| arriving(answer, Arrival::Stalled).map(first)).flatten()
    }),
    ("a slow body", 4, |_, _, answer| arriving(answer, Arrival::Slowly).map(Disturbance::Instead)),
    ("truncated JSON", 4, |_, dice, answer| {
        let json = answer.json.as_ref().filter(|json| is_good(answer) && (json.is_object() || json.is_array()))?;
        let whole = json.to_string();
        let most = 1 + usize::try_from(dice.below(whole.chars().count() as u64 - 1)).unwrap();
        Some(first(page(200, "application/json", &whole.chars().take(most).collect::<String>())))
    }),
    ("the last request for now", 3, |_, dice, answer| {
        let reset = dice.below(120).to_string();
        let answer = answer.clone().with("x-ratelimit-remaining", "0").with("x-ratelimit-reset", reset);
        Some(Disturbance::Instead(answer))
    }),
    ("a wrong content type", 4, |_, dice, answer| {
        let json = answer.json.as_ref()?;
        let kind = ["text/html", "text/plain", "application/octet-stream", "image/png"][dice.pick(4)];
        let text = Some(json.to_string());
        Some(Disturbance::Instead(AnswerSpec { json: None, text, ..answer.clone() }.with("content-type", kind)))
    }),
];

/// The same for what asking again does not help against.
const LASTING: &[(&str, u64, Deed)] = &[
    ("HTML", 2, |_, _, answer| is_good(answer).then(|| first(page(200, "text/html", HTML)))),
    ("HTML that says it is JSON", 1, |_, _, answer| {
        is_good(answer).then(|| first(page(200, "application/json", HTML)))
    }),
    ("an empty 200", 2, |_, _, answer| is_good(answer).then(|| first(page(200, "application/json", "")))),
    ("a wait of hours", 1, |_, _, _| Some(first(page(429, "text/plain", "").with("retry-after", "86400")))),
];

const HTML: &str = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to go on</body></html>";

impl Mischief {
    /// Ready to disturb the answers of a plan's vendor.
    pub fn new(plan: &Plan, name: &str, seed: u64, world: Arc<dyn Environment>) -> Self {
        let pinned = plan.clients.iter().filter_map(|client| client.rate_limit.reset.clone()).collect();
        Self {
            name: number(name),
            seed,
            world,
            pinned,
            asked: Mutex::default(),
            done: Mutex::default(),
            is_over: Mutex::default(),
        }
    }

    /// Lets all answers through from now on.
    pub fn ends(&self) {
        *self.is_over.lock().unwrap() = true;
    }

    /// What was done so far, and to which exchange.
    pub fn done(&self) -> Vec<(&'static str, usize)> {
        self.done.lock().unwrap().clone()
    }

    /// The names of all that may happen on the way.
    pub fn names() -> impl Iterator<Item = &'static str> {
        PASSING.iter().chain(LASTING).map(|(name, ..)| *name)
    }

    /// "Too fast", with one of the headers in which vendors say when to ask again.
    fn limited(&self, dice: &mut Dice) -> AnswerSpec {
        let answer = page(429, "application/json", r#"{"message":"too many requests"}"#);
        let seconds = dice.below(200);
        let moment = self.world.now().checked_add(SignedDuration::from_secs(i64::try_from(seconds).unwrap())).unwrap();
        let unix = moment.as_second().to_string();
        if let Some((header, form)) = self.pinned.get(dice.pick(self.pinned.len() + 2)) {
            return answer.with(header, pinned(*form, seconds, moment));
        }
        match dice.below(18) {
            0 => answer,
            1 => answer.with("retry-after", seconds.to_string()),
            2 => answer.with("retry-after", format!("{seconds}.5")),
            3 => answer.with("retry-after", http_date(moment)),
            4 => answer.with("retry-after", moment.to_string()),
            5 => answer.with("retry-after-ms", format!("{seconds}00")),
            6 => answer.with("x-ratelimit-remaining", "0").with("x-ratelimit-reset", unix),
            7 => answer.with("x-ratelimit-remaining", "0").with("x-ratelimit-reset", format!("{unix}000")),
            8 => answer.with("x-ratelimit-reset", seconds.to_string()),
            9 => answer.with("x-ratelimit-reset", "1m30s"),
            10 => answer.with("x-rate-limit-reset", unix),
            11 => answer.with("ratelimit-reset", seconds.to_string()),
            12 => answer.with("ratelimit", format!("limit=100, remaining=0, reset={seconds}")),
            13 => answer.with("ratelimit", format!("\"default\";r=0;t={seconds}")),
            14 => answer.with("x-ratelimit-requests-reset", format!("{seconds}ms")),
            // A date that has passed, a time that is none, a number that no clock holds.
            15 => answer.with("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT"),
            16 => answer.with("retry-after", "soon"),
            _ => answer.with("x-ratelimit-reset", "99999999999999999999999"),
        }
    }
}

impl Disturb for Mischief {
    fn disturb(&self, exchange: usize, answer: &AnswerSpec) -> Option<Disturbance> {
        if *self.is_over.lock().unwrap() {
            return None;
        }
        let mut asked = self.asked.lock().unwrap();
        let times = asked.entry(exchange).or_default();
        *times += 1;
        let mut dice = Dice::of(&[self.name, self.seed, exchange as u64, *times]);
        drop(asked);
        if dice.below(100) >= SHARE {
            return None;
        }
        let lasting = if Mood::of(self.seed) == Mood::Passing { &[] } else { LASTING };
        let weights: u64 = PASSING.iter().chain(lasting).map(|(_, weight, _)| weight).sum();
        let mut at = dice.below(weights);
        for (name, weight, deed) in PASSING.iter().chain(lasting) {
            if at < *weight {
                let done = deed(self, &mut dice, answer)?;
                self.done.lock().unwrap().push((name, exchange));
                return Some(done);
            }
            at -= weight;
        }
        None
    }
}

/// A number for a name, always the same.
fn number(name: &str) -> u64 {
    name.bytes().fold(0, |number, byte| Dice::of(&[number, u64::from(byte)]).below(u64::MAX))
}

fn first(answer: AnswerSpec) -> Disturbance {
    Disturbance::First(answer)
}

fn page(status: u16, content_type: &str, text: &str) -> AnswerSpec {
    AnswerSpec { status: Some(status), text: Some(text.to_owned()), ..AnswerSpec::default() }
        .with("content-type", content_type)
}

fn is_good(answer: &AnswerSpec) -> bool {
    answer.status.is_none_or(|status| status == 200)
}

/// The answer, coming otherwise than whole and at once, where it has a body to do so with.
fn arriving(answer: &AnswerSpec, arrives: Arrival) -> Option<AnswerSpec> {
    let has_body = answer.json.is_some() || answer.text.is_some();
    (has_body || arrives == Arrival::Nothing).then(|| AnswerSpec { arrives: Some(arrives), ..answer.clone() })
}

fn pinned(form: ResetForm, seconds: u64, moment: Timestamp) -> String {
    match form {
        ResetForm::Seconds => seconds.to_string(),
        ResetForm::Milliseconds => format!("{seconds}000"),
        ResetForm::UnixSeconds => moment.as_second().to_string(),
        ResetForm::UnixMilliseconds => moment.as_millisecond().to_string(),
        ResetForm::Date => http_date(moment),
    }
}

/// A date as RFC 9110 writes it.
fn http_date(moment: Timestamp) -> String {
    moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// One more header.
trait With {
    fn with(self, name: &str, value: impl Into<String>) -> Self;
}

impl With for AnswerSpec {
    fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|known, _| !known.eq_ignore_ascii_case(name));
        self.headers.insert(name.to_owned(), Scalar::Text(value.into()));
        self
    }
}
