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

#[cfg(test)]
mod fuzz {
    use std::sync::LazyLock;

    use ::tests::fuzz::{Edit, edited};
    use url::Url;

    use super::*;
    use crate::{
        content::samples::{contents, link},
        templates::Templates,
    };

    /// Longest line of a mail, without its end. Source: RFC 5322, 2.1.1.
    const LINE_BYTES_MAX: usize = 998;
    /// Valid recipients.
    const RECIPIENTS: [&str; 2] = ["ann.b@mail.example", "\"ann.b\"@mail.example"];

    static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| {
        let url = Url::parse("https://shop.example").expect("a URL");
        Templates::new("Shop".to_owned(), url)
    });

    /// The headers of every mail.
    static HEADERS: LazyLock<Vec<String>> =
        LazyLock::new(|| headers(&mail(0, RECIPIENTS[0], "Ann").expect("a mail").text));

    /// Returns the mail of a kind to `recipient`, as it goes to the server.
    fn mail(kind: u8, recipient: &str, name: &str) -> Result<smtp::Message, ComposeError> {
        let contents = contents(name);
        let content = &contents[usize::from(kind) % contents.len()];
        let subject = TEMPLATES.subject(content).expect("the subject renders");
        let link = content.link().map(|_| link());
        let rendered = TEMPLATES.render(content, link.as_ref(), subject).expect("the mail renders");
        let from = "Shop <shop@shop.example>".parse().expect("an address");
        compose(&from, recipient, &content.name, "<1.0@shop.example>", rendered)
    }

    /// Returns the names of the headers, in their order.
    fn headers(mail: &str) -> Vec<String> {
        let (head, _) = mail.split_once("\r\n\r\n").expect("a head and a body");
        let begun = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
        begun.map(|line| line.split(':').next().unwrap_or_default().to_owned()).collect()
    }

    fn check(mail: &smtp::Message) {
        assert_eq!(headers(&mail.text), *HEADERS);
        for line in mail.text.split("\r\n") {
            assert!(!line.contains(['\r', '\n', '\0']), "{line:?}");
            assert!(line.len() <= LINE_BYTES_MAX, "{} bytes: {line}", line.len());
        }
    }

    /// Protects the limit of a [`Line`]: no folding breaks a word of a header.
    #[test]
    fn no_name_breaks_a_line_of_a_mail_or_adds_a_header() {
        bolero::check!().with_type::<(u8, Option<String>, u8, u16)>().for_each(
            |(kind, text, character, times)| {
                let times = usize::from(*times) % (2 * LINE_BYTES_MAX);
                let word = char::from(*character).to_string().repeat(times);
                let name = text.clone().unwrap_or_default() + &word;
                let mail = mail(*kind, "ann@example.com", &name).expect("every name has a mail");
                assert!(mail.text.is_ascii());
                check(&mail);
            },
        );
    }

    /// Protects what [`compose`] adds to the checks of lettre, which accepts control characters beyond
    /// ASCII before the @, and a domain beyond ASCII.
    #[test]
    fn a_recipient_is_one_address_or_rejected() {
        for recipient in RECIPIENTS {
            check(&mail(0, recipient, "Ann").expect(recipient));
        }
        bolero::check!().with_type::<(u8, bool, Option<Edit>, Option<Edit>)>().for_each(
            |(kind, is_quoted, first, second)| {
                let edits: Vec<Edit> = first.iter().chain(second).copied().collect();
                let recipient = edited(RECIPIENTS[usize::from(*is_quoted)], &edits);
                // As ISO 8859-1: each byte is a character.
                let recipient: String = recipient.into_iter().map(char::from).collect();
                let Ok(mail) = mail(*kind, &recipient, "Ann") else { return };
                check(&mail);
                let (user, domain) = (mail.to.user(), mail.to.domain());
                let is_quoted = user.starts_with('"') && user.ends_with('"');
                assert!(is_quoted || !user.contains(['<', '>', ' ', ',', '@']), "{user}");
                assert!(!user.contains(char::is_control), "{user:?}");
                assert!(
                    domain.is_ascii() && !domain.contains(['<', '>', ' ', ',', '@']),
                    "{domain}"
                );
            },
        );
    }
}
