//! Kafka topics, generated from the option `(shopmesh.options.v1.topic)` of the event
//! messages.

/// A message that is the value of the records of a topic.
pub trait Event: prost::Message + prost::Name {
    /// The Kafka topic.
    const TOPIC: &'static str;
}

include!(concat!(env!("OUT_DIR"), "/topics.rs"));

/// Returns the topics whose events belong to `package`: its service publishes them.
pub fn of_package(package: &str) -> impl Iterator<Item = &'static str> {
    PACKAGES.into_iter().filter(move |(of, _)| *of == Some(package)).map(|(_, topic)| topic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{notify, order, user};

    #[test]
    fn each_event_has_the_topic_of_its_option() {
        let topics = [
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
}
