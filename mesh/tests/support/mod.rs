//! The harness of the tests: a service with every kind of method.

#![allow(dead_code, reason = "each test program uses a part of it")]

pub mod service;

use std::path::Path;

use mesh::access::Methods;

/// Compiles a file of this folder to an encoded `FileDescriptorSet`.
pub fn compile(file: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support");
    let mut compiler = protox::Compiler::new([folder]).unwrap();
    compiler.include_imports(true).open_file(file).unwrap();
    compiler.encode_file_descriptor_set()
}

/// Reads the methods of `notes.proto`.
pub fn notes() -> Methods {
    Methods::read(&compile("notes.proto")).unwrap()
}
