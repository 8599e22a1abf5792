//! The records of a working store as JSON Lines: one object a line, for programs and diffs.
//!
//! In: a working store. Out: resource types, resources, entitlements and grants, each kind sorted
//! by id, keys in a fixed order, to a writer or in the target's place at once. Nothing volatile is
//! written: equal records give equal bytes.

use std::fs::File;
use std::io::{BufWriter, Write};

use engine_model::StoreError;
use engine_proto::{DecodeError, Message as _};

use crate::decode;
use crate::encode;
use crate::failure::{Doing as _, failed, shown};
use crate::profile::{to_json, to_struct};
use crate::record::{ExpandsRow, GrantRow, Record};
use crate::scratch::ScratchFile;
use crate::settled::{Placed, SettledGrant};
use crate::sheet::Sheet;
use crate::working::{WorkingStore, beside};

impl WorkingStore {
    /// Writes the records in the target's place. Settles first if rows came since the last
    /// settling; `expand` adds the grants that follow from nested groups. On an error the target
    /// is what it was before. Returns the number of lines.
    pub fn seal_lines(&mut self, expand: bool) -> Result<u64, StoreError> {
        let scratch = ScratchFile::create(beside(&self.target, ".tmp")?)?;
        let mut out = BufWriter::with_capacity(1 << 17, scratch.file());
        let lines = self.write_lines(&mut out, expand)?;
        let doing = || format!("writing {}", shown(scratch.path()));
        let written: Result<&File, _> = out.into_inner().map_err(|error| error.into_error());
        written.doing(doing)?;
        scratch.replace(&self.destination)?;
        Ok(lines)
    }

    /// Writes the records to any writer, which should be buffered. Returns the number of lines.
    pub fn write_lines(&mut self, out: &mut dyn Write, expand: bool) -> Result<u64, StoreError> {
        self.ensure_settled()?;
        let mut lines = Lines { out, count: 0 };
        for entry in self.types.values() {
            let data = encode::resource_type(&entry.definition).encode_to_vec();
            lines.put(&Record::ResourceType(decode::resource_type(&data).map_err(damaged)?))?;
        }
        let settled = self.settled()?;
        self.each_piece(&settled.resources, &mut |data| {
            let row = decode::resource(data).map_err(damaged)?;
            lines.put(&Record::Resource(Box::new(row)))
        })?;
        self.each_piece(&settled.entitlements, &mut |data| {
            lines.put(&Record::Entitlement(decode::entitlement(data).map_err(damaged)?))
        })?;
        let expanded = expand.then(|| self.expand()).transpose()?;
        self.each_grant(expanded.as_ref(), &mut |grant| lines.put(&Record::Grant(row(grant)?)))?;
        lines.out.flush().doing(|| "writing JSON Lines".to_owned())?;
        Ok(lines.count)
    }

    /// The data of what a sheet names, in its order.
    fn each_piece(
        &self,
        sheet: &Sheet,
        with: &mut dyn FnMut(&[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut pieces = self.ledger.pieces();
        let mut rows = sheet.rows();
        while let Some(row) = rows.next()? {
            let placed = Placed::entitlement(row)?;
            with(pieces.read(placed.place, placed.length)?)?;
        }
        Ok(())
    }
}

struct Lines<'out> {
    out: &'out mut dyn Write,
    count: u64,
}

impl Lines<'_> {
    fn put(&mut self, record: &Record) -> Result<(), StoreError> {
        let doing = || "writing JSON Lines".to_owned();
        serde_json::to_writer(&mut self.out, record).map_err(std::io::Error::from).doing(doing)?;
        self.out.write_all(b"\n").doing(doing)?;
        self.count += 1;
        Ok(())
    }
}

fn row(grant: SettledGrant<'_>) -> Result<GrantRow, StoreError> {
    let (mut id, mut entitlement) = (String::new(), String::new());
    grant.id(&mut id);
    grant.entitlement_id(&mut entitlement);
    // By way of the Struct, so that a line says what the `.c1z` would say.
    let kept = match grant.kept {
        None => engine_model::Profile::new(),
        Some(text) => to_json(to_struct(
            serde_json::from_str(text)
                .map_err(|error| failed("reading the kept values of a grant", error.to_string(), None))?,
        )),
    };
    Ok(GrantRow {
        id,
        entitlement,
        resource_type: grant.resource_type.to_owned(),
        resource: grant.resource.to_owned(),
        slug: grant.slug.to_owned(),
        principal_type: grant.principal_type.to_owned(),
        principal: grant.principal.to_owned(),
        immutable: grant.immutable,
        expands: grant.expansion.map(|expansion| ExpandsRow {
            entitlements: expansion.entitlement_ids,
            shallow: expansion.shallow,
            resource_types: expansion.resource_type_ids,
        }),
        kept,
        sources: grant.sources.into_iter().map(|(id, direct)| (id.to_owned(), direct)).collect(),
    })
}

fn damaged(error: DecodeError) -> StoreError {
    failed("reading the working file", error.to_string(), Some("the working file is damaged; delete it and run again"))
}
