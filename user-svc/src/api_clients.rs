//! Operations on API clients: internal systems that act in their own name.

use chrono::{DateTime, Utc};
use mesh_data::{
    database::Database,
    page::{self, Page},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    App,
    db::{api_clients as db, tries},
    error::Error,
    limit::{CLIENT_FAILURES, Subject},
    session::Secret,
    user::{ApiClient, ApiClientId, Role},
};

/// Makes an API client. The secret is known to nobody else and cannot be had again.
///
/// The id of a request makes the id of the client, so that the same request of the same
/// actor finds the client that it made, and gives it a new secret.
pub async fn create_client(
    database: &Database,
    request: Option<(Uuid, Uuid)>,
    name: String,
    role: Role,
) -> Result<(ApiClient, Secret), Error> {
    let id = ApiClientId(match request {
        Some((actor_id, request_id)) => Uuid::new_v5(&actor_id, request_id.as_bytes()),
        None => Uuid::now_v7(),
    });
    let client = ApiClient { id, name, role, created_at: Utc::now() };
    let secret = Secret::random();
    let mut connection = database.connection().await?;
    let created_at = db::insert_client(&mut connection, &client, &secret.hash()).await?;
    let created_at = created_at.ok_or(Error::RequestIdReused)?;
    Ok((ApiClient { created_at, ..client }, secret))
}

/// Where a page of API clients begins: after this one.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Cursor {
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Its id.
    pub id: ApiClientId,
}

/// A page of API clients, newest first, and where the next begins.
pub async fn list_clients(
    app: &App,
    page: &Page<Cursor>,
) -> Result<(Vec<ApiClient>, Option<Cursor>), Error> {
    let mut connection = app.database.connection().await?;
    let rows = db::list_clients(&mut connection, page.cursor.as_ref(), page.size + 1).await?;
    let (clients, more) = page::cut(rows, page.size);
    let last = clients.last().filter(|_| more);
    let next = last.map(|last| Cursor { created_at: last.created_at, id: last.id });
    Ok((clients, next))
}

/// Removes an API client: its secret is good for nothing from then on.
pub async fn revoke_client(app: &App, id: ApiClientId) -> Result<(), Error> {
    let mut connection = app.database.connection().await?;
    match db::delete_client(&mut connection, id).await? {
        true => Ok(()),
        false => Err(Error::ApiClientNotFound { client_id: id }),
    }
}

/// An access token for the API client with this id and secret.
pub async fn exchange_client_credentials(
    app: &App,
    id: ApiClientId,
    secret: &Secret,
) -> Result<String, Error> {
    let subject = Subject::client(id);
    let client = {
        let mut connection = app.database.connection().await?;
        tries::check(&mut connection, &CLIENT_FAILURES, &subject).await?;
        db::find_client(&mut connection, id).await?
    };
    match client {
        Some((client, kept)) if secret.hash().matches(&kept) => {
            Ok(app.issuer.client_token(client)?)
        }
        _ => {
            tries::count(&app.database, &CLIENT_FAILURES, &subject).await?;
            Err(Error::BadCredentials)
        }
    }
}
