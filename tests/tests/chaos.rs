//! Half a minute of `make chaos`: nothing is lost or duplicated under random faults.

use std::process::Command;

#[test]
fn random_faults_lose_and_duplicate_nothing() {
    let chaos = env!("CARGO_BIN_EXE_chaos");
    let output = Command::new(chaos).args(["--seconds", "30"]).output().expect("chaos runs");
    let text = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&text));
}
