//! Letters put into words: the templates of `templates/`, compiled once. Knows
//! nothing of how a mail is sent.

use minijinja::{Environment, UndefinedBehavior, Value, context};
use url::Url;

use crate::letter::{Content, Letter, Link, Order};

/// A template's name and text.
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

/// A mail in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML, all ASCII.
    pub html: String,
}

/// The templates, and what all mails of the shop have in common.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
    shop_name: String,
    shop_url: Url,
}

impl Templates {
    /// Templates of the shop `shop_name`, which is at `shop_url`.
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

    /// The subject line of a letter.
    pub fn subject(&self, letter: &Letter) -> Result<String, minijinja::Error> {
        let context = self.context(letter, "");
        self.render(letter, "subject.txt", context)
    }

    /// The whole mail.
    pub fn words(&self, letter: &Letter) -> Result<Words, minijinja::Error> {
        let subject = self.subject(letter)?;
        let context = self.context(letter, &subject);
        let mut text = self.render(letter, "body.txt", context.clone())?;
        text.push('\n');
        let html = self.render(letter, "body.html", context)?;
        Ok(Words { subject, text, html: ascii(&html) })
    }

    fn render(
        &self,
        letter: &Letter,
        file: &str,
        context: Value,
    ) -> Result<String, minijinja::Error> {
        let mail = match letter.content {
            Content::OrderConfirmation(_) => "order-confirmation",
            Content::OrderShipped(_) => "order-shipped",
            Content::OrderCancelled(_) => "order-cancelled",
            Content::Welcome(_) => "welcome",
            Content::EmailVerification(_) => "email-verification",
            Content::PasswordReset(_) => "password-reset",
            Content::PasswordChanged => "password-changed",
        };
        self.environment.get_template(&format!("{mail}/{file}"))?.render(context)
    }

    fn context(&self, letter: &Letter, subject: &str) -> Value {
        let order = letter.content.order();
        let link = letter.content.link();
        context! {
            subject => subject,
            preview => preview(letter),
            name => letter.name.as_str(),
            shop_name => self.shop_name.as_str(),
            shop_url => self.shop_url.as_str(),
            order => order.map_or(Value::from(()), |order| self.order(order)),
            link => link.map_or(Value::from(()), |link| self.link(&letter.content, link)),
        }
    }

    /// The token stands in the fragment of the URL, which no server sees.
    fn link(&self, content: &Content, link: &Link) -> Value {
        let page = match content {
            Content::PasswordReset(_) => "reset-password",
            _ => "verify-email",
        };
        context! {
            url => format!("{}{page}#token={}", self.shop_url, link.token),
            expires => link.expires_at.format("%-d %B %Y, %H:%M UTC").to_string(),
        }
    }

    fn order(&self, order: &Order) -> Value {
        let lines = order.items.iter().map(|item| {
            context! {
                name => item.name.as_str(),
                quantity => item.quantity,
                price => item.price.to_string(),
                sum => item.sum().to_string(),
            }
        });
        let address = order.address.iter().map(|line| Value::from(line.as_str()));
        let date = order.placed_at.map(|at| at.format("%-d %B %Y").to_string());
        context! {
            number => order.number(),
            url => format!("{}orders/{}", self.shop_url, order.id),
            date => date.unwrap_or_default(),
            lines => Value::from(lines.collect::<Vec<_>>()),
            total => order.total.to_string(),
            address => Value::from(address.collect::<Vec<_>>()),
        }
    }
}

/// What a list of mails shows beside the subject.
fn preview(letter: &Letter) -> String {
    let order = match &letter.content {
        Content::OrderConfirmation(order)
        | Content::OrderShipped(order)
        | Content::OrderCancelled(order) => order,
        Content::Welcome(_) => return "Your account is ready.".to_owned(),
        Content::EmailVerification(_) => return "One click, and it is done.".to_owned(),
        Content::PasswordReset(_) => return "The link is good for one use.".to_owned(),
        Content::PasswordChanged => return "All other devices were logged out.".to_owned(),
    };
    let count: i64 = order.items.iter().map(|item| i64::from(item.quantity)).sum();
    let items = if count == 1 { "item" } else { "items" };
    format!("{count} {items}, {} in total.", order.total)
}

