//! Requests that keep the field rules of the contract (`buf.validate`), and requests
//! that break one. Reads the descriptors, so that a new field has examples at once.

use prost_reflect::{
    DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, MessageDescriptor,
    ReflectMessage, Value,
};
use uuid::Uuid;

/// Texts that a pattern of the contract accepts and rejects.
const PATTERNS: [(&str, &str, &[&str]); 7] = [
    // A country.
    ("^[A-Z]{2}$", "DE", &["", "de", "D", "DEU", "D1"]),
    // Name of a system: no control characters.
    ("^\\P{Cc}*$", "Ada", &["A\u{7}da", "A\0da"]),
    // Name of a person: neither a link nor an address.
    ("^[^\\p{Cc}/:@]*$", "Ada", &["A\u{7}da", "evil.example/x", "A: b", "a@b"]),
    // Slug.
    ("^[a-z0-9]+(-[a-z0-9]+)*$", "a-1", &["A", "a--b", "-a", "a-", "ä"]),
    ("^[A-Za-z0-9._-]+$", "KIT-0001", &["", "a b", "ä"]),
    ("^/images/[A-Za-z0-9._/-]+$", "/images/a.svg", &["https://example.com/a.svg", "/images/"]),
    (
        EMAIL,
        "ada@example.com",
        &["", "@", "ada", "ada@", "@example.com", "ada@example", "a@b@example.com", "a b@c.de"],
    ),
];

const EMAIL: &str = "^[^\\p{Z}\\p{Cc}()<>\\[\\],;:\\\\\"@.]+(\\.[^\\p{Z}\\p{Cc}()<>\\[\\],;:\\\\\"@.]+)*\
    @([^\\p{Z}\\p{Cc}()<>\\[\\],;:\\\\\"@.]+(\\.[^\\p{Z}\\p{Cc}()<>\\[\\],;:\\\\\"@.]+)+|localhost)$";

/// A request, and what the contract says about one field of it.
#[derive(Debug)]
pub(super) struct Example {
    /// Path of the field, such as `items[0].quantity`.
    pub(super) field: String,
    /// What the service must say about the field.
    pub(super) expected: Expected,
    /// The request.
    pub(super) request: DynamicMessage,
}

/// What the service must say about a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// Nothing: the field keeps its rules.
    Nothing,
    /// It reports the field.
    Report,
    /// It reports the field once, however many elements it has.
    OneReport,
}
use Expected::{Nothing, OneReport, Report};

/// Elements of a list that is as long as a request allows.
const FLOOD_LENGTH: usize = 20_000;

/// The field rules of the contract.
pub(super) struct Rules {
    field: ExtensionDescriptor,
    oneof: ExtensionDescriptor,
}

/// A value of a field, or none where it is not set; and what the service must say about it.
type FieldExample = (String, Option<Value>, Expected);

impl Rules {
    pub(super) fn read(pool: &DescriptorPool) -> Self {
        let option = |name| pool.get_extension_by_name(name).expect("the contract has rules");
        Self { field: option("buf.validate.field"), oneof: option("buf.validate.oneof") }
    }

