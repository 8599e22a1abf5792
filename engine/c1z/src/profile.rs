//! Free attributes between plain JSON and the protobuf Struct.
//!
//! In: JSON objects. Out: Structs that every reader can show, and the way back. A Struct knows
//! only doubles, so integers beyond 2^53 become text; what is nested too deep for decoders
//! becomes its JSON text.

use std::collections::BTreeMap;
use std::convert::Infallible;

use engine_json::{Number, Value as Json};
use engine_model::Profile;
use engine_proto::{ListValue, NullValue, Struct, Value, value::Kind};

use crate::shape::{Attribute, Attributes};

/// Deepest nesting that is kept as structure. Decoders give up at 100 nested messages, and one
/// level of JSON is up to three of them.
pub(crate) const DEPTH: usize = 24;
/// Doubles hold every integer up to here.
const EXACT: i64 = 1 << 53;

/// The Struct of attributes.
pub(crate) fn to_struct(attributes: &Attributes<'_>) -> Struct {
    let mut fields = BTreeMap::new();
    let added: Result<(), Infallible> = attributes.each(&mut |name, attribute| {
        fields.insert(name.to_owned(), value(attribute));
        Ok(())
    });
    match added {
        Ok(()) => Struct { fields },
    }
}

/// The JSON object of a Struct. Whole numbers up to 2^53 come back as integers.
pub(crate) fn to_json(attributes: Struct) -> Profile {
    attributes.fields.into_iter().map(|(key, value)| (key, json(value))).collect()
}

fn value(attribute: Attribute<'_>) -> Value {
    let kind = match attribute {
        Attribute::Text(text) => Kind::StringValue(text.to_owned()),
        Attribute::Json(Json::Null, _) => Kind::NullValue(NullValue::NullValue.into()),
        Attribute::Json(Json::Bool(flag), _) => Kind::BoolValue(*flag),
        Attribute::Json(Json::Number(of), _) => match number(of) {
            Some(double) => Kind::NumberValue(double),
            None => Kind::StringValue(of.to_string()),
        },
        Attribute::Json(Json::String(text), _) => Kind::StringValue(text.as_str().to_owned()),
        Attribute::Json(deep @ (Json::Array(_) | Json::Object(_)), 0) => Kind::StringValue(deep.to_string()),
        Attribute::Json(Json::Array(items), depth) => Kind::ListValue(ListValue {
            values: items.iter().map(|item| value(Attribute::of(item, depth - 1))).collect(),
        }),
        Attribute::Json(Json::Object(members), depth) => {
            let field = |(name, member): (&String, &Json)| (name.clone(), value(Attribute::of(member, depth - 1)));
            Kind::StructValue(Struct { fields: members.iter().map(field).collect() })
        }
    };
    Value { kind: Some(kind) }
}

/// The double that holds a number exactly; nothing where there is none.
pub(crate) fn number(number: &Number) -> Option<f64> {
    let exact = match number.as_i64() {
        Some(integer) => (-EXACT..=EXACT).contains(&integer),
        None => number.is_f64(),
    };
    number.as_f64().filter(|double| exact && double.is_finite())
}

fn json(value: Value) -> Json {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Json::Null,
        Some(Kind::BoolValue(flag)) => Json::Bool(flag),
        // Not a number and infinity, which only a foreign file can hold, have no JSON form.
        Some(Kind::NumberValue(double)) => plain(double).map_or(Json::Null, Json::Number),
        Some(Kind::StringValue(text)) => Json::from(text),
        Some(Kind::StructValue(inner)) => Json::Object(to_json(inner)),
        Some(Kind::ListValue(list)) => Json::Array(list.values.into_iter().map(json).collect()),
    }
}

/// A double as JSON says it: whole ones up to 2^53 are integers. Nothing where it has no form.
pub(crate) fn plain(double: f64) -> Option<Number> {
    #[expect(clippy::cast_precision_loss, reason = "2^53 is exact as a double")]
    let limit = EXACT as f64;
    if double.fract() == 0.0 && double.abs() <= limit {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
        let integer = double as i64;
        return Some(integer.into());
    }
    Number::from_f64(double)
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine_json::json;
    use engine_proto::Message as _;

    fn there_and_back(value: Json) -> Json {
        let Json::Object(members) = value else { panic!("an object") };
        let bytes = to_struct(&Attributes::of(&members)).encode_to_vec();
        Json::Object(to_json(Struct::decode(bytes.as_slice()).unwrap()))
    }

    #[test]
    fn plain_values_come_back_as_they_were() {
        let value = json!({"a": null, "b": [1, -2.5, {"c": "d"}], "e": true, "f": {}, "g": 9007199254740992_i64});
        assert_eq!(there_and_back(value.clone()), value);
    }

    #[test]
    fn integers_that_a_double_cannot_hold_become_text() {
        let value = json!({"a": 9007199254740993_i64, "b": -9007199254740993_i64, "c": u64::MAX});
        let expected = json!({"a": "9007199254740993", "b": "-9007199254740993", "c": "18446744073709551615"});
        assert_eq!(there_and_back(value), expected);
    }

    #[test]
    fn every_value_has_a_member_and_numbers_are_finite() {
        let Json::Object(members) = json!({"a": null, "b": 1e300}) else { panic!("an object") };
        let attributes = to_struct(&Attributes::of(&members));
        assert!(attributes.fields.values().all(|value| value.kind.is_some()));
        assert_eq!(json(Value { kind: Some(Kind::NumberValue(f64::NAN)) }), Json::Null);
    }

    #[test]
    fn what_is_nested_too_deep_becomes_text_and_still_decodes() {
        let mut value = json!("end");
        for level in 0..120 {
            value = if level % 2 == 0 { json!({"in": value}) } else { json!([value]) };
        }
        let text = there_and_back(json!({"deep": value})).to_string();
        assert!(text.contains("\\\"end\\\""), "{text}");
    }
}
