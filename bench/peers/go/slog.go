//go:build slog

package main

import (
	"context"
	"log/slog"
)

type slogWay struct{ output }

var ways = map[string]way{
	"slog":     &slogWay{},
	"slog_64k": &slogWay{output{buffered: true}},
}

func (w *slogWay) open(path string) error { return w.openFile(path) }

func (w *slogWay) thread() func(string, int) {
	log := slog.New(slog.NewJSONHandler(&w.output, &slog.HandlerOptions{Level: slog.LevelInfo})).
		With("log.logger", "orders.api", "ecs.version", "1.2.0", "process.thread.name", "weft_bench",
			"request_id", requestID, "user", user, "tenant", tenant)
	return func(kind string, i int) {
		switch kind {
		case "R10":
			r10(log, slog.LevelInfo, i)
		case "OFF":
			r10(log, slog.LevelDebug, i)
		default:
			log.LogAttrs(context.Background(), slog.LevelInfo, escOr(kind))
		}
	}
}

func r10(log *slog.Logger, level slog.Level, i int) {
	log.LogAttrs(context.Background(), level, message, slog.String("order_id", orderID), slog.String("customer", customer),
		slog.String("payment", payment), slog.Float64("amount", amount), slog.String("currency", currency),
		slog.Int("items", items), slog.Int("latency_us", latency(i)), slog.Int("shard", shard), slog.Bool("gift", gift),
		slog.String("path", path))
}
