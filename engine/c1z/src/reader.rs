//! Reads a `.c1z`, whoever wrote it: the records of one sync, streamed.
//!
//! In: a file, not trusted. Out: records in the order of the file, filtered by the database. The
//! content is unpacked into a private temporary file that goes with the reader. Columns are taken
//! by name: older files lack some, newer ones have more. Files of the v3 form are recognised and
//! refused; nothing here panics on hostile content.

mod choice;
mod query;
mod unpack;
mod walk;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use engine_model::ResourceRef;
use jiff::Timestamp;
use rusqlite::Connection;

use crate::record::{EntitlementRow, GrantRow, Record, ResourceRow, ResourceTypeRow};
pub use choice::SyncRow;
pub(crate) use query::Query;
pub(crate) use walk::ById;

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such file.
    #[error("{path}: there is no such file")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file has no content.
    #[error("{path}: the file is empty")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{path}: not a .c1z file: {reason}")]
    NotC1z {
        /// The file.
        path: PathBuf,
        /// What gave it away.
        reason: String,
    },
    /// The file is of the newer form around a Pebble store.
    #[error("{path}: a .c1z of version 3 (Pebble store), which this engine does not read")]
    Version3 {
        /// The file.
        path: PathBuf,
    },
    /// The file ends too early.
    #[error("{path}: the file is cut short")]
    Truncated {
        /// The file.
        path: PathBuf,
    },
    /// The content is larger than allowed.
    #[error("{path}: unpacked, it has more than {mebibytes} MiB")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in MiB.
        mebibytes: u64,
    },
    /// The file takes more memory to unpack than readers give.
    #[error("{path}: it was compressed with a window of more than 128 MiB")]
    Window {
        /// The file.
        path: PathBuf,
    },
    /// The content does not hold together.
    #[error("{path}: the file is damaged: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The asked-for sync is not in the file.
    #[error("{path}: there is no sync {sync_id} in it")]
    NoSuchSync {
        /// The file.
        path: PathBuf,
        /// The id that was asked for.
        sync_id: String,
    },
    /// The operating system failed.
    #[error("{path}: {reason}")]
    System {
        /// The file, or the temporary one.
        path: PathBuf,
        /// In the system's words.
        reason: String,
    },
}

impl ReadError {
    /// What to try.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Missing { .. } => Some("check the path"),
            Self::Empty { .. } => Some("the run that should have written it did not finish"),
            Self::Version3 { .. } => Some("write it again with `--storage-engine sqlite`, which gives version 1"),
            Self::Truncated { .. } => Some("copy or download it again"),
            Self::TooLarge { .. } => Some("raise the limit if you trust the file"),
            Self::NoSuchSync { .. } => Some("list the syncs of the file"),
            Self::Window { .. } => Some("compress it again with a smaller window"),
            Self::NotC1z { .. } | Self::Damaged { .. } | Self::System { .. } => None,
        }
    }
}

/// How to open a file.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// The sync to read; `None` chooses as readers do.
    pub sync_id: Option<String>,
    /// Largest unpacked size in bytes; 10 GiB as in SDK 0.25.
    pub max_decoded_bytes: u64,
    /// Directory for the unpacked copy; `None` takes the system's for temporary files.
    pub scratch_directory: Option<PathBuf>,
    /// The present time: without a finished sync, readers show an unfinished one that began
    /// within seven days. `None` takes one of any age.
    pub now: Option<Timestamp>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { sync_id: None, max_decoded_bytes: 10 << 30, scratch_directory: None, now: None }
    }
}

/// Which resources to read; what is `None` does not filter.
#[derive(Clone, Debug, Default)]
pub struct ResourceFilter {
    /// Of this type.
    pub resource_type: Option<String>,
    /// With this id.
    pub id: Option<String>,
    /// Directly below this resource.
    pub parent: Option<ResourceRef>,
}

/// Which entitlements to read; what is `None` does not filter.
#[derive(Clone, Debug, Default)]
pub struct EntitlementFilter {
    /// On resources of this type.
    pub resource_type: Option<String>,
    /// On resources with this id.
    pub resource: Option<String>,
    /// With this id in the file.
    pub id: Option<String>,
}

/// Which grants to read; what is `None` does not filter.
#[derive(Clone, Debug, Default)]
pub struct GrantFilter {
    /// On resources of this type.
    pub resource_type: Option<String>,
    /// On resources with this id.
    pub resource: Option<String>,
    /// Of the entitlement with this id in the file.
    pub entitlement: Option<String>,
    /// Held by principals of this type.
    pub principal_type: Option<String>,
    /// Held by principals with this id.
    pub principal: Option<String>,
}

/// An open file and the sync that is read from it.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    path: PathBuf,
    grant_columns: BTreeSet<String>,
    sync: Option<SyncRow>,
    copy: unpack::Copy,
}

