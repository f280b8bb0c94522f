//! Compiles every `.proto` file of this folder, without protoc: descriptors once,
//! as encoded bytes that keep the options, and code from the same set.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    error::Error,
    fmt::Write,
    fs,
    path::PathBuf,
};

use protox::{
    prost,
    prost_reflect::{DescriptorPool, Value, prost_types::FileDescriptorSet},
};

const TOPIC_OPTION: &str = "shopmesh.options.v1.topic";
const PUBLISHERS_OPTION: &str = "shopmesh.options.v1.publishers";

fn main() -> Result<(), Box<dyn Error>> {
    let files = proto_files("shopmesh".into())?;
    for folder in ["shopmesh", "google", "buf", "data"] {
        println!("cargo:rerun-if-changed={folder}");
    }

    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).open_files(files)?;
    let uncommented = DescriptorPool::decode(&*compiler.encode_file_descriptor_set())?;
    compiler.include_source_info(true);
    let commented = compiler.descriptor_pool();

    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors(&commented, &uncommented))?;
    fs::write(out.join("topics.rs"), topics(&commented)?)?;
    fs::write(out.join("countries.rs"), countries()?)?;
    fs::write(out.join("currencies.rs"), currencies()?)?;
    // The name of an event's message is a header of its record, and the name of an error
    // detail is part of its type URL.
    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names().type_name_domain(["."], "type.googleapis.com");
    tonic_prost_build::configure()
        .include_file("generated.rs")
        .compile_fds_with_config(messages(compiler.file_descriptor_set()), config)?;
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

/// Returns all files as an encoded `FileDescriptorSet`. Only our own files keep their
/// comments: those of `buf.validate` alone are larger than our whole contract.
fn descriptors(commented: &DescriptorPool, uncommented: &DescriptorPool) -> Vec<u8> {
    let mut set = Vec::new();
    for file in uncommented.files() {
        let own = file.name().starts_with("shopmesh/");
        let file = if own { commented.get_file_by_name(file.name()) } else { Some(file) };
        let file = file.expect("both pools have the same files").encode_to_vec();
        prost::encoding::bytes::encode(1, &file, &mut set);
    }
    set
}

/// Returns the files without the rules of `buf.validate`, which no program reads as
/// messages.
fn messages(mut set: FileDescriptorSet) -> FileDescriptorSet {
    set.file.retain(|file| !file.name().starts_with("buf/"));
    set
}

/// Returns the code of `topics::ALL` and of an `Event` for each message with a topic.
fn topics(pool: &DescriptorPool) -> Result<String, Box<dyn Error>> {
    let option = pool.get_extension_by_name(TOPIC_OPTION).ok_or("no option names topics")?;
    let publishers =
        pool.get_extension_by_name(PUBLISHERS_OPTION).ok_or("no option: publishers")?;
    let (mut messages, mut packages) = (BTreeMap::new(), BTreeSet::new());
    let mut published = BTreeSet::new();
    for message in pool.all_messages() {
        let options = message.options();
        let topic = options.get_extension(&option).as_str().unwrap_or_default().to_owned();
        if topic.is_empty() {
            continue;
        }
        let stated = options.get_extension(&publishers);
        let stated = stated.as_list().unwrap_or_default().iter().filter_map(Value::as_str);
        published.extend(stated.map(|package| (package.to_owned(), topic.clone())));
        let own = (message.package_name().to_owned(), topic.clone());
        if !options.has_extension(&publishers) {
            published.insert(own.clone());
        }
        packages.insert(own);
        if let Some(other) = messages.insert(topic, message.full_name().to_owned()) {
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
    for (name, pairs) in [("PACKAGES", packages), ("PUBLISHERS", published)] {
        let pairs = Vec::from_iter(pairs);
        writeln!(code, "const {name}: [(&str, &str); {}] = {pairs:?};", pairs.len())?;
    }
    Ok(code)
}

/// Returns the code of `country::CODES`.
fn countries() -> Result<String, Box<dyn Error>> {
    let codes: BTreeSet<String> = serde_json::from_slice(&fs::read("data/countries.json")?)?;
    let count = codes.len();
    Ok(format!(
        "/// Every code, sorted.\npub const CODES: [&str; {count}] = {:?};\n",
        Vec::from_iter(codes)
    ))
}

/// Returns the code of `money::DIGITS`.
fn currencies() -> Result<String, Box<dyn Error>> {
    let digits: BTreeMap<String, u32> = serde_json::from_slice(&fs::read("data/currencies.json")?)?;
    let count = digits.len();
    Ok(format!("const DIGITS: [(&str, u32); {count}] = {:?};\n", Vec::from_iter(digits)))
}
