//! The model of the checkout protocol, searched over all interleavings of its steps.

use std::process::Command;

#[test]
fn the_checkout_protocol_keeps_its_promises_and_each_mutant_of_it_breaks_one() {
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/model/checkout.py");
    let output = Command::new("python3").args([model, "--check"]).output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
