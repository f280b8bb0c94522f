//! One drawing for each kind of thing, and which one a product gets.

mod cooking;
mod desk;
mod devices;
mod drinks;
mod furniture;
mod garden;
mod home;
mod lights;
mod outdoor;
mod table;
mod toys;
mod workshop;

use super::{Product, colour, look::Look, picture::Picture, words};

/// Draws a thing of one kind in the colours of one product.
pub type Motif = fn(&mut Picture, &Look);

/// All kinds of things that are drawn, each under the last words of its name.
const KINDS: [&[(&str, Motif)]; 12] = [
    cooking::KINDS,
    desk::KINDS,
    devices::KINDS,
    drinks::KINDS,
    furniture::KINDS,
    garden::KINDS,
    home::KINDS,
    lights::KINDS,
    outdoor::KINDS,
    table::KINDS,
    toys::KINDS,
    workshop::KINDS,
];

/// The motif for a product: of the kind that its name says, else a parcel.
pub fn choose(product: &Product) -> Motif {
    kind(&product.slug).unwrap_or(parcel)
}

fn kind(slug: &str) -> Option<Motif> {
    words::said(slug, KINDS.into_iter().flatten())
}

/// What stands for a kind that nobody has drawn, in the colours of its category.
fn parcel(p: &mut Picture, look: &Look) {
    p.stand(230);
    p.round(-4, 50, 208, 148, 6, colour::SAND);
    p.rect(174, 50, 30, 148, colour::SHADE);
    p.round(-14, 36, 228, 34, 6, colour::SAND.deep());
    p.rect(82, 36, 36, 162, look.main);
    p.area(
        "M100 36C60-24 20-14 30 14c6 16 40 22 70 22z\
            M100 36C140-24 180-14 170 14c-6 16-40 22-70 22z",
        look.main.deep(),
    );
    p.circle(100, 34, 13, look.main);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::catalogue::products;

    #[test]
    fn every_product_is_of_a_kind_that_is_drawn() {
        for product in products() {
            assert!(kind(&product.slug).is_some(), "{}", product.slug);
        }
    }

    #[test]
    fn every_kind_that_is_drawn_is_sold() {
        let sold: HashSet<Motif> = products().filter_map(|product| kind(&product.slug)).collect();
        for (name, motif) in KINDS.into_iter().flatten() {
            assert!(sold.contains(motif), "{name}");
        }
    }
}
