//! Changes to inputs. In go an input, others like it, and words that mean something to the reader;
//! out comes an input of which most is as before, so that it gets past the first check.

use crate::random::Random;

/// What kind of input it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Lines of text: specs, cases, headers, JSON.
    Text,
    /// Pages of 512 bytes: databases.
    Pages,
}

/// The longest input that is made.
const LONGEST: usize = 1 << 18;

/// Words and signs that readers of texts care about.
const WORDS: &[&str] = &[
    "$",
    "$..",
    "$..*",
    "$.a[?@.b == 'c']",
    "[*]",
    "[-1]",
    "[0:9223372036854775807]",
    "{{ row.id }}",
    "{{",
    "}}",
    "{% if x %}",
    "row.a | replace('', row.a)",
    "row.a ~ row.b",
    "not ",
    " is same_id(row.id)",
    "(?i)a+b*$",
    "null",
    "~",
    "true",
    ".inf",
    ".nan",
    "-9223372036854775808",
    "18446744073709551616",
    "1e400",
    "0x7f",
    "-0",
    "&a [*a]",
    "*a",
    "<<: *a",
    "!!binary x",
    "--- ",
    "? [a]\n: b",
    "|\n  ",
    ">-\n",
    "\t",
    "\u{feff}",
    "\u{202e}",
    "\u{0}",
    "é",
    "\u{1f469}\u{200d}\u{1f680}",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "[]",
    "{}",
    "{\"\":{}}",
    "[[[[[[[[",
    "]",
    "}",
    ",",
    ":",
    "\r\n",
    "\n",
    "https://me@evil.example:99999/..%2f",
    "//evil.example",
    "http://[::1]:1/",
    "SERVER/next",
    "file:///etc/passwd",
    "<https://api.example/u?page=2>; rel=\"next\"",
    "; rel=next, <",
    "\\\"",
    "169.254.169.254",
    "%2e%2e/",
    "../",
    "Retry-After: 99999999999999999999",
    "X-RateLimit-Reset: -1",
    "500",
    "204",
];

/// An input like another one, with a few changes.
pub fn mutate(input: &[u8], others: &[Vec<u8>], form: Form, random: &mut Random) -> Vec<u8> {
    let mut changed = input.to_vec();
    for _ in 0..=random.below(4) {
        match form {
            Form::Text if random.below(3) > 0 => change_text(&mut changed, others, random),
            Form::Pages if random.below(2) > 0 => change_pages(&mut changed, random),
            _ => change_bytes(&mut changed, others, random),
        }
    }
    changed.truncate(LONGEST.max(input.len()));
    changed
}

fn change_bytes(input: &mut Vec<u8>, others: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len());
    match random.below(8) {
        0 => put(input, at, &[random.number().to_le_bytes()[0]]),
        1 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        2 => drop(input.drain(at..range_end(input.len(), at, random))),
        3 => {
            let piece = input.get(at..range_end(input.len(), at, random)).unwrap_or_default().to_vec();
            insert(input, at, &piece.repeat(1 + random.below(8)));
        }
        4 => input.truncate(at),
        5 => {
            let number = random.pick(&[0_u32, 1, 0x7f, 0x80, 0xff, 0x7fff_ffff, 0x8000_0000, u32::MAX]);
            put(input, at, &number.copied().unwrap_or_default().to_be_bytes());
        }
        6 => {
            let other = random.pick(others).cloned().unwrap_or_default();
            let from = random.below(other.len());
            let piece = other.get(from..range_end(other.len(), from, random)).unwrap_or_default().to_vec();
            insert(input, at, &piece);
        }
        _ => insert(input, at, random.pick(WORDS).map_or(b"".as_slice(), |word| word.as_bytes())),
    }
}

