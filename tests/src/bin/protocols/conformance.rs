//! Rounds of connectrpc/conformance, and what each must reach.

use std::{env, fs, process::Command};

use crate::{Result, tool};

/// Calls of one kind, and how many cases of the suite are about them.
struct Calls {
    name: &'static str,
    /// What the suite tests: its settings, under `features`.
    features: &'static [&'static str],
    /// Cases of the suite, so that none is left out unnoticed.
    cases: u32,
    /// Patterns of the cases that fail, each with its reason.
    known_failing: &'static str,
    /// Least cases that must pass: as many as with Envoy 1.40 before the same server.
    reach: u32,
}

const GRPC: &[&str] = &["protocols: [PROTOCOL_GRPC]", "versions: [HTTP_VERSION_2]"];
const BROWSER: &[&str] = &[
    "protocols: [PROTOCOL_GRPC_WEB]",
    "versions: [HTTP_VERSION_1, HTTP_VERSION_2]",
    "streamTypes: [STREAM_TYPE_UNARY, STREAM_TYPE_SERVER_STREAM]",
];
const CLIENT_STREAMS: &[&str] = &[
    "protocols: [PROTOCOL_GRPC_WEB]",
    "versions: [HTTP_VERSION_1, HTTP_VERSION_2]",
    "streamTypes: [STREAM_TYPE_CLIENT_STREAM, STREAM_TYPE_HALF_DUPLEX_BIDI_STREAM, \
     STREAM_TYPE_FULL_DUPLEX_BIDI_STREAM]",
];

const CALLS: [Calls; 3] = [
    Calls {
        name: "gRPC",
        features: GRPC,
        cases: 374,
        known_failing: include_str!("known-failing.txt"),
        reach: 370,
    },
    Calls {
        name: "gRPC-Web",
        features: BROWSER,
        cases: 248,
        known_failing: include_str!("known-failing.txt"),
        reach: 240,
    },
    Calls {
        name: "gRPC-Web, client streams",
        features: CLIENT_STREAMS,
        cases: 95,
        known_failing: "",
        reach: 95,
    },
];

/// Runs all rounds. Returns whether each reached its numbers.
pub(crate) fn run(rounds: u32) -> Result<bool> {
    let mut reached = true;
    for round in 1..=rounds {
        for calls in &CALLS {
            let Outcome { passed, cases, failures } = calls.run()?;
            println!("round {round}: {}: {passed} of {cases}", calls.name);
            for line in failures {
                println!("  {line}");
            }
            reached &= passed >= calls.reach && cases == calls.cases;
        }
    }
    let needed = CALLS.map(|calls| format!("{} of {}", calls.reach, calls.cases)).join(", ");
    let result = if reached { "reached" } else { "NOT REACHED" };
    println!("{result}: each round needs {needed}");
    Ok(reached)
}

/// What a run of the suite reported.
struct Outcome {
    passed: u32,
    cases: u32,
    /// What it says about cases that failed and are not known to, or passed although they are.
    failures: Vec<String>,
}

impl Calls {
    fn run(&self) -> Result<Outcome> {
        let folder = tempfile::tempdir()?;
        let settings = folder.path().join("settings.yaml");
        let common = ["codecs: [CODEC_PROTO]", "supportsTls: false"];
        let features = self.features.iter().chain(&common).map(|line| format!("  {line}\n"));
        fs::write(&settings, format!("features:\n{}", features.collect::<String>()))?;
        let known = folder.path().join("known-failing.txt");
        fs::write(&known, self.known_failing)?;
        let output = Command::new(tool("connectconformance")?)
            .args(["--mode", "server", "--conf"])
            .arg(settings)
            .arg(format!("--known-failing=@{}", known.display()))
            .arg("--")
            .arg(env::current_exe()?)
            .arg("server")
            .output()?;
        let report = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        let report = format!("{report}{errors}");
        Outcome::read(&report).ok_or_else(|| format!("no result of the suite:\n{report}").into())
    }
}

impl Outcome {
    /// Reads a report, which ends with `Total cases: 374` and `370 passed, 0 failed`.
    fn read(report: &str) -> Option<Self> {
        let mut lines = report.lines();
        let mut failures = Vec::new();
        let mut is_failure = false;
        let cases = lines.by_ref().find_map(|line| {
            // What is wrong follows in lines with a tab.
            is_failure = line.starts_with("FAILED: ") || (is_failure && line.starts_with('\t'));
            failures.extend(is_failure.then(|| line.to_owned()));
            line.strip_prefix("Total cases: ")?.parse().ok()
        })?;
        let passed = lines.find_map(|line| line.split_once(" passed, ")?.0.parse().ok())?;
        Some(Self { passed, cases, failures })
    }
}
