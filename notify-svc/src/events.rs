//! Events: builds those that notify-svc publishes, and decodes those that request a mail.

use iso_currency::Currency;
use mesh::BoxError;
use mesh_data::outbox::NewEvent;
use prost::{Message, Name};
use proto::{
    money::{Money, to_minor},
    notify::v1 as pb,
    order::v1::{self as order_pb, OrderCancelled, OrderCreated, OrderShipped},
    time::{from_timestamp, timestamp},
    topics::Event,
    user::v1::{MailedLink, UserMailRequested, user_mail_requested::Mail},
};
use uuid::Uuid;

use crate::{
    content::{Amount, Details, Line, LineItem, Link, MailContent, Order},
    notification::{NotificationId, NotificationKind, NotificationState},
};

/// Longest address, in characters. Source: RFC 5321, 4.5.3.1.
const RECIPIENT_CHARACTERS_MAX: usize = 320;
/// Longest token of a link, in characters.
const TOKEN_CHARACTERS_MAX: usize = 128;
/// Most line items of an order. The contract allows 50.
const ITEMS_MAX: usize = 1000;

/// Builds the event that the delivery state of a mail about an order has changed.
pub(crate) fn mail_state_changed(
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
        kind: pb::NotificationKind::from(kind).into(),
        state: pb::NotificationState::from(state).into(),
        version,
        change_time: Some(timestamp(chrono::Utc::now())),
    };
    NewEvent::new(event_id, pb::MailStateChanged::TOPIC, event.order_id.clone(), &event)
}

/// An event that requests a mail.
#[derive(Debug, Clone)]
pub(crate) struct MailRequest {
    pub(crate) event_id: Uuid,
    /// Empty: no mail is sent.
    pub(crate) recipient: String,
    pub(crate) content: MailContent,
}

/// Decodes a stored event that requested a mail of `kind`.
///
/// # Errors
/// Those of [`decode`].
pub(crate) fn decode_stored(
    kind: NotificationKind,
    payload: &[u8],
) -> Result<MailContent, BoxError> {
    let message = match kind {
        NotificationKind::OrderConfirmation => OrderCreated::full_name(),
        NotificationKind::OrderShipped => OrderShipped::full_name(),
        NotificationKind::OrderCancelled => OrderCancelled::full_name(),
        NotificationKind::Welcome
        | NotificationKind::EmailVerification
        | NotificationKind::PasswordReset
        | NotificationKind::PasswordChanged => UserMailRequested::full_name(),
    };
    decode(&message, payload).map(|request| request.content)
}

/// Decodes an event by the full name of its message.
///
/// # Errors
/// An unknown message, a malformed payload, or a field without which there is no mail.
pub(crate) fn decode(message: &str, payload: &[u8]) -> Result<MailRequest, BoxError> {
    if message == OrderCreated::full_name() {
        let event = OrderCreated::decode(payload)?;
        let details = Details::OrderConfirmation(order(event.order)?);
        mail_request(&event.event_id, &event.customer_email, &event.customer_name, details)
    } else if message == OrderShipped::full_name() {
        let event = OrderShipped::decode(payload)?;
        let details = Details::OrderShipped(order(event.order)?);
        mail_request(&event.event_id, &event.customer_email, &event.customer_name, details)
    } else if message == OrderCancelled::full_name() {
        let event = OrderCancelled::decode(payload)?;
        let details = Details::OrderCancelled(order(event.order)?);
        mail_request(&event.event_id, &event.customer_email, &event.customer_name, details)
    } else if message == UserMailRequested::full_name() {
        let event = UserMailRequested::decode(payload)?;
        let details = user_mail(event.mail.ok_or("the mail is of an unknown kind")?)?;
        mail_request(&event.event_id, &event.email, &event.display_name, details)
    } else {
        Err(format!("unknown message {message:?}").into())
    }
}

fn mail_request(
    event_id: &str,
    recipient: &str,
    name: &str,
    details: Details,
) -> Result<MailRequest, BoxError> {
    if recipient.chars().count() > RECIPIENT_CHARACTERS_MAX || recipient.contains('\0') {
        return Err("the recipient is not an address".into());
    }
    Ok(MailRequest {
        event_id: Uuid::try_parse(event_id).map_err(|_| "event_id is not a UUID")?,
        recipient: recipient.trim().to_owned(),
        content: MailContent { name: Line::new(name), details },
    })
}

fn user_mail(mail: Mail) -> Result<Details, BoxError> {
    let required = |mailed: Option<MailedLink>| link(mailed.ok_or("the link is missing")?);
    Ok(match mail {
        Mail::Welcome(mail) => Details::Welcome(mail.verification.map(link).transpose()?),
        Mail::EmailVerification(mail) => Details::EmailVerification(required(mail.link)?),
        Mail::PasswordReset(mail) => Details::PasswordReset(required(mail.link)?),
        Mail::PasswordChanged(_) => Details::PasswordChanged,
    })
}

fn link(link: MailedLink) -> Result<Link, BoxError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let fits = (1..=TOKEN_CHARACTERS_MAX).contains(&link.token.len());
    if !fits || !link.token.chars().all(is_plain) {
        return Err("the token of the link is not valid".into());
    }
    let expires_at = link.expire_time.as_ref().and_then(from_timestamp);
    Ok(Link { token: link.token, expires_at: expires_at.ok_or("the link has no expiry")? })
}

fn order(order: Option<order_pb::Order>) -> Result<Order, BoxError> {
    let order = order.ok_or("the order is missing")?;
    if order.items.len() > ITEMS_MAX {
        return Err("the order has too many line items".into());
    }
    let item = |item: &order_pb::OrderItem| {
        let price = amount(item.price.as_ref())?;
        Ok::<_, BoxError>(LineItem::new(Line::new(&item.name), item.quantity, price))
    };
    let address = order.shipping_address.as_ref().map(|address| {
        let town = format!("{} {}", address.postal_code, address.city);
        let lines = [&address.full_name, &address.street, &town, &address.country_code];
        lines.map(|line| Line::new(line)).to_vec()
    });
    Ok(Order {
        id: Uuid::try_parse(&order.order_id).map_err(|_| "order_id is not a UUID")?,
        placed_at: order.create_time.as_ref().and_then(from_timestamp),
        items: order.items.iter().map(item).collect::<Result<_, _>>()?,
        total: amount(order.total.as_ref())?,
        address: address.unwrap_or_default(),
    })
}

fn amount(money: Option<&Money>) -> Result<Amount, BoxError> {
    let money = money.ok_or("an amount is missing")?;
    let currency = Currency::from_code(&money.currency_code).ok_or("the currency is unknown")?;
    Ok(Amount { minor: to_minor(money)?, currency })
}
