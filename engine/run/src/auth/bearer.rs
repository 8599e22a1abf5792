//! `Authorization: Bearer …` (RFC 6750, 2.1) with a token from the configuration.

use engine_spec::plan::Value;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::{Context, Credentials, Stamp};
use crate::http::RequestError;
use crate::request::PreparedRequest;

/// A token from the configuration.
pub(super) struct Bearer {
    token: Value,
}

impl Bearer {
    pub fn new(token: Value) -> Self {
        Self { token }
    }
}

impl Credentials for Bearer {
    fn apply<'a>(
        &'a self,
        request: &'a mut PreparedRequest,
        context: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<Stamp, RequestError>> {
        async move {
            let token = context.secret(&self.token, "the bearer token")?;
            context.set_header(request, "authorization", &format!("Bearer {}", token.trim()))?;
            Ok(Stamp::default())
        }
        .boxed()
    }
}
