//! Private keys in PEM, and the signatures and fingerprints made with them.
//!
//! RSA keys may be PKCS #8 (RFC 5958) or PKCS #1 (RFC 8017, A.1.2), P-256 keys PKCS #8. Messages
//! never hold a piece of a key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use engine_spec::document::auth::JwtAlgorithm;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use ring::{digest, hmac};

/// DER of the object identifiers of RFC 8017, A.1 (rsaEncryption, with its NULL) and RFC 5480,
/// 2.1.1 (id-ecPublicKey on prime256v1).
const RSA_ENCRYPTION: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
const EC_P256: &[u8] =
    &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// A key that signs tokens.
pub(super) enum SigningKey {
    /// RS256.
    Rsa(Box<RsaKeyPair>),
    /// ES256.
    P256(EcdsaKeyPair),
    /// HS256.
    Shared(hmac::Key),
}

impl SigningKey {
    /// Reads a key for an algorithm.
    pub fn read(algorithm: JwtAlgorithm, text: &str) -> Result<Self, String> {
        if algorithm == JwtAlgorithm::HS256 {
            return Ok(Self::Shared(hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes())));
        }
        let (label, der) = pem(text)?;
        match (algorithm, label.as_str()) {
            (JwtAlgorithm::RS256, "PRIVATE KEY") => {
                let key = RsaKeyPair::from_pkcs8(&der).map_err(|error| format!("the private key is not an RSA key that RS256 can use: {error}"))?;
                Ok(Self::Rsa(Box::new(key)))
            }
            (JwtAlgorithm::RS256, "RSA PRIVATE KEY") => {
                let key = RsaKeyPair::from_der(&der).map_err(|error| format!("the private key is not an RSA key that RS256 can use: {error}"))?;
                Ok(Self::Rsa(Box::new(key)))
            }
            (JwtAlgorithm::ES256, "PRIVATE KEY") => {
                let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &SystemRandom::new())
                    .map_err(|error| format!("the private key is not a P-256 key that ES256 can use: {error}"))?;
                Ok(Self::P256(key))
            }
            (_, "EC PRIVATE KEY") => Err("the private key is in SEC 1 form; `openssl pkcs8 -topk8 -nocrypt` makes the PKCS #8 form that is needed".to_owned()),
            (_, "ENCRYPTED PRIVATE KEY") => Err("the private key is encrypted; `openssl pkcs8 -in key.pem` removes its passphrase".to_owned()),
            (_, label) => Err(format!("the PEM text holds a `{label}` where a private key was expected")),
        }
    }

    /// The signature over a text, as JWS wants it (RFC 7518, 3.2 to 3.4).
    pub fn sign(&self, text: &[u8]) -> Result<Vec<u8>, String> {
        let failed = |_| "the private key cannot sign".to_owned();
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature).map_err(failed)?;
                Ok(signature)
            }
            Self::P256(key) => Ok(key.sign(&SystemRandom::new(), text).map_err(failed)?.as_ref().to_vec()),
            Self::Shared(key) => Ok(hmac::sign(key, text).as_ref().to_vec()),
        }
    }

    /// `SHA256:` and the base64 SHA-256 of the public key as SubjectPublicKeyInfo (RFC 5280, 4.1.2.7).
    pub fn fingerprint(&self) -> Option<String> {
        let (algorithm, key) = match self {
            Self::Rsa(key) => (RSA_ENCRYPTION, key.public_key().as_ref()),
            Self::P256(key) => (EC_P256, key.public_key().as_ref()),
            Self::Shared(_) => return None,
        };
        let mut bits = vec![0];
        bits.extend_from_slice(key);
        let info = [der(0x30, algorithm), der(0x03, &bits)].concat();
        let hash = digest::digest(&digest::SHA256, &der(0x30, &info));
        Some(format!("SHA256:{}", STANDARD.encode(hash)))
    }
}

/// A DER value with its tag and length (X.690, 8.1).
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut encoded = vec![tag];
    if length < 0x80 {
        encoded.extend(u8::try_from(length));
    } else {
        let bytes: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
        encoded.extend(u8::try_from(bytes.len()).map(|count| 0x80 | count));
        encoded.extend(bytes);
    }
    encoded.extend_from_slice(content);
    encoded
}

/// Label and content of the first private key of a PEM text (RFC 7468). Line breaks may have been
/// lost or escaped on the way through an environment variable.
fn pem(text: &str) -> Result<(String, Vec<u8>), String> {
    let text = text.replace("\\n", "\n");
    let wrong = || "the private key is not a PEM text: it begins with `-----BEGIN PRIVATE KEY-----`".to_owned();
    let mut rest = text.as_str();
    loop {
        let (_, after) = rest.split_once("-----BEGIN ").ok_or_else(wrong)?;
        let (label, body) = after.split_once("-----").ok_or_else(wrong)?;
        let (content, behind) = body.split_once(&format!("-----END {label}-----")).ok_or_else(wrong)?;
        // EC keys may have their parameters before them.
        if label == "EC PARAMETERS" {
            rest = behind;
            continue;
        }
        let digits: String = content.chars().filter(|c| !c.is_whitespace()).collect();
        // An encrypted PKCS #1 key has headers before its content (RFC 1421, 4.6).
        if digits.contains(':') {
            return Err("the private key is encrypted; `openssl rsa -in key.pem` removes its passphrase".to_owned());
        }
        let content = STANDARD
            .decode(digits)
            .map_err(|_| "the private key's PEM text is damaged: its content is not base64".to_owned())?;
        return Ok((label.to_owned(), content));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_encoded_as_der_wants_them() {
        assert_eq!(der(0x04, &[1, 2]), [4, 2, 1, 2]);
        assert_eq!(der(0x04, &[0; 200])[..3], [4, 0x81, 200]);
        assert_eq!(der(0x04, &[0; 300])[..4], [4, 0x82, 1, 44]);
    }

    #[test]
    fn wrong_keys_are_explained_without_showing_them() {
        let read = |algorithm, text: &str| SigningKey::read(algorithm, text).err().unwrap();
        assert!(read(JwtAlgorithm::RS256, "hunter2").contains("not a PEM text"));
        assert!(
            read(JwtAlgorithm::ES256, "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----")
                .contains("openssl pkcs8")
        );
        assert!(
            read(
                JwtAlgorithm::RS256,
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----"
            )
            .contains("encrypted")
        );
        assert!(
            read(JwtAlgorithm::RS256, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----")
                .contains("`CERTIFICATE`")
        );
        assert!(
            !read(JwtAlgorithm::RS256, "-----BEGIN PRIVATE KEY-----\nhunter2!\n-----END PRIVATE KEY-----")
                .contains("hunter2")
        );
    }
}
