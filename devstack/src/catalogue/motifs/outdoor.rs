//! What is packed for a walk, a camp or the beach.

use super::{
    Look, Motif, Picture,
    colour::{
        BLACK, BRASS, CLAY, CREAM, Colour, GLASS, GLOW, GREEN, GREY, LEATHER, RED, SHADE, SHINE,
        STEEL, WATER, WHITE, WOOD,
    },
    home,
};

/// The motif of each kind, by the last words of its name.
pub const KINDS: &[(&str, Motif)] = &[
    ("backpack", backpack),
    ("binoculars", binoculars),
    ("camp-chair", camp_chair),
    ("camping-stove", stove),
    ("compass", compass),
    ("cool-box", cool_box),
    ("dry-bag", dry_bag),
    ("hammock", hammock),
    ("hat", hat),
    ("head-torch", head_torch),
    ("picnic-rug", home::rug),
    ("poles", poles),
    ("rucksack", rucksack),
    ("sleeping-bag", sleeping_bag),
    ("sleeping-mat", sleeping_mat),
    ("tent", tent),
    ("torch", torch),
    ("tunnel-tent", tunnel_tent),
    ("umbrella", umbrella),
    ("water-bottle", bottle),
];

fn backpack(p: &mut Picture, look: &Look) {
    p.stand(150);
    p.line("M76 0q0-34 24-34t24 34", 9, look.main.deep());
    p.both_sides(|p| p.round(12, 100, 40, 84, 16, look.accent.deep()));
    p.area("M30 80C30-30 170-30 170 80v96q0 24-24 24H54q-24 0-24-24z", look.main);
    p.area("M140 6c20 14 30 40 30 74v96q0 24-24 24h-24c16-60 30-120 18-194z", SHADE);
    p.line("M42 66q58-20 116 0", 5, look.main.deep());
    p.round(48, 100, 104, 82, 18, look.accent);
    p.line("M60 122h80", 5, look.accent.deep());
    p.round(92, 118, 16, 26, 4, BRASS);
    p.line("M56 40q6-24 24-32", 7, SHINE);
}

fn rucksack(p: &mut Picture, look: &Look) {
    p.stand(140);
    p.round(38, 10, 124, 190, 24, look.main);
    p.round(124, 10, 38, 190, 19, SHADE);
    p.round(30, -30, 140, 54, 16, look.main.deep());
    p.line("M40-4h120", 4, SHINE);
    p.line("M66-28v118M134-28v118", 9, LEATHER);
    p.round(58, 60, 16, 22, 3, BRASS);
    p.round(126, 60, 16, 22, 3, BRASS);
    p.round(54, 112, 92, 72, 10, look.main.pale());
    p.line("M56 130h88", 4, SHADE);
}

fn tent(p: &mut Picture, look: &Look) {
    p.stand(300);
    p.line("M100 30L-66 198M100 30l166 168", 3, CREAM);
    p.area("M100 26l130 172H-30z", look.main);
    p.area("M100 26l130 172h-66z", SHADE);
    p.area("M100 60l52 138H48z", look.main.deep());
    p.area("M100 60l-52 138h24q26-60 28-138z", look.accent);
    p.line("M92 14l8 12 8-12", 5, WOOD);
    p.line("M20 142l-30 40", 6, SHINE);
}

fn tunnel_tent(p: &mut Picture, look: &Look) {
    p.stand(340);
    p.area("M-60 198C-60 100 0 60 70 60h120c60 0 84 60 84 138z", look.main);
    p.line("M36 64C-10 84-20 140-20 196M124 60c-40 30-50 80-50 136", 5, look.main.deep());
    p.area("M190 60c60 0 84 60 84 138H136c0-78 20-128 54-138z", look.accent);
    p.area("M198 92c30 10 40 50 40 106h-70c0-50 10-92 30-106z", look.accent.deep());
    p.area("M-12 108q30-30 60-30-14 20-18 44h-46z", GLASS);
}

fn sleeping_bag(p: &mut Picture, look: &Look) {
    p.tilted(-32, |p| {
        p.round(-52, 44, 318, 132, 62, SHADE);
        p.area(
            "M-54 104c0-50 34-68 74-70 80-4 190 4 228 22 20 10 20 86 0 96\
            c-38 18-148 26-228 22-40-2-74-20-74-70z",
            look.main,
        );
        p.line(
            "M76 36q14 68 0 138M130 38q14 66 0 134M184 44q14 60 0 122M236 54q10 50 0 100",
            4,
            SHADE,
        );
        p.ellipse(4, 104, 46, 54, look.main.deep());
        p.ellipse(6, 104, 35, 42, look.accent);
        p.round(-18, 80, 46, 48, 16, CREAM);
        p.line("M52 104h190", 3, SHINE);
    });
}

