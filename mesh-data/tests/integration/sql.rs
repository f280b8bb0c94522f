//! Statements with named parameters, as PostgreSQL executes them.

use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use mesh_data::sql::{Rows, sql};

use crate::support::open_database;

struct Note {
    id: i64,
    body: &'static str,
    author: Option<&'static str>,
}

#[derive(Debug, PartialEq, diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    body: String,
    #[diesel(sql_type = Nullable<Text>)]
    author: Option<String>,
}

fn rows(notes: &[Note]) -> Rows<'_, Note> {
    Rows::of(notes)
        .column::<BigInt, _>("id", |note| note.id)
        .column::<Text, _>("body", |note| note.body)
        .column::<Nullable<Text>, _>("author", |note| note.author)
}

#[tokio::test]
async fn rows_are_inserted_by_one_statement_and_read_by_named_parameters() {
    let database = open_database().await;
    let mut connection = database.connection().await.unwrap();
    let notes = [
        Note { id: 1, body: "one", author: Some("ann") },
        Note { id: 2, body: "two", author: None },
        Note { id: 3, body: "three", author: Some("ann") },
    ];
    let inserted = rows(&notes).insert_into("notes").execute(&mut *connection).await.unwrap();
    assert_eq!(inserted, 3);

    let query = sql("SELECT id, body, author FROM notes \
         WHERE id > {after} AND (author = {author} OR author IS NULL) AND body <> {body} \
         ORDER BY id")
    .bind::<BigInt, _>("after", 0)
    .bind::<Text, _>("body", "three")
    .bind::<Text, _>("author", "ann");
    let found: Vec<Row> = query.get_results(&mut *connection).await.unwrap();
    let row = |id, body: &str, author: Option<&str>| Row {
        id,
        body: body.into(),
        author: author.map(Into::into),
    };
    assert_eq!(found, [row(1, "one", Some("ann")), row(2, "two", None)]);
}

#[tokio::test]
async fn a_connection_prepares_a_statement_once() {
    let database = open_database().await;
    let mut connection = database.connection().await.unwrap();
    for id in 1..=3 {
        let notes = [Note { id, body: "text", author: None }];
        rows(&notes).insert_into("notes").execute(&mut *connection).await.unwrap();
    }
    let once = "DO $$ BEGIN ASSERT (SELECT count(*) FROM pg_prepared_statements \
         WHERE statement LIKE 'INSERT INTO notes%') = 1; END $$";
    connection.batch_execute(once).await.unwrap();
}

#[tokio::test]
async fn a_parameter_that_is_not_bound_is_an_error_of_the_statement() {
    let database = open_database().await;
    let mut connection = database.connection().await.unwrap();
    let error = sql("DELETE FROM notes WHERE id = {id}").execute(&mut *connection).await;
    assert_eq!(error.unwrap_err().to_string(), "{id} is not bound");
}
