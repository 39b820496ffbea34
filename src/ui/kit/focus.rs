//! Working with the keyboard alone, in one place for every widget there is and will be: which widget Tab comes to next, which part
//! of the window F6 comes to, where the focus goes when what had it is gone, and a ring round what has it.
//!
//! egui walks through widgets in the order in which they were drawn. Here they are put in the order in which they are read: part by
//! part, and within a part row by row from left to right.

mod order;

use crate::ui::kit::theme::Theme;
use eframe::egui::{
    Context, CornerRadius, Event, FocusDirection, Id, Key, LayerId, Memory, Modifiers, Order, Popup, Pos2, Rect,
    Stroke, StrokeKind, Ui,
};
pub use order::Region;
use order::{Scope, Stop};
use std::collections::{HashMap, HashSet};

/// What widgets said about themselves in one pass.
#[derive(Clone, Default)]
struct Told {
    pass: u64,
    regions: HashMap<Id, Region>,
    /// Where parts of a region begin, from the top.
    marks: Vec<f32>,
    /// Fields that belong to a widget beside them, with that widget: Tab passes them by.
    fields: HashMap<Id, Id>,
    /// Where Tab begins, in every part that says so.
    starts: Vec<Id>,
    /// The menu that is open stays so when something in it is pressed.
    stays: bool,
    /// Tabs between panes.
    tabs: HashSet<Id>,
    /// The panes and their places, in the order in which they are drawn.
    panes: Vec<(Id, Rect)>,
    /// What scrolls, and where it is seen.
    scrolls: HashMap<Id, Rect>,
    /// Text to be typed into a field.
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

/// What is drawn in this `ui` is a part of the window that F6 comes to.
pub fn region(ui: &Ui, region: Region) {
    tell(ui.ctx(), |t| {
        t.regions.insert(ui.unique_id(), region);
        if region == Region::Panes {
            t.panes.push((ui.unique_id(), ui.max_rect()));
        }
    });
}

/// Here begins a part of a region that F6 comes to as well.
pub fn mark(ui: &Ui) {
    let y = ui.cursor().top();
    tell(ui.ctx(), |t| t.marks.push(y));
}

/// Tab begins here where nothing has the focus; a menu opens with the focus here.
pub fn start_at(ui: &Ui, id: Id) {
    tell(ui.ctx(), |t| t.starts.push(id));
}

/// This menu stays open when something in it is pressed.
pub fn stays(ui: &Ui) {
    tell(ui.ctx(), |t| t.stays = true);
}

/// A tab between the panes. What else stands there, such as the edges that are dragged, has no use for keys.
pub fn tab(ui: &Ui, id: Id) {
    tell(ui.ctx(), |t| {
        t.tabs.insert(id);
    });
}

/// This field belongs to the widget beside it: what is typed there goes into the field, and Tab stops only once.
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

/// Text on its way into a field that needs a moment to open.
struct Typing {
    text: String,
    wait: u8,
}

/// Where the keyboard is.
#[derive(Default)]
pub struct Focus {
    /// Whether the focus is moved by keys. A person with a pointer sees where they are.
    keys: bool,
    /// Where the ring was drawn last.
    at: Option<Rect>,
    /// What had the focus last, also after it was let go of.
    last: Option<Id>,
    /// What could have the focus in the last frame, in order.
    stops: Vec<Stop>,
    scope: Scope,
    /// A scope that has just opened has not been entered yet.
    fresh: bool,
    /// Escape let go of the focus: it comes back with the next key that moves it.
    rests: bool,
    /// It did so in this frame.
    let_go: bool,
    /// Something in a menu was pressed by a key: as a click would, that closes it, once it was taken.
    closes: bool,
    /// Something had the focus in the last frame.
    had: bool,
    /// The scopes below.
    below: Vec<Below>,
    /// The panes of the last frame.
    panes: Vec<(Id, Rect)>,
    typing: Option<Typing>,
}

/// A scope that another one lies over.
struct Below {
    scope: Scope,
    /// What had the focus there last.
    last: Option<Id>,
    /// Nothing had it when the other one opened: it stays so when that closes.
    rests: bool,
}

/// A way to go.
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
    /// Where the ring was drawn in the last frame.
    #[must_use]
    pub fn ring(&self) -> Option<Rect> {
        self.at
    }

    /// Whether Escape was taken by what had the focus: it let go of that, and does nothing else.
    #[must_use]
    pub fn let_go(&self) -> bool {
        self.let_go
    }

