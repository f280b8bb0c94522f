//! What is used between a bed of flowers and a shed.

use super::{
    Look, Motif, Picture,
    colour::{
        BLACK, BLUE, BROWN, CREAM, Colour, GLASS, GREEN, GREY, LEAF, NAVY, PINE, RED, ROSE, SAND,
        SHADE, SHINE, STEEL, WATER, WOOD, YELLOW,
    },
};

/// The motif of each kind, by the last words of its name.
pub const KINDS: &[(&str, Motif)] = &[
    ("bird-feeder", bird_feeder),
    ("bird-house", bird_house),
    ("border-fork", fork),
    ("broom", broom),
    ("gloves", gloves),
    ("hand-fork", hand_fork),
    ("herb-planter", herb_planter),
    ("hose", hose),
    ("planter", plant_pot),
    ("pot", plant_pot),
    ("rake", rake),
    ("secateurs", secateurs),
    ("seeds", seeds),
    ("spade", spade),
    ("tomato-seeds", tomato_seeds),
    ("trowel", trowel),
    ("watering-can", watering_can),
    ("wheelbarrow", wheelbarrow),
];

fn plant_pot(p: &mut Picture, look: &Look) {
    p.stand(130);
    p.line("M100 110V40M100 100Q80 60 50 50M100 100q20-40 50-50", 5, GREEN);
    for turn in [-70, -34, 34, 70, 0] {
        p.group(&format!("rotate({turn} 100 104)"), |p| {
            p.area(
                "M100 96C62 60 74 6 100-28c26 34 38 88 0 124z",
                if turn % 4 == 0 { LEAF } else { GREEN },
            );
            p.line("M100 84V0", 3, SHADE);
        });
    }
    pot(p, look.main);
}

fn herb_planter(p: &mut Picture, look: &Look) {
    p.stand(130);
    for (turn, leaf) in [(-40, GREEN), (36, GREEN), (-18, LEAF), (20, LEAF), (0, GREEN)] {
        p.group(&format!("rotate({turn} 100 110)"), |p| {
            p.line("M100 110V10", 4, GREEN.deep());
            for y in [4, 34, 62] {
                p.ellipse(88, y + 10, 14, 9, leaf);
                p.ellipse(112, y, 14, 9, leaf);
            }
        });
    }
    pot(p, look.main);
    p.line("M44 150q14-12 28 0t28 0 28 0 28 0", 6, look.accent);
}

fn pot(p: &mut Picture, colour: Colour) {
    p.area("M40 118h120l-16 74q-2 8-12 8H68q-10 0-12-8z", colour);
    p.area("M132 118h28l-16 74q-2 8-12 8h-18z", SHADE);
    p.round(32, 96, 136, 30, 6, colour);
    p.rect(36, 120, 128, 6, SHADE);
    p.line("M44 106h50", 5, SHINE);
}

fn watering_can(p: &mut Picture, look: &Look) {
    p.stand(160);
    p.line("M88 96C90 0 190 10 182 96s-10 60-24 70", 11, look.main.deep());
    p.line("M64 170L-20 74", 17, look.main);
    p.area("M-58 76l44-36q6 34-20 58z", look.main.deep());
    p.line("M-64 100q-12 18-14 40M-48 112q-8 16-8 36M-76 88q-14 10-18 26", 4, WATER);
    p.cylinder((58, 92), (104, 96), [look.main, look.main.deep()]);
    p.line("M58 118c14 14 90 14 104 0M58 164c14 14 90 14 104 0", 4, SHADE);
    p.line("M76 124v40", 7, SHINE);
}

fn trowel(p: &mut Picture, look: &Look) {
    p.tilted(40, |p| {
        p.area("M62 92c0-20 76-20 76 0 8 50-14 96-38 124-24-28-46-74-38-124z", STEEL);
        p.area("M100 78c20 0 38 4 38 14 8 50-14 96-38 124z", SHADE);
        p.line("M100 84V50", 13, GREY);
        grip(p, look);
    });
}

