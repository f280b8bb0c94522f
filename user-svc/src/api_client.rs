//! API clients: internal systems that act in their own name. Does no I/O.

pub(crate) mod admin;
pub(crate) mod exchange;

use chrono::{DateTime, Utc};
use diesel::{
    pg::Pg,
    prelude::{Insertable, Queryable, Selectable},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{rights::Actor, schema::api_clients, user::Role};

mesh_data::id_type!(
    /// Id of an API client; `sub` of its access tokens.
    ApiClientId
);

#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = api_clients, check_for_backend(Pg))]
pub(crate) struct ApiClient {
    pub id: ApiClientId,
    /// For people; not unique.
    pub name: String,
    pub role: Role,
    pub created_at: DateTime<Utc>,
    /// The account or API client that created it.
    pub created_by: Option<Uuid>,
}

impl ApiClient {
    /// Returns the fields that an entry of the audit compares.
    pub(crate) fn audited_fields(&self) -> Value {
        json!({ "name": self.name, "role": self.role.as_str() })
    }
}

/// A request to create an API client.
#[derive(Debug)]
pub(crate) struct NewApiClient {
    pub name: String,
    pub role: Role,
    /// Who creates it. `None`: the operator, by a command.
    pub actor: Option<Actor>,
    /// Makes repeated requests of one actor create one client.
    pub request_id: Option<Uuid>,
}

impl NewApiClient {
    /// Returns the id of the client, which is derived from actor and `request_id` if there are both.
    pub(crate) fn id(&self) -> ApiClientId {
        ApiClientId(match (self.actor, self.request_id) {
            (Some(actor), Some(request_id)) => Uuid::new_v5(&actor.id(), request_id.as_bytes()),
            _ => Uuid::now_v7(),
        })
    }
}

/// The sort key of a list of API clients.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct ApiClientCursor {
    pub created_at: DateTime<Utc>,
    pub id: ApiClientId,
}

impl ApiClientCursor {
    pub(crate) fn of(client: &ApiClient) -> Self {
        Self { created_at: client.created_at, id: client.id }
    }
}
