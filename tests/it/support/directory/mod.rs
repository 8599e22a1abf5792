//! Vendors on loopback that keep accounts, groups and memberships, change them when asked, and
//! fail when a test says so.
//!
//! In: a service with what it keeps, and faults. Out: an address, what was asked, what is kept.
//! A service acts on one request at a time; requests that wait for something do not hold up others.
//!
//! ```text
//! fault     what happens in place of, before or after acting      table   rows by id
//! scim      a SCIM 2.0 service and its dialects                   fivetran  roles, teams, groups
//! lists     whole lists to read, change and write; operations; GraphQL
//! ```

mod fault;
pub mod fivetran;
pub mod lists;
pub mod scim;
mod table;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use serde_json::Value as Json;

use super::server::{Answer, Request, Server};
use fault::{Effects, Pattern};
pub use fault::{Fault, Gate};
pub use table::Table;

/// The token that every service but Fivetran wants, as a bearer token.
pub const TOKEN: &str = "made-up-directory-token-41c7";

/// A vendor: what it keeps, and how it answers.
pub trait Service: Clone + Send + 'static {
    /// Acts on a request.
    fn answer(&mut self, request: &Request) -> Answer;

    /// Whether a request means to change something.
    fn is_write(request: &Request) -> bool {
        request.method != "GET"
    }
}

/// A service that answers until it is dropped.
pub struct Directory<S: Service> {
    server: Server,
    scene: Arc<Scene<S>>,
}

/// What the threads of the server and the test share.
struct Scene<S> {
    state: Mutex<S>,
    faults: Mutex<Vec<Fault<S>>>,
    /// Number, method and path of the requests that were acted on.
    handled: Mutex<Vec<(usize, String, String)>>,
    moved: Condvar,
}

impl<S: Service> Directory<S> {
    /// Starts a service.
    pub fn start(service: S) -> Self {
        let scene = Arc::new(Scene {
            state: Mutex::new(service),
            faults: Mutex::default(),
            handled: Mutex::default(),
            moved: Condvar::new(),
        });
        let shared = scene.clone();
        Self { server: Server::start(move |request| shared.answer(request)), scene }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What the service keeps at this moment: a copy, so that nothing waits for who looks at it.
    pub fn state(&self) -> S {
        locked(&self.scene.state).clone()
    }

    /// Changes what the service keeps, or its habits, as somebody else would.
    pub fn change<T>(&self, change: impl FnOnce(&mut S) -> T) -> T {
        change(&mut locked(&self.scene.state))
    }

    /// What was asked, in order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.server.asked()
    }

    /// The requests among them that meant to change something.
    pub fn writes(&self) -> Vec<Request> {
        self.requests().into_iter().filter(S::is_write).collect()
    }

    /// The writes as `METHOD target`.
    pub fn write_lines(&self) -> Vec<String> {
        self.writes().iter().map(Request::to_string).collect()
    }

    /// The bodies of the writes.
    pub fn write_bodies(&self) -> Vec<Json> {
        self.writes().iter().map(Request::json).collect()
    }

    /// Forgets what was asked so far.
    pub fn forget(&self) {
        self.server.forget();
    }

    /// A fault for requests with a method and a path; `*` is any method, or any one segment. It
    /// does nothing before it is armed.
    pub fn on(&self, method: &str, path: &str) -> Fault<S> {
        Fault::new(Pattern::new(method, path))
    }

    /// Arms a fault. Of several that fit a request, the one that was armed first takes it.
    pub fn arm(&self, fault: Fault<S>) {
        locked(&self.scene.faults).push(fault);
    }

    /// Disarms all faults.
    pub fn calm(&self) {
        locked(&self.scene.faults).clear();
    }

    /// How many times the armed faults have yet to happen; faults that always happen do not count.
    pub fn outstanding(&self) -> usize {
        locked(&self.scene.faults).iter().map(Fault::outstanding).sum()
    }
}

impl<S: Service> Scene<S> {
    fn answer(&self, request: &Request) -> Answer {
        let effects = locked(&self.faults).iter_mut().find_map(|fault| fault.takes(request));
        let answer = match &effects {
            Some(effects) => self.strange_answer(effects, request),
            None => locked(&self.state).answer(request),
        };
        locked(&self.handled).push((request.number, request.method.clone(), request.path.clone()));
        self.moved.notify_all();
        match effects {
            Some(effects) => effects.finish(answer),
            None => answer,
        }
    }

    fn strange_answer(&self, effects: &Effects<S>, request: &Request) -> Answer {
        effects.wait();
        if let Some(pattern) = effects.awaited() {
            self.wait_for(pattern, request.number);
        }
        let mut state = locked(&self.state);
        effects.answer(&mut state, request)
    }

    /// Waits until a request that came after some number was acted on.
    fn wait_for(&self, pattern: &Pattern, number: usize) {
        let handled = locked(&self.handled);
        let none = |handled: &mut Vec<(usize, String, String)>| {
            !handled.iter().any(|(other, method, path)| *other > number && pattern.fits(method, path))
        };
        let (handled, timeout) =
            self.moved.wait_timeout_while(handled, fault::PATIENCE, none).unwrap_or_else(PoisonError::into_inner);
        drop(handled);
        assert!(!timeout.timed_out(), "request {number} waited in vain for {pattern:?}");
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
