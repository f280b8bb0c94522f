//! Parts of the mesh that die, hang or are away, in the middle of what they do: no
//! order is lost or doubled, no stock stays held, every mail comes.

use std::{sync::LazyLock, time::Duration};

use devstack::{Options, Part, Service, Stack};
use proto::order::v1::{MailState, Order, PlaceOrderRequest, PlaceOrderResponse};
use tempfile::TempDir;
use tests::{
    eventually,
    status::reason,
    store::{Person, Store, place_order},
};
use tokio::{sync::Semaphore, sync::SemaphorePermit, time::timeout};
use tonic::{Code, Status};

const ORDER_SVC: Part = Part::Service(Service::ORDER);
const PRODUCT_SVC: Part = Part::Service(Service::PRODUCT);
const NOTIFY_SVC: Part = Part::Service(Service::NOTIFY);

/// Stores of their own that run at once: each has a broker and a database server.
static STORES: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(2));

/// A store that a test starts and breaks, with somebody to buy in it.
struct Rig {
    stack: Stack,
    store: Store,
    admin: Person,
    pat: Person,
    _folder: TempDir,
    _permit: SemaphorePermit<'static>,
}

impl Rig {
    async fn start() -> Self {
        let permit = STORES.acquire().await.expect("it is never closed");
        let folder = tempfile::tempdir().expect("a folder");
        let stack = Stack::start(Options::new(folder.path())).await.expect("it starts");
        let store = Store::of(&stack);
        let admin = store.admin().await;
        let pat = store.customer().await;
        Self { stack, store, admin, pat, _folder: folder, _permit: permit }
    }

    async fn place(&self, request: &PlaceOrderRequest) -> Result<PlaceOrderResponse, Status> {
        let response = self.store.orders().place_order(self.pat.request(request.clone())).await;
        response.map(tonic::Response::into_inner)
    }

    /// Asks again with the same id, as a client does, until the outcome is known.
    async fn place_until_known(&self, request: &PlaceOrderRequest) -> Order {
        let response = eventually("an order", || async {
            match self.place(request).await {
                Ok(response) => Some(response),
                Err(status) => {
                    let open = [Code::Unavailable, Code::DeadlineExceeded];
                    assert!(open.contains(&status.code()), "{status:?}");
                    None
                }
            }
        })
        .await;
        response.order.expect("a response has it")
    }

    async fn restart(&self, part: Part, environment: &[(&str, &str)]) {
        self.stack.stop_part(part).await.expect("it is there");
        self.stack.start_part(part, environment).await.expect("it is there");
        self.stack.wait_ready(part).await.expect("it comes up");
    }

    async fn settled(&self, product_id: &str, on_hand: i32) {
        eventually(&format!("{on_hand} on hand and none held"), || async {
            let stock = self.store.stock(&self.admin, product_id).await;
            ((stock.on_hand, stock.held) == (on_hand, 0)).then_some(())
        })
        .await;
    }

    async fn mailed(&self, order: &Order) {
        self.store.mail(&self.pat.user.email, &order.order_id[..8]).await;
        eventually("the order shows its mail as sent", || async {
            let order = self.store.order(&self.pat, &order.order_id).await;
            (order.mail_state() == MailState::Sent).then_some(())
        })
        .await;
    }

