//! `auth`: what each kind needs, and nothing it does not use.

use std::time::Duration;

use crate::diagnostic::Code;
use crate::document::auth::{self as doc, ClientIn, TokenBody};
use crate::path::Path;
use crate::plan::{Assertion, Auth, Basic, Hmac, Jwt, Login, Oauth2, Oauth2Grant, SigV4, ValueKind};

use super::Checker;
use super::names::{Names, Shape};
use super::value::Purpose;

impl Checker<'_> {
    pub(super) fn auth(&mut self, client: usize, pointer: &str, auth: &doc::Auth) -> Option<Auth> {
        let names = self.base.clone();
        Some(match auth {
            doc::Auth::Headers(headers) => Auth::Headers(self.headers(&format!("{pointer}/headers"), headers, &names)),
            doc::Auth::Bearer(value) => {
                Auth::Bearer(self.value(&format!("{pointer}/bearer"), value, &names, Purpose::Sent)?)
            }
            doc::Auth::Basic(basic) => Auth::Basic(self.basic(&format!("{pointer}/basic"), basic, &names)?),
            doc::Auth::Digest(basic) => Auth::Digest(self.basic(&format!("{pointer}/digest"), basic, &names)?),
            doc::Auth::Query(query) => {
                Auth::Query(self.named_values(&format!("{pointer}/query"), query, &names, Purpose::QueryCredential))
            }
            doc::Auth::Oauth2(oauth2) => {
                Auth::Oauth2(Box::new(self.oauth2(&format!("{pointer}/oauth2"), oauth2, &names)?))
            }
            doc::Auth::Jwt(jwt) => Auth::Jwt(Box::new(self.jwt(&format!("{pointer}/jwt"), jwt, &names)?)),
            doc::Auth::Login(login) => {
                Auth::Login(Box::new(self.login(client, &format!("{pointer}/login"), login, &names)?))
            }
            doc::Auth::Hmac(hmac) => Auth::Hmac(Box::new(self.hmac(&format!("{pointer}/hmac"), hmac, &names)?)),
            doc::Auth::SigV4(sigv4) => Auth::SigV4(Box::new(self.sigv4(&format!("{pointer}/sigv4"), sigv4, &names)?)),
        })
    }

    fn basic(&mut self, pointer: &str, basic: &doc::Basic, names: &Names) -> Option<Basic> {
        let username = self.value(&format!("{pointer}/username"), &basic.username, names, Purpose::Sent);
        let password = self.value(&format!("{pointer}/password"), &basic.password, names, Purpose::Sent);
        Some(Basic { username: username?, password: password? })
    }

    fn oauth2(&mut self, pointer: &str, oauth2: &doc::Oauth2, names: &Names) -> Option<Oauth2> {
        let token_url = self.value(&format!("{pointer}/token_url"), &oauth2.token_url, names, Purpose::BaseUrl);
        if let Some(ValueKind::Literal(json)) = token_url.as_ref().map(|value| &value.kind) {
            let text = json.as_str().unwrap_or_default().to_owned();
            if !text.starts_with('/') {
                self.fixed_url(&format!("{pointer}/token_url"), &text);
            }
        }
        let client_id =
            self.optional_value(&format!("{pointer}/client_id"), oauth2.client_id.as_ref(), names, Purpose::Sent);
        let client_secret = self.optional_value(
            &format!("{pointer}/client_secret"),
            oauth2.client_secret.as_ref(),
            names,
            Purpose::Sent,
        );
        let grant = self.grant(pointer, oauth2, names);
        let fields = self.named_values(&format!("{pointer}/fields"), &oauth2.fields, names, Purpose::Sent);
        let headers = self.headers(&format!("{pointer}/headers"), &oauth2.headers, names);
        let scope = self.values(&format!("{pointer}/scope"), &oauth2.scope, names, Purpose::Sent);
        let token = match &oauth2.token {
            Some(path) => self.singular_path(&format!("{pointer}/token"), path),
            None => Path::parse("$.access_token").ok(),
        };
        Some(Oauth2 {
            grant: grant?,
            token_url: token_url?,
            client_id,
            client_secret,
            client_in: oauth2.client_in.unwrap_or(ClientIn::Header),
            body: oauth2.body.unwrap_or(TokenBody::Form),
            scope: scope?,
            fields,
            headers,
            token: token?,
            scheme: oauth2.scheme.clone().unwrap_or_else(|| "Bearer".to_owned()),
        })
    }

    fn grant(&mut self, pointer: &str, oauth2: &doc::Oauth2, names: &Names) -> Option<Oauth2Grant> {
        let needed = match &oauth2.grant {
            doc::Oauth2Grant::RefreshToken => vec![("refresh_token", oauth2.refresh_token.is_some())],
            doc::Oauth2Grant::Password => {
                vec![("username", oauth2.username.is_some()), ("password", oauth2.password.is_some())]
            }
            doc::Oauth2Grant::JwtBearer | doc::Oauth2Grant::ClientAssertion => {
                vec![("assertion", oauth2.assertion.is_some())]
            }
            doc::Oauth2Grant::ClientCredentials => vec![("client_id", oauth2.client_id.is_some())],
            doc::Oauth2Grant::Other(_) => Vec::new(),
        };
        for (key, there) in needed {
            if !there {
                self.at_key(Code::MissingKey, pointer, format!("this grant needs the key `{key}`"), None);
            }
        }
        Some(match &oauth2.grant {
            doc::Oauth2Grant::ClientCredentials => Oauth2Grant::ClientCredentials,
            doc::Oauth2Grant::Other(name) => Oauth2Grant::Other(name.clone()),
            doc::Oauth2Grant::RefreshToken => Oauth2Grant::RefreshToken(self.value(
                &format!("{pointer}/refresh_token"),
                oauth2.refresh_token.as_ref()?,
                names,
                Purpose::Sent,
            )?),
            doc::Oauth2Grant::Password => {
                let username =
                    self.value(&format!("{pointer}/username"), oauth2.username.as_ref()?, names, Purpose::Sent);
                let password =
                    self.value(&format!("{pointer}/password"), oauth2.password.as_ref()?, names, Purpose::Sent);
                Oauth2Grant::Password(Basic { username: username?, password: password? })
            }
            doc::Oauth2Grant::JwtBearer => Oauth2Grant::JwtBearer(self.assertion(pointer, oauth2, names)?),
            doc::Oauth2Grant::ClientAssertion => Oauth2Grant::ClientAssertion(self.assertion(pointer, oauth2, names)?),
        })
    }

    fn assertion(&mut self, pointer: &str, oauth2: &doc::Oauth2, names: &Names) -> Option<Assertion> {
        let pointer = format!("{pointer}/assertion");
        match oauth2.assertion.as_ref()? {
            doc::Assertion::Signed(jwt) => Some(Assertion::Signed(Box::new(self.jwt(&pointer, jwt, names)?))),
            doc::Assertion::Given(value) => {
                Some(Assertion::Given(self.value(&pointer, value, names, Purpose::Sent)?))
            }
        }
    }

    fn jwt(&mut self, pointer: &str, jwt: &doc::Jwt, names: &Names) -> Option<Jwt> {
        let claim_names = names.with("key", Shape::Closed(vec![("fingerprint".to_owned(), Shape::Open)]));
        let key = self.value(&format!("{pointer}/key"), &jwt.key, names, Purpose::Sent);
        let key_id =
            self.optional_value(&format!("{pointer}/key_id"), jwt.key_id.as_ref(), &claim_names, Purpose::Sent);
        let headers = self.named_values(&format!("{pointer}/headers"), &jwt.headers, &claim_names, Purpose::Sent);
        let claims = self.named_values(&format!("{pointer}/claims"), &jwt.claims, &claim_names, Purpose::Sent);
        let lifetime = match &jwt.lifetime {
            Some(text) => self.duration(&format!("{pointer}/lifetime"), text)?,
            None => Duration::from_secs(3600),
        };
        Some(Jwt { algorithm: jwt.algorithm, key: key?, key_id, headers, claims, lifetime })
    }

    fn login(&mut self, client: usize, pointer: &str, login: &doc::Login, names: &Names) -> Option<Login> {
        let mut request = self.request(pointer, &login.request, names)?;
        if login.request.client.is_none() {
            request.client = client;
            self.used_clients.insert(client);
        }
        let basic = match &login.basic {
            Some(basic) => Some(self.basic(&format!("{pointer}/basic"), basic, names)?),
            None => None,
        };
        let token = self.singular_path(&format!("{pointer}/token"), &login.token);
        let expires_in =
            login.expires_in.as_ref().and_then(|path| self.singular_path(&format!("{pointer}/expires_in"), path));
        let header = login.header.as_ref().map_or_else(|| "authorization".to_owned(), |name| name.to_ascii_lowercase());
        let scheme = login
            .scheme
            .clone()
            .unwrap_or_else(|| if header == "authorization" { "Bearer".to_owned() } else { String::new() });
        let answer = names.with_open(["body", "headers", "status"]).at_node();
        let keep = self.named_values(&format!("{pointer}/keep"), &login.keep, &answer, Purpose::Compared);
        Some(Login { request, basic, token: token?, expires_in, header, scheme, keep })
    }

    fn hmac(&mut self, pointer: &str, hmac: &doc::Hmac, names: &Names) -> Option<Hmac> {
        let parts = ["method", "host", "path", "query", "body", "date", "timestamp", "nonce"];
        let request = Shape::Closed(parts.iter().map(|name| ((*name).to_owned(), Shape::Open)).collect());
        let signed = names.with("request", request);
        let key = self.value(&format!("{pointer}/key"), &hmac.key, names, Purpose::Sent);
        let text = self.template(&format!("{pointer}/text"), &hmac.text, &signed, Purpose::Sent);
        let headers = self.headers(&format!("{pointer}/headers"), &hmac.headers, &signed.with_open(["signature"]));
        Some(Hmac { algorithm: hmac.algorithm, key: key?, text: text?, encoding: hmac.encoding, headers })
    }

    fn sigv4(&mut self, pointer: &str, sigv4: &doc::SigV4, names: &Names) -> Option<SigV4> {
        let access_key_id = self.value(&format!("{pointer}/access_key_id"), &sigv4.access_key_id, names, Purpose::Sent);
        let secret_access_key =
            self.value(&format!("{pointer}/secret_access_key"), &sigv4.secret_access_key, names, Purpose::Sent);
        let session_token = self.optional_value(
            &format!("{pointer}/session_token"),
            sigv4.session_token.as_ref(),
            names,
            Purpose::Sent,
        );
        let region = self.value(&format!("{pointer}/region"), &sigv4.region, names, Purpose::Sent);
        Some(SigV4 {
            access_key_id: access_key_id?,
            secret_access_key: secret_access_key?,
            session_token,
            region: region?,
            service: sigv4.service.clone(),
        })
    }
}
