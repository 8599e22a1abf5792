//! Credentials, compiled. Values are evaluated by the run, once per client or per token.

use std::time::Duration;

use crate::document::auth::{ClientIn, HmacAlgorithm, HmacEncoding, JwtAlgorithm, TokenBody};
use crate::path::Path;
use crate::template::Template;

use super::{Request, Value};

/// How requests prove who they are.
#[derive(Clone, Debug)]
pub enum Auth {
    /// Headers: name in lower case, value.
    Headers(Vec<(String, Value)>),
    /// `Authorization: Bearer …`.
    Bearer(Value),
    /// HTTP Basic.
    Basic(Basic),
    /// Query parameters.
    Query(Vec<(String, Value)>),
    /// An OAuth 2.0 token endpoint.
    Oauth2(Box<Oauth2>),
    /// A JSON Web Token that the engine signs, sent as bearer.
    Jwt(Box<Jwt>),
    /// A request whose answer carries the token.
    Login(Box<Login>),
    /// A signature over each request.
    Hmac(Box<Hmac>),
    /// AWS Signature Version 4.
    SigV4(Box<SigV4>),
    /// HTTP Digest.
    Digest(Basic),
}

/// A user name and a password.
#[derive(Clone, Debug)]
pub struct Basic {
    /// The user name.
    pub username: Value,
    /// The password.
    pub password: Value,
}

/// A token endpoint.
#[derive(Clone, Debug)]
pub struct Oauth2 {
    /// How the token is got.
    pub grant: Oauth2Grant,
    /// The token endpoint: absolute, or a path below `base_url`.
    pub token_url: Value,
    /// The client's id.
    pub client_id: Option<Value>,
    /// The client's secret.
    pub client_secret: Option<Value>,
    /// Where id and secret go.
    pub client_in: ClientIn,
    /// How the body is written.
    pub body: TokenBody,
    /// The scopes, sent joined by spaces; empty sends none.
    pub scope: Vec<Value>,
    /// Further fields of the token request.
    pub fields: Vec<(String, Value)>,
    /// Further headers of the token request.
    pub headers: Vec<(String, Value)>,
    /// The access token in the answer.
    pub token: Path,
    /// Word before the token in `Authorization`; empty for none.
    pub scheme: String,
}

/// How a token is got.
#[derive(Clone, Debug)]
pub enum Oauth2Grant {
    /// RFC 6749, 4.4.
    ClientCredentials,
    /// RFC 6749, 6, with the first refresh token.
    RefreshToken(Value),
    /// RFC 6749, 4.3: user name and password.
    Password(Basic),
    /// RFC 7523, 2.1.
    JwtBearer(Assertion),
    /// RFC 7523, 2.2.
    ClientAssertion(Assertion),
    /// Any other `grant_type`.
    Other(String),
}

/// An assertion.
#[derive(Clone, Debug)]
pub enum Assertion {
    /// Signed by the engine.
    Signed(Box<Jwt>),
    /// Given.
    Given(Value),
}

/// A JSON Web Token that the engine signs. Claims may name `key.fingerprint`.
#[derive(Clone, Debug)]
pub struct Jwt {
    /// The algorithm.
    pub algorithm: JwtAlgorithm,
    /// The private key (PEM), or the shared secret.
    pub key: Value,
    /// Header `kid`.
    pub key_id: Option<Value>,
    /// Further headers.
    pub headers: Vec<(String, Value)>,
    /// Claims.
    pub claims: Vec<(String, Value)>,
    /// How long the token is good.
    pub lifetime: Duration,
}

/// A request whose answer carries the token.
#[derive(Clone, Debug)]
pub struct Login {
    /// The request; sent by the client it belongs to, without its credentials.
    pub request: Request,
    /// HTTP Basic credentials of the login request.
    pub basic: Option<Basic>,
    /// The token in the answer.
    pub token: Path,
    /// Seconds the token is good.
    pub expires_in: Option<Path>,
    /// The header that carries the token, in lower case.
    pub header: String,
    /// Word before the token; empty for none.
    pub scheme: String,
    /// Further values of the answer, `auth.NAME`.
    pub keep: Vec<(String, Value)>,
}

/// A signature over each request.
#[derive(Clone, Debug)]
pub struct Hmac {
    /// The hash.
    pub algorithm: HmacAlgorithm,
    /// The key.
    pub key: Value,
    /// The text that is signed.
    pub text: Template,
    /// How the signature is written.
    pub encoding: HmacEncoding,
    /// Headers with `signature`: name in lower case, value.
    pub headers: Vec<(String, Value)>,
}

/// AWS credentials and what they are for.
#[derive(Clone, Debug)]
pub struct SigV4 {
    /// The access key id.
    pub access_key_id: Value,
    /// The secret access key.
    pub secret_access_key: Value,
    /// The session token of temporary credentials.
    pub session_token: Option<Value>,
    /// The region.
    pub region: Value,
    /// The service.
    pub service: String,
}
