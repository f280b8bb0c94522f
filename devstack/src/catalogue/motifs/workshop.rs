//! What hangs above a workbench.

use super::{
    Look, Motif, Picture,
    colour::{
        BLACK, BRASS, CREAM, Colour, GREY, LEAF, PINE, RED, SHADE, SHINE, STEEL, WOOD, YELLOW,
    },
};

/// The motif of each kind, by the last words of its name.
pub const KINDS: &[(&str, Motif)] = &[
    ("chisel", chisel),
    ("clamp", clamp),
    ("drill", drill),
    ("drill-bits", drill_bits),
    ("glue", glue),
    ("hammer", hammer),
    ("ladder", ladder),
    ("level", level),
    ("mallet", mallet),
    ("paint-brush", brush),
    ("pliers", pliers),
    ("ring-spanner", ring_spanners),
    ("saw", saw),
    ("screwdriver", screwdriver),
    ("screwdriver-set", screwdrivers),
    ("screws", screws),
    ("spanner", spanner),
    ("tape-measure", tape_measure),
    ("toolbox", toolbox),
];

fn hammer(p: &mut Picture, look: &Look) {
    p.tilted(35, |p| {
        p.area("M90 10h20l6 206q-16 12-32 0z", WOOD);
        p.area("M102 10h8l6 206q-6 4-14 5z", SHADE);
        p.round(84, 120, 32, 104, 12, look.main);
        p.area("M78-20h46v44H78z", STEEL);
        p.area("M80-14C50-24 30-10 12 16c30-14 50-8 68 26z", STEEL.deep());
        p.rect(122, -14, 22, 32, STEEL.deep());
        p.round(142, -24, 24, 52, 6, STEEL);
        p.line("M92 136v70", 5, SHINE);
    });
}

fn mallet(p: &mut Picture, look: &Look) {
    p.tilted(35, |p| {
        p.round(88, 20, 24, 204, 10, WOOD);
        p.round(102, 20, 10, 204, 5, SHADE);
        p.round(20, -36, 160, 82, 12, look.main);
        p.round(20, 6, 160, 40, 12, SHADE);
        p.rect(44, -36, 10, 82, SHINE);
        p.rect(146, -36, 10, 82, SHINE);
    });
}

fn screwdriver(p: &mut Picture, look: &Look) {
    p.tilted(38, |p| driver(p, look.main, 226));
}

fn screwdrivers(p: &mut Picture, look: &Look) {
    for (nth, colour) in look.paints.into_iter().enumerate() {
        p.moved(58 * nth as i32 - 116, 0, |p| driver(p, colour, [206, 180, 214, 190, 170][nth]));
    }
    p.round(-60, 84, 320, 26, 8, BLACK);
    p.line("M-46 92h290", 3, SHINE);
}

fn driver(p: &mut Picture, handle: Colour, tip: i32) {
    p.line(&format!("M100 60V{tip}"), 9, STEEL);
    p.area(&format!("M93 {tip}h14l-3 12h-8z"), GREY);
    p.area("M80-30q20-16 40 0l2 76q-6 22-10 30H88q-4-8-10-30z", handle);
    p.area("M108-37q6 2 12 7l2 76q-6 22-10 30h-8z", SHADE);
    p.line("M90-18v60", 5, SHINE);
}

fn spanner(p: &mut Picture, look: &Look) {
    p.tilted(38, |p| {
        p.area("M86 60h28l8 150q-22 20-44 0z", STEEL);
        p.round(94, 84, 12, 90, 6, look.main);
        p.area(
            "M66 70C40 40 44-10 72-36l8 14v46h40v-28l22-20c20 40 10 70-14 94-20 12-44 10-62 0z",
            STEEL,
        );
        p.area("M80 24h40v14H80z", GREY);
        p.circle(100, 52, 13, GREY);
        p.line("M93 48h14M93 56h14", 3, BLACK);
        p.circle(100, 202, 7, SHADE);
    });
}

fn ring_spanners(p: &mut Picture, _: &Look) {
    for (x, percent) in [(20, 70), (80, 84), (150, 100)] {
        p.group(
            &format!(
                "translate({x} 200) rotate(16) scale({}) translate(-60 -206)",
                f64::from(percent) / 100.0
            ),
            |p| {
                p.line("M60 20v150", 21, STEEL);
                p.line("M60-10a22 22 0 1 0 1 0M60 160a18 18 0 1 0 1 0", 13, STEEL);
                p.line("M60 52v80", 7, GREY);
            },
        );
    }
}