impl Reader {
    /// Opens a file and chooses the sync.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Self, ReadError> {
        let (copy, connection) = unpack::unpack(path, options)?;
        let mut reader = Self { connection, path: path.to_owned(), grant_columns: BTreeSet::new(), sync: None, copy };
        for table in ["v1_resource_types", "v1_resources", "v1_entitlements", "v1_grants"] {
            reader.columns(table)?;
        }
        reader.grant_columns = reader.columns("v1_grants")?;
        reader.sync = reader.choose(options)?;
        Ok(reader)
    }

    /// The sync whose records are read; `None` reads all rows of a file without a usable sync.
    pub fn sync(&self) -> Option<&SyncRow> {
        self.sync.as_ref()
    }

    /// All syncs of the file in its order.
    pub fn syncs(&self) -> Result<Vec<SyncRow>, ReadError> {
        self.read_syncs()
    }

    /// Calls `with` for each record, kind after kind, in the order of the file; stops at its first
    /// error.
    pub fn each_record<E: From<ReadError>>(&self, mut with: impl FnMut(Record) -> Result<(), E>) -> Result<(), E> {
        self.resource_types()?.into_iter().try_for_each(|row| with(Record::ResourceType(row)))?;
        self.each_resource(&ResourceFilter::default(), |row| with(Record::Resource(Box::new(row))))?;
        self.each_entitlement(&EntitlementFilter::default(), |row| with(Record::Entitlement(row)))?;
        self.each_grant(&GrantFilter::default(), |row| with(Record::Grant(row)))
    }

    /// The resource types.
    pub fn resource_types(&self) -> Result<Vec<ResourceTypeRow>, ReadError> {
        let mut types = Vec::new();
        self.each(Query::resource_types(None), |row| {
            types.push(row);
            Ok::<(), ReadError>(())
        })?;
        Ok(types)
    }

    /// Calls `with` for each resource; stops at its first error.
    pub fn each_resource<E: From<ReadError>>(
        &self,
        filter: &ResourceFilter,
        with: impl FnMut(ResourceRow) -> Result<(), E>,
    ) -> Result<(), E> {
        self.each(Query::resources(filter), with)
    }

    /// One resource.
    pub fn resource(&self, id: &ResourceRef) -> Result<Option<ResourceRow>, ReadError> {
        let filter =
            ResourceFilter { resource_type: Some(id.resource_type.clone()), id: Some(id.id.clone()), parent: None };
        let mut found = None;
        self.each_resource(&filter, |row| {
            found = Some(row);
            Ok::<(), ReadError>(())
        })?;
        Ok(found)
    }

    /// Calls `with` for each entitlement; stops at its first error.
    pub fn each_entitlement<E: From<ReadError>>(
        &self,
        filter: &EntitlementFilter,
        with: impl FnMut(EntitlementRow) -> Result<(), E>,
    ) -> Result<(), E> {
        self.each(Query::entitlements(filter), with)
    }

    /// One entitlement by its id in the file.
    pub fn entitlement(&self, id: &str) -> Result<Option<EntitlementRow>, ReadError> {
        let filter = EntitlementFilter { id: Some(id.to_owned()), ..EntitlementFilter::default() };
        let mut found = None;
        self.each_entitlement(&filter, |row| {
            found = Some(row);
            Ok::<(), ReadError>(())
        })?;
        Ok(found)
    }

    /// Calls `with` for each grant; stops at its first error.
    pub fn each_grant<E: From<ReadError>>(
        &self,
        filter: &GrantFilter,
        with: impl FnMut(GrantRow) -> Result<(), E>,
    ) -> Result<(), E> {
        self.each(self.grant_query(filter), with)
    }

    pub(crate) fn grant_query(&self, filter: &GrantFilter) -> Query<GrantRow> {
        Query::grants(filter, self.grant_columns.contains("expansion"))
    }

    /// The names of a table's columns; fails where there is no such table. Views and virtual
    /// tables, which could compute anything, count as absent, and so do computed columns.
    fn columns(&self, table: &str) -> Result<BTreeSet<String>, ReadError> {
        self.copy.begin();
        let columns = || {
            let mut statement = self.connection.prepare(
                "select c.name, c.hidden from sqlite_schema s, pragma_table_xinfo(s.name) c
                 where s.name = ?1 and s.type = 'table' and s.rootpage > 0",
            )?;
            let found = statement.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?;
            found.collect::<rusqlite::Result<Vec<(String, i64)>>>()
        };
        let columns = columns().map_err(|error| self.damaged(error.to_string()))?;
        if columns.is_empty() {
            return Err(self.damaged(format!("the table {table} is missing")));
        }
        if let Some((name, _)) = columns.iter().find(|(_, hidden)| *hidden != 0) {
            return Err(self.damaged(format!("the column {name} of {table} is computed")));
        }
        Ok(columns.into_iter().map(|(name, _)| name).collect())
    }

    fn damaged(&self, reason: String) -> ReadError {
        ReadError::Damaged { path: self.path.clone(), reason }
    }
}
