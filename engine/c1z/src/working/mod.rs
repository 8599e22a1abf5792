//! The working store: two files beside the target that a run fills and resumes.
//!
//! In: pages of records and progress. Out: an [`engine_model::Store`] whose records can be sealed
//! into a `.c1z` or written as JSON Lines. `<target>.partial` is a SQLite file with the progress,
//! `<target>.partial-ledger` holds the records in the order in which they came. They are removed only
//! on request, so that a run that stopped can go on. The clock is the caller's.
//!
//! ```text
//! layout  tables and settings        commit  pages in, one transaction
//! ledger  the file of records        index   where which record is, by id
//! known   what records name by number   names   types by number
//! lock    one run per target         settle  equal ids, candidates, dangling grants, totals
//! ```

mod commit;
mod index;
mod known;
mod layout;
mod ledger;
mod lock;
mod names;
mod settle;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use engine_model::{Dangling, Mark, MissingParents, Page, ResourceType, ScopeRow, Store, StoreError, Tally};
use jiff::{SignedDuration, Timestamp};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::failure::{Doing as _, failed, is_damage, shown};
use crate::settled::Settled;
use index::Index;
use known::Known;
pub(crate) use known::KnownTerms;
use layout::Found;
use ledger::Ledger;
use lock::Lock;
pub(crate) use lock::private;
pub(crate) use names::Names;

/// When to go on with the run that a working file holds, and when to start anew.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What the run is: everything that must be equal for its records to fit, such as the digests
    /// of spec and settings, as one opaque text.
    pub fingerprint: String,
    /// The present time.
    pub now: Timestamp,
    /// A run that began longer ago is not resumed.
    pub max_age: SignedDuration,
    /// `false` always starts anew.
    pub resume: bool,
    /// What the records will be written as.
    pub form: Form,
}

/// What the records of a run will be written as. They are kept that way, so that each is encoded once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// A `.c1z`: messages.
    #[default]
    C1z,
    /// JSON Lines: lines.
    JsonLines,
}

impl Form {
    /// What the working file calls it.
    fn name(self) -> &'static str {
        match self {
            Self::C1z => "c1z",
            Self::JsonLines => "jsonl",
        }
    }
}

impl Policy {
    /// Resumes runs of the same fingerprint that began less than 24 hours ago, to write a `.c1z`.
    pub fn new(fingerprint: impl Into<String>, now: Timestamp) -> Self {
        Self {
            fingerprint: fingerprint.into(),
            now,
            max_age: SignedDuration::from_hours(24),
            resume: true,
            form: Form::C1z,
        }
    }
}

/// How a store began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// There was nothing to resume.
    Fresh,
    /// It goes on with an earlier run.
    Resumed,
    /// There was an earlier run that could not be used.
    Anew(Discarded),
}

/// Why an earlier run was not resumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Discarded {
    /// The caller asked for a new start.
    Asked,
    /// It belongs to another spec, or to other settings.
    OtherFingerprint,
    /// Its records are kept for another form of file.
    OtherForm,
    /// Another version of the engine wrote it.
    OtherLayout,
    /// It began too long ago.
    TooOld {
        /// When it began.
        started_at: Timestamp,
    },
    /// It cannot be read; it was set aside.
    Damaged {
        /// Why, in the words of the layer below.
        reason: String,
        /// Where it is now.
        kept_as: PathBuf,
    },
}

/// A store on its two files, held by one process at a time.
#[derive(Debug)]
pub struct WorkingStore {
    pub(crate) connection: Connection,
    pub(crate) target: PathBuf,
    /// Where sealing puts the file: the target, unless redirected.
    pub(crate) destination: PathBuf,
    partial: PathBuf,
    started_at: Timestamp,
    start: Start,
    form: Form,
    pub(crate) types: BTreeMap<String, DeclaredType>,
    pub(crate) ledger: Ledger,
    index: Index,
    known: Known,
    /// What went wrong where the index may lack what the ledger holds: nothing is stored or settled then.
    broken: Option<StoreError>,
    /// What settling found; nothing if something came since.
    pub(crate) settled: Option<Settled>,
    // Last: it must outlive the connection.
    _lock: Lock,
}

