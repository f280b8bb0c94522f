//! Operations on API clients: internal systems that act in their own name.

use mesh::database::Database;
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
pub async fn create_client(
    database: &Database,
    name: String,
    role: Role,
) -> Result<(ApiClient, Secret), Error> {
    let client = ApiClient { id: ApiClientId(Uuid::now_v7()), name, role };
    let secret = Secret::random();
    let mut connection = database.connection().await?;
    db::insert_client(&mut connection, &client, &secret.hash()).await?;
    Ok((client, secret))
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
