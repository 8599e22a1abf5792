//! Faults: for which requests, how often, and what happens to them.
//!
//! In: what a test arms. Out: how one request is answered. A fault that takes a request may wait
//! before acting, act or not, wait again, and withhold the answer.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;

use super::{Service, locked};
use crate::support::server::{Answer, Request};

/// How long something is waited for that a test has promised.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Which requests.
pub struct Pattern {
    method: String,
    path: String,
}

impl Pattern {
    /// A method and a path; `*` stands for any method, or any one segment.
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned() }
    }

    /// Whether a request is one of them.
    pub fn fits(&self, method: &str, path: &str) -> bool {
        let same = |(wanted, found): (&str, &str)| wanted == "*" || wanted == found;
        same((&self.method, method))
            && self.path.split('/').count() == path.split('/').count()
            && self.path.split('/').zip(path.split('/')).all(same)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

type Condition = dyn Fn(&Request) -> bool + Send;

/// What happens to some requests. It happens once, to the first that fits, unless said otherwise.
#[must_use = "a fault that is not armed does nothing"]
pub struct Fault<S> {
    pattern: Pattern,
    condition: Option<Box<Condition>>,
    passes: usize,
    /// None: always.
    left: Option<usize>,
    effects: Arc<Effects<S>>,
}

impl<S: Service> Fault<S> {
    pub(super) fn new(pattern: Pattern) -> Self {
        let effects = Effects {
            before: Vec::new(),
            awaited: None,
            meanwhile: Vec::new(),
            act: Act::Acts,
            after: Vec::new(),
            cut: false,
        };
        Self { pattern, condition: None, passes: 0, left: Some(1), effects: Arc::new(effects) }
    }

    /// Only requests for which this holds too.
    pub fn when(self, condition: impl Fn(&Request) -> bool + Send + 'static) -> Self {
        Self { condition: Some(Box::new(condition)), ..self }
    }

    /// Lets so many pass before.
    pub fn after(self, passes: usize) -> Self {
        Self { passes, ..self }
    }

    /// Happens so often.
    pub fn times(self, times: usize) -> Self {
        Self { left: Some(times), ..self }
    }

    /// Happens until all faults are disarmed.
    pub fn always(self) -> Self {
        Self { left: None, ..self }
    }

    /// Answers without acting.
    pub fn answers(self, status: u16, headers: &[(&str, &str)], body: Json) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.with(|effects| effects.act = Act::Answers { status, headers, body })
    }

    /// Answers as if it had acted, and changes nothing.
    pub fn pretends(self) -> Self {
        self.with(|effects| effects.act = Act::Pretends)
    }

    /// Ends the connection without acting.
    pub fn closes(self) -> Self {
        self.with(|effects| effects.act = Act::Closes)
    }

    /// Acts, and ends the connection without an answer.
    pub fn loses_answer(self) -> Self {
        self.with(|effects| effects.cut = true)
    }

    /// Waits before acting.
    pub fn waits(self, time: Duration) -> Self {
        self.first(move || std::thread::sleep(time))
    }

    /// Waits before acting until the gate is open.
    pub fn waits_at(self, gate: &Gate) -> Self {
        let gate = gate.clone();
        self.first(move || gate.pass())
    }

    /// Waits before acting until a request that came later, with a method and a path, was acted on.
    pub fn waits_for(self, method: &str, path: &str) -> Self {
        let pattern = Pattern::new(method, path);
        self.with(|effects| effects.awaited = Some(pattern))
    }

    /// Does something before acting, and before what is kept is locked.
    pub fn first(self, act: impl Fn() + Send + Sync + 'static) -> Self {
        self.with(|effects| effects.before.push(Box::new(act)))
    }

    /// Changes what the service keeps just before acting, as another writer would.
    pub fn meanwhile(self, change: impl Fn(&mut S) + Send + Sync + 'static) -> Self {
        self.with(|effects| effects.meanwhile.push(Box::new(change)))
    }

    /// Waits before the answer.
    pub fn stalls(self, time: Duration) -> Self {
        self.finally(move || std::thread::sleep(time))
    }

    /// Does something before the answer.
    pub fn finally(self, act: impl Fn() + Send + Sync + 'static) -> Self {
        self.with(|effects| effects.after.push(Box::new(act)))
    }

    pub(super) fn outstanding(&self) -> usize {
        self.left.unwrap_or(0)
    }

    /// What happens to a request, if anything does.
    pub(super) fn takes(&mut self, request: &Request) -> Option<Arc<Effects<S>>> {
        let fits = self.left != Some(0)
            && self.pattern.fits(&request.method, &request.path)
            && self.condition.as_ref().is_none_or(|condition| condition(request));
        if !fits {
            return None;
        }
        if self.passes > 0 {
            self.passes -= 1;
            return None;
        }
        self.left = self.left.map(|left| left - 1);
        Some(self.effects.clone())
    }

    fn with(mut self, change: impl FnOnce(&mut Effects<S>)) -> Self {
        change(Arc::get_mut(&mut self.effects).expect("a fault that is being made is not at work"));
        self
    }
}

