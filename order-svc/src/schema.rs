//! The tables and views that are read and updated in diesel's query language. The
//! migrations are their source.

diesel::table! {
    // The columns of an order are read from the view.
    checkouts (order_id) {
        order_id -> Uuid,
        state -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    orders (order_id) {
        order_id -> Uuid,
        state -> Text,
        created_at -> Timestamptz,
        request_id -> Uuid,
        fingerprint -> Binary,
        customer_id -> Uuid,
        customer_email -> Text,
        customer_name -> Text,
        mail_state -> Text,
        mail_version -> BigInt,
        product_ids -> Array<Uuid>,
        names -> Array<Text>,
        quantities -> Array<Integer>,
        prices_minor -> Array<BigInt>,
        total_minor -> BigInt,
        full_name -> Text,
        street -> Text,
        city -> Text,
        postal_code -> Text,
        country_code -> Text,
        customer_email_verified -> Nullable<Bool>,
    }
}

diesel::table! {
    order_history (order_id, state) {
        order_id -> Uuid,
        state -> Text,
        actor_id -> Uuid,
        actor_role -> Text,
        created_at -> Timestamptz,
    }
}
