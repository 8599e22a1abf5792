//! The loopback vendors that keep accounts behave as they say: raw HTTP against each of them.

mod faults;
mod fivetran;
mod lists;
mod scim;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::Value as Json;

/// Sends one request on a connection of its own.
struct Client {
    address: String,
    headers: String,
}

/// What came back.
#[derive(Debug)]
struct Reply {
    status: u16,
    headers: BTreeMap<String, String>,
    json: Json,
}

impl Client {
    fn new(url: &str, headers: &[(&str, &str)]) -> Self {
        let headers = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        Self { address: url.trim_start_matches("http://").to_owned(), headers }
    }

    /// A client with one more header.
    fn with(&self, name: &str, value: &str) -> Self {
        Self { address: self.address.clone(), headers: format!("{}{name}: {value}\r\n", self.headers) }
    }

    fn get(&self, target: &str) -> Reply {
        self.ask("GET", target, &Json::Null)
    }

    /// Sends a request that is answered; a body of null is none.
    fn ask(&self, method: &str, target: &str, body: &Json) -> Reply {
        self.send(method, target, body).unwrap_or_else(|| panic!("{method} {target} is not answered"))
    }

    /// Sends a request; nothing if the connection ends without an answer.
    fn send(&self, method: &str, target: &str, body: &Json) -> Option<Reply> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nhost: {}\r\n{}content-length: {}\r\n\r\n{body}",
            self.address,
            self.headers,
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        Reply::read(&mut BufReader::new(stream))
    }
}

impl Reply {
    fn read(reader: &mut impl BufRead) -> Option<Self> {
        let mut first = String::new();
        reader.read_line(&mut first).unwrap();
        let status = first.split(' ').nth(1)?.parse().unwrap();
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.split_once(':') else { break };
            headers.insert(name.to_owned(), value.trim().to_owned());
        }
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = Vec::new();
        reader.take(length).read_to_end(&mut body).unwrap();
        Some(Self { status, headers, json: serde_json::from_slice(&body).unwrap_or_default() })
    }
}
