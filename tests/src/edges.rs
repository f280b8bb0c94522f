//! Who may connect to whom in a cluster, as the table of services says.

use topology::Service;

/// The ports of the servers beside the services. No pod connects to the mailbox's page, at 1080.
const SERVERS: [(&str, u16); 4] =
    [("postgres", 5432), ("kafka", 9092), ("mailbox", 1025), ("mailbox", 1080)];
/// The port of a service's calls.
const CALLS: u16 = 50051;
/// The port of the gateway's calls, open to everyone outside.
const GATEWAY: u16 = 8080;
/// The port of a service's health and metrics, open to Prometheus only.
const ADMIN: u16 = 9090;

/// Returns every pod and port that something may try to connect to.
pub fn targets() -> Vec<(&'static str, u16)> {
    let calls = |service| if service == Service::GATEWAY { GATEWAY } else { CALLS };
    let services = Service::all().flat_map(|service| {
        let name = service.name();
        [(name, calls(service)), (name, ADMIN)]
    });
    services.chain(SERVERS).collect()
}

/// Returns whether pods named `from` may connect to `port` of pods named `to`.
pub fn is_edge(from: &str, to: &str, port: u16) -> bool {
    let caller = Service::named(from);
    let has_database = caller.is_some_and(|service| service.database().is_some());
    match (to, port) {
        ("postgres", 5432) => has_database,
        ("kafka", 9092) => has_database || from == "kafka",
        ("mailbox", 1025) => caller.is_some_and(Service::sends_mail),
        (to, CALLS) => {
            caller.is_some_and(|caller| caller.calls().any(|called| called.name() == to))
        }
        _ => false,
    }
}
