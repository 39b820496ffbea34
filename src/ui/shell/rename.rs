//! The dialog that renames a variant. If the name is left empty, it is made from the settings.

use crate::ui::kit::style::{SMALL, semibold, text};
use crate::ui::kit::theme::Theme;
use eframe::egui::{self, Button, Frame, Key, Layout, Margin, Modal, RichText, TextEdit, Ui, vec2};
use moebias_lab::Lab;
use moebias_lab::command::Command;
use moebias_model::naming::LONGEST;

/// What typing a name means, in words.
const KEPT: &str = "The name stays whatever you change. Left empty, it follows the settings.";

/// The open dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renaming {
    variant: usize,
    typed: String,
    /// Not drawn yet: in its first frame the whole name is selected, so that typing replaces it.
    fresh: bool,
}

impl Renaming {
    /// The dialog for the variant of this number, if there is one.
    #[must_use]
    pub fn of(lab: &Lab, variant: usize) -> Option<Self> {
        let name = &lab.settings().variants.get(variant)?.name;
        Some(Self { variant, typed: name.to_string(), fresh: true })
    }

    /// Draws the dialog. False once it is to close.
    pub fn show(&mut self, ui: &mut Ui, lab: &mut Lab, theme: &Theme) -> bool {
        let Some(variant) = lab.settings().variants.get(self.variant).cloned() else { return false };
        let frame = Frame::popup(ui.style()).fill(theme.pane).inner_margin(Margin::same(18));
        let mut open = true;
        let modal = Modal::new(egui::Id::unique("rename")).frame(frame).show(ui.ctx(), |ui| {
            ui.set_width(340.0);
            let title = format!("Rename “{}”", variant.name);
            ui.add(egui::Label::new(RichText::new(title).font(semibold(15.0))).wrap());
            ui.add_space(8.0);
            let field = TextEdit::singleline(&mut self.typed).char_limit(LONGEST).desired_width(f32::INFINITY);
            let mut output = field.hint_text("Made from the settings").show(ui);
            output.response.widget_info(|| {
                let mut info = egui::WidgetInfo::text_edit(true, &variant.name, &self.typed, "");
                info.label = Some("Name of the variant".into());
                info
            });
            if std::mem::take(&mut self.fresh) {
                output.response.request_focus();
                let all = egui::text::CCursorRange::select_all(&output.galley);
                output.state.cursor.set_char_range(Some(all));
                output.state.store(ui.ctx(), output.response.id);
            }
            ui.add_space(4.0);
            let name = Some(self.typed.clone()).filter(|t| t.trim() != variant.name.as_str());
            let why = name.clone().and_then(|n| lab.why_not(&Command::Rename { variant: self.variant, name: Some(n) }));
            let (hint, colour) = match (&why, variant.name.was()) {
                (Some(why), _) => (why.clone(), theme.over_text),
                (None, Some(was)) => {
                    (format!("The file calls it “{was}”; the settings have changed since."), theme.dim)
                }
                (None, None) => (KEPT.into(), theme.dim),
            };
            ui.add(egui::Label::new(RichText::new(hint).font(text(SMALL)).color(colour)).wrap());
            ui.add_space(10.0);
            let entered = output.response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
            ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                let rename = ui.add_enabled(why.is_none(), Button::new("Rename").min_size(vec2(90.0, 28.0))).clicked();
                if entered && why.is_some() {
                    output.response.request_focus();
                } else if rename || entered {
                    // A name that was not changed is not sent, so an automatic one keeps following the settings.
                    if let Some(name) = name {
                        lab.send(Command::Rename { variant: self.variant, name: Some(name) });
                    }
                    open = false;
                }
                let tip = "The name follows the settings again";
                let follows = variant.name.typed().is_none();
                let automatic = ui.add_enabled(!follows, Button::new("Follow the settings"));
                if automatic.on_hover_text(tip).on_disabled_hover_text("It does already").clicked() {
                    lab.send(Command::Rename { variant: self.variant, name: None });
                    open = false;
                }
                if ui.button("Cancel").clicked() {
                    open = false;
                }
            });
        });
        open && !modal.should_close()
    }
}