fn pliers(p: &mut Picture, look: &Look) {
    p.tilted(28, |p| {
        p.both_sides(|p| {
            p.line("M96 78c-34 20-38 80-32 136", 21, look.main);
            p.line("M88 96c-22 24-26 60-24 104", 4, SHINE);
            p.area("M98-40q-18 0-22 60-10 40 8 72l28-20z", STEEL);
        });
        p.line("M92-20h16M92-10h16M91 0h18M91 10h18", 3, GREY);
        p.circle(100, 74, 20, GREY);
        p.circle(100, 74, 8, STEEL);
    });
}

fn saw(p: &mut Picture, look: &Look) {
    p.tilted(-28, |p| {
        let teeth = "l-8 10-8-10".repeat(14);
        p.area(&format!("M-64 74H166v52H160{teeth}z"), STEEL);
        p.rect(-64, 74, 230, 13, GREY);
        p.area("M158 60q44-20 80 0 24 40 6 92-20 14-44 2l4-24q-30 8-46-8z", look.main);
        p.round(184, 80, 34, 46, 15, look.main.deep());
        p.circle(172, 96, 5, BRASS);
    });
}

fn drill(p: &mut Picture, look: &Look) {
    p.stand(150);
    p.area("M96 96h56l16 72h-60z", BLACK);
    p.round(86, 164, 108, 34, 8, look.main);
    p.rect(86, 164, 108, 9, BLACK);
    p.area("M30 28q0-12 14-12h118q30 0 30 40t-30 44H44q-14 0-14-12z", look.main);
    p.area("M30 76h156q-8 22-24 24H44q-14 0-14-12z", SHADE);
    p.area("M30 34L-6 44v28l36 10z", GREY);
    p.line("M-8 58h-60", 8, STEEL);
    p.line("M-66 58l8-6m6 12l8-12m6 12l8-12m6 12l8-12", 3, GREY);
    p.round(88, 100, 15, 26, 6, RED);
    p.line("M116 40h52M116 54h52M50 32h44", 5, SHINE);
}

fn drill_bits(p: &mut Picture, look: &Look) {
    p.stand(260);
    for (x, top, width) in [(-6, 70, 8), (34, 50, 10), (76, 28, 12), (122, 4, 15), (172, -24, 18)] {
        p.area(&format!("M{x} {top}l{} -14 {} 14v110h-{width}z", width / 2, width / 2), STEEL);
        let twist = format!("l{width} 9m-{width} 5").repeat(((130 - top) / 14) as usize);
        p.line(&format!("M{x} {top}{twist}"), 4, GREY);
    }
    p.round(-34, 134, 268, 64, 10, look.accent);
    p.round(-34, 166, 268, 32, 10, SHADE);
    p.line("M-10 150h70", 5, SHINE);
}

fn tape_measure(p: &mut Picture, look: &Look) {
    p.stand(280);
    p.rect(150, 176, 110, 15, YELLOW);
    let marks = "v7m12-7".repeat(8);
    p.line(&format!("M166 177{marks}"), 3, BLACK);
    p.rect(256, 170, 8, 30, GREY);
    p.area("M-24 108q0-84 84-84h60q50 0 50 60v114H-4q-20 0-20-20z", look.main);
    p.area("M150 36q20 14 20 48v114h-30z", SHADE);
    p.circle(70, 110, 58, BLACK);
    p.circle(70, 110, 44, look.main.pale());
    p.circle(70, 110, 14, BLACK);
    p.round(118, 14, 40, 18, 6, BLACK);
}

fn level(p: &mut Picture, look: &Look) {
    p.tilted(-12, |p| {
        p.round(-76, 66, 360, 76, 8, SHADE);
        p.round(-80, 58, 360, 76, 8, look.main);
        p.rect(-80, 118, 360, 8, SHADE);
        p.rect(-80, 66, 360, 5, SHINE);
        p.round(52, 76, 96, 38, 19, LEAF);
        p.ellipse(100, 90, 16, 9, CREAM);
        p.line("M80 78v34M120 78v34", 3, BLACK);
        for x in [-40, 240] {
            p.circle(x, 95, 24, BLACK);
            p.round(x - 8, 76, 16, 38, 8, LEAF);
            p.circle(x, 95, 6, CREAM);
        }
    });
}

fn toolbox(p: &mut Picture, look: &Look) {
    p.stand(270);
    p.line("M40 66V36q0-14 14-14h92q14 0 14 14v30", 11, BLACK);
    p.round(-34, 62, 268, 40, 8, look.main);
    p.round(-34, 98, 268, 100, 8, look.main);
    p.rect(-34, 98, 268, 7, look.main.deep());
    p.rect(-34, 148, 268, 5, look.main.deep());
    p.rect(204, 62, 30, 136, SHADE);
    p.line("M18 88v28M182 88v28", 22, STEEL);
    p.round(76, 120, 48, 18, 5, BLACK);
    p.line("M-18 76h120", 5, SHINE);
}

