//! The value: in go kinds and positions, out come its parts.

use std::ops;

use crate::{Map, Number, Text};

/// A JSON value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Value {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number: an integer of 64 bits, or a float.
    Number(Number),
    /// A text; up to 24 bytes of it lie in the value.
    String(Text),
    /// A list.
    Array(Vec<Value>),
    /// An object.
    Object(Map),
}

static NULL: Value = Value::Null;

/// What names a part of a value: the name of a member, or the place of an element.
pub trait Index {
    /// The part.
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value>;
    /// The part, to be changed.
    fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value>;
}

impl Index for str {
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        value.as_object()?.get(self)
    }

    fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        value.as_object_mut()?.get_mut(self)
    }
}

impl Index for String {
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.as_str().of(value)
    }

    fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        self.as_str().of_mut(value)
    }
}

impl Index for usize {
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        value.as_array()?.get(*self)
    }

    fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        value.as_array_mut()?.get_mut(*self)
    }
}

impl<I: Index + ?Sized> Index for &I {
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        (**self).of(value)
    }

    fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        (**self).of_mut(value)
    }
}

impl<I: Index> ops::Index<I> for Value {
    type Output = Value;

    /// The part, or null where there is none.
    fn index(&self, part: I) -> &Value {
        part.of(self).unwrap_or(&NULL)
    }
}

impl Value {
    /// A member by its name, or an element by its place.
    pub fn get(&self, part: impl Index) -> Option<&Value> {
        part.of(self)
    }

    /// A member by its name, or an element by its place, to be changed.
    pub fn get_mut(&mut self, part: impl Index) -> Option<&mut Value> {
        part.of_mut(self)
    }

    /// The part that a JSON Pointer (RFC 6901) leads to.
    pub fn pointer(&self, pointer: &str) -> Option<&Value> {
        let mut value = self;
        for step in steps(pointer)? {
            value = match value {
                Value::Object(members) => members.get(&step)?,
                Value::Array(items) => items.get(place(&step)?)?,
                _ => return None,
            };
        }
        Some(value)
    }

    /// The part that a JSON Pointer (RFC 6901) leads to, to be changed.
    pub fn pointer_mut(&mut self, pointer: &str) -> Option<&mut Value> {
        let mut value = self;
        for step in steps(pointer)? {
            value = match value {
                Value::Object(members) => members.get_mut(&step)?,
                Value::Array(items) => items.get_mut(place(&step)?)?,
                _ => return None,
            };
        }
        Some(value)
    }

    /// Takes the value away and leaves null.
    pub fn take(&mut self) -> Value {
        std::mem::take(self)
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Whether it is a boolean.
    pub fn is_boolean(&self) -> bool {
        matches!(self, Value::Bool(_))
    }

    /// Whether it is a number.
    pub fn is_number(&self) -> bool {
        matches!(self, Value::Number(_))
    }

    /// Whether it is a text.
    pub fn is_string(&self) -> bool {
        matches!(self, Value::String(_))
    }

    /// Whether it is a list.
    pub fn is_array(&self) -> bool {
        matches!(self, Value::Array(_))
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        matches!(self, Value::Object(_))
    }

    /// The boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, as a signed integer.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// The number, as an integer that is not negative.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Value::Number(number) => number.as_u64(),
            _ => None,
        }
    }

    /// The number, as a float.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Number(number) => number.as_f64(),
            _ => None,
        }
    }

    /// The text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// The list.
    pub fn as_array(&self) -> Option<&Vec<Value>> {
        match self {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The list, to be changed.
    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Value>> {
        match self {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The object.
    pub fn as_object(&self) -> Option<&Map> {
        match self {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The object, to be changed.
    pub fn as_object_mut(&mut self) -> Option<&mut Map> {
        match self {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }
}

/// The steps of a pointer; nothing where it is none.
fn steps(pointer: &str) -> Option<impl Iterator<Item = String>> {
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return None;
    }
    Some(pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")))
}

/// The place that a step names: decimal digits without a leading zero.
fn place(step: &str) -> Option<usize> {
    let is_plain = step == "0" || !step.starts_with(['0', '+']);
    is_plain.then(|| step.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use crate::{Value, json};

    #[test]
    fn a_value_takes_thirty_two_bytes() {
        assert_eq!(size_of::<Value>(), 32);
    }

    #[test]
    fn parts_are_found_by_name_place_and_pointer() {
        let mut value = json!({"a/b": [{"~": 1}, 2], "c": null});
        assert_eq!(value["a/b"][1], json!(2));
        assert_eq!(value.get("c"), Some(&Value::Null));
        assert_eq!(value.get("d"), None);
        assert_eq!(value["d"]["e"], Value::Null);
        assert_eq!(value.pointer("/a~1b/0/~0"), Some(&json!(1)));
        assert_eq!(value.pointer("/a~1b/00"), None);
        assert_eq!(value.pointer("a"), None);
        assert_eq!(value.pointer(""), Some(&value));
        *value.pointer_mut("/a~1b/1").unwrap() = json!("x");
        assert_eq!(value.to_string(), r#"{"a/b":[{"~":1},"x"],"c":null}"#);
    }
}
