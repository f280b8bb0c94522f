//! kubectl, in the namespace of the store.

use std::process::Output;

use tokio::process::Command;

/// What kubectl prints.
///
/// # Panics
/// Where it fails.
pub async fn kubectl(arguments: &[&str]) -> String {
    let output = run(arguments).await;
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "kubectl {}: {told}", arguments.join(" "));
    String::from_utf8(output.stdout).expect("kubectl prints text")
}

/// What kubectl says when it fails.
///
/// # Panics
/// Where it succeeds.
pub async fn kubectl_refused(arguments: &[&str]) -> String {
    let output = run(arguments).await;
    assert!(!output.status.success(), "kubectl {} succeeds", arguments.join(" "));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new("kubectl");
    command.args(["--namespace", "shopmesh"]).args(arguments);
    command.output().await.expect("kubectl is installed")
}