fn sleeping_mat(p: &mut Picture, look: &Look) {
    p.stand(280);
    p.round(40, 152, 220, 46, 14, look.main);
    p.line("M110 164h130M110 184h130", 5, SHADE);
    p.circle(20, 122, 76, look.main.deep());
    p.circle(20, 122, 68, look.main);
    for r in [52, 34, 16] {
        p.line(&format!("M{} 122a{r} {r} 0 1 1 {r} {r}", 20 - r), 7, look.main.deep());
    }
    p.line("M66 60l26 18", 9, look.accent);
}

fn bottle(p: &mut Picture, look: &Look) {
    p.stand(76);
    p.line("M80-12q0-24 20-24t20 24", 8, BLACK);
    p.round(74, -14, 52, 34, 8, BLACK);
    p.area(
        "M80 20h40c2 22 26 26 26 60v102q0 18-16 18H70q-16 0-16-18V80c0-34 24-38 26-60z",
        look.main,
    );
    p.area("M114 20h6c2 22 26 26 26 60v102q0 18-16 18h-14c14-60 16-120-2-180z", SHADE);
    p.rect(54, 112, 92, 38, look.accent);
    p.area("M76 144l22-26 12 14 6-6 14 18z", CREAM);
    p.line("M68 88v14M68 160v20", 8, SHINE);
}

fn stove(p: &mut Picture, look: &Look) {
    p.stand(130);
    p.area("M100-8c40 40 36 70 0 74-36-4-40-34 0-74z", Colour::rgb(0x5b9fd6));
    p.area("M100 20c18 20 16 40 0 44-16-4-18-24 0-44z", GLOW);
    p.line("M100 96L48 62H30M100 96l52-34h18M100 60v60", 9, GREY);
    p.round(72, 60, 56, 12, 5, BLACK);
    p.line("M112 104h48", 6, RED);
    p.round(84, 96, 32, 34, 5, BRASS);
    p.cylinder((42, 134), (116, 54), [look.main, look.main.deep()]);
    p.round(88, 120, 24, 16, 3, GREY);
    p.line("M42 158c16 14 100 14 116 0", 8, CREAM);
}

fn cool_box(p: &mut Picture, look: &Look) {
    p.stand(230);
    p.line("M10 62q0-50 30-50h120q30 0 30 50", 11, WHITE.deep());
    p.area("M-10 88h220l-12 100q-2 12-14 12H16q-12 0-14-12z", look.main);
    p.area("M170 88h40l-12 100q-2 12-14 12h-28z", SHADE);
    p.round(-20, 54, 240, 40, 12, WHITE);
    p.rect(-10, 88, 220, 6, SHADE);
    p.round(84, 82, 32, 30, 6, GREY);
    p.line("M100 128v48M79 140l42 24M121 140l-42 24", 6, WHITE);
}

fn camp_chair(p: &mut Picture, look: &Look) {
    p.stand(190);
    p.line("M30 198l132-96M170 198L38 102M30 198L60 110", 9, GREY);
    p.line("M36-6l6 112M164-6l-6 112", 9, GREY);
    p.area("M30-14q70 16 140 0l-8 88q-62 12-124 0z", look.main);
    p.area("M36 84q64 14 128 0l14 34q-78 28-156 0z", look.main.deep());
    p.line("M20 56h36M144 56h36", 15, BLACK);
    p.line("M48 8q50 10 104 0", 5, SHINE);
}

fn hammock(p: &mut Picture, look: &Look) {
    p.rect(-92, -60, 26, 330, WOOD.deep());
    p.rect(266, -60, 26, 330, WOOD.deep());
    p.line("M-78 30L-10 92M278 30l-68 62M-78 30L10 118M278 30l-88 88", 4, CREAM);
    p.area("M-14 88q114 66 228 0-30 104-114 104T-14 88z", look.main);
    p.area("M-14 88q114 66 228 0-60 96-114 90T-14 88z", look.accent);
    p.area("M16 108q84 36 168 0-40 44-84 40t-84-40z", look.main.pale());
    p.line("M-78 24v12M278 24v12", 28, LEATHER);
}

fn umbrella(p: &mut Picture, look: &Look) {
    p.line("M100-30V170q0 26 22 26t22-26", 9, WOOD);
    p.area(
        "M-20 100C-10-60 210-60 220 100q-30-24-60 0-30-24-60 0-30-24-60 0-30-24-60 0z",
        look.main,
    );
    p.area("M40 100C40 40 60-10 100-20c40 10 60 60 60 120q-30-24-60 0-30-24-60 0z", look.accent);
    p.area("M160 100c0-60-10-96-40-118 60 10 96 50 100 118q-30-24-60 0z", SHADE);
    p.line("M0 70q8-40 36-62", 7, SHINE);
}