fn change_text(input: &mut Vec<u8>, others: &[Vec<u8>], random: &mut Random) {
    let text = String::from_utf8_lossy(input).into_owned();
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let at = random.below(lines.len());
    match random.below(8) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines.get(at).cloned().unwrap_or_default()),
        2 => {
            let other = random.below(lines.len());
            lines.swap(at, other);
        }
        3 => {
            let other =
                random.pick(others).map(|other| String::from_utf8_lossy(other).into_owned()).unwrap_or_default();
            let theirs: Vec<&str> = other.split('\n').collect();
            lines.insert(at, random.pick(&theirs).copied().unwrap_or_default().to_owned());
        }
        4 => edit(&mut lines, at, |line| format!("{}{}", " ".repeat(random.below(12)), line.trim_start())),
        5 => edit(&mut lines, at, |line| match line.split_once(": ") {
            Some((key, _)) => format!("{key}: {}", random.pick(WORDS).copied().unwrap_or_default()),
            None => line.to_owned(),
        }),
        6 => edit(&mut lines, at, |line| replace_word(line, random)),
        _ => {
            // One value in place of another one, as in a JSON document on one line.
            *input = replace_word(&text, random).into_bytes();
            return;
        }
    }
    *input = lines.join("\n").into_bytes();
}

fn edit(lines: &mut [String], at: usize, change: impl FnOnce(&str) -> String) {
    if let Some(line) = lines.get_mut(at) {
        *line = change(line);
    }
}

/// The text with one of its words in place of which another one stands.
fn replace_word(text: &str, random: &mut Random) -> String {
    let words: Vec<(usize, &str)> = text
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
        .collect();
    let Some((at, word)) = random.pick(&words).copied() else { return text.to_owned() };
    let (before, after) = (text.get(..at).unwrap_or_default(), text.get(at + word.len()..).unwrap_or_default());
    let other = match random.below(2) {
        0 => random.pick(WORDS).copied(),
        _ => random.pick(&words).map(|(_, word)| *word),
    };
    format!("{before}{}{after}", other.unwrap_or_default())
}

fn change_pages(input: &mut [u8], random: &mut Random) {
    const PAGE: usize = 512;
    let pages = input.len() / PAGE;
    let page = random.below(pages) * PAGE;
    match random.below(5) {
        0 => {
            let from = random.below(pages) * PAGE;
            let piece = input.get(from..from + PAGE).unwrap_or_default().to_vec();
            put(input, page, &piece);
        }
        // The head of a page: kind, free block, number of cells, start of content, rightmost child.
        1 => {
            let bytes = random.number().to_le_bytes();
            put(input, page + random.below(12), bytes.get(..1 + random.below(4)).unwrap_or_default());
        }
        // A number of a page, as pointers to children and to overflowing content are.
        2 => {
            let number = u32::try_from(random.below(pages + 2)).unwrap_or(0);
            put(input, page + random.below(PAGE), &number.to_be_bytes());
        }
        3 => put(input, page, &[*random.pick(&[0_u8, 2, 5, 10, 13]).unwrap_or(&0)]),
        _ => {
            let bytes = random.number().to_be_bytes();
            put(input, page + random.below(PAGE), bytes.get(..1 + random.below(8)).unwrap_or_default());
        }
    }
}

fn put(input: &mut [u8], at: usize, bytes: &[u8]) {
    for (place, byte) in input.iter_mut().skip(at).zip(bytes) {
        *place = *byte;
    }
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let at = at.min(input.len());
    input.splice(at..at, bytes.iter().copied());
}

fn range_end(length: usize, at: usize, random: &mut Random) -> usize {
    let longest = match random.below(4) {
        0 => 1,
        1 => 16,
        2 => 256,
        _ => 4096,
    };
    (at + 1 + random.below(longest)).min(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_can_be_changed_and_most_of_it_stays() {
        let mut random = Random::new(1);
        let seed = b"format: 1\nid: acme\nname: Acme\n".to_vec();
        let others = [seed.clone(), vec![0; 1024]];
        let mut changed = 0;
        for round in 0..2_000 {
            let form = if round % 2 == 0 { Form::Text } else { Form::Pages };
            for input in [&seed[..], b"", &[0; 1024], &[0xff; 3]] {
                let other = mutate(input, &others, form, &mut random);
                changed += usize::from(other != input);
            }
        }
        assert!(changed > 6_000, "{changed}");
    }
}
