//! The records of a working store as JSON Lines: one object a line, for programs and diffs.
//!
//! In: a working store. Out: resource types, resources, entitlements and grants, each kind sorted
//! by id, keys in a fixed order, to a writer or in the target's place at once. Nothing volatile is
//! written: equal records give equal bytes.

use std::fs::File;
use std::io::{BufWriter, Write};

use engine_model::{Profile, StoreError};
use engine_proto::{DecodeError, Message as _};
use serde::{Serialize, Serializer};

use crate::decode;
use crate::encode;
use crate::failure::{Doing as _, failed, shown};
use crate::record::{ExpandsRow, Record};
use crate::scratch::ScratchFile;
use crate::settled::SettledGrant;
use crate::shape::Attributes;
use crate::working::{Form, WorkingStore, beside};

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
        self.must_be(Form::JsonLines)?;
        self.ensure_settled()?;
        let mut lines = Lines { out, count: 0, line: Vec::new() };
        for entry in self.types.values() {
            let data = encode::resource_type(&entry.definition).encode_to_vec();
            lines.put(&Record::ResourceType(decode::resource_type(&data).map_err(damaged)?))?;
        }
        let settled = self.settled()?;
        for sheet in [&settled.resources, &settled.entitlements] {
            // They are kept as lines.
            self.each_placed(sheet, |_, line| lines.write(line))?;
        }
        let expanded = expand.then(|| self.expand()).transpose()?;
        let (mut id, mut entitlement) = (String::new(), String::new());
        self.each_grant(expanded.as_ref(), &mut |grant| {
            grant.id(&mut id);
            grant.entitlement_id(&mut entitlement);
            let kept = grant.kept()?;
            lines.put(&GrantShape::of(&grant, &id, &entitlement, kept.as_ref()))
        })?;
        lines.out.flush().doing(|| "writing JSON Lines".to_owned())?;
        Ok(lines.count)
    }
}

struct Lines<'out> {
    out: &'out mut dyn Write,
    count: u64,
    /// Where a line is made: it goes out in one piece.
    line: Vec<u8>,
}

impl Lines<'_> {
    fn put(&mut self, record: &impl Serialize) -> Result<(), StoreError> {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        let made = serde_json::to_writer(&mut line, record).map_err(std::io::Error::from);
        made.doing(|| "writing JSON Lines".to_owned())?;
        line.push(b'\n');
        self.write(&line)?;
        self.line = line;
        Ok(())
    }

    /// A line with its end.
    fn write(&mut self, line: &[u8]) -> Result<(), StoreError> {
        self.out.write_all(line).doing(|| "writing JSON Lines".to_owned())?;
        self.count += 1;
        Ok(())
    }
}

/// A grant; its fields are those of [`crate::GrantRow`], in the same order.
#[derive(Serialize)]
#[serde(tag = "kind", rename = "grant")]
struct GrantShape<'g> {
    id: &'g str,
    entitlement: &'g str,
    resource_type: &'g str,
    resource: &'g str,
    slug: &'g str,
    principal_type: &'g str,
    principal: &'g str,
    immutable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    expands: Option<ExpandsRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<Attributes<'g>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "sources")]
    sources: &'g [(&'g str, bool)],
}

impl<'g> GrantShape<'g> {
    fn of(grant: &'g SettledGrant<'_>, id: &'g str, entitlement: &'g str, kept: Option<&'g Profile>) -> Self {
        Self {
            id,
            entitlement,
            resource_type: grant.resource_type,
            resource: grant.resource,
            slug: grant.slug,
            principal_type: grant.principal_type,
            principal: grant.principal,
            immutable: grant.immutable,
            expands: grant.expansion.as_ref().map(|expansion| ExpandsRow {
                entitlements: expansion.entitlement_ids.clone(),
                shallow: expansion.shallow,
                resource_types: expansion.resource_type_ids.clone(),
            }),
            kept: kept.map(Attributes::of).filter(|kept| !kept.is_empty()),
            sources: &grant.sources,
        }
    }
}

/// Sources are sorted by their ids, as the members of an object are.
fn sources<S: Serializer>(of: &[(&str, bool)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(of.iter().copied())
}

fn damaged(error: DecodeError) -> StoreError {
    failed("reading the working file", error.to_string(), Some("the working file is damaged; delete it and run again"))
}
