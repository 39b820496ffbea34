//! `moebias convert`: writes a recording of any readable format as safetensors, with everything that was decided about it.

use super::ConvertArgs;
use super::failure::Failure;
use super::output;
use super::progress::while_waiting;
use moebias_disk::Staged;
use moebias_files::{FileError, recorded};
use moebias_recordings::ConvertError;
use std::io::{BufWriter, Write as _};

pub(super) fn convert(args: &ConvertArgs) -> Result<(), Failure> {
    let Some((output, files)) = args.files.split_last().filter(|(_, files)| !files.is_empty()) else {
        return Err(Failure::Usage("name the recording and the file to write: moebias convert IN… OUT".into()));
    };
    let name = output.display().to_string();
    if output.extension().is_none_or(|e| e != "safetensors") {
        return Err(Failure::Usage(format!(
            "{name}: recordings are written as safetensors, so the name must end in .safetensors"
        )));
    }
    let mut all = files.to_vec();
    all.extend(args.reading.files(&files[0]).into_iter().skip(1));
    let reading = args.reading.reading();
    let text = while_waiting("Converting", || {
        let mut recording = recorded::open(&all, &reading)?;
        if let Some(layer) = args.reading.layer() {
            let layer = recorded::layer_of(&recording, layer)?.clone();
            recording.layers = vec![layer];
        }
        let unwritten = |e: &std::io::Error| FileError::write(&name, e);
        let staged = Staged::new(output).map_err(|e| unwritten(&e))?;
        let mut out = BufWriter::with_capacity(1 << 20, staged);
        recording.write(&reading, &mut out).map_err(|e| match e {
            ConvertError::Read(e) => FileError::from(e),
            ConvertError::Write(e) => unwritten(&e),
        })?;
        out.flush().map_err(|e| unwritten(&e))?;
        let staged = out.into_inner().map_err(|e| unwritten(e.error()))?;
        staged.finish().map_err(|e| unwritten(&e))?;
        let layers = output::counted(recording.layers.len() as u64, "layer");
        Ok::<_, FileError>(format!("Wrote {layers} of {} to {name}\n", recording.kind))
    })?;
    output::print(&text)
}
