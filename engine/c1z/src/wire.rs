//! Numbers, texts and keys as bytes, the way the ledger and the sheets hold them.
//!
//! In: values. Out: bytes behind each other, and the way back. A key's bytes sort the way the sealed
//! file does: by the number of the type, then text by text, each as UTF-8. What cannot be read back
//! is a damaged file, never a panic.

use std::borrow::Cow;

use engine_model::StoreError;

use crate::failure::failed;

/// Writes a number in groups of seven bits, the lowest first; small ones take one byte.
pub(crate) fn put_number(into: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        into.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

/// Writes bytes behind their length.
pub(crate) fn put_bytes(into: &mut Vec<u8>, bytes: &[u8]) {
    put_number(into, bytes.len() as u64);
    into.extend_from_slice(bytes);
}

/// Writes bytes that may be absent.
pub(crate) fn put_maybe(into: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => into.push(0),
        Some(bytes) => {
            into.push(1);
            put_bytes(into, bytes);
        }
    }
}

/// Begins a key, or a part of one, with the number of a resource type.
pub(crate) fn put_kind(key: &mut Vec<u8>, kind: u16) {
    key.extend_from_slice(&kind.to_be_bytes());
}

/// Adds a text to a key. Two zeros end it, which sort before anything that another text could go on
/// with; a zero inside is followed by 255.
pub(crate) fn put_part(key: &mut Vec<u8>, text: &str) {
    if text.as_bytes().contains(&0) {
        for byte in text.bytes() {
            key.push(byte);
            if byte == 0 {
                key.push(0xff);
            }
        }
    } else {
        key.extend_from_slice(text.as_bytes());
    }
    key.extend_from_slice(&[0, 0]);
}

/// Reads what was written, from the front.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'bytes> {
    rest: &'bytes [u8],
}

impl<'bytes> Fields<'bytes> {
    pub(crate) fn of(bytes: &'bytes [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read yet.
    pub(crate) fn rest(&self) -> &'bytes [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn number(&mut self) -> Result<u64, StoreError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (first, rest) = self.rest.split_first().ok_or_else(damaged)?;
            self.rest = rest;
            number |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(damaged())
    }

    /// A number that fits the type that is asked for.
    pub(crate) fn small<N: TryFrom<u64>>(&mut self) -> Result<N, StoreError> {
        N::try_from(self.number()?).map_err(|_| damaged())
    }

    /// As many bytes as asked for.
    pub(crate) fn take(&mut self, length: usize) -> Result<&'bytes [u8], StoreError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(damaged)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'bytes [u8], StoreError> {
        let length = self.small()?;
        self.take(length)
    }

    pub(crate) fn text(&mut self) -> Result<&'bytes str, StoreError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| damaged())
    }

    pub(crate) fn maybe_text(&mut self) -> Result<Option<&'bytes str>, StoreError> {
        match self.take(1)? {
            [0] => Ok(None),
            _ => self.text().map(Some),
        }
    }

    /// The number of a resource type, in a key.
    pub(crate) fn kind(&mut self) -> Result<u16, StoreError> {
        self.take(2)?.try_into().map(u16::from_be_bytes).map_err(|_| damaged())
    }

    /// A text of a key.
    pub(crate) fn part(&mut self) -> Result<Cow<'bytes, str>, StoreError> {
        let mut with_zeros: Option<Vec<u8>> = None;
        loop {
            let zero = self.rest.iter().position(|byte| *byte == 0).ok_or_else(damaged)?;
            let piece = self.take(zero)?;
            let ends = self.take(2)? == [0, 0];
            let text = match (&mut with_zeros, ends) {
                (None, true) => Cow::Borrowed(std::str::from_utf8(piece).map_err(|_| damaged())?),
                (whole, _) => {
                    let whole = whole.get_or_insert_default();
                    whole.extend_from_slice(piece);
                    if !ends {
                        whole.push(0);
                        continue;
                    }
                    Cow::Owned(String::from_utf8(std::mem::take(whole)).map_err(|_| damaged())?)
                }
            };
            return Ok(text);
        }
    }

    /// Passes over a text of a key.
    pub(crate) fn skip_part(&mut self) -> Result<(), StoreError> {
        loop {
            let zero = self.rest.iter().position(|byte| *byte == 0).ok_or_else(damaged)?;
            self.take(zero)?;
            if self.take(2)? == [0, 0] {
                return Ok(());
            }
        }
    }
}

/// A file of ours holds something that was never written.
pub(crate) fn damaged() -> StoreError {
    failed(
        "reading the working file",
        "its content is damaged",
        Some("the working file is damaged; delete it and run again"),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_sort_as_their_parts_do(
            one in (0_u16..3, "[\0\u{1}a\u{ff}é]{0,4}", "[\0\u{1}a\u{ff}é]{0,4}"),
            other in (0_u16..3, "[\0\u{1}a\u{ff}é]{0,4}", "[\0\u{1}a\u{ff}é]{0,4}"),
        ) {
            let key = |of: &(u16, String, String)| {
                let mut key = Vec::new();
                put_kind(&mut key, of.0);
                put_part(&mut key, &of.1);
                put_part(&mut key, &of.2);
                key
            };
            prop_assert_eq!(key(&one).cmp(&key(&other)), one.cmp(&other));
            let bytes = key(&one);
            let mut fields = Fields::of(&bytes);
            prop_assert_eq!(fields.kind().unwrap(), one.0);
            let mut skipping = fields;
            prop_assert_eq!(fields.part().unwrap().into_owned(), one.1);
            prop_assert_eq!(fields.part().unwrap().into_owned(), one.2);
            prop_assert!(fields.is_empty());
            skipping.skip_part().unwrap();
            skipping.skip_part().unwrap();
            prop_assert!(skipping.is_empty());
        }

        #[test]
        fn fields_come_back(number: u64, text in ".{0,200}", maybe in proptest::option::of(".{0,9}")) {
            let mut bytes = Vec::new();
            put_number(&mut bytes, number);
            put_bytes(&mut bytes, text.as_bytes());
            put_maybe(&mut bytes, maybe.as_deref().map(str::as_bytes));
            let mut fields = Fields::of(&bytes);
            prop_assert_eq!(fields.number().unwrap(), number);
            prop_assert_eq!(fields.text().unwrap(), text);
            prop_assert_eq!(fields.maybe_text().unwrap(), maybe.as_deref());
            prop_assert!(fields.is_empty());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let fields = Fields::of(&bytes);
            for read in [
                |mut of: Fields<'_>| of.number().is_ok(),
                |mut of: Fields<'_>| of.text().is_ok(),
                |mut of: Fields<'_>| of.maybe_text().is_ok(),
                |mut of: Fields<'_>| of.kind().is_ok(),
                |mut of: Fields<'_>| of.part().is_ok(),
                |mut of: Fields<'_>| of.skip_part().is_ok(),
            ] {
                read(fields);
            }
        }
    }
}