    /// Returns requests of type `message` that differ in one field each.
    pub(super) fn examples(&self, message: &MessageDescriptor) -> Vec<Example> {
        let sample = self.sample(message);
        let mut examples = Vec::new();
        for field in message.fields() {
            for (path, value, expected) in self.field_examples(&field) {
                let mut request = sample.clone();
                match value {
                    Some(value) => request.set_field(&field, value),
                    None => request.clear_field(&field),
                }
                let field = format!("{}{path}", field.name());
                examples.push(Example { field, expected, request });
            }
        }
        for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            let rules = oneof.options().get_extension(&self.oneof).into_owned();
            if rules.as_message().is_some_and(|rules| is_set(rules, "required")) {
                let mut request = sample.clone();
                oneof.fields().for_each(|field| request.clear_field(&field));
                let first = oneof.fields().next().expect("a oneof has fields");
                let field = first.name().to_owned();
                examples.push(Example { field, expected: Report, request });
            }
        }
        examples
    }

    /// Returns a message of which every field keeps its rules.
    fn sample(&self, message: &MessageDescriptor) -> DynamicMessage {
        let mut sample = DynamicMessage::new(message.clone());
        for field in message.fields() {
            let alternative = field.containing_oneof().is_some_and(|oneof| {
                oneof.fields().next().as_ref() != Some(&field) || oneof.is_synthetic()
            });
            let rules = self.rules(&field);
            if alternative || ignore(&rules) == Some(IGNORE_ALWAYS) {
                continue;
            }
            if field.is_list() {
                let list = rule(&rules, "repeated");
                let least = list.as_ref().and_then(|list| number(list, "min_items")).unwrap_or(0);
                if least > 0 || is_own(&field) {
                    sample.set_field(&field, self.list(&field, &rules, least.max(1)));
                }
            } else if ignore(&rules).is_none() && (is_own(&field) || has_rules(&rules)) {
                sample.set_field(&field, self.value(&field, &rules));
            }
        }
        sample
    }

    fn list(&self, field: &FieldDescriptor, rules: &DynamicMessage, length: u64) -> Value {
        let items = rule(rules, "repeated").and_then(|list| rule(&list, "items"));
        let items = items.unwrap_or_else(|| DynamicMessage::new(rules.descriptor()));
        Value::List((0..length).map(|_| self.value(field, &items)).collect())
    }

    /// Returns a value of one element that keeps `rules`.
    fn value(&self, field: &FieldDescriptor, rules: &DynamicMessage) -> Value {
        if is_own(field) {
            return Value::Message(self.sample(field.kind().as_message().expect("a message")));
        }
        let examples = scalar_examples(field, rules);
        let good = examples
            .into_iter()
            .find_map(|(_, value, expected)| value.filter(|_| expected == Nothing));
        good.unwrap_or_else(|| Value::default_value(&field.kind()))
    }

    fn field_examples(&self, field: &FieldDescriptor) -> Vec<FieldExample> {
        let rules = self.rules(field);
        if ignore(&rules) == Some(IGNORE_ALWAYS) {
            return Vec::new();
        }
        let mut examples = Vec::new();
        if field.is_list() {
            let Some(list) = rule(&rules, "repeated") else { return examples };
            if number(&list, "min_items").is_some_and(|least| least > 0) {
                examples.push((String::new(), None, Report));
            }
            let most = number(&list, "max_items").expect("a list of a request has a limit");
            examples.push((String::new(), Some(self.list(field, &rules, most)), Nothing));
            examples.push((String::new(), Some(self.list(field, &rules, most + 1)), OneReport));
            let flood = Value::List(vec![Value::default_value(&field.kind()); FLOOD_LENGTH]);
            examples.push((String::new(), Some(flood), Report));
            let items = rule(&list, "items");
            let items = items.unwrap_or_else(|| DynamicMessage::new(rules.descriptor()));
            for (path, value, expected) in self.element_examples(field, &items) {
                let value = value.map(|value| Value::List(vec![value]));
                examples.push((format!("[0]{path}"), value, expected));
            }
        } else {
            examples.extend(self.element_examples(field, &rules));
            if is_set(&rules, "required") {
                examples.push((String::new(), None, Report));
            }
        }
        examples
    }

    fn element_examples(
        &self,
        field: &FieldDescriptor,
        rules: &DynamicMessage,
    ) -> Vec<FieldExample> {
        if !is_own(field) {
            return scalar_examples(field, rules);
        }
        let message = field.kind();
        let nested = self.examples(message.as_message().expect("a message")).into_iter();
        nested
            .map(|nested| {
                (
                    format!(".{}", nested.field),
                    Some(Value::Message(nested.request)),
                    nested.expected,
                )
            })
            .collect()
    }

    fn rules(&self, field: &FieldDescriptor) -> DynamicMessage {
        let rules = field.options().get_extension(&self.field).into_owned();
        rules.as_message().expect("rules are a message").clone()
    }
}

