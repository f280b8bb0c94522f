//! Kafka topics, generated from the option `(shopmesh.options.v1.topic)` of the event
//! messages.

/// A message that is the value of the records of a topic.
pub trait Event: prost::Message + prost::Name {
    /// The Kafka topic.
    const TOPIC: &'static str;
}

include!(concat!(env!("OUT_DIR"), "/topics.rs"));

/// Returns the topics whose events belong to `package`. Its service publishes their dead letters
/// again.
pub fn of_package(package: &str) -> impl Iterator<Item = &'static str> {
    PACKAGES.into_iter().filter(move |(of, _)| *of == package).map(|(_, topic)| topic)
}

/// Returns the topics that the service of `package` publishes: those of its events, unless these
/// name other publishers, and those that name it.
pub fn published_by(package: &str) -> impl Iterator<Item = &'static str> {
    PUBLISHERS.into_iter().filter(move |(by, _)| *by == package).map(|(_, topic)| topic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{notify, order, user};

    #[test]
    fn each_event_has_the_topic_of_its_option() {
        let topics = [
            (user::v1::AuditRecorded::TOPIC, "audit-recorded"),
            (notify::v1::MailStateChanged::TOPIC, "mail-state"),
            (order::v1::OrderCancelled::TOPIC, "order-cancelled"),
            (order::v1::OrderCreated::TOPIC, "order-created"),
            (order::v1::OrderShipped::TOPIC, "order-shipped"),
            (user::v1::UserMailRequested::TOPIC, "user-mail"),
        ];
        for (topic, expected) in topics {
            assert_eq!(topic, expected);
            assert!(ALL.contains(&topic), "{topic}");
        }
    }

    #[test]
    fn a_service_publishes_the_events_of_its_package_and_those_that_name_it() {
        let by = |package| published_by(package).collect::<Vec<_>>();
        assert_eq!(by("shopmesh.user.v1"), ["audit-recorded", "user-mail"]);
        assert_eq!(by("shopmesh.product.v1"), ["audit-recorded"]);
        assert_eq!(of_package("shopmesh.product.v1").count(), 0);
    }
}
