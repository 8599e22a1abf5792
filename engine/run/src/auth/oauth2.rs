//! Token endpoints of OAuth 2.0 (RFC 6749), with assertions (RFC 7523).
//!
//! The token request passes no client guard but the rules for all URLs, because the spec names its
//! very URL; it follows no redirects and carries no credentials but its own.

use std::time::Duration;

use bytes::Bytes;
use engine_json::{Map, Value as Json};
use engine_spec::document::auth::{ClientIn, TokenBody};
use engine_spec::plan::{self, Assertion, Oauth2Grant};
use engine_spec::template::scalar_text;
use futures::FutureExt;
use futures::future::BoxFuture;
use ring::digest;
use secrecy::{ExposeSecret, SecretString};
use url::{Url, form_urlencoded};

use super::token::{Token, TokenCell};
use super::{Context, Credentials, Nobody, Stamp, basic, hex, jwt};
use crate::http::{Delivery, Incoming, RequestError, RequestErrorKind, Route, judge_sign_in};
use crate::request::{PreparedRequest, RenderFault};

/// A token from a token endpoint.
pub(super) struct Oauth2 {
    oauth2: plan::Oauth2,
    cell: TokenCell,
}

impl Oauth2 {
    pub fn new(oauth2: plan::Oauth2) -> Self {
        Self { oauth2, cell: TokenCell::default() }
    }
}

