//! Starts a user-svc for each test, with its own database, signing keys and ports.

use std::path::Path;

use bytes::Bytes;
use devstack::testing::Env;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use jsonwebtoken::jwk::JwkSet;
use mesh::{channel::Channel, config::TokenConfig, identity::Claims, token::Verifier};
use mesh_data::{config::DatabaseConfig, database::Database, sql::sql};
use prost::Message;
use proto::user::v1::{
    CreateApiClientRequest, ExchangeClientCredentialsRequest, GetCurrentUserRequest,
    IssueLinkRequest, IssueLinkResponse, LoginRequest, LoginResponse, RefreshSessionRequest, Role,
    SignUpRequest, UserMailRequested, link_service_client::LinkServiceClient,
    user_service_client::UserServiceClient,
};
use tempfile::TempDir;
use tests::{
    issuer::{SigningKey, with_token},
    service,
    store::call_raw,
};
use tonic::{Request, Response, Status, metadata::MetadataMap};
use user_svc::{
    MIGRATIONS,
    config::{Config, DEFAULTS},
};
use uuid::Uuid;

/// The password of every account that a test creates.
pub const PASSWORD: &str = "correct horse battery";

pub type Users = UserServiceClient<Channel>;

pub struct Service {
    pub process: service::InProcess,
    database: DatabaseConfig,
    token: TokenConfig,
    keys: TempDir,
    pub database_url: String,
}

/// All calls of a test come from one network, unless they forward another address.
const UNLIMITED: [(&str, &str); 3] = [
    ("sign-ups-max", "1000"),
    ("login-failures-per-network-max", "1000"),
    ("password-calls-per-network-max", "1000"),
];

pub async fn start() -> Service {
    start_with(&UNLIMITED).await
}

/// Starts a service with settings, and the limits of a network that production has.
pub async fn start_with(settings: &[(&str, &str)]) -> Service {
    start_with_brokers(&Env::from_env().kafka_brokers(), settings).await
}

/// Starts a service without a broker, so that events stay in the outbox.
pub async fn start_without_broker() -> Service {
    start_with_brokers(service::NO_BROKER, &UNLIMITED).await
}

/// Starts a service whose database knows the letters of `ctype`.
pub async fn start_with_ctype(ctype: &str) -> Service {
    let database_url = tests::database::create_with_ctype("user-svc", MIGRATIONS, ctype).await;
    start_on(database_url, service::NO_BROKER, &UNLIMITED).await
}

async fn start_with_brokers(brokers: &str, more: &[(&str, &str)]) -> Service {
    start_on(database().await, brokers, more).await
}

async fn start_on(database_url: String, brokers: &str, more: &[(&str, &str)]) -> Service {
    let keys = tempfile::tempdir().unwrap();
    write_key(keys.path(), "2026-01");
    // Its own group: the events published here are for the database of this test.
    let group = format!("user-svc-{}", Uuid::now_v7());
    let own = [
        ("kafka-group", &*group),
        ("signing-keys-dir", keys.path().to_str().unwrap()),
        ("signing-key-notice-seconds", "1"),
        ("kafka-brokers", brokers),
    ];
    let settings: Vec<_> = own.iter().chain(more).copied().collect();
    let config = config(&database_url, &settings);
    let (database, token) = (config.settings.database.clone(), config.settings.token.clone());
    let run = async move |listeners, process| user_svc::run(config, listeners, process).await;
    let process = service::InProcess::start(run).await;
    Service { process, database, token, keys, database_url }
}

/// Creates a database with the schema and no rows, and returns its URL.
pub async fn database() -> String {
    tests::database::create("user-svc", MIGRATIONS).await
}

fn config(database_url: &str, settings: &[(&str, &str)]) -> Config {
    service::config("user-svc", DEFAULTS, database_url, settings)
}

/// Creates a signing key in `folder`.
pub fn write_key(folder: &Path, kid: &str) {
    SigningKey::generate(kid).write_pem(folder);
}

impl Service {
    /// Shuts the service down, and waits until it has ended without an error.
    pub async fn stop(self) {
        self.process.stop().await;
    }

