//! tracing with its JSON layer: one measurement a process, with the arguments and the answer of weft_bench. The context is a
//! span that each thread is in.
mod harness;

use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::{self, BufWriter, Write};
use std::sync::{Arc, Mutex};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::MakeWriter;

const MESSAGE: &str = "order accepted";
const KOREAN: &str = "주문이 접수됨 고객님";

pub fn esc_message() -> String {
    let block = format!(
        "{KOREAN}\t\"a\" \"bc\" \"def\" \"ghij\" the quick brown fox jumps over the lazy dog while the weaver carries the \
         thread from warp to warp, and back again\t"
    );
    format!(
        "{}{KOREAN} and that is the end of the story that this message has to tell: nothing more, nothing less, and quite \
         some bytes more than it would need",
        block.repeat(5)
    )
}

/// A file that threads share under a lock, with or without a buffer.
#[derive(Clone)]
struct Shared(Arc<Mutex<Box<dyn Write + Send>>>);

impl Write for Shared {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(line)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap().flush()
    }
}

impl<'a> MakeWriter<'a> for Shared {
    type Writer = Shared;
    fn make_writer(&'a self) -> Shared {
        self.clone()
    }
}

fn subscribe<W>(writer: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt().json().with_thread_names(true).with_writer(writer).with_max_level(tracing::Level::INFO).init();
}

/// What must be flushed, or dropped, before the last line is written.
pub struct Output {
    shared: Option<Shared>,
    guard: Mutex<Option<WorkerGuard>>,
}

impl Output {
    pub fn open(way: &str, path: &str) -> Output {
        let file: File = OpenOptions::new().append(true).create(true).open(path).expect("the file");
        if way == "tracing_async" {
            let (writer, guard): (NonBlocking, _) = NonBlockingBuilder::default().lossy(false).finish(file);
            subscribe(writer);
            return Output { shared: None, guard: Mutex::new(Some(guard)) };
        }
        let inner: Box<dyn Write + Send> =
            if way == "tracing_64k" { Box::new(BufWriter::with_capacity(65536, file)) } else { Box::new(file) };
        let shared = Shared(Arc::new(Mutex::new(inner)));
        subscribe(shared.clone());
        Output { shared: Some(shared), guard: Mutex::new(None) }
    }

    /// Everything is written; after that an asynchronous writer takes no more.
    pub fn drain(&self) {
        if let Some(mut shared) = self.shared.clone() {
            shared.flush().unwrap();
        }
        drop(self.guard.lock().unwrap().take());
    }
}

macro_rules! r10 {
    ($level:ident, $i:expr) => {
        tracing::$level!(
            target: "orders.api",
            order_id = black_box("3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
            customer = black_box("Maria Schneider"),
            payment = black_box("visa-4242"),
            amount = black_box(1234.56),
            currency = black_box("EUR"),
            items = black_box(3_i64),
            latency_us = 20000 + $i % 10000,
            shard = black_box(17_i64),
            gift = black_box(true),
            path = black_box("/api/v1/orders/checkout"),
            "{}", MESSAGE
        )
    };
}

pub fn run(kind: &str, records: u64, esc: &str) {
    for i in 0..records {
        match kind {
            "R10" => r10!(info, i),
            "OFF" => r10!(debug, i),
            "ESC" => tracing::info!(target: "orders.api", "{}", black_box(esc)),
            _ => tracing::info!(target: "orders.api", "{}", black_box(MESSAGE)),
        }
    }
}

pub fn context() -> tracing::Span {
    tracing::info_span!("request", request_id = "7f1c0d52-3e0b-4b8e-9a64-5c1f2a7be310", user = "u-1029384", tenant = "acme-eu")
}

fn main() {
    harness::main();
}
