//! What the role of a service may do in the databases of the running store.

use devstack::testing::Env;
use tokio_postgres::{Client, NoTls, error::SqlState};
use topology::Service;

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn assert_rejected(client: &Client, statement: &str) {
    let error = client.batch_execute(statement).await.expect_err(statement);
    let rejected = Some(&SqlState::INSUFFICIENT_PRIVILEGE);
    assert_eq!(error.code(), rejected, "{statement}: {error}");
}

#[tokio::test]
async fn the_role_of_a_service_uses_its_tables_but_cannot_change_them() {
    let env = Env::from_env();
    for service in Service::with_database() {
        let client = connect(&env.database_url(service)).await.expect("its own database");
        let tables = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'";
        let tables = client.query(tables, &[]).await.expect("a system catalogue is readable");
        assert!(tables.len() > 2, "{} has been migrated", service.name());
        for table in tables.iter().map(|row| row.get::<_, String>(0)) {
            let read = format!("SELECT FROM {table} LIMIT 1");
            client.batch_execute(&read).await.unwrap_or_else(|error| panic!("{table}: {error}"));
            for statement in [
                format!("ALTER TABLE {table} ADD intruder int"),
                format!("DROP TABLE {table}"),
                format!(
                    "CREATE TRIGGER intruder AFTER INSERT ON {table} EXECUTE FUNCTION intrude()"
                ),
            ] {
                assert_rejected(&client, &statement).await;
            }
        }
        assert_rejected(&client, "CREATE TABLE intruder ()").await;
    }
}

#[tokio::test]
async fn the_role_of_a_service_records_no_migration() {
    let env = Env::from_env();
    for service in Service::with_database() {
        let client = connect(&env.database_url(service)).await.expect("its own database");
        for statement in [
            "INSERT INTO __diesel_schema_migrations VALUES ('99999999999999')",
            "UPDATE __diesel_schema_migrations SET run_on = now()",
            "DELETE FROM __diesel_schema_migrations",
        ] {
            assert_rejected(&client, statement).await;
        }
    }
}

#[tokio::test]
async fn the_role_of_a_service_only_adds_to_the_audit() {
    let env = Env::from_env();
    for service in Service::with_database() {
        let client = connect(&env.database_url(service)).await.expect("its own database");
        let collected = (service == Service::USER).then_some("audit_trail");
        for table in ["audit_entries"].into_iter().chain(collected) {
            for statement in [
                format!("UPDATE {table} SET method = ''"),
                format!("DELETE FROM {table}"),
                format!("TRUNCATE {table}"),
            ] {
                assert_rejected(&client, &statement).await;
            }
        }
    }
}

#[tokio::test]
async fn the_role_of_a_service_connects_to_no_other_database() {
    let env = Env::from_env();
    for service in Service::with_database() {
        let own = service.database().expect("it has one");
        for other in Service::with_database().filter(|other| *other != service) {
            let other = other.database().expect("it has one");
            let url = env.database_url(service).replace(&format!("/{own}?"), &format!("/{other}?"));
            let error = connect(&url).await.expect_err("another service's database");
            assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{error}");
        }
    }
}
