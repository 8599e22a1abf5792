//! Clients: base URL, credentials, answers, rate limits, and what is fetched at the start.

use crate::diagnostic::Code;
use crate::document::client as doc;
use crate::document::source as doc_source;
use crate::expression::Expression;
use crate::plan::{Answers, Client, RateLimit, Start, Tls, ValueKind, is_loopback};
use crate::template::Template;
use crate::yaml::escape;

use super::Checker;
use super::names::Names;
use super::value::Purpose;

/// A client's page rule is for requests that are not known yet; each source is checked on its own.
const ANY_REQUEST: &str = "page.cursor page.number page.last page.limit page.window";

impl Checker<'_> {
    pub(super) fn client(&mut self, number: usize, pointer: &str, client: &doc::Client) -> Option<Client> {
        let names = self.base.clone();
        let base_url = self.value(&format!("{pointer}/base_url"), &client.base_url, &names, Purpose::BaseUrl);
        if let Some(ValueKind::Literal(json)) = base_url.as_ref().map(|value| &value.kind) {
            let text = json.as_str().unwrap_or_default().to_owned();
            self.fixed_url(&format!("{pointer}/base_url"), &text);
            if text.contains(['?', '#']) {
                let message = "paths are appended to this URL, so it has no `?` and no `#`".to_owned();
                let help = Some("put parameters of every request under `query:`".to_owned());
                self.at_value(Code::Url, &format!("{pointer}/base_url"), message, help);
            }
        }
        let auth = client.auth.as_ref().map(|auth| self.auth(number, &format!("{pointer}/auth"), auth));
        let tls = client.tls.as_ref().and_then(|tls| self.tls(&format!("{pointer}/tls"), tls, &names));
        let headers = self.headers(&format!("{pointer}/headers"), &client.headers, &names);
        let query = self.parameters(&format!("{pointer}/query"), &client.query, &names, Purpose::Url);
        let answers = client
            .answers
            .as_ref()
            .map(|answers| self.answers(&format!("{pointer}/answers"), answers))
            .unwrap_or_default();
        let pages =
            client.pages.as_ref().and_then(|pages| self.pages(&format!("{pointer}/pages"), pages, &names, ANY_REQUEST));
        let statuses = self.statuses(&format!("{pointer}/statuses"), client.statuses.as_ref());
        let rate_limit = client
            .rate_limit
            .as_ref()
            .map(|limit| self.rate_limit(&format!("{pointer}/rate_limit"), limit))
            .unwrap_or_default();
        let timeout = client.timeout.as_ref().and_then(|text| self.duration(&format!("{pointer}/timeout"), text));
        self.client_pages.push(pages.clone());
        self.client_statuses.push(statuses.clone());
        let (name, _) = self.clients.get(number)?.clone();
        Some(Client {
            name,
            site: self.key_site(pointer),
            base_url: base_url?,
            hosts: self.host_names(&format!("{pointer}/hosts"), &client.hosts),
            auth: match auth {
                Some(auth) => Some(auth?),
                None => None,
            },
            tls,
            headers,
            query,
            answers,
            pages,
            statuses,
            rate_limit,
            concurrency: client.concurrency,
            timeout,
        })
    }

    fn host_names(&mut self, pointer: &str, hosts: &[String]) -> Vec<String> {
        let named = hosts.iter().enumerate().filter_map(|(i, host)| {
            let at = format!("{pointer}/{i}");
            let host = self.plain(&at, host)?;
            if host.contains(['/', '@', '*', ' ']) || host.is_empty() {
                let help =
                    Some("write the name alone, `files.example.com`, with `:port` where it needs one".to_owned());
                self.at_value(Code::WrongValue, &at, format!("`{host}` is not the name of a host"), help);
                return None;
            }
            Some(host.to_ascii_lowercase())
        });
        named.collect()
    }

    /// A text that is taken as it stands.
    pub(super) fn plain(&mut self, pointer: &str, text: &str) -> Option<String> {
        if Template::is_template(text) {
            let help = Some("write the text itself".to_owned());
            self.at_value(Code::NotHere, pointer, "a template means nothing here".to_owned(), help);
            return None;
        }
        Some(text.to_owned())
    }

    /// A URL that stands in the spec itself.
    pub(super) fn fixed_url(&mut self, pointer: &str, text: &str) {
        match url::Url::parse(text) {
            Ok(url) if !url.username().is_empty() || url.password().is_some() => self.at_value(
                Code::SecretInUrl,
                pointer,
                "a URL holds no user and no password".to_owned(),
                Some("add a secret field to `config`, and `auth: { basic: … }`".to_owned()),
            ),
            Ok(url) if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) => {}
            Ok(url) if url.scheme() == "http" => self.at_value(
                Code::PlainHttp,
                pointer,
                "credentials would travel without encryption".to_owned(),
                Some("write `https`; `http` is for loopback only".to_owned()),
            ),
            Ok(url) => self.at_value(
                Code::Url,
                pointer,
                format!("`{}` is not a scheme this engine speaks", url.scheme()),
                None,
            ),
            Err(error) => {
                let help = (!text.contains("://")).then(|| format!("write `https://{text}`"));
                self.at_value(Code::Url, pointer, format!("`{text}` is not a URL: {error}"), help);
            }
        }
    }

    fn tls(&mut self, pointer: &str, tls: &doc::Tls, names: &Names) -> Option<Tls> {
        let certificate =
            self.optional_value(&format!("{pointer}/certificate"), tls.certificate.as_ref(), names, Purpose::Sent);
        let key = self.optional_value(&format!("{pointer}/key"), tls.key.as_ref(), names, Purpose::Sent);
        if tls.certificate.is_some() != tls.key.is_some() {
            self.at_key(Code::OneOf, pointer, "a client certificate needs `certificate` and `key`".to_owned(), None);
            return None;
        }
        let authority =
            self.optional_value(&format!("{pointer}/authority"), tls.authority.as_ref(), names, Purpose::Sent);
        Some(Tls { identity: certificate.zip(key), authority })
    }

    fn answers(&mut self, pointer: &str, answers: &doc::Answers) -> Answers {
        let failed = answers
            .failed
            .as_ref()
            .and_then(|failed| self.answer_condition(&format!("{pointer}/failed/when"), &failed.when));
        let code = answers.code.as_ref().and_then(|paths| self.singular_paths(&format!("{pointer}/code"), paths));
        let message =
            answers.message.as_ref().and_then(|paths| self.singular_paths(&format!("{pointer}/message"), paths));
        let unwrap = answers.unwrap.as_ref().and_then(|path| self.singular_path(&format!("{pointer}/unwrap"), path));
        Answers { failed, code: code.unwrap_or_default(), message: message.unwrap_or_default(), unwrap }
    }

    /// A condition on an answer.
    pub(super) fn answer_condition(&mut self, pointer: &str, text: &str) -> Option<Expression> {
        let names = self.base.with_open(["body", "status", "headers"]);
        self.expression(pointer, text, &names)
    }

    fn rate_limit(&mut self, pointer: &str, limit: &doc::RateLimit) -> RateLimit {
        if let Some(statuses) = &limit.status {
            self.statuses_in_range(&format!("{pointer}/status"), statuses);
        }
        RateLimit {
            statuses: limit
                .status
                .as_ref()
                .map(|statuses| statuses.each().into_iter().map(|(_, s)| *s).collect())
                .unwrap_or_default(),
            when: limit.when.as_ref().and_then(|text| self.answer_condition(&format!("{pointer}/when"), text)),
            reset: limit.reset.as_ref().map(|reset| (reset.header.to_ascii_lowercase(), reset.r#as)),
            remaining: limit.remaining.as_ref().map(|name| name.to_ascii_lowercase()),
            per_second: limit.per_second,
        }
    }

    pub(super) fn start(
        &mut self,
        client: usize,
        pointer: &str,
        name: &str,
        start: &doc_source::Start,
    ) -> Option<Start> {
        let names = self.base.clone();
        let mut request = self.request(pointer, &start.request, &names)?;
        if start.request.client.is_none() {
            request.client = client;
            self.used_clients.insert(client);
        }
        let answer = names.with_open(["body", "headers", "status"]).at_node();
        let keep = start.keep.iter().filter_map(|(key, value)| {
            let value = self.value(&format!("{pointer}/keep/{}", escape(key)), value, &answer, Purpose::Compared)?;
            Some((key.clone(), value))
        });
        let keep: Vec<_> = keep.collect();
        let mut statuses = self.statuses(&format!("{pointer}/statuses"), start.statuses.as_ref());
        statuses.extend(self.client_statuses.get(client).cloned().unwrap_or_default());
        Some(Start { name: name.to_owned(), request, keep, statuses })
    }
}
