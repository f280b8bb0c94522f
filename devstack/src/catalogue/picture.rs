//! A drawing under way: the few strokes that every motif is made of, collected as SVG.
//!
//! A thing is drawn in a square from (0, 0) to (200, 200). What stands, stands on y = 200.

use std::fmt::Write;

use super::colour::{Colour, SHADE};

/// A thing that is being drawn.
#[derive(Default)]
pub struct Picture {
    svg: String,
    stands: bool,
}

impl Picture {
    /// Puts the thing on the floor, with a shadow as wide as `width` around x = 100.
    pub fn stand(&mut self, width: i32) {
        self.stands = true;
        self.ellipse(100, 200, width / 2, 8, SHADE);
    }

    /// Whether the thing stands on the floor; otherwise it hangs, or is seen from above.
    pub fn stands(&self) -> bool {
        self.stands
    }

    /// A rectangle from its upper left corner.
    pub fn rect(&mut self, x: i32, y: i32, width: i32, height: i32, fill: Colour) {
        self.add(format_args!(
            r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{fill}"/>"#
        ));
    }

    /// A rectangle with round corners, as large as they can be up to `r`.
    pub fn round(&mut self, x: i32, y: i32, width: i32, height: i32, r: i32, fill: Colour) {
        let r = r.min(width / 2).min(height / 2);
        self.add(format_args!(
            r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{r}" fill="{fill}"/>"#
        ));
    }

    /// A circle around (x, y).
    pub fn circle(&mut self, x: i32, y: i32, r: i32, fill: Colour) {
        self.add(format_args!(r#"<circle cx="{x}" cy="{y}" r="{r}" fill="{fill}"/>"#));
    }

    /// An ellipse around (x, y).
    pub fn ellipse(&mut self, x: i32, y: i32, rx: i32, ry: i32, fill: Colour) {
        self.add(format_args!(r#"<ellipse cx="{x}" cy="{y}" rx="{rx}" ry="{ry}" fill="{fill}"/>"#));
    }

    /// The area inside an SVG path.
    pub fn area(&mut self, path: &str, fill: Colour) {
        self.add(format_args!(r#"<path d="{path}" fill="{fill}"/>"#));
    }

    /// A line along an SVG path; the scene makes its ends round.
    pub fn line(&mut self, path: &str, width: i32, colour: Colour) {
        self.add(format_args!(
            r#"<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>"#
        ));
    }

    /// A round thing seen from a little above: its side, with shadow on the right, and its top.
    ///
    /// Its top is the ellipse around `y`, and its side is `height` long.
    pub fn cylinder(&mut self, (x, y): (i32, i32), (width, height): (i32, i32), fill: [Colour; 2]) {
        let (rx, ry, right) = (width / 2, width / 9, x + width);
        self.area(&format!("M{x} {y}v{height}a{rx} {ry} 0 0 0 {width} 0V{y}z"), fill[0]);
        let (band, rise) = (width / 4, ry * 7 / 8);
        self.area(&format!("M{right} {y}v{height}a{rx} {ry} 0 0 1-{band} {rise}V{y}z"), SHADE);
        self.ellipse(x + rx, y, rx, ry, fill[1]);
    }

    /// Draws on both sides: as it is, and mirrored at x = 100.
    pub fn both_sides(&mut self, draw: impl Fn(&mut Self)) {
        draw(self);
        self.group("matrix(-1 0 0 1 200 0)", draw);
    }

    /// Draws the thing turned clockwise around (100, 100).
    pub fn tilted(&mut self, degrees: i32, draw: impl Fn(&mut Self)) {
        self.group(&format!("rotate({degrees} 100 100)"), draw);
    }

    /// Draws the thing moved by (x, y).
    pub fn moved(&mut self, x: i32, y: i32, draw: impl Fn(&mut Self)) {
        self.group(&format!("translate({x} {y})"), draw);
    }

    /// Draws the thing at `percent` of its size, its foot moved to (x, y).
    pub fn scaled(&mut self, x: i32, y: i32, percent: i32, draw: impl Fn(&mut Self)) {
        let scale = f64::from(percent) / 100.0;
        let transform = format!("translate({x} {y}) scale({scale}) translate(-100 -200)");
        self.group(&transform, draw);
    }

    /// Draws three of the thing, one of them in front.
    pub fn trio(&mut self, draw: impl Fn(&mut Self)) {
        self.scaled(38, 192, 72, &draw);
        self.scaled(162, 192, 72, &draw);
        self.scaled(100, 202, 80, &draw);
    }

    /// Draws inside a group with an SVG `transform`.
    pub fn group(&mut self, transform: &str, draw: impl Fn(&mut Self)) {
        self.add(format_args!(r#"<g transform="{transform}">"#));
        draw(self);
        self.add(format_args!("</g>"));
    }

    /// The finished drawing, as SVG elements without a document around them.
    pub fn into_svg(self) -> String {
        self.svg
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        self.svg.write_fmt(element).expect("writing to a string cannot fail");
    }
}