fn compass(p: &mut Picture, look: &Look) {
    p.round(28, -32, 156, 244, 16, SHADE);
    p.round(22, -38, 156, 244, 16, WHITE);
    p.round(22, -38, 156, 244, 16, WATER);
    p.line("M34-20v60M34-20h-4m4 12h6m-6 12h6m-6 12h6m-6 12h6m-6 12h6", 3, look.main);
    p.area("M100-26l14 26H86z", RED);
    p.circle(100, 112, 76, look.main);
    p.circle(100, 112, 62, WHITE);
    p.line("M100 58v8M100 158v8M46 112h8M146 112h8", 5, GREY);
    p.tilted(30, |p| {
        p.area("M106 66l14 48H92z", RED);
        p.area("M106 162l14-48H92z", STEEL.deep());
    });
    p.circle(100, 112, 6, BLACK);
}

fn binoculars(p: &mut Picture, look: &Look) {
    p.stand(200);
    p.line("M14 60C-50-60 250-60 186 60", 6, BLACK);
    p.round(84, 64, 32, 66, 6, GREY);
    p.both_sides(|p| {
        p.area("M36 30h44l10 150q0 20-20 20H22q-20 0-18-20z", look.main);
        p.round(30, 12, 56, 30, 10, BLACK);
        p.round(-2, 160, 96, 40, 12, BLACK);
        p.line("M40 60l-10 80", 7, SHINE);
    });
    p.circle(100, 84, 14, BLACK);
}

fn head_torch(p: &mut Picture, look: &Look) {
    p.area("M100 130L20 300h240z", Colour::rgba(0xffe7a380));
    p.line("M100 110C-90 90-60 0 100 0s190 90 0 110", 23, look.accent);
    p.line("M60 106C-60 90-40 10 100 4", 3, SHINE);
    p.round(46, 74, 108, 76, 22, look.main);
    p.circle(100, 112, 33, BLACK);
    p.circle(100, 112, 26, GLOW);
    p.circle(92, 104, 9, WHITE);
    p.round(82, 62, 36, 16, 6, RED);
}

fn torch(p: &mut Picture, look: &Look) {
    p.tilted(-28, |p| {
        p.area("M184 76L330 10v184l-146-66z", Colour::rgba(0xffe7a3a0));
        p.round(-30, 80, 150, 44, 10, look.main);
        p.area("M116 80l36-20h28q8 0 8 8v68q0 8-8 8h-28l-36-20z", look.main.deep());
        p.round(180, 64, 12, 76, 6, GLOW);
        p.round(-30, 104, 150, 20, 10, SHADE);
        p.round(60, 72, 34, 14, 6, RED);
        p.line("M-16 92h56", 5, SHINE);
        p.line("M-4 114h0m16 0h0m16 0h0", 6, SHADE);
    });
}

fn hat(p: &mut Picture, look: &Look) {
    p.ellipse(100, 154, 150, 36, look.main.deep());
    p.ellipse(100, 146, 150, 36, look.main);
    p.area("M24 142C22 10 60 30 100 30s78-20 76 112q-76 26-152 0z", look.main);
    p.area("M142 32c30 6 36 50 34 110q-20 8-40 10c14-50 16-80 6-120z", SHADE);
    p.area("M24 120q76 26 152 0v24q-76 26-152 0z", look.accent);
    p.line(
        "M-30 146q14 16 40 24M50 60q50 12 100 0M40 90q60 16 120 0M230 146q-14 16-40 24",
        3,
        SHADE,
    );
}

fn poles(p: &mut Picture, look: &Look) {
    for turn in [-16, 16] {
        p.group(&format!("rotate({turn} 100 110)"), |p| {
            p.line("M86-36q-30 60 6 60", 5, BLACK);
            p.line("M100-20V222", 8, look.main);
            p.line("M100 120V222", 6, GREY);
            p.round(88, -54, 24, 70, 10, CLAY);
            p.round(92, 86, 16, 22, 4, BLACK);
            p.ellipse(100, 204, 22, 7, BLACK);
        });
    }
}

fn dry_bag(p: &mut Picture, look: &Look) {
    p.stand(140);
    p.line("M52 26C30-50 170-50 148 26", 10, BLACK);
    p.cylinder((40, 60), (120, 126), [look.main, look.main]);
    p.area("M40 60L54 24h92l14 36q-60 30-120 0z", look.main.deep());
    p.round(48, 12, 104, 20, 8, BLACK);
    p.rect(40, 134, 120, 22, BLACK);
    p.area("M100 78c26 30 22 44 0 46-22-2-26-16 0-46z", WATER);
    p.line("M56 90v34", 7, SHINE);
    p.circle(146, 145, 7, GREEN);
}
