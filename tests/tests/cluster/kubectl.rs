//! kubectl, in the namespace of the store.

use std::process::Output;

use tokio::process::Command;

/// Runs kubectl and returns its output.
///
/// # Panics
/// If it fails.
pub async fn kubectl(arguments: &[&str]) -> String {
    let output = run(arguments).await;
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "kubectl {}: {stderr}", arguments.join(" "));
    String::from_utf8(output.stdout).expect("the output is UTF-8")
}

/// Runs kubectl, which must fail, and returns its error output.
///
/// # Panics
/// If it succeeds.
pub async fn kubectl_failure(arguments: &[&str]) -> String {
    let output = run(arguments).await;
    assert!(!output.status.success(), "kubectl {} succeeded", arguments.join(" "));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new("kubectl");
    command.args(["--namespace", "shopmesh"]).args(arguments);
    command.output().await.expect("kubectl is installed")
}
