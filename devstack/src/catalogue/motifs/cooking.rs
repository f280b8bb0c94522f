//! What is used to cook: pans and pots, knives and boards, and what hangs beside the hob.

use super::{
    Look, Motif, Picture,
    colour::{BLACK, BRASS, CREAM, GLOW, GREY, PINE, SHADE, SHINE, STEEL, WOOD},
};

/// The motif of each kind, by the last words of its name.
pub const KINDS: &[(&str, Motif)] = &[
    ("apron", apron),
    ("board", board),
    ("bread-knife", bread_knife),
    ("cake-tin", cake_tin),
    ("casserole", pot),
    ("colander", colander),
    ("grater", grater),
    ("knife", knife),
    ("ladle", ladle),
    ("mixing-bowls", mixing_bowls),
    ("pepper-mill", pepper_mill),
    ("rolling-pin", rolling_pin),
    ("saucepan", saucepan),
    ("scale", kitchen_scale),
    ("skillet", pan),
    ("spatula", spatula),
    ("spoons", spoons),
    ("stock-pot", pot),
    ("whisk", whisk),
    ("wok", wok),
];

fn pan(p: &mut Picture, look: &Look) {
    p.group("rotate(-40 106 84)", |p| {
        p.round(88, 118, 24, 104, 12, look.main);
        p.circle(100, 208, 5, SHADE);
        p.area("M40 44l-14-8 24-12z M160 44l14-8-24-12z", look.main);
        p.circle(100, 70, 72, look.main);
        p.circle(100, 70, 62, look.main.deep());
        p.line("M58 66a44 44 0 0 1 34-38", 6, SHINE);
    });
}

fn wok(p: &mut Picture, look: &Look) {
    p.stand(100);
    p.tilted(-8, |p| {
        p.line("M176 108l54-26", 14, WOOD);
        p.line("M168 112l12-6", 18, STEEL);
    });
    p.line("M14 112h-20v12h24", 7, look.main.deep());
    p.area("M8 108h184c-2 56-44 92-78 92H86c-34 0-76-36-78-92z", look.main);
    p.area("M192 108c-2 56-44 92-78 92h-22c46-12 64-44 68-92z", SHADE);
    p.ellipse(100, 108, 92, 17, look.main.pale());
    p.ellipse(100, 110, 82, 12, look.main.deep());
}

fn pot(p: &mut Picture, look: &Look) {
    p.stand(170);
    p.both_sides(|p| p.line("M30 118H12v22h18", 9, look.main.deep()));
    lidded(p, look, 96);
}

fn saucepan(p: &mut Picture, look: &Look) {
    p.stand(170);
    p.line("M172 132h70", 15, BLACK);
    lidded(p, look, 116);
}

fn lidded(p: &mut Picture, look: &Look, top: i32) {
    p.cylinder((26, top), (148, 184 - top), [look.main, look.main.deep()]);
    p.line(&format!("M44 {}v40", top + 30), 7, SHINE);
    p.circle(100, top - 36, 11, look.main.deep());
    p.area(&format!("M22 {top}c0-40 156-40 156 0c-30 18-126 18-156 0z"), look.main.pale());
    p.line(&format!("M22 {top}c30 18 126 18 156 0"), 6, look.main.deep());
}

fn knife(p: &mut Picture, look: &Look) {
    p.tilted(-35, |p| {
        p.area("M-14 84h134v38H50C18 122-2 106-14 84z", STEEL);
        p.area("M-14 84h134v12H-8z", STEEL.pale());
        handle(p, look);
    });
}

fn bread_knife(p: &mut Picture, look: &Look) {
    p.tilted(-35, |p| {
        let teeth = "q-5-7-10 0".repeat(12);
        p.area(&format!("M-14 90l8-6h126v32{teeth}c-10-4-14-16-14-26z"), STEEL);
        p.area("M-6 84h126v10H-14z", STEEL.pale());
        handle(p, look);
    });
}

fn handle(p: &mut Picture, look: &Look) {
    p.round(118, 82, 14, 34, 3, GREY);
    p.area("M128 84h74q14 0 14 14v6q0 14-14 14c-20-8-50-4-74-4z", look.main);
    (0..3).for_each(|rivet| p.circle(144 + 26 * rivet, 100, 4, BRASS.pale()));
}

fn board(p: &mut Picture, look: &Look) {
    p.tilted(-14, |p| {
        p.round(34, 46, 136, 166, 20, look.main.deep());
        p.area(
            "M48 40h38V-4q0-18 15-18t15 18v44h38q14 0 14 14\
            v132q0 18-18 18H52q-18 0-18-18V54q0-14 14-14z",
            look.main,
        );
        p.circle(101, 0, 7, look.main.deep());
        p.line(
            "M58 70q20 60 0 110M84 64q14 60 0 124\
            M116 64q-14 60 4 124M146 70q-16 60 2 110",
            3,
            SHADE,
        );
    });
}

fn rolling_pin(p: &mut Picture, look: &Look) {
    p.tilted(-35, |p| {
        p.round(-24, 90, 248, 22, 11, look.main.deep());
        p.round(22, 74, 156, 54, 16, look.main);
        p.round(22, 104, 156, 24, 12, SHADE);
        p.line("M38 86h110", 5, SHINE);
    });
}

fn whisk(p: &mut Picture, look: &Look) {
    p.tilted(35, |p| {
        for wire in
            ["0-20 0-20 0", "-30-40-30-150 0-150s30 110 0 150", "-66-50-54-150 0-150s54 100 0 150"]
        {
            p.line(&format!("M100 124c{wire}"), 4, STEEL);
        }
        p.line("M100 124V-26", 4, STEEL);
        p.round(88, 118, 24, 100, 12, look.accent);
        p.round(86, 116, 28, 16, 5, GREY);
    });
}

