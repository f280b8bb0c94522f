//! What a person types into a search box, and which words of the catalogue it may
//! mean. Forgives one letter missing, doubled, swapped or wrong. Does no I/O.

use strsim::osa_distance;

/// Most words of a query that count; the rest is ignored.
const WORDS_MAX: usize = 10;
/// A word this long, typed or meant, is forgiven a letter.
const FORGIVEN_LETTERS_MIN: usize = 5;

/// The words of a query, in lower case.
pub fn words(query: &str) -> Vec<String> {
    query
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .take(WORDS_MAX)
        .collect()
}

/// Whether `typed` may stand for the catalogue's `word`, but for one letter.
pub fn may_mean(typed: &str, word: &str) -> bool {
    let longest = typed.chars().count().max(word.chars().count());
    longest >= FORGIVEN_LETTERS_MIN && osa_distance(typed, word) <= 1
}

/// PostgreSQL's query for products that have all `words`: each as it is or begun so,
/// or as one of the words that it may mean.
pub fn tsquery(words: &[String], meant: &[String]) -> String {
    let alternatives = words.iter().map(|typed| {
        let others = meant.iter().filter(|word| may_mean(typed, word));
        let others: String = others.map(|word| format!(" | {}", lexeme(word))).collect();
        format!("({}:*{others})", lexeme(typed))
    });
    alternatives.collect::<Vec<_>>().join(" & ")
}

/// Quoted, so that nothing in it is an operator.
fn lexeme(word: &str) -> String {
    format!("'{}'", word.replace(['\\', '\''], ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_letter_is_forgiven_in_a_word_of_five_or_more() {
        for (typed, word, forgiven) in [
            ("ketle", "kettle", true),
            ("kettlle", "kettle", true),
            ("ketlte", "kettle", true),
            ("kextle", "kettle", true),
            ("kxxtle", "kettle", false),
            ("lmp", "lamp", false),
            ("chir", "chair", true),
        ] {
            assert_eq!(may_mean(typed, word), forgiven, "{typed} for {word}");
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
