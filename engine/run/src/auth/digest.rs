//! HTTP Digest (RFC 7616): MD5 and SHA-256, with `qop=auth` or the older form without.
//!
//! The first request is sent without credentials and answered by a challenge; later ones use that
//! challenge until the server sends another.

use std::sync::{Mutex, PoisonError};

use engine_spec::plan;
use futures::FutureExt;
use futures::future::BoxFuture;
use md5::Digest as _;

use super::{Context, Credentials, Stamp, hex};
use crate::http::{Incoming, RequestError};
use crate::request::PreparedRequest;

/// A user name and a password that are never sent.
pub(super) struct Digest {
    basic: plan::Basic,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    challenge: Option<Challenge>,
    stamp: Stamp,
    /// Requests sent with this challenge.
    count: u32,
}

/// A challenge (RFC 7616, 3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// Whether `algorithm` ended in `-sess`.
    session: bool,
    /// Whether `qop=auth` was offered.
    quality: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Algorithm {
    Md5,
    Sha256,
}

/// What an answer to a challenge is made of.
struct Proof<'a> {
    username: &'a str,
    password: &'a str,
    method: &'a str,
    uri: &'a str,
    cnonce: &'a str,
    count: u32,
}

impl Digest {
    pub fn new(basic: plan::Basic) -> Self {
        Self { basic, state: Mutex::default() }
    }
}

impl Credentials for Digest {
    fn apply<'a>(
        &'a self,
        request: &'a mut PreparedRequest,
        context: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<Stamp, RequestError>> {
        async move {
            let (challenge, stamp, count) = {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.count += 1;
                (state.challenge.clone(), state.stamp, state.count)
            };
            let Some(challenge) = challenge else { return Ok(stamp) };
            let username = context.text(&self.basic.username, "the user name")?;
            let password = context.secret(&self.basic.password, "the password")?;
            let uri = match request.url().query() {
                Some(query) => format!("{}?{query}", request.url().path()),
                None => request.url().path().to_owned(),
            };
            let proof = Proof {
                username: &username,
                password: &password,
                method: request.method(),
                uri: &uri,
                cnonce: &context.nonce(),
                count,
            };
            let authorization = challenge.answered(&proof);
            context.set_header(request, "authorization", &authorization)?;
            Ok(stamp)
        }
        .boxed()
    }

    fn renew<'a>(
        &'a self,
        used: Stamp,
        answer: &'a Incoming,
        _: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<bool, RequestError>> {
        async move {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.stamp != used {
                return Ok(true);
            }
            let challenges = answer.headers.all("www-authenticate").filter_map(Challenge::parse);
            let Some(challenge) = challenges.max_by_key(|challenge| challenge.algorithm) else { return Ok(false) };
            *state = State { challenge: Some(challenge), stamp: Stamp(used.0 + 1), count: 0 };
            Ok(true)
        }
        .boxed()
    }
}

impl Challenge {
    fn parse(header: &str) -> Option<Self> {
        let at = header.to_ascii_lowercase().find("digest ")?;
        let parameters = parameters(header.get(at + "digest ".len()..)?);
        let find = |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let algorithm = find("algorithm").unwrap_or_else(|| "MD5".to_owned()).to_ascii_uppercase();
        let (plain, session) = match algorithm.strip_suffix("-SESS") {
            Some(plain) => (plain, true),
            None => (algorithm.as_str(), false),
        };
        Some(Self {
            realm: find("realm")?,
            nonce: find("nonce")?,
            opaque: find("opaque"),
            algorithm: match plain {
                "MD5" => Algorithm::Md5,
                "SHA-256" => Algorithm::Sha256,
                _ => return None,
            },
            session,
            quality: find("qop")
                .is_some_and(|offered| offered.split(',').any(|one| one.trim().eq_ignore_ascii_case("auth"))),
        })
    }

