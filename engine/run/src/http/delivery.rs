//! Delivery: a request is sent until there is a verdict on its answer, or patience ends.
//!
//! Here credentials are added and renewed, redirects followed, passing faults retried and rate
//! limits waited for. What an answer means is decided by the caller's `judge`.

use std::time::Duration;

use super::egress::{Origin, Trust, check_form};
use super::failure::{RequestError, RequestErrorKind};
use super::host::ClosedFor;
use super::rate;
use super::redirect::{self, MOST_HOPS};
use super::retry::Patience;
use super::shared::{Member, Shared};
use super::transport::{self, Fault, Incoming};
use crate::auth::{Context, Credentials, Stamp};
use crate::request::{PreparedRequest, Repeatable};

/// A request that has waited for longer than this after it was signed is signed again: signatures
/// hold the time, and tokens expire.
const FRESH: Duration = Duration::from_secs(15);

/// What to do with an answer.
pub(crate) enum Verdict<T> {
    /// It is final.
    Done(Result<T, RequestError>),
    /// It says "too fast".
    Limited {
        /// When to ask again, if it says so.
        after: Option<Duration>,
        /// What to make of it when patience ends.
        otherwise: Result<T, RequestError>,
    },
    /// Asking again may help.
    Again {
        /// When to ask again, if it says so.
        after: Option<Duration>,
        /// What to make of it when patience ends.
        otherwise: Result<T, RequestError>,
    },
}

/// Which guard a request passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// The hosts of the client.
    Client,
    /// The hosts of the client, to get a token there.
    Login,
    /// The very URL that the spec names for tokens; redirects are not followed.
    TokenEndpoint,
}

/// How a request is to be delivered.
pub(crate) struct Delivery<'a> {
    /// What the clients share.
    pub shared: &'a Shared,
    /// The client.
    pub member: &'a Member,
    /// The credentials that go with it.
    pub credentials: &'a dyn Credentials,
    /// Which guard it passes.
    pub route: Route,
    /// What is being done, in words.
    pub doing: &'a str,
}

/// What to do next.
enum Step<T> {
    /// It is over.
    Finish(Result<T, RequestError>),
    /// Send it again, after a time.
    Repeat(Option<Duration>),
}

enum Trouble {
    Fault(Fault),
    Error(RequestError),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<RequestError> for Trouble {
    fn from(error: RequestError) -> Self {
        Self::Error(error)
    }
}

impl Delivery<'_> {
    /// Sends a request until there is a verdict.
    pub async fn deliver<T: Send>(
        &self,
        request: &PreparedRequest,
        judge: &(dyn Fn(Incoming) -> Verdict<T> + Sync),
    ) -> Result<T, RequestError> {
        let mut patience = Patience::new(&self.shared.settings);
        let mut is_renewed = false;
        loop {
            patience.sends();
            let step = match self.attempt(request).await {
                Err(Trouble::Error(error)) => return Err(error),
                Err(Trouble::Fault(fault)) => self.after_fault(request, fault, &mut patience),
                Ok((incoming, stamp)) => {
                    let may_renew = incoming.status == 401 && incoming.trust == Trust::Own && !is_renewed;
                    if may_renew && self.credentials.renew(stamp, &incoming, &self.context()).await? {
                        is_renewed = true;
                        continue;
                    }
                    let origin = Origin::of(&incoming.url);
                    self.after_verdict(request, judge(incoming), origin, &mut patience)
                }
            };
            match step {
                Step::Finish(result) => {
                    return result.map_err(|error| error.with(|known| known.attempts = patience.sent()));
                }
                Step::Repeat(None) => {}
                Step::Repeat(Some(wait)) => {
                    self.shared.statistics.retried();
                    self.shared.statistics.waited(wait);
                    self.shared.services.environment.sleep(wait).await;
                }
            }
        }
    }

    fn after_fault<T>(&self, request: &PreparedRequest, fault: Fault, patience: &mut Patience<'_>) -> Step<T> {
        // What never reached the vendor cannot have changed anything there.
        let may_repeat = fault.passing && (request.repeatable() == Repeatable::Yes || !fault.reached);
        let wait = if may_repeat { patience.after_fault(None, &*self.shared.services.environment) } else { None };
        match wait {
            Some(wait) => Step::Repeat(Some(wait)),
            None => Step::Finish(Err(self.error(request, fault))),
        }
    }

    fn after_verdict<T>(
        &self,
        request: &PreparedRequest,
        verdict: Verdict<T>,
        origin: Option<Origin>,
        patience: &mut Patience<'_>,
    ) -> Step<T> {
        let environment = &*self.shared.services.environment;
        match verdict {
            Verdict::Done(result) => Step::Finish(result),
            Verdict::Limited { after, otherwise } => {
                self.shared.statistics.limited();
                match (patience.after_limit(after, environment), origin) {
                    (Some(wait), Some(origin)) if wait <= self.shared.settings.longest_wait => {
                        // Nobody asks this host before; the next attempt waits at its door.
                        self.shared.hosts.host(&origin).close_for(wait, environment);
                        Step::Repeat(None)
                    }
                    (Some(wait), _) => Step::Finish(self.too_long(otherwise, wait)),
                    (None, _) => Step::Finish(otherwise),
                }
            }
            Verdict::Again { after, otherwise } if request.repeatable() == Repeatable::Yes => {
                match patience.after_fault(after, environment) {
                    Some(wait) => Step::Repeat(Some(wait)),
                    None => Step::Finish(otherwise),
                }
            }
            Verdict::Again { otherwise, .. } => Step::Finish(otherwise),
        }
    }

