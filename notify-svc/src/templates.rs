//! Renders mails with the templates of `templates/`, which are compiled once. Knows nothing
//! of SMTP.

use minijinja::{
    Environment, UndefinedBehavior, Value, context,
    value::{Serde, merge_maps},
};
use url::Url;

use crate::{
    content::{Details, Link, MailContent, Order},
    notification::NotificationKind,
};

/// Names and texts of templates.
macro_rules! embedded {
    ($($path:literal),* $(,)?) => {
        [$(($path, include_str!(concat!("../templates/", $path)))),*]
    };
}

const TEMPLATES: [(&str, &str); 25] = embedded![
    "layout.html",
    "order.html",
    "order.txt",
    "link.html",
    "order-confirmation/subject.txt",
    "order-confirmation/body.txt",
    "order-confirmation/body.html",
    "order-shipped/subject.txt",
    "order-shipped/body.txt",
    "order-shipped/body.html",
    "order-cancelled/subject.txt",
    "order-cancelled/body.txt",
    "order-cancelled/body.html",
    "welcome/subject.txt",
    "welcome/body.txt",
    "welcome/body.html",
    "email-verification/subject.txt",
    "email-verification/body.txt",
    "email-verification/body.html",
    "password-reset/subject.txt",
    "password-reset/body.txt",
    "password-reset/body.html",
    "password-changed/subject.txt",
    "password-changed/body.txt",
    "password-changed/body.html",
];

/// A rendered mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RenderedMail {
    /// One line.
    pub(crate) subject: String,
    pub(crate) text: String,
    /// Only ASCII.
    pub(crate) html: String,
}

/// The templates, and the data that all mails share.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
    shop_name: String,
    shop_url: Url,
}

impl Templates {
    /// Compiles the templates for the shop `shop_name` at `shop_url`.
    ///
    /// # Panics
    /// Never: the templates are part of the program, and a test renders each.
    pub fn new(shop_name: String, mut shop_url: Url) -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        for (name, text) in TEMPLATES {
            environment.add_template(name, text).expect("the templates are correct");
        }
        if !shop_url.path().ends_with('/') {
            let path = format!("{}/", shop_url.path());
            shop_url.set_path(&path);
        }
        Self { environment, shop_name, shop_url }
    }

    /// Renders the subject of a mail.
    pub(crate) fn subject(&self, content: &MailContent) -> Result<String, minijinja::Error> {
        self.render_file(content.kind(), "subject.txt", self.context(content, None, ""))
    }

    /// Renders a mail with the `subject` that is stored with its notification, and with `link`, if
    /// the content has one.
    pub(crate) fn render(
        &self,
        content: &MailContent,
        link: Option<&Link>,
        subject: String,
    ) -> Result<RenderedMail, minijinja::Error> {
        let context = self.context(content, link, &subject);
        let mut text = self.render_file(content.kind(), "body.txt", context.clone())?;
        text.push('\n');
        let html = self.render_file(content.kind(), "body.html", context)?;
        Ok(RenderedMail { subject, text, html: ascii(&html) })
    }

    /// Renders a file of the folder that is named after `kind`.
    fn render_file(
        &self,
        kind: NotificationKind,
        file: &str,
        context: Value,
    ) -> Result<String, minijinja::Error> {
        let folder = kind.as_str().to_ascii_lowercase().replace('_', "-");
        self.environment.get_template(&format!("{folder}/{file}"))?.render(context)
    }

    fn context(&self, content: &MailContent, link: Option<&Link>, subject: &str) -> Value {
        let none = || Value::from(());
        context! {
            subject => subject,
            preview => preview(content),
            name => content.name.as_str(),
            shop_name => self.shop_name.as_str(),
            shop_url => self.shop_url.as_str(),
            order => content.order().map_or_else(none, |order| self.order(order)),
            link => link.map_or_else(none, |link| self.link(content.kind(), link)),
        }
    }

    /// Puts the token into the fragment of the URL, which a browser sends to no server.
    fn link(&self, kind: NotificationKind, link: &Link) -> Value {
        let page = match kind {
            NotificationKind::PasswordReset => "reset-password",
            _ => "verify-email",
        };
        context! {
            url => format!("{}{page}#token={}", self.shop_url, link.token()),
            expires => link.expires_at.format("%-d %B %Y, %H:%M UTC").to_string(),
        }
    }

    /// Adds to the fields of the order what is derived from them.
    fn order(&self, order: &Order) -> Value {
        let date = order.placed_at.map(|at| at.format("%-d %B %Y").to_string());
        let derived = context! {
            number => order.number(),
            url => format!("{}orders/{}", self.shop_url, order.id),
            date => date.unwrap_or_default(),
        };
        merge_maps([Value::from(Serde(order)), derived])
    }
}

