//! Search queries: which words a product must have, exactly or nearly, and which kinds of match come
//! first. No I/O.

use super::words::{QueryWord, is_fuzzy_match, is_in_vocabulary, name_key, query_words};

/// Most words of a query; further ones are ignored.
const WORDS_MAX: usize = 20;

/// The search query of a request, with the words of the catalogue that it resembles.
pub(crate) struct SearchQuery {
    words: Vec<QueryWord>,
    /// For each word the similar ones.
    similar: Vec<Vec<String>>,
    /// The query folded like a name.
    key: String,
    /// The query as an SKU, in lower case.
    sku: String,
}

/// A kind of match. The kinds of a search are listed one after the other; a product counts for the
/// first kind that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MatchKind {
    /// The query is the SKU or the whole name.
    Key,
    /// The name has all words.
    NameWords,
    /// The name has words that are or begin with those of the query.
    NamePrefixes,
    /// As [`Self::NameWords`], in SKU and description as well.
    Words,
    /// As [`Self::NamePrefixes`], in SKU and description as well.
    Prefixes,
    /// As [`Self::NamePrefixes`], or similar words.
    NameSimilar,
    /// As [`Self::Prefixes`], or similar words.
    Similar,
}

impl MatchKind {
    pub const ALL: [Self; 7] = [
        Self::Key,
        Self::NameWords,
        Self::NamePrefixes,
        Self::Words,
        Self::Prefixes,
        Self::NameSimilar,
        Self::Similar,
    ];
}

impl SearchQuery {
    /// Reads a query, or returns `None` if it has no word.
    pub fn new(query: &str) -> Option<Self> {
        let mut words = query_words(query);
        words.truncate(WORDS_MAX);
        let similar = vec![Vec::new(); words.len()];
        let sku = query.to_ascii_lowercase();
        (!words.is_empty()).then(|| Self { words, similar, key: name_key(query), sku })
    }

    /// Returns the words in which a wrong letter is tolerated.
    pub fn fuzzy_words(&self) -> Vec<String> {
        let fuzzy = self.words.iter().filter(|word| is_fuzzy(word));
        fuzzy.map(|word| word.lexeme.clone()).collect()
    }

    /// Adds words of the catalogue where they resemble those of the query.
    pub fn add_similar(&mut self, found: &[String]) {
        for (word, similar) in self.words.iter().zip(&mut self.similar) {
            let is_match = |other: &&String| {
                is_fuzzy(word) && **other != word.lexeme && is_fuzzy_match(&word.lexeme, other)
            };
            *similar = found.iter().filter(is_match).cloned().collect();
        }
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    pub fn sku(&self) -> &str {
        &self.sku
    }

    /// Returns PostgreSQL's query for the words as they are.
    pub fn whole(&self) -> String {
        self.tsquery(|word, _| lexeme(&word.lexeme))
    }

    /// Returns PostgreSQL's query for the words and those that begin with them.
    pub fn prefixes(&self) -> String {
        self.tsquery(|word, _| prefix(word))
    }

    /// Returns PostgreSQL's query for all products that match.
    pub fn similar(&self) -> String {
        self.tsquery(|word, similar| {
            let similar: String = similar.iter().map(|w| format!(" | {}", lexeme(w))).collect();
            format!("({}{similar})", prefix(word))
        })
    }

    fn tsquery(&self, alternatives: impl Fn(&QueryWord, &[String]) -> String) -> String {
        let words = self.words.iter().zip(&self.similar);
        let words: Vec<_> = words.map(|(word, similar)| alternatives(word, similar)).collect();
        words.join(" & ")
    }

    /// Returns the kinds of match that can exist, from the one of number `first` on.
    pub fn kinds(&self, first: usize) -> impl Iterator<Item = MatchKind> + use<> {
        let has_similar = self.similar.iter().any(|similar| !similar.is_empty());
        let is_possible = move |kind: &MatchKind| {
            has_similar || !matches!(kind, MatchKind::NameSimilar | MatchKind::Similar)
        };
        MatchKind::ALL.into_iter().skip(first).filter(is_possible)
    }
}

/// Returns whether a wrong letter is tolerated in a word.
fn is_fuzzy(word: &QueryWord) -> bool {
    word.is_prefix && is_in_vocabulary(&word.lexeme)
}

/// Quotes a word. It has letters, digits and marks alone.
fn lexeme(word: &str) -> String {
    format!("'{word}'")
}

fn prefix(word: &QueryWord) -> String {
    let mark = if word.is_prefix { ":*" } else { "" };
    format!("{}{mark}", lexeme(&word.lexeme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_typed_is_an_operator() {
        let mut query = SearchQuery::new("Tea-pot & 'kettle' | !x:*").expect("it has words");
        query.add_similar(&["kettles".into(), "pots".into(), "kettle".into()]);
        assert_eq!(query.whole(), "'tea' & 'pot' & 'kettle' & 'x'");
        assert_eq!(query.prefixes(), "'tea':* & 'pot':* & 'kettle':* & 'x'");
        let similar = "('tea':*) & ('pot':*) & ('kettle':* | 'kettles') & ('x')";
        assert_eq!(query.similar(), similar);
        assert!(SearchQuery::new("' & | !").is_none());
    }
}
