//! PyTorch's files.

use crate::text::{ids, loads, read, said, scores, zip};
use crate::written::{chosen, counts, logits, written};
use moebias_recordings::{Reading, RecordedKind, Steps, open};

#[test]
fn sglang_records_counts_by_step_by_pass_and_by_token() {
    let recording = written("sglang-stat.pt");
    assert_eq!(loads(&recording), [("0", counts(0, 3)), ("1", counts(1, 3))]);
    assert_eq!(recording.format, "PyTorch");
    let recording = written("sglang-per-pass.pt");
    assert_eq!(loads(&recording), [("0", counts(0, 3)), ("1", counts(1, 3))]);
    assert!(said(&recording).contains("physical experts are turned into logical ones"));
    let recording = written("sglang-per-token.pt");
    assert_eq!(recording.kind, RecordedKind::Selections);
    let layers: Vec<_> = recording.layers.iter().map(|l| (l.name.as_str(), ids(l))).collect();
    assert_eq!(layers, [("1", chosen(0)), ("2", chosen(1))], "layer 0 has no experts");
    let mut tokens: Vec<i64> = vec![];
    recording.layers[0].token_ids.read(0..6, &mut tokens).unwrap();
    assert_eq!((tokens, recording.layers[0].steps), (vec![50, 51, 52, 53, 54, 55], Steps::Of(3)));
}

#[test]
fn tensors_of_every_kind_are_found_by_name_or_place() {
    let recording = written("by-layer.pth");
    let names: Vec<&str> = recording.layers.iter().map(|l| l.name.as_str()).collect();
    assert_eq!((names, recording.meta.top_k), (vec!["3", "4", "12", "13"], Some(2)));
    assert!(recording.layers.iter().all(|layer| scores(layer) == logits()));
    let recording = written("tuple.pt");
    assert_eq!((recording.kind, recording.layers.len()), (RecordedKind::Scores, 2));
    assert!(recording.layers.iter().all(|layer| scores(layer) == logits()));
    assert!(said(&recording).contains("taken for layers") && said(&recording).contains("no names"));
    let recording = written("lists.pt");
    assert_eq!((loads(&recording), recording.meta.top_k), (vec![("0", counts(0, 3)), ("1", counts(1, 3))], Some(2)));
    assert_eq!(loads(&written("steps.pt")), [("0", counts(0, 3))]);
}

fn refused(content: Vec<u8>) -> String {
    read("x.pt", content, &Reading::default()).unwrap_err().what
}

fn pickled(pickle: &[u8]) -> String {
    refused(zip(&[("archive/data.pkl", pickle), ("archive/data/0", &[0; 64])]))
}

#[test]
fn what_is_no_tensor_is_refused_by_name() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/written");
    let refused_file = |name: &str| open(&[folder.join(name)], &Reading::default()).unwrap_err().what;
    assert!(refused_file("module.pt").contains("types.SimpleNamespace"));
    assert!(refused_file("old.pt").contains("save its tensors anew with torch.save"));
    for (pickle, name) in [
        (&b"cos\nsystem\n(X\x04\x00\x00\x00trueU\x00tR."[..], "os.system"),
        (b"cposix\nsystem\nN.", "posix.system"),
        (b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.", "builtins.eval"),
        (b"ctorch.jit\nload\n.", "torch.jit.load"),
    ] {
        let said = pickled(pickle);
        assert!(said.contains(&format!("names {name}, which is not run")), "{said}");
    }
}

#[test]
fn damaged_and_hostile_pickles_are_refused() {
    let tensor = |offset: &str, shape: &str, strides: &str| {
        let storage = "(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x10tQ";
        format!("ctorch._utils\n_rebuild_tensor_v2\n({storage}{offset}({shape}t({strides}t\u{4e}NtR.")
    };
    for (pickle, text) in [
        (tensor("K\x01", "K\x04K\x04", "K\x04K\x01"), "ends after"),
        (tensor("K\x00", "J\u{7f}\u{7f}\u{7f}\u{7f}K\x04", "K\x00K\x01"), "more numbers than are stored"),
        (tensor("K\x00", "K\x04K\x04", "K\x04"), "its pickle is damaged"),
        (tensor("I-1\n", "K\x04K\x04", "K\x04K\x01"), "its pickle is damaged"),
        (tensor("K\x00", "K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01", "K\x01"), "9 axes"),
    ] {
        let named = format!("}}U\x01x{}s.", pickle.trim_end_matches('.'));
        assert!(pickled(named.as_bytes()).contains(text), "{text}: {}", pickled(named.as_bytes()));
    }
    for (pickle, text) in [
        (b"]".repeat(100), "ends too early"),
        (b"(".repeat(100_000), "ends too early"),
        (b"0.".to_vec(), "its pickle is damaged"),
        (b"t.".to_vec(), "its pickle is damaged"),
        (b"h\x05.".to_vec(), "its pickle is damaged"),
        (b"\x8a\xff.".to_vec(), "ends too early"),
        (b"X\xff\xff\xff\xff.".to_vec(), "a text of 4294967295 bytes"),
        (b"\xff.".to_vec(), "the operation 0xff"),
        (b"K\x01.".to_vec(), "it holds no tensor"),
        // Lists in one another: deep, in a circle, and ten times ten times ten …
        ([b"]".repeat(100_000), b"a".repeat(99_999), b".".to_vec()].concat(), "nests them too deep"),
        (b"]q\x00h\x00a.".to_vec(), "nests them too deep"),
        (
            [b"]q\x00".to_vec(), b"]q\x01(h\x00h\x00h\x00h\x00h\x00h\x00h\x00h\x00eq\x00".repeat(20), b".".to_vec()]
                .concat(),
            "too many values",
        ),
        (b"N\x94".repeat(3 << 20), "remembers more than"),
        ([b"N".repeat(5 << 20), b".".to_vec()].concat(), "operations"),
    ] {
        let said = pickled(&pickle);
        assert!(said.contains(text), "{text}: {said}");
    }
}

#[test]
fn damaged_archives_are_refused() {
    let whole = std::fs::read(crate::cases::case("expert_distribution_recorder_0.pt")).unwrap();
    for length in (0..whole.len()).step_by(7) {
        assert!(!refused(whole[..length].to_vec()).is_empty());
    }
    for at in 0..whole.len() {
        for flip in [1, 0x80, 0xff] {
            let mut other = whole.clone();
            other[at] ^= flip;
            if let Ok(recording) = read("x.pt", other, &Reading::default()) {
                assert!(!recording.layers.is_empty());
            }
        }
    }
    assert!(refused(zip(&[("archive/data.pkl", b"}."), ("archive/byteorder", b"big")])).contains("big-endian"));
    assert!(refused(zip(&[("readme", b"x")])).contains("without data.pkl"));
    assert!(refused(b"\x80\x02}.".to_vec()).contains("a pickle by itself"));
    assert!(refused(b"GIF89a".to_vec()).contains("no PyTorch file"));
}