/// What a fault does to one request.
pub struct Effects<S> {
    before: Vec<Deed>,
    awaited: Option<Pattern>,
    meanwhile: Vec<Change<S>>,
    act: Act,
    after: Vec<Deed>,
    cut: bool,
}

type Deed = Box<dyn Fn() + Send + Sync>;
type Change<S> = Box<dyn Fn(&mut S) + Send + Sync>;

enum Act {
    Acts,
    Answers { status: u16, headers: Vec<(String, String)>, body: Json },
    Pretends,
    Closes,
}

impl<S: Service> Effects<S> {
    pub(super) fn wait(&self) {
        self.before.iter().for_each(|act| act());
    }

    pub(super) fn awaited(&self) -> Option<&Pattern> {
        self.awaited.as_ref()
    }

    pub(super) fn answer(&self, state: &mut S, request: &Request) -> Answer {
        self.meanwhile.iter().for_each(|change| change(state));
        match &self.act {
            Act::Acts => state.answer(request),
            Act::Answers { status, headers, body } => {
                let answer = if body.is_null() { Answer::bare(*status) } else { Answer::json(body).status(*status) };
                headers.iter().fold(answer, |answer, (name, value)| answer.header(name, value))
            }
            Act::Pretends => state.clone().answer(request),
            Act::Closes => Answer::cut(),
        }
    }

    pub(super) fn finish(&self, answer: Answer) -> Answer {
        self.after.iter().for_each(|act| act());
        if self.cut { Answer::cut() } else { answer }
    }
}

/// Holds requests until it is opened.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<Passage>, Condvar)>);

#[derive(Default)]
struct Passage {
    open: bool,
    arrived: usize,
}

impl Gate {
    /// Lets all pass from now on.
    pub fn open(&self) {
        self.change(|passage| passage.open = true);
    }

    /// Waits until so many requests have come to it.
    pub fn reached_by(&self, requests: usize) {
        self.wait("nobody came to the gate", |passage| passage.arrived < requests);
    }

    fn pass(&self) {
        self.change(|passage| passage.arrived += 1);
        self.wait("nobody opened the gate", |passage| !passage.open);
    }

    fn change(&self, change: impl FnOnce(&mut Passage)) {
        let (passage, moved) = &*self.0;
        change(&mut locked(passage));
        moved.notify_all();
    }

    fn wait(&self, vain: &str, until_not: impl FnMut(&mut Passage) -> bool) {
        let (passage, moved) = &*self.0;
        let waited = moved.wait_timeout_while(locked(passage), PATIENCE, until_not);
        let (passage, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        drop(passage);
        assert!(!timeout.timed_out(), "{vain}");
    }
}
