//! Network policies in effect: pods connect along each edge of the call graph and along no other.

use std::collections::BTreeSet;

use tests::{edges, eventually};
use topology::Service;

use super::{kubectl, services};

/// Marks the start of each round of attempts in the log of a probe.
const ROUND: &str = "round";

/// Returns a pod that has the labels of `from`. It is never ready, so that it gets no calls, and it
/// lacks the hash by which a Deployment selects its pods.
fn probe(from: &str, targets: &[(String, u16)]) -> String {
    let labels = if Service::named(from).is_some() {
        format!(r#""app.kubernetes.io/name":"{from}","app.kubernetes.io/component":"service""#)
    } else {
        format!(r#""app.kubernetes.io/name":"{from}""#)
    };
    let attempts: String = targets
        .iter()
        .map(|(address, port)| {
            format!(
                "(timeout 3 bash -c '</dev/tcp/{address}/{port}' 2>/dev/null \
                 && echo {address}:{port} open) & "
            )
        })
        .collect();
    // A policy takes effect a moment after its pod exists: the last round counts.
    let script = format!("for n in 1 2 3; do echo {ROUND}; {attempts} wait; sleep 1; done");
    let script = serde_json::json!(["bash", "-c", script]);
    format!(
        r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"probe-{from}","labels":{{{labels}}}}},
        "spec":{{"restartPolicy":"Never","automountServiceAccountToken":false,"terminationGracePeriodSeconds":0,
        "securityContext":{{"runAsNonRoot":true,"runAsUser":999,"seccompProfile":{{"type":"RuntimeDefault"}}}},
        "containers":[{{"name":"probe","image":"postgres:15","imagePullPolicy":"IfNotPresent","command":{script},
        "readinessProbe":{{"exec":{{"command":["false"]}}}},
        "securityContext":{{"allowPrivilegeEscalation":false,"capabilities":{{"drop":["ALL"]}}}}}}]}}}}"#
    )
}

/// Returns the address of a ready pod.
async fn address(name: &str) -> String {
    let selector = format!("app.kubernetes.io/name={name}");
    let template = "jsonpath={.items[?(@.status.containerStatuses[0].ready==true)].status.podIP}";
    let addresses = kubectl(&["get", "pods", "-l", &selector, "-o", template]).await;
    addresses.split_whitespace().next().unwrap_or_else(|| panic!("no pod of {name}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_can_connect_only_along_the_edges_of_the_call_graph() {
    let names = edges::targets();
    let mut targets = Vec::new();
    for (name, port) in &names {
        targets.push((address(name).await, *port));
    }
    let sources: Vec<_> = services().chain(["postgres", "kafka", "mailbox", "stranger"]).collect();
    let folder = tempfile::tempdir().expect("a folder");
    for from in &sources {
        let file = folder.path().join(format!("{from}.json"));
        std::fs::write(&file, probe(from, &targets)).expect("the file can be written");
        let file = file.display().to_string();
        let name = format!("probe-{from}");
        // A busy machine may miss a round, so the probe runs again until the edges are equal.
        let found = eventually(&format!("what {from} reaches"), || async {
            kubectl(&["delete", "pod", &name, "--ignore-not-found"]).await;
            kubectl(&["create", "-f", &file]).await;
            let phase = format!("pod/{name}");
            let done = "--for=jsonpath={.status.phase}=Succeeded";
            kubectl(&["wait", &phase, done, "--timeout=90s"]).await;
            let log = kubectl(&["logs", &name]).await;
            let last = log.rsplit(ROUND).next().unwrap_or_default();
            let open: BTreeSet<_> = names
                .iter()
                .zip(&targets)
                .filter(|(_, (address, port))| last.contains(&format!("{address}:{port} open")))
                .map(|((name, port), _)| format!("{name}:{port}"))
                .collect();
            let expected: BTreeSet<_> = names
                .iter()
                .filter(|(to, port)| edges::is_edge(from, to, *port))
                .map(|(name, port)| format!("{name}:{port}"))
                .collect();
            println!("{from} reaches {open:?}, and may {expected:?}");
            Some(open == expected).filter(|same| *same)
        })
        .await;
        assert!(found);
        kubectl(&["delete", "pod", &name, "--wait=false"]).await;
    }
}
