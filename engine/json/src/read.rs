//! Text to value: in go the events of a deserializer, out comes a value, built bottom-up.
//!
//! Members and elements wait on one stack until their object or list closes, which then takes exactly
//! the memory that it needs. The names of an object are compared with those of objects before it: rows
//! of one list mostly have the same ones, and share them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::{Map, Number, Text, Value};

/// How many shapes of objects are remembered while a text is read; each object is compared with them.
const SHAPES: usize = 32;

/// Reads a value, as `serde_json::from_slice` does.
pub fn from_slice(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    // Checked as a whole, UTF-8 costs less than text by text; where it is none, the library tells where.
    match std::str::from_utf8(bytes) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(bytes),
    }
}

/// What is known while one text is read.
#[derive(Default)]
struct Reading {
    /// The members of open objects, and the elements of open lists.
    values: Vec<Value>,
    /// The names of members of open objects, one behind the other.
    names: String,
    /// Where each of them ends.
    ends: Vec<usize>,
    /// The oldest one first; it gives way.
    shapes: VecDeque<Shape>,
}

/// Names that an object had.
struct Shape {
    /// As they came, one behind the other, and where each of them ends.
    came: String,
    ends: Vec<usize>,
    /// Sorted, without repetition.
    names: Arc<Vec<String>>,
    /// For each sorted name, which one it was as they came.
    order: Vec<usize>,
}

/// Where an open object begins on the stacks.
#[derive(Clone, Copy)]
struct Begin {
    values: usize,
    names: usize,
    ends: usize,
}

impl Shape {
    fn of(came: &str, ends: &[usize]) -> Self {
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let mut names: Vec<(&str, usize)> = starts
            .zip(ends)
            .enumerate()
            .map(|(number, (start, end))| (came.get(start..*end).unwrap_or_default(), number))
            .collect();
        names.sort_unstable();
        // Of members of one name the last one stays.
        names.reverse();
        names.dedup_by_key(|(name, _)| *name);
        names.reverse();
        Self {
            came: came.to_owned(),
            ends: ends.to_owned(),
            order: names.iter().map(|(_, number)| *number).collect(),
            names: Arc::new(names.into_iter().map(|(name, _)| name.to_owned()).collect()),
        }
    }

    /// The object of these members, as they came; they are taken.
    fn object(&self, members: &mut [Value]) -> Map {
        let taken = |number: &usize| members.get_mut(*number).map(std::mem::take).unwrap_or_default();
        Map::of(&self.names, self.order.iter().map(taken).collect())
    }
}

impl Reading {
    /// Reads the members of an object.
    fn members<'de, A: MapAccess<'de>>(&mut self, mut parts: A) -> Result<Map, A::Error> {
        let begin = self.begin();
        while parts.next_key_seed(Name(self))?.is_some() {
            parts.next_value_seed(Part(self))?;
        }
        Ok(self.object(begin))
    }

    /// Puts a value onto the stack. One that is made elsewhere and moved there costs more than what is read
    /// of it.
    fn put<E>(&mut self, value: Value) -> Result<(), E> {
        self.values.push(value);
        Ok(())
    }

    fn begin(&self) -> Begin {
        Begin { values: self.values.len(), names: self.names.len(), ends: self.ends.len() }
    }

