//! What is played with.

use super::{
    Look, Motif, Picture,
    colour::{
        BLACK, BRASS, BROWN, CREAM, Colour, GREY, LEATHER, PINE, RED, ROSE, SHADE, SHINE, WATER,
        WHITE, WOOD,
    },
};

/// The motif of each kind, by the last words of its name.
pub const KINDS: &[(&str, Motif)] = &[
    ("abacus", abacus),
    ("backgammon-board-game", backgammon),
    ("ball", ball),
    ("bear", bear),
    ("blocks", blocks),
    ("boat", boat),
    ("car", car),
    ("chess", chess),
    ("crayons", crayons),
    ("dice", dice),
    ("drum", drum),
    ("football", football),
    ("kite", kite),
    ("marbles", marbles),
    ("playing-cards", cards),
    ("puzzle", puzzle),
    ("skipping-rope", rope),
    ("spinning-top", top),
    ("train", train),
    ("xylophone", xylophone),
    ("yo-yo", yo_yo),
];

fn blocks(p: &mut Picture, look: &Look) {
    p.stand(230);
    let [one, two, three, four, five] = look.paints;
    for (x, y, colour) in [(-6, 126, one), (68, 126, two), (142, 126, three)] {
        block(p, x, y, colour);
    }
    block(p, 32, 52, four);
    p.area("M106 124a37 37 0 0 1 74 0z", five);
    p.area("M32 50L68-14l36 64z", one);
    p.area("M68-14l36 64H80z", SHADE);
}

fn block(p: &mut Picture, x: i32, y: i32, colour: Colour) {
    p.round(x, y, 72, 72, 6, colour);
    p.rect(x + 58, y, 14, 72, SHADE);
    p.circle(x + 30, y + 36, 16, SHINE);
}

fn puzzle(p: &mut Picture, look: &Look) {
    let [one, two, three, four, _] = look.paints;
    let piece = "M0 0h100v36c28-14 28 42 0 28v36H64c14-28-42-28-28 0H0z";
    let places = [(0, 0, 0, one), (200, 0, 90, two), (200, 200, 180, three), (-16, 216, 262, four)];
    for (x, y, turn, colour) in places {
        p.group(&format!("translate({x} {y}) rotate({turn})"), |p| p.area(piece, colour));
    }
    p.line("M14 12h40M114 12h40M114 128h30", 6, SHINE);
    p.line(
        "M100 0v36c28-14 28 42 0 28v72c-28-14-28 42 0 28v36M100 100h36c-14 28 42 28 28 0h36",
        3,
        SHADE,
    );
}

fn football(p: &mut Picture, look: &Look) {
    p.stand(150);
    p.circle(100, 100, 98, CREAM);
    p.area("M100 62l38 28-14 44H76L62 90z", look.main);
    p.line("M100 62V2M138 90l56-20M124 134l34 46M76 134l-34 46M62 90L6 70", 5, look.main);
    p.area(
        "M66 8q34-12 68 0l-34 22zM6 74L2 108l24 36 6-44z\
            M194 74l4 34-24 36-6-44zM46 182l40-6 14 22q-30 2-54-16z\
            M154 182l-40-6-14 22q30 2 54-16z",
        look.main,
    );
    p.area("M150 16c64 50 60 150-20 178 40-60 46-120 20-178z", SHADE);
}

fn ball(p: &mut Picture, look: &Look) {
    p.stand(150);
    let [one, two, three, ..] = look.paints;
    p.circle(100, 100, 98, one);
    p.area("M62 10c-40 60-40 130-4 180C-24 150-10 40 62 10z", two);
    p.area("M138 10c40 60 40 130 4 180 82-40 68-150-4-180z", three);
    p.area("M76 6q24-6 48 0c20 60 20 130 0 190q-24 6-48 0c-20-60-20-130 0-190z", WHITE);
    p.area("M160 22c56 56 40 150-40 174 50-40 62-110 40-174z", SHADE);
    p.circle(100, 14, 10, one);
    p.line("M26 76q6-22 20-36", 9, SHINE);
}

fn kite(p: &mut Picture, look: &Look) {
    let [one, two, three, four, _] = look.paints;
    p.tilted(24, |p| {
        p.line("M100 160c-50 40 40 60-10 110", 4, BROWN);
        p.area("M100-44V60H20z", one);
        p.area("M100-44V60h80z", two);
        p.area("M20 60h80v104z", three);
        p.area("M180 60h-80v104z", four);
        p.line("M100-44v208M20 60h160", 4, WOOD);
        p.area("M88 190l-26-16v28zM88 190l26-16v28z", one);
        p.area("M106 224l-26-16v28zM106 224l26-16v28z", three);
    });
}

