use super::*;
use image::{AnimationDecoder, Frame};

const SIZE: (u32, u32) = (61, 43);

/// A picture like a screen: a flat background, and a growing strip of many shades.
fn picture(at: u32) -> Vec<u8> {
    let mut rgba = vec![];
    for y in 0..SIZE.1 {
        for x in 0..SIZE.0 {
            let strip = (10..30).contains(&y) && x < 7 + at * 9;
            let pixel = if strip { [(x * 4) as u8, (y * 6) as u8, (x * y + at) as u8] } else { [23, 28, 36] };
            rgba.extend([pixel[0], pixel[1], pixel[2], 255]);
        }
    }
    rgba
}

fn film(format: Format, path: &Path, pictures: &[u32]) -> u64 {
    let mut reel = Reel::new(format, path, SIZE, 20).unwrap();
    pictures.iter().for_each(|&i| reel.push(&picture(i)).unwrap());
    reel.finish(path).unwrap()
}

fn milliseconds(frame: &Frame) -> u32 {
    let (n, d) = frame.delay().numer_denom_ms();
    n / d
}

#[test]
fn webp_gives_every_pixel_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.webp");
    film(Format::WebP, &path, &[0, 1, 1, 2, 4, 0]);
    let file = io::BufReader::new(std::fs::File::open(&path).unwrap());
    let decoder = image::codecs::webp::WebPDecoder::new(file).unwrap();
    let frames = decoder.into_frames().collect_frames().unwrap();
    assert_eq!(frames.len(), 5, "the same picture twice is one frame shown longer");
    for (frame, i) in frames.iter().zip([0, 1, 2, 4, 0]) {
        // This decoder blends opaque pixels with a rounded reciprocal and gives one less than was written. Browsers copy them.
        let off = frame.buffer().as_raw().iter().zip(picture(i)).map(|(a, b)| a.abs_diff(b)).max();
        assert!(off <= Some(1), "frame {i}: {off:?}");
    }
    let shown: Vec<u32> = frames.iter().map(milliseconds).collect();
    assert_eq!(shown, [50, 100, 50, 50, 1050]);
}

#[test]
fn gif_keeps_flat_colours_exactly_and_the_rest_nearly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.gif");
    film(Format::Gif, &path, &[0, 1, 2, 5, 3]);
    let mut options = ::gif::DecodeOptions::new();
    options.set_color_output(::gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(std::fs::File::open(&path).unwrap()).unwrap();
    let mut canvas: Vec<u8> = vec![0; (SIZE.0 * SIZE.1 * 4) as usize];
    let mut at = 0;
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        for (i, pixel) in frame.buffer.chunks_exact(4).enumerate().filter(|(_, p)| p[3] > 0) {
            let (x, y) = (i % frame.width as usize, i / frame.width as usize);
            let place = (y + frame.top as usize) * SIZE.0 as usize + x + frame.left as usize;
            canvas[place * 4..place * 4 + 4].copy_from_slice(pixel);
        }
        let wanted = picture([0, 1, 2, 5, 3][at]);
        for (a, b) in canvas.chunks_exact(4).zip(wanted.chunks_exact(4)) {
            let off = (0..3).map(|i| a[i].abs_diff(b[i])).max().unwrap();
            assert!(off <= if b[..3] == [23, 28, 36] { 0 } else { 40 }, "frame {at}: {a:?} for {b:?}");
        }
        at += 1;
    }
    assert_eq!(at, 5);
}

#[test]
fn what_is_given_up_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("frames");
    let mut reel = Reel::new(Format::Pngs, &path, SIZE, 20).unwrap();
    reel.push(&picture(0)).unwrap();
    assert!(reel.push(&[0; 12]).is_err(), "a picture of another size");
    drop(reel);
    assert!(!path.exists());
    film(Format::Pngs, &path, &[0, 1]);
    assert_eq!(std::fs::read_dir(&path).unwrap().count(), 2);
    // A film over an existing one that is given up, and then a shorter one.
    let first = std::fs::read(path.join("frame-0000.png")).unwrap();
    let mut reel = Reel::new(Format::Pngs, &path, SIZE, 20).unwrap();
    reel.push(&picture(3)).unwrap();
    drop(reel);
    assert_eq!(std::fs::read(path.join("frame-0000.png")).unwrap(), first);
    film(Format::Pngs, &path, &[3]);
    assert_eq!(std::fs::read_dir(&path).unwrap().count(), 1);
    assert_ne!(std::fs::read(path.join("frame-0000.png")).unwrap(), first);
    let gif = folder.path().join("a.gif");
    let mut reel = Reel::new(Format::Gif, &gif, SIZE, 20).unwrap();
    reel.push(&picture(0)).unwrap();
    drop(reel);
    assert!(!gif.exists());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(Reel::new(Format::WebP, &folder.path().join("no/a.webp"), SIZE, 20).is_err(), "said before the work");
}

#[test]
fn steps_of_a_film_end_where_it_was_asked() {
    assert_eq!(steps(0, 10, 4).unwrap(), [0, 4, 8, 10]);
    assert_eq!(steps(5, 5, 1).unwrap(), [5]);
    assert!(steps(9, 8, 1).unwrap_err().contains("before the beginning"));
    let said = steps(0, 9000, 1).unwrap_err();
    assert!(said.contains("9001 frames") && said.contains("every 4th"), "{said}");
    let said = steps(0, MOST_STEP + 1, 100_000).unwrap_err();
    assert!(said.contains("would take days"), "{said}");
    assert_eq!(steps(0, 9000, 4).unwrap().len(), 2251);
}

#[test]
fn a_path_says_the_format() {
    let of = |p: &str| Format::of(Path::new(p));
    assert_eq!(
        [of("a.gif"), of("a.WEBP"), of("frames/"), of("a.mp4")],
        [Some(Format::Gif), Some(Format::WebP), Some(Format::Pngs), None]
    );
}
