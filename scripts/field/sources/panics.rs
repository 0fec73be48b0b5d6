use std::{thread, time::Duration};
#[derive(Debug)]
#[allow(dead_code)]
struct Order { id: u32, lines: Vec<(String, u32)> }
fn main() {
    eprintln!("starting");
    eprintln!("order {:#?}", Order { id: 7, lines: vec![("pen".into(), 2), ("ink".into(), 1)] });
    thread::sleep(Duration::from_millis(10));
    let _ = thread::Builder::new().name("importer".into()).spawn(|| { let v: Vec<u32> = vec![]; v[3] }).unwrap().join();
    eprintln!("importer is gone");
    thread::sleep(Duration::from_millis(10));
    let _ = thread::spawn(|| panic!("two\nlines of panic")).join();
    eprintln!("error: {:?}", "x".parse::<u32>().unwrap_err());
    thread::sleep(Duration::from_millis(5));
    let r: Result<u32, String> = Err("no config".into());
    r.unwrap();
}
