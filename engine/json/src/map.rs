//! Objects: names and values of members, sorted by name. Objects that were read from one text and
//! have the same names share them; changing the members of one leaves the others as they are.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fmt, iter, slice, vec};

use crate::Value;

/// The members of an object, sorted by name.
#[derive(Clone, Default)]
pub struct Map {
    /// In order and without repetition, one for each value; nothing where there are none.
    names: Option<Arc<Vec<String>>>,
    values: Box<[Value]>,
}

/// Where a name was found last. Objects of one list mostly have a name in the same place: whoever asks
/// many of them for it looks there first.
#[derive(Debug, Default)]
pub struct Place(AtomicUsize);

impl Clone for Place {
    fn clone(&self) -> Self {
        Self(self.0.load(Ordering::Relaxed).into())
    }
}

/// The members of an object, in order.
pub type Iter<'m> = iter::Zip<slice::Iter<'m, String>, slice::Iter<'m, Value>>;

/// The members of an object, in order, given away.
pub type IntoIter = iter::Zip<vec::IntoIter<String>, vec::IntoIter<Value>>;

impl Map {
    /// An object without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// An object of names that are sorted and differ, and of as many values.
    pub(crate) fn of(names: &Arc<Vec<String>>, values: Box<[Value]>) -> Self {
        debug_assert_eq!(names.len(), values.len());
        Self { names: (!values.is_empty()).then(|| names.clone()), values }
    }

    /// An object of these members. Where their names are those of `other`, in order, it shares them.
    pub fn like(other: Option<&Self>, members: Vec<(&str, Value)>) -> Self {
        let shared = other.and_then(|other| other.names.as_ref());
        match shared.filter(|names| names.iter().eq(members.iter().map(|(name, _)| name))) {
            Some(names) => {
                // Not collected: that would take the place of the members and give part of it back.
                let mut values = Vec::with_capacity(members.len());
                values.extend(members.into_iter().map(|(_, value)| value));
                Self::of(names, values.into_boxed_slice())
            }
            None => members.into_iter().collect(),
        }
    }

    fn names(&self) -> &[String] {
        self.names.as_ref().map(|names| names.as_slice()).unwrap_or_default()
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.names().binary_search_by(|known| known.as_str().cmp(name))
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The member of a name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(self.place(name).ok()?)
    }

    /// The member of a name, looked for first where it was found last.
    pub fn get_near(&self, name: &str, last: &Place) -> Option<&Value> {
        let guess = last.0.load(Ordering::Relaxed);
        if self.names().get(guess).is_some_and(|known| known == name) {
            return self.values.get(guess);
        }
        let place = self.place(name).ok()?;
        last.0.store(place, Ordering::Relaxed);
        self.values.get(place)
    }

    /// The member of a name, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        let place = self.place(name).ok()?;
        self.values.get_mut(place)
    }

    /// Whether there is a member of a name.
    pub fn contains_key(&self, name: &str) -> bool {
        self.place(name).is_ok()
    }

    /// Puts a member in; the one that had the name before comes back.
    pub fn insert(&mut self, name: impl Into<String>, value: Value) -> Option<Value> {
        let name = name.into();
        match self.place(&name) {
            Ok(place) => self.values.get_mut(place).map(|known| std::mem::replace(known, value)),
            Err(place) => {
                self.put(place, name, value);
                None
            }
        }
    }

    fn put(&mut self, place: usize, name: String, value: Value) {
        Arc::make_mut(self.names.get_or_insert_default()).insert(place, name);
        let mut values = std::mem::take(&mut self.values).into_vec();
        values.insert(place, value);
        self.values = values.into_boxed_slice();
    }

    /// Takes a member out.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let place = self.place(name).ok()?;
        Arc::make_mut(self.names.as_mut()?).remove(place);
        let mut values = std::mem::take(&mut self.values).into_vec();
        let value = values.remove(place);
        self.values = values.into_boxed_slice();
        Some(value)
    }

    /// The member of a name, to be changed; null is put there first if there is none.
    pub fn get_or_null(&mut self, name: &str) -> Option<&mut Value> {
        let place = match self.place(name) {
            Ok(place) => place,
            Err(place) => {
                self.put(place, name.to_owned(), Value::Null);
                place
            }
        };
        self.values.get_mut(place)
    }

    /// Keeps the members for which a condition holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Value) -> bool) {
        let kept: Vec<bool> = self.iter_mut().map(|(name, value)| keep(name, value)).collect();
        if kept.iter().all(|is_kept| *is_kept) {
            return;
        }
        let members = std::mem::take(self).into_iter().zip(kept);
        *self = members.filter_map(|(member, is_kept)| is_kept.then_some(member)).collect();
    }

    /// Names and values.
    pub fn iter(&self) -> Iter<'_> {
        self.names().iter().zip(self.values.iter())
    }

    /// Names and values, these to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&String, &mut Value)> {
        let names = self.names.as_ref().map(|names| names.as_slice()).unwrap_or_default();
        names.iter().zip(self.values.iter_mut())
    }

    /// The names.
    pub fn keys(&self) -> slice::Iter<'_, String> {
        self.names().iter()
    }

    /// The values.
    pub fn values(&self) -> slice::Iter<'_, Value> {
        self.values.iter()
    }

    /// The values, to be changed.
    pub fn values_mut(&mut self) -> slice::IterMut<'_, Value> {
        self.values.iter_mut()
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        let are_shared = match (&self.names, &other.names) {
            (Some(one), Some(another)) => Arc::ptr_eq(one, another),
            _ => false,
        };
        (are_shared || self.names() == other.names()) && self.values == other.values
    }
}

