//! The attributes of a log that was joined from several lines: all that its lines had.
//!
//! Most often all lines have the same, and then so has the log, to the byte. Where they differ, each name has every value that it had in
//! one of the lines, once: as it is where it is the only one, else in an array, in the order of the lines.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::json;
use super::members::push_member;

/// The attributes of the lines so far: JSON objects, each once, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct JoinedAttributes {
    objects: Vec<Rc<str>>,
    known: HashSet<Rc<str>>,
    bytes: usize,
}

impl JoinedAttributes {
    /// Adds a line's.
    pub(crate) fn add(&mut self, object: &str) {
        if !self.known.contains(object) {
            let object: Rc<str> = object.into();
            self.bytes += object.len();
            self.known.insert(Rc::clone(&object));
            self.objects.push(object);
        }
    }

    /// Whether there is nothing new in a line's.
    pub(crate) fn has(&self, object: &str) -> bool {
        self.known.contains(object)
    }

    /// How many bytes all together have.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// One object of all; `None` where no line had one. Takes time in proportion to the bytes.
    pub(crate) fn object(&self) -> Option<String> {
        let [first, _, ..] = self.objects.as_slice() else {
            return self.objects.first().map(|only| only.as_ref().to_owned());
        };
        let mut members: Vec<(&str, Vec<&str>)> = Vec::new();
        let mut places = HashMap::new();
        let mut seen = HashSet::new();
        for object in &self.objects {
            // They were put together from whole members, so the walk does not fail.
            let _ = json::each_member(object, |name, value| {
                let place = *places.entry(name).or_insert_with(|| {
                    members.push((name, Vec::new()));
                    members.len() - 1
                });
                if seen.insert((place, value))
                    && let Some((_, values)) = members.get_mut(place)
                {
                    values.push(value);
                }
            });
        }
        let mut joined = String::with_capacity(first.len().max(self.bytes));
        joined.push('{');
        for (name, values) in members {
            match values.as_slice() {
                [only] => push_member(&mut joined, name, only),
                several => push_member(&mut joined, name, &format!("[{}]", several.join(","))),
            }
        }
        joined.push('}');
        Some(joined)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn joined(objects: &[&str]) -> Option<String> {
        let mut all = JoinedAttributes::default();
        objects.iter().for_each(|object| all.add(object));
        all.object()
    }

    #[test]
    fn every_value_is_there_once() {
        for (objects, wanted) in [
            (&[][..], None),
            (&[r#"{ "a":1,"a":1.0 }"#][..], Some(r#"{ "a":1,"a":1.0 }"#)),
            (&[r#"{"a":1}"#, r#"{"a":1}"#], Some(r#"{"a":1}"#)),
            (&[r#"{"a":1,"b":2}"#, r#"{"b":2,"a":3}"#, r#"{"a":1,"c":{}}"#], Some(r#"{"a":[1,3],"b":2,"c":{}}"#)),
            (&[r#"{"a":[1]}"#, r#"{"a":"\ud83d"}"#], Some(r#"{"a":[[1],"\ud83d"]}"#)),
            (
                &[r#"{"a":1,"a":2}"#, r#"{"b":12345678901234567890123}"#],
                Some(r#"{"a":[1,2],"b":12345678901234567890123}"#),
            ),
            (&["{}", r#"{"a":1}"#], Some(r#"{"a":1}"#)),
        ] {
            assert_eq!(joined(objects).as_deref(), wanted);
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost(lines in proptest::collection::vec(proptest::collection::btree_map("[abc]", 0..4, 0..4), 1..8)) {
            let objects: Vec<String> = lines.iter().map(|line| serde_json::to_string(line).unwrap()).collect();
            let all = joined(&objects.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
            let all: HashMap<String, serde_json::Value> = serde_json::from_str(&all).unwrap();
            for (name, value) in lines.iter().flatten() {
                let found = &all[name];
                prop_assert!(*found == *value || found.as_array().unwrap().iter().filter(|found| *found == value).count() == 1);
            }
            prop_assert!(all.keys().all(|name| lines.iter().any(|line| line.contains_key(name))));
        }
    }
}