const IGNORE_IF_ZERO_VALUE: i32 = 1;
const IGNORE_ALWAYS: i32 = 3;

fn ignore(rules: &DynamicMessage) -> Option<i32> {
    let ignore = rules.get_field_by_name("ignore").expect("a field of the rules");
    ignore.as_enum_number().filter(|ignore| *ignore != 0)
}

fn has_rules(rules: &DynamicMessage) -> bool {
    rules.fields().next().is_some()
}

/// Whether the values of the field are messages of our own contract.
fn is_own(field: &FieldDescriptor) -> bool {
    field.kind().as_message().is_some_and(|message| message.full_name().starts_with("shopmesh."))
}

fn set<'a>(rules: &'a DynamicMessage, name: &str) -> Option<std::borrow::Cow<'a, Value>> {
    rules.has_field_by_name(name).then(|| rules.get_field_by_name(name)).flatten()
}

fn rule(rules: &DynamicMessage, name: &str) -> Option<DynamicMessage> {
    set(rules, name).and_then(|value| value.as_message().cloned())
}

fn is_set(rules: &DynamicMessage, name: &str) -> bool {
    set(rules, name).and_then(|value| value.as_bool()).unwrap_or_default()
}

fn number(rules: &DynamicMessage, name: &str) -> Option<u64> {
    set(rules, name).and_then(|value| value.as_u64())
}

fn listed(rules: &DynamicMessage, name: &str) -> Vec<Value> {
    set(rules, name).and_then(|value| value.as_list().map(<[_]>::to_vec)).unwrap_or_default()
}

/// Returns examples of one value; the good ones first.
fn scalar_examples(field: &FieldDescriptor, rules: &DynamicMessage) -> Vec<FieldExample> {
    let mut too_many = Vec::new();
    let (good, bad): (Vec<Value>, Vec<Value>) = if let Some(rules) = rule(rules, "string") {
        let (good, bad) = texts(&rules);
        let values = |texts: Vec<String>| texts.into_iter().map(Value::String).collect();
        (values(good), values(bad))
    } else if let Some(rules) = rule(rules, "int32") {
        let bound = |name| set(&rules, name).and_then(|value| value.as_i32());
        let (least, most) = (bound("gte"), bound("lte"));
        let beyond = [least.map(|least| least - 1), most.map(|most| most + 1)];
        let good = [least, most].into_iter().flatten().map(Value::I32).collect();
        let bad = beyond.into_iter().flatten().map(Value::I32);
        (good, bad.chain(listed(&rules, "not_in")).collect())
    } else if let Some(rules) = rule(rules, "enum") {
        let kind = field.kind();
        let known = kind.as_enum().expect("an enum").values().map(|value| value.number());
        let (bad, good): (Vec<i32>, Vec<i32>) =
            known.partition(|n| listed(&rules, "not_in").contains(&Value::I32(*n)));
        let bad = bad.into_iter().chain(is_set(&rules, "defined_only").then_some(9999));
        let values = |numbers: Vec<i32>| numbers.into_iter().map(Value::EnumNumber).collect();
        (values(good), values(bad.collect()))
    } else if let Some(rules) = rule(rules, "bytes") {
        let bytes = |length: u64| Value::Bytes(vec![b'a'; length as usize].into());
        if let Some(length) = number(&rules, "len") {
            (vec![bytes(length)], vec![bytes(length - 1), bytes(length + 1)])
        } else {
            let least = number(&rules, "min_len").expect("bytes have a length");
            (vec![bytes(least)], vec![bytes(least - 1)])
        }
    } else if let Some(rules) = rule(rules, "field_mask") {
        let kind = field.kind();
        let mask = |paths: Vec<Value>| {
            let mut mask = DynamicMessage::new(kind.as_message().expect("a mask").clone());
            mask.set_field_by_name("paths", Value::List(paths));
            Value::Message(mask)
        };
        let good = listed(&rules, "in").into_iter().map(|path| mask(vec![path])).collect();
        let flood = mask(vec![Value::String(String::new()); FLOOD_LENGTH]);
        too_many.push((String::new(), Some(flood), OneReport));
        (good, vec![mask(vec![Value::String("no_such_field".to_owned())])])
    } else {
        return Vec::new();
    };
    let ignore_zero = ignore(rules) == Some(IGNORE_IF_ZERO_VALUE);
    let bad = bad.into_iter().filter(|value| !(ignore_zero && value.is_default(&field.kind())));
    let example = |expected| move |value| (String::new(), Some(value), expected);
    let bad = bad.map(example(Report)).chain(too_many);
    good.into_iter().map(example(Nothing)).chain(bad).collect()
}

