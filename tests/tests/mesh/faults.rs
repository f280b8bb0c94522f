//! Parts of the mesh that crash, hang or are unavailable: no order is lost or duplicated, no hold
//! remains, and every mail is sent.

use std::{sync::LazyLock, time::Duration};

use devstack::{Options, Part, Service, Stack};
use proto::order::v1::{Order, PlaceOrderRequest, PlaceOrderResponse};
use tempfile::TempDir;
use tests::{
    eventually,
    status::code_and_reason,
    store::{Person, Store, place_order},
};
use tokio::{sync::Semaphore, sync::SemaphorePermit, time::timeout};
use tonic::{Code, Status};

const ORDER_SVC: Part = Part::Service(Service::ORDER);
const PRODUCT_SVC: Part = Part::Service(Service::PRODUCT);
const NOTIFY_SVC: Part = Part::Service(Service::NOTIFY);

/// Limits the stores that run concurrently, since each has a broker and a database server.
static STORES: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(2));

/// A store that a test starts and breaks, with a customer.
struct Rig {
    stack: Stack,
    store: Store,
    pat: Person,
    _folder: TempDir,
    _permit: SemaphorePermit<'static>,
}

impl Rig {
    async fn start() -> Self {
        let permit = STORES.acquire().await.expect("the semaphore is never closed");
        let folder = tempfile::tempdir().expect("a folder");
        let stack = Stack::start(Options::new(folder.path())).await.expect("the store starts");
        let store = Store::of(&stack);
        let pat = store.customer().await;
        Self { stack, store, pat, _folder: folder, _permit: permit }
    }

    async fn place(&self, request: &PlaceOrderRequest) -> Result<PlaceOrderResponse, Status> {
        self.place_as(&self.pat, request).await
    }

    async fn place_as(
        &self,
        person: &Person,
        request: &PlaceOrderRequest,
    ) -> Result<PlaceOrderResponse, Status> {
        let response = self.store.orders().place_order(person.request(request.clone())).await;
        response.map(tonic::Response::into_inner)
    }

    /// Retries with the same request id, as a client does, until the outcome is known.
    async fn place_with_retries(&self, request: &PlaceOrderRequest) -> Order {
        self.place_with_retries_as(&self.pat, request).await
    }

    async fn place_with_retries_as(&self, person: &Person, request: &PlaceOrderRequest) -> Order {
        let response = eventually("the order", || async {
            match self.place_as(person, request).await {
                Ok(response) => Some(response),
                Err(status) => {
                    assert!(is_outcome_unknown(&status), "{status:?}");
                    None
                }
            }
        })
        .await;
        response.order.expect("a response has it")
    }

    async fn restart(&self, part: Part, environment: &[(&str, &str)]) {
        self.stack.stop_part(part).await.expect("the part runs");
        self.stack.start_part(part, environment).await.expect("the part starts");
        self.stack.wait_ready(part).await.expect("the part becomes ready");
    }

    async fn wait_for_stock(&self, product_id: &str, on_hand: i32) {
        // The token of an admin is valid for two minutes, a test may last longer.
        let admin = self.store.admin().await;
        self.store.wait_for_stock(&admin, product_id, on_hand).await;
    }

    async fn wait_for_mail(&self, order: &Order) {
        self.store.mail(&self.pat.user.email, &order.order_id[..8]).await;
        self.store.wait_for_sent_mail(&self.pat, &order.order_id).await;
    }

    /// Returns the Message-ID of each mail about an order.
    async fn message_ids(&self, order: &Order) -> Vec<String> {
        let mails = self.store.mails(&self.pat.user.email).await;
        let mails = mails.iter().filter(|mail| mail.subject.contains(&order.order_id[..8]));
        mails.map(|mail| mail.headers["message-id"].to_string()).collect()
    }
}

