//! SQL of product-svc: functions that take a connection. Converts violations of constraints to the
//! errors of the service.

pub(crate) mod inventory;
pub(crate) mod products;
pub(crate) mod reservations;
pub(crate) mod search;

use diesel::{
    expression::{AsExpression, TypedExpressionType},
    result::{DatabaseErrorKind, Error as DieselError},
    sql_types::{Record, SqlType, Text},
};

use crate::schema::{products::words, sql_types::Tsquery};

diesel::infix_operator!(Matches, " @@ ", backend: diesel::pg::Pg);
diesel::infix_operator!(RowGreater, " > ", backend: diesel::pg::Pg);
diesel::infix_operator!(RowLess, " < ", backend: diesel::pg::Pg);

diesel::define_sql_function! {
    /// Converts a text: unlike `to_tsquery`, it takes the lexemes as they are.
    #[sql_name = "tsquery"]
    fn to_lexemes(lexemes: Text) -> Tsquery;
}

/// Returns the condition that a product has the words of `tsquery`.
fn has_words(tsquery: String) -> Matches<words, to_lexemes<String>> {
    Matches::new(words, to_lexemes(tsquery))
}

/// Returns the keyset condition of an ascending list: the row of sort columns comes after `cursor`.
///
/// A comparison of rows starts at the cursor in an index of the columns. A comparison of one column
/// after the other would read all rows before it.
fn after<ST, C, V>(columns: C, cursor: V) -> RowGreater<C::Expression, V::Expression>
where
    C: AsExpression<Record<ST>>,
    V: AsExpression<Record<ST>>,
    Record<ST>: SqlType + TypedExpressionType,
{
    RowGreater::new(columns.as_expression(), cursor.as_expression())
}

/// Returns the keyset condition of a descending list, as [`after`] does for an ascending one.
fn before<ST, C, V>(columns: C, cursor: V) -> RowLess<C::Expression, V::Expression>
where
    C: AsExpression<Record<ST>>,
    V: AsExpression<Record<ST>>,
    Record<ST>: SqlType + TypedExpressionType,
{
    RowLess::new(columns.as_expression(), cursor.as_expression())
}

/// Returns the name of the constraint that a statement violates, if it does.
fn violated_constraint(error: &DieselError) -> Option<&str> {
    match error {
        DieselError::DatabaseError(
            DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::CheckViolation,
            information,
        ) => information.constraint_name(),
        _ => None,
    }
}
