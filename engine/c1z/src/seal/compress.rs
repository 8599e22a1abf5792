//! The outer file: magic, then one zstd frame.
//!
//! In: a database file. Out: the packed file's bytes. The frame has its content size and a
//! checksum; the window is 8 MiB, as the SDK writes it, because readers refuse windows over
//! 128 MiB and a frame without a window counts its whole content as one.

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write as _};

use zstd::stream::write::Encoder;

/// First bytes of a file: `C1ZF` and a zero byte.
pub(crate) const MAGIC: &[u8; 5] = b"C1ZF\0";
/// The fastest level: for these databases higher ones cost time and save little.
const LEVEL: i32 = 1;
/// 8 MiB, as a power of two.
const WINDOW_LOG: u32 = 23;

/// Writes the packed form of `database`; returns the sizes of both in bytes, that of the packed form
/// first.
pub(super) fn pack(mut database: &File, packed: &File) -> io::Result<(u64, u64)> {
    let size = database.seek(SeekFrom::End(0))?;
    database.seek(SeekFrom::Start(0))?;
    let mut out = BufWriter::with_capacity(1 << 17, packed);
    out.write_all(MAGIC)?;
    let mut encoder = Encoder::new(out, LEVEL)?;
    encoder.include_checksum(true)?;
    encoder.include_contentsize(true)?;
    encoder.window_log(WINDOW_LOG)?;
    encoder.set_pledged_src_size(Some(size))?;
    io::copy(&mut io::BufReader::with_capacity(1 << 17, database), &mut encoder)?;
    encoder.finish()?.flush()?;
    Ok((packed.metadata()?.len(), size))
}
