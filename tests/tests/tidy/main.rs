//! The structure of the code: the files of a service, the layers and their imports, the dependencies of
//! the crates, and the language. The tests read files and need no store; each names all findings at once.

mod crates;
mod imports;
mod language;
mod layers;
mod sources;

use std::collections::BTreeSet;

fn assert_none(findings: BTreeSet<String>) {
    let lines: Vec<_> = findings.into_iter().collect();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}

#[test]
fn the_services_have_the_same_files() {
    assert_none(layers::missing_files());
}

#[test]
fn no_two_migrations_of_a_service_have_one_version() {
    assert_none(layers::repeated_migration_versions());
}

#[test]
fn imports_point_down_the_layers() {
    assert_none(layers::upward_imports());
}

#[test]
fn only_the_edges_of_a_service_name_message_types() {
    assert_none(layers::misplaced_message_types());
}

#[test]
fn no_crate_has_an_import_cycle() {
    assert_none(imports::cycles());
}

#[test]
fn no_crate_depends_on_what_it_must_not_know() {
    assert_none(crates::forbidden_dependencies());
}

#[test]
fn the_shared_crates_have_no_term_of_the_store() {
    assert_none(language::store_terms_in_shared_crates());
}

#[test]
fn the_text_has_no_word_outside_the_field() {
    assert_none(language::private_words());
}
