//! The nearest right name, for messages.

/// The name of a closed list that is nearest to what was written, if one is near.
pub fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = written.to_lowercase();
    names
        .into_iter()
        .map(|name| {
            let distance = strsim::damerau_levenshtein(&folded, &name.to_lowercase());
            (distance, name.len().abs_diff(written.len()), name)
        })
        .filter(|(distance, _, name)| *distance <= (name.len().max(written.len()) / 3).max(1))
        .min()
        .map(|(_, _, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_names_are_suggested() {
        assert_eq!(nearest("itemz", ["items", "item", "entries"]), Some("items"));
        assert_eq!(nearest("Items", ["items"]), Some("items"));
        assert_eq!(nearest("xyz", ["items", "pages"]), None);
    }
}
