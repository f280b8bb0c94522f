//! What is soft, and what lies beside a bath.

use super::{
    Look, Motif, Picture,
    colour::{CREAM, GLASS, LEATHER, PINE, SHADE, SHINE, STEEL, WHITE, WOOD},
};

/// The motif of each kind, by the last words of its name.
pub const KINDS: &[(&str, Motif)] = &[
    ("basket", basket),
    ("bath-mat", bath_mat),
    ("blanket", blanket),
    ("cushion", cushion),
    ("duvet-cover", bedding),
    ("floor-cushion", striped_cushion),
    ("hammam-towel", hammam_towel),
    ("pillow", pillow),
    ("sheet-set", bedding),
    ("soap", soap),
    ("soap-dispenser", dispenser),
    ("throw", throw),
    ("toothbrush-mug", toothbrush_mug),
    ("towel", towel),
    ("towels", towel),
];

fn bedding(p: &mut Picture, look: &Look) {
    p.stand(230);
    for (y, colour) in [(156, look.main.deep()), (116, look.main), (76, look.main.pale())] {
        p.round(-4, y, 208, 44, 20, colour);
        p.line(&format!("M16 {}h150", y + 22), 3, SHADE);
    }
    p.line("M70 76v124M130 76v124", 6, look.accent);
    p.area("M100 66c-18-20-40-20-40-4s26 16 40 4c14 12 40 12 40-4s-22-16-40 4z", look.accent);
    p.line("M100 68l-34 8M100 68l34 8", 6, look.accent);
}

fn blanket(p: &mut Picture, look: &Look) {
    p.stand(230);
    p.round(0, 74, 200, 66, 32, look.main.pale());
    p.round(-6, 130, 212, 68, 30, look.main);
    p.line("M10 150h180M10 180h180", 5, look.accent);
    p.line("M24 92h150M24 120h150", 5, SHINE);
    let fringe = "m12 0v14".repeat(14);
    p.line(&format!("M10 186{}", fringe.replace("v14", "v12m0-12")), 4, look.main.pale());
}

fn throw(p: &mut Picture, look: &Look) {
    p.stand(230);
    p.round(-2, 66, 204, 70, 34, look.main.pale());
    p.round(-8, 126, 216, 74, 34, look.main);
    let stitches = "q8 14 16 0 8-14 16 0".repeat(6);
    for y in [88, 112, 150, 176] {
        p.line(&format!("M4 {y}{stitches}"), 6, SHADE);
    }
}

fn pillow(p: &mut Picture, look: &Look) {
    p.stand(250);
    p.area(
        "M-14 88q-10-26 18-24 96 12 192 0 28-2 18 24\
            q-8 48 0 88 8 26-18 24-96-12-192 0-26 2-18-24 8-40 0-88z",
        look.main,
    );
    p.area("M196 64q28-2 18 24-8 48 0 88 8 26-18 24-40-5-80-6c60-20 90-70 80-130z", SHADE);
    p.line("M4 78l22 22M196 78l-22 22M6 186l22-18M194 186l-22-18", 4, SHADE);
    p.line("M40 88q40 8 80 4", 8, SHINE);
}

fn cushion(p: &mut Picture, look: &Look) {
    p.stand(180);
    p.tilted(6, |p| {
        p.area(
            "M12 16q88 22 176 0 16 0 14 14-20 72 0 146 0 16-14 16\
            q-88-20-176 0-14 0-14-16 20-74 0-146 0-14 14-14z",
            look.main,
        );
        p.area("M188 16q16 0 14 14-20 72 0 146 0 16-14 16-30-7-60-8c40-40 60-100 60-168z", SHADE);
        p.circle(100, 102, 9, look.main.deep());
        p.line("M100 102l-34-22M100 102l34-22M100 102l-30 28M100 102l30 28", 4, SHADE);
    });
}

fn striped_cushion(p: &mut Picture, look: &Look) {
    p.stand(220);
    p.cylinder((-6, 130), (212, 50), [look.main, look.main.pale()]);
    p.line("M20 122q80-20 160 0M4 132q96 26 192 0M60 118q40-8 80 0", 7, look.accent);
    p.line("M-6 160c20 28 192 28 212 0", 7, CREAM);
    p.line("M206 150q24-4 22 16t-22 10", 7, look.accent);
}

fn towel(p: &mut Picture, look: &Look) {
    p.line("M-30 2h260", 11, STEEL);
    p.circle(-32, 2, 11, STEEL.deep());
    p.circle(232, 2, 11, STEEL.deep());
    p.rect(120, 0, 52, 150, look.main.deep());
    p.area("M36-6h112q8 0 8 8v200H28V2q0-8 8-8z", look.main);
    p.rect(28, 156, 128, 14, look.accent);
    p.rect(28, 176, 128, 5, look.accent);
    p.line("M54 20v122M80 20v122M106 20v122M132 20v122", 3, SHINE);
}

