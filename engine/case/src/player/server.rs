//! The server of a player: HTTP/1.1 on a free loopback port, which also sends what no good server
//! sends: answers that break off, that stand still, and none at all.
//!
//! In go requests, read whole, to a function; out go its answers. Speaks no TLS.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, TRANSFER_ENCODING};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use url::Url;

use crate::case::Arrival;

/// So many pieces make a slow body.
const PIECES: usize = 5;
/// The time between two of them.
const PAUSE: Duration = Duration::from_millis(2);

/// A request as it came.
pub(super) struct Request {
    /// The method.
    pub method: String,
    /// The URL, with this server's address.
    pub url: Url,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// What is sent back.
pub(super) struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, without those about length and connection.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// How it comes.
    pub arrives: Option<Arrival>,
}

/// From request to answer.
pub(super) type Respond = dyn Fn(&Request) -> Answer + Send + Sync;

/// A port that is taken, and not served yet.
pub(super) struct Port {
    listener: TcpListener,
    /// `http://127.0.0.1:PORT`.
    pub address: String,
}

impl Port {
    /// Takes a free one.
    pub async fn take() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = format!("http://{}", listener.local_addr()?);
        Ok(Self { listener, address })
    }

    /// Serves it until the server is dropped.
    pub fn serve(self, respond: Arc<Respond>) -> Server {
        let Self { listener, address } = self;
        let kept = address.clone();
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => match accepted {
                        Ok((stream, _)) => {
                            connections.spawn(converse(stream, kept.clone(), respond.clone()));
                        }
                        // Too many connections are open; others have to end first.
                        Err(_) => tokio::time::sleep(PAUSE).await,
                    },
                    Some(_) = connections.join_next() => {}
                }
            }
        });
        Server { address, task }
    }
}

/// A server that answers until it is dropped.
pub(super) struct Server {
    /// `http://127.0.0.1:PORT`.
    pub address: String,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its connections end with it.
        self.task.abort();
    }
}

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Answers the requests of one connection.
async fn converse(stream: TcpStream, address: String, respond: Arc<Respond>) {
    let Ok((stream, twin)) = twins(stream) else { return };
    let twin = Arc::new(twin);
    let service = service_fn(move |request| {
        let (address, respond, twin) = (address.clone(), respond.clone(), twin.clone());
        async move {
            let answer = respond(&read(request, &address).await?);
            if answer.arrives == Some(Arrival::Reset) {
                // Whatever is closed then is closed by a reset.
                twin.set_zero_linger()?;
            }
            response(answer)
        }
    });
    // A client that goes away and an answer that breaks off end the connection with an error.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// A second hold on a connection, as the server does not give out the one that it has.
fn twins(stream: TcpStream) -> io::Result<(TcpStream, TcpStream)> {
    stream.set_nodelay(true)?;
    let stream = stream.into_std()?;
    let twin = stream.try_clone()?;
    Ok((TcpStream::from_std(stream)?, TcpStream::from_std(twin)?))
}

async fn read(request: hyper::Request<Incoming>, address: &str) -> io::Result<Request> {
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    Ok(Request {
        method: head.method.as_str().to_owned(),
        url: Url::parse(&format!("{address}{target}")).map_err(io::Error::other)?,
        headers: head.headers,
        body: body.collect().await.map_err(io::Error::other)?.to_bytes(),
    })
}

fn response(answer: Answer) -> io::Result<Response<Body>> {
    let status = StatusCode::from_u16(answer.status).map_err(io::Error::other)?;
    let mut building = Response::builder().status(status);
    for (name, value) in &answer.headers {
        // These follow from the body as it is sent, not from the one that was recorded.
        let of_the_body = [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION];
        if !HeaderName::from_bytes(name.as_bytes()).is_ok_and(|name| of_the_body.contains(&name)) {
            building = building.header(name, value);
        }
    }
    let whole = Bytes::from(answer.body);
    let announced = whole.len().max(1);
    let begun = |rest: BoxStream<'static, io::Result<Bytes>>| {
        let half = whole.slice(..whole.len() / 2);
        stream::once(async { Ok(half) }).chain(rest).boxed()
    };
    let pieces = match answer.arrives {
        None => {
            return building
                .body(Full::new(whole).map_err(|never| match never {}).boxed_unsync())
                .map_err(io::Error::other);
        }
        Some(Arrival::Nothing) => return Err(broken()),
        Some(Arrival::Half | Arrival::Reset) => begun(
            stream::once(async {
                // What has been written so far is sent before the connection ends.
                tokio::task::yield_now().await;
                Err(broken())
            })
            .boxed(),
        ),
        Some(Arrival::Stalled) => begun(stream::pending().boxed()),
        Some(Arrival::Slowly) => slowly(whole.clone()),
    };
    let body = StreamBody::new(pieces.map(|piece| piece.map(Frame::data))).boxed_unsync();
    let announced = if answer.arrives == Some(Arrival::Slowly) { whole.len() } else { announced };
    building.header(CONTENT_LENGTH, announced).body(body).map_err(io::Error::other)
}

fn slowly(whole: Bytes) -> BoxStream<'static, io::Result<Bytes>> {
    let size = whole.len().div_ceil(PIECES).max(1);
    stream::unfold(whole, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(PAUSE).await;
        let piece = rest.split_to(size.min(rest.len()));
        Some((Ok(piece), rest))
    })
    .boxed()
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "the answer breaks off")
}
