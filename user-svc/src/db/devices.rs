//! SQL of devices that logged in to an account.

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult};
use diesel_async::RunQueryDsl;
use mesh_data::database::Connection;

use crate::{schema::devices, secret::SecretHash, user::UserId};

/// Returns which of `hashes` is a device of the account, if any.
pub(crate) async fn find_device(
    connection: &mut Connection,
    user_id: UserId,
    hashes: &[SecretHash],
) -> QueryResult<Option<SecretHash>> {
    let hash: Option<Vec<u8>> = devices::table
        .filter(devices::user_id.eq(user_id))
        .filter(devices::hash.eq_any(hashes.iter().map(|hash| &hash.0[..])))
        .select(devices::hash)
        .first(connection)
        .await
        .optional()?;
    Ok(hash.and_then(|hash| hashes.iter().find(|known| known.0[..] == hash[..]).copied()))
}

/// Inserts a device of an account, or records its use.
pub(crate) async fn upsert_device(
    connection: &mut Connection,
    user_id: UserId,
    hash: &SecretHash,
    used_at: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::insert_into(devices::table)
        .values((
            devices::user_id.eq(user_id),
            devices::hash.eq(&hash.0[..]),
            devices::used_at.eq(used_at),
        ))
        .on_conflict((devices::user_id, devices::hash))
        .do_update()
        .set(devices::used_at.eq(used_at))
        .execute(connection)
        .await
        .map(drop)
}

/// Deletes the devices of an account beyond the `limit` most recently used ones. Skips those that a
/// concurrent login uses.
pub(crate) async fn delete_excess_devices(
    connection: &mut Connection,
    user_id: UserId,
    limit: i64,
) -> QueryResult<()> {
    let excess = devices::table
        .filter(devices::user_id.eq(user_id))
        .order((devices::used_at.desc(), devices::hash))
        .offset(limit)
        .select(devices::hash)
        .for_update()
        .skip_locked();
    let hashes: Vec<Vec<u8>> = excess.load(connection).await?;
    if hashes.is_empty() {
        return Ok(());
    }
    let excess =
        devices::table.filter(devices::user_id.eq(user_id)).filter(devices::hash.eq_any(hashes));
    diesel::delete(excess).execute(connection).await.map(drop)
}

/// Deletes all devices of an account.
pub(crate) async fn delete_devices(
    connection: &mut Connection,
    user_id: UserId,
) -> QueryResult<()> {
    let all = devices::table.filter(devices::user_id.eq(user_id));
    diesel::delete(all).execute(connection).await.map(drop)
}

/// Deletes up to `limit` devices that were last used before `time`, and returns their number.
pub(crate) async fn delete_old_devices(
    connection: &mut Connection,
    time: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    let old = devices::table
        .filter(devices::used_at.lt(time))
        .select((devices::user_id, devices::hash))
        .limit(limit)
        .for_update()
        .skip_locked();
    let old: Vec<(UserId, Vec<u8>)> = old.load(connection).await?;
    let (user_ids, hashes): (Vec<UserId>, Vec<Vec<u8>>) = old.into_iter().unzip();
    diesel::delete(devices::table)
        .filter(devices::used_at.lt(time))
        .filter(devices::user_id.eq_any(user_ids))
        .filter(devices::hash.eq_any(hashes))
        .execute(connection)
        .await
}
