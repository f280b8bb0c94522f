//! The contract: its packages, its topics, and the callers of its internal methods.

use prost_reflect::{DescriptorPool, MethodDescriptor, Value};
use topology::Service;

use crate::differences::Differences;

/// A topic of the contract.
pub struct Topic {
    /// `order-created`.
    pub name: String,
    /// The message of its records: `OrderCreated`.
    pub message: String,
    /// The services that publish it.
    pub producers: Vec<Service>,
}

/// Compares the table with the contract.
pub fn compare(differences: &mut Differences) {
    let pool = pool();
    let packages = pool.services().map(|service| service.package_name().to_owned());
    let served = Service::all().flat_map(Service::packages);
    differences.compare("proto/shopmesh, packages with a gRPC service", packages, served);

    let methods: Vec<_> =
        pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()).collect();
    for service in Service::all() {
        for callee in Service::all() {
            let place = format!(
                "devstack/topology/services.toml, calls of {} to {}",
                service.name(),
                callee.name()
            );
            let called = methods.iter().filter(|method| {
                let package = method.parent_service().package_name().to_owned();
                callee.packages().contains(&package)
                    && callers(method).contains(&service.name().to_owned())
            });
            let stated = service.methods(callee);
            differences.compare(&place, stated, called.map(|method| method.name()));
        }
    }

    let topics: Vec<String> = topics().into_iter().map(|topic| topic.name).collect();
    differences.compare("proto::topics::ALL", proto::topics::ALL, topics.clone());
    for service in Service::all() {
        let place = format!("devstack/topology/services.toml, consumes of {}", service.name());
        for unknown in service.consumes().iter().filter(|topic| !topics.contains(topic)) {
            differences.add(&place, &format!("the contract has no topic `{unknown}`"));
        }
    }
    let consumed = Service::all().flat_map(Service::consumes);
    differences.compare(
        "devstack/topology/services.toml, consumes of all services",
        consumed,
        topics,
    );
}

/// Returns the topics that event messages state.
pub fn topics() -> Vec<Topic> {
    let pool = pool();
    let option = pool.get_extension_by_name("shopmesh.options.v1.topic").expect("the option");
    let publishers =
        pool.get_extension_by_name("shopmesh.options.v1.publishers").expect("the option");
    let topic = |message: prost_reflect::MessageDescriptor| {
        let options = message.options();
        let Value::String(name) = options.get_extension(&option).into_owned() else { return None };
        let stated = options.get_extension(&publishers).into_owned();
        let stated = stated.as_list().unwrap_or_default().iter().filter_map(Value::as_str);
        let mut packages: Vec<String> = stated.map(str::to_owned).collect();
        if packages.is_empty() {
            packages.push(message.package_name().to_owned());
        }
        let publishes =
            |service: &Service| service.packages().iter().any(|name| packages.contains(name));
        let producers = Service::all().filter(publishes).collect();
        let message = message.name().to_owned();
        (!name.is_empty()).then_some(Topic { name, message, producers })
    };
    pool.all_messages().filter_map(topic).collect()
}

/// Returns the services that may call an internal method.
fn callers(method: &MethodDescriptor) -> Vec<String> {
    let pool = method.parent_pool();
    let option = pool.get_extension_by_name("shopmesh.options.v1.callers").expect("the option");
    let options = method.options();
    let Value::List(names) = options.get_extension(&option).into_owned() else { return Vec::new() };
    names.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn pool() -> DescriptorPool {
    DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).expect("the contract's descriptors")
}
