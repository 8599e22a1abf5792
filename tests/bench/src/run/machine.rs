//! Where and when it was measured.

use std::path::Path;
use std::process::Command;

/// The machine, the date, the commit and the command, as lines of Markdown.
pub fn describe(root: &Path) -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = cpus.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let model = field("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let number = |name: &str| field(name).unwrap_or_else(|| "?".to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory: u64 = memory.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0);
    let commit = Command::new("git").current_dir(root).args(["describe", "--always", "--dirty"]).output();
    let commit = commit.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    let command: Vec<String> = std::env::args().skip(1).collect();
    format!(
        "* Machine: {model} (family {}, model {}), {cores} cores, {} GiB, {}; the simulated vendor runs on the same cores.\n\
         * Date: {}. Commit: {commit}.\n\
         * Command: `cargo run --profile dist -p engine-bench -- {}`, after `cargo build --profile dist -p engine`.\n",
        number("cpu family"),
        number("model\t"),
        memory >> 20,
        std::env::consts::OS,
        jiff::Timestamp::now().strftime("%Y-%m-%d"),
        command.join(" "),
    )
}
