//! What gives light. The wall behind these is dark.

use super::{
    Look, Motif, Picture,
    colour::{BLACK, BRASS, CREAM, GLASS, GLOW, GREY, HALO, SHADE, SHINE, STEEL, WHITE, WOOD},
};

/// The motif of each kind, by the last words of its name.
pub const KINDS: &[(&str, Motif)] = &[
    ("arc-floor-lamp", arc_lamp),
    ("bulb", bulb),
    ("candle", jar_candle),
    ("candles", candles),
    ("clip-on-desk-lamp", clip_lamp),
    ("desk-lamp", desk_lamp),
    ("floor-lamp", reading_lamp),
    ("glass-pendant", globe_pendant),
    ("lantern", lantern),
    ("mushroom-table-lamp", mushroom_lamp),
    ("night-light", night_light),
    ("pendant", pendant),
    ("rattan-pendant", woven_pendant),
    ("reflector-led-bulb", reflector_bulb),
    ("smart-led-bulb", smart_bulb),
    ("string-lights", string_lights),
    ("table-lamp", table_lamp),
    ("tripod-floor-lamp", tripod_lamp),
    ("wall-light", wall_light),
];

fn table_lamp(p: &mut Picture, look: &Look) {
    p.stand(110);
    p.circle(100, 54, 110, HALO);
    p.rect(94, 84, 12, 30, BRASS);
    p.area(
        "M84 108h32c4 22 34 26 34 58 0 22-14 34-30 34H80c-16 0-30-12-30-34 0-32 30-36 34-58z",
        look.main,
    );
    p.area("M110 108h6c4 22 34 26 34 58 0 22-14 34-30 34h-14c30-34 12-60 4-92z", SHADE);
    p.line("M66 156q-4 14 4 26", 7, SHINE);
    p.area("M64-8h72l36 96H28z", GLOW);
    p.area("M118-8h18l36 96h-36z", SHADE);
}

fn mushroom_lamp(p: &mut Picture, look: &Look) {
    p.stand(120);
    p.circle(100, 70, 116, HALO);
    p.area("M78 90h44l16 100q1 10-10 10H72q-11 0-10-10z", look.main);
    p.area("M108 90h14l16 100q1 10-10 10h-18z", SHADE);
    p.ellipse(100, 102, 84, 16, GLOW);
    p.area("M8 100C12-28 188-28 192 100c-30 14-154 14-184 0z", look.main);
    p.area("M192 100C190 40 160 6 124 4c28 24 30 60 24 106 20-2 36-5 44-10z", SHADE);
    p.line("M34 72c4-22 16-38 34-46", 8, SHINE);
}

fn desk_lamp(p: &mut Picture, look: &Look) {
    p.stand(120);
    p.round(46, 186, 108, 14, 7, look.main);
    articulated(p, look);
}

fn clip_lamp(p: &mut Picture, look: &Look) {
    p.stand(1);
    p.rect(64, 196, 240, 16, WOOD);
    p.rect(64, 208, 240, 5, WOOD.deep());
    p.line("M86 190h40M80 190v32h36", 9, GREY);
    articulated(p, look);
}

fn articulated(p: &mut Picture, look: &Look) {
    p.area("M36 78L-60 226h200z", HALO);
    p.line("M100 186l46-78L84 24 60 40", 9, look.main.pale());
    p.circle(146, 108, 10, GREY);
    p.circle(84, 24, 9, GREY);
    p.circle(30, 84, 20, GLOW);
    p.area("M66 24c14 8 18 22 12 36l-14 30L0 54l24-24c14-12 28-14 42-6z", look.main);
}

fn tripod_lamp(p: &mut Picture, look: &Look) {
    p.stand(150);
    p.circle(100, 20, 110, HALO);
    p.line("M96 70L40 198M104 70l56 128M100 70v120", 8, WOOD);
    p.line("M66 140h68", 4, BRASS);
    p.area("M62-34h76l28 106H34z", look.accent.pale());
    p.area("M118-34h20l28 106h-32z", SHADE);
    p.ellipse(100, 72, 66, 9, GLOW);
}

