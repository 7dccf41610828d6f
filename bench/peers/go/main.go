// The peers in Go: one measurement a process, with the arguments and the answer of weft_bench.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

const batches = 20

// A way to get a record out. Each thread logs through a logger of its own, with the context bound to it.
type way interface {
	open(path string) error
	thread() func(kind string, i int) // logs the i-th record
	drain()                           // what was logged is handed to the operating system
}

type lap struct {
	begin, end time.Time
	best       float64 // nanoseconds a record, of the quietest batch
}

func run(log func(string, int), kind string, count int) lap {
	size := max(1, count/batches)
	result := lap{begin: time.Now(), best: 1e18}
	before := result.begin
	for done := 0; done < count; done += size {
		n := min(size, count-done)
		for i := range n {
			log(kind, i)
		}
		now := time.Now()
		if n == size {
			result.best = min(result.best, float64(now.Sub(before).Nanoseconds())/float64(n))
		}
		before = now
	}
	result.end = before
	return result
}

func percentiles(name string, samples []int64) string {
	slices.Sort(samples)
	n := len(samples)
	return fmt.Sprintf(`"%s_p50":%d,"%s_p99":%d,"%s_p999":%d,"%s_max":%d,`, name, samples[n/2], name, samples[n-1-n/100],
		name, samples[n-1-n/1000], name, samples[n-1])
}

// One call each `pace`, each timed; returns what is to be printed.
func paced(log func(string, int), kind string, count int, pace time.Duration) string {
	calls, clock := make([]int64, count), make([]int64, 100_000)
	for i := range clock {
		begin := time.Now()
		clock[i] = time.Since(begin).Nanoseconds()
	}
	late, due := 0, time.Now()
	for i := range calls {
		begin := time.Now()
		if pace > 0 && begin.Sub(due) >= pace {
			late++
		}
		for begin.Before(due) {
			begin = time.Now()
		}
		begin = time.Now()
		log(kind, i)
		calls[i] = time.Since(begin).Nanoseconds()
		due = due.Add(pace)
	}
	return percentiles("call", calls) + percentiles("clock", clock) +
		fmt.Sprintf(`"pace_ns":%d,"late":%.4f,`, pace.Nanoseconds(), float64(late)/float64(count))
}

func status(key string) int {
	text, _ := os.ReadFile("/proc/self/status")
	value := 0
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, key); found {
			fmt.Sscan(rest, &value)
		}
	}
	return value
}

func mallocs() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.Mallocs
}

func measure(w way, name, kind string, threads, count int, pace int, counting bool) string {
	warm := count/20 + 100
	logs := make([]func(string, int), threads)
	for t := range logs {
		logs[t] = w.thread()
		run(logs[t], kind, warm)
	}
	w.drain()
	laps := make([]lap, threads)
	var group sync.WaitGroup
	var text strings.Builder
	fmt.Fprintf(&text, `{"way":"%s","kind":"%s","threads":%d,"records":%d,"lines":%d,`, name, kind, threads, threads*count,
		threads*(count+warm))
	before, begin := mallocs(), time.Now()
	if pace >= 0 {
		text.WriteString(paced(logs[0], kind, count, time.Duration(pace)))
		w.drain()
	} else {
		for t := range laps {
			group.Go(func() { laps[t] = run(logs[t], kind, count) })
		}
		group.Wait()
		w.drain()
	}
	all, end := float64(threads*count), time.Now()
	if counting {
		fmt.Fprintf(&text, `"allocations_per_record":%.3f,`, float64(mallocs()-before)/all)
	}
	if pace < 0 {
		busy, best := 0.0, 0.0
		for _, lap := range laps {
			busy += float64(lap.end.Sub(lap.begin).Nanoseconds())
			best += lap.best / float64(threads)
		}
		fmt.Fprintf(&text, `"ns_per_call":%.3f,"ns_best_batch":%.3f,`, busy/all, best)
	}
	fmt.Fprintf(&text, `"records_per_s":%.0f,"rss_max_kib":%d,"pinned":false}`, all/end.Sub(begin).Seconds(), status("VmHWM:"))
	return text.String()
}

func main() {
	name := flag.String("way", "", "the way")
	kind := flag.String("kind", "R10", "R10, R0, ESC or OFF")
	to := flag.String("to", "/dev/null", "file")
	threads := flag.Int("threads", 1, "threads")
	records := flag.Int("records", 100_000, "records of each thread")
	pace := flag.Int("pace", -1, "nanoseconds from call to call, each timed")
	hold := flag.Int("hold", 0, "seconds to stay, idle")
	count := flag.Bool("count", false, "count allocations")
	flag.Parse()
	w, found := ways[*name]
	if !found {
		fmt.Fprintln(os.Stderr, "no such way")
		os.Exit(1)
	}
	if err := w.open(*to); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(measure(w, *name, *kind, *threads, *records, *pace, *count))
	time.Sleep(time.Duration(*hold) * time.Second)
}
