//go:build zerolog

package main

import "github.com/rs/zerolog"

type zerologWay struct{ output }

var ways = map[string]way{
	"zerolog":     &zerologWay{},
	"zerolog_64k": &zerologWay{output{buffered: true}},
}

func (w *zerologWay) open(path string) error {
	zerolog.TimeFieldFormat = timeFormat
	zerolog.TimestampFieldName = "@timestamp"
	return w.openFile(path)
}

func (w *zerologWay) thread() func(string, int) {
	log := zerolog.New(&w.output).Level(zerolog.InfoLevel).With().Timestamp().Str("log.logger", "orders.api").
		Str("ecs.version", "1.2.0").Str("process.thread.name", "weft_bench").
		Str("request_id", requestID).Str("user", user).Str("tenant", tenant).Logger()
	r10 := func(e *zerolog.Event, i int) {
		e.Str("order_id", orderID).Str("customer", customer).Str("payment", payment).Float64("amount", amount).
			Str("currency", currency).Int("items", items).Int("latency_us", latency(i)).Int("shard", shard).
			Bool("gift", gift).Str("path", path).Msg(message)
	}
	return func(kind string, i int) {
		switch kind {
		case "R10":
			r10(log.Info(), i)
		case "OFF":
			r10(log.Debug(), i)
		default:
			log.Info().Msg(escOr(kind))
		}
	}
}
