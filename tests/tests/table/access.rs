//! Who may call each method: the options of the contract against `access.txt`.

use mesh::access::{Access, Method, Methods};

use crate::differences::Differences;

const TABLE: &str = include_str!("access.txt");

/// Compares the options of all methods with the table.
pub fn compare(differences: &mut Differences) {
    let methods = Methods::read(proto::FILE_DESCRIPTOR_SET).expect("the descriptors");
    let stated = methods.iter().map(|(_, method)| row(method));
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let expected = lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let place = "proto/shopmesh, access of each method in tests/tests/table/access.txt";
    differences.compare(place, stated, expected);
}

/// Returns the line of a method in the table.
fn row(method: &Method) -> String {
    let access = match &method.access {
        Access::Public => "PUBLIC".to_owned(),
        Access::Roles(_) => method.access.role().unwrap_or_default().to_uppercase(),
        Access::Internal { callers } => format!("INTERNAL {}", callers.join(" ")),
        Access::Nobody => "NOBODY".to_owned(),
    };
    let (_, service) = method.service.rsplit_once('.').unwrap_or_default();
    let mut row = format!("{service}.{} {access}", method.name);
    if method.idempotent {
        row.push_str(if method.no_side_effects { " NO_SIDE_EFFECTS" } else { " IDEMPOTENT" });
    }
    row
}
