//! Numbered pictures in a folder that replace those of an earlier film together: until the last one is written, the earlier ones are kept.

use super::staged::{folder_of, sync_folder};
use super::temporary::{self, Listed};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Pictures that are being written for a folder. If this is dropped before [`Self::finish`], nothing is left behind.
#[derive(Debug)]
pub struct Frames {
    target: PathBuf,
    beside: Listed,
    _lock: File,
    count: usize,
    bytes: u64,
}

fn name(number: usize) -> String {
    format!("frame-{number:04}.png")
}

/// The number of a picture with a name made by [`name`]; `None` for other names.
fn number(name: &str) -> Option<usize> {
    let digits = name.strip_prefix("frame-")?.strip_suffix(".png")?;
    (digits.len() >= 4 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
}

impl Frames {
    /// Starts writing pictures for `folder`, whose parent folders are created if they are missing.
    ///
    /// # Errors
    /// `folder` is a file, or a folder that can't be written to.
    pub fn new(folder: &Path) -> io::Result<Self> {
        if fs::metadata(folder).is_ok_and(|m| !m.is_dir()) {
            return Err(io::Error::new(io::ErrorKind::NotADirectory, "it is a file, not a folder"));
        }
        let target = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let parent = folder_of(&target);
        fs::create_dir_all(parent)?;
        // On the same disk as the target: inside it if it exists, since it may be a mount point.
        let within = if target.is_dir() { &target } else { parent };
        let (beside, lock) = temporary::folder(within)?;
        Ok(Self { target, beside, _lock: lock, count: 0, bytes: 0 })
    }

    /// Writes the next picture.
    ///
    /// # Errors
    /// The operating system could not write it.
    pub fn push(&mut self, png: &[u8]) -> io::Result<()> {
        let mut file = File::create_new(self.beside.path().join(name(self.count)))?;
        file.write_all(png)?;
        // A full disk is noticed here, while the earlier pictures are still there.
        file.sync_data()?;
        self.count += 1;
        self.bytes += png.len() as u64;
        Ok(())
    }

    /// Moves the pictures into the folder and deletes those of an earlier film; other files in the folder stay. Returns their size in bytes.
    ///
    /// # Errors
    /// The operating system could not move or delete a file.
    pub fn finish(self) -> io::Result<u64> {
        temporary::unlock(self.beside.path())?;
        sync_folder(self.beside.path())?;
        if !self.target.exists() {
            fs::rename(self.beside.path(), &self.target)?;
            self.beside.keep();
            sync_folder(folder_of(&self.target))?;
            return Ok(self.bytes);
        }
        // Renaming within a disk needs no free space.
        for i in 0..self.count {
            fs::rename(self.beside.path().join(name(i)), self.target.join(name(i)))?;
        }
        for entry in fs::read_dir(&self.target)?.filter_map(Result::ok) {
            if number(&entry.file_name().to_string_lossy()).is_some_and(|n| n >= self.count) {
                fs::remove_file(entry.path())?;
            }
        }
        sync_folder(&self.target)?;
        Ok(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn film(folder: &Path, pictures: &[&str]) -> io::Result<u64> {
        let mut frames = Frames::new(folder)?;
        pictures.iter().try_for_each(|p| frames.push(p.as_bytes()))?;
        frames.finish()
    }

    fn content(folder: &Path) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap())
            .map(|e| (e.file_name().to_string_lossy().into_owned(), fs::read_to_string(e.path()).unwrap()))
            .collect();
        all.sort();
        all
    }

    #[test]
    fn a_shorter_film_leaves_nothing_of_a_longer_one() {
        let at = tempfile::tempdir().unwrap();
        let folder = at.path().join("new/film");
        assert_eq!(film(&folder, &["one", "two", "three"]).unwrap(), 11);
        fs::write(folder.join("notes.txt"), "mine").unwrap();
        fs::write(folder.join("frame-mine.png"), "mine").unwrap();
        film(&folder, &["1", "2"]).unwrap();
        let all = content(&folder);
        let all: Vec<(&str, &str)> = all.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
        assert_eq!(
            all,
            [("frame-0000.png", "1"), ("frame-0001.png", "2"), ("frame-mine.png", "mine"), ("notes.txt", "mine")]
        );
    }

    #[test]
    fn what_is_given_up_leaves_the_earlier_film_whole() {
        let at = tempfile::tempdir().unwrap();
        let folder = at.path().join("film");
        film(&folder, &["one", "two"]).unwrap();
        let before = content(&folder);
        let mut frames = Frames::new(&folder).unwrap();
        frames.push(b"other").unwrap();
        drop(frames);
        assert_eq!(content(&folder), before);
        let none = at.path().join("none");
        drop(Frames::new(&none).unwrap());
        assert!(!none.exists());
        assert_eq!(fs::read_dir(at.path()).unwrap().count(), 1, "no temporary folder is left");
        fs::write(&none, "a file").unwrap();
        assert!(Frames::new(&none).is_err());
    }
}
