//! Compares a service with the field rules of the contract (`buf.validate`): it must
//! report a field that breaks a rule, and no field that keeps its rules.

mod examples;

use mesh::{
    access::{Access, Methods},
    channel::Channel,
};
use prost::Message;
use prost_reflect::DescriptorPool;
use tonic::Status;

use self::examples::{Example, Expected, Rules};
use crate::{
    rpc::call,
    status::{bad_fields, reason},
};

/// Fields for which the rules are a limit only: a page token must come from a response,
/// and a time zone must have a known name.
const LIMITED_ONLY: [&str; 2] = ["page_token", "time_zone"];

/// Most violations of one request, however long its lists are.
const VIOLATIONS_MAX: usize = 100;

/// Calls each method of the service whose name starts with `package`, such as
/// `shopmesh.order.`, with requests at the bounds of each rule. `caller` returns the
/// channel and the access token of a caller that may call a method with that access.
///
/// # Panics
/// When the service and the contract differ.
pub async fn compare(package: &str, caller: impl Fn(&Access) -> (Channel, Option<String>)) {
    let pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).expect("descriptors");
    let methods = Methods::read(proto::FILE_DESCRIPTOR_SET).expect("descriptors");
    let rules = Rules::read(&pool);
    let services = pool.services().filter(|service| service.full_name().starts_with(package));
    let (mut count, mut differences) = (0, Vec::new());
    for method in services.flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let access = &methods.get(&path).expect("the method").access;
        for example in rules.examples(&method.input()) {
            count += 1;
            let (channel, token) = caller(access);
            let result =
                call(channel, &path, token.as_deref(), example.request.encode_to_vec()).await;
            if let Err(difference) = check(&example, result) {
                differences.push(format!("{path} {difference}: {}", excerpt(&example)));
            }
        }
    }
    assert!(count > 0, "no method of {package} has rules");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn check(example: &Example, result: Result<(), Status>) -> Result<(), String> {
    let field = &example.field;
    let bad = result.as_ref().map_or_else(bad_fields, |()| Vec::new());
    // A message that is missing is reported as such, or by its fields.
    let is_within = |rest: &str| rest.starts_with(['.', '[']);
    let is_field =
        |bad: &&String| *bad == field || bad.strip_prefix(field.as_str()).is_some_and(is_within);
    let reports = bad.iter().filter(is_field).count();
    let reported = reports > 0;
    let result = result.map_err(|status| reason(&status));
    if bad.len() > VIOLATIONS_MAX {
        return Err(format!("reports {field} by {} violations", bad.len()));
    }
    match example.expected {
        Expected::Nothing if reported && !LIMITED_ONLY.contains(&field.as_str()) => {
            Err(format!("rejects a good {field}"))
        }
        Expected::Report if !reported => {
            Err(format!("does not report {field} but {bad:?} ({result:?})"))
        }
        Expected::OneReport if reports != 1 => {
            Err(format!("does not report {field} once but {bad:?} ({result:?})"))
        }
        _ => Ok(()),
    }
}

fn excerpt(example: &Example) -> String {
    example.request.to_string().chars().take(300).collect()
}
