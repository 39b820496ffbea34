//! The app: puts the bars, the settings and the panes together. What is asked for there, `doing` does.
//!
//! It is the same in a window, in a test and offscreen (`moebias render`); only [`Options`] differ.

mod doing;
mod making;
mod showing;

use crate::ui::ask::Ask;
use crate::ui::controls::{self, Controls};
use crate::ui::export::caption;
use crate::ui::export::pictures::Pictures;
use crate::ui::help::findings::{self, Findings};
use crate::ui::help::glossary::{self, Glossary};
use crate::ui::help::hints::Hints;
use crate::ui::help::lesson::{self, LessonPanel};
use crate::ui::help::spotlight::Spotlight;
use crate::ui::kit::focus::{self, Focus};
use crate::ui::kit::meter::Meter;
use crate::ui::kit::screen::Screen;
use crate::ui::kit::style;
use crate::ui::kit::theme::{DARK, GAP, LIGHT, Theme};
use crate::ui::link::Link;
use crate::ui::panes::{PaneContext, Panes};
use crate::ui::shell::files::{Dialog, Outcome, Texts};
use crate::ui::shell::layout::Layout;
use crate::ui::shell::notices::{self, Seen};
use crate::ui::shell::palette::{self, Palette};
use crate::ui::shell::rename::Renaming;
use crate::ui::shell::shortcuts;
use crate::ui::shell::top_bar::{self, Bar};
use crate::ui::shell::transport_bar;
use crate::ui::shell::welcome::{Around, Welcome};
use crate::ui::store::{Store, Stored};
use eframe::egui::{self, Align2, CentralPanel, Context, Frame, Key, Margin, Order, Ui, ViewportCommand};
use moebias_engine::microscope::MOST_TOKENS;
use moebias_engine::start::RunId;
use moebias_files::view::PaneKind;
use moebias_files::view::Part;
use moebias_lab::Lab;
use moebias_lab::command::Command;
use moebias_lab::notices::Level;
use std::time::{Duration, Instant};

/// Lower windows have no strip of findings, points.
const LOW: f32 = 440.0;

/// How the app is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Show the scenario cards at first.
    pub welcome: bool,
    /// In a real window: with the system's file dialogs, and on a frame buffer that is cleared to [`eframe::App::clear_color`].
    pub native: bool,
    /// For pictures of a run: no messages appear in them.
    pub still: bool,
    /// Title, step and a key of the variants stand above everything.
    pub caption: bool,
}

/// What lies over the panes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overlay {
    Welcome,
    Messages,
    Glossary,
    Findings,
    Shortcuts,
    Lessons,
}

/// A run that waits behind what lies over the panes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// The window opened with the welcome: whatever is there when it closes begins.
    Whatever,
    /// This one was playing.
    Run(RunId),
}

/// The window.
pub struct App {
    lab: Lab,
    stored: Stored,
    store: Store,
    options: Options,
    layout: Layout,
    panes: Panes,
    link: Link,
    controls: Controls,
    findings: Findings,
    overlay: Option<Overlay>,
    palette: Option<Palette>,
    glossary: Glossary,
    dialog: Option<Dialog>,
    renaming: Option<Renaming>,
    seen: Seen,
    pictures: Pictures,
    welcome: Welcome,
    /// Whether a dialog was open in the last frame.
    covered: bool,
    /// What lies over the panes holds the run, which goes on afterwards.
    held: Option<Held>,
    lesson: LessonPanel,
    spotlight: Spotlight,
    /// A page was turned to in this frame.
    page_turned: bool,
    title: String,
    /// Whether the experiment shown learns: then its task loss is in front.
    learns: bool,
    /// Whether its batch is so small that all of it can be looked at: then the microscope is in front.
    tiny: bool,
    meter: Option<Meter>,
    showing: showing::Showing,
    making: making::Making,
    hints: Hints,
    focus: Focus,
    screen: Screen,
    /// The window was asked to close, and waits for what is being written.
    closing: bool,
}

