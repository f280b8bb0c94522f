//! SQL of product-svc: functions that take a connection. Turns the names of
//! constraints into facts.

pub mod inventory;
pub mod products;
pub mod reservations;

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// The constraint that a statement ran into, if it did.
pub fn violated(error: &DieselError) -> Option<&str> {
    match error {
        DieselError::DatabaseError(
            DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::CheckViolation,
            information,
        ) => information.constraint_name(),
        _ => None,
    }
}
