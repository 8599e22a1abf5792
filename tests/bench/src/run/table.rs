//! Results as Markdown.

use std::fmt::Write as _;

use super::expansion::{self, Expansion};
use super::measure::Measured;
use super::programs::Format;
use crate::size::Size;

/// Milliseconds to a vendor that is far away.
pub const FAR: u64 = 50;

/// Engine and floor at the same work: medians.
pub struct Comparison {
    /// The directory.
    pub size: Size,
    /// Milliseconds before each answer.
    pub latency: u64,
    /// What was written.
    pub format: Format,
    /// The engine.
    pub engine: Measured,
    /// The floor.
    pub floor: Measured,
}

/// A connector against a vendor far away.
pub struct DialectRow {
    /// The name of the dialect.
    pub name: &'static str,
    /// The directory.
    pub size: Size,
    /// Requests that must come one after the other.
    pub chain: usize,
    /// The engine.
    pub measured: Measured,
}

/// All that was measured.
#[derive(Default)]
pub struct Results {
    /// The compared work.
    pub comparisons: Vec<Comparison>,
    /// Nested groups.
    pub expansions: Vec<Expansion>,
    /// Connectors.
    pub dialects: Vec<DialectRow>,
    /// What 100,000 members in one answer take in memory, in sizes of the answer.
    pub inline: Option<f64>,
    /// The same sync undisturbed and disturbed.
    pub disturbed: Option<(Measured, Measured)>,
    /// Most requests at a time.
    pub concurrency: usize,
}

/// A goal, and what was measured for it.
struct Goal {
    what: &'static str,
    must: f64,
    aim: f64,
    measured: f64,
}

impl Results {
    /// Everything as Markdown; `machine` says where it was measured.
    pub fn markdown(&self, machine: &str) -> String {
        let mut text = format!(
            "# Results of the last run\n\n\
             The floor is the program of `src/floor`: it reads the directory of `work.yaml` by hand and writes\n\
             the same rows, without checking or resuming. Ratios compare it with the engine in one run.\n\n\
             {machine}\n"
        );
        // Writing to a String cannot fail.
        let _ = self.compared(&mut text);
        let _ = self.goals(&mut text);
        let _ = expansion::table(&self.expansions, &mut text);
        let _ = self.connectors(&mut text);
        let _ = self.faults(&mut text);
        text
    }

    fn compared(&self, text: &mut String) -> std::fmt::Result {
        if self.comparisons.is_empty() {
            return Ok(());
        }
        writeln!(
            text,
            "| users | latency | writes | program | wall s | CPU s | peak MiB | requests | in flight | file MB |\n\
             | ---: | ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
        )?;
        for Comparison { size, latency, format, engine, floor } in &self.comparisons {
            let format = if *format == Format::C1z { "`.c1z`" } else { "JSON Lines" };
            for (name, of) in [("engine", engine), ("floor", floor)] {
                let Measured { wall, cpu, memory, seen, written } = of;
                writeln!(
                    text,
                    "| {} | {latency} ms | {format} | {name} | {wall:.2} | {cpu:.2} | {memory:.0} | {} | {} | {written:.1} |",
                    size.users, seen.requests, seen.in_flight
                )?;
            }
            writeln!(
                text,
                "| | | | *ratio* | *{:.2}* | *{:.2}* | *{:.2}* | | | |",
                engine.wall / floor.wall,
                engine.cpu / floor.cpu,
                engine.memory / floor.memory
            )?;
        }
        Ok(())
    }

    fn of(&self, users: usize, latency: u64, format: Format) -> Option<&Comparison> {
        self.comparisons
            .iter()
            .find(|known| (known.size.users, known.latency, known.format) == (users, latency, format))
    }

