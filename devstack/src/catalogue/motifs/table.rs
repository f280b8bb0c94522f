//! What is laid on a table: plates, bowls and glasses, cutlery, and a vase in the middle.

use super::{
    Look, Motif, Picture,
    colour::{
        BROWN, CREAM, Colour, GLASS, GREEN, GREY, LEAF, PINE, ROSE, SHADE, SHINE, STEEL, WATER,
        WHITE, WOOD, YELLOW,
    },
};

/// The motif of each kind, by the last words of its name.
pub const KINDS: &[(&str, Motif)] = &[
    ("bowl", bowl),
    ("carafe", carafe),
    ("coasters", coasters),
    ("cutlery", cutlery),
    ("egg-cups", egg_cups),
    ("espresso-cups", cup_and_saucer),
    ("jug", jug),
    ("latte-glasses", latte_glasses),
    ("mug", mug),
    ("napkins", folded_cloth),
    ("plate", plate),
    ("platter", platter),
    ("tablecloth", folded_cloth),
    ("tray", tray),
    ("tumblers", tumblers),
    ("vase", vase),
    ("wine-glasses", wine_glasses),
];

fn plate(p: &mut Picture, look: &Look) {
    p.circle(104, 108, 104, SHADE);
    p.circle(100, 100, 104, look.main);
    p.circle(100, 100, 96, look.main.pale());
    p.circle(100, 100, 66, look.main);
    p.circle(100, 100, 62, look.main.pale());
    p.line(
        "M44 50h0m40-22h0m62 12h0m22 52h0m-20 66h0m-54 24h0\
            m-62-30h0m-16-52h0m84-20h0m20 40h0m-40 12h0m-20-40h0",
        5,
        SHADE,
    );
}

fn platter(p: &mut Picture, look: &Look) {
    p.ellipse(104, 110, 146, 92, SHADE);
    p.ellipse(100, 102, 146, 92, look.main);
    p.ellipse(100, 100, 136, 82, look.main.pale());
    p.ellipse(100, 102, 100, 56, SHADE);
    p.ellipse(100, 105, 98, 54, look.main);
    p.line("M-16 84q20-40 72-52", 7, SHINE);
}

fn tray(p: &mut Picture, look: &Look) {
    p.round(-34, 34, 276, 150, 30, SHADE);
    p.round(-40, 26, 276, 150, 30, look.main.deep());
    p.round(-26, 40, 248, 122, 20, look.main);
    p.line("M-4 70q90-14 200 0M-4 104q90 12 200 0M-4 134q100-12 200 0", 3, SHADE);
    p.line("M-33 84v34M229 84v34", 8, look.main.pale());
}

fn coasters(p: &mut Picture, look: &Look) {
    for (x, y) in [(44, 140), (150, 126), (100, 62)] {
        p.circle(x + 4, y + 6, 62, SHADE);
        p.circle(x, y, 62, look.main);
        p.circle(x, y, 50, look.main.pale());
        p.line(
            &format!("M{x} {y}m-30-10h0m16-18h0m24 12h0m14 26h0m-30 18h0m-24-16h0m22-8h0"),
            5,
            look.main,
        );
    }
}

fn bowl(p: &mut Picture, look: &Look) {
    p.stand(110);
    p.area("M66 184h68l6 16H60z", look.main.deep());
    p.area("M6 92h188c0 60-42 98-78 98H84c-36 0-78-38-78-98z", look.main);
    p.area("M194 92c0 60-42 98-78 98h-20c44-14 62-54 64-98z", SHADE);
    p.ellipse(100, 92, 94, 20, look.main.pale());
    p.ellipse(100, 95, 82, 14, look.main.deep());
    p.line("M14 122c20 16 152 16 172 0", 6, look.main.pale());
}

fn mug(p: &mut Picture, look: &Look) {
    p.stand(124);
    p.line("M146 96h18q22 0 22 32t-26 32h-18", 14, look.main.deep());
    p.cylinder((36, 66), (116, 122), [look.main, look.main.pale()]);
    p.ellipse(94, 68, 49, 9, look.main.deep());
    p.line("M54 100v66", 8, SHINE);
    p.line("M36 152c16 14 100 14 116 0", 6, look.main.pale());
}

fn cup_and_saucer(p: &mut Picture, look: &Look) {
    p.stand(180);
    p.ellipse(100, 186, 98, 14, look.accent.deep());
    p.ellipse(100, 181, 98, 14, look.accent);
    p.line("M148 108h14q20 0 20 22t-32 22", 11, look.main.deep());
    p.area("M38 94h120c0 56-20 90-44 90H82c-24 0-44-34-44-90z", look.main);
    p.area("M158 94c0 56-20 90-44 90h-16c26-20 30-50 32-90z", SHADE);
    p.ellipse(98, 94, 60, 12, look.main.pale());
    p.ellipse(98, 96, 52, 8, BROWN);
    p.line("M84 66c-12-14 12-22 0-38M112 66c-12-14 12-22 0-38", 6, SHINE);
}

fn tumblers(p: &mut Picture, _: &Look) {
    p.stand(190);
    p.trio(|p| glass(p, WATER, 90));
}

fn latte_glasses(p: &mut Picture, _: &Look) {
    p.stand(210);
    p.moved(-62, 0, |p| glass(p, WOOD, 70));
    p.moved(62, 0, |p| glass(p, WOOD, 70));
}

