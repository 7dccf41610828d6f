import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CyclicBarrier;

/**
 * The peers in Java: one measurement a process, with the arguments and the answer of weft_bench. What is measured comes
 * after as many records again, and at least 1 s of them, so that the code is compiled.
 */
final class Bench {
    private static final int BATCHES = 20;
    private static final long WARM_NS = 1_000_000_000L;
    private static final Map<String, String> options = new HashMap<>();

    private final Way way;
    private final String kind;
    private final int threads;
    private final int count;
    private final int pace;
    private final StringBuilder text = new StringBuilder();
    private long warm;
    private long busy;
    private double best;

    private Bench(Way way) {
        this.way = way;
        kind = options.getOrDefault("kind", "R10");
        threads = number("threads", 1);
        count = number("records", 100_000);
        pace = number("pace", -1);
    }

    private static int number(String name, int otherwise) {
        return options.containsKey(name) ? Integer.parseInt(options.get(name)) : otherwise;
    }

    private void warmUp() {
        long begin = System.nanoTime();
        int step = Math.max(1, count / 20);
        long done = 0;
        while (done < count || System.nanoTime() - begin < WARM_NS) {
            way.run(kind, step);
            done += step;
        }
        synchronized (this) {
            warm += done;
        }
    }

    private void batches() {
        int size = Math.max(1, count / BATCHES);
        long begin = System.nanoTime();
        long before = begin;
        double quietest = 1e18;
        for (int done = 0; done < count; done += size) {
            int n = Math.min(size, count - done);
            way.run(kind, n);
            long now = System.nanoTime();
            if (n == size) quietest = Math.min(quietest, (double) (now - before) / n);
            before = now;
        }
        synchronized (this) {
            busy += before - begin;
            best += quietest / threads;
        }
    }

    private static void percentiles(StringBuilder text, String name, long[] samples) {
        Arrays.sort(samples);
        int n = samples.length;
        text.append(String.format(Locale.ROOT, "\"%s_p50\":%d,\"%s_p99\":%d,\"%s_p999\":%d,\"%s_max\":%d,", name,
            samples[n / 2], name, samples[n - 1 - n / 100], name, samples[n - 1 - n / 1000], name, samples[n - 1]));
    }

    private void paced() {
        long[] calls = new long[count];
        long[] clock = new long[100_000];
        for (int i = 0; i < clock.length; i++) {
            long begin = System.nanoTime();
            clock[i] = System.nanoTime() - begin;
        }
        long late = 0;
        long due = System.nanoTime();
        for (int i = 0; i < count; i++, due += pace) {
            long begin = System.nanoTime();
            if (pace > 0 && begin - due >= pace) late++;
            while (begin < due) begin = System.nanoTime();
            begin = System.nanoTime();
            way.run(kind, 1);
            calls[i] = System.nanoTime() - begin;
        }
        percentiles(text, "call", calls);
        percentiles(text, "clock", clock);
        text.append(String.format(Locale.ROOT, "\"pace_ns\":%d,\"late\":%.4f,", pace, (double) late / count));
    }

    private void thread(CyclicBarrier start) {
        try {
            Thread.currentThread().setName("weft_bench");
            way.thread();
            warmUp();
            start.await();
            if (pace >= 0) {
                paced();
            } else {
                batches();
            }
        } catch (Exception e) {
            e.printStackTrace();
            System.exit(1);
        }
    }

    private static long rssMaxKib() throws Exception {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmHWM:")) return Long.parseLong(line.replaceAll("\\D", ""));
        }
        return 0;
    }

    private String measure() throws Exception {
        long[] began = new long[1];
        CyclicBarrier start = new CyclicBarrier(threads, () -> began[0] = System.nanoTime());
        Thread[] all = new Thread[threads];
        for (int i = 0; i < threads; i++) (all[i] = new Thread(() -> thread(start))).start();
        for (Thread one : all) one.join();
        int hold = number("hold", 0);
        if (hold == 0) way.close();
        long end = System.nanoTime();
        double records = (double) threads * count;
        String head = String.format(Locale.ROOT, "{\"way\":\"%s\",\"kind\":\"%s\",\"threads\":%d,\"records\":%.0f,\"lines\":%.0f,",
            options.get("way"), kind, threads, records, records + warm);
        if (pace < 0) text.append(String.format(Locale.ROOT, "\"ns_per_call\":%.3f,\"ns_best_batch\":%.3f,", busy / records, best));
        return head + text + String.format(Locale.ROOT, "\"records_per_s\":%.0f,\"rss_max_kib\":%d,\"pinned\":false}",
            records * 1e9 / (end - began[0]), rssMaxKib());
    }

    static void main(String[] arguments, Map<String, Way> ways) throws Exception {
        for (int i = 0; i < arguments.length; i++) {
            String name = arguments[i].substring(2);
            options.put(name, name.equals("count") ? "" : arguments[++i]);
        }
        Way way = ways.get(options.get("way"));
        way.open(options.getOrDefault("to", "/dev/null"));
        System.out.println(new Bench(way).measure());
        Thread.sleep(1000L * number("hold", 0));
        System.exit(0);
    }
}
