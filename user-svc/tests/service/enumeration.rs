//! The work of a login is the same with and without an account, so that its duration reveals nothing.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use tests::{database::execute, eventually};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf},
};
use tonic::Code;
use user_svc::MIGRATIONS;

use crate::{
    harness::{database, login_request, sign_up_request, whole_error},
    program::Program,
};

/// A database behind a proxy that records the statements that a program executes.
struct Observed {
    url: String,
    statements: Arc<Mutex<Vec<String>>>,
}

impl Observed {
    async fn before(url: &str) -> Self {
        let authority = url.parse::<http::Uri>().unwrap().into_parts().authority;
        let port = authority.unwrap().port_u16().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own_port = listener.local_addr().unwrap().port();
        let statements = Arc::<Mutex<Vec<_>>>::default();
        let recorded = statements.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let (from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                tokio::spawn(
                    async move { tokio::io::copy(&mut from_server, &mut to_client).await },
                );
                let recorded = recorded.clone();
                tokio::spawn(async move {
                    let mut messages = Messages::new(from_client);
                    while let Some(message) = messages.next(&recorded).await {
                        if to_server.write_all(&message).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        let url = url.replacen(&format!(":{port}/"), &format!(":{own_port}/"), 1);
        Self { url, statements }
    }

    /// Returns the statements of calls since the last time, and not those of periodic tasks.
    fn take(&self) -> Vec<String> {
        let statements = std::mem::take(&mut *self.statements.lock().unwrap());
        let is_of_call = |text: &String| {
            ["users", "tries", "devices", "advisory"].iter().any(|name| text.contains(name))
                && !text.starts_with("DELETE")
                && !text.contains("SKIP LOCKED")
        };
        statements.into_iter().filter(is_of_call).collect()
    }
}

/// The messages that a client of PostgreSQL sends. Source: "Frontend/Backend Protocol".
struct Messages {
    from: OwnedReadHalf,
    has_started: bool,
    /// The texts of the prepared statements by name.
    prepared: HashMap<Vec<u8>, String>,
}

impl Messages {
    fn new(from: OwnedReadHalf) -> Self {
        Self { from, has_started: false, prepared: HashMap::new() }
    }

    /// Returns the next message, and records the statement that it executes.
    async fn next(&mut self, executed: &Mutex<Vec<String>>) -> Option<Vec<u8>> {
        let mut message = Vec::new();
        // The first message has no type.
        if self.has_started {
            message.push(self.from.read_u8().await.ok()?);
        }
        self.has_started = true;
        let length = self.from.read_u32().await.ok()?;
        let mut body = vec![0; length as usize - 4];
        self.from.read_exact(&mut body).await.ok()?;
        let mut texts = body.split(|&byte| byte == 0).map(<[u8]>::to_vec);
        match message.first() {
            Some(b'P') => {
                let (name, text) = (texts.next()?, String::from_utf8(texts.next()?).ok()?);
                self.prepared.insert(name, text);
            }
            Some(b'B') => {
                let statement = self.prepared.get(&texts.nth(1)?).cloned().unwrap_or_default();
                executed.lock().unwrap().push(statement);
            }
            Some(b'Q') => {
                executed.lock().unwrap().push(String::from_utf8(texts.next()?).ok()?);
            }
            _ => {}
        }
        message.extend(length.to_be_bytes());
        message.extend(body);
        Some(message)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_costs_the_same_work_with_and_without_an_account() {
    let database_url = database().await;
    let observed = Observed::before(&database_url).await;
    let program = Program::start(&observed.url);
    for email in ["ada@example.com", "bob@example.com"] {
        eventually("a sign-up", async || {
            program.users.clone().sign_up(sign_up_request(email)).await.ok()
        })
        .await;
    }
    let database = tests::database::config(&database_url);
    let database = mesh_data::database::Database::open(&database, &MIGRATIONS).unwrap();
    execute(&database, "UPDATE users SET disabled_at = now() WHERE email LIKE 'bob%'").await;

    let work = async |email: &str| {
        observed.take();
        let before = program.hashes().await;
        let rejected = program.users.clone().login(login_request(email, "wrong")).await;
        let hashes = program.hashes().await - before;
        (hashes, observed.take(), whole_error(rejected))
    };
    let wrong = work("ada@example.com").await;
    let (hashes, statements, (code, ..)) = &wrong;
    assert_eq!((*hashes, *code), (1, Code::Unauthenticated));
    assert!(statements.len() > 4, "{statements:?}");
    for email in ["nobody@example.com", "bob@example.com"] {
        assert_eq!(work(email).await, wrong, "{email}");
    }
}
