//! What a room is furnished with.

use super::{
    Look, Motif, Picture,
    colour::{BRASS, CLAY, CREAM, Colour, GLASS, GREEN, GREY, MUSTARD, NAVY, SHADE, SHINE, WOOD},
};

/// The motif of each kind, by the last words of its name.
pub const KINDS: &[(&str, Motif)] = &[
    ("adjustable-desk", desk),
    ("armchair", armchair),
    ("bar-stool", bar_stool),
    ("bedside-table", bedside_table),
    ("bench", bench),
    ("bistro-table", round_table),
    ("bookcase", bookcase),
    ("chair", chair),
    ("chest-of-three-drawers", chest_of_drawers),
    ("coat-stand", coat_stand),
    ("coffee-table", coffee_table),
    ("dining-table", dining_table),
    ("mirror", mirror),
    ("sideboard", sideboard),
    ("sofa", sofa),
    ("spindle-chair", spindle_chair),
    ("stacking-chair", stacking_chair),
    ("step-stool", step_stool),
    ("wall-shelf", wall_shelf),
    ("writing-desk", writing_desk),
];

fn chair(p: &mut Picture, look: &Look) {
    p.stand(150);
    p.both_sides(|p| p.line("M46 108l-8 90M58-24l-4 128", 11, look.main.deep()));
    p.line("M60 30q40-12 80 0M59 62q41-10 82 0", 9, look.main);
    p.round(50, -34, 100, 40, 14, look.main);
    p.round(34, 98, 132, 22, 9, look.accent);
    p.round(34, 112, 132, 10, 5, look.main.deep());
}

fn spindle_chair(p: &mut Picture, look: &Look) {
    p.stand(160);
    p.both_sides(|p| p.line("M56 112l-16 86M46 160h54", 9, look.main.deep()));
    p.line("M66 104L58-12M83 104L79-20M100 104v-124M117 104l4-124M134 104l8-116", 6, look.main);
    p.line("M50-14q50-22 100 0", 17, look.main);
    p.area("M36 96h128q6 24-14 26H50q-20-2-14-26z", look.main.deep());
    p.round(34, 94, 132, 16, 8, look.main);
}

fn stacking_chair(p: &mut Picture, look: &Look) {
    p.stand(150);
    p.both_sides(|p| p.line("M60 108l-22 90", 7, GREY));
    p.area("M48-24q52-20 104 0l6 92q-58 18-116 0z", look.main);
    p.line("M58 64v40M142 64v40", 7, GREY);
    p.round(36, 96, 128, 18, 9, look.main.deep());
    p.round(80, 0, 40, 10, 5, SHADE);
    p.line("M60-6l-4 50", 6, SHINE);
}

fn armchair(p: &mut Picture, look: &Look) {
    p.stand(190);
    p.both_sides(|p| p.line("M34 180l-6 18", 9, WOOD));
    p.round(30, 6, 140, 140, 44, look.main.deep());
    p.round(44, 20, 112, 120, 34, look.main);
    seat(p, look, 0, 200);
    p.line("M78 56h0m44 0h0m-22 26h0", 7, look.main.deep());
}

fn sofa(p: &mut Picture, look: &Look) {
    p.stand(310);
    p.line("M-20 180l-6 18M220 180l6 18", 9, WOOD);
    p.round(-34, 34, 268, 120, 30, look.main.deep());
    p.round(-20, 46, 118, 96, 22, look.main);
    p.round(102, 46, 118, 96, 22, look.main);
    seat(p, look, -60, 320);
    p.line("M100 112v24", 4, SHADE);
    p.tilted(10, |p| p.round(20, 64, 62, 58, 14, look.accent));
}

/// The cushion between two arms.
fn seat(p: &mut Picture, look: &Look, left: i32, width: i32) {
    p.round(left + 20, 108, width - 40, 44, 16, look.main.pale());
    p.round(left + 20, 136, width - 40, 48, 12, look.main.deep());
    p.round(left, 84, 38, 102, 19, look.main);
    p.round(left + width - 38, 84, 38, 102, 19, look.main);
    p.round(left + width - 18, 96, 18, 90, 9, SHADE);
}

fn step_stool(p: &mut Picture, look: &Look) {
    p.stand(180);
    p.both_sides(|p| p.area("M44 60h22L42 200H16z", look.main.deep()));
    p.rect(36, 120, 128, 34, SHADE);
    p.round(12, 120, 176, 18, 6, look.main);
    p.round(32, 48, 136, 20, 6, look.main);
    p.line("M50 58h60M36 129h90", 3, SHADE);
    p.round(80, 52, 40, 9, 4, look.main.deep());
}

