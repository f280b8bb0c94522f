//! ListUsers, SetUserRole, DisableUser and EnableUser.

use diesel_async::SimpleAsyncConnection;
use proto::user::v1::{
    DisableUserRequest, EnableUserRequest, ListUsersRequest, ListUsersResponse, LoginResponse,
    Role, SetUserRoleRequest, SignUpRequest, User,
};
use tests::{eventually, issuer::with_token, status::bad_fields};
use tonic::Status;
use uuid::Uuid;

use crate::harness::{
    PASSWORD, Service, login_request, rejection, sign_up_request, start, start_with_ctype,
};

async fn list(
    service: &Service,
    token: &str,
    request: ListUsersRequest,
) -> Result<ListUsersResponse, Status> {
    Ok(service.users().list_users(with_token(token, request)).await?.into_inner())
}

async fn set_role(
    service: &Service,
    token: &str,
    user_id: &str,
    role: Role,
) -> Result<User, Status> {
    let request = SetUserRoleRequest { user_id: user_id.into(), role: role.into() };
    let response = service.users().set_user_role(with_token(token, request)).await?;
    Ok(response.into_inner().user.unwrap())
}

async fn disable(service: &Service, token: &str, user_id: &str) -> Result<User, Status> {
    let request = with_token(token, DisableUserRequest { user_id: user_id.into() });
    Ok(service.users().disable_user(request).await?.into_inner().user.unwrap())
}

async fn enable(service: &Service, token: &str, user_id: &str) -> Result<User, Status> {
    let request = with_token(token, EnableUserRequest { user_id: user_id.into() });
    Ok(service.users().enable_user(request).await?.into_inner().user.unwrap())
}

/// Creates an account, and returns its login and its id.
async fn customer(service: &Service, email: &str) -> (LoginResponse, String) {
    service.sign_up(email).await;
    let login = service.log_in(email).await;
    let id = login.user.as_ref().unwrap().user_id.clone();
    (login, id)
}

