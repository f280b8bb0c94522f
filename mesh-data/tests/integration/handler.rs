//! A consumer within a test, and a handler that keeps its events.

use std::sync::{Arc, Mutex};

use mesh::{BoxError, Error};
use mesh_data::{
    consumer::{Handler, consume},
    database::Database,
    kafka::Record,
};
use prost::{Message, Name};
use tests::eventually;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{Topic, kafka_config, open_database, producer};

type Check = Box<dyn Fn(&[String], usize) -> Result<(), Error> + Send + Sync>;

/// A handler that keeps what it is given, unless `check` fails.
#[derive(Clone)]
pub struct Events(Arc<Inner>);

struct Inner {
    /// Gets the events and the number of earlier attempts.
    check: Check,
    attempts: Mutex<usize>,
    batches: Mutex<Vec<Vec<String>>>,
}

impl Events {
    pub fn new(
        check: impl Fn(&[String], usize) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Self {
        let (attempts, batches) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { check: Box::new(check), attempts, batches }))
    }

    pub fn all_good() -> Self {
        Self::new(|_, _| Ok(()))
    }

    /// Fails for good on batches with `bad`.
    pub fn rejecting(bad: &'static str) -> Self {
        Self::new(move |events, _| {
            if events.iter().any(|event| event == bad) {
                return Err(Error::internal("this event is bad"));
            }
            Ok(())
        })
    }

    pub fn batches(&self) -> Vec<Vec<String>> {
        self.0.batches.lock().unwrap().clone()
    }

    pub fn attempts(&self) -> usize {
        *self.0.attempts.lock().unwrap()
    }

    /// Waits until exactly these events were applied.
    pub async fn until(&self, events: &[&str]) {
        eventually(&format!("the events {events:?}"), async || {
            (self.batches().concat() == events).then_some(())
        })
        .await;
    }
}

impl Handler for Events {
    type Event = String;

    fn decode(&self, record: &Record) -> Result<String, BoxError> {
        if record.message != String::full_name() {
            return Err(format!("no message {:?}", record.message).into());
        }
        Ok(String::decode(&record.payload[..])?)
    }

    async fn handle(&self, events: Vec<String>) -> Result<(), Error> {
        let attempt = {
            let mut attempts = self.0.attempts.lock().unwrap();
            *attempts += 1;
            *attempts - 1
        };
        (self.0.check)(&events, attempt)?;
        self.0.batches.lock().unwrap().push(events);
        Ok(())
    }
}

pub struct Running {
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), BoxError>>,
}

impl Running {
    /// Consumes `topic`, in a consumer group of the topic's own.
    pub async fn start(topic: &Topic, handler: &Events) -> Self {
        Self::start_as(topic.name, topic, &open_database().await, handler)
    }

    pub fn start_as(
        group: &str,
        topic: &Topic,
        database: &Database,
        handler: &(impl Handler + Clone),
    ) -> Self {
        let shutdown = CancellationToken::new();
        let (group, database) = (group.to_owned(), database.clone());
        let (name, handler, stop) = (topic.name, handler.clone(), shutdown.clone());
        let task = tokio::spawn(async move {
            let (kafka, producer) = (kafka_config(), producer());
            consume(&kafka, &group, &[name], &database, handler, producer, stop).await
        });
        Self { shutdown, task }
    }

    pub async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }

    /// Ends it wherever it is.
    pub async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}