/// Returns texts that keep `rules`, and texts that break one of them.
fn texts(rules: &DynamicMessage) -> (Vec<String>, Vec<String>) {
    let text = |name| set(rules, name).and_then(|value| value.as_str().map(str::to_owned));
    if is_set(rules, "uuid") {
        return (vec![Uuid::now_v7().to_string()], vec![String::new(), "7".to_owned()]);
    }
    let known = listed(rules, "in");
    if !known.is_empty() {
        let known = known.iter().filter_map(|value| value.as_str().map(str::to_owned));
        return (known.collect(), vec!["no such value".to_owned()]);
    }
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    let least = number(rules, "min_len").unwrap_or(0) as usize;
    let pattern = text("pattern");
    let base = if let Some(pattern) = &pattern {
        let (_, base, others) = PATTERNS
            .iter()
            .find(|(known, ..)| known == pattern)
            .unwrap_or_else(|| panic!("no examples of {pattern}"));
        bad.extend(others.iter().map(|&other| other.to_owned()));
        (*base).to_owned()
    } else {
        // A password of one repeated letter is a common one.
        ('a'..='z').rev().cycle().take(least).collect()
    };
    let padded = |length: u64, with: &str| {
        format!("{base}{}", with.repeat(length as usize - base.chars().count()))
    };
    // A limit counts characters, not bytes. A pattern may allow ASCII only.
    let character = if pattern.is_some() { "a" } else { "ä" };
    good.push(base.clone());
    if let Some(most) = number(rules, "max_len") {
        good.push(padded(most, character));
        bad.push(padded(most + 1, character));
    }
    if let Some(most) = number(rules, "max_bytes") {
        good.push(padded(most, "a"));
        bad.push(padded(most + 1, "a"));
    }
    if least > 0 {
        bad.push("a".repeat(least - 1));
    }
    if let Some(part) = text("not_contains") {
        bad.push(format!("{base}{part}{base}"));
    }
    (good, bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_at_and_beyond_each_bound() {
        let pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).expect("descriptors");
        let message = pool.get_message_by_name("shopmesh.order.v1.PlaceOrderItem").expect("it");
        let examples = Rules::read(&pool).examples(&message);
        let quantities = examples.iter().filter(|example| example.field == "quantity");
        let quantities = quantities.map(|example| {
            let quantity = example.request.get_field_by_name("quantity").expect("a field");
            (quantity.as_i32().expect("a number"), example.expected)
        });
        assert!(quantities.eq([(1, Nothing), (99, Nothing), (0, Report), (100, Report)]));

        let message = pool.get_message_by_name("shopmesh.order.v1.PlaceOrderRequest").expect("it");
        let examples = Rules::read(&pool).examples(&message);
        for field in [
            "request_id",
            "items",
            "items[0].quantity",
            "shipping_address",
            "shipping_address.city",
        ] {
            let is_bad = |example: &Example| example.field == field && example.expected == Report;
            let bad = examples.iter().any(is_bad);
            assert!(bad, "no bad example of {field}");
        }
    }
}
