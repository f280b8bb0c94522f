//! The tables, as diesel has to know them. The migrations are their source.
//!
//! `checkouts` and its view `orders` are not among them: they have more columns than
//! diesel knows tables of by default, and are read and written in SQL.
#![allow(missing_docs)]

diesel::table! {
    order_history (order_id, state) {
        order_id -> Uuid,
        state -> Text,
        actor_id -> Uuid,
        actor_role -> Text,
        created_at -> Timestamptz,
    }
}
