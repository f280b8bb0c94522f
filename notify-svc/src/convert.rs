//! Between the contract's messages and notify-svc's own types: every field of a
//! request is checked here, and all that are bad are told at once; events become
//! letters.

use iso_currency::Currency;
use mesh::{BoxError, validate::Violations};
use mesh_data::{
    outbox::NewEvent,
    page::{Page, PageTokens, Scope},
};
use prost::Message;
use proto::{
    money::{Money, to_minor},
    notify::v1 as pb,
    order::v1::{self as order_pb, OrderCancelled, OrderCreated, OrderShipped},
    time::{from_timestamp, timestamp},
    topics::Event as _,
    user::v1::{MailedLink, UserMailRequested, user_mail_requested::Mail},
};
use uuid::Uuid;

use crate::{
    inbox::{Cursor, NotificationFilter},
    letter::{Amount, Content, Item, Letter, Line, Link, Order},
    notification::{
        DeliveryAttempt, DeliveryStatistics, Notification, NotificationId, NotificationKind,
        NotificationState,
    },
};

type Result<T> = std::result::Result<T, mesh::Error>;

/// Longest address, in characters. Source: RFC 5321, 4.5.3.1.
const RECIPIENT_CHARACTERS_MAX: usize = 320;
/// Most states of a filter.
const STATES_MAX: usize = 10;
/// Longest token of a link, in characters.
const TOKEN_CHARACTERS_MAX: usize = 128;
/// Most lines of an order; the contract allows 50.
const ITEMS_MAX: usize = 1000;

/// What a page token of ListNotifications is good for.
pub fn list_notifications_scope<'a>(
    filter: &'a NotificationFilter,
    caller: &'a str,
) -> Scope<'a, NotificationFilter> {
    Scope { method: "ListNotifications", filters: filter, caller }
}

/// What ListNotifications asks for.
pub fn list_notifications(
    request: &pb::ListNotificationsRequest,
    caller: &str,
    tokens: &PageTokens,
) -> Result<(NotificationFilter, Page<Cursor>)> {
    let mut violations = Violations::new();
    let mut states = Vec::new();
    for (i, &state) in request.states.iter().take(STATES_MAX).enumerate() {
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
    violations.require(request.states.len() <= STATES_MAX, "states", "must be 10 or fewer");
    let recipient = violations.text("recipient", &request.recipient, 0, RECIPIENT_CHARACTERS_MAX);
    let filter = NotificationFilter {
        states,
        order_id: violations.optional_uuid("order_id", &request.order_id),
        recipient: (!recipient.is_empty()).then_some(recipient),
    };
    let scope = list_notifications_scope(&filter, caller);
    let page = Page::read(&mut violations, tokens, &scope, request.page_size, &request.page_token);
    violations.finish((filter, page))
}

/// The one field of a request that is about one notification.
pub fn notification_id(id: &str) -> Result<NotificationId> {
    let mut violations = Violations::new();
    let id = violations.uuid("notification_id", id);
    violations.finish(NotificationId(id))
}

/// A notification as the contract has it, without its attempts.
pub fn notification(notification: Notification) -> pb::Notification {
    let pending = notification.state == NotificationState::Pending;
    pb::Notification {
        notification_id: notification.id.to_string(),
        kind: kind_pb(notification.kind).into(),
        recipient: notification.recipient,
        subject: notification.subject,
        state: state_pb(notification.state).into(),
        order_id: notification.order_id.map_or_else(String::new, |id| id.to_string()),
        attempt_count: notification.attempt_count,
        resend_count: notification.resend_count,
        create_time: Some(timestamp(notification.created_at)),
        send_time: notification.sent_at.map(timestamp),
        next_attempt_time: pending.then(|| timestamp(notification.due_at)),
        attempts: Vec::new(),
    }
}

/// An attempt as the contract has it.
pub fn attempt(attempt: DeliveryAttempt) -> pb::DeliveryAttempt {
    pb::DeliveryAttempt {
        time: Some(timestamp(attempt.created_at)),
        reply_code: attempt.reply.code.into(),
        reply_text: attempt.reply.text,
        message_id: attempt.message_id,
    }
}

/// Statistics as the contract has them.
pub fn delivery_statistics(statistics: &DeliveryStatistics) -> pb::GetDeliveryStatisticsResponse {
    let age = statistics.oldest_pending_age;
    pb::GetDeliveryStatisticsResponse {
        pending: statistics.pending,
        sent: statistics.sent,
        failed: statistics.failed,
        oldest_pending_age: age.and_then(|age| prost_types::Duration::try_from(age).ok()),
    }
}

/// The event that tells order-svc what became of a mail about an order.
pub fn mail_state_changed(
    id: NotificationId,
    order_id: Uuid,
    kind: NotificationKind,
    state: NotificationState,
    version: i64,
) -> NewEvent {
    let event_id = Uuid::now_v7();
    let event = pb::MailStateChanged {
        event_id: event_id.to_string(),
        order_id: order_id.to_string(),
        notification_id: id.to_string(),
        kind: kind_pb(kind).into(),
        state: state_pb(state).into(),
        version,
        change_time: Some(timestamp(chrono::Utc::now())),
    };
    NewEvent::new(event_id, pb::MailStateChanged::TOPIC, event.order_id.clone(), &event)
}

fn kind_pb(kind: NotificationKind) -> pb::NotificationKind {
    match kind {
        NotificationKind::OrderConfirmation => pb::NotificationKind::OrderConfirmation,
        NotificationKind::OrderShipped => pb::NotificationKind::OrderShipped,
        NotificationKind::OrderCancelled => pb::NotificationKind::OrderCancelled,
        NotificationKind::Welcome => pb::NotificationKind::Welcome,
        NotificationKind::EmailVerification => pb::NotificationKind::EmailVerification,
        NotificationKind::PasswordReset => pb::NotificationKind::PasswordReset,
        NotificationKind::PasswordChanged => pb::NotificationKind::PasswordChanged,
    }
}

fn state_pb(state: NotificationState) -> pb::NotificationState {
    match state {
        NotificationState::Pending => pb::NotificationState::Pending,
        NotificationState::Sent => pb::NotificationState::Sent,
        NotificationState::Failed => pb::NotificationState::Failed,
    }
}

/// An event that asks for a mail, read.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Event {
    pub event_id: Uuid,
    pub kind: NotificationKind,
    pub recipient: String,
    pub letter: Letter,
}

