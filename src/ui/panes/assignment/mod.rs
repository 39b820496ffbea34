//! The heatmap of tokens × experts: which token is routed to which expert. By default it shows a fixed set of tokens (the probe), so that
//! changes of their routing are visible.

mod beside;
pub mod card;
mod decor;
pub mod facts;
mod legend;
mod overview;
mod pointing;
mod raster;
#[cfg(test)]
mod tests;
mod texture;
mod window;

use super::shared::frame::mode;
use super::shared::{AXIS, compared, describe, of_one};
use super::{Pane, PaneContext, PaneKind};
use crate::ui::kit::style::{SMALL, text};
use crate::ui::kit::widgets::slider::figure;
use decor::{Grid, gutter, highlight};
use eframe::egui::{self, Color32, Rect, RichText, Sense, Ui, pos2, vec2};
use egui_material_icons::icons::ICON_TUNE;
use legend::Legend;
use moebias_engine::view::{CHOSEN, LIVE_ROWS, Picture, Rows, ViewRequest, per_row};
use moebias_files::view::Cells;
use moebias_lab::command::Command;
use moebias_model::config::Rule;
use moebias_model::expert_choice::Spread;
use std::sync::Arc;
use strum::IntoEnumIterator as _;
use texture::Made;
use window::{Window, extent, zoomed};

/// Height of the expert numbers and the legend below, in points.
const BELOW: f32 = 20.0;
/// Number of tokens shown on either side of the token that “Go to token” goes to.
const NEARBY: f64 = 24.0;
/// Cells at least this wide carry a flag if the bias moved a token there, in points.
const FLAGGED: f32 = 5.0;

/// The name of a choice of cells on its button.
fn name(cells: Cells) -> &'static str {
    match cells {
        Cells::Score => "Score",
        Cells::Biased => "+ Bias",
        Cells::Chosen => "Chosen",
        Cells::Moved => "Moved by bias",
    }
}

fn tip(cells: Cells) -> &'static str {
    match cells {
        Cells::Score => "The score s of every token at every expert",
        Cells::Biased => {
            "The score with the bias, s + b (s·b under the multiplicative rule): the K largest of a row are chosen"
        }
        Cells::Chosen => {
            "Blue: chosen. Orange with a flag: chosen only because of the bias. Hollow: chosen, but the expert has no room. The background shows the scores"
        }
        Cells::Moved => "Orange with a flag: chosen only because of the bias. Blue: would be chosen without it",
    }
}

/// Where the pictures are.
#[derive(Clone, Copy)]
struct Place {
    /// The whole pane.
    rect: Rect,
    /// The place of all pictures.
    frame: Rect,
    /// The part of the rows and experts that is in sight.
    window: Window,
}

/// The Assignment pane.
pub struct Assignment {
    cells: Cells,
    /// What rows are, if the user or a scenario's view chose it.
    rows: Option<Rows>,
    by_topic: bool,
    window: Option<Window>,
    /// The textures, one per panel side by side.
    made: Vec<Option<Made>>,
    /// The token entered in the field of the menu.
    token: u32,
    /// The token to show as soon as its place in the picture's order is known.
    going: Option<u32>,
}

impl Default for Assignment {
    fn default() -> Self {
        Self { cells: Cells::default(), rows: None, by_topic: true, window: None, made: vec![], token: 0, going: None }
    }
}

impl Pane for Assignment {
    fn kind(&self) -> PaneKind {
        PaneKind::Assignment
    }

    fn subtitle(&self, cx: &PaneContext<'_>) -> String {
        let picture = &cx.lab.snapshot().picture;
        let of = figure(f64::from(picture.batch), true);
        let what = match picture.request.rows {
            Rows::Fixed => {
                let own = of_whole_batch(picture);
                let own = if own { "a batch of " } else { "" };
                format!("{own}{} fixed tokens", figure(picture.rows() as f64, true))
            }
            Rows::Batch => {
                let shown = self.window.map_or(f64::from(picture.batch), |w| (w.rows.1 - w.rows.0).round());
                let all = if shown >= f64::from(picture.batch) { "all".into() } else { figure(shown, true) };
                // What a row stands for comes first, because the end is cut if there is little space.
                let shared = match (picture.per_row, picture.sampled) {
                    (1, _) => String::new(),
                    (n, m) if m < n => format!("each row {n} tokens, estimated on {m} of them: "),
                    (n, _) => format!("each row {n} tokens: "),
                };
                format!("{shared}{all} of {of} of the batch")
            }
            Rows::Topics => {
                format!("share of each topic’s assignments, {} tokens", figure(f64::from(picture.counted), true))
            }
        };
        let order = match picture.request.rows {
            Rows::Topics => "",
            _ if self.by_topic => ", by topic",
            _ => ", in order of arrival",
        };
        let what = if chosen_by_experts(picture) { format!("{what}{}", spread(picture)) } else { what };
        let step = figure(picture.step as f64, true);
        // The step comes first, because the end is cut if there is little space.
        let step = if picture.ahead { format!("nothing routed yet: next step {step}") } else { format!("step {step}") };
        format!("{step} · {what}{order}")
    }

