//! Compiles every `.proto` file of this folder, without protoc: descriptors once,
//! as encoded bytes that keep the options, and code from the same set.

use std::{collections::BTreeMap, env, error::Error, fmt::Write, fs, path::PathBuf};

use protox::prost_reflect::{DescriptorPool, Value};

const TOPIC_OPTION: &str = "shopmesh.options.v1.topic";

fn main() -> Result<(), Box<dyn Error>> {
    let files = proto_files("shopmesh".into())?;
    println!("cargo:rerun-if-changed=shopmesh");
    println!("cargo:rerun-if-changed=google");

    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_source_info(true).include_imports(true).open_files(files)?;

    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;
    fs::write(out.join("topics.rs"), topics(&compiler.descriptor_pool())?)?;
    // The name of an event's message is a header of its record, and the name of an error
    // detail is part of its type URL.
    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names().type_name_domain(["."], "type.googleapis.com");
    tonic_prost_build::configure()
        .include_file("generated.rs")
        .compile_fds_with_config(compiler.file_descriptor_set(), config)?;
    Ok(())
}

fn proto_files(folder: PathBuf) -> Result<Vec<PathBuf>, std::io::Error> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(proto_files(path)?);
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Returns the code of `topics::ALL` and of an `Event` for each message with a topic.
fn topics(pool: &DescriptorPool) -> Result<String, Box<dyn Error>> {
    let option = pool.get_extension_by_name(TOPIC_OPTION).ok_or("no option names topics")?;
    let mut messages = BTreeMap::new();
    for message in pool.all_messages() {
        if let Value::String(topic) = message.options().get_extension(&option).as_ref()
            && !topic.is_empty()
            && let Some(other) = messages.insert(topic.clone(), message.full_name().to_owned())
        {
            return Err(format!("{other} and {} have one topic", message.full_name()).into());
        }
    }

    let mut code = String::new();
    for (topic, message) in &messages {
        let path = message.replace('.', "::");
        writeln!(code, "impl Event for crate::generated::{path} {{")?;
        writeln!(code, "    const TOPIC: &str = {topic:?};\n}}")?;
    }
    let all: Vec<_> = messages.keys().collect();
    writeln!(code, "/// Every topic of the contract.")?;
    writeln!(code, "pub const ALL: [&str; {}] = {all:?};", all.len())?;
    Ok(code)
}
