//! Redirects, followed by hand: in go a request and its answer, out comes the request that the
//! answer leads to. Where it may go, and with which credentials, the egress guard decides.

use reqwest::Method;

use super::transport::Incoming;
use crate::request::PreparedRequest;

/// More hops than this are a loop.
pub(crate) const MOST_HOPS: usize = 5;

/// The next hop; nothing where the answer is no redirect.
pub(crate) fn follow(request: &PreparedRequest, answer: &Incoming) -> Result<Option<PreparedRequest>, String> {
    if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = answer.headers.get("location") else { return Ok(None) };
    let mut target = request
        .url
        .join(location.trim())
        .map_err(|_| format!("the vendor answered {} with a `Location` that is no URL", answer.status))?;
    target.set_fragment(None);
    let mut next = request.clone();
    next.url = target;
    let is_safe = matches!(request.method, Method::GET | Method::HEAD);
    match answer.status {
        // RFC 9110, 15.4.4: the answer to look at is elsewhere, whatever the method was.
        303 if !is_safe => {
            next.method = Method::GET;
            next.remove_body();
        }
        // RFC 9110, 15.4.2 and 15.4.3: clients differ in whether the body is sent again.
        301 | 302 if !is_safe => {
            return Err(format!(
                "the vendor answered a {} with {}, which does not say whether to send its body again",
                request.method, answer.status
            ));
        }
        _ => {}
    }
    Ok(Some(next))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use engine_spec::plan::Site;
    use url::Url;

    use super::*;
    use crate::http::Headers;
    use crate::http::egress::Trust;

    fn hop(method: Method, status: u16, location: Option<&str>) -> Result<Option<PreparedRequest>, String> {
        let site = Site { file: "t".into(), line: 1, column: 1 };
        let mut request =
            PreparedRequest::new(0, method, Url::parse("https://api.example/v1/users?a=1").unwrap(), site);
        if request.method == Method::POST {
            request.set_body("application/json", Bytes::from_static(b"{}"));
        }
        let headers = Headers::new(location.map(|location| ("location".to_owned(), location.to_owned())));
        let answer = Incoming {
            status,
            headers,
            body: Vec::new(),
            url: request.url.clone(),
            method: request.method.clone(),
            trust: Trust::Own,
        };
        follow(&request, &answer)
    }

    #[test]
    fn reads_follow_with_the_same_method() {
        for status in [301, 302, 303, 307, 308] {
            let next = hop(Method::GET, status, Some("/v2/users")).unwrap().unwrap();
            assert_eq!((next.method(), next.url().as_str()), ("GET", "https://api.example/v2/users"));
        }
    }

    #[test]
    fn a_post_keeps_its_body_only_where_the_status_says_so() {
        for status in [307, 308] {
            let next = hop(Method::POST, status, Some("https://api.example/v2")).unwrap().unwrap();
            assert!(next.method() == "POST" && next.body().is_some());
        }
        let next = hop(Method::POST, 303, Some("https://api.example/result/1")).unwrap().unwrap();
        assert!(next.method() == "GET" && next.body().is_none());
        assert!(hop(Method::POST, 302, Some("/v2")).unwrap_err().contains("does not say whether"));
    }

    #[test]
    fn an_answer_without_location_is_no_redirect() {
        assert!(hop(Method::GET, 302, None).unwrap().is_none());
        assert!(hop(Method::GET, 304, Some("/x")).unwrap().is_none());
        assert!(hop(Method::GET, 302, Some("https://")).is_err());
    }
}
