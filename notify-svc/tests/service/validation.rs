//! Validation of requests.

use proto::{
    notify::v1::{ListNotificationsRequest, NotificationState, ResendNotificationsRequest},
    time::Timestamp,
};
use tests::status::{bad_fields, reason};
use tonic::Code;

use crate::{
    harness::Service,
    mail_server::{MailServer, Response},
    notification_lookup::list,
    resend::resend_many,
};

#[tokio::test(flavor = "multi_thread")]
async fn all_bad_fields_are_reported_at_once() {
    let server = MailServer::start(|_| Response::Usual).await;
    let service = Service::start(&server.url()).await;
    let bad = ListNotificationsRequest {
        page_size: -1,
        page_token: "forged".into(),
        states: vec![NotificationState::Sent.into(), 0, 77],
        order_id: "7".into(),
        recipient: "x".repeat(321),
    };
    let error = list(&service, bad).await.expect_err("all fields are bad");
    assert_eq!((error.code(), &*reason(&error)), (Code::InvalidArgument, "VALIDATION_FAILED"));
    let mut fields = bad_fields(&error);
    fields.sort();
    let all = ["order_id", "page_size", "page_token", "recipient", "states[1]", "states[2]"];
    assert_eq!(fields, all);
    let many = ListNotificationsRequest { states: vec![1; 11], ..Default::default() };
    let error = list(&service, many).await.expect_err("there are too many states");
    assert_eq!(bad_fields(&error), ["states"]);
    let pending = NotificationState::Pending.into();
    let bad = ResendNotificationsRequest {
        states: vec![pending, NotificationState::Sent.into(), 0, 77],
        start_time: Some(Timestamp { seconds: 7, nanos: 0 }),
        end_time: Some(Timestamp { seconds: 7, nanos: 0 }),
        order_id: "7".into(),
        recipient: "x".repeat(321),
        page_token: "forged".into(),
    };
    let error = resend_many(&service, bad).await.expect_err("all fields are bad");
    let mut fields = bad_fields(&error);
    fields.sort();
    let all =
        ["end_time", "order_id", "page_token", "recipient", "states[0]", "states[2]", "states[3]"];
    assert_eq!(fields, all);
    let error = service.resend("7").await.expect_err("7 is not an id");
    assert_eq!(bad_fields(&error), ["notification_id"]);
}
