//! The runner: engine and floor in turns against the same vendor, medians, and how far the goals are met.
//!
//! In: which sizes and latencies. Out: tables in Markdown, on standard output or in `RESULTS.md`. Each
//! file of the compared work is read back once and must hold the whole directory.
//!
//! ```text
//! measure   one program to its end, and what it took      programs  engine and floor, and their files
//! table     medians as Markdown, and the goals            machine   where it was measured
//! expansion nested groups
//! ```

mod expansion;
mod machine;
mod measure;
mod programs;
mod table;

use std::path::PathBuf;

use clap::Args;

use crate::Failure;
use crate::size::Size;
use expansion::Expansion;
use measure::{Measured, Vendor};
use programs::{DIALECTS, Dialect, Format, Programs, WORK, check};
use table::{Comparison, DialectRow, Results};

/// How long near and far vendors take to answer, and what is measured.
#[derive(Args)]
pub struct Arguments {
    /// Users of the directories to measure
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000])]
    users: Vec<usize>,
    /// Milliseconds before each answer
    #[arg(long, value_delimiter = ',', default_values_t = [0, 50])]
    latency: Vec<u64>,
    /// Rounds; medians are told
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Rounds for directories of more than 200,000 users
    #[arg(long, default_value_t = 1)]
    large_rounds: usize,
    /// Only the compared work: no nested groups, no dialects, no faults
    #[arg(long)]
    only_work: bool,
    /// Only nested groups
    #[arg(long, conflicts_with = "only_work")]
    only_expansion: bool,
    /// Grants that are to follow from nested groups
    #[arg(long, value_delimiter = ',', default_values_t = [100_000, 250_000, 500_000])]
    derived: Vec<usize>,
    /// The engine; `engine` beside this program unless said otherwise
    #[arg(long)]
    engine: Option<PathBuf>,
    /// Most requests at a time
    #[arg(long, default_value_t = 16)]
    concurrency: usize,
    /// Write the tables into tests/bench/RESULTS.md
    #[arg(long)]
    write: bool,
}

/// Measures everything that was asked for.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let folder = tempfile::tempdir()?;
    let engine = match &arguments.engine {
        Some(engine) => engine.canonicalize()?,
        None => std::env::current_exe()?.with_file_name("engine"),
    };
    let programs = Programs { engine, root, folder: folder.path().to_owned(), concurrency: arguments.concurrency };
    let mut results = Results { concurrency: arguments.concurrency, ..Results::default() };
    if !arguments.only_expansion {
        results.comparisons = comparisons(&programs, arguments)?;
    }
    if !arguments.only_work {
        expansion::check_entangled(&programs)?;
        for derived in &arguments.derived {
            results.expansions.push(Expansion::measure(&programs, *derived, arguments.rounds)?);
        }
    }
    if !arguments.only_work && !arguments.only_expansion {
        for dialect in &DIALECTS {
            results.dialects.push(dialect_row(&programs, dialect)?);
        }
        results.inline = inline(&programs)?;
        results.disturbed = Some(disturbed(&programs)?);
    }
    let text = results.markdown(&machine::describe(&programs.root));
    if arguments.write {
        std::fs::write(programs.root.join("tests/bench/RESULTS.md"), &text)?;
    }
    println!("{text}");
    Ok(())
}

/// The compared work at every size and latency.
fn comparisons(programs: &Programs, arguments: &Arguments) -> Result<Vec<Comparison>, Failure> {
    let mut comparisons = vec![compare(programs, Size::tiny(), 0, Format::C1z, arguments.rounds)?];
    for users in &arguments.users {
        let rounds = if *users > 200_000 { arguments.large_rounds } else { arguments.rounds };
        for latency in &arguments.latency {
            comparisons.push(compare(programs, Size::of(*users), *latency, Format::C1z, rounds)?);
            if *latency == 0 {
                comparisons.push(compare(programs, Size::of(*users), 0, Format::Lines, rounds)?);
            }
        }
    }
    Ok(comparisons)
}

