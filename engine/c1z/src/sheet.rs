//! Rows that are written once, one behind the other, and read in that order as often as wanted.
//!
//! In: rows of bytes. Out: the same rows, from any place at which one begins. What is small stays in
//! memory; what is large lies in a file without a name in the target's folder, which goes when its
//! owner does, however that ends.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use engine_model::StoreError;

use crate::failure::{Doing as _, failed, shown};
use crate::wire::{Fields, damaged, put_number};

/// Bytes that are held before they go into the file.
const HELD: usize = 1 << 16;
/// Bytes that a reader takes from the file at once.
const TAKEN: usize = 1 << 14;
/// Bytes of the longest length before a row.
const LONGEST: usize = 5;

/// A file of rows that has no name.
#[derive(Debug)]
pub(crate) struct Sheet {
    folder: PathBuf,
    file: Option<File>,
    /// Bytes in the file.
    written: u64,
    /// The rows behind them.
    held: Vec<u8>,
}

impl Sheet {
    /// An empty sheet; its file, if it comes to that, is in `folder`.
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), file: None, written: 0, held: Vec::new() }
    }

    /// Where its file is, if there is one.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the next row will begin.
    pub(crate) fn end(&self) -> u64 {
        self.written + self.held.len() as u64
    }

    /// Adds a row, which is the parts behind each other.
    pub(crate) fn push(&mut self, parts: &[&[u8]]) -> Result<(), StoreError> {
        put_number(&mut self.held, parts.iter().map(|part| part.len() as u64).sum());
        for part in parts {
            self.held.extend_from_slice(part);
        }
        if self.held.len() >= HELD {
            self.write().doing(|| doing(&self.folder))?;
        }
        Ok(())
    }

    fn write(&mut self) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile_in(&self.folder)?),
        };
        // Readers have moved it.
        file.seek(SeekFrom::Start(self.written))?;
        file.write_all(&self.held)?;
        self.written += self.held.len() as u64;
        self.held.clear();
        Ok(())
    }

    /// Forgets all rows.
    pub(crate) fn clear(&mut self) {
        // The file is written over from its beginning.
        self.written = 0;
        self.held.clear();
    }

    /// All rows.
    pub(crate) fn rows(&self) -> Rows<'_> {
        self.rows_of(0, self.end())
    }

    /// The rows from one place to another.
    pub(crate) fn rows_of(&self, start: u64, end: u64) -> Rows<'_> {
        Rows { sheet: self, next: start, end, taken: Vec::new(), taken_at: start, row: 0..0 }
    }
}

fn doing(folder: &Path) -> String {
    format!("writing a temporary file in {}", shown(folder))
}

/// Reads rows of a sheet one after the other.
pub(crate) struct Rows<'sheet> {
    sheet: &'sheet Sheet,
    /// Where the next row begins, and where the last one ends.
    next: u64,
    end: u64,
    /// Bytes of the file, and where they begin.
    taken: Vec<u8>,
    taken_at: u64,
    /// The present row, in `taken` or in what the sheet holds.
    row: std::ops::Range<usize>,
}

impl Rows<'_> {
    /// Where the next row begins.
    pub(crate) fn position(&self) -> u64 {
        self.next
    }

    /// Goes on to the next row; whether there is one.
    pub(crate) fn advance(&mut self) -> Result<bool, StoreError> {
        if self.next >= self.end {
            self.row = 0..0;
            return Ok(false);
        }
        if self.next >= self.sheet.written {
            let at = usize::try_from(self.next - self.sheet.written).map_err(|_| damaged())?;
            let bytes = self.sheet.held.get(at..).ok_or_else(damaged)?;
            let (head, length) = length_of(bytes)?.ok_or_else(damaged)?;
            self.taken.clear();
            self.row = at + head..at + head + length;
            self.next += (head + length) as u64;
            return Ok(true);
        }
        loop {
            let at = usize::try_from(self.next - self.taken_at).map_err(|_| damaged())?;
            let bytes = self.taken.get(at..).unwrap_or_default();
            let wanted = match length_of(bytes)? {
                Some((head, length)) if bytes.len() >= head + length => {
                    self.row = at + head..at + head + length;
                    self.next += (head + length) as u64;
                    return Ok(true);
                }
                Some((head, length)) => head + length,
                None => 0,
            };
            self.take(at, wanted)?;
        }
    }

    /// Keeps what is behind `at` and takes more of the file, at least `wanted` bytes in all.
    fn take(&mut self, at: usize, wanted: usize) -> Result<(), StoreError> {
        self.taken.drain(..at.min(self.taken.len()));
        self.taken_at = self.next;
        let held = self.taken.len();
        let left = usize::try_from(self.sheet.written.min(self.end) - self.taken_at).unwrap_or(usize::MAX);
        let size = wanted.max(TAKEN).min(left);
        let (Some(mut file), true) = (self.sheet.file.as_ref(), size > held) else {
            return Err(damaged());
        };
        self.taken.resize(size, 0);
        let rest = self.taken.get_mut(held..).unwrap_or_default();
        let mut read = || {
            file.seek(SeekFrom::Start(self.taken_at + held as u64))?;
            file.read_exact(rest)
        };
        read().map_err(|error| {
            failed(format!("reading a temporary file in {}", shown(&self.sheet.folder)), error.to_string(), None)
        })
    }

    /// The row that was gone on to; empty before the first and behind the last.
    pub(crate) fn row(&self) -> &[u8] {
        let within = if self.taken.is_empty() { &self.sheet.held } else { &self.taken };
        within.get(self.row.clone()).unwrap_or_default()
    }

    /// The next row.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, StoreError> {
        Ok(if self.advance()? { Some(self.row()) } else { None })
    }
}

