// What propagation costs in OpenTelemetry Go, over the headers that bench/propagate.c has.
package main

import (
	"context"
	"fmt"
	"net/http"
	"sort"
	"time"

	"go.opentelemetry.io/otel/propagation"
)

const (
	rounds     = 41
	operations = 20000
)

func headers() http.Header {
	all := http.Header{}
	all.Set("host", "orders:8080")
	all.Set("user-agent", "curl/7.88.1")
	all.Set("accept", "application/json")
	all.Set("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	all.Set("tracestate", "vendor=abc,other=00f067aa0ba902b7")
	all.Set("baggage", "tenant=acme,user=u%201,plan=gold")
	all.Set("x-request-id", "4e4bf37c-1d3a-4c2e-9f21-0a1b2c3d4e5f")
	return all
}

func measure(what string, operation func()) {
	var took [rounds]float64
	for round := range took {
		begun := time.Now()
		for i := 0; i < operations; i++ {
			operation()
		}
		took[round] = float64(time.Since(begun).Nanoseconds()) / operations
	}
	sort.Float64s(took[:])
	fmt.Printf("%-56s %7.0f %7.0f\n", what, took[0], took[rounds/2])
}

var kept context.Context

func main() {
	// It has no request id: that of weft is in weft's figures alone.
	both := propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
	carrier := propagation.HeaderCarrier(headers())
	measure("OpenTelemetry Go: extract the first three", func() { kept = both.Extract(context.Background(), carrier) })
	out := propagation.HeaderCarrier(http.Header{})
	measure("OpenTelemetry Go: inject the first three", func() { both.Inject(kept, out) })
}