fn compare(
    programs: &Programs,
    size: Size,
    latency: u64,
    format: Format,
    rounds: usize,
) -> Result<Comparison, Failure> {
    eprintln!("{} users, {latency} ms, {format:?}", size.users);
    let vendor = Vendor::start(&size, latency, &[])?;
    let (mut engine, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..rounds.max(1) {
        engine.push(programs.engine(&vendor, &WORK, format)?);
        floor.push(programs.floor(&vendor, format)?);
        eprintln!("  engine {:?}\n  floor  {:?}", engine.last(), floor.last());
    }
    if format == Format::C1z {
        for program in ["engine", "floor"] {
            check(&programs.file(program, format), &size)?;
        }
    }
    Ok(Comparison { size, latency, format, engine: median(&engine), floor: median(&floor) })
}

/// A connector of `specs/` against the same directory, 50 ms away.
fn dialect_row(programs: &Programs, dialect: &'static Dialect) -> Result<DialectRow, Failure> {
    eprintln!("{}", dialect.name);
    // Page tokens cannot be asked for ahead: a tenth of the directory tells as much.
    let users = if dialect.spec.contains("circleci") { 10_000 } else { 100_000 };
    let size = Size::of(users);
    let vendor = Vendor::start(&size, table::FAR, &[])?;
    let measured = programs.engine(&vendor, dialect, Format::C1z)?;
    eprintln!("  engine {measured:?}");
    let chain = match dialect.spec {
        "specs/fivetran.yaml" => users.div_ceil(1000) + 1,
        "specs/circleci.yaml" => users.div_ceil(100) + 1,
        // The first page tells how many there are; the others need not wait for each other.
        _ => 3,
    };
    Ok(DialectRow { name: dialect.name, size, chain, measured })
}

/// A group whose 100,000 members are in one answer: what that takes in memory, in sizes of the answer.
fn inline(programs: &Programs) -> Result<Option<f64>, Failure> {
    let Some(dialect) = DIALECTS.iter().find(|dialect| dialect.spec.contains("scim")) else { return Ok(None) };
    eprintln!("one group with all members inline");
    let measured = |members| {
        let vendor = Vendor::start(&Size { users: 100_000, teams: 1, members, chain: 1 }, 0, &[])?;
        let measured = programs.engine(&vendor, dialect, Format::C1z)?;
        eprintln!("  engine {measured:?}");
        Ok::<Measured, Failure>(measured)
    };
    let (few, many) = (measured(1)?, measured(100_000)?);
    let answer = many.seen.largest as f64 / f64::from(1 << 20);
    // The list of users may take more than the group does.
    Ok(Some(((many.memory - few.memory) / answer).max(0.0)))
}

/// 10,000 users of a vendor that throttles, fails and breaks connections.
fn disturbed(programs: &Programs) -> Result<(Measured, Measured), Failure> {
    let size = Size::of(10_000);
    eprintln!("{} users, with faults", size.users);
    let calm = programs.engine(&Vendor::start(&size, 0, &[])?, &WORK, Format::C1z)?;
    let vendor = Vendor::start(&size, 0, &["--throttled", "20", "--failed", "20", "--reset", "10"])?;
    let disturbed = programs.engine(&vendor, &WORK, Format::C1z)?;
    eprintln!("  engine {disturbed:?}");
    check(&programs.file("engine", Format::C1z), &size)?;
    Ok((calm, disturbed))
}

/// The median of each number by itself.
fn median(rounds: &[Measured]) -> Measured {
    let of = |number: fn(&Measured) -> f64| {
        let mut numbers: Vec<f64> = rounds.iter().map(number).collect();
        numbers.sort_by(f64::total_cmp);
        numbers.get(numbers.len() / 2).copied().unwrap_or_default()
    };
    let last = rounds.last().copied().unwrap_or_default();
    let mut seen = last.seen;
    seen.in_flight = rounds.iter().map(|round| round.seen.in_flight).max().unwrap_or(0);
    seen.repeated = rounds.iter().map(|round| round.seen.repeated).max().unwrap_or(0);
    seen.span = of(|round| round.seen.span);
    Measured {
        wall: of(|round| round.wall),
        cpu: of(|round| round.cpu),
        memory: of(|round| round.memory),
        seen,
        ..last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_of_each_number_by_itself() {
        let round = |wall, cpu| Measured { wall, cpu, ..Measured::default() };
        let median = median(&[round(3.0, 1.0), round(1.0, 3.0), round(2.0, 2.0)]);
        assert_eq!((median.wall, median.cpu), (2.0, 2.0));
    }
}
