//! Made-up words, numbers and codes. In goes a piece of text that must not be seen, out comes
//! another of the same form. What comes out depends on how many were made before, and on nothing
//! in the piece but its form: nobody can reckon back.

use std::collections::BTreeSet;

const GIVEN: &[&str] = &[
    "ada", "bruno", "clara", "dario", "elena", "felix", "greta", "hugo", "ines", "jonas", "klara", "luca", "mira",
    "nils", "olga", "paolo", "romy", "silas", "tessa", "ugo", "vera", "wim", "yara", "zeno", "alma", "bjarne", "carla",
    "dora", "emil", "flora", "gustav", "hanna", "ivo", "jana", "karl", "lena", "milo", "nora", "otto", "petra",
];
const FAMILY: &[&str] = &[
    "amsel", "birk", "castor", "dahl", "ekholm", "falk", "gruber", "holm", "ibsen", "jung", "kern", "lind", "moser",
    "nyberg", "orlov", "pohl", "quist", "roth", "sand", "thal", "ulm", "vogt", "wald", "xanten", "yorck", "zander",
    "abel", "brandt", "cole", "dorn", "ebert", "frey", "graf", "hirsch", "isler", "jost", "kolb", "lorenz", "maas",
];
const WORDS: &[&str] = &[
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "island", "juniper", "kelp", "lagoon",
    "maple", "nectar", "ocean", "pebble", "quartz", "river", "spruce", "thistle", "umber", "valley", "willow",
    "yarrow", "zephyr", "acorn", "breeze", "clover", "dune", "echo", "fern", "glacier", "harvest", "iris", "jasper",
    "kestrel", "linden", "meadow", "nimbus", "orchid", "poplar", "quill", "reed", "sage", "tundra", "upland", "vine",
    "wren", "alder", "bramble", "coral", "drift", "elm", "flint", "garnet", "hazel", "ivy", "jade", "larch", "moss",
    "opal", "pine", "rowan", "slate", "teal", "basalt", "cove", "dale", "eddy", "foam", "gorse", "heath", "inlet",
    "knoll",
];
const CONSONANTS: &[u8] = b"bdfgklmnprstvz";
const VOWELS: &[u8] = b"aeiou";

/// What a word is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Use {
    Given,
    Family,
    Other,
}

/// Makes things up, each once.
#[derive(Clone, Default)]
pub(crate) struct Maker {
    taken: [usize; 3],
    steps: u64,
    /// What must not come out: what was made, and what stands in the originals.
    avoided: BTreeSet<String>,
}

impl Maker {
    /// Nothing that is made will be this.
    pub fn avoid(&mut self, text: &str) {
        self.avoided.insert(text.to_lowercase());
    }

