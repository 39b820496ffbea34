use super::*;
use crate::ui::testing;
use egui_kittest::kittest::Queryable as _;

#[test]
fn a_window_stays_inside_the_picture() {
    let w = Window::whole(256, 64).zoomed([4.0; 2], (60.0, 250.0)).inside(256, 64);
    assert!(w.rows.1 <= 256.0 && w.experts.1 <= 64.0 && w.rows.1 - w.rows.0 <= 64.01);
    assert_eq!(w.zoomed([1e-3; 2], (0.0, 0.0)).inside(256, 64), Window::whole(256, 64));
}

#[test]
fn pointing_pinning_zooming() {
    for dark in [true, false] {
        let lab = testing::lab_at("variants: [(name: \"A\", balancer: (rate: 0.01))]", 60);
        let mut harness = testing::stage(Assignment::default(), lab, [760.0, 520.0], dark);
        harness.run_steps(3);
        let at = pos2(400.0, 250.0);
        harness.hover_at(at);
        harness.run_steps(3);
        let link = harness.state().link.clone();
        assert!(link.hovered_expert.is_some() && link.hovered_token.is_some());
        testing::picture(&mut harness, &format!("assignment-{}", if dark { "dark" } else { "light" }));
        harness.drag_at(at);
        harness.drop_at(at);
        harness.run_steps(3);
        assert_eq!(harness.state().link.pinned_expert, link.hovered_expert);
        assert!(harness.state().link.pinned_token.is_some());
        harness.hover_at(at);
        harness.step();
        harness.event(egui::Event::MouseWheel {
            unit: egui::MouseWheelUnit::Point,
            delta: vec2(0.0, 200.0),
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Wheel,
            modifiers: egui::Modifiers::NONE,
        });
        harness.run_steps(10);
        assert!(harness.state().pane.window.is_some(), "scrolling zooms");
        testing::picture(&mut harness, &format!("assignment-zoomed-{}", if dark { "dark" } else { "light" }));
        let window = harness.state().pane.window;
        harness.get_by_label_contains("zoomed: rows").click();
        harness.run_steps(3);
        assert!(harness.state().pane.window.is_none(), "the chip takes it back");
        harness.state_mut().pane.window = window;
        harness.run_steps(3);
        assert!(harness.state().link.is_zoomed());
        let run = harness.state().lab.snapshot().run;
        harness.state_mut().lab.send(Command::Reset);
        testing::wait(&mut harness.state_mut().lab, |s| s.run != run);
        harness.run_steps(3);
        assert!(harness.state().pane.window.is_none(), "another run is shown whole");
    }
}
