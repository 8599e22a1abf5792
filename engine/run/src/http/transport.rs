//! One exchange: a signed request goes over the wire, an answer comes back whole, or a fault says
//! why not. Tells the observer; repeats nothing, follows nothing, and waits for no limits.

use std::error::Error;

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::answer::Headers;
use super::delivery::{Delivery, Route};
use super::egress::{Trust, literal_address};
use super::failure::RequestErrorKind;
use super::network::{AddressRefused, NameUnknown, innermost};
use super::shared::{Member, Shared};
use crate::request::PreparedRequest;
use crate::trace::{Exchange, Outcome};

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Incoming {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// The body, decoded.
    pub body: Vec<u8>,
    /// The URL that answered.
    pub url: Url,
    /// The method it was asked with.
    pub method: Method,
    /// Whether the credentials went there.
    pub trust: Trust,
}

/// Why no answer came. Its text holds no URL, header or body.
#[derive(Debug)]
pub(crate) struct Fault {
    /// What kind of trouble it is.
    pub kind: RequestErrorKind,
    /// What happened.
    pub text: String,
    /// Whether sending again may help.
    pub passing: bool,
    /// Whether the request may have reached the vendor all the same.
    pub reached: bool,
    /// What to try.
    pub hint: Option<&'static str>,
}

impl Fault {
    /// A fault that stays.
    pub fn lasting(kind: RequestErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), passing: false, reached: false, hint: None }
    }

    fn passing(kind: RequestErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), passing: true, reached: false, hint: None }
    }

    /// The same fault after the request was sent.
    pub fn after_sending(mut self) -> Self {
        self.reached = true;
        self
    }

    fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }
}

/// Sends a request and reads its answer.
pub(crate) async fn exchange(
    delivery: &Delivery<'_>,
    request: &PreparedRequest,
    trust: Trust,
) -> Result<Incoming, Fault> {
    let Delivery { shared, member, doing, .. } = *delivery;
    let services = &shared.services;
    let environment = &*services.environment;
    let in_flight = shared.statistics.begin();
    let (sent, started) = (environment.now(), environment.elapsed());
    let result = over_the_wire(shared, member, request, trust).await;
    drop(in_flight);
    let took = environment.elapsed().saturating_sub(started);
    let outcome = match &result {
        Ok(incoming) => {
            shared.statistics.received(incoming.body.len());
            Outcome::Answered { status: incoming.status, headers: &incoming.headers, body: &incoming.body }
        }
        Err(fault) => Outcome::Failed(&fault.text),
    };
    if tracing::enabled!(tracing::Level::DEBUG) {
        log(shared, request, &outcome, took);
    }
    if let Some(observer) = &services.observer {
        let redactor = &shared.redactor;
        let signs_in = delivery.route != Route::Client;
        observer.exchanged(&Exchange {
            doing,
            client: &member.plan.name,
            request,
            outcome,
            signs_in,
            sent,
            took,
            redactor,
        });
    }
    result
}

/// The fault of a host that stays closed for too long.
pub(crate) fn too_long(shared: &Shared, time: std::time::Duration) -> Fault {
    let over = shared
        .services
        .environment
        .now()
        .checked_add(time)
        .map(|moment| moment.round(jiff::Unit::Second).unwrap_or(moment));
    let moment = over.map_or_else(|_| "an unknown moment".to_owned(), |moment| moment.to_string());
    Fault::lasting(
        RequestErrorKind::RateLimited,
        format!("the vendor's rate limit is used up until {moment}, which is longer than the run may wait"),
    )
    .hint("run again after that time, or let the run wait longer")
}

fn log(shared: &Shared, request: &PreparedRequest, outcome: &Outcome<'_>, took: std::time::Duration) {
    let url = request.shown_url(&shared.redactor);
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match outcome {
        Outcome::Answered { status, body, .. } => {
            tracing::debug!(method = request.method(), url, status, milliseconds, bytes = body.len(), "answered");
        }
        Outcome::Failed(reason) => tracing::debug!(method = request.method(), url, milliseconds, reason, "failed"),
    }
}

