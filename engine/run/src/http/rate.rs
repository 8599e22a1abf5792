//! Rate headers: in go an answer's headers and what the spec says about them, out comes how long to
//! wait.
//!
//! A spec may pin header and unit. Otherwise the usual headers are read: `Retry-After`,
//! `RateLimit` (the drafts of the HTTPAPI group, both forms), and `…-Remaining` with `…-Reset`
//! under the usual prefixes. The unit of a bare number is told by its size:
//!
//! | number | meaning |
//! | --- | --- |
//! | from 10^12 | milliseconds since 1970 |
//! | from 10^9 | seconds since 1970 |
//! | below | seconds from now |
//!
//! `2m30s` and `250ms` are times from now; dates are RFC 3339 or RFC 9110 (5.6.7, its old forms
//! included). Moments are compared with the answer's own `Date`, so that a wrong clock on this
//! machine does no harm.

use std::time::{Duration, SystemTime};

use engine_spec::document::client::ResetForm;
use engine_spec::plan::RateLimit;
use jiff::Timestamp;

use super::answer::Headers;

/// What vendors put before `remaining`, `reset` and `limit`.
const PREFIXES: [&str; 4] = ["ratelimit-", "x-ratelimit-", "x-rate-limit-", "x-ratelimit-requests-"];

/// How long to wait after an answer that says "too fast"; nothing where it does not say.
pub(crate) fn reset(headers: &Headers, rule: &RateLimit, now: Timestamp) -> Option<Duration> {
    let now = own_date(headers).unwrap_or(now);
    if let Some((header, form)) = &rule.reset
        && let Some(wait) = headers.get(header).and_then(|value| pinned(value, *form, now))
    {
        return Some(wait);
    }
    retry_after(headers, now).or_else(|| usual_reset(headers, now))
}

/// `Retry-After` (RFC 9110, 10.2.3), in seconds or as a date, and its sibling in milliseconds.
pub(crate) fn retry_after(headers: &Headers, now: Timestamp) -> Option<Duration> {
    let now = own_date(headers).unwrap_or(now);
    let milliseconds = headers.get("retry-after-ms").and_then(|value| pinned(value, ResetForm::Milliseconds, now));
    milliseconds.or_else(|| headers.get("retry-after").and_then(|value| guessed(value, now)))
}

/// How long the next request should wait after an answer that was fine, but the last one allowed.
pub(crate) fn exhausted(headers: &Headers, rule: &RateLimit, now: Timestamp) -> Option<Duration> {
    let own = rule.remaining.as_deref().and_then(|name| headers.get(name));
    let is_last = match own {
        Some(value) => is_zero(value),
        None => {
            PREFIXES.iter().any(|prefix| headers.get(&format!("{prefix}remaining")).is_some_and(is_zero))
                || draft(headers).is_some()
        }
    };
    if is_last { reset(headers, rule, now) } else { None }
}

/// The reset of the usual headers.
fn usual_reset(headers: &Headers, now: Timestamp) -> Option<Duration> {
    if let Some(wait) = draft(headers) {
        return Some(wait);
    }
    // With several families in one answer, those whose budget is used up say when it is over.
    let mut waits: Vec<(bool, Duration)> = Vec::new();
    for prefix in PREFIXES {
        let is_last = headers.get(&format!("{prefix}remaining")).is_some_and(is_zero);
        let milliseconds =
            headers.get(&format!("{prefix}reset-ms")).and_then(|value| pinned(value, ResetForm::Milliseconds, now));
        let wait = milliseconds
            .or_else(|| headers.get(&format!("{prefix}reset-after")).and_then(|value| guessed(value, now)))
            .or_else(|| headers.get(&format!("{prefix}reset")).and_then(|value| guessed(value, now)))
            .or_else(|| headers.get(&format!("{prefix}limit")).and_then(window));
        waits.extend(wait.map(|wait| (is_last, wait)));
    }
    let last = waits.iter().filter(|(is_last, _)| *is_last).map(|(_, wait)| *wait).max();
    last.or_else(|| waits.into_iter().map(|(_, wait)| wait).max())
}

