//! SQL of sessions and their refresh tokens.
//!
//! **Invariant:** whoever locks several rows locks token, account and session in this
//! order, and sessions among themselves in order of their ids.

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, Queryable, SelectableHelper,
    pg::Pg,
};
use diesel_async::RunQueryDsl;
use mesh_data::database::Connection;

use super::users::UserRow;
use crate::{
    schema::{refresh_tokens, sessions, users},
    session::{Carrier, SecretHash, Session, SessionId, TokenState},
    user::{User, UserId},
};

/// Adds a session.
pub async fn insert_session(
    connection: &mut Connection,
    user_id: UserId,
    session: &Session,
) -> QueryResult<()> {
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(session.id),
            sessions::user_id.eq(user_id),
            sessions::created_at.eq(session.created_at),
            sessions::refreshed_at.eq(session.refreshed_at),
            sessions::expires_at.eq(session.expires_at),
            sessions::user_agent.eq(&session.user_agent),
        ))
        .execute(connection)
        .await
        .map(drop)
}

/// Adds a refresh token to a session.
pub async fn insert_token(
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

#[derive(Queryable, diesel::Selectable)]
#[diesel(table_name = sessions, check_for_backend(Pg))]
struct SessionRow {
    id: SessionId,
    created_at: DateTime<Utc>,
    refreshed_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    user_agent: String,
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            id: row.id,
            created_at: row.created_at,
            refreshed_at: row.refreshed_at,
            expires_at: row.expires_at,
            user_agent: row.user_agent,
        }
    }
}

#[derive(Queryable, diesel::Selectable)]
#[diesel(table_name = refresh_tokens, check_for_backend(Pg))]
struct TokenRow {
    session_id: SessionId,
    cookie: bool,
    used_at: Option<DateTime<Utc>>,
}

/// A refresh token that has not run off, its session and its account, which stay as they
/// are until the transaction ends: whoever comes with the same token meanwhile waits.
pub async fn lock_token(
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
        .select(UserRow::as_select())
        .for_share();
    let user = user.first::<UserRow>(connection).await?.into();
    let revoked_at = session.select(sessions::revoked_at).for_update();
    let revoked_at: Option<DateTime<Utc>> = revoked_at.first(connection).await?;
    let state = TokenState {
        carrier: if token.cookie { Carrier::Cookie } else { Carrier::Message },
        used_at: token.used_at,
        revoked: revoked_at.is_some(),
    };
    Ok(Some((state, token.session_id, user)))
}

/// Notes the first use of a token that has none yet.
pub async fn mark_used(
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

/// Lets a session that was refreshed live until `expires_at`.
pub async fn extend_session(
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

/// Whether a session is one of an account, ended or not.
pub async fn has_session(
    connection: &mut Connection,
    id: SessionId,
    user_id: UserId,
) -> QueryResult<bool> {
    let own = sessions::table.find(id).filter(sessions::user_id.eq(user_id));
    diesel::select(diesel::dsl::exists(own)).get_result(connection).await
}

/// A page of an account's sessions that have not ended, newest first, from after `cursor` on.
pub async fn list_sessions(
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
        .select(SessionRow::as_select())
        .order(sessions::id.desc())
        .limit(limit)
        .into_boxed();
    if let Some(id) = cursor {
        query = query.filter(sessions::id.lt(id));
    }
    let rows: Vec<SessionRow> = query.load(connection).await?;
    Ok(rows.into_iter().map(Session::from).collect())
}

/// Ends a session of an account.
pub async fn revoke_session(
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

/// Ends all sessions of an account, but for one that is to stay.
pub async fn revoke_sessions(
    connection: &mut Connection,
    user_id: UserId,
    but: Option<SessionId>,
) -> QueryResult<()> {
    let ids: Vec<SessionId> = sessions::table
        .filter(sessions::user_id.eq(user_id))
        .filter(sessions::id.ne_all(but.as_slice()))
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

/// Deletes up to `limit` tokens that ran off before `time`, and returns how many.
pub async fn delete_expired_tokens(
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

/// Deletes up to `limit` sessions that ran off before `time`, and returns how many.
///
/// Their tokens have run off as well, and go with them: since a refresh does not look
/// further than such a token, it never holds one that this waits for.
pub async fn delete_expired_sessions(
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
