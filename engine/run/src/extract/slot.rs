//! Slots of records: what a value must be to fill one.

use std::borrow::Cow;
use std::fmt;

use engine_json::Value as Json;
use engine_spec::plan::{Fault, FaultKind, Value, Witness};
use engine_spec::scope::Scope;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::tally::Recorder;

/// 0002-01-01T00:00:00Z: what lies before it means "none".
const YEAR_TWO: Timestamp = Timestamp::constant(-62_104_060_800, 0);

/// What slots of one row share.
pub(crate) struct Slots<'s> {
    /// Names and row.
    pub scope: &'s Scope<'s>,
    /// Watches paths and knows look-up tables.
    pub witness: &'s dyn Witness,
    /// Name of the list, for counts.
    pub list: &'s str,
}

impl<'s> Slots<'s> {
    /// A text that must be there: an id, a name.
    pub fn required_text(&self, value: &Value, slot: &str) -> Result<String, Fault> {
        self.required(value, slot).map(Cow::into_owned)
    }

    /// The same where it stands, for a text that may not be kept.
    pub fn required<'v>(&self, value: &'v Value, slot: &str) -> Result<Cow<'v, str>, Fault>
    where
        's: 'v,
    {
        value.text(self.scope, self.witness)?.ok_or_else(|| value.missing(slot))
    }

    /// A text that may be absent; a value that cannot be used is noted and left out.
    pub fn text(&self, value: Option<&Value>, slot: &str, recorder: &mut Recorder) -> Result<Option<String>, Fault> {
        Ok(self.found(value, slot, recorder)?.map(Cow::into_owned))
    }

    /// The same where it stands, for a text that is not kept.
    fn found<'v>(
        &self,
        value: Option<&'v Value>,
        slot: &str,
        recorder: &mut Recorder,
    ) -> Result<Option<Cow<'v, str>>, Fault>
    where
        's: 'v,
    {
        let Some(value) = value else { return Ok(None) };
        match value.text(self.scope, self.witness) {
            Ok(Some(text)) => Ok(Some(text)),
            Ok(None) if value.is_optional(true) => Ok(None),
            Ok(None) => Err(value.missing(slot)),
            Err(fault) => self.left_out(fault, slot, recorder).map(|()| None),
        }
    }

    /// The address of a page that may be absent; readers follow it, so anything but `https` is left out.
    pub fn page(&self, value: Option<&Value>, slot: &str, recorder: &mut Recorder) -> Result<Option<String>, Fault> {
        let Some(value) = value else { return Ok(None) };
        let Some(text) = self.text(Some(value), slot, recorder)? else { return Ok(None) };
        if text.starts_with("https://") {
            return Ok(Some(text));
        }
        let mut fault = value.broken("this is not an https page".to_owned());
        fault.sample = Some(text.chars().take(60).collect());
        recorder.unusable_value(self.list, slot, &fault);
        Ok(None)
    }

    /// A boolean that may be absent.
    pub fn boolean(&self, value: Option<&Value>, slot: &str, recorder: &mut Recorder) -> Result<Option<bool>, Fault> {
        let Some(value) = value else { return Ok(None) };
        match value.yields(self.scope, self.witness) {
            Ok(None) => Ok(None),
            Ok(Some(json)) => match json.as_ref() {
                Json::Null => Ok(None),
                Json::Bool(found) => Ok(Some(*found)),
                _ => self
                    .left_out(value.broken("a boolean was expected; `as: boolean` converts".to_owned()), slot, recorder)
                    .map(|()| None),
            },
            Err(fault) => self.left_out(fault, slot, recorder).map(|()| None),
        }
    }

    /// A time that may be absent. Times of the year 1 mean "none"; what is not a time is noted.
    pub fn time(&self, value: Option<&Value>, slot: &str, recorder: &mut Recorder) -> Result<Option<Timestamp>, Fault> {
        let Some(value) = value else { return Ok(None) };
        let Some(text) = self.found(Some(value), slot, recorder)? else { return Ok(None) };
        match parse_time(&text) {
            Some(time) if time < YEAR_TWO => Ok(None),
            Some(time) => Ok(Some(time)),
            None => {
                let mut fault = value
                    .broken("this is not a time (RFC 3339); epochs are converted with `as: unix_seconds`".to_owned());
                fault.sample = Some(text.chars().take(40).collect());
                recorder.unusable_value(self.list, slot, &fault);
                Ok(None)
            }
        }
    }

    /// Texts of several values; absent ones are left out.
    pub fn texts(&self, values: &[Value], slot: &str, recorder: &mut Recorder) -> Result<Vec<String>, Fault> {
        let mut texts: Vec<String> = Vec::new();
        for value in values {
            let list = match value.yields_all(self.scope, self.witness) {
                Ok(Some(list)) => list,
                Ok(None) => continue,
                Err(_) => {
                    texts.extend(self.text(Some(value), slot, recorder)?);
                    continue;
                }
            };
            for item in list {
                match value.text_of(item) {
                    Ok(text) => texts.extend(text.map(Cow::into_owned)),
                    Err(fault) => self.left_out(fault, slot, recorder)?,
                }
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        texts.retain(|text| seen.insert(text.clone()));
        Ok(texts)
    }

    /// Any JSON that may be absent: a profile attribute. Most of them are there, and none is named then.
    pub fn json(
        &self,
        value: &Value,
        slot: fmt::Arguments<'_>,
        recorder: &mut Recorder,
    ) -> Result<Option<Json>, Fault> {
        let found = match &value.kind {
            engine_spec::plan::ValueKind::Path(path, _) if !path.is_singular() => value
                .yields_all(self.scope, self.witness)
                .map(|list| list.map(|list| list.into_iter().map(Cow::into_owned).collect::<Json>())),
            _ => value.yields(self.scope, self.witness).map(|json| json.map(Cow::into_owned)),
        };
        let is_nothing = |json: &Json| match json {
            Json::Null => true,
            Json::String(text) => text.trim().is_empty() && !value.keep_blank,
            _ => false,
        };
        match found {
            Ok(found) => match found.filter(|json| !is_nothing(json)) {
                None if !value.is_optional(true) => Err(value.missing(&slot.to_string())),
                found => Ok(found),
            },
            Err(fault) => self.left_out(fault, &slot.to_string(), recorder).map(|()| None),
        }
    }

    /// A fault in an optional slot: noted, unless the row itself is to be left out or all stops.
    pub fn left_out(&self, fault: Fault, slot: &str, recorder: &mut Recorder) -> Result<(), Fault> {
        match fault.kind {
            FaultKind::Unknown => {
                recorder.unknown_value(self.list, slot, &fault);
                Ok(())
            }
            FaultKind::Broken | FaultKind::Dangling => {
                recorder.unusable_value(self.list, slot, &fault);
                Ok(())
            }
            FaultKind::Dropped | FaultKind::Stop => Err(fault),
        }
    }
}

/// RFC 3339, also with a space, without an offset (UTC), or a date alone.
pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    if let Ok(local) = text.parse::<DateTime>() {
        return local.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    }
    let date = text.parse::<Date>().ok()?;
    date.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_a_time_and_plain_dates_are_read() {
        let time = |text: &str| parse_time(text).map(|t| t.to_string());
        assert_eq!(time("2026-03-04T17:22:10.413911Z").as_deref(), Some("2026-03-04T17:22:10.413911Z"));
        assert_eq!(time("2026-03-04 17:22:10.413911+00:00").as_deref(), Some("2026-03-04T17:22:10.413911Z"));
        assert_eq!(time("2022-08-09 07:00:00+00:00").as_deref(), Some("2022-08-09T07:00:00Z"));
        assert_eq!(time("2022-08-09T07:00:00+0000").as_deref(), Some("2022-08-09T07:00:00Z"));
        assert_eq!(time("2022-08-09T07:00:00").as_deref(), Some("2022-08-09T07:00:00Z"));
        assert_eq!(time("2022-08-09").as_deref(), Some("2022-08-09T00:00:00Z"));
        assert_eq!(time("last week"), None);
    }

    #[test]
    fn the_year_two_begins_where_its_first_day_does() {
        assert_eq!(parse_time("0002-01-01T00:00:00Z"), Some(YEAR_TWO));
    }
}
