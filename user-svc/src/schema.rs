//! The tables that diesel's queries name. The migrations are their source.

diesel::table! {
    users (id) {
        id -> Uuid,
        email -> Text,
        email_key -> Text,
        password_hash -> Text,
        display_name -> Text,
        role -> Text,
        email_verified -> Bool,
        disabled_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        name_key -> Text,
        keyed_name -> Text,
    }
}

diesel::table! {
    sessions (id) {
        id -> Uuid,
        user_id -> Uuid,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
        refreshed_at -> Timestamptz,
        user_agent -> Text,
    }
}

diesel::table! {
    refresh_tokens (hash) {
        hash -> Binary,
        session_id -> Uuid,
        cookie -> Bool,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    api_clients (id) {
        id -> Uuid,
        name -> Text,
        role -> Text,
        secret_hash -> Binary,
        created_at -> Timestamptz,
        created_by -> Nullable<Uuid>,
    }
}

diesel::table! {
    links (user_id, purpose) {
        user_id -> Uuid,
        purpose -> Text,
        hash -> Nullable<Binary>,
        expires_at -> Nullable<Timestamptz>,
        id -> Uuid,
        issuable_until -> Timestamptz,
    }
}

diesel::table! {
    devices (user_id, hash) {
        user_id -> Uuid,
        hash -> Binary,
        used_at -> Timestamptz,
    }
}

diesel::table! {
    tries (id) {
        id -> BigInt,
        kind -> Text,
        subject -> Binary,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    audit_trail (id) {
        id -> Uuid,
        method -> Text,
        actor_id -> Uuid,
        actor_kind -> Text,
        subject_kind -> Text,
        subject_id -> Uuid,
        changes -> Jsonb,
        created_at -> Timestamptz,
        trace_id -> Text,
    }
}

diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(refresh_tokens -> sessions (session_id));
diesel::allow_tables_to_appear_in_same_query!(users, sessions, refresh_tokens);
