//! Carrying out commands: [`Lab::send`] is the one way in, for the window, the palette, lessons and replays alike.

use super::Lab;
use super::command::Command;
use super::notices::Level;
use super::saves::Purpose;
use moebias_engine::EngineChoice;
use moebias_engine::message::Message;

impl Lab {
    /// Carries out a command: most become messages to the worker, whose answers [`Self::poll`] reads. Never waits.
    pub fn send(&mut self, command: Command) {
        if self.dead && self.says_dead(&command) {
            return;
        }
        let before = self.may_change(&command).then(|| (self.run, self.settings.clone()));
        match command {
            // Time
            Command::TogglePlay if self.snapshot.playing => self.post(Message::Pause),
            Command::TogglePlay | Command::Play => self.post(Message::Play),
            Command::Pause => self.post(Message::Pause),
            Command::StepForward(n) => self.post(Message::Step(n)),
            Command::StepBack(n) => self.step_back(n),
            Command::Seek(n) => self.post(Message::Seek(n)),
            Command::SeekStart => self.post(Message::Seek(0)),
            Command::SeekEnd => self.post(Message::Seek(self.snapshot.head)),
            Command::CancelSeek => self.post(Message::CancelSeek),
            Command::SetSpeed(speed) => self.post(Message::Speed(speed)),
            // Settings and variants
            Command::Change { target, change } => self.change(target, vec![change]),
            Command::ChangeTogether { target, changes } => self.change(target, changes),
            Command::Preset { .. }
            | Command::SetExperts(_)
            | Command::SetSeed(_)
            | Command::AddVariant(_)
            | Command::RemoveVariant(_)
            | Command::Reset
            | Command::NewSeed => self.restart(&command),
            Command::Fork(of) => self.fork(of),
            Command::Rename { variant, name } => self.rename(variant, name),
            // Undo
            Command::Undo => self.undo(),
            Command::Redo => self.redo(),
            Command::BringBack => self.bring_back(),
            // Measuring, and what the panes ask for
            Command::Mark => self.mark(),
            Command::SetEngine(choice) => self.set_engine(choice),
            Command::SetView(view) => self.post(Message::View(view)),
            Command::SetTheory(request) => self.post(Message::Theory(request)),
            Command::SetFigures(wanted) => self.post(Message::Figures(wanted)),
            Command::SetMicroscope(request) => self.post(Message::Microscope(request)),
            Command::SetRoutes(request) => self.post(Message::Routes(request)),
            Command::Detail(from, to) => self.post(Message::Detail(from, to)),
            // Files
            Command::ToggleRecord => self.toggle_record(),
            Command::OpenFile(path) => self.open_file(path),
            Command::ShowFolder(folder) => self.show_folder(&folder),
            Command::OpenShipped(id) => self.open_shipped(&id),
            Command::Describe { title, summary } => self.sheet.describe(title, summary),
            Command::SaveAs(path) => self.ask_for(Purpose::Save(path, None)),
            Command::SaveWithView(path, view) => self.ask_for(Purpose::Save(path, Some(view))),
            Command::ExportCsv(path) => self.ask_for(Purpose::Csv(path)),
            Command::CancelJob => self.cancel_job(),
            Command::Restore => self.restore(),
            Command::DiscardUnfinished => self.discard_unfinished(),
            // Recordings
            Command::ShowLayer(name) => self.show_layer(name),
            Command::ReadAs(reading) => self.read_otherwise(None, *reading),
            Command::RouteLayers { variant, on } => self.route_layers(variant, on),
            Command::CompareWith(path) => self.compare_with(path),
            // Sweeps and lessons
            Command::StartSweep(request) => self.start_sweep(&request),
            Command::GoOnWithSweep => self.go_on_with_sweep(),
            Command::CancelSweep => self.cancel_sweep(),
            Command::SaveSweep(path) => self.save_sweep(&path),
            Command::OpenRun(number) => self.open_run(number),
            Command::Lesson(what) => self.in_lesson(what),
        }
        if before.is_some_and(|before| before != (self.run, self.settings.clone())) {
            self.changed_by_hand();
        }
    }

    /// Sends a message to the worker. A message to a worker whose thread has ended is lost; [`Self::poll`] notices that it has ended.
    pub(super) fn post(&mut self, message: Message) {
        self.worker.send(message);
    }

    fn step_back(&mut self, steps: u64) {
        self.post(Message::Pause);
        self.post(Message::Seek(self.snapshot.step.saturating_sub(steps)));
    }

    /// Starts the count for MaxVio_global again at the present step.
    fn mark(&mut self) {
        self.post(Message::Mark);
        self.tell(Level::Info, format!("MaxVio of all loads counts from step {}", self.snapshot.step));
    }

    fn set_engine(&mut self, choice: EngineChoice) {
        self.engine_choice = choice;
        self.post(Message::Engine(choice));
    }
}
