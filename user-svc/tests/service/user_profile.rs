//! UpdateCurrentUser.

use proto::user::v1::{RefreshSessionRequest, Role, UpdateCurrentUserRequest, User};
use tests::{issuer::with_token, status::bad_fields};

use crate::harness::{rejection, start};

fn update(user: User, paths: &[&str]) -> UpdateCurrentUserRequest {
    let paths = paths.iter().map(|&path| path.to_owned()).collect();
    let update_mask = Some(prost_types::FieldMask { paths });
    UpdateCurrentUserRequest { user: Some(user), update_mask }
}

fn named(display_name: &str) -> User {
    User { display_name: display_name.into(), ..User::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_fields_that_the_mask_names_are_changed() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    service.sign_up("bob@example.com").await;
    let before = service.log_in("ada@example.com").await;
    let user = before.user.unwrap();
    let wanted = User {
        email: "eve@example.com".into(),
        role: Role::Admin.into(),
        email_verified: true,
        ..named(" Countess of Lovelace ")
    };
    let request = with_token(&before.access_token, update(wanted, &["display_name"]));
    let changed = service.users().update_current_user(request).await.unwrap().into_inner().user;
    assert_eq!(changed, Some(User { display_name: "Countess of Lovelace".into(), ..user }));

    let request = RefreshSessionRequest { refresh_token: before.refresh_token };
    let after = service.users().refresh_session(request).await.unwrap().into_inner();
    assert_eq!(after.user, changed);
    let claims = service.claims(&after.access_token).await.unwrap();
    assert_eq!(claims.name, "Countess of Lovelace");
    let bob = service.log_in("bob@example.com").await.user.unwrap();
    assert_eq!(bob.display_name, "Ada Lovelace");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_name_can_be_changed() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    let token = service.log_in("ada@example.com").await.access_token;
    for (request, bad) in [
        (UpdateCurrentUserRequest::default(), &["update_mask"][..]),
        (update(named("Countess"), &[]), &["update_mask"]),
        (update(named("Countess"), &["email"]), &["update_mask"]),
        (update(named("Countess"), &["display_name", "role"]), &["update_mask"]),
        (update(named("Countess"), &["*"]), &["update_mask"]),
        (update(named(" "), &["display_name"]), &["user.display_name"]),
        (update(named("a\nb"), &["display_name", "id"]), &["update_mask", "user.display_name"]),
    ] {
        let request = with_token(&token, request);
        let status = service.users().update_current_user(request).await.unwrap_err();
        assert_eq!(tests::status::reason(&status), "VALIDATION_FAILED");
        assert_eq!(bad_fields(&status), bad);
    }
    let user = service.log_in("ada@example.com").await.user.unwrap();
    assert_eq!(user.display_name, "Ada Lovelace");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_client_has_no_account_to_change() {
    let service = start().await;
    let token = service.client_token().await;
    let request = with_token(&token, update(named("Robot"), &["display_name"]));
    assert_eq!(rejection(service.users().update_current_user(request).await), "USER_NOT_FOUND");
}
