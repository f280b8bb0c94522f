//! The demo catalogue as a part of the program: its image contains no other file.

use std::{fs, io, path::Path};

use include_dir::{Dir, include_dir};

static PRODUCTS: &[u8] = include_bytes!("../../../devstack/catalogue/products.csv");
static IMAGES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../devstack/catalogue/images");

/// Writes `catalogue.csv` and the pictures in `images/` into `dir`, which is created where it is
/// missing. Existing files are overwritten.
pub(crate) fn write(dir: &Path) -> io::Result<()> {
    let images = dir.join("images");
    fs::create_dir_all(&images)?;
    fs::write(dir.join("catalogue.csv"), PRODUCTS)?;
    IMAGES.extract(images)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_written_with_all_pictures_and_again_over_the_first() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        write(dir.path()).expect("the first time");
        write(dir.path()).expect("again");
        let read = |path: &str| fs::read(dir.path().join(path)).expect(path);
        assert_eq!(read("catalogue.csv"), PRODUCTS);
        assert!(IMAGES.files().count() > 200, "{} pictures", IMAGES.files().count());
        for picture in IMAGES.files() {
            assert_eq!(read(&format!("images/{}", picture.path().display())), picture.contents());
        }
    }
}
