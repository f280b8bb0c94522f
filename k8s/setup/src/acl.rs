//! Access rules (ACLs) of the topics: what each service may do, from the table of services and the
//! contract. The broker rejects all else.
//!
//! rdkafka has no call that creates rules. The one request of Kafka's protocol needs far less than
//! a second client library.

use std::{collections::BTreeSet, fs, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use topology::Service;

use crate::client_tls::ClientTls;

/// Longest wait for a broker's response.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Returns the name of the dead-letter queue of a topic.
pub fn dead_letters(topic: &str) -> String {
    format!("{topic}-dlq")
}

/// Something that a service may use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// A topic.
    Topic(String),
    /// A consumer group.
    Group(String),
    /// All consumer groups whose name starts so.
    Groups(String),
}

/// What may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Consume a topic, or be a member of a group.
    Read,
    /// Publish to a topic.
    Write,
}

/// A permission.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// What it is about.
    pub resource: Resource,
    /// What may be done with it.
    pub operation: Operation,
}

/// Returns what `service` may do. It publishes the events of its packages and those that name it as
/// a publisher, and publishes the dead letters of its packages again, which it reads from their
/// topic if their queue does not accept their size. It consumes the topics of its row, as a group of
/// its own name, and publishes those records that it cannot process to their dead-letter queues.
pub fn rules(service: Service) -> Vec<Rule> {
    let rule = |resource, operation| Rule { resource, operation };
    let packages = service.packages().iter();
    let published = packages.clone().flat_map(|package| proto::topics::published_by(package));
    let mut rules: Vec<Rule> =
        published.map(|topic| rule(Resource::Topic(topic.to_owned()), Operation::Write)).collect();
    let own = packages.flat_map(|package| proto::topics::of_package(package));
    rules.extend(own.flat_map(|topic| {
        let dead_letters = dead_letters(topic);
        [
            rule(Resource::Topic(topic.to_owned()), Operation::Read),
            rule(Resource::Topic(dead_letters.clone()), Operation::Read),
            rule(Resource::Group(format!("{dead_letters}-replay")), Operation::Read),
        ]
    }));
    let consumed = service.consumes().iter();
    rules.extend(consumed.flat_map(|topic| {
        [
            rule(Resource::Topic(topic.clone()), Operation::Read),
            rule(Resource::Topic(dead_letters(topic)), Operation::Write),
        ]
    }));
    if !service.consumes().is_empty() {
        rules.push(rule(Resource::Groups(service.name().to_owned()), Operation::Read));
    }
    // A service may consume a topic of its own package.
    let mut seen = BTreeSet::new();
    rules.retain(|rule| seen.insert(rule.clone()));
    rules
}

/// Creates the rules of all services that are missing, by the first of `servers` that responds.
pub(crate) async fn create(servers: &str, tls: &ClientTls) -> Result<()> {
    let rules: Vec<(Service, Rule)> = Service::all()
        .flat_map(|service| rules(service).into_iter().map(move |rule| (service, rule)))
        .collect();
    let mut result = Err(anyhow::anyhow!("no broker is named"));
    for server in servers.split(',') {
        let response = timeout(TIMEOUT, call(server.trim(), tls, &request(&rules)?)).await;
        result = response.unwrap_or_else(|_| Err(anyhow::anyhow!("{server} does not respond")));
        if result.is_ok() {
            break;
        }
    }
    let response = result?;
    for ((service, rule), code) in rules.iter().zip(error_codes(&response, rules.len())?) {
        if code != 0 {
            bail!("cannot allow {} {rule:?}: Kafka's error {code}", service.name());
        }
    }
    Ok(())
}

/// Sends one request on a new connection, and returns its response.
async fn call(server: &str, tls: &ClientTls, request: &[u8]) -> Result<Vec<u8>> {
    const RESPONSE_BYTES_MAX: u32 = 1 << 20;
    let (host, _) = server.rsplit_once(':').context("a server is host:port")?;
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())?;
    let stream = TcpStream::connect(server).await.with_context(|| server.to_owned())?;
    let mut stream = connector(tls)?.connect(name, stream).await?;
    stream.write_u32(u32::try_from(request.len())?).await?;
    stream.write_all(request).await?;
    let length = stream.read_u32().await?;
    if length > RESPONSE_BYTES_MAX {
        bail!("{server} is no Kafka broker");
    }
    let mut response = vec![0; length as usize];
    stream.read_exact(&mut response).await?;
    Ok(response)
}

