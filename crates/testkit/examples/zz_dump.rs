use chinwag_testkit::world::run;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let r = run(a[1].parse().unwrap(), None);
    println!("{:?} {:?}", r.counts, r.converged_after_ms);
    for v in &r.violations {
        println!("VIOL {v}");
    }
    for rec in r.ledger.records() {
        let s = format!("{rec:?}");
        if a[2..].iter().all(|f| s.contains(f.as_str())) {
            println!("{} {:?} {:?}", rec.at_ms % 100000000, rec.device, rec.entry);
        }
    }
}
