//! How a text is sorted and split into words: the same for products and queries, and the same with
//! every database. No I/O.
//!
//! A change of these rules or of folding needs a migration that sets `indexed_version` of all products to 0.

use std::collections::BTreeSet;

use mesh_data::folding::fold;
use strsim::osa_distance;
use unicode_normalization::char::is_combining_mark;

use super::ProductFields;

/// Longest sort key, so that it fits into an index and a page token.
const KEY_CHARACTERS_MAX: usize = 200;
/// Longest word; the rest of a longer one is ignored.
const WORD_CHARACTERS_MAX: usize = 40;
/// Length from which a word also matches at edit distance one.
const FUZZY_LENGTH_MIN: usize = 5;

/// Returns the sort key of a name.
pub(crate) fn name_key(name: &str) -> String {
    fold(name).chars().take(KEY_CHARACTERS_MAX).collect()
}

/// What lists and searches find a product by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SearchKeys {
    pub name_key: String,
    pub name_words: BTreeSet<String>,
    /// The words of name, SKU and description.
    pub words: BTreeSet<String>,
}

impl SearchKeys {
    pub fn new(fields: &ProductFields) -> Self {
        let ProductFields { name, sku, description, .. } = fields;
        let name_words: BTreeSet<_> = indexed_words(name).collect();
        let others = indexed_words(sku).chain(indexed_words(description));
        let words = name_words.iter().cloned().chain(others).collect();
        Self { name_key: name_key(name), name_words, words }
    }
}

fn indexed_words(text: &str) -> impl Iterator<Item = String> {
    split(text).into_iter().flat_map(Piece::lexemes)
}

/// A word of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueryWord {
    pub lexeme: String,
    /// Whether words that begin with it match as well.
    pub is_prefix: bool,
}

/// Returns the words that a product must have to match `query`.
pub(crate) fn query_words(query: &str) -> Vec<QueryWord> {
    split(query).into_iter().flat_map(Piece::query_words).collect()
}

/// A part of a text that matches as a whole.
enum Piece {
    /// A word between spaces or punctuation.
    Word(String),
    /// Characters of a script that has no spaces between words.
    Run(Vec<char>),
}

impl Piece {
    /// Returns what a product is found by. Of a run, these are all characters and all pairs of
    /// neighbours.
    fn lexemes(self) -> Vec<String> {
        match self {
            Self::Word(word) => vec![word],
            Self::Run(run) => {
                let singles = run.iter().map(char::to_string);
                singles.chain(run.windows(2).map(String::from_iter)).collect()
            }
        }
    }

    fn query_words(self) -> Vec<QueryWord> {
        match self {
            Self::Word(lexeme) => {
                // A single letter would match a large part of all words.
                let is_prefix = lexeme.chars().nth(1).is_some();
                vec![QueryWord { lexeme, is_prefix }]
            }
            Self::Run(run) => {
                let pairs = run.windows(run.len().min(2)).map(String::from_iter);
                pairs.map(|lexeme| QueryWord { lexeme, is_prefix: false }).collect()
            }
        }
    }
}

/// Splits a text at every character that is neither letter, digit nor mark, and where a script
/// without spaces begins or ends.
fn split(text: &str) -> Vec<Piece> {
    let folded = fold(text);
    let parts = folded.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c));
    let parts = parts.filter(|part| part.contains(char::is_alphanumeric));
    let mut pieces = Vec::new();
    for part in parts {
        let characters: Vec<char> = part.chars().collect();
        for run in characters.chunk_by(|a, b| is_unspaced(*a) == is_unspaced(*b)) {
            pieces.push(if is_unspaced(run[0]) {
                Piece::Run(run.to_vec())
            } else {
                Piece::Word(run.iter().take(WORD_CHARACTERS_MAX).collect())
            });
        }
    }
    pieces
}

/// Returns whether `c` is of a script that has no spaces between words.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}'           // Thai, Lao
        | '\u{1000}'..='\u{109f}'       // Myanmar
        | '\u{1780}'..='\u{17ff}'       // Khmer
        | '\u{3005}'..='\u{3007}'       // Marks of repetition
        | '\u{3040}'..='\u{30ff}'       // Hiragana, Katakana
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{323af}') // Han
}

/// Returns whether typos in `word` are tolerated: not in numbers, and not in pairs of characters.
pub(crate) fn is_in_vocabulary(word: &str) -> bool {
    let is_letter = |c: char| !c.is_numeric() && !is_unspaced(c);
    word.chars().all(is_letter) && word.chars().count() >= FUZZY_LENGTH_MIN - 1
}

/// Returns whether `typed` matches `word` of the catalogue at edit distance one. Two swapped
/// letters count as one edit.
pub(crate) fn is_fuzzy_match(typed: &str, word: &str) -> bool {
    let longest = typed.chars().count().max(word.chars().count());
    longest >= FUZZY_LENGTH_MIN && osa_distance(typed, word) <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_width_and_form_make_no_difference() {
        for (text, folded) in [
            ("Crème Brûlée", "creme brulee"),
            ("cafe\u{301}tie\u{300}re", "cafetiere"),
            ("Straße STRASSE ẞ", "strasse strasse ss"),
            ("ΟΔΟΣ οδός", "οδοσ οδοσ"),
            ("İstanbul ISTANBUL ışık", "istanbul istanbul isik"),
            ("ＵＳＢ ｶﾞ", "usb ガ"),
            ("Nón Lá Việt", "non la viet"),
            ("Øl Łódź Æble", "ol lodz aeble"),
            ("मिट्टी", "मिट्टी"),
            ("ﬁne ½", "fine 1⁄2"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn a_text_is_split_at_punctuation_and_a_run_without_spaces_into_pairs() {
        let words = |text| SearchKeys::new(&named(text)).name_words.into_iter().collect::<Vec<_>>();
        assert_eq!(words("Tea-pot, 4.5 l (X-12)"), ["12", "4", "5", "l", "pot", "tea", "x"]);
        assert_eq!(words("USB緑茶"), ["usb", "緑", "緑茶", "茶"]);
        assert_eq!(words("मिट्टी का"), ["का", "मिट्टी"]);
        let query = |text| query_words(text).into_iter().map(|w| (w.lexeme, w.is_prefix));
        let query = |text| query(text).collect::<Vec<_>>();
        let word = |lexeme: &str, is_prefix| (lexeme.to_owned(), is_prefix);
        assert_eq!(query("a KET!"), [word("a", false), word("ket", true)]);
        assert_eq!(query("緑茶碗"), [word("緑茶", false), word("茶碗", false)]);
        assert_eq!(query("茶"), [word("茶", false)]);
        assert!(query("' & | ! \u{301}").is_empty());
    }

    fn named(name: &str) -> ProductFields {
        ProductFields { name: name.into(), ..ProductFields::default() }
    }

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
}
