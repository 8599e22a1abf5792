//! TLS with an authority and a client certificate of its own, and proxies. The sample certificates
//! were made for these tests and open nothing.

use std::sync::Arc;

use engine_json::json;
use engine_spec::plan::Tls;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::bench::{Bench, bearer, client, value};
use crate::http::{Proxies, RequestErrorKind, Settings, install_crypto_provider};

const AUTHORITY: &str = include_str!("samples/authority.pem");
const SERVER: &str = include_str!("samples/server.pem");
const SERVER_KEY: &str = include_str!("samples/server.key.pem");
const CLIENT: &str = include_str!("samples/client.pem");
const CLIENT_KEY: &str = include_str!("samples/client.key.pem");

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// A server with the sample certificate that asks for a client's and says whether one came.
async fn tls_server() -> String {
    install_crypto_provider();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate(AUTHORITY)).unwrap();
    let verifier =
        rustls::server::WebPkiClientVerifier::builder(Arc::new(roots)).allow_unauthenticated().build().unwrap();
    let key = PrivateKeyDer::from_pem_slice(SERVER_KEY.as_bytes()).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate(SERVER)], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(socket).await else { return };
                let known = stream.get_ref().1.peer_certificates().is_some();
                let mut chunk = [0; 4096];
                let _ = stream.read(&mut chunk).await;
                let body = json!({ "known": known }).to_string();
                let answer =
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    base
}

#[tokio::test]
async fn an_own_authority_is_trusted_and_a_client_certificate_is_shown() {
    let base = tls_server().await;
    let mut own = client(&base);
    own.tls = Some(Tls { identity: None, authority: Some(value(AUTHORITY)) });
    assert_eq!(Bench::new(own.clone()).body("/users").await, json!({"known": false}));
    own.tls = Some(Tls { identity: Some((value(CLIENT), value(CLIENT_KEY))), authority: Some(value(AUTHORITY)) });
    assert_eq!(Bench::new(own).body("/users").await, json!({"known": true}));
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused_at_once() {
    let base = tls_server().await;
    let mut own = client(&base);
    own.tls = Some(Tls { identity: None, authority: Some(value(SERVER)) });
    let error = Bench::new(own).error("/users").await;
    assert_eq!((&error.kind, error.attempts), (&RequestErrorKind::Unreachable, 1), "{error}");
    assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("authority")), "{error}");
}

/// A server that answers the first bytes of a connection with these, and tells all that it was sent.
async fn plain_server(answer: Vec<u8>) -> (String, tokio::sync::mpsc::UnboundedReceiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://{}", listener.local_addr().unwrap());
    let (told, heard) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut chunk = [0; 4096];
            let mut all = Vec::new();
            while let Ok(read @ 1..) = socket.read(&mut chunk).await {
                if all.is_empty() {
                    let _ = socket.write_all(&answer).await;
                    let _ = socket.shutdown().await;
                }
                all.extend_from_slice(&chunk[..read]);
            }
            let _ = told.send(all);
        }
    });
    (base, heard)
}

#[tokio::test]
async fn a_server_of_an_older_tls_or_of_none_gets_no_request() {
    // A ServerHello (RFC 4346, 7.4.1.3) of TLS 1.1 and of 1.0 with a suite of that time.
    let hello = |minor: u8| {
        let mut hello = vec![0x16, 3, minor, 0, 42, 2, 0, 0, 38, 3, minor];
        hello.extend([7; 32]);
        hello.extend([0, 0, 0x2f, 0]);
        hello
    };
    let plain = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]".to_vec();
    for answer in [hello(2), hello(1), plain] {
        let (base, mut heard) = plain_server(answer).await;
        let mut own = client(&base);
        own.auth = bearer();
        let settings = Settings { attempts: 1, ..Settings::default() };
        let error = Bench::with(vec![own], settings, |_| {}).error("/users").await;
        assert_eq!(error.kind, RequestErrorKind::Unreachable, "{error}");
        let sent = heard.recv().await.unwrap();
        // A ClientHello, and no header of a request behind it.
        assert_eq!(sent[0], 0x16);
        let text = String::from_utf8_lossy(&sent).to_lowercase();
        assert!(!text.contains("authorization") && !text.contains("/users"), "{text}");
    }
}

#[tokio::test]
async fn a_certificate_of_another_name_is_refused() {
    let base = tls_server().await.replace("127.0.0.1", "other.example");
    let mut own = client(&base);
    own.auth = bearer();
    own.tls = Some(Tls { identity: None, authority: Some(value(AUTHORITY)) });
    let settings = Settings { attempts: 1, ..Settings::default() };
    let bench = Bench::with(vec![own], settings, |_| {});
    bench.world.name("other.example", &["127.0.0.1".parse().unwrap()]);
    let error = bench.error("/users").await;
    assert_eq!(error.kind, RequestErrorKind::Unreachable, "{error}");
    assert!(error.to_string().contains("not valid for name"), "{error}");
}

#[tokio::test]
async fn a_proxy_is_asked_for_other_hosts_and_never_for_loopback() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let proxy = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut chunk = [0; 4096];
        let read = socket.read(&mut chunk).await.unwrap();
        let _ = socket.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
        String::from_utf8_lossy(&chunk[..read]).into_owned()
    });
    let proxies = Proxies { https: Some(format!("http://me:pr0xy-pass@{address}")), ..Proxies::default() };
    let settings = Settings { proxies, attempts: 1, ..Settings::default() };
    let mut own = client("https://api.example");
    own.auth = bearer();
    let bench = Bench::with(vec![own], settings.clone(), |_| {});
    let error = bench.error("/users").await;
    assert_eq!(error.kind, RequestErrorKind::Unreachable);
    assert!(!format!("{error:?}").contains("pr0xy-pass"));
    let asked = proxy.await.unwrap();
    assert!(asked.starts_with("CONNECT api.example:443 HTTP/1.1\r\n"), "{asked}");
    assert!(!asked.to_lowercase().contains("\r\nauthorization"), "{asked}");

    let base = tls_server().await;
    let mut near = client(&base);
    near.tls = Some(Tls { identity: None, authority: Some(value(AUTHORITY)) });
    let bench = Bench::with(vec![near], settings, |_| {});
    assert_eq!(bench.body("/users").await, json!({"known": false}));
}