    /// The object that began there.
    fn object(&mut self, begin: Begin) -> Map {
        if begin.ends == self.ends.len() {
            return Map::new();
        }
        let came = self.names.get(begin.names..).unwrap_or_default();
        // Ends as they would be if the object stood alone.
        let ends = self.ends.get_mut(begin.ends..).unwrap_or_default();
        ends.iter_mut().for_each(|end| *end -= begin.names);
        let members = self.values.get_mut(begin.values..).unwrap_or_default();
        let known = self.shapes.iter().find(|shape| shape.ends == ends && shape.came == came);
        let map = match known {
            Some(shape) => shape.object(members),
            None => {
                let shape = Shape::of(came, ends);
                let map = shape.object(members);
                if self.shapes.len() == SHAPES {
                    self.shapes.pop_front();
                }
                self.shapes.push_back(shape);
                map
            }
        };
        self.values.truncate(begin.values);
        self.names.truncate(begin.names);
        self.ends.truncate(begin.ends);
        map
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut reading = Reading::default();
        Part(&mut reading).deserialize(deserializer)?;
        Ok(reading.values.pop().unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Map {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

/// Reads an object and nothing else.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Map;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, parts: A) -> Result<Map, A::Error> {
        Reading::default().members(parts)
    }
}

/// Reads one value onto the stack.
struct Part<'r>(&'r mut Reading);

/// Reads the name of a member onto the stack.
struct Name<'r>(&'r mut Reading);

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<(), E> {
        self.0.names.push_str(name);
        self.0.ends.push(self.0.names.len());
        Ok(())
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any valid JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.put(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.0.put(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.0.put(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.0.put(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.0.put(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.0.put(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.put(Value::String(Text::new(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<(), A::Error> {
        let begin = self.0.values.len();
        while parts.next_element_seed(Part(self.0))?.is_some() {}
        let items = self.0.values.drain(begin..).collect();
        self.0.put(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, parts: A) -> Result<(), A::Error> {
        let members = self.0.members(parts)?;
        self.0.put(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::Value;

    #[test]
    fn of_members_of_one_name_the_last_one_stays() {
        let value: Value = serde_json::from_str(r#"{"b":1,"a":{"x":1,"x":2},"b":3,"a":{"x":4,"x":5}}"#).unwrap();
        assert_eq!(value.to_string(), r#"{"a":{"x":5},"b":3}"#);
    }

    #[test]
    fn a_list_takes_no_more_memory_than_its_elements() {
        let value: Value = serde_json::from_str(&format!("[{}]", "1,".repeat(1000) + "1")).unwrap();
        let items = value.as_array().unwrap();
        assert_eq!((items.len(), items.capacity()), (1001, 1001));
    }

    #[test]
    fn names_that_run_into_each_other_are_told_apart() {
        let value: Value = serde_json::from_str(r#"[{"ab":1,"c":2},{"a":1,"bc":2},{"":1,"abc":2},{}]"#).unwrap();
        assert_eq!(value.to_string(), r#"[{"ab":1,"c":2},{"a":1,"bc":2},{"":1,"abc":2},{}]"#);
    }

    #[test]
    fn more_shapes_than_are_remembered_are_read() {
        let rows: Vec<String> = (0..200).map(|n| format!(r#"{{"n{}":{n},"same":0}}"#, n % 70)).collect();
        let text = format!("[{}]", rows.join(","));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap().to_string(), text);
    }

    #[test]
    fn what_breaks_off_or_nests_too_deep_is_refused_as_the_library_refuses_it() {
        for text in ["{\"a\":[1,{\"b\":", "[1,]", &"[".repeat(200), "{\"a\":1}x"] {
            let ours = serde_json::from_str::<Value>(text).unwrap_err().to_string();
            assert_eq!(ours, serde_json::from_str::<serde_json::Value>(text).unwrap_err().to_string());
        }
    }

    #[test]
    fn what_is_no_utf8_is_refused_where_the_library_refuses_it() {
        for bytes in [b"[\"a\",\n\"\xff\"]".as_slice(), b"[1, \xff]", b"\xff", b"[\"\xc3\xbc\"]"] {
            let ours = super::from_slice(bytes).map_err(|error| error.to_string());
            assert_eq!(ours, serde_json::from_slice::<Value>(bytes).map_err(|error| error.to_string()));
        }
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<u64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            "\\PC{0,40}".prop_map(Into::into),
        ];
        leaf.prop_recursive(5, 60, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::btree_map("[a-c]{0,3}|\\PC{0,30}", inner, 0..6)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_text_is_read_and_written_as_the_library_does(theirs in any_json()) {
            let text = theirs.to_string();
            let ours: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(ours.to_string(), text.as_str());
            prop_assert_eq!(serde_json::to_string_pretty(&ours).unwrap(), serde_json::to_string_pretty(&theirs).unwrap());
            prop_assert_eq!(&Value::from(theirs.clone()), &ours);
            prop_assert_eq!(serde_json::Value::from(ours), theirs);
        }
    }
}
