//! What a person reads once the store runs.

use crate::addresses::Addresses;
use crate::seed;

/// Addresses, logins and first commands.
pub(crate) fn text(addresses: &Addresses) -> String {
    let (admin, customer) = (seed::admin(), seed::customer());
    let gateway = addresses.gateway_url().unwrap_or_default();
    let mailbox = addresses.mailbox_url().or_else(|| addresses.smtp_url()).unwrap_or_default();
    format!(
        "
The store runs.

  gateway   {gateway}
  mailbox   {mailbox}
  admin     {} / {}
  customer  {} / {}

Try, in another terminal:
  curl {gateway}/.well-known/jwks.json
  curl {mailbox}/email
  printf '\\0\\0\\0\\0\\0' | curl -s --data-binary @- -H 'content-type: application/grpc-web' \\
    {gateway}/shopmesh.product.v1.ProductService/ListProducts | strings

The same as NAME=value: {dir}/env. Logs: {dir}/logs. Ctrl-C stops everything, the data stays.
",
        admin.email,
        admin.password,
        customer.email,
        customer.password,
        dir = addresses.dir().display(),
    )
}