impl App {
    /// The app over a lab.
    #[must_use]
    pub fn new(ctx: &Context, lab: Lab, stored: Stored, options: Options) -> Self {
        style::install(ctx);
        ctx.set_theme(stored.theme());
        ctx.set_zoom_factor(stored.zoom);
        let mut lab = lab;
        lab.set_shelf(stored.lessons.clone());
        let mut panes = Panes::default();
        panes.bias.choose(stored.biases_less_median);
        // Zooming has its own limits; egui's shortcuts know none.
        ctx.options_mut(|o| o.zoom_with_keyboard = false);
        Self {
            layout: Layout::restored(stored.panes.clone()),
            lab,
            stored,
            store: Store::default(),
            options,
            panes,
            link: Link::default(),
            controls: Controls::default(),
            findings: Findings::default(),
            overlay: options.welcome.then_some(Overlay::Welcome),
            palette: None,
            glossary: Glossary::default(),
            dialog: None,
            renaming: None,
            seen: Seen::default(),
            pictures: Pictures::default(),
            welcome: Welcome::default(),
            covered: false,
            held: options.welcome.then_some(Held::Whatever),
            lesson: LessonPanel::default(),
            spotlight: Spotlight::default(),
            page_turned: false,
            title: String::new(),
            learns: false,
            tiny: false,
            meter: Meter::wanted(),
            showing: showing::Showing::default(),
            making: making::Making::default(),
            hints: if options.native { Hints::begin(Instant::now()) } else { Hints::default() },
            focus: Focus::default(),
            screen: Screen::default(),
            closing: false,
        }
    }

    /// What is remembered is kept there from now on.
    pub fn keep_in(&mut self, store: Store) {
        self.store = store;
    }

    /// The lab.
    #[must_use]
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// The lab, to command.
    pub fn lab_mut(&mut self) -> &mut Lab {
        &mut self.lab
    }

    /// What is hovered and pinned.
    #[must_use]
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// What is hovered and pinned, to change.
    pub fn link_mut(&mut self) -> &mut Link {
        &mut self.link
    }

    /// What has the focus, and how that is shown.
    #[must_use]
    pub fn focus(&self) -> &Focus {
        &self.focus
    }

    /// Height of the palette's list in the last frame, points; 0 where it is not open.
    #[must_use]
    pub fn palette_height(&self) -> f32 {
        self.palette.as_ref().map_or(0.0, Palette::height)
    }

    /// Whether something that is typed into lies over the panes.
    fn is_covered(&self) -> bool {
        self.palette.is_some() || self.dialog.is_some() || self.renaming.is_some() || self.making.is_open()
    }

    /// The panes that the lesson's page shows have all the room there is, whatever its width; the person's own places wait untouched until
    /// the lesson is closed. What is asked for by hand joins them until the next page.
    fn turn_to(&mut self, ui: &Ui) {
        let Some(running) = self.lab.lesson() else {
            self.seen.inset = 0.0;
            self.layout.alone(&[]);
            return;
        };
        self.seen.inset = lesson::width(ui.ctx().content_rect().width());
        if std::mem::take(&mut self.page_turned) || !self.layout.is_alone() {
            let shown = running.panes().to_vec();
            self.layout.restore();
            self.layout.alone(&shown);
        }
    }

    fn toggle(&mut self, overlay: Overlay) {
        self.overlay = if self.overlay == Some(overlay) { None } else { Some(overlay) };
    }