    /// Calls a method by its path as the gateway does.
    pub async fn call(&self, path: &str, request: Request<Bytes>) -> Result<Bytes, Status> {
        call_raw(self.process.channel("gateway", proto::FILE_DESCRIPTOR_SET), path, request).await
    }

    /// Calls the service as the gateway does.
    pub fn users(&self) -> Users {
        self.users_as("gateway")
    }

    /// Calls the service as `caller` does.
    pub fn users_as(&self, caller: &str) -> Users {
        UserServiceClient::new(self.process.channel(caller, proto::FILE_DESCRIPTOR_SET))
    }

    pub fn keys_dir(&self) -> &Path {
        self.keys.path()
    }

    pub fn database(&self) -> Database {
        Database::open(&self.database, &MIGRATIONS).unwrap()
    }

    /// Executes SQL, for changes that no method makes.
    pub async fn execute(&self, sql: &str) {
        let database = self.database();
        database.connection().await.unwrap().batch_execute(sql).await.unwrap();
    }

    /// Returns the number that a query counts.
    pub async fn count(&self, query: &str) -> i64 {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            count: i64,
        }
        let database = self.database();
        let mut connection = database.connection().await.unwrap();
        let row: Row = sql(query.to_owned()).get_result(&mut connection).await.unwrap();
        row.count
    }

    /// Returns the JWKS.
    pub async fn jwks_text(&self) -> String {
        let channel = self.process.channel("gateway", proto::FILE_DESCRIPTOR_SET);
        let url = format!("{}/.well-known/jwks.json", self.process.url());
        let body = channel.get(&url.parse().unwrap()).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    /// Verifies an access token with the published keys, and returns its claims.
    pub async fn claims(&self, access_token: &str) -> Result<Claims, mesh::Error> {
        let jwks: JwkSet = serde_json::from_str(&self.jwks_text().await).unwrap();
        let verifier = Verifier::fixed(&self.token, &jwks).unwrap();
        let request = with_token(access_token, ());
        let claims = verifier.verify(&request.metadata().clone().into_headers()).await?;
        Ok((*claims).clone())
    }

    /// Returns the requested mails, oldest first, if there is no broker.
    pub async fn mails(&self) -> Vec<UserMailRequested> {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Binary)]
            payload: Vec<u8>,
        }
        let database = self.database();
        let mut connection = database.connection().await.unwrap();
        let query = sql("SELECT payload FROM outbox WHERE topic = 'user-mail' ORDER BY id");
        let rows: Vec<Row> = query.load(&mut connection).await.unwrap();
        rows.iter().map(|row| UserMailRequested::decode(&row.payload[..]).unwrap()).collect()
    }

    /// Has the token of a link created, as notify-svc does when it composes the mail.
    pub async fn issue_link(&self, link_id: &str) -> Result<IssueLinkResponse, Status> {
        let channel = self.process.channel("notify-svc", proto::FILE_DESCRIPTOR_SET);
        let request = IssueLinkRequest { link_id: link_id.to_owned() };
        let response = LinkServiceClient::new(channel).issue_link(request).await?;
        Ok(response.into_inner())
    }

    /// Creates an account.
    pub async fn sign_up(&self, email: &str) {
        self.users().sign_up(sign_up_request(email)).await.unwrap();
    }

    /// Creates an account that is an admin, and logs it in.
    pub async fn admin(&self, email: &str) -> LoginResponse {
        self.sign_up(email).await;
        self.execute(&format!("UPDATE users SET role = 'admin' WHERE email = '{email}'")).await;
        self.log_in(email).await
    }

    /// Creates an API client, as an admin of its own, and returns its credentials.
    pub async fn api_client(&self, role: Role) -> ExchangeClientCredentialsRequest {
        let admin = self.admin(&format!("{}@example.com", Uuid::now_v7())).await;
        let request = CreateApiClientRequest {
            name: "warehouse".into(),
            role: role.into(),
            request_id: String::new(),
        };
        let request = with_token(&admin.access_token, request);
        let created = self.users().create_api_client(request).await.unwrap().into_inner();
        ExchangeClientCredentialsRequest {
            client_id: created.client_id,
            client_secret: created.client_secret,
        }
    }

    /// Returns the access token of a new API client.
    pub async fn client_token(&self) -> String {
        let request = self.api_client(Role::Customer).await;
        let response = self.users().exchange_client_credentials(request).await.unwrap();
        response.into_inner().access_token
    }

    pub async fn log_in(&self, email: &str) -> LoginResponse {
        self.users().login(login_request(email, PASSWORD)).await.unwrap().into_inner()
    }

    /// Logs in with a cookie, and returns its token.
    pub async fn log_in_with_cookie(&self, email: &str) -> (LoginResponse, String) {
        let request = LoginRequest { use_cookie: true, ..login_request(email, PASSWORD) };
        let response = self.users().login(request).await.unwrap();
        let token = cookie_token(response.metadata());
        (response.into_inner(), token)
    }

    /// Refreshes with a token in the message, and returns the next token.
    pub async fn refresh(&self, token: &str) -> Result<String, Status> {
        let request = RefreshSessionRequest { refresh_token: token.to_owned() };
        let response = self.users().refresh_session(request).await?;
        Ok(response.into_inner().refresh_token)
    }

    /// Refreshes with a token in the cookie, and returns the next token.
    pub async fn refresh_by_cookie(&self, token: &str) -> Result<String, Status> {
        let response = self.users().refresh_session(cookie_request(token)).await?;
        Ok(cookie_token(response.metadata()))
    }

    /// Returns the address of the bearer of a token.
    pub async fn who_am_i(&self, access_token: &str) -> Result<String, Status> {
        let request = with_token(access_token, GetCurrentUserRequest {});
        let response = self.users().get_current_user(request).await?;
        Ok(response.into_inner().user.unwrap().email)
    }
}

