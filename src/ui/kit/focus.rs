//! Keyboard focus for all widgets, managed in one place: which widget Tab moves to, which part of the window F6 moves to, where the focus
//! goes when the focused widget disappears, and the ring around the focused widget.
//!
//! egui moves the focus in the order in which widgets were drawn. This module sorts them in reading order instead: part by part, and within
//! a part row by row from left to right.

mod order;

use crate::ui::kit::theme::Theme;
use eframe::egui::{
    Context, CornerRadius, Event, FocusDirection, Id, Key, LayerId, Memory, Modifiers, Order, Popup, Pos2, Rect,
    Stroke, StrokeKind, Ui,
};
pub use order::Region;
use order::{Scope, Stop};
use std::collections::{HashMap, HashSet};

/// What widgets announced about themselves in one pass.
#[derive(Clone, Default)]
struct Told {
    pass: u64,
    regions: HashMap<Id, Region>,
    /// The y coordinates at which parts of a region begin.
    marks: Vec<f32>,
    /// Text fields that belong to a widget beside them, each with that widget; Tab skips these fields.
    fields: HashMap<Id, Id>,
    /// The widgets at which Tab begins, one for each part that names one.
    starts: Vec<Id>,
    /// Whether the open menu stays open when something in it is pressed.
    stays: bool,
    /// The tabs of the panes.
    tabs: HashSet<Id>,
    /// The panes and their rectangles, in the order in which they are drawn.
    panes: Vec<(Id, Rect)>,
    /// The scroll areas, each with its visible rectangle.
    scrolls: HashMap<Id, Rect>,
    /// Text that is to be typed into a field.
    typed: Option<(Id, String)>,
}

fn told_id() -> Id {
    Id::unique("focus told")
}

fn tell(ctx: &Context, what: impl FnOnce(&mut Told)) {
    let pass = ctx.cumulative_pass_nr();
    ctx.data_mut(|d| {
        let told: &mut Told = d.get_temp_mut_or_default(told_id());
        if told.pass != pass {
            *told = Told { pass, ..Told::default() };
        }
        what(told);
    });
}

/// Declares that what is drawn in this `ui` is a part of the window that F6 moves to.
pub fn region(ui: &Ui, region: Region) {
    tell(ui.ctx(), |t| {
        t.regions.insert(ui.unique_id(), region);
        if region == Region::Panes {
            t.panes.push((ui.unique_id(), ui.max_rect()));
        }
    });
}

/// Declares that a part of a region begins at the current position; F6 moves to it as well.
pub fn mark(ui: &Ui) {
    let y = ui.cursor().top();
    tell(ui.ctx(), |t| t.marks.push(y));
}

/// Declares that Tab begins at this widget if nothing has the focus, and that a menu opens with the focus on it.
pub fn start_at(ui: &Ui, id: Id) {
    tell(ui.ctx(), |t| t.starts.push(id));
}

/// Keeps this menu open when something in it is pressed.
pub fn stays(ui: &Ui) {
    tell(ui.ctx(), |t| t.stays = true);
}

/// Declares that this widget is a pane's tab. Other widgets between panes, such as the edges that are dragged, do not respond to keys and
/// are skipped.
pub fn tab(ui: &Ui, id: Id) {
    tell(ui.ctx(), |t| {
        t.tabs.insert(id);
    });
}

/// Declares that a field belongs to the widget beside it: digits typed at the widget go into the field, and Tab stops only at the widget.
pub fn field_of(ui: &Ui, field: Id, widget: Id) {
    tell(ui.ctx(), |t| {
        t.fields.insert(field, widget);
    });
    if !ui.memory(|m| m.has_focus(widget)) || !ui.is_enabled() {
        return;
    }
    let typed: String = ui.input(|i| {
        let number = |s: &String| s.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '−'));
        let texts = i.events.iter().filter_map(|e| if let Event::Text(s) = e { Some(s) } else { None });
        texts.filter(|s| number(s)).cloned().collect()
    });
    if !typed.is_empty() || ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Enter)) {
        tell(ui.ctx(), |t| t.typed = Some((field, typed)));
    }
}

/// Text to be typed into a field that takes a frame or two to open.
struct Typing {
    text: String,
    wait: u8,
}

