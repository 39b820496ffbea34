use super::*;
use crate::ui::testing::{Stage, lab_at, picture, stage};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use moebias_lab::Lab;
use moebias_lab::command::SweepRequest;
use moebias_model::sweep::Axis;
use moebias_testing::Patience;

const TEXT: &str = "seed: 3, source: Synthetic(batch: 256), variants: [(name: \"a\", router: (experts: 64, top_k: 6))]";

fn request(axes: &[&str], seeds: u32, steps: u64) -> SweepRequest {
    SweepRequest { axes: axes.iter().map(|a| Axis::parse(a).unwrap()).collect(), seeds, steps }
}

fn swept(axes: &[&str], seeds: u32) -> Lab {
    let mut lab = lab_at(TEXT, 0);
    lab.send(Command::StartSweep(request(axes, seeds, 120)));
    let patience = Patience::new();
    while lab.sweep().unwrap().sweep.found().ended.is_none() {
        lab.poll();
        assert!(patience.holds());
    }
    lab
}

fn shown(lab: Lab, size: (f32, f32), dark: bool) -> Harness<'static, Stage<SweepPane>> {
    let mut harness = stage(SweepPane::default(), lab, vec2(size.0, size.1), dark);
    harness.run_steps(4);
    harness
}

#[test]
fn pictures() {
    for (dark, size) in [(true, (700.0, 480.0)), (false, (480.0, 330.0))] {
        let mut harness = shown(lab_at(TEXT, 0), size, dark);
        picture(&mut harness, &format!("sweep-form-{dark}"));
    }
    for (i, axes) in [
        &["u=1e-4..1e-1:log:13", "K=1..8"] as &[&str],
        &["u=1e-4..1e-1:log:7"],
        &["rule=sign,rms,proportional,centred-sign,smebu", "u=1e-3..1e-1:log:5"],
        &["rule=sign,rms,proportional,centred-sign,smebu"],
    ]
    .into_iter()
    .enumerate()
    {
        for (dark, size) in [(true, (700.0, 480.0)), (false, (480.0, 330.0)), (true, (1500.0, 900.0))] {
            let mut harness = shown(swept(axes, 2), size, dark);
            picture(&mut harness, &format!("sweep-{i}-map-{}", size.0));
            harness.state_mut().pane.curves = true;
            harness.run_steps(2);
            picture(&mut harness, &format!("sweep-{i}-curves-{}", size.0));
            harness.hover_at(pos2(size.0 * 0.4, size.1 * 0.5));
            harness.run_steps(2);
            picture(&mut harness, &format!("sweep-{i}-hover-{}", size.0));
            if std::env::var_os("MOEBIAS_PICTURES").is_none() {
                return;
            }
        }
    }
}

#[test]
fn a_sweep_is_set_up_started_and_one_of_its_cells_opened() {
    let mut harness = shown(lab_at(TEXT, 0), (700.0, 480.0), true);
    harness.state_mut().pane.form = Form::small();
    harness.run_steps(3);
    harness.get_by_label("Start 8 runs").click();
    harness.run_steps(3);
    let patience = Patience::new();
    while harness.state().lab.sweep().is_none_or(|s| s.sweep.found().ended.is_none()) {
        harness.step();
        assert!(patience.holds());
    }
    harness.run_steps(3);
    harness.get_by_label("Save CSV…").click();
    harness.run_steps(2);
    assert_eq!(harness.state().link.asked, [Action::SaveSweep]);
    let cells = harness.get_by_label_contains("Sweep: ").rect();
    let at = pos2(cells.left() + cells.width() * 0.45, cells.center().y);
    harness.hover_at(at);
    harness.step();
    harness.drag_at(at);
    harness.step();
    harness.drop_at(at);
    harness.run_steps(2);
    let title = harness.state().lab.document().title.clone();
    assert!(title.starts_with("Test, u = 0.0"), "{title}");
    // The same with the keyboard.
    harness.get_by_label_contains("Sweep: ").focus();
    harness.run_steps(2);
    for key in [Key::ArrowLeft, Key::ArrowLeft, Key::ArrowLeft, Key::ArrowDown, Key::ArrowDown, Key::ArrowRight] {
        harness.key_press(key);
        harness.run_steps(2);
    }
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    assert_eq!(harness.state().lab.document().title, "Test, u = 0.0215443, K = 1");
    harness.state_mut().lab.send(Command::Undo);
    harness.state_mut().lab.send(Command::Undo);
    while harness.state().lab.document().title != "Test" {
        harness.step();
        assert!(patience.holds());
    }
}
