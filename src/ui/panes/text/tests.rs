use super::*;
use crate::ui::testing::{self, Stage};
use eframe::egui::pos2;
use egui_kittest::Harness;
use moebias_testing::Patience;

const SAMPLE: &str = "source: Trace(file: \"builtin:sample\"), variants: [(name: \"a\", router: (experts: 64, top_k: 6), balancer: (rate: 0.01))]";

fn stage(text: &str, step: u64) -> Harness<'static, Stage<TextPane>> {
    let mut harness = testing::stage(TextPane::default(), testing::lab_at(text, step), [700.0, 420.0], true);
    let patience = Patience::new();
    let recorded = harness.state().lab.snapshot().trace.is_some();
    while recorded && harness.state().pane.page.is_none() {
        harness.step();
        assert!(patience.holds(), "the text never came");
    }
    harness.run_steps(2);
    harness
}

/// The middle of a token on the screen.
fn middle(harness: &Harness<'static, Stage<TextPane>>, token: usize) -> egui::Pos2 {
    let page = harness.state().pane.page.as_ref().unwrap();
    let find =
        |l: &page::Line| l.spans.iter().find(|s| s.token == token).map(|s| pos2(s.ground.center(), l.y.center()));
    let at = page.lines.iter().find_map(find).unwrap();
    at + harness.state().pane.corner
}

/// A click that is not the second of a double click.
fn click(harness: &mut Harness<'static, Stage<TextPane>>, at: egui::Pos2) {
    harness.run_steps(60);
    harness.drag_at(at);
    harness.drop_at(at);
    harness.run_steps(2);
}

#[test]
fn a_word_lights_its_experts_and_a_click_pins_it() {
    let mut harness = stage(SAMPLE, 20);
    let routes = harness.state().lab.snapshot().routes.clone().unwrap();
    assert_eq!((routes.step, routes.ids.len()), (19, 1024));
    for token in [0, 40] {
        let at = middle(&harness, token);
        harness.hover_at(at);
        harness.run_steps(3);
        let stage = harness.state();
        assert_eq!(stage.pane.pointed, Some(token as u32));
        let experts: Vec<usize> = routes.chosen[token].iter().map(|c| usize::from(c.expert)).collect();
        assert_eq!(stage.link.hovered_expert, experts.first().copied());
        assert_eq!(stage.link.lit().collect::<Vec<_>>(), experts);
        click(&mut harness, at);
        assert_eq!(harness.state().link.pinned_token, Some(token as u32));
    }
    let at = middle(&harness, 40);
    click(&mut harness, at);
    assert_eq!(harness.state().link.pinned_token, None, "a second click lets go");
}

#[test]
fn every_token_has_a_place_and_words_are_those_of_the_vocabulary() {
    let harness = stage(SAMPLE, 3);
    let page = harness.state().pane.page.as_ref().unwrap();
    let mut seen = vec![false; page.of.ids.len()];
    page.lines.iter().flat_map(|l| &l.spans).for_each(|s| seen[s.token] = true);
    assert!(seen.iter().all(|s| *s), "{:?}", seen.iter().position(|s| !*s));
    let owned = |l: &page::Line| l.spans.windows(2).all(|w| w[0].x.max <= w[1].x.min + 2.0);
    assert!(page.lines.iter().all(owned), "no two tokens lie over each other but for kerning");
}

#[test]
fn tokens_that_are_no_text_are_said_to_be_none() {
    let synthetic = "source: Synthetic(batch: 32), variants: [(name: \"a\", router: (experts: 8, top_k: 2))]";
    let mut harness = stage(synthetic, 1);
    let stage = harness.state_mut();
    let theme = &crate::ui::kit::theme::DARK;
    let mut cx = PaneContext { lab: &mut stage.lab, link: &mut stage.link, theme };
    assert!(TextPane::missing(&mut cx).unwrap().contains("random"));
}

#[test]
fn pictures() {
    let both = "source: Trace(file: \"builtin:learned\"), variants: [(name: \"Sign\", router: (experts: 64, top_k: 6), balancer: (rate: 0.01)), \
                (name: \"None\", router: (experts: 64, top_k: 6), balancer: (rule: None))]";
    for (name, size, dark) in
        [("wide", [900.0, 560.0], true), ("light", [700.0, 420.0], false), ("small", [330.0, 200.0], true)]
    {
        let mut harness = testing::stage(TextPane::default(), testing::lab_at(both, 40), size, dark);
        for colouring in Colouring::iter() {
            harness.state_mut().pane.colouring = colouring;
            let patience = Patience::new();
            while harness.state().pane.page.is_none() {
                harness.step();
                assert!(patience.holds(), "the text never came");
            }
            harness.state_mut().link.pinned_token = Some(12);
            harness.state_mut().link.pinned_expert = (colouring == Colouring::Load).then_some(13);
            harness.run_steps(3);
            testing::picture(&mut harness, &format!("text-{name}-{colouring:?}"));
        }
    }
}
