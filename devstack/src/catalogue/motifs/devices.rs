//! What needs a battery or a socket.

use super::{
    Look, Motif, Picture,
    colour::{
        BLACK, BRASS, CREAM, Colour, GLOW, GREY, RED, SHADE, SHINE, STEEL, WATER, WHITE, WOOD,
    },
};

/// The motif of each kind, by the last words of its name.
pub const KINDS: &[(&str, Motif)] = &[
    ("alarm-clock", alarm_clock),
    ("bookshelf-speaker", bookshelf_speaker),
    ("cable", cable),
    ("charger", charger),
    ("earbuds", earbuds),
    ("flash-stick", flash_stick),
    ("headphones", headphones),
    ("keyboard", keyboard),
    ("laptop-stand", laptop_stand),
    ("microphone", microphone),
    ("monitor", monitor),
    ("mouse", mouse),
    ("power-bank", power_bank),
    ("radio", radio),
    ("smart-plug", charger),
    ("speaker", portable_speaker),
    ("webcam", webcam),
];

fn headphones(p: &mut Picture, look: &Look) {
    p.line("M22 130C8-50 192-50 178 130", 17, look.main);
    p.line("M36 60C60-8 140-8 164 60", 6, SHINE);
    p.both_sides(|p| {
        p.round(24, 92, 34, 106, 17, BLACK);
        p.round(-2, 98, 40, 94, 20, look.main);
        p.round(8, 114, 8, 60, 4, SHINE);
        p.round(12, 74, 18, 34, 6, STEEL);
    });
}

fn earbuds(p: &mut Picture, look: &Look) {
    p.stand(170);
    p.both_sides(|p| {
        p.round(36, 26, 17, 74, 8, look.main.pale());
        p.circle(50, 30, 27, look.main);
        p.ellipse(74, 36, 12, 17, BLACK);
        p.circle(44, 24, 7, SHINE);
    });
    p.round(14, 106, 172, 92, 40, look.main);
    p.round(110, 106, 76, 92, 38, SHADE);
    p.line("M16 140h168", 4, look.main.deep());
    p.circle(100, 160, 5, GLOW);
}

fn bookshelf_speaker(p: &mut Picture, look: &Look) {
    p.stand(150);
    p.round(36, -30, 134, 228, 10, WOOD.deep());
    p.round(30, -30, 122, 228, 10, look.main);
    cone(p, 91, 34, 30);
    cone(p, 91, 126, 50);
    p.circle(91, 186, 4, GLOW);
}

fn cone(p: &mut Picture, x: i32, y: i32, r: i32) {
    p.circle(x, y, r, STEEL);
    p.circle(x, y, r - 5, BLACK);
    p.circle(x, y, r * 2 / 5, GREY);
    p.circle(x - r / 8, y - r / 8, r / 6, SHINE);
}

fn portable_speaker(p: &mut Picture, look: &Look) {
    p.stand(240);
    p.line("M30 76C40 20 160 20 170 76", 9, BLACK);
    p.round(-24, 74, 248, 124, 58, look.main);
    p.round(2, 90, 196, 92, 44, look.main.deep());
    let dots = "h0m18 0".repeat(9);
    for y in [110, 128, 146, 164] {
        p.line(&format!("M28 {y}{dots}"), 6, look.main.pale());
    }
    p.line("M76 84h0m24 0h0m24 0h0", 8, WHITE);
}

fn keyboard(p: &mut Picture, look: &Look) {
    p.round(-56, 64, 322, 122, 14, SHADE);
    p.round(-62, 56, 324, 122, 14, look.main);
    let keys = "h6m18 0".repeat(12);
    for (y, x) in [(76, -46), (100, -40), (124, -46)] {
        p.line(&format!("M{x} {y}{keys}"), 15, WHITE);
    }
    p.line("M-46 76h0", 17, look.accent);
    p.line("M-46 152h20M6 152h128M168 152h0M190 152h0M212 152h24", 15, WHITE);
    p.line("M218 124h24", 15, look.accent);
}

fn mouse(p: &mut Picture, look: &Look) {
    p.tilted(12, |p| {
        p.round(46, -2, 124, 200, 62, SHADE);
        p.round(38, -8, 124, 200, 62, look.main);
        p.line("M100-8v78M39 74q60 20 122 0", 4, SHADE);
        p.round(91, 18, 18, 42, 9, look.accent);
        p.line("M54 96v44", 8, SHINE);
    });
}

fn cable(p: &mut Picture, look: &Look) {
    p.line("M-30 14h50c180 0 170 160 80 160S0 30 150 30c70 0 60 130 80 154", 12, look.main.deep());
    p.line("M-30 12h50c180 0 170 160 80 160S0 28 150 28c70 0 60 130 80 154", 8, look.main);
    for (x, y, turn) in [(-52, 12, 0), (232, 196, -106)] {
        p.group(&format!("translate({x} {y}) rotate({turn})"), |p| {
            p.round(-42, -9, 34, 18, 5, STEEL);
            p.round(-16, -15, 52, 30, 8, BLACK);
        });
    }
}

fn charger(p: &mut Picture, look: &Look) {
    p.tilted(-12, |p| {
        p.line("M70 60V-12M130 60V-12", 15, STEEL);
        p.round(28, 38, 152, 156, 30, SHADE);
        p.round(22, 32, 152, 156, 30, WHITE);
        p.round(124, 32, 50, 156, 28, SHADE);
        p.round(34, 44, 100, 132, 22, look.main);
        p.area("M90 66l-30 50h22l-8 42 34-54H84z", GLOW);
    });
}