/// Rows of a sheet that begin with a key, which are looked for in their order.
pub(crate) struct Keyed<'sheet> {
    rows: Rows<'sheet>,
    /// The place of the present row among all; nothing behind the last.
    place: Option<u64>,
}

impl<'sheet> Keyed<'sheet> {
    /// Begins with the first row.
    pub(crate) fn over(mut rows: Rows<'sheet>) -> Result<Self, StoreError> {
        let place = rows.advance()?.then_some(0);
        Ok(Self { rows, place })
    }

    /// The place of the row with this key. Keys must be asked for in their order.
    pub(crate) fn find(&mut self, key: &[u8]) -> Result<Option<u64>, StoreError> {
        while let Some(place) = self.place {
            match Fields::of(self.rows.row()).bytes()?.cmp(key) {
                Ordering::Less => self.place = self.rows.advance()?.then_some(place + 1),
                Ordering::Equal => return Ok(Some(place)),
                Ordering::Greater => return Ok(None),
            }
        }
        Ok(None)
    }
}

/// The bytes that the length takes, and the length; nothing if there are too few bytes to tell.
fn length_of(bytes: &[u8]) -> Result<Option<(usize, usize)>, StoreError> {
    let mut fields = Fields::of(bytes);
    match fields.small::<u32>() {
        Ok(length) => Ok(Some((bytes.len() - fields.rest().len(), length as usize))),
        Err(error) if bytes.len() >= LONGEST => Err(error),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_whatever_their_size_and_wherever_one_begins() {
        let folder = tempfile::tempdir().unwrap();
        let mut sheet = Sheet::new(folder.path());
        for round in 0..2 {
            let mut expected = Vec::new();
            for number in 0..400_usize {
                let row = vec![number as u8; (number * 7919) % 700 + if number % 97 == 0 { 50_000 } else { 0 }];
                expected.push((sheet.end(), row.clone()));
                let (one, other) = row.split_at(row.len() / 3);
                sheet.push(&[one, other]).unwrap();
            }
            assert!(sheet.written > 0 && !sheet.held.is_empty(), "both are tried, in round {round}");
            for from in [0, 1, 97, 300, 399] {
                let mut rows = sheet.rows_of(expected[from].0, sheet.end());
                for (at, row) in &expected[from..] {
                    assert_eq!(rows.position(), *at);
                    assert_eq!(rows.next().unwrap(), Some(row.as_slice()));
                }
                assert_eq!(rows.next().unwrap(), None);
            }
            let mut rows = sheet.rows_of(expected[10].0, expected[12].0);
            assert_eq!(rows.next().unwrap(), Some(expected[10].1.as_slice()));
            assert_eq!(rows.next().unwrap(), Some(expected[11].1.as_slice()));
            assert_eq!(rows.next().unwrap(), None);
            sheet.clear();
            assert_eq!(sheet.rows().next().unwrap(), None);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it has no name");
    }

    #[test]
    fn a_file_cut_short_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut sheet = Sheet::new(folder.path());
        for _ in 0..3 {
            sheet.push(&[&[7; HELD]]).unwrap();
        }
        sheet.file.as_ref().unwrap().set_len(100_000).unwrap();
        let mut rows = sheet.rows();
        assert!(rows.next().unwrap().is_some());
        assert!(rows.next().unwrap_err().to_string().contains("reading a temporary file"));
    }
}
