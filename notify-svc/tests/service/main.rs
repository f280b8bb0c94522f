//! notify-svc as its callers, its events and the mail server see it.
#![allow(clippy::unwrap_used)]

mod access;
mod admin;
mod crash;
mod delivery;
mod events;
mod field_rules;
mod harness;
mod mail_server;
mod mailbox;
mod mails;
mod workers;
