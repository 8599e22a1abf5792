//! The words that stay: those of the spec, as answers are compared with them, and those that every
//! API uses and that name nobody.
//!
//! In goes the resolved spec. Its prose (titles, help, notes) is left out: it may name anything.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use engine_json::Value as Json;
use regex::Regex;

/// Words of APIs that name nobody.
const WELL_KNOWN: &str = "http https api rest scim oauth oauth2 token tokens v1 v2 v3 v4 v1beta json xml graphql beta
    user users group groups team teams member members role roles account accounts org orgs organization organizations
    workspace workspaces project projects permission permissions membership memberships directory identity identities
    people person me self admin admins administrator owner owners viewer editor guest guests bot service system human
    external internal active inactive enabled disabled suspended deactivated deprovisioned deleted pending invited
    staged archived locked expired success successful succeeded ok done failed failure error errors complete completed
    running queued true false yes no none null unknown default custom basic standard free trial paid full limited
    read write readonly only work home other mobile primary secondary type kind status state code codes message
    messages detail details id ids name names value values display email emails login logins data items item result results
    resource resources list page pages next prev previous first last self cursor offset limit count total size per
    start index created updated modified at by of the and or for in on to a an with from as is not rel link links
    urn ietf params schemas schema core extension enterprise response request listresponse searchrequest bearer basic digest realm nonce opaque
    qop auth sess md5 sha sha256 algorithm stale invalid grant unauthorized forbidden found missing many requests rate exceeded
    too retry later access denied permission scope scopes expires refresh bearer_token application app apps client
    clients key keys session sessions github gitlab bitbucket google microsoft saml sso oidc ldap example localhost
    manager managed assigned assignment all any public private shared security utf utc gmt charset";

/// Keys of the language whose texts are for people.
const PROSE: &[&str] = &["title", "help", "docs", "say", "summary", "notes", "example", "fail", "name", "description"];

/// Keys of the language whose words are the language's.
const CLOSED: &[&str] = &["last", "purpose", "as", "many", "missing", "absent", "algorithm", "grantable_to"];

/// Keys of the language below which keys are words of the vendor, too.
const KEYED: &[&str] = &["map", "query", "headers", "json", "form", "match", "for_each", "each"];

static PARTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?:starting_with|ending_with|containing|matching)\(\s*(?:'([^']*)'|"([^"]*)")"#).ok()
});

/// The words that stay.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vocabulary {
    words: BTreeSet<String>,
    /// Words that stay unless a person has them for a name.
    well_known: BTreeSet<String>,
    /// Words of the names of people.
    people: BTreeSet<String>,
    /// Words that a text is searched for.
    parts: Vec<String>,
    /// The whole spec, for names of headers.
    text: String,
}

impl Vocabulary {
    /// The words of a resolved spec.
    pub fn of(canonical: &str) -> Self {
        let mut vocabulary = Self { text: canonical.to_lowercase(), ..Self::default() };
        vocabulary.well_known = WELL_KNOWN.split_whitespace().map(str::to_owned).collect();
        let spec: Json = serde_json::from_str(canonical).unwrap_or_default();
        vocabulary.read(&spec, "", false);
        vocabulary.parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
        vocabulary
    }

    /// Keeps every word of a text.
    pub fn keep(&mut self, text: &str) {
        self.words.extend(tokens(text).map(str::to_lowercase));
    }

    /// Learns the name of a person: its words stay only where the spec itself has them.
    pub fn person(&mut self, name: &str) {
        self.people.extend(tokens(name).map(str::to_lowercase));
    }

    /// Whether a word stays.
    pub fn has(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        self.words.contains(&word) || self.well_known.contains(&word) && !self.people.contains(&word)
    }

    /// The words that stay.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().chain(&self.well_known).map(String::as_str)
    }

    /// The longest part of a word that the spec searches for.
    pub fn part_of<'a>(&self, word: &'a str) -> Option<(&'a str, &'a str, &'a str)> {
        self.parts.iter().find_map(|part| {
            let at = word.to_lowercase().find(part.as_str())?;
            Some((word.get(..at)?, word.get(at..at + part.len())?, word.get(at + part.len()..)?))
        })
    }

    /// Whether the spec names a header.
    pub fn names_header(&self, name: &str) -> bool {
        self.text.contains(&name.to_lowercase())
    }

    fn read(&mut self, spec: &Json, key: &str, keyed: bool) {
        match spec {
            Json::String(text) => {
                let is_prose = PROSE.contains(&key) && !text.starts_with('$') && !text.contains("{{");
                if (is_prose || CLOSED.contains(&key)) && !keyed {
                    return;
                }
                self.keep(text);
                for found in PARTS.iter().flat_map(|parts| parts.captures_iter(text)) {
                    let literal = found.get(1).or_else(|| found.get(2)).map_or("", |group| group.as_str());
                    self.parts.extend(tokens(literal).filter(|part| part.len() > 1).map(str::to_lowercase));
                }
            }
            Json::Number(number) => self.keep(&number.to_string()),
            Json::Array(items) => items.iter().for_each(|item| self.read(item, key, keyed)),
            Json::Object(members) => {
                for (name, member) in members {
                    let keyed = keyed || KEYED.contains(&key);
                    if keyed {
                        self.keep(name);
                    }
                    self.read(member, name, keyed);
                }
            }
            Json::Null | Json::Bool(_) => {}
        }
    }
}

/// The words and numbers of a text.
pub(crate) fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_spec_stay_and_words_of_its_prose_do_not() {
        let spec = r#"{"summary":"Reads Northwind","resources":{"user":{"status":{"from":"$.state","map":{"Retired":"disabled"}},"when":"row.login is ending_with('svc')"}},"limit":1000}"#;
        let vocabulary = Vocabulary::of(spec);
        assert!(vocabulary.has("retired") && vocabulary.has("1000") && !vocabulary.has("northwind"));
        assert_eq!(vocabulary.part_of("nightlysvc"), Some(("nightly", "svc", "")));
    }
}
