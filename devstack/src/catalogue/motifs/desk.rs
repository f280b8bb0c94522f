//! What lies on a desk.

use super::{
    Look, Motif, Picture,
    colour::{
        BLACK, BRASS, CREAM, Colour, GLASS, GREY, LEATHER, PINE, RED, SHADE, SHINE, STEEL, WHITE,
    },
};

/// The motif of each kind, by the last words of its name.
pub const KINDS: &[(&str, Motif)] = &[
    ("binder", binder),
    ("calculator", calculator),
    ("envelopes", envelopes),
    ("file-folder", folder),
    ("fountain-pen", fountain_pen),
    ("notebook", notebook),
    ("organiser", pen_holder),
    ("paper-clips", paper_clips),
    ("pen", pen),
    ("pen-holder", pen_holder),
    ("pencils", pencils),
    ("pens", pencils),
    ("planner", planner),
    ("ruler", ruler),
    ("scissors", scissors),
    ("sketchbook", notebook),
    ("stapler", stapler),
    ("tape", tape),
    ("tape-dispenser", tape_dispenser),
    ("wall-clock", clock),
];

fn notebook(p: &mut Picture, look: &Look) {
    p.tilted(8, |p| {
        p.round(38, 4, 142, 204, 10, SHADE);
        p.round(32, 2, 142, 200, 10, CREAM);
        p.round(28, -4, 142, 200, 10, look.main);
        p.rect(28, 4, 20, 184, SHADE);
        p.rect(146, -4, 8, 200, look.accent);
        p.line("M128 196v18l6-6 6 6v-18", 5, RED);
        p.round(68, 38, 60, 34, 4, CREAM);
        p.line("M80 50h36M80 61h20", 3, look.main);
    });
}

fn planner(p: &mut Picture, look: &Look) {
    p.round(-30, 22, 268, 172, 10, SHADE);
    p.round(-36, 14, 272, 172, 10, look.main);
    p.round(-28, 20, 256, 158, 4, WHITE);
    for x in [-20, 42, 104, 166] {
        p.rect(x, 34, 54, 9, look.accent);
        p.line(&format!("M{} 62h42m-42 20h42m-42 20h30m-30 34h42m-42 20h26", x + 4), 3, STEEL);
    }
    let rings = "v-16m28 16".repeat(9);
    p.line(&format!("M-12 26{rings}"), 5, GREY);
}

fn pen(p: &mut Picture, look: &Look) {
    p.tilted(40, |p| {
        p.area("M88 176h24l-8 40h-8z", STEEL);
        p.round(86, -20, 28, 200, 8, look.main);
        p.round(100, -20, 14, 200, 7, SHADE);
        p.round(92, -36, 16, 20, 6, STEEL);
        p.rect(84, 96, 32, 9, STEEL);
        p.round(110, -10, 8, 70, 4, STEEL);
        p.line("M93 0v84M93 116v50", 4, SHINE);
    });
}

fn fountain_pen(p: &mut Picture, look: &Look) {
    p.tilted(40, |p| {
        p.area("M86 164h28c0 22-8 36-14 56-6-20-14-34-14-56z", BRASS);
        p.line("M100 182v24", 3, BLACK);
        p.area("M84-30q16-16 32 0v150l-4 46H88l-4-46z", look.main);
        p.area("M102-38q8 0 14 8v150l-4 46h-10z", SHADE);
        p.rect(82, 60, 36, 9, BRASS);
        p.round(96, -26, 8, 78, 4, BRASS);
        p.line("M91 80v60", 4, SHINE);
    });
}

fn pencils(p: &mut Picture, look: &Look) {
    for (nth, colour) in look.paints.into_iter().enumerate() {
        let (x, y) = (40 * nth as i32, [14, -6, 4, -14, 10][nth]);
        p.moved(x, y, |p| {
            p.area("M4 50h32L20 2z", PINE);
            p.area("M15 18L20 2l5 16z", colour);
            p.rect(4, 48, 32, 146, colour);
            p.rect(15, 48, 11, 146, SHINE);
            p.rect(26, 48, 10, 146, SHADE);
        });
    }
}

fn scissors(p: &mut Picture, look: &Look) {
    p.tilted(24, |p| {
        p.both_sides(|p| {
            p.area("M92 116L70-36q32 50 44 150z", STEEL);
            p.line("M98 120q-30 20-34 44m0 0a24 26 0 1 0-4 40 24 26 0 0 0 4-40", 14, look.main);
        });
        p.circle(101, 112, 7, GREY);
    });
}

fn stapler(p: &mut Picture, look: &Look) {
    p.stand(260);
    p.round(-20, 178, 240, 20, 8, BLACK);
    p.area("M-10 178v-54q110-2 214 22v10q-120-8-190 22z", STEEL);
    p.area("M-24 130c-4-60 20-58 60-50l160 46q18 6 14 26-120-26-234-22z", look.main);
    p.line("M10 96q70 4 160 36", 7, SHINE);
}

fn binder(p: &mut Picture, look: &Look) {
    p.stand(170);
    for (x, colour) in [(10, look.main), (72, look.accent), (134, look.main.pale())] {
        p.round(x, -6, 58, 204, 5, colour);
        p.rect(x + 44, -6, 14, 204, SHADE);
        p.round(x + 10, 20, 32, 64, 3, CREAM);
        p.line(&format!("M{} 40h16m-16 14h16", x + 18), 3, GREY);
        p.circle(x + 26, 160, 13, STEEL);
        p.circle(x + 26, 160, 8, BLACK);
    }
}

