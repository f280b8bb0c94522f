//! The crates: workspace members, default settings, and the topics that consumers name.

use topology::Service;

use crate::{contract, differences::Differences, files};

/// Compares the crates with the table.
pub fn compare(differences: &mut Differences) {
    members(differences);
    upstreams(differences);
    for service in Service::all() {
        let name = service.name();
        differences.read(&format!("{name}/Cargo.toml"));
        differences.read(&format!("{name}/src/main.rs"));
        defaults(differences, service);
        consumer(differences, service);
    }
}

fn members(differences: &mut Differences) {
    let Some(text) = differences.read("Cargo.toml") else { return };
    let manifest: toml::Table = text.parse().expect("a manifest");
    let members = manifest["workspace"]["members"].as_array().expect("members");
    let members = members.iter().filter_map(|member| member.as_str());
    let services = members.filter(|name| name.ends_with("-svc") || Service::named(name).is_some());
    differences.compare(
        "Cargo.toml, workspace.members",
        services,
        Service::all().map(Service::name),
    );
}

/// The gateway finds the services of `make up` without a setting.
fn upstreams(differences: &mut Differences) {
    const PATH: &str = "gateway/src/config.rs";
    let Some(text) = differences.read(PATH) else { return };
    let words = text.split(|c: char| c.is_whitespace() || ",\\\"`".contains(c));
    let found = words.filter(|word| word.starts_with("shopmesh.") && word.contains("=https://l"));
    let expected = upstreams_at(|service| format!("localhost:{}", service.port()));
    differences.compare(&format!("{PATH}, UPSTREAMS"), found, expected);
}

/// Returns `PACKAGE=https://ADDRESS` of every package.
pub fn upstreams_at(address: impl Fn(Service) -> String) -> Vec<String> {
    let packages = Service::all()
        .flat_map(|service| service.packages().iter().map(move |package| (package, service)));
    packages.map(|(package, service)| format!("{package}=https://{}", address(service))).collect()
}

/// A service finds its ports, files, database and callees in `make up` without a setting.
fn defaults(differences: &mut Differences, service: Service) {
    let path = format!("{}/src/config.rs", service.name());
    let Some(text) = differences.read(&path) else { return };
    let mut expected = vec![service.port().to_string(), service.admin_port().to_string()];
    expected.push(service.name().to_owned());
    expected.extend(service.database().map(str::to_owned));
    let callees = service.calls().filter(|callee| service.methods(*callee).next().is_some());
    expected.extend(callees.map(|callee| format!("https://localhost:{}", callee.port())));
    for missing in expected.iter().filter(|value| !text.contains(*value)) {
        differences.add(&path, &format!("no default setting names `{missing}`"));
    }
}

/// A service subscribes to the topics of its row: its constant `TOPICS` names the same.
fn consumer(differences: &mut Differences, service: Service) {
    let path = format!("{}/src", service.name());
    let sources = files::under(&path).into_iter().filter_map(|file| files::read(&file));
    let constants: String = sources.filter_map(|text| topics_constant(&text)).collect();
    let named = contract::topics().into_iter().filter(|topic| {
        constants.contains(&format!("{}::TOPIC", topic.message))
            || constants.contains(&format!("\"{}\"", topic.name))
    });
    differences.compare(
        &format!("{path}, constant TOPICS"),
        named.map(|topic| topic.name),
        service.consumes(),
    );
}

/// Returns the value of `const TOPICS` in a source file.
fn topics_constant(text: &str) -> Option<String> {
    let (_, declaration) = text.split_once("const TOPICS:")?;
    let (_, value) = declaration.split_once('=')?;
    let (value, _) = value.split_once(';')?;
    Some(value.to_owned())
}
