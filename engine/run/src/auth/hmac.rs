//! A signature over each request: a text made of its parts, signed with a shared key (RFC 2104).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use engine_json::{Value as Json, json};
use engine_spec::document::auth::{HmacAlgorithm, HmacEncoding};
use engine_spec::plan;
use engine_spec::scope::Scope;
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use ring::hmac;

use super::{Context, Credentials, Stamp, hex};
use crate::http::RequestError;
use crate::request::{PreparedRequest, RenderFault};

/// A key and what is signed with it.
pub(super) struct Hmac {
    hmac: plan::Hmac,
}

impl Hmac {
    pub fn new(hmac: plan::Hmac) -> Self {
        Self { hmac }
    }

    fn sign(&self, request: &mut PreparedRequest, context: &Context<'_>) -> Result<(), RequestError> {
        let key = context.secret(&self.hmac.key, "the key of the signature")?;
        let names = context.shared.names();
        let parts = parts(request, context.shared.services.environment.now(), &context.nonce());
        let root = Scope::root(&names);
        let scope = root.with("request", &parts);
        let text = self.hmac.text.plain(&scope).map_err(|error| {
            let fault =
                RenderFault { site: self.hmac.key.site.clone(), reason: format!("the text to be signed: {error}") };
            context.fault(fault)
        })?;
        let signature = Json::from(signature(self.hmac.algorithm, self.hmac.encoding, key.as_bytes(), text.as_bytes()));
        let scope = scope.with("signature", &signature);
        for (name, value) in &self.hmac.headers {
            let slot = format!("the header `{name}`");
            let found = context.text_in(value, &slot, &scope).map_err(|fault| context.fault(fault))?;
            let text = found.ok_or_else(|| context.fault(value.missing(&slot).into()))?;
            context.set_header(request, name, &text)?;
        }
        Ok(())
    }
}

impl Credentials for Hmac {
    fn apply<'a>(
        &'a self,
        request: &'a mut PreparedRequest,
        context: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<Stamp, RequestError>> {
        async move {
            self.sign(request, context)?;
            Ok(Stamp::default())
        }
        .boxed()
    }
}

/// What `request` stands for: `method`, `host`, `path` and `query` as they are sent, `body` as
/// text, `date` (RFC 9110, 5.6.7), `timestamp` (seconds since 1970) and `nonce`.
fn parts(request: &PreparedRequest, now: Timestamp, nonce: &str) -> Json {
    let url = request.url();
    let host = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    };
    json!({
        "method": request.method(),
        "host": host,
        "path": url.path(),
        "query": url.query().unwrap_or_default(),
        "body": request.body().map(|body| String::from_utf8_lossy(body).into_owned()).unwrap_or_default(),
        "date": httpdate::fmt_http_date(now.into()),
        "timestamp": now.as_second(),
        "nonce": nonce,
    })
}

fn signature(algorithm: HmacAlgorithm, encoding: HmacEncoding, key: &[u8], text: &[u8]) -> String {
    let algorithm = match algorithm {
        HmacAlgorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        HmacAlgorithm::Sha256 => hmac::HMAC_SHA256,
        HmacAlgorithm::Sha512 => hmac::HMAC_SHA512,
    };
    let tag = hmac::sign(&hmac::Key::new(algorithm, key), text);
    match encoding {
        HmacEncoding::Hex => hex(tag.as_ref()),
        HmacEncoding::Base64 => STANDARD.encode(tag),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_agree_with_the_published_vectors() {
        // RFC 2202, 3, case 2; RFC 4231, 4.3.
        let (key, text) = (b"Jefe", b"what do ya want for nothing?");
        let signed = |algorithm, encoding| signature(algorithm, encoding, key, text);
        assert_eq!(signed(HmacAlgorithm::Sha1, HmacEncoding::Hex), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        assert_eq!(
            signed(HmacAlgorithm::Sha256, HmacEncoding::Hex),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert!(signed(HmacAlgorithm::Sha512, HmacEncoding::Hex).starts_with("164b7a7bfcf819e2e395fbe73b56e0a3"));
        assert_eq!(signed(HmacAlgorithm::Sha1, HmacEncoding::Base64), "7/zfauXrL6LSdBbV8YTfnCWafHk=");
    }
}
