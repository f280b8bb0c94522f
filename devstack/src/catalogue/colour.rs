//! Colours: of materials, of the words in a name, and of each category.

use std::fmt;

/// A colour with its opacity, written as `#rrggbb` or `#rrggbbaa`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(u32);

impl Colour {
    /// An opaque colour, `0xrrggbb`.
    pub const fn rgb(rgb: u32) -> Self {
        Self((rgb << 8) | 0xff)
    }

    /// A colour that lets through what is below, `0xrrggbbaa`.
    pub const fn rgba(rgba: u32) -> Self {
        Self(rgba)
    }

    /// The same colour in shadow.
    pub fn deep(self) -> Self {
        self.towards(0x301a20, 28)
    }

    /// The same colour in the light.
    pub fn pale(self) -> Self {
        self.towards(0xffffff, 38)
    }

    fn towards(self, rgb: u32, percent: u32) -> Self {
        let goal = rgb << 8;
        let channel = |shift: u32| {
            let (from, to) = (self.0 >> shift & 0xff, goal >> shift & 0xff);
            ((from * (100 - percent) + to * percent) / 100) << shift
        };
        Self(channel(24) | channel(16) | channel(8) | self.0 & 0xff)
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 & 0xff {
            0xff => write!(f, "#{:06x}", self.0 >> 8),
            _ => write!(f, "#{:08x}", self.0),
        }
    }
}

// The colours that all drawings share; a name says all there is to say of each.
pub const AMBER: Colour = Colour::rgb(0xc9822f);
pub const BLACK: Colour = Colour::rgb(0x343a46);
pub const BLUE: Colour = Colour::rgb(0x3f78b5);
pub const BRASS: Colour = Colour::rgb(0xd3a74e);
pub const BROWN: Colour = Colour::rgb(0x80563c);
pub const CLAY: Colour = Colour::rgb(0xc96f4a);
pub const CREAM: Colour = Colour::rgb(0xf3e7cf);
pub const DARK_WOOD: Colour = Colour::rgb(0xa8713f);
pub const GLASS: Colour = Colour::rgba(0xe3f3f5b8);
pub const GLOW: Colour = Colour::rgb(0xffe7a3);
pub const GREEN: Colour = Colour::rgb(0x4c8a5b);
pub const GREY: Colour = Colour::rgb(0x959ca6);
pub const HALO: Colour = Colour::rgba(0xffb86b30);
pub const LAVENDER: Colour = Colour::rgb(0xa48cc0);
pub const LEAF: Colour = Colour::rgb(0x6ba05c);
pub const LEATHER: Colour = Colour::rgb(0xb98252);
pub const MUSTARD: Colour = Colour::rgb(0xdda637);
pub const NAVY: Colour = Colour::rgb(0x32476e);
pub const PINE: Colour = Colour::rgb(0xe0b983);
pub const RED: Colour = Colour::rgb(0xcf4a3b);
pub const ROSE: Colour = Colour::rgb(0xdb8f92);
pub const SAGE: Colour = Colour::rgb(0x93ab8b);
pub const SAND: Colour = Colour::rgb(0xd8c3a0);
pub const SHADE: Colour = Colour::rgba(0x1a1c2c24);
pub const SHINE: Colour = Colour::rgba(0xffffff5c);
pub const STEEL: Colour = Colour::rgb(0xbcc5cc);
pub const WALNUT: Colour = Colour::rgb(0x8d5f42);
pub const WATER: Colour = Colour::rgba(0x7fc4dca8);
pub const WHITE: Colour = Colour::rgb(0xfcfaf5);
pub const WOOD: Colour = Colour::rgb(0xcd9f6b);
pub const YELLOW: Colour = Colour::rgb(0xf0c043);

/// The colours that words name.
pub const NAMED: &[(&str, Colour)] = &[
    ("amber", AMBER),
    ("black", BLACK),
    ("blue", BLUE),
    ("brown", BROWN),
    ("charcoal", BLACK),
    ("cream", CREAM),
    ("green", GREEN),
    ("grey", GREY),
    ("indigo", NAVY),
    ("mustard", MUSTARD),
    ("navy", NAVY),
    ("olive", GREEN),
    ("orange", AMBER),
    ("red", RED),
    ("rose", ROSE),
    ("rust", CLAY),
    ("sage", SAGE),
    ("sand", SAND),
    ("terracotta", CLAY),
    ("white", WHITE),
    ("yellow", YELLOW),
];

