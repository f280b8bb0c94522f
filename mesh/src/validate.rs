//! Violations of a request, which reports all bad fields at once. The `convert` module of a service
//! collects them while it converts messages to domain types.

use std::fmt;

use tonic_types::ErrorDetails;
use uuid::Uuid;

/// Most violations that are reported one by one. A request may have many more bad fields than
/// anybody reads, and each is larger than the field.
const REPORTED_MAX: usize = 100;
/// Most paths of an update mask: more than any message has fields.
const MASK_PATHS_MAX: usize = 20;

/// The bad fields of one request. Empty: the request is valid.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Violations {
    reported: Vec<(String, String)>,
    /// Number of violations beyond [`REPORTED_MAX`].
    unreported: usize,
}

impl Violations {
    /// Creates an empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a violation: `field` as named in the contract, nested ones by a path such as
    /// `items[2].quantity`, and a `description` such as "must be …".
    pub fn add(&mut self, field: impl Into<String>, description: impl Into<String>) {
        if self.reported.len() < REPORTED_MAX {
            self.reported.push((field.into(), description.into()));
        } else {
            self.unreported += 1;
        }
    }

    /// Adds a violation unless `good`.
    pub fn require(&mut self, good: bool, field: &str, description: &str) {
        if !good {
            self.add(field, description);
        }
    }

    /// Returns a closure that adds violations of the message in `field`: of one of its own fields,
    /// or, for the empty name, of the message itself.
    pub fn under<'a>(&'a mut self, field: &'a str) -> impl FnMut(&str, String) + 'a {
        move |own, description| match own {
            "" => self.add(field, description),
            own => self.add(format!("{field}.{own}"), description),
        }
    }

    /// Returns the paths of an update mask, of which there must be 1 to 20.
    pub fn mask_paths(&mut self, field: &str, paths: Vec<String>) -> Vec<String> {
        let is_short = paths.len() <= MASK_PATHS_MAX;
        self.require(is_short, field, "must name at most 20 fields");
        self.require(!paths.is_empty(), field, "must name a field");
        if is_short { paths } else { Vec::new() }
    }

    /// Returns `value` trimmed, and requires `min` to `max` characters after that.
    pub fn text(&mut self, field: &str, value: &str, min: usize, max: usize) -> String {
        let text = value.trim();
        let characters = text.chars().count();
        if text.contains('\0') {
            self.add(field, "must not contain a NUL character");
        } else if !(min..=max).contains(&characters) {
            self.add(field, format!("must have {min} to {max} characters"));
        }
        text.to_owned()
    }

    /// Returns the UUID, or nil after a violation.
    pub fn uuid(&mut self, field: &str, value: &str) -> Uuid {
        Uuid::try_parse(value).unwrap_or_else(|_| {
            self.add(field, "must be a UUID");
            Uuid::nil()
        })
    }

    /// Returns the UUID if `value` is not empty.
    pub fn optional_uuid(&mut self, field: &str, value: &str) -> Option<Uuid> {
        (!value.is_empty()).then(|| self.uuid(field, value))
    }

    /// Returns whether there is no violation.
    pub fn is_empty(&self) -> bool {
        self.reported.is_empty()
    }

    /// Adds a `BadRequest` with each violation.
    pub(crate) fn describe(&self, details: &mut ErrorDetails) {
        for (field, description) in &self.reported {
            details.add_bad_request_violation(field, description);
        }
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (field, description)) in self.reported.iter().enumerate() {
            let separator = if i == 0 { "" } else { "; " };
            write!(f, "{separator}{field} {description}")?;
        }
        if self.unreported > 0 {
            write!(f, "; and {} more", self.unreported)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bad_fields_are_reported_at_once() {
        let mut violations = Violations::new();
        violations.text("name", "  ", 1, 5);
        violations.uuid("id", "7");
        let error = violations.finish(()).expect_err("two fields are bad");
        assert_eq!(error.to_string(), "name must have 1 to 5 characters; id must be a UUID");
    }

    #[test]
    fn a_million_bad_fields_are_reported_as_a_hundred_and_a_number() {
        let mut violations = Violations::new();
        for _ in 0..1_000_000 {
            violations.add("ids", "must be UUIDs");
        }
        assert_eq!(violations.reported.len(), 100);
        let mut details = ErrorDetails::new();
        violations.describe(&mut details);
        let reported = details.bad_request().map(|bad| bad.field_violations.len());
        assert_eq!(reported, Some(100));
        let error = violations.finish(()).expect_err("fields are bad");
        assert!(error.to_string().ends_with("; ids must be UUIDs; and 999900 more"));
    }

    #[test]
    fn a_mask_has_1_to_20_paths() {
        for (count, expected) in [
            (0, "mask must name a field"),
            (1, ""),
            (20, ""),
            (21, "mask must name at most 20 fields"),
            (100_000, "mask must name at most 20 fields"),
        ] {
            let mut violations = Violations::new();
            let paths = violations.mask_paths("mask", vec![String::new(); count]);
            assert_eq!(violations.to_string(), expected, "{count}");
            assert!(paths.len() <= 20, "{count}");
        }
    }

    #[test]
    fn length_counts_characters_after_trimming() {
        let mut violations = Violations::new();
        assert_eq!(violations.text("name", " Zoë ", 1, 3), "Zoë");
        assert!(violations.finish(()).is_ok());
    }
}
