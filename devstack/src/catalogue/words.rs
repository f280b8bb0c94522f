//! Reading a name for what it says about the thing.

/// What the name says, of all that it may say: the phrase nearest to its end, or the longest there.
///
/// English puts the thing at the end of its name: a coffee table is a table, and a table lamp a
/// lamp. The words before tell a floor lamp from a desk lamp, so the longer phrase knows better.
pub fn said<'a, T: Copy + 'a>(
    slug: &str,
    phrases: impl IntoIterator<Item = &'a (&'a str, T)>,
) -> Option<T> {
    let ends = phrases.into_iter().filter_map(|(phrase, meaning)| {
        let start = format!("-{slug}-").rfind(&format!("-{phrase}-"))?;
        Some((start + phrase.len(), phrase.len(), *meaning))
    });
    ends.max_by_key(|(end, length, _)| (*end, *length)).map(|(_, _, meaning)| meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_phrase_is_said_and_the_longer_one_if_two_end_there() {
        let phrases = [("lamp", 1), ("floor-lamp", 2), ("table", 3)];
        let cases = [
            ("ceramic-table-lamp", Some(1)),
            ("arc-floor-lamp", Some(2)),
            ("lamp", Some(1)),
            ("table-60-cm", Some(3)),
            ("tablecloth", None),
        ];
        for (slug, expected) in cases {
            assert_eq!(said(slug, &phrases), expected, "{slug}");
        }
    }
}
