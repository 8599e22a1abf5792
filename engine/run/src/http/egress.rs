//! The egress guard: requests go where the spec says and nowhere else.
//!
//! In goes a URL, from the spec, a next link or a redirect; out comes whether the client's
//! credentials belong there, or why nothing may be sent there at all. Addresses are judged twice:
//! here where the URL names one, and in `network` where a name resolves to one.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{PoisonError, RwLock};

use engine_spec::plan::is_loopback;
use url::{Host, Url};

/// Scheme, host and port (RFC 6454, 4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    /// The origin of a URL that has a host and a known port.
    pub fn of(url: &Url) -> Option<Self> {
        Some(Self {
            scheme: url.scheme().to_owned(),
            host: url.host_str()?.trim_end_matches('.').to_ascii_lowercase(),
            port: url.port_or_known_default()?,
        })
    }
}

impl fmt::Display for Origin {
    /// The host, with the port where it is not the scheme's own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.scheme.as_str(), self.port) {
            ("https", 443) | ("http", 80) => f.write_str(&self.host),
            (_, port) => write!(f, "{}:{port}", self.host),
        }
    }
}

/// Whether the client's credentials belong to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// The host of the client's base URL.
    Own,
    /// A host that the spec names, but not for this client's credentials.
    Foreign,
}

/// Where one client may send requests.
#[derive(Debug)]
pub(crate) struct Egress {
    own: RwLock<Option<Origin>>,
    /// Whether the base URL is on this machine, as in tests and simulations: then other services on
    /// this machine may be led to.
    on_loopback: RwLock<bool>,
    hosts: Vec<NamedHost>,
    siblings: RwLock<Vec<Origin>>,
}

/// An entry of `hosts`: a name or address, with a port where it is not that of `https`.
#[derive(Debug, PartialEq, Eq)]
struct NamedHost {
    host: String,
    port: Option<u16>,
}

impl Egress {
    /// A guard for a client with these `hosts`; its own host is not known yet.
    pub fn new(hosts: &[String]) -> Self {
        Self {
            own: RwLock::new(None),
            on_loopback: RwLock::new(false),
            hosts: hosts.iter().map(|entry| NamedHost::parse(entry)).collect(),
            siblings: RwLock::new(Vec::new()),
        }
    }

    /// Learns the client's base URL; says whether it is another host than before.
    pub fn learn_own(&self, base: &Url) -> bool {
        if is_loopback(base) {
            self.allow_loopback();
        }
        let origin = Origin::of(base);
        let mut own = self.own.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = *own != origin;
        *own = origin;
        is_new
    }

    /// Learns the host of another client of the plan.
    pub fn learn_sibling(&self, base: &Url) {
        self.siblings.write().unwrap_or_else(PoisonError::into_inner).extend(Origin::of(base));
    }

    /// Whether a request may go to `url`, and whether credentials may go with it.
    pub fn check(&self, url: &Url) -> Result<Trust, String> {
        let origin = check_form(url)?;
        let own = self.own.read().unwrap_or_else(PoisonError::into_inner);
        if own.as_ref() == Some(&origin) {
            return Ok(Trust::Own);
        }
        let named = self.hosts.iter().any(|entry| entry.is(&origin));
        let siblings = self.siblings.read().unwrap_or_else(PoisonError::into_inner);
        if !named && !siblings.contains(&origin) {
            let home = own.as_ref().map_or_else(|| "no host yet".to_owned(), |own| format!("`{own}`"));
            return Err(format!("`{origin}` is not a host that the spec allows: its client is for {home}"));
        }
        match literal_address(url).map(|address| (address, Reach::of(address))) {
            Some((address, reach)) if reach != Reach::Public && !(address.is_loopback() && self.allows_loopback()) => {
                Err(format!("`{address}` is an address inside a network, where links must not lead"))
            }
            _ => Ok(Trust::Foreign),
        }
    }

    /// Lets a client whose own base is not known yet be led to loopback.
    pub fn allow_loopback(&self) {
        *self.on_loopback.write().unwrap_or_else(PoisonError::into_inner) = true;
    }