fn connector(tls: &ClientTls) -> Result<TlsConnector> {
    let read =
        |file: &PathBuf| fs::read(file).with_context(|| format!("cannot read {}", file.display()));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&read(&tls.ca)?) {
        roots.add(certificate?)?;
    }
    let chain =
        CertificateDer::pem_slice_iter(&read(&tls.certificate)?).collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(&read(&tls.key)?)?;
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)?;
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Encodes CreateAcls, version 1. Source: `CreateAclsRequest.json` of Apache Kafka, and the enums
/// ResourceType, PatternType, AclOperation and AclPermissionType of its client.
fn request(rules: &[(Service, Rule)]) -> Result<Vec<u8>> {
    const API_KEY: i16 = 30;
    const VERSION: i16 = 1;
    const CORRELATION_ID: i32 = 1;
    const TOPIC: u8 = 2;
    const GROUP: u8 = 3;
    const LITERAL: u8 = 3;
    const PREFIXED: u8 = 4;
    const ALLOW: u8 = 3;
    let mut bytes = Vec::new();
    bytes.extend(API_KEY.to_be_bytes());
    bytes.extend(VERSION.to_be_bytes());
    bytes.extend(CORRELATION_ID.to_be_bytes());
    write_text(&mut bytes, "setup")?;
    bytes.extend(i32::try_from(rules.len())?.to_be_bytes());
    for (service, rule) in rules {
        let (kind, name, pattern) = match &rule.resource {
            Resource::Topic(name) => (TOPIC, name, LITERAL),
            Resource::Group(name) => (GROUP, name, LITERAL),
            Resource::Groups(prefix) => (GROUP, prefix, PREFIXED),
        };
        bytes.push(kind);
        write_text(&mut bytes, name)?;
        bytes.push(pattern);
        write_text(&mut bytes, &format!("User:{}", service.name()))?;
        write_text(&mut bytes, "*")?;
        bytes.push(match rule.operation {
            Operation::Read => 3,
            Operation::Write => 4,
        });
        bytes.push(ALLOW);
    }
    Ok(bytes)
}

fn write_text(bytes: &mut Vec<u8>, text: &str) -> Result<()> {
    bytes.extend(i16::try_from(text.len())?.to_be_bytes());
    bytes.extend(text.as_bytes());
    Ok(())
}

/// Decodes the response: the error code of each rule, where 0 is success.
fn error_codes(response: &[u8], count: usize) -> Result<Vec<i16>> {
    /// The correlation id, the throttle time and the number of results.
    const HEAD_BYTES: usize = 12;
    let read = |at: usize| -> Result<i16> {
        let bytes = response.get(at..).and_then(<[u8]>::first_chunk);
        Ok(i16::from_be_bytes(*bytes.context("a truncated response")?))
    };
    let mut at = HEAD_BYTES;
    let mut codes = Vec::with_capacity(count);
    while codes.len() < count {
        codes.push(read(at)?);
        // The length of the message of the error; -1, if there is none.
        let length = usize::try_from(read(at + 2)?).unwrap_or_default();
        at += 4 + length;
    }
    Ok(codes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_uses_only_the_topics_that_it_publishes_or_consumes() {
        let of = |service| -> Vec<String> {
            let rules = rules(service).into_iter();
            rules
                .map(|Rule { resource, operation }| format!("{operation:?} {resource:?}"))
                .collect()
        };
        assert_eq!(
            of(Service::ORDER)
                .into_iter()
                .filter(|rule| !rule.contains("order-"))
                .collect::<Vec<_>>(),
            [
                r#"Write Topic("audit-recorded")"#,
                r#"Read Topic("mail-state")"#,
                r#"Write Topic("mail-state-dlq")"#,
            ],
        );
        assert_eq!(
            of(Service::USER),
            [
                r#"Write Topic("audit-recorded")"#,
                r#"Write Topic("user-mail")"#,
                r#"Read Topic("audit-recorded")"#,
                r#"Read Topic("audit-recorded-dlq")"#,
                r#"Read Group("audit-recorded-dlq-replay")"#,
                r#"Read Topic("user-mail")"#,
                r#"Read Topic("user-mail-dlq")"#,
                r#"Read Group("user-mail-dlq-replay")"#,
                r#"Write Topic("audit-recorded-dlq")"#,
                r#"Read Groups("user-svc")"#,
            ],
        );
        assert_eq!(of(Service::GATEWAY), [""; 0]);
    }

    #[test]
    fn the_code_of_each_rule_is_read_from_the_response() {
        let head = [0; 12];
        let rejected = [&[0, 31, 0, 2][..], b"no"].concat();
        let accepted = [0, 0, 0xff, 0xff];
        let response = [&head[..], &rejected, &accepted].concat();
        assert_eq!(error_codes(&response, 2).expect("two results"), [31, 0]);
        assert!(error_codes(&response, 3).is_err());
    }
}
