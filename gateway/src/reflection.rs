//! The descriptors for reflection: only methods that the gateway routes, and only files that those
//! need.

use std::collections::{BTreeSet, HashMap};

use mesh::BoxError;
use prost::Message;
use prost_types::{FileDescriptorProto, FileDescriptorSet};

use crate::routes::Routes;

/// Returns the part of an encoded `FileDescriptorSet` that `routes` cover.
///
/// # Errors
/// Bytes that are not a descriptor set.
pub(crate) fn routed_descriptors(
    file_descriptor_set: &[u8],
    routes: &Routes,
) -> Result<FileDescriptorSet, BoxError> {
    let mut set = FileDescriptorSet::decode(file_descriptor_set)?;
    for file in &mut set.file {
        retain_routed_methods(file, routes);
    }
    let required = required_files(&set.file);
    set.file.retain(|file| required.contains(file.name()));
    Ok(set)
}

fn retain_routed_methods(file: &mut FileDescriptorProto, routes: &Routes) {
    // Its positions would be wrong, and its comments describe methods that are left out.
    file.source_code_info = None;
    let package = file.package().to_owned();
    for service in &mut file.service {
        let service_name = match package.as_str() {
            "" => service.name().to_owned(),
            package => format!("{package}.{}", service.name()),
        };
        let is_routed = |method: &str| routes.get(&format!("/{service_name}/{method}")).is_some();
        service.method.retain(|method| is_routed(method.name()));
    }
    file.service.retain(|service| !service.method.is_empty());
}

/// Returns the names of the files with services, and of all files that they import.
fn required_files(files: &[FileDescriptorProto]) -> BTreeSet<String> {
    let by_name: HashMap<&str, _> = files.iter().map(|file| (file.name(), file)).collect();
    let with_services = files.iter().filter(|file| !file.service.is_empty());
    let mut open: Vec<_> = with_services.map(FileDescriptorProto::name).collect();
    let mut required = BTreeSet::new();
    while let Some(name) = open.pop() {
        if required.insert(name.to_owned())
            && let Some(file) = by_name.get(name)
        {
            open.extend(file.dependency.iter().map(String::as_str));
        }
    }
    required
}