fn emails(response: &ListUsersResponse) -> Vec<&str> {
    response.users.iter().map(|user| user.email.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_listed_newest_first_in_pages() {
    let service = start().await;
    let admin = service.admin("grace@example.com").await.access_token;
    for n in 1..=4 {
        service.sign_up(&format!("user{n}@example.com")).await;
    }
    let mut request = ListUsersRequest { page_size: 2, ..ListUsersRequest::default() };
    let mut pages = Vec::new();
    loop {
        let page = list(&service, &admin, request.clone()).await.unwrap();
        request.page_token.clone_from(&page.next_page_token);
        pages.push(emails(&page).join(" "));
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(
        pages,
        [
            "user4@example.com user3@example.com",
            "user2@example.com user1@example.com",
            "grace@example.com"
        ]
    );
}

/// Names whose letters a database may not know, and a query for each.
const NAMES: [(&str, &str); 6] = [
    ("ÉMILE ZOLA", "émile"),
    ("Ümit Öz", "umit ö"),
    ("İpek", "ipek"),
    ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
    ("Иван", "ИВАН"),
    ("Anna Straße", "STRASSE"),
];

/// Finds accounts by names in any script, page by page.
async fn find_by_names(service: &Service) {
    let admin = service.admin("grace@example.com").await.access_token;
    for (n, (name, _)) in NAMES.iter().enumerate() {
        let email = format!("ÄÖL{n}@example.com");
        let request = SignUpRequest { display_name: (*name).into(), ..sign_up_request(&email) };
        service.users().sign_up(request).await.unwrap();
    }
    let found = async |query: &str| {
        let request = ListUsersRequest { query: query.into(), ..Default::default() };
        let users = list(service, &admin, request).await.unwrap().users;
        users.into_iter().map(|user| user.display_name).collect::<Vec<_>>()
    };
    for (name, query) in NAMES {
        assert_eq!(found(query).await, [name], "{query}");
    }
    assert!(found("\u{301}").await.is_empty(), "an accent alone");
    let mut request =
        ListUsersRequest { query: "äöl".into(), page_size: 1, ..ListUsersRequest::default() };
    let mut names = Vec::new();
    loop {
        let page = list(service, &admin, request.clone()).await.unwrap();
        names.extend(page.users.into_iter().map(|user| user.display_name));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    let newest_first: Vec<_> = NAMES.iter().rev().map(|(name, _)| *name).collect();
    assert_eq!(names, newest_first, "by the letter of their addresses");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_found_by_any_letter_on_a_database_that_knows_only_ascii() {
    find_by_names(&start_with_ctype("C").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_found_by_any_letter_on_a_database_that_knows_all_letters() {
    find_by_names(&start_with_ctype("C.UTF-8").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_an_older_program_writes_are_found_a_moment_later() {
    let service = start().await;
    let admin = service.admin("grace@example.com").await.access_token;
    service.sign_up("ada@example.com").await;
    service.execute("UPDATE users SET display_name = 'Çelik' WHERE email LIKE 'ada%'").await;
    eventually("the name key", async || {
        let request = ListUsersRequest { query: "celik".into(), ..Default::default() };
        let found = list(&service, &admin, request).await.unwrap();
        (emails(&found) == ["ada@example.com"]).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_filtered_by_a_part_of_address_or_name_and_by_role() {
    let service = start().await;
    let admin = service.admin("grace@example.com").await.access_token;
    for (email, name) in [
        ("Ada.Lovelace@example.com", "Countess"),
        ("a_b@example.com", "100% Bob"),
        ("axb@example.com", "Zoë C\\D"),
    ] {
        let request = SignUpRequest { display_name: name.into(), ..sign_up_request(email) };
        service.users().sign_up(request).await.unwrap();
    }
    let found = async |query: &str, role: Role| {
        let request =
            ListUsersRequest { query: query.into(), role: role.into(), ..Default::default() };
        let response = list(&service, &admin, request).await.unwrap();
        emails(&response).join(" ")
    };
    let any = Role::Unspecified;
    assert_eq!(found("LOVELACE@ex", any).await, "Ada.Lovelace@example.com");
    assert_eq!(found(" countess ", any).await, "Ada.Lovelace@example.com");
    assert_eq!(found("a_b@", any).await, "a_b@example.com");
    assert_eq!(found("%", any).await, "a_b@example.com");
    assert_eq!(found("c\\d", any).await, "axb@example.com");
    assert_eq!(found("Zoë", any).await, "axb@example.com");
    assert_eq!(found("example.com", Role::Admin).await, "grace@example.com");
    assert_eq!(found("grace", Role::Customer).await, "");
    assert_eq!(found("nobody", any).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_token_is_valid_for_its_own_filters_only() {
    let service = start().await;
    let admin = service.admin("grace@example.com").await.access_token;
    service.sign_up("ada@example.com").await;
    let request = ListUsersRequest { page_size: 1, ..ListUsersRequest::default() };
    let page_token = list(&service, &admin, request.clone()).await.unwrap().next_page_token;
    let request = ListUsersRequest { page_token, role: Role::Admin.into(), ..request };
    assert_eq!(bad_fields(&list(&service, &admin, request).await.unwrap_err()), ["page_token"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_role_revokes_the_sessions_with_the_old_role() {
    let service = start().await;
    let admin = service.admin("grace@example.com").await;
    let (before, id) = customer(&service, "ada@example.com").await;
    let user = set_role(&service, &admin.access_token, &id, Role::Admin).await.unwrap();
    assert_eq!((user.role(), user.email.as_str()), (Role::Admin, "ada@example.com"));
    assert_eq!(rejection(service.refresh(&before.refresh_token).await), "REFRESH_TOKEN_INVALID");

    let after = service.log_in("ada@example.com").await;
    let claims = service.claims(&after.access_token).await.unwrap();
    assert_eq!(claims.role, "admin");
    // The same role again changes nothing.
    set_role(&service, &admin.access_token, &id, Role::Admin).await.unwrap();
    assert!(service.refresh(&after.refresh_token).await.is_ok());
    assert!(service.refresh(&admin.refresh_token).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_has_no_session_and_cannot_log_in_until_it_is_enabled() {
    let service = start().await;
    let admin = service.admin("grace@example.com").await.access_token;
    let (before, id) = customer(&service, "ada@example.com").await;
    let disabled = disable(&service, &admin, &id).await.unwrap();
    assert!(disabled.disable_time.is_some());
    assert_eq!(disable(&service, &admin, &id).await.unwrap(), disabled, "the time stays");
    assert_eq!(rejection(service.refresh(&before.refresh_token).await), "REFRESH_TOKEN_INVALID");
    let log_in = service.users().login(login_request("ada@example.com", PASSWORD)).await;
    assert_eq!(rejection(log_in), "ACCOUNT_DISABLED");

    for _twice in 0..2 {
        let enabled = enable(&service, &admin, &id).await.unwrap();
        assert_eq!(enabled, User { disable_time: None, ..disabled.clone() });
    }
    assert_eq!(rejection(service.refresh(&before.refresh_token).await), "REFRESH_TOKEN_INVALID");
    let after = service.log_in("ada@example.com").await;
    assert!(service.refresh(&after.refresh_token).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_login_concurrent_with_a_disable_keeps_its_session() {
    let service = start().await;
    let admin = service.admin("grace@example.com").await.access_token;
    let (_, id) = customer(&service, "ada@example.com").await;
    let waiting = async || {
        let locks = "SELECT count(*) FROM pg_stat_activity \
             WHERE datname = current_database() AND wait_event_type = 'Lock'";
        service.count(locks).await
    };
    // A login waits for this lock when it has read the account, and before it inserts its session.
    let trigger = "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ \
         BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$; \
         CREATE TRIGGER wait BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION wait()";
    service.execute(trigger).await;
    let database = service.database();
    let mut lock = database.connection().await.unwrap();
    lock.batch_execute("SELECT pg_advisory_lock(1)").await.unwrap();
    let (users, request) = (service.users(), login_request("ada@example.com", PASSWORD));
    let login = async { users.clone().login(request).await.unwrap().into_inner() };
    let disabled = async {
        eventually("a login in its transaction", async || (waiting().await == 1).then_some(()))
            .await;
        disable(&service, &admin, &id).await.unwrap();
    };
    let unlocked = async {
        eventually("a disable that waits or has ended", async || {
            let count = "SELECT count(*) FROM users WHERE disabled_at IS NOT NULL";
            (waiting().await == 2 || service.count(count).await == 1).then_some(())
        })
        .await;
        lock.batch_execute("SELECT pg_advisory_unlock(1)").await.unwrap();
    };
    let (login, (), ()) = tokio::join!(login, disabled, unlocked);
    assert_eq!(rejection(service.refresh(&login.refresh_token).await), "REFRESH_TOKEN_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_cannot_disable_or_demote_its_own_account() {
    let service = start().await;
    let login = service.admin("grace@example.com").await;
    let (admin, id) = (login.access_token, login.user.unwrap().user_id);
    for status in [
        disable(&service, &admin, &id).await.unwrap_err(),
        set_role(&service, &admin, &id, Role::Customer).await.unwrap_err(),
    ] {
        assert_eq!(status.code(), tonic::Code::FailedPrecondition);
        assert_eq!(tests::status::reason(&status), "OWN_ACCOUNT");
    }
    let user = set_role(&service, &admin, &id, Role::Admin).await.expect("the role is the same");
    assert_eq!((user.role(), user.disable_time), (Role::Admin, None));
    assert!(service.refresh(&login.refresh_token).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_account_is_not_found() {
    let service = start().await;
    let admin = service.admin("grace@example.com").await.access_token;
    let nobody = Uuid::now_v7().to_string();
    for status in [
        set_role(&service, &admin, &nobody, Role::Admin).await.unwrap_err(),
        disable(&service, &admin, &nobody).await.unwrap_err(),
        enable(&service, &admin, &nobody).await.unwrap_err(),
    ] {
        assert_eq!(status.code(), tonic::Code::NotFound);
        assert_eq!(tests::status::reason(&status), "USER_NOT_FOUND");
    }
}
