//! HTTP Basic (RFC 7617).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use engine_spec::plan;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::{Context, Credentials, Stamp};
use crate::http::RequestError;
use crate::request::PreparedRequest;

/// A user name and a password.
pub(super) struct Basic {
    basic: plan::Basic,
}

impl Basic {
    pub fn new(basic: plan::Basic) -> Self {
        Self { basic }
    }
}

impl Credentials for Basic {
    fn apply<'a>(
        &'a self,
        request: &'a mut PreparedRequest,
        context: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<Stamp, RequestError>> {
        async move {
            set(request, &self.basic, context)?;
            Ok(Stamp::default())
        }
        .boxed()
    }
}

/// Sets `Authorization` from a user name and a password of the spec.
pub(super) fn set(
    request: &mut PreparedRequest,
    basic: &plan::Basic,
    context: &Context<'_>,
) -> Result<(), RequestError> {
    let username = context.text(&basic.username, "the user name")?;
    let password = context.secret(&basic.password, "the password")?;
    set_texts(request, &username, &password, context)
}

/// Sets `Authorization` from texts.
pub(super) fn set_texts(
    request: &mut PreparedRequest,
    username: &str,
    password: &str,
    context: &Context<'_>,
) -> Result<(), RequestError> {
    let encoded = STANDARD.encode(format!("{username}:{password}"));
    // Those who repeat it may leave the padding out.
    context.shared.redactor.learn(encoded.trim_end_matches('='));
    context.set_header(request, "authorization", &format!("Basic {encoded}"))
}