    fn goals(&self, text: &mut String) -> std::fmt::Result {
        let mut goals = Vec::new();
        let mut goal = |what, must, aim, measured: Option<f64>| {
            goals.extend(measured.map(|measured| Goal { what, must, aim, measured }));
        };
        let near = self.of(100_000, 0, Format::C1z);
        let lines = self.of(100_000, 0, Format::Lines);
        let far = self.of(100_000, FAR, Format::C1z);
        let tiny = self.of(Size::tiny().users, 0, Format::C1z);
        let (million, million_lines) = (self.of(1_000_000, 0, Format::C1z), self.of(1_000_000, 0, Format::Lines));
        goal("100k, near, `.c1z`: CPU against the floor", 1.75, 1.25, near.map(|of| of.engine.cpu / of.floor.cpu));
        goal("100k, near, `.c1z`: wall against the floor", 1.75, 1.25, near.map(|of| of.engine.wall / of.floor.wall));
        goal("100k, near, JSON Lines: CPU against the floor", 2.5, 1.5, lines.map(|of| of.engine.cpu / of.floor.cpu));
        goal("100k, far, `.c1z`: wall against the floor", 1.25, 1.1, far.map(|of| of.engine.wall / of.floor.wall));
        // 100 pages of users follow each other.
        let chain = 100.0 * FAR as f64 / 1000.0;
        goal(
            "100k, far: first to last request against the longest chain",
            1.15,
            1.05,
            far.map(|of| of.engine.seen.span / chain),
        );
        goal("1M, `.c1z`: peak MiB", 192.0, 128.0, million.map(|of| of.engine.memory));
        goal("1M, JSON Lines: peak MiB", 64.0, 40.0, million_lines.map(|of| of.engine.memory));
        let growth =
            |large: Option<&Comparison>, small: Option<&Comparison>| Some(large?.engine.memory / small?.engine.memory);
        goal("peak memory of 1M against 100k, `.c1z`", 1.5, 1.2, growth(million, near));
        goal("peak memory of 1M against 100k, JSON Lines", 2.0, 1.5, growth(million_lines, lines));
        let linear = million.zip(near).map(|(million, near)| million.engine.cpu / near.engine.cpu / 10.0);
        goal("CPU of 1M against ten times that of 100k", 1.4, 1.25, linear);
        goal("a group with 100,000 members inline: memory, in sizes of the answer", 3.0, 1.0, self.inline);
        goal("tiny directory: wall s", 0.15, 0.08, tiny.map(|of| of.engine.wall));
        goal("tiny directory: CPU s", 0.06, 0.03, tiny.map(|of| of.engine.cpu));
        let worst = self.expansions.iter().map(Expansion::ratio).reduce(f64::max);
        goal("nested groups: CPU per derived grant against the floor, the worst size", 1.5, 1.1, worst);
        let linear = self.expansions.first().zip(self.expansions.last()).map(|(small, large)| large.growth(small));
        goal("nested groups: CPU per derived grant of the largest size against the smallest", 1.5, 1.1, linear);
        goal("100k: file MB", 37.0, 32.0, near.map(|of| of.engine.written));
        writeln!(text, "\n## Goals\n\n| measure | must | aim | measured | |\n| --- | ---: | ---: | ---: | --- |")?;
        for Goal { what, must, aim, measured } in goals {
            let verdict = match measured {
                measured if measured <= aim => "aim met",
                measured if measured <= must => "must met",
                _ => "**missed**",
            };
            writeln!(text, "| {what} | {must} | {aim} | {measured:.2} | {verdict} |")?;
        }
        Ok(())
    }

    fn connectors(&self, text: &mut String) -> std::fmt::Result {
        if self.dialects.is_empty() {
            return Ok(());
        }
        writeln!(
            text,
            "\n## Connectors, {FAR} ms away\n\n\
             The bound is what the longest chain of requests takes that must follow each other, or all requests\n\
             at {} a time, whichever is longer.\n\n\
             | dialect | users | requests | in flight | asked twice | first to last request s | bound s | ratio | wall s | CPU s |\n\
             | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
            self.concurrency
        )?;
        for DialectRow { name, size, chain, measured } in &self.dialects {
            let Measured { wall, cpu, seen, .. } = measured;
            let rounds = (seen.requests as usize).div_ceil(self.concurrency.max(1)).max(*chain);
            let bound = rounds as f64 * FAR as f64 / 1000.0;
            writeln!(
                text,
                "| {name} | {} | {} | {} | {} | {:.2} | {bound:.2} | {:.2} | {wall:.2} | {cpu:.2} |",
                size.users,
                seen.requests,
                seen.in_flight,
                seen.repeated,
                seen.span,
                seen.span / bound
            )?;
        }
        Ok(())
    }

    fn faults(&self, text: &mut String) -> std::fmt::Result {
        let Some((calm, disturbed)) = &self.disturbed else { return Ok(()) };
        writeln!(
            text,
            "\n## Faults\n\n\
             10,000 users of a vendor that answers 2% of requests with 429 and `Retry-After: 1`, 2% with 503, and\n\
             breaks 1% of connections: all rows are there; {} requests instead of {}, {} of them before their time;\n\
             {:.2} s instead of {:.2} s.",
            disturbed.seen.requests, calm.seen.requests, disturbed.seen.early, disturbed.wall, calm.wall
        )
    }
}