/// `RateLimit: limit=100, remaining=0, reset=30` (drafts to 07) and `"default";r=0;t=30` (later
/// drafts), where nothing remains.
fn draft(headers: &Headers) -> Option<Duration> {
    let mut longest = None;
    for value in headers.all("ratelimit") {
        let is_list_of_parameters = value.contains("remaining=");
        let policies: Vec<&str> = if is_list_of_parameters { vec![value] } else { value.split(',').collect() };
        for policy in policies {
            let field = |names: [&str; 2]| {
                policy
                    .split([';', ','])
                    .filter_map(|part| part.split_once('='))
                    .find(|(name, _)| names.contains(&name.trim()))
                    .map(|(_, value)| value.trim())
            };
            let is_last = field(["r", "remaining"]).is_some_and(is_zero);
            let wait = field(["t", "reset"]).and_then(|value| value.parse().ok()).map(Duration::from_secs);
            if is_last {
                longest = longest.max(wait);
            }
        }
    }
    longest
}

/// The window of a weighted limit, `500;w=60`.
fn window(limit: &str) -> Option<Duration> {
    let windows = limit.split([';', ',']).filter_map(|part| part.trim().strip_prefix("w="));
    windows.filter_map(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs).max()
}

/// A value whose form the spec has pinned. A moment that has passed is no wait at all.
fn pinned(value: &str, form: ResetForm, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    match form {
        ResetForm::Seconds => duration(number(value)?),
        ResetForm::Milliseconds => duration(number(value)? / 1000.0),
        ResetForm::UnixSeconds => Some(until(moment(number(value)?)?, now)),
        ResetForm::UnixMilliseconds => Some(until(moment(number(value)? / 1000.0)?, now)),
        ResetForm::Date => Some(until(date(value)?, now)),
    }
}

/// A value whose form shows in itself; see the table above.
fn guessed(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    match number(value.split([';', ',']).next().unwrap_or(value)) {
        Some(number) if number >= 1e12 => Some(until(moment(number / 1000.0)?, now)),
        Some(number) if number >= 1e9 => Some(until(moment(number)?, now)),
        Some(number) => duration(number),
        None => units(value).or_else(|| date(value).map(|date| until(date, now))),
    }
}

fn is_zero(value: &str) -> bool {
    value.split([';', ',']).next().and_then(number).is_some_and(|left| left <= 0.0)
}

fn number(value: &str) -> Option<f64> {
    let value = value.trim();
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    if is_number { value.parse().ok() } else { None }
}

fn duration(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds.max(0.0)).ok()
}

fn moment(seconds: f64) -> Option<Timestamp> {
    let since = Duration::try_from_secs_f64(seconds).ok()?;
    Timestamp::UNIX_EPOCH.checked_add(since).ok()
}

fn until(moment: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(moment.duration_since(now)).unwrap_or(Duration::ZERO)
}

/// A date of RFC 3339 or RFC 9110, 5.6.7.
fn date(value: &str) -> Option<Timestamp> {
    let http = || {
        let parsed = httpdate::parse_http_date(value).ok()?;
        let since = parsed.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Timestamp::UNIX_EPOCH.checked_add(since).ok()
    };
    value.parse().ok().or_else(http)
}

/// The answer's own clock.
fn own_date(headers: &Headers) -> Option<Timestamp> {
    headers.get("date").and_then(date)
}