/// Returns the text that a mail client shows beside the subject.
fn preview(content: &MailContent) -> String {
    let order = match &content.details {
        Details::OrderConfirmation(order)
        | Details::OrderShipped(order)
        | Details::OrderCancelled(order) => order,
        Details::Welcome(_) => return "Your account is ready.".to_owned(),
        Details::EmailVerification(_) => return "One click, and it is done.".to_owned(),
        Details::PasswordReset(_) => return "The link is good for one use.".to_owned(),
        Details::PasswordChanged => return "All other devices were logged out.".to_owned(),
    };
    let count: i64 = order.items.iter().map(|item| i64::from(item.quantity)).sum();
    let items = if count == 1 { "item" } else { "items" };
    format!("{count} {items}, {} in total.", order.total)
}

/// Returns the HTML in ASCII, so that no mail relay has to encode it and no mail client
/// can use a wrong character set.
fn ascii(html: &str) -> String {
    let mut ascii = String::with_capacity(html.len() + html.len() / 8);
    let mut rest = html;
    while let Some(at) = rest.bytes().position(|byte| !byte.is_ascii()) {
        let (plain, other) = rest.split_at(at);
        let mut other = other.chars();
        let c = other.next().map_or(0, u32::from);
        ascii.push_str(plain);
        ascii.push_str(&format!("&#{c};"));
        rest = other.as_str();
    }
    ascii + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::samples::{contents, link};
    use proptest::prelude::*;

    fn templates() -> Templates {
        templates_at("https://shop.example")
    }

    fn templates_at(url: &str) -> Templates {
        Templates::new("Shopmesh".into(), Url::parse(url).expect("a URL"))
    }

    fn render(templates: &Templates, content: &MailContent) -> RenderedMail {
        let subject = templates.subject(content).expect("the subject renders");
        let link = content.link().map(|_| link());
        templates.render(content, link.as_ref(), subject).expect("the mail renders")
    }

    #[test]
    fn each_mail_has_a_subject_of_one_line_and_the_same_content_in_text_and_html() {
        for content in contents("Ann") {
            let mail = render(&templates(), &content);
            assert!(!mail.subject.is_empty() && !mail.subject.contains('\n'), "{mail:?}");
            let mut expected = vec!["Ann", "Shopmesh", "https:"];
            if content.order().is_some() {
                expected.extend(["1a2b3c4d", "Tea", "12.50", "25.00", "4.99", "29.99"]);
            }
            if content.link().is_some() {
                expected.extend(["#token=q-_Z9", "18 November 2026, 11:06 UTC"]);
            }
            for expected in expected {
                assert!(mail.text.contains(expected), "{expected} in {}", mail.text);
                assert!(mail.html.contains(expected), "{expected} in {}", mail.html);
            }
        }
    }

    #[test]
    fn an_order_is_linked_under_the_public_url() {
        let path = "orders/1a2b3c4d-0000-0000-0000-000000000000";
        for (public_url, link) in [
            ("https://shop.example", format!("https://shop.example/{path}")),
            ("https://shop.example/eu/", format!("https://shop.example/eu/{path}")),
            ("http://127.0.0.1:8080/eu", format!("http://127.0.0.1:8080/eu/{path}")),
        ] {
            let mail = render(&templates_at(public_url), &contents("Ann")[0]);
            assert!(mail.text.contains(&link), "{link} in {}", mail.text);
            assert!(mail.html.contains(&link.replace('/', "&#x2f;")), "{link} in {}", mail.html);
        }
    }

    #[test]
    fn a_link_opens_its_page_with_the_token_in_the_fragment() {
        let templates = templates_at("https://shop.example/eu");
        let [.., welcome, verification, reset, _] = contents("Ann");
        for (content, page) in
            [(welcome, "verify-email"), (verification, "verify-email"), (reset, "reset-password")]
        {
            let mail = render(&templates, &content);
            let link = format!("https://shop.example/eu/{page}#token=q-_Z9");
            assert!(mail.text.contains(&link), "{link} in {}", mail.text);
            assert!(mail.html.contains(&link.replace('/', "&#x2f;")), "{link} in {}", mail.html);
            assert!(!mail.subject.contains("q-_Z9"), "{}", mail.subject);
        }
    }

    proptest! {
        #[test]
        fn no_name_adds_a_tag_or_a_character_beyond_ascii(name in ".*<.*[\"'&>é日🎁].*") {
            for content in contents(&name) {
                let mail = render(&templates(), &content);
                let plain = render(&templates(), &contents("x")[0]);
                prop_assert!(mail.html.is_ascii());
                let tags = |html: &str| html.matches('<').count();
                if matches!(content.details, Details::OrderConfirmation(_)) {
                    prop_assert_eq!(tags(&mail.html), tags(&plain.html));
                }
                prop_assert!(!mail.subject.contains(['\r', '\n']));
            }
        }
    }
}
