//! Credentials: a file per kind. In goes a prepared request, out comes the same request proven;
//! tokens are got, kept, renewed and signed here.
//!
//! Everything is evaluated when it is needed, with the names that [`Clients`](crate::http::Clients)
//! knows, and every token or signature is made known to the redactor before it is used.

mod basic;
mod bearer;
mod digest;
mod headers;
mod hmac;
mod jwt;
mod key;
mod login;
mod oauth2;
mod query;
mod sigv4;
mod store;
mod token;

use std::sync::Arc;

use engine_json::Value as Json;
use engine_spec::plan::{self, NoWitness, Value};
use engine_spec::scope::Scope;
use engine_spec::template::scalar_text;
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::http::{Incoming, Member, RequestError, Shared};
use crate::request::{PreparedRequest, RenderFault};

pub use store::{MemoryTokens, TokenStore};

/// Tells one token from the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp(u64);

/// How requests of one client prove who they are.
pub(crate) trait Credentials: Send + Sync {
    /// Adds the credentials to a request that is about to be sent to the client's own host.
    fn apply<'a>(
        &'a self,
        request: &'a mut PreparedRequest,
        context: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<Stamp, RequestError>>;

    /// Called once for a request that was answered 401; says whether sending it again may help.
    fn renew<'a>(
        &'a self,
        _used: Stamp,
        _answer: &'a Incoming,
        _context: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<bool, RequestError>> {
        async { Ok(false) }.boxed()
    }

    /// Gets ready what [`Credentials::names`] gives.
    fn sign_in<'a>(&'a self, _context: &'a Context<'a>) -> BoxFuture<'a, Result<(), RequestError>> {
        async { Ok(()) }.boxed()
    }

    /// What stands behind the name `auth` in requests.
    fn names(&self) -> Option<Arc<Json>> {
        None
    }
}

/// The credentials of a client.
pub(crate) fn credentials(auth: Option<&plan::Auth>) -> Box<dyn Credentials> {
    match auth.cloned() {
        None => Box::new(Nobody),
        Some(plan::Auth::Headers(headers)) => Box::new(headers::HeaderCredentials::new(headers)),
        Some(plan::Auth::Bearer(token)) => Box::new(bearer::Bearer::new(token)),
        Some(plan::Auth::Basic(basic)) => Box::new(basic::Basic::new(basic)),
        Some(plan::Auth::Query(parameters)) => Box::new(query::QueryCredentials::new(parameters)),
        Some(plan::Auth::Oauth2(oauth2)) => Box::new(oauth2::Oauth2::new(*oauth2)),
        Some(plan::Auth::Jwt(jwt)) => Box::new(jwt::JwtCredentials::new(*jwt)),
        Some(plan::Auth::Login(login)) => Box::new(login::Login::new(*login)),
        Some(plan::Auth::Hmac(hmac)) => Box::new(hmac::Hmac::new(*hmac)),
        Some(plan::Auth::SigV4(sigv4)) => Box::new(sigv4::SigV4::new(*sigv4)),
        Some(plan::Auth::Digest(basic)) => Box::new(digest::Digest::new(basic)),
    }
}

/// No credentials, as for a client without `auth` and for the requests that get tokens.
pub(crate) struct Nobody;

impl Credentials for Nobody {
    fn apply<'a>(
        &'a self,
        _: &'a mut PreparedRequest,
        _: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<Stamp, RequestError>> {
        async { Ok(Stamp::default()) }.boxed()
    }
}

/// What credentials are made with.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// What the clients share.
    pub shared: &'a Shared,
    /// The client that the credentials belong to.
    pub member: &'a Member,
    /// What is being done, in words.
    pub doing: &'a str,
}

/// A scalar as text, or nothing where it is absent.
fn scalar(value: &Value, slot: &str, found: Option<&Json>) -> Result<Option<String>, RenderFault> {
    match found {
        None | Some(Json::Null) => Ok(None),
        scalar => scalar_text(scalar)
            .map(|text| Some(text.into_owned()))
            .map_err(|reason| RenderFault { site: value.site.clone(), reason: format!("{slot} {reason}") }),
    }
}

impl Context<'_> {
    /// The text of a value that must be there; `slot` names it in messages.
    fn text(&self, value: &Value, slot: &str) -> Result<String, RequestError> {
        let found = self.optional_text(value, slot)?;
        found.ok_or_else(|| self.fault(value.missing(slot).into()))
    }

    /// The text of a value that is a secret.
    fn secret(&self, value: &Value, slot: &str) -> Result<String, RequestError> {
        let text = self.text(value, slot)?;
        self.shared.redactor.learn(&text);
        Ok(text)
    }

    /// The text of a value, or nothing where it is absent.
    fn optional_text(&self, value: &Value, slot: &str) -> Result<Option<String>, RequestError> {
        let names = self.shared.names();
        let scope = Scope::root(&names);
        self.text_in(value, slot, &scope).map_err(|fault| self.fault(fault))
    }

    /// The text of a value in a scope of its own, or nothing where it is absent.
    fn text_in(&self, value: &Value, slot: &str, scope: &Scope<'_>) -> Result<Option<String>, RenderFault> {
        scalar(value, slot, value.yields(scope, &NoWitness)?.as_deref())
    }

    /// The text of a value that is a URL and must be there.
    fn url(&self, value: &Value, slot: &str) -> Result<String, RequestError> {
        let names = self.shared.names();
        let scope = Scope::root(&names);
        let found = value.url(&scope, &NoWitness).map_err(RenderFault::from);
        let text = found.and_then(|found| scalar(value, slot, found.as_deref()));
        text.map_err(|fault| self.fault(fault))?.ok_or_else(|| self.fault(value.missing(slot).into()))
    }

    /// An error of the spec or of a value that it reads.
    fn fault(&self, fault: RenderFault) -> RequestError {
        self.shared.render_error(self.doing, fault)
    }

    /// Sets a header whose value came from credentials.
    fn set_header(&self, request: &mut PreparedRequest, name: &str, text: &str) -> Result<(), RequestError> {
        let site = request.site().clone();
        crate::request::header(request, name, text).map_err(|reason| self.fault(RenderFault { site, reason }))?;
        request.set_header(&name.to_ascii_lowercase(), text.trim(), true);
        Ok(())
    }

    /// Random bytes as hexadecimal text.
    fn nonce(&self) -> String {
        let mut bytes = [0; 16];
        self.shared.services.environment.random(&mut bytes);
        hex(&bytes)
    }
}

/// Bytes as lower-case hexadecimal text.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
