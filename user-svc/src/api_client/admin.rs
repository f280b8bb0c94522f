//! What admins do with API clients: create, list and revoke them.

use chrono::Utc;
use mesh_data::{
    database::Database,
    page::{Listed, Page},
};

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
        created_at: Utc::now(),
    };
    let secret = Secret::random();
    let transaction = database.transaction(async |connection| {
        if let Some(actor) = new.actor {
            authorize(connection, actor).await?;
        }
        Ok::<_, Error>(api_clients::upsert_client(connection, &client, &secret.hash()).await?)
    });
    let created_at = transaction.await?.ok_or(Error::RequestIdReused)?;
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
            if !api_clients::delete_client(connection, id).await? {
                return Err(Error::ApiClientNotFound { client_id: id });
            }
            Ok(api_clients::delete_clients_created_by(connection, id.0).await?)
        })
        .await
}
