//! Statements that stay SQL text: set-based writes and aggregates that diesel's query language cannot
//! express. Parameters have names instead of numbers, and the columns of a set of rows are listed once:
//!
//! ```
//! use diesel::sql_types::{Integer, Text};
//! use mesh_data::sql::{Rows, sql};
//!
//! let people = [("Ada", 36), ("Grace", 85)];
//! let rows = Rows::of(&people)
//!     .column::<Text, _>("name", |(name, _)| *name)
//!     .column::<Integer, _>("age", |(_, age)| *age);
//! let insert = sql("INSERT INTO people ({new.columns}) SELECT * FROM {new} WHERE age >= {age_min}")
//!     .rows("new", rows)
//!     .bind::<Integer, _>("age_min", 18);
//! assert_eq!(
//!     diesel::debug_query::<diesel::pg::Pg, _>(&insert).to_string().split(" -- ").next(),
//!     Some("INSERT INTO people (name, age) SELECT * FROM unnest($1, $2) AS new (name, age) WHERE age >= $3")
//! );
//! ```
//!
//! A connection prepares such a statement once. diesel's own `sql_query` is parsed and planned each
//! time, which costs one more round trip.

use std::borrow::Cow;

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    serialize::ToSql,
    sql_types::{Array, HasSqlType, Untyped},
};

/// Starts a statement. `text` has `{name}` for each parameter, and `{name}` and `{name.columns}` for
/// each set of rows.
///
/// A parameter may occur several times, and a statement with one that is not bound is not sent:
///
/// ```
/// use diesel::{debug_query, pg::Pg, sql_types::BigInt};
/// use mesh_data::sql::sql;
///
/// let statement = || sql("DELETE FROM notes WHERE id = {id} OR parent_id = {id}");
/// let bound = statement().bind::<BigInt, _>("id", 7);
/// assert_eq!(
///     debug_query::<Pg, _>(&bound).to_string(),
///     "DELETE FROM notes WHERE id = $1 OR parent_id = $2 -- binds: [7, 7]"
/// );
///
/// let mut query_builder = diesel::pg::PgQueryBuilder::default();
/// let error = diesel::query_builder::QueryFragment::to_sql(&statement(), &mut query_builder, &Pg);
/// assert_eq!(error.unwrap_err().to_string(), "{id} is not bound");
/// ```
pub fn sql<'a>(text: impl Into<Cow<'static, str>>) -> Sql<'a> {
    Sql { text: text.into(), parameters: Vec::new() }
}

/// A statement with named parameters.
#[must_use = "a statement does nothing until it is executed"]
pub struct Sql<'a> {
    text: Cow<'static, str>,
    parameters: Vec<(&'static str, Argument<'a>)>,
}

enum Argument<'a> {
    Value(Box<dyn Parameter + 'a>),
    Rows(Columns<'a>),
}

impl<'a> Sql<'a> {
    /// Binds `{name}` to a value of SQL type `ST`.
    pub fn bind<ST, V>(mut self, name: &'static str, value: V) -> Self
    where
        Pg: HasSqlType<ST>,
        V: ToSql<ST, Pg> + Send + 'a,
        ST: 'static,
    {
        let value = Argument::Value(Box::new(Typed::<ST, V>::new(value)));
        self.parameters.push((name, value));
        self
    }

    /// Binds `{name}` to `rows`, as `unnest(…) AS name (…)`, and `{name.columns}` to the names of
    /// their columns.
    pub fn rows<R>(mut self, name: &'static str, rows: Rows<'a, R>) -> Self {
        self.parameters.push((name, Argument::Rows(rows.columns)));
        self
    }

    fn argument(&self, name: &str) -> QueryResult<&Argument<'a>> {
        let found = self.parameters.iter().find(|(bound, _)| *bound == name);
        found.map(|(_, argument)| argument).ok_or_else(|| {
            diesel::result::Error::QueryBuilderError(format!("{{{name}}} is not bound").into())
        })
    }

    fn walk_placeholder<'b>(
        &'b self,
        placeholder: &str,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        if let Some(name) = placeholder.strip_suffix(".columns") {
            if let Argument::Rows(columns) = self.argument(name)? {
                push_names(columns, out);
            }
            return Ok(());
        }
        match self.argument(placeholder)? {
            Argument::Value(value) => value.push(out),
            Argument::Rows(columns) => {
                out.push_sql("unnest(");
                for (i, (_, values)) in columns.iter().enumerate() {
                    if i > 0 {
                        out.push_sql(", ");
                    }
                    values.push(out)?;
                }
                out.push_sql(") AS ");
                out.push_sql(placeholder);
                out.push_sql(" (");
                push_names(columns, out);
                out.push_sql(")");
                Ok(())
            }
        }
    }
}

