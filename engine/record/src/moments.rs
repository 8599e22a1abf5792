//! Digits that are moments: seconds or milliseconds since 1970.
//!
//! In go names of members and parameters, digits, and texts of the graph; out comes whether a name
//! speaks of time, whether digits can be a moment, and which moment a text of the graph is.

use jiff::Timestamp;

/// Words with which the name of a moment ends: `created`, `joinedOn`, `expires_at`.
const LAST: &[&str] = &[
    "at",
    "on",
    "time",
    "times",
    "timestamp",
    "timestamps",
    "ts",
    "date",
    "dates",
    "datetime",
    "expires",
    "expiry",
    "expiration",
    "exp",
    "iat",
    "nbf",
    "created",
    "updated",
    "modified",
    "changed",
    "deleted",
    "last",
    "since",
    "until",
    "epoch",
    "unix",
    "seconds",
    "secs",
    "millis",
    "milliseconds",
    "ms",
];
/// Words with which it ends where it begins with `last`: `lastSeen`.
const AFTER_LAST: &[&str] =
    &["login", "logon", "signin", "seen", "used", "active", "activity", "access", "accessed", "sync"];

/// Whether the name of a member or parameter is that of a moment.
pub(crate) fn speaks_of_time(name: &str) -> bool {
    let words = words(name);
    let is_last = |known: &[&str]| words.last().is_some_and(|last| known.contains(&last.as_str()));
    let follows_last = words.iter().rev().nth(1).is_some_and(|word| word == "last");
    is_last(LAST) || words.first().is_some_and(|first| first == "last") && is_last(AFTER_LAST) && follows_last
}

/// The words of a name in lower case: `lastLogin` and `last_login` have two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        let begins = !c.is_alphabetic() || c.is_uppercase() && before.is_lowercase();
        if begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphabetic()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether digits can be a moment between 1998 and 2033.
pub(crate) fn is_moment(digits: &str) -> bool {
    let begins = |first: &str| {
        matches!(first, "09" | "10" | "11" | "12" | "13" | "14" | "15" | "16" | "17" | "18" | "19" | "20")
    };
    matches!(digits.len(), 10 | 13) && digits.bytes().all(|b| b.is_ascii_digit()) && digits.get(..2).is_some_and(begins)
}

/// The digits that a time of the graph may have been read from.
pub(crate) fn digits_of(text: &str) -> Vec<String> {
    let Ok(moment) = text.parse::<Timestamp>() else { return Vec::new() };
    let all = [moment.as_second().to_string(), moment.as_millisecond().to_string()];
    all.into_iter().filter(|digits| is_moment(digits)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_moments_are_told_from_names_of_numbers() {
        for name in [
            "at",
            "created",
            "createdAt",
            "created_at",
            "expires_on",
            "lastLogin",
            "last_login",
            "LAST-SEEN",
            "updateTime",
            "joinedOn",
            "since",
            "exp",
            "$date",
            "updatedTS",
        ] {
            assert!(speaks_of_time(name), "{name}");
        }
        for name in ["phone", "station", "login", "mobile", "id", "lastPhone", "category", "flat", "format", "seen", ""]
        {
            assert!(!speaks_of_time(name), "{name}");
        }
    }

    #[test]
    fn a_time_is_the_moment_that_it_was_read_from() {
        assert_eq!(digits_of("2025-01-01T00:00:00Z"), ["1735689600", "1735689600000"]);
        assert!(digits_of("1735689600").is_empty() && digits_of("Ada").is_empty());
    }
}
