//! A pane's header: the bold name, what exactly is shown, and the pane's switches. Numbers are never cut: if space runs out, words are
//! dropped first, then the switches move into a row of their own below the header, opened by “…”.

use super::compared;
use crate::ui::kit::glossary::explain;
use crate::ui::kit::style::{SMALL, icon, semibold, text};
use crate::ui::kit::theme::{HEADER, PADDING, Theme};
use crate::ui::kit::words::shortened;
use crate::ui::panes::{Pane, PaneContext};
use eframe::egui::text::{LayoutJob, TextWrapping};
use eframe::egui::{
    self, Align, Align2, Area, Button, Color32, Frame, Id, Layout, Margin, Order, Pos2, Rect, Response, Sense, Ui,
    UiBuilder, pos2, vec2,
};
use egui_material_icons::MaterialIcon;
use egui_material_icons::icons::{
    ICON_CLOSE_FULLSCREEN, ICON_HELP, ICON_IOS_SHARE, ICON_MORE_HORIZ, ICON_OPEN_IN_FULL,
};
use strum::IntoEnumIterator as _;

/// Width of a button in the header, in points.
const BUTTON: f32 = 20.0;
/// Space between the parts of a header, in points.
const SPACE: f32 = 10.0;
/// Width of a variant's shape before its name, in points.
const MARK: f32 = 12.0;
/// The pane's name is not cut below this width, in points.
const SHORTEST: f32 = 48.0;

/// What the user did with a pane's header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Started to drag the pane by its header.
    pub drag_started: bool,
    /// Asked to maximise the pane, or to restore it.
    pub toggle_maximised: bool,
    /// Asked to export the pane to a file or the clipboard.
    pub export: Option<Export>,
}

/// What a pane can be exported as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::EnumIter)]
pub enum Export {
    /// A picture in the clipboard.
    Copy,
    /// A PNG file.
    Picture,
    /// An SVG file.
    Svg,
    /// An SVG file in the colours of the window.
    SvgAsSeen,
    /// A film of the pane.
    Film,
}

impl Export {
    /// The name in menus.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Copy => "Copy picture",
            Self::Picture => "Save picture…",
            Self::Svg => "Save as SVG…",
            Self::SvgAsSeen => "Save as SVG, as seen…",
            Self::Film => "Film…",
        }
    }
}

/// Which parts stand in the header, and which in the row opened by “…”.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// Everything is in the header.
    Whole,
    /// The pane's switches are in the row.
    Switches,
    /// The pane's switches, help and export are in the row.
    All,
}

/// The width that each part of a header needs, in points.
#[derive(Clone, Copy, Debug)]
struct Needs {
    /// The pane's name, and the variant's name or else the shortest subtitle that keeps its numbers.
    words: f32,
    /// The pane's own switches; 0 if it has none.
    tools: f32,
}

impl Needs {
    fn plan(self, room: f32) -> Plan {
        if self.words + gap(self.tools) + 3.0 * BUTTON <= room {
            Plan::Whole
        } else if self.tools > 0.0 && self.words + 4.0 * BUTTON <= room {
            Plan::Switches
        } else {
            Plan::All
        }
    }
}

/// The width of a part with the space after it; 0 for an absent part.
fn gap(width: f32) -> f32 {
    if width > 0.0 { width + SPACE } else { 0.0 }
}