fn bar_stool(p: &mut Picture, look: &Look) {
    p.stand(120);
    p.both_sides(|p| p.line("M72 16L42 198M84 16l-8 178", 8, look.main.deep()));
    p.line("M52 138h96", 7, GREY);
    p.round(42, -12, 116, 30, 14, look.accent);
    p.round(42, 8, 116, 14, 7, look.accent.deep());
}

fn dining_table(p: &mut Picture, look: &Look) {
    p.stand(330);
    p.line("M-22 96l-12 100M222 96l12 100", 15, look.main.deep());
    p.rect(-26, 86, 252, 24, look.main.deep());
    p.round(-64, 70, 328, 20, 6, look.main);
    p.line("M32 72v16M168 72v16M-40 80h50M60 80h70", 3, SHADE);
    p.area("M72 44h56q0 26-18 26H90q-18 0-18-26z", CREAM);
    p.line("M86 40h0m28 0h0m-14-10h0", 22, CLAY);
}

fn round_table(p: &mut Picture, look: &Look) {
    p.stand(130);
    p.line("M100 60v120", 14, look.main.deep());
    p.line("M100 168c-10 20-30 24-56 26M100 168c10 20 30 24 56 26", 10, look.main.deep());
    p.ellipse(100, 56, 106, 16, look.main.deep());
    p.ellipse(100, 48, 106, 16, look.main);
    p.line("M20 44q40-12 90-8", 4, SHINE);
    p.round(84, 14, 32, 32, 8, CREAM);
    p.line("M116 22q14 0 12 8t-12 8", 5, CREAM);
}

fn coffee_table(p: &mut Picture, look: &Look) {
    p.stand(280);
    p.line("M-16 128l-14 70M216 128l14 70", 11, look.main.deep());
    p.round(-50, 112, 300, 20, 8, look.main);
    p.rect(-6, 158, 212, 9, look.main.deep());
    p.line("M-30 122h80M90 122h110", 3, SHADE);
    p.round(34, 100, 84, 12, 3, NAVY);
    p.round(42, 88, 70, 12, 3, MUSTARD);
    p.line("M160 76l-6-40M160 76l10-34", 4, GREEN);
    p.ellipse(152, 34, 8, 14, GREEN);
    p.ellipse(172, 42, 7, 12, GREEN);
    p.round(144, 74, 34, 38, 9, CREAM);
}

fn bedside_table(p: &mut Picture, look: &Look) {
    p.stand(150);
    p.both_sides(|p| p.line("M44 150l-6 48", 10, look.main.deep()));
    cabinet(p, look, (28, 58), (144, 100));
    drawer(p, look, (38, 68), (124, 40));
    p.rect(38, 114, 124, 36, SHADE);
    p.round(60, 134, 70, 12, 2, CLAY);
    p.round(20, 50, 160, 14, 6, look.main.pale());
}

fn desk(p: &mut Picture, look: &Look) {
    p.stand(300);
    p.both_sides(|p| {
        p.rect(-8, 84, 16, 112, GREY);
        p.round(-40, 190, 80, 10, 5, GREY.deep());
    });
    p.rect(0, 92, 200, 12, GREY.deep());
    p.round(-60, 70, 320, 18, 6, look.main);
    p.round(34, -14, 116, 68, 6, NAVY);
    p.round(40, -8, 104, 56, 3, GLASS);
    p.line("M92 54v14M72 70h40", 7, GREY);
    p.round(200, 94, 34, 9, 4, NAVY);
}

fn writing_desk(p: &mut Picture, look: &Look) {
    p.stand(290);
    p.line("M-24 110l-8 88M224 110l8 88", 11, look.main.deep());
    cabinet(p, look, (-42, 76), (284, 48));
    drawer(p, look, (-30, 84), (126, 32));
    drawer(p, look, (104, 84), (126, 32));
    p.round(-54, 66, 308, 14, 6, look.main.pale());
    p.line("M180 64V30l-24-24", 5, BRASS);
    p.area("M142-6l32 4-22 28z", BRASS);
    p.round(10, 54, 60, 12, 2, CLAY);
}

fn bookcase(p: &mut Picture, look: &Look) {
    p.stand(170);
    p.round(22, -40, 156, 240, 5, look.main.deep());
    p.rect(32, -30, 136, 222, SHADE);
    for (shelf, y) in [5, 52, 99, 146, 192].into_iter().enumerate() {
        books(p, look, 36 + 14 * (shelf as i32 % 3), y);
        p.rect(26, y, 148, 8, look.main);
    }
}

