//! What the simulations of docs/sizing.md share: random numbers, and the comparison with its tables.

/// Numbers that look random and are the same each time. Source: Steele et al., "Fast splittable pseudorandom number
/// generators", SplitMix64.
pub(super) struct Random(pub(super) u64);

impl Random {
    /// From 0 to 1.
    pub(super) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.next()
    }
}

/// Prints a table, and compares it with the one of this head on the page.
pub(super) fn is_on_the_sizing_page(head: &str, rows: &[String]) {
    println!("{head}");
    rows.iter().for_each(|row| println!("{row}"));
    let page = std::fs::read_to_string(format!("{}/docs/sizing.md", testkit::ROOT)).unwrap();
    let table = page.lines().skip_while(|line| *line != head).skip(2);
    let in_page: Vec<&str> = table.take_while(|line| line.starts_with('|')).collect();
    assert_eq!(in_page, rows, "the table of docs/sizing.md is not what happened");
}