fn push_names(columns: &Columns<'_>, out: &mut AstPass<'_, '_, Pg>) {
    for (i, (name, _)) in columns.iter().enumerate() {
        if i > 0 {
            out.push_sql(", ");
        }
        out.push_sql(name);
    }
}

impl QueryFragment<Pg> for Sql<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut rest = &*self.text;
        while let Some((before, placeholder, after)) = next_placeholder(rest) {
            out.push_sql(before);
            self.walk_placeholder(placeholder, &mut out)?;
            rest = after;
        }
        out.push_sql(rest);
        Ok(())
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

/// Splits `text` at its first `{name}`.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

/// The text identifies a statement, so there is no static id.
impl QueryId for Sql<'_> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Sql<'_> {
    type SqlType = Untyped;
}

impl<Connection> diesel::query_dsl::RunQueryDsl<Connection> for Sql<'_> {}

/// A value with its SQL type.
trait Parameter: Send {
    fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

struct Typed<ST, V> {
    value: V,
    sql_type: std::marker::PhantomData<fn() -> ST>,
}

impl<ST, V> Typed<ST, V> {
    fn new(value: V) -> Self {
        Self { value, sql_type: std::marker::PhantomData }
    }
}

impl<ST, V> Parameter for Typed<ST, V>
where
    Pg: HasSqlType<ST>,
    V: ToSql<ST, Pg> + Send,
{
    fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_bind_param::<ST, V>(&self.value)
    }
}

/// A set of rows as one array parameter per column.
pub struct Rows<'a, R> {
    rows: &'a [R],
    columns: Columns<'a>,
}

type Columns<'a> = Vec<(&'static str, Box<dyn Parameter + 'a>)>;

impl<'a, R> Rows<'a, R> {
    /// Starts a set of `rows` without columns.
    pub fn of(rows: &'a [R]) -> Self {
        Self { rows, columns: Vec::new() }
    }

    /// Returns a statement that inserts the rows into `table`.
    ///
    /// ```
    /// use diesel::sql_types::{Nullable, Text};
    /// use mesh_data::sql::Rows;
    ///
    /// let people = [("Ada", None), ("Grace", Some("USA"))];
    /// let insert = Rows::of(&people)
    ///     .column::<Text, _>("name", |(name, _)| *name)
    ///     .column::<Nullable<Text>, _>("country", |(_, country)| *country)
    ///     .insert_into("people");
    /// assert_eq!(
    ///     diesel::debug_query::<diesel::pg::Pg, _>(&insert).to_string(),
    ///     "INSERT INTO people (name, country) SELECT * FROM unnest($1, $2) AS new (name, country) \
    ///      -- binds: [[\"Ada\", \"Grace\"], [None, Some(\"USA\")]]"
    /// );
    /// ```
    pub fn insert_into(self, table: &'static str) -> Sql<'a> {
        sql(format!("INSERT INTO {table} ({{new.columns}}) SELECT * FROM {{new}}"))
            .rows("new", self)
    }

    /// Adds a column of SQL type `ST` with a value for each row.
    #[must_use]
    pub fn column<ST, V>(mut self, name: &'static str, value: impl Fn(&'a R) -> V) -> Self
    where
        Pg: HasSqlType<Array<ST>>,
        Vec<V>: ToSql<Array<ST>, Pg>,
        ST: 'static,
        V: Send + 'a,
    {
        let values: Vec<V> = self.rows.iter().map(value).collect();
        self.columns.push((name, Box::new(Typed::<Array<ST>, _>::new(values))));
        self
    }
}
