//! `auth`: how requests prove who they are. One kind a client.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Request, Value};

/// How requests prove who they are; one key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// Headers: `headers: { X-Api-Token: "{{ config.api_token }}" }`.
    Headers(BTreeMap<String, Value>),
    /// `Authorization: Bearer …` (RFC 6750).
    Bearer(Value),
    /// HTTP Basic (RFC 7617).
    Basic(Basic),
    /// Query parameters. Secrets in URLs end up in logs: only where the vendor knows nothing else.
    Query(BTreeMap<String, Value>),
    /// An OAuth 2.0 token endpoint (RFC 6749).
    #[serde(rename = "oauth2")]
    Oauth2(Box<Oauth2>),
    /// A JSON Web Token (RFC 7519) that the engine signs, sent as bearer.
    Jwt(Box<Jwt>),
    /// A request whose answer carries the token.
    Login(Box<Login>),
    /// A signature over each request.
    Hmac(Box<Hmac>),
    /// AWS Signature Version 4.
    #[serde(rename = "sigv4")]
    SigV4(Box<SigV4>),
    /// HTTP Digest (RFC 7616).
    Digest(Basic),
}

/// A user name and a password.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// The user name.
    pub username: Value,
    /// The password; a literal empty text where the vendor wants none.
    pub password: Value,
}

/// A token endpoint.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Oauth2 {
    /// How the token is got.
    pub grant: Oauth2Grant,
    /// The token endpoint, absolute, or a path below `base_url`.
    pub token_url: Value,
    /// The client's id.
    #[serde(default)]
    pub client_id: Option<Value>,
    /// The client's secret.
    #[serde(default)]
    pub client_secret: Option<Value>,
    /// Where id and secret go; in the `Authorization` header where nothing is said.
    #[serde(default)]
    pub client_in: Option<ClientIn>,
    /// How the body is written; as a form where nothing is said.
    #[serde(default)]
    pub body: Option<TokenBody>,
    /// The scopes asked for.
    #[serde(default)]
    pub scope: Vec<Value>,
    /// Further fields of the token request, such as `audience`.
    #[serde(default)]
    pub fields: BTreeMap<String, Value>,
    /// Further headers of the token request.
    #[serde(default)]
    pub headers: BTreeMap<String, Value>,
    /// The user name, for `password`.
    #[serde(default)]
    pub username: Option<Value>,
    /// The password, for `password`.
    #[serde(default)]
    pub password: Option<Value>,
    /// The refresh token, for `refresh_token`. A rotated one is stored and used the next time.
    #[serde(default)]
    pub refresh_token: Option<Value>,
    /// The assertion, for `jwt_bearer` and `client_assertion`: signed by the engine, or given.
    #[serde(default)]
    pub assertion: Option<Assertion>,
    /// The access token in the answer; `$.access_token` where nothing is said.
    #[serde(default)]
    pub token: Option<String>,
    /// Word before the token in `Authorization`; `Bearer` where nothing is said.
    #[serde(default)]
    pub scheme: Option<String>,
}

/// How a token is got.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Oauth2Grant {
    /// RFC 6749, 4.4.
    ClientCredentials,
    /// RFC 6749, 6.
    RefreshToken,
    /// RFC 6749, 4.3.
    Password,
    /// RFC 7523, 2.1: an assertion is exchanged for a token.
    JwtBearer,
    /// RFC 7523, 2.2: client credentials, the client proven by an assertion.
    ClientAssertion,
    /// Any other `grant_type`: `{ other: account_credentials }`.
    Other(String),
}

/// Where the client's id and secret go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientIn {
    /// HTTP Basic.
    Header,
    /// Fields `client_id` and `client_secret` of the body.
    Body,
}

/// How the body of a token request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenBody {
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `application/json`.
    Json,
}

/// An assertion.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Assertion {
    /// Signed by the engine.
    Signed(Box<Jwt>),
    /// Given, for example by the vendor's console.
    Given(Value),
}

/// A JSON Web Token that the engine signs. `iat`, `exp` and `jti` are set by the engine.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Jwt {
    /// The algorithm.
    pub algorithm: JwtAlgorithm,
    /// The private key (PEM), or the shared secret for `HS256`.
    pub key: Value,
    /// The key's id, header `kid`.
    #[serde(default)]
    pub key_id: Option<Value>,
    /// Further headers, such as `x5t`.
    #[serde(default)]
    pub headers: BTreeMap<String, Value>,
    /// Claims: `iss`, `sub`, `aud`, … `key.fingerprint` is `SHA256:` and the base64 SHA-256 of the public key.
    pub claims: BTreeMap<String, Value>,
    /// How long the token is good, such as `10m`, one hour at most where nothing is said.
    #[serde(default)]
    pub lifetime: Option<String>,
}

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum JwtAlgorithm {
    /// RSA PKCS #1 v1.5 with SHA-256.
    RS256,
    /// ECDSA P-256 with SHA-256.
    ES256,
    /// HMAC with SHA-256.
    HS256,
}

/// A request whose answer carries the token, made again after a 401.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Login {
    /// The request.
    #[serde(flatten)]
    pub request: Request,
    /// HTTP Basic credentials of the login request.
    #[serde(default)]
    pub basic: Option<Basic>,
    /// The token in the answer, a JSONPath.
    pub token: String,
    /// Seconds the token is good, a JSONPath.
    #[serde(default)]
    pub expires_in: Option<String>,
    /// The header that carries the token; `Authorization` where nothing is said.
    #[serde(default)]
    pub header: Option<String>,
    /// Word before the token; `Bearer` in `Authorization` and none elsewhere where nothing is said.
    #[serde(default)]
    pub scheme: Option<String>,
    /// Further values of the answer, `auth.NAME` in paths and values.
    #[serde(default)]
    pub keep: BTreeMap<String, Value>,
}

/// A signature over each request.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hmac {
    /// The hash.
    pub algorithm: HmacAlgorithm,
    /// The key.
    pub key: Value,
    /// The text that is signed, on `request.method`, `.host`, `.path`, `.query`, `.body`, `.date`, `.timestamp` and `.nonce`.
    pub text: String,
    /// How the signature is written.
    pub encoding: HmacEncoding,
    /// Headers with the signature, as `signature`, beside the variables of `text`.
    pub headers: BTreeMap<String, Value>,
}

/// The hash of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HmacAlgorithm {
    /// SHA-1, for vendors that know nothing newer.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// How a signature is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HmacEncoding {
    /// Hexadecimal, lower case.
    Hex,
    /// Base64 (RFC 4648, 4).
    Base64,
}

/// AWS credentials and what they are for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SigV4 {
    /// The access key id.
    pub access_key_id: Value,
    /// The secret access key.
    pub secret_access_key: Value,
    /// The session token of temporary credentials.
    #[serde(default)]
    pub session_token: Option<Value>,
    /// The region, such as `eu-west-1`.
    pub region: Value,
    /// The service, such as `iam`.
    pub service: String,
}
