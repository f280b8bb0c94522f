//! Exchanges the credentials of an API client for an access token.

use mesh::client::Network;

use crate::{
    App,
    access_token::AccessToken,
    api_client::ApiClientId,
    db::api_clients,
    error::Error,
    limit::{CLIENT_FAILURES, throttle},
    secret::Secret,
};

/// Returns an access token. Rejects an unknown client and a wrong secret alike, and counts both as
/// failures of `network`. The right secret is always accepted.
pub(crate) async fn exchange_client_credentials(
    app: &App,
    id: ApiClientId,
    secret: &Secret,
    network: Network,
) -> Result<AccessToken, Error> {
    let client = {
        let mut connection = app.database.connection().await?;
        api_clients::find_client(&mut connection, id).await?
    };
    match client {
        Some((client, secret_hash)) if secret.hash().matches(&secret_hash) => {
            Ok(app.issuer.client_token(client)?)
        }
        Some(_) | None => {
            let subject = app.subjects.network(network);
            throttle::count(&app.database, &[(CLIENT_FAILURES, subject)]).await?;
            Err(Error::BadCredentials)
        }
    }
}
