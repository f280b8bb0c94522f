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
    sql_types::{Array, HasSqlType, Integer, Untyped},
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
    Sql { text: text.into(), parameters: Vec::new(), is_prepared_once: true }
}

/// A statement with named parameters.
#[must_use = "a statement does nothing until it is executed"]
pub struct Sql<'a> {
    text: Cow<'static, str>,
    parameters: Vec<(&'static str, Argument<'a>)>,
    is_prepared_once: bool,
}

enum Argument<'a> {
    Value(Box<dyn Parameter + 'a>),
    Rows(RowSet<'a>),
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
        self.parameters.push((name, Argument::Rows(rows.set)));
        self
    }

    /// Has the statement planned each time it is executed: for a table whose size changes by orders
    /// of magnitude within seconds, where the plan that fits an empty table lasts for hours on a full
    /// one.
    pub fn planned_each_time(self) -> Self {
        Self { is_prepared_once: false, ..self }
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
            if let Argument::Rows(set) = self.argument(name)? {
                set.push_names(out);
            }
            return Ok(());
        }
        match self.argument(placeholder)? {
            Argument::Value(value) => value.push(out),
            Argument::Rows(set) => set.push(placeholder, out),
        }
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
        Ok(self.is_prepared_once)
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
    rows: Vec<&'a R>,
    set: RowSet<'a>,
}

type Columns<'a> = Vec<(&'static str, Box<dyn Parameter + 'a>)>;

/// The columns of a set of rows.
#[derive(Default)]
struct RowSet<'a> {
    /// One value for each row.
    columns: Columns<'a>,
    /// An array for each row. SQL has no array of arrays of different lengths, so each of these
    /// parameters has the elements of all rows, and each row has a slice of it.
    lists: Columns<'a>,
    /// The first and the last index of each row's slice.
    bounds: Columns<'a>,
}

const FIRST: &str = "list_first";
const LAST: &str = "list_last";

impl<'a, R> Rows<'a, R> {
    /// Starts a set of `rows` without columns.
    pub fn of(rows: &'a [R]) -> Self {
        Self { rows: rows.iter().collect(), set: RowSet::default() }
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
        let values: Vec<V> = self.rows.iter().map(|row| value(row)).collect();
        self.set.columns.push((name, Box::new(Typed::<Array<ST>, _>::new(values))));
        self
    }

    /// Adds array columns: `columns` adds them to the set of all `items`, and each row gets an array
    /// with the values of its own items. A set of rows has these columns at most once.
    #[must_use]
    pub fn lists<I: 'a>(
        mut self,
        items: impl Fn(&'a R) -> &'a [I],
        columns: impl FnOnce(Rows<'a, I>) -> Rows<'a, I>,
    ) -> Self {
        let lengths = self.rows.iter().map(|row| items(row).len() as i32);
        let lasts: Vec<i32> = lengths
            .scan(0, |last, length| {
                *last += length;
                Some(*last)
            })
            .collect();
        let befores = [0].iter().chain(&lasts).take(lasts.len());
        let firsts: Vec<i32> = befores.map(|before| before + 1).collect();
        let all = self.rows.iter().flat_map(|row| items(row)).collect();
        self.set.lists = columns(Rows { rows: all, set: RowSet::default() }).set.columns;
        self.set.bounds = vec![
            (FIRST, Box::new(Typed::<Array<Integer>, _>::new(firsts))),
            (LAST, Box::new(Typed::<Array<Integer>, _>::new(lasts))),
        ];
        self
    }
}

impl RowSet<'_> {
    fn push_names(&self, out: &mut AstPass<'_, '_, Pg>) {
        for (i, (name, _)) in self.columns.iter().chain(&self.lists).enumerate() {
            push_separator(i, out);
            out.push_sql(name);
        }
    }

    fn push<'b>(&'b self, name: &str, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if self.lists.is_empty() {
            return self.push_unnest(name, out);
        }
        out.push_sql("(SELECT ");
        for (i, (column, _)) in self.columns.iter().enumerate() {
            push_separator(i, out);
            out.push_sql(column);
        }
        for (i, (column, elements)) in self.lists.iter().enumerate() {
            push_separator(self.columns.len() + i, out);
            out.push_sql("(");
            elements.push(out)?;
            out.push_sql(&format!(")[{FIRST}:{LAST}] AS {column}"));
        }
        out.push_sql(" FROM ");
        self.push_unnest(name, out)?;
        out.push_sql(") AS ");
        out.push_sql(name);
        Ok(())
    }

    fn push_unnest<'b>(&'b self, name: &str, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("unnest(");
        for (i, (_, values)) in self.columns.iter().chain(&self.bounds).enumerate() {
            push_separator(i, out);
            values.push(out)?;
        }
        out.push_sql(") AS ");
        out.push_sql(name);
        out.push_sql(" (");
        for (i, (column, _)) in self.columns.iter().chain(&self.bounds).enumerate() {
            push_separator(i, out);
            out.push_sql(column);
        }
        out.push_sql(")");
        Ok(())
    }
}

fn push_separator(index: usize, out: &mut AstPass<'_, '_, Pg>) {
    if index > 0 {
        out.push_sql(", ");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use diesel::sql_types::Text;

    fn text(statement: &Sql<'_>) -> String {
        let debug = diesel::debug_query::<Pg, _>(statement).to_string();
        debug.split(" -- ").next().unwrap_or_default().to_owned()
    }

    #[test]
    fn array_columns_are_slices_of_one_parameter() {
        let groups = [("a", vec![1, 2]), ("b", vec![]), ("c", vec![3])];
        let rows = Rows::of(&groups)
            .column::<Text, _>("name", |(name, _)| *name)
            .lists(|(_, sizes)| &sizes[..], |items| items.column::<Integer, _>("sizes", |n| *n));
        let insert = rows.insert_into("groups");
        assert_eq!(
            text(&insert),
            "INSERT INTO groups (name, sizes) SELECT * FROM \
             (SELECT name, ($1)[list_first:list_last] AS sizes \
             FROM unnest($2, $3, $4) AS new (name, list_first, list_last)) AS new"
        );
        let debug = diesel::debug_query::<Pg, _>(&insert).to_string();
        let binds = debug.split(" -- binds: ").nth(1).unwrap_or_default();
        assert_eq!(binds, r#"[[1, 2, 3], ["a", "b", "c"], [1, 3, 3], [2, 2, 3]]"#);
    }
}
