//! A cluster's slots: which key is in which.

/// How many there are.
pub(super) const SLOTS: u16 = 16_384;

/// The slot of a key: its CRC-16 (XMODEM). Our keys have no braces, so all of the key counts.
pub(super) fn slot(key: &str) -> u16 {
    let step = |crc: u16, byte: u8| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    };
    key.bytes().fold(0, step) % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_servers() {
        // From `CLUSTER KEYSLOT`.
        assert_eq!(slot("123456789"), 12739);
        assert_eq!(slot("foo"), 12182);
        assert_eq!(slot(""), 0);
    }
}
