//! SQL of search: matches of a query, and the upkeep of what searches use.

use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, QueryDsl, QueryResult, QueryableByName,
    sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use mesh_data::{
    database::Connection,
    sql::{Rows, sql},
};

use crate::{
    product::{
        ProductCursor, ProductFilter, ProductId,
        query::{MatchKind, SearchQuery},
        words::{SearchKeys, is_in_vocabulary},
    },
    schema::products,
};

/// Most products of one kind of match, so that common words cost no more than rare ones. Any of
/// them: to choose the same ones each time, a search would have to read and sort all matches.
const MATCHES_MAX: i64 = 1_000;
/// Most words that share a deletion with those of a query.
const SIMILAR_WORDS_MAX: i64 = 1_000;

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

/// Bounds the statements of this transaction, and makes the planner prefer indexes: it
/// underestimates what a match of words costs that no index finds.
pub(crate) async fn prefer_indexes(
    connection: &mut Connection,
    duration: Duration,
) -> QueryResult<()> {
    let milliseconds = duration.as_millis().max(1);
    let settings = format!(
        "SET LOCAL statement_timeout = {milliseconds}; SET LOCAL enable_seqscan = off; \
         SET LOCAL jit = off; SET LOCAL plan_cache_mode = force_custom_plan"
    );
    connection.batch_execute(&settings).await
}

/// Returns words of the catalogue that are similar to one of `typed`: a superset of the fuzzy
/// matches.
pub(crate) async fn find_similar_words(
    connection: &mut Connection,
    typed: &[String],
) -> QueryResult<Vec<String>> {
    if typed.is_empty() {
        return Ok(Vec::new());
    }
    let find = sql("SELECT DISTINCT word FROM unnest({typed}) AS typed \
         JOIN search_vocabulary ON search_deletions(word) && search_deletions(typed) \
         ORDER BY word LIMIT {limit}")
    .bind::<Array<Text>, _>("typed", typed)
    .bind::<BigInt, _>("limit", SIMILAR_WORDS_MAX);
    let words: Vec<Word> = find.get_results(connection).await?;
    Ok(words.into_iter().map(|row| row.word).collect())
}

/// Returns the cursors of up to `limit` products for sale that match in this kind and in no earlier
/// one, after `cursor`, shorter names first.
pub(crate) async fn list_matches(
    connection: &mut Connection,
    search: &SearchQuery,
    kind: MatchKind,
    filter: &ProductFilter,
    cursor: Option<&ProductCursor>,
    limit: i64,
) -> QueryResult<Vec<ProductCursor>> {
    #[derive(QueryableByName)]
    struct Match {
        #[diesel(sql_type = Text)]
        name_key: String,
        #[diesel(sql_type = BigInt)]
        price_minor: i64,
        #[diesel(sql_type = Timestamptz)]
        created_at: DateTime<Utc>,
        #[diesel(sql_type = SqlUuid)]
        id: ProductId,
    }
    let mut conditions = vec!["NOT archived".to_owned(), condition(kind).to_owned()];
    let earlier = MatchKind::ALL.into_iter().take_while(|earlier| *earlier != kind);
    conditions.extend(earlier.map(|earlier| format!("NOT {}", condition(earlier))));
    let filters = [
        (filter.category.is_some(), "category = {category}"),
        (filter.price_min_minor.is_some(), "price_minor >= {price_min}"),
        (filter.price_max_minor.is_some(), "price_minor <= {price_max}"),
        (
            filter.in_stock_only,
            "EXISTS (SELECT FROM inventory WHERE product_id = products.id AND on_hand > held)",
        ),
    ];
    let set = filters.iter().filter(|(is_set, _)| *is_set);
    conditions.extend(set.map(|(_, condition)| (*condition).to_owned()));
    let after = if cursor.is_some() {
        "WHERE (length(name_key), name_key, id) > \
         (length({cursor_key}), {cursor_key}, {cursor_id}) "
    } else {
        ""
    };
    let mut query = sql(format!(
        "SELECT * FROM (SELECT name_key, price_minor, created_at, id FROM products WHERE {} \
         LIMIT {{matches_max}}) AS matches {after}\
         ORDER BY length(name_key), name_key, id LIMIT {{limit}}",
        conditions.join(" AND ")
    ))
    .bind::<Text, _>("sku", search.sku())
    .bind::<Text, _>("key", search.key())
    .bind::<Text, _>("whole", search.whole())
    .bind::<Text, _>("prefixes", search.prefixes())
    .bind::<Text, _>("similar", search.similar())
    .bind::<BigInt, _>("matches_max", MATCHES_MAX)
    .bind::<BigInt, _>("limit", limit);
    if let Some(category) = &filter.category {
        query = query.bind::<Text, _>("category", category);
    }
    if let Some(price_min) = filter.price_min_minor {
        query = query.bind::<BigInt, _>("price_min", price_min);
    }
    if let Some(price_max) = filter.price_max_minor {
        query = query.bind::<BigInt, _>("price_max", price_max);
    }
    if let Some(cursor) = cursor {
        query = query.bind::<Text, _>("cursor_key", &*cursor.name_key);
        query = query.bind::<SqlUuid, _>("cursor_id", cursor.id);
    }
    let rows: Vec<Match> = query.get_results(connection).await?;
    let cursors = rows.into_iter().map(|Match { name_key, price_minor, created_at, id }| {
        ProductCursor { match_kind: kind as u8, name_key, price_minor, created_at, id }
    });
    Ok(cursors.collect())
}