    fn whose(&self, cx: &PaneContext<'_>) -> Option<usize> {
        of_one(cx)
    }

    fn tools(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        let theme = cx.theme;
        let menu = crate::ui::kit::widgets::button::icon_button(
            ui,
            theme,
            ICON_TUNE,
            15.0,
            true,
            "Rows of the heatmap",
            "Which tokens, in which order, and the view",
        );
        egui::Popup::menu(&menu).show(|ui| self.menu(ui, cx));
        // The switch between variants turns into a menu before the modes of the cells do.
        compared::switch(ui, cx, ("Beside", true), 660.0);
        let narrow = ui.available_width() < if compared::count(cx) > 1 { 400.0 } else { 480.0 };
        let selected = !cx.lab.snapshot().has_scores();
        if self.rows(cx) == Rows::Topics || selected {
            return;
        }
        if narrow {
            let label = RichText::new(format!("{}  ▾", name(self.cells))).font(text(SMALL)).color(theme.text);
            let button = ui.add(egui::Button::new(label).min_size(vec2(0.0, 22.0)));
            button.widget_info(|| {
                egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Cells show: {}", name(self.cells)))
            });
            egui::Popup::menu(&button).show(|ui| {
                for m in Cells::iter() {
                    if ui.selectable_label(self.cells == m, name(m)).on_hover_text(tip(m)).clicked() {
                        self.cells = m;
                    }
                }
            });
            return;
        }
        for m in Cells::iter().collect::<Vec<_>>().into_iter().rev() {
            if mode(ui, theme, name(m), self.cells == m, tip(m)) {
                self.cells = m;
            }
        }
    }

    fn help(&self) -> &'static str {
        "Every row is a token, every column an expert. The same tokens are routed again with the biases of each step, so one sees \
         them move from expert to expert; fresh tokens in every step would only flicker. The menu shows the batch of the step instead, or \
         which share of each topic's assignments every expert gets. Point at a cell for its figures, click to pin token and expert. \
         Scroll to zoom, drag to pan, double-click for everything. On a live batch, scrolling zooms the tokens and scrolling with Shift the \
         experts; the bar at the right shows the place and takes Page Up, Page Down, Home and End. Where tokens share a row, it shows which share of them chose the expert, \
         and their mean score."
    }

    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        let snapshot = cx.lab.snapshot().clone();
        let picture = Arc::clone(&snapshot.picture);
        let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
        describe(&response, self, cx);
        let live = self.rows(cx) == Rows::Batch;
        let right = if live { overview::WIDTH + 6.0 } else { 0.0 };
        let frame = Rect::from_min_max(rect.min + vec2(AXIS, 2.0), rect.max - vec2(right, BELOW));
        if !frame.is_positive() {
            return;
        }
        if std::mem::take(&mut cx.link.whole_heatmap) {
            (self.window, self.going) = (None, None);
        }
        self.arrive(&picture, live);
        let scale = ui.ctx().pixels_per_point();
        let request = self.request(cx, snapshot.routed_batch, frame.height() * scale);
        if picture.request != request {
            // Requested again in every frame until it arrives; the worker answers the newest request.
            cx.lab.send(Command::SetView(request));
        }
        if picture.rows() == 0 {
            return;
        }
        let (rows, experts) = (extent(&picture), picture.experts);
        let window = self.window.map_or(Window::whole(rows, experts), |w| w.inside(rows, experts));
        let panels = beside::panels(cx, &picture, frame);
        self.made.resize_with(panels.len(), || None);
        for slot in 0..panels.len() {
            self.paint(ui, cx, (slot, &panels), &picture, Place { rect, frame, window });
        }
        let pointer = response.hover_pos().unwrap_or_default();
        let pointed = panels.iter().find(|p| p.frame.contains(pointer)).or(panels.first());
        if let Some(panel) = pointed {
            let grid = Grid { frame: panel.frame, window };
            if panels.len() > 1 && panel.frame.contains(pointer) && response.hovered() {
                cx.link.hover_variant(panel.picture.request.variant);
            }
            self.interact(ui, &response, cx, &panel.picture, &grid);
        }
        cx.link.heatmap_zoomed = self.window.is_some();
        if self.window.is_some() && !cx.link.bare {
            let words = zoomed(&picture, &window);
            let place = panels.last().map_or(frame, |p| frame.with_min_y(p.frame.top()));
            if super::shared::time_plot::chip(ui, cx.theme, place, &words, "tokens") {
                self.window = None;
            }
        }
        if live && picture.request.rows == Rows::Batch {
            let bar = Rect::from_x_y_ranges(rect.right() - overview::WIDTH..=rect.right(), frame.y_range());
            let hovered = response.contains_pointer();
            if let Some(shown) = overview::show(ui, cx.theme, bar, window.rows, rows as f64, hovered) {
                self.window = Some(Window { rows: shown, ..window }.inside(rows, experts));
            }
        }
    }
}

