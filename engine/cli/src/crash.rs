//! What is left behind when the program itself fails: a sentence with the place in its source, and
//! no secret.
//!
//! A panic's own words may hold what the program was working on, and a core file holds all of its
//! memory: neither is written.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{Location, PanicHookInfo};

use crate::output;

/// From now on a crash leaves nothing behind that may hold a secret.
pub fn tell_no_secrets() {
    std::panic::set_hook(Box::new(panicked));
    // Where the system does not let a process lower its own limit there is nothing to lower.
    #[cfg(unix)]
    let _ = rustix::process::setrlimit(
        rustix::process::Resource::Core,
        rustix::process::Rlimit { current: Some(0), maximum: Some(0) },
    );
}

fn panicked(info: &PanicHookInfo<'_>) {
    output::error(&told(info.location()), Some("this is a fault of the engine itself; tell its maintainers"));
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured {
        output::note(&trace.to_string());
    }
}

fn told(location: Option<&Location<'_>>) -> String {
    let place = location.map(|at| format!(" at {}:{}:{}", at.file(), at.line(), at.column()));
    format!("the program failed{}", place.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_is_told_by_its_place_alone() {
        let told = told(Some(Location::caller()));
        assert!(told.starts_with("the program failed at engine/cli/src/crash.rs:"), "{told}");
    }
}
