//! Tokens signed with the sample keys, which were made for these tests and open nothing.

use std::time::Duration;

use engine_spec::document::auth::JwtAlgorithm;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, EcdsaKeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey,
};

use super::*;
use crate::http::tests::bench::value;

const RSA_PKCS8: &str = include_str!("samples/rsa-pkcs8.pem");
const RSA_PKCS1: &str = include_str!("samples/rsa-pkcs1.pem");
const P256: &str = include_str!("samples/p256-pkcs8.pem");

fn token(algorithm: JwtAlgorithm, key: &str) -> (String, SigningKey) {
    let key = SigningKey::read(algorithm, key).unwrap();
    let jwt = plan::Jwt {
        algorithm,
        key: value("unused"),
        key_id: Some(value("k1")),
        headers: vec![("x5t".into(), value("thumb"))],
        claims: vec![
            ("iss".into(), value("{{ config.account }}.{{ key.fingerprint }}")),
            ("aud".into(), value("https://api.example")),
        ],
        lifetime: Duration::from_secs(600),
    };
    let names = json!({"config": {"account": "ACME"}, "key": {"fingerprint": key.fingerprint().unwrap_or_default()}});
    let set = Claims { issued: 1_000, expires: 1_600, id: "id".into() };
    let token = encoded(&jwt, &key, &Scope::root(names.as_object().unwrap()), set).unwrap();
    (token, key)
}

fn part(token: &str, at: usize) -> Json {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(at).unwrap()).unwrap()).unwrap()
}

fn signed(token: &str) -> (&str, Vec<u8>) {
    let (text, signature) = token.rsplit_once('.').unwrap();
    (text, URL_SAFE_NO_PAD.decode(signature).unwrap())
}

#[test]
fn a_token_holds_the_claims_of_the_spec_and_those_the_engine_sets() {
    let (token, _) = token(JwtAlgorithm::RS256, RSA_PKCS8);
    assert_eq!(part(&token, 0), json!({"alg": "RS256", "typ": "JWT", "kid": "k1", "x5t": "thumb"}));
    // `openssl pkey -pubout -outform DER | openssl dgst -sha256 -binary | base64` gives the fingerprint.
    let issuer = "ACME.SHA256:lnlvo9E+yH+wVvd7cIYxBHjWWiE1w/auRpBfM9ozEQw=";
    assert_eq!(
        part(&token, 1),
        json!({"iss": issuer, "aud": "https://api.example", "iat": 1000, "exp": 1600, "jti": "id"})
    );
}

#[test]
fn rsa_keys_of_both_forms_sign_the_same() {
    let (first, key) = token(JwtAlgorithm::RS256, RSA_PKCS8);
    let escaped = RSA_PKCS1.replace('\n', "\\n");
    assert_eq!(token(JwtAlgorithm::RS256, &escaped).0, first);
    let SigningKey::Rsa(pair) = key else { panic!("not RSA") };
    let public = RsaKeyPair::public_key(&pair).as_ref().to_vec();
    let (text, signature) = signed(&first);
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public).verify(text.as_bytes(), &signature).unwrap();
}

#[test]
fn p256_signatures_are_valid_and_the_fingerprint_is_that_of_openssl() {
    let (token, key) = token(JwtAlgorithm::ES256, P256);
    assert_eq!(key.fingerprint().unwrap(), "SHA256:S8QTnkky74SNDXHaldXqpyEkoKUOh0/+zoXDb98OwdE=");
    let SigningKey::P256(pair) = key else { panic!("not P-256") };
    let public = EcdsaKeyPair::public_key(&pair).as_ref().to_vec();
    let (text, signature) = signed(&token);
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public).verify(text.as_bytes(), &signature).unwrap();
}

#[test]
fn a_shared_secret_signs_as_published() {
    // RFC 7515, A.1: the text and key of its example.
    let key = URL_SAFE_NO_PAD
        .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
        .unwrap();
    let key = SigningKey::Shared(ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key));
    let text = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    assert_eq!(
        URL_SAFE_NO_PAD.encode(key.sign(text.as_bytes()).unwrap()),
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    );
}

#[test]
fn a_key_of_another_kind_is_refused() {
    assert!(SigningKey::read(JwtAlgorithm::ES256, RSA_PKCS8).err().unwrap().contains("P-256"));
    assert!(SigningKey::read(JwtAlgorithm::RS256, P256).err().unwrap().contains("RSA"));
}