impl Credentials for Oauth2 {
    fn apply<'a>(
        &'a self,
        request: &'a mut PreparedRequest,
        context: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<Stamp, RequestError>> {
        async move {
            let (token, stamp) = self.cell.get(context, || self.fetch(context).boxed()).await?;
            let value = if self.oauth2.scheme.is_empty() { token } else { format!("{} {token}", self.oauth2.scheme) };
            context.set_header(request, "authorization", &value)?;
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

impl Oauth2 {
    async fn fetch(&self, context: &Context<'_>) -> Result<Token, RequestError> {
        let context = &Context { doing: "getting an access token", ..*context };
        let Oauth2Grant::RefreshToken(configured) = &self.oauth2.grant else {
            let answer = self.ask(context, None).await?;
            return self.token(&answer, context);
        };
        let configured = context.secret(configured, "the refresh token")?;
        let key = self.store_key(&configured, context);
        let stored = context.shared.services.tokens.load(&key);
        let answer = match &stored {
            Some(stored) => {
                context.shared.redactor.learn(stored.expose_secret());
                match self.ask(context, Some(stored.expose_secret())).await {
                    // The vendor knows the stored one no more; the configured one may be newer.
                    Err(error) if error.kind == RequestErrorKind::Credentials => {
                        self.ask(context, Some(&configured)).await.map_err(|_| error)?
                    }
                    result => result?,
                }
            }
            None => self.ask(context, Some(&configured)).await?,
        };
        if let Some(rotated) = answer.get("refresh_token").and_then(Json::as_str) {
            context.shared.redactor.learn(rotated);
            let is_new = stored.as_ref().map_or(configured.as_str(), |stored| stored.expose_secret()) != rotated;
            if is_new {
                let kept = context.shared.services.tokens.store(&key, &SecretString::from(rotated));
                if let Err(reason) = kept {
                    // The access token is good: the run goes on, and the next one will not.
                    let client = &context.member.plan.name;
                    tracing::warn!(
                        client,
                        reason,
                        "the vendor has replaced the refresh token, and the new one could not be stored: the next run will be refused"
                    );
                }
            }
        }
        self.token(&answer, context)
    }

    /// The key of a stored refresh token. It depends on the configured token, so that a new one in
    /// the configuration is not hidden by what came of the old one.
    fn store_key(&self, configured: &str, context: &Context<'_>) -> String {
        let hash = digest::digest(&digest::SHA256, configured.as_bytes());
        let short: String = hex(hash.as_ref()).chars().take(16).collect();
        format!("{}.{}.{short}", context.shared.plan_id, context.member.plan.name)
    }

    /// One token request.
    async fn ask(&self, context: &Context<'_>, refresh_token: Option<&str>) -> Result<Json, RequestError> {
        let request = self.request(context, refresh_token)?;
        let Context { shared, member, doing } = *context;
        let delivery = Delivery { shared, member, credentials: &Nobody, route: Route::TokenEndpoint, doing };
        delivery.deliver(&request, &|incoming| judge_sign_in(shared, member, &request, doing, incoming)).await
    }

    fn request(&self, context: &Context<'_>, refresh_token: Option<&str>) -> Result<PreparedRequest, RequestError> {
        let oauth2 = &self.oauth2;
        let url = self.url(context)?;
        context.shared.network.allow_inside(url.host_str().unwrap_or_default());
        let client = context.shared.number(context.member);
        let mut request = PreparedRequest::new(client, reqwest::Method::POST, url, oauth2.token_url.site.clone());
        request.set_header("accept", "application/json", false);
        let mut fields = self.grant_fields(context, refresh_token)?;
        self.add_client(context, &mut request, &mut fields)?;
        let scopes = oauth2.scope.iter().map(|scope| context.text(scope, "a scope")).collect::<Result<Vec<_>, _>>()?;
        if !scopes.is_empty() {
            fields.push(("scope".to_owned(), scopes.join(" ")));
        }
        for (name, value) in &oauth2.fields {
            fields.push((name.clone(), context.text(value, &format!("the field `{name}` of the token request"))?));
        }
        for (name, value) in &oauth2.headers {
            context.set_header(
                &mut request,
                name,
                &context.text(value, &format!("the header `{name}` of the token request"))?,
            )?;
        }
        match oauth2.body {
            TokenBody::Form => {
                let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
                request.set_body("application/x-www-form-urlencoded", Bytes::from(form));
            }
            TokenBody::Json => {
                let json: Map = fields.into_iter().map(|(name, value)| (name, Json::from(value))).collect();
                request.set_body("application/json", Bytes::from(Json::Object(json).to_string()));
            }
        }
        Ok(request)
    }

    fn url(&self, context: &Context<'_>) -> Result<Url, RequestError> {
        let value = &self.oauth2.token_url;
        let text = context.url(value, "the token URL")?;
        let text = text.trim();
        let fault = |reason: String| context.fault(RenderFault { site: value.site.clone(), reason });
        if text.contains("://") {
            return Url::parse(text).map_err(|error| fault(format!("the token URL is not a URL: {error}")));
        }
        match context.member.known_base() {
            Some(base) => crate::request::joined(base, text).map_err(fault),
            None => Err(fault("the token URL is a path, and the base URL is known only after a token".to_owned())),
        }
    }

    /// What the grant itself sends.
    fn grant_fields(
        &self,
        context: &Context<'_>,
        refresh_token: Option<&str>,
    ) -> Result<Vec<(String, String)>, RequestError> {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let grant = |name: &str| field("grant_type", name);
        Ok(match &self.oauth2.grant {
            Oauth2Grant::ClientCredentials => vec![grant("client_credentials")],
            Oauth2Grant::RefreshToken(_) => {
                vec![grant("refresh_token"), field("refresh_token", refresh_token.unwrap_or_default())]
            }
            Oauth2Grant::Password(basic) => vec![
                grant("password"),
                field("username", &context.text(&basic.username, "the user name")?),
                field("password", &context.secret(&basic.password, "the password")?),
            ],
            Oauth2Grant::JwtBearer(assertion) => vec![
                grant("urn:ietf:params:oauth:grant-type:jwt-bearer"),
                field("assertion", &self.assertion(assertion, context)?),
            ],
            Oauth2Grant::ClientAssertion(assertion) => vec![
                grant("client_credentials"),
                field("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                field("client_assertion", &self.assertion(assertion, context)?),
            ],
            Oauth2Grant::Other(name) => vec![grant(name)],
        })
    }

    fn assertion(&self, assertion: &Assertion, context: &Context<'_>) -> Result<String, RequestError> {
        match assertion {
            Assertion::Signed(jwt) => jwt::sign(jwt, context),
            Assertion::Given(value) => context.secret(value, "the assertion"),
        }
    }

    /// Adds the client's id and secret (RFC 6749, 2.3.1). A client without a secret names itself
    /// in the body (3.2.1).
    fn add_client(
        &self,
        context: &Context<'_>,
        request: &mut PreparedRequest,
        fields: &mut Vec<(String, String)>,
    ) -> Result<(), RequestError> {
        let id = self.oauth2.client_id.as_ref().map(|value| context.text(value, "the client's id")).transpose()?;
        let secret =
            self.oauth2.client_secret.as_ref().map(|value| context.secret(value, "the client's secret")).transpose()?;
        match (id, secret) {
            (Some(id), Some(secret)) if self.oauth2.client_in == ClientIn::Header => {
                let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                basic::set_texts(request, &encoded(&id), &encoded(&secret), context)?;
            }
            (id, secret) => {
                fields.extend(id.map(|id| ("client_id".to_owned(), id)));
                fields.extend(secret.map(|secret| ("client_secret".to_owned(), secret)));
            }
        }
        Ok(())
    }

    fn token(&self, answer: &Json, context: &Context<'_>) -> Result<Token, RequestError> {
        let found = self.oauth2.token.one(answer).filter(|json| !json.is_null());
        let text = scalar_text(found).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let Some(text) = text else {
            let reason = format!("the token endpoint answered, and its answer has no `{}`", self.oauth2.token.text());
            return Err(RequestError::new(RequestErrorKind::Credentials, context.doing, reason)
                .with(|known| known.site = Some(self.oauth2.token_url.site.clone())));
        };
        Ok(Token::new(text, answer.get("expires_in").and_then(seconds), context))
    }
}

/// Seconds, as a number or as text.
pub(super) fn seconds(json: &Json) -> Option<Duration> {
    let seconds = json.as_f64().or_else(|| json.as_str()?.trim().parse().ok())?;
    Duration::try_from_secs_f64(seconds).ok()
}
