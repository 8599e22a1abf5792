//! Sorts more entries than fit into memory.
//!
//! In: keys with values, in any order. Out: the entries sorted by the bytes of their keys, as often
//! as wanted, and also after more have come. What fills the budget becomes a sorted run on a sheet;
//! runs are merged while they are read, and many of them into one before.

use std::cmp::Ordering;
use std::path::Path;

use engine_model::StoreError;

use crate::sheet::{Rows, Sheet};
use crate::wire::{Fields, damaged, put_number};

/// Bytes that a sorter holds before it writes a run.
const BUDGET: usize = 3 << 20;
/// As many runs of one size become one of the next size.
const RUNS: usize = 48;

/// Entries to be sorted.
#[derive(Debug)]
pub(crate) struct Sorter {
    budget: usize,
    /// Whether one of equal entries is enough.
    is_set: bool,
    held: Held,
    sheet: Sheet,
    /// Where the runs of each size begin and end on the sheet, small ones first.
    tiers: Vec<Vec<(u64, u64)>>,
}

/// Entries in memory.
#[derive(Debug, Default)]
struct Held {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The first bytes of the key: most comparisons need no more.
    prefix: [u64; 2],
    at: u32,
    key: u32,
    value: u32,
}

impl Held {
    fn key(&self, entry: &Entry) -> &[u8] {
        let at = entry.at as usize;
        self.bytes.get(at..at + entry.key as usize).unwrap_or_default()
    }

    fn value(&self, entry: &Entry) -> &[u8] {
        let at = entry.at as usize + entry.key as usize;
        self.bytes.get(at..at + entry.value as usize).unwrap_or_default()
    }

    fn size(&self) -> usize {
        self.bytes.len() + self.entries.len() * size_of::<Entry>()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }

    fn sort(&mut self) {
        let Self { bytes, entries } = self;
        let key = |entry: &Entry| {
            let at = entry.at as usize;
            bytes.get(at..at + entry.key as usize).unwrap_or_default()
        };
        // Pages come sorted: a sort that finds what is in order has little to do.
        entries.sort_by(|one, other| one.prefix.cmp(&other.prefix).then_with(|| key(one).cmp(key(other))));
    }
}

/// A key and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sorted<'entry> {
    pub(crate) key: &'entry [u8],
    pub(crate) value: &'entry [u8],
}

impl Sorter {
    /// An empty one; what does not fit into memory goes to `folder`.
    pub(crate) fn new(folder: &Path) -> Self {
        Self { budget: BUDGET, is_set: false, held: Held::default(), sheet: Sheet::new(folder), tiers: Vec::new() }
    }

    /// The same, of which entries that are equal in all may come out fewer times than they went in.
    pub(crate) fn set(folder: &Path) -> Self {
        Self { is_set: true, ..Self::new(folder) }
    }

    /// Forgets all entries.
    pub(crate) fn clear(&mut self) {
        self.held.clear();
        self.tiers.clear();
        self.sheet.clear();
    }

    /// Adds an entry.
    pub(crate) fn push(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let added = key.len() + value.len() + size_of::<Entry>();
        if self.held.size() + added > self.budget && !self.held.entries.is_empty() {
            self.write_run()?;
        }
        let small = |number: usize| u32::try_from(number).map_err(|_| damaged());
        let entry = Entry {
            prefix: prefix(key),
            at: small(self.held.bytes.len())?,
            key: small(key.len())?,
            value: small(value.len())?,
        };
        self.held.bytes.extend_from_slice(key);
        self.held.bytes.extend_from_slice(value);
        self.held.entries.push(entry);
        Ok(())
    }

    /// Makes a run of what is held.
    fn write_run(&mut self) -> Result<(), StoreError> {
        self.held.sort();
        let start = self.sheet.end();
        let mut last = None;
        for entry in &self.held.entries {
            let sorted = Sorted { key: self.held.key(entry), value: self.held.value(entry) };
            if !self.is_set || last != Some(sorted) {
                put(&mut self.sheet, sorted)?;
            }
            last = Some(sorted);
        }
        self.held.clear();
        self.add_run(0, start)
    }