    /// Whether links may lead to loopback.
    pub fn allows_loopback(&self) -> bool {
        *self.on_loopback.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NamedHost {
    fn parse(entry: &str) -> Self {
        let entry = entry.trim().to_ascii_lowercase();
        let entry = entry.strip_prefix("https://").unwrap_or(&entry).trim_end_matches('/');
        match entry.rsplit_once(':').map(|(host, port)| (host, port.parse())) {
            Some((host, Ok(port))) if !host.ends_with(':') => Self { host: host.to_owned(), port: Some(port) },
            _ => Self { host: entry.to_owned(), port: None },
        }
    }

    fn is(&self, origin: &Origin) -> bool {
        self.host == origin.host && self.port.unwrap_or(443) == origin.port
    }
}

/// The rules that hold for every URL, whoever named it: `https`, or `http` on loopback; no user
/// information; no address that only this machine or its cloud answers at.
pub(crate) fn check_form(url: &Url) -> Result<Origin, String> {
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(url) => {}
        "http" => {
            return Err(format!(
                "`http` is for loopback only, and `{}` is elsewhere",
                url.host_str().unwrap_or_default()
            ));
        }
        other => return Err(format!("`{other}` is not a scheme this engine speaks")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the URL holds user information".to_owned());
    }
    if let Some(address) = literal_address(url)
        && Reach::of(address) == Reach::Never
    {
        return Err(format!("`{address}` is a link-local, metadata or special address"));
    }
    Origin::of(url).ok_or_else(|| "the URL has no host".to_owned())
}

/// The address, where a URL names one instead of a host.
pub(crate) fn literal_address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address)),
        Host::Domain(_) => None,
    }
}

/// How far an address reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The internet.
    Public,
    /// This machine or a private network: only where the configuration names it.
    Inside,
    /// Link-local, cloud metadata, multicast, reserved: never.
    Never,
}

