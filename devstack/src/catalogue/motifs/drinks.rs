//! What coffee and tea are made in, kept in and carried in.

use super::{
    Look, Motif, Picture,
    colour::{
        AMBER, BLACK, BRASS, BROWN, CREAM, Colour, GLASS, GREY, LEAF, SHADE, SHINE, STEEL, WHITE,
        WOOD,
    },
};

/// The motif of each kind, by the last words of its name.
pub const KINDS: &[(&str, Motif)] = &[
    ("caddy", canister),
    ("canister", canister),
    ("coffee-beans", coffee_pouch),
    ("coffee-filters", coffee_filters),
    ("coffee-grinder", grinder),
    ("dripper", dripper),
    ("electric-kettle", electric_kettle),
    ("flask", flask),
    ("french-press", french_press),
    ("glass-teapot", glass_teapot),
    ("kettle", gooseneck_kettle),
    ("moka-pot", moka_pot),
    ("storage-jar", storage_jar),
    ("tea", tea_pouch),
    ("teapot", teapot),
    ("travel-mug", travel_mug),
];

fn french_press(p: &mut Picture, look: &Look) {
    p.stand(120);
    p.line("M150 80h22q14 0 14 14v70q0 14-14 14h-22", 13, BLACK);
    p.circle(96, 4, 10, BLACK);
    p.line("M96 10v120", 5, STEEL);
    p.cylinder((44, 50), (104, 138), [GLASS, GLASS]);
    p.cylinder((46, 96), (100, 92), [BROWN, BROWN.pale()]);
    p.area("M42 52c0-34 108-34 108 0l-6 6H48z", look.main);
    p.line("M46 96v-34h100v34M46 100h100M46 178h100M46 96v84M146 96v84", 6, look.main);
    p.line("M62 112v52", 7, SHINE);
}

fn gooseneck_kettle(p: &mut Picture, look: &Look) {
    p.stand(140);
    p.line("M50 170C10 166 34 92-4 84", 11, look.main.deep());
    p.line("M130 96c60-40 84 0 58 62", 13, WOOD);
    p.circle(92, 70, 9, WOOD);
    p.area("M52 100c0-34 84-34 84 0z", look.main.deep());
    p.area("M50 96h88l22 90q2 14-14 14H42q-16 0-14-14z", look.main);
    p.area("M114 96h24l22 90q2 14-14 14h-26z", SHADE);
    p.line("M60 122l-10 46", 8, SHINE);
}

fn electric_kettle(p: &mut Picture, look: &Look) {
    p.stand(160);
    p.line("M136 48h26q20 0 20 20v76q0 18-20 18", 15, BLACK);
    p.area("M54 52L18 62q6 24 28 34z", look.main.deep());
    p.area("M56 42h78l20 140H36z", look.main);
    p.area("M114 42h20l20 140h-32z", SHADE);
    p.area("M56 42c4-26 74-26 78 0z", BLACK);
    p.round(86, 14, 18, 12, 6, BLACK);
    p.round(24, 182, 142, 18, 8, BLACK);
    p.round(88, 92, 14, 66, 7, GLASS);
    p.line("M62 76l-8 76", 8, SHINE);
}

fn moka_pot(p: &mut Picture, look: &Look) {
    p.stand(110);
    p.line("M142 62h34q10 0 8 12l-12 50", 14, BLACK);
    p.circle(98, 18, 9, BLACK);
    p.area("M58 52l40-30 40 30z", look.main.deep());
    p.area("M50 52L28 46l14 28zM48 52h98l-14 66H62z", look.main);
    p.area("M64 118h66l18 82H46z", look.main);
    p.area("M112 52h34l-14 66-2 0 18 82h-32l-6-82z", SHADE);
    p.line("M82 54l4 62-10 84", 3, SHADE);
    p.round(54, 110, 86, 16, 5, look.main.deep());
    p.circle(76, 156, 5, BRASS);
}

fn grinder(p: &mut Picture, look: &Look) {
    p.stand(90);
    p.line("M100 40V10H34", 9, GREY);
    p.circle(30, 6, 14, WOOD);
    p.area("M64 66c0-44 72-44 72 0z", STEEL);
    p.cylinder((60, 66), (80, 52), [look.main, STEEL.pale()]);
    p.cylinder((56, 116), (88, 74), [WOOD, WOOD.pale()]);
    p.line("M76 84v30M74 136v46", 7, SHINE);
}

fn dripper(p: &mut Picture, look: &Look) {
    p.stand(120);
    p.cylinder((50, 108), (100, 80), [GLASS, GLASS]);
    p.cylinder((53, 142), (94, 46), [BROWN, BROWN.pale()]);
    p.line("M150 40q34 0 24 34-8 12-34 10", 10, look.main.deep());
    p.area("M34 24h132l-44 80H78z", look.main);
    p.area("M166 24l-44 80h-18l24-80z", SHADE);
    p.area("M40 24L60 2h80l20 22z", CREAM);
    p.ellipse(100, 24, 60, 10, BROWN);
    p.round(44, 102, 112, 11, 5, look.main);
    p.line("M58 46l22 40", 6, SHINE);
}