/// The keyboard focus of a window.
#[derive(Default)]
pub struct Focus {
    /// Whether keys move the focus. The ring is shown only then: a person with a pointer sees where they are.
    keys: bool,
    /// The rectangle of the ring in the last frame.
    at: Option<Rect>,
    /// The widget that had the focus last, even if it has lost it since.
    last: Option<Id>,
    /// The widgets that could have the focus in the last frame, in reading order.
    stops: Vec<Stop>,
    scope: Scope,
    /// Whether the scope has just opened, so that no widget in it has had the focus yet.
    fresh: bool,
    /// Whether Escape released the focus; the next key that moves the focus restores it.
    rests: bool,
    /// Whether Escape released the focus in this frame.
    let_go: bool,
    /// Whether a menu item was activated by a key: as after a click, the menu closes, once the item has handled the key.
    closes: bool,
    /// Whether anything had the focus in the last frame.
    had: bool,
    /// The scopes that the current one covers.
    below: Vec<Below>,
    /// The panes of the last frame, with their rectangles.
    panes: Vec<(Id, Rect)>,
    typing: Option<Typing>,
}

/// A scope that is covered by another one.
struct Below {
    scope: Scope,
    /// The widget in it that had the focus last.
    last: Option<Id>,
    /// Whether nothing had the focus when the other scope opened; then nothing has it after that closes.
    rests: bool,
}

/// A direction in which keys move the focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Next,
    Previous,
    NextPart,
    PreviousPart,
    First,
    Last,
}

impl Focus {
    /// The rectangle in which the ring was drawn in the last frame.
    #[must_use]
    pub fn ring(&self) -> Option<Rect> {
        self.at
    }

    /// Whether Escape released the focus in this frame, and so must do nothing else.
    #[must_use]
    pub fn let_go(&self) -> bool {
        self.let_go
    }

    /// Moves the focus as keys ask. Must be called first in a frame; `free` is false while a searched list takes all keys.
    pub fn begin(&mut self, ctx: &Context, free: bool) {
        let told: Told = ctx.data(|d| d.get_temp(told_id())).unwrap_or_default();
        let mut focused = ctx.memory(Memory::focused);
        self.note_device(ctx, focused.is_some());
        self.type_on(ctx, told.typed.clone());
        let opened = self.follow_scope(ctx);
        ctx.data_mut(|d| d.insert_temp(by_keys(), self.keys));
        if !self.keys {
            (self.last, self.had, self.rests, self.let_go) = (focused, focused.is_some(), false, false);
            return;
        }
        let before = std::mem::take(&mut self.stops);
        if std::mem::take(&mut self.closes) {
            Popup::close_all(ctx);
        }
        self.stops = order::stops(ctx, self.scope, &told);
        self.panes.clone_from(&told.panes);
        if let Some(gone) = focused.filter(|id| opened == Some(false) && !self.holds(Some(*id))) {
            // The widget was in the menu or dialog that has closed.
            ctx.memory_mut(|m| m.surrender_focus(gone));
            focused = None;
        }
        let menu = matches!(self.scope, Scope::Popup(_)) && !told.stays && self.holds(focused);
        self.closes = menu && ctx.input(|i| i.key_pressed(Key::Enter) || i.key_pressed(Key::Space));
        let escaped = ctx.input(|i| i.key_pressed(Key::Escape));
        self.let_go = escaped && focused.is_none() && !self.rests && self.last.is_some();
        self.rests = focused.is_none() && (self.rests || escaped);
        let widget = focused.map(|id| told.fields.get(&id).copied().unwrap_or(id));
        let ways = if free { self.ways(ctx) } else { vec![] };
        let beside = if free { self.arrow(ctx, focused) } else { None };
        let goal = match ways[..] {
            // Every key press counts, even if several arrive in one frame.
            [_, ..] => ways.iter().fold(widget, |at, way| self.towards(*way, at, &told.starts)),
            [] if beside.is_some() => beside,
            [] if self.fresh && !self.holds(focused) && free => self.enter(&told.starts),
            [] if opened == Some(false) => self.last.filter(|id| !self.rests && self.holds(Some(*id))),
            [] if focused.is_none() && !self.rests => self.instead(&before, &told.fields),
            [] if escaped => self.last.and_then(|id| told.fields.get(&id)).copied(),
            [] => None,
        };
        if self.holds(focused) || goal.is_some() {
            self.fresh = false;
        }
        if let Some(id) = goal {
            ctx.memory_mut(|m| m.request_focus(id));
            ctx.request_repaint();
        }
        self.had = goal.or(focused).is_some();
        self.last = goal.or(focused).or(self.last);
    }