fn train(p: &mut Picture, look: &Look) {
    p.stand(330);
    let [one, two, three, four, _] = look.paints;
    p.line("M-60 198h320", 6, WOOD.deep());
    p.rect(-64, 152, 320, 12, WOOD);
    p.round(116, 96, 120, 60, 24, one);
    p.area("M180 98h28l10-44h-48z", three);
    p.round(84, 44, 60, 112, 6, two);
    p.round(96, 62, 34, 36, 5, CREAM);
    p.round(74, 34, 80, 16, 8, three);
    p.round(-56, 104, 112, 50, 6, four);
    p.line("M-40 94h0m32-8h0m32 8h0", 32, WOOD);
    p.line("M56 156h30", 8, BLACK);
    for x in [-30, 30, 112, 166, 220] {
        wheel(p, x, 174, 23);
    }
    p.circle(206, 20, 13, SHINE);
    p.circle(230, -4, 17, SHINE);
}

fn wheel(p: &mut Picture, x: i32, y: i32, r: i32) {
    p.circle(x, y, r, BLACK);
    p.circle(x, y, r / 2, PINE);
}

fn bear(p: &mut Picture, look: &Look) {
    p.stand(160);
    let fur = LEATHER;
    p.both_sides(|p| {
        p.circle(52, -2, 25, fur);
        p.circle(52, -2, 14, ROSE);
        p.ellipse(34, 122, 20, 40, fur.deep());
        p.ellipse(46, 178, 36, 24, fur);
        p.ellipse(38, 180, 18, 15, CREAM);
    });
    p.ellipse(100, 142, 60, 56, fur);
    p.ellipse(100, 148, 38, 38, CREAM);
    p.circle(100, 42, 62, fur);
    p.ellipse(100, 62, 30, 24, CREAM);
    p.line("M78 32h0m44 0h0", 11, BLACK);
    p.ellipse(100, 52, 10, 7, BLACK);
    p.line("M100 58v8q-8 8-14 2m14-2q8 8 14 2", 3, BLACK);
    p.area("M100 108l-34-16v32zM100 108l34-16v32z", look.main);
}

fn dice(p: &mut Picture, look: &Look) {
    p.stand(250);
    p.moved(-36, 84, |p| die(p, look.main, "M30 30h0m56 56h0m-28-28h0"));
    p.group("translate(116 70) rotate(14 58 58)", |p| {
        die(p, look.accent, "M28 28h0m0 30h0m0 30h0m60 0h0m0-30h0m0-30h0");
    });
    p.group("translate(38 -36) rotate(-10 58 58)", |p| {
        die(p, WHITE, "M28 28h0m60 0h0m0 60h0m-60 0h0m30-30h0");
    });
}

fn die(p: &mut Picture, colour: Colour, pips: &str) {
    p.round(0, 0, 116, 116, 22, colour);
    p.round(92, 0, 24, 116, 12, SHADE);
    p.line(pips, 19, if colour == WHITE { BLACK } else { WHITE });
}

fn chess(p: &mut Picture, _: &Look) {
    p.stand(320);
    p.round(-50, 172, 300, 26, 5, WOOD.deep());
    let squares = "h0m50 0".repeat(6);
    p.line(&format!("M-26 182{squares}"), 9, CREAM);
    p.scaled(36, 174, 74, |p| pawn(p, CREAM));
    p.scaled(164, 174, 74, |p| pawn(p, BROWN));
    p.area("M68 174q-4-10 8-16 12-60 8-94h32q-4 34 8 94 12 6 8 16z", BLACK);
    p.area("M76 64l-8-46 20 18 12-26 12 26 20-18-8 46z", BLACK);
    p.circle(100, 4, 8, BRASS);
    p.line("M78 66h44M74 156h52", 7, BRASS);
}

fn pawn(p: &mut Picture, colour: Colour) {
    p.area("M56 200q-4-14 10-22 22-20 20-74h28q-2 54 20 74 14 8 10 22z", colour);
    p.circle(100, 80, 32, colour);
    p.round(70, 104, 60, 12, 6, colour.deep());
    p.area("M112 110h2q-2 54 20 74 14 8 10 16h-20q-14-40-12-90z", SHADE);
}

