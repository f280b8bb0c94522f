//! SQL of the inbox.

use chrono::{DateTime, Utc};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, QueryResult,
    QueryableByName, SelectableHelper,
    dsl::sql as literal,
    pg::Pg,
    sql_types::{BigInt, Binary, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use mesh_data::{
    database::Connection,
    sql::{Rows, sql},
};
use uuid::Uuid;

use crate::{
    notification::{Cursor, NewNotification, Notification, NotificationFilter, NotificationId},
    schema::{deliveries, notifications},
};

diesel::define_sql_function! {
    fn lower(text: Text) -> Text;
}

/// Locks the recipients whose address is not verified until the transaction ends, so that
/// two replicas do not count their mails at the same time.
pub(crate) async fn lock_unverified(
    connection: &mut Connection,
    new: &[NewNotification],
) -> QueryResult<()> {
    let unverified: Vec<_> =
        new.iter().filter(|new| !new.email_verified).map(|new| &*new.recipient).collect();
    if unverified.is_empty() {
        return Ok(());
    }
    let rows = Rows::of(&unverified).column::<Text, _>("address", |address| *address);
    // In the order of the keys, so that two replicas cannot deadlock.
    let lock = sql("WITH keys AS MATERIALIZED (\
           SELECT DISTINCT hashtextextended(lower(address), 0) AS key FROM {recipient} ORDER BY key\
         ) SELECT pg_advisory_xact_lock(key) FROM keys")
    .rows("recipient", rows);
    lock.execute(connection).await.map(drop)
}

/// Inserts the notifications whose event was not received before, and returns their number.
/// Marks those to an address that is not verified and has had `unverified_max` mails within an
/// hour.
///
/// The rows are inserted in the order of their events, so that two replicas that insert the
/// same ones cannot deadlock.
pub(crate) async fn insert_notifications(
    connection: &mut Connection,
    new: &[NewNotification],
    unverified_max: i64,
) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Inserted {
        #[diesel(sql_type = BigInt)]
        pending: i64,
    }
    let rows = Rows::of(new)
        .column::<SqlUuid, _>("id", |_| Uuid::now_v7())
        .column::<SqlUuid, _>("event_id", |new| new.event_id)
        .column::<Text, _>("kind", |new| new.kind)
        .column::<Text, _>("recipient", |new| &*new.recipient)
        .column::<Text, _>("subject", |new| &*new.subject)
        .column::<Nullable<SqlUuid>, _>("order_id", |new| new.order_id)
        .column::<Binary, _>("payload", |new| &*new.payload)
        .column::<Nullable<Text>, _>("traceparent", |new| new.traceparent.as_deref())
        .column::<Bool, _>("email_verified", |new| new.email_verified);
    let insert = sql(include_str!("insert_notifications.sql"))
        .rows("event", rows)
        .bind::<BigInt, _>("unverified_max", unverified_max);
    let inserted: Option<Inserted> = insert.get_result(connection).await.optional()?;
    Ok(inserted.map_or(0, |inserted| inserted.pending))
}

/// Replaces the recipient of a mail.
pub(crate) async fn update_recipient(
    connection: &mut Connection,
    id: NotificationId,
    recipient: &str,
) -> QueryResult<()> {
    diesel::update(notifications::table.find(id))
        .set(notifications::recipient.eq(recipient))
        .execute(connection)
        .await
        .map(drop)
}

macro_rules! with_delivery {
    () => {
        notifications::table.inner_join(deliveries::table).select(Notification::as_select())
    };
}

/// Returns the notification, if it exists.
pub(crate) async fn find_notification(
    connection: &mut Connection,
    id: NotificationId,
) -> QueryResult<Option<Notification>> {
    let query = with_delivery!().filter(notifications::id.eq(id));
    query.first(connection).await.optional()
}

/// Returns up to `limit` notifications after `cursor`, newest first.
pub(crate) async fn list_notifications(
    connection: &mut Connection,
    filter: &NotificationFilter,
    cursor: Option<&Cursor>,
    limit: i64,
) -> QueryResult<Vec<Notification>> {
    let mut query = with_delivery!().limit(limit).into_boxed::<Pg>();
    if let Some(order_id) = filter.order_id {
        query = query.filter(notifications::order_id.eq(order_id));
    }
    if let Some(recipient) = &filter.recipient {
        query = query.filter(lower(notifications::recipient).eq(lower(recipient)));
    }
    // On both sides of the join, so that the index of either gives the order.
    if let Some(Cursor { id }) = cursor {
        let after = notifications::id.lt(id).and(deliveries::notification_id.lt(id));
        query = query.filter(after);
    }
    // As literals, because only so the planner uses a partial index.
    if !filter.states.is_empty() {
        let states: Vec<_> = filter.states.iter().map(|s| format!("'{}'", s.as_str())).collect();
        let condition = format!("deliveries.state IN ({})", states.join(", "));
        query = query.filter(literal::<Bool>(&condition));
    }
    query.order(notifications::id.desc()).load(connection).await
}

/// Deletes the content of up to `limit` mails that became final before `final_before`, and returns
/// their number. Reads only rows before `first_kept_id`.
pub(crate) async fn delete_contents(
    connection: &mut Connection,
    first_kept_id: NotificationId,
    final_before: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    let delete = sql(include_str!("delete_contents.sql"))
        .bind::<SqlUuid, _>("first_kept_id", first_kept_id)
        .bind::<Timestamptz, _>("final_before", final_before)
        .bind::<BigInt, _>("limit", limit);
    delete.execute(connection).await
}

/// Deletes up to `limit` notifications, with deliveries and attempts, whose mail became final before
/// `final_before`, and returns their number. Reads only rows before `first_kept_id`.
pub(crate) async fn delete_notifications(
    connection: &mut Connection,
    first_kept_id: NotificationId,
    final_before: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    let delete = sql(include_str!("delete_notifications.sql"))
        .bind::<SqlUuid, _>("first_kept_id", first_kept_id)
        .bind::<Timestamptz, _>("final_before", final_before)
        .bind::<BigInt, _>("limit", limit);
    delete.execute(connection).await
}