/// Five books on a shelf at `y`.
fn books(p: &mut Picture, look: &Look, mut x: i32, y: i32) {
    for (nth, colour) in look.paints.into_iter().enumerate() {
        let (width, height) = (12 + (x % 7), 24 + (x * 5 + y) % 9);
        let colour = if nth % 2 == 0 { colour } else { colour.pale() };
        p.rect(x, y - height, width, height, colour);
        x += width + 1;
    }
}

fn wall_shelf(p: &mut Picture, look: &Look) {
    books(p, look, -20, 112);
    p.area("M142 84h52l-6 28h-40z", CREAM);
    p.line("M168 84V44M168 70l-18-20M168 66l20-24", 5, GREEN);
    p.line("M150 48h0m38-8h0m-20-4h0", 20, GREEN);
    p.round(-50, 112, 300, 20, 4, look.main);
    p.rect(-50, 126, 300, 6, look.main.deep());
    p.area("M-40 132h300l-20 14H-60z", SHADE);
}

fn chest_of_drawers(p: &mut Picture, look: &Look) {
    p.stand(210);
    p.both_sides(|p| p.line("M18 180l-4 18", 11, look.main.deep()));
    cabinet(p, look, (0, 30), (200, 156));
    for y in [42, 90, 138] {
        drawer(p, look, (12, y), (176, 42));
    }
    p.round(-8, 22, 216, 14, 6, look.main.pale());
}

fn sideboard(p: &mut Picture, look: &Look) {
    p.stand(300);
    p.line("M-26 170l-8 28M226 170l8 28", 10, look.main.deep());
    cabinet(p, look, (-50, 72), (300, 102));
    for x in [-40, 54, 148] {
        p.round(x, 84, 92, 80, 3, CREAM);
        let weave = "l12 12-12 12m16-24l-12 12 12 12";
        for row in 0..3 {
            let y = 88 + row * 24;
            p.line(
                &format!("M{} {y}{weave}M{} {y}{weave}M{} {y}{weave}", x + 14, x + 40, x + 66),
                2,
                WOOD.deep(),
            );
        }
    }
    p.round(-58, 64, 316, 13, 6, look.main.pale());
}

fn cabinet(p: &mut Picture, look: &Look, (x, y): (i32, i32), (width, height): (i32, i32)) {
    p.round(x, y, width, height, 6, look.main);
    p.rect(x + width - 10, y, 10, height, SHADE);
}

fn drawer(p: &mut Picture, look: &Look, (x, y): (i32, i32), (width, height): (i32, i32)) {
    p.round(x, y, width, height, 4, look.main.deep());
    p.round(x + 2, y + 2, width - 4, height - 4, 3, look.main);
    let (middle, half) = (x + width / 2, width / 9);
    p.line(&format!("M{} {}h{}", middle - half, y + height / 2, 2 * half), 6, BRASS);
}

fn bench(p: &mut Picture, look: &Look) {
    p.stand(290);
    p.line("M-22 130l-10 68M222 130l10 68", 12, look.main.deep());
    p.line("M-26 172h252", 7, look.main.deep());
    p.round(-48, 112, 296, 20, 6, look.main);
    p.round(-40, 94, 280, 24, 12, look.accent);
    p.line("M30 96v20M170 96v20", 3, SHADE);
}

fn mirror(p: &mut Picture, look: &Look) {
    p.circle(105, 108, 112, SHADE);
    p.circle(100, 100, 112, look.main);
    p.circle(100, 100, 98, Colour::rgb(0xdcebee));
    p.area("M30 130L130 30l28 24L66 158z", SHINE);
    p.area("M84 172l96-96 8 20-84 88z", SHINE);
}

fn coat_stand(p: &mut Picture, look: &Look) {
    p.stand(130);
    p.line("M100-30V176", 10, look.main);
    p.line("M100 160l-46 36M100 160l46 36M100 168v28", 9, look.main.deep());
    p.both_sides(|p| p.line("M100 20q-30 0-36-26M100 48q-20 0-26-18", 8, look.main));
    p.circle(100, -34, 10, look.main);
    p.area("M62 6c-22 20-30 70-32 120h62c2-50-6-100-30-120z", look.accent);
    p.line("M62 24v98", 3, SHADE);
    p.area("M128 34h36v14h-36z M118 44h56q6 10 0 12h-56q-6-2 0-12z", NAVY);
}