fn backgammon(p: &mut Picture, look: &Look) {
    p.round(-54, 6, 316, 196, 12, SHADE);
    p.round(-60, 0, 320, 196, 12, WOOD.deep());
    p.rect(-48, 12, 142, 172, PINE);
    p.rect(106, 12, 142, 172, PINE);
    for x in [-48, 106] {
        for (nth, colour) in [look.main, BLACK, look.main].into_iter().enumerate() {
            let x = x + 47 * nth as i32;
            p.area(&format!("M{x} 12h24l-12 74zM{} 184h24l-12-74z", x + 23), colour);
        }
    }
    p.line("M-36 26h0m0 24h0M165 170h0m0-24h0m0-24h0", 23, CREAM);
    p.line("M34 170h0m0-24h0M141 26h0", 23, RED);
}

fn yo_yo(p: &mut Picture, look: &Look) {
    p.line("M100-70C60-20 130 0 100 60", 4, CREAM.deep());
    p.circle(104, 118, 86, SHADE);
    p.circle(100, 112, 86, look.main);
    p.circle(100, 112, 68, look.accent);
    p.circle(100, 112, 46, look.main.pale());
    p.circle(100, 112, 14, BRASS);
    p.line("M34 92q10-34 42-48", 7, SHINE);
}

fn cards(p: &mut Picture, look: &Look) {
    for (turn, face) in [(-30, look.main), (-10, look.accent), (12, WHITE)] {
        p.group(&format!("rotate({turn} 100 230)"), |p| {
            p.round(40, 4, 132, 190, 12, SHADE);
            p.round(34, 0, 132, 190, 12, WHITE);
            p.round(42, 8, 116, 174, 8, face);
        });
    }
    p.group("rotate(12 100 230)", |p| {
        for (x, y, percent) in [(100, 190, 100), (58, 48, 24), (142, 190, 24)] {
            p.scaled(x, y, percent, |p| {
                p.area("M100 156C40 110 40 60 70 60q22 0 30 24 8-24 30-24c30 0 30 50-30 96z", RED);
            });
        }
    });
}

fn top(p: &mut Picture, look: &Look) {
    p.stand(60);
    let [one, two, three, ..] = look.paints;
    p.tilted(10, |p| {
        p.round(91, -30, 18, 80, 9, WOOD);
        p.area("M4 84q96 40 192 0-10 60-96 116Q14 144 4 84z", one);
        p.area("M22 128q78 30 156 0-12 20-34 40-44 18-88 0-22-20-34-40z", two);
        p.ellipse(100, 80, 98, 34, three);
        p.ellipse(100, 74, 70, 22, CREAM);
        p.ellipse(100, 68, 36, 11, one);
        p.round(91, 30, 18, 40, 6, WOOD);
    });
    p.line("M-44 120q-14 40 10 64M244 110q14 40-10 64", 6, SHINE);
}

fn car(p: &mut Picture, look: &Look) {
    p.stand(270);
    p.area("M14 112C20 40 60 40 100 40s70 20 84 72z", look.main);
    p.area("M34 108c4-40 24-50 58-50v50zM104 58c30 0 48 16 60 50h-60z", WATER);
    p.round(-32, 104, 268, 68, 30, look.main);
    p.round(-32, 140, 268, 32, 16, SHADE);
    p.line("M-16 130h170", 6, SHINE);
    p.circle(222, 126, 10, CREAM);
    for x in [28, 174] {
        wheel(p, x, 166, 33);
    }
}

fn boat(p: &mut Picture, look: &Look) {
    p.stand(240);
    p.line("M96-46v190", 9, WOOD.deep());
    p.area("M106-40c50 40 80 100 88 154h-88z", CREAM);
    p.area("M106 60h74q10 28 14 54h-88z", look.accent);
    p.area("M86-10c-10 50-40 90-86 124h86z", WHITE);
    p.area("M100-46l-36 10 36 12z", RED);
    p.area("M-30 134h260c-14 40-40 64-70 64H44c-34 0-60-24-74-64z", look.main);
    p.area("M-30 134h260l-6 16H-24z", WOOD);
    p.line("M-70 198q20-14 40 0M230 198q20-14 40 0", 6, WATER);
}

