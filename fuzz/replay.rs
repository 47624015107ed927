// Included by the tests of the library and of the tool.

use std::path::Path;

/// Calls `run` with each input of this corpus, and with none.
pub fn replay(name: &str, run: fn(&[u8])) {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let directory = above.map(|it| it.join("fuzz/corpus").join(name)).find(|it| it.is_dir());
    let mut count = 0;
    for entry in std::fs::read_dir(directory.expect("it is committed")).expect("it is readable") {
        let file = entry.expect("it is readable").path();
        run(&std::fs::read(file).expect("it is readable"));
        count += 1;
    }
    assert!(count > 0);
    run(&[]);
}
