//! What the program decides, not the spec: times, sizes, proxies, and the services of the world.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::auth::{MemoryTokens, TokenStore};
use crate::environment::{Environment, SystemEnvironment};
use crate::trace::Observer;

/// Times, sizes and proxies.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What `User-Agent` says; `engine/<version>` by default.
    pub user_agent: String,
    /// Longest time until a connection stands; 10 s by default.
    pub connect_timeout: Duration,
    /// Longest silence while an answer is awaited or read; 60 s by default.
    pub silence_timeout: Duration,
    /// Longest time of one whole request; 5 min by default. A client's `timeout` overrides it.
    pub request_timeout: Duration,
    /// Most bytes of an answer, decoded; 64 MiB by default.
    pub body_limit: usize,
    /// Most requests at a time to one host; 8 by default. A client's `concurrency` lowers it.
    pub concurrency: usize,
    /// Longest time to wait because a vendor says "too fast"; 15 min by default.
    pub longest_wait: Duration,
    /// Most sendings of one request that fails in passing; 6 by default.
    pub attempts: u32,
    /// Longest time one request spends in back-off; 5 min by default.
    pub longest_backoff: Duration,
    /// Most sendings of one request that meet a rate limit; 30 by default.
    pub limited_attempts: u32,
    /// Proxies. None is taken from the environment.
    pub proxies: Proxies,
    /// The one server that requests may go to, whatever spec and answers say: what is played stays
    /// with the player. Any that the spec allows where nothing is named.
    pub only: Option<Url>,
    /// Whether the authorities of the system are trusted; otherwise those alone that a spec names. What
    /// is played on loopback needs none, and reading them takes longer than most cases.
    pub trusts_system: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            user_agent: concat!("engine/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(10),
            silence_timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(300),
            body_limit: 64 << 20,
            concurrency: 8,
            longest_wait: Duration::from_secs(15 * 60),
            attempts: 6,
            longest_backoff: Duration::from_secs(300),
            limited_attempts: 30,
            proxies: Proxies::default(),
            only: None,
            trusts_system: true,
        }
    }
}

/// Proxies, as `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` name them. Loopback is never proxied.
#[derive(Clone, Default)]
pub struct Proxies {
    /// For `https` URLs.
    pub https: Option<String>,
    /// For `http` URLs.
    pub http: Option<String>,
    /// Hosts reached without a proxy, separated by commas.
    pub except: Option<String>,
}

impl fmt::Debug for Proxies {
    /// Whether there are proxies; their URLs may hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies")
            .field("https", &self.https.is_some())
            .field("http", &self.http.is_some())
            .field("except", &self.except)
            .finish()
    }
}

/// The services of the world around the clients.
#[derive(Clone)]
pub struct Services {
    /// Clock, sleep, randomness, names.
    pub environment: Arc<dyn Environment>,
    /// Where rotated refresh tokens are kept.
    pub tokens: Arc<dyn TokenStore>,
    /// Sees each exchange.
    pub observer: Option<Arc<dyn Observer>>,
}

impl Services {
    /// The real world, with tokens kept in memory and nobody watching.
    pub fn system() -> Self {
        Self::with(Arc::new(SystemEnvironment::new()))
    }

    /// A given world, with tokens kept in memory and nobody watching.
    pub fn with(environment: Arc<dyn Environment>) -> Self {
        Self { environment, tokens: Arc::new(MemoryTokens::default()), observer: None }
    }
}
