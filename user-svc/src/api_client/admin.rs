//! What admins do with API clients: create, list and revoke them.

use chrono::{SubsecRound, Utc};
use mesh_data::{
    audit::{self, Change},
    database::Database,
    page::{Listed, Page},
};
use serde_json::{Value, json};

use crate::{
    App,
    api_client::{ApiClient, ApiClientCursor, ApiClientId, NewApiClient},
    db::api_clients,
    error::Error,
    rights::{Actor, authorize::authorize},
    secret::Secret,
};

/// Creates an API client and returns its secret, which nobody can read later. An idempotent replay
/// returns the same client with a new secret.
pub(crate) async fn create_client(
    database: &Database,
    new: NewApiClient,
) -> Result<(ApiClient, Secret), Error> {
    let client = ApiClient {
        id: new.id(),
        created_by: new.actor.map(Actor::id),
        name: new.name,
        role: new.role,
        // Microseconds, as PostgreSQL stores them.
        created_at: Utc::now().trunc_subsecs(6),
    };
    let secret = Secret::random();
    let transaction = database.transaction(async |connection| {
        if let Some(actor) = new.actor {
            authorize(connection, actor).await?;
        }
        let created_at = api_clients::upsert_client(connection, &client, &secret.hash()).await?;
        let created_at = created_at.ok_or(Error::RequestIdReused)?;
        let fields = client.audited_fields();
        // A replay only replaces the secret.
        let change = if created_at == client.created_at {
            Change::new("api_client", client.id.0, &Value::Null, &fields)
        } else {
            let replaced = json!({ "secret": "replaced" });
            Change::new("api_client", client.id.0, &Value::Null, &replaced)
        };
        audit::record(connection, &[change]).await?;
        Ok::<_, Error>(created_at)
    });
    let created_at = transaction.await?;
    Ok((ApiClient { created_at, ..client }, secret))
}

/// Returns a page of API clients, newest first.
pub(crate) async fn list_clients(
    app: &App,
    page: &Page<ApiClientCursor>,
) -> Result<Listed<ApiClient>, Error> {
    let mut connection = app.database.connection().await?;
    let cursor = page.cursor.as_ref();
    let rows = api_clients::list_clients(&mut connection, cursor, page.limit()).await?;
    Ok(page.finish(rows, ApiClientCursor::of))
}

/// Deletes an API client and those that it created, which revokes their secrets.
pub(crate) async fn revoke_client(app: &App, actor: Actor, id: ApiClientId) -> Result<(), Error> {
    app.database
        .transaction(async |connection| {
            authorize(connection, actor).await?;
            let revoked = api_clients::delete_client(connection, id).await?;
            let revoked = revoked.ok_or(Error::ApiClientNotFound { client_id: id })?;
            let created = api_clients::delete_clients_created_by(connection, id.0).await?;
            let changes: Vec<_> = [revoked].iter().chain(&created).map(revocation).collect();
            Ok(audit::record(connection, &changes).await?)
        })
        .await
}

/// Returns the difference of an API client that is revoked.
pub(crate) fn revocation(client: &ApiClient) -> Change {
    Change::new("api_client", client.id.0, &client.audited_fields(), &Value::Null)
}
