//! Writing scenarios: short, with comments, without defaults, and always in the same form, so that two files can be compared.

use super::read::{default_source, ron};
use super::view::View;
use super::{Recorded, Scenario, VERSION};
use moebias_model::change::Event;
use moebias_model::config::{Balancer, Router, Source, Synthetic, TraceSource, Variant};
use moebias_model::learn::settings::{Learning, World};
use moebias_model::settings::reading::Reading;
use serde::Serialize;
use std::fmt::Write;

const HEADER: &str = "\
// A Moebias scenario. Open it with: moebias FILE
// What is left out has its default value. An event applies before its step is routed.
";

const RECORDED: &str = "    // What the recorded run came to. Check it with: moebias replay FILE --verify\n";

/// The text of a scenario file.
///
/// ```
/// use moebias_files::{Scenario, load_text, to_text};
/// use moebias_model::config::{Experiment, Source, Synthetic, Variant};
///
/// let source = Source::Synthetic(Synthetic { skew: 2.0, ..Synthetic::default() });
/// let experiment = Experiment { seed: 7, source, variants: vec![Variant::default()] };
/// let scenario = Scenario::from_experiment("A skewed batch", experiment);
/// let text = to_text(&scenario);
/// assert!(text.contains("title: \"A skewed batch\""));
/// assert_eq!(load_text(&text, "skewed.ron", "".as_ref())?.scenario, scenario);
/// # Ok::<(), moebias_files::FileError>(())
/// ```
#[must_use]
pub fn to_text(scenario: &Scenario) -> String {
    let Scenario { title, summary, look_for, seed, source, variants, events, stop, speed, start, view, recorded } =
        scenario;
    let mut out = String::from(HEADER);
    let mut line = |name: &str, value: &str| out.push_str(&format!("    {name}: {value},\n"));
    line("version", &VERSION.to_string());
    line("title", &value(title));
    for (name, text) in [("summary", summary), ("look_for", look_for)] {
        if !text.is_empty() {
            line(name, &value(text));
        }
    }
    line("seed", &seed.to_string());
    if *source != default_source() {
        line("source", &source_text(source));
    }
    line("variants", &list(variants.iter().map(variant_text)));
    if !events.is_empty() {
        line("events", &list(events.iter().map(event_text)));
    }
    if let Some(stop) = stop {
        line("stop", &stop.to_string());
    }
    if let Some(speed) = speed {
        line("speed", &value(speed));
    }
    if let Some(start) = start {
        line("start", &value(start));
    }
    if let Some(view) = view {
        line("view", &view_text(view));
    }
    if let Some(r) = recorded {
        out.push_str(RECORDED);
        out.push_str(&format!("    recorded: {},\n", recorded_text(r)));
    }
    out.insert_str(HEADER.len(), "(\n");
    out.push_str(")\n");
    out
}

/// Writes a value as RON.
fn value<T: Serialize + ?Sized>(value: &T) -> String {
    // Strings, numbers and plain structs can always be written.
    ron().to_string(value).unwrap_or_default()
}

fn list(items: impl Iterator<Item = String>) -> String {
    let mut out = String::from("[\n");
    for item in items {
        // Writing to a string cannot fail.
        writeln!(out, "        {item},").ok();
    }
    out.push_str("    ]");
    out
}

/// Collects `name: value` for the fields that differ from their defaults.
struct Fields(Vec<String>);

impl Fields {
    fn new() -> Self {
        Self(vec![])
    }

    fn field<T: Serialize + PartialEq>(&mut self, name: &str, now: &T, default: &T) {
        if now != default {
            self.0.push(format!("{name}: {}", value(now)));
        }
    }

    fn text(&self) -> String {
        format!("({})", self.0.join(", "))
    }
}

fn source_text(source: &Source) -> String {
    match source {
        Source::Synthetic(s) => format!("Synthetic{}", synthetic_text(s)),
        Source::Fixed(s) => format!("Fixed{}", synthetic_text(s)),
        Source::Trace(TraceSource { file, layer, reading }) => {
            let mut f = Fields(vec![format!("file: {}", value(file))]);
            f.0.extend(layer.as_ref().map(|layer| format!("layer: {}", value(layer))));
            if !reading.is_plain() {
                f.0.push(format!("reading: {}", reading_text(reading)));
            }
            format!("Trace{}", f.text())
        }
        Source::Learning(w) => format!("Learning{}", world_text(w)),
    }
}

// Structs are destructured field by field, so that a new setting that is not written here causes a compile error.
fn reading_text(r: &Reading) -> String {
    let Reading { kind, axes, top_k, experts, gate, gated, step, tokens, leave_out, token_ids, from_bias, also, sum } =
        r;
    let d = Reading::default();
    let mut f = Fields::new();
    f.field("kind", kind, &d.kind);
    f.field("axes", axes, &d.axes);
    f.field("top_k", top_k, &d.top_k);
    f.field("experts", experts, &d.experts);
    f.field("gate", gate, &d.gate);
    f.field("gated", gated, &d.gated);
    f.field("step", step, &d.step);
    f.field("tokens", tokens, &d.tokens);
    f.field("leave_out", leave_out, &d.leave_out);
    f.field("token_ids", token_ids, &d.token_ids);
    f.field("from_bias", from_bias, &d.from_bias);
    f.field("also", also, &d.also);
    f.field("sum", sum, &d.sum);
    f.text()
}

