//! notify-svc with a real database, as its callers, its events and the mail server see it.
#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod access;
mod audit;
mod content;
mod crashes;
mod delivery;
mod delivery_worker;
mod events;
mod field_rules;
mod harness;
mod international;
mod links;
mod mail_server;
mod mailbox;
mod notification_lookup;
mod outages;
mod resend;
mod retention;
mod smtp_faults;
mod unverified;
mod validation;
