//! Checks of a request that report every bad field at once. A service's `convert.rs`
//! collects them while it turns messages into its own types.

use std::fmt;

use tonic_types::ErrorDetails;
use uuid::Uuid;

use crate::error::Error;

/// Bad fields of one request. Empty: the request is good.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Violations(Vec<(String, String)>);

impl Violations {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// `field` is bad, for it `description` ("must be …"). Fields are named as in the
    /// contract, nested ones by a path such as `items[2].quantity`.
    pub fn add(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.0.push((field.into(), description.into()));
    }

    /// Adds a violation unless `good`.
    pub fn require(&mut self, good: bool, field: &str, description: &str) {
        if !good {
            self.add(field, description);
        }
    }

    /// Takes what is wrong with a message that is `field`: with a field of its own, or,
    /// where that is named by nothing, with the message.
    pub fn under<'a>(&'a mut self, field: &'a str) -> impl FnMut(&str, String) + 'a {
        move |own, description| match own {
            "" => self.add(field, description),
            own => self.add(format!("{field}.{own}"), description),
        }
    }

    /// The text without white space around it, if it then has `min` to `max`
    /// characters.
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

    /// The UUID, or the nil one after a violation.
    pub fn uuid(&mut self, field: &str, value: &str) -> Uuid {
        Uuid::try_parse(value).unwrap_or_else(|_| {
            self.add(field, "must be a UUID");
            Uuid::nil()
        })
    }

    /// The UUID if one is set.
    pub fn optional_uuid(&mut self, field: &str, value: &str) -> Option<Uuid> {
        (!value.is_empty()).then(|| self.uuid(field, value))
    }

    /// `value` if all was good.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every violation so far.
    pub fn finish<T>(self, value: T) -> Result<T, Error> {
        if self.0.is_empty() { Ok(value) } else { Err(Error::Invalid(self)) }
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
    fn all_bad_fields_are_told_at_once() {
        let mut violations = Violations::new();
        violations.text("name", "  ", 1, 5);
        violations.uuid("id", "7");
        let error = violations.finish(()).expect_err("two fields are bad");
        assert_eq!(error.to_string(), "name must have 1 to 5 characters; id must be a UUID");
    }

    #[test]
    fn length_counts_characters_without_white_space_around_them() {
        let mut violations = Violations::new();
        assert_eq!(violations.text("name", " Zoë ", 1, 3), "Zoë");
        assert!(violations.finish(()).is_ok());
    }
}
