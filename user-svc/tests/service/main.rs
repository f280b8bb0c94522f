//! user-svc as its callers see it: the real service, PostgreSQL and Kafka.
#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod access;
mod api_client;
mod audit;
mod commands;
mod device;
mod enumeration;
mod field_rules;
mod harness;
mod limit;
mod link;
mod password_change;
mod password_queue;
mod program;
mod rights;
mod session_list;
mod session_login;
mod session_logout;
mod session_refresh;
mod signing_key;
mod user_admin;
mod user_profile;
mod user_sign_up;
mod validation;