async fn over_the_wire(
    shared: &Shared,
    member: &Member,
    request: &PreparedRequest,
    trust: Trust,
) -> Result<Incoming, Fault> {
    let client = match (&member.network, trust) {
        // A client certificate tells who asks: it stays at home, like all credentials.
        (Some(own), Trust::Own) => own,
        _ => shared.network.plain().map_err(|reason| Fault::lasting(RequestErrorKind::Unreachable, reason))?,
    };
    let mut building = client
        .request(request.method.clone(), request.url.clone())
        .headers(header_map(request)?)
        .timeout(member.plan.timeout.unwrap_or(shared.settings.request_timeout));
    if let Some(body) = request.body() {
        building = building.body(body.clone());
    }
    let mut response = building.send().await.map_err(|error| classify(shared, request, error))?;
    let status = response.status().as_u16();
    let headers = Headers::new(
        response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())),
    );
    let body = read(shared, request, &mut response).await?;
    Ok(Incoming { status, headers, body, url: request.url.clone(), method: request.method.clone(), trust })
}

/// The body, counted as it is decoded: a small compressed answer may be a very large one.
async fn read(shared: &Shared, request: &PreparedRequest, response: &mut reqwest::Response) -> Result<Vec<u8>, Fault> {
    let limit = shared.settings.body_limit;
    let too_large = || {
        let text = format!("the answer is larger than {} bytes", shared.settings.body_limit);
        Fault::lasting(RequestErrorKind::TooLarge, text)
            .hint("ask for smaller pages with `pages.limit`")
            .after_sending()
    };
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
    if announced.is_some_and(|length| length > limit) && request.method != Method::HEAD {
        return Err(too_large());
    }
    let mut body = Vec::with_capacity(announced.unwrap_or(0).min(1 << 20));
    while let Some(chunk) = response.chunk().await.map_err(|error| classify(shared, request, error))? {
        if body.len() + chunk.len() > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn header_map(request: &PreparedRequest) -> Result<HeaderMap, Fault> {
    let mut map = HeaderMap::new();
    for header in request.headers() {
        let wrong = || {
            Fault::lasting(
                RequestErrorKind::Render,
                format!("the header `{}` cannot be sent", header.name.escape_debug()),
            )
        };
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| wrong())?;
        let mut value = HeaderValue::from_bytes(header.value.as_bytes()).map_err(|_| wrong())?;
        value.set_sensitive(header.secret);
        map.insert(name, value);
    }
    Ok(map)
}

/// What kind of trouble an error of the HTTP library is.
fn classify(shared: &Shared, request: &PreparedRequest, error: reqwest::Error) -> Fault {
    let error = error.without_url();
    let host = request.url.host_str().unwrap_or_default();
    if let Some(refused) = cause::<AddressRefused>(&error) {
        return Fault::lasting(RequestErrorKind::Egress, refused.to_string());
    }
    if let Some(unknown) = cause::<NameUnknown>(&error) {
        let fault = if unknown.passing { Fault::passing } else { Fault::lasting };
        return fault(RequestErrorKind::Unreachable, unknown.to_string())
            .hint("check the host in the configured URL, and this machine's network");
    }
    let reason = shared.redactor.excerpt(&innermost(&error), 200);
    if error.is_timeout() {
        let text = match error.is_connect() {
            true => format!("no connection to `{host}` within {:?}", shared.settings.connect_timeout),
            false => format!("`{host}` did not answer in time"),
        };
        return match error.is_connect() {
            true => Fault::passing(RequestErrorKind::Unreachable, text),
            false => Fault::passing(RequestErrorKind::Timeout, text).after_sending(),
        };
    }
    if error.is_connect() {
        let text = format!("no connection to `{host}`: {reason}");
        if is_certificate_fault(&error) {
            return Fault::lasting(RequestErrorKind::Unreachable, text)
                .hint("for a server with a certificate of its own authority, give that authority under `tls`");
        }
        let fault = Fault::passing(RequestErrorKind::Unreachable, text);
        let is_address = literal_address(&request.url).is_some();
        return if is_address { fault.hint("check that something answers at this address") } else { fault };
    }
    if error.is_builder() {
        return Fault::lasting(RequestErrorKind::Render, format!("no request can be made: {reason}"));
    }
    Fault::passing(
        RequestErrorKind::Unreachable,
        format!("the connection to `{host}` broke off before the answer was complete: {reason}"),
    )
    .after_sending()
}

/// The first cause of a type.
fn cause<'e, T: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e T> {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref::<T>() {
            return Some(found);
        }
        // `source` of an I/O error passes over what the error was made of.
        let inside = current.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match inside {
            Some(inside) => Some(inside),
            None => current.source(),
        };
    }
    None
}

fn is_certificate_fault(error: &reqwest::Error) -> bool {
    matches!(cause::<rustls::Error>(error), Some(rustls::Error::InvalidCertificate(_)))
}