fn arc_lamp(p: &mut Picture, look: &Look) {
    p.stand(1);
    p.ellipse(170, 198, 50, 8, SHADE);
    p.area("M36 62L-44 204h160z", HALO);
    p.line("M176 190C196 30 140-30 90-24 60-20 40 0 36 22", 7, BRASS);
    p.round(130, 184, 86, 16, 8, CREAM);
    p.ellipse(36, 62, 42, 12, GLOW);
    p.area("M-8 62c4-58 84-58 88 0-20 10-68 10-88 0z", look.main);
    p.line("M8 48c4-10 8-16 16-20", 6, SHINE);
}

fn reading_lamp(p: &mut Picture, look: &Look) {
    p.stand(90);
    p.area("M46 16L-36 204h164z", HALO);
    p.line("M130 190V-20Q124-36 100-24L64-4", 7, look.main.pale());
    p.round(88, 186, 84, 14, 7, look.main);
    p.circle(40, 22, 16, GLOW);
    p.area("M72-16c12 14 8 30-6 40L18 44 8 16z", look.main);
    p.circle(130, 60, 8, BRASS);
}

fn pendant(p: &mut Picture, look: &Look) {
    cord(p);
    p.area("M24 130L-40 250h280l-64-120z", HALO);
    p.circle(100, 132, 26, GLOW);
    p.area("M80 16h40v26c40 10 70 42 76 92H4c6-50 36-82 76-92z", look.main);
    p.area("M120 16v26c40 10 70 42 76 92h-46c0-50-20-90-46-118z", SHADE);
    p.line("M4 134h192", 7, look.main.pale());
    p.line("M36 104c6-18 18-32 34-40", 8, SHINE);
}

fn woven_pendant(p: &mut Picture, look: &Look) {
    cord(p);
    p.circle(100, 96, 124, HALO);
    p.circle(100, 96, 34, GLOW);
    p.ellipse(100, 96, 96, 70, SHINE);
    for half in [20, 58, 96] {
        let path = format!(
            "M{} 96a{half} 70 0 0 1 {} 0a{half} 70 0 0 1-{} 0",
            100 - half,
            2 * half,
            2 * half
        );
        p.line(&path, 6, look.main);
    }
    p.line("M4 96h192M22 62h156M22 130h156M52 38h96M52 154h96", 5, look.main);
    p.round(76, 16, 48, 14, 6, look.main);
}

fn globe_pendant(p: &mut Picture, _: &Look) {
    cord(p);
    p.circle(100, 104, 124, HALO);
    p.circle(100, 104, 82, GLOW);
    p.circle(94, 98, 66, WHITE);
    p.round(72, 8, 56, 24, 8, BRASS);
}

fn cord(p: &mut Picture) {
    p.line("M100-80V20", 5, GREY);
}

fn wall_light(p: &mut Picture, look: &Look) {
    p.circle(100, 60, 116, HALO);
    p.round(74, 130, 52, 74, 26, look.main);
    p.line("M100 166v-40", 10, look.main.deep());
    p.round(76, 100, 48, 30, 8, look.main.deep());
    p.area("M70 108C44 70 36 30 40-8h120c4 38-4 78-30 116z", GLOW);
    p.area("M136-8h24c4 38-4 78-30 116h-16c20-36 24-78 22-116z", SHADE);
    p.circle(100, 184, 6, look.main.pale());
}

fn bulb(p: &mut Picture, _: &Look) {
    p.circle(100, 70, 116, HALO);
    p.area("M66 150c0-34-38-46-38-88a72 72 0 0 1 144 0c0 42-38 54-38 88z", GLOW);
    p.line("M84 146V76l8 16 8-16 8 16 8-16v70", 4, BRASS.deep());
    p.line("M46 66a56 56 0 0 1 38-54", 8, SHINE);
    cap(p);
}

