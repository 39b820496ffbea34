//! The field over a list that is searched: it has the focus as long as the list is open.

use eframe::egui::{Margin, Response, Role, TextEdit, Ui, WidgetInfo};

/// Draws it, in all the width there is. `hint` is also its name.
pub fn search(ui: &mut Ui, typed: &mut String, hint: &str) -> Response {
    let edit = TextEdit::singleline(typed).hint_text(hint).desired_width(f32::INFINITY).margin(Margin::symmetric(8, 6));
    let response = ui.add(edit);
    response.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, hint));
    response.request_focus();
    response
}
