//! SQL of sessions and their refresh tokens.
//!
//! **Invariant:** a transaction that locks several rows locks account, session and token in this order,
//! and sessions in the order of their ids. Tokens change only under the lock of their session.

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, SelectableHelper,
    sql_types::{self, BigInt, Timestamptz},
};
use diesel_async::RunQueryDsl;
use mesh_data::{database::Connection, sql::sql};

use crate::{
    schema::{refresh_tokens, sessions, users},
    secret::SecretHash,
    session::{Carrier, Session, SessionId, TokenState},
    user::{User, UserId},
};

/// Most active sessions of an account, and most ended ones that are kept.
const SESSIONS_MAX: i64 = 50;
/// Most used tokens of a session that are kept.
const USED_TOKENS_MAX: i64 = 20;

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

/// Returns a refresh token that has not expired, and locks and returns its session and its account. A
/// concurrent call with a token of the same session waits until the transaction ends.
pub(crate) async fn lock_token(
    connection: &mut Connection,
    hash: &SecretHash,
    now: DateTime<Utc>,
) -> QueryResult<Option<(TokenState, Session, User)>> {
    let owner = refresh_tokens::table
        .inner_join(sessions::table)
        .filter(refresh_tokens::hash.eq(&hash.0[..]))
        .select((sessions::user_id, sessions::id));
    let owner = owner.first::<(UserId, SessionId)>(connection).await.optional()?;
    let Some((user_id, session_id)) = owner else {
        return Ok(None);
    };
    let user = users::table.find(user_id).select(User::as_select()).for_share();
    let user = user.first(connection).await?;
    let session = sessions::table
        .find(session_id)
        .select((Session::as_select(), sessions::revoked_at.is_not_null()))
        .for_update();
    let session = session.first::<(Session, bool)>(connection).await.optional()?;
    let token = refresh_tokens::table
        .find(&hash.0[..])
        .filter(refresh_tokens::expires_at.gt(now))
        .select((refresh_tokens::cookie, refresh_tokens::used_at));
    let token = token.first::<(bool, Option<DateTime<Utc>>)>(connection).await.optional()?;
    let (Some((session, revoked)), Some((cookie, used_at))) = (session, token) else {
        return Ok(None);
    };
    let carrier = if cookie { Carrier::Cookie } else { Carrier::Message };
    Ok(Some((TokenState { carrier, used_at, revoked }, session, user)))
}

/// Records the first use of the unused tokens of a session: of the presented one, and of those that
/// other calls got for the same token, which the next one replaces.
pub(crate) async fn mark_tokens_used(
    connection: &mut Connection,
    session_id: SessionId,
    used_at: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(refresh_tokens::table)
        .filter(refresh_tokens::session_id.eq(session_id))
        .filter(refresh_tokens::used_at.is_null())
        .set(refresh_tokens::used_at.eq(used_at))
        .execute(connection)
        .await
        .map(drop)
}

/// Deletes the tokens of a session except the last used ones, of which a reuse is detected.
pub(crate) async fn delete_old_tokens(
    connection: &mut Connection,
    session_id: SessionId,
) -> QueryResult<()> {
    let old: Vec<Vec<u8>> = refresh_tokens::table
        .filter(refresh_tokens::session_id.eq(session_id))
        .order(refresh_tokens::used_at.desc())
        .offset(USED_TOKENS_MAX)
        .select(refresh_tokens::hash)
        .load(connection)
        .await?;
    diesel::delete(refresh_tokens::table.filter(refresh_tokens::hash.eq_any(old)))
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

/// Deletes the sessions of an account beyond its newest [`SESSIONS_MAX`] active ones, and beyond as many
/// that have ended.
pub(crate) async fn delete_surplus_sessions(
    connection: &mut Connection,
    user_id: UserId,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    sql("DELETE FROM sessions WHERE id IN (
             SELECT id FROM sessions WHERE id IN (
                 SELECT id FROM (
                     SELECT id, row_number() OVER (
                         PARTITION BY revoked_at IS NULL AND expires_at > {now} ORDER BY id DESC
                     ) AS place
                     FROM sessions WHERE user_id = {user_id}
                 ) AS ranked WHERE place > {sessions_max}
             ) ORDER BY id FOR UPDATE
         )")
    .bind::<Timestamptz, _>("now", now)
    .bind::<sql_types::Uuid, _>("user_id", user_id.0)
    .bind::<BigInt, _>("sessions_max", SESSIONS_MAX)
    .execute(connection)
    .await
    .map(drop)
}

/// Deletes up to `limit` sessions that expired before `time`, with their tokens, and returns their
/// number.
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
