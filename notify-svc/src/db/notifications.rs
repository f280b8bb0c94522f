//! SQL of the inbox.

use chrono::{DateTime, Utc};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, Queryable,
    SelectableHelper,
    dsl::sql,
    pg::Pg,
    sql_types::{Array, BigInt, Binary, Bool, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use mesh_data::{database::Connection, prepared::prepared};
use uuid::Uuid;

use crate::{
    inbox::{Cursor, NotificationFilter},
    notification::{
        DeliveryAttempt, NewNotification, Notification, NotificationId, NotificationKind,
        NotificationState, Reply,
    },
    schema::{deliveries, delivery_attempts, notifications},
};

/// Adds those whose event did not come before, and tells how many those were.
///
/// Rows are written in the order of their events, so that two replicas that got the
/// same ones never wait for each other in a circle.
pub async fn insert_notifications(
    connection: &mut Connection,
    new: &[NewNotification],
) -> QueryResult<i64> {
    #[derive(diesel::QueryableByName)]
    struct Inserted {
        #[diesel(sql_type = BigInt)]
        pending: i64,
    }
    fn column<'a, T>(
        new: &'a [NewNotification],
        value: impl Fn(&'a NewNotification) -> T,
    ) -> Vec<T> {
        new.iter().map(value).collect()
    }
    let insert = diesel::sql_query(
        "WITH event AS (\
           SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS \
           event (id, event_id, kind, recipient, subject, order_id, payload, traceparent)\
         ), inserted AS (\
           INSERT INTO notifications \
           (id, event_id, kind, recipient, subject, order_id, payload, traceparent) \
           SELECT * FROM event ORDER BY event_id \
           ON CONFLICT (event_id) DO NOTHING RETURNING id\
         ), queued AS (\
           INSERT INTO deliveries (notification_id) SELECT id FROM inserted\
         ) INSERT INTO delivery_counts (pending) \
         SELECT count(*) FROM inserted HAVING count(*) > 0 RETURNING pending",
    )
    .bind::<Array<SqlUuid>, _>(column(new, |_| Uuid::now_v7()))
    .bind::<Array<SqlUuid>, _>(column(new, |n| n.event_id))
    .bind::<Array<Text>, _>(column(new, |n| n.kind))
    .bind::<Array<Text>, _>(column(new, |n| &n.recipient))
    .bind::<Array<Text>, _>(column(new, |n| &n.subject))
    .bind::<Array<Nullable<SqlUuid>>, _>(column(new, |n| n.order_id))
    .bind::<Array<Binary>, _>(column(new, |n| &n.payload))
    .bind::<Array<Nullable<Text>>, _>(column(new, |n| n.traceparent.as_deref()));
    let inserted: Option<Inserted> = prepared(insert).get_result(connection).await.optional()?;
    Ok(inserted.map_or(0, |inserted| inserted.pending))
}

#[derive(Queryable, diesel::Selectable)]
#[diesel(table_name = notifications, check_for_backend(Pg))]
struct NotificationRow {
    id: NotificationId,
    kind: NotificationKind,
    recipient: String,
    subject: String,
    order_id: Option<Uuid>,
    created_at: DateTime<Utc>,
}

#[derive(Queryable, diesel::Selectable)]
#[diesel(table_name = deliveries, check_for_backend(Pg))]
struct DeliveryRow {
    state: NotificationState,
    version: i64,
    due_at: DateTime<Utc>,
    attempt_count: i32,
    resend_count: i32,
    sent_at: Option<DateTime<Utc>>,
}

type Row = (NotificationRow, DeliveryRow);

fn notification((row, delivery): Row) -> Notification {
    Notification {
        id: row.id,
        kind: row.kind,
        recipient: row.recipient,
        subject: row.subject,
        order_id: row.order_id,
        created_at: row.created_at,
        state: delivery.state,
        version: delivery.version,
        due_at: delivery.due_at,
        attempt_count: delivery.attempt_count,
        resend_count: delivery.resend_count,
        sent_at: delivery.sent_at,
    }
}

macro_rules! with_delivery {
    () => {
        notifications::table
            .inner_join(deliveries::table)
            .select((NotificationRow::as_select(), DeliveryRow::as_select()))
    };
}

/// The notification, if there is one.
pub async fn find_notification(
    connection: &mut Connection,
    id: NotificationId,
) -> QueryResult<Option<Notification>> {
    let query = with_delivery!().filter(notifications::id.eq(id));
    query.first::<Row>(connection).await.optional().map(|row| row.map(notification))
}

/// A page, newest first, from after `cursor` on.
pub async fn list_notifications(
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
        let same = sql::<Bool>("lower(notifications.recipient) = lower(")
            .bind::<Text, _>(recipient.clone())
            .sql(")");
        query = query.filter(same);
    }
    // Both sides of the join, so that either index can give the order.
    if let Some(Cursor { id }) = cursor {
        let before = notifications::id.lt(id).and(deliveries::notification_id.lt(id));
        query = query.filter(before);
    }
    // By name, not as parameters: only so are they seen to fit a partial index.
    if !filter.states.is_empty() {
        let names: Vec<_> = filter.states.iter().map(|s| format!("'{}'", s.as_str())).collect();
        let condition = format!("deliveries.state IN ({})", names.join(", "));
        query = query.filter(sql::<Bool>(&condition));
    }
    let rows: Vec<Row> = query.order(notifications::id.desc()).load(connection).await?;
    Ok(rows.into_iter().map(notification).collect())
}

/// Most attempts that are read: far more than there are, unless a mail was asked for
/// again dozens of times.
const ATTEMPTS_MAX: i64 = 500;

/// Each attempt to deliver a notification, oldest first.
pub async fn find_attempts(
    connection: &mut Connection,
    id: NotificationId,
) -> QueryResult<Vec<DeliveryAttempt>> {
    use delivery_attempts as a;
    let rows: Vec<(DateTime<Utc>, i32, String, String)> = a::table
        .filter(a::notification_id.eq(id))
        .order((a::resend_count.desc(), a::attempt.desc()))
        .limit(ATTEMPTS_MAX)
        .select((a::created_at, a::reply_code, a::reply_text, a::message_id))
        .load(connection)
        .await?;
    let attempt = |(created_at, code, text, message_id)| DeliveryAttempt {
        created_at,
        reply: Reply { code: u16::try_from(code).unwrap_or(0), text },
        message_id,
    };
    Ok(rows.into_iter().rev().map(attempt).collect())
}
