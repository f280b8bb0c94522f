//! Rules for the contract itself that buf does not know.

use std::collections::BTreeSet;

use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};

/// Fields of requests without a limit, each with its reason.
const UNLIMITED: [(&str, &str); 11] = [
    ("google.type.Money.currency_code", "must be the currency of the shop"),
    ("google.protobuf.FieldMask.paths", "the mask has a list of known paths"),
    ("shopmesh.product.v1.ImportProductsRequest.file", "the method has a limit of 16 MiB"),
    ("shopmesh.product.v1.Product.product_id", "checked by UpdateProduct, else ignored"),
    ("shopmesh.product.v1.Product.etag", "checked by UpdateProduct, else ignored"),
    ("shopmesh.product.v1.Product.stock_state", "ignored"),
    ("shopmesh.product.v1.UpdateInventoryRequest.reason", "required only if on_hand changes"),
    ("shopmesh.order.v1.Address.country_code", "must be a known country, two letters"),
    ("shopmesh.user.v1.User.user_id", "ignored"),
    ("shopmesh.user.v1.User.email", "ignored"),
    ("shopmesh.user.v1.User.role", "ignored"),
];

fn pool() -> DescriptorPool {
    DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).expect("descriptors")
}

#[test]
fn every_event_has_a_topic() {
    let pool = pool();
    let option = pool.get_extension_by_name("shopmesh.options.v1.topic").expect("the option");
    for message in pool.all_messages() {
        let is_event = message.get_field_by_name("event_id").is_some();
        let has_topic = message.options().has_extension(&option);
        assert_eq!(is_event, has_topic, "{}", message.full_name());
    }
}

#[test]
fn every_field_of_a_request_has_a_limit() {
    let pool = pool();
    let option = pool.get_extension_by_name("buf.validate.field").expect("the option");
    let mut unlimited = BTreeSet::new();
    let methods = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
    let mut messages: Vec<MessageDescriptor> = methods.map(|method| method.input()).collect();
    let mut seen = BTreeSet::new();
    while let Some(message) = messages.pop() {
        if !seen.insert(message.full_name().to_owned()) {
            continue;
        }
        for field in message.fields() {
            let rules = field.options().get_extension(&option).into_owned();
            if !is_limited(&field, rules.as_message().expect("rules are a message")) {
                unlimited.insert(field.full_name().to_owned());
            }
            if let Kind::Message(message) = field.kind() {
                messages.push(message);
            }
        }
    }
    let known: BTreeSet<_> = UNLIMITED.iter().map(|(field, _)| (*field).to_owned()).collect();
    assert_eq!(unlimited, known);
}

/// Whether the rules limit the size of a text or list, or the values of an enum.
fn is_limited(field: &FieldDescriptor, rules: &DynamicMessage) -> bool {
    let rule = |kind: &str, names: &[&str]| {
        let rules = rules.get_field_by_name(kind).expect("a kind of rules").into_owned();
        let rules = rules.as_message().expect("rules are a message").clone();
        names.iter().any(|name| rules.has_field_by_name(name))
    };
    match field.kind() {
        _ if field.is_list() => rule("repeated", &["max_items"]),
        Kind::String => rule("string", &["max_len", "max_bytes", "uuid", "in"]),
        Kind::Bytes => rule("bytes", &["max_len", "len"]),
        Kind::Enum(_) => rule("enum", &["defined_only"]),
        _ => true,
    }
}
