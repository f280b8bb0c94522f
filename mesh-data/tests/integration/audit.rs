//! The audit entries of a call, in its transaction.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use diesel_async::SimpleAsyncConnection;
use futures::FutureExt;
use http::{Request, Response};
use mesh::{
    Error,
    access::Methods,
    call::ConcurrencyLimits,
    client::ClientStreams,
    config::{ServerConfig, TokenConfig},
    error::status,
    rpc::{CallPolicy, Rpc},
    token::Verifier,
};
use mesh_data::{
    audit::{Change, record},
    database::{Connection, Database, convert_error},
};
use serde_json::{Value, json};
use tests::{
    database::number,
    issuer::{SigningKey, claims, jwks},
};
use tonic::{Code, Status, body::Body};
use tower::ServiceExt;
use uuid::Uuid;

use crate::support::open_database;

/// An audited method of the contract. The handler of a test does what the test says.
const METHOD: &str = "/shopmesh.user.v1.UserService/EnableUser";

/// Returns the status of a call of an admin whose handler is `handler`.
async fn call(handler: impl Future<Output = Result<(), Error>> + Send + 'static) -> Code {
    let key = SigningKey::generate("k1");
    let token = TokenConfig {
        jwks_url: "http://localhost:1/".parse().unwrap(),
        jwks_age_seconds_max: Duration::from_secs(60),
        token_issuer: "shopmesh".into(),
        token_audience: "shopmesh".into(),
    };
    let any = "127.0.0.1:0".parse().unwrap();
    let server = ServerConfig {
        listen_address: any,
        admin_address: any,
        drain_seconds_max: Duration::from_secs(1),
        call_seconds_max: Duration::from_secs(60),
        calls_max: 1,
        streams_max: 1,
        connections_max: 1,
        request_bytes_default: 1024,
    };
    let policy = CallPolicy {
        client_streams: ClientStreams::new(1),
        methods: Arc::new(Methods::read(proto::FILE_DESCRIPTOR_SET).unwrap()),
        verifier: Verifier::fixed(&token, &jwks(&[&key])).unwrap(),
        call_duration_max: server.call_seconds_max,
        limits: ConcurrencyLimits::new(&server),
        request_bytes_default: server.request_bytes_default,
    };
    let handler = Arc::new(Mutex::new(Some(handler.boxed())));
    let handlers = tower::service_fn(move |_: Request<Body>| {
        let handler = handler.lock().unwrap().take().expect("one call");
        handler.map(|result| {
            let status = result.err().map_or_else(|| Status::ok(""), |error| status(&error));
            Ok::<_, Infallible>(status.into_http::<Body>())
        })
    });
    let token = key.token(&claims("admin", 600));
    let request = Request::post(METHOD)
        .header("content-type", "application/grpc")
        .header("authorization", format!("Bearer {token}"))
        .body(Body::empty())
        .unwrap();
    let response: Response<Body> = Rpc::new(policy, handlers).oneshot(request).await.unwrap();
    Status::from_header_map(response.headers()).unwrap().code()
}

fn change(old: i32, new: i32) -> Change {
    let fields = |count: i32| json!({ "count": count });
    Change::new("note", Uuid::now_v7(), &fields(old), &fields(new))
}

async fn insert_note(connection: &mut Connection) -> Result<(), Error> {
    let insert = "INSERT INTO notes (id, body) VALUES (1, 'text')";
    connection.batch_execute(insert).await.map_err(convert_error)
}

/// Returns the numbers of notes, entries and events.
async fn counts(database: &Database) -> [i64; 3] {
    let mut counts = [0; 3];
    for (count, table) in counts.iter_mut().zip(["notes", "audit_entries", "outbox"]) {
        *count = number(database, &format!("SELECT count(*) FROM {table}")).await;
    }
    counts
}

#[tokio::test]
async fn a_transaction_of_an_audited_call_inserts_its_changes_as_entries_and_events() {
    let database = open_database().await;
    let app = database.clone();
    let code = call(async move {
        let written = app.transaction(async |connection| {
            insert_note(connection).await?;
            record(connection, &[change(5, 7), change(7, 7), change(1, 2)])
                .await
                .map_err(convert_error)
        });
        written.await
    })
    .await;
    assert_eq!(code, Code::Ok);
    assert_eq!(counts(&database).await, [1, 2, 2], "a change of nothing is no entry");
    let same = "SELECT count(*) FROM outbox JOIN audit_entries USING (id) \
         WHERE key = subject_id::text AND topic = 'audit-recorded'";
    assert_eq!(number(&database, same).await, 2);
}

#[tokio::test]
async fn a_transaction_of_an_audited_call_that_states_no_changes_is_rolled_back() {
    let database = open_database().await;
    let app = database.clone();
    let code =
        call(
            async move { app.transaction(async |connection| insert_note(connection).await).await },
        );
    assert_eq!(code.await, Code::Internal);
    // What an earlier transaction of the call states does not count.
    let app = database.clone();
    let code = call(async move {
        let stated = app.transaction(async |connection| {
            record(connection, &[change(1, 2)]).await.map_err(convert_error)
        });
        stated.await?;
        app.transaction(async |connection| insert_note(connection).await).await
    });
    assert_eq!(code.await, Code::Internal);
    assert_eq!(counts(&database).await, [0, 1, 1]);
}

#[tokio::test]
async fn entries_are_rolled_back_with_their_change() {
    let database = open_database().await;
    let app = database.clone();
    let code = call(async move {
        let failed = app.transaction(async |connection| {
            record(connection, &[change(1, 2)]).await.map_err(convert_error)?;
            insert_note(connection).await?;
            insert_note(connection).await
        });
        failed.await
    });
    assert_ne!(code.await, Code::Ok);
    assert_eq!(counts(&database).await, [0, 0, 0]);
}

#[tokio::test]
async fn an_entry_is_rejected_outside_a_transaction() {
    let database = open_database().await;
    let app = database.clone();
    let code = call(async move {
        let mut connection = app.connection().await?;
        record(&mut connection, &[change(1, 2)]).await.map_err(convert_error)
    });
    assert_eq!(code.await, Code::Internal);
    assert_eq!(counts(&database).await, [0, 0, 0]);
}

#[tokio::test]
async fn outside_an_audited_call_there_are_no_entries() {
    let database = open_database().await;
    let written: Result<(), Error> = database
        .transaction(async |connection| {
            insert_note(connection).await?;
            let created = Change::new("note", Uuid::now_v7(), &Value::Null, &json!({ "count": 1 }));
            record(connection, &[created]).await.map_err(convert_error)
        })
        .await;
    written.unwrap();
    assert_eq!(counts(&database).await, [1, 0, 0]);
}