/// Stands for the type of a principal that none of its candidate types has; no type has this number.
const NOBODY: u16 = u16::MAX;

/// A resource type and its number, its place in the order of ids.
#[derive(Clone, Debug)]
pub(crate) struct DeclaredType {
    pub(crate) number: u16,
    pub(crate) definition: ResourceType,
}

impl WorkingStore {
    /// Lets sealing put the file somewhere else in the target's folder, so that a file there that
    /// holds less does not take the place of a good one.
    pub fn redirect(&mut self, destination: &Path) {
        self.destination = destination.to_owned();
    }

    /// Opens or makes the working file `<target>.partial`. Fails when another process holds it,
    /// when the directory cannot be written, or when the disk is full.
    pub fn open(target: &Path, policy: &Policy) -> Result<Self, StoreError> {
        let partial = beside(target, ".partial")?;
        // Sealing would find out too, hours later.
        if target.is_dir() {
            let doing = format!("opening {}", shown(target));
            return Err(failed(doing, "it is a directory", Some("name a file, not a directory")));
        }
        let lock = Lock::take(beside(target, ".partial.lock")?, target)?;
        let doing = || format!("opening {}", shown(&partial));
        let folder = folder_of(target);
        let (files, start) = match reuse(&partial, policy, folder)? {
            Earlier::None => (None, Start::Fresh),
            Earlier::Usable(files) => (Some(files), Start::Resumed),
            Earlier::Unusable(why) => (None, Start::Anew(why)),
        };
        let Files { connection, ledger, index, known } = match files {
            Some(files) => *files,
            None => {
                remove(&partial)?;
                let connection = connect(&partial)?;
                layout::configure(&connection).doing(doing)?;
                let ledger = Ledger::create(beside(&partial, LEDGER)?)?;
                layout::create(&connection, policy).doing(doing)?;
                Files { connection, ledger, index: Index::new(folder), known: Known::default() }
            }
        };
        let started_at = started_at(&connection).doing(doing)?.unwrap_or(policy.now);
        let types = commit::declared(&connection).doing(doing)?;
        Ok(Self {
            connection,
            target: target.to_owned(),
            destination: target.to_owned(),
            partial,
            started_at,
            start,
            form: policy.form,
            types,
            ledger,
            index,
            known,
            broken: None,
            settled: None,
            _lock: lock,
        })
    }

    /// Whether the store is new or goes on with an earlier run.
    pub fn start(&self) -> &Start {
        &self.start
    }

    /// When the run began; on a resumed run, when the first part of it began.
    pub fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// Says so if the records are kept for another form of file.
    pub(crate) fn must_be(&self, form: Form) -> Result<(), StoreError> {
        if self.form == form {
            return Ok(());
        }
        let reason = format!("its records are kept as {}, not as {}", self.form.name(), form.name());
        Err(failed(self.doing("reading"), reason, None))
    }

    /// The target's folder, where temporary files go too.
    pub(crate) fn folder(&self) -> &Path {
        folder_of(&self.target)
    }

    /// Ids of resource types by their numbers.
    pub(crate) fn type_names(&self) -> Names<'_> {
        Names::of(&self.types)
    }

    /// What grants have in common, by number.
    pub(crate) fn terms(&self) -> &[KnownTerms] {
        &self.known.terms
    }

    /// The working file.
    pub fn path(&self) -> &Path {
        &self.partial
    }

    /// Removes the working file, for a run that is done.
    pub fn remove(self) -> Result<(), StoreError> {
        let Self { connection, ledger, partial, _lock, .. } = self;
        drop(ledger);
        // What goes away need not be put in order before.
        let spared = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        spared.doing(|| format!("closing {}", shown(&partial)))?;
        let closed = connection.close().map_err(|(_, error)| error);
        closed.doing(|| format!("closing {}", shown(&partial)))?;
        remove(&partial)
    }

    /// Names the working file in an error.
    pub(crate) fn doing(&self, what: &str) -> String {
        format!("{what} {}", shown(&self.partial))
    }
}

impl Store for WorkingStore {
    fn declare(&mut self, types: &[ResourceType]) -> Result<(), StoreError> {
        self.declare_types(types)
    }

