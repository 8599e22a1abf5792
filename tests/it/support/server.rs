//! A vendor on loopback: HTTP/1.1 over threads, small enough that a test decides about every byte
//! and about the moment at which it is sent.
//!
//! In: a closure from request to answer. Out: an address, and what was asked in order of arrival.
//! Reads no request bodies and speaks no TLS.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

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
    /// Path and query as sent.
    pub target: String,
    /// The path.
    pub path: String,
    /// The parameters as sent, each with its last value.
    pub query: BTreeMap<String, String>,
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
}

impl Request {
    /// A parameter as a number; 0 where it is not there.
    pub fn number_of(&self, name: &str) -> usize {
        self.query.get(name).map_or(0, |text| text.parse().unwrap())
    }
}

/// What is sent back.
pub struct Answer {
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

    /// 200 with a body of some type.
    pub fn text(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { status: 200, headers, body: body.into(), claimed_length: None, afterwards: None }
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
    over: AtomicBool,
    answer: Box<Answerer>,
}

impl Server {
    /// Starts a server on a free port.
    pub fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let stage = Arc::new(Stage { asked: Mutex::default(), over: AtomicBool::new(false), answer: Box::new(answer) });
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
            let cut = answer.claimed_length.is_some();
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
        let target = first.split(' ').nth(1).unwrap_or_default().to_owned();
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
        let mut asked = self.asked.lock().unwrap();
        let request = Request { number: asked.len() + 1, target, path, query, headers };
        asked.push(request.clone());
        Ok(Some(request))
    }
}

fn send(mut stream: &TcpStream, answer: Answer) -> std::io::Result<()> {
    let length = answer.claimed_length.unwrap_or(answer.body.len());
    let mut bytes = format!("HTTP/1.1 {} Made Up\r\ncontent-length: {length}\r\n", answer.status).into_bytes();
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
