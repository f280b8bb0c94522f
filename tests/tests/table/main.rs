//! Every list of services, programs, topics, calls and access rules agrees with `devstack/topology/services.toml` and the
//! contract.
//! The test reads files and needs no store. It names all differences at once; docs/adding-a-service.md has the
//! step that removes each.

mod access;
mod broker;
mod compose;
mod contract;
mod differences;
mod documents;
mod files;
mod kubernetes;
mod network;
mod overlays;
mod sources;

use differences::Differences;

#[test]
fn every_list_of_services_agrees_with_the_table() {
    let mut differences = Differences::default();
    access::compare(&mut differences);
    contract::compare(&mut differences);
    sources::compare(&mut differences);
    compose::compare(&mut differences);
    kubernetes::compare(&mut differences);
    broker::compare(&mut differences);
    overlays::compare_dev(&mut differences);
    overlays::compare_prod(&mut differences);
    network::compare(&mut differences);
    documents::compare(&mut differences);
    assert!(differences.is_empty(), "\n{differences}");
}
