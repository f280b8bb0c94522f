//! The audit trail of the whole store.

use proto::{
    notify::v1::{
        ListNotificationsRequest, NotificationState, ResendNotificationRequest,
        notification_service_client::NotificationServiceClient,
    },
    order::v1::ShipOrderRequest,
    user::v1::{
        AuditActorKind, AuditEntry, DisableUserRequest, ListAuditEntriesRequest,
        audit_service_client::AuditServiceClient,
    },
};
use tests::{
    eventually,
    store::{Person, Protocol, Store},
};

/// Waits until `method` has left an entry for a subject, and returns the only one.
async fn entry(store: &Store, admin: &Person, method: &str, subject_id: &str) -> AuditEntry {
    let request = ListAuditEntriesRequest {
        method: format!("shopmesh.{method}"),
        subject_id: subject_id.to_owned(),
        ..ListAuditEntriesRequest::default()
    };
    let mut entries = eventually(method, async || {
        let listed = AuditServiceClient::new(store.channel.clone())
            .list_audit_entries(admin.request(request.clone()))
            .await;
        let entries = listed.expect("the request is valid").into_inner().entries;
        (!entries.is_empty()).then_some(entries)
    })
    .await;
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries.remove(0)
}

/// Returns `field: old → new` of each change.
fn changes(entry: &AuditEntry) -> Vec<String> {
    let changes = entry.changes.iter();
    changes
        .map(|change| format!("{}: {} → {}", change.field, change.old_value(), change.new_value()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_changes_of_admins_in_all_services_appear_in_the_audit_trail() {
    let store = Store::shared(Protocol::GrpcWeb);
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, 5).await;
    let pat = store.customer().await;
    let order_id = store.place(&pat, &[(&cup.product_id, 1)]).await.order_id;
    store.wait_for_sent_mail(&pat, &order_id).await;

    let ship = ShipOrderRequest { order_id: order_id.clone() };
    store.all_orders().ship_order(admin.request(ship)).await.expect("the order is confirmed");
    let disable = DisableUserRequest { user_id: pat.user.user_id.clone() };
    store.users().disable_user(admin.request(disable)).await.expect("Pat exists");
    let mut mails = NotificationServiceClient::new(store.channel.clone());
    let list = ListNotificationsRequest {
        order_id: order_id.clone(),
        states: vec![NotificationState::Sent.into()],
        ..ListNotificationsRequest::default()
    };
    let listed = mails.list_notifications(admin.request(list)).await.expect("the filter is valid");
    let notification_id = listed.into_inner().notifications[0].notification_id.clone();
    let resend = ResendNotificationRequest { notification_id: notification_id.clone() };
    mails.resend_notification(admin.request(resend)).await.expect("the mail was sent");

    for (method, subject_kind, subject_id, expected) in [
        ("user.v1.UserService/DisableUser", "user", &pat.user.user_id, "disabled: false → true"),
        (
            "product.v1.InventoryService/UpdateInventory",
            "inventory",
            &cup.product_id,
            "on_hand: 0 → 5",
        ),
        ("order.v1.OrderAdminService/ShipOrder", "order", &order_id, "state: CONFIRMED → SHIPPED"),
        (
            "notify.v1.NotificationService/ResendNotification",
            "notification",
            &notification_id,
            "state: SENT → PENDING",
        ),
    ] {
        let entry = entry(&store, &admin, method, subject_id).await;
        assert_eq!(changes(&entry), [expected], "{method}");
        assert_eq!(entry.subject_kind, subject_kind);
        assert_eq!(entry.actor_id, admin.user.user_id);
        assert_eq!(entry.actor_kind(), AuditActorKind::Account);
        assert!(entry.trace_id.contains(|c| c != '0'), "{entry:?}");
    }
}
