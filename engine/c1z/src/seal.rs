//! Seals a working store: writes its records as a `.c1z` in the target's place.
//!
//! In: a working store, the time of the end. Out: the target file, replaced at once by a rename,
//! readable for its owner only. Equal records give equal files apart from sync id and times. The
//! working store stays as it is; its owner removes it when the run is done.

mod blob;
mod compress;
mod database;

use engine_model::{StoreError, Totals};
use jiff::Timestamp;
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::failure::{Doing as _, failed, shown};
use crate::identity::{ksuid, time_text};
use crate::scratch::ScratchFile;
use crate::working::{Form, WorkingStore, beside};
pub(crate) use compress::MAGIC;

/// How to seal.
#[derive(Clone, Debug)]
pub struct SealOptions {
    /// When the run ended.
    pub ended_at: Timestamp,
    /// The random part of the sync id; `None` asks the system.
    pub random: Option<[u8; 16]>,
    /// Whether to write the grants that follow from nested groups.
    pub expand: bool,
}

impl SealOptions {
    /// A run that ended at a time, nested groups as they are.
    pub fn new(ended_at: Timestamp) -> Self {
        Self { ended_at, random: None, expand: false }
    }
}

/// What was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Id of the sync, a KSUID.
    pub sync_id: String,
    /// Records in the file, derived grants included.
    pub totals: Totals,
    /// Grants that expansion made.
    pub derived_grants: u64,
    /// Circles of groups that expansion met; members are not passed on among their groups.
    pub circles: u64,
    /// Ids of records that were left out because another record's parts, joined by colons, give
    /// the same id; at most five.
    pub ambiguous: Vec<String>,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Size of the database inside, in bytes: readers have limits for it.
    pub unpacked_bytes: u64,
}

impl WorkingStore {
    /// Writes the `.c1z`. Settles first if rows came since the last settling. On an error the
    /// target is what it was before.
    pub fn seal(&mut self, options: &SealOptions) -> Result<Sealed, StoreError> {
        self.must_be(Form::C1z)?;
        self.ensure_settled()?;
        let sync_id = ksuid(self.started_at(), random(options.random)?);
        let times = database::Times {
            started_at: time_text(self.started_at()),
            ended_at: time_text(options.ended_at.max(self.started_at())),
        };
        let database = ScratchFile::create(beside(&self.target, ".sealing")?)?;
        let expanded = options.expand.then(|| self.expand()).transpose()?;
        let written = self.write_database(&database, &sync_id, &times, expanded.as_ref())?;
        let circles = expanded.as_ref().map_or(0, |expanded| expanded.circles);
        drop(expanded);
        let packed = ScratchFile::create(beside(&self.target, ".tmp")?)?;
        let doing = || format!("writing {}", shown(packed.path()));
        let (bytes, unpacked_bytes) = compress::pack(database.file(), packed.file()).doing(doing)?;
        packed.replace(&self.destination)?;
        Ok(Sealed {
            sync_id,
            totals: written.totals,
            derived_grants: written.derived,
            circles,
            ambiguous: written.ambiguous,
            bytes,
            unpacked_bytes,
        })
    }
}

fn random(given: Option<[u8; 16]>) -> Result<[u8; 16], StoreError> {
    if let Some(given) = given {
        return Ok(given);
    }
    let mut random = [0; 16];
    SystemRandom::new()
        .fill(&mut random)
        .map_err(|_| failed("making the sync id", "the system gives no random bytes", None))?;
    Ok(random)
}
