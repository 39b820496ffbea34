//! The fonts: ours are part of the program; for characters that they lack, the system's fonts are searched.

use eframe::egui::epaint::text::{FallbackRequest, FontInsert, FontPriority, FontProvider, InsertFontFamily};
use eframe::egui::{Context, FontData, FontDefinitions, FontFamily};
use fontdb::{Database, FaceInfo, ID, Stretch, Style};
use std::sync::{Arc, LazyLock, OnceLock};

/// The font family of bold text.
pub const SEMIBOLD: &str = "semibold";

/// The system's fonts. They are listed when the first character is needed that our fonts lack, once for all windows and pictures, because
/// listing takes a few hundred milliseconds. A character that no font has is drawn as a box.
#[derive(Default)]
struct System(OnceLock<Listed>);

/// The system's fonts, the plainest first: upright, of ordinary weight and width.
struct Listed {
    fonts: Database,
    order: Vec<ID>,
}

impl Listed {
    fn new() -> Self {
        let mut fonts = Database::new();
        fonts.load_system_fonts();
        let plain = |face: &FaceInfo| {
            let serif = face.post_script_name.contains("Serif");
            let upright = face.style == Style::Normal && face.stretch == Stretch::Normal;
            (!upright, face.weight.0.abs_diff(400), serif, face.monospaced, face.post_script_name.clone())
        };
        let mut faces: Vec<&FaceInfo> = fonts.faces().collect();
        faces.sort_by_key(|face| plain(face));
        let order = faces.into_iter().map(|face| face.id).collect();
        log::debug!("{} fonts of the system", fonts.len());
        Self { fonts, order }
    }
}

impl FontProvider for System {
    fn font_for(&self, request: &FallbackRequest<'_>) -> Option<FontInsert> {
        let letter = request.cluster.chars().next()?;
        let Listed { fonts, order } = self.0.get_or_init(Listed::new);
        // A glyph without an outline is a colour bitmap, which cannot be drawn here.
        let draws = |data: &[u8], index: u32| {
            let face = ttf_parser::Face::parse(data, index).ok()?;
            face.glyph_bounding_box(face.glyph_index(letter)?)
        };
        let has = |id: &&ID| fonts.with_face_data(**id, |data, index| draws(data, index).is_some()) == Some(true);
        let id = *order.iter().find(has)?;
        let (bytes, index) = fonts.with_face_data(id, |data, index| (data.to_vec(), index))?;
        let name = &fonts.face(id)?.post_script_name;
        Some(FontInsert {
            name: format!("system {name} {index}"),
            data: FontData { index, ..FontData::from_owned(bytes) },
            families: vec![InsertFontFamily { family: request.family.clone(), priority: FontPriority::Lowest }],
        })
    }
}

static SYSTEM: LazyLock<Arc<System>> = LazyLock::new(Arc::default);

/// Installs our fonts and the search of the system's fonts.
pub fn install(ctx: &Context) {
    ctx.set_fonts(ours());
    ctx.set_font_providers(vec![SYSTEM.clone()]);
}

fn ours() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let mut add = |name: &str, bytes: &'static [u8]| {
        fonts.font_data.insert(name.into(), Arc::new(FontData::from_static(bytes)));
    };
    add("inter", include_bytes!("../../../assets/fonts/Inter-Regular.otf"));
    add("inter-semibold", include_bytes!("../../../assets/fonts/Inter-SemiBold.otf"));
    add("jetbrains-mono", include_bytes!("../../../assets/fonts/JetBrainsMono-Regular.ttf"));
    let icons = egui_material_icons::font_insert();
    fonts.font_data.insert(icons.name.clone(), Arc::new(icons.data));
    // Characters that Inter lacks come from egui's own fonts, then from the icon font.
    let of = |family| fonts.families.get(family).cloned().unwrap_or_default();
    let rest: Vec<String> = [of(&FontFamily::Proportional), of(&FontFamily::Monospace)].concat();
    let chain = |first: &[&str]| {
        let own = first.iter().map(|s| (*s).to_owned());
        own.chain(rest.iter().cloned()).chain([icons.name.clone()]).collect::<Vec<_>>()
    };
    let families = [
        (FontFamily::Proportional, chain(&["inter"])),
        (FontFamily::Monospace, chain(&["jetbrains-mono", "inter"])),
        (FontFamily::Name(SEMIBOLD.into()), chain(&["inter-semibold", "inter"])),
        (FontFamily::Name(egui_material_icons::FONT_FAMILY.into()), vec![icons.name.clone()]),
    ];
    fonts.families.extend(families);
    fonts
}
