//! Threads, clocks and the report.
use crate::{context, esc_message, run, Output};
use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

const BATCHES: u64 = 20;

/// Counts allocations, once it was told to.
struct Counting;
static COUNTING: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if COUNTING.load(Relaxed) {
            ALLOCATIONS.fetch_add(1, Relaxed);
        }
        System.alloc(layout)
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        System.dealloc(pointer, layout)
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Lap {
    begin: Instant,
    end: Instant,
    best: f64,
}

struct Plan {
    kind: String,
    records: u64,
    threads: u64,
    pace: Option<u64>,
    esc: String,
}

fn batches(plan: &Plan) -> Lap {
    let size = (plan.records / BATCHES).max(1);
    let begin = Instant::now();
    let (mut before, mut best, mut done) = (begin, 1e18_f64, 0);
    while done < plan.records {
        let n = size.min(plan.records - done);
        run(&plan.kind, n, &plan.esc);
        let now = Instant::now();
        if n == size {
            best = best.min((now - before).as_nanos() as f64 / n as f64);
        }
        before = now;
        done += size;
    }
    Lap { begin, end: before, best }
}

fn percentiles(text: &mut String, name: &str, samples: &mut [u64]) {
    samples.sort_unstable();
    let n = samples.len();
    for (label, at) in [("p50", n / 2), ("p99", n - 1 - n / 100), ("p999", n - 1 - n / 1000), ("max", n - 1)] {
        write!(text, "\"{name}_{label}\":{},", samples[at]).unwrap();
    }
}

fn paced(plan: &Plan, pace_ns: u64) -> String {
    let pace = Duration::from_nanos(pace_ns);
    let mut clock = vec![0; 100_000];
    for sample in clock.iter_mut() {
        let begin = Instant::now();
        *sample = begin.elapsed().as_nanos() as u64;
    }
    let mut calls = vec![1; plan.records as usize];
    let (mut late, mut due) = (0, Instant::now());
    for sample in calls.iter_mut() {
        let mut begin = Instant::now();
        if pace_ns > 0 && begin.saturating_duration_since(due) >= pace {
            late += 1;
        }
        while begin < due {
            begin = Instant::now();
        }
        begin = Instant::now();
        run(&plan.kind, 1, &plan.esc);
        *sample = begin.elapsed().as_nanos() as u64;
        due += pace;
    }
    let mut text = String::new();
    percentiles(&mut text, "call", &mut calls);
    percentiles(&mut text, "clock", &mut clock);
    write!(text, "\"pace_ns\":{pace_ns},\"late\":{:.4},", late as f64 / plan.records as f64).unwrap();
    text
}

fn rss_max_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or("VmHWM: 0");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn thread(plan: &Plan, start: &Barrier) -> (Lap, String) {
    let span = context();
    let _inside = span.enter();
    run(&plan.kind, warm(plan), &plan.esc);
    ALLOCATIONS.store(0, Relaxed);
    start.wait();
    match plan.pace {
        Some(pace) => {
            let begin = Instant::now();
            let text = paced(plan, pace);
            (Lap { begin, end: Instant::now(), best: 0.0 }, text)
        }
        None => (batches(plan), String::new()),
    }
}

fn warm(plan: &Plan) -> u64 {
    plan.records / 20 + 100
}

fn report(way: &str, plan: &Plan, laps: &[(Lap, String)], drained: Instant) {
    let all = (plan.records * plan.threads) as f64;
    let begin = laps.iter().map(|(lap, _)| lap.begin).min().unwrap();
    let busy: u128 = laps.iter().map(|(lap, _)| (lap.end - lap.begin).as_nanos()).sum();
    let best: f64 = laps.iter().map(|(lap, _)| lap.best / plan.threads as f64).sum();
    let lines = (plan.records + warm(plan)) * plan.threads;
    print!("{{\"way\":\"{way}\",\"kind\":\"{}\",\"threads\":{},\"records\":{all},\"lines\":{lines},", plan.kind, plan.threads);
    print!("{}", laps[0].1);
    if plan.pace.is_none() {
        print!("\"ns_per_call\":{:.3},\"ns_best_batch\":{best:.3},", busy as f64 / all);
    }
    if COUNTING.load(Relaxed) {
        print!("\"allocations_per_record\":{:.3},", ALLOCATIONS.load(Relaxed) as f64 / all);
    }
    let rate = all / (drained - begin).as_secs_f64();
    println!("\"records_per_s\":{rate:.0},\"rss_max_kib\":{},\"pinned\":false}}", rss_max_kib());
}

pub fn main() {
    let mut options: HashMap<String, String> = HashMap::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = if name == "--count" { String::new() } else { arguments.next().unwrap_or_default() };
        options.insert(name[2..].to_string(), value);
    }
    let number = |name: &str, otherwise| options.get(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let text = |name: &str, otherwise: &str| options.get(name).cloned().unwrap_or(otherwise.to_string());
    let plan = Arc::new(Plan {
        kind: text("kind", "R10"),
        records: number("records", 100_000),
        threads: number("threads", 1),
        pace: options.get("pace").and_then(|text| text.parse().ok()),
        esc: esc_message(),
    });
    COUNTING.store(options.contains_key("count"), Relaxed);
    let way = text("way", "tracing");
    let output = Output::open(&way, &text("to", "/dev/null"));
    let start = Arc::new(Barrier::new(plan.threads as usize));
    let threads: Vec<_> = (0..plan.threads)
        .map(|_| {
            let (plan, start) = (plan.clone(), start.clone());
            let named = std::thread::Builder::new().name("weft_bench".into());
            named.spawn(move || thread(&plan, &start)).unwrap()
        })
        .collect();
    let laps: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    let hold: u64 = number("hold", 0);
    if hold == 0 {
        output.drain();
    }
    report(&way, &plan, &laps, Instant::now());
    std::thread::sleep(Duration::from_secs(hold));
}
