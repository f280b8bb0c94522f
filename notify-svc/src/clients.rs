//! Calls of user-svc.

use std::time::Duration;

use mesh::{channel::Channel, deadline, error::DOMAIN};
use proto::{
    time::from_timestamp,
    user::v1::{self as pb, link_service_client::LinkServiceClient},
};
use tokio::time::Instant;
use tonic::Status;
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::content::{Line, Link};

/// `reason` while user-svc is down.
pub(crate) const USER_SVC_UNAVAILABLE: &str = "USER_SVC_UNAVAILABLE";
/// The reason by which user-svc reports that no mail with a link may be sent any more.
const LINK_INVALID: &str = "LINK_INVALID";
const CALL_DURATION_MAX: Duration = Duration::from_secs(5);

/// A link whose token was created for one mail, and the account that it is for.
#[derive(Debug)]
pub(crate) struct IssuedLink {
    pub(crate) link: Link,
    /// Address of the account.
    pub(crate) email: String,
    /// Name of the person. Empty unless the address is verified.
    pub(crate) name: Line,
}

/// The links at user-svc. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Links {
    client: LinkServiceClient<Channel>,
}

impl Links {
    pub(crate) fn new(user_svc: Channel) -> Self {
        Self { client: LinkServiceClient::new(user_svc) }
    }

    /// Creates the token of a link. Returns none if the link was used, revoked or replaced.
    ///
    /// # Errors
    /// UNAVAILABLE or DEADLINE_EXCEEDED. They say nothing about the link.
    pub(crate) async fn issue_link(&self, id: Uuid) -> Result<Option<IssuedLink>, mesh::Error> {
        let mut client = self.client.clone();
        let call = client.issue_link(pb::IssueLinkRequest { link_id: id.to_string() });
        match deadline::scope(Instant::now() + CALL_DURATION_MAX, call).await? {
            Ok(response) => {
                let issued = read_issued_link(response.into_inner());
                issued.map(Some).ok_or_else(|| unavailable("the response has no valid link"))
            }
            Err(status) if is_invalid(&status) => Ok(None),
            Err(status) => Err(unavailable(status)),
        }
    }
}

fn read_issued_link(response: pb::IssueLinkResponse) -> Option<IssuedLink> {
    let expires_at = from_timestamp(response.expire_time.as_ref()?)?;
    let name =
        if response.email_verified { Line::new(&response.display_name) } else { Line::default() };
    Some(IssuedLink { link: Link::new(response.token, expires_at)?, email: response.email, name })
}

fn is_invalid(status: &Status) -> bool {
    let info = status.get_details_error_info();
    info.is_some_and(|info| info.domain == DOMAIN && info.reason == LINK_INVALID)
}

fn unavailable(source: impl Into<mesh::BoxError>) -> mesh::Error {
    mesh::Error::Unavailable { reason: USER_SVC_UNAVAILABLE, source: source.into() }
}
