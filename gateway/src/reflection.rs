//! Descriptors of exactly what the gateway offers, for reflection: no method that it
//! does not route, and no file that nothing offered needs.

use std::collections::{BTreeSet, HashMap};

use mesh::BoxError;
use prost::Message;
use prost_types::{FileDescriptorProto, FileDescriptorSet};

use crate::routes::Routes;

/// The part of an encoded `FileDescriptorSet` that `routes` offer.
///
/// # Errors
/// Bytes that are none.
pub fn offered(file_descriptor_set: &[u8], routes: &Routes) -> Result<FileDescriptorSet, BoxError> {
    let mut set = FileDescriptorSet::decode(file_descriptor_set)?;
    for file in &mut set.file {
        keep_offered_methods(file, routes);
    }
    let needed = needed(&set.file);
    set.file.retain(|file| needed.contains(file.name()));
    Ok(set)
}

fn keep_offered_methods(file: &mut FileDescriptorProto, routes: &Routes) {
    // Its positions would be wrong, its comments tell of what is left out.
    file.source_code_info = None;
    let package = file.package().to_owned();
    for service in &mut file.service {
        let service_name = match package.as_str() {
            "" => service.name().to_owned(),
            package => format!("{package}.{}", service.name()),
        };
        let offered = |method: &str| routes.get(&format!("/{service_name}/{method}")).is_some();
        service.method.retain(|method| offered(method.name()));
    }
    file.service.retain(|service| !service.method.is_empty());
}

/// Names of the files with services, and of all that they import.
fn needed(files: &[FileDescriptorProto]) -> BTreeSet<String> {
    let by_name: HashMap<&str, _> = files.iter().map(|file| (file.name(), file)).collect();
    let with_services = files.iter().filter(|file| !file.service.is_empty());
    let mut open: Vec<_> = with_services.map(FileDescriptorProto::name).collect();
    let mut needed = BTreeSet::new();
    while let Some(name) = open.pop() {
        if needed.insert(name.to_owned())
            && let Some(file) = by_name.get(name)
        {
            open.extend(file.dependency.iter().map(String::as_str));
        }
    }
    needed
}