/// Reads an encoded event that asks for a mail of `kind`, or of one that it names
/// itself.
///
/// # Errors
/// Bytes that are no such event, or one that lacks what the mail needs.
pub fn event(message: EventMessage, payload: &[u8]) -> std::result::Result<Event, BoxError> {
    let (event_id, recipient, name, kind, content) = match message {
        EventMessage::OrderCreated => {
            let event = OrderCreated::decode(payload)?;
            let content = Content::OrderConfirmation(order(event.order)?);
            let kind = NotificationKind::OrderConfirmation;
            (event.event_id, event.customer_email, event.customer_name, kind, content)
        }
        EventMessage::OrderShipped => {
            let event = OrderShipped::decode(payload)?;
            let content = Content::OrderShipped(order(event.order)?);
            let kind = NotificationKind::OrderShipped;
            (event.event_id, event.customer_email, event.customer_name, kind, content)
        }
        EventMessage::OrderCancelled => {
            let event = OrderCancelled::decode(payload)?;
            let content = Content::OrderCancelled(order(event.order)?);
            let kind = NotificationKind::OrderCancelled;
            (event.event_id, event.customer_email, event.customer_name, kind, content)
        }
        EventMessage::UserMailRequested => {
            let event = UserMailRequested::decode(payload)?;
            let (kind, content) = match event.mail.ok_or("mail is none that we know")? {
                Mail::Welcome(mail) => {
                    let link = mail.verification.map(link).transpose()?;
                    (NotificationKind::Welcome, Content::Welcome(link))
                }
                Mail::EmailVerification(mail) => {
                    let link = link(mail.link.ok_or("the link is missing")?)?;
                    (NotificationKind::EmailVerification, Content::EmailVerification(link))
                }
                Mail::PasswordReset(mail) => {
                    let link = link(mail.link.ok_or("the link is missing")?)?;
                    (NotificationKind::PasswordReset, Content::PasswordReset(link))
                }
                Mail::PasswordChanged(_) => {
                    (NotificationKind::PasswordChanged, Content::PasswordChanged)
                }
            };
            (event.event_id, event.email, event.display_name, kind, content)
        }
    };
    if recipient.chars().count() > RECIPIENT_CHARACTERS_MAX || recipient.contains('\0') {
        return Err("the recipient is no address".into());
    }
    let event_id = Uuid::try_parse(&event_id).map_err(|_| "event_id is not a UUID")?;
    let recipient = recipient.trim().to_owned();
    Ok(Event { event_id, kind, recipient, letter: Letter { name: Line::new(&name), content } })
}

/// Which message an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum EventMessage {
    OrderCreated,
    OrderShipped,
    OrderCancelled,
    UserMailRequested,
}

impl From<NotificationKind> for EventMessage {
    fn from(kind: NotificationKind) -> Self {
        match kind {
            NotificationKind::OrderConfirmation => Self::OrderCreated,
            NotificationKind::OrderShipped => Self::OrderShipped,
            NotificationKind::OrderCancelled => Self::OrderCancelled,
            NotificationKind::Welcome
            | NotificationKind::EmailVerification
            | NotificationKind::PasswordReset
            | NotificationKind::PasswordChanged => Self::UserMailRequested,
        }
    }
}

fn link(link: MailedLink) -> std::result::Result<Link, BoxError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let fits = (1..=TOKEN_CHARACTERS_MAX).contains(&link.token.len());
    if !fits || !link.token.chars().all(plain) {
        return Err("the token of the link is none".into());
    }
    let expires_at = link.expire_time.as_ref().and_then(from_timestamp);
    Ok(Link { token: link.token, expires_at: expires_at.ok_or("the link never expires")? })
}

fn order(order: Option<order_pb::Order>) -> std::result::Result<Order, BoxError> {
    let order = order.ok_or("order is missing")?;
    if order.items.len() > ITEMS_MAX {
        return Err("the order has too many lines".into());
    }
    let item = |item: &order_pb::OrderItem| {
        Ok::<_, BoxError>(Item {
            name: Line::new(&item.name),
            quantity: item.quantity,
            price: amount(item.price.as_ref())?,
        })
    };
    let address = order.shipping_address.as_ref().map(|address| {
        let town = format!("{} {}", address.postal_code, address.city);
        let lines = [&address.full_name, &address.street, &town, &address.country_code];
        lines.map(|line| Line::new(line)).to_vec()
    });
    Ok(Order {
        id: Uuid::try_parse(&order.order_id).map_err(|_| "order_id is not a UUID")?,
        placed_at: order.create_time.as_ref().and_then(from_timestamp),
        items: order.items.iter().map(item).collect::<std::result::Result<_, _>>()?,
        total: amount(order.total.as_ref())?,
        address: address.unwrap_or_default(),
    })
}

fn amount(money: Option<&Money>) -> std::result::Result<Amount, BoxError> {
    let money = money.ok_or("an amount is missing")?;
    let currency = Currency::from_code(&money.currency_code).ok_or("a currency is unknown")?;
    Ok(Amount { minor: to_minor(money)?, currency })
}