    /// Mails about an order, by their Message-ID.
    async fn message_ids(&self, order: &Order) -> Vec<String> {
        let mails = self.store.mails(&self.pat.user.email).await;
        let about = mails.iter().filter(|mail| mail.subject.contains(&order.order_id[..8]));
        about.map(|mail| mail.headers["message-id"].to_string()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_at_any_step_leaves_one_order_its_stock_and_its_mail() {
    let rig = Rig::start().await;
    let cup = rig.store.product(&rig.admin, 250, 100).await;
    let mut on_hand = 100;
    for (part, step) in [
        (ORDER_SVC, "after-reserve"),
        (ORDER_SVC, "after-order"),
        (ORDER_SVC, "published"),
        (NOTIFY_SVC, "after-mail"),
    ] {
        rig.restart(part, &[("CRASH_AT", step)]).await;
        let doomed = rig.stack.pid(part).await;
        let request = place_order(&[(&cup.product_id, 1)]);
        let _outcome_is_open = rig.place(&request).await;
        eventually(&format!("death {step}"), || async {
            (rig.stack.pid(part).await != doomed).then_some(())
        })
        .await;
        rig.restart(part, &[("CRASH_AT", "nowhere")]).await;
        let order = rig.place_until_known(&request).await;
        let again = rig.place_until_known(&request).await;
        assert_eq!(order, again, "{step}");
        on_hand -= 1;
        rig.settled(&cup.product_id, on_hand).await;
        rig.mailed(&order).await;
        let mut message_ids = rig.message_ids(&order).await;
        // Only SMTP's own window, between the server's 250 and our mark, may double.
        assert!(message_ids.len() <= if step == "after-mail" { 2 } else { 1 }, "{step}");
        message_ids.dedup();
        assert_eq!(message_ids.len(), 1, "{step}: one Message-ID");
    }
    rig.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_whose_buyer_never_comes_back_is_released_and_its_id_given_up() {
    let rig = Rig::start().await;
    let cup = rig.store.product(&rig.admin, 250, 5).await;
    rig.restart(ORDER_SVC, &[("CRASH_AT", "after-reserve")]).await;
    let request = place_order(&[(&cup.product_id, 2)]);
    let open = rig.place(&request).await.expect_err("order-svc died");
    assert!([Code::Unavailable, Code::DeadlineExceeded].contains(&open.code()), "{open:?}");
    rig.restart(ORDER_SVC, &[("CRASH_AT", "nowhere")]).await;
    assert_eq!(rig.store.stock(&rig.admin, &cup.product_id).await.held, 2);

    rig.restart(PRODUCT_SVC, &[("HOLD_SECONDS_MAX", "1")]).await;
    rig.settled(&cup.product_id, 5).await;
    let given_up = rig.place(&request).await.expect_err("there is a tombstone");
    assert_eq!((given_up.code(), &*reason(&given_up)), (Code::Aborted, "CHECKOUT_ABANDONED"));
    rig.place(&place_order(&[(&cup.product_id, 2)])).await.expect("a new id buys");
    rig.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn broker_and_mail_server_away_delay_mails_and_nothing_else() {
    let rig = Rig::start().await;
    let cup = rig.store.product(&rig.admin, 250, 10).await;
    let mut orders = Vec::new();
    for part in [Part::Kafka, Part::Mailbox] {
        rig.stack.stop_part(part).await.expect("it is there");
        for _ in 0..2 {
            let placed = rig.place(&place_order(&[(&cup.product_id, 1)])).await;
            orders.push(placed.expect("a checkout needs neither").order.expect("it has it"));
        }
        rig.stack.start_part(part, &[]).await.expect("it is there");
        rig.stack.wait_ready(part).await.expect("it comes up");
    }
    for order in &orders {
        rig.mailed(order).await;
    }
    rig.settled(&cup.product_id, 6).await;
    rig.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_services_lose_and_double_no_order() {
    let rig = Rig::start().await;
    let cup = rig.store.product(&rig.admin, 250, 1000).await;
    let buying = async {
        for _ in 0..40 {
            rig.place_until_known(&place_order(&[(&cup.product_id, 1)])).await;
        }
    };
    let killing = async {
        for part in [ORDER_SVC, PRODUCT_SVC, NOTIFY_SVC, Part::Postgres, ORDER_SVC] {
            rig.stack.kill(part).await.expect("it is there");
            rig.stack.wait_ready(part).await.expect("it comes back");
        }
    };
    tokio::join!(buying, killing);
    rig.settled(&cup.product_id, 960).await;
    eventually("every order is mailed", || async {
        let mails = rig.store.mails(&rig.pat.user.email).await;
        let mut subjects: Vec<_> = mails.iter().map(|mail| mail.subject.as_str()).collect();
        subjects.retain(|subject| !subject.contains("Welcome"));
        subjects.sort_unstable();
        subjects.dedup();
        (subjects.len() == 40).then_some(())
    })
    .await;
    rig.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hung_service_holds_up_no_caller_beyond_its_deadline_and_no_other_service() {
    let rig = Rig::start().await;
    let cup = rig.store.product(&rig.admin, 250, 10).await;
    rig.stack.pause(PRODUCT_SVC).await.expect("it is there");
    let request = place_order(&[(&cup.product_id, 1)]);
    let mut hurried = rig.pat.request(request.clone());
    hurried.set_timeout(Duration::from_secs(1));
    let answer = timeout(Duration::from_secs(10), rig.store.orders().place_order(hurried)).await;
    let status = answer.expect("the deadline holds").expect_err("product-svc hangs");
    // Where this client's own clock is first, it says CANCELLED.
    let open = [Code::Unavailable, Code::DeadlineExceeded, Code::Cancelled];
    assert!(open.contains(&status.code()), "{status:?}");
    rig.store.customer().await;
    rig.stack.resume(PRODUCT_SVC).await.expect("it is there");
    let order = rig.place_until_known(&request).await;
    rig.mailed(&order).await;
    rig.settled(&cup.product_id, 9).await;
    rig.stack.stop().await;
}
