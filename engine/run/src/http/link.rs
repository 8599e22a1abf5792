//! The `Link` header (RFC 8288): in goes a header's value, out come its links.
//!
//! Parsed by the algorithm of RFC 8288, Appendix B.2: a comma or semicolon inside `<…>` or inside
//! quotes separates nothing, and what is malformed ends the header without an error.

/// A link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where it leads, absolute or relative, as it was written.
    pub target: String,
    /// Its attributes in order, names in lower case; `rel` is one of them.
    pub attributes: Vec<(String, String)>,
}

impl Link {
    /// The first value of an attribute, by its lower-case name (RFC 8288, 3.3: later ones count
    /// for nothing).
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether it has a relation; `rel` may name several, in any case.
    pub fn has_relation(&self, relation: &str) -> bool {
        self.attribute("rel")
            .is_some_and(|all| all.split_ascii_whitespace().any(|one| one.eq_ignore_ascii_case(relation)))
    }
}

/// The first link with a relation and with all of the attributes.
pub fn find<'a>(links: &'a [Link], relation: &str, attributes: &[(String, String)]) -> Option<&'a Link> {
    links.iter().find(|link| {
        link.has_relation(relation)
            && attributes.iter().all(|(name, value)| link.attribute(&name.to_ascii_lowercase()) == Some(value.as_str()))
    })
}

/// The links of one header value.
pub fn parse(value: &str) -> Vec<Link> {
    let mut links = Vec::new();
    let mut rest = value;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let Some(inside) = rest.strip_prefix('<') else { return links };
        let Some((target, after)) = inside.split_once('>') else { return links };
        let (attributes, after) = attributes(after);
        links.push(Link { target: target.trim().to_owned(), attributes });
        rest = after;
    }
}

/// The attributes of a link, and what stands behind them.
fn attributes(mut rest: &str) -> (Vec<(String, String)>, &str) {
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        let Some(after) = rest.strip_prefix(';') else {
            // Anything else than the comma of the next link is skipped.
            let next = rest.find(',').unwrap_or(rest.len());
            return (attributes, rest.get(next..).unwrap_or_default());
        };
        rest = after.trim_start_matches([' ', '\t']);
        let end = rest.find(['=', ';', ',', ' ', '\t']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let after_blank = after.trim_start_matches([' ', '\t']);
        let value = match after_blank.strip_prefix('=') {
            Some(written) => {
                let (value, behind) = attribute_value(written.trim_start_matches([' ', '\t']));
                rest = behind;
                value
            }
            None => {
                rest = after;
                String::new()
            }
        };
        if !name.is_empty() {
            attributes.push((name.to_ascii_lowercase(), value));
        }
    }
}

/// A quoted string (RFC 9110, 5.6.4) or a token.
fn attribute_value(rest: &str) -> (String, &str) {
    let Some(inside) = rest.strip_prefix('"') else {
        let end = rest.find([';', ',']).unwrap_or(rest.len());
        let (token, behind) = rest.split_at(end);
        return (token.trim_end().to_owned(), behind);
    };
    let mut value = String::new();
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            _ if escaped => {
                value.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return (value, inside.get(at + 1..).unwrap_or_default()),
            _ => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn targets(value: &str, relation: &str) -> Vec<String> {
        parse(value).into_iter().filter(|link| link.has_relation(relation)).map(|link| link.target).collect()
    }

    #[test]
    fn the_next_link_is_found_among_others() {
        let value = r#"<https://api.example/u?page=1>; rel="prev", <https://api.example/u?page=3>; rel="next""#;
        assert_eq!(targets(value, "next"), ["https://api.example/u?page=3"]);
    }

    #[test]
    fn commas_and_semicolons_inside_urls_and_quotes_separate_nothing() {
        let value = r#"</u?q=a,b;c>; title="x, <y>; \"z\""; rel=next, <b>; rel="last first""#;
        let links = parse(value);
        assert_eq!(links.len(), 2);
        assert_eq!(links[0].target, "/u?q=a,b;c");
        assert_eq!(links[0].attribute("title"), Some("x, <y>; \"z\""));
        assert!(links[0].has_relation("NEXT"));
        assert!(links[1].has_relation("first"));
    }

    #[test]
    fn attributes_can_be_asked_for() {
        let links = parse(r#"<a>; rel="next"; results="false", <b>; rel="next"; results="true"; cursor="0:100:0""#);
        let found = find(&links, "next", &[("results".into(), "true".into())]).unwrap();
        assert_eq!(found.target, "b");
        assert_eq!(found.attribute("cursor"), Some("0:100:0"));
        assert!(find(&links, "next", &[("results".into(), "maybe".into())]).is_none());
    }

    #[test]
    fn only_the_first_rel_counts() {
        assert_eq!(targets("<a>; rel=prev; rel=next", "next"), Vec::<String>::new());
    }

    #[test]
    fn malformed_headers_yield_what_stands_before_the_fault() {
        assert!(parse("").is_empty());
        assert!(parse("next").is_empty());
        assert!(parse("<https://a").is_empty());
        assert_eq!(parse("<a>; rel=\"next").len(), 1);
        assert_eq!(targets("<a> junk; rel=x, <b>;rel=next;", "next"), ["b"]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            links in proptest::collection::vec(("[a-z/?=,;&.:]{1,20}", proptest::collection::vec(("[a-z]{1,8}", "[ -~]{0,12}"), 0..4)), 0..4),
        ) {
            let written: Vec<String> = links.iter().map(|(target, attributes)| {
                let attributes: String = attributes.iter()
                    .map(|(name, value)| format!("; {name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")))
                    .collect();
                format!("<{target}>{attributes}")
            }).collect();
            let read = parse(&written.join(", "));
            let expected: Vec<Link> = links.into_iter().map(|(target, attributes)| Link { target, attributes }).collect();
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn nothing_makes_it_panic_or_hang(value in "\\PC*") {
            let _ = parse(&value);
        }
    }
}
