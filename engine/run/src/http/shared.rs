//! What the clients of a plan share: names in scope, limits of hosts, secrets, counters, network.

use std::sync::{Arc, PoisonError, RwLock};

use engine_json::{Map, Value as Json};
use engine_spec::expression::Expression;
use engine_spec::plan::{self, NoWitness, Value, ValueKind, Witness, is_loopback};
use engine_spec::scope::Scope;
use engine_spec::template::scalar_text;
use url::Url;

use super::egress::{Egress, Origin, Reach, check_form, literal_address};
use super::failure::{RequestError, RequestErrorKind};
use super::host::Hosts;
use super::network::Network;
use super::redactor::Redactor;
use super::settings::{Services, Settings};
use super::statistics::Statistics;
use crate::auth::Credentials;
use crate::request::{Addition, PreparedRequest, RenderFault, Rendering};

/// What the clients of a plan share.
pub(crate) struct Shared {
    pub plan_id: String,
    pub settings: Settings,
    pub services: Services,
    pub redactor: Redactor,
    pub statistics: Statistics,
    pub hosts: Hosts,
    pub network: Network,
    pub members: Vec<Member>,
    names: RwLock<Arc<Map>>,
}

/// One client of the plan.
pub(crate) struct Member {
    pub plan: plan::Client,
    pub credentials: Box<dyn Credentials>,
    pub egress: Egress,
    /// Its own network, where it has certificates.
    pub network: Option<reqwest::Client>,
    base: Base,
}

/// The base URL.
enum Base {
    /// From the configuration.
    Known(Url),
    /// From an answer (`start`, `auth`), so not before there is one.
    Late,
}

impl Shared {
    /// Clients are added by `Clients::new`.
    pub fn new(plan_id: &str, settings: Settings, services: Services, names: Map, redactor: Redactor) -> Self {
        let network = Network::new(&settings, services.environment.clone(), &redactor);
        Self {
            plan_id: plan_id.to_owned(),
            hosts: Hosts::new(settings.concurrency),
            settings,
            services,
            redactor,
            statistics: Statistics::default(),
            network,
            members: Vec::new(),
            names: RwLock::new(Arc::new(names)),
        }
    }

    /// The names that credentials are evaluated with.
    pub fn names(&self) -> Arc<Map> {
        self.names.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Learns a name, such as `start`.
    pub fn know(&self, name: &str, value: Json) {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        let mut more = Map::clone(&names);
        more.insert(name.to_owned(), value);
        *names = Arc::new(more);
    }

    /// The number of a client.
    pub fn number(&self, member: &Member) -> usize {
        self.members.iter().position(|known| std::ptr::eq(known, member)).unwrap_or_default()
    }

    /// A client by its number.
    pub fn member(&self, number: usize, doing: &str) -> Result<&Member, RequestError> {
        let missing = || {
            RequestError::new(
                RequestErrorKind::Render,
                doing,
                format!("the plan has no client with the number {number}"),
            )
        };
        self.members.get(number).ok_or_else(missing)
    }

    /// Makes a request concrete.
    pub fn render(
        &self,
        request: &plan::Request,
        scope: &Scope<'_>,
        witness: &dyn Witness,
        additions: &[Addition],
        doing: &str,
    ) -> Result<PreparedRequest, RequestError> {
        let member = self.member(request.client, doing)?;
        let kept = member.credentials.names();
        let scope = match &kept {
            Some(names) => scope.with("auth", names),
            None => *scope,
        };
        let base = member.base(&scope, witness, &self.hosts).map_err(|fault| self.render_error(doing, fault))?;
        let redactor = &self.redactor;
        let rendering =
            Rendering { client: &member.plan, number: request.client, base: &base, scope: &scope, witness, redactor };
        rendering.render(request, additions).map_err(|fault| self.render_error(doing, fault))
    }

    /// The error of a request that cannot be made.
    pub fn render_error(&self, doing: &str, fault: RenderFault) -> RequestError {
        RequestError::new(RequestErrorKind::Render, doing, self.redactor.excerpt(&fault.reason, 400)).with(|known| {
            known.site = Some(fault.site);
            known.hint = Some("change the spec there, or the value that it reads".to_owned());
        })
    }
}

impl Member {
    /// A client of the plan, its base URL evaluated if the names suffice.
    pub fn new(plan: &plan::Client, names: &Map, network: Option<reqwest::Client>) -> Result<Self, RenderFault> {
        let egress = Egress::new(&plan.hosts);
        let base = if mentions(&plan.base_url, &["start", "auth"]) {
            Base::Late
        } else {
            let base = base_url(&plan.base_url, &Scope::root(names), &NoWitness)?;
            egress.learn_own(&base);
            Base::Known(base)
        };
        let credentials = crate::auth::credentials(plan.auth.as_ref());
        Ok(Self { plan: plan.clone(), credentials, egress, network, base })
    }

