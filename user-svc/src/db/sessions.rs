//! SQL of sessions and their refresh tokens.
//!
//! **Invariant:** a transaction that locks several rows locks token, account and session in this order,
//! and sessions in the order of their ids.

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, SelectableHelper,
    pg::Pg,
    prelude::{Queryable, Selectable},
};
use diesel_async::RunQueryDsl;
use mesh_data::database::Connection;

use crate::{
    schema::{refresh_tokens, sessions, users},
    secret::SecretHash,
    session::{Carrier, Session, SessionId, TokenState},
    user::{User, UserId},
};

pub(crate) async fn insert_session(
    connection: &mut Connection,
    user_id: UserId,
    session: &Session,
) -> QueryResult<()> {
    diesel::insert_into(sessions::table)
        .values((sessions::user_id.eq(user_id), session))
        .execute(connection)
        .await
        .map(drop)
}

/// Inserts a refresh token into the family of a session.
pub(crate) async fn insert_token(
    connection: &mut Connection,
    session_id: SessionId,
    hash: &SecretHash,
    carrier: Carrier,
    expires_at: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::hash.eq(&hash.0[..]),
            refresh_tokens::session_id.eq(session_id),
            refresh_tokens::cookie.eq(carrier == Carrier::Cookie),
            refresh_tokens::expires_at.eq(expires_at),
        ))
        .execute(connection)
        .await
        .map(drop)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = refresh_tokens, check_for_backend(Pg))]
struct TokenRow {
    session_id: SessionId,
    cookie: bool,
    used_at: Option<DateTime<Utc>>,
}

/// Locks and returns a refresh token that has not expired, its session and its account. A concurrent
/// call with the same token waits until the transaction ends.
pub(crate) async fn lock_token(
    connection: &mut Connection,
    hash: &SecretHash,
    now: DateTime<Utc>,
) -> QueryResult<Option<(TokenState, SessionId, User)>> {
    let token = refresh_tokens::table
        .find(&hash.0[..])
        .filter(refresh_tokens::expires_at.gt(now))
        .select(TokenRow::as_select())
        .for_update();
    let Some(token) = token.first::<TokenRow>(connection).await.optional()? else {
        return Ok(None);
    };
    let session = sessions::table.find(token.session_id);
    let user = users::table
        .filter(users::id.eq_any(session.select(sessions::user_id)))
        .select(User::as_select())
        .for_share();
    let user = user.first(connection).await?;
    let revoked_at = session.select(sessions::revoked_at).for_update();
    let revoked_at: Option<DateTime<Utc>> = revoked_at.first(connection).await?;
    let state = TokenState {
        carrier: if token.cookie { Carrier::Cookie } else { Carrier::Message },
        used_at: token.used_at,
        revoked: revoked_at.is_some(),
    };
    Ok(Some((state, token.session_id, user)))
}

/// Records the first use of a refresh token; a later use changes nothing.
pub(crate) async fn mark_token_used(
    connection: &mut Connection,
    hash: &SecretHash,
    used_at: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(refresh_tokens::table.find(&hash.0[..]))
        .filter(refresh_tokens::used_at.is_null())
        .set(refresh_tokens::used_at.eq(used_at))
        .execute(connection)
        .await
        .map(drop)
}

/// Records a refresh of a session, which moves its expiry.
pub(crate) async fn extend_session(
    connection: &mut Connection,
    id: SessionId,
    refreshed_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(sessions::table.find(id))
        .set((sessions::refreshed_at.eq(refreshed_at), sessions::expires_at.eq(expires_at)))
        .execute(connection)
        .await
        .map(drop)
}

/// Returns whether an account has a session, ended or not.
pub(crate) async fn has_session(
    connection: &mut Connection,
    id: SessionId,
    user_id: UserId,
) -> QueryResult<bool> {
    let own = sessions::table.find(id).filter(sessions::user_id.eq(user_id));
    diesel::select(diesel::dsl::exists(own)).get_result(connection).await
}

/// Returns up to `limit` active sessions of an account after `cursor`, newest first.
pub(crate) async fn list_active_sessions(
    connection: &mut Connection,
    user_id: UserId,
    now: DateTime<Utc>,
    cursor: Option<SessionId>,
    limit: i64,
) -> QueryResult<Vec<Session>> {
    let mut query = sessions::table
        .filter(sessions::user_id.eq(user_id))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .select(Session::as_select())
        .order(sessions::id.desc())
        .limit(limit)
        .into_boxed();
    if let Some(id) = cursor {
        query = query.filter(sessions::id.lt(id));
    }
    query.load(connection).await
}

/// Revokes a session, if it belongs to the account.
pub(crate) async fn revoke_session(
    connection: &mut Connection,
    id: SessionId,
    user_id: UserId,
) -> QueryResult<()> {
    diesel::update(sessions::table.find(id))
        .filter(sessions::user_id.eq(user_id))
        .filter(sessions::revoked_at.is_null())
        .set(sessions::revoked_at.eq(diesel::dsl::now))
        .execute(connection)
        .await
        .map(drop)
}

/// Revokes all sessions of an account, except one.
pub(crate) async fn revoke_sessions(
    connection: &mut Connection,
    user_id: UserId,
    except: Option<SessionId>,
) -> QueryResult<()> {
    let ids: Vec<SessionId> = sessions::table
        .filter(sessions::user_id.eq(user_id))
        .filter(sessions::id.ne_all(except.as_slice()))
        .filter(sessions::revoked_at.is_null())
        .order(sessions::id)
        .select(sessions::id)
        .for_update()
        .load(connection)
        .await?;
    diesel::update(sessions::table)
        .filter(sessions::id.eq_any(ids))
        .set(sessions::revoked_at.eq(diesel::dsl::now))
        .execute(connection)
        .await
        .map(drop)
}

/// Deletes up to `limit` refresh tokens that expired before `time`, and returns their number.
pub(crate) async fn delete_expired_tokens(
    connection: &mut Connection,
    time: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    let expired = refresh_tokens::table
        .filter(refresh_tokens::expires_at.lt(time))
        .select(refresh_tokens::hash)
        .limit(limit)
        .for_update()
        .skip_locked();
    let hashes: Vec<Vec<u8>> = expired.load(connection).await?;
    diesel::delete(refresh_tokens::table.filter(refresh_tokens::hash.eq_any(hashes)))
        .execute(connection)
        .await
}

/// Deletes up to `limit` sessions that expired before `time`, and returns their number.
///
/// The deletion cascades to their tokens, which have expired as well. A refresh never locks an expired
/// token, so the two cannot deadlock.
pub(crate) async fn delete_expired_sessions(
    connection: &mut Connection,
    time: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    let expired = sessions::table
        .filter(sessions::expires_at.lt(time))
        .select(sessions::id)
        .limit(limit)
        .for_update()
        .skip_locked();
    let ids: Vec<SessionId> = expired.load(connection).await?;
    diesel::delete(sessions::table.filter(sessions::id.eq_any(ids))).execute(connection).await
}
