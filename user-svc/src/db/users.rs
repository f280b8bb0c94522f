//! SQL of accounts.

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, Queryable, SelectableHelper,
    pg::Pg,
};
use diesel_async::RunQueryDsl;
use mesh::database::Connection;

use crate::{
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
            email: row.email,
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
    email: &Email,
    password_hash: &str,
) -> QueryResult<bool> {
    let inserted = diesel::insert_into(users::table)
        .values((
            users::id.eq(user.id),
            users::email.eq(email.as_str()),
            users::email_key.eq(email.key()),
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

/// Keeps a password as `new_hash`, unless it was changed meanwhile.
pub async fn update_password_hash(
    connection: &mut Connection,
    id: UserId,
    old_hash: &str,
    new_hash: &str,
) -> QueryResult<()> {
    diesel::update(users::table.find(id).filter(users::password_hash.eq(old_hash)))
        .set(users::password_hash.eq(new_hash))
        .execute(connection)
        .await
        .map(drop)
}

/// Gives the account with this address a role; its id, where it had another.
pub async fn update_role(
    connection: &mut Connection,
    email: &Email,
    role: Role,
) -> QueryResult<Option<UserId>> {
    diesel::update(users::table)
        .filter(users::email_key.eq(email.key()))
        .filter(users::role.ne(role))
        .set(users::role.eq(role))
        .returning(users::id)
        .get_result(connection)
        .await
        .optional()
}
