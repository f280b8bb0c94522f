//! The whole picture of a product: the thing in front of the wall of its category.

use super::{
    Product, colour::Colour, colour::Palette, colour::palette, look::Look, motifs, picture::Picture,
};

/// The picture of a product, a complete SVG document of 400 × 300.
pub fn draw(product: &Product) -> String {
    let palette = palette(&product.category);
    let look = Look::new(product, &palette);
    let mut thing = Picture::default();
    motifs::choose(product)(&mut thing, &look);

    let mut scene = Picture::default();
    scene.rect(0, 0, 400, 300, palette.wall);
    hang_shape(&mut scene, &look, palette.shape);
    if thing.stands() {
        lay_floor(&mut scene, &palette);
    }
    format!(
        concat!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300" "#,
            r#"stroke-linecap="round" stroke-linejoin="round">"#,
            r#"{scene}<g transform="{place}">{thing}</g></svg>"#,
        ),
        scene = scene.into_svg(),
        place = place(&look),
        thing = thing.into_svg(),
    )
}

fn hang_shape(scene: &mut Picture, look: &Look, colour: Colour) {
    match look.choose(3, 4) {
        0 => scene.circle(200, 146, 118, colour),
        1 => scene.area("M82 300V150a118 118 0 0 1 236 0v150z", colour),
        2 => scene
            .area("M96 66c70-58 190-40 228 34s2 168-98 172-186-30-198-94 18-68 68-112z", colour),
        _ => scene.round(72, 34, 256, 226, 56, colour),
    }
}

fn lay_floor(scene: &mut Picture, palette: &Palette) {
    scene.rect(0, 228, 400, 72, palette.floor);
    scene.rect(0, 228, 400, 3, palette.floor.deep());
}

/// Puts the thing in the middle, its foot on the floor, in the product's proportions.
fn place(look: &Look) -> String {
    let (width, height) = look.proportions();
    format!("translate(200 250) scale({width:.2} {height:.2}) translate(-100 -200)")
}
