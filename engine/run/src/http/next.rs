//! Links to the next page: in go the URL that answered and the text of a link, out comes a URL that
//! the egress guard lets pass.

use engine_spec::plan::is_loopback;
use url::Url;

use super::egress::{Egress, Origin};

/// The URL that a link leads to.
///
/// Links are relative to the URL that answered (RFC 3986, 5), with two quirks of vendors allowed
/// for. Behind a proxy that ends TLS, links to the same host say `http`: they become `https`. And
/// a link that begins with `/` may be relative to the base URL's path instead of the host: it is
/// taken so where that gives the very path that answered.
pub(crate) fn resolve(egress: &Egress, base: &Url, current: &Url, text: &str) -> Result<Url, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("the link to the next page is empty".to_owned());
    }
    let mut url = current.join(text).map_err(|_| "the link to the next page is no URL".to_owned())?;
    url.set_fragment(None);
    let base_path = base.path().trim_end_matches('/');
    let below_base = format!("{base_path}{}", url.path());
    if text.starts_with('/') && !text.starts_with("//") && url.path() != current.path() && below_base == current.path()
    {
        url.set_path(&below_base);
    }
    if url.scheme() == "http" && !is_loopback(&url) && url.port().is_none() {
        let mut secure = url.clone();
        if secure.set_scheme("https").is_ok() && Origin::of(&secure) == Origin::of(current) {
            url = secure;
        }
    }
    egress.check(&url).map_err(|reason| format!("the link to the next page is refused: {reason}"))?;
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(text: &str) -> Result<String, String> {
        let base = Url::parse("https://api.example/wiki").unwrap();
        let egress = Egress::new(&["files.example".to_owned()]);
        egress.learn_own(&base);
        let current = Url::parse("https://api.example/wiki/rest/users?page=1").unwrap();
        resolve(&egress, &base, &current, text).map(String::from)
    }

    #[test]
    fn absolute_and_relative_links_are_resolved() {
        for (text, expected) in [
            ("https://api.example/wiki/rest/users?page=2", "https://api.example/wiki/rest/users?page=2"),
            ("/wiki/rest/users?page=2", "https://api.example/wiki/rest/users?page=2"),
            ("?page=2", "https://api.example/wiki/rest/users?page=2"),
            ("users?page=2#x", "https://api.example/wiki/rest/users?page=2"),
            ("//api.example/x", "https://api.example/x"),
            ("/other?page=2", "https://api.example/other?page=2"),
            ("https://files.example/x", "https://files.example/x"),
        ] {
            assert_eq!(next(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_link_below_the_base_path_is_recognized_by_the_path_that_answered() {
        assert_eq!(next("/rest/users?page=2").unwrap(), "https://api.example/wiki/rest/users?page=2");
    }

    #[test]
    fn http_links_to_the_same_host_become_https() {
        assert_eq!(
            next("http://api.example/wiki/rest/users?page=2").unwrap(),
            "https://api.example/wiki/rest/users?page=2"
        );
        assert!(next("http://evil.example/").is_err());
        assert!(next("http://api.example:8080/").is_err());
    }

    #[test]
    fn links_to_other_hosts_are_refused() {
        for text in [
            "https://evil.example/users",
            "//evil.example/users",
            "https://api.example@evil.example/",
            "",
            "https://",
            "file:///etc/passwd",
        ] {
            assert!(next(text).is_err(), "{text}");
        }
    }
}
