fn total(lines: Vec<u32>) -> u32 { let mut unused = 3; lines.iter().sum() }
fn main() {
    let lines = vec![1, 2];
    let a = total(lines);
    println!("{a} {}", lines.len());
    let x: u32 = "pen";
}
