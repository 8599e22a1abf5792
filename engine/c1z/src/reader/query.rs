//! The questions that are asked of a file's tables.
//!
//! In: filters. Out: SQL with its values, and how a row of the answer becomes a record. Values are
//! bound and never part of the text.

use engine_proto::DecodeError;
use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::{EntitlementFilter, GrantFilter, ResourceFilter};
use crate::decode::{self, GrantColumns};
use crate::record::{EntitlementRow, GrantRow, ResourceRow, ResourceTypeRow};

/// What a row holds: an error of the database, or of the message in it, or a record.
type Read<T> = rusqlite::Result<Result<T, DecodeError>>;

/// A query whose conditions are added one by one.
pub(crate) struct Query<T> {
    pub(super) table: &'static str,
    columns: String,
    /// How many columns there are.
    width: usize,
    conditions: Vec<String>,
    values: Vec<String>,
    /// Reads a row; its own columns begin at the second place.
    record: fn(&Row<'_>) -> Read<T>,
    order: Order,
}

/// In which order rows come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// As they were written.
    File,
    /// By the bytes of their ids.
    Id,
    /// By the bytes of their ids; rows with the same id by their syncs, the newest first, as the ids
    /// of syncs tell the time.
    IdAndSync,
}

impl Query<ResourceTypeRow> {
    pub(crate) fn resource_types(id: Option<&str>) -> Self {
        let mut query = Self::over("v1_resource_types", "data", |row| Ok(decode::resource_type(blob(row, 1)?)));
        query.equals("external_id", id);
        query
    }
}

impl Query<ResourceRow> {
    pub(crate) fn resources(filter: &ResourceFilter) -> Self {
        let mut query = Self::over("v1_resources", "data", |row| Ok(decode::resource(blob(row, 1)?)));
        query.equals("resource_type_id", filter.resource_type.as_deref());
        match (&filter.resource_type, &filter.id) {
            (Some(of), Some(id)) => query.equals("external_id", Some(&format!("{of}:{id}"))),
            // Type ids hold no colon as a rule, but nothing checks them: compare from both sides.
            (None, Some(id)) => query.equals("substr(external_id, length(resource_type_id) + 2)", Some(id)),
            (_, None) => {}
        }
        if let Some(parent) = &filter.parent {
            query.equals("parent_resource_type_id", Some(&parent.resource_type));
            query.equals("parent_resource_id", Some(&parent.id));
        }
        query
    }
}

impl Query<EntitlementRow> {
    pub(crate) fn entitlements(filter: &EntitlementFilter) -> Self {
        let mut query = Self::over("v1_entitlements", "data", |row| Ok(decode::entitlement(blob(row, 1)?)));
        query.equals("resource_type_id", filter.resource_type.as_deref());
        query.equals("resource_id", filter.resource.as_deref());
        query.equals("external_id", filter.id.as_deref());
        query
    }
}

impl Query<GrantRow> {
    /// Files from before the column `expansion` keep the expansion in the blob.
    pub(crate) fn grants(filter: &GrantFilter, has_expansion: bool) -> Self {
        let expansion = if has_expansion { "expansion" } else { "null" };
        let columns = format!(
            "data, external_id, entitlement_id, resource_type_id, resource_id,
             principal_resource_type_id, principal_resource_id, {expansion}"
        );
        let mut query = Self::over("v1_grants", &columns, grant);
        query.equals("resource_type_id", filter.resource_type.as_deref());
        query.equals("resource_id", filter.resource.as_deref());
        query.equals("entitlement_id", filter.entitlement.as_deref());
        query.equals("principal_resource_type_id", filter.principal_type.as_deref());
        query.equals("principal_resource_id", filter.principal.as_deref());
        query
    }
}

impl<T> Query<T> {
    fn over(table: &'static str, columns: &str, record: fn(&Row<'_>) -> Read<T>) -> Self {
        let width = columns.split(',').count();
        let (conditions, values) = (Vec::new(), Vec::new());
        Self { table, columns: columns.to_owned(), width, conditions, values, record, order: Order::File }
    }

    pub(super) fn equals(&mut self, column: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.conditions.push(format!("{column} = ?{}", self.values.len() + 1));
            self.values.push(value.to_owned());
        }
    }

    /// Asks for the rows in the order of their ids; they may be of several syncs.
    pub(super) fn by_id(mut self, has_several_syncs: bool) -> Self {
        self.order = if has_several_syncs { Order::IdAndSync } else { Order::Id };
        self
    }

    pub(super) fn values(&self) -> &[String] {
        &self.values
    }

    pub(super) fn sql(&self) -> String {
        let Self { table, columns, conditions, .. } = self;
        let conditions = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" and ") };
        let (id, order) = match self.order {
            Order::File => ("null", "id"),
            // A column may have been declared with another order than that of its bytes. Files have
            // an index for this one as a rule.
            Order::Id => ("external_id", "external_id collate binary"),
            Order::IdAndSync => ("external_id", "external_id collate binary, sync_id desc"),
        };
        format!("select {id}, {columns} from {table} where {conditions} order by {order}")
    }

    /// The record of a row of the answer.
    pub(super) fn record(&self, row: &Row<'_>) -> Read<T> {
        (self.record)(row)
    }

    /// The id of a row, if they were asked for in its order.
    pub(super) fn id<'row>(row: &'row Row<'_>) -> rusqlite::Result<&'row str> {
        Ok(row.get_ref(0)?.as_str()?)
    }

    /// Whether two answers to such a query hold the same, and so the same record.
    pub(super) fn is_same(&self, row: &Row<'_>, other: &Row<'_>) -> bool {
        (1..=self.width).all(|place| match (row.get_ref(place), other.get_ref(place)) {
            (Ok(value), Ok(other)) => value == other,
            _ => false,
        })
    }
}

fn grant(row: &Row<'_>) -> Read<GrantRow> {
    let columns = GrantColumns {
        id: row.get(2)?,
        entitlement: row.get(3)?,
        resource_type: row.get(4)?,
        resource: row.get(5)?,
        principal_type: row.get(6)?,
        principal: row.get(7)?,
        expansion: match row.get_ref(8)? {
            ValueRef::Null => None,
            _ => Some(blob(row, 8)?.to_owned()),
        },
    };
    Ok(decode::grant(blob(row, 1)?, columns))
}

/// Bytes of a column, which other writers may have stored as text.
fn blob<'row>(row: &'row Row<'_>, place: usize) -> rusqlite::Result<&'row [u8]> {
    match row.get_ref(place)? {
        ValueRef::Blob(bytes) | ValueRef::Text(bytes) => Ok(bytes),
        other => {
            let name = "data".to_owned();
            Err(rusqlite::Error::InvalidColumnType(place, name, other.data_type()))
        }
    }
}
