//! The file itself: a ZIP archive that begins with its own type.

use std::io::{Cursor, Write};

use anyhow::Result;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// An archive in the making.
pub struct Archive(ZipWriter<Cursor<Vec<u8>>>);

impl Archive {
    /// An archive that says what it is in its first bytes, as readers expect.
    pub fn new() -> Result<Archive> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        let plain = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        archive.start_file("mimetype", plain)?;
        archive.write_all(b"application/epub+zip")?;
        Ok(Archive(archive))
    }

    /// Adds a file.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let packed = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        self.0.start_file(name, packed)?;
        self.0.write_all(bytes)?;
        Ok(())
    }

    /// Its bytes.
    pub fn finish(self) -> Result<Vec<u8>> {
        Ok(self.0.finish()?.into_inner())
    }
}