fn folder(p: &mut Picture, look: &Look) {
    p.stand(240);
    for (nth, colour) in look.paints.into_iter().enumerate() {
        let (x, y) = (-10 + 12 * nth as i32, 18 + 14 * nth as i32);
        p.round(x + 26 * nth as i32, y, 54, 30, 6, colour);
        p.round(x, y + 16, 180, 178 - y, 6, colour.pale());
    }
    p.round(-16, 106, 232, 92, 10, look.main);
    p.rect(-16, 150, 232, 8, look.main.deep());
    p.circle(100, 154, 10, BRASS);
}

fn tape(p: &mut Picture, look: &Look) {
    p.stand(250);
    for (x, colour) in [(46, look.accent), (150, look.main)] {
        p.circle(x, 126, 72, colour);
        p.circle(x, 126, 62, colour.pale());
        p.circle(x, 126, 40, LEATHER);
        p.circle(x, 126, 34, Colour::rgb(0xf4efe4));
        p.line(&format!("M{} 92a56 56 0 0 1 32-22", x - 46), 5, SHINE);
    }
    p.area("M150 184h104l-6 7 6 7H150z", look.main);
}

fn tape_dispenser(p: &mut Picture, look: &Look) {
    p.stand(220);
    p.circle(80, 104, 76, PINE);
    p.circle(80, 104, 66, SHINE);
    p.area("M-8 150q88 30 176-58l44-10 8 20-34 22c-30 50-70 70-90 76H12q-18-10-20-50z", look.main);
    p.area("M206 76l20 34 8-6-16-34z", STEEL);
    p.circle(80, 104, 34, look.main.deep());
    p.circle(80, 104, 16, STEEL);
}

fn pen_holder(p: &mut Picture, look: &Look) {
    p.stand(120);
    let [one, two, three, ..] = look.paints;
    for (turn, colour) in [(-16, one), (14, two), (-2, three)] {
        p.group(&format!("rotate({turn} 100 190)"), |p| {
            p.rect(92, 0, 16, 150, colour);
            p.area("M92 2L100-22 108 2z", PINE);
            p.rect(102, 0, 6, 150, SHADE);
        });
    }
    p.round(122, 16, 20, 100, 2, STEEL);
    p.cylinder((48, 88), (104, 100), [look.main, look.main.deep()]);
    p.line("M66 116v60M84 120v60", 5, SHINE);
}

fn paper_clips(p: &mut Picture, look: &Look) {
    let places = [(-70, -10, 20), (40, 50, -30), (-40, 90, 70), (90, -50, 50), (70, 110, 10)];
    for (colour, (x, y, turn)) in look.paints.into_iter().zip(places) {
        p.group(&format!("translate({x} {y}) rotate({turn} 60 60)"), |p| {
            p.line("M74 34v64a17 17 0 0 1-34 0V22a23 23 0 0 1 46 0v74", 8, colour);
        });
    }
}

fn envelopes(p: &mut Picture, look: &Look) {
    for (x, y, colour) in [(18, -26, look.main.deep()), (0, 0, look.main)] {
        p.moved(x, y, |p| {
            p.round(-20, 46, 226, 146, 6, SHADE);
            p.round(-26, 40, 226, 146, 6, colour);
            p.area("M-26 184L72 110h30l98 74q0 4-8 4H-18q-8 0-8-4z", SHADE);
            p.area("M-26 44q2-6 8-6h210q6 0 8 6l-106 88q-7 5-14 0z", colour.pale());
        });
    }
    p.circle(87, 124, 15, RED);
}

fn calculator(p: &mut Picture, look: &Look) {
    p.round(28, -14, 160, 222, 16, SHADE);
    p.round(22, -20, 160, 222, 16, look.main);
    p.round(38, -2, 128, 50, 6, Colour::rgb(0xc9dcc4));
    p.line("M126 14v20M140 14v20M154 14v20", 6, BLACK);
    for y in [80, 112, 144, 176] {
        p.line(&format!("M54 {y}h6m26 0h6m26 0h6"), 20, WHITE);
        p.line(&format!("M148 {y}h6"), 20, look.accent);
    }
}

fn clock(p: &mut Picture, look: &Look) {
    p.circle(105, 107, 112, SHADE);
    p.circle(100, 100, 112, look.main);
    p.circle(100, 100, 98, WHITE);
    p.line("M100 14v10M100 176v10M14 100h10M176 100h10", 7, BLACK);
    p.line(
        "M57 26l4 6M143 26l-4 6M26 57l6 4M174 57l-6 4\
            M57 174l4-6M143 174l-4-6M26 143l6-4M174 143l-6-4",
        4,
        GREY,
    );
    p.line("M100 100L62 66M100 100l44-52", 8, BLACK);
    p.line("M88 120l44-76", 3, RED);
    p.circle(100, 100, 9, RED);
}

fn ruler(p: &mut Picture, look: &Look) {
    p.tilted(-24, |p| {
        p.round(-66, 80, 340, 58, 5, SHADE);
        p.round(-70, 72, 340, 58, 5, look.main);
        let marks = "v20m10-20v10m10-10v10m10-10v10m10-10v10m10-10".repeat(6);
        p.line(&format!("M-58 74{marks}v20"), 3, BLACK);
        p.circle(248, 110, 7, GLASS);
    });
}