/// Draws the header in `bar`, at the top of the pane. Returns what the user did with it.
pub(super) fn show(
    ui: &mut Ui,
    pane: &mut dyn Pane,
    cx: &mut PaneContext<'_>,
    (pane_rect, bar): (Rect, Rect),
    maximised: bool,
) -> Header {
    let theme = cx.theme;
    let mut done = Header::default();
    // Dragging the bar moves the pane. Buttons are drawn after the bar and so get the pointer first.
    // The keyboard maximises a pane with the button in the bar, so Tab skips the bar itself.
    let handle = ui.interact(bar, ui.scope_id().with("header"), Sense::CLICK | Sense::DRAG);
    done.drag_started = handle.drag_started();
    done.toggle_maximised = handle.double_clicked();

    let name = pane.kind().name();
    let subtitle = pane.subtitle(cx);
    let painter = ui.painter().clone();
    let wide = |words: &str| painter.layout_no_wrap(words.to_owned(), text(SMALL), theme.dim).size().x;
    let whole_name = ui.painter().layout_no_wrap(name.to_owned(), semibold(13.0), theme.text).size().x;
    // The switches are hidden in exported pictures, and while presenting unless the pointer is on the pane. The subtitle then takes their
    // space.
    let hidden = cx.link.bare || cx.link.calm && !ui.rect_contains_pointer(pane_rect);
    let figures = wide(&shortened(&subtitle, 0.0, wide));
    let figures = if subtitle.chars().any(|c| c.is_ascii_digit()) { figures } else { 0.0 };
    // The variant's name takes precedence over the subtitle.
    let whose = pane.whose(cx);
    let names = compared::names(cx);
    let variant = |room: f32| whose.map(|v| compared::telling(&names, v, room - MARK, wide)).unwrap_or_default();
    let whole_variant = whose.map_or(0.0, |_| wide(&variant(f32::INFINITY)) + MARK);
    // The switches get the space that the words leave.
    let words = gap(whole_name) + gap(if whose.is_some() { whole_variant } else { figures });
    let right = bar.with_min_x((bar.left() + words).min(bar.right()));
    let own = right.width() - 3.0 * BUTTON - SPACE;
    let tools = if hidden { 0.0 } else { measured(ui, pane, cx, right, own) };
    let plan = Needs { words, tools }.plan(bar.width());
    let buttons = buttons(ui, (pane, cx), right, plan, (hidden, maximised), &mut done);

    let free = if hidden { bar.right() } else { buttons - SPACE } - bar.left();
    // The pane's name is cut so that the numbers of the subtitle, or the variant's name, remain whole.
    let kept = if whose.is_some() { whole_variant } else { figures };
    let name_room = (free - kept - SPACE).max(SHORTEST).min(free.max(0.0));
    let mut job = LayoutJob::simple_singleline(name.to_owned(), semibold(13.0), theme.text);
    job.wrap = TextWrapping::truncate_at_width(name_room);
    let title = ui.painter().layout_job(job);
    let baseline = bar.center().y;
    let written = Rect::from_min_size(pos2(bar.left(), baseline - title.size().y / 2.0), title.size());
    explain(ui.interact(written, ui.scope_id().with("name"), Sense::hover()), name, "");
    ui.painter().galley(written.min, title, theme.text);
    let mut left = bar.left() + written.width() + 8.0;
    let end = bar.left() + free;
    if let Some(v) = whose.filter(|_| end - left > MARK) {
        left += of_variant(ui, cx, v, &variant(end - left), pos2(left, baseline));
    }
    let mut words = shortened(&subtitle, end - left, wide);
    let coarse = coarseness(ui, pane.kind()).unwrap_or_default();
    let whole = if coarse.is_empty() { subtitle.clone() } else { format!("{subtitle} · {coarse}") };
    if words == subtitle && wide(&whole) <= end - left {
        words.clone_from(&whole);
    }
    // Numbers that do not fit are not cut but left out; the tooltip of the name shows them.
    if wide(&words) > end - left {
        words.clear();
        ui.interact(written, ui.scope_id().with("no room"), Sense::hover()).on_hover_text(&whole);
    }
    if !words.is_empty() {
        let galley = ui.painter().layout_no_wrap(words.clone(), text(SMALL), theme.dim);
        let at = pos2(left, baseline - galley.size().y / 2.0 + 0.5);
        let place = Rect::from_min_size(at, galley.size());
        ui.painter().galley(at, galley, theme.dim);
        if words != whole {
            ui.interact(place, ui.scope_id().with("subtitle"), Sense::hover()).on_hover_text(&whole);
        }
    }
    done
}

