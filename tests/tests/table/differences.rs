//! What the lists lack and what they have too much, one line each.

use std::{collections::BTreeSet, fmt};

use serde_json::Value;

use crate::files;

/// The differences found so far.
#[derive(Default)]
pub struct Differences(BTreeSet<String>);

impl Differences {
    /// Adds a difference at a place: a file, and where in it.
    pub fn add(&mut self, place: &str, what: &str) {
        self.0.insert(format!("{place}: {what}"));
    }

    /// Compares a list with what it has to be.
    pub fn compare<F, E>(&mut self, place: &str, found: F, expected: E)
    where
        F: IntoIterator<Item: Into<String>>,
        E: IntoIterator<Item: Into<String>>,
    {
        let found: BTreeSet<String> = found.into_iter().map(Into::into).collect();
        let expected: BTreeSet<String> = expected.into_iter().map(Into::into).collect();
        for missing in expected.difference(&found) {
            self.add(place, &format!("`{missing}` is missing"));
        }
        for extra in found.difference(&expected) {
            self.add(place, &format!("`{extra}` is unexpected"));
        }
    }

    /// Returns the text of a file, or adds that it is missing.
    pub fn read(&mut self, path: &str) -> Option<String> {
        let text = files::read(path);
        if text.is_none() {
            self.add(path, "the file is missing");
        }
        text
    }

    /// Returns the YAML documents of a file, or adds that it is missing.
    pub fn yaml(&mut self, path: &str) -> Option<Vec<Value>> {
        let text = self.read(path)?;
        let documents = serde_saphyr::from_multiple(&text);
        Some(documents.unwrap_or_else(|error| panic!("{path}: {error}")))
    }

    /// Returns whether all lists agree.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
