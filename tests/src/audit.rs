//! The audit entries of a service, as its tests expect them.

use std::collections::BTreeSet;

use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use mesh::access::Methods;
use mesh_data::database::Database;
use uuid::Uuid;

/// An audit entry, as a test compares it.
#[derive(Debug, Clone, PartialEq, Eq, diesel::QueryableByName)]
pub struct Entry {
    /// Own name of the method, such as `UpdateInventory`.
    #[diesel(sql_type = Text)]
    pub method: String,
    /// Account or API client.
    #[diesel(sql_type = SqlUuid)]
    pub actor_id: Uuid,
    /// Kind and id of the subject, such as `user 0198…`.
    #[diesel(sql_type = Text)]
    pub subject: String,
    /// Such as `on_hand: 5 → 7, note: – → counted`.
    #[diesel(sql_type = Text)]
    pub changes: String,
}

/// Returns the entries of a service, oldest first.
///
/// # Panics
/// If the database does not respond.
pub async fn entries(database: &Database) -> Vec<Entry> {
    let query = "SELECT split_part(method, '/', 2) AS method, actor_id, \
         subject_kind || ' ' || subject_id AS subject, \
         (SELECT string_agg(format('%s: %s → %s', c->>'field', coalesce(c->>'old', '–'), \
             coalesce(c->>'new', '–')), ', ' ORDER BY c->>'field') \
          FROM jsonb_array_elements(changes) AS c) AS changes \
         FROM audit_entries ORDER BY id";
    let mut connection = database.connection().await.expect("the database responds");
    diesel::sql_query(query).load(&mut connection).await.expect("the table has entries")
}

/// Returns the methods of a package whose calls are audited, by the descriptors.
///
/// # Panics
/// Never: the descriptors are valid.
pub fn audited_methods(package: &str) -> BTreeSet<String> {
    let methods = Methods::read(proto::FILE_DESCRIPTOR_SET).expect("the descriptors");
    let audited = methods.iter().filter(|(_, method)| {
        method.is_audited() && method.service.starts_with(&format!("{package}."))
    });
    audited.map(|(_, method)| method.name.clone()).collect()
}

/// The entries of a service while a test makes calls.
pub struct Trail {
    database: Database,
    seen: usize,
    methods: BTreeSet<String>,
}

impl Trail {
    /// Begins after the entries that there are.
    pub async fn begin(database: Database) -> Self {
        let seen = entries(&database).await.len();
        Self { database, seen, methods: BTreeSet::new() }
    }

    async fn next(&mut self) -> Vec<Entry> {
        let mut all = entries(&self.database).await;
        let next = all.split_off(self.seen);
        self.seen += next.len();
        next
    }

    /// Expects that a call has left exactly one entry.
    ///
    /// # Panics
    /// If it has not.
    pub async fn expect(&mut self, method: &str, actor_id: Uuid, subject: &str, changes: &str) {
        let (method, subject) = (method.to_owned(), subject.to_owned());
        self.methods.insert(method.clone());
        let expected = Entry { method, actor_id, subject, changes: changes.to_owned() };
        assert_eq!(self.next().await, [expected]);
    }

    /// Expects that a call has left no entry.
    ///
    /// # Panics
    /// If it has.
    pub async fn expect_none(&mut self) {
        assert_eq!(self.next().await, []);
    }

    /// Expects that each audited method of `package` has left an entry.
    ///
    /// # Panics
    /// If one has not.
    pub fn expect_all_methods(&self, package: &str) {
        assert_eq!(self.methods, audited_methods(package));
    }
}