fn reflector_bulb(p: &mut Picture, _: &Look) {
    p.area("M26 40L-30-46h260l-56 86z", HALO);
    p.area("M20 40h160c0 50-42 66-46 112H66c-4-46-46-62-46-112z", STEEL);
    p.area("M180 40c0 50-42 66-46 112h-22c10-40 26-60 26-112z", SHADE);
    p.ellipse(100, 40, 80, 18, GLOW);
    p.ellipse(100, 40, 56, 11, WHITE);
    p.rect(68, 150, 64, 34, WHITE);
    p.line("M84 188v12M116 188v12", 10, GREY);
}

fn smart_bulb(p: &mut Picture, look: &Look) {
    p.circle(100, 70, 116, HALO);
    p.area("M66 116C30 100 28 70 28 62a72 72 0 0 1 144 0c0 8-2 38-38 54z", GLOW);
    p.area("M58 110q42 14 84 0l-10 42H68z", WHITE);
    p.line("M70 52q30-26 60 0M82 68q18-15 36 0M100 84h0", 8, look.main.deep());
    cap(p);
}

fn cap(p: &mut Picture) {
    p.round(66, 148, 68, 46, 8, GREY);
    p.line("M68 162l64-6M68 178l64-6", 4, STEEL.pale());
    p.round(84, 192, 32, 12, 6, BLACK);
}

fn candles(p: &mut Picture, look: &Look) {
    p.stand(190);
    for (x, top) in [(12, 86), (140, 112), (76, 46)] {
        flame(p, x + 24, top);
        p.cylinder((x, top), (48, 195 - top), [look.main, look.main.pale()]);
    }
}

fn jar_candle(p: &mut Picture, look: &Look) {
    p.stand(130);
    p.cylinder((44, 116), (112, 70), [CREAM, CREAM]);
    flame(p, 100, 116);
    p.cylinder((36, 72), (128, 114), [look.main, look.main.pale()]);
    p.ellipse(100, 74, 54, 10, GLOW);
    p.round(62, 116, 76, 50, 6, CREAM);
    p.line("M80 134h40M88 150h24", 4, look.main);
    flame(p, 100, 74);
}

fn flame(p: &mut Picture, x: i32, y: i32) {
    p.circle(x, y - 24, 44, HALO);
    p.line(&format!("M{x} {y}v-12"), 4, BLACK);
    p.area(&format!("M{x} {}c24 26 12 40 0 40s-24-14 0-40z", y - 50), GLOW);
}

fn lantern(p: &mut Picture, look: &Look) {
    p.stand(120);
    p.circle(100, 110, 120, HALO);
    p.line("M56 56C40-20 160-20 144 56", 5, STEEL);
    p.area("M56 168C40 130 52 90 70 66h60c18 24 30 64 14 102z", GLASS);
    flame(p, 100, 164);
    p.line("M56 168C40 130 52 90 70 66M144 168c16-38 4-78-14-102M48 124h104", 5, look.main);
    p.area("M62 66l14-32h48l14 32z", look.main);
    p.area("M44 166h112l10 26q2 8-8 8H42q-10 0-8-8z", look.main);
    p.area("M130 166h26l10 26q2 8-8 8h-22z", SHADE);
}

fn string_lights(p: &mut Picture, _: &Look) {
    for (path, first) in [("M-90-10q190 110 380 0", 0), ("M-90 100q190 110 380 0", 110)] {
        p.line(path, 4, BLACK);
        for (x, y) in [(-56, 8), (-4, 30), (48, 42), (100, 46), (152, 42), (204, 30), (256, 8)] {
            let y = y + first;
            p.circle(x, y + 24, 26, HALO);
            p.rect(x - 6, y - 4, 12, 12, BLACK);
            p.ellipse(x, y + 22, 12, 15, GLOW);
        }
    }
}

fn night_light(p: &mut Picture, _: &Look) {
    p.circle(100, 90, 120, HALO);
    p.round(40, 8, 120, 196, 24, WHITE.deep());
    p.round(48, 16, 104, 180, 18, WHITE);
    p.line("M84 172h0M116 172h0", 12, GREY);
    p.area("M52 60a48 48 0 0 1 96 0v40q0 30-48 30t-48-30z", GLOW);
    p.area("M112 40a34 34 0 1 0 20 50 28 28 0 0 1-20-50z", BRASS.pale());
}
