//! Dashboards and alert rules name only metrics that the services expose.

use std::{collections::BTreeSet, fs, path::Path};

use devstack::{Service, testing::Env};
use tests::{
    eventually,
    store::{Protocol, Store, get},
};

/// Metrics that Prometheus itself creates.
const PROMETHEUS_METRICS: [&str; 1] = ["up"];
/// PromQL keywords before a list of labels in parentheses.
const GROUPINGS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
const OPERATORS: [&str; 4] = ["and", "or", "unless", "bool"];

/// Returns the expressions of all rules, and those of all dashboards.
fn expressions() -> [Vec<String>; 2] {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../k8s/overlays/prod");
    let read = |path: &Path| fs::read_to_string(path).expect("the file is in the repository");
    let rules = read(&folder.join("monitoring.yaml"));
    let alerts: Vec<String> = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("expr: '")?.strip_suffix('\''))
        .map(str::to_owned)
        .collect();
    assert_eq!(alerts.len(), rules.matches("alert:").count(), "each alert has an expression");
    let mut panels = Vec::new();
    for file in fs::read_dir(folder.join("dashboards")).expect("the folder is in the repository") {
        let text = read(&file.expect("a file").path());
        let dashboard: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        for panel in dashboard["panels"].as_array().expect("panels") {
            for target in panel["targets"].as_array().expect("targets") {
                panels.push(target["expr"].as_str().expect("an expression").to_owned());
            }
        }
    }
    [alerts, panels]
}

/// Returns the metrics that an expression names: the words that are not label matchers, ranges,
/// functions or groupings.
fn metrics_of(expression: &str) -> BTreeSet<String> {
    let without = |text: &str, open: char, close: char| {
        let mut depth = 0;
        let kept = text.chars().filter(|&c| {
            depth += i32::from(c == open);
            let keep = depth == 0;
            depth -= i32::from(c == close);
            keep
        });
        kept.collect::<String>()
    };
    let bare = without(&without(expression, '{', '}'), '[', ']');
    let mut tokens = tokens(&bare);
    while let Some(start) =
        tokens.windows(2).position(|two| GROUPINGS.contains(&two[0]) && two[1] == "(")
    {
        let length = tokens[start..].iter().position(|token| *token == ")");
        tokens.drain(start..=start + length.expect("a grouping is closed"));
    }
    tokens.push("");
    let is_metric = |two: &&[&str]| {
        let word = two[0].starts_with(|c: char| c.is_ascii_alphabetic());
        word && two[1] != "(" && !GROUPINGS.contains(&two[0]) && !OPERATORS.contains(&two[0])
    };
    tokens.windows(2).filter(is_metric).map(|two| two[0].to_owned()).collect()
}

/// Splits an expression into words and operators.
fn tokens(expression: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':' || c == '.';
    let mut tokens = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len()).max(first.len_utf8());
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    tokens
}

#[test]
fn only_the_metrics_of_an_expression_are_found() {
    let names = |expression| metrics_of(expression).into_iter().collect::<Vec<_>>().join(" ");
    for (expression, expected) in [
        ("max by (pod) (kafka_up) == 0", "kafka_up"),
        (
            "sum(rate(a_total{b=\"c\", d=~\"e.*\"}[5m])) / sum(rate(f[$__rate_interval])) > 0.01",
            "a_total f",
        ),
        ("busy{state=\"busy\"} >= on (pod) group_left idle", "busy idle"),
        ("a - time() < 14 * 86400", "a"),
        ("histogram_quantile(0.99, sum by (le, m) (rate(a_bucket[5m])))", "a_bucket"),
    ] {
        assert_eq!(names(expression), expected, "{expression}");
    }
}

#[test]
fn every_metric_of_an_alert_has_a_panel() {
    let [alerts, panels] = expressions()
        .map(|expressions| expressions.iter().flat_map(|e| metrics_of(e)).collect::<BTreeSet<_>>());
    let missing: Vec<_> = alerts
        .difference(&panels)
        .filter(|name| !PROMETHEUS_METRICS.contains(&name.as_str()))
        .collect();
    assert!(missing.is_empty(), "no panel shows {missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dashboards_and_alerts_name_only_metrics_that_exist() {
    let store = Store::shared(Protocol::Grpc);
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, 3).await;
    let pat = store.customer().await;
    store.place(&pat, &[(&cup.product_id, 1)]).await;
    let named: BTreeSet<String> =
        expressions().iter().flatten().flat_map(|e| metrics_of(e)).collect();
    assert!(named.len() > 20, "{named:?}");
    // Some appear only after an event, such as the delivery of a mail or the first report of the
    // lag.
    for name in named {
        eventually(&format!("the metric {name}"), || async {
            exposed_metrics().await.contains(&name).then_some(())
        })
        .await;
    }
}

/// Returns the names of the metrics that the services expose.
async fn exposed_metrics() -> BTreeSet<String> {
    let mut names = BTreeSet::from(PROMETHEUS_METRICS.map(str::to_owned));
    for service in Service::all() {
        let url = format!("{}/metrics", Env::from_env().admin_url(service));
        let text = get(&url).await.expect("the service has metrics");
        let text = String::from_utf8(text.to_vec()).expect("metrics are UTF-8");
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let name = |line: &str| line.split(['{', ' ']).next().unwrap_or_default().to_owned();
        names.extend(samples.map(name));
    }
    names
}
