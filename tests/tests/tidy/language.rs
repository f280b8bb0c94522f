//! The words of the code: terms of the field, and none of the store in the shared crates.

use std::collections::BTreeSet;

use crate::sources::{files_under, read, services};

const STORE_TERMS: [&str; 14] = [
    "buyer",
    "cart",
    "catalogue",
    "checkout",
    "customer",
    "inventory",
    "mail",
    "price",
    "product",
    "purchase",
    "reservation",
    "shop",
    "sku",
    "stock",
];

/// Words and phrases that have a term in the glossary.
const PRIVATE_WORDS: [&str; 19] = [
    "tell",
    "tells",
    "told",
    "judge",
    "judges",
    "judged",
    "run off",
    "runs off",
    "ran off",
    "cannot be had",
    "what became of",
    "stands under",
    "lets go",
    "dearest",
    "untold",
    "dressed",
    "nobody answers",
    "log-in",
    "log-out",
];

const FOLDERS: [&str; 14] = [
    "proto/shopmesh",
    "proto/src",
    "mesh",
    "mesh-data",
    "gateway",
    "devstack",
    "k8s/base",
    "k8s/common",
    "k8s/overlays",
    "k8s/setup",
    "tests",
    "web/src",
    "web/tests",
    "docs",
];
const DOCUMENTS: [&str; 5] =
    ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"];

/// Returns lines of the shared crates that have a term of the store.
pub(crate) fn store_terms_in_shared_crates() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in ["mesh/src", "mesh-data/src"].iter().flat_map(|folder| files_under(folder, &["rs"]))
    {
        for (number, line) in read(&path).lines().enumerate() {
            for term in STORE_TERMS.iter().filter(|term| has_word(line, term)) {
                found.insert(format!("{path}:{} has the term {term}", number + 1));
            }
        }
    }
    found
}

/// Returns lines that have a word outside the glossary. Migrations that were applied stay as they are.
pub(crate) fn private_words() -> BTreeSet<String> {
    let extensions = ["rs", "ts", "tsx", "proto", "md", "sh", "yaml"];
    let folders = FOLDERS.into_iter().chain(services());
    let files = folders.flat_map(|folder| files_under(folder, &extensions));
    let files = files.chain(DOCUMENTS.map(str::to_owned));
    let mut found = BTreeSet::new();
    for path in files.filter(|path| !path.ends_with("tidy/language.rs") && !path.contains("/gen/"))
    {
        for (number, line) in read(&path).lines().enumerate() {
            for word in PRIVATE_WORDS.iter().filter(|word| has_word(line, word)) {
                found.insert(format!("{path}:{}: {word}", number + 1));
            }
        }
    }
    found
}

/// Returns whether a line has a word, or its plural, whatever its case. Underscores separate words.
fn has_word(line: &str, word: &str) -> bool {
    let line = line.to_lowercase();
    line.match_indices(word).any(|(at, _)| {
        let after = &line[at + word.len()..];
        let after = after.strip_prefix('s').unwrap_or(after);
        let is_letter = |c: char| c.is_alphanumeric();
        !line[..at].ends_with(is_letter) && !after.starts_with(is_letter)
    })
}