    /// The error of an answer that asks for more time than the run may wait.
    fn too_long<T>(&self, otherwise: Result<T, RequestError>, wait: Duration) -> Result<T, RequestError> {
        let fault = transport::too_long(self.shared, wait);
        otherwise.map_err(|error| {
            error.with(|known| {
                known.kind = fault.kind;
                known.reason = fault.text;
                known.hint = fault.hint.map(str::to_owned);
            })
        })
    }

    /// Sends a request once, through all its redirects.
    async fn attempt(&self, request: &PreparedRequest) -> Result<(Incoming, Stamp), Trouble> {
        let environment = &*self.shared.services.environment;
        let mut hop = request.clone();
        let mut stamp = Stamp::default();
        for hops in 0..=MOST_HOPS {
            // Whoever redirects a request that changes something has received it.
            let received = |fault: Fault| if hops > 0 && request.writes() { fault.after_sending() } else { fault };
            let trust = self.trust(&hop).map_err(received)?;
            let Some(origin) = Origin::of(&hop.url) else {
                return Err(Fault::lasting(RequestErrorKind::Egress, "the URL has no host").into());
            };
            let host = self.shared.hosts.host(&origin);
            let (signed, place) = loop {
                let mut signed = hop.clone();
                match trust {
                    Trust::Own => stamp = self.credentials.apply(&mut signed, &self.context()).await?,
                    Trust::Foreign => self.leave_secrets_behind(&mut signed).map_err(received)?,
                }
                // Not the other way round: credentials may need a request to the same host, which
                // would wait for the very place that this one holds.
                let before = environment.elapsed();
                let settings = &self.shared.settings;
                let place =
                    host.enter(request.leads(), environment, &self.shared.statistics, settings.longest_wait).await;
                let place = place.map_err(|ClosedFor(time)| transport::too_long(self.shared, time))?;
                if environment.elapsed().saturating_sub(before) <= FRESH {
                    break (signed, place);
                }
            };
            let incoming = transport::exchange(self, &signed, trust).await;
            drop(place);
            let incoming = incoming.map_err(received)?;
            self.notice_last(&incoming);
            let next = match self.route {
                Route::Client | Route::Login => redirect::follow(&hop, &incoming)
                    .map_err(|text| Fault::lasting(RequestErrorKind::Vendor, text).after_sending())?,
                Route::TokenEndpoint => None,
            };
            match next {
                None => return Ok((incoming, stamp)),
                Some(next) => hop = next,
            }
        }
        let text = format!("the vendor redirected more than {MOST_HOPS} times");
        Err(Fault::lasting(RequestErrorKind::Vendor, text).into())
    }

    fn trust(&self, hop: &PreparedRequest) -> Result<Trust, Fault> {
        let trust = match self.route {
            Route::Client | Route::Login => self.member.egress.check(&hop.url),
            Route::TokenEndpoint => check_form(&hop.url).map(|_| Trust::Own),
        };
        let trust = trust.map_err(|reason| Fault {
            kind: RequestErrorKind::Egress,
            text: format!("the request is refused: {reason}"),
            passing: false,
            reached: false,
            hint: Some("a host that next links and redirects may lead to is named under the client's `hosts`; credentials stay behind"),
        })?;
        match &self.shared.settings.only {
            Some(only) if Origin::of(only) != Origin::of(&hop.url) => {
                let text = format!("the request is refused: it leads away from the recording at {only}");
                Err(Fault::lasting(RequestErrorKind::Egress, text))
            }
            _ => Ok(trust),
        }
    }

    fn leave_secrets_behind(&self, signed: &mut PreparedRequest) -> Result<(), Fault> {
        if signed.writes() {
            return Err(Fault::lasting(
                RequestErrorKind::Egress,
                "the request is refused: it changes something, and it was led to another host",
            ));
        }
        signed.strip_credentials();
        let redactor = &self.shared.redactor;
        let body_tells = signed.body().is_some_and(|body| redactor.finds_secret(&String::from_utf8_lossy(body)));
        if body_tells {
            return Err(Fault::lasting(
                RequestErrorKind::Egress,
                "the request is refused: its body holds a secret, and it was led to another host",
            ));
        }
        Ok(())
    }

    /// Closes the host when this answer was the last one that it allows for now.
    fn notice_last(&self, incoming: &Incoming) {
        let environment = &*self.shared.services.environment;
        let wait = rate::exhausted(&incoming.headers, &self.member.plan.rate_limit, environment.now());
        // A longer time is not believed until the vendor really refuses: some headers tell of days.
        if let (Some(wait), Some(origin)) = (wait, Origin::of(&incoming.url))
            && wait <= self.shared.settings.longest_wait
            && incoming.status < 400
        {
            self.shared.hosts.host(&origin).close_for(wait, environment);
        }
    }

    fn context(&self) -> Context<'_> {
        Context { shared: self.shared, member: self.member, doing: self.doing }
    }

    fn error(&self, request: &PreparedRequest, fault: Fault) -> RequestError {
        RequestError::new(fault.kind, self.doing, self.shared.redactor.excerpt(&fault.text, 400)).with(|known| {
            known.request = Some(shown(request, self.shared));
            known.site = Some(request.site().clone());
            known.hint = fault.hint.map(str::to_owned);
            known.may_have_happened = fault.reached;
        })
    }
}

/// How messages name a request.
pub(crate) fn shown(request: &PreparedRequest, shared: &Shared) -> String {
    format!("{} {}", request.method(), request.shown_url(&shared.redactor))
}
