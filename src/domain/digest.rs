//! Fingerprints that stand up to people: what is sealed, chained or kept as a key's stand-in.

use sha2::{Digest, Sha256};

/// SHA-256 of some bytes, in 64 hex digits.
#[must_use]
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    let mut running = Running::default();
    running.update(bytes);
    running.hex()
}

/// SHA-256 of what comes piece by piece.
#[derive(Clone, Debug, Default)]
pub struct Running(Sha256);

impl Running {
    /// The next piece.
    pub fn update(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.update(bytes);
    }

    /// Of all pieces, in 64 hex digits.
    #[must_use]
    pub fn hex(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-2, appendix B.1.
    #[test]
    fn the_standard_s_own_example() {
        assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
