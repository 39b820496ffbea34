use super::*;
use crate::ui::export::studio::{Setting, Studio};
use crate::ui::shell::app::App;
use crate::ui::store::Stored;
use crate::ui::testing::lab_at;
use eframe::egui::{Pos2, pos2, vec2};
use moebias_files::view::PaneKind;
use std::collections::HashMap;

/// Checks that every element is closed, in order, and counts the elements of each name. It is not a parser: it only knows what this module
/// writes.
fn elements(text: &str) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    let mut open: Vec<&str> = vec![];
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        assert!(!rest[..at].contains(['>', '"']) || open.is_empty(), "stray: {}", &rest[..at]);
        let end = rest.find('>').expect("a tag ends");
        let tag = &rest[at + 1..end];
        assert!(!tag.contains('<') && tag.matches('"').count().is_multiple_of(2), "{tag}");
        rest = &rest[end + 1..];
        if tag.starts_with('?') {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap();
        *counts.entry(name.to_owned()).or_default() += 1;
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "not closed: {open:?}");
    counts
}

fn drawing(kind: PaneKind, scenario: &str, step: u64) -> String {
    let setting = Setting {
        size: (800, 500),
        scale: 1.0,
        dark: false,
        pane: Some(kind),
        window: Stored::default(),
        caption: false,
    };
    let mut studio = Studio::<App>::open(lab_at(scenario, 0), setting, false).unwrap();
    studio.go_to(step, |_| true).unwrap();
    studio.drawing().text()
}

const TWO: &str =
    "source: Synthetic(batch: 256), variants: [(name: \"Sign & <co>\"), (name: \"None\", balancer: (rule: None))]";

#[test]
fn a_plot_has_its_labels_and_a_path_per_curve() {
    let text = drawing(PaneKind::Violation, TWO, 40);
    let counts = elements(&text);
    assert!(text.contains(">Worst expert</text>") && text.contains("MaxVio per batch"), "{text}");
    assert!(text.contains("Sign &amp; &lt;co&gt;") && !text.contains("<co>"), "names are escaped");
    for colour in &crate::ui::kit::theme::LIGHT.variants[..2] {
        let (name, _) = super::colour(*colour);
        let curve = |line: &str| {
            line.starts_with("<path") && line.contains(&format!("stroke=\"{name}\"")) && line.matches('L').count() >= 20
        };
        assert!(text.lines().any(curve), "no curve in {name}");
    }
    assert!(counts["text"] >= 6 && counts["clipPath"] >= 1, "{counts:?}");
    assert!(!text.contains("Maximise") && !text.contains('\u{e5d0}'), "no buttons on paper");
}

#[test]
fn every_pane_can_be_drawn() {
    use strum::IntoEnumIterator as _;
    for kind in PaneKind::iter() {
        let text =
            drawing(kind, "source: Synthetic(batch: 64), variants: [(name: \"a\", router: (experts: 8, top_k: 2))]", 6);
        let counts = elements(&text);
        assert!(counts["text"] >= 2, "{kind:?}: {text}");
        let pictures = usize::from(matches!(kind, PaneKind::Assignment | PaneKind::LoadHistory));
        assert!(counts.get("image").copied().unwrap_or(0) >= pictures, "{kind:?} has no picture");
    }
}

#[test]
fn bars_are_rectangles_and_what_is_cut_off_is_left_out() {
    let mut mesh = eframe::egui::Mesh::default();
    mesh.add_colored_rect(Rect::from_min_size(pos2(10.0, 10.0), vec2(5.0, 20.0)), Color32::RED);
    mesh.add_colored_rect(Rect::from_min_size(pos2(20.0, 10.0), vec2(5.0, 20.0)), Color32::RED);
    let clip = Rect::from_min_max(Pos2::ZERO, pos2(100.0, 100.0));
    let shape = |shape| ClippedShape { clip_rect: clip, shape, transform_after_tessellation: Default::default() };
    let far = Shape::circle_filled(pos2(300.0, 300.0), 5.0, Color32::RED);
    let drawing = Drawing {
        shapes: vec![shape(Shape::mesh(mesh)), shape(far)],
        part: Rect::from_min_max(pos2(5.0, 5.0), pos2(90.0, 90.0)),
        ground: Color32::WHITE,
        title: "x".into(),
        caption: None,
        images: Images::default(),
    };
    let text = drawing.text();
    assert!(text.contains("d=\"M5 5L10 5L10 25L5 25ZM15 5L20 5L20 25L15 25Z\" fill=\"#ff0000\"/>"), "{text}");
    assert!(!text.contains("circle"));
    elements(&text);
}
