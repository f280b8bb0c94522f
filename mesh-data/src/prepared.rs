//! SQL statements that a connection prepares once. diesel's own `sql_query` is parsed and planned each
//! time, which costs one more round trip.

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::Untyped,
};

/// A `sql_query` that is kept prepared, by its text.
#[derive(Debug, Clone)]
#[must_use = "a statement does nothing until it is executed"]
pub struct Prepared<Q>(Q);

/// Keeps `query`, a `sql_query` with a constant text and its binds, prepared.
pub fn prepared<Q>(query: Q) -> Prepared<Q> {
    Prepared(query)
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Prepared<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

/// The text identifies a statement, so there is no static id.
impl<Q> QueryId for Prepared<Q> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> Query for Prepared<Q> {
    type SqlType = Untyped;
}
