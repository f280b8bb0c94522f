//! A mail as it goes over the wire: headers and both bodies, made of words. Knows
//! nothing of where the words come from or how a mail is sent.

use lettre::{
    Address,
    message::{
        Mailbox, MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
};

use crate::{letter::Line, smtp, templates::Words};

/// `Auto-Submitted: auto-generated`: nobody's holiday notice need answer.
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

/// Why no mail could be made.
#[derive(Debug, thiserror::Error)]
pub enum Unmailable {
    /// The recipient is none.
    #[error("the recipient is not an address")]
    Address,
    /// The parts do not make a mail.
    #[error("the mail cannot be put together")]
    Parts(#[from] lettre::error::Error),
}

/// A mail from the shop to a customer.
///
/// # Errors
/// A recipient that is no address.
pub fn compose(
    from: &Mailbox,
    recipient: &str,
    name: &Line,
    message_id: &str,
    words: Words,
) -> Result<smtp::Message, Unmailable> {
    if recipient.contains(char::is_control) {
        return Err(Unmailable::Address);
    }
    let to: Address = recipient.parse().map_err(|_| Unmailable::Address)?;
    let name = Some(name.as_str().to_owned()).filter(|name| !name.is_empty());
    let message = lettre::Message::builder()
        .from(from.clone())
        .to(Mailbox::new(name, to.clone()))
        .subject(words.subject)
        .message_id(Some(message_id.to_owned()))
        .header(AutoSubmitted)
        .multipart(MultiPart::alternative_plain_html(words.text, words.html))?;
    let text = String::from_utf8_lossy(&message.formatted()).into_owned();
    Ok(smtp::Message { from: from.email.clone(), to, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words() -> Words {
        Words { subject: "Hello".into(), text: "Hi\n".into(), html: "<p>Hi</p>".into() }
    }

    fn compose_for(recipient: &str, name: &str) -> Result<String, Unmailable> {
        let from = "Shop <shop@shop.example>".parse().expect("an address");
        let name = Line::new(name);
        compose(&from, recipient, &name, "<1.0@shop.example>", words()).map(|mail| mail.text)
    }

    /// Names of the headers of a mail, in their order.
    fn headers(mail: &str) -> Vec<String> {
        let (head, _) = mail.split_once("\r\n\r\n").expect("a head and a body");
        let begun = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
        begun.map(|line| line.split(':').next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn a_mail_has_the_headers_that_it_needs() {
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
    fn what_is_no_address_gets_no_mail() {
        for recipient in ["", "ann", "ann@", "a@b.c\r\nBcc: x@y.z", "a@b.c, x@y.z"] {
            assert!(compose_for(recipient, "Ann").is_err(), "{recipient:?}");
        }
    }

    proptest! {
        #[test]
        fn no_name_adds_a_header_or_leaves_ascii(name: String, with in "[\r\n\"<>,é日🎁:]*") {
            let plain = compose_for("ann@example.com", "Ann").expect("a mail");
            let mail = compose_for("ann@example.com", &format!("{name}{with}")).expect("a mail");
            prop_assert!(mail.is_ascii());
            prop_assert_eq!(headers(&mail), headers(&plain));
        }
    }
}
