//! An output like that of a program which stores a session in a file and prints everything.

/// What differs from one run to the next.
#[derive(Debug, Clone)]
pub struct Run {
    /// The session's id, and that of another session.
    pub ids: [String; 2],
    /// When the session was created, when it was stored, and when it was opened again.
    pub times: [u64; 3],
    /// The random number in the file.
    pub version: u64,
    /// The port of the server.
    pub port: u16,
}

impl Run {
    pub fn first() -> Run {
        Run {
            ids: ["bd3f".repeat(8), "0a71".repeat(8)],
            times: [1_763_890_000_123_456, 1_763_890_000_123_999, 1_763_890_000_200_000],
            version: 0x1122_3344_5566_7788,
            port: 40123,
        }
    }

    pub fn second() -> Run {
        Run {
            ids: ["c04e".repeat(8), "ffa9".repeat(8)],
            times: [1_770_000_000_999_999, 1_770_000_001_000_000, 1_770_000_003_000_001],
            version: 7,
            port: 9,
        }
    }

    pub fn output(&self) -> String {
        let [id, other] = &self.ids;
        let [created, _, opened] = self.times.map(seconds);
        let signature = "s1".repeat(21) + "-";
        [
            "$ cargo run --example 3_session_file".to_owned(),
            format!("Session ID: {id}"),
            map(&created, &created),
            String::new(),
            "File storage session".to_owned(),
            format!("Session ID: {id}"),
            map(&opened, &created),
            String::new(),
            tree("container_file", id),
            format!("Another session: {other}"),
            format!("http://localhost:{}/ Set-Cookie: id={id}.{signature}; Path=/", self.port),
            dump(&self.file()),
            "Error: the session has no `Russian`".to_owned(),
            "[exit status: 1]\n".to_owned(),
        ]
        .join("\n")
    }

    /// The bytes of the session's file.
    pub fn file(&self) -> Vec<u8> {
        let [created, stored, _] = self.times.map(u64::to_le_bytes);
        let payload = [&created[..], &created[..], b"Suomi: Kimi R\xc3\xa4ikk\xc3\xb6nen"].concat();
        let after = [&stored[..], &u64::MAX.to_le_bytes(), &payload].concat();
        let checksum = crc32fast::hash(&[b"\x01\x01", &after[..]].concat());
        let record = [b"\x01\x01", &checksum.to_le_bytes()[..], &after].concat();
        let content = [&self.version.to_le_bytes()[..], &0u64.to_le_bytes(), &record].concat();
        let checksum = crc32fast::hash(&content);
        [b"BKF1", &checksum.to_le_bytes()[..], &content].concat()
    }
}

pub fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

fn map(accessed: &str, created: &str) -> String {
    format!(
        "{{\n    \"Deutschland\": \"Sebastian Vettel\",\n    \"Suomi\": \"Kimi Räikkönen\",\n    \
         \"_accessed_time\": {accessed},\n    \"_creation_time\": {created},\n}}"
    )
}

fn tree(root: &str, id: &str) -> String {
    let (first, second) = (&id[..1], &id[..2]);
    format!(
        "cache\n├── {root}\n│   └── {first}\n│       └── {second}\n\
         │           └── {id}.cache\n└── container_file_lock\n    └── {second}\n        └── {id}.lock"
    )
}

/// As `hexdump -C` prints it.
pub fn dump(bytes: &[u8]) -> String {
    let lines = bytes.chunks(16).enumerate().map(|(index, bytes)| {
        let mut line = format!("{:08x} ", index * 16);
        for (at, byte) in bytes.iter().enumerate() {
            line += &format!("{}{byte:02x}", if at == 8 { "  " } else { " " });
        }
        let text: String = bytes
            .iter()
            .map(|&byte| if matches!(byte, 32..=126) { char::from(byte) } else { '.' })
            .collect();
        format!("{line:<58}  |{text}|")
    });
    lines.chain([format!("{:08x}", bytes.len())]).collect::<Vec<_>>().join("\n")
}