/// The same HTML in ASCII: so no relay has to encode it, and no client can take it for
/// another character set.
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
    use crate::letter::{Amount, Item, Line};
    use iso_currency::Currency;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn templates() -> Templates {
        let url = Url::parse("https://shop.example").expect("a URL");
        Templates::new("Shopmesh".into(), url)
    }

    fn euros(minor: i64) -> Amount {
        Amount { minor, currency: Currency::EUR }
    }

    fn order(name: &str) -> Order {
        Order {
            id: Uuid::from_u128(0x1a2b_3c4d << 96),
            placed_at: chrono::DateTime::from_timestamp(1_795_000_000, 0),
            items: vec![
                Item { name: Line::new(name), quantity: 2, price: euros(1250) },
                Item { name: Line::new("Tea"), quantity: 1, price: euros(499) },
            ],
            total: euros(2999),
            address: vec![Line::new(name), Line::new("Main Street 1")],
        }
    }

    fn letters(name: &str) -> [Letter; 8] {
        let link = Link {
            token: "q-_Z9".into(),
            expires_at: chrono::DateTime::from_timestamp(1_795_000_000, 0).expect("a time"),
        };
        [
            Content::OrderConfirmation(order(name)),
            Content::OrderShipped(order(name)),
            Content::OrderCancelled(order(name)),
            Content::Welcome(None),
            Content::Welcome(Some(link.clone())),
            Content::EmailVerification(link.clone()),
            Content::PasswordReset(link),
            Content::PasswordChanged,
        ]
        .map(|content| Letter { name: Line::new(name), content })
    }

    #[test]
    fn each_mail_has_one_line_of_subject_and_says_the_same_in_text_and_html() {
        for letter in letters("Ann") {
            let words = templates().words(&letter).expect("it renders");
            assert!(!words.subject.is_empty() && !words.subject.contains('\n'), "{words:?}");
            let mut said = vec!["Ann", "Shopmesh", "https:"];
            if letter.content.order().is_some() {
                said.extend(["1a2b3c4d", "Tea", "12.50", "25.00", "4.99", "29.99"]);
            }
            if letter.content.link().is_some() {
                said.extend(["#token=q-_Z9", "18 November 2026, 11:06 UTC"]);
            }
            for said in said {
                assert!(words.text.contains(said), "{said} in {}", words.text);
                assert!(words.html.contains(said), "{said} in {}", words.html);
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
            let url = Url::parse(public_url).expect("a URL");
            let words = Templates::new("Shop".into(), url).words(&letters("Ann")[0]);
            let words = words.expect("it renders");
            assert!(words.text.contains(&link), "{link} in {}", words.text);
            assert!(words.html.contains(&link.replace('/', "&#x2f;")), "{link} in {}", words.html);
        }
    }

    #[test]
    fn a_link_leads_to_its_page_with_the_token_where_no_server_sees_it() {
        let url = Url::parse("https://shop.example/eu").expect("a URL");
        let templates = Templates::new("Shop".into(), url);
        let [.., greeting, verification, reset, _] = letters("Ann");
        for (letter, page) in
            [(greeting, "verify-email"), (verification, "verify-email"), (reset, "reset-password")]
        {
            let words = templates.words(&letter).expect("it renders");
            let link = format!("https://shop.example/eu/{page}#token=q-_Z9");
            assert!(words.text.contains(&link), "{link} in {}", words.text);
            assert!(words.html.contains(&link.replace('/', "&#x2f;")), "{link} in {}", words.html);
            assert!(!words.subject.contains("q-_Z9"), "{}", words.subject);
        }
    }

    proptest! {
        #[test]
        fn no_name_becomes_html_or_leaves_ascii(name in ".*<.*[\"'&>é日🎁].*") {
            for letter in letters(&name) {
                let words = templates().words(&letter).expect("it renders");
                let plain = templates().words(&letters("x")[0]).expect("it renders");
                prop_assert!(words.html.is_ascii());
                let tags = |html: &str| html.matches('<').count();
                if matches!(letter.content, Content::OrderConfirmation(_)) {
                    prop_assert_eq!(tags(&words.html), tags(&plain.html));
                }
                prop_assert!(!words.subject.contains(['\r', '\n']));
            }
        }
    }
}
