//! The network below HTTP: TLS, names, proxies, connection reuse.
//!
//! In go settings and a client's certificates; out come clients of the HTTP library that follow no
//! redirects, keep no cookies, repeat nothing, and take nothing from the process environment.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Url;

use super::egress::Reach;
use super::redactor::Redactor;
use super::settings::{Proxies, Settings};
use crate::environment::Environment;

/// Makes ring the provider of cryptography for TLS. May be called any number of times; a provider
/// that the program has installed before stays.
pub fn install_crypto_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have been faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// Makes clients of the HTTP library.
pub(crate) struct Network {
    settings: Settings,
    gate: Gate,
    plain: OnceLock<Result<reqwest::Client, String>>,
}

/// The PEM texts of a client.
#[derive(Default)]
pub(crate) struct Certificates {
    /// Certificate chain and private key.
    pub identity: Option<(String, String)>,
    /// The authority to trust instead of the system's.
    pub authority: Option<String>,
}

impl Network {
    /// A network with these settings.
    pub fn new(settings: &Settings, environment: Arc<dyn Environment>, redactor: &Redactor) -> Self {
        let proxy_urls = [&settings.proxies.https, &settings.proxies.http];
        let gate = Gate { environment, named: Arc::default() };
        for proxy in proxy_urls.into_iter().flatten().filter_map(|text| Url::parse(text).ok()) {
            gate.allow_inside(proxy.host_str().unwrap_or_default());
            redactor.learn(proxy.password().unwrap_or_default());
        }
        Self { settings: settings.clone(), gate, plain: OnceLock::new() }
    }

    /// Lets a host that the configuration names resolve to private addresses.
    pub fn allow_inside(&self, host: &str) {
        self.gate.allow_inside(host);
    }

    /// The client without certificates of its own, made when it is first needed.
    pub fn plain(&self) -> Result<&reqwest::Client, String> {
        self.plain.get_or_init(|| self.client(&Certificates::default())).as_ref().map_err(Clone::clone)
    }

    /// A client with certificates of its own.
    pub fn client(&self, certificates: &Certificates) -> Result<reqwest::Client, String> {
        install_crypto_provider();
        let settings = &self.settings;
        let mut builder = reqwest::Client::builder()
            .user_agent(&settings.user_agent)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .gzip(true)
            .connect_timeout(settings.connect_timeout)
            .read_timeout(settings.silence_timeout)
            .pool_idle_timeout(Duration::from_secs(60))
            .pool_max_idle_per_host(settings.concurrency)
            .dns_resolver(Arc::new(self.gate.clone()))
            .no_proxy();
        for proxy in proxies(&settings.proxies)? {
            builder = builder.proxy(proxy);
        }
        if let Some((certificate, key)) = &certificates.identity {
            let identity = reqwest::Identity::from_pem(format!("{}\n{}\n", certificate.trim(), key.trim()).as_bytes())
                .map_err(|_| {
                    "`tls`: certificate and key are not a PEM certificate chain with its private key".to_owned()
                })?;
            builder = builder.identity(identity);
        }
        if let Some(authority) = &certificates.authority {
            let authorities = reqwest::Certificate::from_pem_bundle(authority.as_bytes())
                .ok()
                .filter(|found| !found.is_empty())
                .ok_or_else(|| "`tls.authority` holds no PEM certificate".to_owned())?;
            builder = builder.tls_certs_only(authorities);
        } else if !settings.trusts_system {
            builder = builder.tls_certs_only([]);
        }
        builder.build().map_err(|error| format!("TLS cannot be set up: {}", innermost(&error.without_url())))
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("settings", &self.settings).finish_non_exhaustive()
    }
}

fn proxies(settings: &Proxies) -> Result<Vec<reqwest::Proxy>, String> {
    let except = settings.except.as_deref().unwrap_or_default();
    let except = reqwest::NoProxy::from_string(&format!("localhost,127.0.0.0/8,::1,{except}"));
    let wrong = |_| "the proxy's URL is not a URL".to_owned();
    let mut proxies = Vec::new();
    if let Some(url) = &settings.https {
        proxies.push(reqwest::Proxy::https(url).map_err(wrong)?.no_proxy(except.clone()));
    }
    if let Some(url) = &settings.http {
        proxies.push(reqwest::Proxy::http(url).map_err(wrong)?.no_proxy(except));
    }
    Ok(proxies)
}