/// `1h2m3.5s`, `250ms`.
fn units(value: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = value;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (amount, after) = rest.split_at(digits);
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, behind) = after.split_at(letters);
        let seconds = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            _ => return None,
        };
        total = total.checked_add(duration(amount.parse::<f64>().ok()? * seconds)?)?;
        rest = behind;
    }
    (!value.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    fn headers(fields: &[(&str, &str)]) -> Headers {
        Headers::new(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    fn wait(fields: &[(&str, &str)]) -> Option<Duration> {
        reset(&headers(fields), &RateLimit::default(), now())
    }

    fn seconds(seconds: u64) -> Option<Duration> {
        Some(Duration::from_secs(seconds))
    }

    #[test]
    fn every_usual_form_is_understood() {
        for (name, value, expected) in [
            ("retry-after", "30", seconds(30)),
            ("retry-after", "1.5", Some(Duration::from_millis(1500))),
            ("retry-after", "Sat, 21 Nov 2026 12:00:30 GMT", seconds(30)),
            ("retry-after", "Saturday, 21-Nov-26 12:00:30 GMT", seconds(30)),
            ("retry-after", "2026-11-21T12:00:30Z", seconds(30)),
            ("retry-after", "Sat, 21 Nov 2026 11:00:00 GMT", seconds(0)),
            ("retry-after", "soon", None),
            ("retry-after-ms", "250", Some(Duration::from_millis(250))),
            ("x-ratelimit-reset", "1795262430", seconds(30)),
            ("x-ratelimit-reset", "1795262430000", seconds(30)),
            ("x-ratelimit-reset", "30", seconds(30)),
            ("x-ratelimit-reset", "2m30s", seconds(150)),
            ("x-ratelimit-reset", "2026-11-21 12:00:30Z", seconds(30)),
            ("x-ratelimit-reset", "30;w=60", seconds(30)),
            ("x-rate-limit-reset", "1795262430", seconds(30)),
            ("ratelimit-reset", "30", seconds(30)),
            ("x-ratelimit-requests-reset", "1795262430000", seconds(30)),
            ("x-ratelimit-limit", "500;w=60", seconds(60)),
            ("ratelimit", "limit=100, remaining=0, reset=30", seconds(30)),
            ("ratelimit", "\"burst\";r=10;t=5, \"daily\";r=0;t=30", seconds(30)),
            ("ratelimit", "\"default\";r=10;t=30", None),
        ] {
            assert_eq!(wait(&[(name, value)]), expected, "{name}: {value}");
        }
        assert_eq!(wait(&[]), None);
    }

    #[test]
    fn retry_after_is_asked_first_and_the_used_up_budget_before_others() {
        assert_eq!(wait(&[("x-ratelimit-reset", "90"), ("retry-after", "5")]), seconds(5));
        let two = [
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "7"),
            ("ratelimit-remaining", "12"),
            ("ratelimit-reset", "60"),
        ];
        assert_eq!(wait(&two), seconds(7));
    }

    #[test]
    fn the_answers_own_clock_is_the_one_that_counts() {
        let fields = [("date", "Sat, 21 Nov 2026 12:10:00 GMT"), ("x-ratelimit-reset", "1795263030")];
        assert_eq!(wait(&fields), seconds(30));
    }

    #[test]
    fn a_pinned_header_and_unit_are_believed() {
        let pinned = |form, value: &str| {
            let rule = RateLimit { reset: Some(("x-reset".into(), form)), ..RateLimit::default() };
            reset(&headers(&[("x-reset", value)]), &rule, now())
        };
        assert_eq!(pinned(ResetForm::Milliseconds, "30000"), seconds(30));
        assert_eq!(pinned(ResetForm::Seconds, "30"), seconds(30));
        assert_eq!(pinned(ResetForm::UnixSeconds, "1795262430"), seconds(30));
        assert_eq!(pinned(ResetForm::UnixMilliseconds, "1795262430000"), seconds(30));
        assert_eq!(pinned(ResetForm::Date, "2026-11-21T12:00:30Z"), seconds(30));
    }

    #[test]
    fn the_last_allowed_request_is_noticed() {
        let exhausted = |fields: &[(&str, &str)]| exhausted(&headers(fields), &RateLimit::default(), now());
        assert_eq!(exhausted(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "30")]), seconds(30));
        assert_eq!(exhausted(&[("x-ratelimit-remaining", "1"), ("x-ratelimit-reset", "30")]), None);
        assert_eq!(exhausted(&[("x-ratelimit-remaining", "0")]), None);
        assert_eq!(exhausted(&[("ratelimit", "\"d\";r=0;t=9")]), seconds(9));
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(name in "(retry-after|ratelimit|x-ratelimit-reset|x-ratelimit-limit)", value in "\\PC{0,40}") {
            let _ = wait(&[(name.as_str(), value.as_str())]);
        }

        #[test]
        fn no_number_makes_it_panic(value in "[0-9.-]{0,40}") {
            let _ = wait(&[("retry-after", value.as_str())]);
        }
    }
}