    /// The value of `Authorization` (RFC 7616, 3.4).
    fn answered(&self, proof: &Proof<'_>) -> String {
        let hash = |text: String| self.algorithm.hash(&text);
        let secret = hash(format!("{}:{}:{}", proof.username, self.realm, proof.password));
        let first = if self.session { hash(format!("{secret}:{}:{}", self.nonce, proof.cnonce)) } else { secret };
        let second = hash(format!("{}:{}", proof.method, proof.uri));
        let count = format!("{:08x}", proof.count);
        let response = if self.quality {
            hash(format!("{first}:{}:{count}:{}:auth:{second}", self.nonce, proof.cnonce))
        } else {
            hash(format!("{first}:{}:{second}", self.nonce))
        };
        let mut value = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, response=\"{response}\", algorithm={}{}",
            quoted(proof.username),
            quoted(&self.realm),
            quoted(&self.nonce),
            quoted(proof.uri),
            self.algorithm.name(),
            if self.session { "-sess" } else { "" },
        );
        if self.quality {
            value.push_str(&format!(", qop=auth, nc={count}, cnonce={}", quoted(proof.cnonce)));
        }
        if let Some(opaque) = &self.opaque {
            value.push_str(&format!(", opaque={}", quoted(opaque)));
        }
        value
    }
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    fn hash(self, text: &str) -> String {
        match self {
            Self::Md5 => hex(&md5::Md5::digest(text.as_bytes())),
            Self::Sha256 => hex(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref()),
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// `name=value` and `name="value"`, separated by commas; names in lower case. A word without `=`
/// begins another challenge and ends this one.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut parameters = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let Some((name, after)) = rest.split_once('=') else { return parameters };
        let name = name.trim();
        if name.is_empty() || name.contains([' ', ',']) {
            return parameters;
        }
        let after = after.trim_start();
        let value = match after.strip_prefix('"') {
            Some(inside) => {
                let mut value = String::new();
                let mut escaped = false;
                let mut end = inside.len();
                for (at, c) in inside.char_indices() {
                    match c {
                        _ if escaped => {
                            value.push(c);
                            escaped = false;
                        }
                        '\\' => escaped = true,
                        '"' => {
                            end = at + 1;
                            break;
                        }
                        _ => value.push(c),
                    }
                }
                rest = inside.get(end..).unwrap_or_default();
                value
            }
            None => {
                let end = after.find(',').unwrap_or(after.len());
                let (value, behind) = after.split_at(end);
                rest = behind;
                value.trim().to_owned()
            }
        };
        parameters.push((name.to_ascii_lowercase(), value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(algorithm: &str) -> String {
        // RFC 7616, 3.9.1.
        let header = format!(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        );
        let proof = Proof {
            username: "Mufasa",
            password: "Circle of Life",
            method: "GET",
            uri: "/dir/index.html",
            cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            count: 1,
        };
        Challenge::parse(&header).unwrap().answered(&proof)
    }

    #[test]
    fn answers_agree_with_the_vectors_of_the_rfc() {
        assert!(response("MD5").contains("response=\"8ca523f5e9506fed4657c9700eebdbec\""));
        let sha = response("SHA-256");
        assert!(sha.contains("response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\""));
        assert!(sha.contains("qop=auth, nc=00000001") && sha.contains("opaque=\"FQhe/"));
        assert!(!sha.contains("Circle"));
    }

    #[test]
    fn the_older_form_without_quality_is_answered_too() {
        // RFC 2617, 3.5, without its qop: hashed by hand from the formula of RFC 2069, 2.1.2.
        let challenge = Challenge::parse("Digest realm=\"r\", nonce=\"n\"").unwrap();
        let proof = Proof { username: "u", password: "p", method: "GET", uri: "/", cnonce: "c", count: 1 };
        let first = Algorithm::Md5.hash("u:r:p");
        let expected = Algorithm::Md5.hash(&format!("{first}:n:{}", Algorithm::Md5.hash("GET:/")));
        assert!(challenge.answered(&proof).contains(&format!("response=\"{expected}\"")));
    }

    #[test]
    fn challenges_are_found_among_others_and_unknown_ones_passed_over() {
        assert_eq!(Challenge::parse("Basic realm=\"x\""), None);
        assert_eq!(Challenge::parse("Digest realm=\"x\", nonce=\"y\", algorithm=SHA-512-256"), None);
        let among =
            Challenge::parse("Basic realm=\"a\", Digest realm=\"b, \\\"c\\\"\", nonce=n, stale=true, Negotiate")
                .unwrap();
        assert_eq!(among.realm, "b, \"c\"");
        assert_eq!(among.nonce, "n");
    }
}