    fn commit_all(&mut self, pages: Vec<Page>) -> Result<(), StoreError> {
        self.commit_pages(pages)
    }

    fn marks(&self) -> Result<Vec<Mark>, StoreError> {
        self.read("select task, key, state from marks order by task, key", [], |row| {
            Ok(Mark { task: row.get(0)?, key: row.get(1)?, state: row.get(2)? })
        })
    }

    fn tallies(&self) -> Result<Vec<Tally>, StoreError> {
        let mut all: BTreeMap<(String, String), i64> = BTreeMap::new();
        let stored = self.read("select list, name, total from tallies", [], |row| {
            Ok(Tally { list: row.get(0)?, name: row.get(1)?, add: row.get(2)? })
        })?;
        let repeated = self.settled.iter().flat_map(|settled| settled.repeated.iter().cloned());
        for Tally { list, name, add } in stored.into_iter().chain(repeated) {
            *all.entry((list, name)).or_default() += add;
        }
        Ok(all.into_iter().map(|((list, name), add)| Tally { list, name, add }).collect())
    }

    fn scope_rows(&self, resource_type: &str, after: i64, limit: usize) -> Result<Vec<ScopeRow>, StoreError> {
        self.read_scope_rows(resource_type, after, limit)
    }

    fn look_up(&self, table: &str, key: &str) -> Result<Vec<String>, StoreError> {
        self.read("select id from look_ups where name = ?1 and key = ?2 order by id limit 3", [table, key], |row| {
            row.get(0)
        })
    }

    fn settle(&mut self) -> Result<Vec<Dangling>, StoreError> {
        self.ensure_settled()?;
        Ok(self.settled()?.dangling.clone())
    }

    fn missing_parents(&mut self) -> Result<Vec<MissingParents>, StoreError> {
        self.ensure_settled()?;
        Ok(self.settled()?.missing_parents.clone())
    }

    fn totals(&mut self) -> Result<Vec<(String, u64, u64, u64)>, StoreError> {
        self.ensure_settled()?;
        let totals = self.types.keys().zip(&self.settled()?.totals);
        Ok(totals
            .map(|(id, [resources, entitlements, grants])| (id.clone(), *resources, *entitlements, *grants))
            .collect())
    }
}

impl WorkingStore {
    /// All rows of a query.
    pub(crate) fn read<T, P, F>(&self, sql: &str, parameters: P, record: F) -> Result<Vec<T>, StoreError>
    where
        P: rusqlite::Params,
        F: FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    {
        let read = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            statement.query_map(parameters, record)?.collect::<rusqlite::Result<Vec<T>>>()
        };
        read().doing(|| self.doing("reading"))
    }
}

/// What is there of an earlier run.
enum Earlier {
    None,
    Usable(Box<Files>),
    Unusable(Discarded),
}

/// The files of a run, and what is known of their content.
struct Files {
    connection: Connection,
    ledger: Ledger,
    index: Index,
    known: Known,
}

fn reuse(partial: &Path, policy: &Policy, folder: &Path) -> Result<Earlier, StoreError> {
    let doing = || format!("opening {}", shown(partial));
    match fs::symlink_metadata(partial) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Earlier::None),
        Err(error) => return Err(error).doing(doing),
        Ok(there) if there.len() == 0 => return Ok(Earlier::None),
        Ok(_) if !policy.resume => return Ok(Earlier::Unusable(Discarded::Asked)),
        Ok(_) => {}
    }
    let connection = connect(partial)?;
    match judge(&connection, policy) {
        Ok(None) => Ok(match reopen(connection, partial, folder)? {
            Some(files) => Earlier::Usable(Box::new(files)),
            None => Earlier::Unusable(set_aside(partial, "its records are not as they were written")?),
        }),
        Ok(Some(why)) => {
            drop(connection);
            Ok(Earlier::Unusable(match why {
                Unfit::Empty => return Ok(Earlier::None),
                Unfit::Known(why) => why,
                Unfit::Foreign => set_aside(partial, "it is a database of another program")?,
            }))
        }
        Err(error) if is_damage(&error) => {
            drop(connection);
            Ok(Earlier::Unusable(set_aside(partial, &error.to_string())?))
        }
        Err(error) => Err(error).doing(doing),
    }
}

