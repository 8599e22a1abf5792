//! Display names of resources, a bounded number of them in memory.
//!
//! In: references. Out: what people call them, or that the file does not have them. The first few
//! are looked up one by one; when there are more, all resources are read once. What does not fit
//! is looked up each time it is asked for: memory stays flat, only the work grows.

use std::collections::HashMap;

use engine_c1z::{Reader, ResourceFilter};
use engine_model::ResourceRef;

use super::{Stop, found};

/// How much may be kept.
const BYTES: usize = 48 << 20;
/// What an entry costs besides its text: its place in the map and two allocations.
const ENTRY: usize = 96;
/// How many are looked up one by one before all are read.
const SINGLY: usize = 200;

/// The display names of a file's resources.
pub struct Names<'reader> {
    reader: &'reader Reader,
    kept: Kept,
    looked_up: usize,
    /// Whether `kept` has all resources, so that what it has not is not in the file.
    all: bool,
}

impl<'reader> Names<'reader> {
    /// No names yet.
    pub fn of(reader: &'reader Reader) -> Self {
        Self::within(reader, BYTES)
    }

    fn within(reader: &'reader Reader, room: usize) -> Self {
        Self { reader, kept: Kept { types: HashMap::new(), room }, looked_up: 0, all: false }
    }

    /// What people call a resource; `None` where the file does not have it.
    pub fn name(&mut self, of: &str, id: &str) -> Result<Option<String>, Stop> {
        if let Some(name) = self.kept.get(of, id) {
            return Ok(name.map(str::to_owned));
        }
        self.looked_up += 1;
        if self.looked_up == SINGLY {
            self.read_all()?;
            if let Some(name) = self.kept.get(of, id) {
                return Ok(name.map(str::to_owned));
            }
        }
        if self.all {
            return Ok(None);
        }
        let name = self.reader.resource(&ResourceRef::new(of, id))?.map(|row| row.display_name);
        self.kept.put(of, id, name.as_deref());
        Ok(name)
    }

    fn read_all(&mut self) -> Result<(), Stop> {
        let kept = &mut self.kept;
        let full = found(self.reader.each_resource(&ResourceFilter::default(), |row| {
            let (of, id) = (&row.resource_type, &row.id);
            if kept.get(of, id).is_some() || kept.put(of, id, Some(&row.display_name)) {
                Ok(())
            } else {
                Err(Stop::Enough)
            }
        }))?;
        self.all = !full;
        Ok(())
    }
}

/// Names by id; `None` for what is known to be absent.
type ById = HashMap<Box<str>, Option<Box<str>>>;

/// Names by type and id.
struct Kept {
    types: HashMap<Box<str>, ById>,
    /// Bytes that may still be kept.
    room: usize,
}

impl Kept {
    fn get(&self, of: &str, id: &str) -> Option<Option<&str>> {
        self.types.get(of)?.get(id).map(Option::as_deref)
    }

    /// Keeps a name if there is room for it.
    fn put(&mut self, of: &str, id: &str, name: Option<&str>) -> bool {
        let first = !self.types.contains_key(of);
        let size = ENTRY + id.len() + name.map_or(0, str::len) + if first { ENTRY + of.len() } else { 0 };
        let Some(room) = self.room.checked_sub(size) else {
            return false;
        };
        self.room = room;
        let ids = self.types.entry(of.into()).or_default();
        ids.insert(id.into(), name.map(Into::into));
        true
    }
}

/// The resource that was asked for last, for rows that lie together.
#[derive(Default)]
pub struct Recent {
    last: Option<(ResourceRef, Option<String>)>,
}

impl Recent {
    /// What people call a resource.
    pub fn name(&mut self, names: &mut Names<'_>, of: &str, id: &str) -> Result<Option<String>, Stop> {
        if let Some((last, name)) = &self.last
            && last.resource_type == of
            && last.id == id
        {
            return Ok(name.clone());
        }
        let name = names.name(of, id)?;
        self.last = Some((ResourceRef::new(of, id), name.clone()));
        Ok(name)
    }
}

/// How many rows name a resource that the file does not have.
#[derive(Debug, Default)]
pub struct Absent {
    rows: u64,
}

impl Absent {
    /// Counts a row if one of the resources that it names has no name.
    pub fn count(&mut self, names: &[&Option<String>]) {
        self.rows += u64::from(names.iter().any(|name| name.is_none()));
    }

    /// What a table shows as the name.
    pub fn shown(name: Option<&String>) -> String {
        name.cloned().unwrap_or_else(|| "(not in the file)".to_owned())
    }

    /// What to say about the rows.
    pub fn remark(&self, [one, many]: [&str; 2]) -> Option<String> {
        match self.rows {
            0 => None,
            1 => Some(format!("1 {one} refers to a resource that is not in the file")),
            rows => Some(format!("{rows} {many} refer to resources that are not in the file")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::samples;

    #[test]
    fn names_are_the_same_however_little_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = samples::many(directory.path(), 3 * SINGLY);
        let reader = samples::reader(&path);
        for room in [0, 100 * ENTRY, BYTES] {
            let mut names = Names::within(&reader, room);
            for number in (0..3 * SINGLY).chain([5, 0]) {
                let expected = Some(format!("User {number}"));
                assert_eq!(names.name("user", &format!("u{number}")).unwrap(), expected);
                assert_eq!(names.name("user", &format!("absent{number}")).unwrap(), None);
            }
            assert_eq!(names.all, room == BYTES);
            let kept: usize = names.kept.types.values().map(HashMap::len).sum();
            assert!(kept * ENTRY <= room);
        }
    }
}
