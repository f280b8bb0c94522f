//! Access rules from descriptors.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod support;

use mesh::{
    Error,
    access::{Access, Method, Methods},
};
use support::{compile, notes};
use tests::issuer::claims;

fn method(name: &str) -> Method {
    notes().get(&format!("/notes.v1.Notes/{name}")).unwrap().clone()
}

fn roles(names: &[&str]) -> Access {
    Access::Roles(names.iter().map(|&name| name.to_owned()).collect())
}

#[test]
fn a_role_includes_all_roles_declared_before_it() {
    assert_eq!(method("Comment").access, roles(&["guest", "editor", "owner"]));
    assert_eq!(method("Edit").access, roles(&["editor", "owner"]));
    assert_eq!(method("Purge").access, roles(&["owner"]));
    assert_eq!(method("Edit").access.role(), Some("editor"));
}

#[test]
fn a_method_without_a_valid_access_option_is_for_nobody() {
    assert_eq!(method("Forgotten").access, Access::Nobody);
    assert_eq!(method("Unspecified").access, Access::Nobody);
    let bare = Methods::read(&compile("without_options.proto")).unwrap();
    assert_eq!(bare.get("/bare.v1.Bare/Say").unwrap().access, Access::Nobody);
    let owner = claims("owner", 60);
    assert!(matches!(method("Forgotten").admit(&owner), Err(Error::CallerNotAllowed)));
}

#[test]
fn an_internal_method_lists_its_callers() {
    let callers = vec!["search-svc".to_owned(), "backup-svc".to_owned()];
    assert_eq!(method("Index").access, Access::Internal { callers });
    for (caller, is_admitted) in [
        (Some("search-svc"), true),
        (Some("backup-svc"), true),
        (Some("web"), false),
        (None, false),
    ] {
        assert_eq!(method("Index").admit_service(caller).is_ok(), is_admitted, "{caller:?}");
        assert!(method("Read").admit_service(caller).is_err(), "only internal methods");
    }
    assert!(method("Index").admit(&claims("owner", 60)).is_err(), "no token is enough");
}

#[test]
fn the_role_of_a_token_must_be_one_of_the_method() {
    for (name, role, is_admitted) in [
        ("Comment", "guest", true),
        ("Comment", "owner", true),
        ("Edit", "guest", false),
        ("Edit", "editor", true),
        ("Purge", "editor", false),
        ("Purge", "owner", true),
        ("Purge", "OWNER", false),
        ("Purge", "public", false),
        ("Purge", "", false),
    ] {
        assert_eq!(method(name).admit(&claims(role, 60)).is_ok(), is_admitted, "{name} {role}");
    }
    let error = method("Edit").admit(&claims("guest", 60)).unwrap_err();
    assert!(matches!(error, Error::RoleRequired { role } if role == "editor"));
}

#[test]
fn idempotency_and_streams_are_read_from_the_method() {
    // Name, no side effects, idempotent, streaming, resumable.
    for (name, no_side_effects, idempotent, streaming, resumable) in [
        ("Read", true, true, false, false),
        ("Write", false, false, false, false),
        ("Comment", false, true, false, false),
        ("Watch", true, true, true, true),
        ("Upload", false, false, true, false),
    ] {
        let method = method(name);
        assert_eq!(
            (method.no_side_effects, method.idempotent, method.streaming, method.resumable),
            (no_side_effects, idempotent, streaming, resumable),
            "{name}"
        );
        assert_eq!((&*method.service, &*method.name), ("notes.v1.Notes", name));
    }
}

#[test]
fn the_limit_of_a_request_is_read_from_the_method() {
    assert_eq!(method("Import").request_bytes_max, Some(4096));
    assert_eq!(method("Write").request_bytes_max, None);
    assert!(method("Upload").client_streaming && !method("Watch").client_streaming);
}

#[test]
fn bytes_that_are_no_descriptor_set_are_an_error() {
    assert!(Methods::read(b"no descriptors").is_err());
}
