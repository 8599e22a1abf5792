//! The ledger: the records of a run in the order in which they came, in a file that only grows.
//!
//! In: batches, each of what one transaction stores. Out: the same batches when a run goes on, and
//! any piece of them while the run is sealed. How long the ledger is stands in the working file,
//! written by the transaction that the batch belongs to: what is behind that was never stored, and
//! goes. Each batch has a checksum (CRC-32), because the two files reach the disk in any order when
//! the power fails.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use engine_model::StoreError;

use super::private;
use crate::failure::{Doing as _, shown};
use crate::wire::damaged;

/// Length and checksum before each batch, four bytes each, the lowest first.
const HEAD: usize = 8;
/// Bytes that are read at once, and how many such pieces are kept: pages are read row by row in
/// turn when a file is sealed.
const BLOCK: usize = 1 << 12;
const BLOCKS: usize = 1 << 10;

/// Records of one transaction, not stored yet.
pub(super) struct Batch {
    bytes: Vec<u8>,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; HEAD] }
    }

    /// Where records are added, behind each other.
    pub(super) fn content(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.len() == HEAD
    }

    fn records(&self) -> &[u8] {
        self.bytes.get(HEAD..).unwrap_or_default()
    }
}

/// The file.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Ledger {
    /// Begins a ledger in place of one that is there.
    pub(super) fn create(path: PathBuf) -> Result<Self, StoreError> {
        let doing = || format!("creating {}", shown(&path));
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).doing(doing),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.create_new(true).read(true).write(true);
        private(&mut options);
        let file = options.open(&path).doing(doing)?;
        Ok(Self { path, file, length: 0 })
    }

    /// Opens the ledger of an earlier run, of which `length` bytes were stored; nothing if they are not
    /// all there.
    pub(super) fn open(path: PathBuf, length: u64) -> io::Result<Option<Self>> {
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        if file.metadata()?.len() < length {
            return Ok(None);
        }
        file.set_len(length)?;
        Ok(Some(Self { path, file, length }))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a batch. It only counts once the new length stands in the working file; what a failed
    /// transaction added is written over.
    pub(super) fn append(&mut self, batch: &mut Batch) -> Result<Added, StoreError> {
        let doing = || format!("writing records to {}", shown(&self.path));
        let records = batch.records();
        let length = u32::try_from(records.len()).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge));
        let head = [length.doing(doing)?.to_le_bytes(), crc32fast::hash(records).to_le_bytes()].concat();
        for (to, from) in batch.bytes.iter_mut().zip(head) {
            *to = from;
        }
        let mut write = || {
            self.file.seek(SeekFrom::Start(self.length))?;
            self.file.write_all(&batch.bytes)
        };
        write().doing(doing)?;
        Ok(Added { records_at: self.length + HEAD as u64, length: self.length + batch.bytes.len() as u64 })
    }

    /// Takes a batch as stored; gives its records to be looked at.
    pub(super) fn keep<'batch>(&mut self, added: &Added, batch: &'batch Batch) -> &'batch [u8] {
        self.length = added.length;
        batch.records()
    }

    /// Reads all batches: where the records of each begin, and the records. Returns whether they are as
    /// they were written; it ends at one that is not.
    pub(super) fn each_batch(&mut self, with: WithBatch<'_>) -> Result<bool, StoreError> {
        let doing = || format!("reading {}", shown(&self.path));
        let mut file = io::BufReader::with_capacity(1 << 16, &self.file);
        file.seek(SeekFrom::Start(0)).doing(doing)?;
        let (mut at, mut records) = (0, Vec::new());
        while at < self.length {
            let [mut length, mut checksum] = [[0; 4]; 2];
            if self.length - at < HEAD as u64 {
                return Ok(false);
            }
            file.read_exact(&mut length).doing(doing)?;
            file.read_exact(&mut checksum).doing(doing)?;
            let length = u32::from_le_bytes(length);
            at += HEAD as u64;
            if u64::from(length) > self.length.saturating_sub(at) {
                return Ok(false);
            }
            records.resize(length as usize, 0);
            file.read_exact(&mut records).doing(doing)?;
            if crc32fast::hash(&records) != u32::from_le_bytes(checksum) {
                return Ok(false);
            }
            with(at, &records)?;
            at += u64::from(length);
        }
        Ok(true)
    }

    /// Reads pieces of it.
    pub(crate) fn pieces(&self) -> Pieces<'_> {
        Pieces { ledger: self, blocks: vec![Block::default(); BLOCKS], piece: Vec::new() }
    }
}

/// What is done with a batch: where its records begin, and the records.
type WithBatch<'with> = &'with mut dyn FnMut(u64, &[u8]) -> Result<(), StoreError>;