fn hammam_towel(p: &mut Picture, look: &Look) {
    towel(p, look);
    p.line("M30 40h124M30 56h124M30 112h124M30 128h124", 6, CREAM);
    let fringe = "v16m10-16".repeat(12);
    p.line(&format!("M34 202{fringe}"), 4, CREAM);
}

fn bath_mat(p: &mut Picture, look: &Look) {
    p.area("M10 46h190l60 150H-50z", SHADE);
    p.area("M6 36h188l56 146q2 8-8 8H-42q-10 0-8-8z", look.main);
    p.area("M22 50h156l46 124H-24z", look.main.pale());
    p.line(
        "M36 74h0m42 0h0m42 0h0m42 0h0M26 108h0m49 0h0m49 0h0m49 0h0M14 144h0m57 0h0m57 0h0m57 0h0",
        16,
        look.main,
    );
}

pub fn rug(p: &mut Picture, look: &Look) {
    p.stand(290);
    p.line("M-34 196v10m24-10v10m24-10v10m24-10v10m24-10v10m24-10v10m24-10v10m24-10v10", 4, CREAM);
    p.round(-44, 130, 240, 68, 14, look.main);
    p.line("M-40 152h170M-40 178h170", 9, look.accent);
    p.line("M-16 136v58M32 136v58M80 136v58", 9, SHINE);
    p.circle(166, 122, 76, look.main.deep());
    p.circle(166, 122, 68, look.main);
    for r in [52, 34, 16] {
        p.line(&format!("M{} 122a{r} {r} 0 1 1 {r} {r}", 166 - r), 7, look.accent);
    }
    p.line("M92 110q-6-60 74-66", 8, LEATHER);
}

fn soap(p: &mut Picture, look: &Look) {
    p.stand(220);
    p.round(-10, 166, 220, 22, 11, WOOD);
    p.line("M20 188v8M100 188v8M180 188v8", 14, WOOD.deep());
    p.round(16, 98, 168, 70, 24, look.main);
    p.round(16, 130, 168, 38, 20, SHADE);
    p.round(40, 108, 120, 30, 15, look.main.pale());
    for (x, y, r) in [(30, 70, 15), (58, 48, 9), (166, 62, 18), (140, 34, 8)] {
        p.circle(x, y, r, GLASS);
        p.circle(x - r / 3, y - r / 3, r / 4, WHITE);
    }
}

fn dispenser(p: &mut Picture, look: &Look) {
    p.stand(110);
    p.line("M100 66V18M100 20H58q-12 0-12 14", 12, STEEL);
    p.round(82, 8, 36, 18, 8, STEEL.deep());
    p.round(78, 52, 44, 24, 5, STEEL);
    p.area(
        "M84 72h32c4 14 40 14 40 44v70q0 14-14 14H58q-14 0-14-14v-70c0-30 36-30 40-44z",
        look.main,
    );
    p.area("M112 72h4c4 14 40 14 40 44v70q0 14-14 14h-20c20-40 16-100-10-128z", SHADE);
    p.line("M60 122v48", 8, SHINE);
}

fn basket(p: &mut Picture, look: &Look) {
    p.stand(150);
    p.both_sides(|p| p.line("M32 70C-8 60-8 116 26 112", 10, look.main.deep()));
    p.area("M40 54c10-44 40-10 60-24s60-10 62 24z", look.accent.pale());
    p.area("M20 52h160l-16 138q-1 10-14 10H50q-13 0-14-10z", look.main);
    for y in [76, 104, 132, 160] {
        let weave = "q9-10 18 0t18 0".repeat(4);
        p.line(&format!("M28 {y}{weave}"), 5, SHADE);
    }
    p.area("M150 52h30l-16 138q-1 10-14 10h-20z", SHADE);
    p.round(14, 42, 172, 18, 9, look.main.deep());
}

fn toothbrush_mug(p: &mut Picture, look: &Look) {
    p.stand(110);
    for (turn, colour) in [(-14, PINE), (16, look.accent)] {
        p.group(&format!("rotate({turn} 100 180)"), |p| {
            p.round(94, -20, 12, 180, 6, colour);
            p.round(104, -18, 14, 40, 3, WHITE);
        });
    }
    p.cylinder((48, 94), (104, 94), [look.main, look.main.pale()]);
    p.line("M66 122v54", 8, SHINE);
}
