//! A login request whose answer carries the token, made again after a 401.

use std::sync::{Arc, PoisonError, RwLock};

use engine_json::{Map, Value as Json};
use engine_spec::plan::{self, NoWitness};
use engine_spec::scope::Scope;
use engine_spec::template::scalar_text;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::token::{Token, TokenCell};
use super::{Context, Credentials, Nobody, Stamp, basic, oauth2};
use crate::http::{Delivery, Incoming, RequestError, RequestErrorKind, Route, judge_sign_in};
use crate::request::{PreparedRequest, RenderFault};

/// A token from a login.
pub(super) struct Login {
    login: plan::Login,
    cell: TokenCell,
    kept: RwLock<Option<Arc<Json>>>,
}

impl Login {
    pub fn new(login: plan::Login) -> Self {
        Self { login, cell: TokenCell::default(), kept: RwLock::new(None) }
    }

    async fn fetch(&self, context: &Context<'_>) -> Result<Token, RequestError> {
        let Context { shared, .. } = *context;
        let doing = "signing in";
        let login = &self.login;
        let names = shared.names();
        let scope = Scope::root(&names);
        let mut request = shared.render(&login.request, &scope, &NoWitness, &[], doing)?;
        let member = shared.member(login.request.client, doing)?;
        let inner = Context { shared, member, doing };
        if let Some(basic) = &login.basic {
            basic::set(&mut request, basic, &inner)?;
        }
        let delivery = Delivery { shared, member, credentials: &Nobody, route: Route::Login, doing };
        let answer =
            delivery.deliver(&request, &|incoming| judge_sign_in(shared, member, &request, doing, incoming)).await?;
        let found = login.token.one(&answer).filter(|json| !json.is_null());
        let text = scalar_text(found).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let Some(text) = text else {
            let reason = format!("the login was answered, and its answer has no `{}`", login.token.text());
            return Err(RequestError::new(RequestErrorKind::Credentials, doing, reason)
                .with(|known| known.site = Some(login.request.site.clone())));
        };
        let lifetime = login.expires_in.as_ref().and_then(|path| path.one(&answer)).and_then(oauth2::seconds);
        let token = Token::new(text, lifetime, &inner);
        self.keep(&answer, &scope).map_err(|fault| inner.fault(fault))?;
        Ok(token)
    }

    fn keep(&self, answer: &Json, scope: &Scope<'_>) -> Result<(), RenderFault> {
        if self.login.keep.is_empty() {
            return Ok(());
        }
        let at_answer = scope.at(answer);
        let scope = at_answer.with("body", answer);
        let mut kept = Map::new();
        for (name, value) in &self.login.keep {
            match value.yields(&scope, &NoWitness)? {
                Some(json) if !json.is_null() => {
                    kept.insert(name.clone(), json.into_owned());
                }
                _ if value.is_optional(false) => {}
                _ => return Err(value.missing(&format!("`auth.{name}`")).into()),
            }
        }
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(Json::Object(kept)));
        Ok(())
    }
}

impl Credentials for Login {
    fn apply<'a>(
        &'a self,
        request: &'a mut PreparedRequest,
        context: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<Stamp, RequestError>> {
        async move {
            let (token, stamp) = self.cell.get(context, || self.fetch(context).boxed()).await?;
            let value = if self.login.scheme.is_empty() { token } else { format!("{} {token}", self.login.scheme) };
            context.set_header(request, &self.login.header, &value)?;
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

    fn sign_in<'a>(&'a self, context: &'a Context<'a>) -> BoxFuture<'a, Result<(), RequestError>> {
        async move {
            if !self.login.keep.is_empty() {
                self.cell.get(context, || self.fetch(context).boxed()).await?;
            }
            Ok(())
        }
        .boxed()
    }

    fn names(&self) -> Option<Arc<Json>> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
