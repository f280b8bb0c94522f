//! SQL of API clients.

use chrono::{DateTime, Utc};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, QueryResult,
    SelectableHelper, query_dsl::methods::FilterDsl, upsert::excluded,
};
use diesel_async::RunQueryDsl;
use mesh_data::database::Connection;
use uuid::Uuid;

use crate::{
    api_client::{ApiClient, ApiClientCursor, ApiClientId},
    schema::api_clients,
    secret::SecretHash,
    user::Role,
};

/// Inserts an API client, or replaces the secret of the one with the same id, name and role. Returns
/// its time of creation, or `None` if name or role differ.
pub(crate) async fn upsert_client(
    connection: &mut Connection,
    client: &ApiClient,
    secret_hash: &SecretHash,
) -> QueryResult<Option<DateTime<Utc>>> {
    let insert = diesel::insert_into(api_clients::table)
        .values((client, api_clients::secret_hash.eq(&secret_hash.0[..])))
        .on_conflict(api_clients::id)
        .do_update()
        .set((
            api_clients::secret_hash.eq(excluded(api_clients::secret_hash)),
            api_clients::created_by.eq(excluded(api_clients::created_by)),
        ));
    let same = api_clients::name.eq(&client.name).and(api_clients::role.eq(client.role));
    let insert = FilterDsl::filter(insert, same).returning(api_clients::created_at);
    insert.get_result(connection).await.optional()
}

/// Returns an API client and the hash of its secret.
pub(crate) async fn find_client(
    connection: &mut Connection,
    id: ApiClientId,
) -> QueryResult<Option<(ApiClient, Vec<u8>)>> {
    QueryDsl::find(api_clients::table, id)
        .select((ApiClient::as_select(), api_clients::secret_hash))
        .first(connection)
        .await
        .optional()
}

/// Locks an API client and returns its role. Until the transaction ends nobody deletes it.
pub(crate) async fn lock_role(
    connection: &mut Connection,
    id: ApiClientId,
) -> QueryResult<Option<Role>> {
    let query = QueryDsl::find(api_clients::table, id).select(api_clients::role).for_update();
    query.first(connection).await.optional()
}

/// Returns up to `limit` API clients after `cursor`, newest first.
pub(crate) async fn list_clients(
    connection: &mut Connection,
    cursor: Option<&ApiClientCursor>,
    limit: i64,
) -> QueryResult<Vec<ApiClient>> {
    use api_clients::{created_at, id};
    let mut query = api_clients::table.select(ApiClient::as_select()).limit(limit).into_boxed();
    if let Some(last) = cursor {
        let same_time = created_at.eq(last.created_at).and(id.lt(last.id));
        query = QueryDsl::filter(query, created_at.lt(last.created_at).or(same_time));
    }
    query.order((created_at.desc(), id.desc())).load(connection).await
}

/// Deletes an API client, and returns it.
pub(crate) async fn delete_client(
    connection: &mut Connection,
    id: ApiClientId,
) -> QueryResult<Option<ApiClient>> {
    let delete = diesel::delete(QueryDsl::find(api_clients::table, id));
    delete.returning(ApiClient::as_returning()).get_result(connection).await.optional()
}

/// Deletes the API clients that an account or API client created, and those that they created.
/// Returns all of them.
pub(crate) async fn delete_clients_created_by(
    connection: &mut Connection,
    creator: Uuid,
) -> QueryResult<Vec<ApiClient>> {
    let (mut creators, mut all) = (vec![creator], Vec::new());
    while !creators.is_empty() {
        let created =
            QueryDsl::filter(api_clients::table, api_clients::created_by.eq_any(creators));
        let deleted = diesel::delete(created).returning(ApiClient::as_returning());
        let deleted: Vec<ApiClient> = deleted.get_results(connection).await?;
        creators = deleted.iter().map(|client| client.id.0).collect();
        all.extend(deleted);
    }
    Ok(all)
}
