//go:build zap

package main

import (
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

type zapWay struct{ output }

var ways = map[string]way{
	"zap":     &zapWay{},
	"zap_64k": &zapWay{output{buffered: true}},
}

func (w *zapWay) open(path string) error { return w.openFile(path) }

func (w *zapWay) thread() func(string, int) {
	config := zap.NewProductionEncoderConfig()
	config.TimeKey, config.MessageKey, config.LevelKey, config.NameKey = "@timestamp", "message", "log.level", "log.logger"
	config.EncodeTime = zapcore.TimeEncoderOfLayout(timeFormat)
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(config), &w.output, zap.InfoLevel)).Named("orders.api").
		With(zap.String("ecs.version", "1.2.0"), zap.String("process.thread.name", "weft_bench"),
			zap.String("request_id", requestID), zap.String("user", user), zap.String("tenant", tenant))
	return func(kind string, i int) {
		switch kind {
		case "R10":
			log.Info(message, fields(i)...)
		case "OFF": // the idiom for a call that is mostly off
			if entry := log.Check(zap.DebugLevel, message); entry != nil {
				entry.Write(fields(i)...)
			}
		default:
			log.Info(escOr(kind))
		}
	}
}

func fields(i int) []zap.Field {
	return []zap.Field{zap.String("order_id", orderID), zap.String("customer", customer), zap.String("payment", payment),
		zap.Float64("amount", amount), zap.String("currency", currency), zap.Int("items", items),
		zap.Int("latency_us", latency(i)), zap.Int("shard", shard), zap.Bool("gift", gift), zap.String("path", path)}
}