/// The colours of materials, and of what things are made for.
pub const MATERIALS: &[(&str, Colour)] = &[
    ("acacia", DARK_WOOD),
    ("aluminium", STEEL),
    ("amber-glass", AMBER),
    ("bamboo", PINE),
    ("beech", WOOD),
    ("beeswax", MUSTARD),
    ("brass", BRASS),
    ("buckwheat", SAND),
    ("carbon", BLACK),
    ("carbon-steel", BLACK),
    ("cedar", DARK_WOOD),
    ("cherry-wood", DARK_WOOD),
    ("cork", LEATHER),
    ("down", WHITE),
    ("galvanised", STEEL),
    ("iron", BLACK),
    ("kraft", SAND),
    ("lavender", LAVENDER),
    ("leather", LEATHER),
    ("linen", SAND),
    ("maple", PINE),
    ("moka", STEEL),
    ("oak", WOOD),
    ("olive-wood", DARK_WOOD),
    ("percale", WHITE),
    ("pine", PINE),
    ("porcelain", WHITE),
    ("rattan", DARK_WOOD),
    ("rubber-mallet", BLACK),
    ("seagrass", PINE),
    ("stainless", STEEL),
    ("steel", STEEL),
    ("straw", PINE),
    ("walnut", WALNUT),
];

/// The colours of one category: what is behind its things, and what the things may be painted.
pub struct Palette {
    /// The whole background.
    pub wall: Colour,
    /// The large shape on the wall, behind the thing.
    pub shape: Colour,
    /// What the thing stands on.
    pub floor: Colour,
    /// What a thing may be painted with if its words name no colour.
    pub paints: [Colour; 5],
}

/// The palette of a category; one that nobody has chosen colours for gets the kitchen's.
pub fn palette(category: &str) -> Palette {
    let (wall, shape, floor, paints) = match category {
        "bed-and-bath" => {
            (0xf2e9f1, 0xe0cde0, 0xcdb5ce, [0x6f86b3, 0xe09a78, 0x7fa898, 0xb06e8a, 0xd9b25f])
        }
        "coffee-and-tea" => {
            (0xf3e8dc, 0xe2cab0, 0xcaa987, [0x7a4b34, 0x3f6b62, 0xc8553d, 0xdfa83f, 0x455a73])
        }
        "electronics" => {
            (0xe6eaf0, 0xc8d2df, 0xb0bccb, [0x3a4150, 0x4a6fa5, 0xe2694c, 0x3b8686, 0x6b5b95])
        }
        "furniture" => {
            (0xebeee4, 0xd2dcc6, 0xc9ab87, [0xc8774f, 0x5e7f73, 0xd9a441, 0x4f6685, 0xa75d5d])
        }
        "garden-tools" => {
            (0xe8f3de, 0xc8e1b4, 0xa6c78b, [0xc8643c, 0x3f7d58, 0xe0a53a, 0x4c7fa0, 0xa3543f])
        }
        "lighting" => {
            (0x3c4462, 0x4d577c, 0x2f364f, [0xe8b04a, 0xd9694f, 0x8fb3a5, 0xf0e6d2, 0xc48aa0])
        }
        "office" => {
            (0xe6edf6, 0xc9d8ec, 0xb1c4de, [0xe2634a, 0x2f5d8c, 0xf0b541, 0x4c9a85, 0x8a63a8])
        }
        "outdoor" => {
            (0xdff0f6, 0xb9dbe4, 0x9cc08c, [0xe0703a, 0x2e7d6b, 0xe3b13e, 0x3a6ea5, 0xb6483f])
        }
        "tableware" => {
            (0xe6f0f1, 0xc6dee2, 0xadcad1, [0xc9694b, 0xdcae4e, 0x4b6e8f, 0xf3e7cf, 0x7f9f86])
        }
        "toys-and-games" => {
            (0xfdecea, 0xf9d2d0, 0xf0b3ae, [0xe5533d, 0x3b82c4, 0xf2b632, 0x4fa36b, 0x9461b8])
        }
        "workshop" => {
            (0xf5ecd4, 0xebd6a2, 0xcfb27a, [0xd1452f, 0x2c5f8a, 0xef9f22, 0x3c7a57, 0x4b4f58])
        }
        _ => (0xfcebdb, 0xf6d6b8, 0xe6bf97, [0xd9583b, 0x2f6f73, 0xe0a030, 0x3f5f8a, 0x6f8f5a]),
    };
    Palette {
        wall: Colour::rgb(wall),
        shape: Colour::rgb(shape),
        floor: Colour::rgb(floor),
        paints: paints.map(Colour::rgb),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_written_as_css() {
        assert_eq!(Colour::rgb(0x00ff0a).to_string(), "#00ff0a");
        assert_eq!(Colour::rgba(0x00ff0a80).to_string(), "#00ff0a80");
    }

    #[test]
    fn shadow_is_darker_and_light_is_lighter_and_neither_changes_the_opacity() {
        assert_eq!(Colour::rgba(0x80808040).pale(), Colour::rgba(0xb0b0b040));
        assert_eq!(Colour::rgb(0xffffff).deep(), Colour::rgb(0xc5bec0));
    }
}
