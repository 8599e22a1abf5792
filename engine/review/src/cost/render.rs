//! The cost of a sync for people: a line for each list, the sum, what bounds it, and the places where
//! requests grow with rows.

use unicode_width::UnicodeWidthStr as _;

use super::{Cost, Repeated};

/// As text.
pub fn human(cost: &Cost) -> String {
    let mut text = String::new();
    let sizes: Vec<String> = cost.sizes.iter().map(|(name, size)| format!("{name} {}", grouped(*size))).collect();
    text.push_str(&format!("with {}\n\n", sizes.join(", ")));
    let rows: Vec<[String; 4]> = cost
        .lists
        .iter()
        .map(|list| [list.list.clone(), grouped(list.calls), list.formula.clone(), list.spec.clone()])
        .collect();
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    for [list, calls, formula, spec] in &rows {
        let pad = |cell: &str, width: usize| " ".repeat(width.saturating_sub(cell.width()));
        let [first, second, third] = widths;
        let line = format!(
            "{list}{}  {}{calls}  {formula}{}  {spec}",
            pad(list, first),
            pad(calls, second),
            pad(formula, third)
        );
        text.push_str(&format!("{}\n", line.trim_end()));
    }
    let calls = if cost.calls == 1 { "request" } else { "requests" };
    text.push_str(&format!(
        "\n{} {calls}, {} at least: {}\n",
        grouped(cost.calls),
        time(cost.least_milliseconds),
        cost.bound
    ));
    text.push_str(&repeated(cost));
    text.push_str("\nassumed:\n");
    for assumed in &cost.assumed {
        text.push_str(&format!("  {assumed}\n"));
    }
    text
}

/// The places where requests grow with rows, the most expensive first; advice once for all it is for.
fn repeated(cost: &Cost) -> String {
    let mut known: Vec<&Repeated> = cost.repeated.iter().collect();
    known.sort_by_key(|repeated| std::cmp::Reverse(repeated.calls));
    let mut advised: Vec<&str> = Vec::new();
    for repeated in &known {
        if !advised.contains(&repeated.instead.as_str()) {
            advised.push(&repeated.instead);
        }
    }
    let mut text = String::new();
    for advice in advised {
        text.push_str("\nN+1\n");
        for repeated in known.iter().filter(|repeated| repeated.instead == advice) {
            let Repeated { list, spec, each, times, calls, instead: _ } = repeated;
            let (times, calls) = (grouped(*times), grouped(*calls));
            text.push_str(&format!("  {list}: once for each {each}, {times} times, {calls} requests  {spec}\n"));
        }
        text.push_str(&format!("  hint: {advice}\n"));
    }
    text
}

/// `50,000`
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A time to two units.
fn time(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) => format!("{milliseconds} ms"),
        (0, 0, seconds) => format!("{seconds}.{} s", milliseconds % 1000 / 100),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_written_for_people() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 250, 1500, 61_000, 7_260_000].map(time), ["0 ms", "250 ms", "1.5 s", "1 min 1 s", "2 h 1 min"]);
    }
}