/// Resolves names and lets no address pass that a name must not lead to. Asked neither for URLs
/// with literal addresses (see `egress`) nor for hosts behind a proxy, which resolves them itself.
#[derive(Clone)]
struct Gate {
    environment: Arc<dyn Environment>,
    named: Arc<RwLock<BTreeSet<String>>>,
}

impl Gate {
    fn allow_inside(&self, host: &str) {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.named.write().unwrap_or_else(PoisonError::into_inner).insert(host);
    }
}

/// A name that leads only to addresses where it must not lead.
#[derive(Debug, thiserror::Error)]
#[error("`{host}` leads to an address inside a network, {address}")]
pub(crate) struct AddressRefused {
    host: String,
    address: std::net::IpAddr,
}

/// A name that does not resolve.
#[derive(Debug, thiserror::Error)]
#[error("the name `{host}` cannot be resolved: {reason}")]
pub(crate) struct NameUnknown {
    host: String,
    reason: String,
    /// Whether asking again may help.
    pub passing: bool,
}

impl Resolve for Gate {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().trim_end_matches('.').to_ascii_lowercase();
        let is_named = self.named.read().unwrap_or_else(PoisonError::into_inner).contains(&host);
        let lookup = self.environment.resolve(&host);
        Box::pin(async move {
            let unknown = |reason: String| {
                // The resolver's words are all there is: the error has no kind of its own.
                let passing = ["emporary", "try again", "Try again"].iter().any(|words| reason.contains(words));
                NameUnknown { host: host.clone(), reason, passing }
            };
            let found = lookup.await.map_err(|error| unknown(error.to_string()))?;
            let Some(first) = found.first().copied() else {
                return Err(unknown("no address".to_owned()).into());
            };
            let allowed: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| match Reach::of(*address) {
                    Reach::Public => host != "localhost",
                    Reach::Inside => is_named,
                    Reach::Never => false,
                })
                .map(|address| SocketAddr::new(address, 0))
                .collect();
            if allowed.is_empty() {
                return Err(AddressRefused { host, address: first }.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// The innermost cause of an error, which names the fault and no URL.
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::str::FromStr;

    use jiff::Timestamp;

    use super::*;
    use crate::environment::SimulatedEnvironment;

    async fn resolve(gate: &Gate, host: &str) -> Result<Vec<String>, String> {
        match gate.resolve(Name::from_str(host).unwrap()).await {
            Ok(found) => Ok(found.map(|address| address.ip().to_string()).collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[tokio::test]
    async fn only_named_hosts_resolve_to_private_addresses_and_none_to_metadata() {
        let world = SimulatedEnvironment::new(Timestamp::UNIX_EPOCH);
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        world.name("inside.example", &[ip("10.0.0.7")]);
        world.name("mixed.example", &[ip("10.0.0.7"), ip("93.184.216.34")]);
        world.name("meta.example", &[ip("169.254.169.254")]);
        world.name("none.example", &[]);
        let gate = Gate { environment: Arc::new(world), named: Arc::default() };
        assert!(resolve(&gate, "inside.example").await.unwrap_err().contains("inside a network"));
        assert_eq!(resolve(&gate, "mixed.example").await.unwrap(), ["93.184.216.34"]);
        gate.allow_inside("Inside.example");
        gate.allow_inside("meta.example");
        assert_eq!(resolve(&gate, "inside.example").await.unwrap(), ["10.0.0.7"]);
        assert!(resolve(&gate, "meta.example").await.is_err());
        assert!(resolve(&gate, "none.example").await.unwrap_err().contains("cannot be resolved"));
    }

    #[test]
    fn the_provider_can_be_installed_again_and_again() {
        install_crypto_provider();
        install_crypto_provider();
        assert!(rustls::crypto::CryptoProvider::get_default().is_some());
    }

    #[test]
    fn bad_certificates_are_refused_without_showing_them() {
        let network = Network::new(
            &Settings::default(),
            Arc::new(SimulatedEnvironment::new(Timestamp::UNIX_EPOCH)),
            &Redactor::new(),
        );
        let identity = Some(("not a certificate".to_owned(), "hunter2".to_owned()));
        let error = network.client(&Certificates { identity, authority: None }).unwrap_err();
        assert!(error.contains("PEM") && !error.contains("hunter2"), "{error}");
        let authority = Some("nothing".to_owned());
        assert!(network.client(&Certificates { identity: None, authority }).unwrap_err().contains("authority"));
    }
}
