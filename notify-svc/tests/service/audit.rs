//! The audit entries of the calls of admins.

use proto::notify::v1::{NotificationState, ResendNotificationsRequest};
use tests::audit::Trail;

use crate::{
    harness::{Service, order_created, someone},
    mail_server::MailServer,
    resend::resend_many,
};

#[tokio::test(flavor = "multi_thread")]
async fn each_change_by_an_admin_leaves_one_entry_and_a_repetition_none() {
    let server = MailServer::start(|_| crate::mail_server::Response::Usual).await;
    let service = Service::start(&server.url()).await;
    let recipient = someone();
    service.receive(&[order_created(&recipient)]).await;
    let sent = service.until_state(&recipient, NotificationState::Sent).await;
    let subject = format!("notification {}", sent.notification_id);
    let actor = service.admin.sub;
    let mut trail = Trail::begin(service.app.database.clone()).await;

    service.resend(&sent.notification_id).await.unwrap();
    trail.expect("ResendNotification", actor, &subject, "state: SENT → PENDING").await;
    service.until_state(&recipient, NotificationState::Sent).await;

    let states = vec![NotificationState::Sent.into()];
    let request = ResendNotificationsRequest { states, ..ResendNotificationsRequest::default() };
    resend_many(&service, request.clone()).await.unwrap();
    trail.expect("ResendNotifications", actor, &subject, "state: SENT → PENDING").await;
    service.until_state(&recipient, NotificationState::Sent).await;

    let states = vec![NotificationState::Failed.into()];
    resend_many(&service, ResendNotificationsRequest { states, ..request }).await.unwrap();
    trail.expect_none().await;
    trail.expect_all_methods("shopmesh.notify.v1");
}
