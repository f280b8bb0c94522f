//! Composes the message of a rendered mail: headers and both bodies. Knows nothing of
//! templates or SMTP commands.

use lettre::{
    Address,
    message::{
        Mailbox, MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
};

use crate::{address::with_ascii_domain, content::Line, smtp, templates::RenderedMail};

/// `Auto-Submitted: auto-generated`: prevents automatic replies such as vacation notices.
/// Source: RFC 3834, 5.
#[derive(Debug, Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Why a mail could not be composed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ComposeError {
    #[error("the recipient is not an address")]
    Recipient,
    #[error("the mail cannot be put together")]
    Parts(#[from] lettre::error::Error),
}

/// Composes a mail from the shop to a customer.
pub(crate) fn compose(
    from: &Mailbox,
    recipient: &str,
    name: &Line,
    message_id: &str,
    rendered: RenderedMail,
) -> Result<smtp::Message, ComposeError> {
    if recipient.contains(char::is_control) {
        return Err(ComposeError::Recipient);
    }
    let to: Address = recipient.parse().map_err(|_| ComposeError::Recipient)?;
    let to = with_ascii_domain(&to).ok_or(ComposeError::Recipient)?;
    let name = Some(name.as_str().to_owned()).filter(|name| !name.is_empty());
    let message = lettre::Message::builder()
        .from(from.clone())
        .to(Mailbox::new(name, to.clone()))
        .subject(rendered.subject)
        .message_id(Some(message_id.to_owned()))
        .header(AutoSubmitted)
        .multipart(MultiPart::alternative_plain_html(rendered.text, rendered.html))?;
    let text = String::from_utf8_lossy(&message.formatted()).into_owned();
    Ok(smtp::Message { from: from.email.clone(), to, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rendered() -> RenderedMail {
        RenderedMail { subject: "Hello".into(), text: "Hi\n".into(), html: "<p>Hi</p>".into() }
    }

    fn compose_for(recipient: &str, name: &str) -> Result<String, ComposeError> {
        let from = "Shop <shop@shop.example>".parse().expect("an address");
        let name = Line::new(name);
        compose(&from, recipient, &name, "<1.0@shop.example>", rendered()).map(|mail| mail.text)
    }

    /// Returns the names of the headers of a mail, in their order.
    fn headers(mail: &str) -> Vec<String> {
        let (head, _) = mail.split_once("\r\n\r\n").expect("a head and a body");
        let begun = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
        begun.map(|line| line.split(':').next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn a_mail_has_all_required_headers() {
        let mail = compose_for("ann@example.com", "Ann Möller").expect("a mail");
        for header in [
            "From: Shop <shop@shop.example>\r\n",
            "Message-ID: <1.0@shop.example>\r\n",
            "Subject: Hello\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "<ann@example.com>\r\n",
            "Date: ",
            "multipart/alternative",
        ] {
            assert!(mail.contains(header), "{header} in {mail}");
        }
    }

    #[test]
    fn the_domain_of_an_address_is_written_in_ascii() {
        for (recipient, written) in [
            ("nora@bücher.example", "<nora@xn--bcher-kva.example>"),
            ("nora@BÜCHER.example", "<nora@xn--bcher-kva.example>"),
            ("nora@日本。example", "<nora@xn--wgv71a.example>"),
            ("Nora@Example.com", "<Nora@Example.com>"),
        ] {
            let mail = compose_for(recipient, "Nora").expect(recipient);
            assert!(mail.contains(&format!("{written}\r\n")) && mail.is_ascii(), "{mail}");
        }
    }

    #[test]
    fn a_recipient_that_is_not_an_address_is_rejected() {
        for recipient in ["", "ann", "ann@", "a@b.c\r\nBcc: x@y.z", "a@b.c, x@y.z"] {
            assert!(compose_for(recipient, "Ann").is_err(), "{recipient:?}");
        }
    }

    proptest! {
        #[test]
        fn no_name_adds_a_header_or_a_character_beyond_ascii(
            name: String,
            with in "[\r\n\"<>,é日🎁:]*",
        ) {
            let plain = compose_for("ann@example.com", "Ann").expect("a mail");
            let mail = compose_for("ann@example.com", &format!("{name}{with}")).expect("a mail");
            prop_assert!(mail.is_ascii());
            prop_assert_eq!(headers(&mail), headers(&plain));
        }
    }
}
