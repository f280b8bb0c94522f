//! Violations of a request, which reports all bad fields at once. The `convert` module of a service
//! collects them while it converts messages to domain types.

use std::fmt;

use tonic_types::ErrorDetails;
use uuid::Uuid;

/// The bad fields of one request. Empty: the request is valid.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Violations(Vec<(String, String)>);

impl Violations {
    /// Creates an empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a violation: `field` as named in the contract, nested ones by a path such as
    /// `items[2].quantity`, and a `description` such as "must be …".
    pub fn add(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.0.push((field.into(), description.into()));
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
        self.0.is_empty()
    }

    /// Adds a `BadRequest` with each violation.
    pub(crate) fn describe(&self, details: &mut ErrorDetails) {
        for (field, description) in &self.0 {
            details.add_bad_request_violation(field, description);
        }
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (field, description)) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { "; " };
            write!(f, "{separator}{field} {description}")?;
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
    fn length_counts_characters_after_trimming() {
        let mut violations = Violations::new();
        assert_eq!(violations.text("name", " Zoë ", 1, 3), "Zoë");
        assert!(violations.finish(()).is_ok());
    }
}
