//! What it takes to expand nested groups: the engine and the floor, with expansion and without.
//!
//! In: how many grants are to follow. Out: medians of interleaved rounds, the processor time of each
//! derived grant, and a table. The files of both programs must hold the same to the last source.

use std::fmt::Write as _;

use engine_c1z::{Comparison, EntitlementFilter, GrantFilter, ReadError, ReadOptions, Reader, ResourceFilter};

use super::measure::{Measured, Vendor};
use super::median;
use super::programs::{EXPANDED, Format, NESTED, Programs, count};
use crate::Failure;
use crate::size::Size;

/// A directory of nested teams, and what both programs took for it.
pub struct Expansion {
    derived: usize,
    engine: Costs,
    floor: Costs,
}

/// What one program took.
struct Costs {
    without: Measured,
    with: Measured,
}

impl Costs {
    /// Microseconds of processor time for each derived grant.
    fn each(&self, derived: usize) -> f64 {
        (self.with.cpu - self.without.cpu) * 1e6 / derived as f64
    }
}

impl Expansion {
    /// Measures a directory from which at least so many grants follow.
    pub fn measure(programs: &Programs, derived: usize, rounds: usize) -> Result<Self, Failure> {
        let size = Size::nested(derived);
        eprintln!("{} derived grants", size.derived());
        let vendor = Vendor::start(&size, 0, &[])?;
        let mut taken: [Vec<Measured>; 4] = Default::default();
        let [engine, engine_expanded, floor, floor_expanded] = &mut taken;
        for _ in 0..rounds.max(1) {
            engine.push(programs.engine(&vendor, &NESTED, Format::C1z)?);
            floor.push(programs.floor_until(&vendor, "nested", Format::C1z)?);
            engine_expanded.push(programs.engine(&vendor, &EXPANDED, Format::C1z)?);
            floor_expanded.push(programs.floor_until(&vendor, "expanded", Format::C1z)?);
            eprintln!("  engine {:?}\n    with {:?}", engine.last(), engine_expanded.last());
            eprintln!("  floor  {:?}\n    with {:?}", floor.last(), floor_expanded.last());
        }
        check(programs, &size)?;
        let [engine, engine_expanded, floor, floor_expanded] = taken.map(|rounds| median(&rounds));
        Ok(Self {
            derived: size.derived(),
            engine: Costs { without: engine, with: engine_expanded },
            floor: Costs { without: floor, with: floor_expanded },
        })
    }

    /// Processor time of a derived grant against the floor.
    pub fn ratio(&self) -> f64 {
        self.engine.each(self.derived) / self.floor.each(self.derived)
    }

    /// The engine's processor time of a derived grant against that of another directory.
    pub fn growth(&self, from: &Self) -> f64 {
        self.engine.each(self.derived) / from.engine.each(from.derived)
    }
}

/// Expands a small directory whose users are in several teams of a chain: given grants follow, too.
pub fn check_entangled(programs: &Programs) -> Result<(), Failure> {
    let size = Size::entangled();
    let vendor = Vendor::start(&size, 0, &[])?;
    programs.engine(&vendor, &EXPANDED, Format::C1z)?;
    programs.floor_until(&vendor, "expanded", Format::C1z)?;
    check(programs, &size)
}

/// Fails unless the engine's file holds the directory with all that follows, and the floor's the same.
fn check(programs: &Programs, size: &Size) -> Result<(), Failure> {
    let nested = (0..size.teams).filter_map(|team| size.team_in(team)).count();
    let expected = [size.users + size.teams, 2 * size.teams, size.memberships() + nested + size.derived()];
    let [engine, floor] = ["engine", "floor"].map(|program| programs.file(program, Format::C1z));
    let found = count(&engine)?;
    if found != expected {
        return Err(format!("the engine wrote {found:?} resources, entitlements and grants, not {expected:?}").into());
    }
    let options = ReadOptions { max_decoded_bytes: 16 << 30, ..ReadOptions::default() };
    let (engine, floor) = (Reader::open(&engine, &options)?, Reader::open(&floor, &options)?);
    let (mut differing, mut sample) = (0, String::new());
    let mut note = |id: String| {
        differing += 1;
        sample = id;
        Ok::<(), ReadError>(())
    };
    let compared = Comparison { old: &engine, new: &floor, ignored: &[] };
    compared.resource_types(None, |difference| note(difference.id))?;
    compared.resources(&ResourceFilter::default(), |difference| note(difference.id))?;
    compared.entitlements(&EntitlementFilter::default(), |difference| note(difference.id))?;
    compared.grants(&GrantFilter::default(), |difference| note(difference.id))?;
    match differing {
        0 => Ok(()),
        _ => Err(format!("{differing} records differ between engine and floor, such as {sample}").into()),
    }
}

/// The table of what was measured.
pub fn table(measured: &[Expansion], text: &mut String) -> std::fmt::Result {
    if measured.is_empty() {
        return Ok(());
    }
    writeln!(
        text,
        "\n## Nested groups\n\n\
         The directory of `nested.yaml`: teams in chains of five, each a member of the next; what follows is\n\
         written, too. The last column is the processor time that expansion adds, for each derived grant. Both\n\
         files hold the same grants with the same sources.\n\n\
         | derived grants | program | CPU s without | CPU s with | wall s without | wall s with | peak MiB | CPU µs each |\n\
         | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    )?;
    for expansion in measured {
        let Expansion { derived, engine, floor } = expansion;
        for (name, of) in [("engine", engine), ("floor", floor)] {
            let Costs { without, with } = of;
            writeln!(
                text,
                "| {derived} | {name} | {:.2} | {:.2} | {:.2} | {:.2} | {:.0} | {:.2} |",
                without.cpu,
                with.cpu,
                without.wall,
                with.wall,
                with.memory,
                of.each(*derived)
            )?;
        }
        writeln!(text, "| | *ratio* | | | | | | *{:.2}* |", expansion.ratio())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expansion(derived: usize, engine: f64, floor: f64) -> Expansion {
        let costs = |each: f64| {
            let with = 1.0 + each * derived as f64 / 1e6;
            let of = |cpu| Measured { cpu, ..Measured::default() };
            Costs { without: of(1.0), with: of(with) }
        };
        Expansion { derived, engine: costs(engine), floor: costs(floor) }
    }

    #[test]
    fn only_what_expansion_adds_is_compared() {
        let (small, large) = (expansion(100_000, 6.0, 4.0), expansion(500_000, 9.0, 4.0));
        assert!((small.ratio() - 1.5).abs() < 1e-9);
        assert!((large.growth(&small) - 1.5).abs() < 1e-9);
    }
}