pub fn sign_up_request(email: &str) -> SignUpRequest {
    SignUpRequest {
        email: email.into(),
        password: PASSWORD.into(),
        display_name: "Ada Lovelace".into(),
    }
}

pub fn login_request(email: &str, password: &str) -> LoginRequest {
    LoginRequest { email: email.into(), password: password.into(), ..LoginRequest::default() }
}

/// Returns a request as the gateway forwards it from `address`.
pub fn from_address<T>(address: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("x-forwarded-for", address.parse().unwrap());
    request
}

/// Returns a RefreshSession as a browser sends it.
pub fn cookie_request(token: &str) -> Request<RefreshSessionRequest> {
    let mut request = Request::new(RefreshSessionRequest::default());
    let cookie = format!("theme=dark; refresh_token={token}").parse().unwrap();
    request.metadata_mut().insert("cookie", cookie);
    request
}

/// Returns the whole cookie that a response sets.
pub fn set_cookie(metadata: &MetadataMap) -> Option<String> {
    Some(metadata.get("set-cookie")?.to_str().unwrap().to_owned())
}

/// Returns the cookie `device` that a response sets, as a browser sends it.
pub fn device_cookie(metadata: &MetadataMap) -> Option<String> {
    let cookies = metadata.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    let mut pairs = cookies.filter_map(|cookie| Some(cookie.split_once(';')?.0));
    pairs.find(|pair| pair.starts_with("device=")).map(str::to_owned)
}

/// Returns the token in the cookie that a response sets.
pub fn cookie_token(metadata: &MetadataMap) -> String {
    let cookie = set_cookie(metadata).expect("a cookie is set");
    let (pair, _) = cookie.split_once(';').unwrap();
    pair.strip_prefix("refresh_token=").expect("it is the refresh token").to_owned()
}

/// Returns the reason of an error.
pub fn rejection<T>(result: Result<T, Status>) -> String {
    let status = result.err().expect("the call is rejected");
    tests::status::reason(&status)
}

/// Returns all that a client sees of an error.
pub fn whole_error<T>(result: Result<Response<T>, Status>) -> (tonic::Code, String, Vec<u8>) {
    let status = result.err().expect("the call is rejected");
    (status.code(), status.message().to_owned(), status.details().to_vec())
}
