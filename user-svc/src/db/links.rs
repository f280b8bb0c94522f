//! SQL of mailed links.
//!
//! **Invariant:** a transaction that locks an account and its links locks the account first.

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, upsert::excluded};
use diesel_async::RunQueryDsl;
use mesh_data::database::Connection;

use crate::{
    link::{Link, Purpose},
    schema::links,
    secret::SecretHash,
    user::UserId,
};

/// Inserts a link of an account. It replaces an earlier one of the same purpose.
pub(crate) async fn replace_link(
    connection: &mut Connection,
    user_id: UserId,
    link: &Link,
) -> QueryResult<()> {
    diesel::insert_into(links::table)
        .values((
            links::user_id.eq(user_id),
            links::purpose.eq(link.purpose),
            links::hash.eq(&link.token.hash().0[..]),
            links::expires_at.eq(link.expires_at),
        ))
        .on_conflict((links::user_id, links::purpose))
        .do_update()
        .set((
            links::hash.eq(excluded(links::hash)),
            links::expires_at.eq(excluded(links::expires_at)),
        ))
        .execute(connection)
        .await
        .map(drop)
}

/// Returns the account of a link that has not expired.
pub(crate) async fn find_link(
    connection: &mut Connection,
    purpose: Purpose,
    hash: &SecretHash,
    now: DateTime<Utc>,
) -> QueryResult<Option<UserId>> {
    links::table
        .filter(links::hash.eq(&hash.0[..]))
        .filter(links::purpose.eq(purpose))
        .filter(links::expires_at.gt(now))
        .select(links::user_id)
        .first(connection)
        .await
        .optional()
}

/// Deletes a link. Returns whether it existed.
pub(crate) async fn delete_link(
    connection: &mut Connection,
    hash: &SecretHash,
) -> QueryResult<bool> {
    let delete = diesel::delete(links::table.filter(links::hash.eq(&hash.0[..])));
    delete.execute(connection).await.map(|deleted| deleted == 1)
}

/// Deletes the links of an account that have one of `purposes`.
pub(crate) async fn delete_links(
    connection: &mut Connection,
    user_id: UserId,
    purposes: &[Purpose],
) -> QueryResult<()> {
    diesel::delete(links::table)
        .filter(links::user_id.eq(user_id))
        .filter(links::purpose.eq_any(purposes))
        .execute(connection)
        .await
        .map(drop)
}

/// Deletes up to `limit` links that expired before `time`, and returns their number.
pub(crate) async fn delete_expired_links(
    connection: &mut Connection,
    time: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    let expired = links::table
        .filter(links::expires_at.lt(time))
        .select(links::hash)
        .limit(limit)
        .for_update()
        .skip_locked();
    let hashes: Vec<Vec<u8>> = expired.load(connection).await?;
    diesel::delete(links::table.filter(links::hash.eq_any(hashes))).execute(connection).await
}
