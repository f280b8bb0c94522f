//! The audit trail: the entries of the calls of admins, and those collected of all services.

use mesh_data::kafka::{Producer, Record};
use prost::{Message, Name};
use proto::{
    time::Timestamp,
    topics::Event,
    user::v1::{
        AuditActorKind, AuditChange, AuditEntry, AuditRecorded, CreateApiClientRequest,
        DisableUserRequest, EnableUserRequest, ListAuditEntriesRequest, ListAuditEntriesResponse,
        LoginResponse, RevokeApiClientRequest, Role, SetUserRoleRequest,
        audit_service_client::AuditServiceClient,
    },
};
use tests::{
    audit::{Trail, entries},
    eventually,
    issuer::with_token,
    service::kafka_config,
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::harness::{Service, rejection, start, start_without_broker};

fn id(login: &LoginResponse) -> &str {
    &login.user.as_ref().unwrap().user_id
}

async fn set_role(service: &Service, token: &str, id: &str, role: Role) -> Result<(), Status> {
    let request = SetUserRoleRequest { user_id: id.into(), role: role.into() };
    service.users().set_user_role(with_token(token, request)).await.map(drop)
}

async fn disable(service: &Service, token: &str, id: &str) -> Result<(), Status> {
    let request = with_token(token, DisableUserRequest { user_id: id.into() });
    service.users().disable_user(request).await.map(drop)
}

/// Creates an API client, and returns its id and secret.
async fn create_client(service: &Service, token: &str, request_id: &str) -> (String, String) {
    let request = CreateApiClientRequest {
        name: "warehouse".into(),
        role: Role::Customer.into(),
        request_id: request_id.into(),
    };
    let created = service.users().create_api_client(with_token(token, request)).await.unwrap();
    let created = created.into_inner();
    (created.client_id, created.client_secret)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_by_an_admin_leaves_one_entry_and_a_repetition_none() {
    let service = start_without_broker().await;
    let grace = service.admin("grace@example.com").await;
    service.sign_up("pat@example.com").await;
    let pat = service.log_in("pat@example.com").await;
    let (token, actor) = (&*grace.access_token, id(&grace).parse().unwrap());
    let (pat, subject) = (id(&pat), format!("user {}", id(&pat)));
    let mut trail = Trail::begin(service.database()).await;

    for (role, changes) in
        [(Role::Admin, "role: customer → admin"), (Role::Customer, "role: admin → customer")]
    {
        set_role(&service, token, pat, role).await.unwrap();
        trail.expect("SetUserRole", actor, &subject, changes).await;
        set_role(&service, token, pat, role).await.unwrap();
        trail.expect_none().await;
    }
    disable(&service, token, pat).await.unwrap();
    trail.expect("DisableUser", actor, &subject, "disabled: false → true").await;
    disable(&service, token, pat).await.unwrap();
    trail.expect_none().await;
    let enable = || with_token(token, EnableUserRequest { user_id: pat.into() });
    service.users().enable_user(enable()).await.unwrap();
    trail.expect("EnableUser", actor, &subject, "disabled: true → false").await;
    service.users().enable_user(enable()).await.unwrap();
    trail.expect_none().await;

    let request_id = Uuid::now_v7().to_string();
    let (client, _) = create_client(&service, token, &request_id).await;
    let subject = format!("api_client {client}");
    let changes = "name: – → warehouse, role: – → customer";
    trail.expect("CreateApiClient", actor, &subject, changes).await;
    create_client(&service, token, &request_id).await;
    trail.expect("CreateApiClient", actor, &subject, "secret: – → replaced").await;
    let revoke = with_token(token, RevokeApiClientRequest { client_id: client });
    service.users().revoke_api_client(revoke).await.unwrap();
    let changes = "name: warehouse → –, role: customer → –";
    trail.expect("RevokeApiClient", actor, &subject, changes).await;
    trail.expect_all_methods("shopmesh.user.v1");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_disabled_leaves_an_entry_for_each_of_its_clients() {
    let service = start_without_broker().await;
    let grace = service.admin("grace@example.com").await;
    let ada = service.admin("ada@example.com").await;
    let (client, _) = create_client(&service, &ada.access_token, "").await;
    let before = entries(&service.database()).await.len();
    disable(&service, &grace.access_token, id(&ada)).await.unwrap();
    let left = entries(&service.database()).await.split_off(before);
    let subjects: Vec<_> = left.iter().map(|entry| &*entry.subject).collect();
    assert_eq!(subjects, [format!("api_client {client}"), format!("user {}", id(&ada))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_or_failed_call_leaves_no_entry_and_a_failed_entry_no_change() {
    let service = start_without_broker().await;
    let grace = service.admin("grace@example.com").await;
    service.sign_up("pat@example.com").await;
    let pat = service.log_in("pat@example.com").await;
    let mut trail = Trail::begin(service.database()).await;
    let own = disable(&service, &grace.access_token, id(&grace)).await;
    assert_eq!(rejection(own), "OWN_ACCOUNT");
    let unknown = disable(&service, &grace.access_token, &Uuid::now_v7().to_string()).await;
    assert_eq!(rejection(unknown), "USER_NOT_FOUND");
    trail.expect_none().await;

    service.execute("ALTER TABLE audit_entries ADD CHECK (subject_kind <> 'user')").await;
    let failed = disable(&service, &grace.access_token, id(&pat)).await;
    assert_eq!(failed.unwrap_err().code(), Code::Internal);
    assert_eq!(service.count("SELECT count(*) FROM users WHERE disabled_at IS NOT NULL").await, 0);
    trail.expect_none().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_and_its_event_have_no_secret_and_no_personal_data() {
    let service = start_without_broker().await;
    let grace = service.admin("grace@example.com").await;
    service.sign_up("pat@example.com").await;
    let pat = service.log_in("pat@example.com").await;
    let (client, secret) = create_client(&service, &grace.access_token, "").await;
    disable(&service, &grace.access_token, id(&pat)).await.unwrap();

    let stored = "SELECT string_agg(audit_entries::text, '') || \
         string_agg(encode(payload, 'escape'), '') \
         FROM audit_entries JOIN outbox USING (id)";
    let stored = tests::database::text(&service.database(), stored).await;
    assert!(stored.contains(&client), "{stored}");
    for absent in [&*secret, "example.com", "Lovelace"] {
        assert!(!stored.contains(absent), "{absent} in {stored}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_of_an_entry_is_a_message_of_the_contract() {
    let service = start_without_broker().await;
    let grace = service.admin("grace@example.com").await;
    let (client, _) = create_client(&service, &grace.access_token, "").await;
    let one = "SELECT encode(payload, 'base64') FROM outbox WHERE topic = 'audit-recorded'";
    let payload = tests::database::text(&service.database(), one).await.replace('\n', "");
    let payload = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, payload).unwrap();
    let event = AuditRecorded::decode(&*payload).unwrap();
    let entry = event.entry.unwrap();
    let change = |field: &str, new: &str| AuditChange {
        field: field.into(),
        old_value: None,
        new_value: Some(new.into()),
    };
    let expected = AuditEntry {
        entry_id: event.event_id,
        method: "shopmesh.user.v1.UserService/CreateApiClient".into(),
        actor_id: id(&grace).into(),
        actor_kind: AuditActorKind::Account.into(),
        subject_kind: "api_client".into(),
        subject_id: client,
        changes: vec![change("name", "warehouse"), change("role", "customer")],
        create_time: entry.create_time,
        trace_id: entry.trace_id.clone(),
    };
    assert_eq!(entry, expected);
    assert!(entry.create_time.is_some() && entry.trace_id.len() == 32, "{entry:?}");
}

async fn list(
    service: &Service,
    token: &str,
    request: ListAuditEntriesRequest,
) -> ListAuditEntriesResponse {
    let channel = service.process.channel("gateway", proto::FILE_DESCRIPTOR_SET);
    let mut audit = AuditServiceClient::new(channel);
    audit.list_audit_entries(with_token(token, request)).await.unwrap().into_inner()
}

fn entry(seconds: i64, method: &str, actor_id: Uuid, subject_id: Uuid) -> AuditEntry {
    AuditEntry {
        entry_id: Uuid::now_v7().to_string(),
        method: format!("shopmesh.product.v1.ProductService/{method}"),
        actor_id: actor_id.to_string(),
        actor_kind: AuditActorKind::ApiClient.into(),
        subject_kind: "product".into(),
        subject_id: subject_id.to_string(),
        changes: vec![AuditChange {
            field: "price_minor".into(),
            old_value: Some("250".into()),
            new_value: Some("300".into()),
        }],
        create_time: Some(Timestamp { seconds, nanos: 0 }),
        trace_id: "0af7651916cd43dd8448eb211c80319c".into(),
    }
}

/// Publishes entries as product-svc does, each twice.
async fn publish(entries: &[AuditEntry]) {
    let records = entries.iter().flat_map(|entry| {
        let event = AuditRecorded { event_id: entry.entry_id.clone(), entry: Some(entry.clone()) };
        let record = Record {
            topic: AuditRecorded::TOPIC.into(),
            key: entry.subject_id.clone(),
            message: AuditRecorded::full_name(),
            payload: event.encode_to_vec(),
            traceparent: None,
            headers: Vec::new(),
        };
        [record.clone(), record]
    });
    let producer = Producer::new(&kafka_config("product-svc")).unwrap();
    producer.publish(&records.collect::<Vec<_>>()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_entries_of_all_services_are_collected_once_and_listed_by_each_filter() {
    let service = start().await;
    let grace = service.admin("grace@example.com").await;
    let token = &*grace.access_token;
    let [one, two, cup, pot] = [(); 4].map(|()| Uuid::now_v7());
    // Of one subject, so that they are in order; the last one arrives after all others.
    let all = [
        entry(100, "UpdateProduct", one, cup),
        entry(300, "ArchiveProduct", two, cup),
        entry(200, "UpdateProduct", two, cup),
        entry(200, "UpdateProduct", one, pot),
    ];
    publish(&all).await;
    let of_actor = |actor: Uuid| ListAuditEntriesRequest {
        actor_id: actor.to_string(),
        ..ListAuditEntriesRequest::default()
    };
    eventually("all entries", async || {
        let [one, two] =
            [list(&service, token, of_actor(one)), list(&service, token, of_actor(two))];
        (one.await.entries.len() + two.await.entries.len() == all.len()).then_some(())
    })
    .await;

    let at = |seconds| Some(Timestamp { seconds, nanos: 0 });
    let of_subject = ListAuditEntriesRequest {
        subject_id: cup.to_string(),
        ..ListAuditEntriesRequest::default()
    };
    for (request, selected) in [
        (of_actor(one), vec![3, 0]),
        (of_actor(two), vec![1, 2]),
        (of_subject.clone(), vec![1, 2, 0]),
        (
            ListAuditEntriesRequest { method: all[0].method.clone(), ..of_subject.clone() },
            vec![2, 0],
        ),
        (ListAuditEntriesRequest { start_time: at(200), ..of_subject.clone() }, vec![1, 2]),
        (ListAuditEntriesRequest { end_time: at(200), ..of_subject.clone() }, vec![0]),
    ] {
        let expected: Vec<_> = selected.into_iter().map(|i: usize| all[i].clone()).collect();
        assert_eq!(list(&service, token, request.clone()).await.entries, expected, "{request:?}");
    }

    let mut pages = Vec::new();
    let mut request = ListAuditEntriesRequest { page_size: 2, ..of_subject };
    loop {
        let page = list(&service, token, request.clone()).await;
        pages.push(page.entries);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(pages, [vec![all[1].clone(), all[2].clone()], vec![all[0].clone()]]);
}