/// Draws the shape and the name of the variant that a pane shows. Returns the width of both with the space after them, in points.
fn of_variant(ui: &Ui, cx: &PaneContext<'_>, variant: usize, words: &str, at: Pos2) -> f32 {
    let (theme, name) = (cx.theme, compared::name(cx, variant));
    compared::Mark::of(variant).draw(ui.painter(), at + vec2(4.0, 0.0), 3.5, compared::colour(cx, variant), theme.pane);
    let galley = ui.painter().layout_no_wrap(words.to_owned(), text(SMALL), theme.text);
    let place = Rect::from_min_size(at + vec2(MARK, 0.5 - galley.size().y / 2.0), galley.size());
    ui.painter().galley(place.min, galley, theme.text);
    if words != name {
        let seen = place.with_min_x(at.x);
        ui.interact(seen, ui.scope_id().with("whose"), Sense::hover()).on_hover_text(name);
    }
    MARK + place.width() + SPACE
}

/// Where a plot stores the words that say how many steps one of its points stands for.
pub(super) fn coarse_id() -> Id {
    Id::unique("how much a point stands for")
}

/// How many steps a point of the pane's plot stood for when it was last drawn, in words.
fn coarseness(ui: &Ui, kind: moebias_files::view::PaneKind) -> Option<String> {
    ui.data(|d| d.get_temp(coarse_id().with(kind)))
}

/// Stores the words that the pane's plot left at [`coarse_id`], so that its header shows them in the next frame.
pub(super) fn keep_coarseness(ui: &Ui, kind: moebias_files::view::PaneKind) {
    let now: Option<String> = ui.data_mut(|d| d.remove_temp(coarse_id()));
    let id = coarse_id().with(kind);
    if now != ui.data(|d| d.get_temp(id)) {
        ui.data_mut(|d| match now {
            Some(words) => {
                d.insert_temp(id, words);
            }
            None => d.remove::<String>(id),
        });
        ui.ctx().request_repaint();
    }
}

/// Width of the pane's own switches when they may take `room`, in points. Lays them out without drawing them.
fn measured(ui: &mut Ui, pane: &mut dyn Pane, cx: &mut PaneContext<'_>, bar: Rect, room: f32) -> f32 {
    let place = bar.with_min_x(bar.right() - room.max(0.0));
    let builder = UiBuilder::new().max_rect(place).layout(Layout::right_to_left(Align::Center)).id_salt("measured");
    let mut probe = ui.new_child(builder.sizing_pass().invisible());
    spaced(&mut probe);
    pane.tools(&mut probe, cx);
    let width = probe.min_rect().width();
    if width > 1.0 { width } else { 0.0 }
}

fn spaced(tools: &mut Ui) {
    tools.spacing_mut().item_spacing.x = 4.0;
    tools.spacing_mut().interact_size.y = 22.0;
}

