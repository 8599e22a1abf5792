//! Logs on stderr: what the engine does, for whoever looks for a fault. Never bodies, never secrets.

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

/// How much is logged, and how.
#[derive(Args, Debug)]
#[command(next_help_heading = "Logging")]
pub struct Logging {
    /// Log what happens, on standard error
    #[arg(long, value_enum, global = true, default_value_t = Level::Warn, value_name = "LEVEL")]
    log_level: Level,
    /// How logs are written
    #[arg(long, value_enum, global = true, default_value_t = Format::Text, value_name = "FORMAT")]
    log_format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// One line of text each
    Text,
    /// One JSON object each
    Json,
}

impl Logging {
    /// Begins to log.
    pub fn begin(&self) {
        let level = match self.log_level {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        };
        // Only the engine's own events: what libraries log may hold headers.
        let filter =
            EnvFilter::new(format!("off,engine={level},engine_run={level},engine_c1z={level},engine_case={level}"));
        let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        let colour = crate::output::stderr_colour();
        match self.log_format {
            Format::Text => builder.with_ansi(colour).init(),
            Format::Json => builder.json().init(),
        }
    }
}
