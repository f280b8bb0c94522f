//! Who reaches whom: each edge of the call graph is open and every other one is closed, tried from inside pods.

use std::collections::BTreeSet;

use super::{SERVICES, kubectl};
use tests::eventually;

/// What is tried to be reached, and by what port.
const TARGETS: [(&str, u16); 14] = [
    ("gateway", 8080),
    ("gateway", 9090),
    ("user-svc", 50051),
    ("user-svc", 9090),
    ("product-svc", 50051),
    ("product-svc", 9090),
    ("order-svc", 50051),
    ("order-svc", 9090),
    ("notify-svc", 50051),
    ("notify-svc", 9090),
    ("postgres", 5432),
    ("kafka", 9092),
    ("mailbox", 1025),
    ("mailbox", 1080),
];

/// Begins each round of tries in the log of a probe.
const ROUND: &str = "round";

/// The table of ARCHITECTURE.md, and that anyone reaches the gateway where egress lets it.
fn is_edge(from: &str, to: &str, port: u16) -> bool {
    match (to, port) {
        ("user-svc", 50051) => {
            ["gateway", "product-svc", "order-svc", "notify-svc"].contains(&from)
        }
        ("product-svc", 50051) => ["gateway", "order-svc"].contains(&from),
        ("order-svc", 50051) => ["gateway", "product-svc"].contains(&from),
        ("notify-svc", 50051) => from == "gateway",
        ("postgres", 5432) => SERVICES.contains(&from) && from != "gateway",
        ("kafka", 9092) => (SERVICES.contains(&from) && from != "gateway") || from == "kafka",
        ("mailbox", 1025) => from == "notify-svc",
        _ => false,
    }
}

/// A pod that has the labels of `from` but not its work: never ready, so that nobody is sent to it, and without
/// the hash by which a Deployment knows its own.
fn probe(from: &str, targets: &[(String, u16)]) -> String {
    let labels = match SERVICES.contains(&from) {
        true => {
            format!(r#""app.kubernetes.io/name":"{from}","app.kubernetes.io/component":"service""#)
        }
        false => format!(r#""app.kubernetes.io/name":"{from}""#),
    };
    let tries: String = targets
        .iter()
        .map(|(address, port)| {
            format!(
                "(timeout 3 bash -c '</dev/tcp/{address}/{port}' 2>/dev/null \
                 && echo {address}:{port} open) & "
            )
        })
        .collect();
    // A policy counts only a moment after its pod is there: the last round is what is looked at.
    let tries = format!("for n in 1 2 3; do echo {ROUND}; {tries} wait; sleep 1; done");
    let script = serde_json::json!(["bash", "-c", tries]);
    format!(
        r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"probe-{from}","labels":{{{labels}}}}},
        "spec":{{"restartPolicy":"Never","automountServiceAccountToken":false,"terminationGracePeriodSeconds":0,
        "securityContext":{{"runAsNonRoot":true,"runAsUser":999,"seccompProfile":{{"type":"RuntimeDefault"}}}},
        "containers":[{{"name":"probe","image":"postgres:15","imagePullPolicy":"IfNotPresent","command":{script},
        "readinessProbe":{{"exec":{{"command":["false"]}}}},
        "securityContext":{{"allowPrivilegeEscalation":false,"capabilities":{{"drop":["ALL"]}}}}}}]}}}}"#
    )
}

/// The address of a pod that is ready.
async fn address(name: &str) -> String {
    let selector = format!("app.kubernetes.io/name={name}");
    let template = "jsonpath={.items[?(@.status.containerStatuses[0].ready==true)].status.podIP}";
    let addresses = kubectl(&["get", "pods", "-l", &selector, "-o", template]).await;
    addresses.split_whitespace().next().unwrap_or_else(|| panic!("no pod of {name}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_edges_of_the_call_graph_are_open() {
    let mut targets = Vec::new();
    for (name, port) in TARGETS {
        targets.push((address(name).await, port));
    }
    let sources = [&SERVICES[..], &["postgres", "kafka", "mailbox", "stranger"]].concat();
    let folder = tempfile::tempdir().expect("a folder");
    for from in &sources {
        let file = folder.path().join(format!("{from}.json"));
        std::fs::write(&file, probe(from, &targets)).expect("it can be written");
        let file = file.display().to_string();
        let name = format!("probe-{from}");
        // Tried again where the machine was too busy for a round.
        let found = eventually(&format!("what {from} reaches"), || async {
            kubectl(&["delete", "pod", &name, "--ignore-not-found"]).await;
            kubectl(&["create", "-f", &file]).await;
            let phase = format!("pod/{name}");
            let done = "--for=jsonpath={.status.phase}=Succeeded";
            kubectl(&["wait", &phase, done, "--timeout=90s"]).await;
            let log = kubectl(&["logs", &name]).await;
            let last = log.rsplit(ROUND).next().unwrap_or_default();
            let open: BTreeSet<_> = TARGETS
                .iter()
                .zip(&targets)
                .filter(|(_, (address, port))| last.contains(&format!("{address}:{port} open")))
                .map(|((name, port), _)| format!("{name}:{port}"))
                .collect();
            let expected: BTreeSet<_> = TARGETS
                .iter()
                .filter(|(to, port)| is_edge(from, to, *port))
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
