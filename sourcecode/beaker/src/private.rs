//! Files and folders for the user alone that this process runs as: 0600 and 0700, whatever the umask.
//!
//! A record is a visitor's session, so another user of the machine must neither read it nor write it.
//! What is there already keeps its mode: whoever made it may have had reasons.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

/// Options that create files of mode 0600, and that refuse a symbolic link at the path: somebody else
/// may have put it there, so that we write into a file of their choice.
pub(crate) fn options() -> OpenOptions {
    #[cfg_attr(not(unix), allow(unused_mut, reason = "other systems have no modes"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;
        // A pipe at the path is an error at once, and not a wait for somebody at its other end.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(flags.bits().cast_signed());
    }
    options
}

/// Reads a whole file, which is no symbolic link.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // It makes room for the size of the file by itself.
    options().read(true).open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Makes a folder and those above it where they are missing, each of mode 0700.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
