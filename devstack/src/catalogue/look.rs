//! How one product differs from others of its kind: its colours and its proportions.

use super::{
    Product,
    colour::{Colour, MATERIALS, NAMED, Palette},
    words,
};

/// The colours and proportions of one product.
pub struct Look {
    /// The colour that the name or the description says, or one of its category.
    pub main: Colour,
    /// A colour that goes with `main`.
    pub accent: Colour,
    /// All colours of the category, for things that have many.
    pub paints: [Colour; 5],
    seed: u64,
}

impl Look {
    /// The look of a product, always the same for the same SKU and words.
    pub fn new(product: &Product, palette: &Palette) -> Self {
        let seed = fnv1a(&product.sku);
        let paint = |at: u64| palette.paints[(at % 5) as usize];
        let words = product.description.to_lowercase().replace(|c: char| !c.is_alphanumeric(), "-");
        let said = words::said(&product.slug, NAMED.iter().chain(MATERIALS))
            .or_else(|| words::said(&words, NAMED));
        let main = said.unwrap_or(paint(seed));
        let accent = if main == paint(seed + 2) { paint(seed + 3) } else { paint(seed + 2) };
        Self { main, accent, paints: palette.paints, seed }
    }

    /// One of `choices` numbers from 0. Each `question` is answered on its own.
    pub fn choose(&self, question: u64, choices: usize) -> usize {
        (self.seed >> (question * 8)) as usize % choices
    }

    /// How wide and how tall, as factors near 1.
    pub fn proportions(&self) -> (f64, f64) {
        let near_one = |question| [0.94, 0.96, 0.98, 1.0, 1.02, 1.04][self.choose(question, 6)];
        (near_one(1), near_one(2))
    }
}

/// The 64-bit FNV-1a hash, folded once more so that neighbours differ in every byte.
fn fnv1a(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash ^ hash.rotate_right(29) ^ hash.rotate_right(47)
}
