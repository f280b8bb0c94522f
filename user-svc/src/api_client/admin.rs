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
    secret::Secret,
};

/// Creates an API client and returns its secret, which nobody can read later. An idempotent replay
/// returns the same client with a new secret.
pub(crate) async fn create_client(
    database: &Database,
    new: NewApiClient,
) -> Result<(ApiClient, Secret), Error> {
    let id = new.id();
    let client = ApiClient { id, name: new.name, role: new.role, created_at: Utc::now() };
    let secret = Secret::random();
    let mut connection = database.connection().await?;
    let created_at = api_clients::upsert_client(&mut connection, &client, &secret.hash()).await?;
    let created_at = created_at.ok_or(Error::RequestIdReused)?;
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

/// Deletes an API client, which revokes its secret.
pub(crate) async fn revoke_client(app: &App, id: ApiClientId) -> Result<(), Error> {
    let mut connection = app.database.connection().await?;
    if api_clients::delete_client(&mut connection, id).await? {
        Ok(())
    } else {
        Err(Error::ApiClientNotFound { client_id: id })
    }
}