    fn add_run(&mut self, tier: usize, start: u64) -> Result<(), StoreError> {
        if self.tiers.len() <= tier {
            self.tiers.push(Vec::new());
        }
        let Some(runs) = self.tiers.get_mut(tier) else { return Ok(()) };
        runs.push((start, self.sheet.end()));
        if runs.len() < RUNS {
            return Ok(());
        }
        let runs = std::mem::take(runs);
        // Rows are read while others are added behind them, so the sheet cannot be both.
        let mut merged = Sheet::new(self.sheet.folder());
        let mut entries = Entries::of(&self.sheet, runs, None)?;
        while let Some(sorted) = entries.next()? {
            put(&mut merged, sorted)?;
        }
        drop(entries);
        let start = self.sheet.end();
        let mut rows = merged.rows();
        while let Some(row) = rows.next()? {
            self.sheet.push(&[row])?;
        }
        self.add_run(tier + 1, start)
    }

    /// The entries by their keys; in which order equal keys come is not said.
    pub(crate) fn sorted(&mut self) -> Result<Entries<'_>, StoreError> {
        self.held.sort();
        let runs = self.tiers.iter().flatten().copied().collect();
        Entries::of(&self.sheet, runs, Some(&self.held))
    }
}

/// The first bytes of a key as numbers that sort as they do. A shorter key sorts before.
fn prefix(key: &[u8]) -> [u64; 2] {
    let word = |from: usize| {
        let mut word = [0; 8];
        for (to, from) in word.iter_mut().zip(key.get(from..).unwrap_or_default()) {
            *to = *from;
        }
        u64::from_be_bytes(word)
    };
    [word(0), word(8)]
}

/// An entry as a row: the length of the key, the key, the value.
fn put(sheet: &mut Sheet, sorted: Sorted<'_>) -> Result<(), StoreError> {
    let mut length = Vec::with_capacity(5);
    put_number(&mut length, sorted.key.len() as u64);
    sheet.push(&[&length, sorted.key, sorted.value])
}

/// Reads sorted runs as one.
pub(crate) struct Entries<'sorter> {
    sources: Vec<Source<'sorter>>,
    /// Numbers of the sources that have an entry, as a heap: the smallest key is first.
    heap: Vec<usize>,
    /// Whether the first source's entry has been given out.
    is_given: bool,
}

struct Source<'sorter> {
    from: Feed<'sorter>,
    prefix: [u64; 2],
}

enum Feed<'sorter> {
    Held(&'sorter Held, std::slice::Iter<'sorter, Entry>, Option<&'sorter Entry>),
    Run(Rows<'sorter>),
}

impl Source<'_> {
    /// Goes on to the next entry; whether there is one.
    fn advance(&mut self) -> Result<bool, StoreError> {
        match &mut self.from {
            Feed::Held(_, entries, now) => {
                *now = entries.next();
                self.prefix = now.map(|entry| entry.prefix).unwrap_or_default();
                Ok(now.is_some())
            }
            Feed::Run(rows) => {
                if !rows.advance()? {
                    return Ok(false);
                }
                self.prefix = prefix(split(rows.row())?.key);
                Ok(true)
            }
        }
    }

    fn sorted(&self) -> Result<Sorted<'_>, StoreError> {
        match &self.from {
            Feed::Held(held, _, Some(entry)) => Ok(Sorted { key: held.key(entry), value: held.value(entry) }),
            Feed::Held(_, _, None) => Err(damaged()),
            Feed::Run(rows) => split(rows.row()),
        }
    }
}

fn split(row: &[u8]) -> Result<Sorted<'_>, StoreError> {
    let mut fields = Fields::of(row);
    Ok(Sorted { key: fields.bytes()?, value: fields.rest() })
}

