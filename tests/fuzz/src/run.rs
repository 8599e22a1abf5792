//! The loop: inputs are changed and read until the time is over. In go a target and an effort; out
//! comes a report. What was found is written to a file that can be given again with `--input`.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::mutate::mutate;
use crate::random::Random;
use crate::target::Target;

/// How long to go on.
#[derive(Clone, Copy, Debug)]
pub enum Effort {
    /// For a time.
    Time(Duration),
    /// So many inputs.
    Runs(u64),
}

/// An input may keep a reader busy for so long.
const LONGEST: Duration = Duration::from_secs(5);
/// After so long it will never end: the process does, and the input stays in its file.
const NEVER: Duration = Duration::from_secs(60);
/// An input may make the process larger by so many pages of 4 KiB: 1 GiB.
const MOST_PAGES: u64 = 1 << 18;
/// The most inputs that are kept to be changed again.
const MOST_KEPT: usize = 20_000;

/// What a run has done.
#[derive(Debug)]
pub struct Report {
    /// The target.
    pub target: &'static str,
    /// How many inputs were read.
    pub executions: u64,
    /// How long it took.
    pub took: Duration,
    /// How many inputs were kept, and with how many it began.
    pub kept: (usize, usize),
    /// The longest time that one input took.
    pub slowest: Duration,
    /// What went wrong, and the files with the inputs.
    pub findings: Vec<(String, PathBuf)>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.executions as f64 / self.took.as_secs_f64().max(0.001);
        write!(
            f,
            "{}: {} executions in {:.0} s, {rate:.0} a second, {} kinds of outcome from {} seeds, slowest {:?}, {} findings",
            self.target,
            self.executions,
            self.took.as_secs_f64(),
            self.kept.0,
            self.kept.1,
            self.slowest,
            self.findings.len()
        )?;
        self.findings.iter().try_for_each(|(what, file)| write!(f, "\n  {what}: {}", file.display()))
    }
}

/// Runs a target on the seeds, as far as the effort goes, and on what is made of them.
pub fn run(
    target: &'static Target,
    effort: Effort,
    seed: u64,
    out: &Path,
    seeds: Vec<Vec<u8>>,
) -> std::io::Result<Report> {
    fs::create_dir_all(out)?;
    let mut random = Random::new(seed);
    let current = out.join(format!("{}-current", target.name));
    let watch = Watch::begin(target.name, &current);
    let mut report = Report {
        target: target.name,
        executions: 0,
        took: Duration::ZERO,
        kept: (0, seeds.len()),
        slowest: Duration::ZERO,
        findings: Vec::new(),
    };
    let begun = Instant::now();
    let mut known = BTreeSet::new();
    let mut kept = seeds.clone();
    let mut pending = seeds;
    while !is_over(effort, begun, report.executions) {
        let input = match pending.len() {
            // In no order, so that a short run sees another part of them with another seed.
            1.. => pending.swap_remove(random.below(pending.len())),
            0 => {
                // Half of the time one of those that came last: they are the furthest away.
                let recent = kept.len().saturating_sub(64);
                let from = if random.below(2) == 0 { recent } else { 0 };
                let parent = kept.get(from + random.below(kept.len() - from)).cloned().unwrap_or_default();
                mutate(&parent, &kept, target.form, &mut random)
            }
        };
        // A stack that overflows ends the process: the input must be on disk before.
        fs::write(&current, &input)?;
        watch.starts();
        let (pages, started) = (resident_pages(), Instant::now());
        let outcome = catch_unwind(AssertUnwindSafe(|| (target.read)(&input)));
        let took = started.elapsed();
        watch.ends();
        report.executions += 1;
        report.slowest = report.slowest.max(took);
        let grown = resident_pages().saturating_sub(pages);
        let what = match &outcome {
            Err(_) => Some("panicked".to_owned()),
            Ok(_) if took > LONGEST => Some(format!("took {took:?}")),
            Ok(_) if grown > MOST_PAGES => Some(format!("took {} MiB", grown / 256)),
            Ok(_) => None,
        };
        if let Some(what) = what {
            let file = out.join(format!("{}-{}", target.name, report.executions));
            fs::write(&file, &input)?;
            report.findings.push((what, file));
        }
        if let Ok(signature) = outcome
            && known.insert(signature)
            && kept.len() < MOST_KEPT
        {
            kept.push(input);
        }
    }
    fs::remove_file(&current)?;
    report.took = begun.elapsed();
    report.kept.0 = known.len();
    Ok(report)
}

fn is_over(effort: Effort, begun: Instant, executions: u64) -> bool {
    match effort {
        Effort::Time(time) => begun.elapsed() >= time,
        Effort::Runs(runs) => executions >= runs,
    }
}

/// Memory of this process in pages, where the system tells.
fn resident_pages() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0)
}

/// Ends the process when an input does not end.
struct Watch {
    since: std::sync::Arc<AtomicU64>,
    epoch: Instant,
}

impl Watch {
    #[allow(clippy::print_stderr, reason = "the process ends here, and nobody else can say why")]
    fn begin(name: &'static str, current: &Path) -> Self {
        let since = std::sync::Arc::new(AtomicU64::new(0));
        let epoch = Instant::now();
        let (seen, current) = (since.clone(), current.to_owned());
        std::thread::spawn(move || {
            // The thread ends with its owner, who holds the other half.
            while std::sync::Arc::strong_count(&seen) > 1 {
                std::thread::sleep(Duration::from_millis(500));
                let started = seen.load(Ordering::Relaxed);
                if started > 0 && epoch.elapsed() > Duration::from_millis(started) + NEVER {
                    eprintln!("{name}: an input does not end: {}", current.display());
                    std::process::exit(1);
                }
            }
        });
        Self { since, epoch }
    }

    fn starts(&self) {
        let now = u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.since.store(now.max(1), Ordering::Relaxed);
    }

    fn ends(&self) {
        self.since.store(0, Ordering::Relaxed);
    }
}
