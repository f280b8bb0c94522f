//! Notifications.

use mesh::validate::Violations;
use mesh_data::page::{Page, PageTokens, Scope};
use proto::{
    notify::v1 as pb,
    time::{optional_range, timestamp},
};

use super::Result;
use crate::notification::{
    Cursor, Notification, NotificationFilter, NotificationId, NotificationKind, NotificationState,
    ResendFilter,
};

/// Longest address, in characters. Source: RFC 5321, 4.5.3.1.
const RECIPIENT_CHARACTERS_MAX: usize = 320;
/// Most states of a filter.
const STATES_MAX: usize = 10;

/// Reads the filter and the page of ListNotifications.
pub(crate) fn list_notifications(
    request: &pb::ListNotificationsRequest,
    caller: &str,
    tokens: &PageTokens,
) -> Result<(NotificationFilter, Page<Cursor>)> {
    let mut violations = Violations::new();
    let filter = NotificationFilter {
        states: states(&mut violations, &request.states),
        order_id: violations.optional_uuid("order_id", &request.order_id),
        recipient: recipient(&mut violations, &request.recipient),
    };
    let scope = Scope { method: "ListNotifications", filters: &filter, caller };
    let page = Page::read(&mut violations, tokens, &scope, request.page_size, &request.page_token);
    violations.finish((filter, page))
}

/// Reads the filter and the page of ResendNotifications.
pub(crate) fn resend_notifications(
    request: &pb::ResendNotificationsRequest,
    caller: &str,
    tokens: &PageTokens,
) -> Result<(ResendFilter, Page<Cursor>)> {
    let mut violations = Violations::new();
    let states = states(&mut violations, &request.states);
    violations.require(!request.states.is_empty(), "states", "must not be empty");
    for (i, &state) in request.states.iter().take(STATES_MAX).enumerate() {
        let is_pending = state == i32::from(pb::NotificationState::Pending);
        violations.require(!is_pending, &format!("states[{i}]"), "must be SENT or FAILED");
    }
    let (start, end) =
        optional_range(request.start_time.as_ref(), request.end_time.as_ref(), |field, text| {
            violations.add(field, text);
        });
    let filter = ResendFilter {
        states,
        id: None,
        start,
        end,
        order_id: violations.optional_uuid("order_id", &request.order_id),
        recipient: recipient(&mut violations, &request.recipient),
    };
    let scope = Scope { method: "ResendNotifications", filters: &filter, caller };
    let page = Page::read(&mut violations, tokens, &scope, 0, &request.page_token);
    violations.finish((filter, page))
}

fn states(violations: &mut Violations, requested: &[i32]) -> Vec<NotificationState> {
    let mut states = Vec::new();
    for (i, &state) in requested.iter().take(STATES_MAX).enumerate() {
        let state = match pb::NotificationState::try_from(state) {
            Ok(pb::NotificationState::Pending) => NotificationState::Pending,
            Ok(pb::NotificationState::Sent) => NotificationState::Sent,
            Ok(pb::NotificationState::Failed) => NotificationState::Failed,
            Ok(pb::NotificationState::Unspecified) | Err(_) => {
                violations.add(format!("states[{i}]"), "must be a state of a mail");
                continue;
            }
        };
        if !states.contains(&state) {
            states.push(state);
        }
    }
    violations.require(requested.len() <= STATES_MAX, "states", "must be 10 or fewer");
    states
}

fn recipient(violations: &mut Violations, recipient: &str) -> Option<String> {
    let recipient = violations.text("recipient", recipient, 0, RECIPIENT_CHARACTERS_MAX);
    (!recipient.is_empty()).then_some(recipient)
}

/// Reads the only field of a request about one notification.
pub(crate) fn notification_id(id: &str) -> Result<NotificationId> {
    let mut violations = Violations::new();
    let id = violations.uuid("notification_id", id);
    violations.finish(NotificationId(id))
}

/// Returns the message of a notification, without its attempts.
pub(crate) fn notification(notification: Notification) -> pb::Notification {
    let delivery = notification.delivery;
    let is_pending = delivery.state == NotificationState::Pending;
    pb::Notification {
        notification_id: notification.id.to_string(),
        kind: pb::NotificationKind::from(notification.kind).into(),
        recipient: notification.recipient,
        subject: notification.subject,
        state: pb::NotificationState::from(delivery.state).into(),
        order_id: notification.order_id.map_or_else(String::new, |id| id.to_string()),
        attempt_count: delivery.attempt_count,
        resend_count: delivery.resend_count,
        create_time: Some(timestamp(notification.created_at)),
        send_time: delivery.sent_at.map(timestamp),
        next_attempt_time: is_pending.then(|| timestamp(delivery.due_at)),
        attempts: Vec::new(),
    }
}

impl From<NotificationKind> for pb::NotificationKind {
    fn from(kind: NotificationKind) -> Self {
        match kind {
            NotificationKind::OrderConfirmation => Self::OrderConfirmation,
            NotificationKind::OrderShipped => Self::OrderShipped,
            NotificationKind::OrderCancelled => Self::OrderCancelled,
            NotificationKind::Welcome => Self::Welcome,
            NotificationKind::EmailVerification => Self::EmailVerification,
            NotificationKind::PasswordReset => Self::PasswordReset,
            NotificationKind::PasswordChanged => Self::PasswordChanged,
        }
    }
}

impl From<NotificationState> for pb::NotificationState {
    fn from(state: NotificationState) -> Self {
        match state {
            NotificationState::Pending => Self::Pending,
            NotificationState::Sent => Self::Sent,
            NotificationState::Failed => Self::Failed,
        }
    }
}