fn crayons(p: &mut Picture, look: &Look) {
    p.stand(250);
    for (nth, colour) in look.paints.into_iter().enumerate() {
        p.moved(44 * nth as i32 - 8, [20, 0, 10, -12, 14][nth], |p| {
            p.area("M8 22L14-4h12l6 26z", colour);
            p.rect(2, 20, 36, 140, colour);
            p.line("M2 36h36M2 46h36", 4, BLACK);
            p.rect(28, 20, 10, 140, SHADE);
        });
    }
    p.round(-20, 104, 240, 94, 8, BRASS);
    p.round(-20, 156, 240, 42, 8, SHADE);
    p.ellipse(100, 150, 60, 28, CREAM);
    p.line("M66 156q16-24 30 0t34-10", 6, look.main);
}

fn rope(p: &mut Picture, look: &Look) {
    p.line(
        "M10 100C10 240 70 200 80 130S130-30 150 40s-20 130-80 130 40-110 120-70",
        11,
        CREAM.deep(),
    );
    p.line("M10 100C10 240 70 200 80 130S130-30 150 40s-20 130-80 130 40-110 120-70", 7, CREAM);
    for (x, y, turn, colour) in [(10, 60, 0, look.main), (222, 118, 116, look.accent)] {
        p.group(&format!("translate({x} {y}) rotate({turn})"), |p| {
            p.round(-16, -60, 32, 108, 13, colour);
            p.rect(-16, -20, 32, 9, CREAM);
            p.rect(-16, 8, 32, 9, CREAM);
            p.circle(0, 48, 12, WOOD);
        });
    }
}

fn abacus(p: &mut Picture, look: &Look) {
    p.stand(230);
    for (nth, colour) in look.paints.into_iter().enumerate() {
        let (y, left, right) = (12 + 36 * nth as i32, 3 + nth % 3, 4 - nth % 3);
        p.line(&format!("M0 {y}h200"), 4, GREY);
        let (left, right) = ("h0m20 0".repeat(left), "h0m-20 0".repeat(right));
        p.line(&format!("M24 {y}{left}M176 {y}{right}"), 21, colour);
    }
    p.both_sides(|p| p.round(-8, -20, 18, 212, 6, WOOD));
    p.round(-16, -24, 232, 16, 8, WOOD);
    p.round(-30, 184, 260, 15, 7, WOOD.deep());
}

fn drum(p: &mut Picture, look: &Look) {
    p.stand(190);
    p.cylinder((10, 84), (180, 94), [look.main, CREAM]);
    p.line("M14 104l30 84 34-78 30 88 32-90 26 78 20-84", 5, CREAM);
    p.line("M10 84c24 28 156 28 180 0M10 180c24 26 156 26 180 0", 12, look.accent);
    p.line("M10 84c24-28 156-28 180 0", 6, look.accent.deep());
    p.line("M60 76L-20-20M130 78L220-16", 9, WOOD);
    p.circle(64, 78, 12, PINE);
    p.circle(126, 80, 12, PINE);
}

fn xylophone(p: &mut Picture, look: &Look) {
    p.tilted(-10, |p| {
        p.line("M-50 66L250 88M-50 150l300-22", 13, WOOD.deep());
        let bars = look.paints.into_iter().chain([RED, look.paints[1].pale()]);
        for (nth, colour) in bars.enumerate() {
            let (x, y) = (-46 + 43 * nth as i32, 6 + 9 * nth as i32);
            p.round(x, y, 35, 208 - 2 * y, 8, colour);
            p.line(&format!("M{} {}h0M{} {}h0", x + 17, y + 20, x + 17, 194 - y), 8, SHINE);
        }
        p.line("M60 110L236-30", 8, PINE);
        p.circle(60, 110, 17, RED);
    });
}

fn marbles(p: &mut Picture, look: &Look) {
    p.stand(280);
    let places = [(-10, 146, 50), (92, 154, 44), (196, 142, 54), (44, 66, 46), (142, 60, 42)];
    for (colour, (x, y, r)) in look.paints.into_iter().zip(places) {
        p.group(&format!("translate({x} {y}) rotate({x})"), |p| {
            p.circle(0, 0, r, colour.pale());
            p.area(&format!("M0-{r}q{r} {r} 0 {}q-{}-{r} 0-{}z", 2 * r, r / 4, 2 * r), colour);
            p.area(&format!("M0-{r}q-{r} {r} 0 {}q-{}-{r} 0-{}z", 2 * r, r / 3, 2 * r), WHITE);
        });
        p.circle(x - r / 3, y - r / 2, r / 5, SHINE);
        p.area(&format!("M{} {y}a{r} {r} 0 0 1-{r} {r}q{r}-{} {r}-{r}z", x + r, r / 5), SHADE);
    }
}