impl<'sorter> Entries<'sorter> {
    fn of(sheet: &'sorter Sheet, runs: Vec<(u64, u64)>, held: Option<&'sorter Held>) -> Result<Self, StoreError> {
        let runs = runs.into_iter().map(|(start, end)| Feed::Run(sheet.rows_of(start, end)));
        let held = held.map(|held| Feed::Held(held, held.entries.iter(), None));
        let mut merged = Self { sources: Vec::new(), heap: Vec::new(), is_given: false };
        for from in runs.chain(held) {
            let mut source = Source { from, prefix: [0; 2] };
            if source.advance()? {
                merged.heap.push(merged.sources.len());
                merged.sources.push(source);
            }
        }
        for place in (0..merged.heap.len() / 2).rev() {
            merged.sink(place)?;
        }
        Ok(merged)
    }

    /// Moves the source at a place of the heap down until those below it are not smaller.
    fn sink(&mut self, mut place: usize) -> Result<(), StoreError> {
        loop {
            let mut least = place;
            for below in [2 * place + 1, 2 * place + 2] {
                if below < self.heap.len() && self.compare(below, least)?.is_lt() {
                    least = below;
                }
            }
            if least == place {
                return Ok(());
            }
            self.heap.swap(place, least);
            place = least;
        }
    }

    fn compare(&self, one: usize, other: usize) -> Result<Ordering, StoreError> {
        let source = |place: usize| self.heap.get(place).and_then(|number| self.sources.get(*number));
        let (Some(one), Some(other)) = (source(one), source(other)) else {
            return Err(damaged());
        };
        Ok(match one.prefix.cmp(&other.prefix) {
            Ordering::Equal => one.sorted()?.key.cmp(other.sorted()?.key),
            different => different,
        })
    }

    /// The next entry.
    pub(crate) fn next(&mut self) -> Result<Option<Sorted<'_>>, StoreError> {
        if std::mem::replace(&mut self.is_given, true) {
            let Some(first) = self.heap.first().and_then(|number| self.sources.get_mut(*number)) else {
                return Ok(None);
            };
            if !first.advance()? {
                self.heap.swap_remove(0);
            }
            self.sink(0)?;
        }
        self.heap.first().and_then(|number| self.sources.get(*number)).map(Source::sorted).transpose()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(sorter: &mut Sorter) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut merged = sorter.sorted().unwrap();
        let mut all = Vec::new();
        while let Some(Sorted { key, value }) = merged.next().unwrap() {
            all.push((key.to_vec(), value.to_vec()));
        }
        assert!(merged.next().unwrap().is_none());
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn whatever_goes_in_comes_out_sorted(
            entries in proptest::collection::vec((proptest::collection::vec(0_u8..4, 0..24), 0_u8..3), 0..400),
            more in 0_usize..200,
            budget in 60_usize..4_000,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mut sorter = Sorter { budget, ..Sorter::new(folder.path()) };
            let mut expected = Vec::new();
            let (first, rest) = entries.split_at(more.min(entries.len()));
            for part in [first, rest] {
                for (key, value) in part {
                    sorter.push(key, &[*value]).unwrap();
                    expected.push((key.clone(), vec![*value]));
                }
                expected.sort();
                let mut found = all(&mut sorter);
                prop_assert!(found.is_sorted_by(|one, other| one.0 <= other.0));
                found.sort();
                prop_assert_eq!(&found, &expected);
            }
            sorter.clear();
            prop_assert!(all(&mut sorter).is_empty());
        }
    }

    #[test]
    fn many_runs_become_few() {
        let folder = tempfile::tempdir().unwrap();
        let mut sorter = Sorter { budget: 100, ..Sorter::new(folder.path()) };
        for number in 0..20_000_u32 {
            sorter.push(&number.wrapping_mul(2_654_435_761).to_be_bytes(), b"value").unwrap();
        }
        assert!(sorter.tiers.len() > 2 && sorter.tiers.iter().all(|runs| runs.len() < RUNS));
        let found = all(&mut sorter);
        assert_eq!(found.len(), 20_000);
        assert!(found.is_sorted());
    }
}
