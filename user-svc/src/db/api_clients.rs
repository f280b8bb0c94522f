//! SQL of API clients.

use chrono::{DateTime, Utc};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, QueryResult,
    query_dsl::methods::FilterDsl, upsert::excluded,
};
use diesel_async::RunQueryDsl;
use mesh_data::database::Connection;

use crate::{
    api_clients::Cursor,
    schema::api_clients,
    session::SecretHash,
    user::{ApiClient, ApiClientId, Role},
};

/// Adds an API client, or gives the one with this id a new secret; when it was created.
/// None where the one with this id is another.
pub async fn insert_client(
    connection: &mut Connection,
    client: &ApiClient,
    secret_hash: &SecretHash,
) -> QueryResult<Option<DateTime<Utc>>> {
    let insert = diesel::insert_into(api_clients::table)
        .values((
            api_clients::id.eq(client.id),
            api_clients::name.eq(&client.name),
            api_clients::role.eq(client.role),
            api_clients::secret_hash.eq(&secret_hash.0[..]),
            api_clients::created_at.eq(client.created_at),
        ))
        .on_conflict(api_clients::id)
        .do_update()
        .set(api_clients::secret_hash.eq(excluded(api_clients::secret_hash)));
    let same = api_clients::name.eq(&client.name).and(api_clients::role.eq(client.role));
    let insert = FilterDsl::filter(insert, same).returning(api_clients::created_at);
    insert.get_result(connection).await.optional()
}

/// The API client, and the hash of its secret.
pub async fn find_client(
    connection: &mut Connection,
    id: ApiClientId,
) -> QueryResult<Option<(ApiClient, Vec<u8>)>> {
    let query = QueryDsl::find(api_clients::table, id).select((COLUMNS, api_clients::secret_hash));
    let row: Option<(Row, Vec<u8>)> = query.first(connection).await.optional()?;
    Ok(row.map(|(row, secret_hash)| (client(row), secret_hash)))
}

/// A page of API clients, newest first, from after `cursor` on.
pub async fn list_clients(
    connection: &mut Connection,
    cursor: Option<&Cursor>,
    limit: i64,
) -> QueryResult<Vec<ApiClient>> {
    use api_clients::{created_at, id};
    let mut query = api_clients::table.select(COLUMNS).limit(limit).into_boxed();
    if let Some(last) = cursor {
        let at_once = created_at.eq(last.created_at).and(id.lt(last.id));
        query = QueryDsl::filter(query, created_at.lt(last.created_at).or(at_once));
    }
    let rows: Vec<Row> = query.order((created_at.desc(), id.desc())).load(connection).await?;
    Ok(rows.into_iter().map(client).collect())
}

/// Removes an API client; false where there is none.
pub async fn delete_client(connection: &mut Connection, id: ApiClientId) -> QueryResult<bool> {
    let delete = diesel::delete(QueryDsl::find(api_clients::table, id));
    delete.execute(connection).await.map(|deleted| deleted == 1)
}

type Columns = (api_clients::id, api_clients::name, api_clients::role, api_clients::created_at);
type Row = (ApiClientId, String, Role, DateTime<Utc>);

const COLUMNS: Columns =
    (api_clients::id, api_clients::name, api_clients::role, api_clients::created_at);

fn client((id, name, role, created_at): Row) -> ApiClient {
    ApiClient { id, name, role, created_at }
}
