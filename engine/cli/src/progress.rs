//! Progress on a terminal: one line with counts and a rate. Nothing where stderr is not one.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use engine_run::sync::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// A line that shows how far a sync has come.
pub struct Bars {
    bar: ProgressBar,
    begun: Instant,
    counts: Mutex<BTreeMap<String, u64>>,
}

impl Bars {
    /// A line, if stderr is a terminal.
    pub fn new() -> Option<Arc<Self>> {
        if !std::io::stderr().is_terminal() {
            return None;
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Some(Arc::new(Self { bar, begun: Instant::now(), counts: Mutex::default() }))
    }

    /// Takes the line away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Bars {
    fn page(&self, list: &str, records: u64) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(list.to_owned()).or_default() += records;
        let total: u64 = counts.values().sum();
        let seconds = self.begun.elapsed().as_secs().max(1);
        let current = counts.get(list).copied().unwrap_or_default();
        self.bar.set_message(format!("{total} records, {}/s; {list}: {current}", total / seconds));
    }
}
