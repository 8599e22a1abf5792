//! Query parameters as credentials, for vendors that know nothing else.

use engine_spec::plan::Value;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::{Context, Credentials, Stamp};
use crate::http::RequestError;
use crate::request::PreparedRequest;

/// Parameters with secrets.
pub(super) struct QueryCredentials {
    parameters: Vec<(String, Value)>,
}

impl QueryCredentials {
    pub fn new(parameters: Vec<(String, Value)>) -> Self {
        Self { parameters }
    }
}

impl Credentials for QueryCredentials {
    fn apply<'a>(
        &'a self,
        request: &'a mut PreparedRequest,
        context: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<Stamp, RequestError>> {
        async move {
            for (name, value) in &self.parameters {
                let text = context.text(value, &format!("the parameter `{name}`"))?;
                request.set_secret_parameter(name, &text);
            }
            Ok(Stamp::default())
        }
        .boxed()
    }
}
