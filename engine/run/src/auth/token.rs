//! A token that is got when it is needed, shared by all requests of a client, and renewed by one of
//! them while the others wait.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use super::{Context, Stamp};
use crate::http::RequestError;

/// A token is renewed so long before it expires, or half-way where it lives for less than twice as
/// long.
const MARGIN: Duration = Duration::from_secs(60);

/// A token that renews itself.
#[derive(Default)]
pub(super) struct TokenCell {
    state: Mutex<State>,
    fetches: AtomicU64,
}

#[derive(Default)]
struct State {
    stamp: Stamp,
    token: Option<Token>,
    /// The number of the last fetch that failed, and how.
    failed: Option<(u64, RequestError)>,
}

/// A token as it was got.
pub(super) struct Token {
    /// The token.
    pub text: SecretString,
    /// When it is to be renewed, as time elapsed; nothing where the vendor did not say.
    renew_at: Option<Duration>,
}

impl Token {
    /// A token that was got just now and is good for some time.
    pub fn new(text: String, lifetime: Option<Duration>, context: &Context<'_>) -> Self {
        context.shared.redactor.learn(&text);
        let now = context.shared.services.environment.elapsed();
        let renew_at = lifetime.map(|lifetime| now + lifetime.saturating_sub(MARGIN.min(lifetime / 2)));
        Self { text: text.into(), renew_at }
    }
}

impl TokenCell {
    /// The token, got by `fetch` where there is none or it expires. Requests that wait for a fetch
    /// share what comes of it, its failure too.
    pub async fn get<'a>(
        &'a self,
        context: &'a Context<'a>,
        fetch: impl FnOnce() -> BoxFuture<'a, Result<Token, RequestError>>,
    ) -> Result<(String, Stamp), RequestError> {
        let seen = self.fetches.load(Ordering::Acquire);
        let mut state = self.state.lock().await;
        let now = context.shared.services.environment.elapsed();
        if let Some(token) = &state.token
            && token.renew_at.is_none_or(|moment| now < moment)
        {
            return Ok((token.text.expose_secret().to_owned(), state.stamp));
        }
        if let Some((number, error)) = &state.failed
            && *number > seen
        {
            return Err(error.clone());
        }
        let fetched = fetch().await;
        let number = self.fetches.fetch_add(1, Ordering::AcqRel) + 1;
        match fetched {
            Ok(token) => {
                let text = token.text.expose_secret().to_owned();
                state.stamp = Stamp(state.stamp.0 + 1);
                state.token = Some(token);
                state.failed = None;
                Ok((text, state.stamp))
            }
            Err(error) => {
                state.token = None;
                state.failed = Some((number, error.clone()));
                Err(error)
            }
        }
    }

    /// Forgets the token that a refused request was sent with, unless it is forgotten already.
    pub async fn forget(&self, used: Stamp) {
        let mut state = self.state.lock().await;
        if state.stamp == used {
            state.token = None;
        }
    }
}
