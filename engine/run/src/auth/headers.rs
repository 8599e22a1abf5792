//! Headers as credentials: `headers: { X-Key: "{{ config.api_key }}" }`.

use engine_spec::plan::Value;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::{Context, Credentials, Stamp};
use crate::http::RequestError;
use crate::request::PreparedRequest;

/// Headers with secrets.
pub(super) struct HeaderCredentials {
    headers: Vec<(String, Value)>,
}

impl HeaderCredentials {
    pub fn new(headers: Vec<(String, Value)>) -> Self {
        Self { headers }
    }
}

impl Credentials for HeaderCredentials {
    fn apply<'a>(
        &'a self,
        request: &'a mut PreparedRequest,
        context: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<Stamp, RequestError>> {
        async move {
            for (name, value) in &self.headers {
                let slot = format!("the header `{name}`");
                if value.is_optional(false) {
                    if let Some(text) = context.optional_text(value, &slot)? {
                        context.set_header(request, name, &text)?;
                    }
                } else {
                    context.set_header(request, name, &context.text(value, &slot)?)?;
                }
            }
            Ok(Stamp::default())
        }
        .boxed()
    }
}