/// Draws the buttons and switches in `bar`, right-aligned. Returns the x position where the leftmost begins.
fn buttons(
    ui: &mut Ui,
    (pane, cx): (&mut dyn Pane, &mut PaneContext<'_>),
    bar: Rect,
    plan: Plan,
    (hidden, maximised): (bool, bool),
    done: &mut Header,
) -> f32 {
    let theme = cx.theme;
    let name = pane.kind().name();
    let builder = UiBuilder::new().max_rect(bar).layout(Layout::right_to_left(Align::Center)).id_salt("tools");
    let mut tools = ui.new_child(builder);
    tools.spacing_mut().item_spacing.x = 0.0;
    tools.spacing_mut().interact_size.y = 22.0;
    if hidden {
        tools.set_invisible();
    }
    let (symbol, verb) = if maximised { (ICON_CLOSE_FULLSCREEN, "Restore") } else { (ICON_OPEN_IN_FULL, "Maximise") };
    let label = format!("{verb} {name}");
    done.toggle_maximised |= quiet(&mut tools, symbol, &label, theme).on_hover_text(&label).clicked();
    if plan != Plan::All {
        about(&mut tools, pane, theme, done);
    }
    match plan {
        Plan::Whole => {
            tools.add_space(SPACE);
            spaced(&mut tools);
            pane.tools(&mut tools, cx);
        }
        Plan::Switches | Plan::All => {
            let label = format!("More of {name}");
            let more = quiet(&mut tools, ICON_MORE_HORIZ, &label, theme).on_hover_text(&label);
            if !hidden {
                row_below(&mut tools, &more, pane, cx, plan == Plan::All, done);
            }
        }
    }
    tools.min_rect().left()
}

/// The buttons for help and export.
fn about(tools: &mut Ui, pane: &dyn Pane, theme: &Theme, done: &mut Header) {
    let name = pane.kind().name();
    let help = quiet(tools, ICON_HELP, &format!("About {name}"), theme);
    let text_of_help = pane.help();
    egui::Popup::menu(&help).width(320.0).show(|ui| {
        ui.set_max_width(320.0);
        ui.label(egui::RichText::new(name).font(semibold(13.0)));
        ui.label(text_of_help);
    });
    help.on_hover_text(text_of_help);
    let more = quiet(tools, ICON_IOS_SHARE, &format!("Export {name}"), theme);
    egui::Popup::menu(&more).show(|ui| {
        ui.set_width(170.0);
        for export in Export::iter() {
            let button = Button::new(export.name()).fill(Color32::TRANSPARENT).min_size(vec2(170.0, 26.0));
            if ui.add(button).clicked() {
                done.export = Some(export);
            }
        }
    });
    more.on_hover_text("Copy, save or film this pane");
}

/// The row below the header, open while “…” is on, with whatever does not fit into the header. It is not a menu, because menus open from
/// it.
fn row_below(
    tools: &mut Ui,
    more: &Response,
    pane: &mut dyn Pane,
    cx: &mut PaneContext<'_>,
    all: bool,
    done: &mut Header,
) {
    let id = Id::unique("more of a pane");
    let kind = pane.kind();
    let mut open = tools.data(|d| d.get_temp::<Option<moebias_files::view::PaneKind>>(id)) == Some(Some(kind));
    if more.clicked() {
        open = !open;
    } else if !open {
        return;
    }
    let screen = tools.ctx().content_rect();
    let place = more.rect.right_bottom() + vec2(BUTTON, 4.0);
    let area = Area::new(id).order(Order::Middle).pivot(Align2::RIGHT_TOP).fixed_pos(place).constrain_to(screen);
    let shown = area.show(tools.ctx(), |ui| {
        Frame::popup(ui.style()).fill(cx.theme.pane).inner_margin(Margin::symmetric(8, 6)).show(ui, |ui| {
            let room = (screen.width() - 40.0).min(720.0);
            let bar = Rect::from_min_size(ui.max_rect().min, vec2(room, HEADER));
            let own = measured(ui, pane, cx, bar, room);
            let width = own + if all { 2.0 * BUTTON + 8.0 } else { 0.0 };
            ui.allocate_ui_with_layout(vec2(width, HEADER), Layout::right_to_left(Align::Center), |ui| {
                spaced(ui);
                if all {
                    about(ui, pane, cx.theme, done);
                }
                pane.tools(ui, cx);
            });
        });
    });
    let elsewhere = shown.response.clicked_elsewhere() && !more.clicked() && !egui::Popup::is_any_open(tools.ctx());
    if elsewhere || tools.input(|i| i.key_pressed(egui::Key::Escape)) || done.export.is_some() {
        open = false;
    }
    tools.data_mut(|d| d.insert_temp(id, open.then_some(kind)));
}

/// A small icon button without a frame. `name` is what screen readers announce.
fn quiet(ui: &mut Ui, symbol: MaterialIcon, name: &str, theme: &Theme) -> Response {
    let button = Button::new(icon(symbol, 13.0).color(theme.faint)).frame(false).min_size(vec2(BUTTON, BUTTON));
    let response = ui.add(button);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name));
    response
}

/// The place of the header bar in a pane's rectangle.
pub(super) fn bar_of(pane: Rect) -> Rect {
    let inner = pane.shrink(PADDING);
    Rect::from_min_size(inner.min - vec2(0.0, 4.0), vec2(inner.width(), HEADER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_move_before_a_figure_is_cut() {
        let needs = Needs { words: 190.0, tools: 150.0 };
        assert_eq!(needs.plan(430.0), Plan::Whole);
        assert_eq!(needs.plan(300.0), Plan::Switches);
        assert_eq!(needs.plan(216.0), Plan::All);
        assert_eq!(Needs { tools: 0.0, ..needs }.plan(270.0), Plan::Whole);
    }
}
