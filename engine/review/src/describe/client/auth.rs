//! How requests prove who they are: kinds, and where each credential goes.

use engine_spec::plan::{Assertion, Auth, Basic, Hmac, Jwt, Login, Oauth2, Oauth2Grant, Plan, SigV4, Value};

use crate::describe::{Guard, Part, request, value, values};
use crate::words;

/// The credentials of a client, and that there are none.
pub(super) fn auth(plan: &Plan, auth: Option<&Auth>) -> Part {
    let (kind, parts) = match auth {
        None => ("none", Vec::new()),
        Some(Auth::Headers(headers)) => ("headers", values(plan, "header", headers)),
        Some(Auth::Bearer(token)) => ("bearer token in header `authorization`", vec![value(plan, "token", token)]),
        Some(Auth::Basic(known)) => ("basic, in header `authorization`", basic(plan, known)),
        Some(Auth::Query(parameters)) => ("query parameters", values(plan, "query", parameters)),
        Some(Auth::Oauth2(known)) => ("OAuth 2.0", oauth2(plan, known)),
        Some(Auth::Jwt(known)) => ("signed JSON Web Token in header `authorization`", jwt(plan, known)),
        Some(Auth::Login(known)) => ("login request", login(plan, known)),
        Some(Auth::Hmac(known)) => ("HMAC signature", hmac(plan, known)),
        Some(Auth::SigV4(known)) => ("AWS Signature Version 4", sigv4(plan, known)),
        Some(Auth::Digest(known)) => ("digest", basic(plan, known)),
    };
    let guarded = parts.into_iter().map(|part| part.guarded(Guard::Credential).outlined());
    Part::new("credentials", kind).outlined().guarded(Guard::Credential).with(guarded)
}

fn some(plan: &Plan, key: &str, of: Option<&Value>) -> Option<Part> {
    of.map(|of| value(plan, key, of))
}

fn scheme(scheme: &str) -> Part {
    Part::new("word before the token", if scheme.is_empty() { "none" } else { scheme })
}

fn basic(plan: &Plan, basic: &Basic) -> Vec<Part> {
    let Basic { username, password } = basic;
    vec![value(plan, "user name", username), value(plan, "password", password)]
}

fn oauth2(plan: &Plan, oauth2: &Oauth2) -> Vec<Part> {
    let Oauth2 {
        grant,
        token_url,
        client_id,
        client_secret,
        client_in,
        body,
        scope,
        fields,
        headers,
        token,
        scheme: word,
    } = oauth2;
    let mut parts = vec![value(plan, "token URL", token_url)];
    let (kind, inner) = match grant {
        Oauth2Grant::ClientCredentials => ("client credentials", Vec::new()),
        Oauth2Grant::RefreshToken(first) => ("refresh token", vec![value(plan, "first token", first)]),
        Oauth2Grant::Password(known) => ("password", basic(plan, known)),
        Oauth2Grant::JwtBearer(known) => ("JWT bearer", assertion(plan, known)),
        Oauth2Grant::ClientAssertion(known) => ("client assertion", assertion(plan, known)),
        Oauth2Grant::Other(name) => (name.as_str(), Vec::new()),
    };
    parts.push(Part::new("grant", kind).with(inner));
    parts.extend(some(plan, "client id", client_id.as_ref()));
    parts.extend(some(plan, "client secret", client_secret.as_ref()));
    parts.push(Part::new("client goes into", words::word(client_in)));
    parts.push(Part::new("token body", words::word(body)));
    parts.extend(scope.iter().map(|of| value(plan, "scope", of)));
    parts.extend(values(plan, "field", fields));
    parts.extend(values(plan, "token request header", headers));
    parts.push(Part::new("token", token.text()));
    parts.push(scheme(word));
    parts
}

fn assertion(plan: &Plan, assertion: &Assertion) -> Vec<Part> {
    match assertion {
        Assertion::Signed(known) => jwt(plan, known),
        Assertion::Given(given) => vec![value(plan, "assertion", given)],
    }
}

fn jwt(plan: &Plan, jwt: &Jwt) -> Vec<Part> {
    let Jwt { algorithm, key, key_id, headers, claims, lifetime } = jwt;
    let mut parts = vec![Part::new("algorithm", words::word(algorithm)), value(plan, "key", key)];
    parts.extend(some(plan, "key id", key_id.as_ref()));
    parts.extend(values(plan, "token header", headers));
    parts.extend(values(plan, "claim", claims));
    parts.push(Part::new("lifetime", words::duration(*lifetime)));
    parts
}

fn login(plan: &Plan, login: &Login) -> Vec<Part> {
    let Login { request: asked, basic: known, token, expires_in, header, scheme: word, keep } = login;
    let mut parts = vec![request(plan, "login", asked)];
    parts.extend(known.iter().flat_map(|known| basic(plan, known)));
    parts.push(Part::new("token", token.text()));
    parts.extend(expires_in.iter().map(|path| Part::new("token is good for", path.text())));
    parts.push(Part::new("goes into", format!("header `{header}`")));
    parts.push(scheme(word));
    parts.extend(values(plan, "keeps", keep));
    parts
}

fn hmac(plan: &Plan, hmac: &Hmac) -> Vec<Part> {
    let Hmac { algorithm, key, text, encoding, headers } = hmac;
    let mut parts = vec![
        Part::new("algorithm", words::word(algorithm)),
        value(plan, "key", key),
        Part::new("signs", words::template(text)),
        Part::new("encoding", words::word(encoding)),
    ];
    parts.extend(values(plan, "header", headers));
    parts
}

fn sigv4(plan: &Plan, sigv4: &SigV4) -> Vec<Part> {
    let SigV4 { access_key_id, secret_access_key, session_token, region, service } = sigv4;
    let mut parts =
        vec![value(plan, "access key id", access_key_id), value(plan, "secret access key", secret_access_key)];
    parts.extend(some(plan, "session token", session_token.as_ref()));
    parts.push(value(plan, "region", region));
    parts.push(Part::new("service", service));
    parts
}