    /// The centre of the pane that contains the focus, if keys moved it there.
    #[must_use]
    pub fn in_pane(&self, ctx: &Context) -> Option<Pos2> {
        let id = ctx.memory(Memory::focused).filter(|_| self.keys)?;
        let stop = self.stops.iter().find(|s| s.id == id && s.part.0 == Region::Panes)?;
        self.panes.iter().find(|(pane, _)| *pane == stop.at).map(|(_, rect)| rect.center())
    }

    /// Releases the focus unless the focused widget is in this region, so that keys meant for the region change nothing elsewhere.
    pub fn keep_in(&mut self, ctx: &Context, region: Region) {
        let Some(id) = ctx.memory(Memory::focused) else { return };
        if !self.stops.iter().any(|s| s.id == id && s.part.0 == region) {
            ctx.memory_mut(|m| m.surrender_focus(id));
            self.rests = true;
        }
    }

    fn holds(&self, id: Option<Id>) -> bool {
        id.is_some_and(|id| self.stops.iter().any(|s| s.id == id))
    }

    /// Notes the input device: keys that move the focus show the ring, and a press of the pointer hides it.
    fn note_device(&mut self, ctx: &Context, focused: bool) {
        ctx.input(|i| {
            for event in &i.events {
                match event {
                    Event::Key { key: Key::Tab | Key::F6 | Key::F10, pressed: true, .. } => self.keys = true,
                    Event::Key { key: Key::Enter | Key::Space, pressed: true, .. } if focused => self.keys = true,
                    Event::PointerButton { pressed: true, .. } => self.keys = false,
                    _ => {}
                }
            }
        });
    }

    /// Types what was typed at a slider into its field. The field opens in one frame and selects its text in the next, so the text waits
    /// until then.
    fn type_on(&mut self, ctx: &Context, begun: Option<(Id, String)>) {
        if let Some((field, text)) = begun {
            ctx.memory_mut(|m| m.request_focus(field));
            self.last = Some(field);
            self.typing = (!text.is_empty()).then_some(Typing { text, wait: 1 });
            ctx.request_repaint();
        }
        let Some(typing) = &mut self.typing else { return };
        ctx.input_mut(|i| {
            i.events.retain(|e| match e {
                Event::Text(more) => {
                    typing.text.push_str(more);
                    false
                }
                _ => true,
            });
            if typing.wait == 0 {
                i.events.insert(0, Event::Text(std::mem::take(&mut typing.text)));
            }
        });
        ctx.request_repaint();
        match typing.wait.checked_sub(1) {
            Some(wait) => typing.wait = wait,
            None => self.typing = None,
        }
    }

    /// Notes whether a menu or a dialog opened (true) or closed (false). When it closes, the widget below that had the focus gets it back,
    /// unless its focus had been released.
    fn follow_scope(&mut self, ctx: &Context) -> Option<bool> {
        let now = order::scope(ctx);
        if now == self.scope {
            return None;
        }
        let back = self.below.iter().position(|b| b.scope == now);
        match back {
            Some(at) => {
                (self.last, self.rests) = (self.below[at].last, self.below[at].rests);
                self.below.truncate(at);
            }
            None => {
                let rests = self.rests || !self.had;
                self.below.push(Below { scope: self.scope, last: self.last, rests });
                self.rests = false;
            }
        }
        self.scope = now;
        self.fresh = back.is_none();
        Some(back.is_none())
    }