fn power_bank(p: &mut Picture, look: &Look) {
    p.tilted(14, |p| {
        p.line("M100-10q0-40 60-36t80-40", 9, BLACK);
        p.rect(88, -14, 24, 20, STEEL);
        p.round(48, 8, 120, 196, 22, SHADE);
        p.round(40, 0, 120, 196, 22, look.main);
        p.round(126, 0, 34, 196, 17, SHADE);
        p.line("M66 168h0m16 0h0m16 0h0", 8, GLOW);
        p.line("M114 168h0", 8, SHADE);
        p.area("M104 50L70 104h24l-8 42 36-56H98z", SHINE);
    });
}

fn monitor(p: &mut Picture, look: &Look) {
    p.stand(150);
    p.area("M84 148h32l6 44H78z", GREY);
    p.round(46, 188, 108, 11, 5, GREY.deep());
    p.round(-46, -34, 292, 188, 10, BLACK);
    p.rect(-38, -26, 276, 160, look.main);
    p.area("M-38 134V76q70-60 140 0 40-40 136 20v38z", look.main.deep());
    p.circle(180, 16, 22, GLOW);
    p.area("M-38-26h130L12 134h-50z", SHINE);
    p.circle(100, 144, 3, GLOW);
}

fn flash_stick(p: &mut Picture, look: &Look) {
    p.tilted(-35, |p| {
        p.round(154, 74, 72, 56, 4, STEEL);
        p.line("M188 90h10M188 114h10", 11, GREY.deep());
        p.round(-24, 62, 186, 80, 20, look.main);
        p.round(-24, 102, 186, 40, 20, SHADE);
        p.circle(2, 102, 12, CREAM);
        p.round(42, 84, 92, 34, 8, look.accent);
        p.line("M0 76h110", 5, SHINE);
    });
}

fn radio(p: &mut Picture, look: &Look) {
    p.stand(250);
    p.line("M186 62L236-34", 5, STEEL);
    p.line("M20 60C30 14 170 14 180 60", 10, WOOD);
    p.round(-28, 56, 256, 138, 24, look.main);
    p.round(-14, 70, 228, 110, 14, CREAM);
    cone(p, 46, 125, 44);
    p.round(108, 82, 92, 32, 5, BLACK);
    p.line("M118 98h72", 3, GLOW);
    p.line("M164 90v16", 4, RED);
    p.circle(130, 148, 18, BRASS);
    p.circle(178, 148, 18, BRASS);
    p.line("M130 148v-10M178 148l8-8", 4, BLACK);
}

fn webcam(p: &mut Picture, look: &Look) {
    p.stand(140);
    p.area("M84 130h32l30 60q4 10-8 10H62q-12 0-8-10z", GREY);
    p.round(-14, 30, 228, 106, 53, look.main);
    p.round(-14, 86, 228, 50, 25, SHADE);
    p.circle(100, 82, 44, BLACK);
    p.circle(100, 82, 30, Colour::rgb(0x2f4a6d));
    p.circle(100, 82, 14, BLACK);
    p.circle(88, 70, 8, WATER);
    p.circle(178, 82, 5, GLOW);
}

fn alarm_clock(p: &mut Picture, look: &Look) {
    p.stand(170);
    p.circle(100, 96, 112, Colour::rgba(0xffd98a70));
    p.circle(100, 98, 100, look.main);
    p.circle(100, 98, 88, GLOW);
    p.area("M12 98a88 88 0 0 0 176 0q-88-26-176 0z", Colour::rgb(0xf2a65a));
    p.round(46, 66, 108, 60, 12, BLACK);
    p.line("M64 82v28M80 82h12v14H80v14h12M108 82h12v28h-12zM136 82v14h10m0-14v28", 4, GLOW);
    p.line("M100 90h0m0 12h0", 5, GLOW);
    p.round(30, 186, 140, 13, 6, WOOD);
}

fn microphone(p: &mut Picture, look: &Look) {
    p.stand(130);
    p.line("M44 60v24c0 74 112 74 112 0V60M100 140v46", 9, GREY);
    p.round(40, 184, 120, 15, 7, BLACK);
    p.round(60, -34, 80, 152, 40, look.main);
    p.area("M60 34V6a40 40 0 0 1 80 0v28z", STEEL);
    p.line("M66 0h68M62 18h76M76-18h48M84-28v58M100-32v62M116-28v58", 3, GREY.deep());
    p.rect(58, 32, 84, 10, BRASS);
    p.line("M78 60v34", 7, SHINE);
    p.circle(114, 74, 7, RED);
}

fn laptop_stand(p: &mut Picture, look: &Look) {
    p.stand(240);
    p.area("M40 120h120l34 80h-26l-20-54H52l-20 54H6z", STEEL);
    p.area("M52 146h96l6 16H46z", SHADE);
    p.round(0, -30, 200, 134, 10, BLACK);
    p.rect(10, -20, 180, 114, look.accent);
    p.area("M10 94V56q50-50 96 0 30-30 84 6v32z", look.accent.deep());
    p.area("M10-20h92L46 94H10z", SHINE);
    p.area("M0 104h200l16 16q0 8-8 8H-8q-8 0-8-8z", STEEL.deep());
    p.round(76, 106, 48, 7, 3, SHADE);
}
