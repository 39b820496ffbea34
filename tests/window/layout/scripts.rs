//! Titles and names in many writing systems are drawn with the system's fonts, or as boxes if it has none, but never cause an error.

use crate::driver::{lab_beside, scenario_of};
use moebias::ui::export::film::Film;
use moebias::ui::export::studio::{Setting, Studio};
use moebias::ui::shell::app::App;
use moebias::ui::store::Stored;
use moebias_files::film::Format;
use moebias_lab::Lab;

const SCRIPTS: [&str; 28] = [
    "负载均衡",
    "負載平衡",
    "負荷分散の観察",
    "부하 분산",
    "موازنة الحمل",
    "איזון עומסים",
    "توازن بار",
    "भार संतुलन",
    "ভারসাম্য",
    "சுமை சமநிலை",
    "లోడ్ సమతుల్యం",
    "ಸಮತೋಲನ",
    "സന്തുലനം",
    "การปรับสมดุล",
    "ความสมดุล",
    "ສົມດຸນ",
    "တူညီမျှ",
    "តុល្យភាព",
    "ბალანსი",
    "Հավասարակշռություն",
    "ሚዛን",
    "Εξισορρόπηση",
    "Балансировка",
    "ᠲᠡᠩᠴᠡᠯ",
    "ཆ་སྙོམས",
    "🦀🚀👩‍🔬🇨🇭",
    "∮∑∂ℵ⊗⟨⟩",
    "𝔐𝕠𝓮 \u{E000}\u{FFFD}\u{200D}",
];

fn lab() -> Lab {
    let variants: Vec<String> = SCRIPTS[..4].iter().map(|s| format!("(name: \"{s}\")")).collect();
    let text = format!(
        "(version: 1, title: \"{}\", look_for: \"{}\", source: Synthetic(batch: 64), variants: [{}])",
        SCRIPTS[4..9].join(" "),
        SCRIPTS.join(", "),
        variants.join(", ")
    );
    lab_beside(&scenario_of(&text))
}

fn setting(size: (u32, u32)) -> Setting {
    Setting { size, scale: 1.0, dark: false, pane: None, window: Stored::default(), caption: false }
}

#[test]
fn every_script_is_drawn() {
    let mut studio = Studio::<App>::open(lab(), setting((1440, 900)), false).unwrap();
    studio.go_to(3, |_| true).unwrap();
    let drawn = studio.drawing().text();
    assert!(drawn.contains(SCRIPTS[0]) && drawn.contains(SCRIPTS[4]), "names and titles are text");
    // Also with pixels, if there is a graphics adapter.
    match Studio::<App>::open(lab(), setting((800, 600)), true) {
        Ok(mut studio) => {
            studio.go_to(3, |_| true).unwrap();
            assert_eq!(studio.image().unwrap().dimensions(), (800, 600));
        }
        Err(why) => assert!(why.contains("nothing here can draw"), "{why}"),
    }
}

#[test]
fn a_film_of_every_script_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let film = Film { from: 0, to: 2, every: 1, fps: 10, format: Format::Gif, setting: setting((480, 300)) };
    match film.make::<App>(lab(), &folder.path().join("film.gif"), |_| true) {
        Ok(made) => assert_eq!(made.frames, 3),
        Err(why) => assert!(why.contains("nothing here can draw"), "{why}"),
    }
}
