//! The two roles of a database: its owner migrates the schema, and the service's own role only uses
//! it. A service that is broken into can change rows, but neither tables nor what others may do.

use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use tokio_postgres::Config;

/// Allows the role of `service` to use all tables, those of later migrations included, and nobody
/// else. `connection` belongs to the owner.
pub(super) async fn grant_use(
    connection: &mut AsyncPgConnection,
    service: &Config,
) -> QueryResult<()> {
    let role = quote(service.get_user().unwrap_or_default());
    let database = quote(service.get_dbname().unwrap_or_default());
    let rows = "SELECT, INSERT, UPDATE, DELETE";
    let statements = format!(
        "REVOKE ALL ON DATABASE {database} FROM PUBLIC;
         GRANT CONNECT ON DATABASE {database} TO {role};
         REVOKE ALL ON SCHEMA public FROM PUBLIC;
         GRANT USAGE ON SCHEMA public TO {role};
         GRANT {rows} ON ALL TABLES IN SCHEMA public TO {role};
         GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};
         ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {rows} ON TABLES TO {role};
         ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {role};"
    );
    connection.batch_execute(&statements).await
}

fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}