    /// The requested moves, in the order of the key presses; their keys are removed from the input.
    fn ways(&self, ctx: &Context) -> Vec<Way> {
        let menu = matches!(self.scope, Scope::Popup(_));
        let way = |key: Key, modifiers: Modifiers| match key {
            _ if modifiers.alt || modifiers.ctrl || modifiers.command => None,
            Key::F6 => Some(if modifiers.shift { Way::PreviousPart } else { Way::NextPart }),
            Key::Tab => Some(if modifiers.shift { Way::Previous } else { Way::Next }),
            Key::ArrowDown if menu => Some(Way::Next),
            Key::ArrowUp if menu => Some(Way::Previous),
            Key::Home if menu => Some(Way::First),
            Key::End if menu => Some(Way::Last),
            _ => None,
        };
        let mut ways = vec![];
        ctx.input_mut(|i| {
            i.events.retain(|event| match event {
                Event::Key { key, modifiers, pressed: true, .. } => {
                    let asked = way(*key, *modifiers);
                    ways.extend(asked);
                    asked.is_none()
                }
                _ => true,
            });
        });
        if !ways.is_empty() {
            // Keeps egui from moving the focus as well.
            ctx.memory_mut(|m| m.move_focus(FocusDirection::None));
        }
        ways
    }

    /// The widget that an arrow key moves to in a dialog's list; egui considers only widgets in sight.
    fn arrow(&self, ctx: &Context, focused: Option<Id>) -> Option<Id> {
        if !matches!(self.scope, Scope::Modal(_)) || ctx.text_edit_focused() {
            return None;
        }
        let from = self.stops.iter().find(|s| Some(s.id) == focused && s.scroll.is_some())?;
        let arrows = [Key::ArrowDown, Key::ArrowUp, Key::ArrowRight, Key::ArrowLeft];
        let pressed = arrows.into_iter().find(|key| ctx.input(|i| i.modifiers.is_none() && i.key_pressed(*key)))?;
        let goal = order::beside(&self.stops, from, pressed)?;
        ctx.input_mut(|i| i.consume_key(Modifiers::NONE, pressed));
        ctx.memory_mut(|m| m.move_focus(FocusDirection::None));
        Some(goal)
    }

    /// The next widget in a direction, counted from the focused widget, from the last one that had the focus, or from where Tab begins.
    fn towards(&self, way: Way, focused: Option<Id>, starts: &[Id]) -> Option<Id> {
        let count = self.stops.len();
        let place = |id: Id| self.stops.iter().position(|s| s.id == id);
        let from = focused.and_then(place).or_else(|| self.last.and_then(place));
        let first = |of: &Stop| self.stops.iter().find(|s| s.part == of.part).map(|s| s.id);
        match (way, from) {
            _ if count == 0 => None,
            (Way::First, _) => self.stops.first().map(|s| s.id),
            (Way::Last, _) => self.stops.last().map(|s| s.id),
            (Way::Next, None) => self.enter(starts),
            (Way::Previous, None) => self.stops.last().map(|s| s.id),
            (Way::Next, Some(at)) => Some(self.stops[(at + 1) % count].id),
            (Way::Previous, Some(at)) => Some(self.stops[(at + count - 1) % count].id),
            (Way::NextPart, None) => first(&self.stops[0]),
            (Way::PreviousPart, None) => first(&self.stops[count - 1]),
            (Way::NextPart, Some(at)) => {
                let part = self.stops[at].part;
                let next = self.stops[at..].iter().find(|s| s.part != part).unwrap_or(&self.stops[0]);
                first(next)
            }
            (Way::PreviousPart, Some(at)) => {
                let part = self.stops[at].part;
                let before = self.stops[..at].iter().rfind(|s| s.part != part).unwrap_or(&self.stops[count - 1]);
                first(before)
            }
        }
    }

    /// The widget at which the focus begins in a scope: one that asked for it, or the first.
    fn enter(&self, starts: &[Id]) -> Option<Id> {
        let start = starts.iter().copied().find(|id| self.holds(Some(*id)));
        start.or_else(|| self.stops.first().map(|s| s.id))
    }

    /// Where the focus goes if the last focused widget released it or disappeared: to the widget that the field belongs to, to the same
    /// widget, or to the nearest one.
    fn instead(&self, before: &[Stop], fields: &HashMap<Id, Id>) -> Option<Id> {
        let last = self.last?;
        if let Some(widget) = fields.get(&last) {
            return Some(*widget);
        }
        if self.holds(Some(last)) {
            return Some(last);
        }
        let was = before.iter().find(|s| s.id == last)?;
        let near = |s: &&Stop| (s.part != was.part, (s.rect.center() - was.rect.center()).length() as i64);
        self.stops.iter().min_by_key(near).map(|s| s.id)
    }

