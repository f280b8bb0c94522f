//! The two roles of a database: its owner migrates the schema, and the service's own role only uses
//! it. A service that is broken into can change rows, but neither tables nor what others may do.

use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use tokio_postgres::Config;

/// What a service may not do with a table. It only adds rows to the audit entries, its own and
/// those that it collects, and only the owner records migrations.
const REVOKED: [(&str, &str); 3] = [
    ("audit_entries", "UPDATE, DELETE"),
    ("audit_trail", "UPDATE, DELETE"),
    ("__diesel_schema_migrations", "INSERT, UPDATE, DELETE"),
];

/// Allows the role of `service` to use all tables, those of later migrations included, and nobody
/// else, but for what [`REVOKED`] names. `connection` belongs to the owner.
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
    let revoked = REVOKED.map(|(table, rights)| {
        format!(
            "IF to_regclass('public.{table}') IS NOT NULL THEN
                 REVOKE {rights} ON {table} FROM {role};
             END IF;"
        )
    });
    // One transaction: no moment in which the role may change entries.
    let revoke = revoked.concat();
    connection.batch_execute(&format!("{statements} DO $do$ BEGIN {revoke} END $do$;")).await
}

fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}
