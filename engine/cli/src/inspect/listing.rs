//! A list of rows in the form that was asked for.
//!
//! In: something that can walk over its rows, more than once. Out: a table, a JSON array or CSV,
//! written while walking: memory does not grow with the number of rows. A table walks twice, first
//! to measure. JSON and CSV hold exactly what the file holds.

use std::io::{self, Write};

use serde::Serialize;

use super::{Format, Stop};
use crate::table::{Column, Draft, Surface};

/// One field of CSV.
pub struct Field<R> {
    /// Its name in the header.
    pub name: &'static str,
    /// A row's value; empty where there is none.
    pub value: fn(&R) -> String,
}

/// Rows of one kind.
pub trait Listing {
    /// A row; as JSON it is what it serializes to.
    type Row: Serialize + 'static;
    /// What one row and several rows are called.
    const NOUN: [&'static str; 2];
    /// The columns of the table.
    const COLUMNS: &'static [Column<Self::Row>];
    /// The columns of each table, where rows of several kinds have tables of their own. Rows of one
    /// table come together.
    const TABLES: &'static [&'static [Column<Self::Row>]] = &[Self::COLUMNS];
    /// The fields of CSV. Programs rely on them: add at the end only.
    const FIELDS: &'static [Field<Self::Row>];

    /// Calls `with` for each row in the order of the file; stops at its first error.
    fn each(&mut self, with: &mut dyn FnMut(&Self::Row) -> Result<(), Stop>) -> Result<(), Stop>;

    /// The place of a row's table.
    fn table(_row: &Self::Row) -> usize {
        0
    }

    /// What to say about the rows of the last walk.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Writes a list and returns the number of its rows.
pub fn write<L: Listing>(list: &mut L, format: Format, surface: Surface, out: &mut dyn Write) -> Result<u64, Stop> {
    match format {
        Format::Table => write_table(list, surface, out),
        Format::Json => write_json(list, out),
        Format::Csv => write_csv(list, out),
    }
}

fn write_table<L: Listing>(list: &mut L, surface: Surface, out: &mut dyn Write) -> Result<u64, Stop> {
    let mut drafts: Vec<Draft<L::Row>> = L::TABLES.iter().map(|columns| Draft::new(columns)).collect();
    list.each(&mut |row| {
        if let Some(draft) = drafts.get_mut(L::table(row)) {
            draft.measure(row);
        }
        Ok(())
    })?;
    let tables: Vec<_> = drafts.into_iter().map(|draft| draft.fit(surface)).collect();
    let (mut count, mut begun) = (0, None);
    list.each(&mut |row| {
        let place = L::table(row);
        let Some(table) = tables.get(place) else {
            return Ok(());
        };
        if begun != Some(place) {
            if begun.is_some() {
                out.write_all(b"\n")?;
            }
            table.write_header(out)?;
            begun = Some(place);
        }
        count += 1;
        Ok(table.write_row(row, out)?)
    })?;
    Ok(count)
}

fn write_json<L: Listing>(list: &mut L, out: &mut dyn Write) -> Result<u64, Stop> {
    let mut count = 0;
    list.each(&mut |row| {
        out.write_all(if count == 0 { b"[\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *out, row).map_err(io::Error::from)?;
        count += 1;
        Ok(())
    })?;
    out.write_all(if count == 0 { b"[]\n" } else { b"\n]\n" })?;
    Ok(count)
}

fn write_csv<L: Listing>(list: &mut L, out: &mut dyn Write) -> Result<u64, Stop> {
    write_record(L::FIELDS.iter().map(|field| field.name), out)?;
    let mut count = 0;
    list.each(&mut |row| {
        count += 1;
        Ok(write_record(L::FIELDS.iter().map(|field| (field.value)(row)), out)?)
    })?;
    Ok(count)
}

/// A line of CSV. Lines end as every other line does here; readers of RFC 4180 accept that.
fn write_record<T: AsRef<str>>(values: impl Iterator<Item = T>, out: &mut dyn Write) -> io::Result<()> {
    for (place, value) in values.enumerate() {
        if place > 0 {
            out.write_all(b",")?;
        }
        let value = value.as_ref();
        if value.contains([',', '"', '\r', '\n']) {
            write!(out, "\"{}\"", value.replace('"', "\"\""))?;
        } else {
            out.write_all(value.as_bytes())?;
        }
    }
    out.write_all(b"\n")
}

/// The word by which JSON names a value of a closed list.
pub fn word(value: &impl Serialize) -> String {
    match engine_json::to_value(value) {
        Ok(engine_json::Value::String(word)) => word.into(),
        _ => String::new(),
    }
}

/// A value's text, empty where there is none.
pub fn text(value: Option<&impl ToString>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Cut;

    struct Texts(Vec<&'static str>);

    impl Listing for Texts {
        type Row = String;
        const NOUN: [&'static str; 2] = ["text", "texts"];
        const COLUMNS: &'static [Column<String>] = &[Column { title: "TEXT", cut: Cut::First, cell: Clone::clone }];
        const FIELDS: &'static [Field<String>] =
            &[Field { name: "text", value: Clone::clone }, Field { name: "bytes", value: |row| row.len().to_string() }];

        fn each(&mut self, with: &mut dyn FnMut(&String) -> Result<(), Stop>) -> Result<(), Stop> {
            self.0.iter().try_for_each(|text| with(&(*text).to_owned()))
        }
    }

    fn written(texts: &[&'static str], format: Format) -> String {
        let mut out = Vec::new();
        let surface = Surface { width: None, bold: false };
        let count = write(&mut Texts(texts.to_vec()), format, surface, &mut out).unwrap();
        assert_eq!(count, texts.len() as u64);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn csv_is_quoted_where_it_has_to_be_and_otherwise_exact() {
        let text = written(&["plain", " a,b ", "say \"hi\"", "two\nlines", "=1+1", ""], Format::Csv);
        let expected = "text,bytes\nplain,5\n\" a,b \",5\n\"say \"\"hi\"\"\",8\n\"two\nlines\",9\n=1+1,4\n,0\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn csv_without_rows_has_its_header() {
        assert_eq!(written(&[], Format::Csv), "text,bytes\n");
    }

    #[test]
    fn json_is_one_array_with_an_object_a_line() {
        assert_eq!(written(&["a", "b\n"], Format::Json), "[\n\"a\",\n\"b\\n\"\n]\n");
        assert_eq!(written(&[], Format::Json), "[]\n");
    }

    #[test]
    fn a_table_has_a_line_for_each_row() {
        assert_eq!(written(&["a", "b\n"], Format::Table), "TEXT\na\nb\\n\n");
    }

    #[test]
    fn a_pipe_that_closes_stops_the_walk() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for format in [Format::Table, Format::Json, Format::Csv] {
            let surface = Surface { width: None, bold: false };
            let stop = write(&mut Texts(vec!["a"]), format, surface, &mut Closed).unwrap_err();
            assert!(matches!(stop, Stop::Write(error) if error.kind() == io::ErrorKind::BrokenPipe));
        }
    }
}