    fn overlays(&mut self, ui: &mut Ui, asks: &mut Vec<Ask>, theme: &'static Theme) {
        let keep = match self.overlay {
            // What was left unfinished is asked about first, in the open.
            Some(Overlay::Welcome) if self.lab.unfinished().is_some() => true,
            Some(Overlay::Welcome) => {
                let around = Around {
                    running: &self.lab.document().title,
                    begun: self.lab.snapshot().step > 0,
                    shelf: self.lab.shelf(),
                    recent: &self.stored.recent,
                };
                self.welcome.show(ui, &around, asks, theme)
            }
            Some(Overlay::Messages) => notices::list(ui, &mut self.seen, &mut self.lab, theme),
            Some(Overlay::Findings) => findings::list(ui, &self.lab, asks, theme),
            Some(Overlay::Glossary) => glossary::show(ui, &mut self.glossary, theme),
            Some(Overlay::Shortcuts) => shortcuts::show(ui, self.lab.lesson().is_some(), asks, theme),
            Some(Overlay::Lessons) => lesson::contents::show(ui, self.lab.shelf(), asks, theme),
            None => false,
        };
        if !keep {
            self.overlay = None;
        }
        if let Some(mut palette) = self.palette.take() {
            let sources = palette::Sources {
                lab: &self.lab,
                controls: &self.controls,
                shown: self.link.variant,
                zoom: self.zoom_now(),
                toggled: self.toggled(ui.ctx()),
                recent: &self.stored.recent,
            };
            self.palette = palette::show(ui, &mut palette, &sources, asks, theme).then_some(palette);
        }
        if let Some(mut dialog) = self.dialog.take() {
            match dialog.show(ui, &self.stored.recent, theme) {
                Outcome::Open => self.dialog = Some(dialog),
                Outcome::Closed => {}
                Outcome::Chosen(purpose, path, texts) => {
                    if let Some(Texts { title, summary }) = texts {
                        self.lab.send(Command::Describe { title, summary });
                    }
                    self.chosen(ui.ctx(), purpose, path);
                }
            }
        }
        if self.renaming.as_mut().is_some_and(|r| !r.show(ui, &mut self.lab, theme)) {
            self.renaming = None;
        }
        self.show_making(ui, theme);
        if self.overlay.is_none() && !self.options.still {
            let audience = self.showing.presenting.is_on();
            notices::toasts(ui, &mut self.seen, &mut self.lab, audience, theme);
        }
        notices::job(ui, &mut self.lab, theme);
        self.drop(ui.ctx(), theme);
    }

    /// Files dragged over the window, and dropped on it.
    fn drop(&mut self, ctx: &Context, theme: &Theme) {
        let (hovering, dropped) = ctx.input(|i| (i.raw.hovered_files.len(), i.raw.dropped_files.clone()));
        if hovering > 0 {
            let layer = egui::LayerId::new(Order::Foreground, egui::Id::unique("drop"));
            let painter = ctx.layer_painter(layer);
            let screen = ctx.content_rect();
            painter.rect_filled(screen, 0.0, theme.window.gamma_multiply(0.8));
            let stroke = egui::Stroke::new(2.0, theme.accent);
            painter.rect_stroke(screen.shrink(16.0), 12.0, stroke, egui::StrokeKind::Inside);
            let words = if hovering == 1 {
                "Drop to open; undo brings the present run back"
            } else {
                "Drop to open the first of these files"
            };
            painter.text(screen.center(), Align2::CENTER_CENTER, words, style::text(18.0), theme.text);
        }
        let Some(first) = dropped.first() else { return };
        self.lab.send(Command::OpenFile(first.path().to_owned()));
        if dropped.len() > 1 {
            self.lab.tell(Level::Info, format!("Opened the first of {} files", dropped.len()));
        }
        self.overlay = None;
    }

    /// egui keeps a tooltip while the pointer rests on its widget, also under a dialog that comes: then the pointer counts as gone
    /// until it moves.
    fn put_tooltips_away(&mut self, ctx: &Context) {
        let covered = self.is_covered() || self.overlay.is_some();
        if covered && !std::mem::replace(&mut self.covered, covered) {
            ctx.input_mut(|i| i.pointer = egui::PointerState::default());
        }
        self.covered = covered;
    }

    /// Nothing plays behind what lies over the panes: it goes on once that closes. A lesson that was opened says itself whether it plays.
    fn hold(&mut self) {
        if self.overlay.is_some() {
            if self.held.is_none() && self.lab.snapshot().playing {
                self.held = Some(Held::Run(self.lab.run()));
                self.lab.send(Command::Pause);
            }
            return;
        }
        let in_lesson = self.lab.lesson().is_some();
        let begins = self.dialog.is_none() || in_lesson;
        if let Some(held) = self.held.take_if(|_| begins)
            && (!in_lesson || held == Held::Run(self.lab.run()))
        {
            self.lab.send(Command::Play);
        }
    }

    /// Remembers how large the window is, to open it so again.
    fn measure_window(&mut self, ctx: &Context) {
        if !self.options.native {
            return;
        }
        let (rect, maximised, full) = ctx.input(|i| {
            let v = i.viewport();
            (v.inner_rect, v.maximized.unwrap_or(false), v.fullscreen.unwrap_or(false))
        });
        // In points of the system, whatever the zoom.
        if let Some(size) = rect.filter(|_| !full && !maximised).map(|r| r.size() * ctx.zoom_factor()) {
            self.stored.size = Some([size.x.round(), size.y.round()]);
        }
        if !full {
            self.stored.maximised = maximised;
        }
    }

