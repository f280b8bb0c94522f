//! Addresses of mails with international domains.

use lettre::Address;

/// Returns the address with its domain in ASCII (A-labels, RFC 5890), which every mail server accepts:
/// only the part before the @ requires SMTPUTF8. None: the domain has no such form.
pub(crate) fn with_ascii_domain(address: &Address) -> Option<Address> {
    if address.domain().is_ascii() {
        return Some(address.clone());
    }
    let domain = idna::domain_to_ascii(address.domain()).ok()?;
    Address::new(address.user(), domain).ok()
}