/// Returns whether the order may exist although the call failed.
fn is_outcome_unknown(status: &Status) -> bool {
    [Code::Unavailable, Code::DeadlineExceeded].contains(&status.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_failpoint_leaves_one_order_with_its_stock_and_its_mail() {
    let rig = Rig::start().await;
    let cup = rig.store.product(&rig.store.admin().await, 250, 100).await;
    let mut on_hand = 100;
    for (part, failpoint) in [
        (ORDER_SVC, "after-reserve"),
        (ORDER_SVC, "after-order"),
        (ORDER_SVC, "published"),
        (NOTIFY_SVC, "after-mail"),
    ] {
        rig.restart(part, &[("CRASH_AT", failpoint)]).await;
        let pid = rig.stack.pid(part).await;
        let request = place_order(&[(&cup.product_id, 1)]);
        let _unknown_outcome = rig.place(&request).await;
        eventually(&format!("the crash at {failpoint}"), || async {
            (rig.stack.pid(part).await != pid).then_some(())
        })
        .await;
        rig.restart(part, &[("CRASH_AT", "nowhere")]).await;
        let order = rig.place_with_retries(&request).await;
        let replay = rig.place_with_retries(&request).await;
        assert_eq!(order, replay, "{failpoint}");
        on_hand -= 1;
        rig.wait_for_stock(&cup.product_id, on_hand).await;
        rig.wait_for_mail(&order).await;
        let mut message_ids = rig.message_ids(&order).await;
        // Only a crash between the server's 250 and the commit of the delivery result may duplicate
        // a mail.
        assert!(message_ids.len() <= if failpoint == "after-mail" { 2 } else { 1 }, "{failpoint}");
        message_ids.dedup();
        assert_eq!(message_ids.len(), 1, "{failpoint}: one Message-ID");
    }
    rig.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hold_of_an_abandoned_checkout_is_released_and_its_request_id_is_rejected() {
    let rig = Rig::start().await;
    let cup = rig.store.product(&rig.store.admin().await, 250, 5).await;
    rig.restart(ORDER_SVC, &[("CRASH_AT", "after-reserve")]).await;
    let request = place_order(&[(&cup.product_id, 2)]);
    let status = rig.place(&request).await.expect_err("order-svc crashed");
    assert!(is_outcome_unknown(&status), "{status:?}");
    rig.restart(ORDER_SVC, &[("CRASH_AT", "nowhere")]).await;
    assert_eq!(rig.store.stock(&rig.store.admin().await, &cup.product_id).await.held, 2);

    rig.restart(PRODUCT_SVC, &[("HOLD_SECONDS_MAX", "1")]).await;
    rig.wait_for_stock(&cup.product_id, 5).await;
    let abandoned = rig.place(&request).await.expect_err("there is a tombstone");
    let expected = (Code::Aborted, "CHECKOUT_ABANDONED".into());
    assert_eq!(code_and_reason(&abandoned), expected);
    rig.place(&place_order(&[(&cup.product_id, 2)])).await.expect("a new request id is accepted");
    rig.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unavailable_broker_or_mail_server_delays_only_mails() {
    let rig = Rig::start().await;
    let cup = rig.store.product(&rig.store.admin().await, 250, 10).await;
    let mut orders = Vec::new();
    for part in [Part::Kafka, Part::Mailbox] {
        rig.stack.stop_part(part).await.expect("the part runs");
        for _ in 0..2 {
            let placed = rig.place(&place_order(&[(&cup.product_id, 1)])).await;
            let order = placed.expect("a checkout needs neither").order;
            orders.push(order.expect("a response has it"));
        }
        rig.stack.start_part(part, &[]).await.expect("the part starts");
        rig.stack.wait_ready(part).await.expect("the part becomes ready");
    }
    for order in &orders {
        rig.wait_for_mail(order).await;
    }
    rig.wait_for_stock(&cup.product_id, 6).await;
    rig.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_services_neither_loses_nor_duplicates_orders() {
    let rig = Rig::start().await;
    let cup = rig.store.product(&rig.store.admin().await, 250, 1000).await;
    // An address that is not verified gets ten mails an hour, the welcome among them.
    let mut buyers = Vec::new();
    for _ in 0..5 {
        buyers.push(rig.store.customer().await);
    }
    let buying = async {
        for buyer in buyers.iter().cycle().take(40) {
            rig.place_with_retries_as(buyer, &place_order(&[(&cup.product_id, 1)])).await;
        }
    };
    let killing = async {
        for part in [ORDER_SVC, PRODUCT_SVC, NOTIFY_SVC, Part::Postgres, ORDER_SVC] {
            rig.stack.kill(part).await.expect("the part runs");
            rig.stack.wait_ready(part).await.expect("the part becomes ready again");
        }
    };
    tokio::join!(buying, killing);
    rig.wait_for_stock(&cup.product_id, 960).await;
    eventually("a mail about every order", || async {
        let mut subjects = Vec::new();
        for buyer in &buyers {
            let mails = rig.store.mails(&buyer.user.email).await;
            subjects.extend(mails.into_iter().map(|mail| mail.subject));
        }
        subjects.retain(|subject| !subject.contains("Welcome"));
        subjects.sort_unstable();
        subjects.dedup();
        (subjects.len() == 40).then_some(())
    })
    .await;
    rig.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hung_service_delays_no_call_beyond_its_deadline_and_no_other_service() {
    let rig = Rig::start().await;
    let cup = rig.store.product(&rig.store.admin().await, 250, 10).await;
    rig.stack.pause(PRODUCT_SVC).await.expect("the part runs");
    let request = place_order(&[(&cup.product_id, 1)]);
    let mut with_deadline = rig.pat.request(request.clone());
    with_deadline.set_timeout(Duration::from_secs(1));
    let result =
        timeout(Duration::from_secs(10), rig.store.orders().place_order(with_deadline)).await;
    let status = result.expect("the call ends at its deadline").expect_err("product-svc hangs");
    // If the client's own timer fires first, the client returns CANCELLED.
    let is_cancelled = status.code() == Code::Cancelled;
    assert!(is_outcome_unknown(&status) || is_cancelled, "{status:?}");
    rig.store.customer().await;
    rig.stack.resume(PRODUCT_SVC).await.expect("the part runs");
    let order = rig.place_with_retries(&request).await;
    rig.wait_for_mail(&order).await;
    rig.wait_for_stock(&cup.product_id, 9).await;
    rig.stack.stop().await;
}