/// Returns the condition that a product matches in this kind or an earlier one.
fn condition(kind: MatchKind) -> &'static str {
    match kind {
        MatchKind::Key => r#"(lower(sku COLLATE "C") = {sku} OR name_key = {key})"#,
        MatchKind::NameWords => "name_words @@ {whole}::tsquery",
        MatchKind::NamePrefixes => "name_words @@ {prefixes}::tsquery",
        MatchKind::Words => "words @@ {whole}::tsquery",
        MatchKind::Prefixes => "words @@ {prefixes}::tsquery",
        MatchKind::NameSimilar => "name_words @@ {similar}::tsquery",
        MatchKind::Similar => "words @@ {similar}::tsquery",
    }
}

/// Locks up to `limit` products whose search keys are not of their current version. Returns their
/// texts.
pub(crate) async fn lock_products_to_index(
    connection: &mut Connection,
    limit: i64,
) -> QueryResult<Vec<(ProductId, String, String, String)>> {
    products::table
        .filter(products::indexed_version.ne(products::version))
        .order(products::id)
        .limit(limit)
        .select((products::id, products::sku, products::name, products::description))
        .for_no_key_update()
        .skip_locked()
        .load(connection)
        .await
}

/// Returns whether a product has search keys that are not of its current version.
pub(crate) async fn has_products_to_index(connection: &mut Connection) -> QueryResult<bool> {
    let waiting = products::table.filter(products::indexed_version.ne(products::version));
    diesel::select(diesel::dsl::exists(waiting)).get_result(connection).await
}

/// Adds the columns of search keys. Those of words are texts that a statement converts to
/// `tsvector`.
pub(super) fn with_search_keys<'a, R>(
    rows: Rows<'a, R>,
    keys: impl Fn(&'a R) -> &'a SearchKeys,
) -> Rows<'a, R> {
    let lexemes = |words: &BTreeSet<String>| {
        words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ")
    };
    rows.column::<Text, _>("name_key", |row| &*keys(row).name_key)
        .column::<Text, _>("name_words", |row| lexemes(&keys(row).name_words))
        .column::<Text, _>("words", |row| lexemes(&keys(row).words))
}

/// Updates the search keys of products whose rows the caller has locked.
pub(crate) async fn update_search_keys(
    connection: &mut Connection,
    keys: &[(ProductId, SearchKeys)],
) -> QueryResult<()> {
    let rows = Rows::of(keys).column::<SqlUuid, _>("id", |(id, _)| *id);
    let update = sql("UPDATE products SET name_key = new.name_key, \
         name_words = new.name_words::tsvector, words = new.words::tsvector, \
         indexed_version = version FROM {new} WHERE products.id = new.id")
    .rows("new", with_search_keys(rows, |(_, keys)| keys));
    update.execute(connection).await?;
    insert_vocabulary(connection, keys.iter().map(|(_, keys)| keys)).await
}

/// Adds the words of products to the vocabulary.
pub(crate) async fn insert_vocabulary(
    connection: &mut Connection,
    keys: impl Iterator<Item = &SearchKeys>,
) -> QueryResult<()> {
    let words: BTreeSet<&str> = keys.flat_map(|keys| &keys.words).map(String::as_str).collect();
    let words: Vec<_> = words.into_iter().filter(|word| is_in_vocabulary(word)).collect();
    let insert = sql("INSERT INTO search_vocabulary SELECT unnest({words}) ON CONFLICT DO NOTHING");
    insert.bind::<Array<Text>, _>("words", words).execute(connection).await.map(drop)
}

/// Returns up to `limit` words of the vocabulary after `after`, and whether a product has them.
pub(crate) async fn list_vocabulary(
    connection: &mut Connection,
    after: &str,
    limit: i64,
) -> QueryResult<Vec<(String, bool)>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        word: String,
        #[diesel(sql_type = diesel::sql_types::Bool)]
        is_used: bool,
    }
    let list = sql("SELECT word, EXISTS (SELECT FROM products \
         WHERE words @@ ('''' || word || '''')::tsquery) AS is_used \
         FROM search_vocabulary WHERE word > {after} ORDER BY word LIMIT {limit}")
    .bind::<Text, _>("after", after)
    .bind::<BigInt, _>("limit", limit);
    let rows: Vec<Row> = list.get_results(connection).await?;
    Ok(rows.into_iter().map(|row| (row.word, row.is_used)).collect())
}

/// Deletes those of `words` that no product has. The caller has locked the catalogue.
pub(crate) async fn delete_unused_words(
    connection: &mut Connection,
    words: &[String],
) -> QueryResult<()> {
    let delete = sql("DELETE FROM search_vocabulary WHERE word = ANY({words}) \
         AND NOT EXISTS (SELECT FROM products \
                         WHERE products.words @@ ('''' || word || '''')::tsquery)");
    delete.bind::<Array<Text>, _>("words", words).execute(connection).await.map(drop)
}