/// Whether the routing of a token depends on which other tokens are in the batch, because tokens compete for experts or for space at an
/// expert.
fn of_whole_batch(picture: &Picture) -> bool {
    chosen_by_experts(picture) || picture.rule.takes_whole_batch() || picture.router.capacity.is_some()
}

/// Whether the experts of the variant shown choose their tokens.
fn chosen_by_experts(picture: &Picture) -> bool {
    picture.rule == Rule::ExpertChoice
}

/// How many experts the tokens of the picture go to, in words; empty if tokens share a row.
fn spread(picture: &Picture) -> String {
    let mut spread = Spread::default();
    for row in 0..picture.marks.len() / picture.experts.max(1) {
        spread.push(picture.marks_of(row).iter().filter(|m| *m & CHOSEN != 0).count());
    }
    if spread.tokens == 0 {
        return String::new();
    }
    format!(": {} without an expert, {:.1} on average, {} at most", spread.without, spread.mean(), spread.most)
}

impl Assignment {
    /// What rows and cells show.
    pub fn look(&self) -> (Option<Rows>, Cells) {
        (self.rows, self.cells)
    }

    /// Shows these rows and cells.
    pub fn set_look(&mut self, rows: Option<Rows>, cells: Cells) {
        if rows != self.rows {
            (self.rows, self.window) = (rows, None);
        }
        self.cells = cells;
    }

    /// What rows are: unless somebody chose it, the batch of a recording that was opened, and fixed tokens of any other source.
    fn rows(&self, cx: &PaneContext<'_>) -> Rows {
        self.rows.unwrap_or(if cx.lab.examined().is_some() { Rows::Batch } else { Rows::Fixed })
    }

    /// What cells show: who was chosen is all there is in a log of selections.
    fn cells(&self, cx: &PaneContext<'_>) -> Cells {
        let selected = !cx.lab.snapshot().has_scores();
        if selected { Cells::Chosen } else { self.cells }
    }

    /// Paints one of the pictures beside each other, with its marks and its legend.
    fn paint(
        &mut self,
        ui: &Ui,
        cx: &mut PaneContext<'_>,
        (slot, panels): (usize, &[beside::Panel]),
        picture: &Arc<Picture>,
        place: Place,
    ) {
        let (panel, cells) = (&panels[slot], self.cells(cx));
        let Place { rect, frame, window } = place;
        // Each has its own number of experts, seen in full where nobody zoomed.
        let window = self.window.map_or(Window::whole(extent(picture), panel.picture.experts), |_| window);
        self.make(ui, cx, (slot, panel), picture, window);
        let Some(made) = &self.made[slot] else { return };
        let grid = Grid { frame: panel.frame, window };
        let inside = ui.painter().with_clip_rect(panel.frame);
        let place = |row: usize| f64::from(picture.first) + row as f64 * f64::from(picture.per_row);
        let place = Rect::from_min_max(
            grid.corner(made.experts.0 as f64, place(made.rows.0)),
            grid.corner(made.experts.1 as f64, place(made.rows.1)),
        );
        let all = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        inside.image(made.texture.id(), place, all, Color32::WHITE);
        if slot == 0 {
            gutter(ui, cx, picture, &grid, picture.request.by_topic);
        }
        beside::decorate(ui, cx, panel, &grid, made.elsewhere.as_deref());
        if panel.less.is_some() {
            beside::legend(ui, cx, panel, rect, (cells, made.range.1), &window);
        } else if panel.picture.request.variant == picture.request.variant {
            let whole =
                Grid { frame: frame.with_max_x(panels.last().map_or(frame.right(), |p| p.frame.right())), window };
            let (theme, scored) = (cx.theme, cx.lab.snapshot().has_scores());
            let legend = Legend { theme, rect, grid: &whole, cells, scored, picture, range: made.range };
            legend.show(ui);
        }
        highlight(&inside, cx, &panel.picture, &grid);
    }