fn glass(p: &mut Picture, drink: Colour, level: i32) {
    p.area("M44 40h112l-14 150q-1 10-12 10H70q-11 0-12-10z", GLASS);
    let half = 54 - level / 10;
    p.area(&format!("M{} {level}h{}L136 186q-1 6-8 6H72q-7 0-8-6z", 100 - half, 2 * half), drink);
    p.ellipse(100, level, half, 7, drink.pale());
    p.ellipse(100, 40, 56, 9, WHITE);
    p.ellipse(100, 40, 50, 6, GLASS);
    p.line("M62 70l8 100", 8, SHINE);
}

fn wine_glasses(p: &mut Picture, look: &Look) {
    p.stand(180);
    p.trio(|p| {
        p.ellipse(100, 196, 42, 8, WHITE);
        p.line("M100 124v70", 7, WHITE);
        p.area("M58 6h84c10 44 14 122-42 122S48 50 58 6z", GLASS);
        p.area("M54 62h92c2 36-18 60-46 60S52 98 54 62z", look.main);
        p.ellipse(100, 62, 46, 7, look.main.pale());
        p.line("M66 40c-6 24-4 46 4 60", 7, SHINE);
    });
}

fn jug(p: &mut Picture, look: &Look) {
    p.stand(120);
    p.line("M138 60c56-14 56 84 6 100", 13, look.main.deep());
    p.area(
        "M60 34c4 40-26 62-26 116 0 34 14 50 30 50\
            h74c16 0 30-16 30-50 0-54-30-76-26-116l-92-8q-18 6-26 20z",
        look.main,
    );
    p.area("M142 34c-4 40 26 62 26 116 0 34-14 50-30 50h-20c36-40 10-110-4-166z", SHADE);
    p.area("M24 46q8-14 26-20l92 8c-30 12-70 2-90 14z", look.main.deep());
    p.line("M56 120q-8 30 2 52", 8, SHINE);
}

fn carafe(p: &mut Picture, look: &Look) {
    p.stand(130);
    p.round(80, 2, 40, 34, 8, look.main);
    p.area("M40 130h120q8 70-24 70H64q-32 0-24-70z", WATER);
    p.area(
        "M76 22h48c-4 60 44 80 44 130 0 36-14 48-32 48H64c-18 0-32-12-32-48 0-50 48-70 44-130z",
        GLASS,
    );
    p.ellipse(100, 132, 60, 9, WATER);
    p.line("M56 122q-14 30 0 56", 8, SHINE);
}

fn cutlery(p: &mut Picture, look: &Look) {
    p.round(-12, -22, 224, 244, 14, look.accent);
    p.round(-4, -14, 208, 228, 10, SHINE);
    p.both_sides(|p| p.round(32, 96, 14, 112, 7, STEEL));
    p.area("M18-8h8v52h6V-8h8v52h6V-8h8v66q0 40-17 46-17-6-19-46z", STEEL);
    p.round(92, 96, 16, 112, 7, STEEL);
    p.area("M90 104V10q0-18 12-18c14 20 16 74 12 112z", STEEL);
    p.ellipse(161, 40, 25, 48, STEEL);
    p.ellipse(161, 36, 16, 36, GREY);
    p.line("M39 120v70M100 120v70M161 120v70", 3, SHINE);
}

fn vase(p: &mut Picture, look: &Look) {
    p.stand(90);
    let [one, two, three, ..] = look.paints;
    p.line("M96 100C90 50 74 40 58 22M100 100V14M104 100c4-40 18-60 40-66", 5, GREEN);
    p.area(
        "M88 66c-30 4-34-10-44-18 26-6 38 0 44 18zM108 74c24 0 38-8 42-22-26 0-38 8-42 22z",
        LEAF,
    );
    for (x, y, petals) in [(54, 16, one), (100, -2, two), (148, 30, three)] {
        p.line(&format!("M{x} {y}m-11-8h0m22 0h0m6 14h0m-17 11h0m-17-11h0"), 20, petals);
        p.circle(x, y, 9, YELLOW);
    }
    p.area(
        "M82 92h36c0 26 28 36 28 68 0 26-14 40-26 40H80c-12 0-26-14-26-40 0-32 28-42 28-68z",
        look.main,
    );
    p.area("M110 92h8c0 26 28 36 28 68 0 26-14 40-26 40h-14c30-40 6-70 4-108z", SHADE);
    p.line("M70 144q-4 22 4 38", 7, SHINE);
}

fn egg_cups(p: &mut Picture, look: &Look) {
    p.stand(300);
    let [left, middle, right, _, last] = look.paints;
    for (x, colour, egg) in
        [(-26, left, CREAM), (58, middle, PINE), (142, right, WHITE), (226, last, PINE)]
    {
        p.scaled(x, 200, 64, |p| {
            p.ellipse(100, 200, 54, 10, SHADE);
            p.ellipse(100, 84, 46, 64, egg);
            p.area("M46 92h108c0 40-20 60-40 64l10 44H76l10-44c-20-4-40-24-40-64z", colour);
            p.area("M154 92c0 40-20 60-40 64l10 44h-22c0-40 20-60 22-108z", SHADE);
        });
    }
}

fn folded_cloth(p: &mut Picture, look: &Look) {
    p.stand(180);
    for (y, colour) in [(166, look.main.deep()), (132, look.main), (98, look.main.pale())] {
        p.round(14, y, 172, 34, 16, colour);
        p.line(&format!("M30 {}h140", y + 17), 3, SHADE);
    }
    p.round(112, 96, 34, 104, 4, look.accent);
    p.line("M120 96v104M138 96v104", 3, SHINE);
    p.circle(129, 148, 9, ROSE);
}