fn synthetic_text(s: &Synthetic) -> String {
    let Synthetic { batch, topics, skew, noise, drift, burst } = s;
    let d = Synthetic::default();
    let mut f = Fields::new();
    f.field("batch", batch, &d.batch);
    f.field("topics", topics, &d.topics);
    f.field("skew", skew, &d.skew);
    f.field("noise", noise, &d.noise);
    f.field("drift", drift, &d.drift);
    f.field("burst", burst, &d.burst);
    f.text()
}

fn world_text(w: &World) -> String {
    let World { batch, topics, domains, skew, rich, kinship, common, noise, target_noise, drift, burst } = w;
    let d = World::default();
    let mut f = Fields::new();
    f.field("batch", batch, &d.batch);
    f.field("topics", topics, &d.topics);
    f.field("domains", domains, &d.domains);
    f.field("skew", skew, &d.skew);
    f.field("rich", rich, &d.rich);
    f.field("kinship", kinship, &d.kinship);
    f.field("common", common, &d.common);
    f.field("noise", noise, &d.noise);
    f.field("target_noise", target_noise, &d.target_noise);
    f.field("drift", drift, &d.drift);
    f.field("burst", burst, &d.burst);
    f.text()
}

fn learning_text(l: &Learning) -> String {
    let Learning { optimiser, expert_rate, router_rate, horizon, gating, auxiliary, alpha, z_loss, sequence, batches } =
        l;
    let d = Learning::default();
    let mut f = Fields::new();
    f.field("optimiser", optimiser, &d.optimiser);
    f.field("expert_rate", expert_rate, &d.expert_rate);
    f.field("router_rate", router_rate, &d.router_rate);
    f.field("horizon", horizon, &d.horizon);
    f.field("gating", gating, &d.gating);
    f.field("auxiliary", auxiliary, &d.auxiliary);
    f.field("alpha", alpha, &d.alpha);
    f.field("z_loss", z_loss, &d.z_loss);
    f.field("sequence", sequence, &d.sequence);
    f.field("batches", batches, &d.batches);
    f.text()
}

fn variant_text(v: &Variant) -> String {
    let Variant { name, router, balancer, learning } = v;
    let Router { experts, top_k, gate, groups, capacity, shared, renormalise, scale } = router;
    let Balancer { rule, rate, schedule, centred, freeze, momentum, steepness, derivative, .. } = balancer;
    let Balancer { zero_experts, real_experts, average, iterations, .. } = balancer;
    let (r, b) = (Router::default(), Balancer::default());
    let mut out = Fields::new();
    // A name made from the settings is not written, since reading makes it again.
    if let Some(given) = name.typed().or(name.written()) {
        out.0.push(format!("name: {}", value(given)));
    }
    if name.typed().is_some() {
        out.0.push("keep_name: true".into());
    }
    let mut f = Fields::new();
    f.field("experts", experts, &r.experts);
    f.field("top_k", top_k, &r.top_k);
    f.field("gate", gate, &r.gate);
    f.field("groups", groups, &r.groups);
    f.field("capacity", capacity, &r.capacity);
    f.field("shared", shared, &r.shared);
    f.field("renormalise", renormalise, &r.renormalise);
    f.field("scale", scale, &r.scale);
    if !f.0.is_empty() {
        out.0.push(format!("router: {}", f.text()));
    }
    let mut f = Fields::new();
    f.field("rule", rule, &b.rule);
    f.field("rate", rate, &b.rate);
    f.field("schedule", schedule, &b.schedule);
    f.field("centred", centred, &b.centred);
    f.field("freeze", freeze, &b.freeze);
    f.field("momentum", momentum, &b.momentum);
    f.field("steepness", steepness, &b.steepness);
    f.field("derivative", derivative, &b.derivative);
    f.field("zero_experts", zero_experts, &b.zero_experts);
    f.field("real_experts", real_experts, &b.real_experts);
    f.field("average", average, &b.average);
    f.field("iterations", iterations, &b.iterations);
    if !f.0.is_empty() {
        out.0.push(format!("balancer: {}", f.text()));
    }
    if !learning.is_default() {
        out.0.push(format!("learning: {}", learning_text(learning)));
    }
    out.text()
}

pub(super) fn event_text(event: &Event) -> String {
    let Event { step, target, change } = event;
    format!("(step: {step}, target: {}, change: {})", value(target), value(change))
}

fn view_text(view: &View) -> String {
    let View { columns, widths, maximised, hidden, zoom, rows, cells, section, expert } = view;
    let d = View::default();
    let mut f = Fields::new();
    f.field("columns", columns, &d.columns);
    f.field("widths", widths, &d.widths);
    f.field("maximised", maximised, &d.maximised);
    f.field("hidden", hidden, &d.hidden);
    f.field("zoom", zoom, &d.zoom);
    f.field("rows", rows, &d.rows);
    f.field("cells", cells, &d.cells);
    f.field("section", section, &d.section);
    f.field("expert", expert, &d.expert);
    f.text()
}

fn recorded_text(r: &Recorded) -> String {
    let Recorded { steps, digest, engine, app_version } = r;
    format!("(steps: {steps}, digest: \"{digest}\", engine: {}, app_version: {})", value(engine), value(app_version))
}