    fn random(&mut self, below: usize) -> usize {
        // SplitMix64.
        self.steps = self.steps.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.steps;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % (below.max(1) as u64)).unwrap_or(0)
    }

    fn element(&mut self, of: &[u8]) -> char {
        let at = self.random(of.len());
        char::from(of.get(at).copied().unwrap_or(b'x'))
    }

    /// Takes what a function makes as soon as it is new. Where a form has too few texts, one comes
    /// that has been used.
    fn new_one(&mut self, make: &mut dyn FnMut(&mut Self) -> String) -> String {
        let mut made = make(self);
        for _ in 0..2000 {
            if self.avoided.insert(made.to_lowercase()) {
                break;
            }
            made = make(self);
        }
        made
    }

    /// A word in lower case without digits.
    pub fn word(&mut self, used_for: Use, length: usize) -> String {
        if length < 3 {
            return self.new_one(&mut |maker| (0..length).map(|_| maker.element(b"bcdfghjklmnpqrstvwxyz")).collect());
        }
        let (list, number) = match used_for {
            Use::Given => (GIVEN, 0),
            Use::Family => (FAMILY, 1),
            Use::Other => (WORDS, 2),
        };
        self.new_one(&mut |maker| {
            let at = maker.taken.get(number).copied().unwrap_or_default();
            if let Some(taken) = maker.taken.get_mut(number) {
                *taken += 1;
            }
            match list.get(at) {
                Some(word) => (*word).to_owned(),
                None => (0..3).flat_map(|_| [maker.element(CONSONANTS), maker.element(VOWELS)]).collect(),
            }
        })
    }

    /// Digits, as many as there were, that make no larger number than there was.
    pub fn digits(&mut self, original: &str) -> String {
        let first = original.bytes().next().unwrap_or(b'1');
        self.new_one(&mut |maker| {
            let mut made = String::new();
            for at in 0..original.len() {
                // A first digit that is not larger keeps numbers of 19 digits within their range.
                let digits: &[u8] = match (at, first) {
                    (0, b'0') => b"0",
                    (0, b'1') => b"1",
                    (0, _) => b"123456789".get(..usize::from(first - b'1')).unwrap_or(b"1"),
                    (1, b'1') if original.len() > 18 => b"0",
                    _ => b"0123456789",
                };
                made.push(maker.element(digits));
            }
            made
        })
    }

    /// Digits behind a point, as many as there were, and other ones. A nought at their end would go,
    /// and with it a digit.
    pub fn fraction(&mut self, original: &str) -> String {
        let mut made = original.to_owned();
        while made == original {
            made = (1..original.len()).map(|_| self.element(b"0123456789")).collect();
            made.push(self.element(b"123456789"));
        }
        made
    }

    /// A code with letters where there were letters, and digits where there were digits; at most so
    /// long.
    pub fn code(&mut self, original: &str, longest: usize) -> String {
        let is_hex = |c: char| c.is_ascii_hexdigit();
        let hex = original.chars().all(is_hex) && original.len() >= 6;
        self.new_one(&mut |maker| {
            let made = original.chars().take(longest).map(|c| match c {
                '0'..='9' => maker.element(b"0123456789"),
                'A'..='F' if hex => maker.element(b"ABCDEF"),
                'a'..='f' if hex => maker.element(b"abcdef"),
                c if c.is_uppercase() => maker.element(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
                _ => maker.element(b"abcdefghijklmnopqrstuvwxyz"),
            });
            made.collect()
        })
    }

    /// A UUID in the case of the original.
    pub fn uuid(&mut self, original: &str) -> String {
        let upper = original.chars().any(|c| c.is_ascii_uppercase());
        self.new_one(&mut |maker| {
            let made = original.char_indices().map(|(at, c)| match (at, c) {
                (_, '-') => '-',
                (14, _) => '4',
                (19, _) => maker.element(b"89ab"),
                _ => maker.element(b"0123456789abcdef"),
            });
            let made: String = made.collect();
            if upper { made.to_uppercase() } else { made }
        })
    }

    /// An address of the network that RFC 5737 sets aside for examples.
    pub fn address(&mut self) -> String {
        self.new_one(&mut |maker| format!("203.0.113.{}", 1 + maker.random(254)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_has_the_form_of_what_was_there_and_comes_once() {
        let mut maker = Maker::default();
        let made: Vec<String> = (0..500).map(|_| maker.word(Use::Given, 5)).collect();
        assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), 500);
        let code = maker.code("00u9k2LmNoPq3RsTu0x7", 40);
        assert!(code.len() == 20 && code.starts_with(|c: char| c.is_ascii_digit()), "{code}");
        assert!(code.chars().nth(6).is_some_and(|c| c.is_ascii_uppercase()), "{code}");
        assert_eq!(maker.uuid("B9F9F0DE-55A7-4F6C-9C5C-0C1F2D3E4A5B").to_uppercase().len(), 36);
    }

    #[test]
    fn a_number_stays_within_what_a_number_can_hold() {
        let mut maker = Maker::default();
        for original in ["9223372036854775807", "18446744073709551615", "10000000000000000001", "810044"] {
            let made = maker.digits(original);
            assert_eq!(made.len(), original.len());
            assert!(made.parse::<u64>().is_ok(), "{made}");
        }
    }

    #[test]
    fn nothing_is_made_that_is_to_be_avoided() {
        let mut maker = Maker::default();
        maker.avoid("Ada");
        assert_ne!(maker.word(Use::Given, 3), "ada");
    }
}
