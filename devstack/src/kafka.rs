//! The broker: Apache Kafka as one KRaft node.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use setup::certificates::{KAFKA, SETUP, keystore_file};

use crate::{one_shot::OneShots, paths, process::Program};

/// Returns the broker that listens on `port`. Formats the folder of a new broker.
pub(crate) async fn program(
    dir: &Path,
    port: u16,
    controller_port: u16,
    one_shots: &OneShots,
) -> Result<Program> {
    let folder = dir.join("kafka");
    fs::create_dir_all(&folder)?;
    let settings = folder.join("server.properties");
    fs::write(&settings, server_properties(dir, port, controller_port))?;
    fs::write(folder.join("log4j2.properties"), LOG4J2)?;
    let log = dir.join("logs/kafka.log");
    if !folder.join("data/meta.properties").exists() {
        const TIMEOUT: Duration = Duration::from_secs(120);
        // One argument, because an id may begin with a hyphen.
        let id = BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>());
        let cluster = format!("--cluster-id={id}");
        let format = java(&folder, &log)?
            .arguments(["kafka.tools.StorageTool", "format", &cluster, "--config"])
            .arguments([&settings]);
        one_shots.run(format, TIMEOUT).await.context("cannot format the folder of Kafka")?;
    }
    let mut program = java(&folder, &log)?.arguments(["kafka.Kafka"]).arguments([settings]);
    program.stop_timeout = Duration::from_secs(30);
    Ok(program)
}

fn java(folder: &Path, log: &Path) -> Result<Program> {
    let java = paths::in_path("java")
        .context("Java is missing: run `make deps`, or install a Java runtime 17 or newer")?;
    let libraries = libraries()?;
    let logging = folder.join("log4j2.properties");
    Ok(Program::new(java, log)
        .arguments(["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
        .arguments([format!("-Dlog4j2.configurationFile={}", logging.display())])
        .arguments(["-cp".to_owned(), format!("{}/*", libraries.display())]))
}

fn libraries() -> Result<PathBuf> {
    let folder = paths::tools()?.join("kafka");
    if !folder.exists() {
        bail!("Kafka is missing in {}: run `make deps`", folder.display());
    }
    Ok(folder)
}

/// Returns the settings of the broker. All its connections, its own included, have TLS and a client
/// certificate, whose common name is the user. A user has only what `setup::acl` allows.
fn server_properties(dir: &Path, port: u16, controller_port: u16) -> String {
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=MESH://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=MESH://127.0.0.1:{port}
inter.broker.listener.name=MESH
controller.listener.names=CONTROLLER
listener.security.protocol.map=MESH:SSL,CONTROLLER:SSL
ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={authority}
ssl.principal.mapping.rules=RULE:^CN=([a-z-]+)$/$1/,DEFAULT
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{KAFKA};User:{SETUP}
log.dirs={data}
auto.create.topics.enable=false
num.partitions={partitions}
default.replication.factor=1
offsets.topic.num.partitions={partitions}
offsets.topic.replication.factor=1
transaction.state.log.num.partitions={partitions}
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions={partitions}
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# A consumer of a new store must not wait for other consumers.
group.initial.rebalance.delay.ms=0
# How long a killed broker counts as alive and prevents its restart.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
",
        partitions = topology::topics().partitions,
        data = dir.join("kafka/data").display(),
        keystore = keystore_file(&dir.join("tls")).display(),
        authority = dir.join("tls/ca.pem").display(),
    )
}

const LOG4J2: &str = "rootLogger.level = WARN
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c{1}: %m%n
logger.server.name = kafka.server
logger.server.level = INFO
";
