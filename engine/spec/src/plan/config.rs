//! Config fields, and the check of a value a user gave.

use crate::document::config::ConfigType;
use engine_json::Value as Json;

use super::Site;

/// One thing a user must provide.
#[derive(Clone, Debug)]
pub struct ConfigField {
    /// Its name in the spec.
    pub name: String,
    /// The environment variable.
    pub env: String,
    /// What people call it.
    pub title: String,
    /// What it is for.
    pub help: Option<String>,
    /// Where it is found.
    pub docs: Option<String>,
    /// What it looks like.
    pub kind: ConfigType,
    /// Whether it must never be shown.
    pub secret: bool,
    /// Whether it may be left out.
    pub optional: bool,
    /// The value where none is given, already in its final form.
    pub default: Option<Json>,
    /// What the whole value must match.
    pub pattern: Option<regex::Regex>,
    /// What to say where it does not.
    pub say: Option<String>,
    /// The values it may have.
    pub choices: Vec<String>,
    /// Endings cut off a pasted value.
    pub strip: Vec<String>,
    /// What a right value matches, and what to say otherwise.
    pub advise: Option<(regex::Regex, String)>,
    /// A value that shows the form.
    pub example: Option<String>,
    /// Where it stands.
    pub site: Site,
}

/// A value that is not of the field's form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    /// What is wrong; never holds the value of a secret.
    pub reason: String,
}

/// A value in its final form, and what to say about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// The value.
    pub value: Json,
    /// Advice that does not stop anything.
    pub advice: Option<String>,
}

impl ConfigField {
    /// Brings a given text into the field's form.
    pub fn accept(&self, given: &str) -> Result<Accepted, ConfigFault> {
        let text = given.trim();
        let shown = if self.secret { "the value".to_owned() } else { format!("`{text}`") };
        let fault = |reason: String| ConfigFault { reason };
        if text.is_empty() {
            return Err(fault("the value is empty".to_owned()));
        }
        let value = match self.kind {
            ConfigType::Text => Json::from(self.stripped(text)),
            ConfigType::Url => Json::from(self.url(text).map_err(fault)?),
            ConfigType::Uuid => {
                if !is_uuid(text) {
                    return Err(fault(
                        self.complaint(&shown, "is not a UUID, such as 3f0c7a52-8a41-4a0e-9b07-2f6d1c0d9e11"),
                    ));
                }
                Json::from(text.to_ascii_lowercase())
            }
            ConfigType::Integer => {
                if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(fault(self.complaint(&shown, "is not a whole number")));
                }
                Json::from(text)
            }
            ConfigType::Boolean => match text {
                "true" | "1" => Json::Bool(true),
                "false" | "0" => Json::Bool(false),
                _ => return Err(fault(self.complaint(&shown, "is neither `true` nor `false`"))),
            },
            ConfigType::Choice => {
                if !self.choices.iter().any(|choice| choice == text) {
                    return Err(fault(self.complaint(&shown, &format!("is not one of {}", self.choices.join(", ")))));
                }
                Json::from(text)
            }
            ConfigType::List => {
                text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Json::from).collect()
            }
        };
        if let (Some(pattern), Json::String(text)) = (&self.pattern, &value)
            && !pattern.is_match(text)
        {
            return Err(fault(self.complaint(&shown, "does not have the right form")));
        }
        let advice = match (&self.advise, &value) {
            (Some((right, say)), Json::String(text)) if !right.is_match(text) => Some(say.clone()),
            _ => None,
        };
        Ok(Accepted { value, advice })
    }

    fn complaint(&self, shown: &str, what: &str) -> String {
        match &self.say {
            Some(say) => format!("{shown} {what}: {say}"),
            None => format!("{shown} {what}"),
        }
    }

    fn stripped(&self, text: &str) -> String {
        let ending = self.strip.iter().filter(|ending| text.ends_with(ending.as_str())).max_by_key(|e| e.len());
        match ending.and_then(|ending| text.strip_suffix(ending.as_str())) {
            Some(rest) => rest.to_owned(),
            None => text.to_owned(),
        }
    }

    fn url(&self, text: &str) -> Result<String, String> {
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let trimmed = with_scheme.trim_end_matches('/');
        let url = url::Url::parse(self.stripped(trimmed).trim_end_matches('/'))
            .map_err(|error| format!("`{text}` is not a URL: {error}"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the URL holds a user name or password; give credentials in their own fields".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!("`{text}` has a query or fragment; give the plain base URL"));
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(format!("`{text}` is not encrypted: `http` is for loopback addresses only")),
            other => return Err(format!("`{other}` is not a scheme this engine speaks; use https")),
        }
        Ok(url.as_str().trim_end_matches('/').to_owned())
    }
}

/// Whether a URL leads to this machine.
pub fn is_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(kind: ConfigType) -> ConfigField {
        ConfigField {
            name: "x".into(),
            env: "BATON_T_X".into(),
            title: "X".into(),
            help: None,
            docs: None,
            kind,
            secret: false,
            optional: false,
            default: None,
            pattern: None,
            say: None,
            choices: vec!["a".into(), "b".into()],
            strip: vec!["/api".into(), "/api/v2".into()],
            advise: None,
            example: None,
            site: Site { file: "t.yaml".into(), line: 1, column: 1 },
        }
    }

    #[test]
    fn pasted_urls_meet_the_same_base() {
        let url = field(ConfigType::Url);
        let accept = |text: &str| url.accept(text).map(|a| a.value).map_err(|f| f.reason);
        for text in [
            "https://emea.vendor.example/",
            "emea.vendor.example",
            " https://emea.vendor.example/api/v2/ ",
            "https://emea.vendor.example/api",
        ] {
            assert_eq!(accept(text).unwrap(), "https://emea.vendor.example", "{text}");
        }
        assert_eq!(accept("http://127.0.0.1:8080/").unwrap(), "http://127.0.0.1:8080");
        assert!(accept("http://emea.vendor.example").unwrap_err().contains("not encrypted"));
        assert!(accept("ftp://x").is_err());
        assert!(accept("https://u:p@x").is_err());
    }

    #[test]
    fn a_slug_where_a_uuid_is_due_is_refused_in_words() {
        let mut uuid = field(ConfigType::Uuid);
        uuid.say = Some("the organization's id, not its slug".into());
        let fault = uuid.accept("gh/acme").unwrap_err();
        assert!(fault.reason.starts_with("`gh/acme` is not a UUID"), "{}", fault.reason);
        assert!(fault.reason.ends_with("the organization's id, not its slug"));
    }

    #[test]
    fn long_integers_stay_exact_digits() {
        assert_eq!(field(ConfigType::Integer).accept("73190026918452").unwrap().value, "73190026918452");
        assert!(field(ConfigType::Integer).accept("1e5").is_err());
    }

    #[test]
    fn a_secret_is_never_repeated_in_a_complaint() {
        let mut secret = field(ConfigType::Uuid);
        secret.secret = true;
        assert!(!secret.accept("hunter2").unwrap_err().reason.contains("hunter2"));
    }
}
