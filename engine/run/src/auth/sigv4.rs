//! AWS Signature Version 4, in the `Authorization` header.
//!
//! In go the request and the credentials; out come `x-amz-date`, `x-amz-security-token` where the
//! credentials are temporary, `x-amz-content-sha256` for the one service that wants it, and
//! `authorization`. Signed are `host`, `content-type` and every `x-amz-…`.

use engine_spec::plan;
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use ring::{digest, hmac};
use url::Url;

use super::{Context, Credentials, Stamp, hex};
use crate::http::RequestError;
use crate::request::PreparedRequest;

/// Everything but the unreserved characters of RFC 3986 is encoded.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The service whose paths are encoded once, and whose requests carry the hash of their body.
const OBJECT_STORE: &str = "s3";

/// Credentials and what they are for.
pub(super) struct SigV4 {
    sigv4: plan::SigV4,
}

struct Keys {
    access_key_id: String,
    secret_access_key: String,
    region: String,
}

impl SigV4 {
    pub fn new(sigv4: plan::SigV4) -> Self {
        Self { sigv4 }
    }
}

impl Credentials for SigV4 {
    fn apply<'a>(
        &'a self,
        request: &'a mut PreparedRequest,
        context: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<Stamp, RequestError>> {
        async move {
            let keys = Keys {
                access_key_id: context.text(&self.sigv4.access_key_id, "the access key id")?.trim().to_owned(),
                secret_access_key: context
                    .secret(&self.sigv4.secret_access_key, "the secret access key")?
                    .trim()
                    .to_owned(),
                region: context.text(&self.sigv4.region, "the region")?.trim().to_owned(),
            };
            if let Some(value) = &self.sigv4.session_token
                && let Some(token) = context.optional_text(value, "the session token")?
            {
                context.shared.redactor.learn(&token);
                context.set_header(request, "x-amz-security-token", &token)?;
            }
            let now = context.shared.services.environment.now();
            let authorization = sign(request, &keys, &self.sigv4.service, now);
            context.set_header(request, "authorization", &authorization)?;
            Ok(Stamp::default())
        }
        .boxed()
    }
}

/// Adds the date, and gives the value of `Authorization`.
fn sign(request: &mut PreparedRequest, keys: &Keys, service: &str, now: Timestamp) -> String {
    // A space is sent as it is signed, `%20`: services differ in what `+` means to them.
    if request.url().query().is_some_and(|query| !query.is_empty()) {
        let query = canonical_query(request.url());
        request.url.set_query(Some(&query));
    }
    let date_time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let date: String = date_time.chars().take(8).collect();
    let body_hash = sha256(request.body().map_or(&[][..], |body| body));
    request.set_header("x-amz-date", &date_time, false);
    if service == OBJECT_STORE {
        request.set_header("x-amz-content-sha256", &body_hash, false);
    }
    let (headers, names) = canonical_headers(request);
    let canonical = format!(
        "{}\n{}\n{}\n{headers}\n{names}\n{body_hash}",
        request.method(),
        canonical_path(request.url(), service),
        canonical_query(request.url()),
    );
    let scope = format!("{date}/{}/{service}/aws4_request", keys.region);
    let text = format!("AWS4-HMAC-SHA256\n{date_time}\n{scope}\n{}", sha256(canonical.as_bytes()));
    let first = format!("AWS4{}", keys.secret_access_key).into_bytes();
    let key = [date.as_str(), &keys.region, service, "aws4_request"].iter().fold(first, |key, part| mac(&key, part));
    let signature = hex(&mac(&key, &text));
    format!("AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}", keys.access_key_id)
}

