//! The tables as diesel needs them. The migrations are their source.

/// Types of PostgreSQL's full-text search, which diesel does not have.
pub mod sql_types {
    #[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "tsvector"))]
    pub struct Tsvector;

    #[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "tsquery"))]
    pub struct Tsquery;
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::Tsvector;

    products (id) {
        id -> Uuid,
        sku -> Text,
        slug -> Text,
        name -> Text,
        description -> Text,
        category -> Text,
        price_minor -> BigInt,
        image_url -> Text,
        archived -> Bool,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        name_key -> Text,
        words -> Tsvector,
        indexed_version -> BigInt,
        creation_fingerprint -> Nullable<Binary>,
    }
}

diesel::table! {
    inventory (product_id) {
        product_id -> Uuid,
        on_hand -> Integer,
        held -> Integer,
        low_stock_threshold -> Integer,
        version -> BigInt,
        updated_at -> Timestamptz,
        is_low -> Bool,
    }
}

diesel::table! {
    categories (slug) {
        slug -> Text,
        product_count -> BigInt,
    }
}

diesel::table! {
    inventory_changes (id) {
        id -> Uuid,
        product_id -> Uuid,
        delta -> Integer,
        on_hand_after -> Integer,
        reason -> SmallInt,
        note -> Text,
        actor_id -> Nullable<Uuid>,
        order_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        version -> BigInt,
    }
}

diesel::table! {
    inventory_requests (actor_id, request_id) {
        actor_id -> Uuid,
        request_id -> Uuid,
        fingerprint -> Binary,
    }
}

diesel::table! {
    reservations (order_id) {
        order_id -> Uuid,
        fingerprint -> Binary,
        state -> Text,
        product_ids -> Array<Uuid>,
        names -> Array<Text>,
        quantities -> Array<Integer>,
        prices_minor -> Array<BigInt>,
        created_at -> Timestamptz,
    }
}

diesel::joinable!(inventory -> products (product_id));
diesel::allow_tables_to_appear_in_same_query!(products, inventory);
