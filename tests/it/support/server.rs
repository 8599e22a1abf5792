//! A vendor on loopback: HTTP/1.1 over threads, small enough that a test decides about every byte
//! and about the moment at which it is sent.
//!
//! In: a closure from request to answer. Out: an address, and what was asked in order of arrival.
//! Reads bodies whose length is stated, and speaks no TLS.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use percent_encoding::percent_decode_str;
use serde_json::Value as Json;

/// A server that answers until it is dropped.
pub struct Server {
    address: SocketAddr,
    stage: Arc<Stage>,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its place in the order of arrival, from 1.
    pub number: usize,
    /// The method.
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// The path.
    pub path: String,
    /// The parameters as sent, each with its last value.
    pub query: BTreeMap<String, String>,
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body; empty where no length is stated.
    pub body: Vec<u8>,
}

impl Request {
    /// The body as JSON; null where it is not JSON.
    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A parameter, decoded.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let query = self.target.split_once('?')?.1;
        url::form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name).map(|(_, value)| value.into())
    }

    /// The segments of the path, decoded.
    pub fn segments(&self) -> Vec<String> {
        let decoded = |segment| percent_decode_str(segment).decode_utf8_lossy().into_owned();
        self.path.split('/').skip(1).map(decoded).collect()
    }

    /// A parameter as a number; 0 where it is not there.
    pub fn number_of(&self, name: &str) -> usize {
        self.query.get(name).map_or(0, |text| text.parse().unwrap())
    }
}

/// Method and target.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.target)
    }
}

/// What is sent back.
pub struct Answer {
    /// 0 sends nothing at all.
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    claimed_length: Option<usize>,
    afterwards: Option<Box<dyn FnOnce() + Send>>,
}

impl Answer {
    /// 200 with JSON.
    pub fn json(body: &Json) -> Self {
        Self::text("application/json", body.to_string())
    }

    /// A status without a body.
    pub fn bare(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), claimed_length: None, afterwards: None }
    }

    /// Nothing: the connection ends.
    pub fn cut() -> Self {
        Self::bare(0)
    }

    /// 200 with a body of some type.
    pub fn text(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { headers, body: body.into(), ..Self::bare(200) }
    }

    /// With another status.
    pub fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// With a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Says to be longer than it is, and ends the connection where it ends.
    pub fn claiming(self, length: usize) -> Self {
        Self { claimed_length: Some(length), ..self }
    }

    /// Does something once the answer is sent.
    pub fn then(self, act: impl FnOnce() + Send + 'static) -> Self {
        Self { afterwards: Some(Box::new(act)), ..self }
    }
}

type Answerer = dyn Fn(&Request) -> Answer + Send + Sync;

struct Stage {
    asked: Mutex<Vec<Request>>,
    arrived: AtomicUsize,
    over: AtomicBool,
    answer: Box<Answerer>,
}

impl Server {
    /// Starts a server on a free port.
    pub fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let stage = Arc::new(Stage {
            asked: Mutex::default(),
            arrived: AtomicUsize::new(0),
            over: AtomicBool::new(false),
            answer: Box::new(answer),
        });
        let shared = stage.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.over.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), stage) = (stream, shared.clone()) else { continue };
                // A client that goes away ends its connection with an error; that is its right.
                std::thread::spawn(move || drop(stage.converse(&stream)));
            }
        });
        Self { address, stage }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked, in order of arrival.
    pub fn asked(&self) -> Vec<Request> {
        self.stage.asked.lock().unwrap().clone()
    }

    /// Forgets what was asked so far; numbers go on.
    pub fn forget(&self) {
        self.stage.asked.lock().unwrap().clear();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stage.over.store(true, Ordering::SeqCst);
        // Wakes the listener up, so that it sees that it is over.
        drop(TcpStream::connect(self.address));
    }
}

impl Stage {
    fn converse(&self, stream: &TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream);
        while let Some(request) = self.read(&mut reader)? {
            let answer = (self.answer)(&request);
            let cut = answer.claimed_length.is_some() || answer.status == 0;
            send(stream, answer)?;
            if cut {
                return stream.shutdown(std::net::Shutdown::Both);
            }
        }
        Ok(())
    }

    /// The next request of a connection, already remembered.
    fn read(&self, reader: &mut impl BufRead) -> std::io::Result<Option<Request>> {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(None);
        }
        let mut words = first.split(' ').map(str::to_owned);
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let query = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let path = path.to_owned();
        let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let mut asked = self.asked.lock().unwrap();
        let number = self.arrived.fetch_add(1, Ordering::SeqCst) + 1;
        let request = Request { number, method, target, path, query, headers, body };
        asked.push(request.clone());
        Ok(Some(request))
    }
}

fn send(mut stream: &TcpStream, answer: Answer) -> std::io::Result<()> {
    if answer.status == 0 {
        return Ok(());
    }
    let mut bytes = format!("HTTP/1.1 {} Made Up\r\n", answer.status).into_bytes();
    // A 204 has no body, and so no length either (RFC 9110, section 8.6).
    if answer.status != 204 {
        let length = answer.claimed_length.unwrap_or(answer.body.len());
        bytes.extend(format!("content-length: {length}\r\n").into_bytes());
    }
    for (name, value) in &answer.headers {
        bytes.extend(format!("{name}: {value}\r\n").into_bytes());
    }
    bytes.extend(b"\r\n");
    bytes.extend(answer.body);
    stream.write_all(&bytes)?;
    if let Some(afterwards) = answer.afterwards {
        afterwards();
    }
    Ok(())
}