    /// Makes what the spec says of the client's limits known for its host.
    pub fn limit(&self, hosts: &Hosts, base: &Url) {
        if let Some(origin) = Origin::of(base) {
            hosts.limit(&origin, self.plan.concurrency, self.plan.rate_limit.per_second);
        }
    }

    /// The base URL, where the configuration says it.
    pub fn known_base(&self) -> Option<&Url> {
        match &self.base {
            Base::Known(url) => Some(url),
            Base::Late => None,
        }
    }

    /// The base URL.
    pub fn base(&self, scope: &Scope<'_>, witness: &dyn Witness, hosts: &Hosts) -> Result<Url, RenderFault> {
        match &self.base {
            Base::Known(url) => Ok(url.clone()),
            Base::Late => {
                let base = base_url(&self.plan.base_url, scope, witness)?;
                // An answer has named this host, so it gets no more trust than a link would.
                let is_inside = literal_address(&base).is_some_and(|address| Reach::of(address) != Reach::Public);
                if (is_inside || is_loopback(&base)) && !(is_loopback(&base) && self.egress.allows_loopback()) {
                    return Err(RenderFault {
                        site: self.plan.base_url.site.clone(),
                        reason: "the base URL that an answer named is an address inside a network".to_owned(),
                    });
                }
                if self.egress.learn_own(&base) {
                    self.limit(hosts, &base);
                }
                Ok(base)
            }
        }
    }
}

fn base_url(value: &Value, scope: &Scope<'_>, witness: &dyn Witness) -> Result<Url, RenderFault> {
    let wrong = |reason: String| RenderFault { site: value.site.clone(), reason };
    let found = value.url(scope, witness)?;
    let text = match found.as_deref() {
        None | Some(Json::Null) => return Err(value.missing("the base URL").into()),
        scalar => scalar_text(scalar).map_err(|reason| wrong(format!("the base URL {reason}")))?.trim().to_owned(),
    };
    let url = Url::parse(&text).map_err(|error| wrong(format!("the base URL is not a URL: {error}")))?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("the base URL has a query or a fragment".to_owned()));
    }
    check_form(&url).map_err(|reason| wrong(format!("the base URL is refused: {reason}")))?;
    Ok(url)
}

/// Whether a value reads one of the names.
fn mentions(value: &Value, names: &[&str]) -> bool {
    let reads =
        |expression: &Expression| expression.variables().iter().any(|variable| names.contains(&variable.root.as_str()));
    match &value.kind {
        ValueKind::Template(template) => template.expressions().any(|(expression, _)| reads(expression)),
        ValueKind::From(from) => {
            mentions(&from.from, names) || from.default.as_ref().is_some_and(|value| mentions(value, names))
        }
        ValueKind::Coalesce(values) | ValueKind::Join(values, _) => values.iter().any(|value| mentions(value, names)),
        ValueKind::Cases(cases, otherwise) => {
            cases.iter().any(|(when, value)| reads(when) || mentions(value, names))
                || otherwise.as_ref().is_some_and(|value| mentions(value, names))
        }
        ValueKind::Literal(_)
        | ValueKind::Path(..)
        | ValueKind::Pick(_)
        | ValueKind::LookUp { .. }
        | ValueKind::Quote { .. } => false,
    }
}