/// Name, colon, value and line break of each signed header, and the list of their names.
fn canonical_headers(request: &PreparedRequest) -> (String, String) {
    let host = match (request.url().host_str(), request.url().port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    };
    let mut signed = vec![("host", host)];
    for header in request.headers().filter(|header| header.name == "content-type" || header.name.starts_with("x-amz-"))
    {
        signed.push((header.name, header.value.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    signed.sort();
    let lines = signed.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
    (lines, names.join(";"))
}

/// Each segment encoded; twice, but for the object store.
fn canonical_path(url: &Url, service: &str) -> String {
    let encode = |segment: &str| {
        let decoded = percent_decode_str(segment).decode_utf8_lossy();
        let once = utf8_percent_encode(&decoded, UNRESERVED).to_string();
        if service == OBJECT_STORE { once } else { utf8_percent_encode(&once, UNRESERVED).to_string() }
    };
    url.path().split('/').map(encode).collect::<Vec<_>>().join("/")
}

/// Parameters encoded, then sorted by name and value.
fn canonical_query(url: &Url) -> String {
    let encode = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
    let mut pairs: Vec<(String, String)> =
        url.query_pairs().map(|(name, value)| (encode(&name), encode(&value))).collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use engine_spec::plan::Site;
    use reqwest::Method;

    use super::*;

    fn keys() -> Keys {
        Keys {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            region: "us-east-1".into(),
        }
    }

    fn signature(
        method: Method,
        url: &str,
        service: &str,
        content_type: Option<&str>,
        body: Option<&'static str>,
    ) -> String {
        let site = Site { file: "t".into(), line: 1, column: 1 };
        let mut request = PreparedRequest::new(0, method, Url::parse(url).unwrap(), site);
        if let Some(content_type) = content_type {
            request.set_header("content-type", content_type, false);
        }
        if let Some(body) = body {
            request.set_body("application/octet-stream", Bytes::from_static(body.as_bytes()));
        }
        let now = "2015-08-30T12:36:00Z".parse().unwrap();
        let authorization = sign(&mut request, &keys(), service, now);
        authorization.rsplit_once('=').unwrap().1.to_owned()
    }

    #[test]
    fn signatures_agree_with_the_published_vectors() {
        let get = |url: &str| signature(Method::GET, url, "service", None, None);
        // get-vanilla, get-vanilla-query-order-key-case, get-unreserved, post-vanilla, and
        // post-x-www-form-urlencoded of the published test suite.
        assert_eq!(
            get("https://example.amazonaws.com/"),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
        assert_eq!(
            get("https://example.amazonaws.com/?Param2=value2&Param1=value1"),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
        );
        assert_eq!(
            get("https://example.amazonaws.com/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
            "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"
        );
        assert_eq!(
            signature(Method::POST, "https://example.amazonaws.com/", "service", None, None),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        );
        let form = signature(
            Method::POST,
            "https://example.amazonaws.com/",
            "service",
            Some("application/x-www-form-urlencoded"),
            Some("Param1=value1"),
        );
        assert_eq!(form, "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
    }

    #[test]
    fn the_documented_request_to_list_users_is_signed_as_documented() {
        let url = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08";
        let content_type = Some("application/x-www-form-urlencoded; charset=utf-8");
        let signed = signature(Method::GET, url, "iam", content_type, None);
        assert_eq!(signed, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
    }

    #[test]
    fn spaces_are_sent_as_they_are_signed() {
        let site = Site { file: "t".into(), line: 1, column: 1 };
        let url = Url::parse("https://example.amazonaws.com/?b=x+y&a=%2B").unwrap();
        let mut request = PreparedRequest::new(0, Method::GET, url, site);
        sign(&mut request, &keys(), "iam", Timestamp::UNIX_EPOCH);
        assert_eq!(request.url().query(), Some("a=%2B&b=x%20y"));
    }

    #[test]
    fn paths_are_encoded_twice_but_for_the_object_store() {
        let url = Url::parse("https://example.amazonaws.com/a%20b/c:d").unwrap();
        assert_eq!(canonical_path(&url, "iam"), "/a%2520b/c%253Ad");
        assert_eq!(canonical_path(&url, "s3"), "/a%20b/c%3Ad");
    }
}
