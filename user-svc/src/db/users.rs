//! SQL of accounts.

use chrono::Utc;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, QueryResult,
    SelectableHelper, TextExpressionMethods,
    sql_types::{BigInt, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use mesh_data::{
    database::Connection,
    folding::fold,
    sql::{Rows, sql},
};

use crate::{
    schema::users,
    user::{Email, Role, User, UserFilter, UserId},
};

/// An arbitrary number, which no other advisory lock has.
const RIGHTS_LOCK: i64 = 0x7269_6768_7473_2e31;

/// Inserts an account. Returns whether its address was free.
pub(crate) async fn insert_user(
    connection: &mut Connection,
    user: &User,
    password_hash: &str,
) -> QueryResult<bool> {
    let inserted = diesel::insert_into(users::table)
        .values((
            users::id.eq(user.id),
            users::email.eq(user.email.as_str()),
            users::email_key.eq(user.email.key()),
            users::password_hash.eq(password_hash),
            users::display_name.eq(&user.display_name),
            users::name_key.eq(fold(&user.display_name)),
            users::keyed_name.eq(&user.display_name),
            users::role.eq(user.role),
            users::created_at.eq(user.created_at),
        ))
        .on_conflict(users::email_key)
        .do_nothing()
        .execute(connection)
        .await?;
    Ok(inserted == 1)
}

pub(crate) async fn find_user(
    connection: &mut Connection,
    id: UserId,
) -> QueryResult<Option<User>> {
    let query = users::table.find(id).select(User::as_select());
    query.first(connection).await.optional()
}

/// Returns the id and the password hash of the account with this address.
pub(crate) async fn find_credentials(
    connection: &mut Connection,
    email: &Email,
) -> QueryResult<Option<(UserId, String)>> {
    users::table
        .filter(users::email_key.eq(email.key()))
        .select((users::id, users::password_hash))
        .first(connection)
        .await
        .optional()
}

/// Locks and returns an account if it has this password hash. Until the transaction ends nobody
/// changes the account or logs in.
pub(crate) async fn lock_user_with_hash(
    connection: &mut Connection,
    id: UserId,
    password_hash: &str,
) -> QueryResult<Option<User>> {
    let query = users::table
        .find(id)
        .filter(users::password_hash.eq(password_hash))
        .select(User::as_select())
        .for_no_key_update();
    query.first(connection).await.optional()
}

/// Returns an account and its password hash.
pub(crate) async fn find_user_and_hash(
    connection: &mut Connection,
    id: UserId,
) -> QueryResult<Option<(User, String)>> {
    let query = users::table.find(id).select((User::as_select(), users::password_hash));
    query.first(connection).await.optional()
}

/// Locks and returns the account with this address. Until the transaction ends nobody changes it.
pub(crate) async fn lock_user_by_email_for_share(
    connection: &mut Connection,
    email: &Email,
) -> QueryResult<Option<User>> {
    let query =
        users::table.filter(users::email_key.eq(email.key())).select(User::as_select()).for_share();
    query.first(connection).await.optional()
}

/// Locks and returns an account to change it or its links.
pub(crate) async fn lock_user(
    connection: &mut Connection,
    id: UserId,
) -> QueryResult<Option<User>> {
    let query = users::table.find(id).select(User::as_select()).for_update();
    query.first(connection).await.optional()
}

/// Locks all changes of rights until the transaction ends, so that two of them cannot both rely on
/// what the other removes.
pub(crate) async fn lock_rights(connection: &mut Connection) -> QueryResult<()> {
    sql("SELECT pg_advisory_xact_lock({key})")
        .bind::<BigInt, _>("key", RIGHTS_LOCK)
        .execute(connection)
        .await
        .map(drop)
}

/// Returns whether there is an enabled admin besides this account.
pub(crate) async fn has_other_admin(connection: &mut Connection, id: UserId) -> QueryResult<bool> {
    let others = users::table
        .filter(users::role.eq(Role::Admin))
        .filter(users::disabled_at.is_null())
        .filter(users::id.ne(id));
    diesel::select(diesel::dsl::exists(others)).get_result(connection).await
}

pub(crate) async fn update_email_verified(
    connection: &mut Connection,
    id: UserId,
) -> QueryResult<()> {
    diesel::update(users::table.find(id))
        .set(users::email_verified.eq(true))
        .execute(connection)
        .await
        .map(drop)
}

/// Sets a password by a mailed link, which verifies the address as well.
pub(crate) async fn reset_password_hash(
    connection: &mut Connection,
    id: UserId,
    hash: &str,
) -> QueryResult<()> {
    diesel::update(users::table.find(id))
        .set((users::password_hash.eq(hash), users::email_verified.eq(true)))
        .execute(connection)
        .await
        .map(drop)
}

/// Replaces a password hash. Returns false if it is no longer `old_hash`.
pub(crate) async fn update_password_hash(
    connection: &mut Connection,
    id: UserId,
    old_hash: &str,
    new_hash: &str,
) -> QueryResult<bool> {
    diesel::update(users::table.find(id).filter(users::password_hash.eq(old_hash)))
        .set(users::password_hash.eq(new_hash))
        .execute(connection)
        .await
        .map(|updated| updated == 1)
}

/// Sets the name of an account, and returns the account after the change.
pub(crate) async fn update_display_name(
    connection: &mut Connection,
    id: UserId,
    display_name: &str,
) -> QueryResult<Option<User>> {
    let update = diesel::update(users::table.find(id))
        .set((
            users::display_name.eq(display_name),
            users::name_key.eq(fold(display_name)),
            users::keyed_name.eq(display_name),
        ))
        .returning(User::as_returning());
    update.get_result(connection).await.optional()
}

/// Sets the role of an account. Returns the account after the change, or `None` if nothing changed.
pub(crate) async fn update_role(
    connection: &mut Connection,
    id: UserId,
    role: Role,
) -> QueryResult<Option<User>> {
    let update = diesel::update(users::table.find(id))
        .filter(users::role.ne(role))
        .set(users::role.eq(role))
        .returning(User::as_returning());
    update.get_result(connection).await.optional()
}

/// Disables or enables an account. Returns the account after the change, or `None` if nothing changed.
pub(crate) async fn update_disabled(
    connection: &mut Connection,
    id: UserId,
    disabled: bool,
) -> QueryResult<Option<User>> {
    let disabled_at = disabled.then(Utc::now);
    let update = diesel::update(users::table.find(id))
        .filter(users::disabled_at.is_null().eq(disabled))
        .set(users::disabled_at.eq(disabled_at))
        .returning(User::as_returning());
    update.get_result(connection).await.optional()
}

/// Returns up to `limit` accounts after `cursor` that match the filter, newest first.
pub(crate) async fn list_users(
    connection: &mut Connection,
    filter: &UserFilter,
    cursor: Option<UserId>,
    limit: i64,
) -> QueryResult<Vec<User>> {
    let mut query = users::table.select(User::as_select()).limit(limit).into_boxed();
    if let Some(text) = &filter.query {
        let contains = |text: &str| format!("%{}%", escape(text));
        // A text of accents only is nothing when it is folded.
        let folded = Some(fold(text)).filter(|folded| !folded.is_empty());
        let in_email = users::email_key.like(contains(&text.to_lowercase()));
        let in_name = users::name_key.like(contains(folded.as_deref().unwrap_or(text)));
        query = query.filter(in_email.or(in_name));
    }
    if let Some(role) = filter.role {
        query = query.filter(users::role.eq(role));
    }
    if let Some(id) = cursor {
        query = query.filter(users::id.lt(id));
    }
    query.order(users::id.desc()).load(connection).await
}

/// Makes up to `limit` name keys that a program without them has left behind. Returns their number.
pub(crate) async fn update_name_keys(
    connection: &mut Connection,
    limit: i64,
) -> QueryResult<usize> {
    let names: Vec<(UserId, String)> = users::table
        .filter(users::keyed_name.ne(users::display_name))
        .order(users::id)
        .limit(limit)
        .select((users::id, users::display_name))
        .for_no_key_update()
        .skip_locked()
        .load(connection)
        .await?;
    let rows = Rows::of(&names)
        .column::<SqlUuid, _>("id", |(id, _)| *id)
        .column::<Text, _>("name_key", |(_, name)| fold(name))
        .column::<Text, _>("keyed_name", |(_, name)| &**name);
    let update = sql("UPDATE users SET name_key = new.name_key, keyed_name = new.keyed_name \
         FROM {new} WHERE users.id = new.id");
    update.rows("new", rows).execute(connection).await
}

/// Escapes the wildcards of a LIKE pattern.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
