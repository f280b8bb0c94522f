//! Typo-tolerant search: finds words of the catalogue also where one letter is missing, doubled,
//! swapped or wrong.

use mesh_data::database::Connection;
use strsim::osa_distance;

use crate::{db::products as db, error::Error};

/// Most words of a query; further ones are ignored.
const WORDS_MAX: usize = 10;
/// Length from which a word also matches at edit distance one.
const FUZZY_LENGTH_MIN: usize = 5;

/// Returns the full-text query for the products that have the words of `query`, or `None` if
/// `query` has no word.
pub(crate) async fn find_tsquery(
    connection: &mut Connection,
    query: &str,
) -> Result<Option<String>, Error> {
    let words = words(query);
    if words.is_empty() {
        return Ok(None);
    }
    let similar = db::find_similar_words(connection, &words).await?;
    Ok(Some(tsquery(&words, &similar)))
}

/// Returns the words of a query in lower case.
fn words(query: &str) -> Vec<String> {
    query
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .take(WORDS_MAX)
        .collect()
}

/// Returns whether `typed` matches `word` of the catalogue at edit distance one. Two swapped
/// letters count as one edit.
fn is_fuzzy_match(typed: &str, word: &str) -> bool {
    let longest = typed.chars().count().max(word.chars().count());
    longest >= FUZZY_LENGTH_MIN && osa_distance(typed, word) <= 1
}

/// Returns PostgreSQL's query for products that have all `words`: each as a prefix, or as one of
/// the `similar` words that it matches.
fn tsquery(words: &[String], similar: &[String]) -> String {
    let alternatives = words.iter().map(|typed| {
        let matches = similar.iter().filter(|word| is_fuzzy_match(typed, word));
        let matches: String = matches.map(|word| format!(" | {}", lexeme(word))).collect();
        format!("({}:*{matches})", lexeme(typed))
    });
    alternatives.collect::<Vec<_>>().join(" & ")
}

/// Quotes a word, so that nothing in it is an operator.
fn lexeme(word: &str) -> String {
    format!("'{}'", word.replace(['\\', '\''], ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_five_or_more_letters_match_at_edit_distance_one() {
        for (typed, word, matches) in [
            ("ketle", "kettle", true),
            ("kettlle", "kettle", true),
            ("ketlte", "kettle", true),
            ("kextle", "kettle", true),
            ("kxxtle", "kettle", false),
            ("lmp", "lamp", false),
            ("chir", "chair", true),
        ] {
            assert_eq!(is_fuzzy_match(typed, word), matches, "{typed} for {word}");
        }
    }

    #[test]
    fn nothing_typed_is_an_operator() {
        let words = words("Tea-pot & 'kettle' | !x:*");
        assert_eq!(words, ["tea", "pot", "kettle", "x"]);
        assert_eq!(
            tsquery(&words[1..3], &["kettles".into()]),
            "('pot':*) & ('kettle':* | 'kettles')"
        );
    }
}