impl Eq for Map {}

impl Hash for Map {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.names().hash(state);
        self.values.hash(state);
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

/// Of members of one name the last one stays.
impl<K: Into<String>> FromIterator<(K, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(members: I) -> Self {
        let mut members: Vec<(String, Value)> = members.into_iter().map(|(name, value)| (name.into(), value)).collect();
        // A stable sort keeps the order of members of one name.
        members.sort_by(|(one, _), (other, _)| one.cmp(other));
        members.reverse();
        members.dedup_by(|(one, _), (other, _)| one == other);
        members.reverse();
        let (names, values): (Vec<String>, Vec<Value>) = members.into_iter().unzip();
        Self::of(&Arc::new(names), values.into_boxed_slice())
    }
}

impl<K: Into<String>> Extend<(K, Value)> for Map {
    fn extend<I: IntoIterator<Item = (K, Value)>>(&mut self, members: I) {
        let before = std::mem::take(self).into_iter();
        *self = before.chain(members.into_iter().map(|(name, value)| (name.into(), value))).collect();
    }
}

impl IntoIterator for Map {
    type Item = (String, Value);
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        let names = self.names.map(Arc::unwrap_or_clone).unwrap_or_default();
        names.into_iter().zip(self.values.into_vec())
    }
}

impl<'m> IntoIterator for &'m Map {
    type Item = (&'m String, &'m Value);
    type IntoIter = Iter<'m>;

    fn into_iter(self) -> Iter<'m> {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::json;

    #[test]
    fn changing_an_object_leaves_those_alone_that_share_its_names() {
        let mut rows: Vec<Value> = serde_json::from_str(r#"[{"b":1,"a":2},{"b":3,"a":4}]"#).unwrap();
        let first = rows[0].as_object_mut().unwrap();
        first.insert("c", json!(5));
        first.remove("a");
        assert_eq!(rows, [json!({"b": 1, "c": 5}), json!({"a": 4, "b": 3})]);
    }

    #[test]
    fn an_object_like_another_shares_its_names_only_where_they_are_the_same() {
        let first = Map::like(None, vec![("b", json!(1)), ("a", json!(2))]);
        for names in [["a", "b"], ["b", "a"], ["a", "c"], ["a", "a"]] {
            let members: Vec<_> = names.iter().zip([json!(3), json!(4)]).map(|(name, value)| (*name, value)).collect();
            let second = Map::like(Some(&first), members.clone());
            assert_eq!(second, members.into_iter().collect());
            assert_eq!(second.keys().as_slice().as_ptr() == first.keys().as_slice().as_ptr(), names == ["a", "b"]);
        }
        assert_eq!(Map::like(Some(&first), Vec::new()), Map::new());
    }

    proptest! {
        #[test]
        fn it_behaves_as_a_sorted_map_does(
            steps in prop::collection::vec((0u8..5, "[a-d]{0,2}", any::<i64>()), 0..30),
        ) {
            let mut map = Map::new();
            let mut known: BTreeMap<String, Value> = BTreeMap::new();
            let last = Place::default();
            for (step, name, number) in steps {
                match step {
                    0 | 1 => prop_assert_eq!(map.insert(name.as_str(), number.into()), known.insert(name, number.into())),
                    2 => prop_assert_eq!(map.remove(&name), known.remove(&name)),
                    3 => {
                        prop_assert_eq!(map.get_or_null(&name), Some(known.entry(name).or_insert(Value::Null)));
                    }
                    _ => {
                        map.retain(|_, value| value.as_i64() < Some(number));
                        known.retain(|_, value| value.as_i64() < Some(number));
                    }
                }
                prop_assert!(map.iter().eq(known.iter()));
                prop_assert!(["", "a", "b", "ab", "d"].iter().all(|name| map.get_near(name, &last) == known.get(*name)));
                prop_assert_eq!(map.len(), known.len());
                prop_assert_eq!(&map, &known.clone().into_iter().collect::<Map>());
            }
        }

        #[test]
        fn of_members_of_one_name_the_last_one_stays(members in prop::collection::vec(("[ab]{0,2}", any::<i64>()), 0..9)) {
            let known: BTreeMap<String, Value> = members.iter().map(|(name, n)| (name.clone(), Value::from(*n))).collect();
            let map: Map = members.into_iter().map(|(name, n)| (name, Value::from(n))).collect();
            prop_assert!(map.iter().eq(known.iter()));
        }
    }
}