    /// The request to the worker. Of a live batch it covers the visible part, at about one row per pixel; `batch` is the number of tokens,
    /// `pixels` the height of the heatmap.
    fn request(&self, cx: &PaneContext<'_>, batch: u32, pixels: f32) -> ViewRequest {
        let pinned = self.going.or(cx.link.pinned_token);
        let rows = self.rows(cx);
        let request = ViewRequest {
            variant: cx.link.variant,
            rows,
            by_topic: self.by_topic,
            pinned,
            beside: beside::wanted(cx),
            ..Default::default()
        };
        if rows != Rows::Batch {
            return ViewRequest { by_topic: self.by_topic && rows == Rows::Fixed, ..request };
        }
        // Rounded, so that resizing by less than sixteen pixels requests nothing new.
        let most = (pixels as u32 / 16 * 16).clamp(64, LIVE_ROWS);
        let window =
            self.window.map_or(Window::whole(batch as usize, 1), |w| w.inside(batch as usize, usize::MAX >> 12));
        let (from, to) = (window.rows.0.floor() as u32, window.rows.1.ceil() as u32);
        let each = per_row(to - from, most);
        let first = from / each * each;
        ViewRequest { first, tokens: to.div_ceil(each) * each - first, per_row: each, ..request }
    }

    /// Goes to the token that was asked for, once its place is known.
    fn arrive(&mut self, picture: &Picture, live: bool) {
        let fits = picture.request.rows == Rows::Batch && picture.request.by_topic == self.by_topic;
        let Some(going) = self.going.filter(|_| fits && live) else { return };
        if let Some(there) = picture.pinned.as_ref().filter(|p| p.token.index == going) {
            let window = Window::whole(extent(picture), picture.experts);
            let middle = f64::from(there.place) + 0.5;
            let near = Window { rows: (middle - NEARBY, middle + NEARBY), ..window };
            self.window = Some(near.inside(extent(picture), picture.experts));
            self.going = None;
        } else if going >= picture.batch {
            self.going = None;
        }
    }

    fn menu(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        ui.set_min_width(230.0);
        let tips = [
            (Rows::Fixed, "Fixed tokens", "128 tokens that stay the same, routed with the biases of the step"),
            (
                Rows::Batch,
                "Whole batch",
                "All tokens of the step whose loads are shown, any part of them; at most ten pictures per second",
            ),
            (Rows::Topics, "Topics", "Which share of each topic's assignments every expert gets"),
        ];
        let now = self.rows(cx);
        for (rows, name, tip) in tips {
            if ui.radio(now == rows, name).on_hover_text(tip).clicked() {
                self.rows = Some(rows);
                self.window = None;
            }
        }
        ui.separator();
        ui.add_enabled_ui(now != Rows::Topics, |ui| {
            ui.radio_value(&mut self.by_topic, true, "Rows by topic");
            ui.radio_value(&mut self.by_topic, false, "Rows in order of arrival");
        });
        ui.separator();
        if ui.add_enabled(self.window.is_some(), egui::Button::new("Show everything")).clicked() {
            self.window = None;
        }
        ui.horizontal(|ui| {
            let last = cx.lab.snapshot().routed_batch.saturating_sub(1);
            let label = ui.label("Token");
            ui.add(egui::DragValue::new(&mut self.token).range(0..=last)).labelled_by(label.id);
            let tip = "Shows this token among those beside it in the batch, and pins it";
            if ui.button("Go to token").on_hover_text(tip).clicked() {
                self.rows = Some(Rows::Batch);
                self.going = Some(self.token);
                cx.link.pinned_token = Some(self.token);
                ui.close();
            }
        });
    }
}