    /// Moves the focus as keys ask. Call first in a frame; `free` says that keys are not all taken by a list that is searched.
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
            // It stood in what has closed.
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
            // Each press counts, however many come in one frame.
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

    /// The middle of the pane in which keys have brought the focus.
    #[must_use]
    pub fn in_pane(&self, ctx: &Context) -> Option<Pos2> {
        let id = ctx.memory(Memory::focused).filter(|_| self.keys)?;
        let stop = self.stops.iter().find(|s| s.id == id && s.part.0 == Region::Panes)?;
        self.panes.iter().find(|(pane, _)| *pane == stop.at).map(|(_, rect)| rect.center())
    }

    /// Lets go of the focus unless what has it stands in this region, so that keys meant for the region change nothing elsewhere.
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

    /// Keys that move the focus show the ring; a press of the pointer hides it.
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

    /// Brings what was typed at a slider into its field: that opens in one frame and marks its text in the next.
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

    /// Notes a menu or a dialog that opened (true) or closed (false). What had the focus below it has it again; what was let go of there
    /// stays let go of.
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

    /// The ways that were asked for, in the order of the presses; their keys are taken out of the input.
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
            // egui is not to move it as well.
            ctx.memory_mut(|m| m.move_focus(FocusDirection::None));
        }
        ways
    }

    /// What an arrow goes to in a dialog's list: egui looks no further than what is in sight.
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

    /// What comes next that way, from what has the focus, had it last, or where Tab begins.
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

    /// Where the focus begins in a scope: where it says, or at what comes first.
    fn enter(&self, starts: &[Id]) -> Option<Id> {
        let start = starts.iter().copied().find(|id| self.holds(Some(*id)));
        start.or_else(|| self.stops.first().map(|s| s.id))
    }

    /// What has the focus where the last that had it let go of it or is gone: the widget a field belongs to, itself, or its
    /// neighbour.
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

    /// Draws the ring. Call last in a frame.
    pub fn show(&mut self, ctx: &Context, theme: &Theme) {
        let focused = ctx.memory(Memory::focused).filter(|_| self.keys);
        self.at = focused.and_then(|id| ctx.read_response(id)).map(|r| r.rect.intersect(r.interact_rect));
        // What is scrolled out of sight is brought into it by its panel; see `follow`.
        let Some(rect) = self.at.filter(Rect::is_positive) else { return };
        let painter = ctx.layer_painter(LayerId::new(Order::Debug, Id::unique("focus")));
        let stroke = Stroke::new(2.0, theme.accent);
        painter.rect_stroke(rect.expand(1.0), CornerRadius::same(5), stroke, StrokeKind::Outside);
    }
}

fn by_keys() -> Id {
    Id::unique("focus by keys")
}

/// Call at the end of what scrolls: what has just got the focus within it is brought into sight.
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
    // What is on its way may still pass it by, so it is followed until it stands still.
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

/// What has been followed, where it stood, and for how many frames.
#[derive(Clone, Copy, Default)]
struct Followed {
    id: Option<Id>,
    top: f32,
    still: u8,
}

/// What has stood still for so many frames comes no nearer.
const LONG_STILL: u8 = 8;

/// Whether Enter is free for a dialog's main button: nothing else has the focus, and nothing lies over it.
pub fn enter_is_free(ui: &Ui) -> bool {
    let free = ui.memory(|m| m.focused().is_none() && m.allows_interaction(ui.layer_id()));
    ui.is_enabled() && free && !Popup::is_any_open(ui.ctx())
}

/// Whether a slider has the focus: it has no use for Space.
#[must_use]
pub fn is_on_slider(ctx: &Context) -> bool {
    let told: Told = ctx.data(|d| d.get_temp(told_id())).unwrap_or_default();
    ctx.memory(Memory::focused).is_some_and(|id| told.fields.values().any(|slider| *slider == id))
}

/// Whether a key, pressed without Ctrl, is one that buttons, sliders and lists use: then what has the focus has it, and not a
/// shortcut.
#[must_use]
pub fn is_of_widgets(key: Key) -> bool {
    use Key::{
        ArrowDown, ArrowLeft, ArrowRight, ArrowUp, Comma, End, Enter, Home, Minus, PageDown, PageUp, Period, Space, Tab,
    };
    let moves = [ArrowDown, ArrowLeft, ArrowRight, ArrowUp, End, Enter, Home, PageDown, PageUp, Space, Tab];
    moves.contains(&key) || [Comma, Minus, Period].contains(&key)
}