fn brush(p: &mut Picture, look: &Look) {
    p.tilted(35, |p| {
        p.area("M90-46q10-10 20 0l8 92 26 26v20H56V72l26-26z", look.main);
        p.circle(100, -30, 6, SHADE);
        p.rect(54, 84, 92, 40, STEEL);
        p.line("M58 96h84M58 112h84", 3, GREY);
        p.area("M58 124h84l6 76q-48 14-96 0z", PINE);
        p.area("M54 168q46 16 92 0l4 34q-50 22-100 0z", look.accent);
        p.line("M78 130v34M100 130v40M122 130v34", 3, SHADE);
        p.line("M95-8l-5 60", 4, SHINE);
    });
}

fn screws(p: &mut Picture, _: &Look) {
    for (x, y, turn, colour) in
        [(-80, -10, -20, BRASS), (-16, 30, 12, STEEL), (56, -14, -8, BRASS), (124, 26, 24, STEEL)]
    {
        p.group(&format!("translate({x} {y}) rotate({turn} 60 80)"), |p| {
            p.area("M46 30h28l-4 96-10 26-10-26z", colour);
            p.line("M46 52l28 8M46 70l28 8M47 88l26 8M48 106l24 8M52 124l16 6", 5, colour.deep());
            p.area("M28 6h64L74 34H46z", colour);
            p.ellipse(60, 6, 32, 8, colour.pale());
            p.line("M50 6h20", 4, BLACK);
        });
    }
}

fn clamp(p: &mut Picture, look: &Look) {
    p.tilted(-14, |p| {
        p.rect(86, 36, 160, 30, WOOD);
        p.rect(86, 66, 160, 26, WOOD.deep());
        p.line("M142 104V216", 15, STEEL);
        let thread = "l14 6m-14 6".repeat(8);
        p.line(&format!("M135 112{thread}"), 3, GREY);
        p.line("M108 218h68", 9, GREY);
        p.line("M140 10H40q-24 0-24 24v114q0 24 24 24h100", 28, look.main);
        p.line("M40 2q-32 0-32 32v90", 5, SHINE);
        p.round(122, 22, 40, 14, 4, BLACK);
        p.round(122, 92, 40, 14, 4, BLACK);
        p.round(120, 154, 44, 36, 6, look.main.deep());
    });
}

fn chisel(p: &mut Picture, look: &Look) {
    p.tilted(38, |p| {
        p.area("M84 76h32v118l-32 24z", STEEL);
        p.area("M104 76h12v118l-12 9z", SHADE);
        p.area("M92 50h16l6 30H86z", GREY);
        p.area("M84-40q16-12 32 0 10 50-2 96H86C74 10 76-10 84-40z", look.main);
        p.area("M104-45q6 0 12 5 10 50-2 96h-12q12-50 2-101z", SHADE);
        p.rect(84, 48, 32, 11, BRASS);
        p.rect(83, -38, 34, 10, STEEL);
    });
}

fn glue(p: &mut Picture, look: &Look) {
    p.stand(110);
    p.area("M90-24h20l8 54H82z", RED);
    p.rect(74, 26, 52, 16, RED.deep());
    p.area(
        "M76 42h48c4 16 30 18 30 48v92q0 18-18 18H64q-18 0-18-18V90c0-30 26-32 30-48z",
        look.accent,
    );
    p.area("M116 42h8c4 16 30 18 30 48v92q0 18-18 18h-18c16-60 14-110-2-158z", SHADE);
    p.rect(46, 100, 108, 68, CREAM);
    p.rect(62, 116, 76, 14, WOOD);
    p.rect(72, 134, 76, 14, WOOD.deep());
    p.line("M62 84v6", 7, SHINE);
}

fn ladder(p: &mut Picture, look: &Look) {
    p.stand(180);
    p.line("M124-30l56 226M96-30l40 226", 7, GREY);
    p.line("M80-30L20 196M120-30l30 226", 11, look.main);
    for (x, y, length) in [(66, 24, 64), (52, 74, 84), (40, 124, 104), (28, 172, 122)] {
        p.round(x, y, length, 12, 3, look.main.deep());
        p.line(&format!("M{} {}h{}", x + 8, y + 4, length - 16), 3, SHINE);
    }
    p.round(66, -44, 70, 18, 6, RED);
}