/// Reads again what a run has stored; nothing if it is not all there.
fn reopen(connection: Connection, partial: &Path, folder: &Path) -> Result<Option<Files>, StoreError> {
    let doing = || format!("opening {}", shown(partial));
    let known = Known::load(&connection).doing(doing)?;
    let Some(length) = layout::ledger_length(&connection).doing(doing)? else { return Ok(None) };
    let ledger = beside(partial, LEDGER)?;
    let doing = || format!("opening {}", shown(&ledger));
    let Some(mut ledger) = Ledger::open(ledger.clone(), length).doing(doing)? else { return Ok(None) };
    let mut index = Index::new(folder);
    let whole = ledger.each_batch(&mut |at, records| index.take(at, records, &known.terms))?;
    Ok(whole.then_some(Files { connection, ledger, index, known }))
}

/// Why a file is not resumed.
enum Unfit {
    Empty,
    Foreign,
    Known(Discarded),
}

fn judge(connection: &Connection, policy: &Policy) -> rusqlite::Result<Option<Unfit>> {
    match layout::identify(connection)? {
        Found::Empty => return Ok(Some(Unfit::Empty)),
        Found::Foreign => return Ok(Some(Unfit::Foreign)),
        Found::OtherLayout => return Ok(Some(Unfit::Known(Discarded::OtherLayout))),
        Found::Current => {}
    }
    if layout::fact(connection, "fingerprint")?.as_deref() != Some(policy.fingerprint.as_str()) {
        return Ok(Some(Unfit::Known(Discarded::OtherFingerprint)));
    }
    if layout::fact(connection, "form")?.as_deref() != Some(policy.form.name()) {
        return Ok(Some(Unfit::Known(Discarded::OtherForm)));
    }
    let Some(started_at) = started_at(connection)? else {
        return Ok(Some(Unfit::Known(Discarded::OtherLayout)));
    };
    if policy.now.duration_since(started_at) >= policy.max_age {
        return Ok(Some(Unfit::Known(Discarded::TooOld { started_at })));
    }
    layout::configure(connection)?;
    Ok(None)
}

fn started_at(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    Ok(layout::fact(connection, "started_at")?.and_then(|text| text.parse().ok()))
}

/// Opens the file, which is made first if need be, so that it is private from its first byte on;
/// SQLite gives its companions the same mode.
fn connect(partial: &Path) -> Result<Connection, StoreError> {
    let doing = || format!("opening {}", shown(partial));
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    private(&mut options);
    options.open(partial).doing(doing)?;
    // Without the URI flag a file name is a file name, whatever it starts with.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(partial, flags).doing(doing)
}

/// Moves an unusable file away: it may be something that its owner wants back.
fn set_aside(partial: &Path, reason: &str) -> Result<Discarded, StoreError> {
    let kept_as = beside(partial, ".damaged")?;
    for suffix in [LEDGER, ""] {
        let (from, to) = (beside(partial, suffix)?, beside(&kept_as, suffix)?);
        match fs::rename(&from, to) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).doing(|| format!("setting {} aside", shown(&from)));
            }
            _ => {}
        }
    }
    Ok(Discarded::Damaged { reason: reason.to_owned(), kept_as })
}

/// What the name of the ledger adds to that of the working file.
const LEDGER: &str = "-ledger";

/// The folder of a file.
fn folder_of(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Removes the file and its companions, the file first: without it they mean nothing, and the next run
/// removes what a kill leaves of them.
fn remove(partial: &Path) -> Result<(), StoreError> {
    for suffix in ["", "-wal", "-shm", "-journal", LEDGER] {
        let path = beside(partial, suffix)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).doing(|| format!("removing {}", shown(&path)));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The path of a companion: the same name with something behind it.
pub(crate) fn beside(path: &Path, suffix: &str) -> Result<PathBuf, StoreError> {
    let Some(name) = path.file_name() else {
        return Err(failed(
            format!("opening {}", shown(path)),
            "it is not the name of a file",
            Some("name a file, not a directory"),
        ));
    };
    let mut name = OsString::from(name);
    name.push(suffix);
    Ok(path.with_file_name(name))
}