    /// Closes the window once everything is written, or once a person who was told that it can't be closes it again.
    fn follow_closing(&mut self, ctx: &Context) {
        let asked = ctx.input(|i| i.viewport().close_requested());
        if !asked && !self.closing {
            return;
        }
        let may = self.lab.may_close();
        self.closing = !may && self.lab.is_saving();
        match (asked, may) {
            (true, false) => ctx.send_viewport_cmd(ViewportCommand::CancelClose),
            (false, true) => ctx.send_viewport_cmd(ViewportCommand::Close),
            _ => {}
        }
        if self.closing {
            ctx.request_repaint_after(Duration::from_millis(50));
        }
    }

    fn name_window(&mut self, ctx: &Context) {
        let title = format!("{} – Moebias", self.lab.document().title);
        if title != self.title {
            ctx.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &Context, _: &mut eframe::Frame) {
        self.lab.poll();
        let learns = self.lab.snapshot().experiment.world().is_some();
        self.follow_view(ctx);
        // A lesson shows its own panes; what the run asks for comes to the front once it is closed.
        let arranged = self.lab.lesson().is_some();
        if learns != self.learns && !arranged {
            if !self.showing.views.is_on() {
                self.layout.reveal(if learns { PaneKind::TaskLoss } else { PaneKind::LoadHistory });
            }
            self.learns = learns;
        }
        let tiny = self.lab.snapshot().batch <= MOST_TOKENS;
        if tiny != self.tiny && !arranged {
            if !self.showing.views.is_on() {
                self.layout.reveal(if tiny { PaneKind::Microscope } else { PaneKind::Assignment });
            }
            self.tiny = tiny;
        }
        for path in self.lab.take_recent() {
            self.stored.remember(&path);
        }
        self.poll_making(ctx);
        moebias_lab::crash::rehearse(self.lab.snapshot().step);
        self.name_window(ctx);
        self.measure_window(ctx);
        if self.options.native
            && let Some(said) = self.screen.follow(ctx)
        {
            self.lab.tell(Level::Warning, said);
        }
        self.follow_closing(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        if let (Some(meter), Some(seconds)) = (&mut self.meter, frame.info().cpu_usage) {
            meter.frame(f64::from(seconds));
        }
        let theme = Theme::of(ui.ctx());
        let ctx = ui.ctx().clone();
        let mut asks = vec![];
        self.focus.begin(&ctx, self.palette.is_none());
        self.keys(&ctx, &mut asks);
        self.put_tooltips_away(&ctx);
        self.link.begin_frame();
        self.link.calm = self.showing.presenting.is_on();
        self.link.follow(self.lab.snapshot());
        self.link.variants(self.lab.settings().variants.len());
        let experts = self.lab.snapshot().variants.get(self.link.variant).map_or(0, |v| v.bias.len());
        self.link.pinned_expert = self.link.pinned_expert.filter(|e| *e < experts);
        // A drag is one thing to take back, and so is a key held down.
        let held = [Key::ArrowLeft, Key::ArrowRight, Key::PageUp, Key::PageDown];
        if !ctx.input(|i| i.pointer.any_down() || held.iter().any(|k| i.key_down(*k))) {
            self.lab.end_gesture();
        }

        if !self.options.native {
            ui.painter().rect_filled(ui.max_rect(), 0.0, theme.pane);
        }
        self.page_turned |= self.spotlight.begin(&ctx, &self.lab, &mut self.link);
        if self.page_turned {
            self.focus.keep_in(&ctx, focus::Region::Lesson);
        }
        self.room_for_settings(ui);
        let bar = Bar {
            recent: &self.stored.recent,
            unread: self.seen.unread(&self.lab),
            settings: self.showing.floats,
            menu: std::mem::take(&mut self.showing.menu),
            toggled: self.toggled(&ctx),
        };
        let [top, time, settings] = [Part::TopBar, Part::Transport, Part::Controls].map(|part| self.shows(part));
        if self.options.caption {
            caption::strip(ui, &self.lab, theme);
        }
        if top {
            top_bar::show(ui, &mut self.lab, &bar, &mut asks, theme);
        }
        if self.showing.presenting.is_on() && !self.showing.is_bare() {
            let told = notices::told(&mut self.seen, &self.lab).filter(|_| !self.options.still);
            self.showing.presenting.title(ui, &self.lab.document().title, told.as_deref(), theme);
        }
        // What was left unfinished is no business of an audience.
        let asks_first = !self.options.still && !self.showing.presenting.is_on();
        if asks_first && notices::offer(ui, &mut self.lab, theme) {
            self.overlay = None;
            self.held = None;
        }
        // A lesson asks before it tells: what is noticed would answer for it.
        // In a low window the panes need its room; the menu lists what is found.
        let roomy = top && self.lab.lesson().is_none() && ctx.content_rect().height() >= LOW;
        if roomy && !self.show_hint(ui, theme) {
            self.findings.show(ui, &self.lab, self.link.variant, &mut asks, theme);
        }
        if time {
            transport_bar::show(ui, &mut self.lab, self.showing.presenting.is_on(), theme);
        }
        if settings {
            let (controls, variant) = (&mut self.controls, &mut self.link.variant);
            if self.showing.floats {
                controls::float(ui, controls, &mut self.lab, variant, theme);
            } else {
                controls::show(ui, controls, &mut self.lab, variant, theme);
            }
        }
        lesson::show(ui, &mut self.lesson, &mut self.lab, &mut asks, theme);
        self.turn_to(ui);
        let mut wanted = vec![];
        let ground = Frame::new().inner_margin(Margin::same(if self.showing.is_bare() { 0 } else { GAP as i8 }));
        CentralPanel::no_frame().frame(ground).show(ui, |ui| {
            focus::region(ui, focus::Region::Tabs);
            let mut cx = PaneContext { lab: &mut self.lab, link: &mut self.link, theme };
            self.layout.show(ui, &mut self.panes, &mut cx, &mut wanted);
        });
        // What nobody sees is not computed.
        if self.layout.rect_of(PaneKind::Theory).is_none() && self.lab.snapshot().theory.is_some() {
            self.lab.send(Command::SetTheory(None));
        }
        if self.layout.rect_of(PaneKind::Compare).is_none() && self.lab.snapshot().figures.is_some() {
            self.lab.send(Command::SetFigures(false));
        }
        if self.layout.rect_of(PaneKind::Microscope).is_none() && self.lab.snapshot().microscope.is_some() {
            self.lab.send(Command::SetMicroscope(None));
        }
        if let Some(of) = self.link.fork.take() {
            asks.push(Ask::Fork(of));
        }
        if let Some(variant) = self.link.rename.take().or(self.controls.take_rename()) {
            asks.push(Ask::Rename(variant));
        }
        self.take_drawing(&ctx, theme);
        asks.extend(wanted.into_iter().map(|(kind, export)| Ask::Export(kind, export)));
        asks.extend(self.link.asked.drain(..).map(Ask::Do));
        self.spotlight.show(ui, &self.lab, |kind| self.layout.rect_of(kind), &mut self.link, theme);

        self.overlays(ui, &mut asks, theme);
        self.show_over(ui, theme);
        if !asks.is_empty() {
            // What was asked for shows in the next frame.
            ctx.request_repaint();
        }
        for ask in asks {
            self.answer(&ctx, ask);
        }
        self.hold();
        if self.link.changes_next_frame() {
            ctx.request_repaint();
        }
        if self.lab.snapshot().seeking.is_some() {
            ctx.request_repaint_after(Duration::from_millis(100));
        }
    }

    fn save(&mut self, _: &mut dyn eframe::Storage) {
        self.stored.panes = Some(self.showing.views.own(&self.layout).tree().clone());
        self.stored.lessons = self.lab.shelf().clone();
        self.stored.biases_less_median = self.panes.bias.choice();
        self.store.save(&self.stored);
    }

    fn on_exit(&mut self) {
        // No window shows it any more.
        for text in self.lab.close() {
            eprintln!("moebias: {text}");
        }
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        // The panes' ground; what is not a pane is painted.
        let theme = if visuals.dark_mode { &DARK } else { &LIGHT };
        theme.pane.to_normalized_gamma_f32()
    }

    fn persist_egui_memory(&self) -> bool {
        false
    }
}
