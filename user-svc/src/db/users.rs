//! SQL of accounts.

use chrono::{DateTime, Utc};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, PgTextExpressionMethods, QueryDsl,
    QueryResult, Queryable, SelectableHelper, TextExpressionMethods, pg::Pg,
};
use diesel_async::RunQueryDsl;
use mesh_data::database::Connection;

use crate::{
    accounts::UserFilter,
    schema::users,
    user::{Email, Role, User, UserId},
};

/// An account, as it is read.
#[derive(Queryable, diesel::Selectable)]
#[diesel(table_name = users, check_for_backend(Pg))]
pub(super) struct UserRow {
    id: UserId,
    email: String,
    display_name: String,
    role: Role,
    email_verified: bool,
    disabled_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: row.id,
            email: Email::known(row.email),
            display_name: row.display_name,
            role: row.role,
            email_verified: row.email_verified,
            disabled_at: row.disabled_at,
            created_at: row.created_at,
        }
    }
}

/// Adds an account; false where its address is taken.
pub async fn insert_user(
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
            users::role.eq(user.role),
            users::created_at.eq(user.created_at),
        ))
        .on_conflict(users::email_key)
        .do_nothing()
        .execute(connection)
        .await?;
    Ok(inserted == 1)
}

/// The account.
pub async fn find_user(connection: &mut Connection, id: UserId) -> QueryResult<Option<User>> {
    let query = users::table.find(id).select(UserRow::as_select());
    query.first(connection).await.optional().map(|row| row.map(User::from))
}

/// Id and password hash of the account with this address.
pub async fn find_credentials(
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

/// The account, if `password_hash` still is its own; it stays as it is until the
/// transaction ends.
pub async fn hold_user(
    connection: &mut Connection,
    id: UserId,
    password_hash: &str,
) -> QueryResult<Option<User>> {
    let query = users::table
        .find(id)
        .filter(users::password_hash.eq(password_hash))
        .select(UserRow::as_select())
        .for_share();
    query.first(connection).await.optional().map(|row| row.map(User::from))
}

/// The account, and the hash of its password.
pub async fn find_user_and_hash(
    connection: &mut Connection,
    id: UserId,
) -> QueryResult<Option<(User, String)>> {
    let query = users::table.find(id).select((UserRow::as_select(), users::password_hash));
    let row: Option<(UserRow, String)> = query.first(connection).await.optional()?;
    Ok(row.map(|(row, hash)| (User::from(row), hash)))
}

/// The account with this address; it stays as it is until the transaction ends.
pub async fn hold_user_with_email(
    connection: &mut Connection,
    email: &Email,
) -> QueryResult<Option<User>> {
    let query = users::table
        .filter(users::email_key.eq(email.key()))
        .select(UserRow::as_select())
        .for_share();
    query.first(connection).await.optional().map(|row| row.map(User::from))
}

/// The account, which nobody else changes until the transaction ends.
pub async fn lock_user(connection: &mut Connection, id: UserId) -> QueryResult<Option<User>> {
    let query = users::table.find(id).select(UserRow::as_select()).for_update();
    query.first(connection).await.optional().map(|row| row.map(User::from))
}

/// Marks the address of an account as verified.
pub async fn update_email_verified(connection: &mut Connection, id: UserId) -> QueryResult<()> {
    diesel::update(users::table.find(id))
        .set(users::email_verified.eq(true))
        .execute(connection)
        .await
        .map(drop)
}

/// Gives an account a password by the owner's address, which so is verified.
pub async fn reset_password_hash(
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

/// Keeps a password as `new_hash`; false where it was changed meanwhile.
pub async fn update_password_hash(
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

/// Gives an account a name; the account as it is then.
pub async fn update_display_name(
    connection: &mut Connection,
    id: UserId,
    display_name: &str,
) -> QueryResult<Option<User>> {
    let update = diesel::update(users::table.find(id))
        .set(users::display_name.eq(display_name))
        .returning(UserRow::as_returning());
    update.get_result(connection).await.optional().map(|row| row.map(User::from))
}

/// Gives an account a role; the account as it is then, where it had another.
pub async fn update_role(
    connection: &mut Connection,
    id: UserId,
    role: Role,
) -> QueryResult<Option<User>> {
    let update = diesel::update(users::table.find(id))
        .filter(users::role.ne(role))
        .set(users::role.eq(role))
        .returning(UserRow::as_returning());
    update.get_result(connection).await.optional().map(|row| row.map(User::from))
}

/// Shuts an account out, or lets it in; the account as it is then, where it was not so.
pub async fn update_disabled(
    connection: &mut Connection,
    id: UserId,
    disabled: bool,
) -> QueryResult<Option<User>> {
    let disabled_at = disabled.then(Utc::now);
    let update = diesel::update(users::table.find(id))
        .filter(users::disabled_at.is_null().eq(disabled))
        .set(users::disabled_at.eq(disabled_at))
        .returning(UserRow::as_returning());
    update.get_result(connection).await.optional().map(|row| row.map(User::from))
}

/// A page of accounts, newest first, from after `cursor` on.
pub async fn list_users(
    connection: &mut Connection,
    filter: &UserFilter,
    cursor: Option<UserId>,
    limit: i64,
) -> QueryResult<Vec<User>> {
    let mut query = users::table.select(UserRow::as_select()).limit(limit).into_boxed();
    if let Some(text) = &filter.query {
        let pattern = format!("%{}%", escaped(&text.to_lowercase()));
        let in_email = users::email_key.like(pattern.clone());
        query = query.filter(in_email.or(users::display_name.ilike(pattern)));
    }
    if let Some(role) = filter.role {
        query = query.filter(users::role.eq(role));
    }
    if let Some(id) = cursor {
        query = query.filter(users::id.lt(id));
    }
    let rows: Vec<UserRow> = query.order(users::id.desc()).load(connection).await?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// `text` as a pattern that fits nothing else.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