impl Reach {
    /// The reach of an address; one that carries an IPv4 address inside reaches as far as that.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        // Metadata services outside 169.254.0.0/16.
        const METADATA: [Ipv4Addr; 3] =
            [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];
        let [first, second, third, _] = address.octets();
        if METADATA.contains(&address) || first == 0 || first >= 224 || address.is_link_local() {
            return Self::Never;
        }
        let is_shared = first == 100 && (64..128).contains(&second); // RFC 6598
        let is_benchmark = first == 198 && (18..20).contains(&second); // RFC 2544
        let is_protocol = (first, second, third) == (192, 0, 0); // RFC 6890
        if address.is_private() || address.is_loopback() || is_shared || is_benchmark || is_protocol {
            return Self::Inside;
        }
        Self::Public
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        let [a, b, c, d, e, f, g, h] = address.segments();
        let embedded = |high: u16, low: u16| {
            let [first, second] = high.to_be_bytes();
            let [third, fourth] = low.to_be_bytes();
            Self::of_v4(Ipv4Addr::new(first, second, third, fourth))
        };
        match (a, b, c, d, e, f) {
            _ if address.is_loopback() => Self::Inside,
            (0, 0, 0, 0, 0, 0 | 0xffff) => embedded(g, h), // compatible and mapped, RFC 4291, 2.5.5
            (0, 0, 0, 0, 0xffff, 0) => embedded(g, h),     // translated, RFC 2765, 2.1
            (0x64, 0xff9b, 0, 0, 0, 0) => embedded(g, h),  // RFC 6052
            (0x64, 0xff9b, 1, ..) => Self::Inside,         // translated by a network of its own, RFC 8215
            (0x2001, 0, ..) => Self::Never,                // tunnels to addresses that it hides, RFC 4380
            (0x2002, high, low, ..) => embedded(high, low), // RFC 3056
            (0x2000..=0x3fff, _, _, _, 0 | 0x200, 0x5efe) => embedded(g, h), // RFC 5214, 6.1
            (0x2000..=0x3fff, ..) => Self::Public,         // all that is global so far, RFC 4291, 2.4
            (0xfd00, 0x0ec2, ..) => Self::Never,           // metadata of one cloud, in private space
            (0xfc00..=0xfdff, ..) | (0xfec0..=0xfeff, ..) => Self::Inside,
            _ => Self::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn guard(base: &str, hosts: &[&str]) -> Egress {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let guard = Egress::new(&hosts);
        guard.learn_own(&url(base));
        guard
    }

    #[test]
    fn credentials_belong_to_the_same_scheme_host_and_port() {
        let guard = guard("https://api.example/v2", &["files.example", "other.example:8443"]);
        assert_eq!(guard.check(&url("https://api.example/users")), Ok(Trust::Own));
        assert_eq!(guard.check(&url("https://API.example.:443/users")), Ok(Trust::Own));
        assert_eq!(guard.check(&url("https://files.example/x")), Ok(Trust::Foreign));
        assert_eq!(guard.check(&url("https://other.example:8443/x")), Ok(Trust::Foreign));
        for refused in [
            "https://api.example:8443/",
            "https://other.example/",
            "https://evil.example/",
            "https://api.example.evil.example/",
            "http://api.example/",
            "https://api.example@evil.example/",
            "https://user@api.example/",
            "ftp://api.example/",
        ] {
            assert!(guard.check(&url(refused)).is_err(), "{refused}");
        }
    }

    #[test]
    fn other_clients_of_the_plan_may_be_led_to_without_credentials() {
        let guard = guard("https://api.example", &[]);
        guard.learn_sibling(&url("https://scim.example/v2"));
        assert_eq!(guard.check(&url("https://scim.example/Users")), Ok(Trust::Foreign));
    }

    #[test]
    fn addresses_inside_networks_are_refused_in_every_spelling() {
        let all = ["10.0.0.1", "127.0.0.1", "169.254.169.254", "[::1]", "[fd00:ec2::254]"];
        let guard = guard("https://api.example", &all);
        for refused in [
            "https://10.0.0.1/",
            "https://2130706433/",
            "https://[::ffff:127.0.0.1]/",
            "https://0x7f.1/",
            "https://[::1]/",
            "https://169.254.169.254/",
        ] {
            assert!(guard.check(&url(refused)).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_private_address_is_fine_as_the_configured_base_but_never_a_link_local_one() {
        assert_eq!(guard("https://10.1.2.3", &[]).check(&url("https://10.1.2.3/users")), Ok(Trust::Own));
        assert!(guard("https://169.254.169.254", &[]).check(&url("https://169.254.169.254/")).is_err());
    }

    #[test]
    fn tests_on_loopback_may_be_led_to_loopback() {
        let guard = guard("http://127.0.0.1:8080", &["127.0.0.1:9090"]);
        assert_eq!(guard.check(&url("http://127.0.0.1:9090/")), Ok(Trust::Foreign));
        assert!(guard.check(&url("http://127.0.0.1:9091/")).is_err());
    }

    #[test]
    fn the_reach_of_addresses_is_known() {
        for (text, reach) in [
            ("93.184.216.34", Reach::Public),
            ("192.168.1.1", Reach::Inside),
            ("100.64.0.1", Reach::Inside),
            ("100.100.100.200", Reach::Never),
            ("168.63.129.16", Reach::Never),
            ("0.0.0.0", Reach::Never),
            ("224.0.0.1", Reach::Never),
            ("255.255.255.255", Reach::Never),
            ("::", Reach::Never),
            ("::1", Reach::Inside),
            ("::ffff:10.0.0.1", Reach::Inside),
            ("64:ff9b::a9fe:a9fe", Reach::Never),
            ("2002:7f00:1::", Reach::Inside),
            ("fe80::1", Reach::Never),
            ("fc00::1", Reach::Inside),
            ("fd00:ec2::254", Reach::Never),
            ("::ffff:0:169.254.169.254", Reach::Never),
            ("64:ff9b:1::7f00:1", Reach::Inside),
            ("2001:0:102:304::1", Reach::Never),
            ("2606:2800:220:1:0:5efe:7f00:1", Reach::Inside),
            ("ff02::1", Reach::Never),
            ("100::1", Reach::Never),
            ("5f00::1", Reach::Never),
            ("2606:2800:220:1::1", Reach::Public),
        ] {
            assert_eq!(Reach::of(text.parse().unwrap()), reach, "{text}");
        }
    }
}