fn spatula(p: &mut Picture, look: &Look) {
    p.tilted(30, |p| {
        p.round(92, 70, 16, 146, 8, look.main);
        p.area("M70-18h60c8 30 4 70-14 104H84C66 56 62 12 70-18z", look.main);
        p.line("M88 4v54M112 4v54", 7, look.main.deep());
    });
}

fn spoons(p: &mut Picture, look: &Look) {
    for (turn, wood) in [(-24, look.main), (24, look.main.deep()), (0, WOOD)] {
        p.group(&format!("rotate({turn} 100 190)"), |p| {
            p.round(93, 50, 14, 154, 7, wood);
            p.ellipse(100, 24, 27, 40, wood);
            p.ellipse(100, 22, 18, 29, SHADE);
        });
    }
}

fn ladle(p: &mut Picture, _: &Look) {
    p.tilted(14, |p| {
        p.line("M128 150V-10q0-18-16-18t-16 16", 9, STEEL);
        p.area("M36 140h98c2 40-22 64-49 64s-50-24-49-64z", STEEL);
        p.area("M134 140c2 40-22 64-49 64 24-16 30-36 31-64z", SHADE);
        p.ellipse(85, 140, 49, 11, GREY);
    });
}

fn grater(p: &mut Picture, look: &Look) {
    p.stand(120);
    p.line("M72 42V22q0-14 14-14h28q14 0 14 14v20", 11, look.accent);
    p.area("M62 40h76l16 160H46z", STEEL);
    p.area("M118 40h20l16 160h-26z", SHADE);
    for row in 0..6 {
        let y = 64 + 22 * row;
        p.line(&format!("M72 {y}h8m14 0h8m-20 11h8m12 0h8"), 6, GREY);
    }
}

fn colander(p: &mut Picture, look: &Look) {
    p.stand(120);
    p.both_sides(|p| p.line("M20 108H4v16h20", 7, look.main.deep()));
    p.area("M70 180h60l8 20H62z", look.main.deep());
    p.area("M12 102h176c0 54-40 86-72 86H84c-32 0-72-32-72-86z", look.main);
    p.area("M188 102c0 54-40 86-72 86h-16c40-14 52-44 54-86z", SHADE);
    p.ellipse(100, 102, 88, 16, look.main.deep());
    for (y, from) in [(128, 38), (146, 52), (164, 70)] {
        let holes = "m16 0h0".repeat(((100 - from) / 8) as usize);
        p.line(&format!("M{} {y}{holes}", from - 8), 7, look.accent);
    }
}

fn mixing_bowls(p: &mut Picture, look: &Look) {
    p.stand(120);
    let [one, two, three, ..] = look.paints;
    for (y, half, colour) in [(70, 56, three), (96, 72, two), (124, 90, one)] {
        let (left, width, round) = (100 - half, half * 2, half - 32);
        p.area(
            &format!(
                "M{left} {y}h{width}c0 48-{round} 76-{round} 76H{}c0 0-{round}-28-{round}-76z",
                left + round
            ),
            colour,
        );
        p.ellipse(100, y, half, half / 6, colour.deep());
    }
}

fn kitchen_scale(p: &mut Picture, look: &Look) {
    p.stand(170);
    p.area("M44 74h112c0 38-26 62-44 62H88c-18 0-44-24-44-62z", CREAM);
    p.ellipse(100, 74, 56, 10, CREAM.deep());
    p.round(30, 132, 140, 14, 7, STEEL);
    p.area("M38 146h124l14 44q2 10-8 10H32q-10 0-8-10z", look.accent);
    p.round(68, 160, 64, 26, 6, BLACK);
    p.line("M82 173h8m10 0h8m10 0h2", 6, GLOW);
}

fn pepper_mill(p: &mut Picture, look: &Look) {
    p.stand(84);
    p.area("M62 200c0-46 16-56 16-84s-12-22-12-44h68c0 22-12 16-12 44s16 38 16 84z", look.main);
    p.area("M110 200c4-46 0-100 0-128h24c0 22-12 16-12 44s16 38 16 84z", SHADE);
    p.area("M66 66c-6-48 74-48 68 0z", look.main.deep());
    p.rect(66, 64, 68, 8, STEEL);
    p.circle(100, 20, 10, STEEL);
}

fn cake_tin(p: &mut Picture, look: &Look) {
    p.stand(180);
    p.cylinder((14, 112), (172, 68), [look.main, look.main.deep()]);
    p.ellipse(100, 110, 78, 16, PINE);
    p.area("M22 108c10-44 146-44 156 0-24 22-132 22-156 0z", PINE);
    p.line("M58 96l22 8m16-22l24 2m8 20l22-6", 5, WOOD);
    p.line("M14 112c20 26 152 26 172 0", 5, look.main.pale());
    p.round(92, 140, 40, 34, 5, STEEL);
    p.line("M102 150h20", 7, GREY);
}

fn apron(p: &mut Picture, look: &Look) {
    p.line("M68 36c-6-60 70-60 64 0", 6, look.accent);
    p.both_sides(|p| p.line("M40 108q-34 4-40 40", 6, look.accent));
    p.area(
        "M66 32h68c2 36 14 52 32 62v94q0 12-12 12H46q-12 0-12-12V94c18-10 30-26 32-62z",
        look.main,
    );
    p.line("M78 46v150M100 46v150M122 46v150M56 98v98M144 98v98", 5, CREAM);
    p.round(62, 118, 76, 48, 8, look.accent);
    p.line("M64 130h72", 3, SHINE);
}
