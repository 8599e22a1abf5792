//! JSON Web Tokens (RFC 7519) that the engine signs: as bearer by themselves, and as assertions of
//! token requests.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine_json::{Map, Value as Json, json};
use engine_spec::plan::{self, NoWitness, Value};
use engine_spec::scope::Scope;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::key::SigningKey;
use super::token::{Token, TokenCell};
use super::{Context, Credentials, Stamp};
use crate::http::{Incoming, RequestError};
use crate::request::{PreparedRequest, RenderFault};

/// A signed token as bearer, signed anew before it expires and after a 401.
pub(super) struct JwtCredentials {
    jwt: plan::Jwt,
    cell: TokenCell,
}

impl JwtCredentials {
    pub fn new(jwt: plan::Jwt) -> Self {
        Self { jwt, cell: TokenCell::default() }
    }
}

impl Credentials for JwtCredentials {
    fn apply<'a>(
        &'a self,
        request: &'a mut PreparedRequest,
        context: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<Stamp, RequestError>> {
        async move {
            let fetch = || {
                async move {
                    let token = sign(&self.jwt, context)?;
                    Ok(Token::new(token, Some(self.jwt.lifetime), context))
                }
                .boxed()
            };
            let (token, stamp) = self.cell.get(context, fetch).await?;
            context.set_header(request, "authorization", &format!("Bearer {token}"))?;
            Ok(stamp)
        }
        .boxed()
    }

    fn renew<'a>(
        &'a self,
        used: Stamp,
        _: &'a Incoming,
        _: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<bool, RequestError>> {
        async move {
            self.cell.forget(used).await;
            Ok(true)
        }
        .boxed()
    }
}

/// Signs a token now.
pub(super) fn sign(jwt: &plan::Jwt, context: &Context<'_>) -> Result<String, RequestError> {
    let secret = context.secret(&jwt.key, "the private key")?;
    let fault = |reason: String| context.fault(RenderFault { site: jwt.key.site.clone(), reason });
    let key = SigningKey::read(jwt.algorithm, &secret).map_err(fault)?;
    let names = context.shared.names();
    let key_names = json!({ "fingerprint": key.fingerprint() });
    let root = Scope::root(&names);
    let scope = root.with("key", &key_names);
    let token = encoded(jwt, &key, &scope, Claims::now(jwt.lifetime, context)).map_err(|fault| context.fault(fault))?;
    context.shared.redactor.learn(&token);
    Ok(token)
}

/// The claims that the engine sets (RFC 7519, 4.1).
struct Claims {
    issued: i64,
    expires: i64,
    id: String,
}

impl Claims {
    fn now(lifetime: Duration, context: &Context<'_>) -> Self {
        let issued = context.shared.services.environment.now().as_second();
        let lifetime = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        Self { issued, expires: issued.saturating_add(lifetime), id: context.nonce() }
    }
}

/// The token in its compact form (RFC 7515, 7.1).
fn encoded(jwt: &plan::Jwt, key: &SigningKey, scope: &Scope<'_>, set: Claims) -> Result<String, RenderFault> {
    let mut header = Map::new();
    header.insert("alg".to_owned(), json!(format!("{:?}", jwt.algorithm)));
    header.insert("typ".to_owned(), json!("JWT"));
    if let Some(id) = &jwt.key_id {
        header.insert("kid".to_owned(), member(id, "the key's id", scope)?);
    }
    for (name, value) in &jwt.headers {
        header.insert(name.clone(), member(value, &format!("the header `{name}` of the token"), scope)?);
    }
    let mut claims = Map::new();
    claims.insert("iat".to_owned(), json!(set.issued));
    claims.insert("exp".to_owned(), json!(set.expires));
    claims.insert("jti".to_owned(), json!(set.id));
    for (name, value) in &jwt.claims {
        claims.insert(name.clone(), member(value, &format!("the claim `{name}`"), scope)?);
    }
    let part = |json: Map| URL_SAFE_NO_PAD.encode(Json::Object(json).to_string());
    let text = format!("{}.{}", part(header), part(claims));
    let signature = key.sign(text.as_bytes()).map_err(|reason| RenderFault { site: jwt.key.site.clone(), reason })?;
    Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn member(value: &Value, slot: &str, scope: &Scope<'_>) -> Result<Json, RenderFault> {
    let found = value.yields(scope, &NoWitness)?;
    match found {
        Some(json) if !json.is_null() => Ok(json.into_owned()),
        _ => Err(value.missing(slot).into()),
    }
}

#[cfg(test)]
#[path = "jwt_tests.rs"]
mod tests;