fn hand_fork(p: &mut Picture, look: &Look) {
    p.tilted(40, |p| {
        p.line("M64 206q-4-80 4-96h64q8 16 4 96M100 110v100", 13, STEEL);
        p.line("M100 110V50", 13, GREY);
        grip(p, look);
    });
}

fn grip(p: &mut Picture, look: &Look) {
    p.area("M88 56q-6-80 0-100 12-12 24 0 6 20 0 100z", look.accent);
    p.area("M102-50q6 0 10 6 6 20 0 100h-12z", SHADE);
    p.round(86, 48, 28, 14, 4, GREY);
}

/// A long handle that a head is drawn below.
fn shaft(p: &mut Picture, to: i32) {
    p.line(&format!("M100-60V{to}"), 11, WOOD);
    p.line(&format!("M103-60V{to}"), 4, SHADE);
}

fn handle(p: &mut Picture, look: &Look) {
    p.line("M100-30L78-54h44z", 10, look.accent);
}

fn spade(p: &mut Picture, look: &Look) {
    p.tilted(22, |p| {
        shaft(p, 120);
        handle(p, look);
        p.area("M58 112h84v60c0 30-20 44-42 58-22-14-42-28-42-58z", STEEL);
        p.area("M100 112h42v60c0 30-20 44-42 58z", SHADE);
        p.round(88, 82, 24, 50, 6, GREY);
    });
}

fn fork(p: &mut Picture, look: &Look) {
    p.tilted(22, |p| {
        shaft(p, 120);
        handle(p, look);
        p.line("M58 220v-70q0-16 16-16h52q16 0 16 16v70M86 136v88M114 136v88", 10, STEEL);
        p.round(88, 96, 24, 44, 6, GREY);
    });
}

fn rake(p: &mut Picture, look: &Look) {
    p.tilted(22, |p| {
        shaft(p, 110);
        for (x, foot) in
            [(22, 190), (48, 202), (74, 208), (100, 210), (126, 208), (152, 202), (178, 190)]
        {
            p.line(&format!("M100 104L{x} {foot}v14"), 6, look.accent);
        }
        p.line("M50 164q50 16 100 0", 6, look.accent.deep());
        p.round(86, 80, 28, 40, 8, GREY);
    });
}

fn broom(p: &mut Picture, look: &Look) {
    p.tilted(22, |p| {
        shaft(p, 130);
        p.area("M40 140h120l22 84H18z", look.main);
        p.line("M62 150l-14 70M82 150l-6 70M100 150v70M118 150l6 70M138 150l14 70", 4, SHADE);
        p.round(34, 118, 132, 30, 10, look.accent);
    });
}

fn secateurs(p: &mut Picture, look: &Look) {
    p.tilted(28, |p| {
        p.area("M96 82C60 60 60 0 92-34c20 30 30 70 22 116z", STEEL);
        p.area("M104 86c34-10 50-40 44-76l-16 6c0 26-12 44-36 50z", GREY);
        p.line("M106 92c-30 20-46 60-44 116", 21, look.main);
        p.line("M96 92c32 20 48 60 46 116", 21, look.main.deep());
        p.line("M82 136q20 16 38 0", 5, STEEL);
        p.circle(101, 84, 13, GREY.deep());
        p.circle(101, 84, 5, STEEL);
    });
}

fn gloves(p: &mut Picture, look: &Look) {
    for (x, turn, colour) in [(44, 12, look.main.deep()), (-26, -12, look.main)] {
        p.group(&format!("translate({x} 0) rotate({turn} 100 200)"), |p| {
            p.line("M76 96V16M98 90V-4M120 92V8M140 104V36M52 132L34 92", 21, colour);
            p.area("M65 80h86v70q0 20-16 20H84q-14 0-40-34l18-16z", colour);
            p.line("M87 82v22M109 80v24M130 84v20", 3, SHADE);
            p.round(72, 160, 76, 44, 6, look.accent);
            p.line("M74 176h72", 4, SHINE);
        });
    }
}

