//! SQL of product-svc: functions that take a connection. Turns the names of
//! constraints into facts.

/// What comes after the product of a cursor in the order of `products.$column` and id. A
/// comparison of rows enters the index there; of one column after the other it would
/// read all that comes before.
macro_rules! after {
    ($column:literal, $sign:literal, $type:ident, $value:expr, $id:expr) => {
        diesel::dsl::sql::<diesel::sql_types::Bool>(concat!(
            "(products.",
            $column,
            ", products.id) ",
            $sign,
            " ("
        ))
        .bind::<diesel::sql_types::$type, _>($value)
        .sql(", ")
        .bind::<diesel::sql_types::Uuid, _>($id)
        .sql(")")
    };
}

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
