//! The search field above a list.

use eframe::egui::{Margin, Response, Role, TextEdit, Ui, WidgetInfo};

/// Draws the field in the available width; it keeps the focus as long as it is drawn. `hint` is also its accessible name.
pub fn search(ui: &mut Ui, typed: &mut String, hint: &str) -> Response {
    let response = field(ui, typed, hint);
    response.request_focus();
    response
}

/// Like [`search`], but it receives the focus only when it appears, so that Tab can move on.
pub fn search_first(ui: &mut Ui, typed: &mut String, hint: &str) -> Response {
    let response = field(ui, typed, hint);
    let pass = ui.ctx().cumulative_pass_nr();
    let last: Option<u64> = ui.data(|d| d.get_temp(response.id));
    ui.data_mut(|d| d.insert_temp(response.id, pass));
    if last.is_none_or(|last| last + 2 < pass) {
        response.request_focus();
    }
    response
}

fn field(ui: &mut Ui, typed: &mut String, hint: &str) -> Response {
    let edit = TextEdit::singleline(typed).hint_text(hint).desired_width(f32::INFINITY).margin(Margin::symmetric(8, 6));
    let response = ui.add(edit);
    response.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, hint));
    response
}
