//! What fuzz targets of several crates do with their input.

/// A change of one byte of a text: where, counted from the begin and again from there at the end; the
/// new byte; and whether it replaces the old one, comes before it, or ends the text.
pub type Edit = (u16, u8, u8);

/// Returns `text` after `edits`.
pub fn edited(text: &str, edits: &[Edit]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for &(at, byte, how) in edits {
        let at = usize::from(at) % (bytes.len() + 1);
        match how % 4 {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, byte),
            _ if at < bytes.len() => bytes[at] = byte,
            _ => bytes.push(byte),
        }
    }
    bytes
}

/// Cuts `bytes` into pieces with the lengths of `cuts`, and the rest.
pub fn pieces<'a>(mut bytes: &'a [u8], cuts: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for &cut in cuts {
        let (piece, rest) = bytes.split_at(usize::from(cut).min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces.push(bytes);
    pieces
}

/// Returns a message in its gRPC frame.
pub fn frame(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("a message is short");
    [&[flag][..], &length.to_be_bytes(), message].concat()
}
