//! The format's limits on texts and ids.
//!
//! In: texts as the vendor gave them. Out: texts cut to the limit at a character boundary, or an
//! error for ids, which must not be cut because they would then name something else.

use engine_model::StoreError;

use crate::failure::failed;

/// Longest id in bytes: of a resource type, a resource, an entitlement or a grant.
pub const ID_BYTES: usize = 1024;
/// Longest display name of a resource in bytes.
pub const NAME_BYTES: usize = 1024;
/// Longest description of a resource in bytes.
pub const DESCRIPTION_BYTES: usize = 2048;
/// Longest description of a resource type in bytes.
pub const TYPE_DESCRIPTION_BYTES: usize = 4096;
/// Longest status detail in bytes.
pub const DETAILS_BYTES: usize = 1024;

/// Checks that an id is neither empty nor longer than [`ID_BYTES`]. `what` names it in the error,
/// for example `the id of a resource of type team`.
pub fn check_id(what: &str, id: &str) -> Result<(), StoreError> {
    check_id_length(what, id, id.len())
}

/// The same for an id that is not put together yet; `start` is shown in the error.
pub(crate) fn check_id_length(what: &str, start: &str, length: usize) -> Result<(), StoreError> {
    if length == 0 {
        return Err(failed(
            "storing a record",
            format!("{what} is empty"),
            Some("the path in the spec must give a value that every row has"),
        ));
    }
    if length > ID_BYTES {
        return Err(failed(
            "storing a record",
            format!("{what} has {length} bytes, more than {ID_BYTES}: `{}…`", cut(start, 60)),
            Some("the path in the spec must give the vendor's id, not a text"),
        ));
    }
    Ok(())
}

/// The longest start of `text` that has at most `bytes` bytes and ends between two characters.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("aé", 3), "aé");
        assert_eq!(cut("héé", 4), "hé");
        assert_eq!(cut("short", 1024), "short");
    }

    #[test]
    fn a_long_id_is_refused_by_its_start() {
        let error = check_id("the id of a team", &"é".repeat(600)).unwrap_err();
        assert!(error.reason.contains("1200 bytes"), "{error}");
        assert!(error.reason.contains("`ééé"), "{error}");
        assert!(check_id("the id of a team", &"x".repeat(1024)).is_ok());
        assert!(check_id("the id of a team", "").is_err());
    }
}
