//! What `devstack up` prints when the store is ready.

use crate::{addresses::Addresses, seed};

/// Returns addresses, logins and first commands for the parts that this store has.
pub(crate) fn text(addresses: &Addresses) -> String {
    let dir = addresses.dir().display();
    let mut lines = vec![String::new(), "The store runs.".to_owned(), String::new()];
    let mut commands = Vec::new();
    if let Some(gateway) = addresses.gateway_url() {
        lines.push(format!("  gateway   {gateway}"));
        commands.push(format!("curl {gateway}/.well-known/jwks.json"));
        commands.push(format!(
            "printf '\\0\\0\\0\\0\\0' | curl -s --data-binary @- \
             -H 'content-type: application/grpc-web' \\\n    \
             {gateway}/shopmesh.product.v1.ProductService/ListProducts | strings"
        ));
        for (name, login) in [("admin", seed::admin()), ("customer", seed::customer())] {
            lines.push(format!("  {name:<9} {} / {}", login.email, login.password));
        }
    }
    if let Some(mailbox) = addresses.mailbox_url() {
        lines.push(format!("  mailbox   {mailbox}"));
        commands.push(format!("curl {mailbox}/email"));
    }
    lines.push("\nTry, in another terminal:".to_owned());
    lines.extend(commands.iter().map(|command| format!("  {command}")));
    lines.push(format!("\nThe same as NAME=value: {dir}/env. Logs: {dir}/logs."));
    lines.push("Ctrl-C stops everything; the data stays.".to_owned());
    lines.join("\n")
}
