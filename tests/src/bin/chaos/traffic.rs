//! The load: buyers, browsers and an admin, and their own record of what the store acknowledged.
//! A client repeats a call until its outcome is known, as the contract requires.

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use devstack::Login;
use proto::{
    order::v1::{CancelOrderRequest, ListAllOrdersRequest, ListOrdersRequest, ShipOrderRequest},
    product::v1::{
        GetProductRequest, InventoryReason, ListProductsRequest, UpdateInventoryRequest,
        get_product_request::Key, update_inventory_request::Change,
    },
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tests::{
    issuer::with_token,
    status::code_and_reason,
    store::{PASSWORD, Store, place_order, sign_up},
};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

const BUYERS: usize = 8;
const PRODUCTS: usize = 12;
/// Little enough that a product sells out now and then.
const STOCK: i32 = 100;
/// How long a client waits for a response.
const CALL_DURATION_MAX: Duration = Duration::from_secs(5);
/// Delay before a client repeats a call.
const RETRY_DELAY: Duration = Duration::from_millis(200);
/// When a client logs in again; an access token lives longer.
const TOKEN_AGE_MAX: Duration = Duration::from_secs(60);
/// Units that one delivery adds.
const DELIVERY: i32 = 25;

/// An order that the store acknowledged to its buyer.
pub struct Acknowledged {
    pub order_id: String,
    pub request_id: String,
}

/// What the clients saw.
#[derive(Default)]
pub struct Record {
    pub orders: Mutex<Vec<Acknowledged>>,
    pub cancelled: Mutex<Vec<String>>,
    /// Units that were put into each product.
    pub put_in: Mutex<BTreeMap<String, i64>>,
    /// How often each failure was seen.
    pub failures: Mutex<BTreeMap<String, usize>>,
    /// Failures that no fault explains.
    pub unexpected: Mutex<Vec<String>>,
    /// Calls whose outcome was still unknown at the end.
    pub unresolved: Mutex<i64>,
}

/// Locks a part of the record. Every task leaves it complete, whatever happens to the task.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An account and its current access token.
struct Session {
    login: Login,
    token: Mutex<Option<(String, Instant)>>,
}

impl Session {
    fn new(email: String, password: String) -> Self {
        Self { login: Login { email, password }, token: Mutex::default() }
    }
}

/// The clients of one run.
pub struct Traffic {
    store: Store,
    products: Vec<String>,
    buyers: Vec<Session>,
    admin: Session,
    /// Whether callers hang up at any moment.
    hangs_up: bool,
    /// Cancelled when no call is repeated any more.
    give_up: CancellationToken,
    pub record: Record,
}

impl Traffic {
    /// Signs up the buyers, and creates the products with their stock.
    pub async fn prepare(store: Store, hangs_up: bool, give_up: CancellationToken) -> Self {
        let person = store.admin().await;
        let record = Record::default();
        let (mut products, mut buyers) = (Vec::new(), Vec::new());
        for _ in 0..PRODUCTS {
            let product_id = store.product(&person, 250, STOCK).await.product_id;
            lock(&record.put_in).insert(product_id.clone(), STOCK.into());
            products.push(product_id);
        }
        for n in 0..BUYERS {
            let email = format!("buyer{n}@example.com");
            sign_up(store.channel.clone(), &email).await.expect("no fault has begun");
            buyers.push(Session::new(email, PASSWORD.into()));
        }
        let admin = store.admin_login.clone();
        let admin = Session { login: admin, token: Mutex::default() };
        Self { store, products, buyers, admin, hangs_up, give_up, record }
    }

    /// Buys one product, and cancels some of the orders.
    pub async fn buy(&self, seed: u64) {
        let mut rng = StdRng::seed_from_u64(seed);
        let buyer = &self.buyers[rng.random_range(0..BUYERS)];
        // One product is hot.
        let product = if rng.random_bool(0.3) { 0 } else { rng.random_range(0..PRODUCTS) };
        let request = place_order(&[(&self.products[product], rng.random_range(1..=3))]);
        let place = async || {
            let request = self.request(buyer, request.clone()).await?;
            self.store.orders().place_order(request).await
        };
        if rng.random_bool(0.1) {
            // A second tab sends the same request, and nobody waits for its response.
            let _ = timeout(Duration::from_millis(rng.random_range(1..100)), place()).await;
        }
        let Some(response) = self.until_known(&mut rng, place).await else { return };
        let order_id = response.order.expect("a response has it").order_id;
        let request_id = request.request_id.clone();
        let acknowledged = Acknowledged { order_id: order_id.clone(), request_id };
        lock(&self.record.orders).push(acknowledged);
        if rng.random_bool(0.15) {
            let request = CancelOrderRequest { order_id: order_id.clone() };
            let cancel = async || {
                let request = self.request(buyer, request.clone()).await?;
                self.store.orders().cancel_order(request).await
            };
            if self.until_known(&mut rng, cancel).await.is_some() {
                lock(&self.record.cancelled).push(order_id);
            }
        }
    }

    /// Looks at the shop, and at the own orders.
    pub async fn browse(&self, seed: u64) {
        let mut rng = StdRng::seed_from_u64(seed);
        let buyer = &self.buyers[rng.random_range(0..BUYERS)];
        let key = self.products[rng.random_range(0..PRODUCTS)].clone();
        let _ = self
            .attempt(&mut rng, async {
                let list = ListProductsRequest { query: "cup".into(), ..Default::default() };
                self.store.products().list_products(list).await?;
                let get = GetProductRequest { key: Some(Key::ProductId(key)) };
                self.store.products().get_product(get).await?;
                let orders = self.request(buyer, ListOrdersRequest::default()).await?;
                self.store.orders().list_orders(orders).await
            })
            .await;
    }

    /// Puts units into a product, and ships the newest orders.
    pub async fn administer(&self, seed: u64) {
        let mut rng = StdRng::seed_from_u64(seed);
        let product_id = &self.products[rng.random_range(0..PRODUCTS)];
        let request = UpdateInventoryRequest {
            product_id: product_id.clone(),
            change: Some(Change::AdjustBy(DELIVERY)),
            reason: InventoryReason::Received.into(),
            request_id: Uuid::new_v4().to_string(),
            ..Default::default()
        };
        let update = async || {
            let request = self.request(&self.admin, request.clone()).await?;
            self.store.inventory().update_inventory(request).await
        };
        if self.until_known(&mut rng, update).await.is_some() {
            *lock(&self.record.put_in).entry(product_id.clone()).or_default() +=
                i64::from(DELIVERY);
        }
        let _ = self.attempt(&mut rng, self.ship_newest()).await;
    }

    async fn ship_newest(&self) -> Result<Response<()>, Status> {
        let list = ListAllOrdersRequest { page_size: 3, ..Default::default() };
        let list = self.request(&self.admin, list).await?;
        let page = self.store.all_orders().list_all_orders(list).await?.into_inner();
        for order in page.orders {
            let ship = ShipOrderRequest { order_id: order.order_id };
            let ship = self.request(&self.admin, ship).await?;
            match self.store.all_orders().ship_order(ship).await {
                // Its buyer may have cancelled it.
                Err(status) if status.code() != Code::FailedPrecondition => return Err(status),
                _ => {}
            }
        }
        Ok(Response::new(()))
    }

    /// Repeats a call until its outcome is known. Returns nothing where the store rejected it, or
    /// the run has ended.
    async fn until_known<T, F>(&self, rng: &mut StdRng, call: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        loop {
            match self.attempt(rng, call()).await {
                Ok(response) => return Some(response),
                Err(Outcome::Rejected) => return None,
                Err(Outcome::Unknown) => {}
            }
            tokio::select! {
                () = sleep(RETRY_DELAY) => {}
                () = self.give_up.cancelled() => {
                    *lock(&self.record.unresolved) += 1;
                    return None;
                }
            }
        }
    }

    /// Calls once, and records a failure.
    async fn attempt<T>(
        &self,
        rng: &mut StdRng,
        call: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T, Outcome> {
        let hangs_up = self.hangs_up && rng.random_bool(0.1);
        let patience = if hangs_up {
            Duration::from_millis(rng.random_range(1..200))
        } else {
            CALL_DURATION_MAX
        };
        let Ok(result) = timeout(patience, call).await else { return Err(Outcome::Unknown) };
        result.map(Response::into_inner).map_err(|status| self.classify(&status))
    }

    fn classify(&self, status: &Status) -> Outcome {
        let (code, reason) = code_and_reason(status);
        let details = if status.details().is_empty() { status.message() } else { &reason };
        let name = format!("{code:?}: {details}");
        *lock(&self.record.failures).entry(name.clone()).or_default() += 1;
        match code {
            Code::FailedPrecondition | Code::Aborted | Code::NotFound => Outcome::Rejected,
            Code::Unavailable
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::Cancelled
            | Code::Unauthenticated => Outcome::Unknown,
            // The client's own report of a broken connection.
            Code::Unknown if status.source().is_some() => Outcome::Unknown,
            _ => {
                lock(&self.record.unexpected).push(name);
                Outcome::Unknown
            }
        }
    }

    /// Returns a request with a young token of the account.
    async fn request<T>(&self, session: &Session, message: T) -> Result<Request<T>, Status> {
        let young = |(_, since): &(String, Instant)| since.elapsed() < TOKEN_AGE_MAX;
        let known = lock(&session.token).clone().filter(young);
        if let Some((token, _)) = known {
            return Ok(with_token(&token, message));
        }
        let Login { email, password } = &session.login;
        let person = self.store.log_in(email, password).await?;
        *lock(&session.token) = Some((person.token.clone(), Instant::now()));
        Ok(with_token(&person.token, message))
    }
}

/// What a client knows after a failed call.
enum Outcome {
    Rejected,
    Unknown,
}
