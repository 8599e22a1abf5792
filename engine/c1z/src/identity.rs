//! Ids and times as the file writes them.
//!
//! In: a time and sixteen random bytes, or a timestamp. Out: a KSUID, or the time text of the
//! file's date columns, and the way back.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Seconds between the Unix epoch and the KSUID epoch.
const KSUID_EPOCH: i64 = 1_400_000_000;
const KSUID_LENGTH: usize = 27;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The KSUID of a time and sixteen random bytes: 27 characters of base 62 that sort by time.
/// Times outside the years 2014 to 2150 are clamped to them.
pub fn ksuid(at: Timestamp, random: [u8; 16]) -> String {
    let seconds = (at.as_second() - KSUID_EPOCH).clamp(0, i64::from(u32::MAX));
    let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
    let mut number: Vec<u8> = seconds.to_be_bytes().into_iter().chain(random).collect();
    let mut digits = Vec::with_capacity(KSUID_LENGTH);
    for _ in 0..KSUID_LENGTH {
        let mut remainder = 0_u32;
        for byte in &mut number {
            let value = remainder * 256 + u32::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            remainder = value % 62;
        }
        let digit = usize::try_from(remainder).ok().and_then(|place| ALPHABET.get(place));
        digits.push(char::from(digit.copied().unwrap_or(b'0')));
    }
    digits.iter().rev().collect()
}

/// UTC wall-clock text: `YYYY-MM-DD HH:MM:SS`, then a dot and up to nine digits when there is a
/// fraction, trailing zeros cut. Readers compare these texts, so no other form may be mixed in.
pub(crate) fn time_text(at: Timestamp) -> String {
    let at = at.to_zoned(TimeZone::UTC).datetime();
    let mut text = format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        at.year(),
        at.month(),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    );
    if at.subsec_nanosecond() != 0 {
        let fraction = format!("{:09}", at.subsec_nanosecond());
        text.push('.');
        text.push_str(fraction.trim_end_matches('0'));
    }
    text
}

/// Reads a date column: the form of [`time_text`], RFC 3339, or date and time with a `T`. Text
/// without a zone is UTC.
pub(crate) fn read_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse::<Timestamp>()
        .ok()
        .or_else(|| text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_published_ksuid_comes_out() {
        let random = std::array::from_fn(|place| u8::try_from(place).unwrap());
        assert_eq!(ksuid(at("2023-11-14T22:13:20Z"), random), "2YBXZHqCjn9u9XPqNaTCk9OXKKF");
    }

    #[test]
    fn a_ksuid_has_27_characters_at_both_ends() {
        assert_eq!(ksuid(at("1970-01-01T00:00:00Z"), [0; 16]), "0".repeat(27));
        assert_eq!(ksuid(at("2200-01-01T00:00:00Z"), [255; 16]), "aWgEPTl1tmebfsQzFP4bxwgy80V");
    }

    #[test]
    fn times_have_no_zone_and_no_trailing_zeros() {
        assert_eq!(time_text(at("2026-11-21T20:45:43.650583Z")), "2026-11-21 20:45:43.650583");
        assert_eq!(time_text(at("2026-11-21T22:45:43+02:00")), "2026-11-21 20:45:43");
        assert_eq!(time_text(at("2026-01-02T03:04:05.1Z")), "2026-01-02 03:04:05.1");
    }

    #[test]
    fn every_accepted_form_of_a_time_is_read() {
        let expected = at("2026-11-21T20:45:43.5Z");
        for text in
            ["2026-11-21 20:45:43.5", "2026-11-21T20:45:43.5", "2026-11-21T20:45:43.5Z", "2026-11-21 22:45:43.5+02:00"]
        {
            assert_eq!(read_time(text), Some(expected), "{text}");
        }
        assert_eq!(read_time("yesterday"), None);
    }
}