/// Where a batch stands that was added and is not stored yet.
pub(super) struct Added {
    /// Where its records begin.
    pub(super) records_at: u64,
    /// The length of the ledger with it.
    pub(super) length: u64,
}

/// Reads pieces of a ledger, those near each other with few calls of the system.
pub(crate) struct Pieces<'ledger> {
    ledger: &'ledger Ledger,
    blocks: Vec<Block>,
    piece: Vec<u8>,
}

#[derive(Clone, Default)]
struct Block {
    number: Option<u64>,
    bytes: Vec<u8>,
}

impl Pieces<'_> {
    /// The bytes at a place.
    pub(crate) fn read(&mut self, at: u64, length: usize) -> Result<&[u8], StoreError> {
        self.piece.clear();
        let (mut number, mut skipped) = (at / BLOCK as u64, usize::try_from(at % BLOCK as u64).unwrap_or(0));
        while self.piece.len() < length {
            let wanted = length - self.piece.len();
            let slot = usize::try_from(number % BLOCKS as u64).unwrap_or(0);
            let block = self.blocks.get_mut(slot).ok_or_else(damaged)?;
            if block.number != Some(number) {
                block.number = None;
                block.fill(self.ledger, number).doing(|| format!("reading {}", shown(self.ledger.path())))?;
                block.number = Some(number);
            }
            let there = block.bytes.get(skipped..).unwrap_or_default();
            if there.is_empty() {
                return Err(damaged());
            }
            self.piece.extend_from_slice(there.get(..wanted).unwrap_or(there));
            (number, skipped) = (number + 1, 0);
        }
        Ok(&self.piece)
    }
}

impl Block {
    fn fill(&mut self, ledger: &Ledger, number: u64) -> io::Result<()> {
        let start = number * BLOCK as u64;
        let size = ledger.length.saturating_sub(start).min(BLOCK as u64);
        self.bytes.resize(usize::try_from(size).unwrap_or(0), 0);
        let mut file = &ledger.file;
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(content: &[u8]) -> Batch {
        let mut batch = Batch::new();
        batch.content().extend_from_slice(content);
        batch
    }

    fn add(ledger: &mut Ledger, content: &[u8]) -> u64 {
        let mut batch = batch(content);
        let added = ledger.append(&mut batch).unwrap();
        assert_eq!(ledger.keep(&added, &batch), content);
        added.records_at
    }

    fn batches(ledger: &mut Ledger) -> Option<Vec<(u64, Vec<u8>)>> {
        let mut found = Vec::new();
        let whole = ledger.each_batch(&mut |at, records| {
            found.push((at, records.to_vec()));
            Ok(())
        });
        whole.unwrap().then_some(found)
    }

    #[test]
    fn what_was_kept_is_there_again_and_what_was_only_added_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let mut ledger = Ledger::create(path.clone()).unwrap();
        let first = add(&mut ledger, b"first");
        ledger.append(&mut batch(b"a transaction that failed")).unwrap();
        let second = add(&mut ledger, &[7; 100_000]);
        let length = ledger.length;
        ledger.append(&mut batch(b"killed before it was stored")).unwrap();
        drop(ledger);
        let mut ledger = Ledger::open(path.clone(), length).unwrap().unwrap();
        let expected = [(first, b"first".to_vec()), (second, vec![7; 100_000])];
        assert_eq!(batches(&mut ledger).unwrap(), expected);
        let third = add(&mut ledger, b"third");
        assert_eq!(batches(&mut ledger).unwrap()[2], (third, b"third".to_vec()));

        let mut pieces = ledger.pieces();
        assert_eq!(pieces.read(first, 5).unwrap(), b"first");
        assert_eq!(pieces.read(second + 10, 9_000).unwrap(), [7; 9_000]);
        assert_eq!(pieces.read(third + 1, 4).unwrap(), b"hird");
        assert_eq!(pieces.read(first + 1, 0).unwrap(), b"");
        assert!(pieces.read(third, 6).is_err());
    }

    #[test]
    fn a_batch_that_did_not_reach_the_disk_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let mut ledger = Ledger::create(path.clone()).unwrap();
        add(&mut ledger, b"first");
        add(&mut ledger, b"second");
        let length = ledger.length;
        drop(ledger);
        assert!(Ledger::open(path.clone(), length + 1).unwrap().is_none());
        assert!(Ledger::open(folder.path().join("absent"), length).unwrap().is_none());
        for place in [0, 5, HEAD + 5 + 2, HEAD + 5 + HEAD + 3] {
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[place] ^= 0xff;
            let other = folder.path().join("other");
            std::fs::write(&other, bytes).unwrap();
            let mut ledger = Ledger::open(other, length).unwrap().unwrap();
            assert!(batches(&mut ledger).is_none(), "{place}");
        }
    }
}
