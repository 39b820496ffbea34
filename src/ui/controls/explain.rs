//! The words about each rule, auxiliary loss and way to route: equation, idea, what to watch for, source, and how the source was read.

mod rules;

use crate::ui::kit::style::{SMALL, mono, text};
use crate::ui::kit::theme::Theme;
use eframe::egui::{self, RichText, Ui};

pub(super) use rules::of_rule;

/// The words about a rule, an auxiliary loss or a way to route.
pub(super) struct About {
    /// Its name in lists.
    pub name: &'static str,
    /// Its equation.
    pub equation: &'static str,
    /// Its idea.
    pub idea: &'static str,
    /// What to watch for.
    pub watch: &'static str,
    /// Where it comes from; `None` where there is nothing to cite.
    pub source: Option<Source>,
}

/// A paper, a post or a repository.
pub(super) struct Source {
    /// Its name, shown as a link.
    pub name: &'static str,
    /// Its address.
    pub url: &'static str,
    /// How sure we are of what it says: whether it was read, and where.
    pub read: &'static str,
}

/// Group-limited routing.
pub(super) const GROUPS: About = About {
    name: "Groups",
    equation: "Gⱼ = two best s + b of group j\ntop-K in the best groups",
    idea: "A group stands for the experts of one node: fewer kept groups mean less traffic between nodes. DeepSeek-V3 keeps 4 of 8 \
           groups of 32.",
    watch: "A bias that raises one expert raises its whole group. Keep fewer and MaxVio jumps.",
    source: Some(Source {
        name: "DeepSeek-V3 technical report",
        url: "https://arxiv.org/abs/2412.19437",
        read: "read in its code and text",
    }),
};

/// Capacity and dropping.
pub(super) const CAPACITY: About = About {
    name: "Capacity",
    equation: "Cap = ⌈T·K/E · factor⌉",
    idea: "An expert keeps at most Cap tokens of a batch; the others skip it. By score it keeps the tokens with the highest scores there, by position the first ones. \
           Runs on the CPU only.",
    watch: "Loads show what is kept, so no bar exceeds the capacity; the balancer sees every token that chose the expert, or it would \
            take a full expert for a fair one. The dropped share falls as the biases work.",
    source: Some(Source {
        name: "Switch Transformers",
        url: "https://arxiv.org/abs/2101.03961",
        read: "capacity from general knowledge; both ways to drop as Megatron-LM’s code has them",
    }),
};

/// Draws equation, idea, what to watch for and source under a heading that is folded at first.
pub(super) fn paragraph(ui: &mut Ui, theme: &Theme, about: &About) {
    let title = RichText::new(format!("About: {}", about.name)).font(text(SMALL)).color(theme.dim);
    egui::CollapsingHeader::new(title).id_salt(about.name).show(ui, |ui| told(ui, theme, about));
}

/// Draws the same without a heading, always visible.
pub(super) fn told(ui: &mut Ui, theme: &Theme, about: &About) {
    ui.label(RichText::new(about.equation).font(mono(SMALL)).color(theme.text));
    for words in [about.idea, about.watch] {
        ui.add(egui::Label::new(RichText::new(words).font(text(SMALL)).color(theme.dim)).wrap());
    }
    if let Some(Source { name, url, read }) = about.source {
        ui.hyperlink_to(RichText::new(name).font(text(SMALL)), url).on_hover_text(format!("{url}\n{read}"));
    }
    ui.add_space(4.0);
}
