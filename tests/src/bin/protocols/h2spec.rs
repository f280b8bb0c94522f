//! h2spec against the gateway and a service of the store around this program.

use std::{net::SocketAddr, path::Path, process::Command};

use devstack::{Service, testing::Env};
use url::Url;

use crate::{Result, tool, tunnel};

/// Cases of the suite, and the least that must pass. `docs/protocols.md` explains the others, some of which depend on timing.
const CASES: u32 = 145;
const REACH: u32 = 142;

/// Returns whether gateway and service reached their number.
#[tokio::main]
pub(crate) async fn run() -> Result<bool> {
    let env = Env::from_env();
    let gateway = SocketAddr::from(([127, 0, 0, 1], port(&env.gateway_url())?));
    let service = tunnel::open(port(&env.service_url(Service::USER))?).await?;
    let mut reached = true;
    let targets = [("gateway", gateway, "/"), ("user-svc", service, "/.well-known/jwks.json")];
    for (name, address, path) in targets {
        let program = tool("h2spec")?;
        let report = tokio::task::spawn_blocking(move || test(&program, address, path)).await??;
        let (cases, passed) = numbers(&report).ok_or_else(|| format!("no result: {report}"))?;
        if let Some((_, failures)) = report.split_once("Failures:") {
            println!("{}", failures.trim_end());
        }
        println!("{name}: {passed} of {cases}; {REACH} of {CASES} are needed");
        reached &= passed >= REACH && cases == CASES;
    }
    Ok(reached)
}

fn port(url: &str) -> Result<u16> {
    Ok(Url::parse(url)?.port().ok_or("a URL without a port")?)
}

fn test(program: &Path, address: SocketAddr, path: &str) -> Result<String> {
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    let output = Command::new(program).args(["-h", &host, "-p", &port, "-P", path]).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Reads how many cases there were, and how many passed.
fn numbers(report: &str) -> Option<(u32, u32)> {
    let line = report.lines().find(|line| line.contains(" tests, ") && line.contains(" passed"))?;
    let mut numbers = line.split(", ").map(|part| part.split(' ').next()?.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}
