//! The clients of a plan, and the way of one call through them: render, send, judge.

use std::fmt;
use std::sync::Arc;

use engine_json::{Map, Value as Json};
use engine_spec::plan::{self, NoWitness, Plan, StatusRule, Witness};
use engine_spec::scope::Scope;
use engine_spec::template::scalar_text;
use url::Url;

use super::answer::{Reply, Written};
use super::delivery::{Delivery, Route, shown};
use super::failure::{RequestError, RequestErrorKind};
use super::judge::Judge;
use super::network::{Certificates, install_crypto_provider};
use super::next;
use super::redactor::Redactor;
use super::settings::{Services, Settings};
use super::shared::{Member, Shared};
use super::statistics::Totals;
use crate::auth::Context;
use crate::request::{Addition, PreparedRequest, RenderFault};

/// All clients of a plan. Clones share everything; a call may be made from any task.
#[derive(Clone)]
pub struct Clients {
    shared: Arc<Shared>,
}

/// One call, for [`Clients::call`].
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The request of the plan.
    pub request: &'a plan::Request,
    /// The names in scope: `config`, `start`, and what the place of the request offers.
    pub scope: &'a Scope<'a>,
    /// Watches paths and knows look-up tables.
    pub witness: &'a (dyn Witness + Sync),
    /// What the pages add.
    pub additions: &'a [Addition],
    /// What answers other than success mean, own rules before the client's.
    pub statuses: &'a [StatusRule],
    /// What is being done, in words, for errors: `listing users`.
    pub doing: &'a str,
}