    /// Draws the ring. Must be called last in a frame.
    pub fn show(&mut self, ctx: &Context, theme: &Theme) {
        let focused = ctx.memory(Memory::focused).filter(|_| self.keys);
        self.at = focused.and_then(|id| ctx.read_response(id)).map(|r| r.rect.intersect(r.interact_rect));
        // A widget out of sight is scrolled into view by its panel; see `follow`.
        let Some(rect) = self.at.filter(Rect::is_positive) else { return };
        let painter = ctx.layer_painter(LayerId::new(Order::Debug, Id::unique("focus")));
        let stroke = Stroke::new(2.0, theme.accent);
        painter.rect_stroke(rect.expand(1.0), CornerRadius::same(5), stroke, StrokeKind::Outside);
    }
}

fn by_keys() -> Id {
    Id::unique("focus by keys")
}

/// Scrolls a widget that has just received the focus into view. Must be called at the end of a scroll area's content.
pub fn follow(ui: &Ui) {
    let ctx = ui.ctx();
    tell(ctx, |t| {
        t.scrolls.insert(ui.unique_id(), ui.clip_rect());
    });
    let id = ui.scope_id().with("focus followed");
    let focused = ctx.memory(Memory::focused);
    let last: Followed = ctx.data(|d| d.get_temp(id)).unwrap_or_default();
    let keys = ctx.data(|d| d.get_temp(by_keys())).unwrap_or(false);
    let response = focused.filter(|_| keys).and_then(|id| ctx.read_response(id));
    let top = response.as_ref().map_or(0.0, |r| r.rect.top());
    let still = if last.id == focused && last.top == top { last.still.saturating_add(1) } else { 0 };
    ctx.data_mut(|d| d.insert_temp(id, Followed { id: focused, top, still }));
    // An animated scroll may overshoot, so the widget is followed until it stands still.
    let Some(response) = response.filter(|_| still < LONG_STILL) else { return };
    let within = response.layer_id == ui.layer_id() && ui.min_rect().contains(response.rect.center());
    let seen = ui.clip_rect().contains_rect(response.rect);
    if within && !(seen && still > 0) {
        if !seen {
            ui.scroll_to_rect(response.rect.expand(8.0), None);
        }
        ctx.request_repaint();
    }
}

/// The widget that is followed, its position, and for how many frames it has not moved.
#[derive(Clone, Copy, Default)]
struct Followed {
    id: Option<Id>,
    top: f32,
    still: u8,
}

/// A widget that has not moved for this many frames is no longer followed.
const LONG_STILL: u8 = 8;

/// Whether Enter may press a dialog's main button: nothing has the focus, and nothing covers the dialog.
pub fn enter_is_free(ui: &Ui) -> bool {
    let free = ui.memory(|m| m.focused().is_none() && m.allows_interaction(ui.layer_id()));
    ui.is_enabled() && free && !Popup::is_any_open(ui.ctx())
}

/// Whether a slider has the focus. Sliders do not use Space.
#[must_use]
pub fn is_on_slider(ctx: &Context) -> bool {
    let told: Told = ctx.data(|d| d.get_temp(told_id())).unwrap_or_default();
    ctx.memory(Memory::focused).is_some_and(|id| told.fields.values().any(|slider| *slider == id))
}

/// Whether buttons, sliders and lists use this key when it is pressed without Ctrl. The focused widget then receives the key instead of a
/// shortcut.
#[must_use]
pub fn is_of_widgets(key: Key) -> bool {
    use Key::{
        ArrowDown, ArrowLeft, ArrowRight, ArrowUp, Comma, End, Enter, Home, Minus, PageDown, PageUp, Period, Space, Tab,
    };
    let moves = [ArrowDown, ArrowLeft, ArrowRight, ArrowUp, End, Enter, Home, PageDown, PageUp, Space, Tab];
    moves.contains(&key) || [Comma, Minus, Period].contains(&key)
}
