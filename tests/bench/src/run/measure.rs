//! Runs a program to its end and tells what it took; starts the simulated vendor and asks it what it saw.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Instant;

use wait4::Wait4 as _;

use crate::Failure;
use crate::size::Size;
use crate::vendor::Seen;

/// What a program took, and what the vendor saw of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measured {
    /// Seconds from start to end.
    pub wall: f64,
    /// Processor seconds, of the program and of the system for it.
    pub cpu: f64,
    /// Peak memory in MiB.
    pub memory: f64,
    /// What the vendor saw.
    pub seen: Seen,
    /// Size of what was written, in MB.
    pub written: f64,
}

/// Runs a command to its end; an error holds what it said.
pub fn measure(mut command: Command) -> Result<Measured, Failure> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let begun = Instant::now();
    let mut child = command.spawn()?;
    let stderr = child.stderr.take();
    let said = std::thread::spawn(move || {
        let mut said = String::new();
        let _ = stderr.map(|mut stderr| stderr.read_to_string(&mut said));
        said
    });
    let used = child.wait4()?;
    let wall = begun.elapsed().as_secs_f64();
    let said = said.join().unwrap_or_default();
    if !used.status.success() {
        return Err(format!("{command:?} ended with {}:\n{said}", used.status).into());
    }
    Ok(Measured {
        wall,
        cpu: (used.rusage.utime + used.rusage.stime).as_secs_f64(),
        memory: used.rusage.maxrss as f64 / f64::from(1 << 20),
        ..Measured::default()
    })
}

/// A simulated vendor in a process of its own; it ends with this.
pub struct Vendor {
    child: Child,
    input: Option<ChildStdin>,
    /// Its address.
    pub url: String,
}

impl Vendor {
    /// Starts one.
    pub fn start(size: &Size, latency: u64, faults: &[&str]) -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("vendor").args(size.arguments()).args(["--latency", &latency.to_string()]).args(faults);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take();
        let mut url = String::new();
        let output = child.stdout.take().ok_or("the vendor has no output")?;
        BufReader::new(output).read_line(&mut url)?;
        Ok(Self { child, input, url: url.trim().to_owned() })
    }

    /// What it saw since it was last asked.
    pub fn seen(&self) -> Result<Seen, Failure> {
        let address = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"GET /statistics HTTP/1.1\r\nhost: vendor\r\n\r\n")?;
        stream.shutdown(std::net::Shutdown::Write)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").ok_or("the vendor's answer has no body")?;
        Ok(serde_json::from_str(body)?)
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
