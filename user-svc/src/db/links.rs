//! SQL of mailed links.
//!
//! **Invariant:** a transaction that locks an account and its links locks the account first.

use chrono::{DateTime, Utc};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, QueryResult,
    upsert::excluded,
};
use diesel_async::RunQueryDsl;
use mesh_data::database::Connection;

use crate::{
    link::{Link, LinkId, Purpose},
    schema::links,
    secret::SecretHash,
    user::UserId,
};

/// Inserts a link of an account, without a token. It replaces an earlier one of the same purpose, with
/// its token.
pub(crate) async fn replace_link(
    connection: &mut Connection,
    user_id: UserId,
    link: &Link,
) -> QueryResult<()> {
    diesel::insert_into(links::table)
        .values((
            links::user_id.eq(user_id),
            links::purpose.eq(link.purpose),
            links::id.eq(link.id),
            links::issuable_until.eq(link.issuable_until),
            links::hash.eq(None::<&[u8]>),
            links::expires_at.eq(None::<DateTime<Utc>>),
        ))
        .on_conflict((links::user_id, links::purpose))
        .do_update()
        .set((
            links::id.eq(excluded(links::id)),
            links::issuable_until.eq(excluded(links::issuable_until)),
            links::hash.eq(excluded(links::hash)),
            links::expires_at.eq(excluded(links::expires_at)),
        ))
        .execute(connection)
        .await
        .map(drop)
}

/// Returns account and purpose of a link whose token can be created.
pub(crate) async fn find_issuable_link(
    connection: &mut Connection,
    id: LinkId,
    now: DateTime<Utc>,
) -> QueryResult<Option<(UserId, Purpose)>> {
    links::table
        .filter(links::id.eq(id))
        .filter(links::issuable_until.gt(now))
        .select((links::user_id, links::purpose))
        .first(connection)
        .await
        .optional()
}

/// Sets the token of a link. Returns whether the link exists.
pub(crate) async fn update_token(
    connection: &mut Connection,
    id: LinkId,
    hash: &SecretHash,
    expires_at: DateTime<Utc>,
) -> QueryResult<bool> {
    let update = diesel::update(links::table.filter(links::id.eq(id)))
        .set((links::hash.eq(&hash.0[..]), links::expires_at.eq(expires_at)));
    update.execute(connection).await.map(|updated| updated == 1)
}

/// Returns the account of a token that has not expired.
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

/// Deletes the link of a token. Returns whether it existed.
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

/// Deletes up to `limit` links that could neither be issued nor used at `time`, and returns their number.
pub(crate) async fn delete_expired_links(
    connection: &mut Connection,
    time: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    let expired = links::table
        .filter(links::issuable_until.lt(time))
        .filter(links::expires_at.is_null().or(links::expires_at.lt(time)))
        .select(links::id)
        .limit(limit)
        .for_update()
        .skip_locked();
    let ids: Vec<LinkId> = expired.load(connection).await?;
    diesel::delete(links::table.filter(links::id.eq_any(ids))).execute(connection).await
}
