//! The tables. The migrations are their source.

diesel::table! {
    notifications (id) {
        id -> Uuid,
        event_id -> Uuid,
        kind -> Text,
        recipient -> Text,
        subject -> Text,
        order_id -> Nullable<Uuid>,
        payload -> Binary,
        traceparent -> Nullable<Text>,
        created_at -> Timestamptz,
        over_limit -> Bool,
    }
}

diesel::table! {
    deliveries (notification_id) {
        notification_id -> Uuid,
        state -> Text,
        version -> BigInt,
        pending_since -> Timestamptz,
        due_at -> Timestamptz,
        claim_id -> Nullable<Uuid>,
        leased_until -> Nullable<Timestamptz>,
        attempt_count -> Integer,
        cut_off_count -> Integer,
        resend_count -> Integer,
        sent_at -> Nullable<Timestamptz>,
        unknown_count -> Integer,
        first_attempt_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    delivery_attempts (notification_id, resend_count, attempt) {
        notification_id -> Uuid,
        resend_count -> Integer,
        attempt -> Integer,
        message_id -> Text,
        reply_code -> Integer,
        reply_text -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    delivery_counts (id) {
        id -> BigInt,
        pending -> BigInt,
        sent -> BigInt,
        failed -> BigInt,
    }
}

diesel::joinable!(deliveries -> notifications (notification_id));
diesel::allow_tables_to_appear_in_same_query!(notifications, deliveries);