impl Clients {
    /// The clients of a plan. `names` are the names that clients are evaluated with: an object
    /// `config`, by name of the field. The values of secret fields are learnt, and appear in no
    /// error, log or trace.
    pub fn new(plan: &Plan, names: Map, settings: Settings, services: Services) -> Result<Self, RequestError> {
        install_crypto_provider();
        let redactor = Redactor::new();
        for field in plan.config.iter().filter(|field| field.secret) {
            if let Some(secret) = names.get("config").and_then(|config| config.get(&field.name)) {
                redactor.learn_all(secret);
            }
        }
        let mut shared = Shared::new(&plan.id, settings, services, names, redactor);
        let names = shared.names();
        for client in &plan.clients {
            let doing = format!("setting up the client `{}`", client.name);
            let member = member(&shared, client, &names).map_err(|fault| shared.render_error(&doing, fault))?;
            shared.members.push(member);
        }
        introduce(&shared);
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Learns a name for credentials that read it, such as `start` once its requests are made.
    pub fn know(&self, name: &str, value: Json) {
        self.shared.know(name, value);
    }

    /// Takes secrets out of texts; knows the config's secrets and every token got since.
    pub fn redactor(&self) -> &Redactor {
        &self.shared.redactor
    }

    /// What the run cost in requests so far.
    pub fn totals(&self) -> Totals {
        self.shared.statistics.totals()
    }

    /// Gets the credentials of a client ready, where its requests read what a login keeps
    /// (`auth.NAME`). Does nothing for other clients, and nothing the second time.
    pub async fn sign_in(&self, client: usize, doing: &str) -> Result<(), RequestError> {
        let shared = &*self.shared;
        let member = shared.member(client, doing)?;
        member.credentials.sign_in(&Context { shared, member, doing }).await
    }

    /// Makes a request concrete, without sending it.
    pub fn render(
        &self,
        request: &plan::Request,
        scope: &Scope<'_>,
        witness: &dyn Witness,
        additions: &[Addition],
        doing: &str,
    ) -> Result<PreparedRequest, RequestError> {
        self.shared.render(request, scope, witness, additions, doing)
    }

    /// Sends a request until there is an answer, and says what the answer means by `statuses`.
    pub async fn send(
        &self,
        request: &PreparedRequest,
        statuses: &[StatusRule],
        doing: &str,
    ) -> Result<Reply, RequestError> {
        let shared = &*self.shared;
        let member = shared.member(request.client, doing)?;
        let delivery = Delivery { shared, member, credentials: &*member.credentials, route: Route::Client, doing };
        let judge = Judge { shared, member, request, rules: statuses, doing };
        delivery.deliver(request, &|incoming| judge.judge(incoming)).await
    }

    /// Sends a request that writes until it is answered, whatever the answer is. What was answered
    /// "too fast" is sent again; what may have been done already is not, unless it is repeatable.
    pub async fn write(&self, request: &PreparedRequest, doing: &str) -> Result<Written, RequestError> {
        let shared = &*self.shared;
        let member = shared.member(request.client, doing)?;
        let delivery = Delivery { shared, member, credentials: &*member.credentials, route: Route::Client, doing };
        let judge = Judge { shared, member, request, rules: &[], doing };
        delivery.deliver(request, &|incoming| judge.written(incoming)).await
    }

    /// Signs in, renders and sends.
    pub async fn call(&self, call: &Call<'_>) -> Result<Reply, RequestError> {
        self.sign_in(call.request.client, call.doing).await?;
        let request = self.render(call.request, call.scope, call.witness, call.additions, call.doing)?;
        self.send(&request, call.statuses, call.doing).await
    }

    /// The URL of a link to the next page, found in the answer that `current` gave to `request`. To
    /// be sent as [`PreparedRequest::continued_at`].
    pub fn resolve_next(
        &self,
        request: &PreparedRequest,
        current: &Url,
        link: &str,
        doing: &str,
    ) -> Result<Url, RequestError> {
        let member = self.shared.member(request.client, doing)?;
        let base = member.known_base().unwrap_or(current);
        next::resolve(&member.egress, base, current, link).map_err(|reason| {
            let reason = self.shared.redactor.excerpt(&reason, 400);
            RequestError::new(RequestErrorKind::Egress, doing, reason).with(|known| {
                known.request = Some(shown(request, &self.shared));
                known.site = Some(request.site().clone());
                known.hint = Some(
                    "where the vendor really pages through another host, name it under the client's `hosts`".to_owned(),
                );
            })
        })
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients")
            .field("plan", &self.shared.plan_id)
            .field("clients", &self.shared.members.len())
            .finish()
    }
}

fn member(shared: &Shared, client: &plan::Client, names: &Map) -> Result<Member, RenderFault> {
    let network = match &client.tls {
        Some(tls) => Some(
            shared
                .network
                .client(&certificates(shared, tls, names)?)
                .map_err(|reason| RenderFault { site: client.site.clone(), reason })?,
        ),
        None => None,
    };
    Member::new(client, names, network)
}

fn certificates(shared: &Shared, tls: &plan::Tls, names: &Map) -> Result<Certificates, RenderFault> {
    let scope = Scope::root(names);
    let text = |value: &plan::Value, slot: &str| {
        let found = value.yields(&scope, &NoWitness)?;
        match found.as_deref() {
            None | Some(Json::Null) => Err(RenderFault::from(value.missing(slot))),
            scalar => scalar_text(scalar)
                .map(|text| text.into_owned())
                .map_err(|reason| RenderFault { site: value.site.clone(), reason: format!("{slot} {reason}") }),
        }
    };
    let identity = match &tls.identity {
        Some((certificate, key)) => {
            let key = text(key, "the private key")?;
            shared.redactor.learn(&key);
            Some((text(certificate, "the certificate")?, key))
        }
        None => None,
    };
    let authority = tls.authority.as_ref().map(|value| text(value, "the certificate authority")).transpose()?;
    Ok(Certificates { identity, authority })
}

/// Makes the clients known to each other, to the limits of hosts and to name resolution.
fn introduce(shared: &Shared) {
    for (number, member) in shared.members.iter().enumerate() {
        let Some(base) = member.known_base() else { continue };
        shared.network.allow_inside(base.host_str().unwrap_or_default());
        member.limit(&shared.hosts, base);
        for (other, sibling) in shared.members.iter().enumerate() {
            if other != number {
                sibling.egress.learn_sibling(base);
                if plan::is_loopback(base) && sibling.known_base().is_none() {
                    sibling.egress.allow_loopback();
                }
            }
        }
    }
}