fn hose(p: &mut Picture, look: &Look) {
    p.stand(220);
    p.line("M190 130q60 0 60-70V30", 13, look.main);
    for (y, rx) in [(180, 100), (160, 98), (140, 96), (120, 94)] {
        p.line(&format!("M{} {y}a{rx} 20 0 0 0 {} 0", 100 - rx, 2 * rx), 16, look.main);
        p.line(&format!("M{} {}a{rx} 20 0 0 0 40 17", 100 - rx, y - 2), 4, SHINE);
    }
    p.line("M6 118a94 20 0 0 1 188 0", 16, look.main.deep());
    p.round(238, 16, 24, 36, 5, BLACK);
    p.area("M240 18l-6-40h32l-6 40z", YELLOW);
}

fn seeds(p: &mut Picture, look: &Look) {
    packet(p, look, |p| {
        p.line("M100 176V110", 5, GREEN);
        p.ellipse(84, 152, 18, 8, LEAF);
        p.ellipse(116, 144, 18, 8, LEAF);
        p.line("M100 70h0m24 17h0m-9 28h0m-30 0h0m-9-28h0", 30, ROSE);
        p.circle(100, 94, 14, YELLOW);
    });
}

fn tomato_seeds(p: &mut Picture, look: &Look) {
    packet(p, look, |p| {
        p.ellipse(100, 124, 48, 42, RED);
        p.ellipse(86, 108, 14, 9, SHINE);
        p.line("M100 84V64M100 86l-24 10M100 86l24 10M100 86l-10 20M100 86l10 20", 6, GREEN);
    });
}

fn packet(p: &mut Picture, look: &Look, plant: impl Fn(&mut Picture)) {
    p.tilted(-6, |p| {
        p.round(30, -14, 152, 224, 4, SHADE);
        p.round(24, -20, 152, 224, 4, look.accent);
        p.round(36, 24, 128, 168, 8, CREAM);
        p.line("M26 4h148", 4, SHINE);
        plant(p);
    });
    p.line("M-10 196h0m14-14h0m-22-12h0m36 28h0", 10, BROWN);
}

fn bird_house(p: &mut Picture, look: &Look) {
    p.line("M100 190V300", 15, WOOD.deep());
    p.area("M38 76L100 8l62 68v116q0 8-8 8H46q-8 0-8-8z", look.main);
    p.area("M132 44l30 32v116q0 8-8 8h-22z", SHADE);
    p.line("M40 116h120M40 156h120", 3, SHADE);
    p.circle(100, 98, 28, BLACK);
    p.line("M100 146v10h22", 8, WOOD);
    p.line("M14 86L100-8l86 94", 15, RED);
}

fn bird_feeder(p: &mut Picture, look: &Look) {
    p.line("M100-70V-10", 4, GREY);
    p.area("M30 40L100-16l70 56z", look.main);
    p.rect(44, 40, 112, 124, GLASS);
    p.area("M44 92q56-20 112 4v68H44z", PINE);
    p.line("M60 110h0m20 14h0m22-18h0m24 20h0m-50 18h0m36-2h0m28-30h0", 8, BROWN);
    p.line("M46 42v122M154 42v122", 6, look.main.deep());
    p.round(10, 162, 180, 20, 8, look.main);
    p.ellipse(196, 136, 30, 22, BLUE);
    p.circle(214, 114, 16, BLUE);
    p.area("M228 110l18 6-18 6z", YELLOW);
    p.area("M172 128l-30-14 20 34z", NAVY);
    p.circle(218, 110, 3, BLACK);
}

fn wheelbarrow(p: &mut Picture, look: &Look) {
    p.stand(280);
    p.line("M-40 150L250 74M60 136l50 60h40l10-70", 9, WOOD);
    p.area("M20 100q70-50 130-4z", BROWN);
    p.area("M-30 56L196 66l-52 78H30z", look.main);
    p.area("M196 66l-52 78h-34l40-80z", SHADE);
    p.line("M-30 56L196 66", 8, look.main.deep());
    p.circle(-14, 168, 31, BLACK);
    p.circle(-14, 168, 14, SAND);
    p.circle(-14, 168, 5, GREY);
}
