//! SQL of API clients.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult};
use diesel_async::RunQueryDsl;
use mesh::database::Connection;

use crate::{
    schema::api_clients,
    session::SecretHash,
    user::{ApiClient, ApiClientId, Role},
};

/// Adds an API client.
pub async fn insert_client(
    connection: &mut Connection,
    client: &ApiClient,
    secret_hash: &SecretHash,
) -> QueryResult<()> {
    diesel::insert_into(api_clients::table)
        .values((
            api_clients::id.eq(client.id),
            api_clients::name.eq(&client.name),
            api_clients::role.eq(client.role),
            api_clients::secret_hash.eq(&secret_hash.0[..]),
        ))
        .execute(connection)
        .await
        .map(drop)
}

/// The API client, and the hash of its secret.
pub async fn find_client(
    connection: &mut Connection,
    id: ApiClientId,
) -> QueryResult<Option<(ApiClient, Vec<u8>)>> {
    let query = api_clients::table.find(id).select((
        api_clients::name,
        api_clients::role,
        api_clients::secret_hash,
    ));
    let row: Option<(String, Role, Vec<u8>)> = query.first(connection).await.optional()?;
    Ok(row.map(|(name, role, secret_hash)| (ApiClient { id, name, role }, secret_hash)))
}
