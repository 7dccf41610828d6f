// pino: one measurement a process, with the arguments and the answer of weft_bench. One thread: workers have loggers,
// and files, of their own.
'use strict';
const fs = require('node:fs');
const { performance } = require('node:perf_hooks');
const pino = require('pino');

const BATCHES = 20;
const WARM_NS = 0.5e9;
const korean = '주문이 접수됨 고객님';
const block = `${korean}\t"a" "bc" "def" "ghij" the quick brown fox jumps over the lazy dog while the weaver carries `
  + 'the thread from warp to warp, and back again\t';
const workload = {
  message: 'order accepted',
  escMessage: block.repeat(5) + korean + ' and that is the end of the story that this message has to tell: nothing more, '
    + 'nothing less, and quite some bytes more than it would need',
};
const context = { request_id: '7f1c0d52-3e0b-4b8e-9a64-5c1f2a7be310', user: 'u-1029384', tenant: 'acme-eu' };

function options(argv) {
  const found = { kind: 'R10', to: '/dev/null', records: '100000', pace: '-1', hold: '0' };
  for (let i = 0; i < argv.length; i++) {
    const name = argv[i].slice(2);
    found[name] = name === 'count' ? true : argv[++i];
  }
  return found;
}

const destinations = {
  pino: { sync: true },
  pino_8k: { sync: true, minLength: 8192 },
  pino_async: { sync: false, minLength: 4096 },
};

function fields(i) {
  return {
    order_id: '3f2504e0-4f89-41d3-9a0c-0305e82c3301', customer: 'Maria Schneider', payment: 'visa-4242', amount: 1234.56,
    currency: 'EUR', items: 3, latency_us: 20000 + (i % 10000), shard: 17, gift: true, path: '/api/v1/orders/checkout',
  };
}

// A function that logs the i-th record.
function call(log, kind) {
  switch (kind) {
    case 'R10': return (i) => log.info(fields(i), workload.message);
    case 'OFF': return (i) => log.debug(fields(i), workload.message);
    case 'ESC': return () => log.info(workload.escMessage);
    default: return () => log.info(workload.message);
  }
}

const nowNs = () => performance.now() * 1e6;

// pino's queue is emptied between turns of the event loop, as in a service: a turn is a batch.
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function warmUp(one, count) {
  const begin = nowNs();
  let done = 0;
  while (done < count || nowNs() - begin < WARM_NS) {
    for (let i = 0; i < 1000; i++) one(i);
    done += 1000;
    await turn();
  }
  return done;
}

async function batches(one, count) {
  const size = Math.max(1, Math.floor(count / BATCHES));
  let busy = 0;
  let best = 1e18;
  for (let done = 0; done < count; done += size) {
    const n = Math.min(size, count - done);
    const begin = nowNs();
    for (let i = 0; i < n; i++) one(i);
    const ns = nowNs() - begin;
    busy += ns;
    if (n === size) best = Math.min(best, ns / n);
    await turn();
  }
  return { ns_per_call: busy / count, ns_best_batch: best };
}

function percentiles(name, samples) {
  samples.sort();
  const at = (share) => Number(samples[samples.length - 1 - Math.floor(samples.length * share)]);
  return { [`${name}_p50`]: at(0.5), [`${name}_p99`]: at(0.01), [`${name}_p999`]: at(0.001), [`${name}_max`]: at(0) };
}

async function paced(one, count, pace) {
  const calls = new BigInt64Array(count);
  const clock = new BigInt64Array(100000);
  const now = process.hrtime.bigint;
  for (let i = 0; i < clock.length; i++) {
    const begin = now();
    clock[i] = now() - begin;
  }
  const step = BigInt(pace);
  let late = 0;
  let due = now();
  for (let i = 0; i < count; i++, due += step) {
    let begin = now();
    if (step && begin - due >= step) late++;
    while (begin < due) begin = now();
    begin = now();
    one(i);
    calls[i] = now() - begin;
    if (i % 1000 === 999) await turn();
  }
  return { ...percentiles('call', calls), ...percentiles('clock', clock), pace_ns: pace, late: late / count };
}

async function main() {
  const wish = options(process.argv.slice(2));
  const destination = pino.destination({ dest: wish.to, ...destinations[wish.way] });
  await new Promise((resolve) => destination.once('ready', resolve));
  const begun = BigInt(Date.now()) * 1000000n - process.hrtime.bigint();
  const time = () => { // to the microsecond, as weft's
    const micros = (begun + process.hrtime.bigint()) / 1000n;
    return `,"@timestamp":"${new Date(Number(micros / 1000n)).toISOString().slice(0, -1)}${String(micros % 1000n).padStart(3, '0')}Z"`;
  };
  const log = pino({
    base: { 'log.logger': 'orders.api', 'ecs.version': '1.2.0', 'process.thread.name': 'weft_bench' },
    messageKey: 'message', timestamp: time,
    formatters: { level: (label) => ({ 'log.level': label }) },
  }, destination).child(context);
  const one = call(log, wish.kind);
  const count = Number(wish.records);
  const warm = await warmUp(one, Math.min(count, 20000));
  destination.flushSync();
  const begin = nowNs();
  const result = Number(wish.pace) >= 0 ? await paced(one, count, Number(wish.pace)) : await batches(one, count);
  destination.flushSync();
  const rate = (count * 1e9) / (nowNs() - begin);
  const rss = Number(/VmHWM:\s*(\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]);
  fs.writeSync(1, `${JSON.stringify({
    way: wish.way, kind: wish.kind, threads: 1, records: count, lines: count + warm, ...result, records_per_s: rate,
    rss_max_kib: rss, pinned: false,
  })}\n`);
  if (Number(wish.hold)) await new Promise((resolve) => setTimeout(resolve, 1000 * Number(wish.hold)));
  destination.end();
}

main();
