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
    user::v1::{self as user_pb, UserMailRequested, user_mail_requested::Mail},
};
use uuid::Uuid;

use crate::{
    content::{Amount, Details, Line, LineItem, Link, MailContent, MailedLink, Order, Section},
    notification::{NotificationId, NotificationKind, NotificationState},
};

/// Longest address, in characters. Source: RFC 5321, 4.5.3.1.
const RECIPIENT_CHARACTERS_MAX: usize = 320;
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
    pub(crate) email_verified: bool,
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

/// Decodes an event about an order. The three messages have the same fields.
macro_rules! order_mail {
    ($message:ident, $details:ident, $address_label:expr, $payload:expr) => {{
        let event = $message::decode($payload)?;
        let is_verified = event.customer_email_verified;
        let details = Details::$details(order(event.order, $address_label, is_verified)?);
        let recipient = (&*event.customer_email, &*event.customer_name, is_verified);
        mail_request(&event.event_id, recipient, details)
    }};
}

/// Decodes an event by the full name of its message.
///
/// # Errors
/// An unknown message, a malformed payload, or a field without which there is no mail.
pub(crate) fn decode(message: &str, payload: &[u8]) -> Result<MailRequest, BoxError> {
    if message == OrderCreated::full_name() {
        order_mail!(OrderCreated, OrderConfirmation, Some("Delivery to"), payload)
    } else if message == OrderShipped::full_name() {
        order_mail!(OrderShipped, OrderShipped, Some("On its way to"), payload)
    } else if message == OrderCancelled::full_name() {
        order_mail!(OrderCancelled, OrderCancelled, None, payload)
    } else if message == UserMailRequested::full_name() {
        let event = UserMailRequested::decode(payload)?;
        let details = user_mail(event.mail.ok_or("the mail is of an unknown kind")?)?;
        let recipient = (&*event.email, &*event.display_name, event.email_verified);
        mail_request(&event.event_id, recipient, details)
    } else {
        Err(format!("unknown message {message:?}").into())
    }
}

/// Builds the request of a mail to an address, the name of its owner, and whether the owner has
/// verified it.
///
/// **Invariant:** a mail to an address that is not verified contains no text of the person who
/// requested it. Anybody can sign up with the address of a stranger.
fn mail_request(
    event_id: &str,
    (recipient, name, email_verified): (&str, &str, bool),
    details: Details,
) -> Result<MailRequest, BoxError> {
    if recipient.chars().count() > RECIPIENT_CHARACTERS_MAX || recipient.contains('\0') {
        return Err("the recipient is not an address".into());
    }
    let name = if email_verified { Line::new(name) } else { Line::default() };
    Ok(MailRequest {
        event_id: Uuid::try_parse(event_id).map_err(|_| "event_id is not a UUID")?,
        recipient: recipient.trim().to_owned(),
        email_verified,
        content: MailContent { name, details },
    })
}

fn user_mail(mail: Mail) -> Result<Details, BoxError> {
    let required = |mailed: Option<user_pb::MailedLink>| link(mailed.ok_or("the link is missing")?);
    Ok(match mail {
        Mail::Welcome(mail) => Details::Welcome(mail.verification.map(link).transpose()?),
        Mail::EmailVerification(mail) => Details::EmailVerification(required(mail.link)?),
        Mail::PasswordReset(mail) => Details::PasswordReset(required(mail.link)?),
        Mail::PasswordChanged(_) => Details::PasswordChanged,
    })
}

fn link(mailed: user_pb::MailedLink) -> Result<MailedLink, BoxError> {
    if mailed.token.is_empty() {
        let id = Uuid::try_parse(&mailed.link_id).map_err(|_| "link_id is not a UUID")?;
        return Ok(MailedLink::Requested(id));
    }
    let expires_at = mailed.expire_time.as_ref().and_then(from_timestamp);
    let link = Link::new(mailed.token, expires_at.ok_or("the link has no expiry")?);
    Ok(MailedLink::Issued(link.ok_or("the token of the link is not valid")?))
}

fn order(
    order: Option<order_pb::Order>,
    address_label: Option<&'static str>,
    is_verified: bool,
) -> Result<Order, BoxError> {
    let order = order.ok_or("the order is missing")?;
    if order.items.len() > ITEMS_MAX {
        return Err("the order has too many line items".into());
    }
    let item = |item: &order_pb::OrderItem| {
        let price = amount(item.price.as_ref())?;
        Ok::<_, BoxError>(LineItem::new(Line::new(&item.name), item.quantity, price))
    };
    Ok(Order {
        id: Uuid::try_parse(&order.order_id).map_err(|_| "order_id is not a UUID")?,
        placed_at: order.create_time.as_ref().and_then(from_timestamp),
        items: order.items.iter().map(item).collect::<Result<_, _>>()?,
        total: amount(order.total.as_ref())?,
        sections: if is_verified { sections(&order, address_label) } else { Vec::new() },
    })
}

/// Returns the sections of an order, which contain text of the customer. Without `address_label`
/// the mail has no address.
fn sections(order: &order_pb::Order, address_label: Option<&'static str>) -> Vec<Section> {
    let address = order.shipping_address.as_ref().zip(address_label).map(|(address, label)| {
        let town = format!("{} {}", address.postal_code, address.city);
        let lines = [&address.full_name, &address.street, &town, &address.country_code];
        Section { label, lines: lines.map(|line| Line::new(line)).to_vec() }
    });
    Vec::from_iter(address)
}

fn amount(money: Option<&Money>) -> Result<Amount, BoxError> {
    let money = money.ok_or("an amount is missing")?;
    let currency = Currency::from_code(&money.currency_code).ok_or("the currency is unknown")?;
    Ok(Amount { minor: to_minor(money)?, currency })
}