fn teapot(p: &mut Picture, look: &Look) {
    pot_of_tea(p, look, look.main);
}

fn glass_teapot(p: &mut Picture, look: &Look) {
    pot_of_tea(p, look, GLASS);
    p.area("M30 134h140c2 36-36 60-70 60s-72-24-70-60z", AMBER);
    p.ellipse(100, 134, 70, 10, AMBER.pale());
    p.round(82, 96, 36, 66, 10, STEEL);
    p.line("M92 116h0m16 0h0m0 14h0m-16 0h0m0 14h0m16 0h0", 5, GREY);
}

fn pot_of_tea(p: &mut Picture, look: &Look, body: Colour) {
    p.stand(130);
    p.line("M164 108c60-26 50 66 0 58", 12, look.main.deep());
    p.area("M44 176C0 166 20 108-12 98l10-14c46 10 38 44 56 46z", body);
    p.ellipse(100, 138, 74, 60, body);
    p.area("M174 138c0 34-30 60-74 60 40-20 60-70 36-112 24 8 38 30 38 52z", SHADE);
    p.round(66, 190, 68, 10, 5, look.main.deep());
    p.circle(100, 54, 11, look.main.deep());
    p.area("M58 88c8-40 76-40 84 0-20 10-64 10-84 0z", look.main.pale());
    p.line("M50 122q-6 22 4 40", 8, SHINE);
}

fn flask(p: &mut Picture, look: &Look) {
    p.stand(80);
    p.cylinder((66, 10), (68, 40), [STEEL, STEEL.pale()]);
    p.area(
        "M66 50h68c4 20 14 16 14 36v106q0 12-16 12H68q-16 0-16-12V86c0-20 10-16 14-36z",
        look.main,
    );
    p.area("M122 50h12c4 20 14 16 14 36v106q0 12-16 12h-14c10-50 8-110 4-154z", SHADE);
    p.line("M52 164h96", 6, STEEL);
    p.line("M66 96v50", 8, SHINE);
}

fn travel_mug(p: &mut Picture, look: &Look) {
    p.stand(80);
    p.area("M52 44h96l-12 150q-1 8-10 8H74q-9 0-10-8z", look.main);
    p.area("M124 44h24l-12 150q-1 8-10 8h-14z", SHADE);
    p.area("M54 92h92l-4 54H58z", look.accent);
    p.area("M48 44q2-22 14-24h76q12 2 14 24z", BLACK);
    p.round(74, 10, 30, 14, 6, BLACK);
    p.line("M66 58l2 24M70 154l2 34", 7, SHINE);
}

fn canister(p: &mut Picture, look: &Look) {
    p.stand(130);
    p.cylinder((40, 66), (120, 120), [look.main, look.main.deep()]);
    p.cylinder((36, 48), (128, 24), [look.main.deep(), look.main.pale()]);
    p.circle(100, 42, 8, BRASS);
    label(p, 100, 138);
}

fn storage_jar(p: &mut Picture, look: &Look) {
    p.stand(120);
    p.cylinder((42, 52), (116, 136), [GLASS, WHITE]);
    p.cylinder((46, 96), (108, 92), [look.accent, look.accent.pale()]);
    p.line("M66 118h0m22 16h0m24-10h0m20 20h0m-70 4h0m28 16h0m26 2h0m-50 16h0", 13, SHINE);
    p.cylinder((38, 34), (124, 10), [GLASS, WHITE]);
    p.line("M38 54c20 14 104 14 124 0M160 42l16 26-14 22", 5, GREY);
    p.line("M56 84v84", 7, SHINE);
}

fn pouch(p: &mut Picture, look: &Look) {
    p.stand(130);
    p.area("M44 24h112c-4 50 10 110 10 162 0 22-132 22-132 0 0-52 14-112 10-162z", look.main);
    p.area("M128 24h28c-4 50 10 110 10 162 0 10-22 15-48 16 18-50 16-120 10-178z", SHADE);
    p.rect(42, 4, 116, 26, look.main.deep());
    p.line("M46 17h108", 3, SHINE);
    label(p, 100, 118);
}

fn tea_pouch(p: &mut Picture, look: &Look) {
    pouch(p, look);
    p.line("M82 140l36-44", 4, look.main.deep());
    p.area("M84 138c-4-34 12-44 38-48 4 30-8 46-38 48z", LEAF);
}

fn coffee_pouch(p: &mut Picture, look: &Look) {
    pouch(p, look);
    p.tilted(35, |p| {
        p.ellipse(114, 114, 17, 25, BROWN);
        p.line("M114 92c-12 16 12 28 0 44", 4, BROWN.pale());
    });
}

/// A round label without a word on it.
fn label(p: &mut Picture, x: i32, y: i32) {
    p.circle(x, y, 40, CREAM);
    p.circle(x, y, 34, SHINE);
}

fn coffee_filters(p: &mut Picture, _: &Look) {
    p.stand(160);
    for (x, paper) in [(24, WOOD), (12, CREAM.deep()), (0, CREAM)] {
        p.moved(x - 10, 0, |p| {
            p.area("M12 66q88-44 176 0l-44 134H56z", paper);
            p.line("M56 200h88l44-134", 4, SHADE);
        });
    }
}
